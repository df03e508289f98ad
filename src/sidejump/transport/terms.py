"""The terms that a result of the kinetic equation is the sum of, each computed where it is cheap.

The first term of a temperature is a response of its own; the others are changes that are added to it:

    own shells              everything: a shell for each energy node
    Fermi surface           in three dimensions the quasi-elastic response, side jump of the hot spots included; in two
                            with all energy nodes
    independent shells      as own shells, where shells change topology within the thermal window
    inelasticity            what more energy nodes change, on the Fermi surface with few points
    thermal window          what the average over the Fermi surfaces of the window changes
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType
from typing import cast

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..energy.thermal import thermal_nodes
from ..kinetics.response import KineticResponse
from ..units import KB
from .geometry_choice import WINDOW
from .hot_spots import hot_spot_changes, with_hot_spots
from .own import OwnShells
from .problem import Problem
from .settings import Size
from .shared import SharedShell
from .tensors import Change, difference, largest, relative_change, size_of_change, weighted_sum, with_change
from .windowed import IndependentShells

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)
FURTHER = 2  # energy nodes more, with which a given number is compared: as in the sequence
_ALL_FURTHER = 4 / 3  # what all further steps change over what the next one does: each mostly less than a quarter

_HOT_SPOT_STEP = 1.3  # ratio of temperatures between which the effect of hot spots is interpolated
_INELASTIC = 10.0  # tolerances: more inelasticity than this, found on single shells, is said to be an estimate
_UNSETTLED = 4.0  # tolerances: what the last level of shells changed, several times what it leaves to change
_STEP = 1.6  # ratio of temperatures between which the effect of inelasticity is interpolated


@dataclass
class Outcome:
    """One replica of a term at n temperatures.

    Attributes
    ----------
    responses : list of KineticResponse
        Of a first term; empty for the others.
    changes : list of Change
        Of the other terms.
    facts : dict of list
        What is reported of each temperature.
    size : list of Size
    """

    responses: list[KineticResponse] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    facts: dict[str, list] = field(default_factory=dict)
    sizes: list[Size] = field(default_factory=list)


Advance = Callable[[float], None]
"""Called with the fraction of the work that a step has done."""


class Term(abc.ABC):
    """One of the terms.

    Attributes
    ----------
    name : str
    first : bool
        Whether it is a response, to which the changes of others are added.
    start : dict of float
        By the dimension, what divides the spacings on the coarsest level.  Contours converge exponentially and cost
        little; changes ask for fewer points than what they change.
    """

    name: str
    first: bool = False
    start: Mapping[int, float] = MappingProxyType({2: 0.7, 3: 0.35})

    @abc.abstractmethod
    def evaluate(self, problem: Problem, temperatures: np.ndarray, advance: Advance) -> Outcome:
        """One replica, on points as `problem` lays them, at temperatures (K)."""

    def _blank(self, temperatures) -> Outcome:
        """What is yet to be filled in."""
        count = len(temperatures)
        facts = {name: [blank] * count for name, blank in _FACTS.items()}
        nothing = cast("list", [None] * count)
        return Outcome(nothing, [], facts, [Size(0, 0, 0.0)] * count) if self.first else Outcome([], nothing, facts)


class OwnShellsTerm(Term):
    """Every energy node has its own shell."""

    name, first = "own shells", True

    def evaluate(self, problem, temperatures, advance):
        found, count = self._blank(temperatures), len(temperatures)
        for spacing, members in by_spacing(problem, temperatures):
            hottest = KB * temperatures[members[0]]
            shell = problem.shell(problem.carriers(hottest).energy, spacing, whole=True)
            own = OwnShells(problem, shell, hottest)
            for i in members:
                _converge(found, i, problem, own, KB * temperatures[i])
                for name, value in zip(("electron_density", "hole_density"), own.density, strict=True):
                    found.facts[name][i] = problem.model.spin_degeneracy * value
                found.facts["carrier_density"][i] = problem.model.spin_degeneracy * sum(own.density)
                advance(1 / count)
        return found


class FermiSurface(Term):
    """All energies share the points of the Fermi surface."""

    name, first = "Fermi surface", True

    def evaluate(self, problem, temperatures, advance):
        found, count = self._blank(temperatures), len(temperatures)
        flat = problem.model.dimension == 2
        for spacing, members in by_spacing(problem, temperatures):
            hottest = KB * temperatures[members[0]]
            solver = SharedShell(problem, problem.solved_shell(problem.mu, spacing), hottest)
            if len(members) > 1 or (flat and problem.settings.energy_nodes == "auto"):
                solver.keep()
            if flat:
                for i in members:
                    _converge(found, i, problem, solver, KB * temperatures[i])
                    advance(1 / count)
                continue
            solutions = solver.solve_each([KB * temperatures[i] for i in members], 1)
            for i, (response, size) in zip(members, solutions, strict=True):
                found.responses[i], found.sizes[i], found.facts["energy_nodes"][i] = response, size, 1
                advance(0.5 / count)
            if problem.refines:
                solver.forget()  # its pairs take the memory that comes next
                self._hot_spots(found, problem, solver, temperatures, members, spacing, advance)
            if problem.coarsest and problem.settings.energy_nodes == 1:
                solver.forget()
                self._inelastic(found, problem, temperatures, members)
        for i, response in enumerate(found.responses):
            found.responses[i] = replace(response, distribution=None)
        return found

    @staticmethod
    def _inelastic(found, problem, temperatures, members) -> None:
        """What more nodes than the one asked for would change, on a shell with so few points that it takes no more
        memory."""
        shell = problem.inelastic_shell(problem.base_spacing)
        solver = SharedShell(problem, shell, KB * temperatures[members[0]])
        for i in spread(temperatures, members, _STEP):
            kt = KB * temperatures[i]
            found.facts["inelastic_change"][i] = _left_out(problem, solver, kt, solver.solve(kt, 1)[0])

    @staticmethod
    def _hot_spots(found, problem, solver, temperatures, members, spacing, advance) -> None:
        """The side jump summed over the fine shell.

        What that changes is smooth in temperature: of a dense list some are computed, the others interpolated in log T.
        The change itself, not its ratio to a side jump that may pass through zero.
        """
        fine, sampled = problem.fine_shell(problem.mu, spacing), spread(temperatures, members, _HOT_SPOT_STEP)
        share = 0.5 * len(members) / len(temperatures)
        changes = hot_spot_changes(
            problem,
            solver,
            fine,
            [KB * temperatures[i] for i in sampled],
            [found.responses[i] for i in sampled],
            lambda fraction: advance(share * fraction),
        )
        for i, change in zip(members, interpolated(temperatures, sampled, changes, members), strict=True):
            old = found.responses[i]
            found.facts["hot_spot_change"][i] = largest(change.side_jump_velocity) / old.scale
            found.responses[i] = with_change(old, change, old.boltzmann)


class IndependentTerm(Term):
    """Shells made afresh over the thermal window."""

    name, first = "independent shells", True

    def evaluate(self, problem, temperatures, advance):
        found, count = self._blank(temperatures), len(temperatures)
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
        facts["window_change"][i] = shells.change
        if shells.change > _UNSETTLED * tolerance:
            problem.warn(
                f"T = {t:.4g} K: the integral over the thermal window, in which shells change "
                f"topology, still changed by {shells.change:.1e} with the last shells, which is part of the error"
            )
        if problem.elastic_only:
            facts["node_change"][i] = 0.0
        elif problem.settings.energy_nodes == 1:
            if problem.coarsest:
                *_, change = shells.inelasticity(lambda *_: (1 + FURTHER, np.nan))
                facts["inelastic_change"][i] = size_of_change(change, response)
        else:
            nodes, facts["node_change"][i], change = shells.inelasticity(
                lambda solver, kt: converge(problem, solver, kt)
            )
            facts["energy_nodes"][i] = nodes
            response = with_change(response, change, response.boltzmann)
            size = max(size_of_change(change, response), shells.unfollowed())
            if size > _INELASTIC * tolerance:
                problem.warn(
                    f"T = {t:.4g} K: shells change topology within the thermal window, and both "
                    f"ends of a phonon event are taken to lie on one shell: of the order of {size:.1e} of the result "
                    "is uncertain for that reason"
                )
        found.responses[i] = response


class Inelasticity(Term):
    """What more energy nodes change in the quasi-elastic theory, found on a shell with little refinement.

    Smooth in temperature, and knows no detail of the shell: computed at some temperatures and interpolated in log T.
    """

    name = "inelasticity"
    start = MappingProxyType({2: 0.7, 3: 0.25})

    def evaluate(self, problem, temperatures, advance):
        found, count = self._blank(temperatures), len(temperatures)
        for spacing, members in by_spacing(problem, temperatures):
            solver = self._solver(problem, spacing, KB * temperatures[members[0]])
            sampled = spread(temperatures, members, _STEP)
            changes, nodes, last = [], [], []
            for i in sampled:
                kt = KB * temperatures[i]
                n, change, exact, _ = converge(problem, solver, kt)
                one = solver.solve(kt, 1)[0] if n > 1 else exact
                changes.append(difference(exact, one))
                nodes.append(n)
                last.append(change)
                advance(1 / count)
            at = np.log(temperatures[sampled])
            for i, change in zip(members, interpolated(temperatures, sampled, changes, members), strict=True):
                nearest = int(np.argmin(np.abs(at - np.log(temperatures[i]))))
                found.facts["energy_nodes"][i], found.facts["node_change"][i] = nodes[nearest], last[nearest]
                found.changes[i] = change
        return found

    @staticmethod
    def _solver(problem, spacing, hottest) -> SharedShell:
        solver = SharedShell(problem, problem.inelastic_shell(spacing), hottest)
        solver.keep()
        return solver


class ThermalWindow(Term):
    """What averaging over ``mu + x kT`` changes in the quasi-elastic theory, with the scattering of each temperature.

    The shells are those of the hottest temperature: the second derivative in energy that they know makes a change in
    proportion to T^2 (Sommerfeld).  Changes ask for fewer points than the result, but not for none at hot spots.
    """

    name = "thermal window"
    start = MappingProxyType({2: 0.7, 3: 0.25})

    def evaluate(self, problem, temperatures, advance):
        found = self._blank(temperatures)
        members = sorted(range(len(temperatures)), key=lambda i: -temperatures[i])
        # in two dimensions shells cost little and every temperature has its own
        flat = problem.model.dimension == 2
        windows = [[i] for i in members] if flat else [spread(temperatures, members, _HOT_SPOT_STEP)]
        sampled, changes = [], []
        for window in windows:
            sampled += window
            changes += self._changes(problem, temperatures[window], lambda f: advance(f / len(windows)))
        for i, change in zip(members, interpolated(temperatures, sampled, changes, members), strict=True):
            found.changes[i] = change
        return found

    @staticmethod
    def _changes(problem, temperatures, advance) -> list[Change]:
        """At temperatures from hot to cold."""
        x, weights = thermal_nodes(WINDOW)
        kts = [KB * float(t) for t in temperatures]
        parts = []
        for energy in problem.mu + kts[0] * x:
            shell = problem.window_shell(energy)
            solver = SharedShell(problem, shell, kts[0])
            if len(kts) > 1:
                solver.keep()
            responses = [response for response, _ in solver.solve_each(kts, 1)]
            if problem.refines:
                solver.forget()
                fine = problem.fine_shell(energy, problem.base_spacing, fewer=1)
                responses = with_hot_spots(problem, solver, fine, kts, responses)
            parts.append(responses)
            problem.forget_shells()
            advance(1 / len(x))
        return [
            difference(weighted_sum(list(nodes), weights), nodes[WINDOW // 2]).times((kt / kts[0]) ** 2)
            for kt, nodes in zip(kts, zip(*parts, strict=True), strict=True)
        ]


def by_spacing(problem: Problem, temperatures) -> list[tuple[float, list[int]]]:
    """Temperatures that use one shell, from hot to cold: (spacing, temperatures).

    The coldest last: it takes the finest shell and the most memory.
    """
    spacings = [problem.spacing(t) for t in temperatures]
    order = sorted(range(len(temperatures)), key=lambda i: -temperatures[i])
    return [(h, [i for i in order if spacings[i] == h]) for h in sorted(set(spacings), reverse=True)]


def spread(temperatures, members, step: float) -> list[int]:
    """Some of `members`, ordered from hot to cold, with both ends and no step in T larger than it must be."""
    chosen = [members[0]]
    for last, i in pairwise(members):
        if temperatures[chosen[-1]] > step * temperatures[i] and last != chosen[-1]:
            chosen.append(last)
    return chosen if members[-1] == chosen[-1] else [*chosen, members[-1]]


def interpolated(temperatures, sampled, known: list[Change], members) -> list[Change]:
    """Changes `known` at the temperatures of `sampled` (from hot to cold) at those of `members`, in log T."""
    if len(sampled) == 1:
        return known * len(members)
    smooth = PchipInterpolator(
        np.log(temperatures[sampled])[::-1], np.array([change.tensors for change in known])[::-1]
    )
    return [Change(*tensors) for tensors in smooth(np.log(temperatures[members]))]


def raise_nodes(problem: Problem, solver, kt: float):
    """More nodes until the response stands still: (nodes, change, response, size)."""
    last, change = None, np.inf
    tolerance = problem.settings.tolerance
    shared = not isinstance(solver, OwnShells)
    near_edge = not shared and solver.near_edge(kt)
    done, response, size = 0, None, None
    for n in NODE_SEQUENCE[1 if near_edge else 0 :]:
        if response is not None and solver.needs(kt, n) > problem.settings.memory:
            if not (np.isfinite(change) or problem.coarsest or problem.settings.replica is None):
                problem.check_memory(solver.needs(kt, n), kt / KB, "energy nodes")  # a coarser level holds more
            problem.warn(
                f"T = {kt / KB:.4g} K: memory = {problem.settings.memory / 1e9:.3g} GB holds no more than "
                f"{done} energy nodes, which leave a change of {change:.1e}: raise memory"
            )
            return done, change, response, size
        response, size = solver.solve(kt, n)
        done = n
        if response.growing > tolerance and n != NODE_SEQUENCE[-1]:  # nothing to compare with
            continue
        if last is not None:
            change = relative_change(response, last)
            if change < tolerance:
                break
        last = response
        if shared and problem.elastic_only:  # shells decouple: one node is exact
            return n, 0.0, response, size
    else:
        problem.warn(f"T = {kt / KB:.4g} K: {n} energy nodes leave a change of {change:.1e}, above the tolerance")
    return n, change, response, size


def converge(problem: Problem, solver, kt: float):
    """The energy nodes asked for, or as many as it takes: (nodes, what more change, response, size).

    What modes that grow carry is as uncertain as what more nodes change.
    """
    wanted = problem.settings.energy_nodes
    if wanted == "auto":
        nodes, left, response, size = raise_nodes(problem, solver, kt)
    else:
        nodes = int(wanted)
        response, size = solver.solve(kt, nodes)
        left = _ALL_FURTHER * left_by_nodes(problem, solver, kt, nodes, response)
    return nodes, float(np.maximum(left, response.growing)), response, size


def left_by_nodes(problem: Problem, solver, kt: float, nodes: int, response: KineticResponse) -> float:
    """What the next number of energy nodes changes in the response of a given one, relatively.

    It hardly depends on how fine the shells are, and takes several times the work: NaN on all levels but the first.
    Where memory does not hold the next numbers, or they give modes that grow, what the number before changed, which is
    more; infinite where there is none.
    """
    if not problem.coarsest:
        return np.nan
    if problem.elastic_only and not isinstance(solver, OwnShells):
        return 0.0  # shells decouple: any number is exact
    for n in (nodes + FURTHER, nodes + 2 * FURTHER, nodes - FURTHER):
        if n < 1 or solver.needs(kt, n) > problem.settings.memory:
            continue
        other, _ = solver.solve(kt, n)
        if other.growing <= max(problem.settings.tolerance, response.growing):
            return relative_change(other, response)
    return np.inf


def _left_out(problem: Problem, solver, kt: float, response: KineticResponse) -> float:
    """What the quasi-elastic theory leaves out, NaN where that is not known."""
    found = left_by_nodes(problem, solver, kt, 1, response)
    return found if np.isfinite(found) else np.nan


def _converge(found: Outcome, i: int, problem: Problem, solver, kt: float) -> None:
    if problem.settings.energy_nodes == 1:  # a theory of its own, whose error is not what it leaves out
        response, size = solver.solve(kt, 1)
        nodes, name, change = 1, "inelastic_change", _left_out(problem, solver, kt, response)
    else:
        (nodes, change, response, size), name = converge(problem, solver, kt), "node_change"
    found.responses[i], found.sizes[i] = replace(response, distribution=None), size
    found.facts["energy_nodes"][i], found.facts[name][i] = nodes, change


_FACTS = {"energy_nodes": 0, "node_change": np.nan, "inelastic_change": np.nan, "carrier_density": np.nan,
          "electron_density": np.nan, "hole_density": np.nan, "hot_spot_change": np.nan,
          "geometry_difference": np.nan, "window_change": np.nan}  # fmt: skip


OWN, SURFACE, INDEPENDENT = OwnShellsTerm(), FermiSurface(), IndependentTerm()
INELASTICITY, AVERAGE = Inelasticity(), ThermalWindow()

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
    if problem.model.dimension == 3 and problem.settings.energy_nodes != 1 and SURFACE in found:
        found[INELASTICITY] = list(found[SURFACE])
    if "averaged" in geometry:
        found[AVERAGE] = [i for i, kind in enumerate(geometry) if kind == "averaged"]
    return list(found.items())
