"""Electron models: matrices, their derivatives, and what must not depend on a choice."""

import array_api_strict
import numpy as np
import pytest

from helpers_models import MODELS, haldane, points, random_wannier, rashba_lattice, warped
from sidejump.bands.base import PAULI
from sidejump.bands.function import FunctionModel
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.luttinger import Luttinger, spin_three_halves
from sidejump.bands.rashba import RashbaFerromagnet
from sidejump.bands.registry import MODELS as REGISTERED
from sidejump.bands.states import solve_states
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.bands.zeeman import WithZeeman
from sidejump.errors import InputError
from sidejump.intrinsic.berry import band_curvature
from sidejump.intrinsic.fourier import table_of
from sidejump.units import HBAR2_OVER_2M

every_model = pytest.mark.parametrize("name", MODELS)


def derivative(function, k, step):
    """Fourth-order central differences of a function of k, new axis after the first."""
    columns = []
    for direction in step * np.eye(k.shape[1]):
        near = function(k + direction) - function(k - direction)
        far = function(k + 2 * direction) - function(k - 2 * direction)
        columns.append((8 * near - far) / (12 * step))
    return np.stack(columns, axis=1)


@every_model
def test_matrices_are_hermitian(name):
    model = MODELS[name]()
    k = points(model)
    for function in (model.hamiltonian, model.hamiltonian_gradient, model.hamiltonian_hessian, model.position_matrix):
        matrix = function(k)
        if matrix is not None:
            np.testing.assert_allclose(matrix, np.swapaxes(matrix.conj(), -1, -2), atol=1e-9 * np.abs(matrix).max())


@every_model
def test_gradient_is_the_derivative(name):
    model = MODELS[name]()
    k = points(model)
    expected = derivative(model.hamiltonian, k, 1e-3 * model.k_scale)
    np.testing.assert_allclose(model.hamiltonian_gradient(k), expected, atol=1e-9 * np.abs(expected).max())


@every_model
def test_hessian_is_the_second_derivative(name):
    model = MODELS[name]()
    k = points(model)
    expected = derivative(model.hamiltonian_gradient, k, 1e-3 * model.k_scale)
    allowed = 1e-6 * max(np.abs(expected).max(), 1.0)
    np.testing.assert_allclose(model.hamiltonian_hessian(k), expected, atol=allowed)


@pytest.mark.parametrize("dimension, pairs", [(2, [(0, 1)]), (3, [(1, 2), (2, 0), (0, 1)])])
def test_position_curl(dimension, pairs):
    model = random_wannier(dimension, 3)
    k = points(model)
    slope = derivative(model.position_matrix, k, 1e-3 * model.k_scale)  # (nk, direction, component, N, N)
    expected = np.stack([slope[:, a, b] - slope[:, b, a] for a, b in pairs], axis=1)
    np.testing.assert_allclose(model.position_curl(k), expected, atol=1e-9)


@every_model
def test_other_array_libraries(name):
    model = MODELS[name]()
    if name == "function":
        pytest.skip("the function itself is numpy's")
    k = points(model)
    other = array_api_strict.asarray(k)
    for method in ("hamiltonian", "hamiltonian_gradient", "hamiltonian_hessian", "position_matrix", "position_curl"):
        expected, found = getattr(model, method)(k), getattr(model, method)(other)
        if expected is None:
            assert found is None
        else:
            assert isinstance(found, type(other))
            np.testing.assert_allclose(np.asarray(found), expected, atol=1e-10 * np.abs(expected).max() + 1e-300)


@pytest.mark.parametrize("name", ["haldane", "wannier_2d", "wannier_3d"])
def test_reciprocal_vector_only_changes_site_phases(name):
    model = MODELS[name]()
    k = points(model)
    g = model.reciprocal_cell[0] - 2 * model.reciprocal_cell[1]
    phase = np.exp(1j * model.site_positions @ g)  # H(k + G) = W^+ H(k) W
    expected = phase.conj()[:, None] * model.hamiltonian(k) * phase
    np.testing.assert_allclose(model.hamiltonian(k + g), expected, atol=1e-11)
    assert np.abs(expected - model.hamiltonian(k)).max() > 1e-2


