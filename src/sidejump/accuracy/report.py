"""An estimate in the shape of a transport result: values, and what the replicas say of themselves."""

from __future__ import annotations

import re

import numpy as np

from ..kinetics.response import charge
from ..transport.driver import collected, described
from ..transport.settings import Size, TransportResult
from ..transport.terms import AVERAGE
from .controller import Controller
from .estimates import Estimate
from .study import Case


def transport_result(case: Case, found: Estimate, controller: Controller) -> TransportResult:
    """Values of all parts and the report, of the temperatures of a case.

    Errors and terms are in the unit of the values.
    """
    problem, count = case.problem, len(case.temperatures)
    facts: dict[str, list] = {"geometry_difference": list(case.geometry_difference)}
    replicas = [r for some in controller.replicas.values() for r in some]
    for replica in sorted(replicas, key=lambda r: r.task.level):
        collected(facts, replica.facts, list(replica.task.where), count)
    for term in found.terms:
        if term.name == AVERAGE.name:
            change = np.abs(charge(term.moments.value[:, 3])).max(axis=(1, 2)) / found.scales()[:, 1]
            facts["geometry_difference"] = np.where(
                term.moments.level >= 0, change, facts["geometry_difference"]
            ).tolist()
    first = [r for r in replicas if controller.first[r.task.term]]
    report = {
        **described(problem, case.geometry, facts, [Size(*r.sizes) for r in first], found.responses),
        "stages": {term.name: term.seconds for term in found.terms},
        "warnings": [*problem.warnings, *_of_finest(replicas), *missed_sentences(case, found, controller)],
    }
    return with_errors(found, problem.model.spin_degeneracy, report)


def with_errors(found: Estimate, spins: int, report: dict) -> TransportResult:
    """Values, errors and terms of an estimate, `spins` of each band counted, with a report."""
    d = found.value.shape[-1]
    boltzmann, velocity, distribution = spins * np.moveaxis(charge(found.value[:, :3]), 1, 0)
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
    return TransportResult(boltzmann, velocity, distribution, report, spins * charge(found.error), terms, observed)


def _of_finest(replicas) -> list[str]:
    """What the finest replicas of every term warn of, each sentence once."""
    finest: dict[str, int] = {}
    for replica in replicas:
        finest[replica.task.term] = max(finest.get(replica.task.term, 0), replica.task.level)
    found = [w for r in replicas if r.task.level == finest[r.task.term] for w in r.warnings]
    # replicas say the same with slightly different figures
    return list({re.sub(r"[-+.\d]+(e[-+]?\d+)?", "#", sentence): sentence for sentence in found}.values())


_WORDS = {
    "time": "the time was up: give more `time`, or run again to go on",
    "memory": "memory held no finer level: raise `memory`",
    "levels": "no finer level is left",
    "floor": "replicas do not take that away: compare `energy_nodes`, or `geometry` in [solver.expert]",
    "replicas": "the replicas of this run were used up: merge it with others",
}


def missed_sentences(case: Case, found: Estimate, controller: Controller) -> list[str]:
    """What misses the tolerance, with the term that has most of the error and what stopped it."""
    by_reason: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for place, error, name, reason in controller.missed(found):
        by_reason.setdefault((name, reason), []).append((float(case.temperatures[place]), error))
    sentences = []
    for (name, reason), missed in by_reason.items():
        at = ", ".join(f"{t:.4g} K ({100 * e:.2g} %)" for t, e in missed[:4])
        more = f" and {len(missed) - 4} more" if len(missed) > 4 else ""
        sentences.append(
            f"the error is above the tolerance of {100 * case.study.tolerance:.2g} % at {at}{more}, most of it in the "
            f"term {name}: {_WORDS[reason]}"
        )
    return sentences
