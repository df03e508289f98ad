"""One result of the replicas of several: those of other machines, or of the jobs of an array."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..accuracy.composition import Composition
from ..accuracy.controller import Controller, Limits
from ..accuracy.counted import Demands
from ..accuracy.replica import Replica
from ..accuracy.report import LEFT_OUT, MISSED, result_of_replicas
from ..accuracy.store import joined, to_text
from ..accuracy.study import PARTIAL
from ..errors import InputError
from ..files import reading
from ..pairs.digest import same
from ..result import warnings_of
from ..transport.frozen import with_frozen
from ..transport.terms import AVERAGE, INDEPENDENT, OWN, SURFACE
from .cases import apart, together
from .earlier import intrinsic_part
from .heat import add_heat, intrinsic_of
from .judge import judge
from .results import Obeyed, is_of_replicas, read, replicas_of, tensors
from .withhold import withhold


def merged(paths) -> xr.Dataset:
    """One result of the replicas of several results of one study.

    Values, errors and terms are those of all replicas together that belong to the plan of the smallest tolerance; what
    else a result reports is that of the first result with this tolerance.

    Parameters
    ----------
    paths : sequence of path
        Of results that differ in their replicas, tolerance or time alone.

    Raises
    ------
    InputError
        If a file is no result, or one of another study than the first.
    """
    datasets = [read(path) for path in paths]
    identity = str(datasets[0].attrs.get("identity"))
    for path, dataset in zip(paths, datasets, strict=True):
        if "replicas" not in dataset:
            raise InputError(f"{path}: holds no replicas; merge results of runs of this version")
        if not same(dataset.attrs.get("identity"), identity):
            raise InputError(
                f"{path}: is a result of another study than {paths[0]} (other model, scatterers, temperatures, "
                "settings or version)"
            )
    asked = []
    for path, dataset in zip(paths, datasets, strict=True):
        with reading(path, "a result of this version", "run it again"):
            parts, layout, labels = apart(dataset) if "cases" in dataset else ([dataset], None, [])
            asked.append((parts, [Question.of(part) for part in parts], layout, labels))
    first = min(range(len(asked)), key=lambda n: asked[n][1][0].tolerance)
    parts, questions, layout, labels = asked[first]
    own = replicas_of(datasets[first], identity)
    known = joined(own, *(replicas_of(dataset, identity) for dataset in datasets))
    parts = [
        _with_replicas(part, question, own, known, case)
        for case, (part, question) in enumerate(zip(parts, questions, strict=True))
    ]
    if layout is None:
        return parts[0]
    whole = together(parts, layout, labels)
    whole.attrs["identity"] = identity
    return whole


@dataclass(frozen=True)
class Question:
    """What replicas answer, from the attributes of a result."""

    composition: Composition | None  # None where no temperature has carriers
    obeyed: Obeyed
    tolerance: float
    energy_nodes: int | str
    operations: tuple[int, float]
    spins: int

    @classmethod
    def of(cls, dataset: xr.Dataset) -> Question:
        attrs, settings = dataset.attrs, json.loads(dataset.attrs["settings"])
        active = dataset.temperature.values[dataset.geometry_used.values != "none"]
        composition = None
        if len(active):
            composition = Composition.of(json.loads(attrs["composition"]))
            if not np.array_equal(composition.temperatures, active):
                raise InputError("composition: its temperatures are not those of the result")
        return cls(
            composition,
            Obeyed.of(attrs),
            float(settings["tolerance"]),
            settings["energy_nodes"],
            (int(attrs["symmetry_operations"]), float(attrs["symmetry_error"])),
            int(attrs["spin_degeneracy"]),
        )


_TERMS = frozenset(term.name for term in (OWN, SURFACE, INDEPENDENT, AVERAGE))


def _of_replicas(sentence: str) -> bool:
    """Whether a sentence is about the replicas that a result had."""
    return MISSED in sentence or LEFT_OUT in sentence


Numbered = list[tuple[int, Replica]]


def _with_replicas(dataset: xr.Dataset, question: Question, own: Numbered, known: Numbered, case: int) -> xr.Dataset:
    """A result with what follows from `known` replicas, of that case, in place of what follows from its `own`."""
    if question.composition is None:
        return dataset
    before, said = _answer(dataset, question, question.composition, [r for of, r in own if of == case], case)
    after, sentences = _answer(dataset, question, question.composition, [r for of, r in known if of == case], case)
    kept = {
        name: variable
        for name, variable in dataset.data_vars.items()
        if name not in after and name not in before and not is_of_replicas(str(name), variable)
    }
    after = after.assign(kept)
    after.attrs = {**dataset.attrs, **after.attrs}
    after.attrs["warnings"] = [*(w for w in warnings_of(dataset) if w not in said and not _of_replicas(w)), *sentences]
    return after


def _answer(
    dataset: xr.Dataset, question: Question, composition: Composition, replicas: list[Replica], case: int
) -> tuple[xr.Dataset, list[str]]:
    """What follows from replicas, and the sentences about it."""
    demands = Demands.of(PARTIAL * question.tolerance, question.energy_nodes)
    controller = Controller(composition, Limits(question.tolerance), numbers=range(0), demands=demands)
    count = len(composition.temperatures)
    for replica in replicas:
        if replica.task.term not in _TERMS or max(replica.task.where) >= count:
            raise InputError(f"a replica of the term {replica.task.term} is not one of this study: run it again")
        controller.add(replica)
    found = controller.estimate()
    if found is None or not controller.complete:
        raise InputError("the replicas do not reach all temperatures: merge the results of all jobs")
    controller.next_tasks()  # none: says of every term that its replicas are used up
    active = dataset.geometry_used.values != "none"
    geometry = [str(kind) for kind in dataset.geometry_used.values[active]]
    result = result_of_replicas(found, controller, geometry, question.operations, question.spins)
    sentences = result.report["warnings"]
    heat = "thermoelectric" in dataset
    if not active.all():
        result = with_frozen(result, ~active)
    if heat:
        result = result.with_heat_apart()
    texts = [to_text(replica, case) for some in controller.replicas.values() for replica in some]
    made = tensors(dataset.temperature.values, result, *intrinsic_part(dataset), question.obeyed, texts)
    made.attrs = {**dataset.attrs, **made.attrs, "warnings": []}
    if heat:
        add_heat(made, result.heat, *intrinsic_of(dataset))
    sentences = [*sentences, *judge(made)]
    sentences += withhold(made)
    return made, list(dict.fromkeys(sentences))
