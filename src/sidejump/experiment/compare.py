"""The remainder over what was computed: intrinsic part and side jump of a result, at the temperatures of the films."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..errors import InputError
from ..result import component_label, hall_error, hall_part, main_component, scan_dimension, warnings_of

_PART = "intrinsic_plus_side_jump"


@dataclass(frozen=True)
class Computed:
    """sigma_int + sigma_sj of a result against temperature.

    Attributes
    ----------
    temperature, value, error : ndarray, shape (nT,)
        K, S/cm or e^2/h, in the order of temperature.
    component : str
        The element of the tensor.
    scatterers : tuple of str
        What was computed with; empty where the result does not say.
    warnings : int
        Sentences that the result has of its own.
    """

    temperature: np.ndarray
    value: np.ndarray
    error: np.ndarray
    component: str
    scatterers: tuple[str, ...] = ()
    warnings: int = 0

    @property
    def phonons_alone(self) -> bool:
        """Whether no impurities are among what scatters."""
        return bool(self.scatterers) and not any("impurity" in name for name in self.scatterers)

    def at(self, temperature: np.ndarray, match: float) -> tuple[np.ndarray, np.ndarray]:
        """Value and error, NaN outside of the temperatures of the result.

        Between them the value is interpolated by piecewise cubics that keep its monotony, the error linearly.
        """
        first, last = self.temperature[0], self.temperature[-1]
        inside = (temperature >= first / (1 + match)) & (temperature <= last * (1 + match))
        t = np.clip(temperature, first, last)
        if len(self.temperature) == 1:
            value, error = (np.full(len(t), float(x[0])) for x in (self.value, self.error))
        else:
            value = PchipInterpolator(self.temperature, self.value)(t)
            error = np.interp(t, self.temperature, self.error)
        return np.where(inside, value, np.nan), np.where(inside, error, np.nan)


def computed_hall(dataset, dimension: int, *, reverse: bool = False) -> Computed:
    """What a result has in place of the remainder.

    Parameters
    ----------
    dataset : xarray.Dataset
        A result of `sidejump run`.
    dimension : int
        That of the films, 3 or 2.
    reverse : bool
        The result is for a magnetisation along -z, that of the films reversed.

    Raises
    ------
    InputError
        If it is a scan, of another dimension, or without values.
    """
    if scan_dimension(dataset) is not None:
        raise InputError(
            f"the computed result is a scan over {scan_dimension(dataset)}; compare with one of a single value, "
            f"dataset.isel({scan_dimension(dataset)}=0)"
        )
    if dataset.sizes["a"] != dimension:
        kinds = {2: "a layer (e^2/h)", 3: "a crystal (S/cm)"}
        raise InputError(
            f"the computed result is that of {kinds[dataset.sizes['a']]}, the resistivities are those of "
            f"{kinds[dimension]}"
        )
    component = main_component(dataset)
    t = np.asarray(dataset.temperature.values, dtype=float)
    value, error = hall_part(dataset, _PART, component), hall_error(dataset, _PART, component)
    known = np.flatnonzero(np.isfinite(value))
    if not len(known):
        raise InputError("the computed result holds no value that is trusted at any temperature; look at its warnings")
    order = known[np.argsort(t[known])]
    sign = -1.0 if reverse else 1.0
    scatterers = tuple(json.loads(dataset.attrs.get("scatterers", "[]")))
    sentences = [text for text in warnings_of(dataset) if text]
    label = component_label(component)
    return Computed(t[order], sign * value[order], error[order], label, scatterers, len(sentences))
