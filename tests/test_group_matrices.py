"""Distributions that are matrices within degenerate bands: against the same bands a little apart, and turned."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

import sidejump as sj
from sidejump.bands.hermitian_basis import components, hermitian_basis
from sidejump.bands.states import solve_states
from sidejump.interactions.vertex import pair_matrices, pair_vertex
from sidejump.pairs.stream import PairStream
from sidejump.transport import TransportSettings
from sidejump.transport.coherence import coherence_sentences
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_observable_exact import two_dirac_models
from test_observable_symmetry import ALL, problem_of
from test_reduced import p_model
from test_vertex_between_sites import points

FLIP = np.kron(sj.PAULI[0], np.eye(2))
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


def zero_range(vertex="identity", strength=1.0):
    return sj.impurity(correlation="zero_range", density=1e11, strength=strength, dimension=2, vertex=vertex)


SCATTERERS = {
    "that flip it": ([zero_range(), zero_range(FLIP, 0.8)], 10.0, {}),
    "inelastic, each energy on its shell": ([PHONONS, zero_range(FLIP, 0.8)], 300.0, {"geometry": "own"}),
}


def response(model, scatterers, temperature=10.0, axes="z", **options):
    observables = [sj.spin_current(f"y{c}") for c in axes]
    return sj.anomalous_hall(
        model, scatterers, chemical_potential=0.2, temperatures=[temperature], observables=observables, **options
    )


@pytest.mark.parametrize("name", SCATTERERS)
def test_degenerate_pairs_give_what_the_same_bands_a_little_apart_give(name):
    """Opposite masses for opposite spins: what scatters from one spin to the other keeps a distribution diagonal."""
    scatterers, temperature, options = SCATTERERS[name]
    pairs, apart = (response(two_dirac_models(h), scatterers, temperature, **options) for h in (0.0, 1e-5))
    expected = apart.response_side_jump[0, 0, 0].item()
    assert pairs.response_side_jump[0, 0, 0].item() == pytest.approx(expected, rel=1e-6)
    size = np.abs(pairs.sigma_side_jump / sj.units.conductivity_unit(2)[0]).max().item()
    assert size < 1e-6 * abs(expected)  # no Hall effect


def test_turned_spins_turn_the_response():
    turn = expm(-0.35j * np.einsum("a,aij->ij", [0.6, -0.9, 0.2], sj.PAULI))
    u, model = np.kron(turn, np.eye(2)), two_dirac_models(0.0)
    turned = sj.FunctionModel(
        lambda k: u @ model.h(k) @ u.conj().T, dimension=2, spin=model.spin, search_half_width=0.3
    )
    axis = [np.trace(s @ turn @ sj.PAULI[2] @ turn.conj().T).real / 2 for s in sj.PAULI]
    plain = response(model, [zero_range(), zero_range(FLIP, 0.8)])
    other = response(turned, [zero_range(), zero_range(u @ FLIP @ u.conj().T, 0.8)], axes="xyz")
    expected = plain.response_side_jump[0, 0, 0].item() * np.array(axis)
    np.testing.assert_allclose(other.response_side_jump[0, :, 0], expected, atol=1e-7)


def test_nothing_depends_on_the_members_of_the_pairs():
    """Any rotation of the states of each point by itself."""
    settings = TransportSettings(minimum=24, turn=None)
    problem = Problem(
        two_dirac_models(0.0), [zero_range(), zero_range(FLIP, 0.5)], 0.2, settings, [sj.spin_current("yz")]
    )
    solver, kt = SharedShell(problem, problem.solved_shell(0.2, problem.base_spacing), KB * 10), KB * 10
    expected = solver.solve(kt, 1)[0]
    rng = np.random.default_rng(0)
    states = solver.sample.states
    turns = np.linalg.qr(rng.normal(size=(len(states), 2, 2)) + 1j * rng.normal(size=(len(states), 2, 2)))[0]
    turned = replace(states, vectors=turns @ states.vectors, covariant=turns[:, None] @ states.covariant)
    solver.sample = replace(solver.sample, states=turned)
    solver.stream = PairStream(solver.sample, solver.sample.prepared(problem.sources), solver.q_max, levels=True)
    found = solver.solve(kt, 1)[0]
    np.testing.assert_allclose(found.tensors, expected.tensors, atol=1e-7 * np.abs(expected.side_jump_velocity).max())
    assert expected.side_jump_distribution[2, 0] > 0.1 * expected.side_jump_velocity[2, 0] > 1e-3


def test_matrices_of_pairs_of_groups():
    """Of one, two and three members: traces are rates and shifts, and the way back is the transpose."""
    rng = np.random.default_rng(2)
    basis = hermitian_basis(3)
    np.testing.assert_allclose(components(basis, basis), np.eye(9), atol=1e-14)
    model = p_model("sc", (0.1, 0.2, 0.3))
    k, _, _ = points(model, 5)
    energies = np.linalg.eigvalsh(model.hamiltonian(k))
    pair = solve_states(model, k, np.array([0, 2, 3, 1, 5]), degeneracy=float(np.median(np.diff(energies))))
    assert len(set(pair.multiplicity)) > 1
    vertex = rng.normal(size=(6, 6)) + 1j * rng.normal(size=(6, 6))
    vertex = vertex + vertex.conj().T
    strength, shift = pair_vertex(pair, pair, vertex)
    rates, jumps = pair_matrices(pair, pair, vertex)
    m = pair.vectors.shape[1]
    np.testing.assert_allclose(rates[:m, :m].sum(axis=(0, 1)), strength, atol=1e-12)
    np.testing.assert_allclose(jumps[0, :, :m].sum(axis=1), shift, atol=1e-11)
    np.testing.assert_allclose(jumps[1, :, :m].sum(axis=1), -shift, atol=1e-11)
    np.testing.assert_allclose(rates, rates.transpose(1, 0, 3, 2), atol=1e-12)
    np.testing.assert_allclose(jumps[1], jumps[0].swapaxes(2, 3), atol=1e-11)


def test_a_cubic_crystal_without_conserved_spin():
    """All its points, pairs with spin-orbit coupling: either half of the spin Hall effect is antisymmetric, the
    distribution with the trace alone has none, and where symmetry reduces the points that is said."""
    model = p_model("sc", (0, 0, 0))
    reduced = problem_of(model, 0.1, ["identity"], ALL)
    whole = problem_of(model, 0.1, ["identity"], ALL, symmetry="off")
    found = SharedShell(whole, whole.shell(0.1, 0.9, levels=0), KB * 300).solve(KB * 300, 1)[0]
    assert found.residual < 1e-6
    antisymmetric = np.zeros((3, 3, 3))
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        antisymmetric[a, b, c], antisymmetric[b, a, c] = 1, -1
    for part in (found.side_jump_velocity, found.side_jump_distribution):
        current = whole.multiplets.asked(part, 3)[9:18].reshape(3, 3, 3)
        size = current[0, 1, 2]
        assert abs(size) > 1e-4
        np.testing.assert_allclose(current, size * antisymmetric, atol=0.1 * abs(size))  # of the mesh
    [sentence] = coherence_sentences(reduced)
    assert "spin_x" in sentence and 'symmetry = "off"' in sentence
    assert not coherence_sentences(whole)
    skew = problem_of(model, 0.1, ["identity"], ALL, symmetry="off", skew_scattering="quasistatic")
    assert "skew scattering has one distribution" in coherence_sentences(skew)[0]
