"""The result of a run as one xarray dataset with units and everything a reader needs to trust it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from ..accuracy.replica import Replica
from ..accuracy.store import ENDING, from_text, is_store
from ..errors import InputError
from ..files import reading
from ..formats.hdf5 import require_contained
from ..groups.hall import broken_fraction, forbidden_fraction
from ..kinetics.response import CANCELLING
from ..outputs import DATASETS, check_target, write_whole
from ..result import NOT_CROSSED, NOT_INCLUDED, SKEW, has_skew, scan_dimension, warnings_of
from ..units import MOBILITY, RESISTIVITY_UNIT, conductivity_unit
from .attributes import attribute, provenance
from .earlier import require_study
from .observed import add_observed

_ESTIMATED = ("sigma_boltzmann", "sigma_side_jump_velocity", "sigma_side_jump_distribution", "sigma_side_jump")
_SKEW = tuple(f"sigma_{name}" for name in SKEW)

PARTS = ("boltzmann", "intrinsic", "side_jump_velocity", "side_jump_distribution")

_SIZE, _SIZE_PER_TEMPERATURE = 2e6, 6e4  # bytes, about twice what was measured


REPLICAS = "finished replicas, in JSON: a later run goes on from them"
_LABELS = ("x", "y", "z")
_NOT_INCLUDED_AT_LENGTH = (
    "skew scattering: its Gaussian part (fourth order in the potential) does not depend on the scattering time either "
    "and may cancel intrinsic part and side jump; its part of third order grows with the scattering time"
)
_LONG_NAMES = {
    "sigma_boltzmann": "ordinary conductivity (eq. 2b)",
    "sigma_intrinsic": "Berry curvature of all occupied states",
    "sigma_side_jump_velocity": "side-jump velocity of the field-driven distribution (eqs 8, 12)",
    "sigma_side_jump_distribution": "band velocity of the anomalous distribution (eqs 8, 11)",
    "sigma_side_jump": "side jump, both parts",
    "sigma_intrinsic_plus_side_jump": f"intrinsic part and side jump; {NOT_INCLUDED}",
    "resistivity": "inverse of sigma_boltzmann + sigma_intrinsic_plus_side_jump",
}
_SKEW_NAMES = {
    "sigma_skew": "conventional skew scattering of static scatterers: third moment, or all orders with their T-matrix",
    "sigma_gaussian_skew": f"Gaussian (intrinsic) skew scattering, fourth order, {NOT_CROSSED}",
    "sigma_anomalous": f"intrinsic part, side jump and skew scattering; {NOT_CROSSED}",
    "resistivity": "inverse of sigma_boltzmann + sigma_anomalous",
}
_NOT_CROSSED_AT_LENGTH = (
    "crossed (X and Psi) diagrams of skew scattering, which may be of the order of its Gaussian part; orders of the "
    "potential beyond the third in its conventional part, but for impurities with their T-matrix"
)
WHAT, REMEDY = "a result of `sidejump run`", "name the netCDF file that a run has written"

# entries of the transport report that hold one value for each temperature
_PER_TEMPERATURE = {
    "energy_nodes": "nodes of the spectral basis in energy",
    "node_change": "relative change of the result with the last increase of energy nodes; where their number is given "
    "what more of them change",
    "inelastic_change": "relative change of the result by 3 energy nodes where 1 is given; no part of the errors, "
    "which are those of the quasi-elastic theory",
    "window_change": "relative change of the result with the last increase of the shells over the thermal window",
    "geometry_used": "own: a shell for each energy node; shared: one; averaged: shared, over the thermal window; "
    "independent: quasi-elastic shells over the window, with what inelasticity changes",
    "geometry_difference": "relative change of the result between the geometries that were compared",
    "hot_spot_change": "relative change of the side jump by sampling its hot spots on a finer shell",
    "equation_residual": "of the kinetic equation, relative",
    "onsager_violation": "of Onsager's relation between the halves of the side jump, over the larger of it and a tenth "
    "of what cancels in it",
    "growing_share": "part of the result that modes of the collision operator carry which grow instead of decaying",
    "iterations": "of the conjugate gradients; 0 for a factorisation",
}
_DENSITIES = {
    "carrier_density": "electrons above the band edge and holes below it, added; 0 in a gap",
    "electron_density": "electrons above the gap",
    "hole_density": "holes below the gap",
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
    scattering_projector=None,
    operations=(),
    extra: dict,
    warnings=(),
    replicas=(),
) -> xr.Dataset:
    """Dataset with dims temperature (K), a, b (``j_a = sigma_ab E_b``).

    Parameters
    ----------
    model : ElectronModel
    temperatures : ndarray, shape (nT,)
        K.
    transport : TransportResult
    intrinsic : ndarray, shape (nT, d, d)
        S/cm (3D) or e^2/h (2D).
    intrinsic_error : ndarray, shape (nT,)
        Estimated error of the intrinsic part, same unit.
    symmetry : dict
        Of :func:`sidejump.groups.symmetry.symmetry_report`.
    projector : ndarray, shape (3, 3)
        On the Hall vectors that the symmetry of the bands allows.
    scattering_projector : ndarray, shape (3, 3), optional
        The same for bands and scatterers together; that of the bands when not given.
    operations : sequence of (rotation, sign)
        What bands and scatterers obey, of :func:`sidejump.groups.hall.kinetic_symmetry`.
    extra : dict
        Further attributes.
    warnings : sequence of str
        Sentences that precede those of the transport report.
    replicas : sequence of str
        Finished replicas, of :func:`sidejump.accuracy.store.to_text`.

    Returns
    -------
    xarray.Dataset
    """
    obeyed = Obeyed(projector, projector if scattering_projector is None else scattering_projector, list(operations))
    dataset = tensors(temperatures, transport, intrinsic, intrinsic_error, obeyed, replicas)
    dataset.attrs = {  # what a reader should see comes first
        "units": dataset.attrs["units"],
        "warnings": [*warnings, *transport.report.get("warnings", [])],
        "not_included": _NOT_CROSSED_AT_LENGTH if has_skew(dataset) else _NOT_INCLUDED_AT_LENGTH,
        "convention": "j_a = sigma_ab E_b; Cartesian components",
        "model": attribute(model.describe()),
        "spin_degeneracy": model.spin_degeneracy,
        **_headlines(symmetry),
        **dataset.attrs,
        **{k: attribute(v) for k, v in (provenance() | extra).items()},
        "symmetry": attribute(symmetry),
    }
    return dataset


_OBEYED = ("symmetry_allowed_hall", "symmetry_allowed_hall_side_jump", "symmetry_of_scattering")


@dataclass(frozen=True)
class Obeyed:
    """The symmetry that results have to obey.

    Attributes
    ----------
    intrinsic, side_jump : ndarray, shape (3, 3)
        Projectors on the Hall vectors that are allowed.
    operations : list of (rotation, sign)
        What bands and scatterers obey.
    """

    intrinsic: np.ndarray
    side_jump: np.ndarray
    operations: list

    def attributes(self) -> dict:
        """As attributes of a result."""
        operations = [[np.asarray(s).tolist(), int(sign)] for s, sign in self.operations]
        values = (self.intrinsic, self.side_jump, operations)
        return {name: attribute(value) for name, value in zip(_OBEYED, values, strict=True)}

    @classmethod
    def of(cls, attrs) -> Obeyed:
        """That of a result."""
        intrinsic, side_jump, operations = (json.loads(attrs[name]) for name in _OBEYED)
        return cls(np.array(intrinsic), np.array(side_jump), [(np.array(s), int(sign)) for s, sign in operations])


def tensors(temperatures, transport, intrinsic, intrinsic_error, obeyed: Obeyed, replicas=()) -> xr.Dataset:
    """What follows from a transport result, the intrinsic part and symmetry; arguments as those of :func:`assemble`."""
    intrinsic = np.asarray(intrinsic)
    d = intrinsic.shape[-1]
    factor, unit = conductivity_unit(d)
    sigma = parts_of(transport, intrinsic, factor)
    dataset = xr.Dataset(
        {name: (("temperature", "a", "b"), value, {"units": unit}) for name, value in sigma.items()},
        coords={
            "temperature": ("temperature", np.asarray(temperatures, float), {"units": "K"}),
            "a": ("a", list(_LABELS[:d]), {"long_name": "direction of the current"}),
            "b": ("b", list(_LABELS[:d]), {"long_name": "direction of the field"}),
        },
    )
    across = sigma.get("sigma_anomalous", sigma["sigma_intrinsic_plus_side_jump"])
    whole = sigma["sigma_boltzmann"] + across
    resistivity = resistivity_of(whole, np.asarray(intrinsic_error))
    attrs = {"units": RESISTIVITY_UNIT[d]}
    dataset["resistivity"] = (("temperature", "a", "b"), resistivity, attrs)
    for name, text in (_LONG_NAMES | (_SKEW_NAMES if has_skew(dataset) else {})).items():
        dataset[name].attrs["long_name"] = text
    for name, text in _PER_TEMPERATURE.items():
        if name in transport.report:
            dataset[name] = ("temperature", np.asarray(transport.report[name]), {"long_name": text})
    if "inelastic_change" in dataset:
        dataset["inelastic_change"].attrs["units"] = "1"
        if dataset["inelastic_change"].isnull().all():  # of the quasi-elastic theory alone
            dataset = dataset.drop_vars("inelastic_change")
    _add_mobility(dataset, transport, d)
    contributions = factor * np.asarray(transport.report.get("side_jump_contributions", 0.0))
    cancels = {"intrinsic": 0.0, "side_jump": 2 * CANCELLING * np.nan_to_num(contributions)}  # in both halves
    projectors = {"intrinsic": obeyed.intrinsic, "side_jump": obeyed.side_jump}
    for part, text in _FORBIDDEN.items():
        fraction = forbidden_fraction(sigma[f"sigma_{part}"], sigma["sigma_boltzmann"], projectors[part], cancels[part])
        dataset[f"forbidden_{part}"] = ("temperature", fraction, {"units": "1", "long_name": text})
    _add_broken_symmetry(dataset, obeyed.operations, cancels["side_jump"])
    add_errors(dataset, transport, intrinsic_error, factor)
    add_observed(dataset, transport.observed)
    if len(replicas):
        dataset["replicas"] = ("replica", np.array(replicas, dtype=object), {"long_name": REPLICAS})
    dataset.attrs = {
        "units": unit,
        **{
            k: attribute(v)
            for k, v in transport.report.items()
            if k not in (*_PER_TEMPERATURE, *_DENSITIES, "side_jump_contributions", "warnings")
        },
        **_largest_forbidden(dataset),
        **obeyed.attributes(),
    }
    return dataset


def is_of_replicas(name: str, variable) -> bool:
    """Whether a variable of a result follows from its replicas, and is there only where it has something to say."""
    known = (*_PER_TEMPERATURE, *_DENSITIES, "mobility", "replicas")
    return name in known or name.startswith(("raw_", "withheld_")) or bool({"term", "part"} & set(variable.dims))


def add_errors(dataset, transport, intrinsic_error, factor: float) -> None:
    """One standard error of every conductivity and of the resistivity, and the terms that they are made of."""
    unit = dataset.attrs.get("units", dataset.sigma_boltzmann.attrs["units"])
    d, count = dataset.sizes["a"], dataset.sizes["temperature"]
    names = (*_ESTIMATED, *_SKEW) if has_skew(dataset) else _ESTIMATED
    errors = np.full((count, len(names), d, d), np.nan) if transport.error is None else factor * transport.error
    # of the intrinsic tensor the largest element is known; diagonal ones are zero
    intrinsic = np.asarray(intrinsic_error)[:, None, None] * (1 - np.eye(d))
    found = dict(zip(names, np.moveaxis(errors, 1, 0), strict=True)) | {"sigma_intrinsic": intrinsic}
    across = found["sigma_intrinsic_plus_side_jump"] = np.hypot(intrinsic, found["sigma_side_jump"])
    if has_skew(dataset):
        across = found["sigma_anomalous"] = np.sqrt(across**2 + sum(found[name] ** 2 for name in _SKEW))
    for name, values in found.items():
        text = f"standard error of {name}, statistical and systematic"
        dataset[f"{name}_error"] = (("temperature", "a", "b"), values, {"units": unit, "long_name": text})
    whole = np.hypot(found["sigma_boltzmann"], across)
    spread = spread_of_inverse(dataset.resistivity.values, whole)
    attrs = {"units": dataset.resistivity.attrs["units"], "long_name": "standard error of resistivity"}
    dataset["resistivity_error"] = (("temperature", "a", "b"), spread, attrs)
    hall = hall_resistivity(dataset.resistivity.values, found["sigma_boltzmann"], across)
    for name, values in zip(("hall_resistivity", "hall_resistivity_error"), hall, strict=True):
        dataset[name] = (("temperature", "a", "b"), values, attrs | {"long_name": _HALL[name]})
    _add_terms(dataset, transport, factor, unit)


_HALL = {
    "hall_resistivity": "antisymmetric part of resistivity",
    "hall_resistivity_error": "standard error of hall_resistivity",
}


def hall_resistivity(resistivity, boltzmann, across) -> tuple[np.ndarray, np.ndarray]:
    """Antisymmetric part of resistivities (..., d, d), ohm or microohm cm, and its standard error.

    Parameters
    ----------
    resistivity : array, shape (..., d, d)
    boltzmann, across : array, shape (..., d, d)
        Standard errors of the ordinary conductivity and of the Hall parts, S or S/cm.  What the first errs by between
        two axes is symmetric, and not in the error of an antisymmetric part.
    """
    rho, diagonal = np.asarray(resistivity), np.eye(np.shape(resistivity)[-1], dtype=bool)
    error = spread_of_inverse(rho, np.hypot(np.where(diagonal, boltzmann, 0.0), across))  # unknown ones are infinite
    return 0.5 * (rho - np.swapaxes(rho, -1, -2)), np.where(diagonal, 0.0, error)


def spread_of_inverse(resistivity, errors) -> np.ndarray:
    """Standard errors of resistivities (..., d, d), ohm or microohm cm, from those of the conductivities (S, S/cm)."""
    square = np.asarray(resistivity) ** 2
    scale = 1e-6 if square.shape[-1] == 3 else 1.0  # from microohm cm
    return np.sqrt(np.einsum("...ab,...bc,...cd->...ad", square, np.asarray(errors) ** 2, square)) * scale


def _add_terms(dataset, transport, factor: float, unit: str) -> None:
    terms = transport.terms
    if not terms:
        return
    dataset.coords["term"] = ("term", [t["name"] for t in terms], {"long_name": "what the values are the sum of"})
    dataset.coords["part"] = ("part", [*_ESTIMATED, *_SKEW] if has_skew(dataset) else list(_ESTIMATED))
    dims = ("term", "temperature", "part", "a", "b")
    for key, text in (("value", "value"), ("error", "standard error")):
        values = factor * np.stack([t[key] for t in terms])
        attrs = {"units": unit, "long_name": f"{text} of each term; NaN where it is not part of the sum"}
        dataset[f"term_{key}"] = (dims, values, attrs)
    for key, text in (("level", "finest level, -1 for none"), ("replicas", "replicas of the finest level")):
        dataset[f"term_{key}"] = (dims[:2], np.stack([t[key] for t in terms]), {"long_name": text})
    attrs = {"units": "s", "long_name": "wall time of all replicas of the term"}
    dataset["term_seconds"] = ("term", np.array([t["seconds"] for t in terms]), attrs)


def replicas_of(dataset, identity: str) -> list[tuple[int, Replica]]:
    """Replicas that a result holds, each with its case.

    Raises
    ------
    InputError
        If the result is one of another study, or damaged.
    """
    require_study(dataset, identity)
    if "replicas" not in dataset:  # no temperature has carriers
        return []
    with reading(dataset.encoding.get("source", "the earlier result"), "a result with its replicas", "run it again"):
        return [from_text(str(text)) for text in dataset.replicas.values]


def _add_broken_symmetry(dataset, operations, least) -> None:
    """How far longitudinal conductivity and side jump are from their images; `least`: what the latter is compared with
    where it is smaller."""
    sigma, jump = dataset.sigma_boltzmann.values, dataset.sigma_side_jump.values
    size = {"boltzmann": np.abs(sigma).max(axis=(1, 2))}
    size["side_jump"] = np.maximum(np.abs(jump).max(axis=(1, 2)), least)
    for part, values in (("boltzmann", sigma), ("side_jump", jump)):
        fraction = broken_fraction(values, operations, size[part], odd=part == "side_jump")
        text = f"largest change of sigma_{part} under the operations that bands and scatterers obey, relative"
        dataset[f"broken_symmetry_{part}"] = ("temperature", fraction, {"units": "1", "long_name": text})


def _add_mobility(dataset, transport, d: int) -> None:
    """Carriers next to a band edge, and ``sigma_boltzmann / (n e)``; nothing for a metal.

    Electrons and holes by themselves as well, where there are both.
    """
    found = {name: np.asarray(transport.report.get(name, [np.nan])) for name in _DENSITIES}
    density = found["carrier_density"]
    if not np.isfinite(density).any():
        return
    both = bool(((found["electron_density"] > 0) & (found["hole_density"] > 0)).any())
    for name, text in _DENSITIES.items() if both else [("carrier_density", _DENSITIES["carrier_density"])]:
        dataset[name] = ("temperature", found[name] * 1e8**d, {"units": f"cm^-{d}", "long_name": text})
    carriers = np.where(density > 0, density, np.nan)  # no mobility without carriers
    mobility = MOBILITY * np.asarray(transport.boltzmann) / carriers[:, None, None]
    attrs = {"units": "cm^2/(V s)", "long_name": "sigma_boltzmann over carrier density and elementary charge"}
    dataset["mobility"] = (("temperature", "a", "b"), mobility, attrs)


def parts_of(transport, intrinsic, factor) -> dict[str, np.ndarray]:
    """Every conductivity by its name: those of a transport result times `factor`, and sums with the intrinsic part."""
    velocity, distribution = transport.side_jump_velocity, transport.side_jump_distribution
    values = (factor * transport.boltzmann, intrinsic, factor * velocity, factor * distribution)
    sigma = {f"sigma_{name}": np.array(value) for name, value in zip(PARTS, values, strict=True)}
    sigma["sigma_side_jump"] = sigma["sigma_side_jump_velocity"] + sigma["sigma_side_jump_distribution"]
    sigma["sigma_intrinsic_plus_side_jump"] = sigma["sigma_intrinsic"] + sigma["sigma_side_jump"]
    if transport.skew is not None:
        sigma |= dict(zip(_SKEW, factor * transport.skew, strict=True))
        sigma["sigma_anomalous"] = sigma["sigma_intrinsic_plus_side_jump"] + sum(sigma[name] for name in _SKEW)
    return sigma


def resistivity_of(sigma, error) -> np.ndarray:
    """Inverse of each conductivity (nT, d, d), S or S/cm, in ohm or microohm cm; NaN where there is none, or where it
    would be that of the error (nT,)."""
    result = np.full_like(sigma, np.nan)
    for i, matrix in enumerate(sigma):
        if not np.all(np.isfinite(matrix)):
            continue
        sizes = np.linalg.svd(matrix, compute_uv=False)
        if sizes[-1] > max(error[i], 1e-12 * sizes[0]):
            result[i] = np.linalg.inv(matrix)
    return result * (1e6 if sigma.shape[-1] == 3 else 1.0)


def _headlines(symmetry: dict) -> dict:
    """The numbers to look at first."""
    names = ("lattice_point_group", "point_group_violation_rms_eV", "time_reversal_violation", "inversion_violation")
    return {name: attribute(symmetry[name]) for name in (*names, "magnetisation") if name in symmetry}


def _largest_forbidden(dataset) -> dict:
    numbers = {}
    for part in _FORBIDDEN:
        fraction = dataset[f"forbidden_{part}"].values
        numbers[f"forbidden_{part}_largest"] = float(np.nanmax(fraction)) if np.isfinite(fraction).any() else np.nan
    return numbers


def warn(dataset, sentences) -> None:
    """Add sentences to the attribute `warnings`, each once."""
    known = warnings_of(dataset)
    dataset.attrs["warnings"] = [*known, *(s for s in dict.fromkeys(sentences) if s not in known)]


def largest_size(temperatures: int) -> float:
    """Bytes that dataset and figure of so many temperatures may take on a disk."""
    return _SIZE + _SIZE_PER_TEMPERATURE * temperatures


def read(path) -> xr.Dataset:
    """The dataset of a file that a run has written.

    Raises
    ------
    InputError
        If there is no such file, or it is no result.
    """
    with opened(path, WHAT, REMEDY) as dataset:
        require_result(dataset)
    return dataset


def result_of(directory) -> Path:
    """The result that finished replicas in a directory are to be."""
    return Path(directory).with_name(Path(directory).name.removesuffix(ENDING))


@contextmanager
def opened(path, what: str, remedy: str) -> Iterator[xr.Dataset]:
    """The dataset of a netCDF file; `what`, `remedy` as in :func:`sidejump.files.reading`, in which the block runs.

    Raises
    ------
    InputError
        If there is no such file, or it is damaged.
    """
    if is_store(path):
        raise InputError(
            f"{path}: holds finished replicas of a run that was interrupted, or is at work; the same `sidejump run` "
            f"goes on from there and writes {result_of(path)}"
        )
    require_contained(path, what, remedy)
    with reading(path, what, remedy):
        with xr.open_dataset(path, engine="h5netcdf") as stored:
            dataset = stored.load()
        yield dataset


def _with_errors() -> list[str]:
    """Tensors that every result has."""
    return [name for tensor in _LONG_NAMES for name in (tensor, f"{tensor}_error")]


def require_result(dataset: xr.Dataset) -> None:
    """Refuse what lacks variables, dimensions, types and attributes that every result has; inside :func:`opened`."""
    missing = [name for name in _with_errors() if name not in dataset] + [
        name for name in ("units", "warnings") if name not in dataset.attrs
    ]
    if missing:
        raise InputError(f"is no result of this version, it lacks {missing[0]}; name a file that a run has written")
    for name, variable in dataset.variables.items():  # a damaged file may name other dimensions than its data have
        shape = tuple(dataset.sizes[x] for x in variable.dims)
        if np.shape(variable.values) != shape:
            raise ValueError(f"{name} has shape {np.shape(variable.values)}, its dimensions say {shape}")
    temperatures, labels = dataset.temperature.values, dataset.a.values.tolist()
    d = len(labels)
    if d not in (2, 3) or labels != list(_LABELS[:d]) or dataset.b.values.tolist() != labels:
        raise ValueError(f"axes {labels} of the tensors")
    if not len(temperatures) or temperatures.dtype.kind not in "fiu" or not np.all(np.isfinite(temperatures)):
        raise ValueError("no temperatures")
    scan = scan_dimension(dataset)
    dims = ("temperature", "a", "b") if scan is None else (scan, "temperature", "a", "b")
    for name in _with_errors():
        if dataset[name].dims != dims or dataset[name].dtype.kind != "f":
            raise ValueError(f"{name} has dimensions {dataset[name].dims} and holds {dataset[name].dtype}")
        if name.endswith("_error") and np.any(dataset[name].values < 0):
            raise ValueError(f"{name} is negative")
    units = (conductivity_unit(d)[1], RESISTIVITY_UNIT[d])
    found = (dataset.attrs["units"], dataset.resistivity.attrs["units"])
    if found != units or dataset.sigma_boltzmann.attrs["units"] != units[0]:
        raise ValueError(f"units {found}, expected {units}")


def write(dataset: xr.Dataset, path, *, force: bool = False) -> None:
    """Write netCDF; a file that exists is replaced only with `force`, and only by a whole one.

    Raises
    ------
    InputError
        If the file exists and `force` is not set, or it cannot be written.
    """
    path = check_target(path, force=force, endings=DATASETS)
    write_whole(path, dataset.to_netcdf(engine="h5netcdf"))
