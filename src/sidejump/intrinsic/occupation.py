"""Occupations of the bands, at a point or averaged over the cell of k space that the point stands for.

Over a cell the energy of a band varies by ``v . dk``, with variance s^2.  The logistic function is a mixture of
normal distributions of variance ``(2 kappa T)^2``, kappa distributed as Kolmogorov's statistic (Andrews and
Mallows), so that averaging over the cell adds s^2 to every variance.  At T = 0 one normal distribution is left.
This treats a sharp Fermi surface through the cells as exactly as their bands are straight.

Where s is small against kT the average is the Fermi function itself, where it is large one normal distribution of
variance ``s^2 + (pi kT)^2 / 3``, which leaves out the excess kurtosis of the logistic function: 0.3 (kT/s)^4.
"""

from __future__ import annotations

import numpy as np
from scipy.special import erfc, expit, spence

from ..units import KB

_FULL = 9.0  # standard deviations beyond which a state is full or empty
_SHARP = 0.02  # spread in kT below which averaging changes f by less than 3e-5
_BROAD = 10.0  # spread in kT above which f is the normal distribution, to 3e-5


def _kolmogorov_density(kappa) -> np.ndarray:
    """Density of Kolmogorov's statistic, ``8 kappa sum_n (-1)^(n+1) n^2 exp(-2 n^2 kappa^2)``, to rounding from 0.2 on.

    SciPy has it in its statistics alone, which take longer to import than the rest of the program.
    """
    n = np.arange(1, 30)[:, None]
    return np.sum(-8 * kappa * (-1.0) ** n * n**2 * np.exp(-2 * (n * kappa) ** 2), axis=0)


