"""References that no shell, pair or solver of the package has a part in.

The exact inelastic equation of the massive Dirac model, one integral equation in the energy
(:mod:`sidejump.reference.dirac_exact`).  The lower band is left out: ``exp(-(mu + Delta) / kT)`` is 6e-5 at 300 K.
"""

from __future__ import annotations

import numpy as np

from sidejump.reference.dirac_exact import solve_exact
from sidejump.units import KB, mass_density_from_si, velocity_from_si

from .case import TEMPERATURES

_NODES = (60, 360)  # energies and angles
_FEWER = (40, 240)  # what these change is the error


def dirac_2d(
    temperatures=TEMPERATURES,
    *,
    mass=0.05,
    velocity=3.0,
    chemical_potential=0.2,
    potential=4.0,
    sound=2500.0,
    density=7.6e-7,
) -> dict:
    """Side jump and conductivity (e^2/h) of the case of that name, with their errors."""
    slope = velocity_from_si(sound)
    strength = potential**2 / (mass_density_from_si(density, 2) * slope**2)  # 2 |V0|^2 / omega, eV angstrom^2
    k_fermi = np.sqrt(chemical_potential**2 - mass**2) / velocity
    found = {}
    for nodes in (_FEWER, _NODES):
        solutions = [
            solve_exact(
                slope / velocity,
                KB * t / (2 * slope * k_fermi),
                mass=mass,
                chemical_potential=chemical_potential,
                n_energies=nodes[0],
                n_angles=nodes[1],
            )
            for t in temperatures
        ]
        found[nodes] = {
            "boltzmann xx": np.array([2 * np.pi * velocity**2 / strength * s.sigma_xx for s in solutions]),
            "side jump yx": np.array([s.side_jump for s in solutions]),
        }
    return {part: (value, np.abs(value - found[_FEWER][part])) for part, value in found[_NODES].items()}


EXACT = {"dirac_2d": dirac_2d}
