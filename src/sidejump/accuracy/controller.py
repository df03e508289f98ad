"""Which replica comes next: the one that takes most of the error away for its time.

Every term starts with a few replicas of its coarsest level.  Then, until every temperature is within the tolerance, the
term that has most of the error at the temperature that is worst either gets replicas of the next level, or one more of
its finest, for those temperatures that are not yet within the tolerance.  Time and memory may stop it before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from ..errors import InputError, TooLarge
from ..kinetics.response import charge
from ..transport.terms import AVERAGE, SURFACE
from .estimates import SIDE_JUMP, Estimate, TermEstimate, estimated
from .replica import Replica, Task

FIRST_REPLICAS = 2
"""Replicas of a level before anything is concluded from it."""

ALL_REPLICAS = range(10**6)
"""Numbers of the replicas of a level, where none are left to other machines."""

MOST_LEVELS = 8
"""Levels of a term; the last has points sixteen times as close as the first."""

_GROWTH = 2.5
"""Work of a level over that of the one before, for the choice of what comes next; pairs alone would be 4, cut by what
is local.  Not what this machine measures: the same study takes the same replicas everywhere."""

_ABOVE_FLOOR, _SHARE = 1.5, 0.6
"""Where a part of the error cannot be taken away: times that part is what the rest is brought to, and the share of the
error from which on it is named."""

_EXPECTED = 0.35
"""Error of a level over that of the one before, as it is mostly measured: for the choice of what comes next alone."""

_ENOUGH = 12
"""Replicas of one level beyond which the next level is tried even where its time is not known to pay."""

Run = Callable[[list[Task]], Iterator[Replica]]
"""Computes tasks, in any order; a task that memory does not suffice for raises TooLarge."""


@dataclass
class Limits:
    """When to stop.

    Attributes
    ----------
    tolerance : float
        Relative standard error, see `Estimate.relative_error`.
    seconds : float
        Wall time from the start; infinite where there is no limit.
    """

    tolerance: float
    seconds: float = np.inf


@dataclass
class Controller:
    """Replicas so far, and the choice of the next.

    Attributes
    ----------
    first : dict of bool
        By the name of the term, whether it is a response to which the others are added.
    places : dict of list of int
        Temperatures that each term is computed for.
    temperatures : ndarray, shape (nT,)
        K.
    limits : Limits
    replicas : dict of list of Replica
    stopped : dict of str
        By the name of a term, what kept it from being refined.
    highest : dict of int
        By the name of a term, the finest level that may be tried.
    numbers : range
        Replicas of each level that may be computed: other ones are those of other machines.
    batch : int
        Replicas computed before the next look.
    unseen : ndarray, shape (nT,), or None
        What the geometries that were not taken were measured to change, relatively; NaN where nothing was measured.
    hall : bool
        Whether symmetry allows a Hall effect.  Where it does not, what is left of the side jump is rounding, and its
        error no aim.
    """

    first: dict[str, bool]
    places: dict[str, list[int]]
    temperatures: np.ndarray
    limits: Limits
    replicas: dict[str, list[Replica]] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    numbers: range = ALL_REPLICAS
    batch: int = FIRST_REPLICAS
    unseen: np.ndarray | None = None
    hall: bool = True
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self):
        for name in self.places:
            self.replicas.setdefault(name, [])
            self.highest.setdefault(name, MOST_LEVELS - 1)

    def add(self, replica: Replica) -> None:
        """Take a finished replica; one that is known already counts once."""
        if all(known.task != replica.task for known in self.replicas[replica.task.term]):
            self.replicas[replica.task.term].append(replica)

    def estimate(self) -> Estimate | None:
        """What is known so far."""
        return estimated(self.replicas, self.first, self.temperatures, self._unseen())

    def _unseen(self) -> np.ndarray:
        """Relative error by the geometries that were not taken, (nT,).

        Where the thermal window is averaged over at some temperatures alone, what that changes at the coldest of them
        says what it would change at colder ones, in proportion to T^2.
        """
        unseen = np.nan_to_num(self.unseen) if self.unseen is not None else np.zeros(len(self.temperatures))
        averaged = self.places.get(AVERAGE.name, [])
        known = estimated(self.replicas, self.first, self.temperatures) if averaged else None
        if known is None:
            return unseen
        coldest = min(averaged, key=lambda i: self.temperatures[i])
        term = next((t for t in known.terms if t.name == AVERAGE.name), None)
        if term is None:
            return unseen
        change = np.abs(np.nan_to_num(charge(term.moments.value[coldest]))).max(axis=(1, 2)) / np.repeat(
            known.scales()[coldest], (1, 3)
        )
        ratio = (self.temperatures / self.temperatures[coldest]) ** 2
        shared = np.ones(len(self.temperatures), dtype=bool)
        shared[averaged] = False
        for name, places in self.places.items():
            if self.first[name] and name != SURFACE.name:
                shared[places] = False
        return np.where(shared, np.maximum(unseen, ratio * change.max()), unseen)

    def run(self, compute: Run, watch: Callable[[Controller], None] = lambda _: None) -> Estimate:
        """Compute until the tolerance or a limit is reached.

        Raises
        ------
        TooLarge
            If memory does not suffice for the coarsest level of a first term.
        """
        while tasks := self.next_tasks():
            try:
                for replica in compute(tasks):
                    self.add(replica)
                    watch(self)
            except TooLarge as error:
                self._too_large(tasks[0], error)
        found = self.estimate()
        assert found is not None
        return found

    def _too_large(self, task: Task, error: TooLarge) -> None:
        if task.level == 0:
            raise error
        self.highest[task.term] = task.level - 1
        self.stopped[task.term] = "memory"

    # --- the next ---------------------------------------------------------------------------------------------------

    def next_tasks(self) -> list[Task]:
        """Tasks to compute before the next look; none where the work is at its end."""
        for name, places in self.places.items():
            missing = self.batch - len(self._of_level(name, 0))
            tasks = self._tasks(name, 0, places, missing) if missing > 0 and places else []
            if tasks:
                return tasks
        found = self.estimate()
        if found is None:
            raise InputError(f"replicas {self.numbers.start}:{self.numbers.stop} hold none: give at least one")
        unsatisfied = self._unsatisfied(found)
        while len(unsatisfied):
            worst = int(unsatisfied[np.argmax(self.errors(found)[unsatisfied])])
            ranked = sorted(self._options(found, worst, unsatisfied), key=lambda option: -option[0])
            for _, name, seconds, tasks in ranked:
                if not tasks:
                    self.stopped.setdefault(name, "replicas")
                    continue
                if time.perf_counter() - self.started + seconds <= self.limits.seconds:
                    return tasks
                self.stopped.setdefault(name, "time")
            unsatisfied = unsatisfied[unsatisfied != worst]  # nothing can be done for this one
        return []

    def _unsatisfied(self, found: Estimate) -> np.ndarray:
        return np.flatnonzero(self.errors(found) > self._target(found))

    def errors(self, found: Estimate) -> np.ndarray:
        """The larger relative error of conductivity and side jump, (nT,); of the first alone without a Hall effect."""
        return found.relative_error()[:, : 2 if self.hall else 1].max(axis=1)

    def _target(self, found: Estimate) -> np.ndarray:
        """The tolerance, or what is not worth going below because replicas take nothing away from the rest, (nT,)."""
        return np.maximum(self.limits.tolerance, _ABOVE_FLOOR * found.floor)

    def _options(self, found: Estimate, worst: int, unsatisfied):
        """(error^2 taken away per work, term, seconds, tasks) of all that could be done for the worst temperature."""
        scale = found.scales()[worst]
        for term in found.terms:
            places = [i for i in self.places[term.name] if i in unsatisfied]
            if worst not in places:
                continue
            level = int(term.moments.level[worst])
            statistical, systematic = _squares(term, worst, scale, self.hall)
            whole = statistical + systematic
            # only temperatures whose finest level is this one
            same = [i for i in places if term.moments.level[i] == level]
            replicas = int(term.moments.replicas[worst])
            # memory may not suffice for one more of a level that it sufficed for
            highest = self.highest[term.name]
            if level == highest or (level < highest and replicas < _ENOUGH):
                left = statistical * replicas / (replicas + self.batch) + systematic
                gain = (whole - left) / (self.batch * _GROWTH**level)
                seconds = self._seconds(term.name, level, len(same))
                yield gain, term.name, seconds, self._tasks(term.name, level, same, self.batch)
            if level < highest:
                left = _EXPECTED**2 * (statistical * replicas / self.batch + systematic)
                gain = (whole - left) / (self.batch * _GROWTH ** (level + 1))
                seconds = self._seconds(term.name, level + 1, len(same))
                yield gain, term.name, seconds, self._tasks(term.name, level + 1, same, self.batch)

    def _tasks(self, name: str, level: int, places, count: int) -> list[Task]:
        used = {r.task.number for r in self._of_level(name, level) if set(r.task.where) & set(places)}
        free = (n for n in self.numbers if n not in used)
        return [Task(name, level, n, tuple(places)) for n in islice(free, count)]

    def _of_level(self, name: str, level: int) -> list[Replica]:
        return [r for r in self.replicas[name] if r.task.level == level]

    def _seconds(self, name: str, level: int, places: int) -> float:
        """Wall time of one replica, as far as it is known."""
        known = self._of_level(name, level)
        if not known:
            return self._seconds(name, level - 1, places) * _GROWTH if level else 0.0
        return float(np.mean([r.seconds / len(r.task.where) for r in known])) * max(places, 1)

    # --- the end ----------------------------------------------------------------------------------------------------

    def missed(self, found: Estimate) -> list[tuple[int, float, str, str]]:
        """Temperatures beyond the tolerance: (place, relative error, term that has most of it, what stopped it)."""
        result = []
        errors = self.errors(found)
        for i in np.flatnonzero(errors > self.limits.tolerance):
            if found.floor[i] > _SHARE * errors[i]:
                result.append((int(i), float(errors[i]), "energy nodes and geometry", "floor"))
                continue
            scale = found.scales()[i]
            name = max(
                (t for t in found.terms if t.moments.level[i] >= 0),
                key=lambda t: sum(_squares(t, int(i), scale, self.hall)),
            ).name
            result.append((int(i), float(errors[i]), name, self.stopped.get(name, "levels")))
        return result

    def seconds_left(self, found: Estimate) -> float:
        """Wall time to the tolerance, from what each halving of the error has cost so far; infinite where unknown."""
        worst = float(self.errors(found).max())
        spent = time.perf_counter() - self.started
        if not np.isfinite(worst) or worst <= 0:
            return np.inf
        # with a spread that falls with the root of the work
        whole = spent * max(1.0, (worst / self.limits.tolerance) ** 2)
        return min(whole - spent, self.limits.seconds - spent)


def _squares(term: TermEstimate, place: int, scale, hall: bool) -> tuple[float, float]:
    """Statistical and systematic error^2 of a term at a temperature, relative, of the part that is worse."""
    pairs = []
    for part, size in list(zip((0, SIDE_JUMP), scale, strict=True))[: 2 if hall else 1]:
        errors = (term.moments.statistical[place, part], term.moments.systematic[place, part])
        pairs.append([float(np.abs(charge(x)).max() / size) ** 2 for x in errors])
    statistical, systematic = max(pairs, key=sum)
    return statistical, systematic
