"""Bands on either side of a gap within the thermal window are one sample: electrons and holes."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit

from helpers_two_bands import band_average, carriers, ladder, thermal_average, zero_range
from sidejump import LatticeModel, anomalous_hall
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.quadratic import QuadraticModel
from sidejump.energy.basis import energy_basis
from sidejump.energy.between import across_gap
from sidejump.energy.kernel import Kernel
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.impurity import impurity
from sidejump.transport import Problem, TransportSettings, run_transport
from sidejump.transport.geometry_choice import choose_geometries
from sidejump.units import KB

VELOCITY, ROOM = 3.0, 300.0
KT = KB * ROOM
STRENGTH = 1e11 * 1e-16 * (1.0 * 100) ** 2  # n U^2, eV^2 angstrom^2
IMPURITIES = impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
QUANTUM = 2 * np.pi  # e^2/hbar in e^2/h


def static(dimension, strength=STRENGTH):
    return Scatterer("static", dimension, (Branch(lambda q: strength + 0 * q),))


def optical(phonon, dimension=2, coupling=0.3):
    return Scatterer("optical", dimension, (Branch(lambda q: coupling + 0 * q, lambda q: phonon + 0 * q),))


def solved(model, scatterers, mu, temperature=ROOM, **settings):
    """sigma_xx, side jump sigma_yx, and the report; these shells are round and need few points."""
    few = {"minimum": 20, "spacing": 0.05} if model.dimension == 2 else {"spacing": 0.2, "turn": None, "accuracy": 0.6}
    chosen = TransportSettings(**{"geometry": "own"} | few | settings)
    result = run_transport(model, scatterers, chemical_potential=mu, temperatures=[temperature], settings=chosen)
    jump = result.side_jump_velocity + result.side_jump_distribution
    return result.boltzmann[0][0, 0], jump[0][1, 0], result.report


@pytest.mark.parametrize("geometry", ["auto", "own"])
@pytest.mark.parametrize(
    ("mass", "mu", "expected"),
    [(0.1, 0.0, 0.906), (0.02, 0.0, 53.374), (0.02, 0.02, 60.478), (0.02, 0.04, 78.849), (0.02, 0.1, 139.661)],
)
def test_zero_range_impurities_are_the_average_of_both_bands(geometry, mass, mu, expected):
    longitudinal, jump, report = solved(MassiveDirac(mass=mass, velocity=VELOCITY), [IMPURITIES], mu, geometry=geometry)
    exact = zero_range(mass, VELOCITY, mu, KT, STRENGTH)
    assert exact[0] == pytest.approx(expected, abs=6e-4)
    assert QUANTUM * longitudinal == pytest.approx(exact[0], rel=5e-5)
    assert QUANTUM * jump == pytest.approx(exact[1], rel=2e-4)
    assert report["geometry_used"] == ["own"] and report["warnings"] == []


def test_electrons_and_holes_are_counted():
    ds = anomalous_hall(
        MassiveDirac(mass=0.05, velocity=VELOCITY), IMPURITIES, chemical_potential=0.03, temperatures=[20.0, ROOM]
    )
    electrons, holes = carriers(0.05, VELOCITY, 0.03, KT)
    np.testing.assert_allclose(ds.electron_density[1], 1e16 * electrons, rtol=1e-3)
    np.testing.assert_allclose(ds.hole_density[1], 1e16 * holes, rtol=1e-3)
    np.testing.assert_allclose(ds.carrier_density, ds.electron_density + ds.hole_density, rtol=1e-12)
    assert ds.hole_density[0] == 0  # 80 meV away at 20 K
    # 1 e^2/h over 1e12 charges e per cm^2
    unit = 3.874045865e-5 / (1.602176634e-19 * 1e12)
    xx = {"a": "x", "b": "x"}
    np.testing.assert_allclose(
        ds.mobility.sel(xx), ds.sigma_boltzmann.sel(xx) / (ds.carrier_density / 1e12) * unit, rtol=1e-6
    )


def test_one_kind_of_carriers_has_one_density():
    ds = anomalous_hall(
        MassiveDirac(mass=0.3, velocity=VELOCITY), IMPURITIES, chemical_potential=0.29, temperatures=[ROOM]
    )
    assert "hole_density" not in ds and ds.carrier_density[0] > 0


@pytest.mark.parametrize("scatterers", [[IMPURITIES], [IMPURITIES, optical(0.06)]])
def test_a_sweep_across_the_gap_is_smooth_and_the_same_for_electrons_and_holes(scatterers):
    model = MassiveDirac(mass=0.02, velocity=VELOCITY)
    energies = np.array([0.005, 0.019, 0.021, 0.09] if len(scatterers) == 1 else [0.019, 0.021])
    both = [[solved(model, scatterers, s * mu, energy_nodes=7)[:2] for mu in energies] for s in (1, -1)]
    np.testing.assert_allclose(both[0], both[1], rtol=1e-8)
    if len(scatterers) == 1:
        exact = np.array([zero_range(0.02, VELOCITY, mu, KT, STRENGTH) for mu in energies])
        np.testing.assert_allclose(QUANTUM * np.array(both[0]), exact, rtol=4e-4)


def test_where_the_other_side_enters_nothing_jumps():
    """Carriers of less than a hundredth of the tolerance are left out."""
    values, exact, sides = [], [], []
    for off in (-2e-3, 2e-3):
        mu = -0.02 + KT * (np.log(2e5) + off)
        problem = Problem(MassiveDirac(mass=0.02, velocity=VELOCITY), [IMPURITIES], mu, TransportSettings())
        sides.append(len(problem.across(KT)))
        values.append(QUANTUM * solved(problem.model, [IMPURITIES], mu, energy_nodes=9)[0])
        exact.append(zero_range(0.02, VELOCITY, mu, KT, STRENGTH)[0])
    assert sides == [1, 0]
    assert values[1] / exact[1] == pytest.approx(values[0] / exact[0], rel=3e-5)


class Stacked(QuadraticModel):
    """Bands without matrix elements between them: ``e = c_n + a_n k^2``."""

    k_scale = 0.05

    def __init__(self, constants, curvatures, dimension=3):
        second = 2 * np.einsum("ab,mn->abmn", np.eye(dimension), np.diag(curvatures))
        super().__init__(np.diag(constants), np.zeros((dimension, len(constants), len(constants))), second)


def test_a_side_without_carriers_changes_nothing():
    scatterers = [static(3, 50.0), optical(0.036, 3, 10.0)]
    alone, jump, _ = solved(Stacked([0.0], [60.0]), scatterers, 0.03, energy_nodes=5)
    gapped, other, _ = solved(Stacked([0.0, -1.5], [60.0, -30.0]), scatterers, 0.03, energy_nodes=5)
    assert gapped == pytest.approx(alone, rel=1e-10) and abs(other - jump) < 1e-12 * alone


def parabolic(mu, edge, curvature, sign, strength):
    """sigma_xx (e^2/hbar per angstrom) of a parabolic band above (1) or below (-1) its edge; exact."""

    def integrand(root):
        e, x = root**2, (edge + sign * root**2 - mu) / KT
        rate = strength / (2 * np.pi) * np.sqrt(e) / curvature**1.5
        states, speed = np.sqrt(e) / (4 * np.pi**2 * curvature**1.5), 4 * curvature * e
        return 2 * root * states * speed / 3 / rate * expit(x) * expit(-x) / KT

    return quad(integrand, 1e-9, 1.2, epsabs=0, epsrel=1e-10)[0]


@pytest.mark.parametrize("mu", [-0.06, -0.02, 0.03])
def test_valence_and_conduction_bands_of_a_semiconductor(mu):
    """Three dimensions, masses that differ; no state of one band overlaps with the other's."""
    model = Stacked([0.0, -0.1], [60.0, -20.0])
    found, _, report = solved(model, [static(3, 50.0)], mu, energy_nodes=9)
    expected = [parabolic(mu, 0.0, 60.0, 1, 50.0), parabolic(mu, -0.1, 20.0, -1, 50.0)]
    assert found == pytest.approx(sum(expected), rel=1e-3)
    assert report["warnings"] == []
    # phonons that could bridge the gap find nothing on the other side
    with_phonons = [static(3, 50.0), optical(0.15, 3, 20.0)]
    both = solved(model, with_phonons, mu, energy_nodes=9)[0]
    each = [solved(Stacked([c], [a]), with_phonons, mu, energy_nodes=9)[0] for c, a in ((0.0, 60.0), (-0.1, -20.0))]
    assert both == pytest.approx(sum(each), rel=2e-3)


