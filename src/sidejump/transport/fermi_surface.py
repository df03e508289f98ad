"""All energies on the points of the Fermi surface.

In three dimensions the response is a sum of what is found where it is cheap:

    quasi-elastic           one energy node, at every temperature
    three nodes less one    on the same points, at some temperatures
    more nodes less three   little by then: on fewer points (less one, where memory does not hold three on all)
    hot spots               what the first two gain where the shift is summed over a finer shell

Of problems that differ in how strongly their scatterers couple, all is found from the same pairs of states.

The last three are smooth in temperature: of a dense list some are computed, the others interpolated in log T.  What is
interpolated is the change itself, not its ratio to a side jump that may pass through zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..kinetics.response import KineticResponse
from ..units import KB
from .hot_spots import hot_spot_changes
from .nodes import FURTHER, converge, converge_at, left_out, say_left, with_growing
from .problem import Problem
from .shared import SharedShell
from .tensors import Change, difference, largest, with_change, worst_of
from .term import POINTS, SPACING, Outcome, Term, by_spacing, interpolated, spread

HOT_SPOT_STEP = 1.35  # ratio of temperatures between which the effect of hot spots is interpolated
NODES_STEP = 1.75  # and that of energy nodes, and of the thermal window
MOST_ON_ALL = 3  # energy nodes on all points; what more of them change is found on fewer
COARSER = 0.5**0.5  # accuracy of these, over that of the others


class FermiSurface(Term):
    """All energies share the points of the Fermi surface."""

    name, first, together, by_shell = "Fermi surface", True, True, True

    def evaluate(self, problem, temperatures, advance):
        return self.evaluate_each([problem], temperatures, advance)[0]

    def evaluate_each(self, problems, temperatures, advance):
        first, every = problems[0], [self.blank(temperatures) for _ in problems]
        for spacing, members in by_spacing(first, temperatures):
            surface = _flat if first.model.dimension == 2 else _solid
            points = surface(every, problems, temperatures, members, spacing, advance)
            for found in every:
                for i in members:
                    found.facts[SPACING][i], found.facts[POINTS][i] = spacing, points
        for found in every:
            for i, response in enumerate(found.responses):
                found.responses[i] = replace(response, distribution=None, odd_distribution=None, anomalous=None)
        return every


def _each(solver: SharedShell, problems: Sequence[Problem], *, keep: bool) -> list[SharedShell]:
    """A solver for each problem, on the points of that of the first; pairs that are kept serve all."""
    if keep or len(problems) > 1:
        solver.keep()
    return [solver, *(solver.of(problem) for problem in problems[1:])]


def _flat(every: list[Outcome], problems: Sequence[Problem], temperatures, members, spacing, advance) -> int:
    """Contours: all energy nodes at every temperature. The number of points."""
    first = problems[0]
    keep = len(members) > 1 or first.settings.energy_nodes == "auto"
    solver = SharedShell(first, first.solved_shell(first.mu, spacing), KB * temperatures[members[0]])
    solvers = _each(solver, problems, keep=keep)
    for found, problem, solver in zip(every, problems, solvers, strict=True):
        for i in members:
            converge_at(found, i, problem, solver, KB * temperatures[i])
            advance(1 / len(temperatures) / len(problems))
    return len(solvers[0].shell)


def _solid(every: list[Outcome], problems: Sequence[Problem], temperatures, members, spacing, advance) -> int:
    """Surfaces: one energy node at every temperature, and what more of them and the hot spots change. The number of
    points that the distribution has."""
    surface = _Surface(every, problems, temperatures, members, spacing, advance)
    surface.solve()
    surface.add_hot_spots()
    surface.add_nodes()
    surface.advance(0.1)
    return len(surface.solvers[0].shell)


class _Surface:
    """One surface and the temperatures `members` that share it: outcomes of each problem, which steps add to.

    Attributes
    ----------
    kts : dict
        kT (eV) of each member.
    sampled, few : list of int
        Members at which hot spots are summed, and several energy nodes are solved.
    nodes : int
        Energy nodes on its points.
    more : list of dict
        For each problem the responses with so many, by the member.
    """

    def __init__(self, every: list[Outcome], problems: Sequence[Problem], temperatures, members, spacing, advance):
        self._every, self._problems, self._temperatures, self._members = every, problems, temperatures, members
        self._told, self._share, self._spacing = advance, len(members) / len(temperatures), spacing
        self.kts = {i: KB * temperatures[i] for i in members}
        first = problems[0]
        shell = first.solved_shell(first.mu, spacing)
        self._fine = first.fine_shell(first.mu, spacing) if first.refines else shell
        solver = SharedShell(first, shell, self.kts[members[0]], residuals=self._fine is not shell)
        self.solvers = _each(solver, problems, keep=len(members) > 1)
        self.sampled, self.few = chosen(temperatures, members)
        self.nodes = _first_nodes(first, self.solvers[0], self.kts[self.few[0]])
        self.more: list[dict[int, KineticResponse]] = [{} for _ in problems]

    def advance(self, fraction: float) -> None:
        """That fraction of this surface's work is done."""
        self._told(fraction * self._share)

    def solve(self) -> None:
        """One energy node at every temperature, more at a few."""
        for found, solver, several in zip(self._every, self.solvers, self.more, strict=True):
            solved = solver.solve_each(list(self.kts.values()), 1)
            for i, (response, size) in zip(self._members, solved, strict=True):
                found.responses[i], found.sizes[i] = response, size
                self.advance(0.4 / len(self._members) / len(self._problems))
            if self.nodes > 1:
                solved = solver.solve_each([self.kts[i] for i in self.few], self.nodes)
                for i, (response, size) in zip(self.few, solved, strict=True):
                    several[i], found.sizes[i] = response, max(found.sizes[i], size, key=lambda s: s.memory)
            self.advance(0.1 / len(self._problems))
        for solver in self.solvers:
            solver.forget()  # its pairs take the memory that comes next

    def add_hot_spots(self) -> None:
        """What sums over a finer shell change, in one pass over the pairs of all."""
        if not self._problems[0].refines:
            self.advance(0.4)
            return
        few = self.few if self.nodes > 1 else []
        places, times = [*self.sampled, *few], len(self._problems)
        responses = [
            response
            for found, several in zip(self._every, self.more, strict=True)
            for response in [*(found.responses[i] for i in self.sampled), *several.values()]
        ]
        changes = hot_spot_changes(
            self._problems[0],
            self.solvers[0],
            self._fine,
            [self.kts[i] for i in places] * times,
            responses,
            ([1] * len(self.sampled) + [self.nodes] * len(few)) * times,
            lambda fraction: self.advance(0.4 * fraction),
            [solver for solver in self.solvers for _ in places],
            self._spacing,
        )
        for number, (found, several) in enumerate(zip(self._every, self.more, strict=True)):
            some = changes[number * len(places) : (number + 1) * len(places)]
            hot, rest = some[: len(self.sampled)], some[len(self.sampled) :]
            for i, old, change in self._everywhere(found, self.sampled, hot):
                found.facts["hot_spot_change"][i] = largest(change.side_jump_velocity) / old.scale
                found.responses[i] = with_change(old, change, old.boltzmann)
            for (i, old), change in zip(list(several.items()), rest, strict=True):
                several[i] = with_change(old, change, old.boltzmann)

    def add_nodes(self) -> None:
        """What more energy nodes than one change."""
        few = self.few
        for found, several, changes in zip(self._every, self.more, self._beyond(), strict=True):
            inelastic = [difference(several.get(i, found.responses[i]), found.responses[i]) for i in few]
            total = [one.plus(last) for one, last in zip(inelastic, changes, strict=True)]
            for i, old, change in self._everywhere(found, few, total):
                worst = worst_of([old, several.get(self._nearest(i), old)])
                found.responses[i] = replace(with_change(old, change, old.boltzmann), **worst)

    def _everywhere(self, found: Outcome, places, changes: list[Change]):
        """Every member, its response, and the change there of those found at some `places`."""
        for i, change in zip(
            self._members, interpolated(self._temperatures, places, changes, self._members), strict=True
        ):
            yield i, found.responses[i], change

    def _nearest(self, i: int) -> int:
        """Of the members with several energy nodes that nearest to another in log T."""
        return min(self.few, key=lambda j: abs(np.log(self.kts[j] / self.kts[i])))

    def _beyond(self) -> list[list[Change]]:
        """Of each problem, what further energy nodes than those on its points change at a few members, on fewer points;
        facts for all members."""
        first = self._problems[0]
        wanted, coarsest = first.settings.energy_nodes, first.coarsest
        coarse: list[Problem] = list(self._problems)
        solvers: list[SharedShell | None] = [None] * len(coarse)
        if not first.elastic_only and (wanted == "auto" or int(wanted) > self.nodes or coarsest):
            coarse = [p.laid(COARSER, p.settings.replica, coarsest=coarsest) for p in self._problems]
            lost = self.nodes == 1 and wanted != 1
            solvers = [*_each(_on_fewer(coarse[0], [self.kts[i] for i in self.few], lost=lost), coarse, keep=True)]
        changes = []
        for found, problem, fewer, solver, several in zip(
            self._every, self._problems, coarse, solvers, self.more, strict=True
        ):
            changes.append(self._beyond_of(found, fewer, solver, several))
            for sentence in fewer.warnings:
                problem.warn(sentence)
        return changes

    def _beyond_of(
        self, found: Outcome, coarse: Problem, solver: SharedShell | None, several: dict[int, KineticResponse]
    ) -> list[Change]:
        """The same of one of them, by the solver of fewer points; without one where there is nothing to solve."""
        few, wanted = self.few, coarse.settings.energy_nodes
        changes, known = [Change.none(found.responses[i]) for i in few], [self.nodes] * len(few)
        left = [np.full(2, np.nan)] * len(few)
        if coarse.elastic_only:  # shells decouple: any number is exact
            known, left = [1 if wanted == "auto" else int(wanted)] * len(few), [np.zeros(2)] * len(few)
            if wanted == 1 and coarse.coarsest:
                found.facts["inelastic_change"][few[0]] = 0.0
        elif solver is not None:
            for place, i in enumerate(few):
                if wanted == 1:  # a theory of its own, whose error is not what it leaves out
                    response, _ = solver.solve(self.kts[i], 1)
                    found.facts["inelastic_change"][i] = left_out(coarse, solver, self.kts[i], response)
                    continue
                known[place], left[place], response, _ = converge(coarse, solver, self.kts[i])
                if known[place] != self.nodes:
                    change = difference(response, solver.solve(self.kts[i], self.nodes)[0])
                    # relative to one node, as all that is added
                    one, here = found.responses[i], several.get(i, found.responses[i])
                    relative = largest(here.boltzmann) / largest(one.boltzmann)
                    changes[place] = replace(change, boltzmann=relative * change.boltzmann)
        for i in self._members:
            nearest = self._nearest(i)
            place = few.index(nearest)
            found.facts["energy_nodes"][i] = known[place]
            if wanted != 1:  # what grows is as uncertain as what further nodes change
                growing = several[nearest].growing if nearest in several else 0.0
                say_left(found, i, with_growing(left[place], growing))
        return changes


