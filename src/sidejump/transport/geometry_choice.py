"""Whether the energies of a temperature share the geometry of the Fermi surface or have shells of their own."""

from __future__ import annotations

import numpy as np

from ..electrons.states import band_energies
from ..errors import InputError
from ..units import KB
from .own import OwnShells
from .problem import Problem
from .shared import SharedShell
from .tensors import relative_change
from .thermal import thermal_nodes

WINDOW = 3
"""Shells of the thermal window."""

_SAMPLE = 4096  # random k points for the density of states in the thermal window
_COUNTED = 100  # states of the sample from which on their number tells
_COLD = 0.25  # of the highest temperature: below, the window changes a sixteenth of what it changes there
_THIN = 0.1  # of velocity times spacing: a window below this is not resolved by the shells themselves


def choose_geometries(problem: Problem, temperatures) -> tuple[list[str], list[float]]:
    """Own, shared or averaged for each temperature (K), and what own shells change where that was measured."""
    differences = [np.nan] * len(temperatures)
    choice = problem.settings.geometry
    if choice != "auto":
        return [choice] * len(temperatures), differences
    if all(problem.near_edge(KB * t) for t in temperatures):
        return ["own"] * len(temperatures), differences
    if problem.model.cell is not None and problem.model.dimension == 3:
        return _crystal_geometries(problem, temperatures), differences
    if problem.settings.energy_nodes == 1:
        return ["own"] * len(temperatures), differences  # one node: the Fermi surface either way
    order = np.argsort(temperatures)

    def negligible(place):
        differences[order[place]] = value = _own_difference(problem, KB * temperatures[order[place]])
        return value < 0.2 * problem.settings.tolerance

    # the difference grows with temperature: bisect for the coldest at which it matters
    low, high = 0, len(order)
    if not negligible(high - 1):
        high -= 1
        while low < high:
            middle = (low + high) // 2
            if negligible(middle):
                low = middle + 1
            else:
                high = middle
    result = [""] * len(order)
    for place, i in enumerate(order):
        result[i] = "shared" if place < high else "own"
    return result, differences


def _crystal_geometries(problem, temperatures) -> list[str]:
    """Own where the density of states changes within the thermal window; else averaged where the window is wide
    enough for the shells to resolve it."""
    shell = problem.coarse_shell(problem.mu)
    speed = shell.area.sum() / (shell.weight.sum() * (2 * np.pi) ** 3)
    ends = KB * np.asarray(temperatures) * thermal_nodes(WINDOW)[0][-1]
    wide = ends.max() > _THIN * speed * problem.base_spacing
    result = ["averaged" if wide and t > _COLD * max(temperatures) else "shared" for t in temperatures]
    energies = band_energies(
        problem.model, np.random.default_rng(0).random((_SAMPLE, 3)) @ problem.model.reciprocal_cell
    )
    for i in np.argsort(ends)[::-1]:
        if not _density_changes(problem, energies, ends[i]):
            break
        result[i] = "own"
    return result


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
    shell = problem.shell(problem.mu, problem.spacing(kt / KB))
    own, _ = OwnShells(problem, shell, kt).solve(kt, 3)
    shared, _ = SharedShell(problem, shell, kt).solve(kt, 3)
    return relative_change(own, shared)
