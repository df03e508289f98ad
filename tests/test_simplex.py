"""Searches without derivatives, many at once, against those of scipy one by one."""

import numpy as np
import pytest
from scipy.optimize import minimize

from helpers_models import MODELS, points
from sidejump.surfaces.edges import extrema, sample
from sidejump.surfaces.simplex import band_minima, minima


def kinked(k, which):
    """A valley with a kink, another curve for each search."""
    turned = k @ np.array([[1.0, 0.4], [-0.3, 1.0]])
    return np.abs(turned[:, 0] - which) + 0.3 * (turned[:, 1] + 0.5 * which) ** 2 + 0.1 * turned[:, 0] ** 2


@pytest.mark.parametrize("evaluations", [400, 57])
def test_each_search_is_that_of_scipy(evaluations):
    """Also those that are ended early, and those that are under way while others have ended."""
    starts = np.array([[0.3, 0.2], [-2.0, 1.0], [2.0, -1.0], [8.0, 5.0]])
    simplices = starts[:, None] + np.array([0.5, 0.1, 1.0, 2.0])[:, None, None] * np.array([[0, 0], [1, 0], [0, 1]])
    within = np.array([1e-6, 1e-2, 1e-7, 1e-5])
    places, values = minima(kinked, simplices, within, 1e-9, evaluations)
    for i, simplex in enumerate(simplices):
        options = {"initial_simplex": simplex, "xatol": within[i], "fatol": 1e-9, "maxfev": evaluations}
        alone = minimize(
            lambda x, i=i: kinked(x[None], np.array([i]))[0], simplex[0], method="Nelder-Mead", options=options
        )
        # a simplex that is at the limit of evaluations may end its step here
        np.testing.assert_allclose(values[i], alone.fun, rtol=1e-9 if evaluations == 400 else 0.1, atol=1e-9)
        if evaluations == 400:
            np.testing.assert_allclose(places[i], alone.x, atol=1e-6 + within[i])


@pytest.mark.parametrize("name", ["dirac", "haldane", "wannier_3d"])
def test_bands_next_to_a_point(name):
    model = MODELS[name]()
    starts = points(model, 3)
    step = 0.05 * model.k_scale
    bands, signs = np.array([0, 0, 1]), np.array([-1, -1, 1])
    places, values = band_minima(model, starts, bands, signs, step, within=1e-6, flat=1e-12, evaluations=400)
    for place, value, band, sign in zip(places, values, bands, signs, strict=True):
        around = place + 1e-3 * step * np.random.default_rng(0).normal(size=(50, model.dimension))
        near = sign * np.linalg.eigvalsh(model.hamiltonian(around))[:, band]
        assert value == pytest.approx(sign * np.linalg.eigvalsh(model.hamiltonian(place[None]))[0, band], abs=1e-12)
        assert (near > value - 1e-9).all()


def test_ends_of_bands():
    """Of a cone the tip, however far its shells; a band that goes on has its end beyond all shells."""
    model = MODELS["dirac"]()
    k = sample(model, 0.1)
    found = extrema(model, k, np.linalg.eigvalsh(model.hamiltonian(k)), [1, 0, 1], [1, -1, -1])
    tip = np.sqrt(1 - (np.hypot(0.4, 0.2) / 3.0) ** 2) * 0.1  # of a tilted one
    np.testing.assert_allclose(found[:2], [tip, -tip], rtol=1e-6)
    assert found[2] > 20.0
