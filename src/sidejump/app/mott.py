"""Mott's relation and Wiedemann and Franz's law: what a gradient of temperature drives, beside what both laws say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr
from scipy import special

from ..outputs import comma_separated
from ..result import hall_of, main_component, mean_of
from ..threads import one_matrix_thread
from ..transport.problem import Problem
from ..transport.term import Term
from ..transport.thermopower import slopes
from ..units import KB, LORENZ, conductivity_unit, siemens
from .lorenz import lorenz
from .run import Job

PARTS = {"boltzmann": "along the field", "side_jump": "side jump", "intrinsic": "intrinsic part"}
"""Of the conductivity, whose slopes by the chemical potential Mott's relation has."""

COLUMNS = {
    **{f"mott_{part}": f"alpha over Mott's relation, {words}" for part, words in PARTS.items()},
    "lorenz_ratio": "kappa over T, sigma and the Lorenz number",
    "lorenz_side_jump": "the same of the side jump yx, at zero field",
}
"""What is compared."""


def mott(here: xr.Dataset, low: xr.Dataset, high: xr.Dataset, apart: float) -> xr.Dataset:
    """Both laws against temperature.

    Parameters
    ----------
    here : xarray.Dataset
        Result with the heat current.
    low, high : xarray.Dataset
        Results at a chemical potential as much below as above, at the same temperatures, which heat is not asked of.
    apart : float
        How far these are from each other, eV.

    Returns
    -------
    xarray.Dataset
        `COLUMNS` over temperature, each with `..._error`: one where the law holds.
    """
    here, *sides = [ds.sortby("temperature") for ds in (here, low, high)]
    component = main_component(here)
    d = here.sizes["a"]
    t, unit = here.temperature.values, siemens(d) / conductivity_unit(d)[0]
    found = {}
    for part in PARTS:
        of = mean_of if part == "boltzmann" else lambda ds, name: hall_of(ds, name, component)
        (below, below_error), (above, above_error) = (of(one, f"sigma_{part}") for one in sides)
        alpha, alpha_error = of(here, f"thermoelectric_{part}")
        # what the relation puts in the place of alpha
        law = -LORENZ * unit * t * (above - below) / apart
        spread = np.hypot(below_error, above_error) / np.abs(above - below)
        found[f"mott_{part}"] = _ratio(alpha, law, alpha_error / np.abs(alpha), spread)
    found["lorenz_ratio"] = here.lorenz_ratio.values, here.lorenz_ratio_error.values
    (heat, heat_error), (charge, error) = (hall_of(here, f"{x}_side_jump", component) for x in ("thermal", "sigma"))
    law = LORENZ * unit * t * charge
    found["lorenz_side_jump"] = _ratio(heat, law, heat_error / np.abs(heat), error / np.abs(charge))
    result = xr.Dataset(coords={"temperature": ("temperature", t, {"units": "K"})})
    for name, (value, error) in found.items():
        attrs = {"units": "1", "long_name": COLUMNS[name]}
        result[name], result[f"{name}_error"] = ("temperature", value, attrs), ("temperature", error, attrs)
    return result


def in_metal(job: Job, ways: int, nodes: int, say: Callable[[str], None]) -> xr.Dataset:
    """Both laws along the field in a metal, to the leading order of kT over the energies on which bands change.

    On the points of the first level (:func:`.slopes`, :func:`.lorenz`): a surface with much structure cannot be carried
    through the whole thermal window.

    Parameters
    ----------
    job : Job
    ways : int
        To lay the points of the slopes, two at least; the error is that of their mean, by Student's distribution.
    nodes : int
        Energy nodes, each with points of its own.
    say : callable
        Told of every part.

    Returns
    -------
    xarray.Dataset
        `mott_boltzmann`, `lorenz_ratio` and the thermopower `seebeck` that the slopes give (V/K) over temperature, each
        with `..._error`.
    """
    settings = replace(job.settings, skew_scattering="off", heat=False)
    problem = Problem(job.model, job.scatterers, job.chemical_potential, settings)
    t, every = np.sort(job.temperatures), []
    for number in range(ways):
        say(f"Mott's relation: way {number + 1} of {ways} to lay the points")
        with one_matrix_thread():
            found = slopes(problem.laid(Term.start[job.model.dimension], number), KB * t, nodes=nodes)
        drift = -LORENZ * t * found.of_heat[:, 0] / found.conductivity[:, 0]
        every.append([found.of_heat[:, 0] / found.of_charge[:, 0], drift])
    values = np.array(every)
    spread = values.std(axis=0, ddof=1) / np.sqrt(ways) * special.stdtrit(ways - 1, special.ndtr(1.0))
    result = xr.Dataset(coords={"temperature": ("temperature", t, {"units": "K"})})
    heat = lorenz(job, say).isel(mechanism=0).sortby("temperature")
    for name, unit, value, error in (
        ("mott_boltzmann", "1", values[:, 0].mean(axis=0), spread[0]),
        ("seebeck", "V/K", values[:, 1].mean(axis=0), spread[1]),
        ("lorenz_ratio", "1", heat.lorenz_ratio.values, heat.lorenz_ratio_error.values),
    ):
        result[name] = "temperature", value, {"units": unit}
        result[f"{name}_error"] = "temperature", error, {"units": unit}
    return result


def _ratio(value, law, relative, other) -> tuple[np.ndarray, np.ndarray]:
    """A ratio and its error; the two are of different runs, or as if they were, which is the larger error."""
    return value / law, np.abs(value / law) * np.hypot(relative, other)


def table(curves: dict[str, xr.Dataset]) -> str:
    """All numbers as comma-separated values: a row for each curve and temperature."""
    columns: dict[str, list] = {"scattering": [], "temperature (K)": []}
    for label, found in curves.items():
        columns["scattering"] += [label] * found.sizes["temperature"]
        columns["temperature (K)"] += list(found.temperature.values)
        for name in found.data_vars:
            columns.setdefault(f"{name} ({found[name].attrs['units']})", []).extend(found[name].values)
    return comma_separated(columns, zip(*columns.values(), strict=True))
