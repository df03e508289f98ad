"""How the error of a result fell with its replicas, and what a smaller tolerance would cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..accuracy.composition import Composition
from ..accuracy.controller import Controller, Limits
from ..accuracy.counted import counted
from ..accuracy.estimates import SIDE_JUMP, Estimate, TermEstimate, estimated
from ..accuracy.replica import Replica
from ..errors import InputError
from ..files import reading
from ..kinetics.response import charge
from .cases import apart
from .merge import Question
from .results import read, replicas_of
from .terminal import duration

PARTS = ("conductivity", "side jump")
_SMALLER = (2.0, 4.0, 10.0)  # tolerances over that of the result: what they would cost


@dataclass(frozen=True)
class Course:
    """Relative errors, each at the temperature that is worst, after every replica from the first error bar on.

    Attributes
    ----------
    label : str
        Which case of a scan; empty otherwise.
    seconds : ndarray, shape (n,)
        Work of the replicas so far: time on one worker.
    whole : ndarray, shape (n, p)
        Of the p parts of `PARTS` that there are.
    terms : dict of ndarray, shape (n, p)
        The same of each term; NaN before it has error bars.
    levels : dict of ndarray of int, shape (n,)
        Finest level of each term; -1 before there is one.
    replicas : dict of int
        How many a term has at the end.
    floors : dict of float
        What no replica and no level takes away, by what leaves it.
    tolerance : float
    further : list of (float, float)
        Smaller tolerances, and the work each would take in addition, seconds; infinite where a floor is above it.
    """

    label: str
    seconds: np.ndarray
    whole: np.ndarray
    terms: dict[str, np.ndarray]
    levels: dict[str, np.ndarray]
    replicas: dict[str, int]
    floors: dict[str, float]
    tolerance: float
    further: list[tuple[float, float]]


def courses(path) -> list[Course]:
    """The course of the error of a result; of a scan one for each case that has carriers.

    Raises
    ------
    InputError
        If the file is no result of a run, or holds no replicas.
    """
    dataset = read(path)
    if "replicas" not in dataset:
        raise InputError(f"{path}: holds no replicas; name a result of a run of this version")
    found = [
        _course(label, composition, tolerance, replicas)
        for label, composition, tolerance, replicas in cases_of(path, dataset)
    ]
    if not found:
        raise InputError(f"{path}: no temperature has carriers, so that there are no replicas whose error could fall")
    return found


def cases_of(path, dataset) -> list[tuple[str, Composition, float, list[Replica]]]:
    """Label, composition, tolerance and replicas of each case that has carriers; the label is empty where there is one.

    Raises
    ------
    InputError
        If they are damaged, or of another version.
    """
    known = replicas_of(dataset, str(dataset.attrs.get("identity")))
    with reading(path, "a result of this version", "run it again"):
        parts, _, labels = apart(dataset) if "cases" in dataset else ([dataset], None, [""])
        questions = [Question.of(part) for part in parts]
    return [
        (label, question.composition, question.tolerance, [r for of, r in known if of == case])
        for case, (label, question) in enumerate(zip(labels, questions, strict=True))
        if question.composition is not None
    ]


def _course(label: str, composition: Composition, tolerance: float, replicas: list[Replica]) -> Course:
    # the order in which they were computed is not kept; the controller goes from level to level
    counting = [r for some in counted(replicas, composition).values() for r in some]
    ordered = sorted(counting, key=lambda r: (r.task.level, r.task.number, not composition.first[r.task.term]))
    parts = 2 if composition.hall else 1
    names = list(composition.places)
    last, seconds, whole = None, [], []
    terms: dict[str, list] = {name: [] for name in names}
    levels: dict[str, list] = {name: [] for name in names}
    for count in range(1, len(ordered) + 1):
        found = last = estimated(counted(ordered[:count], composition), composition)
        if found is None or not np.isfinite(found.relative_error()[:, :parts]).all():
            continue
        seconds.append(sum(r.seconds for r in ordered[:count]))
        whole.append(found.relative_error()[:, :parts].max(axis=0))
        known = {term.name: term for term in found.terms}
        for name in names:
            terms[name].append(_of_term(known.get(name), found)[:parts])
            levels[name].append(int(known[name].moments.level.max()) if name in known else -1)
    if last is None or not seconds:
        raise InputError("the replicas do not reach error bars at all temperatures: merge the results of all jobs")
    return Course(
        label,
        np.array(seconds),
        np.array(whole),
        {name: np.array(some) for name, some in terms.items()},
        {name: np.array(some) for name, some in levels.items()},
        {name: sum(r.task.term == name for r in ordered) for name in names},
        {name: float(left[:, :parts].max()) for name, left in last.relative_floors().items()},
        tolerance,
        [(tolerance / smaller, _further(composition, ordered, tolerance / smaller, last)) for smaller in _SMALLER],
    )


def _of_term(term: TermEstimate | None, found: Estimate) -> np.ndarray:
    """Its error over what the tolerance is relative to, the largest of all temperatures, for both parts (2,)."""
    if term is None:
        return np.full(2, np.nan)
    error = np.stack([np.abs(charge(term.moments.error[:, part])).max(axis=(1, 2)) for part in (0, SIDE_JUMP)], axis=1)
    relative = np.where(np.isfinite(error), error, np.nan) / found.scales()
    return np.array([np.nan if np.isnan(x).all() else np.nanmax(x) for x in relative.T])


def _further(composition: Composition, replicas: list[Replica], tolerance: float, found: Estimate) -> float:
    """Work (seconds) that brings the error to a tolerance; infinite where what cannot be taken away is above it."""
    if any((left[:, : 2 if composition.hall else 1] > tolerance).any() for left in found.relative_floors().values()):
        return np.inf
    work = sum(r.seconds for r in replicas)
    controller = Controller(composition, Limits(tolerance), before=work)
    for replica in replicas:
        controller.add(replica)
    return controller.seconds_left(found)


def text(course: Course) -> str:
    """The course in words: terms at the end, what stays, what is left to do."""
    lines = [course.label] if course.label else []
    shown = ", ".join(f"{name} {percent(x)}" for name, x in zip(PARTS, course.whole[-1], strict=False))
    lines.append(f"relative error {shown}; tolerance {percent(course.tolerance)}")
    for name, errors in course.terms.items():
        each = ", ".join(f"{part} {percent(x)}" for part, x in zip(PARTS, errors[-1], strict=False))
        count = course.replicas[name]
        lines.append(f"  {name}: {each}; {count} replicas up to level {course.levels[name][-1]}")
    lines += [f"  {name}: up to {percent(left)} that stays" for name, left in course.floors.items()]
    for tolerance, seconds in course.further:
        cost = "is reached"
        if np.isinf(seconds):
            cost = "is not reached: what stays is above it"
        elif seconds:
            spent = duration(course.seconds[-1])
            cost = f"would take about {duration(seconds)} more on one worker, after {spent}, or less with finer levels"
        lines.append(f"a tolerance of {percent(tolerance)} {cost}")
    return "\n".join(lines) + "\n"


def percent(x: float) -> str:
    """Two digits of a relative error."""
    return f"{100 * x:.2g} %" if np.isfinite(x) else "unknown"
