"""Shells that change topology within the thermal window: saddle points, edges of bands, pockets that appear."""

import numpy as np
import pytest
from scipy.special import ellipk, expit

from sidejump import LatticeModel, MassiveDirac, RashbaFerromagnet, acoustic_deformation_potential
from sidejump.accuracy import Study, plan
from sidejump.accuracy.estimates import BETWEEN_SHELLS
from sidejump.accuracy.replica import Task
from sidejump.accuracy.report import missed_sentences
from sidejump.interactions.base import Branch, Scatterer
from sidejump.surfaces.critical import critical_points
from sidejump.surfaces.fermi import fermi_shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB

STRENGTH = 1e-3  # eV^2 angstrom^d: density of impurities times the square of their strength


def zero_range(dimension, vertex="identity", strength=STRENGTH):
    return Scatterer("static", dimension, (Branch(lambda q: strength + 0 * q),), vertex)


def lattice(dimension, hopping=0.5, constant=4.0):
    """One orbital with hoppings to nearest neighbours: ``-2 t sum cos k_a``."""
    eye = np.eye(dimension, dtype=int)
    vectors = np.array([np.zeros(dimension, dtype=int), *eye, *-eye])
    hoppings = np.array([0.0] + 2 * dimension * [-hopping])[:, None, None]
    return LatticeModel(constant * np.eye(dimension), vectors, hoppings)


def transport(model, scatterers, mu, temperature, **settings):
    return run_transport(
        model,
        scatterers,
        chemical_potential=mu,
        temperatures=np.atleast_1d(temperature),
        settings=TransportSettings(**settings),
    )


# --- a density of states in closed form -----------------------------------------------------------------------------


def states_of_lattice(dimension, energy, hopping=0.5, constant=4.0):
    """Density of states of :func:`lattice`: an elliptic integral, in three dimensions summed over k_z."""
    if dimension == 2:
        inside = np.abs(energy) < 4 * hopping
        modulus = np.where(inside, 1 - (energy / (4 * hopping)) ** 2, 0.0)
        return np.where(inside, ellipk(modulus) / (2 * np.pi**2 * hopping * constant**2), 0.0)
    angle = np.pi * (np.arange(4000) + 0.37) / 4000  # off the symmetry lines
    layers = [states_of_lattice(2, e + 2 * hopping * np.cos(angle), hopping, constant).mean() for e in energy]
    return np.array(layers) / constant


def elastic_conductivity(dimension, mu, temperature, hopping=0.5, constant=4.0):
    """``int dF V(e) / (2 pi W N(e))`` for isotropic scattering, V of v_x^2.

    V' is the density of the inverse mass, whose trace is ``-a^2 e``: ``d V(e) = -a^2 int^e e' N(e') de'``.
    """
    bottom = -2 * dimension * hopping
    # no point at a singularity, dense around the chemical potential
    grid = np.concatenate(
        [np.linspace(bottom, mu, 4001)[:-1], mu + KB * temperature * np.sinh(np.linspace(-5, 5, 4001))]
    )
    grid = np.unique(np.clip(grid, bottom, -bottom))
    middle, width = 0.5 * (grid[1:] + grid[:-1]), np.diff(grid)
    states = states_of_lattice(dimension, middle, hopping, constant)
    velocity = np.cumsum(-(constant**2) * middle * states * width / dimension)
    velocity = velocity - 0.5 * (-(constant**2) * middle * states * width / dimension)
    weight = np.diff(expit((grid - mu) / (KB * temperature)))
    return float((weight * velocity / (2 * np.pi * STRENGTH * states)).sum())


@pytest.mark.parametrize(("mu", "temperature"), [(0.0, 300.0), (1e-3, 10.0), (-0.04, 300.0)])
def test_saddle_points_of_the_square_lattice(mu, temperature):
    result = transport(lattice(2), [zero_range(2)], mu, temperature)
    assert result.report["geometry_used"] == ["independent"] and result.report["warnings"] == []
    expected = elastic_conductivity(2, mu, temperature)
    np.testing.assert_allclose(result.boltzmann[0], expected * np.eye(2), atol=1e-3 * expected)


