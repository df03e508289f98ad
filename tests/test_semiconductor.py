"""Carriers next to a band edge: chemical potential in the band, at its edge, and in the gap below it."""

import numpy as np
import pytest

from helpers_ladder import polar_mobility
from sidejump import LatticeModel
from sidejump.accuracy import Study, plan
from sidejump.accuracy.replica import Task
from sidejump.accuracy.statistics import ALONE
from sidejump.bands.luttinger import Luttinger
from sidejump.bands.quadratic import QuadraticModel
from sidejump.energy.basis import EnergyBasis
from sidejump.energy.mapping import EnergyMap
from sidejump.errors import InputError
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.polar import Patches, mean_speed, transfer_square
from sidejump.surfaces.fermi import fermi_shell
from sidejump.surfaces.rays import evenly_sampled, shell_rays
from sidejump.transport import Problem, TransportSettings, run_transport
from sidejump.transport.term import POINTS
from sidejump.units import KB

DEFORMATION = Scatterer(
    "deformation",
    3,
    (Branch(coupling=lambda q: 1e-2 * q, phonon_energy=lambda q: 0.033 * q),),
    sound_velocity=0.033,
)
CURVATURE, STRENGTH, PHONON = 60.0, 0.5, 0.036  # eV angstrom^2, eV^2 angstrom, eV: GaAs, nearly
POLAR = Scatterer(
    "polar",
    3,
    (Branch(coupling=lambda q: STRENGTH / q**2, phonon_energy=lambda q: PHONON + 0 * q),),
    singular=True,
)


class Spinful(QuadraticModel):
    """``e = 60 k^2 -+ splitting/2``, two spins."""

    k_scale = 0.05

    def __init__(self, sign=1.0, masses=(1.0, 1.0, 1.0), splitting=0.0):
        second = 2 * sign * CURVATURE * np.einsum("ab,mn->abmn", np.diag(masses), np.eye(2))
        super().__init__(np.diag([-0.5, 0.5]) * splitting, np.zeros((3, 2, 2)), second)


def transport(mu, temperature, nodes, sign=1.0, **settings):
    chosen = TransportSettings(energy_nodes=nodes, geometry="own", spacing=0.2, turn=None, **settings)
    result = run_transport(Spinful(sign), [POLAR], chemical_potential=mu, temperatures=[temperature], settings=chosen)
    return result, result.boltzmann[0] / result.report["carrier_density"][0]


@pytest.mark.parametrize(
    ("mu", "temperature", "nodes", "tolerance"),
    [(0.0856, 300.0, 5, 3e-3), (0.0856, 100.0, 5, 2.5e-2), (-0.05, 300.0, 9, 1e-3)],
)
def test_polar_mobility_next_to_a_band_edge(mu, temperature, nodes, tolerance):
    result, mobility = transport(mu, temperature, nodes)
    expected, density = polar_mobility(CURVATURE, STRENGTH, PHONON, mu, KB * temperature)
    np.testing.assert_allclose(mobility, expected * np.eye(3), atol=tolerance * expected)
    assert result.report["carrier_density"][0] == pytest.approx(density, rel=2e-3)
    assert result.report["conservation_error"] < 1e-10


def test_holes_mirror_electrons():
    _, electrons = transport(-0.02, 300.0, 3)
    _, holes = transport(0.02, 300.0, 3, sign=-1.0)
    np.testing.assert_allclose(holes, electrons, atol=1e-6 * electrons[0, 0])


def test_doping_does_not_matter_in_a_gap():
    _, one = transport(-0.2, 300.0, 3)
    _, other = transport(-0.4, 300.0, 3)
    np.testing.assert_allclose(one, other, atol=1e-3 * one[0, 0])


def test_gap_out_of_reach_names_the_edge():
    with pytest.raises(InputError, match=r"no electronic state .* the nearest band edge is at .*e-\d+ eV|edge is at 0"):
        transport(-2.0, 300.0, 3)


def test_one_node_is_refused_in_a_gap():
    with pytest.raises(InputError, match="energy_nodes = 1"):
        transport(-0.05, 300.0, 1)


