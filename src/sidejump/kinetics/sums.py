"""Sums over pairs: what the collision operator and the drive of the side jump are made of.

Half of the pairs follow from the other half: ``P(j, M^-1 i) = P(i, Mj)``, and
``dr(j -> M^-1 i) = - sign M^-1 dr(i -> Mj)``, of observables with what M does with their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ..energy.kernel import Kernel
from ..freed import return_freed
from ..pairs.block import Block
from ..pairs.contraction import both_sums, contract
from ..pairs.stopwatch import Stopwatch
from ..pairs.stream import PairStream
from ..pairs.strips import join_blocks
from ..threads import PARTS, by_threads
from .collision import CollisionOperator
from .fold import Fold

Kernels = Mapping[tuple[int, int], Kernel]
"""Those of one source, within the sides of a gap and between them where its phonons bridge it."""


class RateSums:
    """Sums over pairs of points (and images), and the operators they make.

    Parameters
    ----------
    count, size : int
        Points, basis functions of the energy.
    components : int
        Of the shifts.
    fold : Fold
    dtype : numpy dtype
        Storage of P; everything on the diagonal is float64.
    anomalous : bool
        Whether the equation of the anomalous part is to be solved where symmetry makes it another one: it gives
        nothing but a check (Onsager's relation), unless observables drive. It always is where rates are odd
        (:attr:`.Fold.both`).
    directions : ndarray, shape (D, R), optional
        Of the shifts of pairs, where they are not those of the R components (:attr:`.States.directions`).

    Attributes
    ----------
    pairs : int
        Ordered pairs of unknowns visited.
    nbytes : int
        Of what is stored of P.
    """

    def __init__(
        self,
        count: int,
        size: int,
        components: int,
        fold: Fold,
        dtype=np.float64,
        *,
        anomalous: bool = True,
        directions: np.ndarray | None = None,
    ):
        self.count, self.size, self.fold, self.dtype = count, size, fold, dtype
        self.anomalous = anomalous or fold.both or not fold.odd
        c = fold.width
        self.widths = fold.unknowns
        self._out = np.zeros((count, size, size))
        self._row_sum = np.zeros((count, size))
        self._turned_sum = np.zeros((count, size, c, c))  # sum of P(i, Mj) M: what is stored must add up to it
        self._directions = directions
        self._jump = np.zeros((count, size, components if directions is None else len(directions)))
        self._self_pair = [np.zeros((count, w * size, w * size)) for w in self.widths]
        self._blocks: list[list] = [[] for _ in self.widths]  # for each representation
        self.pairs = self.nbytes = 0

    @property
    def jump(self) -> np.ndarray:
        """``sum_l' P dr``, the weighted side-jump velocity (eqs 11, 12): shape (S, m, R)."""
        return self._jump if self._directions is None else self._jump @ self._directions

    def _shift_turn(self, image: int) -> np.ndarray | None:
        """What an operation does with the shifts of pairs."""
        turn = self.fold.shift_turn(image)
        if turn is None or self._directions is None:
            return turn
        return self._directions @ turn @ self._directions.T

    def add(self, blocks: Sequence[Block], kernels: Sequence[Kernels]) -> None:
        """All pairs of two sets of points; the kernels of each source."""
        planes: dict[int, np.ndarray] = {}  # of operations without time reversal, and of those with it
        others: dict[int, np.ndarray] = {}  # of what observables drive
        for block in blocks:
            found = contract(block, kernels[block.source][block.sides])
            if found is None:
                continue
            turn, sign = self.fold.matrices[block.image], int(self.fold.signs[block.image])
            rows, columns = block.rows, block.columns  # the same of all blocks
            both = block.mirrored and rows == columns
            self._out[rows] += found.out_rows
            self._jump[rows] += found.jump_rows
            self._add_row_sums(block, found.rates, turn)
            if block.mirrored:
                self._out[columns] += found.out_columns
                shift = self._shift_turn(block.image)
                self._jump[columns] -= found.jump_columns if shift is None else found.jump_columns @ shift
            self.pairs += found.rates.size * (2 if block.mirrored else 1)
            shares = ((0, 1 + sign), (1, 1 - sign)) if self.anomalous else ((0, 2),)
            for part, share in shares:
                if share:
                    self._add_turned(planes, part, found.rates, 0.5 * share * turn, both)
            for number in range(1 + self.fold.reversed, len(self.widths)):
                self._add_turned(others, number, found.rates, self.fold.representations[number][block.image], both)
        if not planes:
            return
        plain, reversing = planes.get(0), planes.get(1)
        if reversing is None:
            normal = plain
        else:
            normal = reversing if plain is None else plain + reversing
        self._keep(rows, columns, 0, normal)
        if self.fold.odd and self.anomalous:
            if reversing is None:
                anomalous = plain
            else:
                anomalous = -reversing if plain is None else plain - reversing
            self._keep(rows, columns, 1, anomalous)
        for number, plane in others.items():
            self._keep(rows, columns, number, plane)

    def _add_turned(self, planes: dict[int, np.ndarray], number: int, rates, turn, both: bool) -> None:
        """Add ``P turn`` to the planes of that number, (m c, m c, A, B), and its transpose if `both`."""
        c = len(turn)
        if number not in planes:
            shape = [x * c for x in rates.shape[:2]] + list(rates.shape[2:])
            planes[number] = np.zeros(shape, dtype=self.dtype)
        whole = planes[number]
        for x, y in zip(*np.nonzero(np.abs(turn) > 1e-9), strict=True):
            factor = turn[x, y]
            scaled = rates if abs(abs(factor) - 1) < 1e-12 else rates.dtype.type(abs(factor)) * rates
            add = np.add if factor > 0 else np.subtract
            here = whole[x::c, y::c]
            add(here, scaled, out=here)
            if both:
                there = whole[y::c, x::c]
                add(there, scaled.transpose(1, 0, 3, 2), out=there)

    def _add_row_sums(self, block: Block, rates, turn) -> None:
        over_columns, over_rows = both_sums(rates, block.mirrored)
        parts = ((block.rows, over_columns.sum(axis=1).T, turn), (block.columns, over_rows.sum(axis=0).T, turn.T))
        for points, sums, matrix in parts[: 1 + block.mirrored]:
            self._row_sum[points] += sums
            self._turned_sum[points] += sums[:, :, None, None] * matrix

    def _keep(self, rows: slice, columns: slice, part: int, plane) -> None:
        blocks, self_pair = self._blocks[part], self._self_pair[part]
        m, _, a, b = plane.shape
        if rows == columns:
            index = np.arange(a)
            self_pair[rows] += plane[:, :, index, index].transpose(2, 0, 1)
        values = np.ascontiguousarray(plane.transpose(2, 0, 3, 1).reshape(a * m, b * m))
        blocks.append((rows, columns, values))
        self.nbytes += values.nbytes

    def merge(self, other: RateSums) -> None:
        """Take over what another one of the same unknowns has summed."""
        for name in ("_out", "_row_sum", "_turned_sum", "_jump", "pairs", "nbytes"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, more in zip(self._self_pair, other._self_pair, strict=True):
            mine += more
        for blocks, others in zip(self._blocks, other._blocks, strict=True):
            blocks += others

    def operators(self) -> tuple[list[CollisionOperator], float]:
        """L for each representation of :attr:`Fold.representations`, and how far the largest row sum is from zero,
        relative to the diagonal.

        The out-scattering is fixed so that every row sums to zero: particles are conserved to rounding.  Nothing may be
        added afterwards.
        """
        c, m = self.fold.width, self.size
        d = 0.5 * (self._out + self._out.transpose(0, 2, 1))
        index = np.arange(m)
        d[:, index, index] = 0.0
        d[:, index, index] = self._row_sum - d.sum(axis=2)
        expected = self._row_sum[..., None, None] * np.eye(c) - self._turned_sum
        ones = np.tile(np.eye(c), (self.count * m, 1))
        made = [
            CollisionOperator(join_blocks(blocks), self._widened(d, w), self_pair, self.dtype)
            for blocks, self_pair, w in zip(self._blocks, self._self_pair, self.widths, strict=True)
        ]
        # what the rounding of stored sums left
        left = made[0].apply(ones).reshape(self.count, m, c, c) - expected
        d[:, index, index] -= np.einsum("smcc->sm", left) / c
        for operator, w in zip(made, self.widths, strict=True):
            operator.diagonal = self._widened(d, w)
        there = made[0].apply(ones, double=False).reshape(self.count, m, c, c)
        largest = max(float(np.abs(d).max()), np.finfo(float).tiny)
        return made, float(np.abs(there - expected).max()) / largest

    def _widened(self, blocks, c: int) -> np.ndarray:
        return np.einsum("iab,xy->iaxby", blocks, np.eye(c)).reshape(self.count, c * self.size, c * self.size)


def rate_sums(
    stream: PairStream,
    kernels: Sequence[Sequence[Kernels]],
    make: Callable[[int], RateSums],
    *,
    kept: Sequence[list[Block]] | None = None,
    check: Callable[[int], None] = lambda _: None,
) -> list[RateSums]:
    """Sums over all pairs of a stream with several sets of kernels, those of several temperatures, in one pass.

    Parameters
    ----------
    kernels : sequence of sequence of Kernels
        For each temperature, those of each source.
    make : callable
        Gives empty sums, for each number of a set of kernels.
    kept : sequence of list of Block, optional
        Where the blocks are there already.
    check : callable
        Called with the bytes that all sums take, while they grow.
    """
    cuts = farthest(kernels)
    todo: Sequence = stream.tasks(cuts) if kept is None else kept
    parts = [[make(number) for number in range(len(kernels))] for _ in range(PARTS)]

    def work(part):
        for item in todo[part::PARTS]:
            blocks = item if kept is not None else stream.blocks(item, cuts, kernels[0])
            for sums, each in zip(parts[part], kernels, strict=True):
                sums.add(blocks, each)
            check(sum(s.nbytes for some in parts for s in some))

    by_threads(work, range(PARTS))
    return_freed()
    for other in parts[1:]:
        for mine, more in zip(parts[0], other, strict=True):
            mine.merge(more)
    return parts[0]


def seconds_per_pair(stream: PairStream, kernels: Sequence[Kernels], sums: RateSums, limit: float) -> float:
    """Processor time of an unordered pair of states and all sources, measured on the first blocks of a solution.

    Blocks are computed for `limit` seconds, or two: the first fills tables.
    """
    cuts, watch = farthest([kernels]), Stopwatch(limit)
    for task in stream.tasks(cuts):
        sums.add(stream.blocks(task, cuts, kernels), kernels)
        if watch.enough(task.pairs * stream.sample.energies**2):
            break
    return watch.each


def farthest(kernels: Sequence[Sequence[Kernels]]) -> list[float]:
    """For each source z beyond which none of the kernels scatters."""
    return [max(k.cutoff for some in each for k in some.values()) for each in zip(*kernels, strict=True)]