def test_nothing_happens_where_the_chemical_potential_meets_the_saddle():
    values = [transport(lattice(2), [zero_range(2)], mu, 50.0).boltzmann[0, 0, 0] for mu in (0.0, 1e-5)]
    assert values[0] == pytest.approx(values[1], rel=3e-4)


def test_saddle_points_of_the_cubic_lattice():
    result = transport(lattice(3), [zero_range(3)], 1.0, 300.0, turn=None, tolerance=5e-3)
    assert result.report["geometry_used"] == ["independent"] and result.report["warnings"] == []
    np.testing.assert_allclose(
        result.boltzmann[0], elastic_conductivity(3, 1.0, 300.0) * np.eye(3), atol=5e-3 * result.boltzmann[0, 0, 0]
    )


@pytest.mark.parametrize("geometry", ["auto", "averaged"])
def test_chemical_potential_below_all_bands(geometry):
    """No shell at the chemical potential, nor at most energies of the window."""
    mu = -2.0 - 1.5 * KB * 300
    result = transport(lattice(2), [zero_range(2)], mu, 300.0, geometry=geometry, energy_nodes=1)
    expected = elastic_conductivity(2, mu, 300.0)
    np.testing.assert_allclose(result.boltzmann[0], expected * np.eye(2), atol=1e-3 * expected)


def einstein(phonon):
    return Scatterer("einstein", 2, (Branch(lambda q: STRENGTH + 0 * q, lambda q: phonon + 0 * q),))


def conductivity_across_a_saddle(phonon):
    """Einstein phonons: the rate at e is that of the densities of states at e +- w, without a vertex correction."""
    kt = KB * 300
    e = np.linspace(-1.9999, 1.9999, 20000)
    states, number, step = states_of_lattice(2, e), 1 / np.expm1(phonon / kt), e[1] - e[0]
    velocity = np.cumsum(-(4.0**2) * e * states) * step / 2
    absorbed, emitted = (states_of_lattice(2, e + s * phonon) for s in (1, -1))
    rate = (number + expit(-(e + phonon) / kt)) * absorbed
    rate = 2 * np.pi * STRENGTH * (rate + (number + 1 - expit(-(e - phonon) / kt)) * emitted)
    return (velocity / rate * expit(e / kt) * expit(-e / kt)).sum() * step / kt


def test_phonons_across_a_saddle_are_estimated_and_the_error_is_said():
    result = transport(lattice(2), [einstein(0.04)], 0.0, 300.0, energy_nodes=3)
    assert result.boltzmann[0, 0, 0] == pytest.approx(conductivity_across_a_saddle(0.04), rel=0.015)
    assert "both ends of a phonon event" in " ".join(result.report["warnings"])


def test_what_phonons_between_shells_leave_is_part_of_the_error():
    """Levels and replicas agree on a value that is 1.7 % off."""
    settings = TransportSettings(energy_nodes=3)
    [case] = plan(Study(lattice(2), (einstein(0.02),), (0.0,), np.array([300.0]), tolerance=0.05, settings=settings))
    assert case.geometry == ["independent"]
    controller = case.controller()
    for number in (0, 1):
        controller.add(case.compute(Task("independent shells", 0, number, (0,))))
    found, expected = controller.estimate(), conductivity_across_a_saddle(0.02)
    off = abs(found.value[0, 0, 0, 0] - expected)
    assert 0.01 * expected < off < found.floors[BETWEEN_SHELLS][0, 0] < 0.06 * expected
    assert found.error[0, 0, 0, 0] > found.floors[BETWEEN_SHELLS][0, 0]
    controller.limits.tolerance = 0.01
    [missed] = missed_sentences(found, controller)
    assert "phonons may change that connect shells" in missed


# --- kagome ferromagnet ---------------------------------------------------------------------------------------------


