"""Chemical potentials of doped metals: tetrahedra against closed forms, finer meshes, and in a scan."""

import numpy as np
import pytest

import sidejump as sj
from sidejump.intrinsic.density import solve_chemical_potential
from sidejump.intrinsic.filling import Filling, Fillings, States, mesh_energies
from sidejump.units import KB

EDGE = 4.0


def lattice(dimension, hopping=-0.5):
    builder = sj.TightBinding(EDGE * np.eye(dimension), [((0.0,) * dimension, 1)])
    for vector in np.eye(dimension, dtype=int):
        builder.hop(0, 0, tuple(int(i) for i in vector), hopping)
    return builder.build()


def filled(energy, dimension, n=2400):
    """States per cell below an energy of the square or cubic lattice: an arc cosine along the last axis, averaged."""
    c = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    others = c if dimension == 2 else (c[:, None] + c).ravel()
    return float(np.mean(np.arccos(np.clip(-energy - others, -1, 1)) / np.pi))


@pytest.mark.parametrize("dimension", [2, 3])
def test_states_below_an_energy(dimension):
    """Of second order in the spacing, and of more where two meshes are combined."""
    model = lattice(dimension)
    levels = np.array([-1.7, -0.6, 0.3, 1.4])
    exact = np.array([filled(e, dimension) for e in levels])
    errors = []
    for n in (16, 32):
        energies = mesh_energies(model, [n] * dimension)
        half = energies[(slice(None, None, 2),) * dimension]
        fine, coarse = (States(e, (-9.0, 9.0)).below(levels) for e in (energies, half))
        errors.append([np.abs(fine - exact).max(), np.abs((4 * fine - coarse) / 3 - exact).max()])
        np.testing.assert_allclose(States(energies, (-2.0, 2.0)).below(levels), fine, rtol=1e-12)
    errors = np.array(errors)
    assert 3 < errors[0, 0] / errors[1, 0] < 6  # a quarter
    assert errors[1, 1] < 0.15 * errors[1, 0]
    assert States(energies, (-9.0, 9.0)).below([-3.5, 3.5]).tolist() == [0.0, 1.0]


CASES = [(3, -1.3, 1e21, 4.0), (3, -1.3, -3e19, 10.0), (3, 0.2, 2e21, 10.0), (2, -0.9, 3e13, 5.0), (2, 0.4, -1e14, 5.0)]


@pytest.mark.parametrize(("dimension", "neutral", "density", "temperature"), CASES)
def test_a_cold_metal_has_its_density(dimension, neutral, density, temperature):
    """The density of the chemical potential, by another sum, differs by no more than the error that is stated."""
    mu, error = solve_chemical_potential(lattice(dimension), density, temperature, neutral=neutral)
    assert error < 1e-3
    # at kT of less than 1 meV the second term of Sommerfeld's expansion is far below what is compared
    found = (filled(mu, dimension) - filled(neutral, dimension)) / EDGE**dimension * 1e8**dimension
    assert found / density == pytest.approx(1, abs=error + 2e-5)


@pytest.mark.parametrize("temperature", [77.0, 300.0])
def test_a_mesh_of_twice_the_points_agrees(temperature):
    model, kt, density = lattice(3), KB * temperature, 1e21
    mu, error = solve_chemical_potential(model, density, temperature, neutral=-1.3)
    fine = Filling(mesh_energies(model, [64] * 3), EDGE**3, -1.3, (mu - 30 * kt, mu + 30 * kt))
    n, p = fine.carriers(mu, kt)
    assert error < 1e-3 and (n - p) * 1e24 / density == pytest.approx(1, abs=error)


def test_meshes_are_kept_and_change_no_digit():
    model = lattice(2)
    kept = Fillings(model, -0.9)
    for density, temperature in ((3e13, 5.0), (-1e14, 300.0), (3e13, 100.0)):
        again = solve_chemical_potential(model, density, temperature, neutral=-0.9, fillings=kept)
        alone = solve_chemical_potential(model, density, temperature, neutral=-0.9)
        assert again == pytest.approx(alone, rel=1e-6)


def test_more_than_the_bands_hold():
    with pytest.raises(sj.InputError, match="the bands do not hold so many"):
        solve_chemical_potential(lattice(2), 1e16, 20.0, neutral=-0.9)


def test_no_more_and_no_less_is_the_neutral_metal():
    mu, _ = solve_chemical_potential(lattice(3), 0.0, 4.0, neutral=-1.3)
    assert mu == pytest.approx(-1.3, abs=2e-4)
