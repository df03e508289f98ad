"""Distributions that are matrices in groups of degenerate states (theory, "Degenerate bands").

Scattering from a group i into a group j by V (members of j, members of i) obeys, for Hermitian matrices g,

    sum_j K [ {V^+ V, g_i} / 2 - V^+ g_j V ] = w v_i,         normal,
                                             = - sum_j K (i/2) [V^+ D V - (D V)^+ V],         anomalous,

K the kernel.  In an orthonormal basis of Hermitian matrices B_a (:mod:`sidejump.bands.hermitian_basis`) that is a
symmetric operator on c = m^2 real numbers for each point and function of the energy: to all else they are so many more
functions.  The trace of a distribution that is the same for all members is what :mod:`.response` solves for.

**Irreducible points.**  Members of the image Mk are what the operation makes of those at k (:mod:`.groups.members`).
Then matrices at Mk are those at k, conjugated where time reversal is part of the operation: components of the imaginary
B_a change sign.  With that sign t_a(M), and G the vector of distributions for the directions of the field,

    G_a(Mk) = t_a(M) M G_a(k),

as in :mod:`.fold` but for t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.hermitian_basis import conjugation_signs, hermitian_basis
from ..pairs.block import Block
from ..pairs.contraction import Contraction, both_sums, contract
from ..pairs.sample import Sample
from ..pairs.stream import PairStream
from ..pairs.strips import join_blocks
from ..surfaces.components import Components
from ..threads import MATRIX_THREADS, PARTS, by_threads
from .collision import CollisionOperator
from .fold import Fold, invariant
from .galerkin import projected
from .response import relaxation_time
from .solve import apart, neutral, solve
from .sums import Kernels, farthest


class MatrixSums:
    """Sums over pairs of groups, and the operators they make.

    Parameters
    ----------
    count, size : int
        Points S, basis functions of the energy.
    members : int
        m of the largest group.
    responses : int
        R.
    fold : Fold
        With a sign +1 or -1 for every operation; w its unknowns.
    dtype : numpy dtype
        Storage of the operators.

    Attributes
    ----------
    jump : ndarray, shape (S, size, R, c)
        ``sum_j K (i/2) [V^+ D V - (D V)^+ V]``.
    """

    def __init__(self, count: int, size: int, members: int, responses: int, fold: Fold, dtype):
        self.basis, self.members, self.size = hermitian_basis(members), members, size
        self.fold, self.dtype = fold, dtype
        c = len(self.basis)
        self._conjugated = conjugation_signs(members)
        self.jump = np.zeros((count, size, responses, c))
        self._out = np.zeros((count, c, size, size))  # of V^+ V, between different functions
        self._row_sum = np.zeros((count, c, size))
        self._turns = fold.representations[: 1 + fold.reversed]  # of the normal part, and of the anomalous one
        n = size * c * fold.width
        self._self_pair = [np.zeros((count, n, n)) for _ in self._turns]
        self._blocks: list[list] = [[] for _ in self._turns]

    def add(self, blocks: Sequence[Block], kernels: Sequence[Kernels]) -> None:
        """All pairs of two sets of points, blocks made for matrices; the kernels of each source."""
        strips: list[np.ndarray] = []
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
                    if not strips:
                        m, _, rows, columns = found.rates.shape
                        shape = rows, m, c, self.fold.width, columns, m, c, self.fold.width
                        strips = [np.zeros(shape, dtype=self.dtype) for _ in self._turns]
                    self._add_rates(strips, block, found.rates, a, b)
                    self._add_out(block, found, a, b)
                    if a == b == 0:
                        self._add_jump(block, found)
        if not strips:
            return
        rows, columns = blocks[0].rows, blocks[0].columns
        for kept, self_pair, strip in zip(self._blocks, self._self_pair, strips, strict=True):
            flat = strip.reshape(strip.shape[0], self_pair.shape[1], strip.shape[4], -1)
            if rows == columns:
                index = np.arange(len(flat))
                self_pair[rows] += flat[index, :, index]
            kept.append((rows, columns, flat.reshape(len(flat) * flat.shape[1], -1)))

    def _signs(self, image: int) -> np.ndarray:
        """What an operation does with components, shape (c,)."""
        return self._conjugated if self.fold.signs[image] < 0 else np.ones(len(self.basis))

    def _add_rates(self, strips, block: Block, rates, a: int, b: int) -> None:
        """What a at the rows gets of b at the images of the columns."""
        sign, values = self._signs(block.image)[b], rates.transpose(2, 0, 3, 1)
        both = block.mirrored and block.rows == block.columns
        for strip, turns in zip(strips, self._turns, strict=True):
            turn = turns[block.image]
            for x, y in zip(*np.nonzero(np.abs(turn) > 1e-9), strict=True):
                scaled = values * values.dtype.type(sign * turn[x, y])
                strip[:, :, a, x, :, :, b, y] += scaled
                if both:
                    strip[:, :, b, y, :, :, a, x] += scaled.transpose(2, 3, 0, 1)

    def _add_out(self, block: Block, found: Contraction, a: int, b: int) -> None:
        """``V^+ V`` is what the unit matrix brings from the other end."""
        over_columns, over_rows = both_sums(found.rates, block.mirrored)
        if b < self.members:
            self._out[block.rows, a] += found.out_rows
            self._row_sum[block.rows, a] += over_columns.sum(axis=1).T
        if a < self.members and block.mirrored:
            sign = self._signs(block.image)[b]
            self._out[block.columns, b] += sign * found.out_columns
            self._row_sum[block.columns, b] += sign * over_rows.sum(axis=0).T

    def _add_jump(self, block: Block, found: Contraction) -> None:
        shape = self.size, 2, *self.jump.shape[2:]
        self.jump[block.rows] += found.jump_rows.reshape(-1, *shape)[:, :, 0]
        if block.mirrored:
            jump, turn = found.jump_columns.reshape(-1, *shape)[:, :, 1], self.fold.shift_turn(block.image)
            if turn is not None:
                jump = np.einsum("smrc,rt->smtc", jump, turn, optimize=True) * self._signs(block.image)
            self.jump[block.columns] += jump

    def merge(self, other: MatrixSums) -> None:
        """Take over what another one of the same unknowns has summed."""
        for name in ("jump", "_out", "_row_sum"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, more in zip(self._self_pair, other._self_pair, strict=True):
            mine += more
        for blocks, others in zip(self._blocks, other._blocks, strict=True):
            blocks += others

    def operators(self) -> list[CollisionOperator]:
        """L of the normal part, and of the anomalous one where that is another; unknowns in the order point, function,
        component, direction.  Nothing may be added afterwards."""
        out = 0.5 * (self._out + self._out.swapaxes(2, 3))
        index = np.arange(self.size)
        out[:, :, index, index] = 0.0
        out[:, :, index, index] = self._row_sum - out.sum(axis=3)
        b = self.basis
        half = 0.5 * np.einsum("aij,ejk,bki->eab", b, b, b, optimize=True).real  # of the anticommutator
        one = np.einsum("sefg,eab->sfagb", out, half + half.swapaxes(1, 2)).reshape(len(out), self.size * len(b), -1)
        place = np.arange(one.shape[1])
        one[:, place, place] += one[:, place, place] == 0  # components that a smaller group has not
        diagonal = np.einsum("sab,xy->saxby", one, np.eye(self.fold.width)).reshape(self._self_pair[0].shape)
        return [
            CollisionOperator(join_blocks(blocks), diagonal, self_pair, self.dtype)
            for blocks, self_pair in zip(self._blocks, self._self_pair, strict=True)
        ]


def matrix_sums(stream: PairStream, kernels: Sequence[Kernels], size: int, responses: int, fold: Fold) -> MatrixSums:
    """Sums over all pairs of a stream; `size` functions of the energy."""
    sample, cuts = stream.sample, farthest([kernels])
    members = sample.states.vectors.shape[1]
    dtype = np.float32 if stream.levels and sample.velocity.shape[-1] == 3 else np.float64
    parts = [MatrixSums(sample.count, size, members, responses, fold, dtype) for _ in range(PARTS)]
    tasks = stream.tasks(cuts)

    def work(part):
        for task in tasks[part::PARTS]:
            parts[part].add(stream.blocks(task, cuts, kernels, matrices=True), kernels)

    by_threads(work, range(PARTS))
    for other in parts[1:]:
        parts[0].merge(other)
    return parts[0]


@threadpool_limits.wrap(limits=MATRIX_THREADS)
def matrix_response(
    sums: MatrixSums,
    sample: Sample,
    currents,
    kept,
    kept_turns,
    thermal_weight,
    *,
    functions,
    approximation: str,
) -> tuple[np.ndarray, float]:
    """Parts of the response, (3, R, d), and the residual of the solution.

    Parameters
    ----------
    sums : MatrixSums
        Of all pairs of the sample; spent afterwards.
    sample : Sample
    currents : ndarray, shape (S, n, R, c)
        Components of the currents within the groups: the velocity, then observables.
    kept : ndarray, shape (S, n, K, c)
        Of operators that scattering may conserve, the unit matrix among them: what it conserves is a null vector, of
        which nothing is left in the currents.
    kept_turns : ndarray, shape (operations, K, K)
        What the operations do with these.
    thermal_weight, functions, approximation
        As :func:`.response.kinetic_response` takes them.
    """
    nodes, d = np.shape(thermal_weight)[-1], sample.velocity.shape[-1]
    weight = np.broadcast_to(sample.weight_of_members, (sample.count, nodes)) * thermal_weight
    drive, jump = weight[:, :, None, None] * currents, sums.jump
    kept = np.broadcast_to(kept, (sample.count, nodes, *kept.shape[2:]))
    operators, fold, c = sums.operators(), sums.fold, len(sums.basis)
    if functions is not None:  # no symmetry where every energy has its shell
        operators = [projected(operators[0], np.kron(functions, np.eye(c)), sample.side)]
        each = functions[sample.side]
        weight, drive, jump = (np.einsum("sfn,sn...->sf...", each, x) for x in (weight, drive, jump))
        kept = np.einsum("snf,sn...->sf...", np.linalg.pinv(functions)[sample.side], kept)
    s, m = weight.shape
    drives, jumps = (np.moveaxis(x, 2, -1).reshape(s * m * c, -1) for x in (drive, jump))
    measure = np.repeat(weight.ravel(), c * fold.width)
    field, unit = fold.field(d), kept[:, :, 0].reshape(s * m, c)
    normal, anomalous = np.zeros((s * m * c, d)), np.zeros((s * m * c, d))
    against = -jumps[:, :d]
    jobs = [(0, [(drives[:, :d], normal), (against, anomalous)])]
    if fold.odd:
        jobs = [(0, jobs[0][1][:1]), (1, jobs[0][1][1:])]
    residuals = []
    for number, both in jobs:
        known = fold.null(number, s * m)
        uniform = np.ones((s * m, 1)) if known is None else known
        null = np.einsum("nxk,na->naxk", uniform.reshape(s * m, fold.width, -1), unit).reshape(len(measure), -1)
        null = apart(operators[number], _sets(fold, number, sample, kept, kept_turns), null)
        columns = neutral(np.hstack([fold.columns(vectors, field) for vectors, _ in both]), measure, null)
        if approximation == "exact":
            answer, info = solve(
                operators[number],
                columns,
                measure=measure,
                clusters=sample.clusters,
                tolerance=1e-10 if sums.dtype == np.float64 else 1e-6,
                null=null,
            )
        else:
            states = np.repeat(weight.ravel(), c), drives
            answer, info = relaxation_time(
                operators[number], operators[0], columns, states, fold, field, approximation, members=c
            )
        residuals.append(float(info["residual"]))
        for found, (_, out) in zip(np.split(answer, len(both), axis=1), both, strict=True):
            fold.vectors(found, field, out)
    parts = (drives.T @ normal, False), (jumps.T @ normal, True), (drives.T @ anomalous, True)
    return np.stack([fold.average(tensor, odd) for tensor, odd in parts]), max(residuals)


def _sets(fold: Fold, number: int, sample: Sample, kept, kept_turns) -> np.ndarray:
    """Operators that scattering may conserve, (S, m, K, c), on the pieces of the shell, for each function and direction
    of the field: vectors (S m c w, n) that the group leaves alone."""
    turns = fold.representations[number]
    both = np.einsum("gxy,gkl->gxkyl", turns, kept_turns).reshape(len(turns), -1, turns.shape[1] * kept.shape[2])
    components = sample.components or Components.plain(np.zeros(sample.count, dtype=int))
    found = []
    for piece, keeps in enumerate(components.keeps):
        alone = invariant(both[keeps] if len(keeps) == len(both) else both)
        inside = np.where(components.label == piece, 1.0, 0.0)[:, None, None]
        turned = (inside * (both[components.turn] @ alone)).reshape(sample.count, turns.shape[1], kept.shape[2], -1)
        found.append(np.einsum("sxkz,sfka,fg->sfaxzg", turned, kept, np.eye(kept.shape[1]), optimize=True))
    size = kept.shape[0] * kept.shape[1] * kept.shape[3] * turns.shape[1]
    return np.concatenate([x.reshape(size, -1) for x in found], axis=1)
