"""Results of single chemical potentials as one dataset of a scan, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..result import SCANS, scan_dimension, warnings_of

_BLANK = {"f": np.nan, "c": np.nan, "i": -1, "u": 0, "b": False, "O": "", "U": "", "T": ""}
"""What stands where a case does not have something, by the kind of its numbers."""

_SUMMED = ("seconds", "intrinsic_points")
_LARGEST = ("states", "pairs", "memory_bytes", "peak_memory_bytes", "onsager_error", "conservation_error", "residual")


@dataclass(frozen=True)
class Layout:
    """Where the cases of a scan are in its dataset.

    Attributes
    ----------
    name : {"chemical_potential", "doping", None}
        The dimension of the scan, of a list.
    values : tuple of float
        eV, or cm^-d.
    temperatures : sequence of float or None
        Where every temperature is a case, with its own chemical potential: those of each value, K.
    dimension : int
        Of the model.
    """

    name: str | None
    values: tuple[float, ...]
    temperatures: np.ndarray | None = None
    dimension: int = 3


def together(parts: list[xr.Dataset], layout: Layout, labels: list[str]) -> xr.Dataset:
    """One dataset of the results of all cases.

    What a case does not have is NaN (level -1, replicas 0); attributes that differ are kept for each case in the
    variable `cases`, as JSON.
    """
    cases = [_attributes(part) for part in parts]
    texts = [str(text) for part in parts if "replicas" in part for text in part.replicas.values]
    replicas: dict = next((part.replicas.attrs for part in parts if "replicas" in part), {})
    parts = _alike([part.drop_vars(["replicas", "replica", "cases"], errors="ignore") for part in parts])
    if layout.temperatures is not None:
        levels = {"units": "eV", "long_name": "that has the carrier density"}
        count = len(layout.temperatures)
        parts = [
            part.assign(chemical_potential=("temperature", [float(part.attrs["chemical_potential_eV"])], levels))
            for part in parts
        ]
        parts = [_concat(parts[i : i + count], "temperature") for i in range(0, len(parts), count)]
    dataset = parts[0]
    if layout.name is not None:
        unit = "eV" if layout.name == "chemical_potential" else f"cm^-{layout.dimension}"
        attrs = {"units": unit, "long_name": SCANS[layout.name]}
        if layout.name == "doping":
            attrs["long_name"] = "electrons (negative: holes) added to the neutral crystal"
        dataset = _concat(parts, xr.DataArray(np.array(layout.values), dims=layout.name, attrs=attrs, name=layout.name))
    elif layout.temperatures is not None:
        dataset.attrs["doping"] = float(layout.values[0])
    dataset["cases"] = ("case", np.array([json.dumps(c) for c in cases], dtype=object), {"long_name": "of each case"})
    if texts:
        dataset["replicas"] = ("replica", np.array(texts, dtype=object), replicas)
    dataset.attrs = {**dataset.attrs, **_common(cases), "warnings": _warnings(cases, labels)}
    dataset.attrs["labels"] = list(labels)
    if layout.temperatures is not None:
        dataset.attrs.pop("chemical_potential_eV", None)
    else:
        dataset.attrs["chemical_potential_eV"] = list(layout.values)
    return dataset


def apart(dataset: xr.Dataset) -> tuple[list[xr.Dataset], Layout, list[str]]:
    """Cases of a scan without their replicas, their layout, and what each is for the reader."""
    name = scan_dimension(dataset)
    own = "cases" in dataset and "chemical_potential" in dataset and "temperature" in dataset.chemical_potential.dims
    rows = [dataset] if name is None else [dataset.isel({name: i}, drop=True) for i in range(dataset.sizes[name])]
    parts = rows
    if own:
        parts = [row.isel(temperature=[i]) for row in rows for i in range(row.sizes["temperature"])]
        parts = [part.drop_vars("chemical_potential") for part in parts]
    found = []
    for part, text in zip(parts, dataset.cases.values, strict=True):
        part = part.drop_vars(["cases", "replicas"], errors="ignore").copy()
        part.attrs = {**dataset.attrs, **json.loads(str(text))}
        found.append(part)
    values = (float(dataset.attrs["doping"]),) if name is None else tuple(dataset[name].values.tolist())
    layout = Layout(name, values, dataset.temperature.values if own else None, dataset.sizes["a"])
    return found, layout, [str(label) for label in np.atleast_1d(dataset.attrs["labels"])]


def _attributes(part: xr.Dataset) -> dict:
    return {
        name: [str(w) for w in value] if name == "warnings" else value
        for name, value in {**part.attrs, "warnings": warnings_of(part)}.items()
        if name not in ("input", "identity", "labels", "settings", "model", "versions", "scatterers", "not_included")
    }


def _common(cases: list[dict]) -> dict:
    """Sums and largest values of what is a number of each case."""
    found = {}
    for name in cases[0]:
        values = [case.get(name, 0) for case in cases]
        if name in _SUMMED or name.startswith("seconds_"):
            found[name] = sum(values)
        elif name in _LARGEST:
            found[name] = max(values)
    return found


def _warnings(cases: list[dict], labels: list[str]) -> list[str]:
    """What all cases warn of once, the rest with the case that it is of."""
    every = [case["warnings"] for case in cases]
    shared = [w for w in every[0] if all(w in some for some in every)]
    own = [f"{label}: {w}" for label, some in zip(labels, every, strict=True) for w in some if w not in shared]
    return [*shared, *own]


def _alike(parts: list[xr.Dataset]) -> list[xr.Dataset]:
    """The same variables and terms in all."""
    names = list(dict.fromkeys(str(t) for part in parts if "term" in part.coords for t in part.term.values))
    patterns: dict = {}
    result = []
    for part in parts:
        if "term" in part.coords:
            fill = {n: _BLANK[part[n].dtype.kind] for n in part.data_vars if "term" in part[n].dims}
            fill |= {"term_replicas": 0}
            attrs = part.term.attrs
            part = part.reindex(term=names, fill_value=fill)
            part.term.attrs.update(attrs)
        result.append(part)
        for name in part.variables:
            patterns.setdefault(name, part[name])
    return [_with(part, patterns) for part in result]


def _with(part: xr.Dataset, patterns: dict) -> xr.Dataset:
    count = part.sizes["temperature"]
    for name, pattern in patterns.items():
        if name in part.variables:
            continue
        if name in pattern.coords and pattern.dims == (name,):
            part = part.assign_coords({name: pattern})
            continue
        shape = tuple(count if x == "temperature" else pattern.sizes[x] for x in pattern.dims)
        blank = 0 if name == "term_replicas" else _BLANK[pattern.dtype.kind]
        part[name] = (pattern.dims, np.full(shape, blank, dtype=pattern.dtype), pattern.attrs)
    return part


def _concat(parts: list[xr.Dataset], dimension) -> xr.Dataset:
    along = dimension if isinstance(dimension, str) else dimension.name
    names = [n for n in parts[0].data_vars if along != "temperature" or "temperature" in parts[0][n].dims]
    summed = {}
    if along == "temperature" and "term_seconds" in parts[0]:
        summed["term_seconds"] = parts[0].term_seconds.copy(
            data=np.nansum([part.term_seconds.values for part in parts], axis=0)
        )
        parts = [part.drop_vars("term_seconds") for part in parts]
    whole = xr.concat(
        parts, dim=dimension, data_vars=names, coords="minimal", compat="override", join="exact",
        combine_attrs="override",
    )  # fmt: skip
    return whole.assign(summed)
