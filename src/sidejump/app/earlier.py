"""What an earlier result knows beside its replicas, the intrinsic part, and whether it is one of the same study."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from ..errors import InputError
from ..intrinsic import IntrinsicResult
from ..pairs.digest import same
from ..result import warnings_of
from .attributes import plain

NOT_REACHED = "the intrinsic part did not reach its tolerance"


def intrinsic_part(dataset: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The intrinsic part of a result of one run and its error, shapes (nT, d, d) and (nT,), in the result's unit."""
    return dataset.sigma_intrinsic.values, dataset.sigma_intrinsic_error.values.max(axis=(1, 2))


def require_study(dataset: xr.Dataset, identity: str) -> None:
    """Refuse a result of another study, or one that does not say of which it is; with replicas or without any.

    Raises
    ------
    InputError
        If its identity is not this one.
    """
    if not same(dataset.attrs.get("identity"), identity):
        raise InputError(
            "the earlier result is one of another study (other model, scatterers, temperatures, settings or version): "
            "start anew without it"
        )


def known_intrinsic(dataset: xr.Dataset, tolerance: float, mesh) -> IntrinsicResult | None:
    """The intrinsic part of a result of one run, where it is at least as good as what is asked for now.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of the same study (:func:`require_study`).
    tolerance : float
        Relative error wanted.
    mesh : int, array or sequence of int, optional
        Fixed uniform mesh instead.

    Returns
    -------
    IntrinsicResult, or None where it has to be computed.
    """
    then = json.loads(str(dataset.attrs.get("settings", "{}")))
    if then.get("intrinsic_mesh") != plain(mesh) or not then.get("intrinsic_tolerance", np.inf) <= tolerance:
        return None
    if "sigma_intrinsic_error" not in dataset or any(NOT_REACHED in w for w in warnings_of(dataset)):
        return None
    value, error = intrinsic_part(dataset)
    if not (np.isfinite(value).all() and np.isfinite(error).all()):
        return None
    return IntrinsicResult(value[None], error[None], int(dataset.attrs.get("intrinsic_points", 0)), 0.0)
