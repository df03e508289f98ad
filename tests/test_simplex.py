"""Simplexes side by side take the steps of each alone."""

import numpy as np
from scipy.optimize import minimize

from helpers_models import random_wannier
from sidejump.surfaces.simplex import lowest_points, nelder_mead


def test_each_of_many_ends_where_it_would_alone():
    """Valleys, a kink and a saddle, in two and three dimensions; some end at the most evaluations."""
    rng = np.random.default_rng(0)
    functions = [
        lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2 + (x[2:] ** 2).sum(),
        lambda x: np.abs(x).sum() + 0.3 * x[0],
        lambda x: np.cos(x).prod(),
        lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4,
    ]
    for d, most in ((2, 400), (3, 400), (3, 60)):
        corners = rng.normal(size=(len(functions), d + 1, d))
        counts = np.zeros(len(functions), dtype=int)

        def values(x, which, counts=counts):
            np.add.at(counts, which, 1)
            return np.array([functions[i](k) for k, i in zip(x, which, strict=True)])

        where, lowest = nelder_mead(values, corners, places=1e-7, values=1e-9, most=most)
        for i, function in enumerate(functions):
            options = {"initial_simplex": corners[i], "xatol": 1e-7, "fatol": 1e-9, "maxfev": most}
            alone = minimize(function, corners[i, 0], method="Nelder-Mead", options=options)
            if alone.nfev < most:
                np.testing.assert_array_equal(where[i], alone.x)
                assert lowest[i] == alone.fun and counts[i] == alone.nfev
            else:
                assert most <= counts[i] <= most + d + 1 and lowest[i] <= alone.fun
        assert (counts < most).any() or most == 60


def test_extrema_of_bands():
    """Minima and maxima of several bands at once: no slope, and no value beyond them nearby."""
    model, rng = random_wannier(3, 3), np.random.default_rng(1)
    band, sign = np.array([0, 0, 1, 2, 2]), np.array([1, -1, -1, 1, -1])
    start = rng.random((5, 3)) @ model.reciprocal_cell
    where, value = lowest_points(model, start, band, sign, step=0.1, places=1e-7, values=1e-12, most=1000)
    np.testing.assert_allclose(np.linalg.eigvalsh(model.hamiltonian(where))[range(5), band] * sign, value, atol=1e-12)
    for direction in rng.normal(size=(20, 1, 3)):
        around = np.linalg.eigvalsh(model.hamiltonian(where + 1e-3 * direction))[range(5), band] * sign
        assert (around > value).all()
