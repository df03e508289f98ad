"""The kinetic equation on irreducible points: the symmetry of the crystal in place of most of its states.

Under an operation M (with a sign, see :mod:`sidejump.groups.operations`) the velocity turns, v(Mk) = M v(k), and so
does the response to a field, taken as a vector G whose component b answers to a field along b: G(Mk) = M G(k).  The
side jump and the response to it take the sign as well.  With rates P(Mk, Mk') = P(k, k') the equation of an irreducible
point i is one for vectors,

    D_i G_i - sum_j [ sum_M P(i, Mj) M ] G_j = w_i v_i,

with ``sign M`` in place of M for the anomalous part: 3 unknowns for each irreducible point instead of one for each of
its n images, one right-hand side instead of three, and 1/n of the pairs.  Contractions are averages over the group of
``M (v G) M^T``, so that what symmetry forbids is zero.

Half of the pairs follow from the other half: ``P(j, M^-1 i) = P(i, Mj)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from ..energy.kernel import SharedKernel
from ..groups.operations import Operations
from ..pairs.contraction import contract_shared
from ..pairs.geometry import SharedBlock
from ..surfaces.components import Components
from ..threads import MATRIX_THREADS
from .collision import CollisionOperator
from .response import KineticResponse, drive_or_nothing, growing_share, side_jump_rounding, side_jump_scale
from .solve import neutral, no_modes, solve


@dataclass(frozen=True)
class ImageBlock:
    """Pairs of irreducible points (rows) and images of irreducible points (columns) under one operation.

    Attributes
    ----------
    operation, source : int
        Which operation; which source of scattering.
    mirrored : bool
        Whether the pairs of the columns with images of the rows under the inverse operation follow from these.
    pairs : SharedBlock
    """

    operation: int
    source: int
    mirrored: bool
    pairs: SharedBlock


class ReducedCollisions:
    """Sums over pairs of irreducible points and images, and the operators they make.

    Parameters
    ----------
    count, size : int
        Irreducible points, basis functions.
    operations : Operations
    dtype : numpy dtype
        Storage of P.
    """

    def __init__(self, count: int, size: int, operations: Operations, dtype=np.float32):
        self.count, self.size, self.operations, self.dtype = count, size, operations, dtype
        self._out = np.zeros((count, size, size))
        self._row_sum = np.zeros((count, size))
        self._turned_sum = np.zeros((count, size, 3, 3))  # sum of P(i, Mj) M: what is stored must add up to it
        self.side_jump_drive = np.zeros((count, size, 3))
        self._self_pair = np.zeros((2, count, 3 * size, 3 * size))
        self._blocks: tuple[list, list] = ([], [])
        # anomalous part: the same blocks where no operation holds with time reversal
        self._odd = bool(np.any(operations.signs != 1))
        self.pairs = 0

    def add(self, images: list[ImageBlock], kernels: list[SharedKernel]) -> None:
        """All pairs of two slices of irreducible points; a kernel for each source."""
        if not images:
            return
        rows, columns, m = images[0].pairs.rows, images[0].pairs.columns, self.size
        a, b = rows.stop - rows.start, columns.stop - columns.start
        # operations without time reversal, then those with it
        planes: dict[int, np.ndarray] = {}
        for image in images:
            kernel = kernels[image.source]
            if min(c[3] for c in image.pairs.channels) > kernel.cutoff:
                continue
            turn, sign = self.operations.matrices[image.operation], int(self.operations.signs[image.operation])
            rates = self._rates(image.pairs, kernel, image.mirrored, turn, sign)
            for part, share in ((0, 1 + sign), (1, 1 - sign)):
                if share:
                    if part not in planes:
                        planes[part] = np.zeros((3 * m, 3 * m, a, b), dtype=np.float32)
                    self._turned(planes[part], rates, 0.5 * share * turn, image.mirrored and rows == columns)
        if not planes:
            return
        combined: Any = [sum(planes.values()), sum(x if part == 0 else -x for part, x in planes.items())]
        for blocks, self_pair, plane in zip(self._blocks, self._self_pair, combined[: 1 + self._odd], strict=False):
            if rows == columns:
                index = np.arange(a)
                self_pair[rows] += plane[:, :, index, index].transpose(2, 0, 1)
            values = np.ascontiguousarray(plane.transpose(2, 0, 3, 1).reshape(a * 3 * m, b * 3 * m), dtype=self.dtype)
            blocks.append((rows, columns, values))
        self.pairs += a * b * m * m * len(images)

    @staticmethod
    def _turned(planes, rates, turn, both: bool) -> None:
        """Add ``P turn`` to (3 m, 3 m, A, B), and its transpose if `both`; P is symmetric in the basis functions."""
        for (i, j), p in rates.items():
            for c, x in zip(*np.nonzero(np.abs(turn) > 1e-9), strict=True):
                scaled = p if abs(abs(turn[c, x]) - 1) < 1e-12 else np.float32(abs(turn[c, x])) * p
                add = np.add if turn[c, x] > 0 else np.subtract
                for k, l in {(i, j), (j, i)}:
                    add(planes[3 * k + c, 3 * l + x], scaled, out=planes[3 * k + c, 3 * l + x])
                    if both:
                        add(planes[3 * k + x, 3 * l + c], scaled.T, out=planes[3 * k + x, 3 * l + c])

    def _rates(self, block: SharedBlock, kernel: SharedKernel, mirrored: bool, turn, sign: int) -> dict:
        """P (A, B) of a block for each two basis functions i <= j; row sums and side jumps are added up on the way."""
        rows, columns = block.rows, block.columns
        found = contract_shared(block, kernel, self.size, mirrored)
        self._out[rows] += found.out_rows
        self.side_jump_drive[rows] += found.jump_rows
        if mirrored:  # dr(j -> M^-1 i) = - sign M^-1 dr(i -> Mj)
            self._out[columns] += found.out_columns
            self.side_jump_drive[columns] -= sign * (found.jump_columns @ turn)
        for (i, j), p in found.rates.items():
            for part, axis, m_ in ((rows, 1, turn), (columns, 0, turn.T))[: 1 + mirrored]:
                sums = p.sum(axis=axis, dtype=float)
                for x in {i, j}:
                    self._row_sum[part, x] += sums
                    self._turned_sum[part, x] += sums[:, None, None] * m_
        return found.rates

    def merge(self, other: ReducedCollisions) -> None:
        """Take over what another one of the same unknowns has summed."""
        self._out += other._out
        self._row_sum += other._row_sum
        self._turned_sum += other._turned_sum
        self._self_pair += other._self_pair
        self.side_jump_drive += other.side_jump_drive
        for mine, more in zip(self._blocks, other._blocks, strict=True):
            mine += more
        self.pairs += other.pairs

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for part in self._blocks for _, _, p in part)

    def operators(self) -> tuple[CollisionOperator, CollisionOperator]:
        """L for the normal and for the anomalous part; nothing may be added afterwards."""
        d = 0.5 * (self._out + self._out.transpose(0, 2, 1))
        index = np.arange(self.size)
        d[:, index, index] = 0.0
        d[:, index, index] = self._row_sum - d.sum(axis=2)  # particle conservation
        diagonal = np.einsum("iab,xy->iaxby", d, np.eye(3)).reshape(self.count, 3 * self.size, 3 * self.size)
        made = [
            CollisionOperator.assembled(blocks, diagonal, self_pair, self.dtype)
            for blocks, self_pair in zip(self._blocks[: 1 + self._odd], self._self_pair, strict=False)
        ]
        return made[0], made[-1]


def operator_bytes(pairs: float, size: int, operations: Operations) -> float:
    """Of P for so many pairs of irreducible points and `size` basis functions: of the normal part, and of the
    anomalous one where it is another."""
    return 4.0 * (1 + bool(np.any(operations.signs != 1))) * (3 * size) ** 2 * pairs


@threadpool_limits.wrap(limits=MATRIX_THREADS)
def reduced_response(
    collisions: ReducedCollisions,
    weight,
    velocity,
    thermal_weight,
    *,
    approximation: str = "exact",
    tolerance: float = 1e-6,
    clusters=None,
    components: Components | None = None,
) -> KineticResponse:
    """As :func:`.response.kinetic_response`, from irreducible points.

    Parameters
    ----------
    weight : ndarray, shape (S,)
        Of all images together.
    velocity : ndarray, shape (S, 3)
    thermal_weight : ndarray, shape (m,)
    components : Components, optional
        Connected pieces of the shell.
    """
    s, m, group = collisions.count, collisions.size, collisions.operations
    matrices, signs = group.matrices, group.signs
    measure = np.repeat((weight[:, None] * thermal_weight).ravel(), 3)
    drive = measure * np.broadcast_to(velocity[:, None], (s, m, 3)).ravel()
    jump = collisions.side_jump_drive.ravel() * bool(np.all(signs != 0))
    null = [_invariant(matrices.mean(axis=0), s * m), _invariant((signs[:, None, None] * matrices).mean(axis=0), s * m)]
    drives = [neutral(x[:, None], measure, n) for x, n in zip((drive, jump), null, strict=True)]
    operators = collisions.operators()
    rates = np.einsum("sii->si", operators[0].diagonal).reshape(-1, 3).mean(axis=1)
    drives[1] = drive_or_nothing(drives[1].reshape(-1, 3), drives[0].reshape(-1, 3), rates, operators[0].dtype).reshape(
        -1, 1
    )
    solutions, infos = [], []
    parities = np.ones_like(signs), signs
    for operator, x, n, sign, parity in zip(operators, drives, null, (1, -1), parities, strict=True):
        if approximation == "exact":
            sets = None if components is None else _constants(components, matrices, parity, m)
            g, info = solve(
                operator, sign * x, measure=measure, tolerance=tolerance, clusters=clusters, null=n, sets=sets
            )
        else:
            g = _relaxation_time(operator, operators[0], sign * x, velocity, m, approximation)
            info = {"method": approximation, "iterations": 0, "residual": 0.0, "growing": no_modes(operator)}
        solutions.append(g.reshape(-1, 3))
        infos.append(info)
    normal, anomalous = solutions
    v, r = (x.reshape(-1, 3) for x in drives)
    boltzmann = group_average(v.T @ normal, matrices)
    sj1 = group_average(r.T @ normal, matrices, signs)
    sj2 = group_average(v.T @ anomalous, matrices, signs)
    contributions = float((np.abs(r).T @ np.abs(normal)).max())
    rounding = side_jump_rounding(rates, normal, operators[0].dtype)
    scale = side_jump_scale(sj1, contributions, rounding)
    # of one field in place of three: an average over directions
    growing = growing_share(infos[0]["growing"], drives[0], drives[1], np.trace(v.T @ normal), 3 * scale)
    return KineticResponse(
        boltzmann,
        sj1,
        sj2,
        float(np.abs(sj2 + sj1.T).max() / scale),
        _conservation_error(collisions, operators[0]),
        max(i["residual"] for i in infos),
        max(i["iterations"] for i in infos),
        infos[0]["method"],
        normal.reshape(s, m, 3),
        growing,
        contributions,
        rounding,
    )


def group_average(tensor, matrices, signs=None):
    """Mean over the group of ``M tensor M^T``, with the signs."""
    turned = np.einsum("gac,cd,gbd->gab", matrices, tensor, matrices)
    return np.mean(turned if signs is None else signs[:, None, None] * turned, axis=0)


def _invariant(projector, count) -> np.ndarray:
    """Constant vectors that the group leaves alone, as null vectors on `count` functions of 3 components."""
    value, axes = np.linalg.eigh(0.5 * (projector + projector.T))
    return np.tile(axes[:, value > 1 - 1e-6], (count, 1))


def _constants(components: Components, matrices, signs, m: int) -> np.ndarray:
    """Vectors constant on one component of an orbit and turned on the others, shape (S * m * 3, n)."""
    turn = signs[components.turn, None, None] * matrices[components.turn]
    columns = []
    for c, keeps in enumerate(components.keeps):
        axes = _invariant((signs[keeps, None, None] * matrices[keeps]).mean(axis=0), 1)
        columns.append(np.where(components.label[:, None, None] == c, turn @ axes, 0.0))
    found = np.concatenate(columns, axis=2)
    return np.repeat(found[:, None], m, axis=1).reshape(3 * m * len(found), -1)


def _conservation_error(collisions, operator) -> float:
    """Largest ``L e_c - sum P (1 - M) e_c``, relative to D: whether what is stored adds up to the out-scattering."""
    s, m = collisions.count, collisions.size
    there = operator.apply(np.tile(np.eye(3), (s * m, 1)), double=False).reshape(s, m, 3, 3)
    expected = collisions._row_sum[..., None, None] * np.eye(3) - collisions._turned_sum
    largest = float(np.abs(operator.diagonal).max())
    return float(np.abs(there - expected).max()) / max(largest, np.finfo(float).tiny)


def _relaxation_time(operator, normal, drive, velocity, m, approximation):
    size = operator.size
    if approximation == "serta":
        inverse = np.linalg.pinv(operator.diagonal, hermitian=True)
        return np.matmul(inverse, drive.reshape(-1, size, 1)).reshape(-1, 1)
    if approximation != "mrta":
        raise ValueError(f'approximation = "{approximation}": use "exact", "serta" or "mrta"')
    v = np.repeat(velocity, m, axis=0)
    rate = (v * normal.apply(v.reshape(-1, 1)).reshape(-1, 3)).sum(axis=1) / np.maximum((v**2).sum(axis=1), 1e-300)
    return (drive.reshape(-1, 3) / np.where(rate > 0, rate, np.inf)[:, None]).reshape(-1, 1)
