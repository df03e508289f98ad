"""Vertices that connect orbitals on different sites: operators of the lattice, in whatever zone or cell."""

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import solve_states
from sidejump.groups.hall import kinetic_symmetry
from sidejump.groups.multiplets import Multiplets
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.sources import pair_sources
from test_scalar_potential import hermitian, rephased, shortest


def static(vertex, dimension=2):
    return Scatterer("static", dimension, (Branch(np.ones_like),), vertex=vertex)


def points(model, count=9, seed=2):
    rng = np.random.default_rng(seed)
    momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
    k = momentum.first_zone(rng.normal(size=(count, model.dimension)) * 2)
    return k, rng.integers(0, model.n_orbitals, count), momentum


def prepared(model, k, bands, momentum, vertex, observables=(), degeneracy=1e-6):
    rows = Multiplets.of(observables) if observables else None
    states = solve_states(model, k, bands, degeneracy=degeneracy, observables=rows)
    [source] = pair_sources([static(vertex, model.dimension)], model, momentum)
    return source.prepared(states)


def pairs(*arguments, **options):
    source = prepared(*arguments, **options)
    everything = slice(0, len(source.states))
    [channel] = source.evaluate(everything, everything, np.inf)
    return channel


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("position", [False, True])
def test_a_vertex_between_sites_is_hermitian_between_zone_images(dimension, position):
    """V(k <- k') is the conjugate of V(k' <- k), phases included, and the shift of the way back the negative."""
    model = random_wannier(dimension, 3, seed=1, position=position)
    k, bands, momentum = points(model)
    assert (shortest(momentum, k, k) > 0).sum() > 10
    source = prepared(model, k, bands, momentum, hermitian(3))
    amplitude = source.amplitudes(source.states, source.finals)[0][:, 0, :, 0]
    np.testing.assert_allclose(amplitude, amplitude.conj().T, atol=1e-12)
    found = pairs(model, k, bands, momentum, hermitian(3))
    np.testing.assert_allclose(found.strength, np.abs(amplitude) ** 2, atol=1e-12)
    np.testing.assert_allclose(found.shift, -found.shift.swapaxes(1, 2), atol=1e-11 * np.abs(found.shift).max())


@pytest.mark.parametrize("position", [False, True])
def test_neither_the_zone_of_a_point_nor_the_cell_of_an_orbital_matters(position):
    model = random_wannier(2, 3, seed=1, position=position)
    k, bands, momentum = points(model)
    matrix = hermitian(3)
    found = pairs(model, k, bands, momentum, matrix)
    zones = np.random.default_rng(0).integers(-1, 2, k.shape) @ model.reciprocal_cell
    far = MomentumTransfer(model.reciprocal_cell, 2)
    far.images = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 2), -1).reshape(-1, 2) @ model.reciprocal_cell
    moved = pairs(model, k + zones, bands, far, matrix)
    if not position:
        centres = np.zeros((len(model.vectors), 2, 3, 3), dtype=complex)
        centres[~model.vectors.any(axis=1)] = np.stack([np.diag(c) for c in model.site_positions.T])
        model = LatticeModel(model.cell, model.vectors, model.hoppings, centres, model.site_positions)
    other = pairs(rephased(model, 1), k, bands, momentum, matrix)
    for changed in (moved, other):
        np.testing.assert_allclose(changed.strength, found.strength, atol=1e-10 * found.strength.max())
        np.testing.assert_allclose(changed.shift, found.shift, atol=1e-9 * np.abs(found.shift).max())


def test_the_amplitude_is_that_of_the_operator_on_a_finite_crystal():
    """(S exp(i q.r) + exp(i q.r) S)/2 as one large matrix on a crystal of 5 x 5 cells, closed around, S between nearest
    images: elements between Bloch states, for all pairs, those of images too."""
    model, matrix, size = random_wannier(2, 2, seed=4, position=False), hermitian(2), 5
    cells = np.stack(np.meshgrid(*[np.arange(size)] * 2, indexing="ij"), -1).reshape(-1, 2)
    places = (cells @ model.cell)[:, None] + model.site_positions  # (cells, 2, 2)
    whole = np.zeros((len(cells), 2, len(cells), 2), dtype=complex)
    around = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 2, indexing="ij"), -1).reshape(-1, 2)
    for m, n in np.ndindex(2, 2):
        length = np.linalg.norm(around @ model.cell + model.site_positions[n] - model.site_positions[m], axis=1)
        [step] = around[length < length.min() + 1e-9]
        for i, cell in enumerate(cells):
            to = (cell + step) % size
            whole[i, m, to[0] * size + to[1], n] = matrix[m, n]
    k = cells / size @ model.reciprocal_cell
    bands = np.random.default_rng(1).integers(0, 2, len(k))
    momentum = MomentumTransfer(model.reciprocal_cell, 2)
    source = prepared(model, k, bands, momentum, matrix)
    found = source.evaluate(slice(0, len(k)), slice(0, len(k)), np.inf)[0].strength
    bloch = np.exp(1j * places @ k.T) * source.states.vectors[:, 0, :2].T / size  # (cells, orbitals, k)
    which = shortest(momentum, k, k)
    for i in range(0, len(k), 4):
        for j in range(len(k)):
            wave = np.exp(1j * places @ (k[j] + momentum.images[which[i, j]] - k[i]))
            there = np.einsum("cmdn,dn->cm", whole, bloch[..., i])
            back = np.einsum("cmdn,dn->cm", whole, wave * bloch[..., i])
            value = 0.5 * np.vdot(bloch[..., j], wave * there + back)
            assert found[i, j] == pytest.approx(abs(value) ** 2, abs=1e-11)


