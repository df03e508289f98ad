"""Occupations of the bands, at a point or averaged over the cell of k space that the point stands for.

Over a cell the energy of a band varies by ``v . dk``, with variance s^2.  The logistic function is a mixture of
normal distributions of variance ``(2 kappa T)^2``, kappa distributed as Kolmogorov's statistic (Andrews and
Mallows), so that averaging over the cell adds s^2 to every variance.  At T = 0 one normal distribution is left.
This treats a sharp Fermi surface through the cells as exactly as their bands are straight.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erfc, expit
from scipy.stats import kstwobign

from ..units import KB

_FULL = 9.0  # standard deviations beyond which a state is full or empty


def _mixture(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (in kT) and weights of `n` normal distributions that add up to -f'."""
    lower, upper = np.log(0.2), np.log(3.4)
    x, w = np.polynomial.legendre.leggauss(n)
    log_kappa = lower + (upper - lower) * (x + 1) / 2
    kappa = np.exp(log_kappa)
    weight = w * kstwobign.pdf(kappa) * kappa
    return 2 * kappa, weight / weight.sum()


_SCALES, _WEIGHTS = _mixture(12)


def fermi(energy, chemical_potentials, temperatures) -> np.ndarray:
    """Fermi function at points, a step at T = 0: shape (n_mu, n_T, ...)."""
    x = np.asarray(energy) - np.asarray(chemical_potentials, dtype=float).reshape(-1, *[1] * np.ndim(energy))
    return np.stack([expit(-x / (KB * t)) if t > 0 else np.heaviside(-x, 0.5) for t in temperatures], axis=1)


def cell_fermi(energy, spread, chemical_potentials, temperatures) -> np.ndarray:
    """Fermi function averaged over cells in which the energies vary by `spread` (standard deviation, eV).

    `energy` and `spread` have one shape; the result has shape (n_mu, n_T, ...).
    """
    result = np.empty((len(chemical_potentials), len(temperatures), *energy.shape))
    for i, mu in enumerate(chemical_potentials):
        x = energy - mu
        for j, temperature in enumerate(temperatures):
            thermal = KB * temperature
            f = (x < 0).astype(float)
            reach = np.abs(x) < np.maximum(_FULL * spread, 40 * thermal)
            xr, sr = x[reach], spread[reach]
            if thermal == 0:
                value = 0.5 * erfc(xr / (np.sqrt(2) * np.maximum(sr, 1e-300)))
            else:
                value = expit(-xr / thermal)
                # a spread below 0.02 kT changes f by less than 3e-5: left alone
                wide = sr > 0.02 * thermal
                width = np.sqrt(2 * ((_SCALES * thermal) ** 2 + sr[wide, None] ** 2))
                value[wide] = 0.5 * erfc(xr[wide, None] / width) @ _WEIGHTS
            f[reach] = value
            result[i, j] = f
    return result
