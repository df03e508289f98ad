"""All energies on the points of the Fermi surface.

In three dimensions the response is a sum of what is found where it is cheap:

    quasi-elastic           one energy node, at every temperature
    three nodes less one    on the same points, at some temperatures
    more nodes less three   little by then: on fewer points (less one, where memory does not hold three on all)
    hot spots               what the first two gain where the shift is summed over a finer shell

The last three are smooth in temperature: of a dense list some are computed, the others interpolated in log T.  What is
interpolated is the change itself, not its ratio to a side jump that may pass through zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..units import KB
from .hot_spots import hot_spot_changes
from .nodes import FURTHER, converge, converge_at, left_out, say_left, with_growing
from .problem import Problem
from .shared import SharedShell
from .tensors import Change, difference, largest, with_change, worst_of
from .term import POINTS, SPACING, Outcome, Term, apart, by_spacing, interpolated, spread

HOT_SPOT_STEP = 1.35  # ratio of temperatures between which the effect of hot spots is interpolated
NODES_STEP = 1.75  # and that of energy nodes, and of the thermal window
MOST_ON_ALL = 3  # energy nodes on all points; what more of them change is found on fewer
COARSER = 0.5**0.5  # accuracy of these, over that of the others


class FermiSurface(Term):
    """All energies share the points of the Fermi surface."""

    name, first = "Fermi surface", True

    def groups(self, problem, temperatures):
        return apart(problem, temperatures)

    def evaluate(self, problem, temperatures, advance):
        found = self.blank(temperatures)
        for spacing, members in by_spacing(problem, temperatures):
            surface = _flat if problem.model.dimension == 2 else _solid
            points = surface(found, problem, temperatures, members, spacing, advance)
            for i in members:
                found.facts[SPACING][i], found.facts[POINTS][i] = spacing, points
        for i, response in enumerate(found.responses):
            found.responses[i] = replace(response, distribution=None)
        return found


def _flat(found: Outcome, problem: Problem, temperatures, members, spacing, advance) -> int:
    """Contours: all energy nodes at every temperature. The number of points."""
    solver = SharedShell(problem, problem.solved_shell(problem.mu, spacing), KB * temperatures[members[0]])
    if len(members) > 1 or problem.settings.energy_nodes == "auto":
        solver.keep()
    for i in members:
        converge_at(found, i, problem, solver, KB * temperatures[i])
        advance(1 / len(temperatures))
    return len(solver.shell)


def _solid(found: Outcome, problem: Problem, temperatures, members, spacing, advance) -> int:
    """Surfaces: one energy node at every temperature, and what more of them and the hot spots change. The number of
    points that the distribution has."""
    share, kts = len(members) / len(temperatures), {i: KB * temperatures[i] for i in members}
    solver = SharedShell(problem, problem.solved_shell(problem.mu, spacing), kts[members[0]])
    if len(members) > 1:
        solver.keep()
    for i, (response, size) in zip(members, solver.solve_each(list(kts.values()), 1), strict=True):
        found.responses[i], found.sizes[i] = response, size
        advance(0.4 * share / len(members))
    sampled, few = chosen(temperatures, members)
    nodes, more = _first_nodes(problem, solver, kts[few[0]]), {}
    if nodes > 1:
        for i, (response, size) in zip(few, solver.solve_each([kts[i] for i in few], nodes), strict=True):
            more[i], found.sizes[i] = response, max(found.sizes[i], size, key=lambda s: s.memory)
    advance(0.1 * share)
    solver.forget()  # its pairs take the memory that comes next
    if problem.refines:
        changes = hot_spot_changes(
            problem,
            solver,
            problem.fine_shell(problem.mu, spacing),
            [kts[i] for i in (*sampled, *more)],
            [*(found.responses[i] for i in sampled), *more.values()],
            [1] * len(sampled) + [nodes] * len(more),
            lambda fraction: advance(0.4 * share * fraction),
        )
        hot, rest = changes[: len(sampled)], changes[len(sampled) :]
        for i, change in zip(members, interpolated(temperatures, sampled, hot, members), strict=True):
            old = found.responses[i]
            found.facts["hot_spot_change"][i] = largest(change.side_jump_velocity) / old.scale
            found.responses[i] = with_change(old, change, old.boltzmann)
        more = {i: with_change(r, change, r.boltzmann) for (i, r), change in zip(more.items(), rest, strict=True)}
    else:
        advance(0.4 * share)
    inelastic = [difference(more.get(i, found.responses[i]), found.responses[i]) for i in few]
    further = _further_nodes(found, problem, kts, members, few, nodes, more)
    total = [first.plus(last) for first, last in zip(inelastic, further, strict=True)]
    for i, change in zip(members, interpolated(temperatures, few, total, members), strict=True):
        old = found.responses[i]
        worst = worst_of([old, more.get(_nearest(few, kts, i), old)])
        found.responses[i] = replace(with_change(old, change, old.boltzmann), **worst)
    advance(0.1 * share)
    return len(solver.shell)


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


def _nearest(few, kts, i: int) -> int:
    """Of the temperatures `few` that nearest to another in log T."""
    return min(few, key=lambda j: abs(np.log(kts[j] / kts[i])))


def nodes_to_hold(wanted: int | str) -> int:
    """Energy nodes that points have to hold to say what those asked for, and further ones, change."""
    return (MOST_ON_ALL if wanted == "auto" else int(wanted)) + FURTHER


def _on_fewer(coarse: Problem, kts, *, lost: bool) -> SharedShell:
    """Fewer points: as good ones as those of the solution where memory `lost` all further nodes there, if they hold
    all that is asked for."""
    spacing, wanted = min(coarse.spacing(kt / KB) for kt in kts), coarse.settings.energy_nodes
    if lost:
        solver = SharedShell(coarse, coarse.solved_shell(coarse.mu, spacing), kts[0])
        nodes = nodes_to_hold(wanted)
        if solver.needs(kts[0], nodes) <= coarse.settings.memory:
            return solver
    return SharedShell(coarse, coarse.inelastic_shell(spacing), kts[0])


def _further_nodes(found: Outcome, problem: Problem, kts, members, few, nodes: int, more) -> list[Change]:
    """What further energy nodes than so many, of responses `more`, change at temperatures `few`, on fewer points; facts
    for all members."""
    wanted, first = problem.settings.energy_nodes, problem.coarsest
    changes, known = [Change.none(found.responses[i]) for i in few], [nodes] * len(few)
    left = [np.full(2, np.nan)] * len(few)
    if problem.elastic_only:  # shells decouple: any number is exact
        known, left = [1 if wanted == "auto" else int(wanted)] * len(few), [np.zeros(2)] * len(few)
        if wanted == 1 and first:
            found.facts["inelastic_change"][few[0]] = 0.0
    elif wanted == "auto" or int(wanted) > nodes or first:
        coarse = problem.laid(COARSER, problem.settings.replica, coarsest=first)
        solver = _on_fewer(coarse, [kts[i] for i in few], lost=nodes == 1 and wanted != 1)
        solver.keep()
        for place, i in enumerate(few):
            if wanted == 1:  # a theory of its own, whose error is not what it leaves out
                response, _ = solver.solve(kts[i], 1)
                found.facts["inelastic_change"][i] = left_out(coarse, solver, kts[i], response)
                continue
            known[place], left[place], response, _ = converge(coarse, solver, kts[i])
            if known[place] != nodes:
                change = difference(response, solver.solve(kts[i], nodes)[0])
                # relative to one node, as all that is added
                one, here = found.responses[i], more.get(i, found.responses[i])
                relative = largest(here.boltzmann) / largest(one.boltzmann)
                changes[place] = replace(change, boltzmann=relative * change.boltzmann)
        for sentence in coarse.warnings:
            problem.warn(sentence)
    for i in members:
        nearest = _nearest(few, kts, i)
        place = few.index(nearest)
        found.facts["energy_nodes"][i] = known[place]
        if wanted != 1:  # what grows is as uncertain as what further nodes change
            say_left(found, i, with_growing(left[place], more[nearest].growing if nearest in more else 0.0))
    return changes
