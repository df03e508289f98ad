"""Which replicas count: those of the terms and temperatures of a plan, good enough, each once, and in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from .composition import Composition
from .replica import Replica

NO_CHANGES: Mapping[str, float] = MappingProxyType({})


def largest_changes(tolerance: float, energy_nodes: int | str) -> dict[str, float]:
    """By the fact, what replicas made for a larger tolerance may say that they leave, to be of use to a smaller one.

    Parameters
    ----------
    tolerance : float
        What energy nodes and windows may leave now, as :attr:`.replica.Replica.tolerance`.
    energy_nodes : int or "auto"
        Of the settings: what a given number leaves is the same for every tolerance.
    """
    nodes = {"node_change": tolerance} if energy_nodes == "auto" else {}
    return nodes | {"window_change": tolerance}


def counted(
    replicas: Iterable[Replica], composition: Composition, changes: Mapping[str, float] = NO_CHANGES
) -> dict[str, list[Replica]]:
    """By the name of the term, what replicas say of the temperatures that a result computes the term for.

    The plan of another tolerance may compute other terms there: what replicas of it say of these belongs to no sum. Nor
    does what was made for a larger tolerance and leaves more than is allowed now (`changes`, see
    :func:`largest_changes`): no further replica would take that away.  Replicas of one number lie on the same points,
    and count once at a temperature: that of the smaller tolerance.  In this order, whichever came first: sums then have
    the same digits.
    """
    found: dict[str, list[Replica]] = {name: [] for name in composition.places}
    taken: set[tuple[str, int, int, int]] = set()
    for replica in sorted(replicas, key=_rank):
        task = replica.task
        of = [(task.term, task.level, task.number, i) for i in task.where]
        columns = [c for c in _fitting(replica, composition, changes) if of[c] not in taken]
        if columns:
            found[task.term].append(replica.at(columns))
            taken.update(of[c] for c in columns)
    return found


def left_out(replicas: Iterable[Replica], composition: Composition, changes: Mapping[str, float] = NO_CHANGES) -> int:
    """How many replicas do not count at every temperature that they are for, or at none."""
    return sum(len(_fitting(replica, composition, changes)) < len(replica.task.where) for replica in replicas)


def _fitting(replica: Replica, composition: Composition, changes: Mapping[str, float]) -> list[int]:
    """Columns of the temperatures that the term is computed for, and well enough.

    None of a change whose hottest temperature is no longer one: its shells are as far apart as that one asks for.
    """
    name, where = replica.task.term, replica.task.where
    places = composition.places.get(name, ())
    if places and not composition.first[name] and max(where, key=lambda i: composition.temperatures[i]) not in places:
        return []
    looser = [(name, most) for name, most in changes.items() if name in replica.facts and replica.tolerance > most]
    return [
        c
        for c, i in enumerate(where)
        if i in places and not any(replica.facts[name][c] > most for name, most in looser)
    ]


def _rank(replica: Replica):
    task = replica.task
    return task.level, task.number, replica.tolerance, -len(task.where), task.where
