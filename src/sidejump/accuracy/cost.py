"""What a run will cost before anything is known: a first error bar needs two levels of every term."""

from __future__ import annotations

from ..transport.cost import estimate_cost
from ..transport.terms import SURFACE
from .controller import FIRST_REPLICAS
from .study import Case

_FIRST_ANSWER = 3.5
"""Time of the replicas of two levels over that of one replica of the first, times their number."""


def first_cost(case: Case) -> dict:
    """States, pairs and bytes of a replica of the first level, and the seconds to the first error bars.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or not even the first level fits into the memory.
    """
    first = case.problem.laid(SURFACE.start[case.problem.model.dimension], 0)
    cost = estimate_cost(first, case.temperatures)
    more = FIRST_REPLICAS * _FIRST_ANSWER
    return cost | {"seconds": more * cost["seconds"], "flops": more * cost["flops"]}
