"""Shifts of pairs along those directions alone in which symmetry leaves a side jump."""

import numpy as np
import pytest

import test_electron_phonon_pairs as first_principles
from helpers_models import random_wannier
from sidejump.bands.states import solve_states
from sidejump.groups.operations import exact_operations
from sidejump.interactions.first_principles.pairs import ElectronPhononPairs
from sidejump.interactions.limits import CurvatureShift
from sidejump.interactions.sources import pair_sources
from sidejump.kinetics.fold import Fold
from sidejump.transport import TransportSettings
from sidejump.transport.hot_spots import hot_spot_changes
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet, phonons
from test_reduced import p_model
from test_vertex_between_sites import hermitian, points, static


class Everything(Problem):
    """The same with shifts along all directions."""

    def shift_directions(self, operations):
        return None


def directions(*args, **keys):
    return Fold(exact_operations(p_model(*args, **keys), energy=0.1)).shift_directions


def test_across_the_magnetisation():
    np.testing.assert_array_equal(directions("bcc", (0, 0, 0.3)), np.eye(3)[:2])
    np.testing.assert_array_equal(directions("bcc", (0.3, 0, 0)), np.eye(3)[1:])
    along = np.ones(3) / 3**0.5
    found = directions("fcc", 0.3 * along)
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(found @ along, 0, atol=1e-12)


def test_all_where_symmetry_says_nothing():
    assert directions("sc", (0.1, 0.2, 0.3)) is None
    assert directions("bcc", (0, 0, 0)) is None  # no side jump at all
    assert Fold().shift_directions is None
    assert Fold(exact_operations(p_model(), energy=0.1), heat=True).shift_directions is None


def test_nothing_else_is_left_out():
    found = []
    for kind in (Problem, Everything):
        problem = kind(ferromagnet(0.08), [phonons()], MU, TransportSettings(turn=0.35, accuracy=0.5))
        coarse, fine = (problem.shell(MU, problem.spacings.base, levels=levels, several=True) for levels in (0, 1))
        kts = [KB * 60, KB * 300]
        solver = SharedShell(problem, coarse, kts[1])
        responses = [response for response, _ in solver.solve_each(kts, 1)]
        changes = hot_spot_changes(problem, solver, fine, kts, responses)
        found.append(([r.tensors for r in responses], [c.side_jump_velocity for c in changes], solver))
    (tensors, changes, less), (expected, wanted, more) = found
    size = np.abs(np.array(expected)).max(axis=(0, 2, 3))
    assert np.abs(changes).max() > 1e-3 * size[1]
    for part in range(3):
        np.testing.assert_allclose(
            np.array(tensors)[:, part], np.array(expected)[:, part], rtol=0, atol=2e-6 * size[part]
        )
    np.testing.assert_allclose(changes, wanted, rtol=0, atol=2e-6 * size[1])
    pairs = [solver.stream.kept([np.inf])[0][0].channels[0].shift.shape[0] for solver in (less, more)]
    assert pairs == [2, 3]


def test_asked_for_more_than_the_current():
    model = p_model()
    assert (
        Problem(model, [phonons()], 0.1, TransportSettings(heat=True)).shifts(exact_operations(model, energy=0.1)) == 3
    )
    plain = Problem(model, [phonons()], 0.1, TransportSettings())
    assert plain.shifts(plain.operations) == 2


def test_scatterers_that_make_shifts_of_their_own():
    """What they give is along the coordinates, and so is all that is asked for, beside other scatterers too."""
    found = []
    for problem in (Problem, Everything):
        given = problem(ferromagnet(), [CurvatureShift(phonons()), phonons()], MU, TransportSettings())
        shell = given.shell(MU, 1.0, levels=0)
        assert given.shifts(shell.operations) == 3
        found.append(SharedShell(given, shell, KB * 300).solve(KB * 300, 1)[0].side_jump_velocity)
    size = np.abs(found[1]).max()
    assert size > 0
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-6 * size)


@pytest.mark.parametrize("kind", ["a position matrix", "a vertex between sites", "first principles"])
def test_the_shift_of_a_pair_is_a_vector(kind):
    """Along any orthonormal directions it has the components of the whole one."""
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    if kind == "first principles":
        data = first_principles.ferromagnet()
        _, _, states = first_principles.random_states(data, 8)
        source = ElectronPhononPairs(data, "hermitian")
    else:
        model = random_wannier(3, 3, seed=1, position=kind == "a position matrix")
        k, bands, momentum = points(model, 8)
        [source] = pair_sources([static(hermitian(3), 3)], model, momentum)
        states = solve_states(model, k, bands)
    pairs = slice(0, 4), slice(4, 8), np.inf
    found = [source.prepared(some).evaluate(*pairs) for some in (states, states.along(axes))]
    for whole, some in zip(*found, strict=True):
        np.testing.assert_allclose(some.strength, whole.strength, rtol=1e-5)
        size = np.abs(whole.shift).max()
        np.testing.assert_allclose(some.shift, np.einsum("da,aij->dij", axes, whole.shift), rtol=0, atol=1e-5 * size)
