"""Solutions in which every energy node has its own shell: exact in kT/e_F and w/e_F.

Bands on either side of a gap are one sample: each side has its own nodes and shells, and phonons that bridge the gap
scatter between them.  Without such phonons the conductivities of the sides add up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..energy.basis import EnergyBasis
from ..energy.between import across_gap
from ..errors import InputError
from ..kinetics.fold import Fold
from ..kinetics.response import KineticResponse, kinetic_response
from ..kinetics.sums import Kernels, RateSums, farthest, rate_sums, seconds_per_pair
from ..pairs.near import BLOCK
from ..pairs.sample import Sample
from ..pairs.stream import PairStream
from ..surfaces.components import Components
from ..surfaces.shell import Shell
from ..units import KB
from .coherence import with_matrices
from .doubt import with_doubt
from .problem import Problem
from .settings import Size
from .side import Side, beyond
from .skew import odd_rates, with_skew

_DENSITY = 3e-4  # the density of states of a contour that is made afresh may be as far off


@dataclass(frozen=True)
class _Prepared:
    """What a solution starts from.

    Attributes
    ----------
    sides : list of Side
        Those with carriers, in ascending order of their energies.
    fewer, bases : list of EnergyBasis
        Of the distribution and of the rates, for each side, with as many functions on every side.
    stream : PairStream
    kernels : list of Kernels
        For each source.
    """

    sides: list[Side]
    fewer: list[EnergyBasis]
    bases: list[EnergyBasis]
    stream: PairStream
    kernels: list[Kernels]

    @property
    def sample(self) -> Sample:
        """The points of all sides."""
        return self.stream.sample

    @property
    def thermal_weight(self) -> np.ndarray:
        """Of each point, shape (S, m)."""
        return np.stack([basis.thermal_weight for basis in self.bases])[self.sample.side]

    def sums(self) -> RateSums:
        """Empty sums over the pairs."""
        return RateSums(self.sample.count, self.sample.energies, self.sample.currents.shape[2], Fold())


class OwnShells:
    """The shells of all nodes, carried along from one shell on each side, at every temperature up to `hottest`.

    Parameters
    ----------
    problem : Problem
    shell : Shell
        At the chemical potential, or next to it where the nearest band begins or ends.
    hottest : float
        kT, eV.

    Attributes
    ----------
    density : (float, float)
        Electrons above the gap and holes below it in the last solution, 1/angstrom^d; NaN without a gap.
    """

    def __init__(self, problem: Problem, shell: Shell, hottest: float):
        self.problem = problem
        optical = max((t for t in (s.threshold() for s in problem.sources) if t is not None), default=None)
        others = problem.across(hottest)
        signs = [1 if found.edge > shell.energy else -1 for found in others]
        self._main = Side(problem, shell, hottest, -sum(signs), optical)
        spacing = problem.whole_spacings.at(hottest / KB)
        self._across = {
            other.edge: Side(problem, problem.shell(other.energy, spacing, whole=True), hottest, sign, optical)
            for other, sign in zip(others, signs, strict=True)
        }
        self._sides = self._ascending(self._across.values())
        self._beyond = beyond(self._sides)
        self.density = (np.nan, np.nan)
        self._said: dict[float, tuple[float, str]] = {}

    @cached_property
    def shell(self) -> Shell:
        """The shells that the others are carried from, of all sides."""
        return _joined(self._main.shell, [side.shell for side in self._sides])

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        problem = self.problem
        problem.carriers(kt)  # there are some
        if nodes == 1 and self.moved:
            raise InputError(
                f"energy_nodes = 1: no electronic state at the chemical potential {problem.mu} eV, it lies in a gap, "
                'where the quasi-elastic theory does not hold; use "auto" or at least 3'
            )
        found = self._prepared(kt, nodes)
        self._judge(found, kt)
        problem.check_memory(self._bytes(found), kt / KB)
        [sums] = rate_sums(found.stream, [found.kernels], lambda _: found.sums())
        functions = None
        if any(few is not basis for few, basis in zip(found.fewer, found.bases, strict=True)):
            functions = np.stack([few.functions(b.nodes) for few, b in zip(found.fewer, found.bases, strict=True)])
        size = Size(sum(len(side.shell) for side in found.sides) * found.fewer[0].n, sums.pairs, sums.nbytes)
        response = kinetic_response(
            sums,
            found.sample,
            found.thermal_weight,
            approximation=problem.settings.approximation,
            functions=functions,
            odd=odd_rates(problem, found.sample, found.thermal_weight, functions),
        )
        self.density = self._density(found, kt)
        weight = found.thermal_weight
        response = with_matrices(problem, found.stream, found.kernels, response, weight, kt, functions)
        response = with_doubt(problem, found.sample, response, weight)
        return with_skew(problem, self._main.shell, found.sample, response, weight, kt, functions), size

    def _ascending(self, across) -> list[Side]:
        return sorted([self._main, *across], key=lambda side: side.low)

    def _active(self, kt: float, nodes: int) -> list[Side]:
        """The sides with carriers at kT (eV); one node is the Fermi surface."""
        if nodes == 1 or not self._across:
            return [self._main]
        return self._ascending(self._across[other.edge] for other in self.problem.across(kt))

    def _prepared(self, kt: float, nodes: int) -> _Prepared:
        problem = self.problem
        sides = self._active(kt, nodes)
        fewer, bases = self._bases(kt, nodes)
        places = [side.at(basis, kt) for side, basis in zip(sides, bases, strict=True)]
        k, weight = (np.concatenate([place[i] for place in places]) for i in range(2))
        heat = None
        if problem.settings.heat:
            energies = zip(sides, bases, strict=True)
            heat = np.concatenate([np.tile(kt * basis.nodes, (len(side.shell), 1)) for side, basis in energies])
        sample = problem.sampled(
            _joined(self._main.shell, [side.shell for side in sides]),
            k,
            weight,
            side=np.repeat(np.arange(len(sides)), [len(side.shell) for side in sides]),
            heat=heat,
        )
        reach = problem.q_max(k)
        stream = PairStream(sample, sample.prepared(problem.sources), reach, levels=False)
        kernels = [self._kernels(index, sides, bases, kt, reach) for index in range(len(problem.sources))]
        return _Prepared(sides, fewer, bases, stream, kernels)

    def _kernels(self, index: int, sides: list[Side], bases: list[EnergyBasis], kt: float, q_max: float) -> Kernels:
        """Those of a source."""
        problem = self.problem
        floors = [problem.z_floor(side.shell, problem.sources[index]) for side in sides]
        found = {}
        for i, initial in enumerate(bases):
            for j, final in enumerate(bases[i:], start=i):
                basis = initial if i == j else across_gap(initial, final)
                kernel = problem.kernel(index, basis, kt, q_max, min(floors[i], floors[j]))
                if i == j or kernel.bridges:
                    found[i, j] = kernel
        return found

    def _bases(self, kt: float, nodes: int) -> tuple[list[EnergyBasis], list[EnergyBasis]]:
        """Of the distribution and of the rates; those of all sides have as many nodes as the one that needs most."""
        sides = self._active(kt, nodes)
        found = [side.bases(nodes, kt, others=sides) for side in sides]
        most = max(basis.n for _, basis in found)
        if any(basis.n < most for _, basis in found):
            found = [side.bases(nodes, kt, others=sides, more=most - nodes) for side in sides]
        return [few for few, _ in found], [basis for _, basis in found]

    @staticmethod
    def _bytes(found: _Prepared) -> float:
        """Of the blocks of P."""
        connected = set().union(*found.kernels)
        side, n = found.sample.side, found.sample.energies
        near = found.stream.tasks(farthest([found.kernels]))
        pairs = sum(t.pairs for t in near if (int(side[t.rows.start]), int(side[t.columns.start])) in connected)
        return 8.0 * n**2 * pairs

    def points(self, kt: float, nodes: int) -> int:
        """Points of a shell at kT (eV), of all sides."""
        return sum(len(side.shell) for side in self._active(kt, nodes))

    def nodes_of_rates(self, kt: float, nodes: int) -> int:
        """Shells on each side at kT (eV) on which rates are computed for a distribution of so many nodes."""
        return self._bases(kt, nodes)[1][0].n

    def needs(self, kt: float, nodes: int) -> float:
        """Bytes of the collision operator at kT (eV) with so many energy nodes."""
        points = self.points(kt, nodes) * self.nodes_of_rates(kt, nodes)
        most = 4.0 * points * (points + BLOCK)
        return most if most <= self.problem.allowed else self._bytes(self._prepared(kt, nodes))

    def seconds_per_pair(self, kt: float, nodes: int, limit: float = 0.3) -> float:
        """See :func:`sidejump.kinetics.sums.seconds_per_pair`."""
        found = self._prepared(kt, nodes)
        return seconds_per_pair(found.stream, found.kernels, found.sums(), limit)

    def near_edge(self, kt: float) -> bool:
        """Whether carriers at kT (eV) or hotter ones are next to a band edge in sight, or on both sides of a gap."""
        return self.moved or self._main.near(kt) != 0 or len(self._active(kt, 3)) > 1

    @property
    def moved(self) -> bool:
        """Whether the first shell is not at the chemical potential, so that one energy node has none."""
        return self._main.shell.energy != self.problem.mu

    def _judge(self, found: _Prepared, kt: float) -> None:
        """Warn where states are not followed, and in two dimensions where the carried points miss some."""
        problem = self.problem
        low, high = self._main.interval(kt)
        kept = max(_tail(max(low, 0.0)), _tail(max(-high, 0.0)))  # of states in a gap: e^-x
        lost = _tail(self._beyond / kt) / (2 * kept)
        if lost > problem.settings.tolerance:
            problem.warn(
                f"T = {kt / KB:.4g} K: states {self._beyond / kt:.1f} kT from the chemical potential, beyond the ends "
                f"of the bands next to it, have a thermal weight of {lost:.1e} and are not followed: compare "
                'geometry = "independent"'
            )
        if problem.model.dimension != 2:
            return
        missed = [side.lost_density(basis, kt) for side, basis in zip(found.sides, found.bases, strict=True)]
        lost = float(np.dot(self._shares(found), missed))
        before, sentence = self._said.get(kt, (0.0, ""))
        if lost > max(before, problem.settings.tolerance, _DENSITY):
            if sentence in problem.warnings:
                problem.warnings.remove(sentence)
            sentence = (
                f"T = {kt / KB:.4g} K: shells join, come apart or appear within the thermal window; the density of "
                f"states carried along from the chemical potential is off by {lost:.1e} on the average: lower the "
                'temperature, or compare geometry = "independent"'
            )
            problem.warn(sentence)
            self._said[kt] = lost, sentence

    @staticmethod
    def _density(found: _Prepared, kt: float) -> tuple[float, float]:
        """See the attribute."""
        total = {1: 0.0, -1: 0.0}
        for i, (side, basis) in enumerate(zip(found.sides, found.bases, strict=True)):
            sign = basis.side or side.sign
            if sign == 0:
                return np.nan, np.nan
            states = found.sample.weight[found.sample.side == i].sum(axis=0)
            total[sign] += side.density(basis, kt, states)
        return total[1], total[-1]

    @staticmethod
    def _shares(found: _Prepared) -> np.ndarray:
        """Of each side in the thermal average of the density of states."""
        weight = found.sample.weight * found.thermal_weight
        share = np.bincount(found.sample.side, weight.sum(axis=1))
        return share / share.sum()


def _joined(first: Shell, shells: list[Shell]) -> Shell:
    """Shells of several sides as one, with the energy of the `first`."""
    if len(shells) == 1:
        return shells[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(shell, name) for shell in shells]) for name in ("k", "band", "weight", "area")
    }
    known = [shell.components for shell in shells if shell.components is not None]
    components = None
    if len(known) == len(shells):
        starts = np.cumsum([0, *(len(c.closed) for c in known[:-1])])
        components = Components(
            np.concatenate([c.label + start for c, start in zip(known, starts, strict=True)]),
            *(np.concatenate([getattr(c, name) for c in known]) for name in ("turn", "keeps", "closed")),
        )
    starts = np.cumsum([0, *(int(shell.sheet.max()) + 1 for shell in shells[:-1])])
    sheet = np.concatenate([shell.sheet + start for shell, start in zip(shells, starts, strict=True)])
    return replace(first, **columns, sheet=sheet, components=components)


def _tail(x: float) -> float:
    """Thermal weight beyond x, ``int_x^inf f (1 - f)``."""
    return float(1 / (1 + np.exp(min(x, 700.0))))
