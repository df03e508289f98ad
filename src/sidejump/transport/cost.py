"""States, pairs, memory and time of a run, estimated on a coarse shell before it starts."""

from __future__ import annotations

import numpy as np

from ..kinetics.collision import THREADS
from ..units import KB
from .problem import Problem
from .shared import SharedShell

# measured on one core at 3 GHz: geometry and kernel of a pair, seconds
_PER_PAIR = {2: 2e-8, 3: 6e-8}
_EDGE = 1.3  # edge of a cell in terms of the square root of the area in it, measured on iron
_HALVED = (
    2.5  # points gained when the spacing is halved in three dimensions: cells at necks and pockets are small already
)
_PER_TEMPERATURE = 6e-9  # kernel of a pair and channel at one temperature, one core
_SOLUTION = 4e-9  # seconds for each byte of the operators, solution and assembly
_WASTE = 1.6  # pairs in blocks that reach over the cutoff


def estimate_cost(problem: Problem, temperatures) -> dict:
    """States, pairs, bytes and seconds of the kinetic part, from a coarse shell; printed before a run.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or the coldest temperature does not fit into the memory.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    settings, d = problem.settings, problem.model.dimension
    hottest = KB * float(temperatures.max())
    if problem.operations is not None and settings.geometry != "own" and not problem.near_edge(hottest):
        return _with_symmetry(problem, temperatures)
    coarse = problem.coarse_shell(problem.carriers(hottest).energy)
    shared = SharedShell(problem, coarse, KB * float(temperatures.max()))
    distances = _distances(problem, coarse)
    nodes = settings.energy_nodes if settings.energy_nodes != "auto" else 5
    # shells of their own take every node in double precision, shared ones the even functions in single
    own = settings.geometry == "own"
    if settings.geometry == "auto":
        own = (d == 2 and nodes != 1) or all(problem.near_edge(KB * t) for t in temperatures)
    functions, size = (int(nodes), 8) if own else ((int(nodes) + 1) // 2, 4)
    channels = sum(source.channels for source in problem.sources)
    states, most, pairs, seconds = 0.0, 0.0, 0.0, 1.0
    for t in temperatures:
        spacing = problem.spacing(t)
        m = functions if own or d == 2 else 1
        if d == 2:
            count = len(coarse) * problem.base_spacing / spacing
        else:
            halvings = np.log2(problem.base_spacing / spacing)
            # hot spots end at one size of cells, whatever they start from
            hot = _refinement(shared, problem.levels(spacing) + round(halvings)) - 1
            count = len(coarse) * (_HALVED**halvings + hot)
        here = 0.5 * count**2 * min(1.0, _WASTE * float(np.mean(distances <= shared.reach(KB * t))))
        states, pairs = max(states, count * m), max(pairs, 2 * here * m**2)
        stored = here * size * m**2
        most = max(most, stored + min(here * channels * (6 + 4 * d), 0.5 * settings.memory))
        seconds += here * (channels * _PER_PAIR[d] + 2e-8 * m**2)
        problem.check_memory(stored, t)
    if problem.refines:
        fine = len(coarse) * _refinement(shared, settings.levels)
        seconds += states * fine * (_PER_PAIR[d] + 2e-8 * len(temperatures))
    return {
        "temperatures": len(temperatures),
        "states": int(states),
        "pairs": float(pairs),
        "memory_bytes": float(most),
        "seconds": float(seconds),
    }


def _with_symmetry(problem: Problem, temperatures) -> dict:
    """The same from the shells themselves, which are quickly found and kept for the run."""
    images, settings = len(problem.operations or ()), problem.settings
    coarse = problem.coarse_shell(problem.mu)
    distances = _distances(problem, coarse)
    q_max = float(distances.max())
    per_pair = sum(source.seconds_per_pair for source in problem.sources) / THREADS
    channels = sum(source.channels for source in problem.sources)
    fine = len(problem.fine_shell(problem.mu)) if problem.refines else 0
    states, most, pairs, seconds = 0.0, 0.0, 0.0, 25.0
    for spacing in {problem.spacing(t) for t in temperatures}:
        here = [t for t in temperatures if problem.spacing(t) == spacing]
        count = len(problem.solved_shell(problem.mu, spacing))
        fractions = [min(1.0, _WASTE * float(np.mean(distances <= problem.reach(KB * t, q_max)))) for t in here]
        solved = 0.5 * images * count**2
        total = (solved + fine * count * images) * max(fractions)
        # two operators between vectors of three components
        operators = 4.0 * (3 * count) ** 2
        kept = min(18.0 * channels * solved * max(fractions), 0.5 * settings.memory)
        problem.check_memory(operators, min(here))
        states, pairs, most = (
            max(states, images * count),
            max(pairs, 2 * solved * max(fractions)),
            max(most, operators + kept),
        )
        # the thermal window and the shell of the energy nodes take as much again as a third
        seconds += 1.3 * total * (per_pair + _PER_TEMPERATURE * channels * sum(fractions) / max(fractions) / THREADS)
        seconds += len(here) * operators * _SOLUTION
    return {
        "temperatures": len(temperatures),
        "states": int(max(states, images * fine)),
        "pairs": float(pairs),
        "memory_bytes": float(most),
        "seconds": float(seconds),
    }


def _refinement(shared: SharedShell, levels: int) -> float:
    """Points that splits at hot spots add to a coarse shell: every cell in which the state turns becomes four."""
    problem = shared.problem
    if problem.settings.turn is None:
        return 1.0
    edge = _EDGE * np.sqrt(shared.shell.patch[shared.geometry.order])
    turn = shared.geometry.states.interband * edge * problem.settings.accuracy / problem.settings.turn
    return 1.0 + sum(3 * 4**level * float(np.mean(turn > 2**level)) for level in range(levels))


def _distances(problem: Problem, shell) -> np.ndarray:
    """Momentum transfers between a sample of the points of a shell and all of them."""
    k = shell.k if shell.operations is None else np.concatenate([shell.k @ m.T for m in shell.operations.matrices])
    k, start = problem.momentum.first_zone(k), problem.momentum.first_zone(shell.k[:: max(1, len(shell) // 300)])
    return problem.momentum.lengths(start, k, problem.momentum.images, single=True)
