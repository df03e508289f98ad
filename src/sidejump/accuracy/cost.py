"""What a run will cost before anything is known: the first replicas, and the levels that it may go to."""

from __future__ import annotations

from copy import copy
from dataclasses import replace

from ..errors import TooLarge
from ..transport.cost import estimate_cost, refuse_early
from ..transport.nodes import FURTHER
from ..transport.problem import Problem
from ..transport.terms import SURFACE
from .controller import FIRST_REPLICAS, MOST_LEVELS
from .study import Case

_PAIRS = {2: 2.0, 3: 4.0}
"""Pairs of a level over those of the one before, by the dimension: of points sqrt(2) times closer."""


def _of_more_nodes(first: Problem, case: Case) -> dict | None:
    """Cost with the further energy nodes that tell what a given number leaves; None where there are none, or memory
    does not hold them, and they are left out."""
    nodes = first.settings.energy_nodes
    elsewhere = nodes == 1 and case.problem.model.dimension == 3 and "own" not in case.geometry  # on fewer points
    if nodes == "auto" or elsewhere:
        return None
    more = copy(first)
    more.settings = replace(first.settings, energy_nodes=int(nodes) + FURTHER)
    try:
        return estimate_cost(more, case.temperatures, case.geometry)
    except TooLarge:
        return None


def first_cost(case: Case) -> dict:
    """States, pairs and bytes of a replica of the first level, and the seconds to error bars at every temperature.

    ``levels`` is the last level that the memory is expected to hold, and ``last_memory_bytes`` what it takes: no more
    than that is known before error bars say how many levels the tolerance takes. ``level_memory_bytes`` is what each of
    them takes.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or not even the first level fits into the memory.
    """
    dimension, limit = case.problem.model.dimension, case.problem.allowed
    first = case.problem.laid(SURFACE.start[dimension], 0, ahead=True)
    refuse_early(first, case.temperatures)
    plain = estimate_cost(first, case.temperatures, case.geometry)
    cost = _of_more_nodes(first, case) or plain  # which no level but the first has
    more = [_PAIRS[dimension] ** level for level in range(MOST_LEVELS)]
    last = max((level for level, times in enumerate(more) if plain["least_bytes"] * times <= limit), default=0)
    most = max(limit, cost["memory_bytes"])
    needed = [max(cost["memory_bytes"], min(plain["memory_bytes"] * times, most)) for times in more[: last + 1]]
    return cost | {
        "seconds": FIRST_REPLICAS * cost["seconds"],
        "flops": FIRST_REPLICAS * cost["flops"],
        "levels": last,
        "last_memory_bytes": needed[-1],
        "level_memory_bytes": needed,
    }