def _mixture(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Standard deviations (in kT) and weights of `n` normal distributions that add up to -f'."""
    lower, upper = np.log(0.2), np.log(3.4)
    x, w = np.polynomial.legendre.leggauss(n)
    log_kappa = lower + (upper - lower) * (x + 1) / 2
    kappa = np.exp(log_kappa)
    weight = w * _kolmogorov_density(kappa) * kappa
    return 2 * kappa, weight / weight.sum()


_SCALES, _WEIGHTS = _mixture(12)


def each(chemical_potentials, temperatures) -> np.ndarray:
    """Temperatures (n_mu, n_T) of every chemical potential, from those, or from (n_T,) for all of them."""
    temperatures = np.asarray(temperatures, dtype=float)
    return np.broadcast_to(temperatures, (len(chemical_potentials), temperatures.shape[-1]))


def fermi(energy, chemical_potentials, temperatures) -> np.ndarray:
    """Fermi function at points, a step at T = 0: shape (n_mu, n_T, ...); temperatures (n_T,) or (n_mu, n_T)."""
    result = np.empty((*each(chemical_potentials, temperatures).shape, *np.shape(energy)))
    for i, (mu, some) in enumerate(zip(chemical_potentials, each(chemical_potentials, temperatures), strict=True)):
        x = np.asarray(energy) - mu
        for j, t in enumerate(some):
            result[i, j] = expit(-x / (KB * t)) if t > 0 else np.heaviside(-x, 0.5)
    return result


def cell_fermi(energy, spread, chemical_potentials, temperatures, *, quick: bool = False) -> np.ndarray:
    """Fermi function averaged over cells in which the energies vary by `spread` (standard deviation, eV).

    `energy` and `spread` have one shape, temperatures (n_T,) or (n_mu, n_T); the result has shape (n_mu, n_T, ...).
    With `quick` one function of the right variance stands for the average, a logistic one where kT is above the spread
    and a normal one where it is below.
    """
    average = _one_function if quick else _averaged
    each_thermal = KB * each(chemical_potentials, temperatures)
    result = np.empty((*each_thermal.shape, *energy.shape))
    for i, (mu, thermal) in enumerate(zip(chemical_potentials, each_thermal, strict=True)):
        x = energy - mu
        result[i] = x < 0
        near = np.abs(x) < np.maximum(_FULL * spread, 40 * thermal.max())
        xn, sn = x[near], spread[near]
        for j, kt in enumerate(thermal):
            f = (xn < 0).astype(float)
            reach = np.abs(xn) < np.maximum(_FULL * sn, 40 * kt)
            f[reach] = average(xn[reach], sn[reach], kt)
            result[i, j][near] = f
    return result


def _one_function(x, spread, kt) -> np.ndarray:
    """As :func:`_averaged`, with the variance right and the shape nearly so."""
    value = np.empty_like(x)
    sharp = spread < kt
    value[sharp] = expit(-x[sharp] / np.sqrt(kt**2 + 3 * (spread[sharp] / np.pi) ** 2))
    variance = spread[~sharp] ** 2 + (np.pi * kt) ** 2 / 3
    value[~sharp] = 0.5 * erfc(x[~sharp] / np.sqrt(2 * np.maximum(variance, 1e-300)))
    return value


def _averaged(x, spread, kt) -> np.ndarray:
    """Fermi function of energies `x` above mu, averaged over `spread`, all 1D."""
    if kt == 0:
        return 0.5 * erfc(x / (np.sqrt(2) * np.maximum(spread, 1e-300)))
    value = np.empty_like(x)
    sharp, broad = spread <= _SHARP * kt, spread > _BROAD * kt
    value[sharp] = expit(-x[sharp] / kt)
    value[broad] = 0.5 * erfc(x[broad] / np.sqrt(2 * (spread[broad] ** 2 + (np.pi * kt) ** 2 / 3)))
    between = ~(sharp | broad)
    width = np.sqrt(2 * ((_SCALES * kt) ** 2 + spread[between, None] ** 2))
    value[between] = 0.5 * erfc(x[between, None] / width) @ _WEIGHTS
    return value


def heat_moments(energy, spread, chemical_potential: float, temperatures) -> np.ndarray:
    """Means over cells of ``int_x^inf dy y^p (-f'(y))``, x = (e - mu)/kT, for p = 1 and 2: shape (2, n_T, ...).

    The first is the entropy of a state in units of the Boltzmann constant, ``x f + ln(1 + e^-x)``.  `energy` and
    `spread` (standard deviation within a cell, eV, or 0) have one shape; temperatures (n_T,) are above zero.

    For one normal distribution g of variance a^2 in place of -f' the integrals are ``a^2 g`` and
    ``a^2 (1 - F) + x a^2 g``; their mean over a cell widens g to a^2 + s^2, and x a^2 g, a derivative of g, to
    ``x a^4 / (a^2 + s^2) g``.
    """
    found = np.zeros((2, len(temperatures), *energy.shape))
    for i, t in enumerate(temperatures):
        x, s = (energy - chemical_potential) / (KB * t), spread / (KB * t)
        found[1, i] = np.where(x < 0, np.pi**2 / 3, 0.0)
        near = np.abs(x) < np.maximum(_FULL * s, 40.0)
        found[:, i][:, near] = _heat_of(x[near], s[near])
    return found


def _heat_of(x, s) -> np.ndarray:
    """The same for energies x and spreads s in kT, 1D: shape (2, n)."""
    found = np.empty((2, len(x)))
    sharp = s <= _SHARP
    y = x[sharp]
    f, logarithm = expit(-y), np.logaddexp(0.0, -y)
    found[0, sharp] = y * f + logarithm
    # int y^2 (-f') = y^2 f + 2 int y f, the last in terms of the dilogarithm of -e^-y
    found[1, sharp] = y**2 * f + 2 * (y * logarithm - spence(1 + np.exp(-np.maximum(y, 0.0))))
    negative = y < 0  # even integrand: all of it less what lies beyond
    z = -y[negative]
    beyond = z**2 * expit(-z) + 2 * (z * np.logaddexp(0.0, -z) - spence(1 + np.exp(-z)))
    found[1, np.flatnonzero(sharp)[negative]] = np.pi**2 / 3 - beyond
    y, square = x[~sharp][:, None], _SCALES**2
    width = square + s[~sharp][:, None] ** 2
    bell = np.exp(-(y**2) / (2 * width)) / np.sqrt(2 * np.pi * width)
    found[0, ~sharp] = (square * bell) @ _WEIGHTS
    found[1, ~sharp] = (square * 0.5 * erfc(y / np.sqrt(2 * width)) + y * square**2 / width * bell) @ _WEIGHTS
    return found
