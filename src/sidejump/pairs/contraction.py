"""A block of pairs of one shared shell with the kernel of one temperature: rates and their sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..energy.kernel import SharedKernel
from .geometry import SharedBlock


@dataclass(frozen=True)
class Contraction:
    """What a block of A x B pairs and m basis functions make, summed over the channels.

    Attributes
    ----------
    rates : dict of (i, j) to (A, B)
        P for each two basis functions i <= j, in which it is symmetric; empty if no channel is within reach.
    out_rows, out_columns : (A, m, m), (B, m, m)
        Out-scattering between different basis functions, of the row and of the column points.
    jump_rows, jump_columns : (A, m, d), (B, m, d)
        Sums of the shifts of the pairs over the other points, as they stand in the block.
    """

    rates: dict[tuple[int, int], np.ndarray]
    out_rows: np.ndarray
    out_columns: np.ndarray
    jump_rows: np.ndarray
    jump_columns: np.ndarray


def contract_shared(block: SharedBlock, kernel: SharedKernel, size: int, mirrored: bool) -> Contraction:
    """Contract a block with a kernel for `size` basis functions; sums for the columns only if `mirrored`."""
    counts = [s.stop - s.start for s in (block.rows, block.columns)]
    d = len(block.channels[0][1])
    rates: dict[tuple[int, int], np.ndarray] = {}
    out = [np.zeros((n, size, size)) for n in counts]
    jump = [np.zeros((n, size, d)) for n in counts]
    for strength, shift, level, nearest in block.channels:
        if nearest > kernel.cutoff:
            continue
        level = level.astype(np.intp)  # once for all tables
        into: list = [0.0] * size
        for i in range(size):
            for j in range(i, size):
                value = kernel.pair[i, j].take(level)
                into[i] = into[i] + value
                if i != j:
                    into[j] = into[j] + value
                    sums = both_sums(strength * kernel.out[i, j].take(level), mirrored)
                    for total, part in zip(out, sums, strict=True):
                        total[:, i, j] += part
                        total[:, j, i] += part
                p = value * strength
                rates[i, j] = p if (i, j) not in rates else rates[i, j] + p
        for i in range(size):
            for axis, component in enumerate(shift):
                for total, part in zip(jump, both_sums(component * into[i], mirrored), strict=True):
                    total[:, i, axis] += part
    return Contraction(rates, *out, *jump)


def both_sums(values: np.ndarray, both: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sums over columns and over rows (the latter only if `both`, else zero), by matrix products."""
    rows, columns = values.shape
    over_columns = values @ np.ones(columns, values.dtype)
    return over_columns, np.ones(rows, values.dtype) @ values if both else np.zeros(columns, values.dtype)
