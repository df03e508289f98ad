"""Measured films separated into skew scattering and the scattering-independent remainder: one call, one dataset."""

from __future__ import annotations

import warnings as python_warnings

import numpy as np
import xarray as xr

from ..errors import InputError, SidejumpWarning
from ..units import RESISTIVITY_UNIT, RESISTIVITY_UNITS, conductivity_unit
from . import judge
from .bootstrap import bootstrap
from .compare import Computed, computed_hall
from .equations import Equations
from .estimate import Errors, Estimates, Estimator
from .films import Films
from .identify import Identified
from .laws import Law, law_of
from .temperatures import MATCH, Temperatures, grouped, low

KIND = "separation of measured films"
"""Attribute `kind` of a dataset of this sort."""

REMAINDER = "scattering-independent remainder"
"""What is left of sigma_AH without the part that depends on how strong the scattering is."""

MEANING = (
    f"{REMAINDER}: sigma_AH less skew scattering alpha rho_0/rho^2. It does not depend on how strong scattering is, "
    "but on what scatters. Theory calls it the sum of the intrinsic part (Berry curvature), the side jump of phonons "
    "and of static scatterers, and intrinsic (Gaussian) skew scattering. Resistivities alone do not tell these "
    "apart: they all have the same power of the scattering time."
)
"""What it is, for files, tables and documentation."""

SAMPLES = 200
"""Data sets of the bootstrap."""


def separate(
    films: Films,
    law: str = "skew",
    *,
    low_temperature: float | None = None,
    match: float = MATCH,
    computed: xr.Dataset | None = None,
    reverse: bool = False,
    partial: bool = False,
    samples: int = SAMPLES,
    seed: int = 0,
) -> xr.Dataset:
    """Separate the Hall conductivity of films by a law that is linear in its terms.

    ``sigma_yx = -rho_yx / (rho_xx^2 + rho_yx^2)`` and ``rho = 1/sigma_xx``, exactly.  Errors are one and two error bars
    (68.3 and 95.4 %): of declared uncertainties, or else of the scatter of the points, which errors common to all
    points of a film (thickness, contacts, rho_0) are not in.

    Parameters
    ----------
    films : Films
        Of :func:`read_films`, :func:`measured_films` or :func:`synthetic_films`.
    law : str
        ``skew``: skew scattering ``alpha_0 rho_0/rho^2`` from low temperatures, and a remainder free at each of them
        all; ``shitade-nagaosa``; ``hou``.  See `sidejump.experiment.laws`.
    low_temperature : float, optional
        K; law ``skew`` takes alpha_0 from points up to it.  The coldest temperature that most films share when not
        given.
    match : float
        Relative difference up to which two temperatures count as one.
    computed : xarray.Dataset, optional
        Result of a run, whose sigma_int + sigma_sj(T) is subtracted from the remainder.
    reverse : bool
        The computed result is for the opposite magnetisation.
    partial : bool
        Give the terms that the data determine, where they do not determine all.
    samples : int
        Data sets of the bootstrap; 0 for none.
    seed : int
        Of the bootstrap.

    Returns
    -------
    xarray.Dataset
        Dimensions ``term`` (coefficients), ``temperature`` (R(T)), ``point`` and ``film``.

    Raises
    ------
    InputError
        If the films do not determine the terms, or the computed result does not fit to them.
    """
    chosen_law = law_of(law, films.parts)
    if isinstance(samples, bool) or not isinstance(samples, (int, np.integer)) or samples < 0 or samples == 1:
        raise InputError(f"samples = {samples}: give a whole number of data sets from 2 on, or 0 for no bootstrap")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InputError(f"seed = {seed}: give a whole number from 0 on")
    judge.require_films(films, chosen_law.name)
    temperatures = grouped(films, match)
    chosen = np.ones(len(films.film), dtype=bool)
    sentences: list[str] = []
    if chosen_law.has_free_remainder:
        chosen, sentences = low(films, temperatures, low_temperature)
        sentences = sentences + judge.of_low_temperatures(films, chosen)
    elif low_temperature is not None:
        raise InputError(f"low = {low_temperature} K is a key of law 'skew'; law '{chosen_law.name}' takes all points")
    estimator = Estimator(Equations(films, chosen_law), chosen, temperatures)
    rank = estimator.identified
    sentences += judge.require_determined(
        films, chosen_law.terms, chosen_law.skew_terms, rank, partial=partial
    ) + judge.of_residual(films)
    estimates, fitted = estimator.estimate()
    sentences += judge.of_fit(estimator, estimates, rank, temperatures)
    dataset = _dataset(films, chosen_law, temperatures, chosen, estimator, estimates, rank)
    dataset.attrs["match"] = match
    if samples:
        widths = bootstrap(estimator, fitted, int(samples), seed)
        _add_bootstrap(dataset, *widths, rank)
        dataset.attrs |= {"bootstrap_samples": int(samples), "bootstrap_seed": int(seed)}
    if computed is not None:
        sentences += _compare(dataset, computed_hall(computed, films.dimension, reverse=reverse), match)
        dataset.attrs["computed_reversed"] = int(reverse)
        dataset.attrs["computed_scatterers"] = str(computed.attrs.get("scatterers", ""))
    dataset.attrs["warnings"] = sentences
    for sentence in sentences:
        python_warnings.warn(sentence, SidejumpWarning, stacklevel=2)
    return dataset


