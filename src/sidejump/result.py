"""What a result says of itself, for its file, table and figures: warnings, what is not included, its Hall vector."""

from __future__ import annotations

import numpy as np

from .errors import InputError

NOT_INCLUDED = "without skew scattering"
"""What intrinsic part and side jump do not hold, for result, table and figure."""

NOT_CROSSED = "without crossed diagrams"
"""What no part holds where skew scattering was asked for."""

SKEW = ("skew", "gaussian_skew")
"""Its parts, conventional and Gaussian."""


def has_skew(dataset) -> bool:
    """Whether skew scattering was asked for."""
    return "sigma_skew" in dataset


def not_included(dataset) -> str:
    """What no part of a result holds."""
    return NOT_CROSSED if has_skew(dataset) else NOT_INCLUDED


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


def require_one_case(dataset, picture: str) -> None:
    """Refuse a scan.

    Raises
    ------
    InputError
        If it is one.
    """
    name = scan_dimension(dataset)
    if name is not None:
        raise InputError(f"the picture {picture!r} is of one {SCANS[name]}; this result is a scan: see doping, scaling")


_SUMS = ("intrinsic_plus_side_jump", "anomalous")
_CALLED = {
    "side_jump_velocity": "side-jump velocity",
    "side_jump_distribution": "side-jump distribution",
    "skew": "conventional skew",
    "gaussian_skew": "Gaussian skew",
}
_HALVES = ("side_jump_velocity", "side_jump_distribution")


def parts_of(dataset, *, halves: bool = False) -> dict[str, str]:
    """Hall parts that a result has, by name of the variable without ``sigma_``, and what they are called.

    Every tensor ``sigma_...`` with an error that is neither the ordinary conductivity nor a sum.

    Parameters
    ----------
    dataset : xarray.Dataset
    halves : bool
        Those of the side jump as well.
    """
    left_out = ("boltzmann", *_SUMS, *(() if halves else _HALVES))
    names = [str(x).removeprefix("sigma_") for x in dataset.data_vars if str(x).startswith("sigma_")]
    return {
        name: _CALLED.get(name, name.replace("_", " "))
        for name in names
        if name not in left_out and not name.endswith("_error") and f"sigma_{name}_error" in dataset
    }


def whole_of(dataset) -> tuple[str, tuple[str, str]]:
    """The sum of all Hall parts: its name without ``sigma_``, what it is called, and what it leaves out."""
    name = "anomalous" if has_skew(dataset) else "intrinsic_plus_side_jump"
    return name, ("sum of all" if has_skew(dataset) else "intrinsic + side jump", not_included(dataset))


def hall_of(dataset, tensor: str, component: int) -> tuple[np.ndarray, np.ndarray]:
    """One component of the Hall vector of a variable and its standard error, each of shape (..., nT)."""
    errors = dataset[f"{tensor}_error"].values
    bars = antisymmetric_error(np.where(np.isfinite(errors), errors, np.nan), component)  # unknown is no bar
    return hall_vector(dataset[tensor].values)[..., component], bars


def hall_part(dataset, name: str, component: int) -> np.ndarray:
    """One component of the Hall vector of ``sigma_name``, shape (..., nT)."""
    return hall_of(dataset, f"sigma_{name}", component)[0]


def hall_error(dataset, name: str, component: int) -> np.ndarray:
    """Standard error of :func:`hall_part`, shape (..., nT): of the elements ab and ba, which err together."""
    return hall_of(dataset, f"sigma_{name}", component)[1]


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


def mean_of(dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the diagonal of any tensor of a result, and its standard error, shape (..., nT)."""
    values, errors = (np.diagonal(dataset[n].values, axis1=-2, axis2=-1) for n in (name, f"{name}_error"))
    return values.mean(axis=-1), np.where(np.isfinite(errors), errors, np.nan).mean(axis=-1)


OBSERVED = {"boltzmann": "Boltzmann", "intrinsic": "intrinsic", "side_jump": "side jump"}
"""Parts of the response of an observable that tables and figures show."""

_OBSERVED_SKEW = {"skew": "skew", "gaussian_skew": "Gaussian skew"}


def observed_parts(dataset) -> dict[str, str]:
    """Those of a result."""
    return OBSERVED | (_OBSERVED_SKEW if has_skew(dataset) else {})


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