class Dirac3D(QuadraticModel):
    """``H = v k.alpha + Delta beta``: two Kramers pairs."""

    k_scale = 0.01

    def __init__(self, mass, velocity):
        pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
        linear = velocity * np.array([np.kron([[0, 1], [1, 0]], p) for p in pauli])
        super().__init__(mass * np.kron(np.diag([1, -1]), np.eye(2)), linear, np.zeros((3, 3, 4, 4)))


@pytest.mark.parametrize(("mass", "mu"), [(0.04, 0.0), (0.04, -0.03), (0.02, 0.05)])
def test_massive_dirac_in_three_dimensions(mass, mu):
    found, _, report = solved(Dirac3D(mass, VELOCITY), [static(3, 50.0)], mu, energy_nodes=9)

    def one_energy(e):
        speed = VELOCITY * np.sqrt(1 - (mass / e) ** 2)
        return speed**2 / (np.pi * 50.0 * (1 + 2 * (mass / e) ** 2))

    assert found == pytest.approx(thermal_average(one_energy, mass, mu, KT), rel=1e-3)
    assert report["carrier_density"][0] == pytest.approx(
        report["electron_density"][0] + report["hole_density"][0], rel=1e-12
    )


class Ferromagnet(QuadraticModel):
    """``H = v (k_x sigma_x + k_y sigma_y) + (Delta + B k^2) sigma_z`` in three dimensions."""

    k_scale = 0.02

    def __init__(self, mass=0.03):
        pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
        linear = VELOCITY * np.stack([pauli[0], pauli[1], np.zeros((2, 2))])
        super().__init__(mass * pauli[2], linear, 2 * 20.0 * np.eye(3)[:, :, None, None] * pauli[2])


