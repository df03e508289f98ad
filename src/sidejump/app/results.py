"""The result of a run as one xarray dataset with units and everything a reader needs to trust it."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..units import MOBILITY, conductivity_unit
from .attributes import attribute, provenance
from .files import DATASETS, check_target, write_whole
from .hall_symmetry import forbidden_fraction

PARTS = ("boltzmann", "intrinsic", "side_jump_velocity", "side_jump_distribution")

_LABELS = ("x", "y", "z")
_LONG_NAMES = {
    "sigma_boltzmann": "ordinary conductivity (eq. 2b)",
    "sigma_intrinsic": "Berry curvature of all occupied states",
    "sigma_side_jump_velocity": "side-jump velocity of the field-driven distribution (eqs 8, 12)",
    "sigma_side_jump_distribution": "band velocity of the anomalous distribution (eqs 8, 11)",
    "sigma_side_jump": "side jump, both parts",
    "sigma_total": "conductivity, all parts",
    "resistivity": "inverse of sigma_total",
}
# entries of the transport report that hold one value for each temperature
_PER_TEMPERATURE = {
    "energy_nodes": "nodes of the spectral basis in energy",
    "node_change": "relative change of the result with the last increase of energy nodes",
    "geometry_used": "own: a shell for each energy node; shared: one; averaged: shared, over the thermal window; "
    "independent: quasi-elastic shells over the window, with what inelasticity changes",
    "geometry_difference": "relative change of the result between the geometries that were compared",
    "hot_spot_change": "relative change of the side jump by sampling its hot spots on a finer shell",
    "iterations": "of the conjugate gradients; 0 for a factorisation",
}
_FORBIDDEN = {
    "side_jump": "part of the side jump's Hall vector that symmetry forbids, over the allowed part",
    "intrinsic": "part of the intrinsic Hall vector that symmetry forbids, over the allowed part",
}


def assemble(
    model,
    temperatures,
    transport,
    intrinsic,
    intrinsic_error,
    *,
    symmetry: dict,
    projector,
    extra: dict,
    warnings=(),
) -> xr.Dataset:
    """Dataset with dims temperature (K), a, b (``j_a = sigma_ab E_b``).

    Parameters
    ----------
    model : ElectronModel
    temperatures : ndarray, shape (nT,)
        K.
    transport : TransportResult
    intrinsic : ndarray, shape (nT, d, d)
        ``e^2/hbar angstrom^(2-d)``.
    intrinsic_error : ndarray, shape (nT,)
        Estimated error of the intrinsic part, same unit.
    symmetry : dict
        Of :func:`sidejump.electrons.symmetry.symmetry_report`.
    projector : ndarray, shape (3, 3)
        On the Hall vectors that symmetry allows.
    extra : dict
        Further attributes.
    warnings : sequence of str
        Sentences that precede those of the transport report.

    Returns
    -------
    xarray.Dataset
    """
    d = model.dimension
    factor, unit = conductivity_unit(d)
    sigma = _parts(transport, intrinsic, factor)
    dataset = xr.Dataset(
        {name: (("temperature", "a", "b"), value, {"units": unit}) for name, value in sigma.items()},
        coords={
            "temperature": ("temperature", np.asarray(temperatures, float), {"units": "K"}),
            "a": ("a", list(_LABELS[:d]), {"long_name": "direction of the current"}),
            "b": ("b", list(_LABELS[:d]), {"long_name": "direction of the field"}),
        },
    )
    resistivity = _inverse(sigma["sigma_total"]) * (1e6 if d == 3 else 1.0)
    attrs = {"units": "microohm cm" if d == 3 else "h/e^2"}
    dataset["resistivity"] = (("temperature", "a", "b"), resistivity, attrs)
    for name, text in _LONG_NAMES.items():
        dataset[name].attrs["long_name"] = text
    for name, text in _PER_TEMPERATURE.items():
        if name in transport.report:
            dataset[name] = ("temperature", np.asarray(transport.report[name]), {"long_name": text})
    _add_mobility(dataset, transport, d)
    for part, text in _FORBIDDEN.items():
        fraction = forbidden_fraction(sigma[f"sigma_{part}"], sigma["sigma_boltzmann"], projector)
        dataset[f"forbidden_{part}"] = ("temperature", fraction, {"units": "1", "long_name": text})
    attrs = {"units": unit, "long_name": "estimated error of the intrinsic part; zero on a fixed mesh"}
    dataset["intrinsic_error"] = ("temperature", factor * np.asarray(intrinsic_error), attrs)
    dataset.attrs = {
        "units": unit,
        "convention": "j_a = sigma_ab E_b; Cartesian components",
        "warnings": json.dumps([*warnings, *transport.report.get("warnings", [])]),
        "model": attribute(model.describe()),
        **_headlines(dataset, symmetry),
        **{
            k: attribute(v)
            for k, v in transport.report.items()
            if k not in (*_PER_TEMPERATURE, "carrier_density", "warnings")
        },
        **{k: attribute(v) for k, v in (provenance() | extra).items()},
        "symmetry": attribute(symmetry),
        "symmetry_allowed_hall": attribute(projector),
    }
    return dataset


def _add_mobility(dataset, transport, d: int) -> None:
    """Carriers of one sign next to a band edge, and ``sigma_boltzmann / (n e)``; nothing for a metal."""
    density = np.asarray(transport.report.get("carrier_density", [np.nan]))
    if not np.isfinite(density).any():
        return
    attrs = {"units": f"cm^-{d}", "long_name": "electrons above the band edge, or holes below it"}
    dataset["carrier_density"] = ("temperature", density * 1e8**d, attrs)
    mobility = MOBILITY * np.asarray(transport.boltzmann) / density[:, None, None]
    attrs = {"units": "cm^2/(V s)", "long_name": "sigma_boltzmann over carrier density and elementary charge"}
    dataset["mobility"] = (("temperature", "a", "b"), mobility, attrs)


def _parts(transport, intrinsic, factor) -> dict[str, np.ndarray]:
    values = (transport.boltzmann, intrinsic, transport.side_jump_velocity, transport.side_jump_distribution)
    sigma = {f"sigma_{name}": factor * np.asarray(value) for name, value in zip(PARTS, values, strict=True)}
    sigma["sigma_side_jump"] = sigma["sigma_side_jump_velocity"] + sigma["sigma_side_jump_distribution"]
    sigma["sigma_total"] = sigma["sigma_boltzmann"] + sigma["sigma_intrinsic"] + sigma["sigma_side_jump"]
    return sigma


def _inverse(sigma) -> np.ndarray:
    """Inverse of each matrix, NaN where there is none."""
    result = np.full_like(sigma, np.nan)
    for i, matrix in enumerate(sigma):
        if np.all(np.isfinite(matrix)) and np.linalg.cond(matrix) < 1e12:
            result[i] = np.linalg.inv(matrix)
    return result


def _headlines(dataset, symmetry: dict) -> dict:
    """The numbers to look at first."""
    names = ("lattice_point_group", "point_group_violation_rms_eV", "time_reversal_violation", "inversion_violation")
    numbers = {name: attribute(symmetry[name]) for name in (*names, "magnetisation") if name in symmetry}
    for part in _FORBIDDEN:
        fraction = dataset[f"forbidden_{part}"].values
        numbers[f"forbidden_{part}_largest"] = float(np.nanmax(fraction)) if np.isfinite(fraction).any() else np.nan
    return numbers


def warnings_of(dataset) -> list[str]:
    """The sentences of the attribute `warnings`."""
    return json.loads(dataset.attrs["warnings"])


def warn(dataset, sentences) -> None:
    """Add sentences to the attribute `warnings`, each once."""
    known = warnings_of(dataset)
    dataset.attrs["warnings"] = json.dumps([*known, *(s for s in dict.fromkeys(sentences) if s not in known)])


def write(dataset: xr.Dataset, path, *, force: bool = False) -> None:
    """Write netCDF; a file that exists is replaced only with `force`, and only by a whole one.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or it cannot be written.
    """
    path = check_target(path, force=force, endings=DATASETS)
    write_whole(path, dataset.to_netcdf(engine="h5netcdf"))
