"""An estimate in the shape of a transport result: values, and what the replicas say of themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from ..kinetics.response import charge, parts_of
from ..transport.driver import collected, described, operations_used
from ..transport.settings import Size, TransportResult
from ..transport.terms import AVERAGE
from .controller import Controller, Missed
from .estimates import (
    BETWEEN_SHELLS,
    FEW_SHELLS,
    GEOMETRY,
    GREEN_FUNCTION,
    NODES,
    SIDE_JUMP,
    WINDOW_LEFT_OUT,
    WINDOW_SHELLS,
    WITHIN_PATCHES,
    Estimate,
)
from .study import Case

MISSED = "the error is above the tolerance of"
"""How the sentences begin."""

LEFT_OUT = "of other runs did not count"


def transport_result(case: Case, found: Estimate, controller: Controller) -> TransportResult:
    """Values of all parts and the report, of the temperatures of a case.

    Errors and terms are in the unit of the values.
    """
    problem = case.problem
    operations = operations_used(problem, case.geometry), problem.symmetry_error
    result = result_of_replicas(found, controller, case.geometry, operations, problem.model.spin_degeneracy)
    result.report["warnings"] = once([*problem.warnings, *result.report["warnings"]])
    return result


def result_of_replicas(
    found: Estimate, controller: Controller, geometry: list[str], operations: tuple[int, float], spins: int
) -> TransportResult:
    """The same from replicas alone.

    Parameters
    ----------
    geometry : list of str
        Of each temperature.
    operations : (int, float)
        By how many points were reduced, and how well rates and shifts obey them.
    spins : int
        Counted for each band.
    """
    composition = controller.composition
    count = len(composition.temperatures)
    facts: dict[str, list] = {"geometry_difference": composition.measured.tolist()}
    replicas = sorted(
        (r for some in controller.replicas.values() for r in some),
        key=lambda r: (r.task.level, r.task.term, r.task.number, r.task.where),
    )
    for replica in replicas:
        collected(facts, replica.facts, list(replica.task.where), count)
    changes = [found.relative_floors()[WINDOW_LEFT_OUT][:, 1]] if WINDOW_LEFT_OUT in found.floors else []
    changes += [
        np.abs(charge(term.moments.value[:, SIDE_JUMP])).max(axis=(1, 2)) / found.scales()[:, 1]
        for term in found.terms
        if term.name == AVERAGE.name
    ]
    for change in changes:
        known = np.asarray(facts["geometry_difference"], dtype=float)
        facts["geometry_difference"] = np.where(change > 0, change, known).tolist()
    sizes = [Size(*r.sizes) for r in replicas if composition.first[r.task.term]]
    report = {
        **described(geometry, facts, sizes, found.responses, operations),
        "composition": composition.plain(),
        "stages": {term.name: term.seconds for term in found.terms},
        "warnings": [
            *warnings_of_finest(replicas),
            *missed_sentences(found, controller),
            *left_out_sentences(controller),
        ],
    }
    return with_errors(found, spins, report)


def with_errors(found: Estimate, spins: int, report: dict) -> TransportResult:
    """Values, errors and terms of an estimate, `spins` of each band counted, with a report."""
    d = found.value.shape[-1]
    values = spins * np.moveaxis(charge(found.value), 1, 0)
    terms = [
        {
            "name": term.name,
            "value": spins * charge(term.moments.value),
            "error": spins * charge(term.moments.error),
            "level": term.moments.level,
            "replicas": term.moments.replicas,
            "seconds": term.seconds,
        }
        for term in found.terms
    ]
    observed = spins * np.stack([found.value[:, :, d:], found.error[:, :, d:]])
    return TransportResult(
        **parts_of(np.delete(values, SIDE_JUMP, axis=0)),
        report=report,
        error=spins * charge(found.error),
        terms=terms,
        observed=observed,
    )


def warnings_of_finest(replicas) -> list[str]:
    """What replicas warn of that are the finest of their term at one of their temperatures, each sentence once."""
    finest: dict[tuple[str, int], int] = {}
    for task in (r.task for r in replicas):
        for i in task.where:
            finest[task.term, i] = max(finest.get((task.term, i), 0), task.level)
    last = [r for r in replicas if any(finest[r.task.term, i] == r.task.level for i in r.task.where)]
    return once([w for r in last for w in r.warnings])


_FIGURE = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\d.]* K\b)(?!\d)")


def once(sentences: Iterable[str]) -> list[str]:
    """Of sentences that differ in figures, other than temperatures, that with the largest: replicas and shells say the
    same with slightly different ones."""
    kept: dict[str, tuple[list[float], str]] = {}
    for sentence in sentences:
        kind, figures = _FIGURE.sub("#", sentence), [float(x) for x in _FIGURE.findall(sentence)]
        if kind not in kept or figures > kept[kind][0]:
            kept[kind] = figures, sentence
    return [sentence for _, sentence in kept.values()]


_WORDS = {
    "time": "the time was up: give more `time`, or run again to go on",
    "memory": "memory held no finer level: raise `memory`",
    "levels": "no finer level is left",
    "replicas": "the replicas of this run were used up: merge it with others",
}

_FLOORS = {
    NODES: "more energy nodes may change: raise `memory` if it held no more, or compare other `energy_nodes`",
    WINDOW_SHELLS: "more shells over the thermal window may change: raise `accuracy` in [solver.expert]",
    BETWEEN_SHELLS: 'phonons may change that connect shells of unlike topology: compare `geometry = "own"` in '
    "[solver.expert]",
    GREEN_FUNCTION: "the Green function of impurities may change, on the largest mesh that it is summed on: a `vertex` "
    "that acts on fewer orbitals allows a finer one",
    WITHIN_PATCHES: "momentum transfers shorter than the points are apart lose, where a coupling diverges at q = 0 "
    "(magnons without a gap): raise `accuracy` in [solver.expert], with whose square it falls",
    GEOMETRY: 'shells of their own may change: compare `geometry = "own"` in [solver.expert]',
    FEW_SHELLS: "more shells over the thermal window, where bands begin or end or have a saddle, may change: compare "
    '`geometry = "independent"` in [solver.expert]',
    WINDOW_LEFT_OUT: "averaging over the thermal window may change: compute these temperatures in a run without the "
    'warmer ones, or with `geometry = "averaged"` in [solver.expert]',
}


def missed_sentences(found: Estimate, controller: Controller) -> list[str]:
    """What misses the tolerance, with the term that has most of the error and what stopped it."""
    by_reason: dict[tuple[str, str, bool], list[Missed]] = {}
    for missed in controller.missed(found):
        by_reason.setdefault((missed.name, missed.reason, bool(np.isfinite(missed.error))), []).append(missed)
    sentences = []
    tolerance, temperatures = controller.limits.tolerance, controller.composition.temperatures
    for (name, reason, known), some in by_reason.items():
        at = ", ".join(f"{temperatures[m.place]:.4g} K ({_percent(m.error)})" for m in some[:4])
        more = f" and {len(some) - 4} more" if len(some) > 4 else ""
        worst = _percent(max(m.share for m in some))
        if reason == "replicas" and not known:
            why = (
                f"one replica of the term {name} has no error bar until it is merged with others, or more are computed"
            )
        elif reason == "floor":
            why = f"no replica and no level takes away the {worst} that {_FLOORS[name]}"
        else:
            why = f"most of it, {worst}, in the term {name}: {_WORDS[reason]}"
        sentences.append(f"{MISSED} {_percent(tolerance)} at {at}{more}, {why}")
    return sentences


def left_out_sentences(controller: Controller) -> list[str]:
    """What of earlier runs, or of results that are joined, does not belong to this one."""
    count = controller.left_out
    if not count:
        return []
    return [
        f"{count} replica{'s' * (count > 1)} {LEFT_OUT} at all of their temperatures: made for another tolerance or "
        f"memory, with other terms, or fewer energy nodes or shells, than {_percent(controller.limits.tolerance)} "
        "takes there"
    ]


def _percent(share: float) -> str:
    if not np.isfinite(share):
        return "unknown"
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"
