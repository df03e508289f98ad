"""Solutions in which all energies use the points of one shell: pairs are computed once for all temperatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from functools import partial

import numpy as np

from ..energy.basis import energy_basis
from ..energy.kernel import Kernel
from ..kinetics.collision import CollisionOperator
from ..kinetics.fold import Fold
from ..kinetics.response import KineticResponse, kinetic_response
from ..kinetics.sums import Kernels, RateSums, rate_sums, seconds_per_pair
from ..pairs.block import Block, pair_bytes
from ..pairs.near import BLOCK
from ..pairs.stream import PairStream
from ..units import KB
from .coherence import with_matrices
from .doubt import with_doubt
from .problem import Problem
from .settings import Size
from .skew import odd_rates, with_skew
from .within_patches import within_patches

PASS = 0.7  # of the memory: what the operators of one pass over the pairs may take
_CLUSTERS = 1200  # unknowns of the coarse correction of the solver, for one function of the energy


class SharedShell:
    """One shell, with irreducible points where it has operations, its pairs, and the response at any temperature.

    Parameters
    ----------
    problem : Problem
    shell : Shell
    hottest : float
        Highest kT (eV) that will be asked for: limits the pairs that are kept.
    residuals : bool
        Whether the anomalous distribution is wanted at every temperature, for what that of the field is off by
        (:mod:`.hot_spots`); with one energy node, and if memory holds that.
    """

    def __init__(self, problem: Problem, shell, hottest: float, *, residuals: bool = False):
        self.problem, self.shell, self._hottest, self._residuals = problem, shell, hottest, residuals
        self._fold = problem.fold(shell.operations)
        self._single = problem.model.dimension == 3
        cluster = cluster_size(self._fold.width, len(shell))
        self.sample = problem.sampled(shell, block=block_size(problem, shell, hottest), cluster=cluster)
        self.q_max = problem.q_max(self.sample.near.k)
        sources = self.sample.prepared(problem.sources, single=self._single)
        self.stream = PairStream(self.sample, sources, self.q_max, levels=True)
        self._kept: list[list[Block]] | None = None

    def kernel(self, index: int, basis, kt: float) -> Kernel:
        """Kernel of one source at kT (eV)."""
        floor = self.problem.z_floor(self.shell, self.problem.sources[index])
        return self.problem.kernel(index, basis, kt, self.q_max, floor)

    def _kernels(self, basis, kt: float) -> list[Kernels]:
        return [{(0, 0): self.kernel(i, basis, kt)} for i in range(len(self.problem.sources))]

    def pairs_within(self, kt: float) -> tuple[float, float]:
        """Unordered pairs of points and images in the blocks that kT (eV) reaches, channels counted; and pairs of
        points among them."""
        return self.sample.near.count(self.problem.sources, self.problem.cuts(kt, self.q_max))

    def keep(self) -> None:
        """Keep the pairs of all temperatures in memory, if they fit beside the operator."""
        pairs, points = self.pairs_within(self._hottest)
        if self.problem.keeps(
            pair_bytes(self.problem.shifts(self.shell.operations)) * pairs,
            self._operator_bytes(points, 1, check=self._residuals),
        ):
            kernels = self._kernels(energy_basis(1, even=True), self._hottest)
            self._kept = self.stream.kept([k[0, 0].cutoff for k in kernels])

    def forget(self) -> None:
        """Free the pairs that were kept."""
        self._kept = None

    def seconds_per_pair(self, kt: float, limit: float = 0.2) -> float:
        """See :func:`sidejump.kinetics.sums.seconds_per_pair`."""
        return seconds_per_pair(self.stream, self._kernels(energy_basis(1, even=True), kt), self._sums(1), limit)

    def unknowns(self, functions: int) -> int:
        """Of a solution with so many functions of the energy."""
        return self._fold.width * len(self.shell) * functions

    def needs(self, kt: float, nodes: int) -> float:
        """Bytes of the collision operator at kT (eV) with so many energy nodes."""
        return self._operator_bytes(self.pairs_within(kt)[1], energy_basis(nodes, even=self.problem.even).size)

    def _sums(self, size: int, number: int = 0, *, once: bool = True, always: bool = False) -> RateSums:
        """Empty sums of one of several temperatures, with the anomalous part at the first of them or always."""
        dtype = np.float32 if self._single else np.float64
        anomalous = bool(self.problem.observables) or always or (once and number == 0)
        components, directions = self.problem.responses, self.sample.states.directions
        return RateSums(
            self.sample.count, size, components, self._fold, dtype, anomalous=anomalous, directions=directions
        )

    def _operator_bytes(self, points: float, size: int, *, check: bool = False) -> float:
        return operator_bytes(points, size, self._fold, self.problem.model.dimension, check=check)

    @property
    def _kept_bytes(self) -> int:
        return sum(b.nbytes for blocks in self._kept or [] for b in blocks)

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        return next(self.solve_each([kt], nodes))

    def resolved(self, kt: float) -> tuple[KineticResponse, np.ndarray]:
        """Quasi-elastic response at kT (eV), and what its pairs give each point: ``sum_l' P dr``, shape (S, 1, R)."""
        basis = energy_basis(1, even=True)
        sums = self.summed(basis, kt)
        jump = sums.jump.copy()  # the sums are spent by the solution
        return self._response(sums, basis, kt)[0], jump

    def of(self, problem: Problem) -> SharedShell:
        """The same points with the scatterers of another problem, which differs in these alone; pairs that are kept
        serve it too where only how strongly they couple is another."""
        other = copy(self)
        other.problem = problem
        if not self._holds_pairs_of(problem):
            other._kept = None
        other.stream = PairStream(
            self.sample, self.sample.prepared(problem.sources, single=self._single), self.q_max, levels=True
        )
        return other

    def _holds_pairs_of(self, problem: Problem) -> bool:
        """Whether the pairs kept, states and distances without couplings, are all that another problem asks for."""
        if not self.problem.same_pairs(problem):
            return False
        cuts = [p.cuts(self._hottest, self.q_max) for p in (problem, self.problem)]
        return bool(np.all(np.array(cuts[0]) <= np.array(cuts[1])))

    def operator(self, basis, kt: float) -> CollisionOperator:
        """The collision operator at kT (eV), of what is even under the symmetry that the shell is reduced by."""
        return self.summed(basis, kt).operators()[0][0]

    def summed(self, basis, kt: float) -> RateSums:
        """Sums over the pairs at kT (eV)."""
        check = partial(self._check_memory, self._kept_bytes, kt)
        [sums] = rate_sums(
            self.stream, [self._kernels(basis, kt)], partial(self._sums, basis.size), kept=self._kept, check=check
        )
        return sums

    def solve_each(self, kts: Sequence[float], nodes: int) -> Iterator[tuple[KineticResponse, Size]]:
        """Responses at several kT (eV), one after the other; pairs that are not kept serve as many as fit in memory.

        Onsager's relation is checked at the first, with one node and if memory holds that; where the anomalous part is
        solved for at all, there.
        """
        basis, allowed = energy_basis(nodes, even=self.problem.even), self.problem.allowed
        points = self.pairs_within(max(kts))[1]
        needed, with_anomalous = (self._operator_bytes(points, basis.size, check=check) for check in (False, True))
        # what is computed follows from the memory, not from the share of it
        always = nodes == 1 and self._residuals and with_anomalous <= self.problem.settings.memory
        needed = with_anomalous if always else needed
        if self._kept_bytes + needed > allowed:
            self.forget()
        once = nodes == 1 and self._kept_bytes + with_anomalous <= allowed
        check = once * (with_anomalous - needed)
        for place, batch in enumerate(self._batches(kts, basis.size, always, PASS * allowed - check)):
            summed = rate_sums(
                self.stream,
                [self._kernels(basis, kt) for kt in batch],
                partial(self._sums, basis.size, once=once and place == 0, always=always),
                kept=self._kept,
                check=partial(self._check_memory, self._kept_bytes, batch[-1]),
            )
            for kt in batch:
                yield self._response(summed.pop(0), basis, kt)

    def _batches(self, kts: Sequence[float], size: int, always: bool, allowed: float) -> list[list[float]]:
        """Those of `kts` that are summed in one pass over the pairs: one at a time where pairs are kept, else as many
        as have operators of so many bytes together, which are fewer for cold phonons."""
        if self._kept is not None or len(kts) == 1:
            return [[kt] for kt in kts]
        batches: list[list[float]] = []
        left = 0.0
        for kt in kts:
            needed = self._operator_bytes(self.pairs_within(kt)[1], size, check=always)
            if not batches or needed > left:
                batches.append([])
                left = allowed
            batches[-1].append(kt)
            left -= needed
        return batches

    def _check_memory(self, held: int, kt: float, needed: int) -> None:
        self.problem.check_memory(held + needed, kt / KB)

    def _response(self, sums: RateSums, basis, kt: float) -> tuple[KineticResponse, Size]:
        settings = self.problem.settings
        size = Size(len(self.sample.states) * basis.size, sums.pairs, sums.nbytes + self._kept_bytes)
        response = kinetic_response(
            sums,
            self.sample,
            basis.thermal_weight,
            approximation=settings.approximation,
            tolerance=max(1e-6, 3e-3 * settings.tolerance) if self._single else 1e-10,
            odd=odd_rates(self.problem, self.sample, basis.thermal_weight),
        )
        weight, kernels = basis.thermal_weight, self._kernels(basis, kt)
        response = with_matrices(self.problem, self.stream, kernels, response, weight, kt)
        response = with_doubt(self.problem, self.sample, response, weight)
        if any(source.singular for source in self.problem.sources):
            one = [each[0, 0] for each in self._kernels(energy_basis(1, even=self.problem.even), kt)]
            response = within_patches(self.sample, self.stream.sources, one, response)
        return with_skew(self.problem, self.shell, self.sample, response, weight, kt), size


def block_size(problem: Problem, shell, hottest: float) -> int:
    """Points of a set that is one block with another, up to kT (eV)."""
    if problem.model.dimension == 3:
        return BLOCK
    # about as wide as half the reach of the phonons: smaller wastes time, larger wastes pairs
    q_max = problem.q_max(shell.k)
    return int(np.clip(0.4 * min(max(problem.cuts(hottest, q_max)), q_max) / np.mean(shell.area), 64, BLOCK))


def cluster_size(width: int, points: int) -> int:
    """Most points of a cluster of the coarse correction of the solver, for so many components of each."""
    return max(32 // width, width * points // _CLUSTERS)


def operator_bytes(pairs: float, size: int, fold: Fold, dimension: int, *, check: bool = False) -> float:
    """Of P for so many pairs of points and `size` basis functions: of the normal part, and of others where symmetry or
    observables make them another; that of the anomalous part alone is for the `check` of Onsager's relation, or for odd
    rates."""
    widths = fold.unknowns
    if len(widths) == 1 + fold.reversed and not (check or fold.both):
        widths = widths[:1]
    return (4.0 if dimension == 3 else 8.0) * sum(c**2 for c in widths) * size**2 * pairs