def test_projected_operator_is_positive():
    from sidejump.transport.own import OwnShells

    problem = Problem(
        Spinful(), [POLAR], 0.0856, TransportSettings(energy_nodes=5, geometry="own", spacing=0.2, turn=None)
    )
    kt = KB * 300
    own = OwnShells(problem, problem.shell(problem.carriers(kt).energy, problem.spacings.base), kt)
    response, _ = own.solve(kt, 5)
    g, drive = response.distribution, response.boltzmann
    assert np.linalg.eigvalsh(drive).min() > 0
    assert response.residual < 1e-8
    assert np.isfinite(g).all()


def test_energy_map_is_inverted_and_follows_the_wave_vector():
    for low, high in ((-3.0, 25.0), (2.0, 27.0), (-25.0, 4.0), (-40.0, 40.0), (-25.0, -2.0)):
        mapping = EnergyMap(low, high)
        x = np.linspace(low, high, 41)[1:-1]
        np.testing.assert_allclose(mapping.energy(mapping.tau(x)), x, rtol=1e-7, atol=1e-9)
    mapping = EnergyMap(2.0, 27.0)
    ratio = mapping.tau(np.array([2.0004])) / mapping.tau(np.array([2.0001]))
    assert ratio[0] == pytest.approx(2.0, rel=1e-4)  # a root of the distance


def test_functions_of_several_ranges_add_up_to_one():
    basis = EnergyBasis(9, (1.0, 26.0), threshold=1.4)
    np.testing.assert_allclose(basis.breaks, [1.0, 2.4, 3.8, 26.0])
    x = np.linspace(1.01, 25.9, 57)
    np.testing.assert_allclose(basis.functions(x).sum(axis=0), 1, atol=1e-10)
    np.testing.assert_allclose(basis.functions(basis.nodes), np.eye(9), atol=1e-9)
    # a function of one range alone
    assert np.all(basis.functions(np.array([2.0]))[3:] == 0)


def test_tables_of_several_ranges_obey_their_sum_rule():
    basis = EnergyBasis(6, (0.5, 25.5), threshold=1.4, more=2)
    y = np.array([0.3, 0.9, 1.39])
    np.testing.assert_allclose(basis.triple(y).sum(axis=2), basis.pair(y), rtol=1e-6, atol=1e-9)


def test_polar_transfer_is_exact_where_energy_is_conserved():
    rng = np.random.default_rng(1)
    k = rng.normal(size=(6, 3)) * 0.03
    final = rng.normal(size=(5, 3)) * 0.03
    energy, last = CURVATURE * (k**2).sum(1), CURVATURE * (final**2).sum(1)
    square = ((k[:, None] - final) ** 2).sum(-1)
    speed, fast = (2 * CURVATURE * np.linalg.norm(x, axis=1) for x in (k, final))
    transfer = np.abs(last - energy[:, None])
    mean = mean_speed(energy, last, speed, fast, None, None)
    np.testing.assert_allclose(transfer_square(square, energy, last, mean, transfer), square, rtol=1e-9)


def test_polar_transfer_is_that_of_the_angle_in_a_band_that_is_not_parabolic():
    energies, turn = np.array([0.001, 0.05, 0.2, 0.6]), np.array([0.0, 0.4, 1.3])
    k = np.sqrt(energies * (1 + 3 * energies) / CURVATURE)  # along two rays at some angle, 4 nodes each
    along = np.tile(k - k[0], (3, 1))
    patches = Patches(np.repeat(np.arange(3), 4), np.ones(12), np.tile(np.arange(4), 3), along)
    speed = 2 * CURVATURE * k / (1 + 6 * energies)
    e, size, angle = np.tile(energies, 3), np.tile(k, 3), np.repeat(turn, 4)
    cosine = np.cos(angle[:, None] - angle)
    square = size[:, None] ** 2 + size**2 - 2 * np.outer(size, size) * cosine
    u = mean_speed(e, e, np.tile(speed, 3), np.tile(speed, 3), patches, patches)
    found = transfer_square(square, e, e, u, PHONON)
    np.testing.assert_allclose(found, 2 * np.outer(size, size) * (1 - cosine) + (PHONON / u) ** 2, rtol=1e-9)


