"""The terms that a result of the kinetic equation is the sum of, each computed where it is cheap.

The first term of a temperature is a response of its own; the others are changes that are added to it:

    own shells              everything: a shell for each energy node
    Fermi surface           everything, all energies on the points of one surface; in three dimensions with the side
                            jump of the hot spots
    independent shells      as own shells, where shells change topology within the thermal window
    thermal window          what the average over the Fermi surfaces of the window changes
"""

from __future__ import annotations

import numpy as np

from ..energy.thermal import thermal_nodes
from ..units import KB
from .fermi_surface import NODES_STEP, FermiSurface
from .geometry_choice import WINDOW
from .hot_spots import with_hot_spots
from .nodes import FURTHER, converge, converge_at, say_left
from .own import OwnShells
from .problem import Problem
from .shared import SharedShell
from .tensors import Change, difference, size_of_change, weighted_sum, with_change
from .term import FOLLOWED, POINTS, Term, by_spacing, interpolated, spread
from .windowed import IndependentShells

_INELASTIC = 10.0  # tolerances: more inelasticity than this, found on single shells, is said to be an estimate
_UNSETTLED = 4.0  # tolerances: what the last level of shells changed, several times what it leaves to change


class OwnShellsTerm(Term):
    """Every energy node has its own shell."""

    name, first, by_shell, whole = "own shells", True, True, True

    def evaluate(self, problem, temperatures, advance):
        found, count = self.blank(temperatures), len(temperatures)
        for spacing, members in by_spacing(problem, temperatures, whole=True):
            hottest = KB * temperatures[members[0]]
            shell = problem.shell(problem.carriers(hottest).energy, spacing, whole=True)
            own = OwnShells(problem, shell, hottest)
            for i in members:
                converge_at(found, i, problem, own, KB * temperatures[i])
                found.facts[POINTS][i] = own.points(KB * temperatures[i], found.facts["energy_nodes"][i])
                for name, value in zip(("electron_density", "hole_density"), own.density, strict=True):
                    found.facts[name][i] = problem.model.spin_degeneracy * value
                found.facts["carrier_density"][i] = problem.model.spin_degeneracy * sum(own.density)
                advance(1 / count)
        return found


class IndependentTerm(Term):
    """Shells made afresh over the thermal window."""

    name, first = "independent shells", True

    def evaluate(self, problem, temperatures, advance):
        found, count = self.blank(temperatures), len(temperatures)
        for i, t in enumerate(temperatures):
            self._one(found, i, problem, float(t))
            advance(1 / count)
        return found

    @staticmethod
    def _one(found, i, problem, t) -> None:
        kt, tolerance = KB * t, problem.settings.tolerance
        shells = IndependentShells(problem, kt, problem.critical(kt), problem.window_density(kt))
        response = shells.solve()
        facts = found.facts
        found.sizes[i], facts["geometry_difference"][i], facts["energy_nodes"][i] = shells.size, shells.change, 1
        facts["window_change"][i], facts[POINTS][i] = shells.change, shells.points / shells.shells
        if shells.change > _UNSETTLED * tolerance:
            problem.warn(
                f"T = {t:.4g} K: the integral over the thermal window, in which shells change "
                f"topology, still changed by {shells.change:.1e} with the last shells, which is part of the error"
            )
        if problem.settings.heat and not problem.elastic_only:
            problem.warn(
                f"T = {t:.4g} K: shells are made afresh, and heat is that of carriers which keep their energy: what "
                'phonons take from thermal conductivity and thermopower is left out; compare geometry = "own"'
            )
        if problem.elastic_only:
            say_left(found, i, np.zeros(2))
        elif problem.settings.energy_nodes == 1:
            if problem.coarsest:
                *_, change = shells.inelasticity(lambda *_: (1 + FURTHER, np.nan))
                facts["inelastic_change"][i] = size_of_change(change, response)
        else:
            nodes, left, change = shells.inelasticity(lambda solver, kt: converge(problem, solver, kt))
            say_left(found, i, left)
            facts["energy_nodes"][i] = nodes
            response = with_change(response, change, response.boltzmann)
            size = facts[FOLLOWED][i] = max(size_of_change(change, response), shells.unfollowed())
            if size > _INELASTIC * tolerance:
                problem.warn(
                    f"T = {t:.4g} K: shells change topology within the thermal window, and both "
                    f"ends of a phonon event are taken to lie on one shell: of the order of {size:.1e} of the result "
                    "is uncertain for that reason, which is part of the error"
                )
        found.responses[i] = response


class ThermalWindow(Term):
    """What averaging over ``mu + x kT`` changes in the quasi-elastic theory, with the scattering of each temperature.

    The shells are those of the hottest temperature: the second derivative in energy that they know makes a change in
    proportion to T^2 (Sommerfeld).  Changes ask for fewer points than the result, but not for none at hot spots.
    """

    name = "thermal window"

    def evaluate(self, problem, temperatures, advance):
        found = self.blank(temperatures)
        members = sorted(range(len(temperatures)), key=lambda i: -temperatures[i])
        # in two dimensions shells cost little and every temperature has its own
        flat = problem.model.dimension == 2
        windows = [[i] for i in members] if flat else [spread(temperatures, members, NODES_STEP)]
        sampled, changes = [], []
        for window in windows:
            sampled += window
            some, points = self._changes(problem, temperatures[window], lambda f: advance(f / len(windows)))
            changes += some
            for i in window if flat else members:
                found.facts[POINTS][i] = points
        for i, change in zip(members, interpolated(temperatures, sampled, changes, members), strict=True):
            found.changes[i] = change
        return found

    @staticmethod
    def _changes(problem, temperatures, advance) -> tuple[list[Change], int]:
        """At temperatures from hot to cold, and the points of all shells."""
        x, weights = thermal_nodes(WINDOW)
        kts = [KB * float(t) for t in temperatures]
        parts, points = [], 0
        for energy in problem.mu + kts[0] * x:
            shell, fine = problem.shells_of_change(energy)
            points += len(shell)
            solver = SharedShell(problem, shell, kts[0], residuals=fine is not shell)
            if len(kts) > 1:
                solver.keep()
            responses = [response for response, _ in solver.solve_each(kts, 1)]
            if fine is not shell:
                solver.forget()
                responses = with_hot_spots(problem, solver, fine, kts, responses, problem.spacings.base)
            parts.append(responses)
            problem.forget_shells()
            advance(1 / len(x))
        changes = [
            difference(weighted_sum(list(nodes), weights), nodes[WINDOW // 2]).times((kt / kts[0]) ** 2)
            for kt, nodes in zip(kts, zip(*parts, strict=True), strict=True)
        ]
        return changes, points


OWN, SURFACE, INDEPENDENT = OwnShellsTerm(), FermiSurface(), IndependentTerm()
AVERAGE = ThermalWindow()

_FIRST = {"own": OWN, "shared": SURFACE, "averaged": SURFACE, "independent": INDEPENDENT}


def planned(problem: Problem, geometry: list[str]) -> list[tuple[Term, list[int]]]:
    """Terms and the temperatures (their places) that each is computed for.

    Parameters
    ----------
    geometry : list of str
        Of each temperature, of :func:`.geometry_choice.choose_geometries`.
    """
    found: dict[Term, list[int]] = {}
    for i, kind in enumerate(geometry):
        found.setdefault(_FIRST[kind], []).append(i)
    if "averaged" in geometry:
        found[AVERAGE] = [i for i, kind in enumerate(geometry) if kind == "averaged"]
    return list(found.items())