def chosen(temperatures, members) -> tuple[list[int], list[int]]:
    """Of `members`, from hot to cold, those at which hot spots are summed, and of these those at which several energy
    nodes are solved."""
    sampled = spread(temperatures, members, HOT_SPOT_STEP)
    return sampled, spread(temperatures, sampled, NODES_STEP)


def _first_nodes(problem: Problem, solver: SharedShell, hottest: float) -> int:
    """Energy nodes on the points of the quasi-elastic solution: three, or one where memory does not hold three."""
    wanted = problem.settings.energy_nodes
    nodes = MOST_ON_ALL if wanted == "auto" else min(int(wanted), MOST_ON_ALL)
    return 1 if problem.elastic_only or solver.needs(hottest, nodes) > problem.settings.memory else nodes


def nodes_to_hold(wanted: int | str) -> int:
    """Energy nodes that points have to hold to say what those asked for, and further ones, change."""
    return (MOST_ON_ALL if wanted == "auto" else int(wanted)) + FURTHER


def _on_fewer(coarse: Problem, kts, *, lost: bool) -> SharedShell:
    """Fewer points: as good ones as those of the solution where memory `lost` all further nodes there, if they hold
    all that is asked for."""
    spacing, wanted = min(coarse.spacings.at(kt / KB) for kt in kts), coarse.settings.energy_nodes
    if lost:
        solver = SharedShell(coarse, coarse.solved_shell(coarse.mu, spacing), kts[0])
        nodes = nodes_to_hold(wanted)
        if solver.needs(kts[0], nodes) <= coarse.settings.memory:
            return solver
    return SharedShell(coarse, coarse.inelastic_shell(spacing), kts[0])
