"""Impurities against phonons or magnons: runs at several densities of the impurities, and of either alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from ..accuracy.replica import FINER
from ..errors import InputError, NoStates
from ..interactions.impurity import denser, is_static
from ..interactions.magnons import boson_words
from ..outputs import comma_separated
from ..result import whole_of
from ..transport.problem import Problem, audible
from ..transport.shares import shares_of_mixtures
from ..transport.term import Term
from ..units import KB
from .results import hall_resistivity, resistivity_of, spread_of_inverse
from .run import Job
from .scan import Scan

TOLERANCE = 0.03
"""Relative standard error of each run, enough for a picture."""


_INTRINSIC = 0.1  # relative error of the intrinsic part, which no mechanism changes and these pictures do not show


def distinct_names(scatterers) -> list[str]:
    """Names of mechanisms, with the place of one whose name another one has before it."""
    names: list[str] = []
    for number, scatterer in enumerate(scatterers, 1):
        names.append(scatterer.name if scatterer.name not in names else f"{scatterer.name} ({number})")
    return names


def of_mechanisms(whole: Job | Scan, scatterers) -> Job | Scan:
    """The same run with other scatterers, good enough for a picture of its side jump."""
    return whole.changed(
        scatterers=list(scatterers),
        tolerance=max(whole.tolerance, TOLERANCE),
        intrinsic_tolerance=_INTRINSIC,
        observables=(),
        cost=None,
    )


def competition(whole: Job | Scan, multiples, density: float | None, say: Callable[[str], None]) -> xr.Dataset:
    """Side jump, and shares in 1/tau, of impurities and phonons or magnons together and of either alone.

    Parameters
    ----------
    whole : Job or Scan
        The run of a result, of one chemical potential or carrier density.
    multiples : sequence of float
        Of the density of the impurities, in increasing order.
    density : float or None
        That of the run, cm^-d; None if there are several kinds.
    say : callable
        Told of every run.

    Returns
    -------
    xarray.Dataset
        `sigma_side_jump`, `sigma_boltzmann` and skew parts, with errors, over density and temperature,
        `limit_side_jump` and its error of impurities and of what moves alone, `share` of each mechanism in 1/tau
        (:func:`.shares_of_mixtures`) and what a coarser Fermi surface changes in it, NaN where there is none, `static`
        for which of them are impurities, and `crossing`: the temperature (K) at which impurities and the others have a
        half each, NaN where the temperatures of the run do not enclose it, and its error (:func:`crossing_error`).

    Raises
    ------
    InputError
        If there are no impurities or nothing but impurities.
    """
    jobs = getattr(whole, "jobs", [whole])
    scatterers = audible(jobs[0].scatterers)
    static = np.array([is_static(s) for s in scatterers])
    moving = boson_words([s for s, still in zip(scatterers, static, strict=True) if not still])
    if static.all() or not static.any():
        words = "impurities but no phonons or magnons" if static.all() else f"{moving} but no impurities"
        raise InputError(f"has {words}: nothing competes; add a [[scattering]] section of the other kind and run it")

    mixtures = [
        [denser(s, multiple) if still else s for s, still in zip(scatterers, static, strict=True)]
        for multiple in multiples
    ]
    names = [*(f"impurities times {x:g}" for x in multiples), "impurities alone", f"{moving} alone"]
    alone = [[s for s, still in zip(scatterers, static, strict=True) if still == which] for which in (True, False)]
    asked = [of_mechanisms(whole, some) for some in (*mixtures, *alone)]
    known = _first_replicas(asked, say)
    runs, shared = [], _intrinsic(asked[0])
    for one, replicas, which in zip(asked, known, names, strict=True):
        say(which)
        runs.append(one.run(known=replicas, **shared))
    limits = [runs.pop() for _ in alone][::-1]
    names = [s.name for s in scatterers]
    x, coarse = (np.concatenate([_shares(job, mixtures, a) for job in jobs], axis=1) for a in (1.0, 1 / FINER))
    if np.isnan(x).any():
        say("no Fermi surface at the chemical potential of some temperatures: side jumps alone, no shares in 1/tau")
    t = whole.temperatures
    still = x[..., static].sum(axis=-1)
    units = "1" if density is None else f"cm^-{jobs[0].model.dimension}"
    values = np.asarray(multiples) * (1.0 if density is None else density)
    dims = ("temperature", "a", "b")
    result = xr.Dataset(
        {
            "share": (("density", "temperature", "mechanism"), x),
            "share_error": (("density", "temperature", "mechanism"), np.abs(x - coarse)),
            "static": ("mechanism", static),
            "crossing": ("density", [crossing(t, row) for row in still], {"units": "K"}),
            "crossing_error": (
                "density",
                [crossing_error(t, *rows) for rows in zip(still, coarse[..., static].sum(axis=-1), strict=True)],
                {"units": "K"},
            ),
        },
        coords={"density": ("density", values, {"units": units}), "temperature": t, "mechanism": names}
        | {"limit": ["impurities", moving]}
        | {name: runs[0][name] for name in "ab"},
        attrs={"units": runs[0].attrs["units"]},
    )
    parts = [name for name in ("boltzmann", "side_jump", *_SKEW) if f"sigma_{name}" in runs[0]]
    for ending in ("", "_error"):
        for to, name, sets, dim in [
            *(("sigma", p, runs, "density") for p in parts),
            ("limit", "side_jump", limits, "limit"),
        ]:
            values = np.stack([one[f"sigma_{name}{ending}"].sel(temperature=t).values for one in sets])
            result[f"{to}_{name}{ending}"] = ((dim, *dims), values)
    return result.isel(temperature=np.argsort(t))


_SKEW = ("skew", "gaussian_skew")


def _first_replicas(runs: list[Job | Scan], say: Callable[[str], None]) -> list[list]:
    """Those of each run that several have from the same pairs of states: densities differ in nothing else."""
    found: list[list] = [[] for _ in runs]
    say("all densities from the same pairs of states")
    for jobs in zip(*(getattr(whole, "jobs", [whole]) for whole in runs), strict=True):
        for mine, some in zip(found, Job.first_replicas(list(jobs)), strict=True):
            mine += some
    return found


def _intrinsic(whole: Job | Scan) -> dict:
    """The intrinsic part, that of any mechanism, as a keyword of all runs; a scan has one for each of its runs."""
    if isinstance(whole, Scan):
        return {}
    return {"intrinsic": whole.intrinsic([whole.chemical_potential], whole.temperatures[None], lambda *_: None)}


def _shares(job: Job, mixtures: list[list], coarser: float) -> np.ndarray:
    """Shares in 1/tau of mixtures at the temperatures of a run, shape (mixtures, nT, mechanisms), on a Fermi surface of
    `coarser` times the accuracy; NaN where there is no surface."""
    d = job.model.dimension
    # contours cost nothing; the surface of a crystal is that of the first level, which the runs of the picture have
    accuracy = coarser * (1.0 if d == 2 else Term.start[d])
    settings = replace(job.settings, accuracy=accuracy * job.settings.accuracy)
    kts = KB * job.temperatures
    try:
        problem = Problem(job.model, mixtures[0], job.chemical_potential, settings)
        return shares_of_mixtures(problem, mixtures, kts)
    except NoStates:
        return np.full((len(mixtures), len(kts), len(mixtures[0])), np.nan)


def with_intrinsic(found: xr.Dataset, result: xr.Dataset) -> xr.Dataset:
    """Sum of the Hall parts and resistivity at each density, with the intrinsic part of the result itself.

    No density changes that part, and a result has it better than the runs of a picture.

    Parameters
    ----------
    found : xarray.Dataset
        Of :func:`competition`.
    result : xarray.Dataset
        The result whose run it is.

    Returns
    -------
    xarray.Dataset
        `found` with `sigma_intrinsic_plus_side_jump`, or `sigma_anomalous`, `resistivity` and its antisymmetric part
        `hall_resistivity`, with errors.
    """
    name = f"sigma_{whole_of(result)[0]}"
    there = result.sel(temperature=found.temperature)
    parts = [f"sigma_{part}" for part in ("side_jump", *_SKEW) if f"sigma_{part}" in found]
    hall, square = there.sigma_intrinsic, there.sigma_intrinsic_error**2
    for part in parts:
        hall, square = hall + found[part], square + found[f"{part}_error"] ** 2
    dims = found.sigma_boltzmann.dims
    hall, spread = hall.transpose(*dims), np.sqrt(square).transpose(*dims)
    least = there.sigma_intrinsic_error.max(["a", "b"]).values  # of a matrix that is not to be inverted
    rho = np.stack([resistivity_of(one, least) for one in (found.sigma_boltzmann + hall).values])
    boltzmann = found.sigma_boltzmann_error.values
    odd, odd_error = hall_resistivity(rho, boltzmann, spread.values)
    attrs = {"units": result.resistivity.attrs["units"]}
    return found.assign(
        {
            name: hall,
            f"{name}_error": spread,
            "resistivity": (dims, rho, attrs),
            "resistivity_error": (dims, spread_of_inverse(rho, np.hypot(boltzmann, spread.values))),
            "hall_resistivity": (dims, odd, attrs),
            "hall_resistivity_error": (dims, odd_error),
        }
    )


def table(found: xr.Dataset) -> str:
    """What the pictures of the competition show, as comma-separated values: a row for each density and temperature.

    Parameters
    ----------
    found : xarray.Dataset
        Of :func:`competition`, or :func:`with_intrinsic`.
    """
    rows = xr.DataArray(np.zeros((found.sizes["density"], found.sizes["temperature"])), dims=("density", "temperature"))
    columns: dict[str, np.ndarray] = {}

    def add(name: str, values: xr.DataArray, unit: str) -> None:
        columns[f"{name} ({unit})"] = (
            values.reset_coords(drop=True).broadcast_like(rows).transpose(*rows.dims).values.ravel()
        )

    add("density of impurities", found.density.drop_vars("density"), found.density.attrs["units"])
    add("temperature", found.temperature.drop_vars("temperature"), "K")
    found = found.drop_vars(["density", "temperature"])
    for i, mechanism in enumerate(found.mechanism.values):
        for ending in ("", "_error"):
            add(f"share{ending} {i + 1} {mechanism}", found[f"share{ending}"].isel(mechanism=i), "1")
    for ending in ("", "_error"):
        add(f"equal shares{ending}", found[f"crossing{ending}"], "K")
    tensors = [str(x) for x in found.data_vars if {"a", "b"} <= set(found[x].dims) and not str(x).endswith("_error")]
    for name in tensors:
        unit = found[name].attrs.get("units", found.attrs["units"])
        for limit in found.limit.values if "limit" in found[name].dims else [None]:
            for a in found.a.values:
                for b in found.b.values:
                    for ending in ("", "_error"):
                        place = {"a": a, "b": b} | ({} if limit is None else {"limit": limit})
                        words = "" if limit is None else f" {limit} alone"
                        add(f"{name}{ending}_{a}{b}{words}", found[f"{name}{ending}"].sel(place, drop=True), unit)
    return comma_separated(columns, zip(*columns.values(), strict=True))


def crossing(temperatures, share) -> float:
    """Temperature (K) at which `share` (nT,) passes one half, the highest if there are several; NaN if there is none.

    The odds ``x / (1 - x)`` are a power of T where both rates are: interpolated in logarithms.
    """
    t, odds = _odds(temperatures, share)
    i = _interval(odds)
    return np.nan if i is None else float(np.exp(t[i] - odds[i] * (t[i + 1] - t[i]) / (odds[i + 1] - odds[i])))


def crossing_error(temperatures, share, coarse) -> float:
    """Standard error (K) of :func:`crossing`: of the interpolation, and of the points of the Fermi surface.

    Parameters
    ----------
    temperatures : array, shape (nT,)
        K.
    share, coarse : array, shape (nT,)
        On the points of the run and on coarser ones.

    Returns
    -------
    float
        What a cubic interpolation (monotone) and the coarser points change, added in squares; NaN if there is no
        crossing, or fewer than three temperatures: then nothing tells whether the odds are a power of T.
    """
    t, odds = _odds(temperatures, share)
    i = _interval(odds)
    if i is None or len(t) < _CUBIC:
        return np.nan
    curve, value = PchipInterpolator(t, odds), crossing(temperatures, share)
    bent = np.exp(brentq(curve, t[i], t[i + 1])) if odds[i] and odds[i + 1] else value
    return float(np.hypot(bent - value, crossing(temperatures, coarse) - value))


def _odds(temperatures, share) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of T in rising order and of the odds; points without a share are left out."""
    t, x = np.asarray(temperatures, dtype=float), np.asarray(share, dtype=float)
    known = np.flatnonzero(np.isfinite(x))
    order = known[np.argsort(t[known])]
    with np.errstate(divide="ignore"):
        odds = np.clip(np.log(x[order]) - np.log1p(-x[order]), -_LARGEST, _LARGEST)
    return np.log(t[order]), odds


def _interval(odds) -> int | None:
    """The last interval in which they change sign."""
    places = np.flatnonzero(np.sign(odds[1:]) != np.sign(odds[:-1]))
    return int(places[-1]) if len(places) else None


_CUBIC = 3  # temperatures that a curve, not only a line, goes through
_LARGEST = 100.0  # logarithm of odds of which the smaller rate is not there
