"""Whether the energies of a temperature share the geometry of the Fermi surface or have shells of their own."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from scipy.special import expit

from ..bands.states import band_energies
from ..energy.thermal import thermal_nodes
from ..errors import InputError
from ..surfaces.window import EnergyWindow
from ..units import KB
from .fermi_surface import NODES_STEP
from .own import OwnShells
from .problem import Problem
from .shared import SharedShell
from .side import FARTHEST, find_rays
from .tensors import relative_change
from .windowed import significance

WINDOW = 3
"""Shells of the thermal window."""

_TOUCHED = 0.3  # of the tolerance: critical energies of less significance are passed over
_SAME = 1e-6  # eV: ends of bands
_MANY = 15  # energies that tell whether those few are enough
_COARSE = 5e-3  # what a cheap mesh leaves undecided
_CELLS = 0.5  # edges of its cells, of the spacing of cheap shells
_SAMPLE = 4096  # random k points for the density of states in the thermal window
_COUNTED = 100  # states of the sample from which on their number tells
_COLD = 0.25  # of the highest temperature: below, the window changes a sixteenth of what it changes there
_THIN = 0.1  # of velocity times spacing: a window below this is not resolved by the shells themselves


def choose_geometries(problem: Problem, temperatures) -> tuple[list[str], list[float]]:
    """Own, shared or averaged for each temperature (K), and what other shells change where that was measured."""
    problem.require_scattering(temperatures)
    differences = [np.nan] * len(temperatures)
    choice = problem.settings.geometry
    window = _Window(problem, temperatures)
    independent = _independent(problem, temperatures, window)
    rest = [i for i, apart in enumerate(independent) if not apart]
    geometries = ["independent"] * len(temperatures)
    if rest:
        chosen = _smooth_geometries(problem, [temperatures[i] for i in rest], choice)
        for i, geometry, difference in zip(rest, *chosen, strict=True):
            geometries[i], differences[i] = geometry, difference
    averaged = [temperatures[i] for i in rest if geometries[i] == "averaged"]
    for i in rest:  # the average and what is in proportion to it stand for all shells
        if temperatures[i] in window.measured and geometries[i] in ("averaged", "shared"):
            differences[i] = window.missed(temperatures[i], max(averaged, default=None))
    return geometries, differences


def is_crystal(model) -> bool:
    """Whether a model is a crystal in three dimensions."""
    return model.dimension == 3 and model.cell is not None


def _independent(problem: Problem, temperatures, window: _Window) -> list[bool]:
    """Which temperatures (K) take shells made afresh over the thermal window.

    Vertices from first principles cost too much for that, unless it is asked for: then nothing is looked for.
    """
    if _looks_for_critical_energies(problem):
        return _changing_shells(problem, temperatures, window)
    return [problem.settings.geometry == "independent"] * len(temperatures)


def _looks_for_critical_energies(problem: Problem) -> bool:
    choice = problem.settings.geometry
    return choice == "averaged" or (choice == "auto" and not problem.expensive)


def _smooth_geometries(problem: Problem, temperatures, choice: str) -> tuple[list[str], list[float]]:
    """The same where no shell changes topology that shells carried along would have to follow."""
    differences = [np.nan] * len(temperatures)
    if choice != "auto":
        return [choice] * len(temperatures), differences
    if problem.settings.heat:
        # heat asks for how shells differ; where no rays carry points to other energies shells are made afresh
        alone = (
            not is_crystal(problem.model) or all(problem.near_edge(KB * t) for t in temperatures) or _carried(problem)
        )
        return ["own" if alone else "independent"] * len(temperatures), differences
    if all(problem.near_edge(KB * t) for t in temperatures):
        return ["own"] * len(temperatures), differences
    if is_crystal(problem.model):
        return _crystal_geometries(problem, temperatures), differences
    if problem.settings.energy_nodes == 1:
        return ["own"] * len(temperatures), differences  # one node: the Fermi surface either way
    order = np.argsort(temperatures)

    def matters(place):
        differences[order[place]] = value = _own_difference(problem, KB * temperatures[order[place]])
        return not value < 0.2 * problem.settings.tolerance

    first = _coldest(len(order), matters)
    result = [""] * len(order)
    for place, i in enumerate(order):
        result[i] = "shared" if place < first else "own"
    return result, differences


def _coldest(count: int, matters) -> int:
    """The first of `count` places, from cold to hot, at which something matters that grows with temperature, found by
    bisection; `count` where it nowhere does."""
    low, high = 0, count - 1
    if count == 0 or not matters(high):
        return count
    while low < high:
        middle = (low + high) // 2
        if matters(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _changing_shells(problem: Problem, temperatures, window: _Window) -> list[bool]:
    """Whether the thermal window holds critical energies that shells carried along from the Fermi surface, or shared
    with it, cannot follow: any but the edges of the bands at hand, at which :mod:`.own` ends its energies."""
    points = problem.critical(KB * max(temperatures))
    if not len(points):
        return [False] * len(temperatures)
    density = problem.window_density(KB * max(temperatures))
    if problem.settings.energy_nodes != 1 and problem.settings.geometry == "auto":
        points = points[~_followed(problem, points, KB * max(temperatures))]
    result = []
    for t in temperatures:
        kt = KB * t
        weight = significance(points, problem.mu, kt, density)
        # of a gap only what lies beyond it counts
        states = 1.0 if problem.edges.inside else expit(-problem.edges.distance(problem.mu) / kt)
        result.append(bool((weight > _TOUCHED * problem.settings.tolerance * states).any()))
    if is_crystal(problem.model) and problem.edges.inside:
        return _unless_averaged(problem, window, temperatures, result)
    return result


def _unless_averaged(problem: Problem, window: _Window, temperatures, apart: list[bool]) -> list[bool]:
    """`apart` but for temperatures at which the few shells of an average over the window see what many would.

    Three-dimensional crystals have critical energies nearly everywhere, most of which change nothing that counts, and
    shells made afresh are dear. What counts is measured on a cheap mesh; it grows with temperature. The average is made
    at the hottest temperature that has one, and colder ones take their part of that.
    """
    allowed = max(problem.settings.tolerance, _COARSE)
    order = sorted((i for i, flag in enumerate(apart) if flag), key=lambda i: temperatures[i])
    rising = [temperatures[i] for i in order]
    first = _coldest(len(rising), lambda place: window.missed(rising[place], rising[place]) > allowed)
    left = set(range(len(apart))) - set(order[first:])
    if left:
        hottest = max(temperatures[i] for i in left)
        left -= {i for i in order[:first] if window.missed(temperatures[i], hottest) > allowed}
    window.measured.update(temperatures[i] for i in left.intersection(order))
    return [i not in left for i in range(len(apart))]


class _Window:
    """The mean of ``sum w v^2 / sum w`` over the thermal window, the conductivity of zero-range impurities, on a cheap
    mesh.

    Attributes
    ----------
    measured : set of float
        Temperatures (K) with critical energies in their window that do not take shells made afresh.
    """

    def __init__(self, problem: Problem, temperatures):
        self._problem, self.measured = problem, set[float]()
        hottest, coldest = max(temperatures), min(temperatures)
        self._kts = KB * np.geomspace(
            hottest, coldest, 1 + int(np.ceil(np.log(hottest / coldest) / np.log(NODES_STEP)))
        )

    @cached_property
    def _tabulated(self) -> tuple[np.ndarray, np.ndarray]:
        """Energies (eV), those that temperatures in between ask for, and the mean square speed of their surfaces."""
        problem = self._problem
        energies = np.unique(problem.mu + np.outer(self._kts, thermal_nodes(_MANY)[0]))
        # what bands ask for, however fast a coupling falls
        spacing = _CELLS * max(problem.spacings.coarsest, problem.default_spacing)
        surfaces = EnergyWindow(problem.model, energies, spacing=spacing, operations=problem.operations)
        return energies, np.array([surfaces.mean_square_speed(e) for e in energies])

    def missed(self, temperature: float, hottest: float | None) -> float:
        """By how much many shells differ, relatively, from an average over few at the `hottest` temperature (K) in
        proportion to T^2; from the surface at the chemical potential where nothing is averaged, and that is None."""
        centre, many = float(np.interp(self._problem.mu, *self._tabulated)), self._mean(temperature, _MANY)
        found = centre
        if hottest is not None:
            found += (temperature / hottest) ** 2 * (self._mean(hottest, WINDOW) - centre)
        return abs(found - many) / many if many > 0 else 0.0

    def _mean(self, temperature: float, count: int) -> float:
        nodes, weights = thermal_nodes(count)
        return float(weights @ np.interp(self._problem.mu + KB * temperature * nodes, *self._tabulated))


def no_critical_energy(problem: Problem, temperatures) -> list[bool]:
    """For which temperatures (K) critical energies are too far away to matter, whatever the density of states there.

    True where shells made afresh are out of the question.
    """
    if not _looks_for_critical_energies(problem):
        return [problem.settings.geometry != "independent"] * len(temperatures)
    distance = np.abs(problem.critical(KB * max(temperatures)).energy - problem.mu).min(initial=np.inf)
    return [bool(expit(-distance / (KB * t)) <= _TOUCHED * problem.settings.tolerance) for t in temperatures]


def _followed(problem, points, kt: float) -> np.ndarray:
    """Which critical points are ends of all the bands at hand, or of those across a gap.

    The latter where no saddle is as near as shells of their own are carried: there both sides can be had without them.
    """
    edges = problem.edges
    if edges.inside:
        ends = [e for e, o in ((edges.lower, edges.lowest), (edges.upper, edges.highest)) if abs(e - o) < _SAME]
    else:
        ends = [min((edges.lower, edges.upper), key=lambda e: abs(e - problem.mu))]
    across = [other.edge for other in problem.across(kt)]
    if across and not problem.critical_within(max(abs(e - problem.mu) for e in across) + FARTHEST * kt).saddle.any():
        ends += across
    near = np.abs(points.energy[:, None] - np.array([e for e in ends if np.isfinite(e)])) < _SAME
    return near.any(axis=1) & ~points.saddle


def _crystal_geometries(problem, temperatures) -> list[str]:
    """Own where the density of states changes within the thermal window; else averaged where the window is wide
    enough for the shells to resolve it.

    Independent instead of own where no rays carry the points to other energies: on gradient lines they crowd.
    """
    shell = problem.coarse_shell(problem.mu)
    speed = shell.area.sum() / (shell.weight.sum() * (2 * np.pi) ** 3)
    ends = KB * np.asarray(temperatures) * thermal_nodes(WINDOW)[0][-1]
    wide = ends.max() > _THIN * speed * problem.spacings.base
    result = ["averaged" if wide and t > _COLD * max(temperatures) else "shared" for t in temperatures]
    energies = band_energies(
        problem.model, np.random.default_rng(0).random((_SAMPLE, 3)) @ problem.model.reciprocal_cell
    )
    for i in np.argsort(ends)[::-1]:
        if problem.near_edge(KB * temperatures[i]):
            result[i] = "own"
        elif _density_changes(problem, energies, ends[i]):
            result[i] = "own" if problem.expensive or _carried(problem) else "independent"
        else:
            break
    return result


def _carried(problem) -> bool:
    """Whether rays carry the points of a cheap shell at the chemical potential to other energies."""
    shell = problem.shell(problem.mu, problem.whole_spacings.base, levels=0, whole=True)
    return find_rays(problem, shell, 0) is not None


def _density_changes(problem, energies, end: float) -> bool:
    """Whether the density of states at ``mu - end`` or ``mu + end`` differs from that at mu by more than a factor 2."""
    edges = problem.mu + end * np.array([-1.5, -0.5, 0.5, 1.5])
    counts = np.histogram(energies, edges)[0].tolist()
    if counts[1] < _COUNTED:
        try:
            counts = [problem.coarse_shell(problem.mu + e).weight.sum() for e in (-end, 0.0, end)]
        except InputError:  # no state there
            return True
    return bool(min(counts) < 0.5 * counts[1] or max(counts) > 2 * counts[1])


def _own_difference(problem, kt: float) -> float:
    """What three shells of their own change against three on the Fermi surface."""
    shell = problem.shell(problem.mu, problem.spacings.at(kt / KB))
    own, _ = OwnShells(problem, shell, kt).solve(kt, 3)
    shared, _ = SharedShell(problem, shell, kt).solve(kt, 3)
    return relative_change(own, shared)
