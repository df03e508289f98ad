"""Solutions in which every energy node has its own shell: exact in kT/e_F and w/e_F."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
from scipy.special import expit

from ..bands.states import band_energies
from ..energy.basis import EnergyBasis, energy_basis
from ..energy.kernel import ScatteringKernel
from ..energy.mapping import edge_side
from ..errors import InputError
from ..kinetics.collision import CollisionOperator
from ..kinetics.galerkin import projected
from ..kinetics.response import KineticResponse, kinetic_response
from ..pairs.geometry import PairGeometry, shell_points
from ..pairs.stopwatch import Stopwatch
from ..surfaces.edges import descend, extremum, sample
from ..surfaces.flow import ShellFlow
from ..surfaces.rays import MOST_POINTS, ShellRays, evenly_sampled, shell_rays
from ..units import KB
from .problem import Problem
from .settings import Size

_TORN = 1.1  # see ShellFlow.torn; smooth contours stay below 1.05
_DENSITY = 3e-4  # the density of states of a contour that is made afresh may be as far off


class OwnShells:
    """The shells of all nodes, carried along from one shell, at every temperature up to `hottest` (kT, eV)."""

    def __init__(self, problem: Problem, shell, hottest: float):
        self.problem, self.shell = problem, shell
        self._edges, self._beyond = band_edges(problem.model, shell)
        self._hottest = hottest
        self.density = np.nan
        self._optical = max((t for t in (s.threshold() for s in problem.sources) if t is not None), default=None)
        self._looked = False
        self._said: dict[float, tuple[float, str]] = {}
        self._missing: dict[float, float] = {}  # relative error of the density of states at an energy
        carried = problem.settings.energy_nodes != 1 and self.side(hottest) != 0
        self._rays = self._find_rays() if carried else None
        if self._rays is not None and problem.model.dimension == 3:
            # as many as thermal phonons and the range of the couplings ask for, if that is more
            wanted = 1.3 * shell.area.sum() / problem.range_spacing(hottest / KB) ** 2
            points = max(round(_POINTS * problem.settings.accuracy**2), int(wanted))
            if points <= MOST_POINTS:
                self._rays = evenly_sampled(self._rays, points)
                self.shell = self._rays.shell

    def _find_rays(self) -> ShellRays | None:
        """Rays where the shells surround band extrema, which is the rule next to an edge."""
        model, sign = self.problem.model, self.side(self._hottest)
        size = 0.3 * float(np.mean(self.shell.area) * len(self.shell)) ** (1 / max(1, model.dimension - 1))
        degeneracy = self.problem.settings.degeneracy
        return shell_rays(model, self.shell, lambda k, band: descend(model, k, band, sign, size)[0], degeneracy)

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        problem, shell = self.problem, self.shell
        problem.carriers(kt)  # there are some
        if nodes == 1 and shell.energy != problem.mu:
            raise InputError(
                f"energy_nodes = 1: no electronic state at the chemical potential {problem.mu} eV, it lies in a gap, "
                'where the quasi-elastic theory does not hold; use "auto" or at least 3'
            )
        fewer, basis, geometry, kernels = self._prepared(kt, nodes)
        problem.check_memory(self._blocks_bytes(geometry, kernels), kt / KB)
        operator = CollisionOperator(len(shell), basis.size, problem.model.dimension)
        for source, kernel in zip(problem.sources, kernels, strict=True):
            for block in geometry.blocks(source, kernel.cutoff):
                operator.add(block, kernel)
        operator.finish()
        memory = operator.nbytes
        functions = None
        if fewer is not basis:
            functions = fewer.functions(basis.nodes)
            operator = projected(operator, functions)
        response = kinetic_response(
            operator,
            geometry.weight,
            geometry.velocity,
            basis.thermal_weight,
            approximation=problem.settings.approximation,
            clusters=geometry.ordering.clusters,
            pieces=None if geometry.components is None else geometry.components.label,
            functions=functions,
        )
        self.density = self._density(basis, kt, geometry.weight.sum(axis=0))
        return response, Size(operator.unknowns, operator.pairs, memory)

    def _prepared(self, kt: float, nodes: int):
        """Basis of the distribution and that of the rates, geometry of the pairs, and a kernel for each source."""
        problem, shell = self.problem, self.shell
        fewer, basis = self._bases(nodes, kt)
        if basis.n == 1:
            k, weight = shell.k[:, None], shell.weight[:, None]
        else:
            energies = problem.mu + kt * basis.nodes
            flow = self._carried(energies)
            k, weight = flow.at(energies)
            if problem.model.dimension == 2 and isinstance(flow, ShellFlow):
                self._check_density(flow, kt, basis)
        points = shell_points(problem.model, problem.momentum, shell, k, weight, degeneracy=problem.settings.degeneracy)
        geometry = PairGeometry(points, problem.momentum, block=256)
        reach = problem.q_max(k)
        kernels = [
            ScatteringKernel(
                source.branches,
                basis,
                kt,
                source.z_max(reach),
                z_floor=problem.z_floor(shell, source),
                y_cut=problem.y_cut,
            )
            for source in problem.sources
        ]
        return fewer, basis, geometry, kernels

    def _blocks_bytes(self, geometry: PairGeometry, kernels) -> float:
        """Of the blocks of P, those of each source by itself."""
        total = 0.0
        for source, kernel in zip(self.problem.sources, kernels, strict=True):
            pairs = geometry.pairs_of_slices(source.q_cut(kernel.cutoff))
            total += 8.0 * geometry.n**2 * sum((a.stop - a.start) * (b.stop - b.start) for a, b in pairs)
        return total

    def nodes_of_rates(self, kt: float, nodes: int) -> int:
        """Shells at kT (eV) on which rates are computed for a distribution of so many nodes."""
        return self._bases(nodes, kt)[1].n

    def needs(self, kt: float, nodes: int) -> float:
        """Bytes of the collision operator at kT (eV) with so many energy nodes."""
        points = len(self.shell) * self.nodes_of_rates(kt, nodes)
        most = 4.0 * len(self.problem.sources) * points * (points + 256)
        if most <= self.problem.settings.memory:
            return most
        _, _, geometry, kernels = self._prepared(kt, nodes)
        return self._blocks_bytes(geometry, kernels)

    def seconds_per_pair(self, kt: float, nodes: int, limit: float = 0.3) -> float:
        """Processor time of an unordered pair of states and all sources, measured on the first blocks of a solution.

        Blocks are computed for `limit` seconds, or two for each source: the first fills tables.
        """
        _, basis, geometry, kernels = self._prepared(kt, nodes)
        operator = CollisionOperator(len(self.shell), basis.size, self.problem.model.dimension)
        total = 0.0
        for source, kernel in zip(self.problem.sources, kernels, strict=True):
            watch = Stopwatch(limit / len(kernels))
            for block in geometry.blocks(source, kernel.cutoff):
                operator.add(block, kernel)
                if watch.enough(block.strength.size):
                    break
            total += watch.each
        return total

    def _check_density(self, flow: ShellFlow, kt: float, basis) -> None:
        """2D: warn where the carried points miss part of the density of states.

        Contours are made afresh where carried ones have been torn, and, at the highest temperature, at the nodes near
        3 kT, to find sheets that do not exist at the chemical potential.
        """
        problem = self.problem
        energies = problem.mu + kt * basis.nodes
        suspect = flow.torn(energies) > _TORN
        if kt == self._hottest and not self._looked:
            self._looked = True
            suspect[[np.abs(basis.nodes - x).argmin() for x in (-3, 3)]] = True
        lost = 0.0
        for i in np.flatnonzero(suspect):
            if energies[i] not in self._missing:
                try:
                    error = flow.density_error(
                        energies[i : i + 1], spacing=problem.base_spacing, turn=None, minimum=problem.settings.minimum
                    )[0]
                except InputError:  # no shell there
                    error = 1.0
                self._missing[energies[i]] = abs(float(error))
            lost += abs(basis.thermal_weight[i]) * self._missing[energies[i]]
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

    def side(self, kt: float) -> int:
        """1 where the carriers at kT (eV) are above a band edge in sight, -1 below one, else 0."""
        return edge_side(*self.interval(kt), self._threshold(kt))

    def _density(self, basis, kt, states) -> float:
        """Carriers between the edge and the chemical potential, 1/angstrom^d; `states` (n,): densities of states."""
        if basis.n == 1 or basis.side == 0:
            return np.nan
        return float(kt * states @ basis.integrals(lambda x: expit(-basis.side * x)))

    def _threshold(self, kt: float) -> float | None:
        return None if self._optical is None else round(self._optical / kt * (1 + 1e-9), 9)

    def _bases(self, nodes: int, kt: float) -> tuple[EnergyBasis, EnergyBasis]:
        """Basis of the distribution, and that of the rates: more nodes next to a band edge, otherwise the same."""
        interval, threshold = self.interval(kt), self._threshold(kt)
        if nodes == 1 or edge_side(*interval, threshold) == 0:
            basis = energy_basis(nodes, interval)
            return basis, basis
        basis = energy_basis(nodes, interval, threshold=threshold)
        more = _MORE if len(basis.breaks) == 2 else _MORE_EACH
        return basis, energy_basis(nodes, interval, threshold=threshold, more=more)

    def _carried(self, energies) -> ShellFlow | ShellRays:
        """The points carried to `energies` (eV) at least; when this has to be done again, as far as it may ever be."""
        if self._rays is not None:
            return self._rays
        low, high = energies.min() - 1e-9, energies.max() + 1e-9
        flow = _flows.get(self.problem)
        known = flow is not None and flow.shell is self.shell
        if flow is None or not known or low < flow.lowest or high > flow.highest:
            if known:
                nodes = self.problem.mu + self._hottest * self._bases(USUAL_NODES, self._hottest)[1].nodes
                low, high = min(low, nodes[0] - 1e-9), max(high, nodes[-1] + 1e-9)
            flow = _flows[self.problem] = ShellFlow(self.problem.model, self.shell, low, high)
            for sentence in flow.warnings:
                self.problem.warn(sentence)
        return flow

    def interval(self, kt: float) -> tuple[float, float]:
        """Range of x = (e - mu)/kT in which the bands of the shell exist."""
        problem = self.problem
        low, high = self._edges
        margin = 1e-3 * kt
        interval = ((low + margin - problem.mu) / kt, (high - margin - problem.mu) / kt)
        beyond = (self._beyond[0] - problem.mu) / kt, (self._beyond[1] - problem.mu) / kt
        kept = max(_tail(max(interval[0], 0.0)), _tail(max(-interval[1], 0.0)))  # of states in a gap: e^-x
        lost = max(_tail(-beyond[0]), _tail(beyond[1])) / (2 * kept)
        if lost > problem.settings.tolerance:
            problem.warn(
                f"T = {kt / KB:.4g} K: the bands end {min(-interval[0], interval[1]):.1f} kT from the chemical "
                f"potential, and beyond are other ones with a thermal weight of {lost:.1e}, which are not followed"
            )
        side = edge_side(*interval, self._threshold(kt))
        if side > 0:
            interval = (interval[0], min(interval[1], max(interval[0], 0.0) + _FARTHEST))
        elif side < 0:
            interval = (max(interval[0], min(interval[1], 0.0) - _FARTHEST), interval[1])
        # past 20 kT an edge has no weight and no node reaches it: one table serves all such temperatures
        low, high = (
            x if abs(x) < 20 or x * end < 0 or side != 0 else end * 40.0
            for x, end in zip(interval, (-1, 1), strict=True)
        )
        return round(float(low), 6), round(float(high), 6)


_flows: WeakKeyDictionary[Problem, ShellFlow] = WeakKeyDictionary()  # the last of each

_POINTS = 110
"""Points on a closed shell around a band extremum, at accuracy 1."""

_FARTHEST = 25.0
"""kT beyond a band edge, or the chemical potential, up to which there are nodes."""

_MORE, _MORE_EACH = 4, 2
"""Nodes of the rates beyond those of the distribution, on one range of energies and on each of several."""

USUAL_NODES = 15
"""Shells that have to be carried farther are carried as far as so many nodes reach."""


def band_edges(model, shell) -> tuple[tuple[float, float], tuple[float, float]]:
    """Lowest and highest energy that every band of the shell reaches, and the nearest states below and above, eV."""
    k = sample(model, reach=float(np.linalg.norm(shell.k, axis=1).max()))
    energies = band_energies(model, k)
    bands = np.unique(shell.band)
    low = max(extremum(model, k, energies, b, 1) for b in bands)
    high = min(extremum(model, k, energies, b, -1) for b in bands)
    room = 1e-3 * abs(shell.energy - low), 1e-3 * abs(shell.energy - high)
    below, above = energies[energies < low - room[0]], energies[energies > high + room[1]]
    return (low, high), (below.max(initial=-np.inf), above.min(initial=np.inf))


def _tail(x: float) -> float:
    """Thermal weight beyond x, ``int_x^inf f (1 - f)``."""
    return float(1 / (1 + np.exp(min(x, 700.0))))
