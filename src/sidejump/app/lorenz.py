"""Wiedemann and Franz's law on the Fermi surface of a run: with all that scatters together, and with each alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import xarray as xr

from ..accuracy.replica import FINER
from ..accuracy.statistics import ALONE
from ..errors import InputError, NoStates
from ..outputs import comma_separated
from ..transport.lorenz import conductivities
from ..transport.problem import Problem, audible
from ..transport.term import Term
from ..units import KB, RESISTIVITY_UNIT, RESISTIVITY_UNITS, conductivity_unit
from .competition import distinct_names
from .run import Job
from .scan import Scan


def lorenz(whole: Job | Scan, say: Callable[[str], None]) -> xr.Dataset:
    """Lorenz ratio, resistivity and what heat has in its place, of all mechanisms together and of each alone.

    To the leading order of kT over the energies on which bands and rates change, on the points of the Fermi surface of
    the first level (:func:`.conductivities`).

    Parameters
    ----------
    whole : Job or Scan
        Of one chemical potential or carrier density.
    say : callable
        Told of every part.

    Returns
    -------
    xarray.Dataset
        `lorenz_ratio`, `resistivity` (of the mean of the axes) and `heat_resistivity`, ``L_0 T / kappa``, each with
        `..._error` over mechanism and temperature: what a coarser Fermi surface and fewer energy nodes change, and the
        bias that a level alone is taken to have.

    Raises
    ------
    InputError
        If there is no Fermi surface at the chemical potential.
    """
    jobs = getattr(whole, "jobs", [whole])
    scatterers = audible(jobs[0].scatterers)
    if len(scatterers) > 1:
        alone = zip(distinct_names(scatterers), scatterers, strict=True)
        sets = {"all together": scatterers} | {f"{name} alone": [s] for name, s in alone}
    else:
        sets = {scatterers[0].name: scatterers}
    found = []
    for words, some in sets.items():
        say(words)
        found.append(np.concatenate([_placed(job, some) for job in jobs], axis=2))
    # mechanism, surface, nodes, temperature, charge and heat
    carried = np.array(found)
    model = jobs[0].model
    unit = RESISTIVITY_UNIT[model.dimension]
    factor = conductivity_unit(model.dimension)[0] * model.spin_degeneracy * RESISTIVITY_UNITS[unit][0]
    values = {
        "lorenz_ratio": (carried[..., 1] / carried[..., 0], "1"),
        "resistivity": (1 / (factor * carried[..., 0]), unit),
        "heat_resistivity": (1 / (factor * carried[..., 1]), unit),
    }
    result = xr.Dataset(coords={"mechanism": list(sets), "temperature": whole.temperatures})
    for name, (each, units) in values.items():
        value, coarse, fewer = each[:, 0, -1], each[:, 1, -1], each[:, 0, 0]
        error = np.sqrt((value - coarse) ** 2 + (value - fewer) ** 2 + (ALONE * value) ** 2)
        result[name] = (("mechanism", "temperature"), value, {"units": units})
        result[f"{name}_error"] = (("mechanism", "temperature"), error, {"units": units})
    return result.isel(temperature=np.argsort(whole.temperatures))


def _placed(job: Job, scatterers) -> np.ndarray:
    """See :func:`.conductivities`, on two surfaces, the second coarser: shape (2, nodes, nT, 2)."""
    d = job.model.dimension
    accuracy = 1.0 if d == 2 else Term.start[d]
    try:
        settings = replace(job.settings, skew_scattering="off", heat=False)
        problem = Problem(job.model, list(scatterers), job.chemical_potential, settings)
        laid = [problem.laid(accuracy / coarser, 0) for coarser in (1.0, FINER)]
        return np.array([conductivities(one, KB * job.temperatures) for one in laid])
    except NoStates:
        raise InputError(
            f"chemical potential {job.chemical_potential:g} eV: there is no Fermi surface, which the Lorenz ratio of "
            "this picture is of; ask a run for the heat current in its place"
        ) from None


def table(found: xr.Dataset) -> str:
    """The numbers of the picture as comma-separated values: a row for each mechanism and temperature."""
    columns: dict[str, np.ndarray] = {
        "mechanism": np.repeat(found.mechanism.values, found.sizes["temperature"]),
        "temperature (K)": np.tile(found.temperature.values, found.sizes["mechanism"]),
    }
    columns |= {f"{name} ({found[name].attrs['units']})": found[name].values.ravel() for name in found.data_vars}
    return comma_separated(columns, zip(*columns.values(), strict=True))
