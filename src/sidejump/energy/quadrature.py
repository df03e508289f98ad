"""Quadrature in energy: Gauss-Legendre on intervals, and Gauss points of the thermal weight."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.special import expit

_FINE = 640  # points that stand for the continuous weight


def gauss_legendre(a, b, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights between a and b (broadcast against a last axis of n)."""
    x, w = _unit(n)
    return 0.5 * (b + a) + 0.5 * (b - a) * x, 0.5 * (b - a) * w


def thermal_gauss(tau, low: float, high: float, n: int) -> np.ndarray:
    """Gauss nodes in ``tau(x)`` for the weight ``f (1 - f) dx`` on an interval of x (Stieltjes; Golub and Welsch)."""
    x, weight = gauss_legendre(low, high, _FINE)
    tau, weight = tau(x), weight * fermi(x) * fermi(-x)
    polynomial, previous = np.full_like(x, weight.sum() ** -0.5), np.zeros_like(x)
    diagonal, off = [], [0.0]
    for _ in range(n):
        diagonal.append(float((weight * tau * polynomial**2).sum()))
        following = (tau - diagonal[-1]) * polynomial - off[-1] * previous
        off.append(float(np.sqrt((weight * following**2).sum())))
        polynomial, previous = following / off[-1], polynomial
    nodes = np.linalg.eigvalsh(np.diag(diagonal) + np.diag(off[1:n], 1) + np.diag(off[1:n], -1))
    return 0.5 * (nodes - nodes[::-1]) if low == -high else nodes


def fermi(x):
    """Fermi function of ``x = (e - mu)/kT``."""
    return expit(-x)


@lru_cache(maxsize=8)
def _unit(n: int):
    return np.polynomial.legendre.leggauss(n)
