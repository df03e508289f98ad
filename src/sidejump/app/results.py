"""The result of a run as one xarray dataset with units and everything a reader needs to trust it."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from ..errors import InputError
from ..units import conductivity_unit

PARTS = ("boltzmann", "intrinsic", "side_jump_velocity", "side_jump_distribution")
_LABELS = ("x", "y", "z")


def assemble(model, temperatures, transport, intrinsic, *, extra: dict, input_text: str = "") -> xr.Dataset:
    """Dataset with dims temperature (K), a, b (``j_a = sigma_ab E_b``).

    Parameters
    ----------
    transport : TransportResult
    intrinsic : ndarray, shape (nT, d, d)
        ``e^2/hbar angstrom^(2-d)``.
    extra : dict
        Further attributes: plain numbers, strings, lists.
    """
    d = model.dimension
    factor, unit = conductivity_unit(d)
    parts = {
        "boltzmann": transport.boltzmann,
        "intrinsic": intrinsic,
        "side_jump_velocity": transport.side_jump_velocity,
        "side_jump_distribution": transport.side_jump_distribution,
    }
    data = {f"sigma_{name}": factor * np.asarray(value) for name, value in parts.items()}
    data["sigma_side_jump"] = data["sigma_side_jump_velocity"] + data["sigma_side_jump_distribution"]
    data["sigma_total"] = data["sigma_boltzmann"] + data["sigma_intrinsic"] + data["sigma_side_jump"]
    warnings = list(transport.report.get("warnings", []))
    warnings += unphysical(data, temperatures)
    resistivity = np.full_like(data["sigma_total"], np.nan)
    for i, sigma in enumerate(data["sigma_total"]):
        if np.all(np.isfinite(sigma)) and np.linalg.cond(sigma) < 1e12:
            resistivity[i] = np.linalg.inv(sigma)
    data["resistivity"] = resistivity * (1e6 if d == 3 else 1.0)
    axes = list(_LABELS[:d])
    dataset = xr.Dataset(
        {name: (("temperature", "a", "b"), value, {"units": unit}) for name, value in data.items()},
        coords={"temperature": ("temperature", np.asarray(temperatures, float), {"units": "K"}), "a": axes, "b": axes},
    )
    dataset["resistivity"].attrs["units"] = "microohm cm" if d == 3 else "h/e^2"
    report = transport.report
    dataset["energy_nodes"] = ("temperature", np.asarray(report["energy_nodes"]))
    dataset["node_change"] = ("temperature", np.asarray(report["node_change"], float))
    dataset["node_change"].attrs["long_name"] = "relative change of the result with the last increase of energy nodes"
    plain = {k: v for k, v in report.items() if isinstance(v, (int, float, str)) and not isinstance(v, bool)}
    dataset.attrs = {
        "units": unit,
        "convention": "j_a = sigma_ab E_b; Cartesian components",
        "model": json.dumps(model.describe()),
        "input": input_text,
        "versions": json.dumps({name: version(name) for name in ("sidejump", "numpy", "scipy", "xarray")}),
        "warnings": json.dumps(warnings),
        **plain,
        **{k: v if isinstance(v, (int, float, str)) else json.dumps(v) for k, v in extra.items()},
    }
    return dataset


def unphysical(data, temperatures) -> list[str]:
    """Sentences about values that cannot be."""
    found = []
    for t, sigma in zip(temperatures, data["sigma_boltzmann"], strict=True):
        if not np.all(np.isfinite(sigma)):
            found.append(f"T = {t:.4g} K: the conductivity is not finite")
        elif np.linalg.eigvalsh(0.5 * (sigma + sigma.T)).min() <= 0:
            found.append(f"T = {t:.4g} K: the longitudinal conductivity is not positive in every direction")
    return found


def write(dataset: xr.Dataset, path, *, force: bool = False) -> None:
    """Write netCDF by way of a temporary file, so that no half-written result is left."""
    path = check_target(path, force=force)
    partial = path.with_name(path.name + ".partial")
    try:
        dataset.to_netcdf(partial, engine="h5netcdf")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def check_target(path, *, force: bool) -> Path:
    """The path of an output file, or InputError if it must not be written."""
    path = Path(path)
    if path.exists() and not force:
        raise InputError(f"{path} exists already: give --force to replace it, or another name with -o")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")
    return path