def _dataset(
    films: Films,
    law: Law,
    temperatures: Temperatures,
    chosen: np.ndarray,
    estimator: Estimator,
    estimates: Estimates,
    rank: Identified,
) -> xr.Dataset:
    unit = conductivity_unit(films.dimension)[1]
    resistivity = RESISTIVITY_UNIT[films.dimension]
    factor = 1 / RESISTIVITY_UNITS[resistivity][0]
    point = estimator.equations.at(estimator.equations.measured)
    size = len(law.terms)
    known = rank.determined[:size]
    parts = estimates.coefficients, estimates.coefficient_errors.one, estimates.coefficient_errors.two
    value, one, two = (np.where(known, x, np.nan) for x in parts)
    s = point.sigma.xx

    data: dict[str, tuple] = {
        "term_value": ("term", value, {"long_name": "coefficients of the law"}),
        **_errors("term", "term", Errors(one, two, estimates.coefficient_errors.freedom), None, "term"),
        "term_unit": ("term", list(law.units(unit)), {"long_name": "unit of each coefficient"}),
        "term_determined": ("term", known.astype(np.int8), {"long_name": "1 where the data determine it"}),
        "covariance": (
            ("term", "term_too"),
            np.where(known[:, None] & known, estimates.covariance, np.nan),
            {"long_name": "covariance of the coefficients"},
        ),
        "film_of_point": ("point", np.array(films.names, dtype=object)[films.film], {}),
        "point_temperature": ("point", films.temperature, {"units": "K"}),
        "rho_xx": ("point", factor * films.rho_xx, {"units": resistivity}),
        "rho_yx": ("point", factor * films.rho_yx, {"units": resistivity, "long_name": "E_y/j_x, magnetised along +z"}),
        "sigma_xx": ("point", s, {"units": unit}),
        "sigma_yx": ("point", point.sigma.yx, {"units": unit, "long_name": "j_y/E_x, magnetised along +z"}),
        **_measured_errors(estimator, unit),
        "static_share": (
            "point",
            np.sum(point.parts, axis=1) * s,
            {"units": "1", "long_name": "rho_0/rho: the share of static scatterers"},
        ),
        "skew": ("point", estimates.skew, {"units": unit, "long_name": "skew scattering"}),
        "remainder": ("point", estimates.remainder, {"units": unit, "long_name": REMAINDER}),
        **_errors("point", "remainder", estimates.remainder_errors, unit, REMAINDER),
        "residual": ("point", estimates.residual, {"units": unit, "long_name": "sigma_yx less the law"}),
        "in_fit": (
            "point",
            chosen.astype(np.int8),
            {"long_name": "1 where coefficients are determined from the point"},
        ),
        "rho_0": ("film", factor * judge.residual_of(films), {"units": resistivity}),
        "thickness": ("film", films.thickness, {"units": "nm"}),
    }
    if law.has_free_remainder:
        text = f"{REMAINDER}, mean of the films"
        data["common_remainder"] = ("temperature", estimates.common, {"units": unit, "long_name": text})
        data |= _errors("temperature", "common_remainder", estimates.common_errors, unit, text)
        data["common_films"] = ("temperature", temperatures.films, {"long_name": "films measured there"})
    singular = rank.values[: rank.rank]
    coords = {
        "term": list(law.terms),
        "film": list(films.names),
        "temperature": ("temperature", temperatures.value, {"units": "K"}),
    }
    dataset = xr.Dataset(data, coords=coords)
    dataset.attrs = {
        "kind": KIND,
        "units": unit,
        "warnings": [],
        "law": law.name,
        "equation": law.equation,
        "meaning": MEANING,
        "convention": "sigma_AH = sigma_yx = j_y/E_x = -rho_yx/(rho_xx^2 + rho_yx^2), rho = 1/sigma_xx, magnetised "
        "along +z",
        "uncertainties": "declared" if films.declared else "from the scatter of the points about the law",
        "residual_resistivity": "declared"
        if films.residual is not None
        else "1/sigma_xx of the coldest point of each film",
        "source": films.source,
        "rank": f"{rank.rank} of {len(rank.values)} columns",
        "condition": float(singular[0] / singular[-1]),
        "misfit": estimates.misfit,
        "degrees_of_freedom": estimates.freedom,
    }
    if law.has_free_remainder:
        dataset.attrs["skew_scattering_from"] = (
            f"{int(chosen.sum())} points up to {films.temperature[chosen].max():g} K"
        )
    return dataset


