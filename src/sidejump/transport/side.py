"""The shells on one side of a gap, carried along from one of them."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from ..bands.remembered import remembered
from ..bands.states import band_energies
from ..energy.basis import EnergyBasis, energy_basis
from ..energy.mapping import edge_side
from ..errors import InputError
from ..surfaces.edges import descend, ends, sample_at
from ..surfaces.flow import ShellFlow
from ..surfaces.rays import MOST_POINTS, ShellRays, evenly_sampled, shell_rays
from ..surfaces.shell import Shell
from ..units import KB
from .problem import Problem

_TORN = 1.1  # see ShellFlow.torn; smooth contours stay below 1.05

_POINTS = 110
"""Points on a closed shell around a band extremum, at accuracy 1."""

FARTHEST = 25.0
"""kT beyond a band edge, or the chemical potential, up to which there are nodes."""

_LEAST_LEFT = 1e-2
"""kT: a range of energies that is narrower holds no carriers."""

_MORE, _MORE_EACH = 4, 2
"""Nodes of the rates beyond those of the distribution, on one range of energies and on each of several."""

USUAL_NODES = 15
"""Shells that have to be carried farther are carried as far as so many nodes reach."""


class Side:
    """The shells of bands that no gap parts, at every temperature up to `hottest` (kT, eV).

    Attributes
    ----------
    shell : Shell
        The one the others are carried from.
    sign : int
        1 where the carriers of these bands are electrons above a gap, -1 holes below one, 0 where that is not known.
    """

    def __init__(self, problem: Problem, shell: Shell, hottest: float, sign: int, threshold: float | None):
        self.problem, self.shell, self.sign = problem, shell, sign
        self._threshold_energy = threshold
        self.low, self.high = band_ends(problem.model, shell.energy, *np.unique(shell.band).tolist())
        self._hottest = hottest
        self._looked = False
        self._missing: dict[float, float] = {}  # relative error of the density of states at an energy
        # contours are followed exponentially well by gradient lines, surfaces are not: their points crowd
        carried = problem.settings.energy_nodes != 1 and (problem.model.dimension == 3 or self.near(hottest) != 0)
        self._rays = find_rays(problem, shell, self.near(hottest)) if carried else None
        if self._rays is not None and problem.model.dimension == 3:
            # as many as thermal phonons and the range of the couplings ask for, if that is more
            wanted = 1.3 * shell.area.sum() / problem.spacings.of_scattering(hottest / KB) ** 2
            points = max(round(_POINTS * problem.settings.accuracy**2), int(wanted))
            if points <= MOST_POINTS:
                self._rays = evenly_sampled(self._rays, points, problem.placed)
                self.shell = self._rays.shell

    def near(self, kt: float) -> int:
        """1 where the carriers at kT (eV) are above a band edge in sight, -1 below one, else 0."""
        return edge_side(*self.interval(kt), self._threshold(kt))

    def _threshold(self, kt: float) -> float | None:
        return None if self._threshold_energy is None else round(self._threshold_energy / kt * (1 + 1e-9), 9)

    def interval(self, kt: float) -> tuple[float, float]:
        """Range of x = (e - mu)/kT in which the bands of the shell exist."""
        margin, mu = 1e-3 * kt, self.problem.mu
        interval = ((self.low + margin - mu) / kt, (self.high - margin - mu) / kt)
        side = edge_side(*interval, self._threshold(kt))
        if side > 0:
            interval = (interval[0], min(interval[1], max(interval[0], 0.0) + FARTHEST))
        elif side < 0:
            interval = (max(interval[0], min(interval[1], 0.0) - FARTHEST), interval[1])
        # past 20 kT an edge has no weight and no node reaches it: one table serves all such temperatures
        low, high = (
            x if abs(x) < 20 or x * end < 0 or side != 0 else end * 40.0
            for x, end in zip(interval, (-1, 1), strict=True)
        )
        return round(float(low), 6), round(float(high), 6)

    def bases(
        self, nodes: int, kt: float, *, others: list[Side] | None = None, more: int | None = None
    ) -> tuple[EnergyBasis, EnergyBasis]:
        """Basis of the distribution, and that of the rates, which has more nodes (:mod:`sidejump.kinetics.galerkin`).

        Shells that change within the thermal window make the operator indefinite where both are the same.

        Parameters
        ----------
        others : list of Side, optional
            Beyond gaps that phonons may bridge.
        more : int, optional
            Nodes of the rates beyond those of the distribution, if not the usual number.
        """
        interval, threshold = self.interval(kt), self._threshold(kt)
        if nodes == 1 or edge_side(*interval, threshold) == 0:
            threshold = bridge = None
        else:
            bridge = self._bridge(kt, others or [])
        basis = energy_basis(nodes, interval, threshold=threshold, bridge=bridge)
        if more is None:
            ranges = len(basis.breaks) - 1
            more = 0 if nodes == 1 else _MORE if ranges == 1 else _MORE_EACH * ranges
        if more == 0:
            return basis, basis
        return basis, energy_basis(nodes, interval, threshold=threshold, bridge=bridge, more=more)

    def _bridge(self, kt: float, others: list[Side]) -> float | None:
        """What optical phonons have left of their energy (kT) across the gap at the edge; None if too little."""
        threshold, (low, high) = self._threshold(kt), self.interval(kt)
        if threshold is None:
            return None
        ends = [other.interval(kt) for other in others]
        gaps = [low - end[1] if self.near(kt) > 0 else end[0] - high for end in ends]
        left = threshold - min((gap for gap in gaps if gap > 0), default=np.inf)
        return left if left > _LEAST_LEFT else None

    def carried(self, energies, nodes: int) -> ShellFlow | ShellRays:
        """The points carried to `energies` (eV) of so many nodes at least: as far as these reach at the highest
        temperature, and when this has to be done again, as far as it may ever be."""
        if self._rays is not None:
            return self._rays
        flows = self.problem.flows
        flow = next((flow for flow in flows if flow.shell is self.shell), None)
        low, high = energies.min() - 1e-9, energies.max() + 1e-9
        if flow is None or low < flow.lowest or high > flow.highest:
            if flow is None:
                basis, _ = self.bases(nodes, self._hottest)
            else:
                flows.remove(flow)
                _, basis = self.bases(USUAL_NODES, self._hottest)
            reach = self.problem.mu + self._hottest * basis.nodes
            low, high = min(low, reach[0] - 1e-9), max(high, reach[-1] + 1e-9)
            flow = ShellFlow(self.problem.model, self.shell, low, high)
            flows.append(flow)  # the oldest goes
            for sentence in flow.warnings:
                self.problem.warn(sentence)
        return flow

    def at(self, basis: EnergyBasis, kt: float) -> tuple[np.ndarray, np.ndarray]:
        """k (S, n, d) and weight (S, n) of the points on the shells of the nodes; one node has the shell as it is."""
        if basis.n == 1:
            return self.shell.k[:, None], self.shell.weight[:, None]
        energies = self.problem.mu + kt * basis.nodes
        return self.carried(energies, basis.n).at(energies)

    def lost_density(self, basis: EnergyBasis, kt: float) -> float:
        """2D: relative part of the density of states that the carried points miss, on the thermal average.

        Contours are made afresh where carried ones have been torn, and, at the highest temperature, at the nodes near
        3 kT, to find sheets that do not exist at the chemical potential.
        """
        if basis.n == 1:
            return 0.0
        problem = self.problem
        energies = problem.mu + kt * basis.nodes
        flow = self.carried(energies, basis.n)
        if not isinstance(flow, ShellFlow):
            return 0.0
        suspect = flow.torn(energies) > _TORN
        if kt == self._hottest and not self._looked:
            self._looked = True
            suspect[[np.abs(basis.nodes - x).argmin() for x in (-3, 3)]] = True
        lost = 0.0
        for i in np.flatnonzero(suspect):
            if energies[i] not in self._missing:
                try:
                    error = flow.density_error(
                        energies[i : i + 1], spacing=problem.spacings.base, turn=None, minimum=problem.settings.minimum
                    )[0]
                except InputError:  # no shell there
                    error = 1.0
                self._missing[energies[i]] = abs(float(error))
            lost += abs(basis.thermal_weight[i]) * self._missing[energies[i]]
        return lost

    def density(self, basis: EnergyBasis, kt: float, states) -> float:
        """Electrons above the edge or holes below it, 1/angstrom^d; `states` (n,): densities of states at the nodes."""
        if basis.n == 1 or basis.side == 0:
            return np.nan
        return float(kt * states @ basis.integrals(lambda x: expit(-basis.side * x)))


def find_rays(problem: Problem, shell: Shell, side: int) -> ShellRays | None:
    """Rays where each piece of a shell surrounds an extremum of its band; None where some do not.

    Parameters
    ----------
    side : int
        1 where all of them are minima, as above a band edge, -1 maxima; 0 where either may be.
    """
    model = problem.model
    size = 0.3 * float(np.mean(shell.area) * len(shell)) ** (1 / max(1, model.dimension - 1))
    signs = (side,) if side else (1, -1)

    def next_to(k, band):
        return (descend(model, k[None], [band], [sign], size)[0][0] for sign in signs)

    return shell_rays(model, shell, next_to, problem.settings.degeneracy, closed=model.dimension == 3)


@remembered
def band_ends(model, energy: float, *bands: int) -> tuple[float, float]:
    """Lowest and highest energy that every one of these bands at an energy (eV) reaches, eV."""
    k = sample_at(model, energy)
    bottoms, tops = ends(model, k, band_energies(model, k), bands)
    return float(bottoms.max()), float(tops.min())


def beyond(sides: list[Side]) -> float:
    """Distance (eV) from the chemical potential of the nearest states that no side reaches."""
    problem = sides[0].problem
    energies = band_energies(problem.model, sample_at(problem.model, sides[0].shell.energy)).ravel()
    left = np.ones(len(energies), dtype=bool)
    for side in sides:
        room = [1e-3 * abs(side.shell.energy - end) for end in (side.low, side.high)]
        left &= (energies < side.low - room[0]) | (energies > side.high + room[1])
    return float(np.abs(energies[left] - problem.mu).min(initial=np.inf))
