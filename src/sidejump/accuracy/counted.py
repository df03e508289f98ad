"""Which replicas count: those of the terms and temperatures of a plan, good enough, each once, and in one order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .composition import Composition
from .replica import Replica


@dataclass(frozen=True)
class Demands:
    """What replicas of other runs must be, to count.

    Attributes
    ----------
    changes : dict of float
        By the fact, the most that those made for a larger tolerance, or with less memory, may say that they leave.
    memory : float
        Bytes that a replica may take now; 0 where none is computed.
    """

    changes: Mapping[str, float] = field(default_factory=dict)
    memory: float = 0.0

    @classmethod
    def of(cls, tolerance: float, energy_nodes: int | str, memory: float = 0.0) -> Demands:
        """Those of a run.

        Parameters
        ----------
        tolerance : float
            What energy nodes and windows may leave, as :attr:`.replica.Replica.tolerance`.
        energy_nodes : int or "auto"
            Of the settings: what a given number leaves is the same for every tolerance.
        memory : float
        """
        nodes = {"node_change": tolerance} if energy_nodes == "auto" else {}
        return cls(nodes | {"window_change": tolerance}, memory)

    def met(self, replica: Replica, column: int) -> bool:
        """Whether a run would not compute the replica better at one of its temperatures."""
        poorer = 0 < replica.memory < self.memory
        return not any(
            name in replica.facts and (poorer or replica.tolerance > most) and replica.facts[name][column] > most
            for name, most in self.changes.items()
        )


NO_DEMANDS = Demands()


def counted(
    replicas: Iterable[Replica], composition: Composition, demands: Demands = NO_DEMANDS
) -> dict[str, list[Replica]]:
    """By the name of the term, what replicas say of the temperatures that a result computes the term for.

    The plan of another tolerance may compute other terms there: what replicas of it say of these belongs to no sum. Nor
    does what was made for a larger tolerance, or with less memory, and leaves more than is allowed now: no further
    replica would take that away.  Replicas of one number lie on the same points, and count once at a temperature: that
    of the smaller tolerance.  In this order, whichever came first: sums then have the same digits.
    """
    found: dict[str, list[Replica]] = {name: [] for name in composition.places}
    taken: set[tuple[str, int, int, int]] = set()
    for replica in sorted(replicas, key=_rank):
        task = replica.task
        of = [(task.term, task.level, task.number, i) for i in task.where]
        columns = [c for c in _fitting(replica, composition, demands) if of[c] not in taken]
        if columns:
            found[task.term].append(replica.at(columns))
            taken.update(of[c] for c in columns)
    return found


def left_out(replicas: Iterable[Replica], composition: Composition, demands: Demands = NO_DEMANDS) -> int:
    """How many replicas do not count at every temperature that they are for, or at none."""
    return sum(len(_fitting(replica, composition, demands)) < len(replica.task.where) for replica in replicas)


def _fitting(replica: Replica, composition: Composition, demands: Demands) -> list[int]:
    """Columns of the temperatures that the term is computed for, and well enough.

    None of a change that is for other temperatures: its shells are as far apart as the hottest one asks for.
    """
    name, where = replica.task.term, replica.task.where
    places = composition.places.get(name, ())
    if places and not composition.first[name]:
        hottest = max(where, key=lambda i: composition.temperatures[i])
        if hottest not in places or not set(places) <= set(where):
            return []
    return [c for c, i in enumerate(where) if i in places and demands.met(replica, c)]


def _rank(replica: Replica):
    task = replica.task
    return task.level, task.number, replica.tolerance, -replica.memory, -len(task.where), task.where
