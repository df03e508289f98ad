"""A result as a table of plain text: comma-separated values with units and errors, one row a temperature."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from ..outputs import TABLES, check_target, comma_separated, write_whole
from ..result import observables_of, scan_dimension
from .heat import VARIABLES
from .observed import RESPONSES

TENSORS = (
    "sigma_boltzmann",
    "sigma_intrinsic",
    "sigma_side_jump",
    "sigma_side_jump_velocity",
    "sigma_side_jump_distribution",
    "sigma_intrinsic_plus_side_jump",
    "sigma_skew",
    "sigma_gaussian_skew",
    "sigma_anomalous",
    "resistivity",
    "hall_resistivity",
    "mobility",
    *VARIABLES,
)
"""Tensors that get columns, where a result has them; an error follows each that has one."""

_SCALARS = ("chemical_potential", "carrier_density", "electron_density", "hole_density", "inelastic_change",
            "lorenz_ratio", "lorenz_ratio_error")  # fmt: skip


def columns(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """Columns by their names, ``name_ab (unit)``, each with one number for every row.

    Rows run over the temperatures, of a scan for one chemical potential or doping after the other.

    Parameters
    ----------
    dataset : xarray.Dataset
        A result.
    """
    scan = scan_dimension(dataset)
    dims = ("temperature",) if scan is None else (scan, "temperature")
    shape = tuple(dataset.sizes[x] for x in dims)
    found: dict[str, np.ndarray] = {}

    def add(name: str, values: xr.DataArray, unit: str) -> None:
        whole = values.broadcast_like(xr.DataArray(np.zeros(shape), dims=dims)).transpose(*dims)
        found[f"{name} ({unit})"] = whole.values.ravel()

    if scan is not None:
        add(scan, dataset[scan].drop_vars(scan), dataset[scan].attrs["units"])
    add("temperature", dataset["temperature"].drop_vars("temperature"), "K")
    for name in _SCALARS:
        if name in dataset and name != scan:
            add(name, dataset[name].drop_vars(dims, errors="ignore"), dataset[name].attrs["units"])
    for tensor in TENSORS:
        if tensor not in dataset:
            continue
        for a in dataset.a.values:
            for b in dataset.b.values:
                for name in (tensor, f"{tensor}_error"):
                    if name in dataset:
                        element = dataset[name].sel(a=a, b=b, drop=True).drop_vars(dims, errors="ignore")
                        add(f"{name}_{a}{b}", element, dataset[name].attrs["units"])
    for name in observables_of(dataset):
        for part in (p for p in RESPONSES if p in dataset):
            unit = str(dataset.observable_unit.sel(observable=name).item())
            for b in dataset.b.values:
                for variable in (part, f"{part}_error"):
                    element = dataset[variable].sel(observable=name, b=b, drop=True).reset_coords(drop=True)
                    add(f"{variable}_{name}_{b}", element.drop_vars(dims, errors="ignore"), unit)
    return found


def text(dataset: xr.Dataset) -> str:
    """The table: names of the columns with units, then the numbers with all digits; nan: not known or withheld."""
    found = columns(dataset)
    return comma_separated(found, (tuple(map(float, row)) for row in zip(*found.values(), strict=True)))


def write_csv(dataset: xr.Dataset, path, *, force: bool = False) -> Path:
    """Write the table of a result.

    Parameters
    ----------
    dataset : xarray.Dataset
    path : path
        Ends in .csv.
    force : bool
        Replace a file that exists.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or it cannot be written.
    """
    path = check_target(path, force=force, endings=TABLES)
    write_whole(path, text(dataset).encode())
    return path
