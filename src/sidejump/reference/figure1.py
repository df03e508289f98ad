"""Fig. 1 of the paper: closed form next to the exact inelastic solution of the general machinery."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline

from ..bands.dirac import MassiveDirac
from ..interactions.base import Branch, Scatterer
from ..threads import one_matrix_thread
from ..transport import TransportResult, TransportSettings, run_transport
from ..units import KB
from . import dirac

MASS, FERMI_ENERGY, VELOCITY, SOUND = 0.1, 0.2, 3.0, 0.015
"""Delta = e_F / 2 and c/v = 0.005; only these ratios matter. eV, eV, eV angstrom, eV angstrom."""


_COLD = 0.035
"""T/T_BG up to which phonons of a few kT reach a small part of the contour: many points, and few nodes are enough."""

_SETTINGS = {
    True: TransportSettings(energy_nodes=7, geometry="shared", accuracy=0.7, tolerance=1e-4),
    False: TransportSettings(energy_nodes=13, minimum=24, tolerance=2e-4),
}
"""Cold or not: what keeps the side jump within 2e-5 of the exact solution (benchmarks/figure1.py)."""


def figure1_curves(
    temperatures=None,
    *,
    energy_nodes: int | None = None,
    mass: float = MASS,
    fermi_energy: float = FERMI_ENERGY,
    velocity: float = VELOCITY,
    sound: float = SOUND,
    progress=None,
) -> dict:
    """Curves against T/T_BG: the side jump in e^2/h and the resistivity relative to its value at T_BG.

    Parameters
    ----------
    temperatures : sequence of float, optional
        T/T_BG, ascending; 50 from 0.01 to 5 when left out.
    energy_nodes : int, optional
        As many as 1e-4 of the side jump needs when left out.
    mass, fermi_energy, velocity, sound : float
        Of massive Dirac electrons and of their phonons, eV and eV angstrom; those of the paper when left out.
    progress : callable, optional
        Called as ``progress(done, total)``.
    """
    t = np.geomspace(0.01, 5, 50) if temperatures is None else np.asarray(temperatures, dtype=float)
    if energy_nodes is None:
        parts = [(t > _COLD, _SETTINGS[False]), (t <= _COLD, _SETTINGS[True])]
    else:
        parts = [(np.full(len(t), True), TransportSettings(energy_nodes=energy_nodes))]
    side_jump, conductivity = np.empty(len(t)), np.empty(len(t))
    reports: list[dict] = []
    done = 0
    with one_matrix_thread():  # the matrices are too small to be shared between threads
        for chosen, settings in parts:
            if chosen.any():
                advance = _share(progress, done, int(chosen.sum()), len(t))
                result = _transport(t[chosen], settings, advance, mass, fermi_energy, velocity, sound)
                sj = result.side_jump_velocity + result.side_jump_distribution
                side_jump[chosen] = 2 * np.pi * sj[:, 1, 0]
                conductivity[chosen] = result.boltzmann[:, 0, 0]
                reports.append(result.report)
                done += int(chosen.sum())
    logarithm = -np.log(conductivity)
    spline = make_interp_spline(np.log(t), logarithm, k=min(3, len(t) - 1))
    reference = np.exp(spline(np.clip(0.0, np.log(t.min()), np.log(t.max()))))
    shape = np.array([dirac.phonon_resistivity_shape(x, mass / fermi_energy) for x in t])
    return {
        "t": t,
        "closed_form": np.array([dirac.phonon_side_jump(x, mass / fermi_energy) for x in t]),
        "exact": side_jump,
        "resistivity": 1 / conductivity / reference,
        "resistivity_closed": shape / dirac.phonon_resistivity_shape(1.0, mass / fermi_energy),
        "report": {name: max(r[name] for r in reports) for name in ("states", "pairs", "onsager_error")}
        | {"seconds": sum(r["seconds"] for r in reports), "warnings": [w for r in reports for w in r["warnings"]]},
    }


def _share(progress, before: int, count: int, total: int):
    """Progress of `count` of `total` temperatures, `before` of which are done."""
    return progress and (lambda done, of: progress(before + round(count * done / of), total))


def _transport(t, settings: TransportSettings, progress, mass, fermi_energy, velocity, sound) -> TransportResult:
    """Massive Dirac electrons and acoustic phonons at temperatures in T_BG."""
    scale = 2 * sound * np.sqrt(fermi_energy**2 - mass**2) / velocity / KB
    phonons = Scatterer(
        "acoustic phonons", 2, (Branch(lambda q: 0.5 * sound * q, lambda q: sound * q),), "identity", sound
    )
    return run_transport(
        MassiveDirac(mass=mass, velocity=velocity),
        [phonons],
        chemical_potential=fermi_energy,
        temperatures=t * scale,
        settings=settings,
        progress=progress,
    )
