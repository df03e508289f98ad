"""The conductivity with scattering that knows no momentum transfer, and what it takes away from the noise of points."""

import numpy as np
import pytest

import sidejump as sj
from sidejump import Observable
from sidejump.groups.members import definite
from sidejump.kinetics.fold import Fold
from sidejump.kinetics.white import white_conductivity
from sidejump.transport import TransportSettings
from sidejump.transport.hot_spots import HotSpots, hot_spot_changes, with_hot_spots
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, WEYL, ferromagnet, phonons


def problem_of(model=None, mu=MU, **settings):
    return Problem(model or ferromagnet(), [phonons()], mu, TransportSettings(**settings))


def of_shell(problem, shell):
    """White conductivity, and the sample."""
    sample = problem.sampled(shell, images=False)
    turns = None if shell.operations is None else problem.orbital_turns.of(shell.operations).matrices
    some = sample.states[slice(0, sample.count)], sample.weight[:, 0], sample.velocity[:, 0]
    return white_conductivity(*some, problem.fold(shell.operations), turns), sample


@pytest.mark.parametrize(("model", "mu", "settings"), [(ferromagnet(), MU, {}), (WEYL, 0.1, {"spacing": 0.08})])
def test_it_solves_the_equation_of_all_pairs(model, mu, settings):
    problem = problem_of(model, mu, symmetry="off", accuracy=0.5, **settings)
    found, sample = of_shell(problem, problem.shell(mu, problem.spacings.base, levels=0))
    u, w, v = sample.states.vectors[:, 0], sample.weight[:, 0], sample.velocity[:, 0]
    rates = w[:, None] * w * np.abs(u.conj() @ u.T) ** 2
    operator = np.diag(rates.sum(axis=1)) - rates
    expected = (w[:, None] * v).T @ np.linalg.lstsq(operator, w[:, None] * v, rcond=1e-10)[0]
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_irreducible_points_give_that_of_all_images():
    problem = problem_of(accuracy=0.5)
    shell = problem.shell(MU, problem.spacings.base, levels=0)
    found, _ = of_shell(problem, shell)
    assert len(shell.operations) == 8 and np.any(definite(shell.operations).signs < 0)
    whole = problem.sampled(shell)  # the same with the states of all images
    velocity = whole.everywhere(whole.velocity[:, 0])
    expected = white_conductivity(whole.states, whole.all_weights, velocity, Fold())
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize(("accuracy", "number"), [(0.25, 0), (0.35, 0)])
def test_it_foretells_what_the_solution_on_a_finer_shell_would_change(accuracy, number):
    """All pairs of the finer shell say the same, at either temperature."""
    problem = problem_of(ferromagnet(0.02), accuracy=accuracy).laid(1.0, number)
    rough, fine = problem.solved_shell(MU, problem.spacings.base), problem.fine_shell(MU, problem.spacings.base)
    kts = [KB * 300.0, KB * 100.0]
    coarse, whole = SharedShell(problem, rough, kts[0]), SharedShell(problem, fine, kts[0])
    known = [r for r, _ in coarse.solve_each(kts, 1)]
    corrected = [r.boltzmann for r in with_hot_spots(problem, coarse, fine, kts, known)]
    growth = HotSpots(problem, fine).growth(coarse)
    assert np.abs(growth).max() > 2e-3
    for before, after, (expected, _) in zip(known, corrected, whole.solve_each(kts, 1), strict=True):
        change = np.linalg.solve(before.boltzmann, expected.boltzmann) - np.eye(3)
        np.testing.assert_allclose(growth, change, atol=0.05 * np.abs(growth).max())
        np.testing.assert_allclose(after, expected.boltzmann, atol=2e-4 * np.abs(after).max())


@pytest.mark.parametrize("symmetry", ["off", "auto"])
def test_what_grows_is_the_same_for_the_velocity_as_an_observable(symmetry, monkeypatch):
    """Both halves of its side jump are those of the current; of a part of it, that part."""
    share = [0.6, 0.0, 0.8]
    along = Observable("along", lambda model, k: np.tensordot(share, model.hamiltonian_gradient(k), (0, 1)))
    observables = [*(sj.velocity(x) for x in "xyz"), *([along] if symmetry == "off" else [])]
    problem = Problem(ferromagnet(), [phonons()], MU, TransportSettings(accuracy=0.5, symmetry=symmetry), observables)
    coarse, fine = (problem.shell(MU, x * problem.spacings.base, levels=0) for x in (1.2, 1.0))
    monkeypatch.setattr(HotSpots, "growth", lambda *_: np.diag([0.3, 0.3, -0.2]))  # along the axis less
    solver = SharedShell(problem, coarse, KB * 300)
    [change] = hot_spot_changes(problem, solver, fine, [KB * 300], [solver.solve(KB * 300, 1)[0]])
    for part in change.tensors[1:3]:
        asked = problem.multiplets.asked(part, 3)
        size = np.abs(part[:3]).max()
        # of all points the current is no sum over the surface of every piece, as that of an observable is
        precision = {"auto": 2e-5, "off": 2e-3}[symmetry] * size
        assert precision > 0
        np.testing.assert_allclose(asked[3:6], asked[:3], rtol=0, atol=precision)
        if symmetry == "off":
            np.testing.assert_allclose(asked[6], share @ asked[:3], rtol=0, atol=precision)


def test_of_a_shell_with_fewer_operations_each_has_its_matrix():
    problem = problem_of(accuracy=0.5)
    some = problem.operations.take(np.array([0, 5, 3]))
    matrices = problem.orbital_turns.of(some).matrices
    np.testing.assert_array_equal(matrices, problem.orbital_turns.matrices[[0, 5, 3]])
