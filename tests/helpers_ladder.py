"""Mobility of a parabolic band with polar optical phonons of one energy, without shells, basis or operator.

A phonon of energy w couples the energies ``e0, e0 + w, e0 + 2 w, ...`` only.  With ``g = phi(e) cos(theta)`` eq. 2b is
a tridiagonal system for each e0 in (0, w),

    sum_+- N_+- [1 - f(e +- w)] 2 pi D(e +- w) [A0 phi(e) - A1 phi(e +- w)] = [1 - f(e)] v(e),

with A0, A1 the means of ``S / q^2`` and ``S cos(theta) / q^2`` over angles, N_+ = N, N_- = N + 1.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_banded
from scipy.special import expit


def polar_mobility(curvature, strength, phonon, mu, kt, *, points=120, reach=45.0) -> tuple[float, float]:
    """Mobility (e/hbar angstrom^2) and density (1/angstrom^3) of ``e = curvature k^2``, two spins.

    Parameters
    ----------
    curvature : float
        eV angstrom^2.
    strength : float
        S, eV^2 angstrom.
    phonon, mu, kt : float
        eV, from the band edge.
    reach : float
        kT above the larger of mu and the edge beyond which nothing counts.
    """
    node, weight = np.polynomial.legendre.leggauss(points)
    u, weight = 0.5 * (node + 1), 0.5 * weight
    bottom, weight = phonon * u**2, weight * 2 * phonon * u  # square roots at every threshold
    steps = int(np.ceil((max(mu, 0.0) + reach * kt) / phonon)) + 2
    e = bottom[:, None] + phonon * np.arange(steps)
    k = np.sqrt(e / curvature)
    density, v = k / (4 * np.pi**2 * curvature), 2 * curvature * k
    free = expit((e - mu) / kt)  # 1 - f
    n = 1 / np.expm1(phonon / kt)

    a, b = k[:, :-1], k[:, 1:]
    z = (a**2 + b**2) / (2 * a * b)
    log = 0.5 * np.log((z + 1) / (z - 1))
    zeroth, first = strength / (2 * a * b) * log, strength / (2 * a * b) * (z * log - 1)
    up = 2 * np.pi * n * free[:, 1:] * density[:, 1:]
    down = 2 * np.pi * (n + 1) * free[:, :-1] * density[:, :-1]
    phi = np.empty_like(e)
    for i in range(points):
        bands = np.zeros((3, steps))
        bands[1, :-1] += up[i] * zeroth[i]
        bands[1, 1:] += down[i] * zeroth[i]
        bands[0, 1:] = -up[i] * first[i]
        bands[2, :-1] = -down[i] * first[i]
        phi[i] = solve_banded((1, 1), bands, free[i] * v[i])
    f = expit((mu - e) / kt)
    sigma = 2 / 3 * np.sum(weight[:, None] * density * v * phi * f * free / kt)
    carriers = 2 * np.sum(weight[:, None] * density * f)
    return float(sigma / carriers), float(carriers)
