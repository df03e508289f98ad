"""Own, shared and averaged shells: which is chosen, and that they agree where they must."""

from types import SimpleNamespace

import numpy as np
import pytest

from sidejump import LatticeModel, MassiveDirac, RashbaFerromagnet, TightBinding
from sidejump.interactions.base import Branch, Scatterer
from sidejump.kinetics.response import PARTS, KineticResponse
from sidejump.transport import Problem, TransportSettings, run_transport
from sidejump.transport.geometry_choice import _Window, choose_geometries
from sidejump.transport.tensors import Change, with_change
from sidejump.units import KB, conductivity_unit


def phonons(dimension, sound=0.01):
    return Scatterer("debye", dimension, (Branch(lambda q: 0.5 * sound * q, lambda q: sound * q),), "identity", sound)


def cubic():
    """One band, ``-2 (cos kx + cos ky + cos kz)`` eV with a lattice constant of 3 angstrom."""
    steps = [sign * np.eye(3, dtype=int)[axis] for axis in range(3) for sign in (1, -1)]
    vectors = np.array([np.zeros(3, dtype=int), *steps])
    return LatticeModel(3.0 * np.eye(3), vectors, np.array([0.0] + 6 * [-1.0])[:, None, None])


def run(model, mu, temperatures, dimension=3, **settings):
    settings = TransportSettings(**({"energy_nodes": 3, "tolerance": 1e-2} | settings))
    return run_transport(
        model, [phonons(dimension)], chemical_potential=mu, temperatures=temperatures, settings=settings
    )


def test_doped_semiconductor_has_shells_of_its_own():
    """50 meV above a band edge, the thermal window of 300 K reaches into the gap."""
    result = run(cubic(), -5.95, [300.0])
    assert result.report["geometry_used"] == ["own"]
    assert np.isfinite(result.boltzmann).all() and result.boltzmann[0, 0, 0] > 0
    assert result.report["carrier_density"][0] == pytest.approx(carriers_of_cubic(-5.95, 300.0), rel=1e-2)


def monoclinic():
    """A saddle at -0.24 eV."""
    lattice = TightBinding([[3.0, 0, 0], [0, 4, 0], [1.2, 0, 5]], [((0, 0, 0), 1)])
    for vector, hop in [((1, 0, 0), -0.3), ((0, 1, 0), -0.15), ((0, 0, 1), -0.08), ((1, 0, 1), 0.05)]:
        lattice.hop(0, 0, vector, hop)
    return lattice.build()


def static():
    return Scatterer("static", 3, (Branch(lambda q: np.full_like(q, 1e-3)),))


def test_an_average_over_the_window_sees_a_saddle_or_says_what_it_misses():
    """Zero-range impurities, a saddle 40 meV below the chemical potential: three shells are 1 % off at 300 K, and a
    quarter of what they change there, for 150 K, is 0.5 % off."""
    problem = Problem(monoclinic(), [static()], -0.2, TransportSettings(tolerance=2e-3))
    geometries, differences = choose_geometries(problem, [150.0, 300.0])
    assert geometries == ["averaged", "independent"]
    assert 0.001 < differences[0] < 0.005 and np.isnan(differences[1])


def test_cold_temperatures_without_an_average_miss_all_of_the_window():
    """A window thinner than points resolve is not averaged over: one surface misses more of it than three."""
    problem = Problem(monoclinic(), [static()], -0.239, TransportSettings(tolerance=2e-3))
    geometries, differences = choose_geometries(problem, [20.0])
    assert geometries == ["shared"]
    window = _Window(problem, [20.0])
    assert differences[0] == window.missed(20.0, None) > 3 * window.missed(20.0, 20.0)


def test_a_coupling_that_falls_fast_takes_no_more_cells(monkeypatch):
    asked = []
    monkeypatch.setattr(
        "sidejump.transport.geometry_choice.EnergyWindow",
        lambda *_, spacing, **__: asked.append(spacing) or SimpleNamespace(mean_square_speed=lambda _: 1.0),
    )
    for q in (10.0, 0.05):
        short = Scatterer("short", 3, (Branch(lambda x, q=q: np.exp(-((x / q) ** 2))),))
        problem = Problem(monoclinic(), [short], -0.2, TransportSettings())
        assert _Window(problem, [300.0]).missed(300.0, 300.0) < 1e-12
    assert asked[0] == pytest.approx(asked[1])


def carriers_of_cubic(mu, temperature):
    """Electrons of `cubic`, summed over the zone, 1/angstrom^3."""
    line = -2 * np.cos(2 * np.pi * (np.arange(96) + 0.5) / 96)
    mesh = line[:, None, None] + line[:, None] + line
    return np.mean(1 / (np.exp((mesh - mu) / (KB * temperature)) + 1)) / 3.0**3


def test_gap_of_a_symmetric_crystal():
    """No shell at the chemical potential: neither for the symmetry nor to see what a long-ranged coupling asks for."""
    static = Scatterer("static", 3, (Branch(lambda q: 1e-3 * np.exp(-((15 * q) ** 2))),))
    chosen = TransportSettings(energy_nodes=3, tolerance=1e-2)
    result = run_transport(
        cubic(), [phonons(3), static], chemical_potential=-6.05, temperatures=[300.0], settings=chosen
    )
    assert result.report["geometry_used"] == ["own"] and result.report["symmetry_operations"] == 1
    assert result.report["carrier_density"][0] == pytest.approx(carriers_of_cubic(-6.05, 300.0), rel=1e-2)


