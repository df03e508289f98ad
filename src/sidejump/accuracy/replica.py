"""One replica of one term: the unit that is computed, kept, distributed and counted.

A pure function of (problem, term, level, number, temperatures); what it returns is a few numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..freed import return_freed
from ..kinetics.response import KineticResponse
from ..threads import one_matrix_thread
from ..transport.problem import Problem
from ..transport.settings import Size
from ..transport.term import GREEN, MESH_STEP, UNRESOLVED, Outcome, Term

SCHEME = 7
"""Raised with every change of what a replica of a given term, level and number is: others are not of the same study."""

FINER = 2**0.5
"""Ratio of the spacings of neighbouring levels."""

QUALITY = frozenset({"onsager_error", "conservation_error", "residual", "iterations", "method", "growing",
                     "contributions", "rounding"})  # fmt: skip
"""What a replica of a first term says of how its equation was solved."""

_PARTS = ("the conductivity", *["the side jump"] * 2, *["the skew scattering"] * 2)


@dataclass(frozen=True)
class Task:
    """What to compute.

    Attributes
    ----------
    term : str
    level, number : int
        How fine, and which of the ways to lay the points.
    where : tuple of int
        Places of the temperatures.
    """

    term: str
    level: int
    number: int
    where: tuple[int, ...]


@dataclass(frozen=True)
class Replica:
    """What came out.

    Attributes
    ----------
    task : Task
    values : ndarray, shape (n, 3, R, d), or (n, 5, R, d) with skew scattering
        Boltzmann part, both halves of the side jump, conventional and Gaussian skew scattering,
        ``e^2/hbar angstrom^(2-d)``, and observables as in
        :class:`sidejump.kinetics.response.KineticResponse`; of a term that is a change the
        Boltzmann part relative to the largest element of that of the first term.
    seconds : float
        Wall time.
    facts : dict of list
        What is reported of each temperature.
    quality : list of dict
        How well the equation was solved, of first terms.
    sizes : (int, int, float)
        States, pairs, bytes.
    warnings : tuple of str
    tolerance : float
        Relative change that energy nodes and windows were allowed to leave.
    memory : float
        Bytes that it was allowed to take; 0 where that is not known.
    """

    task: Task
    values: np.ndarray
    seconds: float
    facts: dict[str, list] = field(default_factory=dict)
    quality: list[dict[str, Any]] = field(default_factory=list)
    sizes: tuple[int, int, float] = (0, 0, 0.0)
    warnings: tuple[str, ...] = ()
    tolerance: float = 0.0
    memory: float = 0.0

    def at(self, columns: list[int]) -> Replica:
        """The same of some of its temperatures, by their columns, with their share of the time."""
        if columns == list(range(len(self.task.where))):
            return self
        return replace(
            self,
            task=replace(self.task, where=tuple(self.task.where[c] for c in columns)),
            values=self.values[columns],
            seconds=self.seconds * len(columns) / len(self.task.where),
            facts={name: [column[c] for c in columns] for name, column in self.facts.items()},
            quality=[self.quality[c] for c in columns] if self.quality else [],
        )

    def among(self, places: list[int]) -> Replica:
        """The same with its temperatures counted among those at these places, which hold all of them."""
        return replace(self, task=replace(self.task, where=tuple(places.index(i) for i in self.task.where)))


def compute(
    problem: Problem, term: Term, task: Task, temperatures, advance: Callable[[float], None] = lambda _: None
) -> Replica:
    """The replica of a task.

    Parameters
    ----------
    problem : Problem
        Of any level; that of the task is made from it.
    temperatures : ndarray
        K, all of the study.
    advance : callable, optional
        Called with the fraction of the work that a step has done.

    Raises
    ------
    InputError
        If memory does not suffice, or numbers come out that are not finite.
    """
    return compute_each([problem], term, task, temperatures, advance)[0]


def compute_each(
    problems: Sequence[Problem],
    term: Term,
    task: Task,
    temperatures,
    advance: Callable[[float], None] = lambda _: None,
) -> list[Replica]:
    """The replicas of a task of problems that differ in how strongly their scatterers couple, see
    :meth:`.Term.evaluate_each`; arguments otherwise as of :func:`compute`. Each is said to have had its share of the
    time."""
    started = time.perf_counter()
    with one_matrix_thread():  # the parts of a term are threads themselves
        accuracy = accuracy_of(task.level, problems[0].model.dimension, term)
        laid = [problem.laid(accuracy, task.number, coarsest=task.level == 0) for problem in problems]
        found = term.evaluate_each(laid, np.asarray(temperatures)[list(task.where)], advance)
        return_freed()  # operators of several numbers of energy nodes leave gaps that the next replica does not fill
    seconds = (time.perf_counter() - started) / len(problems)
    return [_replica(*each, term, task, temperatures, seconds) for each in zip(laid, found, strict=True)]


def _replica(laid: Problem, found: Outcome, term: Term, task: Task, temperatures, seconds: float) -> Replica:
    if term.first:
        values = np.array([r.tensors for r in found.responses])
    else:
        values = np.array([change.tensors for change in found.changes])
    d = laid.model.dimension
    rest = values.shape[2] - (3 * d if laid.settings.heat else 0)
    values = np.concatenate([laid.multiplets.asked(values[:, :, :rest], d), values[:, :, rest:]], axis=2)
    require_finite(values, task, np.asarray(temperatures))
    facts = found.facts
    if term.first:
        facts = facts | {GREEN: [float(r.doubt) for r in found.responses]}
        facts[UNRESOLVED] = [float(r.unresolved) for r in found.responses]
        steps = [r.mesh_step for r in found.responses]
        if all(step is not None for step in steps):
            facts[MESH_STEP] = [laid.multiplets.asked(step, d).tolist() for step in steps]
    for source in laid.sources:
        for sentence in source.warnings():
            laid.warn(sentence)
    return Replica(
        task,
        values,
        seconds,
        facts,
        [_quality(r) for r in found.responses],
        astuple(Size.largest(found.sizes)),
        tuple(laid.warnings),
        laid.settings.tolerance,
        float(laid.settings.memory),
    )


def require_finite(values, task: Task, temperatures) -> None:
    """Refuse a replica with numbers that are none: NaN would leave error bars without the part that it is of.

    Parameters
    ----------
    values : ndarray, shape (n, 3 or 5, R, d)
        Those of a :class:`Replica`.
    task : Task
    temperatures : ndarray
        K, all of the study.

    Raises
    ------
    InputError
        If one is not finite.
    """
    bad = ~np.isfinite(values).all(axis=(2, 3))
    if bad.any():
        place, part = np.argwhere(bad)[0]
        raise InputError(
            f"{_PARTS[part]} of replica {task.number} (level {task.level}) of the term {task.term} at "
            f"{temperatures[task.where[place]]:.4g} K is not finite; look for extreme values in model and scatterers, "
            "or leave this temperature out"
        )


def accuracy_of(level: int, dimension: int, term: Term) -> float:
    """What divides the spacings at a level of a term."""
    return term.start[dimension] * FINER**level


def _quality(response: KineticResponse) -> dict[str, Any]:
    return {name: getattr(response, name) for name in sorted(QUALITY)}
