"""States, pairs, memory and time of a run, estimated on a coarse shell before it starts."""

from __future__ import annotations

import numpy as np

from ..units import KB
from .problem import Problem
from .settings import TransportSettings
from .shared import SharedShell

# measured on one core at 3 GHz: geometry and kernel of a pair, seconds
_PER_PAIR = {2: 2e-8, 3: 6e-8}
_REFINEMENT = (1.0, 1.8, 6.4)  # what refinement at hot spots adds, measured on iron
_WASTE = 1.6  # pairs in blocks that reach over the cutoff


def estimate_cost(model, scatterers, *, chemical_potential, temperatures, settings: TransportSettings) -> dict:
    """States, pairs, bytes and seconds of the kinetic part, from a coarse shell; printed before a run.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or the coldest temperature does not fit into the memory.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    problem = Problem(model, list(scatterers), float(chemical_potential), settings)
    d = model.dimension
    coarse = problem.coarse_shell(problem.mu)
    shared = SharedShell(problem, coarse, KB * float(temperatures.max()))
    distances = _distances(problem, coarse)
    nodes = settings.energy_nodes if settings.energy_nodes != "auto" else 5
    functions = (int(nodes) + 1) // 2
    channels = sum(source.channels for source in problem.sources)
    states, most, pairs, seconds = 0.0, 0.0, 0.0, 1.0
    for t in temperatures:
        spacing = problem.spacing(t)
        cold = spacing < problem.base_spacing
        m = functions if cold or d == 2 or channels > 1 else 1
        refined = 1.0 if d == 2 else _REFINEMENT[min(settings.levels, 1 if cold else 2)]
        count = len(coarse) * (problem.base_spacing / spacing) ** (d - 1) * refined
        here = 0.5 * count**2 * min(1.0, _WASTE * float(np.mean(distances <= shared.reach(KB * t))))
        states, pairs = max(states, count * m), max(pairs, 2 * here * m**2)
        stored = here * 4 * m**2
        most = max(most, stored + min(here * channels * (6 + 4 * d), 0.5 * settings.memory))
        seconds += here * (channels * _PER_PAIR[d] + 2e-8 * m**2)
        problem.check_memory(stored, t)
    if problem.refines:
        seconds *= 3  # the shift on the fine shell, and the thermal window
    return {
        "temperatures": len(temperatures),
        "states": int(states),
        "pairs": float(pairs),
        "memory_bytes": float(most),
        "seconds": float(seconds),
    }


def _distances(problem: Problem, shell) -> np.ndarray:
    """Momentum transfers between a sample of the points of a shell and all of them."""
    k = problem.momentum.first_zone(shell.k)
    return problem.momentum.lengths(k[:: max(1, len(k) // 300)], k, problem.momentum.images)
