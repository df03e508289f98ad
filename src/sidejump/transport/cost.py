"""States, pairs, memory and time of a run, estimated on a coarse shell before it starts."""

from __future__ import annotations

import numpy as np

from ..units import KB
from .problem import Problem
from .settings import TransportSettings
from .shared import SharedShell

# measured on one core at 3 GHz: geometry and kernel of a pair, seconds
_PER_PAIR = {2: 2e-8, 3: 6e-8}
_REFINEMENT = (1.0, 3.6, 6.4)  # what refinement at hot spots adds, measured on iron


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
    coarse_spacing = problem.base_spacing
    nodes = settings.energy_nodes if settings.energy_nodes != "auto" else 5
    functions = (int(nodes) + 1) // 2
    states, most, pairs, seconds = 0.0, 0.0, 0.0, 1.0
    for t in temperatures:
        ratio = (coarse_spacing / problem.spacing(t)) ** (d - 1)
        count = len(coarse) * ratio * (_REFINEMENT[min(settings.levels, 2)] if d == 3 else 1.0)
        fraction = shared.pairs_estimate(KB * t) / (0.5 * len(coarse) ** 2 * max(1, len(problem.sources)))
        here = 0.5 * count**2 * min(1.0, fraction)
        states, pairs = max(states, count), max(pairs, 2 * here * functions**2)
        stored = here * 4 * functions**2
        most = max(most, stored + min(here * (6 + 4 * d), 0.5 * settings.memory))
        seconds += here * _PER_PAIR[d] * functions**1.5
        problem.check_memory(stored, t)
    return {
        "temperatures": len(temperatures),
        "states": int(states * functions),
        "pairs": float(pairs),
        "memory_bytes": float(most),
        "seconds": float(seconds),
    }
