"""Impurities against phonons or magnons: runs at several densities of the impurities, and of either alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr

from ..errors import InputError
from ..interactions.impurity import denser, is_static
from ..interactions.magnons import boson_words
from ..transport.problem import Problem, audible
from ..transport.shares import rate_shares
from ..units import KB
from .run import Job
from .scan import Scan

TOLERANCE = 0.03
"""Relative standard error of each run, enough for a picture."""


_INTRINSIC = 0.1  # relative error of the intrinsic part, which no mechanism changes and these pictures do not show


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
        `sigma_side_jump` and its error over density and temperature, `limit_side_jump` and its error of impurities and
        of what moves alone, `share` of each mechanism in 1/tau (:func:`.rate_shares`), `static` for which of them are
        impurities, and `crossing`: the temperature (K) at which impurities and the others have a half each, NaN where
        the temperatures of the run do not enclose it.

    Raises
    ------
    InputError
        If there are no impurities or nothing but impurities, or there is no Fermi surface.
    """
    jobs = getattr(whole, "jobs", [whole])
    scatterers = audible(jobs[0].scatterers)
    static = np.array([is_static(s) for s in scatterers])
    moving = boson_words([s for s, still in zip(scatterers, static, strict=True) if not still])
    if static.all() or not static.any():
        words = "impurities but no phonons or magnons" if static.all() else f"{moving} but no impurities"
        raise InputError(f"has {words}: nothing competes; add a [[scattering]] section of the other kind and run it")

    def made(chosen, words: str) -> xr.Dataset:
        say(words)
        return of_mechanisms(whole, chosen).run()

    runs, shares = [], []
    for multiple in multiples:
        both = [denser(s, multiple) if still else s for s, still in zip(scatterers, static, strict=True)]
        runs.append(made(both, f"impurities times {multiple:g}"))
        problems = [Problem(job.model, both, job.chemical_potential, job.settings) for job in jobs]
        shares.append([rate_shares(p, KB * t) for p, job in zip(problems, jobs, strict=True) for t in job.temperatures])
    limits = [
        made([s for s, still in zip(scatterers, static, strict=True) if still == which], f"{words} alone")
        for which, words in ((True, "impurities"), (False, moving))
    ]
    names = [s.name for s in scatterers]
    x = np.array(shares)
    t = whole.temperatures
    units = "1" if density is None else f"cm^-{jobs[0].model.dimension}"
    values = np.asarray(multiples) * (1.0 if density is None else density)
    dims = ("temperature", "a", "b")
    result = xr.Dataset(
        {
            "share": (("density", "temperature", "mechanism"), x),
            "static": ("mechanism", static),
            "crossing": ("density", [crossing(t, row) for row in x[..., static].sum(axis=-1)], {"units": "K"}),
        },
        coords={"density": ("density", values, {"units": units}), "temperature": t, "mechanism": names}
        | {"limit": ["impurities", moving]}
        | {name: runs[0][name] for name in "ab"},
        attrs={"units": runs[0].attrs["units"]},
    )
    for ending in ("", "_error"):
        for name, sets, dim in (("sigma", runs, "density"), ("limit", limits, "limit")):
            result[f"{name}_side_jump{ending}"] = (
                (dim, *dims),
                np.stack([one[f"sigma_side_jump{ending}"].sel(temperature=t).values for one in sets]),
            )
    return result.isel(temperature=np.argsort(t))


def crossing(temperatures, share) -> float:
    """Temperature (K) at which `share` (nT,) passes one half, the highest if there are several; NaN if there is none.

    The odds ``x / (1 - x)`` are a power of T where both rates are: interpolated in logarithms.
    """
    order = np.argsort(temperatures)
    t, x = np.log(np.asarray(temperatures, dtype=float)[order]), np.asarray(share, dtype=float)[order]
    with np.errstate(divide="ignore"):
        odds = np.clip(np.log(x) - np.log1p(-x), -_LARGEST, _LARGEST)
    places = np.flatnonzero(np.sign(odds[1:]) != np.sign(odds[:-1]))
    if not len(places):
        return np.nan
    i = places[-1]
    return float(np.exp(t[i] - odds[i] * (t[i + 1] - t[i]) / (odds[i + 1] - odds[i])))


_LARGEST = 100.0  # logarithm of odds of which the smaller rate is not there
