"""Pairs and the kernel of one temperature: rates, out-scattering, and sums of the shifts.

With T_ab(z) for the basis functions a of the initial and b of the final energy, and x, y the energies of the points
that a and b belong to (one energy for all functions, or a function for each energy),

    P_ab(i, j)   = strength_xy(i, j) T_ab(z_xy),
    out_ac(i)    = sum_j sum_b strength_xy(i, j) T_acb(z_xy),
    jump_a(i)    = sum_j sum_b shift_xy(i, j) T_ab(z_xy).

T is symmetric in its functions, unless the kernel is that of absorption or of emission alone: then P_ab(i, j) of one is
P_ba(j, i) of the other, and only both together make the operator symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..energy.basis import BOTH
from ..energy.kernel import Kernel
from .block import Block, PairChannel


@dataclass(frozen=True)
class Contraction:
    """What A x B pairs make, summed over the channels.

    Attributes
    ----------
    rates : (m, m, A, B)
        P for each function of the row and of the column.
    out_rows, out_columns : (A, m, m), (B, m, m)
        Out-scattering between different functions, of the row and of the column points.
    jump_rows, jump_columns : (A, m, R), (B, m, R)
        Sums of the shifts over the other points, as they stand in the block.
    """

    rates: np.ndarray
    out_rows: np.ndarray
    out_columns: np.ndarray
    jump_rows: np.ndarray
    jump_columns: np.ndarray


def contract(block: Block, kernel: Kernel) -> Contraction | None:
    """The contraction of a block, or None where it is beyond the reach; sums for the columns only if it is mirrored."""
    found = [_contract(c, kernel, block.mirrored) for c in block.channels if c.nearest <= kernel.cutoff]
    if not found:
        return None
    total = found[0]
    for other in found[1:]:
        for mine, more in zip(vars(total).values(), vars(other).values(), strict=True):
            mine += more
    return total


def _contract(channel: PairChannel, kernel: Kernel, mirrored: bool) -> Contraction:
    look_up = _levels if channel.z.dtype == np.uint16 else _series
    values, out_rows, out_columns = look_up(channel, kernel, mirrored)
    m, one = kernel.size, len(channel.strength) == 1
    alike = kernel.process == BOTH
    # one energy: the shift is the same for all functions of the final one, and T symmetric or not
    fewer = one and m > 1
    into = values.sum(axis=1, keepdims=True) if fewer else values
    back = values.sum(axis=0)[:, None] if fewer and mirrored and not alike else None
    jump_rows, jump_columns = (np.empty((x, m, len(channel.shift))) for x in values.shape[2:])
    for axis, shift in enumerate(channel.shift):
        over_columns, over_rows = both_sums(shift * into, mirrored and back is None)
        if back is not None:
            _, over_rows = both_sums(shift * back, mirrored)
        jump_rows[:, :, axis] = over_columns.sum(axis=1).T
        jump_columns[:, :, axis] = over_rows.sum(axis=1 if one else 0).T
    return Contraction(
        np.multiply(values, channel.strength, out=values), out_rows, out_columns, jump_rows, jump_columns
    )


def _levels(channel: PairChannel, kernel: Kernel, mirrored: bool):
    """Kernel (m, m, A, B) and out-scattering from tables, for points of one energy: the latter, and the former of both
    absorption and emission, symmetric in the functions."""
    m, (a, b) = kernel.size, channel.z.shape[2:]
    pair, out, back = kernel.tables()
    level = channel.z[0, 0].astype(np.intp)  # once for all tables
    values = np.empty((m, m, a, b), dtype=np.float32)
    sums = np.zeros((a, m, m)), np.zeros((b, m, m))
    for i in range(m):
        for j in range(i, m):
            np.take(pair[i, j], level, out=values[i, j], mode="clip")
            if i == j:
                continue
            if kernel.process == BOTH:
                values[j, i] = values[i, j]
                found = both_sums(channel.strength[0, 0] * out[i, j].take(level), mirrored)
            else:
                np.take(pair[j, i], level, out=values[j, i], mode="clip")
                over_columns, _ = both_sums(channel.strength[0, 0] * out[i, j].take(level), False)
                _, over_rows = both_sums(channel.strength[0, 0] * back[i, j].take(level), mirrored)
                found = over_columns, over_rows
            for total, part in zip(sums, found, strict=True):
                total[:, i, j] = total[:, j, i] = part
    return values, *sums


def _series(channel: PairChannel, kernel: Kernel, mirrored: bool):
    """The same from the series of the phonons, for points with an energy for each function.

    Out-scattering is linear in the polynomials of the phonon energy: these are summed over the final points first.
    """
    m, (a, b) = kernel.size, channel.z.shape[2:]
    values, several = np.zeros(channel.z.shape), m > 1
    out_rows, out_columns = np.zeros((a, m, m)), np.zeros((b, m, m))
    for factor, y, series in kernel.phonons(channel.z, triple=several):
        weighted, here = channel.strength * factor, np.zeros(channel.z.shape)
        moments = []
        for coefficients, polynomial in zip(series.pair, series.polynomials(y), strict=True):
            here += coefficients[:, :, None, None] * polynomial
            if several:
                moments.append(both_sums(weighted * polynomial, mirrored))
        values += np.multiply(here, factor, out=here)
        if several:
            rows, columns = (np.array(x) for x in zip(*moments, strict=True))
            out_rows += np.einsum("kabi,kacb->iac", rows, series.triple, optimize=True)
            out_columns += np.einsum("kabj,kbda->jbd", columns, series.back, optimize=True)
    elastic = kernel.elastic(channel.z[range(m), range(m)])
    if elastic is not None:
        values[range(m), range(m)] += elastic
    return values, out_rows, out_columns


def both_sums(values: np.ndarray, both: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sums of (..., A, B) over columns and over rows (the latter only if `both`, else zero), by matrix products."""
    *lead, rows, columns = values.shape
    over_columns = (values.reshape(-1, columns) @ np.ones(columns, values.dtype)).reshape(*lead, rows)
    return over_columns, np.ones(rows, values.dtype) @ values if both else np.zeros((*lead, columns), values.dtype)


