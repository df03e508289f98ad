"""Which replica comes next: the one that takes most of the error away for its time.

Every term starts with a few replicas of its coarsest level.  Then, until every temperature is within the tolerance, the
term that has most of the error at the temperature that is worst gets replicas of the next level, or more of its finest,
or more of the one that it is compared with, for those temperatures that are not yet within the tolerance.  Time and
memory may stop it before, and so does an error that neither replicas nor levels take away: where it alone is above the
tolerance, the rest is only brought to where it hardly adds to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from ..errors import InputError, TooLarge
from ..kinetics.response import charge
from .composition import Composition
from .counted import NO_DEMANDS, Demands, counted, left_out
from .estimates import SIDE_JUMP, Estimate, TermEstimate, estimated
from .replica import Replica, Task
from .standing import Standing
from .statistics import GAIN

FIRST_REPLICAS = 2
"""Replicas of a level before anything is concluded from it."""

ALL_REPLICAS = range(10**6)
"""Numbers of the replicas of a level, where none are left to other machines."""

MOST_LEVELS = 8
"""Levels of a term; the last has points sixteen times as close as the first."""

_GROWTH = 2.5
"""Work of a level over that of the one before, for the choice of what comes next; pairs alone would be 4, cut by what
is local.  Not what this machine measures: the same study takes the same replicas everywhere."""

_ABOVE_FLOOR = 1.25
"""Where a part of the error cannot be taken away, times that part is what the whole is brought to: no replica and no
level would make the error less than 0.8 of what it is."""

_FORESEEN = 100
"""Batches for one temperature beyond which no time is foretold."""

Run = Callable[[list[Task]], Iterator[Replica]]
"""Computes tasks, in any order; a task that memory does not suffice for raises TooLarge."""


Groups = Callable[[str, int], list[list[int]]]
"""Of a term and a level, its temperatures in groups, in the order in which they are computed."""


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


@dataclass(frozen=True)
class Missed:
    """A temperature beyond the tolerance.

    Attributes
    ----------
    place : int
        Of the temperature.
    error : float
        Relative standard error.
    name : str
        The term, or what else leaves a part of the error, that has most of it.
    reason : {"time", "memory", "levels", "replicas", "floor"}
        What stopped it.
    share : float
        Relative error by it alone.
    """

    place: int
    error: float
    name: str
    reason: str
    share: float


@dataclass(frozen=True)
class _Option:
    """What could be done next: error^2 taken away per work, term, seconds of a replica, tasks, and the most that many
    of them could take of the error^2 of the term (`square`)."""

    gain: float
    name: str
    seconds: float
    tasks: list[Task]
    most: float
    square: float


@dataclass
class Controller:
    """Replicas so far, and the choice of the next.

    Attributes
    ----------
    composition : Composition
        Terms and temperatures.
    limits : Limits
    stopped : dict of str
        By the name of a term, what kept it from being refined.
    highest : dict of int
        By the name of a term, the finest level that may be tried.
    numbers : range
        Replicas of each level that may be computed: other ones are those of other machines.
    batch : int
        Replicas computed before the next look.
    before : float
        Seconds that replicas of earlier runs took.
    demands : Demands
        What replicas of other runs must be, to count.
    groups : callable, optional
        Temperatures that one task is for; all when not given.
    """

    composition: Composition
    limits: Limits
    stopped: dict[str, str] = field(default_factory=dict)
    highest: dict[str, int] = field(default_factory=dict)
    numbers: range = ALL_REPLICAS
    batch: int = FIRST_REPLICAS
    before: float = 0.0
    demands: Demands = NO_DEMANDS
    groups: Groups | None = None
    started: float = field(default_factory=time.perf_counter)
    _finished: list[Replica] = field(default_factory=list, init=False)
    _counted: dict[str, list[Replica]] | None = field(default=None, init=False)

    def __post_init__(self):
        for name in self.composition.places:
            self.highest.setdefault(name, MOST_LEVELS - 1)

    def add(self, replica: Replica) -> None:
        """Take a finished replica; one that is known already counts once."""
        self._finished.append(replica)
        self._counted = None

    @property
    def replicas(self) -> dict[str, list[Replica]]:
        """Those that count, by the name of the term, see :func:`.counted.counted`."""
        if self._counted is None:
            self._counted = counted(self._finished, self.composition, self.demands)
        return self._counted

    @property
    def left_out(self) -> int:
        """How many of those that came in do not count at all of their temperatures."""
        return left_out(self._finished, self.composition, self.demands)

    @property
    def complete(self) -> bool:
        """Whether every term has replicas at all of its temperatures."""
        return all(
            set(places) <= {i for r in self.replicas[name] for i in r.task.where}
            for name, places in self.composition.places.items()
        )

    def estimate(self) -> Estimate | None:
        """What is known so far."""
        return estimated(self.replicas, self.composition)

    def estimate_so_far(self) -> tuple[list[int], Estimate | None]:
        """The temperatures that have a replica of their first term, and what is known of these."""
        first = self.composition.first
        known = sorted({i for name, some in self.replicas.items() if first[name] for r in some for i in r.task.where})
        if len(known) == len(self.composition.temperatures):
            return known, self.estimate()
        here = {name: [r.among(known) for r in some if first[name]] for name, some in self.replicas.items()}
        return known, estimated(here, self.composition.at(known)) if known else None

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
        # of all terms at once: no worker waits for the last of another term
        if tasks := [task for name in self.composition.places for task in self._first_tasks(name)]:
            return tasks
        found = self.estimate()
        if found is None or not self.complete:
            raise InputError(f"replicas {self.numbers.start}:{self.numbers.stop} hold none: give at least one")
        beyond = self._beyond(found)
        unsatisfied = np.flatnonzero(beyond.max(axis=1) > 1)
        while len(unsatisfied):
            worst = int(unsatisfied[np.argmax(beyond[unsatisfied].max(axis=1))])
            part = int(np.argmax(beyond[worst]))
            ranked = sorted(self._options(found, worst, part, unsatisfied), key=lambda option: -option.gain)
            left = self.seconds_allowed()
            in_time = [option for option in ranked if option.tasks and option.seconds <= left]
            worth_while = self._worth_while(in_time, ranked, float(self.errors(found)[worst, part]))
            for option in ranked:
                if option not in in_time:
                    self.stopped.setdefault(option.name, "time" if option.tasks else "replicas")
                elif worth_while:
                    return option.tasks
            unsatisfied = unsatisfied[unsatisfied != worst]  # nothing can be done for this one
        return []

    def _first_tasks(self, name: str) -> list[Task]:
        """Replicas of the first level for temperatures of a term that lack some, as they do where an earlier run had
        another plan: the same for all that have the same ones."""
        places, coarsest = self.composition.places[name], self._of_level(name, 0)
        known = {i: tuple(sorted(r.task.number for r in coarsest if i in r.task.where)) for i in places}
        for numbers in sorted(set(known.values()), key=lambda some: (len(some), some)):
            alike = [i for i in places if known[i] == numbers]
            tasks = self._tasks(name, 0, alike, self.batch - len(numbers)) if len(numbers) < self.batch else []
            if tasks:
                return tasks
        return []

    def _worth_while(self, in_time: list[_Option], ranked: list[_Option], error: float) -> bool:
        """Whether there is time for more than what hardly makes the error smaller: the rest of it is then spent on
        terms that have next to nothing of it."""
        if all(option in in_time for option in ranked if option.tasks):
            return True
        takes: dict[str, float] = {}
        for option in in_time:
            takes[option.name] = min(takes.get(option.name, 0.0) + option.most, option.square)
        return not error**2 <= _ABOVE_FLOOR**2 * (error**2 - sum(takes.values()))

    def errors(self, found: Estimate) -> np.ndarray:
        """Relative errors of conductivity and side jump, (nT, 2); without a Hall effect of the first alone, (nT, 1)."""
        return found.relative_error()[:, : self._parts]

    @property
    def _parts(self) -> int:
        return 2 if self.composition.hall else 1

    def _beyond(self, found: Estimate) -> np.ndarray:
        """Errors over what they are brought to, as :meth:`errors`: the tolerance, or what is not worth going below."""
        lasting = np.sqrt(sum(square for square, _ in self._lasting(found).values()))
        return self.errors(found) / np.maximum(self.limits.tolerance, _ABOVE_FLOOR * lasting)

    def _lasting(self, found: Estimate) -> dict[str, tuple[np.ndarray, str]]:
        """By what leaves it, the relative error^2 that neither replicas nor levels take away, and why not."""
        count = len(self.composition.temperatures)
        left = {name: (some[:, : self._parts] ** 2, "floor") for name, some in found.relative_floors().items()}
        for term in found.terms:
            ended = term.moments.level >= self.highest[term.name]
            systematic = np.zeros((count, self._parts))
            for i in np.flatnonzero(ended):
                for part in range(self._parts):  # replicas of the level below take the noise of that away
                    now = _standing(term, int(i), part, found)
                    systematic[i, part] = now.systematic - now.coarser
            left[term.name] = (systematic, self.stopped.get(term.name, "levels"))
        return left

    def _options(self, found: Estimate, worst: int, part: int, unsatisfied) -> Iterator[_Option]:
        """All that could be done for the worst temperature."""
        for term in found.terms:
            if worst not in self.composition.places[term.name]:
                continue
            now = _standing(term, worst, part, found)
            for level, then in now.steps(self.highest[term.name], self.batch):
                places = self._concerned(term, now, level, unsatisfied)
                tasks = self._tasks(term.name, level, places, self.batch)
                seconds = self._seconds(term.name, level, len(places))
                whole = level > now.level or now.below < 0
                most = now.square if whole else now.statistical if level == now.level else now.coarser
                yield _Option(self._gain(now, then, level), term.name, seconds, tasks, most, now.square)

    def _concerned(self, term: TermEstimate, now: Standing, level: int, unsatisfied) -> list[int]:
        """Temperatures that replicas of a level are for: those that stand where this one does.

        All of a change: its shells are those that the hottest asks for, and what they tell of colder ones is scaled
        down with T^2, their noise with it.
        """
        if not self.composition.first[term.name]:
            return list(self.composition.places[term.name])
        places = [i for i in self.composition.places[term.name] if i in unsatisfied]
        if level < now.level:
            return [i for i in places if term.moments.below[i] == level]
        return [i for i in places if term.moments.level[i] == now.level]

    def _gain(self, now: Standing, then: Standing, level: int) -> float:
        """What a batch of a level takes of error^2, over its work in replicas of the coarsest level."""
        return (now.square - then.square) / (self.batch * _GROWTH**level)

    def _tasks(self, name: str, level: int, places, count: int) -> list[Task]:
        """All of one group of temperatures before those of the next: its error bars are known the earlier."""
        groups = [places] if self.groups is None else self.groups(name, level)
        return [
            task for group in groups for task in self._of_group(name, level, [i for i in places if i in group], count)
        ]

    def _of_group(self, name: str, level: int, places: list[int], count: int) -> list[Task]:
        used = {r.task.number for r in self._of_level(name, level) if set(r.task.where) & set(places)}
        free = (n for n in self.numbers if n not in used)
        return [Task(name, level, n, tuple(places)) for n in islice(free, count)] if places else []

    def _of_level(self, name: str, level: int) -> list[Replica]:
        return [r for r in self.replicas[name] if r.task.level == level]

    def _seconds(self, name: str, level: int, places: int) -> float:
        """Wall time of one replica, as far as it is known."""
        known = self._of_level(name, level)
        if not known:
            return self._seconds(name, level - 1, places) * _GROWTH if level else 0.0
        return sum(r.seconds for r in known) / sum(len(r.task.where) for r in known) * max(places, 1)

    # --- the end ----------------------------------------------------------------------------------------------------

    def missed(self, found: Estimate) -> list[Missed]:
        """Temperatures beyond the tolerance, with what has most of the error and what stopped it."""
        result = []
        errors, lasting = self.errors(found), self._lasting(found)
        for i in np.flatnonzero(errors.max(axis=1) > self.limits.tolerance):
            part = int(np.argmax(errors[i]))
            shares = {name: (float(square[i, part]), reason) for name, (square, reason) in lasting.items()}
            for term in found.terms:
                if term.moments.level[i] < 0:
                    del shares[term.name]
                elif term.name in self.stopped:
                    shares[term.name] = sum(_squares(term, int(i), part, found)), self.stopped[term.name]
            name, (square, reason) = max(shares.items(), key=lambda item: item[1][0])
            error = float(errors[i, part])
            result.append(Missed(int(i), error, name, reason, min(float(np.sqrt(square)), error)))
        return result

    def seconds_left(self, found: Estimate) -> float:
        """Wall time to what the error is brought to, if levels gain what they are sure to, whatever the limit of time;
        infinite where nothing leads there."""
        errors = self.errors(found)
        if not np.isfinite(errors).all() or not self.complete:
            return np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            allowed = (errors / self._beyond(found)) ** 2
        spent = time.perf_counter() - self.started
        work = sum(r.seconds for some in self.replicas.values() for r in some)
        pace = max((work - self.before) / spent, 1.0)  # of several workers
        beyond = np.argwhere(errors**2 > allowed)
        unsatisfied = np.unique(beyond[:, 0])
        # what is done for one temperature is done for others as well
        each = [self._seconds_to(float(allowed[i, p]), found, int(i), int(p), unsatisfied) for i, p in beyond]
        return max(each, default=0.0) / pace

    def _seconds_to(self, allowed: float, found: Estimate, place: int, part: int, unsatisfied) -> float:
        """Time of all replicas that would bring error^2 of a part at a temperature to what is allowed, by the steps
        that are best there."""
        terms = {t.name: t for t in found.terms if place in self.composition.places[t.name]}
        standings = {name: _standing(term, place, part, found) for name, term in terms.items()}
        others = self.errors(found)[place, part] ** 2 - sum(now.square for now in standings.values())
        seconds = 0.0
        for _ in range(_FORESEEN):
            if others + sum(now.square for now in standings.values()) <= allowed * (1 + 1e-9):
                return seconds
            # levels gain no more than what is sure, or the time left grows while it passes
            options = [
                (self._gain(now, then, level), level, then)
                for name, now in standings.items()
                for level, then in now.steps(self.highest[name], self.batch, GAIN)
            ]
            # the first replicas of a level may know less than the many of the one before
            options = [o for o in options if o[0] > 0] or [o for o in options if o[1] > standings[o[2].name].level]
            if not options:
                return np.inf
            _, level, then = max(options, key=lambda option: option[0])
            places = self.composition.places[then.name]
            seconds += self.batch * self._seconds(then.name, level, sum(i in unsatisfied for i in places))
            standings[then.name] = then
        return np.inf

    def seconds_allowed(self) -> float:
        """Wall time until no further replica is begun; infinite without a limit."""
        return max(self.limits.seconds - (time.perf_counter() - self.started), 0.0)


def _standing(term: TermEstimate, place: int, part: int, found: Estimate) -> Standing:
    """A term at a temperature; `part` 0: conductivity, 1: side jump."""
    statistical, systematic = _squares(term, place, part, found)
    noise = _square(term.moments.coarser, place, part, found)
    known = term.moments
    level, replicas, below, below_replicas = (
        int(x[place]) for x in (known.level, known.replicas, known.below, known.below_replicas)
    )
    return Standing(term.name, level, replicas, below, below_replicas, statistical, systematic, noise)


def _squares(term: TermEstimate, place: int, part: int, found: Estimate) -> tuple[float, float]:
    """Statistical and systematic error^2 of a term at a temperature, relative; `part` 0: conductivity, 1: side jump."""
    statistical = _square(term.moments.statistical, place, part, found)
    return statistical, _square(term.moments.systematic, place, part, found)


def _square(errors, place: int, part: int, found: Estimate) -> float:
    which, size = (0, SIDE_JUMP)[part], found.scales()[place, part]
    return float(np.abs(charge(errors[place, which])).max() / size) ** 2