def _measured_errors(estimator: Estimator, unit: str) -> dict[str, tuple]:
    """Error bars of the conductivities that the declared uncertainties make; nothing where there are none."""
    if not estimator.equations.films.declared:
        return {}
    found = estimator.equations.errors_of_conductivity()
    return {
        f"{name}_error": ("point", error, {"units": unit, "long_name": f"standard error of {name}"})
        for name, error in zip(("sigma_xx", "sigma_yx"), found, strict=True)
    }


def _errors(dim: str, name: str, errors: Errors, unit: str | None, words: str) -> dict[str, tuple]:
    attrs = {} if unit is None else {"units": unit}
    found = {
        f"{name}_error": (dim, errors.one, {**attrs, "long_name": f"error bar of {words}: half the 68.3 % interval"}),
        f"{name}_error_two": (dim, errors.two, {**attrs, "long_name": f"half the 95.4 % interval of {words}"}),
    }
    if np.isfinite(errors.freedom).any():
        text = f"degrees of freedom of the error bar of {words}"
        found[f"{name}_freedom"] = (dim, np.broadcast_to(errors.freedom, np.shape(errors.one)), {"long_name": text})
    return found


def _add_bootstrap(dataset, coefficients, common, rank: Identified) -> None:
    known = rank.determined[: len(coefficients)]
    text = "half the 68.3 % interval over the data sets of the bootstrap"
    dataset["term_error_bootstrap"] = ("term", np.where(known, coefficients, np.nan), {"long_name": text})
    if "common_remainder" in dataset:
        attrs = {"units": dataset.attrs["units"], "long_name": text}
        dataset["common_remainder_error_bootstrap"] = ("temperature", common, attrs)


def _compare(dataset, computed: Computed, match: float) -> list[str]:
    """Add what was computed, and the remainder less that; returns sentences."""
    unit, sentences = dataset.attrs["units"], []
    element = f"sigma_int + sigma_sj of the computed result, {computed.component} element"
    places = [("point", "point_temperature", "remainder", "")]
    if "common_remainder" in dataset:
        places.append(("temperature", "temperature", "common_remainder", "common_"))
    for dim, at, name, prefix in places:
        value, error = computed.at(np.asarray(dataset[at].values, dtype=float), match)
        difference = dataset[name].values - value
        spread = np.hypot(dataset[f"{name}_error"].values, error)
        texts = (element, f"error bar of {element}", f"{name} less {element}", f"error bar of {name} less {element}")
        names = ("computed", "computed_error", "difference", "difference_error")
        for key, numbers, text in zip(names, (value, error, difference, spread), texts, strict=True):
            dataset[f"{prefix}{key}"] = (dim, numbers, {"units": unit, "long_name": text})
    value = dataset.computed.values
    if not np.isfinite(value).any():
        raise InputError(
            f"the computed result has temperatures from {computed.temperature[0]:g} to {computed.temperature[-1]:g} K, "
            f"the films {dataset.point_temperature.values.min():g} to {dataset.point_temperature.values.max():g} K; "
            "compute at temperatures of the films"
        )
    outside = np.unique(dataset.point_temperature.values[~np.isfinite(value)])
    if len(outside):
        shown = ", ".join(f"{t:g}" for t in outside[:4]) + (" ..." if len(outside) > 4 else "")
        sentences.append(
            f"the computed result, from {computed.temperature[0]:g} to {computed.temperature[-1]:g} K, has no value at "
            f"{shown} K: no difference there"
        )
    both = np.isfinite(value)
    share = dataset.static_share.values[both]
    if computed.phonons_alone and share.max() > 1 - judge.STATIC:
        sentences.append(
            f"computed with {', '.join(computed.scatterers)} alone, while static scatterers have "
            f"{100 * share.min():.2g} to {100 * share.max():.3g} % of the resistivity of the points "
            "compared: their remainder is in the difference"
        )
    if computed.warnings:
        sentences.append(f"the computed result has {computed.warnings} warnings of its own")
    size = np.median(dataset.remainder.values[both] / np.where(value[both] == 0, np.nan, value[both]))
    if size < 0:
        sentences.append(
            f"the remainder has the opposite sign of what was computed (median ratio {size:.2g}): if the two have "
            "opposite magnetisations, say so with --reverse"
        )
    return sentences