def kagome(hopping=0.3, flux=0.05, constant=5.0):
    """One spin of a kagome ferromagnet; the spin-orbit term puts a flux through the triangles."""
    cell = constant * np.array([[1.0, 0.0], [0.5, 0.75**0.5]])
    bonds = [((0, 0), 0, 1), ((0, 0), 1, 2), ((0, 0), 2, 0), ((-1, 0), 0, 1), ((1, -1), 1, 2), ((0, 1), 2, 0)]
    hoppings: dict = {}
    for vector, i, j in bonds:
        for r, m, n, value in (
            (vector, i, j, -hopping + 1j * flux),
            (tuple(-np.array(vector)), j, i, -hopping - 1j * flux),
        ):
            hoppings.setdefault(tuple(int(x) for x in r), np.zeros((3, 3), complex))[m, n] += value
    sites = np.array([[0.0, 0.0], [0.5, 0.0], [0.0, 0.5]]) @ cell
    return LatticeModel(cell, np.array(list(hoppings)), np.array(list(hoppings.values())), sites=sites)


def densities_by_triangles(model, energies, mesh=240):
    """N(e) and that of v_x^2 and v_y^2, from bands linear on triangles: no shell is looked for. Shapes (n,), (n, 2)."""
    t = np.arange(mesh) / mesh
    k = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2) @ model.reciprocal_cell
    bands, vectors = np.linalg.eigh(model.hamiltonian(k))
    speed = np.einsum("kmn,kamp,kpn->kan", vectors.conj(), model.hamiltonian_gradient(k), vectors).real ** 2
    corner = np.moveaxis(np.concatenate([bands[:, None], speed], axis=1), 0, -1).reshape(3, -1, mesh, mesh)
    area = abs(np.linalg.det(model.reciprocal_cell)) / mesh**2 / 2 / (2 * np.pi) ** 2
    total = np.zeros((3, len(energies)))
    right, up, across = (np.roll(corner, s, axis=(2, 3)) for s in ((-1, 0), (0, -1), (-1, -1)))
    for triangle in ((corner, right, up), (right, up, across)):
        stacked = np.stack(triangle)  # (3 corners, e and squares, N, mesh, mesh)
        order = np.argsort(stacked[:, 0], axis=0)
        e = np.take_along_axis(stacked[:, 0], order, axis=0).reshape(3, -1)
        squares = np.take_along_axis(stacked[:, 1:], order[:, None], axis=0).reshape(3, 2, -1)
        for i, energy in enumerate(energies):
            cut = np.flatnonzero((e[0] < energy) & (energy < e[2]))
            a, b, c = e[:, cut]
            low = energy < b
            # the cut runs from the longest edge (a, c) to (a, b) or (b, c)
            density = (
                2 * area * np.where(low, (energy - a) / np.where(low, b - a, 1), (c - energy) / np.where(low, 1, c - b))
            )
            density = density / (c - a)
            x = (energy - a) / (c - a)
            first = squares[0][:, cut] * (1 - x) + squares[2][:, cut] * x
            y = np.where(low, (energy - a) / np.where(low, b - a, 1), (energy - b) / np.where(low, 1, c - b))
            second = np.where(
                low,
                squares[0][:, cut] * (1 - y) + squares[1][:, cut] * y,
                squares[1][:, cut] * (1 - y) + squares[2][:, cut] * y,
            )
            total[:, i] += [density.sum(), *(0.5 * (first + second) * density).sum(axis=1)]
    return total[0], total[1:].T


@pytest.mark.parametrize("mu", [-0.32])
def test_kagome_ferromagnet(mu):
    """Impurities on every sublattice: inversion leaves no vertex correction, and all sublattices are alike.

    Saddle points, the gap of the cones and the edge of the narrow band are within the window.
    """
    model, kt = kagome(), KB * 300
    scatterers = [zero_range(2, vertex=np.diag(np.eye(3)[s]).astype(complex)) for s in range(3)]
    result = transport(model, scatterers, mu, 300.0)
    assert result.report["geometry_used"] == ["independent"]
    place = (np.arange(200) + 0.5) / 200
    states, squares = densities_by_triangles(model, mu + kt * np.log(place / (1 - place)))
    some = states > 0
    expected = (squares[some] / (2 * np.pi * STRENGTH * states[some, None] / 3)).sum(axis=0) / 200
    assert expected[0] == pytest.approx(expected[1], rel=5e-3)
    np.testing.assert_allclose(result.boltzmann[0], expected.mean() * np.eye(2), atol=6e-3 * expected.mean())
    assert abs(result.boltzmann[0, 0, 0] / result.boltzmann[0, 1, 1] - 1) < 1e-3