def test_the_velocity_as_an_observable_gives_the_shift_of_the_current():
    """Such a vertex does not commute with r: it is a part of the velocity."""
    model = random_wannier(2, 3, seed=1, position=False)
    k, bands, momentum = points(model)
    found = pairs(model, k, bands, momentum, hermitian(3), [sj.velocity("x"), sj.velocity("y")])
    assert np.abs(found.shift).max() > 0.1
    np.testing.assert_allclose(found.shift[2:], found.shift[:2], atol=1e-11)


def test_the_shift_is_the_derivative_of_the_phase():
    """By differences at fixed q, closed by the links of both ends."""
    model, matrix, step = random_wannier(2, 3, seed=1, position=False), hermitian(3), 1e-5
    k, bands, momentum = points(model, 2)
    found = pairs(model, k, bands, momentum, matrix)
    image = momentum.images[shortest(momentum, k, k)[0, 1]]
    operator = model.lattice_operator(matrix)

    def element(move):
        ends = np.stack([k[0], k[1] + image]) + move
        u, w = solve_states(model, ends, bands).vectors[:, 0]
        return u, w, np.vdot(w, operator(ends).mean(axis=0) @ u)

    for axis, move in enumerate(step * np.eye(2)):
        (up, wp, plus), (um, wm, minus) = element(move), element(-move)
        phase = np.angle(plus * np.conj(minus) * np.vdot(up, um) * np.vdot(wm, wp)) / (2 * step)
        assert found.shift[axis, 0, 1] / found.strength[0, 1] == pytest.approx(-phase, rel=1e-5, abs=1e-6)


def honeycomb():
    builder = sj.TightBinding([[2.5, 0.0], [1.25, 1.25 * 3**0.5]], [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)])
    for r in [(0, 0), (-1, 0), (0, -1)]:
        builder.hop(0, 1, r, -1.0)
    return builder.build()


def test_an_element_between_sublattices_is_shared_by_the_nearest_neighbours():
    """It is the hopping over its number of neighbours, and breaks no symmetry of the crystal."""
    model, bond = honeycomb(), np.array([[0.0, 1.0], [1.0, 0.0]])
    k = np.random.default_rng(1).normal(size=(5, 2))
    operator = model.lattice_operator(bond)
    np.testing.assert_allclose(operator(k), model.hamiltonian(k) / -3.0, atol=1e-12)
    np.testing.assert_allclose(operator.gradient(k), model.hamiltonian_gradient(k) / -3.0, atol=1e-12)
    scalar, bonds = (kinetic_symmetry(model, [static(v)], 0.5) for v in (np.eye(2), bond))
    assert len(scalar) == len(bonds) > 12


def spinor(spin=None):
    """Spins whose orbitals are not quite on one site, those down counted in another cell."""
    model = random_wannier(2, 2, seed=3, position=False)
    sites = np.array([[0.1, 0.2], [0.12, 0.17]]) + [[0, 0], model.cell[0]]
    return LatticeModel(model.cell, model.vectors, model.hoppings, sites=sites, spin=sj.PAULI if spin is None else spin)


def test_spins_whose_orbitals_lie_apart():
    """The spin has the phases of H in another zone, a field is hops, and both ways to give it one model."""
    model = spinor()
    k = np.random.default_rng(1).normal(size=(4, 2))
    g = model.reciprocal_cell[0] - model.reciprocal_cell[1]
    turn = np.exp(-1j * model.site_positions @ g)
    seen = turn[:, None] * model.spin_operator(k) * turn.conj()
    np.testing.assert_allclose(model.spin_operator(k + g), seen, atol=1e-12)
    assert np.abs(model.spin_operator(k) - sj.PAULI).max() < 0.2  # the partner beside it, not that of the same cell
    as_function = sj.FunctionModel(
        model.hamiltonian, dimension=2, cell=model.cell, sites=model.site_positions, spin=sj.PAULI, gauge="atomic"
    )
    one, other = (sj.WithZeeman(m, [0.3, 0.2, 0.1]) for m in (model, as_function))
    field = np.einsum("c,kcmn->kmn", [0.3, 0.2, 0.1], model.spin_operator(k))
    np.testing.assert_allclose(one.hamiltonian(k) - model.hamiltonian(k), field, atol=1e-12)
    np.testing.assert_allclose(other.hamiltonian(k), one.hamiltonian(k), atol=1e-12)
    np.testing.assert_allclose(other.hamiltonian_gradient(k), one.hamiltonian_gradient(k), atol=1e-9)
    np.testing.assert_allclose(other.hamiltonian_hessian(k), one.hamiltonian_hessian(k), atol=1e-5)
    given = sj.Observable("spin", 0.5 * sj.PAULI[0])
    np.testing.assert_allclose(given.matrices(model, k), sj.spin("x").matrices(model, k), atol=1e-12)
