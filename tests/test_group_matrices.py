"""Distributions that are matrices within degenerate bands: against the same bands a little apart, and turned."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import expm

import sidejump as sj
from sidejump.bands import within
from sidejump.bands.hermitian_basis import components, hermitian_basis
from sidejump.bands.states import solve_states
from sidejump.groups import members
from sidejump.groups.multiplets import Multiplets
from sidejump.groups.operations import Operations, exact_operations
from sidejump.interactions.vertex import pair_matrices, pair_vertex
from sidejump.pairs.stream import PairStream
from sidejump.transport import TransportSettings, coherence
from sidejump.transport import problem as problem_module
from sidejump.transport.coherence import coherence_sentences
from sidejump.transport.hot_spots import hot_spot_changes
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.transport.tensors import of_traces
from sidejump.units import KB
from test_observable_exact import two_dirac_models
from test_observable_symmetry import problem_of
from test_reduced import everywhere, p_model, thinned
from test_vertex_between_sites import points

FLIP = np.kron(sj.PAULI[0], np.eye(2))
FLAT_SPIN = np.kron(np.eye(3), sj.PAULI[2])
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


def zero_range(vertex="identity", strength=1.0):
    return sj.impurity(correlation="zero_range", density=1e11, strength=strength, dimension=2, vertex=vertex)


# both models on the same points, few of them: what is compared agrees on any number
SCATTERERS = {
    "that flip it": (
        [zero_range(), zero_range(FLIP, 0.8)],
        10.0,
        {"geometry": "shared", "tolerance": 0.3, "accuracy": 0.3},
    ),
    "inelastic, each energy on its shell": (
        [PHONONS, zero_range(FLIP, 0.8)],
        300.0,
        {"geometry": "own", "tolerance": 0.3, "accuracy": 0.3},
    ),
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


@pytest.mark.parametrize("approximation", ["serta", "mrta"])
def test_relaxation_times_of_pairs(approximation):
    """The same in relaxation-time approximations, of groups their out-scattering as an anticommutator, or one rate."""
    settings = TransportSettings(minimum=24, turn=None, approximation=approximation)
    found = []
    for field in (0.0, 1e-5):
        scatterers = [zero_range(), zero_range(FLIP, 0.8)]
        problem = Problem(two_dirac_models(field), scatterers, 0.2, settings, [sj.spin_current("yz")])
        shell = problem.solved_shell(0.2, problem.spacings.base)
        found.append(SharedShell(problem, shell, KB * 10).solve(KB * 10, 1)[0].tensors)
        exact = replace(settings, approximation="exact")
        plain = Problem(two_dirac_models(field), scatterers, 0.2, exact, [sj.spin_current("yz")])
        found.append(SharedShell(plain, shell, KB * 10).solve(KB * 10, 1)[0].tensors)
    pairs, exact, apart, _ = found
    size = np.abs(apart[:, 2]).max()
    assert abs(pairs[2, 2, 0]) > 0.1 * size  # the side jump of the distribution, which traces alone have not
    np.testing.assert_allclose(pairs[1:, 2], apart[1:, 2], atol=1e-5 * size)
    assert np.abs(pairs[1:, 2] - exact[1:, 2]).max() > 0.01 * size


def test_turned_spins_turn_the_response():
    turn = expm(-0.35j * np.einsum("a,aij->ij", [0.6, -0.9, 0.2], sj.PAULI))
    u, model = np.kron(turn, np.eye(2)), two_dirac_models(0.0)
    turned = sj.FunctionModel(
        lambda k: u @ model.h(k) @ u.conj().T, dimension=2, spin=model.spin, search_half_width=0.3
    )
    axis = [np.trace(s @ turn @ sj.PAULI[2] @ turn.conj().T).real / 2 for s in sj.PAULI]
    few = {"geometry": "shared", "tolerance": 0.3, "accuracy": 0.3}
    plain = response(model, [zero_range(), zero_range(FLIP, 0.8)], **few)
    other = response(turned, [zero_range(), zero_range(u @ FLIP @ u.conj().T, 0.8)], axes="xyz", **few)
    expected = plain.response_side_jump[0, 0, 0].item() * np.array(axis)
    np.testing.assert_allclose(other.response_side_jump[0, :, 0], expected, atol=1e-7)


def test_nothing_depends_on_the_members_of_the_pairs():
    """Any rotation of the states of each point by itself."""
    settings = TransportSettings(minimum=24, turn=None)
    problem = Problem(
        two_dirac_models(0.0), [zero_range(), zero_range(FLIP, 0.5)], 0.2, settings, [sj.spin_current("yz")]
    )
    solver, kt = SharedShell(problem, problem.solved_shell(0.2, problem.spacings.base), KB * 10), KB * 10
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


ANTISYMMETRIC = np.zeros((3, 3, 3))
for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    ANTISYMMETRIC[a, b, c], ANTISYMMETRIC[b, a, c] = 1, -1
SPACING = 1.2  # 1/angstrom: few points
CURRENTS = [sj.spin_current(a + c) for a in "xyz" for c in "xyz"]
PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def kramers(vertices=("identity",)):
    """A cubic crystal with spin-orbit coupling on irreducible points: problem, shell, and the response at 300 K."""
    problem = problem_of(p_model("sc", (0, 0, 0)), 0.1, vertices, CURRENTS, spacing=SPACING)
    shell = thinned(problem.shell(0.1, SPACING, levels=0))
    return problem, shell, SharedShell(problem, shell, KB * 300).solve(KB * 300, 1)[0]


@pytest.fixture(scope="module")
def scalar():
    return kramers()


def test_irreducible_points_give_the_matrices_of_all_points(scalar):
    """Points and their images against the same, each by itself; either half of the spin Hall effect is antisymmetric to
    rounding, and what matrices add to the distribution with the trace alone is all of its half."""
    problem, shell, found = scalar
    assert len(shell.operations) == 48 and not coherence_sentences(problem)
    other = problem_of(p_model("sc", (0, 0, 0)), 0.1, ["identity"], CURRENTS[:6], spacing=SPACING, symmetry="off")
    whole = SharedShell(other, everywhere(shell), KB * 300).solve(KB * 300, 1)[0]
    for part in PARTS:
        size = np.abs(getattr(whole, part)[3:] if "jump" in part else whole.boltzmann).max()
        current = problem.multiplets.asked(getattr(found, part), 3)[3:]
        expected = other.multiplets.asked(getattr(whole, part), 3)[3:]
        np.testing.assert_allclose(current[:6], expected, rtol=0, atol=1e-4 * size)
        if "jump" in part:
            current = current.reshape(3, 3, 3)
            np.testing.assert_allclose(current, current[0, 1, 2] * ANTISYMMETRIC, atol=1e-6 * size)
            assert abs(current[0, 1, 2]) > 1e-4
            charge = np.abs(getattr(found, part)[:3]).max()
            assert charge < 1e-9 * size  # no Hall effect
    traces = problem.multiplets.asked(of_traces(found).side_jump_distribution, 3)[3:]
    assert np.abs(traces).max() < 1e-9


@pytest.mark.parametrize(
    ("vertices", "count"), [(("identity",), 48), (("identity", FLAT_SPIN), 16)], ids=["scalar", "spin along z"]
)
def test_either_of_two_operations_carries_the_members(scalar, monkeypatch, vertices, count):
    """Inversion, or time reversal with it: matrices are conjugated in one of the two, and the result is the same."""
    _, _, unitary = scalar if len(vertices) == 1 else kramers(vertices)

    def reversing(operations):
        """Improper operations with time reversal."""
        assert not operations.signs.any()
        return Operations(operations.matrices, np.round(np.linalg.det(operations.matrices)).astype(int))

    for module in (members, problem_module):
        monkeypatch.setattr(module, "definite", reversing)
    _, shell, antiunitary = kramers(vertices)
    assert len(shell.operations) == count
    for part in PARTS:
        expected = getattr(unitary, part)
        size = np.abs(unitary.boltzmann if part == "boltzmann" else expected[3:]).max()
        np.testing.assert_allclose(getattr(antiunitary, part), expected, rtol=0, atol=1e-6 * size)
    assert np.abs(unitary.side_jump_velocity[3:]).max() > 1e-4


def test_hot_spots_change_the_traces_alone(scalar):
    """With the same points for the shift as for the distribution they change nothing."""
    problem, shell, found = scalar
    solver = SharedShell(problem, shell, KB * 300)
    again = replace(shell, k=shell.k.copy())  # another shell with the same points
    [change] = hot_spot_changes(problem, solver, again, [KB * 300], [found])
    size = np.abs(found.side_jump_velocity).max()
    assert np.abs(change.tensors).max() < 1e-4 * size
    assert np.abs(found.coherence).max() > 0.1 * size


def test_what_is_left_out_is_said(scalar):
    """Of skew scattering; nothing is in relaxation-time approximations."""
    problem = copy(scalar[0])
    problem.settings = replace(problem.settings, skew_scattering="quasistatic")
    [sentence] = coherence_sentences(problem)
    assert "spin_current_xy" in sentence and "skew scattering has one distribution" in sentence
    problem.settings = replace(scalar[0].settings, approximation="serta")
    assert not coherence_sentences(problem)


def test_elements_within_groups_are_found_once(monkeypatch):
    """Those of observables, for whether they differ and for their currents, and those of the spin."""
    found, inside = [], within.inside

    def counted(states, matrices):
        found.append(matrices.shape[1])
        return inside(states, matrices)

    for module in (within, coherence):
        monkeypatch.setattr(module, "inside", counted)
    problem = Problem(two_dirac_models(0.0), [zero_range(FLIP)], 0.2, TransportSettings(), [sj.spin_current("yz")])
    solved = SharedShell(problem, problem.shell(0.2, 1.0, levels=0), KB * 10).solve(KB * 10, 1)[0]
    assert np.abs(solved.coherence).max() > 0 and found == [1, 3]


def test_currents_and_shifts_turn_alike_but_for_the_sign():
    """``s^odd D`` and ``s^(odd + 1) D``; where either sign holds no sign is told."""
    rows = Multiplets.of([sj.spin_current("yz"), sj.spin("z")], exact_operations(p_model("bcc"), energy=0.1))
    rng = np.random.default_rng(0)
    turns = np.linalg.qr(rng.normal(size=(3, 3, 3)))[0]
    turns *= np.linalg.det(turns)[:, None, None]
    operations = Operations(turns, np.array([1, -1, 0]))
    currents, shifts = rows.currents(operations), rows.shift_turns(operations)
    np.testing.assert_array_equal(currents[0], shifts[0])
    np.testing.assert_array_equal(currents[1], -shifts[1])
    np.testing.assert_array_equal(currents[2] + shifts[2], rows.plain(operations)[2])
    np.testing.assert_array_equal(currents[1, :3, :3], turns[1])