@dataclass(frozen=True)
class RowSums:
    """Sums over the columns of blocks for the points of their rows, with one kernel.

    Attributes
    ----------
    rates : ndarray, shape (m, A, r)
        ``sum_j sum_b P_ab(i, j) right_b(j)``.
    out : ndarray, shape (A, m, m)
        ``sum_j out_ac(i, j) right(j)`` between different functions, of the first column of `right`.
    shifts : ndarray, shape (R, m, A, s)
        ``sum_j shift(i, j) sum_a T_ab right_b(j)`` for each b, of the first s columns of `right`; of the first one
        ``sum_j shift(i, j) sum_b T_ab right_b(j)`` for each a, the same where T is symmetric and that column is one for
        all functions.
    back : ndarray, shape (C,)
        Of all column points, ``sum_i left(i) P(i, j)`` of one function; nothing (C = 0) of several.
    """

    rates: np.ndarray
    out: np.ndarray
    shifts: np.ndarray
    back: np.ndarray

    @classmethod
    def none(cls, right, rows: int, components: int, shifted: int) -> RowSums:
        """Empty ones, of `right` (m, C, r) for all column points, its first columns `shifted` as well."""
        m, points, columns = right.shape
        shifts = np.zeros((components, m, rows, shifted))
        return cls(np.zeros((m, rows, columns)), np.zeros((rows, m, m)), shifts, np.zeros(points if m == 1 else 0))


def add_row_sums(
    sums: list[RowSums], block: Block, kernels: list[Kernel], left: np.ndarray, right: list[np.ndarray]
) -> None:
    """Add a block of pairs of one energy to the sums of several kernels; `left` (A,) for the rows of the block, and
    `right` (m, C, r) of each kernel for all column points."""
    for channel in block.channels:
        level = channel.z[0, 0].astype(np.intp)
        for total, kernel, values in zip(sums, kernels, right, strict=True):
            if channel.nearest <= kernel.cutoff:
                _add(total, channel, level, kernel, left, values[:, block.columns], total.back[block.columns])


def _add(total: RowSums, channel: PairChannel, level, kernel: Kernel, left, values, back) -> None:
    (pair, out, _), alike = kernel.tables(), kernel.process == BOTH
    strength, shift = channel.strength[0, 0], channel.shift[:, 0, 0]
    looked_up: dict[tuple[int, int], np.ndarray] = {}

    def kernel_of(a, b):
        key = (min(a, b), max(a, b)) if alike else (a, b)
        if key not in looked_up:
            looked_up[key] = pair[key].take(level)
        return looked_up[key]

    shifted = total.shifts.shape[-1]
    for b, right in enumerate(values):
        each = [kernel_of(a, b) for a in range(len(values))]
        for a, here in enumerate(each):
            rates = strength * here
            total.rates[a] += rates @ right
            if len(back):
                back += left @ rates
        into = (shift * (each[0] if len(each) == 1 else np.sum(each, axis=0))) @ right[:, :shifted]
        if not alike:
            into[..., 0] = 0.0
            for a, here in enumerate(each):
                total.shifts[:, a, :, 0] += (shift * here) @ right[:, 0]
        total.shifts[:, b] += into
        for a in range(b):
            found = (strength * out[a, b].take(level)) @ right[:, 0]
            total.out[:, a, b] += found
            total.out[:, b, a] += found
