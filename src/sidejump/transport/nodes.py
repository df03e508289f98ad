"""Energy nodes: as many as it takes, and what a given number of them leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..kinetics.response import KineticResponse
from ..units import KB
from .own import OwnShells
from .problem import Problem
from .tensors import relative_changes
from .term import NODE_CHANGES, Outcome

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)
FURTHER = 2  # energy nodes more, with which a given number is compared: as in the sequence
_ALL_FURTHER = 4 / 3  # what all further steps change over what the next one does: each mostly less than a quarter


def raise_nodes(problem: Problem, solver, kt: float):
    """More nodes until the response stands still: (nodes, changes, response, size), changes as `relative_changes`."""
    last, change = None, np.full(2, np.inf)
    tolerance = problem.settings.tolerance
    shared = not isinstance(solver, OwnShells)
    near_edge = not shared and solver.near_edge(kt)
    done, response, size = 0, None, None
    for n in NODE_SEQUENCE[1 if near_edge else 0 :]:
        if response is not None and solver.needs(kt, n) > problem.settings.memory:
            if not (np.isfinite(change).all() or problem.coarsest or problem.settings.replica is None):
                problem.check_memory(solver.needs(kt, n), kt / KB, "energy nodes")  # a coarser level holds more
            problem.warn(
                f"T = {kt / KB:.4g} K: memory = {problem.settings.memory / 1e9:.3g} GB holds no more than "
                f"{done} energy nodes, which leave a change of {change.max():.1e}: raise memory"
            )
            return done, change, response, size
        response, size = solver.solve(kt, n)
        done = n
        if response.growing > tolerance and n != NODE_SEQUENCE[-1]:  # nothing to compare with
            continue
        if last is not None:
            change = relative_changes(response, last)
            if change.max() < tolerance:
                break
        last = response
        if shared and problem.elastic_only:  # shells decouple: one node is exact
            return n, np.zeros(2), response, size
    else:
        problem.warn(f"T = {kt / KB:.4g} K: {n} energy nodes leave a change of {change.max():.1e}, above the tolerance")
    return n, change, response, size


def converge(problem: Problem, solver, kt: float):
    """The energy nodes asked for, or as many as it takes: (nodes, what more change, response, size); of the
    conductivity and of the side jump, as `relative_changes`.

    What modes that grow carry is as uncertain as what more nodes change.
    """
    wanted = problem.settings.energy_nodes
    if wanted == "auto":
        nodes, left, response, size = raise_nodes(problem, solver, kt)
    else:
        nodes = int(wanted)
        response, size = solver.solve(kt, nodes)
        left = _ALL_FURTHER * left_by_nodes(problem, solver, kt, nodes, response)
    return nodes, with_growing(left, response.growing), response, size


def with_growing(left: np.ndarray, growing: float) -> np.ndarray:
    """What nodes leave, or what modes that grow carry where that is more or the only thing known."""
    return np.fmax(left, growing) if growing else left


def left_by_nodes(problem: Problem, solver, kt: float, nodes: int, response: KineticResponse) -> np.ndarray:
    """What the next number of energy nodes changes in the response of a given one, as `relative_changes`.

    It hardly depends on how fine the shells are, and takes several times the work: NaN on all levels but the first.
    Where memory does not hold the next numbers, or they give modes that grow, what the number before changed, which is
    more; infinite where there is none.
    """
    if not problem.coarsest:
        return np.full(2, np.nan)
    if problem.elastic_only and not isinstance(solver, OwnShells):
        return np.zeros(2)  # shells decouple: any number is exact
    least = NODE_SEQUENCE[int(isinstance(solver, OwnShells) and solver.moved)]
    for n in (nodes + FURTHER, nodes + 2 * FURTHER, nodes - FURTHER):
        if n < least or solver.needs(kt, n) > problem.settings.memory:
            continue
        other, _ = solver.solve(kt, n)
        if other.growing <= max(problem.settings.tolerance, response.growing):
            return relative_changes(other, response)
    return np.full(2, np.inf)


def left_out(problem: Problem, solver, kt: float, response: KineticResponse) -> float:
    """What the quasi-elastic theory leaves out, NaN where that is not known."""
    found = float(left_by_nodes(problem, solver, kt, 1, response).max())
    return found if np.isfinite(found) else np.nan


def converge_at(found: Outcome, i: int, problem: Problem, solver, kt: float) -> None:
    """The response at one temperature, and what is said of its nodes."""
    if problem.settings.energy_nodes == 1:  # a theory of its own, whose error is not what it leaves out
        response, size = solver.solve(kt, 1)
        nodes, found.facts["inelastic_change"][i] = 1, left_out(problem, solver, kt, response)
    else:
        nodes, left, response, size = converge(problem, solver, kt)
        say_left(found, i, left)
    found.responses[i], found.sizes[i] = replace(response, distribution=None, odd_distribution=None), size
    found.facts["energy_nodes"][i] = nodes


def say_left(found: Outcome, i: int, left) -> None:
    """What nodes leave at a temperature, (2,): of each part, and the larger of the two."""
    found.facts["node_change"][i], found.facts[NODE_CHANGES][i] = float(np.max(left)), np.asarray(left).tolist()
