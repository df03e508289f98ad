"""Responses of observables in a result, and how readers see them."""

from __future__ import annotations

import numpy as np

from ..intrinsic.operator import IntrinsicResponse
from ..units import conductivity_unit

_LONG_NAMES = {
    "response_boltzmann": "observable in the field-driven distribution",
    "response_side_jump_velocity": "interband part of the observable that scattering induces (eqs C45 to C50)",
    "response_side_jump_distribution": "observable in the anomalous distribution",
    "response_side_jump": "both parts that scattering induces",
    "response_intrinsic": "interband part of the observable that the field induces (eq. C44)",
}

_SKEW_NAMES = {
    "response_skew": "observable in what conventional skew scattering adds to the distribution",
    "response_gaussian_skew": "observable in what Gaussian skew scattering adds to the distribution",
}

RESPONSES = (*_LONG_NAMES, *_SKEW_NAMES)
"""In the order of tables."""

_KINETIC = (*tuple(_LONG_NAMES)[:4], *_SKEW_NAMES)
"""In the order in which they are estimated."""

_DIMS = ("temperature", "observable", "b")


def add_observed(dataset, observed) -> None:
    """The kinetic parts, of shape (2, nT, 4 or 6, c, d): values and standard errors; nothing without observables.

    Densities per force on the electrons, -eE: in the unit of the observable times ``angstrom^(1-d)/eV``.
    """
    if observed is None or not observed.shape[3]:
        return
    for name, values, errors in zip(_KINETIC, *np.moveaxis(observed, 2, 1), strict=False):  # 4 without skew scattering
        _add(dataset, name, values, errors)


def add_intrinsic(dataset, observables, found: IntrinsicResponse) -> None:
    """The intrinsic part, and names and units."""
    errors = np.repeat(found.error[:, :, None], found.value.shape[2], axis=2)
    _add(dataset, "response_intrinsic", found.value, errors)
    dataset.coords["observable"] = ("observable", [o.name for o in observables])
    units = [f"{o.unit} angstrom^{1 - dataset.sizes['b']} eV^-1" for o in observables]
    text = {"long_name": "of the response: density of the observable for each eV/angstrom of force on the electrons"}
    dataset.coords["observable_unit"] = ("observable", units, text)
    factor, unit = conductivity_unit(dataset.sizes["b"])
    shown = [(1.0, u) if o.conductivity is None else (o.conductivity[0] * factor, o.conductivity[1] + unit)
             for o, u in zip(observables, units, strict=True)]  # fmt: skip
    text = {"long_name": "the response times this is what tables and figures show, in observable_shown_unit"}
    dataset.coords["observable_shown"] = ("observable", [x for x, _ in shown], text)
    dataset.coords["observable_shown_unit"] = ("observable", [u for _, u in shown])


def _add(dataset, name: str, values, errors) -> None:
    dataset[name] = (_DIMS, values, {"long_name": (_LONG_NAMES | _SKEW_NAMES)[name]})
    dataset[f"{name}_error"] = (_DIMS, errors, {"long_name": f"standard error of {name}"})
