"""Results back in Python: loaded, joined, as tables of pandas and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from ..errors import InputError
from ..outputs import DOCUMENTS, check_target, write_whole
from ..result import scan_dimension, warnings_of
from .attributes import plain
from .results import read
from .table import columns

if TYPE_CHECKING:
    from pandas import DataFrame

_ALIKE = ("units", "model", "scatterers", "chemical_potential_eV", "convention")
_OF_ONE_RUN = ("term", "part", "replica")  # dimensions of what only the run itself can continue


def load(*sources) -> xr.Dataset:
    """A result of `sidejump run`, or several of one model at different temperatures as one.

    Several lose what belongs to each run alone: replicas, terms, and attributes in which they differ.  Replicas of one
    study that several machines computed are joined by `sidejump merge`.

    Parameters
    ----------
    *sources : path
        netCDF files that runs have written.

    Returns
    -------
    xarray.Dataset
        Temperatures rise.

    Raises
    ------
    InputError
        If a file is no result, or they do not fit together.
    """
    if not sources:
        raise InputError("load: name at least one result")
    found = [read(source) for source in sources]
    if len(found) == 1:
        return found[0]
    first = found[0]
    for source, other in zip(sources[1:], found[1:], strict=True):
        for name in _ALIKE:
            if str(other.attrs.get(name)) != str(first.attrs.get(name)):
                raise InputError(f"{source}: its {name} is not that of {sources[0]}; only results of one model join")
        scan = scan_dimension(first)
        if scan_dimension(other) != scan or (scan and not np.array_equal(other[scan], first[scan])):
            raise InputError(f"{source}: is not of the same chemical potentials or dopings as {sources[0]}")
    temperatures = np.concatenate([d.temperature.values for d in found])
    values, counts = np.unique(temperatures, return_counts=True)
    if (counts > 1).any():
        raise InputError(
            f"{values[counts > 1][0]:g} K is in more than one of the results; leave one out, or merge them"
        )
    kept = [d.drop_dims([x for x in _OF_ONE_RUN if x in d.dims]) for d in found]
    common = [x for x in kept[0].data_vars if all(x in d for d in kept)]
    joined = xr.concat(
        [d[common] for d in kept], "temperature", data_vars="minimal", coords="minimal", compat="equals",
        join="exact", combine_attrs="drop_conflicts",
    )  # fmt: skip
    joined.attrs["warnings"] = list(dict.fromkeys(sentence for d in found for sentence in warnings_of(d)))
    return joined.sortby("temperature")


def to_pandas(dataset: xr.Dataset) -> DataFrame:
    """The table of a result: one row for each temperature (and case), the columns of :func:`sidejump.write_csv`."""
    from pandas import DataFrame

    return DataFrame(columns(dataset))


def write_json(dataset: xr.Dataset, path, *, force: bool = False) -> Path:
    """Write the table of a result and its attributes; what is not known or withheld is null.

    Parameters
    ----------
    dataset : xarray.Dataset
    path : path
        Ends in .json.
    force : bool
        Replace a file that exists.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or it cannot be written.
    """
    path = check_target(path, force=force, endings=DOCUMENTS)
    content = {"columns": plain(columns(dataset)), "attributes": plain(dataset.attrs)}
    write_whole(path, json.dumps(content, indent=1, allow_nan=False).encode())
    return path
