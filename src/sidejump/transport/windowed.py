"""Shells made afresh at energies of the thermal window, where it holds energies at which shells change topology.

Static impurities keep the energy: the response is the mean of those of single shells,

    sigma = int dF sigma(e),      F = 1 / (1 + exp((mu - e) / kT)),    0 < F < 1,

exactly, and energies without a state add nothing.  Phonons scatter quasi-elastically on each shell, with the
occupations of the temperature.  What inelasticity changes is added: found on each shell as if both ends of an event
lay on it.  That is where this stands behind shells of their own (:mod:`.own`), which cannot be carried past a saddle.

The response is smooth between critical energies (:mod:`sidejump.surfaces.critical`), and at them has the singularities
of the density of states: steps, roots and logarithms, as ln F has at the ends of the window.
``F = a + (b - a) (3 t^2 - 2 t^3)`` on each piece (a, b) makes Gauss-Legendre nodes in t converge.  A piece gets more
nodes until its value stands still.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from scipy.special import expit, logit

from ..errors import NoStates
from ..kinetics.response import PARTS, KineticResponse
from ..surfaces.critical import CriticalPoints
from ..units import KB
from .hot_spots import with_hot_spots
from .problem import Problem
from .settings import Size
from .shared import SharedShell
from .tensors import Change, difference, largest, weighted_sum, with_heat

LEVELS = (4, 8, 14)
"""Nodes of a piece, from the first look to the last."""

MOST_PIECES = 12
"""Critical energies beyond that are left out, those that matter least first."""


@dataclass
class _Piece:
    """Part of the window between two values of F, with what is known of it."""

    low: float
    high: float
    level: int = -1
    value: KineticResponse | None = None  # weighted sum; None where there is no state
    seen: list = field(default_factory=list)  # (energy, density of states, weighted conductivity) of the last nodes
    change: tuple[float, float] = (0.0, 0.0)  # of boltzmann and side jump by the last level; at first their sizes

    def quadrature(self, level: int) -> tuple[np.ndarray, np.ndarray]:
        """F and weights of a level."""
        x, w = np.polynomial.legendre.leggauss(LEVELS[level])
        t, width = 0.5 * (1 + x), self.high - self.low
        return self.low + width * t**2 * (3 - 2 * t), 0.5 * w * width * 6 * t * (1 - t)


def significance(points: CriticalPoints, mu: float, kt: float, density: float) -> np.ndarray:
    """How much each critical point matters at kT (eV): thermal weight behind it times what it does to the density.

    Parameters
    ----------
    density : float
        Density of states that its own is compared with, 1/(eV angstrom^d); 0 where there is none.
    """
    behind = expit(-np.abs(points.energy - mu) / kt)
    share = points.singular_density(kt) / density if density > 0 else np.full(len(points), np.inf)
    return behind * np.minimum(1.0, share)


def breaks(
    points: CriticalPoints, mu: float, kt: float, density: float, tolerance: float, ends: tuple[float, float]
) -> np.ndarray:
    """Values of F, from 0 to 1, between which everything is smooth to `tolerance`.

    `ends`: the energies (eV) between which there are bands; the tolerance is one of what is between them, however
    little of the window that is where kT is above their width.
    """
    first, last = expit((np.asarray(ends) - mu) / kt)
    tolerance = tolerance * (last - first) if last > first else tolerance
    weight = significance(points, mu, kt, density)
    places = expit((points.energy - mu) / kt)
    kept: list[float] = []
    for i in np.argsort(-weight, kind="stable"):
        if weight[i] < 0.1 * tolerance or len(kept) >= MOST_PIECES - 1:
            break
        if all(abs(places[i] - f) > 0.1 * tolerance for f in (0.0, 1.0, *kept)):
            kept.append(float(places[i]))
    return np.array([0.0, *sorted(kept), 1.0])


class IndependentShells:
    """Responses at one temperature, from shells that know nothing of one another.

    Parameters
    ----------
    problem : Problem
    kt : float
        eV.
    points : CriticalPoints
        Of the window.
    density : float
        See :func:`significance`.
    """

    def __init__(self, problem: Problem, kt: float, points: CriticalPoints, density: float):
        self.problem, self.kt = problem, kt
        tolerance = problem.settings.tolerance
        edges = problem.edges
        bands = (edges.lowest, edges.highest) if edges.inside else (-np.inf, np.inf)
        ends = breaks(points, problem.mu, kt, density, tolerance, bands)
        self._pieces = [_Piece(low, high) for low, high in pairwise(ends)]
        self.size = Size()
        self.change = np.inf
        self.shells = self.points = 0
        self._longest = 0.0  # momentum transfer on any of the shells

    @property
    def pieces(self) -> int:
        """Parts of the window that are integrated by themselves."""
        return len(self._pieces)

    def expected_shells(self) -> int:
        """Shells that the first look takes, and the second at all pieces but those too narrow to matter."""
        allowed = self.problem.settings.tolerance / len(self._pieces)
        wide = sum(piece.high - piece.low > allowed for piece in self._pieces)
        return len(self._pieces) * LEVELS[0] + wide * LEVELS[1]

    def a_shell(self, *, coarse: bool = False):
        """Some shell of the window, where its thermal weight is large: one that is yet to be made, mostly.

        Raises
        ------
        NoStates
            If there is none.
        """
        for x in (0.7, -0.7, 1.9, -1.9, 4.1, -4.1, 0.0):
            try:
                energy = self.problem.mu + x * self.kt
                return self.problem.coarse_shell(energy) if coarse else self._shell(energy)
            except NoStates:
                continue
        return self.problem.coarse_shell(self.problem.mu)

    def solve(self) -> KineticResponse:
        """The quasi-elastic response."""
        for piece in self._pieces:
            self._refine(piece)
        for _ in LEVELS[1:]:
            scale = self._total()
            allowed = self.problem.settings.tolerance / len(self._pieces)
            todo = [p for p in self._pieces if p.level + 1 < len(LEVELS) and self._matters(p, scale) > allowed]
            if not todo:
                break
            for piece in todo:
                self._refine(piece)
        total = self._total()
        self.change = sum(self._matters(p, total) for p in self._pieces)
        return total

    def inelasticity(self, converge) -> tuple[int, np.ndarray, Change]:
        """What more energy nodes change: nodes, what the last more of them changed (2,), and the change itself.

        Parameters
        ----------
        converge : callable
            ``converge(solver, kt)`` gives (nodes, change, ...).
        """
        problem, kt = self.problem, self.kt
        sampled = [node for piece in self._pieces for node in self._nodes(piece, 0)]
        sampled.sort(key=lambda node: -node[1])
        exact, plain, weights = [], [], []
        nodes, change = 0, np.full(2, np.nan)
        for energy, weight in sampled:
            solver = self._solver(energy, coarse=True)
            if solver is None:
                continue
            if nodes == 0:  # the first has the largest weight
                nodes, change, *_ = converge(solver, kt)
            one = solver.solve(kt, 1)[0]
            exact.append(self._heated(solver.solve(kt, nodes)[0] if nodes > 1 else one, energy))
            plain.append(self._heated(one, energy))
            weights.append(weight)
            problem.forget_shells()
        return nodes, change, difference(weighted_sum(exact, weights), weighted_sum(plain, weights))

    def unfollowed(self) -> float:
        """What phonons change, relatively, because the density of states differs where they take the electrons.

        Rates in proportion to the mean density of states at the two ends ``e +- w``, w the energy of the phonons of
        half the longest momentum transfer, and of no more than 4 kT: an estimate of what is left out here.
        """
        energies = [
            float(np.asarray(b.phonon_energy(np.array([0.5 * source.z_max(self._longest)])))[0])
            for source in self.problem.sources
            for b in source.branches
            if b.phonon_energy is not None
        ]
        seen = sorted(node for piece in self._pieces for node in piece.seen)
        energy, density, carried = np.array(seen).T
        if not energies or carried.sum() <= 0:
            return 0.0
        reach = min(max(energies), 4 * self.kt)
        ends = 0.5 * sum(np.interp(energy + sign * reach, energy, density) for sign in (-1, 1))
        some = (density > 0) & (ends > 0)
        return float(abs((carried * (density / np.where(some, ends, 1.0) - 1))[some].sum()) / carried.sum())

    def _nodes(self, piece: _Piece, level: int):
        place, weight = piece.quadrature(level)
        return list(zip(self.problem.mu + self.kt * logit(place), weight, strict=True))

    def _refine(self, piece: _Piece) -> None:
        """The next level of a piece."""
        piece.level += 1
        found, weights, piece.seen = [], [], []
        for energy, weight in self._nodes(piece, piece.level):
            response, density = self._response(float(energy))
            carried = 0.0
            if response is not None:
                found.append(response)
                weights.append(weight)
                carried = weight * float(np.trace(response.boltzmann))
            piece.seen.append((float(energy), density, carried))
        before, piece.value = piece.value, weighted_sum(found, weights) if found else None
        piece.change = _apart(piece.value, before)

    def _total(self) -> KineticResponse:
        known = [p.value for p in self._pieces if p.value is not None]
        if not known:
            raise NoStates(
                f"no electronic state within the thermal window of the chemical potential {self.problem.mu} eV: move "
                "chemical_potential (fermi_energy) towards a band"
            )
        return weighted_sum(known, np.ones(len(known)))

    def _matters(self, piece: _Piece, total: KineticResponse) -> float:
        """What may be wrong with a piece, relative to the total."""
        if piece.value is None and piece.level == 0:  # nothing seen with few nodes
            return piece.high - piece.low
        boltzmann, side_jump = piece.change
        return max(boltzmann / largest(total.boltzmann), side_jump / total.scale)

    def _solver(self, energy: float, coarse: bool = False):
        """The solver of the shell at an energy; None where there is no state."""
        problem = self.problem
        try:
            shell = problem.coarse_shell(energy) if coarse else self._shell(energy)
        except NoStates:
            return None
        return SharedShell(problem, shell, self.kt, residuals=problem.refines and not coarse)

    def _shell(self, energy: float):
        problem = self.problem
        if problem.model.dimension == 2:
            return problem.shell(energy, problem.spacings.at(self.kt / KB))
        return problem.window_shell(energy)

    def _response(self, energy: float) -> tuple[KineticResponse | None, float]:
        """Quasi-elastic response and density of states of the shell at an energy."""
        problem = self.problem
        solver = self._solver(energy)
        if solver is None:
            return None, 0.0
        density = float(solver.shell.weight.sum())
        self._longest = max(self._longest, solver.q_max)
        response, size = solver.solve(self.kt, 1)
        self.shells += 1
        self.points += len(solver.shell)
        self.size = Size.largest([self.size, size])
        if problem.refines:
            fine = problem.fine_shell(energy, problem.spacings.base, fewer=1)
            [response] = with_hot_spots(problem, solver, fine, [self.kt], [response], problem.spacings.base)
        problem.forget_shells()
        response = replace(response, distribution=None, odd_distribution=None, anomalous=None)
        return self._heated(response, energy), density

    def _heated(self, response: KineticResponse, energy: float) -> KineticResponse:
        """With the rows of the heat current, where it is asked for: all carriers of a shell have one energy."""
        return with_heat(response, energy - self.problem.mu) if self.problem.settings.heat else response


def _apart(new: KineticResponse | None, old: KineticResponse | None) -> tuple[float, float]:
    """Largest changes of boltzmann and sj(1); no state is no conductivity."""
    sizes = []
    for name in PARTS[:2]:
        a, b = (0.0 if r is None else getattr(r, name) for r in (new, old))
        sizes.append(largest(np.atleast_2d(a - b)))
    return sizes[0], sizes[1]
