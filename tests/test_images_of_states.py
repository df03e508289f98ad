"""States at images, made of those at the points, next to those that are solved for there."""

from pathlib import Path

import numpy as np
import pytest

from sidejump.app.run import prepare
from sidejump.transport import TransportSettings
from sidejump.transport.problem import Problem
from test_hot_spots import phonons
from test_reduced import p_model

IRON = Path(__file__).parents[1] / "examples" / "iron.toml"


def iron():
    """With the position matrix of its Wannier functions, and operations with time reversal."""
    job = prepare(IRON)
    return Problem(job.model, list(job.scatterers), job.chemical_potential, TransportSettings())


def p_bands(lattice, inversion):
    return Problem(p_model(lattice, inversion=inversion), [phonons()], -1.0, TransportSettings())


@pytest.mark.parametrize(
    "make", [iron, lambda: p_bands("hexagonal", True), lambda: p_bands("fcc", False)], ids=["iron", "hexagonal", "fcc"]
)
def test_pairs_with_images_are_those_of_solved_states(make):
    problem = make()
    shell = problem.shell(problem.mu, 5 * problem.spacings.base, levels=0)
    assert -1 in shell.operations.signs
    made = problem.sampled(shell)
    problem.__dict__["orbital_turns"] = None
    solved = problem.sampled(shell)
    assert made.turned is not None and solved.turned is None
    np.testing.assert_array_equal(made.states.k, solved.states.k)
    for name in ("energy", "velocity", "interband", "multiplicity"):
        found, expected = getattr(made.states, name), getattr(solved.states, name)
        np.testing.assert_allclose(found, expected, atol=1e-8 * np.abs(expected).max(), err_msg=name)
    every = slice(0, len(made.states))
    some = slice(0, min(made.count, 20))
    for one, other in zip(made.prepared(problem.sources), solved.prepared(problem.sources), strict=True):
        for found, expected in zip(one.evaluate(some, every, np.inf), other.evaluate(some, every, np.inf), strict=True):
            np.testing.assert_allclose(found.strength, expected.strength, atol=1e-9)
            np.testing.assert_allclose(found.shift, expected.shift, atol=1e-8 * np.abs(expected.shift).max())


def test_orbitals_of_a_shell_with_fewer_operations_have_its_matrices():
    turns, some = (problem := p_bands("hexagonal", True)).orbital_turns, np.array([0, 5, 3])
    np.testing.assert_array_equal(turns.of(problem.operations.take(some)).matrices, turns.matrices[some])
