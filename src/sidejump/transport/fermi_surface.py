"""All energies on the points of the Fermi surface.

In three dimensions the response is a sum of what is found where it is cheap:

    quasi-elastic           one energy node, at every temperature
    three nodes less one    on the same points, at some temperatures
    more nodes less three   little by then: on fewer points
    hot spots               what the first two gain where the shift is summed over a finer shell

The last three are smooth in temperature: of a dense list some are computed, the others interpolated in log T.  What is
interpolated is the change itself, not its ratio to a side jump that may pass through zero.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..units import KB
from .hot_spots import hot_spot_changes
from .nodes import converge, converge_at, left_out
from .problem import Problem
from .shared import SharedShell
from .tensors import Change, difference, largest, with_change
from .term import Outcome, Term, by_spacing, interpolated, spread

HOT_SPOT_STEP = 1.3  # ratio of temperatures between which the effect of hot spots is interpolated
NODES_STEP = 1.6  # and that of inelasticity
MOST_ON_ALL = 3  # energy nodes on all points; what more of them change is found on fewer
COARSER = 0.5**0.5  # accuracy of these, over that of the others


class FermiSurface(Term):
    """All energies share the points of the Fermi surface."""

    name, first = "Fermi surface", True

    def evaluate(self, problem, temperatures, advance):
        found = self.blank(temperatures)
        for spacing, members in by_spacing(problem, temperatures):
            surface = _flat if problem.model.dimension == 2 else _solid
            surface(found, problem, temperatures, members, spacing, advance)
        for i, response in enumerate(found.responses):
            found.responses[i] = replace(response, distribution=None)
        return found


def _flat(found: Outcome, problem: Problem, temperatures, members, spacing, advance) -> None:
    """Contours: all energy nodes at every temperature."""
    solver = SharedShell(problem, problem.solved_shell(problem.mu, spacing), KB * temperatures[members[0]])
    if len(members) > 1 or problem.settings.energy_nodes == "auto":
        solver.keep()
    for i in members:
        converge_at(found, i, problem, solver, KB * temperatures[i])
        advance(1 / len(temperatures))


def _solid(found: Outcome, problem: Problem, temperatures, members, spacing, advance) -> None:
    """Surfaces: one energy node at every temperature, and what more of them and the hot spots change."""
    share, kts = len(members) / len(temperatures), {i: KB * temperatures[i] for i in members}
    solver = SharedShell(problem, problem.solved_shell(problem.mu, spacing), kts[members[0]])
    if len(members) > 1:
        solver.keep()
    for i, (response, size) in zip(members, solver.solve_each(list(kts.values()), 1), strict=True):
        found.responses[i], found.sizes[i] = response, size
        advance(0.4 * share / len(members))
    sampled = spread(temperatures, members, HOT_SPOT_STEP)
    few = spread(temperatures, sampled, NODES_STEP)
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
    inelastic = [difference(more.get(i, found.responses[i]), found.responses[i]) for i in few]
    further = _further_nodes(found, problem, kts, members, few, nodes)
    total = [first.plus(last) for first, last in zip(inelastic, further, strict=True)]
    for i, change in zip(members, interpolated(temperatures, few, total, members), strict=True):
        found.responses[i] = with_change(found.responses[i], change, found.responses[i].boltzmann)
    for i, response in more.items():  # what grows is as uncertain as what further nodes change
        found.facts["node_change"][i] = max(found.facts["node_change"][i], response.growing)
    advance(0.1 * share)


def _first_nodes(problem: Problem, solver: SharedShell, hottest: float) -> int:
    """Energy nodes on the points of the quasi-elastic solution: three, or one where memory does not hold three."""
    wanted = problem.settings.energy_nodes
    nodes = MOST_ON_ALL if wanted == "auto" else min(int(wanted), MOST_ON_ALL)
    return 1 if problem.elastic_only or solver.needs(hottest, nodes) > problem.settings.memory else nodes


def _on_fewer(coarse: Problem, kts, *, lost: bool) -> SharedShell:
    """Fewer points: as good ones as those of the solution where memory `lost` all further nodes there, if they fit."""
    spacing = min(coarse.spacing(kt / KB) for kt in kts)
    if lost:
        solver = SharedShell(coarse, coarse.solved_shell(coarse.mu, spacing), kts[0])
        if solver.needs(kts[0], MOST_ON_ALL) <= coarse.settings.memory:
            return solver
    return SharedShell(coarse, coarse.inelastic_shell(spacing), kts[0])


def _further_nodes(found: Outcome, problem: Problem, kts, members, few, nodes: int) -> list[Change]:
    """What more than so many energy nodes change at temperatures `few`, on fewer points; facts for all members."""
    wanted, first = problem.settings.energy_nodes, problem.coarsest
    changes, known, left = [Change.none(found.responses[i]) for i in few], [nodes] * len(few), [np.nan] * len(few)
    if problem.elastic_only:  # shells decouple: any number is exact
        known, left = [1 if wanted == "auto" else int(wanted)] * len(few), [0.0] * len(few)
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
                changes[place] = difference(response, solver.solve(kts[i], nodes)[0])
        for sentence in coarse.warnings:
            problem.warn(sentence)
    at = np.log([kts[i] for i in few])
    for i in members:
        nearest = int(np.argmin(np.abs(at - np.log(kts[i]))))
        found.facts["energy_nodes"][i] = known[nearest]
        if wanted != 1:
            found.facts["node_change"][i] = left[nearest]
    return changes