def test_side_jump_in_three_dimensions_is_that_of_shells_made_afresh():
    own, independent = (
        solved(Ferromagnet(), [static(3, 50.0)], 0.01, geometry=geometry, energy_nodes=nodes, spacing=0.05)[:2]
        for geometry, nodes in (("own", 7), ("independent", 1))
    )
    assert own[0] == pytest.approx(independent[0], rel=5e-3)
    assert own[1] == pytest.approx(independent[1], rel=2e-2)


@pytest.mark.parametrize("impurities", [0.0, STRENGTH])
@pytest.mark.parametrize(("mass", "mu", "phonon", "nodes"), [(0.02, 0.01, 0.03, 15), (0.02, 0.04, 0.06, 11)])
def test_optical_phonons_within_the_bands_and_across_the_gap(mass, mu, phonon, nodes, impurities):
    """Against the ladder of energies that differ by a multiple of the phonon's, which is exact."""
    scatterers = [optical(phonon)] + ([IMPURITIES] if impurities else [])
    model = MassiveDirac(mass=mass, velocity=VELOCITY)
    longitudinal, jump, report = solved(model, scatterers, mu, energy_nodes=nodes)
    exact = ladder(mass, VELOCITY, mu, KT, phonon, 0.3, impurities)
    assert QUANTUM * longitudinal == pytest.approx(exact[0], rel=5e-4)
    assert QUANTUM * jump == pytest.approx(exact[1], rel=5e-4)
    assert report["conservation_error"] < 1e-12 and report["onsager_error"] < 1e-10
    apart = ladder(mass, VELOCITY, mu, KT, phonon, 0.3, impurities, bridges=False)
    bridged = abs(apart[0] / exact[0] - 1)
    assert bridged > 0.01 if phonon > 2 * mass else bridged == 0  # the test can tell


def test_acoustic_phonons_at_high_temperature_are_zero_range_impurities():
    """``|V0|^2 = a q`` and ``w = c q``: equipartition makes ``2 a kT / c`` of it, up to (c/v)^2."""
    sound, factor = 0.01, 0.01 * STRENGTH / (2 * KT)
    phonons = Scatterer("acoustic", 2, (Branch(lambda q: factor * q, lambda q: sound * q),), sound_velocity=sound)
    longitudinal, jump, _ = solved(MassiveDirac(mass=0.03, velocity=VELOCITY), [phonons], 0.01, spacing=None)
    exact = zero_range(0.03, VELOCITY, 0.01, KT, STRENGTH)
    assert QUANTUM * longitudinal == pytest.approx(exact[0], rel=1e-3)
    assert QUANTUM * jump == pytest.approx(exact[1], rel=2e-3)


