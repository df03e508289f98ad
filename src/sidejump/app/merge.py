"""One result of the replicas of several: those of other machines, or of the jobs of an array."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..accuracy.estimates import Estimate, estimated
from ..accuracy.replica import Replica
from ..accuracy.report import with_errors
from ..accuracy.store import joined, to_text
from ..errors import InputError
from ..groups.hall import forbidden_fraction
from ..result import warnings_of
from ..transport.frozen import with_frozen
from ..transport.terms import FIRST_TERMS
from ..units import conductivity_unit
from .cases import apart, together
from .results import REPLICAS, add_errors, inverse, parts_of, read, replicas_of

_MISSED = "the error is above the tolerance of"


def merged(paths) -> xr.Dataset:
    """One result of the replicas of several results of one study.

    Values, errors and terms are those of all replicas together; what else a result reports is that of the first.

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
    first = datasets[0]
    identity = str(first.attrs.get("identity"))
    for path, dataset in zip(paths, datasets, strict=True):
        if "replicas" not in dataset:
            raise InputError(f"{path}: holds no replicas; merge results of runs of this version")
        if dataset.attrs.get("identity") != identity:
            raise InputError(
                f"{path}: is a result of another study than {paths[0]} (other model, scatterers, temperatures, "
                "settings or version)"
            )
    known = joined(*(replicas_of(d, identity) for d in datasets))
    if "cases" not in first:
        return with_replicas(first, [replica for _, replica in known])
    parts, layout, labels = apart(first)
    updated = [
        with_replicas(part, [replica for of, replica in known if of == case], case) for case, part in enumerate(parts)
    ]
    whole = together(updated, layout, labels)
    whole.attrs["identity"] = identity
    return whole


def with_replicas(dataset: xr.Dataset, replicas: list[Replica], case: int = 0) -> xr.Dataset:
    """A result with the values, errors and terms of these replicas, of that case, in place of its own."""
    active = dataset.geometry_used.values != "none"
    if not active.any():
        return dataset
    by_term: dict[str, list[Replica]] = {}
    for replica in replicas:
        by_term.setdefault(replica.task.term, []).append(replica)
    first = {name: name in FIRST_TERMS for name in by_term}
    found = estimated(by_term, first, dataset.temperature.values[active])
    if found is None:
        raise InputError("the replicas do not reach all temperatures: merge the results of all jobs")
    return _updated(dataset, found, active, [to_text(r, case) for r in replicas])


def _updated(dataset: xr.Dataset, found: Estimate, active, texts: list[str]) -> xr.Dataset:
    d, spins = dataset.sizes["a"], int(dataset.attrs["spin_degeneracy"])
    factor, unit = conductivity_unit(d)
    # what a term says of itself, and its replicas, have dimensions that change
    gone = [name for name in dataset.variables if {"term", "part", "replica"} & set(dataset[name].dims)]
    result = dataset.drop_vars([*gone, *(n for n in dataset if str(n).startswith("raw_"))])
    transport = with_frozen(with_errors(found, spins, {}), ~active, d)
    for name, values in parts_of(transport, result.sigma_intrinsic.values, factor).items():
        result[name] = result[name].copy(data=values)
    intrinsic = np.abs(dataset.sigma_intrinsic_error.values).max(axis=(1, 2))
    whole = result.sigma_boltzmann.values + result.sigma_intrinsic_plus_side_jump.values
    rho = inverse(whole, intrinsic) * (1e6 if d == 3 else 1.0)
    result["resistivity"] = result.resistivity.copy(data=rho)
    projector = np.array(json.loads(dataset.attrs["symmetry_allowed_hall_side_jump"]))
    fraction = forbidden_fraction(result.sigma_side_jump.values, result.sigma_boltzmann.values, projector, 0.0)
    result["forbidden_side_jump"] = result.forbidden_side_jump.copy(data=fraction)
    add_errors(result, transport, intrinsic, factor)
    text = dataset.replicas.attrs["long_name"] if "replicas" in dataset else REPLICAS
    result["replicas"] = ("replica", np.array(texts, dtype=object), {"long_name": text})
    tolerance = float(json.loads(dataset.attrs["settings"])["tolerance"])
    kept = [w for w in warnings_of(dataset) if not w.startswith(_MISSED)]
    errors = found.relative_error().max(axis=1)
    worst = int(np.argmax(errors))
    if errors[worst] > tolerance:
        t = float(dataset.temperature.values[active][worst])
        kept.append(f"{_MISSED} {100 * tolerance:.2g} % at up to {t:.4g} K ({100 * errors[worst]:.2g} %)")
    result.attrs = dataset.attrs | {"warnings": kept, "units": unit}
    return result
