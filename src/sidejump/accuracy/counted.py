"""Which replicas count: those of the terms and temperatures of a plan, each once, and in one order."""

from __future__ import annotations

from collections.abc import Iterable

from .composition import Composition
from .replica import Replica


def counted(replicas: Iterable[Replica], composition: Composition) -> dict[str, list[Replica]]:
    """By the name of the term, what replicas say of the temperatures that a result computes the term for.

    The plan of another tolerance may compute other terms there: what replicas of it say of these belongs to no sum.
    Replicas of one number lie on the same points, and count once at a temperature: that of the smaller tolerance.  In
    this order, whichever came first: sums then have the same digits.
    """
    found: dict[str, list[Replica]] = {name: [] for name in composition.places}
    taken: set[tuple[str, int, int, int]] = set()
    for replica in sorted(replicas, key=_rank):
        task = replica.task
        of = [(task.term, task.level, task.number, i) for i in task.where]
        columns = [c for c in _fitting(replica, composition) if of[c] not in taken]
        if columns:
            found[task.term].append(replica.at(columns))
            taken.update(of[c] for c in columns)
    return found


def left_out(replicas: Iterable[Replica], composition: Composition) -> int:
    """How many replicas do not count at every temperature that they are for, or at none."""
    return sum(len(_fitting(replica, composition)) < len(replica.task.where) for replica in replicas)


def _fitting(replica: Replica, composition: Composition) -> list[int]:
    """Columns of the temperatures that the term is computed for.

    None of a change whose hottest temperature is no longer one: its shells are as far apart as that one asks for.
    """
    name, where = replica.task.term, replica.task.where
    places = composition.places.get(name, ())
    if places and not composition.first[name] and max(where, key=lambda i: composition.temperatures[i]) not in places:
        return []
    return [c for c, i in enumerate(where) if i in places]


def _rank(replica: Replica):
    task = replica.task
    return task.level, task.number, replica.tolerance, -len(task.where), task.where
