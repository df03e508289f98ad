"""Rydberg atomic units of the first-principles codes, in eV, angstrom and electron masses."""

from scipy import constants as _c

from ..units import BOHR

RYDBERG = _c.physical_constants["Rydberg constant times hc in eV"][0]
"""Energy, eV."""

MASS = 2.0
"""Mass in electron masses: in these units ``m_e = 1/2``."""

FORCE = RYDBERG / BOHR
"""Ry/bohr in eV/angstrom."""

FORCE_CONSTANT = RYDBERG / BOHR**2
"""Ry/bohr^2 in eV/angstrom^2."""

ATOMIC_MASS = _c.physical_constants["atomic mass constant"][0] / _c.m_e
"""Unified atomic mass unit in electron masses."""