# --- one node next to a band edge -----------------------------------------------------------------------------------

SOFT = dict(deformation_potential=1.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2)


@pytest.mark.parametrize("above", [1e-3, -1e-3])
def test_quasi_elastic_theory_next_to_a_band_edge_is_a_thermal_average(above):
    model, scatterers = MassiveDirac(mass=0.1, velocity=3.0), [acoustic_deformation_potential(**SOFT)]
    one, several = (transport(model, scatterers, 0.1 + above, 50.0, energy_nodes=n) for n in (1, "auto"))
    np.testing.assert_allclose(one.boltzmann, several.boltzmann, atol=2e-3 * several.boltzmann.max())
    np.testing.assert_allclose(
        one.side_jump_velocity, several.side_jump_velocity, atol=5e-3 * np.abs(several.side_jump_velocity).max()
    )


def test_far_from_the_edge_one_node_is_the_fermi_surface():
    result = transport(
        MassiveDirac(mass=0.1, velocity=3.0), [acoustic_deformation_potential(**SOFT)], 0.2, 50.0, energy_nodes=1
    )
    assert result.report["geometry_used"] == ["own"]


# --- critical points and contours that pass them --------------------------------------------------------------------


def test_critical_points_of_lattices():
    found = critical_points(lattice(3), -4.0, 4.0)
    energies, counts = np.unique(found.energy.round(9), return_counts=True)
    np.testing.assert_allclose(energies, [-3, -1, 1, 3], atol=1e-8)
    np.testing.assert_array_equal(counts, [1, 3, 3, 1])
    np.testing.assert_array_equal(found.saddle, np.abs(found.energy) < 2)
    # the step of the density of states at the bottom of the square lattice
    bottom = critical_points(lattice(2), -2.1, -1.9)
    assert bottom.singular_density(0.02) == pytest.approx([states_of_lattice(2, np.array([-2 + 1e-9]))[0]])


def test_critical_points_of_k_p_models():
    gap = critical_points(MassiveDirac(mass=0.001, velocity=3.0), -0.1, 0.1)
    np.testing.assert_allclose(gap.energy, [-0.001, 0.001], atol=1e-9)
    model = RashbaFerromagnet(effective_mass=1.0, rashba=1.0, exchange=0.1)
    found = critical_points(model, -1.0, 0.5).energy
    assert any(abs(found - 0.1) < 1e-9) and any(abs(found + 0.1) < 1e-9)  # at k = 0
    lowest = np.linalg.eigvalsh(model.hamiltonian(np.linspace(0, 1, 20001)[:, None] * [[1.0, 0.0]])).min()
    assert found.min() == pytest.approx(lowest, abs=1e-8)  # a circle


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4])
def test_density_of_states_of_a_contour_that_passes_a_saddle(distance):
    shell = fermi_shell(lattice(2), distance, spacing=0.1)
    assert shell.weight.sum() == pytest.approx(states_of_lattice(2, np.array([distance]))[0], rel=1e-5)
    assert len(shell) < 400 and not shell.unresolved


def test_critical_energies_that_change_nothing_leave_the_average():
    """Saddles within the window of a cubic metal, but no more than three shells see: they are enough, and are taken."""
    result = transport(lattice(3), [zero_range(3)], 0.92, 300.0, turn=None, tolerance=0.02)
    assert result.report["geometry_used"] == ["averaged"]
    exact = elastic_conductivity(3, 0.92, 300.0)
    np.testing.assert_allclose(result.boltzmann[0], exact * np.eye(3), atol=2e-2 * exact)
