"""Scalar potentials in a basis with a position matrix."""

import itertools

import numpy as np
import pytest

from helpers_models import random_wannier, rashba_lattice
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import solve_states
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.sources import ScalarPairs

STATIC = (Scatterer("static", 3, (Branch(np.ones_like),)),)


def states_and_bands(model, count=5, seed=2):
    rng = np.random.default_rng(seed)
    momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
    k = momentum.first_zone(rng.normal(size=(count, model.dimension)))
    return k, rng.integers(0, model.n_orbitals, count), momentum


def channel(model, k, bands, momentum, vertex=None, *, single=False):
    matrix = np.eye(model.n_orbitals) if vertex is None else vertex
    source = ScalarPairs(model.lattice_operator(matrix), STATIC, model, momentum)
    source = source.prepared(solve_states(model, k, bands), single=single)
    everything = slice(0, len(k))
    [found] = source.evaluate(everything, everything, np.inf)
    return found


def hermitian(n, seed=9):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return s + s.conj().T


def nearest_bonds(model, matrix, k):
    """S(k) of elements between nearest images, in the gauge of H(k): (N, N)."""
    found = np.zeros(matrix.shape, dtype=complex)
    cells = np.array(list(itertools.product(range(-2, 3), repeat=model.dimension))) @ model.cell
    for m, n in np.ndindex(matrix.shape):
        steps = cells + model.site_positions[n] - model.site_positions[m]
        length = np.linalg.norm(steps, axis=1)
        found[m, n] = matrix[m, n] * np.exp(1j * steps[length < length.min() + 1e-6] @ k).mean()
    return found


def shortest(momentum, k, other):
    q = other[None] - k[:, None]
    moved = q[:, :, None] + momentum.images
    return np.argmin((moved**2).sum(-1), axis=-1)


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("spin_vertex", [False, True])
def test_strength_is_that_of_the_matrix_written_out(dimension, spin_vertex):
    """|u'^+ W u|^2 with W = (S + S')/2 + (i/2) q.(A^S + A^S'), every pair by itself, Umklapp pairs too."""
    model = random_wannier(dimension, 4, seed=dimension)
    k, bands, momentum = states_and_bands(model)
    matrix = hermitian(4) if spin_vertex else np.eye(4)
    found = channel(model, k, bands, momentum, matrix)
    which = shortest(momentum, k, k)
    assert (which > 0).any()  # some pairs are Umklapp
    for i in range(len(k)):
        for j in range(len(k)):
            end = k[j] + momentum.images[which[i, j]]
            states = solve_states(model, np.stack([k[i], end]), bands[[i, j]])
            a = model.position_matrix(np.stack([k[i], end]))
            s = np.stack([nearest_bonds(model, matrix, x) for x in (k[i], end)])
            a = 0.5 * (s[:, None] @ a + a @ s[:, None])
            w = s.mean(axis=0) + 0.5j * np.einsum("a,kaij->ij", end - k[i], a)
            v = np.vdot(states.vectors[1, 0], w @ states.vectors[0, 0])
            assert found.strength[i, j] == pytest.approx(abs(v) ** 2, rel=1e-9, abs=1e-12)


