"""Fig. 1 of the paper: closed form next to the exact inelastic solution of the general machinery."""

from __future__ import annotations

import numpy as np

from ..closed_forms import dirac
from ..electrons.dirac import MassiveDirac
from ..scattering.base import Branch, Scatterer
from ..transport import TransportSettings, run_transport
from ..units import KB

MASS, FERMI_ENERGY, VELOCITY, SOUND = 0.1, 0.2, 3.0, 0.015
"""Delta = e_F / 2 and c/v = 0.005; only these ratios matter."""


def figure1_curves(temperatures=None, *, energy_nodes=7, progress=None) -> dict:
    """Curves against T/T_BG: the side jump in e^2/h and the resistivity relative to its value at T_BG."""
    t = np.geomspace(0.01, 5, 50) if temperatures is None else np.asarray(temperatures)
    model = MassiveDirac(mass=MASS, velocity=VELOCITY)
    scale = 2 * SOUND * np.sqrt(FERMI_ENERGY**2 - MASS**2) / VELOCITY / KB
    phonons = Scatterer(
        "acoustic phonons", 2, (Branch(lambda q: 0.5 * SOUND * q, lambda q: SOUND * q),), "identity", SOUND
    )
    result = run_transport(
        model,
        [phonons],
        chemical_potential=FERMI_ENERGY,
        temperatures=t * scale,
        settings=TransportSettings(energy_nodes=energy_nodes),
        progress=progress,
    )
    side_jump = 2 * np.pi * (result.side_jump_velocity + result.side_jump_distribution)[:, 1, 0]
    resistivity = 1 / result.boltzmann[:, 0, 0]
    reference = np.exp(np.interp(0.0, np.log(t), np.log(resistivity)))
    shape = np.array([dirac.phonon_resistivity_shape(x, MASS / FERMI_ENERGY) for x in t])
    return {
        "t": t,
        "closed_form": np.array([dirac.phonon_side_jump(x, MASS / FERMI_ENERGY) for x in t]),
        "exact": side_jump,
        "resistivity": resistivity / reference,
        "resistivity_closed": shape / dirac.phonon_resistivity_shape(1.0, MASS / FERMI_ENERGY),
        "report": result.report,
    }
