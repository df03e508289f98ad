"""One run: model and scatterers in, dataset out; from an input file or from Python."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import xarray as xr

from ..errors import InputError
from ..intrinsic import intrinsic_conductivity
from ..shells.shell import fermi_shell
from ..transport import TransportSettings, estimate_cost, run_transport
from ..units import KB
from . import config
from .results import assemble


def anomalous_hall(
    model,
    scatterers,
    *,
    chemical_potential: float,
    temperatures,
    intrinsic_tolerance: float = 5e-3,
    intrinsic_mesh=None,
    progress=None,
    input_text: str = "",
    **settings,
) -> xr.Dataset:
    """All parts of the conductivity against temperature.

    Parameters
    ----------
    model : ElectronModel
    scatterers : Scatterer or list of Scatterer
    chemical_potential : float
        eV.
    temperatures : sequence of float
        K.
    intrinsic_tolerance : float
        Relative error of the intrinsic part.
    intrinsic_mesh : int, optional
        Fixed uniform mesh for the intrinsic part instead.
    progress : callable, optional
        ``progress(stage, done, total)``.
    **settings
        Fields of :class:`sidejump.transport.TransportSettings`.

    Returns
    -------
    xarray.Dataset
        Dims temperature, a, b; see the documentation of the results.

    Raises
    ------
    InputError
        For anything that cannot be computed as asked.
    """
    if not isinstance(scatterers, (list, tuple)):
        scatterers = [scatterers]
    report = progress or (lambda *_: None)
    chosen = TransportSettings(**settings)
    temperatures = np.asarray(temperatures, dtype=float)
    transport = run_transport(
        model,
        scatterers,
        chemical_potential=chemical_potential,
        temperatures=temperatures,
        settings=chosen,
        progress=lambda done, total: report("kinetic equation", done, total),
    )
    started = time.perf_counter()
    report("intrinsic part", 0, 1)
    options = {"mesh": intrinsic_mesh} if intrinsic_mesh else {}
    intrinsic = intrinsic_conductivity(
        model, [chemical_potential], temperatures, tolerance=intrinsic_tolerance, **options
    )
    report("intrinsic part", 1, 1)
    if not intrinsic.converged:
        transport.report["warnings"].append("the intrinsic part did not reach its tolerance")
    extra = {
        "intrinsic_points": intrinsic.points,
        "intrinsic_error": float(np.max(intrinsic.error)),
        "intrinsic_seconds": time.perf_counter() - started,
        "settings": vars(chosen),
        "chemical_potential_eV": float(chemical_potential),
    }
    dataset = assemble(model, temperatures, transport, intrinsic.sigma[0], extra=extra, input_text=input_text)
    return dataset


def run(source, *, progress=None, announce=None) -> xr.Dataset:
    """Run an input file (path) or the same content as a dictionary.

    Parameters
    ----------
    source : path or dict
    progress : callable, optional
        ``progress(stage, done, total)``.
    announce : callable, optional
        Receives the estimate of cost (dict) before the work starts.
    """
    if isinstance(source, dict):
        settings, folder, text = config.validate(source), Path(), repr(source)
    else:
        settings, folder = config.read_input(source), Path(source).parent
        text = Path(source).read_text()
    model, chemical_potential = config.build_model(settings.electrons, folder)
    scatterers = config.build_scatterers(settings.scattering, model)
    scale = None
    if settings.temperature.unit == "T_BG":
        scale = bloch_gruneisen_temperature(model, scatterers, chemical_potential)
    temperatures = config.temperatures(settings.temperature, scale)
    solver = settings.solver.model_dump(exclude={"intrinsic"})
    solver["memory"] *= 1e9
    if announce:
        announce(
            estimate_cost(
                model,
                scatterers,
                chemical_potential=chemical_potential,
                temperatures=temperatures,
                settings=TransportSettings(**solver),
            )
        )
    return anomalous_hall(
        model,
        scatterers,
        chemical_potential=chemical_potential,
        temperatures=temperatures,
        intrinsic_tolerance=settings.solver.intrinsic.tolerance,
        intrinsic_mesh=settings.solver.intrinsic.mesh,
        progress=progress,
        input_text=text,
        **solver,
    )


def bloch_gruneisen_temperature(model, scatterers, chemical_potential: float) -> float:
    """``T_BG = 2 hbar c k_F / k_B`` in K, for a model with one nearly circular Fermi line or sphere.

    Raises
    ------
    InputError
        If no scatterer is acoustic or the Fermi surface has no single radius.
    """
    sound = [s.sound_velocity for s in scatterers if s.sound_velocity]
    shell = fermi_shell(model, chemical_potential, spacing=model.k_scale / 2, turn=None, levels=0)
    radius = np.linalg.norm(shell.k, axis=1)
    if not sound or model.cell is not None or np.ptp(radius) > 1e-3 * radius.mean():
        raise InputError('[temperature] unit = "T_BG" needs acoustic phonons and one Fermi radius; use unit = "K"')
    return 2 * sound[0] * float(radius.mean()) / KB
