"""Ways to lay the points of a level: the same on every machine, and right in the mean."""

import numpy as np
import pytest

from helpers_models import rashba_lattice
from sidejump.bands.dirac import MassiveDirac
from sidejump.interactions import acoustic_deformation_potential
from sidejump.surfaces.placement import placement
from sidejump.transport import TransportSettings
from sidejump.transport.problem import Problem
from test_hot_spots import MU, ferromagnet, phonons


def test_a_replica_is_the_same_everywhere():
    places = [placement(r) for r in range(16)]
    assert places == [placement(r) for r in range(16)]
    assert len(set(places)) == 16
    assert placement(3, seed=1) != placement(3)


def test_shifts_and_angles_fill_their_ranges():
    places = [placement(r) for r in range(500)]
    shift = np.array([p.shift for p in places])
    assert np.all((shift >= 0) & (shift < 1))
    np.testing.assert_allclose(shift.mean(axis=0), 0.5, atol=4 / np.sqrt(12 * 500))
    angle = np.array([p.angle for p in places])
    assert np.all((angle >= 0) & (angle < 2 * np.pi / 3))  # three points come back after a third of a turn
    np.testing.assert_allclose(np.linalg.norm([p.turn for p in places], axis=1), 1, rtol=1e-12)
    for start in range(0, 16, 4):  # meshes with symmetry: no two of four in a row alike
        assert len({p.stretch[0] for p in places[start : start + 4]}) == 4
    assert len({p.stretch for p in places[:16]}) == 16


@pytest.mark.parametrize("model, mu", [(MassiveDirac(mass=0.1, velocity=3.0), 0.2), (rashba_lattice(), -1.0)])
def test_the_density_of_states_in_two_dimensions(model, mu):
    phonons = acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    problem = Problem(model, [phonons], mu, TransportSettings())
    fine = problem.laid(4.0, 0)
    exact = fine.shell(mu, fine.spacings.base, whole=True).weight.sum()
    for accuracy in (0.7, 1.4):
        found = []
        for replica in range(6):
            laid = problem.laid(accuracy, replica)
            found.append(laid.shell(mu, laid.spacings.base, whole=True).weight.sum())
        error = np.std(found, ddof=1) / np.sqrt(len(found))
        assert abs(np.mean(found) - exact) < 4 * error + 1e-4 * exact


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_the_density_of_states_in_three_dimensions(symmetry):
    """Right on the average over replicas, and the spread falls with the level."""
    settings = TransportSettings(symmetry=symmetry)
    problem = Problem(ferromagnet(), [phonons(sound=0.0329)], MU, settings)
    fine = problem.laid(1.5 if symmetry == "auto" else 3.0, 0)
    exact = fine.shell(MU, fine.spacings.base, levels=0).weight.sum()
    spreads = []
    for accuracy in (0.25, 0.5) if symmetry == "auto" else (0.5, 1.0):  # as many points
        found = []
        for replica in range(4):
            laid = problem.laid(accuracy, replica)
            shell = laid.shell(MU, laid.spacings.base, levels=0)
            assert (shell.operations is None) == (symmetry == "off")
            found.append(shell.weight.sum() / exact)
        spreads.append(np.std(found, ddof=1))
        assert abs(np.mean(found) - 1) < 3 * spreads[-1] / 2 + 2e-3
    assert spreads[1] < spreads[0] < 0.05
