"""What this program itself has written, in words: a result, a separation, what an interrupted run has left."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from ..accuracy.counted import counted
from ..accuracy.estimates import estimated
from ..accuracy.store import is_store, kept
from ..errors import InputError
from ..files import reading
from ..formats.hdf5 import is_hdf5
from ..result import (
    SCANS,
    component_label,
    has_heat,
    main_component,
    observables_of,
    parts_of,
    scan_dimension,
    warnings_of,
    whole_of,
)
from . import separation
from .convergence import PARTS, cases_of
from .results import REMEDY, WHAT, result_of
from .terminal import duration

_NAMES = {"sigma_boltzmann", "temperature"}, {"term_value", "point_temperature"}
"""What a result of a run has in its file, and what a separation has."""


def is_ours(path) -> bool:
    """Whether a path is that of a result, of a separation, or of what an interrupted run has left."""
    path = Path(path)
    if path.is_dir():
        return is_store(path)
    if not is_hdf5(path):
        return False
    with reading(path, WHAT, REMEDY), h5py.File(path, "r") as stream:
        return any(names <= set(stream) for names in _NAMES)


def require_data(path) -> None:
    """Refuse what this program has computed in place of what it computes from.

    Raises
    ------
    InputError
        If it is a result, a separation or the replicas of an interrupted run.
    """
    if is_ours(path):
        raise InputError(
            f"{path}: is what this program has computed, not a file of first-principles data; `sidejump info {path}` "
            "says what it holds and is good for"
        )


def describe(path) -> dict:
    """What :func:`is_ours` recognises, in the order in which to read it, as plain numbers and strings.

    Raises
    ------
    InputError
        If it is damaged.
    """
    if Path(path).is_dir():
        return _interrupted(Path(path))
    dataset = separation.read_any(path)
    return _separation(path, dataset) if separation.is_one(dataset) else _result(path, dataset)


def words(dataset: xr.Dataset) -> str:
    """What a run has computed, a few sentences."""
    model = json.loads(dataset.attrs["model"])
    name, t = scan_dimension(dataset), np.sort(dataset.temperature.values)
    at = f"at {t[0]:g} K" if len(t) == 1 else f"at {len(t)} temperatures from {t[0]:g} to {t[-1]:g} K"
    over = ""
    if name is not None:
        values = dataset[name].values
        span = f"{values.min():g} to {values.max():g} {dataset[name].attrs['units']}"
        over = f", for {len(values)} values of the {SCANS[name]} from {span}"
    elif "chemical_potential_eV" in dataset.attrs:
        over = f", chemical potential {float(dataset.attrs['chemical_potential_eV']):g} eV"
    scatterers = " and ".join(json.loads(dataset.attrs["scatterers"])) if "scatterers" in dataset.attrs else ""
    by = f", scattered by {scatterers}" if scatterers else ""
    whole, left_out = whole_of(dataset)[1]
    return (
        f"Conductivity of {model['model']} ({model['dimension']} dimensions, {model['n_orbitals']} orbitals){by}, "
        f"{at}{over}. Convention: {dataset.attrs.get('convention', 'j_a = sigma_ab E_b')}; the Hall parts are the "
        f"antisymmetric {component_label(main_component(dataset))} element; {whole}: {left_out}."
    )


def _result(path, dataset: xr.Dataset) -> dict:
    attrs, holds = dataset.attrs, ["conductivity", *parts_of(dataset).values()]
    if has_heat(dataset):
        holds.append("heat current")
    versions = json.loads(attrs["versions"]) if "versions" in attrs else {}
    withheld = sum(int(dataset[name].sum()) for name in ("withheld_boltzmann", "withheld_side_jump") if name in dataset)
    return {
        "source": str(path),
        "kind": "result of `sidejump run`",
        "computed": words(dataset),
        "temperatures_K": np.sort(dataset.temperature.values).tolist(),
        "holds": holds + [f"observable {name}" for name in observables_of(dataset)],
        **_accuracy(path, dataset),
        **({"withheld_values": withheld} if withheld else {}),
        "version": versions.get("sidejump"),
        "created": attrs.get("created"),
        **({"time_of_the_run": duration(float(attrs["seconds"]))} if "seconds" in attrs else {}),
        "holds_its_input": bool(attrs.get("input")),
        "good_for": _uses(path, dataset),
        "warnings": warnings_of(dataset),
    }


def _accuracy(path, dataset: xr.Dataset) -> dict:
    """The tolerance, and the largest relative errors that the replicas tell."""
    tolerance = json.loads(dataset.attrs.get("settings", "{}")).get("tolerance")
    asked = {} if tolerance is None else {"tolerance": float(tolerance)}
    if "replicas" not in dataset:
        return asked | {"replicas": 0}
    errors: dict[str, float] = {}
    for _, composition, _, replicas in cases_of(path, dataset):
        found = estimated(counted(replicas, composition), composition)
        relative = np.full((1, 2), np.inf) if found is None else found.relative_error()
        for part, largest in zip(PARTS[: 2 if composition.hall else 1], relative.max(axis=0), strict=False):
            errors[part] = max(errors.get(part, 0.0), float(largest))
    known = {"replicas": dataset.sizes["replica"], "largest_relative_error": errors}
    return asked | ({"tolerance_reached": max(errors.values(), default=0.0) <= tolerance} if asked else {}) | known


def _uses(path, dataset: xr.Dataset) -> list[str]:
    """Commands that take the result, those that it has something for alone."""
    scan, text = scan_dimension(dataset), bool(dataset.attrs.get("input"))
    several = not scan and text and len(json.loads(dataset.attrs.get("scatterers", "[]"))) > 1
    fits = {
        "temperature": True,
        "resistivity": not scan,
        "doping": bool(scan),
        "scaling": True,
        "observables": bool(observables_of(dataset)),
        "heat": has_heat(dataset),
        "bands": text,
        "fermi-surface": text,
        "mechanisms": several,
        "convergence": "replicas" in dataset,
    }
    kinds = [kind for kind, fit in fits.items() if fit]
    uses = [
        f"sidejump plot {path} --kind KIND  (here: {', '.join(kinds)})",
        f"sidejump report {path}  (one page about it)",
        f"sidejump csv {path}  (the numbers as text)",
    ]
    if "replicas" in dataset:
        uses += [
            f"sidejump converge {path}  (how the error fell, what a smaller one costs)",
            f"sidejump run INPUT.toml -o {path} --tolerance X  (goes on from its replicas)",
            f"sidejump merge {path} OTHER.nc -o WHOLE.nc  (with replicas of other machines)",
        ]
    return [*uses, *([] if scan else [f"sidejump separate FILMS.csv --computed {path}  (beside measured films)"])]


def _separation(path, dataset: xr.Dataset) -> dict:
    return {
        "source": str(path),
        "kind": "result of `sidejump separate`",
        "computed": f"{dataset.attrs['kind']}, law {dataset.attrs['law']}",
        "films": [str(name) for name in dataset.film.values],
        "temperatures_K": np.unique(dataset.point_temperature.values).tolist(),
        "terms": [str(name) for name in dataset.term.values],
        "good_for": [f"sidejump plot {path}", f"sidejump csv {path}"],
        "warnings": warnings_of(dataset),
    }


def _interrupted(directory: Path) -> dict:
    found = kept(directory)
    result, replicas = result_of(directory), [replica for _, replica in found]
    terms = dict.fromkeys(replica.task.term for replica in replicas)
    return {
        "source": str(directory),
        "kind": "finished replicas of a run that was interrupted, or is at work",
        "result": f"{result}, which is written when the run ends",
        "replicas": len(found),
        **({"cases_of_a_scan": len({case for case, _ in found})} if any(case for case, _ in found) else {}),
        "terms": [
            f"{term}: {sum(r.task.term == term for r in replicas)} replicas, finest level "
            f"{max(r.task.level for r in replicas if r.task.term == term)}"
            for term in terms
        ],
        "work": duration(sum(replica.seconds for replica in replicas)),
        "good_for": [
            f"sidejump run INPUT.toml -o {result}  (the same command: goes on from there)",
            f"sidejump run INPUT.toml -o {result} --fresh  (deletes them)",
        ],
    }