@pytest.mark.parametrize("dimension", [2, 3])
def test_sites_are_a_choice_of_gauge(dimension):
    """Moving the centres between the phases and the position matrix leaves energies and curvature alone."""
    atomic, lattice = (random_wannier(dimension, 4, sites=sites) for sites in (True, False))
    k = points(atomic)
    for found, expected in zip(band_curvature(atomic, k), band_curvature(lattice, k), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-8 * np.abs(expected).max())
    without = LatticeModel(atomic.cell, atomic.vectors, atomic.hoppings, sites=atomic.site_positions)
    assert np.abs(band_curvature(without, k)[2] - band_curvature(atomic, k)[2]).max() > 1e-2


def test_states_do_not_depend_on_the_eigenvectors_phase(monkeypatch):
    """Random phases on the eigenvectors: energies, velocities and pair traces stay."""
    model = random_wannier(3, 4)
    k, band = points(model, 6), np.array([0, 1, 2, 3, 1, 2])

    def observables():
        s = solve_states(model, k, band)
        overlap = np.einsum("imo,jno->ijmn", s.vectors.conj(), s.vectors)
        shift = np.einsum("imo,jano->ijamn", s.vectors.conj(), s.covariant)  # <u_i | D_a u_j>
        invariant = np.einsum("ijmn,ijamn->ija", overlap.conj(), shift)
        return s.energy, s.velocity, s.interband, np.abs(overlap), invariant

    expected, plain = observables(), solve_states(model, k, band).vectors
    original, rng = np.linalg.eigh, np.random.default_rng(4)

    def scrambled(matrix):
        values, vectors = original(matrix)
        return values, vectors * np.exp(2j * np.pi * rng.random(values.shape))[..., None, :]

    monkeypatch.setattr(np.linalg, "eigh", scrambled)
    assert np.abs(solve_states(model, k, band).vectors - plain).max() > 0.1  # the phases did change
    for found, reference in zip(observables(), expected, strict=True):
        np.testing.assert_allclose(found, reference, atol=1e-10)


