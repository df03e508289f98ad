"""What a result says of itself, for its file, table and figures: warnings, what is not included, its Hall vector."""

from __future__ import annotations

import numpy as np

NOT_INCLUDED = "without skew scattering"
"""What no part holds, for result, table and figure."""

_COMPONENTS = (("z", "y"), ("x", "z"), ("y", "x"))  # (a, b) of the Hall vector's x, y, z


def warnings_of(dataset) -> list[str]:
    """The sentences of the attribute `warnings`, which of a single one a file gives back as text."""
    return [str(sentence) for sentence in np.atleast_1d(dataset.attrs["warnings"])]


SCANS = {"chemical_potential": "chemical potential", "doping": "carrier density"}
"""What a scan may be over: dimensions of a result, and their names."""


def scan_dimension(dataset) -> str | None:
    """The dimension of a scan; None where the result is one of temperature alone."""
    return next((name for name in SCANS if name in dataset.dims), None)


def hall_vector(sigma) -> np.ndarray:
    """Axial vector h (..., 3) of the antisymmetric part of `sigma` (..., d, d)."""
    sigma = np.asarray(sigma)
    h = np.zeros((*sigma.shape[:-2], 3))
    for c, (a, b) in enumerate([(1, 2), (2, 0), (0, 1)]):
        if max(a, b) < sigma.shape[-1]:
            h[..., c] = 0.5 * (sigma[..., b, a] - sigma[..., a, b])
    return h


def main_component(dataset) -> int:
    """0, 1, 2 for the x, y, z component in which the Hall vector is largest."""
    if dataset.sizes["a"] == 2:
        return 2
    # values that are withheld do not hide the others
    h = hall_vector(np.nan_to_num(dataset.sigma_intrinsic.values) + np.nan_to_num(dataset.sigma_side_jump.values))
    return int(np.argmax(np.abs(h).reshape(-1, 3).max(axis=0)))


def hall_part(dataset, name: str, component: int) -> np.ndarray:
    """One component of the Hall vector of ``sigma_name``, shape (..., nT)."""
    return hall_vector(dataset[f"sigma_{name}"].values)[..., component]


def hall_error(dataset, name: str, component: int) -> np.ndarray:
    """Standard error of :func:`hall_part`, shape (..., nT): of the elements ab and ba, which err together."""
    errors = dataset[f"sigma_{name}_error"].values
    return antisymmetric_error(np.where(np.isfinite(errors), errors, np.nan), component)  # unknown is no bar


def antisymmetric_error(errors, component: int) -> np.ndarray:
    """Standard error of a component of the Hall vector from those of the elements (..., d, d)."""
    a, b = ("xyz".index(x) for x in _COMPONENTS[component])
    return 0.5 * (errors[..., a, b] + errors[..., b, a])


def component_label(component: int) -> str:
    """The tensor element a component of the Hall vector stands for: ``yx`` for z."""
    return "".join(_COMPONENTS[component])


def has_heat(dataset) -> bool:
    """Whether the heat current was asked for."""
    return "thermoelectric" in dataset


def hall_of(dataset, name: str, component: int) -> tuple[np.ndarray, np.ndarray]:
    """A component of the Hall vector of any tensor of a result, and its standard error, shape (..., nT)."""
    errors = dataset[f"{name}_error"].values
    values = hall_vector(dataset[name].values)[..., component]
    return values, antisymmetric_error(np.where(np.isfinite(errors), errors, np.nan), component)


def mean_of(dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the diagonal of any tensor of a result, and its standard error, shape (..., nT)."""
    values, errors = (np.diagonal(dataset[n].values, axis1=-2, axis2=-1) for n in (name, f"{name}_error"))
    return values.mean(axis=-1), np.where(np.isfinite(errors), errors, np.nan).mean(axis=-1)


OBSERVED = {"boltzmann": "Boltzmann", "intrinsic": "intrinsic", "side_jump": "side jump"}
"""Parts of the response of an observable that tables and figures show."""

_NOTHING = 1e-6  # of the largest response in the same unit: one below is none


def observables_of(dataset) -> list[str]:
    """Names of the observables of a result; none where none was asked for."""
    return [str(name) for name in dataset.observable.values] if "observable" in dataset.dims else []


def shown_response(dataset, part: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Response of an observable and its error, shape (..., nT, d), in the unit in which it is shown."""
    one = dataset.sel(observable=name)
    factor = float(one.observable_shown)
    errors = np.abs(factor) * one[f"response_{part}_error"].values
    return factor * one[f"response_{part}"].values, np.where(np.isfinite(errors), errors, np.nan)


def answering_fields(dataset, name: str) -> list[int]:
    """Places of the directions of the field to which an observable answers beyond rounding.

    Rounding is measured by the largest response of an observable of the same unit.
    """
    sizes = np.max([np.abs(np.nan_to_num(dataset[f"response_{part}"].values)) for part in OBSERVED], axis=0)
    sizes = sizes.reshape(-1, *sizes.shape[-2:]).max(axis=0)  # (observable, b)
    unit = dataset.observable_unit.values
    place = observables_of(dataset).index(name)
    least = _NOTHING * max(sizes[unit == unit[place]].max(), np.finfo(float).tiny)
    return [int(b) for b in np.flatnonzero(sizes[place] > least)]