def test_pocket_that_ends_beside_a_large_fermi_surface_is_no_semiconductor():
    """The bottom of the second band is 0.5 kT below the chemical potential."""
    one, kt = cubic(), KB * 300
    hoppings = one.hoppings * np.eye(2)
    hoppings[0] += np.diag([0.0, 3.0 - 0.5 * kt])
    metal = LatticeModel(one.cell, one.vectors, hoppings)
    for model, mu, expected in ((metal, -3.0, False), (one, -6.0 + 0.5 * kt, True)):
        assert Problem(model, [phonons(3)], mu, TransportSettings()).near_edge(kt) is expected


def test_metal_does_not_need_them():
    assert run(cubic(), -3.0, [300.0]).report["geometry_used"][0] in ("shared", "averaged")


def test_averaging_recovers_most_of_what_own_shells_change():
    own, shared, averaged = (
        run(cubic(), -4.5, [600.0], geometry=g, symmetry="off", accuracy=2.0).boltzmann[0, 0, 0]
        for g in ("own", "shared", "averaged")
    )
    assert abs(shared / own - 1) > 5e-4
    assert abs(averaged - own) < 0.5 * abs(shared - own)


def test_averaged_dirac_against_the_exact_solution():
    """c/v = 0.02 at the Bloch-Grueneisen temperature: exact 0.4220339 e^2/h, shared shells 0.4246."""
    model, mass, speed, mu = MassiveDirac(mass=0.1, velocity=3.0), 0.1, 3.0, 0.2
    sound = 0.02 * speed
    t = 2 * sound * np.sqrt(mu**2 - mass**2) / speed / 8.617333262e-5
    factor, _ = conductivity_unit(2)
    values = {}
    for geometry in ("shared", "averaged"):
        result = run_transport(
            model,
            [phonons(2, sound)],
            chemical_potential=mu,
            temperatures=[t],
            settings=TransportSettings(energy_nodes=7, geometry=geometry),
        )
        values[geometry] = factor * abs(result.side_jump_velocity + result.side_jump_distribution)[0, 1, 0]
    assert values["averaged"] == pytest.approx(0.4220339, rel=5e-4)
    assert abs(values["shared"] - 0.4220339) > 5 * abs(values["averaged"] - 0.4220339)


def test_relaxation_times_are_not_mixed_with_the_exact_solution():
    """Hot spots are summed with the exact equation: they are left out of relaxation-time approximations."""
    result = run(cubic(), -3.0, [300.0], energy_nodes=1, accuracy=0.5, approximation="serta")
    assert np.isnan(result.report["hot_spot_change"][0])
    exact = run(cubic(), -3.0, [300.0], energy_nodes=1, accuracy=0.5)
    assert np.isfinite(exact.report["hot_spot_change"][0])


def test_averaged_temperatures_of_a_list_are_those_of_runs_of_their_own():
    """The side jump of the hottest window may be near zero: no ratio of it is carried to other temperatures."""
    model = RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05)
    both, one = (run(model, 0.4, t, dimension=2, geometry="averaged") for t in ([200.0, 100.0], [100.0]))
    assert both.report["geometry_used"] == ["averaged"] * 2
    for name in PARTS:
        np.testing.assert_allclose(getattr(both, name)[1], getattr(one, name)[0], rtol=1e-7, atol=1e-9)
    shared = run(model, 0.4, [100.0], dimension=2, geometry="shared")
    assert np.abs(shared.side_jump_velocity - one.side_jump_velocity).max() > 1e-6


def test_corrections_are_added():
    """Their order does not matter, and a side jump of zero can be corrected."""
    zero, rng = np.zeros((3, 3)), np.random.default_rng(0)
    plain = KineticResponse(np.eye(3), zero, zero, 0.0, 0.0, 0.0, 0, "")
    changes = [Change(*rng.normal(size=(3, 3, 3))) for _ in range(2)]

    def corrected(order):
        response = plain
        for i in order:
            response = with_change(response, changes[i], plain.boltzmann)
        return response

    a, b = corrected((0, 1)), corrected((1, 0))
    for n, name in enumerate(PARTS):
        expected = getattr(plain, name) + changes[0].tensors[n] + changes[1].tensors[n]
        np.testing.assert_allclose(getattr(a, name), expected, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(getattr(a, name), getattr(b, name), rtol=1e-12, atol=1e-14)


def test_massless_dirac_ends():
    """The side jump is zero; one node is exact, and more find nothing to change."""
    results = [run(MassiveDirac(mass=0.0, velocity=6.0), 0.1, [50.0], dimension=2, energy_nodes=n) for n in (1, "auto")]
    assert results[1].report["energy_nodes"][0] <= 5 and results[1].report["states"] < 3000
    np.testing.assert_allclose(results[1].boltzmann, results[0].boltzmann, rtol=1e-4, atol=1e-3)
