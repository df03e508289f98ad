"""The shells of the thermal window: how much they differ, and averages over them.

With one geometry for all energies the conductivity is ``int dx f (1 - f) s(mu + x kT)``, s the shared-geometry result
of the shell at that energy.  This is exact for elastic scattering and for a geometry that does not change; what is
left out is that the two ends of an inelastic event lie on different shells.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


@lru_cache(maxsize=8)
def thermal_nodes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss nodes x and weights for the weight ``f (1 - f)`` on the whole axis, by Golub and Welsch."""
    x, w = np.polynomial.legendre.leggauss(600)
    x, w = 60 * x, 60 * w / (4 * np.cosh(30 * x) ** 2)
    polynomial, previous = np.full_like(x, 1 / np.sqrt(w.sum())), np.zeros_like(x)
    off = []
    beta = 0.0
    for _ in range(n - 1):
        following = x * polynomial - beta * previous  # the weight is even
        beta = float(np.sqrt((w * following**2).sum()))
        previous, polynomial = polynomial, following / beta
        off.append(beta)
    energies, vectors = np.linalg.eigh(np.diag(off, 1) + np.diag(off, -1))
    return energies, vectors[0] ** 2 * w.sum()
