"""Shared-geometry solutions on the irreducible points of a shell (`kinetics.reduced`)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.states import States, shell_states
from ..energy.basis import energy_basis
from ..energy.kernel import SharedKernel
from ..interactions.polar import Patches
from ..kinetics.reduced import ImageBlock, ReducedCollisions, operator_bytes, reduced_response
from ..kinetics.response import KineticResponse
from ..pairs.geometry import PairGeometry, shared_pair_bytes
from ..pairs.image_pairs import BLOCK, ImagePairs
from ..pairs.stopwatch import Stopwatch
from ..threads import THREADS
from ..units import KB
from .problem import Problem
from .settings import Size
from .shared import SharedShell

_CLUSTERS = 400  # of irreducible points, each with three unknowns, for the coarse correction of the solver


class ReducedShell:
    """The irreducible points of one shell, their pairs with all images, and the response at any temperature.

    Parameters
    ----------
    problem : Problem
    shell : Shell
        With operations.
    hottest : float
        Highest kT (eV) that will be asked for: limits the pairs that are kept.
    """

    def __init__(self, problem: Problem, shell, hottest: float):
        self.problem, self.shell, self._hottest = problem, shell, hottest
        self.operations = shell.operations
        points = problem.points(shell)
        self.geometry = PairGeometry(points, problem.momentum, block=BLOCK, cluster=max(8, len(shell) // _CLUSTERS))
        self._images = ImagePairs(problem, self.operations, self.geometry.states.k, self.geometry.slices)
        band = np.tile(shell.band[self.geometry.order], len(self.operations) - 1)
        others = shell_states(problem.model, self._images.k[len(shell) :], band, problem.settings.degeneracy)
        self.states = States.joined(self.geometry.states, others)
        self.q_max = problem.q_max(self.states.k)
        patches = self._patches()
        self.sources = [source.prepared(self.states, single=True, patches=patches) for source in problem.sources]
        self._kept: list[list[ImageBlock]] | None = None

    def _patches(self) -> Patches:
        """What each point, images included, stands for: its share of the weight of all images."""
        order = len(self.operations)
        radius = np.tile(self.geometry.patches().radius, order) / np.sqrt(order)
        return Patches(np.arange(len(radius)), radius)

    def kernel(self, index: int, basis, kt: float) -> SharedKernel:
        """Kernel of one source at kT (eV)."""
        return self.problem.kernel(index, basis, kt, self.shell, self.q_max)

    # --- all points, for sums over finer shells -----------------------------------------------------------------

    @property
    def column_slices(self) -> list[slice]:
        """Compact sets of all points, images included."""
        return self._images.column_slices

    @property
    def all_weights(self) -> np.ndarray:
        """Weight of every point and image, shape (all,)."""
        return np.tile(self.geometry.weight[:, 0], len(self.operations)) / len(self.operations)

    def everywhere(self, vectors) -> np.ndarray:
        """Polar vectors (S, 3) of the irreducible points at all points, (all, 3)."""
        return np.einsum("gab,sb->gsa", self.operations.matrices, vectors).reshape(-1, 3)

    def _blocks(self, item, index: int, z_cut: float) -> list[ImageBlock]:
        rows, columns, which = item
        source, n = self.sources[index], len(self.shell)
        z_max, found = source.z_max(self.q_max), []

        for g in which:
            moved = slice(columns.start + g * n, columns.stop + g * n)
            block = self.geometry.shared_block(source, rows, columns, z_cut, z_max, final=moved)
            if block is not None:
                # an image of a point weighs a fraction of the point
                mirrored = rows != columns or self._images.inverse[g] != g
                found.append(ImageBlock(g, index, mirrored, block.scaled(1 / len(self.operations))))
        return found

    def pairs_within(self, kt: float) -> tuple[float, float]:
        """Pairs in the blocks that kT (eV) reaches, channels counted; pairs of irreducible points among them."""
        return self._images.count(self.problem.sources, self.problem.cuts(kt, self.q_max))

    def keep(self) -> None:
        """Keep the pairs of all temperatures in memory, if they fit beside the operator."""
        pairs, points = self.pairs_within(self._hottest)
        if self.problem.keeps(shared_pair_bytes(3) * pairs, operator_bytes(points, 1, self.operations)):
            basis = energy_basis(1, even=True)
            kernels = [self.kernel(i, basis, self._hottest) for i in range(len(self.sources))]
            self._kept = list(self._computed([k.cutoff for k in kernels]))

    def seconds_per_pair(self, kt: float, limit: float = 0.2) -> float:
        """Processor time of an unordered pair of points and images, all sources, measured on the first blocks."""
        basis = energy_basis(1, even=True)
        kernels = [self.kernel(i, basis, kt) for i in range(len(self.sources))]
        sums, watch = ReducedCollisions(len(self.shell), 1, self.operations), Stopwatch(limit)
        for item in self._images.within(self._reach([k.cutoff for k in kernels])):
            sums.add([b for i, k in enumerate(kernels) for b in self._blocks(item, i, k.cutoff)], kernels)
            rows, columns, which = item
            if watch.enough((rows.stop - rows.start) * (columns.stop - columns.start) * len(which)):
                break
        return watch.each

    def forget(self) -> None:
        """Free the pairs that were kept."""
        self._kept = None

    @property
    def images(self) -> int:
        """Points that each point of the shell stands for."""
        return len(self.operations)

    def unknowns(self, functions: int) -> int:
        """Of a solution with so many functions of the energy."""
        return 3 * len(self.shell) * functions

    def needs(self, kt: float, nodes: int) -> float:
        """Bytes of the collision operator at kT (eV) with so many energy nodes."""
        return operator_bytes(self.pairs_within(kt)[1], energy_basis(nodes, even=True).size, self.operations)

    @property
    def _kept_bytes(self) -> int:
        return sum(b.pairs.nbytes for blocks in self._kept or [] for b in blocks)

    def _computed(self, cutoffs):
        """Blocks of all sources, those of two slices together."""

        def work(item):
            return [b for i, c in enumerate(cutoffs) for b in self._blocks(item, i, c)]

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            yield from pool.map(work, self._images.within(self._reach(cutoffs)))

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        return next(self.solve_each([kt], nodes))

    def solve_each(self, kts, nodes: int) -> Iterator[tuple[KineticResponse, Size]]:
        """Responses at several kT (eV), one after the other; pairs that are not kept serve as many as fit in memory."""
        basis = energy_basis(nodes, even=True)
        together, memory = 1, self.problem.settings.memory
        needed = operator_bytes(self.pairs_within(max(kts))[1], basis.size, self.operations)
        if self._kept_bytes + needed > memory:
            self.forget()
        if self._kept is None:
            together = int(max(1, 0.7 * memory / needed))
        for start in range(0, len(kts), together):
            batch = list(kts[start : start + together])
            summed = self._sum(batch, basis)
            for kt in batch:
                yield self._response(summed.pop(0), kt, basis)

    def _sum(self, kts, basis) -> list[ReducedCollisions]:
        """Sums over all pairs, one for each kT."""
        problem = self.problem
        kernels = [[self.kernel(i, basis, kt) for i in range(len(self.sources))] for kt in kts]
        parts = [[ReducedCollisions(len(self.shell), basis.size, self.operations) for _ in kts] for _ in range(THREADS)]
        kept, held = self._kept, self._kept_bytes
        cutoffs = [max(k[i].cutoff for k in kernels) for i in range(len(self.sources))]
        todo = kept if kept is not None else self._images.within(self._reach(cutoffs))

        def work(part):
            for item in todo[part::THREADS]:
                blocks = item
                if kept is None:
                    blocks = [b for i, cutoff in enumerate(cutoffs) for b in self._blocks(item, i, cutoff)]
                for sums, each in zip(parts[part], kernels, strict=True):
                    sums.add(blocks, each)
                problem.check_memory(held + sum(s.nbytes for p in parts for s in p), kts[-1] / KB)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        for other in parts[1:]:
            for mine, more in zip(parts[0], other, strict=True):
                mine.merge(more)
        return parts[0]

    def _reach(self, cutoffs) -> float:
        return min(self.q_max, max(s.q_cut(c) for s, c in zip(self.sources, cutoffs, strict=True)))

    def _response(self, collisions: ReducedCollisions, kt: float, basis) -> tuple[KineticResponse, Size]:
        settings = self.problem.settings
        size = Size(
            len(self.states) * basis.size,
            collisions.pairs,
            collisions.nbytes + self._kept_bytes,
        )
        response = reduced_response(
            collisions,
            self.geometry.weight[:, 0],
            self.geometry.velocity[:, 0],
            basis.thermal_weight,
            approximation=settings.approximation,
            tolerance=max(1e-6, 3e-3 * settings.tolerance),
            clusters=self.geometry.ordering.clusters,
            components=self.geometry.components,
        )
        return response, size


def shell_solver(problem: Problem, shell, hottest: float) -> SharedShell | ReducedShell:
    """What solves on a shell that all energies share: with or without symmetry, as the shell is."""
    return (SharedShell if shell.operations is None else ReducedShell)(problem, shell, hottest)
