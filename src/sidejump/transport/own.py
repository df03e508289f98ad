"""Solutions in which every energy node has its own shell: exact in kT/e_F and w/e_F."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np

from ..electrons.states import band_energies
from ..errors import InputError
from ..kinetics.collision import CollisionOperator
from ..kinetics.energy_basis import energy_basis
from ..kinetics.geometry import PairGeometry, shell_points
from ..kinetics.kernel import ScatteringKernel
from ..kinetics.response import KineticResponse, kinetic_response
from ..shells.flow import ShellFlow
from ..units import KB
from .problem import Problem
from .settings import Size

_TORN = 1.1  # see ShellFlow.torn; smooth contours stay below 1.05
_DENSITY = 3e-4  # the density of states of a contour that is made afresh may be as far off


class OwnShells:
    """The shells of all nodes, carried along from one shell, at every temperature up to `hottest` (kT, eV)."""

    def __init__(self, problem: Problem, shell, hottest: float):
        self.problem, self.shell = problem, shell
        self._edges = band_edges(problem.model, shell)
        self._hottest = hottest
        self._looked = False
        self._said: dict[float, tuple[float, str]] = {}
        self._missing: dict[float, float] = {}  # relative error of the density of states at an energy

    def solve(self, kt: float, nodes: int) -> tuple[KineticResponse, Size]:
        """Response at kT (eV) with so many energy nodes."""
        problem, shell = self.problem, self.shell
        basis = energy_basis(nodes, self.interval(kt))
        if basis.n == 1:
            k, weight = shell.k[:, None], shell.weight[:, None]
        else:
            energies = problem.mu + kt * basis.nodes
            flow = self._carried(energies)
            k, weight = flow.at(energies)
            if problem.model.dimension == 2:
                self._check_density(flow, kt, basis)
        points = shell_points(
            problem.model,
            problem.momentum,
            k,
            shell.band,
            shell.sheet,
            weight,
            degeneracy=problem.settings.degeneracy,
        )
        geometry = PairGeometry(points, problem.momentum, block=256)
        operator = CollisionOperator(len(shell), basis.size, problem.model.dimension)
        reach = problem.q_max(k)
        for source in problem.sources:
            kernel = ScatteringKernel(
                source.branches,
                basis,
                kt,
                source.z_max(reach),
                z_floor=problem.z_floor(shell, source),
                y_cut=problem.y_cut,
            )
            for block in geometry.blocks(source, kernel.cutoff):
                operator.add(block, kernel)
                problem.check_memory(operator.nbytes, kt / KB)
        operator.finish()
        response = kinetic_response(
            operator,
            geometry.weight,
            geometry.velocity,
            basis.thermal_weight,
            approximation=problem.settings.approximation,
            clusters=geometry.ordering.clusters,
        )
        return response, Size(operator.unknowns, operator.pairs, operator.nbytes)

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
            lost += basis.thermal_weight[i] * self._missing[energies[i]]
        before, sentence = self._said.get(kt, (0.0, ""))
        if lost > max(before, problem.settings.tolerance, _DENSITY):
            if sentence in problem.warnings:
                problem.warnings.remove(sentence)
            sentence = (
                f"T = {kt / KB:.4g} K: shells join, come apart or appear within the thermal window; the density of "
                f"states carried along from the chemical potential is off by {lost:.1e} on the average: lower the "
                'temperature, or compare geometry = "averaged"'
            )
            problem.warn(sentence)
            self._said[kt] = lost, sentence

    def _carried(self, energies) -> ShellFlow:
        """The points carried to `energies` (eV) at least; when this has to be done again, as far as it may ever be."""
        low, high = energies.min() - 1e-9, energies.max() + 1e-9
        flow = _flows.get(self.problem)
        known = flow is not None and flow.shell is self.shell
        if flow is None or not known or low < flow.lowest or high > flow.highest:
            if known:
                kt, reach = self._hottest, 1.01 * float(np.abs(energy_basis(USUAL_NODES).nodes).max())
                interval = self.interval(kt)
                low = min(low, self.problem.mu + kt * max(interval[0], -reach))
                high = max(high, self.problem.mu + kt * min(interval[1], reach))
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
        lost = max(_tail(-interval[0]), _tail(interval[1]))
        if lost > problem.settings.tolerance:
            problem.warn(
                f"T = {kt / KB:.4g} K: a band edge {min(-interval[0], interval[1]):.1f} kT from the chemical potential "
                f"cuts off a thermal weight of {lost:.1e}; other bands are not followed there"
            )
        # past 20 kT an edge has no weight and no node reaches it: one table serves all such temperatures
        low, high = (float(np.sign(x) * 40.0) if abs(x) > 20 else round(float(x), 6) for x in interval)
        return low, high


_flows: WeakKeyDictionary[Problem, ShellFlow] = WeakKeyDictionary()  # the last of each

USUAL_NODES = 15
"""Shells that have to be carried farther are carried as far as so many nodes reach."""


def band_edges(model, shell) -> tuple[float, float]:
    """Lowest and highest energy that every band of the shell reaches, from a sample of k space."""
    generator = np.random.default_rng(0)
    if model.cell is not None:
        k = generator.random((4000, model.dimension)) @ model.reciprocal_cell
    else:
        k = np.concatenate([scale * shell.k[:: max(1, len(shell) // 400)] for scale in np.linspace(0, 3, 61)])
    energies = band_energies(model, k)
    bands = np.unique(shell.band)
    return float(energies[:, bands].min(axis=0).max()), float(energies[:, bands].max(axis=0).min())


def _tail(x: float) -> float:
    """Thermal weight beyond x, ``int_x^inf f (1 - f)``."""
    return float(1 / (1 + np.exp(min(x, 700.0))))
