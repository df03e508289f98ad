"""Massive Dirac electrons: Mott's relation and Wiedemann and Franz's law at any temperature, without shells and pairs.

Zero-range impurities leave an electron its energy, so that everything is an integral over the closed forms of
:mod:`.dirac`: with ``x = (e - mu)/kT`` and ``<x^p s> = int de (-f') x^p s(e)``, alpha is ``-(k_B/e) <x s>``, kappa/T is
``(k_B/e)^2 <x^2 s>``.  Of acoustic phonons it is the integral equation of :mod:`.dirac_exact`.

Ratios are one where both laws hold; by name: ``mott_boltzmann`` and ``mott_side_jump``, alpha over ``-(pi^2/3) kB^2 T /
e`` times the slope of the conductivity by mu at the same temperature; ``lorenz_ratio``, kappa without a current over T,
the conductivity and the Lorenz number; ``lorenz_side_jump``, the same of the side jumps, at zero field.
"""

from __future__ import annotations

import numpy as np

from .dirac import zero_range_conductivity, zero_range_side_jump
from .dirac_exact import solve_exact

_REACH, _POINTS = 40.0, 400  # kT, Gauss-Legendre
_STEP = 0.01  # of mu, to either side, for slopes

_LORENZ = np.pi**2 / 3


def zero_range_ratios(kt: float, chemical_potential: float, mass: float) -> dict[str, float]:
    """Both laws for zero-range impurities.

    Parameters
    ----------
    kt, chemical_potential, mass : float
        eV. The chemical potential is in the upper band, far enough in kT for the lower one to be full.
    """
    u, weight = np.polynomial.legendre.leggauss(_POINTS)
    low = max(-_REACH, (mass - chemical_potential) / kt)
    x = low + (u + 1) * 0.5 * (_REACH - low)
    thermal = 0.5 * (_REACH - low) * weight / (4 * np.cosh(x / 2) ** 2)
    e = chemical_potential + kt * x
    found = []
    for of in (_along, zero_range_side_jump):
        sigma = np.array([of(float(d)) for d in mass / e])
        none, one, two = (thermal @ (x**p * sigma) for p in (0, 1, 2))
        # d <s> / d mu: the derivative of -f' by x is tanh(x/2) times it
        slope = thermal @ (np.tanh(x / 2) * sigma) / kt
        found.append((one / (_LORENZ * kt * slope), one / none, two / none / _LORENZ))
    (along, drift, lorenz), (across, _, side_jump) = found
    return {
        "mott_boltzmann": float(along),
        "mott_side_jump": float(across),
        "lorenz_ratio": float(lorenz - drift**2 / _LORENZ),
        "lorenz_side_jump": float(side_jump),
    }


def _along(delta: float) -> float:
    # the density of impurities falls out of all ratios
    return zero_range_conductivity(delta, fermi_energy=1.0, velocity=1.0, strength=1.0)


def phonon_ratios(sound_ratio: float, kt: float, chemical_potential: float, mass: float) -> dict[str, float]:
    """``mott_boltzmann`` and ``lorenz_ratio`` of acoustic phonons.

    Parameters
    ----------
    sound_ratio : float
        c / v.
    kt, chemical_potential, mass : float
        eV.
    """

    def at(mu: float):
        t_bg = 2 * sound_ratio * np.sqrt(mu**2 - mass**2)
        return solve_exact(sound_ratio, kt / t_bg, mass=mass, chemical_potential=mu)

    here, (low, high) = at(chemical_potential), (at(chemical_potential * (1 + s * _STEP)) for s in (-1, 1))
    slope = (high.sigma_xx - low.sigma_xx) / (2 * _STEP * chemical_potential)
    return {"mott_boltzmann": here.thermoelectric / (_LORENZ * kt * slope), "lorenz_ratio": here.lorenz_ratio}