def test_degenerate_pairs_do_not_depend_on_their_rotation(monkeypatch):
    model = Luttinger(gamma1=6.9, gamma2=2.0, gamma3=2.9)  # each level twice
    k = points(model)

    def trace():
        s = solve_states(model, k, np.zeros(len(k), dtype=int))
        assert np.all(s.multiplicity == 2)
        overlap = np.einsum("imo,jno->ijmn", s.vectors.conj(), s.vectors)
        derivative_overlap = np.einsum("imo,jano->ijamn", s.vectors.conj(), s.covariant)
        return s.velocity, np.einsum("ijmn,ijamn->ija", overlap.conj(), derivative_overlap)

    expected, plain = trace(), solve_states(model, k, np.zeros(len(k), dtype=int)).vectors
    original = np.linalg.eigh
    angle = 0.7
    turn = np.kron(np.eye(2), [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    monkeypatch.setattr(np.linalg, "eigh", lambda h: (original(h)[0], original(h)[1] @ turn))
    assert np.abs(solve_states(model, k, np.zeros(len(k), dtype=int)).vectors - plain).max() > 0.1
    for found, reference in zip(trace(), expected, strict=True):
        np.testing.assert_allclose(found, reference, atol=1e-10)


def test_rashba_bands():
    model = RashbaFerromagnet(effective_mass=0.5, rashba=1.2, exchange=0.07)
    k = points(model)
    square = np.sum(k**2, axis=1)
    split = np.sqrt(0.07**2 + 1.2**2 * square)
    expected = (HBAR2_OVER_2M / 0.5 * square)[:, None] + np.stack([-split, split], axis=1)
    np.testing.assert_allclose(np.linalg.eigvalsh(model.hamiltonian(k)), expected, atol=1e-14)


def test_weyl_nodes_velocities_and_chirality():
    model = Weyl(velocity=2.0, node=0.1, axial_velocity=1.3)
    nodes = np.array([[0, 0, 0.1], [0, 0, -0.1]])
    np.testing.assert_allclose(np.linalg.eigvalsh(model.hamiltonian(nodes)), 0, atol=1e-15)
    slope = np.einsum("kaij,bji->kab", model.hamiltonian_gradient(nodes), PAULI).real / 2
    np.testing.assert_allclose(slope[0], np.diag([2.0, 2.0, 1.3]), atol=1e-14)
    assert np.linalg.det(slope[0]) == pytest.approx(-np.linalg.det(slope[1]))


def test_luttinger_masses_and_angular_momentum():
    jx, jy, jz = spin_three_halves()
    np.testing.assert_allclose(jx @ jy - jy @ jx, 1j * jz, atol=1e-15)
    g1, g2, g3 = 6.9, 2.0, 2.9
    model = Luttinger(gamma1=g1, gamma2=g2, gamma3=g3)
    for direction, g in (([1, 0, 0], g2), ([1, 1, 1], g3)):
        k = 0.1 * np.array([direction]) / np.linalg.norm(direction)
        heavy, light = HBAR2_OVER_2M * 0.01 * (g1 - 2 * g), HBAR2_OVER_2M * 0.01 * (g1 + 2 * g)
        np.testing.assert_allclose(
            np.linalg.eigvalsh(model.hamiltonian(k))[0], [heavy, heavy, light, light], rtol=1e-12
        )


def test_spherical_luttinger_turns_with_its_field():
    """gamma2 = gamma3: turning k and the field together leaves the energies."""
    angle, field = 0.6, np.array([0.01, 0.0, 0.02])
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    model = Luttinger(gamma1=6.0, gamma2=2.0, gamma3=2.0, exchange=field)
    turned = Luttinger(gamma1=6.0, gamma2=2.0, gamma3=2.0, exchange=turn @ field)
    k = points(model)
    expected = np.linalg.eigvalsh(model.hamiltonian(k))
    np.testing.assert_allclose(np.linalg.eigvalsh(turned.hamiltonian(k @ turn.T)), expected, atol=1e-13)
    assert np.abs(np.linalg.eigvalsh(model.hamiltonian(k @ turn.T)) - expected).max() > 1e-3


def test_haldane_mass_terms():
    """At the valleys the gaps are 2 |m -+ 3 sqrt(3) t2|."""
    model = haldane(0.2, 0.1)
    valley = np.array([[2 / 3, 1 / 3], [1 / 3, 2 / 3]]) @ model.reciprocal_cell
    gaps = np.diff(np.linalg.eigvalsh(model.hamiltonian(valley)))[:, 0]
    expected = sorted(2 * abs(0.2 + sign * 3 * np.sqrt(3) * 0.1) for sign in (-1, 1))
    np.testing.assert_allclose(sorted(gaps), expected, rtol=1e-12)


def test_tight_binding_spin_and_dimension():
    model = rashba_lattice(0.3)
    k = points(model)
    x, y = 3.0 * k.T
    expected = -(np.cos(x) + np.cos(y))[:, None, None] * np.eye(2)
    expected = expected + 0.3 * (np.sin(x)[:, None, None] * PAULI[1] - np.sin(y)[:, None, None] * PAULI[0])
    np.testing.assert_allclose(model.hamiltonian(k), expected, atol=1e-14)
    cubic = TightBinding(2.0 * np.eye(3), [((0, 0, 0), 1)])
    for r in np.eye(3, dtype=int):
        cubic.hop(0, 0, r, -1.0)
    k = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(cubic.build().hamiltonian(k)[:, 0, 0], -2 * np.cos(2 * k).sum(axis=1), atol=1e-14)


def test_zeeman_field_reaches_everything_that_reads_the_model():
    field = np.array([0.1, -0.05, 0.2])
    lattice = rashba_lattice()
    model = WithZeeman(lattice, field)
    k = points(model)
    expected = lattice.hamiltonian(k) + np.tensordot(field, PAULI, 1)
    np.testing.assert_allclose(model.hamiltonian(k), expected, atol=1e-15)
    fractional = k @ np.linalg.inv(model.reciprocal_cell)
    _, matrices = next(iter(table_of(model).plane_matrices(fractional[0, 0], fractional[:1, 1:])))
    np.testing.assert_allclose(matrices[0], expected[:1], atol=1e-14)  # read from H(R)
    twice = WithZeeman(model, -field)
    np.testing.assert_allclose(twice.hamiltonian(k), lattice.hamiltonian(k), atol=1e-15)
    assert twice.describe()["n_orbitals"] == 2


def test_complex_step_is_exact_and_notices_what_is_not_analytic():
    smooth = FunctionModel(warped, dimension=2, search_half_width=0.3)
    k = points(smooth)
    kx, ky = k.T[:, :, None, None]
    expected = np.stack(
        [3 * PAULI[1] + 120 * (kx**2 - ky**2) * PAULI[2], -3 * PAULI[0] - 240 * kx * ky * PAULI[2]], axis=1
    )
    assert smooth.gradient_method == "complex"
    np.testing.assert_allclose(smooth.hamiltonian_gradient(k), expected, rtol=0, atol=1e-12 * np.abs(expected).max())

    def rough(k):
        size = np.hypot(k[:, 0], k[:, 1])[:, None, None]
        return warped(k) + size**3 * np.eye(2)

    model = FunctionModel(rough, dimension=2, search_half_width=0.3)
    assert model.gradient_method == "differences"
    radial = 3 * np.hypot(*k.T)[:, None] * k
    expected = expected + radial[:, :, None, None] * np.eye(2)
    np.testing.assert_allclose(model.hamiltonian_gradient(k), expected, atol=1e-8 * np.abs(expected).max())

    real_part = FunctionModel(lambda k: warped(np.real(k)), dimension=2, search_half_width=0.3)
    assert real_part.gradient_method == "differences"


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: FunctionModel(lambda k: 1j * warped(k), dimension=2), "not Hermitian"),
        (lambda: FunctionModel(lambda k: warped(k)[0], dimension=2), "expected"),
        (lambda: FunctionModel(warped, dimension=4), "2 or 3"),
        (lambda: FunctionModel(warped, dimension=2, cell=3 * np.eye(2), sites=np.zeros((2, 2))), "neither convention"),
        (lambda: FunctionModel(warped, dimension=2, gradient=lambda k: np.zeros((len(k), 2, 2, 2))), "derivative"),
        (lambda: WithZeeman(haldane(), (0, 0, 0.1)), "spin"),
        (lambda: WithZeeman(rashba_lattice(), (0.1, 0)), r"expected \(3,\)"),
        (lambda: RashbaFerromagnet(effective_mass=-1, rashba=1, exchange=0), "effective_mass"),
        (lambda: Weyl(velocity=1, node=0), "node"),
        (lambda: Luttinger(gamma1=3, gamma2=2, gamma3=1), "gamma1"),
        (lambda: TightBinding(np.eye(2), [((0, 0), 1)]).hop(0, 1, (1, 0), 1.0), "does not exist"),
        (lambda: TightBinding(np.eye(2), [((0, 0), 1)]).hop(0, 0, (0, 0), 1.0), "onsite"),
        (lambda: TightBinding(np.eye(2), [((0, 0), 1)]).hop(0, 0, (0.5, 0), 1.0), "whole numbers"),
        (lambda: TightBinding(np.eye(2), [((0, 0), 2)]).onsite(0, [[0, 1], [0, 0]]), "Hermitian"),
        (lambda: LatticeModel(np.eye(2), [[0, 0], [1, 0]], np.ones((2, 1, 1))), "both R and -R"),
        (lambda: LatticeModel(np.eye(2), [[0, 0]], np.ones((1, 2, 2)), sites=np.zeros((3, 2))), "sites"),
    ],
)
def test_bad_models_are_refused(build, words):
    with pytest.raises(ValueError, match=words):
        build()


def test_registry_builds_by_name():
    model = REGISTERED["weyl"](velocity=2.0, node=0.1)
    assert model.describe()["model"] == "Weyl"
    assert {"massive_dirac", "rashba_ferromagnet", "luttinger"} <= set(REGISTERED)
    assert issubclass(InputError, ValueError)