def test_narrow_bands_across_a_gap():
    """The lower band is narrower than the thermal energy, and has a saddle in the middle."""
    vectors = np.concatenate([np.zeros((1, 2), int), np.eye(2, dtype=int), -np.eye(2, dtype=int)])
    hoppings = np.array([np.diag([2.0, -0.04])] + 4 * [np.diag([-0.5, 0.0025])])
    model = LatticeModel(4.0 * np.eye(2), vectors, hoppings)
    problem = Problem(model, [static(2)], 0.02, TransportSettings())
    (found,) = problem.across(KT)
    assert found.edge == pytest.approx(-0.03, abs=1e-6) and found.energy == pytest.approx(-0.035, abs=1e-6)
    assert len(problem.shell(found.energy, problem.spacings.base))
    # the saddle is not followed: shells made afresh
    assert choose_geometries(problem, [ROOM])[0] == ["independent"]
    # the gap alone is
    wide = LatticeModel(4.0 * np.eye(2), vectors, np.array([np.diag([2.0, -2.03])] + 4 * [np.diag([-0.5, 0.5])]))
    assert choose_geometries(Problem(wide, [static(2)], 0.02, TransportSettings()), [ROOM])[0] != ["independent"]


def test_tables_across_a_gap_obey_detailed_balance_and_their_sum_rule():
    lower, upper = (energy_basis(5, x, threshold=2.5, more=4, bridge=1.0) for x in ((-25.75, -0.75), (0.75, 25.75)))
    tables = across_gap(lower, upper)
    assert tables.start == pytest.approx(1.5)
    series = tables.series(2.5)
    np.testing.assert_allclose(series.triple.sum(axis=2), series.pair, atol=1e-8 * np.abs(series.pair).max())
    np.testing.assert_allclose(
        series.back.sum(axis=2).transpose(0, 2, 1), series.pair, atol=1e-8 * np.abs(series.pair).max()
    )
    # all functions of both sides add up to one: the rate of all events
    y = np.array([1.7, 2.2, 2.49])
    values = sum(series.pair.sum(axis=(1, 2))[k] * p for k, p in enumerate(map(np.copy, series.polynomials(y))))
    for number, total in zip(y, values * (0.5 * y / np.sinh(0.5 * y)) ** 2 / y, strict=True):
        bose = 1 / np.expm1(number)
        expected = quad(lambda x, n=number: expit(-x) * expit(x + n), 0.75 - number, -0.75, epsabs=0)[0] * bose
        assert total == pytest.approx(expected, rel=1e-7)


def test_kernels_across_a_gap_know_whether_phonons_bridge_it():
    lower, upper = (energy_basis(5, x, threshold=2.0) for x in ((-26.0, -1.0), (1.0, 26.0)))
    for phonon, bridges in ((1.9, False), (2.1, True)):
        branches = (Branch(lambda q: 1 + 0 * q, lambda q, w=phonon: w * KT + 0 * q), Branch(lambda q: 1 + 0 * q))
        kernel = Kernel(branches, across_gap(lower, upper), KT, 1.0, z_floor=1e-6)
        assert kernel.bridges is bridges
        assert kernel.elastic(np.array([0.1])) is None


def test_averages_are_those_of_single_bands():
    """The helper itself: particle-hole symmetry, and the sum of both bands."""
    up, down = (band_average(lambda e: e, 0.02, 0.03, KT, sign) for sign in (1, -1))
    assert up + down == pytest.approx(thermal_average(lambda e: e, 0.02, -0.03, KT), rel=1e-9)


def test_a_cold_temperature_beside_hot_ones_that_see_the_edge():
    """14 meV above the edge: the first shell of 300 K is moved away from it, and has no energy node for 20 K."""
    impurities = impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    model, settings = MassiveDirac(mass=0.08, velocity=4.0, tilt=(0.8, 0.3)), TransportSettings(geometry="own")
    found = {}
    for temperatures in ((20.0,), (20.0, 300.0)):
        found[temperatures] = run_transport(
            model, [impurities], chemical_potential=0.09, temperatures=temperatures, settings=settings
        )
    alone, both = found.values()
    assert min(both.report["energy_nodes"]) >= 3
    np.testing.assert_allclose(both.boltzmann[0], alone.boltzmann[0], rtol=1e-3, atol=1e-3)
    jumps = [r.side_jump_velocity[0] + r.side_jump_distribution[0] for r in (both, alone)]
    np.testing.assert_allclose(*jumps, rtol=1e-2, atol=1e-4)
