"""Units: eV, angstrom, 1/angstrom and kelvin inside, with ``e = hbar = 1``.

Everything that enters in laboratory units (m/s, kg/m^3, cm^-3, nm) is converted here and nowhere else.

* velocity: ``hbar v`` in eV angstrom;
* mass density: the phonon amplitude needs ``hbar^2 / (rho ...)``, so a mass enters as ``M / hbar^2`` in 1/(eV A^2);
* conductivity: a sum ``e^2 sum_k (-f') v g`` with ``hbar = 1`` is in units of ``e^2 / hbar`` times
  ``angstrom^(2 - d)``: multiply by :func:`conductivity_unit`.
"""

from __future__ import annotations

import math

from scipy import constants as _c

KB = _c.physical_constants["Boltzmann constant in eV/K"][0]
"""Boltzmann constant, eV/K."""

HBAR = _c.physical_constants["reduced Planck constant in eV s"][0]
"""Reduced Planck constant, eV s."""

ANGSTROM = _c.angstrom

HBAR2_OVER_2M = _c.hbar**2 / (2 * _c.m_e) / _c.e * 1e20
"""hbar^2 / 2 m_e, eV angstrom^2."""

BOHR = _c.physical_constants["Bohr radius"][0] * 1e10
"""Bohr radius, angstrom."""

COULOMB = _c.e / (4 * math.pi * _c.epsilon_0) * 1e10
"""e^2 / (4 pi epsilon_0), eV angstrom."""

MOBILITY = _c.e / _c.hbar * ANGSTROM**2 * 1e4
"""e angstrom^2 / hbar, cm^2/(V s): unit of conductivity over density inside."""


def velocity_from_si(metres_per_second: float) -> float:
    """Velocity in m/s as ``hbar v`` in eV angstrom."""
    return metres_per_second * HBAR / ANGSTROM


def mass_density_from_si(density: float, dimension: int) -> float:
    """Mass density in kg/m^d as ``rho / hbar^2`` in 1/(eV angstrom^(2+d))."""
    per_angstrom = density * ANGSTROM**dimension  # kg / angstrom^d
    return per_angstrom / (_c.hbar**2) * _c.e * ANGSTROM**2


def density_from_cm(density: float, dimension: int) -> float:
    """Number density in cm^-d as angstrom^-d."""
    return density * 1e-8**dimension


def strength_from_nm(strength: float, dimension: int) -> float:
    """Zero-range strength in eV nm^d as eV angstrom^d."""
    return strength * 10.0**dimension


def conductivity_unit(dimension: int) -> tuple[float, str]:
    """Factor and label from ``e^2/hbar angstrom^(2-d)`` to S/cm (3D) or e^2/h (2D)."""
    if dimension == 2:
        return 2 * math.pi, "e^2/h"
    return _c.e**2 / _c.hbar / (ANGSTROM * 100), "S/cm"


def siemens(dimension: int) -> float:
    """``e^2/hbar angstrom^(2-d)`` in S (2D) or S/m (3D)."""
    return _c.e**2 / _c.hbar * ANGSTROM ** (2 - dimension)


LORENZ = math.pi**2 / 3 * KB**2
"""Lorenz number of static scatterers in a cold metal, V^2/K^2."""

RESISTIVITY_UNIT = {2: "h/e^2", 3: "microohm cm"}
"""In which resistivities are given, by the dimension."""

VON_KLITZING = _c.h / _c.e**2
"""h/e^2, ohm."""

RESISTIVITY_UNITS: dict[str, tuple[float, int]] = {
    "microohm cm": (1e-6, 3),
    "uohm cm": (1e-6, 3),
    "µohm cm": (1e-6, 3),
    "µΩ cm": (1e-6, 3),
    "mohm cm": (1e-3, 3),
    "ohm cm": (1.0, 3),
    "Ω cm": (1.0, 3),
    "nohm cm": (1e-9, 3),
    "nΩ cm": (1e-9, 3),
    "nohm m": (1e-7, 3),
    "nΩ m": (1e-7, 3),
    "microohm m": (1e-4, 3),
    "ohm m": (100.0, 3),
    "Ω m": (100.0, 3),
    "ohm": (1 / VON_KLITZING, 2),
    "Ω": (1 / VON_KLITZING, 2),
    "kohm": (1e3 / VON_KLITZING, 2),
    "h/e^2": (1.0, 2),
}
"""Factor to the inverse of the unit of conductivities, ohm cm or (of a layer) h/e^2, and dimension of each unit."""

LENGTH_UNITS = {"nm": 1.0, "angstrom": 0.1, "Å": 0.1, "um": 1e3, "µm": 1e3, "m": 1e9}
"""Factors to nm."""
