"""Distributions that are matrices in groups of degenerate states (theory, "Degenerate bands").

Scattering from a group i into a group j by V (members of j, members of i) obeys, for Hermitian matrices g,

    sum_j K [ {V^+ V, g_i} / 2 - V^+ g_j V ] = w v_i,         normal,
                                             = - sum_j K (i/2) [V^+ D V - (D V)^+ V],         anomalous,

K the kernel.  In an orthonormal basis of Hermitian matrices B_a (:mod:`sidejump.bands.hermitian_basis`) that is a
symmetric operator on c = m^2 real numbers for each point and function of the energy: to all else they are so many more
functions.  The trace of a distribution that is the same for all members is what :mod:`.response` solves for.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.hermitian_basis import hermitian_basis
from ..pairs.block import Block
from ..pairs.contraction import Contraction, both_sums, contract
from ..pairs.sample import Sample
from ..pairs.stream import PairStream
from ..pairs.strips import join_blocks
from ..threads import MATRIX_THREADS, THREADS, one_matrix_thread
from .collision import CollisionOperator
from .galerkin import projected
from .solve import apart, independent, neutral, solve
from .sums import Kernels, farthest


class MatrixSums:
    """Sums over pairs of groups, and the operator they make.

    Parameters
    ----------
    count, size : int
        Points S, basis functions of the energy.
    members : int
        m of the largest group.
    responses : int
        R.
    dtype : numpy dtype
        Storage of the operator.

    Attributes
    ----------
    jump : ndarray, shape (S, size, R, c)
        ``sum_j K (i/2) [V^+ D V - (D V)^+ V]``.
    """

    def __init__(self, count: int, size: int, members: int, responses: int, dtype=np.float64):
        self.basis, self.members, self.size, self.dtype = hermitian_basis(members), members, size, dtype
        c = len(self.basis)
        self.jump = np.zeros((count, size, responses, c))
        self._out = np.zeros((count, c, size, size))  # of V^+ V, between different functions
        self._row_sum = np.zeros((count, c, size))
        self._self_pair = np.zeros((count, size * c, size * c))
        self._blocks: list = []

    def add(self, blocks: Sequence[Block], kernels: Sequence[Kernels]) -> None:
        """All pairs of two sets of points, blocks made for matrices; the kernels of each source."""
        planes = None
        for block in blocks:
            kernel, c = kernels[block.source][block.sides], len(self.basis)
            for channel in block.channels:
                shifts = channel.shift.reshape(-1, *channel.shift.shape[3:])
                for a, b in np.ndindex(c, c):
                    shift = shifts if a == b == 0 else shifts[:0]
                    pair = replace(channel, strength=channel.strength[a, b], shift=shift)
                    found = contract(replace(block, channels=[pair]), kernel)
                    if found is None:
                        break
                    if planes is None:
                        m, _, *points = found.rates.shape
                        planes = np.zeros((m * c, m * c, *points))
                    planes[a::c, b::c] += found.rates
                    self._add_out(block, found, a, b)
                    if a == b == 0:
                        self._add_jump(block, found)
        if planes is None:
            return
        rows, columns = blocks[0].rows, blocks[0].columns
        if rows == columns:
            index = np.arange(planes.shape[2])
            self._self_pair[rows] += planes[:, :, index, index].transpose(2, 0, 1)
        values = planes.transpose(2, 0, 3, 1).reshape(planes.shape[2] * len(planes), -1)
        self._blocks.append((rows, columns, np.ascontiguousarray(values, dtype=self.dtype)))

    def _add_out(self, block: Block, found: Contraction, a: int, b: int) -> None:
        """``V^+ V`` is what the unit matrix brings from the other end."""
        over_columns, over_rows = both_sums(found.rates, block.mirrored)
        if b < self.members:
            self._out[block.rows, a] += found.out_rows
            self._row_sum[block.rows, a] += over_columns.sum(axis=1).T
        if a < self.members and block.mirrored:
            self._out[block.columns, b] += found.out_columns
            self._row_sum[block.columns, b] += over_rows.sum(axis=0).T

    def _add_jump(self, block: Block, found: Contraction) -> None:
        shape = self.size, 2, *self.jump.shape[2:]
        self.jump[block.rows] += found.jump_rows.reshape(-1, *shape)[:, :, 0]
        if block.mirrored:
            self.jump[block.columns] += found.jump_columns.reshape(-1, *shape)[:, :, 1]

    def merge(self, other: MatrixSums) -> None:
        """Take over what another one of the same unknowns has summed."""
        for name in ("jump", "_out", "_row_sum", "_self_pair", "_blocks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def operator(self) -> CollisionOperator:
        """L; unknowns in the order point, function, component.  Nothing may be added afterwards."""
        out = 0.5 * (self._out + self._out.swapaxes(2, 3))
        index = np.arange(self.size)
        out[:, :, index, index] = 0.0
        out[:, :, index, index] = self._row_sum - out.sum(axis=3)
        b = self.basis
        half = 0.5 * np.einsum("aij,ejk,bki->eab", b, b, b, optimize=True).real  # of the anticommutator
        diagonal = np.einsum("sefg,eab->sfagb", out, half + half.swapaxes(1, 2)).reshape(self._self_pair.shape)
        place = np.arange(diagonal.shape[1])
        diagonal[:, place, place] += diagonal[:, place, place] == 0  # components that a smaller group has not
        return CollisionOperator(join_blocks(self._blocks), diagonal, self._self_pair, self.dtype)


def matrix_sums(stream: PairStream, kernels: Sequence[Kernels], size: int, responses: int) -> MatrixSums:
    """Sums over all pairs of a stream; `size` functions of the energy."""
    sample, cuts = stream.sample, farthest([kernels])
    members = sample.states.vectors.shape[1]
    dtype = np.float32 if stream.levels and sample.velocity.shape[-1] == 3 else np.float64
    parts = [MatrixSums(sample.count, size, members, responses, dtype) for _ in range(THREADS)]
    tasks = stream.tasks(cuts)

    def work(part):
        for task in tasks[part::THREADS]:
            parts[part].add(stream.blocks(task, cuts, kernels, matrices=True), kernels)

    with one_matrix_thread(), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))
    for other in parts[1:]:
        parts[0].merge(other)
    return parts[0]


@threadpool_limits.wrap(limits=MATRIX_THREADS)
def matrix_response(
    sums: MatrixSums, sample: Sample, currents, kept, thermal_weight, *, functions=None
) -> tuple[np.ndarray, float]:
    """Parts of the response, (3, R, d), and the residual of the solution.

    Parameters
    ----------
    sums : MatrixSums
        Of all pairs of the sample, which has no group of operations; spent afterwards.
    sample : Sample
    currents : ndarray, shape (S, n, R, c)
        Components of the currents within the groups: the velocity, then observables.
    kept : ndarray, shape (S, n, K, c)
        Of operators that scattering may conserve, the unit matrix among them: what it conserves is a null vector, of
        which nothing is left in the currents.
    thermal_weight, functions : ndarray
        As :func:`.response.kinetic_response` takes them.
    """
    nodes, d = np.shape(thermal_weight)[-1], sample.velocity.shape[-1]
    weight = np.broadcast_to(sample.weight_of_members, (sample.count, nodes)) * thermal_weight
    drive, jump = weight[:, :, None, None] * currents, sums.jump
    kept = np.broadcast_to(kept, (sample.count, nodes, *kept.shape[2:]))
    operator, c = sums.operator(), len(sums.basis)
    if functions is not None:
        operator = projected(operator, np.kron(functions, np.eye(c)), sample.side)
        each = functions[sample.side]
        weight, drive, jump = (np.einsum("sfn,sn...->sf...", each, x) for x in (weight, drive, jump))
        kept = np.einsum("snf,sn...->sf...", np.linalg.pinv(functions)[sample.side], kept)
    s, m = weight.shape
    drives, jumps = (np.moveaxis(x, 2, -1).reshape(s * m * c, -1) for x in (drive, jump))
    labels = np.zeros(s, dtype=int) if sample.components is None else sample.components.label
    pieces = (labels[:, None] == np.unique(labels)).astype(float)
    sets = np.einsum("sp,fg,sfka->sfapgk", pieces, np.eye(m), kept, optimize=True).reshape(s * m * c, -1)
    measure = np.repeat(weight.ravel(), c)
    null = apart(operator, independent(sets), np.tile((np.arange(c) < sums.members).astype(float), s * m)[:, None])
    drives, jumps = (neutral(x, measure, null) for x in (drives, jumps))
    answer, info = solve(
        operator,
        np.hstack([drives[:, :d], -jumps[:, :d]]),
        measure=measure,
        clusters=sample.clusters,
        tolerance=1e-10 if sums.dtype == np.float64 else 1e-6,
        null=null,
    )
    normal, anomalous = answer[:, :d], answer[:, d:]
    return np.stack([drives.T @ normal, jumps.T @ normal, drives.T @ anomalous]), float(info["residual"])
