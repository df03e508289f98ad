"""Massive Dirac model with acoustic phonons or zero-range impurities: the closed forms (eqs 16-21, B1-B5).

The phonon energy is neglected in the energy balance (quasi-elastic scattering), but kept in the phonon and
Pauli factors.  Everything then depends on two numbers, ``T / T_BG`` with
``k_B T_BG = 2 hbar c k_F``, and ``d = Delta / e_F``.  Not covered: finite ``c / v`` and ``kT / e_F``
(:mod:`sidejump.reference.dirac_exact`), and skew scattering.

Side-jump and Hall values are the component ``yx`` (current along y, field along x).
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.integrate import quad


def overlap(half_angle_sine, delta):
    """``|<u'|u>|^2 = 1 - (1 - d^2) sin^2(phi/2)`` for two states of one energy."""
    return 1 - (1 - delta**2) * np.square(half_angle_sine)


def bose_factor(y):
    """``y^2 N (N + 1)`` with N the Bose function of ``y = omega / kT``; 1 at y = 0."""
    y = np.asarray(y, dtype=float)
    half = np.clip(np.abs(y) / 2, 1e-8, 350.0)
    return np.square(half / np.sinh(half))


def phonon_angle_average(function, t_over_tbg: float) -> float:
    """``(1/pi) int_0^pi dphi  F(s) y^2 N(N+1) (1 - cos phi)``, ``s = sin(phi/2)``, ``y = s T_BG / T`` (B5).

    Parameters
    ----------
    function : callable
        F of s.
    t_over_tbg : float
        ``T / T_BG``, positive.
    """
    if t_over_tbg <= 0:
        raise ValueError(f"t_over_tbg = {t_over_tbg} must be positive")
    # In z = T_BG/T * phi/2 the integrand has its weight at z of order one, whatever the temperature.
    top = np.pi / 2 / t_over_tbg

    def integrand(z):
        s = np.sin(z * t_over_tbg)
        return function(s) * bose_factor(s / t_over_tbg) * 2 * s**2

    edges = [0.0, *[z for z in (4.0, 12.0, 30.0, 70.0) if z < top], min(top, 100.0)]
    parts = (quad(integrand, a, b, epsabs=0, epsrel=1e-12, limit=200)[0] for a, b in itertools.pairwise(edges))
    return sum(parts) * 2 * t_over_tbg / np.pi


def transport_ratio(t_over_tbg: float, delta: float) -> float:
    """R, the transport time over the side-jump time (eqs 19, 20, B4).

    Parameters
    ----------
    t_over_tbg : float
        ``T / T_BG``.
    delta : float
        ``Delta / e_F``, between -1 and 1.
    """
    bare = phonon_angle_average(lambda s: 1.0, t_over_tbg)
    dressed = phonon_angle_average(lambda s: overlap(s, delta), t_over_tbg)
    return bare / dressed


def low_temperature_ratio(delta: float) -> float:
    """R for ``T << T_BG`` (eq. 21)."""
    return 1.0


def high_temperature_ratio(delta: float) -> float:
    """R for ``T >> T_BG`` (eq. 21)."""
    return 4 / (1 + 3 * delta**2)


def side_jump_conductivity(ratio: float, delta: float) -> float:
    """sigma_sj = ``(1/2) d (1 - d^2) R`` in e^2/h (eq. 18)."""
    return delta * (1 - delta**2) * ratio / 2


def phonon_side_jump(t_over_tbg: float, delta: float) -> float:
    """Phonon side-jump conductivity in e^2/h (Fig. 1 of the paper)."""
    return side_jump_conductivity(transport_ratio(t_over_tbg, delta), delta)


def phonon_conductivity(
    t_over_tbg: float,
    delta: float,
    *,
    fermi_energy: float,
    velocity: float,
    sound_velocity: float,
    coupling: float,
) -> float:
    """Quasi-elastic longitudinal conductivity in e^2/hbar, zero-temperature carriers.

    Parameters
    ----------
    t_over_tbg, delta : float
        ``T / T_BG`` and ``Delta / e_F``.
    fermi_energy : float
        e_F from the middle of the gap, eV.
    velocity, sound_velocity : float
        ``hbar v`` and ``hbar c``, eV angstrom.
    coupling : float
        ``lambda^2 = 2 |V0(q)|^2 / (hbar omega_q)``, eV angstrom^2.
    """
    k_fermi = fermi_energy * np.sqrt(1 - delta**2) / velocity
    kt = t_over_tbg * 2 * sound_velocity * k_fermi
    density_of_states = fermi_energy / (2 * np.pi * velocity**2)
    group_velocity = velocity**2 * k_fermi / fermi_energy
    average = phonon_angle_average(lambda s: overlap(s, delta), t_over_tbg)
    rate = 2 * np.pi * density_of_states * coupling * kt * average
    return density_of_states * group_velocity**2 / rate / 2


def phonon_resistivity_shape(t_over_tbg: float, delta: float) -> float:
    """Resistivity over its extrapolated high-temperature line at ``T_BG``: ``T/T_BG`` for ``T >> T_BG``."""
    average = phonon_angle_average(lambda s: overlap(s, delta), t_over_tbg)
    return t_over_tbg * average * high_temperature_ratio(delta)


def intrinsic_conductivity(delta: float) -> float:
    """Intrinsic part in e^2/h at zero temperature, ``d / 2``: ``(e^2 / 4 pi hbar) Delta / e_F``."""
    return delta / 2


def zero_range_side_jump(delta: float) -> float:
    """Side jump of static zero-range impurities in e^2/h, whatever their density and strength.

    ``(e^2 / 4 pi hbar) (Delta / e_F) 4 (v k)^2 / (4 Delta^2 + (v k)^2)``; equal to the high-temperature
    limit of acoustic phonons.
    """
    momentum = 1 - delta**2
    return delta / 2 * 4 * momentum / (4 * delta**2 + momentum)


def smooth_side_jump(delta: float) -> float:
    """Side jump of forward scattering, e^2/h: long-range impurities, phonons far below ``T_BG`` (eq. 14)."""
    return side_jump_conductivity(1.0, delta)


def zero_range_conductivity(delta: float, *, fermi_energy: float, velocity: float, strength: float) -> float:
    """Longitudinal conductivity of zero-range impurities, e^2/hbar.

    Parameters
    ----------
    strength : float
        ``n_i U^2``, eV^2 angstrom^2.
    """
    density_of_states = fermi_energy / (2 * np.pi * velocity**2)
    group_velocity = velocity * np.sqrt(1 - delta**2)
    rate = 2 * np.pi * density_of_states * strength * (1 + 3 * delta**2) / 4
    return density_of_states * group_velocity**2 / rate / 2