def test_shift_is_the_derivative_of_the_phase_of_that_matrix_element():
    """Finite differences at fixed q, closed by the links of both ends, with the diagonal position elements."""
    model, step = random_wannier(3, 4, seed=3), 1e-5
    k, bands, momentum = states_and_bands(model, count=2, seed=4)
    k = 0.3 * k  # the shortest image is the difference itself
    found = channel(model, k, bands, momentum)

    def element(start, end):
        u, w = solve_states(model, np.stack([start, end]), bands).vectors[:, 0]
        a = model.position_matrix(np.stack([start, end]))
        matrix = np.eye(4) + 0.5j * np.einsum("a,kaij->ij", end - start, a)
        return u, w, np.vdot(w, matrix @ u)

    for axis in range(3):
        d = step * np.eye(3)[axis]
        up, wp, plus = element(k[0] + d, k[1] + d)
        um, wm, minus = element(k[0] - d, k[1] - d)
        phase = np.angle(plus * np.conj(minus) * np.vdot(up, um) * np.vdot(wm, wp)) / (2 * step)
        states = solve_states(model, k, bands)
        a = model.position_matrix(k)[:, axis]
        inner = [np.vdot(states.vectors[i, 0], a[i] @ states.vectors[i, 0]).real for i in (0, 1)]
        expected = -(phase + inner[0] - inner[1])
        assert found.shift[axis, 0, 1] / found.strength[0, 1] == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_detailed_balance_and_antisymmetry():
    model = random_wannier(3, 4)
    k, bands, momentum = states_and_bands(model, count=12)
    found = channel(model, k, bands, momentum)
    np.testing.assert_allclose(found.strength, found.strength.T, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(found.shift, -found.shift.swapaxes(1, 2), atol=1e-10 * np.abs(found.shift).max())


def test_single_precision_is_enough_for_close_states():
    model = random_wannier(3, 4)
    k, bands, momentum = states_and_bands(model, count=6)
    k = k + 1e-3 * np.random.default_rng(0).normal(size=k.shape)
    bands[:] = 2
    double, single = (channel(model, k, bands, momentum, single=x) for x in (False, True))
    assert single.strength.dtype == np.float32
    np.testing.assert_allclose(single.strength, double.strength, atol=3e-6)
    np.testing.assert_allclose(single.shift, double.shift, atol=1e-5 * np.abs(double.shift).max())


def rephased(model, place) -> LatticeModel:
    """The same crystal with one Wannier function moved to another cell: its phase becomes exp(-i k.R)."""
    shifts = np.zeros((model.n_orbitals, model.dimension), dtype=int)
    shifts[place] = 1, *[0] * (model.dimension - 1)
    listed: dict = {}
    for r, h, x in zip(model.vectors, model.hoppings, model._positions, strict=True):
        for m in range(model.n_orbitals):
            for n in range(model.n_orbitals):
                key = tuple(r + shifts[m] - shifts[n])
                h_new, x_new = listed.setdefault(key, (np.zeros_like(h), np.zeros_like(x)))
                h_new[m, n] = h[m, n]
                x_new[:, m, n] = x[:, m, n]
                if m == n and not r.any():  # the position operator sees the cell
                    x_new[:, m, n] = x[:, m, n] + shifts[m] @ model.cell
    vectors = np.array(list(listed))
    hoppings, positions = (np.array(x) for x in zip(*listed.values(), strict=True))
    sites = model.site_positions + shifts @ model.cell
    return LatticeModel(model.cell, vectors, hoppings, positions, sites)


def test_cells_of_the_wannier_functions_do_not_matter():
    model = random_wannier(3, 4)
    k, bands, momentum = states_and_bands(model, count=6)
    found = [channel(m, k, bands, momentum) for m in (model, rephased(model, 1))]
    inside = shortest(momentum, k, k) == 0  # a further image has a phase between sites in other cells
    np.testing.assert_allclose(found[1].strength[inside], found[0].strength[inside], atol=1e-10)
    np.testing.assert_allclose(found[1].shift[:, inside], found[0].shift[:, inside], atol=1e-9)


def test_without_a_position_matrix_nothing_changes():
    model = rashba_lattice()
    zero = LatticeModel(
        model.cell, model.vectors, model.hoppings, np.zeros((len(model.vectors), 2, 2, 2)), model.site_positions
    )
    k, bands, momentum = states_and_bands(model, count=6)
    plain, positioned = (channel(m, k, bands, momentum) for m in (model, zero))
    np.testing.assert_allclose(positioned.strength, plain.strength, atol=1e-12)
    np.testing.assert_allclose(positioned.shift, plain.shift, atol=1e-12)


def test_gradient_of_the_position_matrix():
    model, step = random_wannier(3, 3), 1e-5
    k = np.random.default_rng(1).normal(size=(2, 3))
    gradient, curl = model.position_gradient(k), model.position_curl(k)
    for a in range(3):
        d = step * np.eye(3)[a]
        expected = (model.position_matrix(k + d) - model.position_matrix(k - d)) / (2 * step)
        np.testing.assert_allclose(gradient[:, a], expected, atol=1e-7)
    for c, (a, b) in enumerate([(1, 2), (2, 0), (0, 1)]):
        np.testing.assert_allclose(gradient[:, a, b] - gradient[:, b, a], curl[:, c], atol=1e-12)
