"""Resistivity of a spherical Fermi surface with acoustic phonons: the Bloch-Grueneisen curve and its limits.

Parabolic band of mass m, longitudinal Debye phonons ``omega = c q`` with the deformation potential D,
``|V0(q)|^2 = D^2 q / (2 rho c)``.  Quasi-elastic: what one energy node gives.  One spin: halve it for two.
All quantities with ``e = hbar = 1``: m in 1/(eV A^2), k_F in 1/A, D in eV, c in eV A, rho in 1/(eV A^5);
the resistivity is in ``hbar/e^2`` times angstrom.  No Umklapp processes.
"""

from __future__ import annotations

import itertools
import math

from scipy.integrate import quad
from scipy.special import zeta

from .dirac import bose_factor


def debye_integral(upper: float) -> float:
    """``J_5(z) = int_0^z dx x^5 / ((e^x - 1)(1 - e^-x))``; ``5! zeta(5)`` at infinity, ``z^4/4`` at 0."""
    top = min(upper, 120.0)
    edges = [0.0, *[x for x in (5.0, 15.0, 40.0) if x < top], top]
    return sum(
        quad(lambda x: x**3 * bose_factor(x), a, b, epsabs=0, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges)
    )


def bloch_gruneisen_temperature(*, k_fermi: float, sound_velocity: float) -> float:
    """``k_B T_BG = 2 hbar c k_F`` in eV."""
    return 2 * sound_velocity * k_fermi


def resistivity(
    kt: float,
    *,
    mass: float,
    k_fermi: float,
    deformation_potential: float,
    sound_velocity: float,
    mass_density: float,
) -> float:
    """Resistivity ``rho(T)`` of one spin, ``hbar/e^2`` angstrom; `kt` in eV.

    ``1/tau = (m D^2 / (4 pi rho c k_F^3)) (kT/c)^5 J_5(T_BG/T)`` and ``rho = m / (n tau)`` with
    ``n = k_F^3 / 6 pi^2``.
    """
    z = bloch_gruneisen_temperature(k_fermi=k_fermi, sound_velocity=sound_velocity) / kt
    return _scale(mass, k_fermi, deformation_potential, sound_velocity, mass_density, kt) * debye_integral(z)


def low_temperature_resistivity(
    kt: float,
    *,
    mass: float,
    k_fermi: float,
    deformation_potential: float,
    sound_velocity: float,
    mass_density: float,
) -> float:
    """The ``T^5`` law, ``J_5 -> 5! zeta(5) = 124.43``."""
    return _scale(mass, k_fermi, deformation_potential, sound_velocity, mass_density, kt) * (
        math.factorial(5) * float(zeta(5))
    )


def high_temperature_resistivity(
    kt: float,
    *,
    mass: float,
    k_fermi: float,
    deformation_potential: float,
    sound_velocity: float,
    mass_density: float,
) -> float:
    """The linear law, ``J_5(z) -> z^4 / 4``."""
    z = bloch_gruneisen_temperature(k_fermi=k_fermi, sound_velocity=sound_velocity) / kt
    return _scale(mass, k_fermi, deformation_potential, sound_velocity, mass_density, kt) * z**4 / 4


def _scale(mass, k_fermi, potential, velocity, density, kt):
    rate = mass * potential**2 / (4 * math.pi * density * velocity * k_fermi**3) * (kt / velocity) ** 5
    return 6 * math.pi**2 * mass * rate / k_fermi**3
