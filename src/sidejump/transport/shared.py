"""Solutions in which every energy uses the geometry of one shell: computed once for all temperatures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..energy.basis import energy_basis
from ..energy.kernel import SharedKernel
from ..kinetics.collision import CollisionOperator
from ..kinetics.response import KineticResponse, kinetic_response
from ..pairs.geometry import PairGeometry, SharedBlock, shared_pair_bytes
from ..pairs.stopwatch import Stopwatch
from ..threads import THREADS
from ..units import KB
from .problem import Problem
from .settings import Size

_BLOCK = 256  # points of a block of pairs: smaller ones are slower even where most of their pairs are out of reach
_CLUSTERS = 1200  # of points, for the coarse correction of the solver


class SharedShell:
    """One shell, its pairs, and the response at any temperature.

    Parameters
    ----------
    problem : Problem
    shell : Shell
    hottest : float
        Highest kT (eV) that will be asked for: limits the pairs that are kept.
    """

    def __init__(self, problem: Problem, shell, hottest: float):
        self.problem, self.shell = problem, shell
        points = problem.points(shell)
        self.q_max = problem.q_max(shell.k)
        s = len(shell)
        block = _BLOCK
        if problem.model.dimension == 2:
            # about as wide as half the reach of the phonons: smaller wastes time, larger wastes pairs
            reach = 0.4 * min(self.reach(hottest), self.q_max)
            block = int(np.clip(reach / float(np.mean(shell.area)), 64, _BLOCK))
        self.geometry = PairGeometry(points, problem.momentum, block=block, cluster=max(32, s // _CLUSTERS))
        single = problem.model.dimension == 3
        patches = self.geometry.patches()
        self.sources = [
            source.prepared(self.geometry.states, single=single, patches=patches) for source in problem.sources
        ]
        self._kept: dict[int, list[SharedBlock]] | None = None
        self._hottest = hottest

    def reach(self, kt: float) -> float:
        """Longest momentum transfer at which anything scatters at kT (eV)."""
        return max(self.problem.cuts(kt, self.q_max))

    def kernel(self, index: int, basis, kt: float) -> SharedKernel:
        """Kernel of one source at kT (eV)."""
        return self.problem.kernel(index, basis, kt, self.shell, self.q_max)

    @property
    def states(self):
        """States of all points, ordered."""
        return self.geometry.states

    @property
    def column_slices(self) -> list[slice]:
        """Compact sets of all points."""
        return self.geometry.slices

    @property
    def all_weights(self) -> np.ndarray:
        """Weight of every point, shape (S,)."""
        return self.geometry.weight[:, 0]

    def everywhere(self, vectors) -> np.ndarray:
        """Vectors (S, d) at all points: those given."""
        return vectors

    def pairs_within(self, kt: float) -> tuple[float, float]:
        """Unordered pairs in the blocks that kT (eV) reaches, channels counted; pairs of points among them, those of
        each source, whose blocks are held by themselves."""
        pairs = points = 0.0
        for source, cut in zip(self.sources, self.problem.cuts(kt, self.q_max), strict=True):
            found = self.geometry.pairs_of_slices(cut)
            size = float(sum((a.stop - a.start) * (b.stop - b.start) for a, b in found))
            pairs, points = pairs + size * source.channels, points + size
        return pairs, points

    def keep(self) -> None:
        """Keep the pairs of all temperatures in memory, if they fit beside the operator."""
        pairs, points = self.pairs_within(self._hottest)
        if self.problem.keeps(shared_pair_bytes(self.problem.model.dimension) * pairs, self._operator_bytes(points, 1)):
            basis = energy_basis(1, even=True)
            self._kept = {
                i: list(self._compute(i, self.kernel(i, basis, self._hottest).cutoff))
                for i in range(len(self.problem.sources))
            }

    def seconds_per_pair(self, kt: float, limit: float = 0.2) -> float:
        """Processor time of an unordered pair of points and all sources, measured on the first blocks of a solution.

        Blocks are computed for `limit` seconds, or two for each source: the first fills tables.
        """
        basis, count, total = energy_basis(1, even=True), len(self.sources), 0.0
        operator = CollisionOperator(len(self.shell), 1, self.problem.model.dimension, dtype=self._dtype)
        for index, source in enumerate(self.sources):
            kernel, z_max = self.kernel(index, basis, kt), source.z_max(self.q_max)
            watch = Stopwatch(limit / count)
            for rows, columns in self.geometry.pairs_of_slices(min(source.q_cut(kernel.cutoff), self.q_max)):
                block = self.geometry.shared_block(source, rows, columns, kernel.cutoff, z_max)
                if block is not None:
                    operator.add_shared(block, kernel)
                if watch.enough((rows.stop - rows.start) * (columns.stop - columns.start)):
                    break
            total += watch.each
        return total

    def forget(self) -> None:
        """Free the pairs that were kept."""
        self._kept = None

    @property
    def _dtype(self):
        return np.float32 if self.problem.model.dimension == 3 else np.float64

    def _operator_bytes(self, points: float, size: int) -> float:
        return float(np.dtype(self._dtype).itemsize) * size**2 * points

    @property
    def images(self) -> int:
        """Points that each point of the shell stands for."""
        return 1

    def unknowns(self, functions: int) -> int:
        """Of a solution with so many functions of the energy."""
        return len(self.shell) * functions

    def needs(self, kt: float, nodes: int) -> float:
        """Bytes of the collision operator at kT (eV) with so many energy nodes."""
        return self._operator_bytes(self.pairs_within(kt)[1], energy_basis(nodes, even=True).size)

    @property
    def _kept_bytes(self) -> int:
        return sum(b.nbytes for blocks in (self._kept or {}).values() for b in blocks)

    def _compute(self, index: int, z_cut: float):
        source = self.sources[index]
        z_max = source.z_max(self.q_max)
        todo = self.geometry.pairs_of_slices(min(source.q_cut(z_cut), self.q_max))

        def work(pair):
            return self.geometry.shared_block(source, pair[0], pair[1], z_cut, z_max)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            yield from (block for block in pool.map(work, todo) if block is not None)

    def solve_each(self, kts, nodes: int) -> Iterator[tuple[KineticResponse, Size]]:
        """Responses at several kT (eV), one after the other."""
        return (self.solve(kt, nodes) for kt in kts)

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        problem, basis = self.problem, energy_basis(nodes, even=True)
        dimension, single = problem.model.dimension, problem.model.dimension == 3
        if self._kept_bytes + self._operator_bytes(self.pairs_within(kt)[1], basis.size) > problem.settings.memory:
            self.forget()
        shape = (len(self.shell), basis.size, dimension)
        operators = [CollisionOperator(*shape, dtype=self._dtype) for _ in range(THREADS)]
        for index in range(len(problem.sources)):
            kernel = self.kernel(index, basis, kt)
            if self._kept is not None:
                self._add(operators, self._kept[index], kernel)
            else:
                self._stream(operators, index, kernel)
            problem.check_memory(self._kept_bytes + sum(o.nbytes for o in operators), kt / KB)
        operator = operators[0]
        for other in operators[1:]:
            operator.merge(other)
        operator.finish()
        response = kinetic_response(
            operator,
            self.geometry.weight,
            self.geometry.velocity,
            basis.thermal_weight,
            approximation=problem.settings.approximation,
            tolerance=max(1e-6, 3e-3 * problem.settings.tolerance) if single else 1e-10,
            clusters=self.geometry.ordering.clusters,
            pieces=None if self.geometry.components is None else self.geometry.components.label,
        )
        return response, Size(operator.unknowns, operator.pairs, operator.nbytes + self._kept_bytes)

    @staticmethod
    def _add(operators, blocks, kernel):
        def work(part):
            for block in blocks[part::THREADS]:
                if min(c[3] for c in block.channels) <= kernel.cutoff:
                    operators[part].add_shared(block, kernel)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))

    def _stream(self, operators, index, kernel):
        """Compute, use and forget the blocks of one temperature."""
        source = self.sources[index]
        z_max = source.z_max(self.q_max)
        todo = self.geometry.pairs_of_slices(min(source.q_cut(kernel.cutoff), self.q_max))

        def work(part):
            for rows, columns in todo[part::THREADS]:
                block = self.geometry.shared_block(source, rows, columns, kernel.cutoff, z_max)
                if block is not None:
                    operators[part].add_shared(block, kernel)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