def test_rays_keep_the_density_of_states_of_an_ellipsoid():
    model = Spinful(masses=(1.0, 1.0, 3.0))
    shell = fermi_shell(model, 0.05, spacing=0.2, turn=None)
    rays = evenly_sampled(shell_rays(model, shell, lambda k, band: [np.zeros(3)]), 302)
    energies = np.array([0.002, 0.05, 0.3])
    k, weight = rays.at(energies)
    np.testing.assert_allclose(
        CURVATURE * (k**2 * (1.0, 1.0, 3.0)).sum(-1), np.broadcast_to(energies, k.shape[:2]), rtol=1e-6
    )
    exact = 2 * np.sqrt(energies / CURVATURE) / (4 * np.pi**2 * CURVATURE) / np.sqrt(3)
    np.testing.assert_allclose(weight.sum(axis=0), exact, rtol=1e-4)


@pytest.mark.parametrize("sample", [lambda rays: rays, lambda rays: evenly_sampled(rays, 110)])
def test_split_bands_of_one_group_share_points_at_their_mean_energy(sample):
    model = Spinful(splitting=0.01)
    shell = fermi_shell(model, 0.05, spacing=0.2, turn=None, degeneracy=0.05)
    rays = sample(shell_rays(model, shell, lambda k, band: [np.zeros(3)], degeneracy=0.05))
    energies = np.array([0.03, 0.05, 0.2])
    k, weight = rays.at(energies)
    np.testing.assert_allclose(CURVATURE * (k**2).sum(-1), np.broadcast_to(energies, k.shape[:2]), rtol=1e-6)
    exact = 2 * np.sqrt(energies / CURVATURE) / (4 * np.pi**2 * CURVATURE)
    np.testing.assert_allclose(weight.sum(axis=0), exact, rtol=5e-3)


def test_points_on_rays_follow_the_couplings_and_not_the_zone_of_the_model():
    """A k.p model has no zone; the spacing of its base mesh says nothing of a smooth surface around an extremum."""
    found = []
    for accuracy in (0.7, 1.3):
        settings = TransportSettings(energy_nodes=3, geometry="own", accuracy=accuracy)
        problem = Problem(Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93), [DEFORMATION], 0.1, settings)
        result = run_transport(
            problem.model, [DEFORMATION], chemical_potential=0.1, temperatures=[300.0], settings=settings
        )
        found.append((result.report["states"], result.boltzmann[0, 0, 0]))
    (few, coarse), (many, fine) = found
    assert few < 1000 < many
    assert coarse == pytest.approx(fine, rel=5e-3)


def test_a_valley_is_one_in_all_images_of_the_zone():
    steps = [sign * np.eye(3, dtype=int)[axis] for axis in range(3) for sign in (1, -1)]
    vectors = np.array([np.zeros(3, dtype=int), *steps])
    model = LatticeModel(3.0 * np.eye(3), vectors, np.array([0.0] + 6 * [-1.0])[:, None, None])
    shell = fermi_shell(model, -5.9, spacing=0.1)
    rays = evenly_sampled(shell_rays(model, shell, lambda k, band: [np.zeros(3)]), 110)
    assert len(rays.shell) == 110
    assert rays.shell.weight.sum() == pytest.approx(shell.weight.sum(), rel=5e-3)


def test_levels_with_the_points_of_one_another_are_no_comparison():
    """A rule of 110 points serves two levels of a semiconductor: that they agree says nothing of the error."""
    settings = TransportSettings(energy_nodes=3, spacing=0.2, turn=None)
    [case] = plan(Study(Spinful(), (POLAR,), (0.0856,), np.array([300.0]), tolerance=0.02, settings=settings))
    assert case.geometry == ["own"]
    controller, points = case.controller(), []
    for level in (2, 3):
        for number in (0, 1):
            replica = case.compute(Task("own shells", level, number, (0,)))
            controller.add(replica)
        points.append(replica.facts[POINTS][0])
    assert points == [110, 110]
    found = controller.estimate().terms[0].moments
    assert found.below[0] == -1 and found.systematic[0, 0, 0, 0] > 0.999 * ALONE * found.value[0, 0, 0, 0]
