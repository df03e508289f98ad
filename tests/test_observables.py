"""Observables of one's own: the current as one, conserved quantities, the spin Hall effect of the Rashba model."""

import json
from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from helpers_models import random_wannier
from sidejump import PAULI, InputError, Observable
from sidejump.bands.states import solve_states
from sidejump.groups.multiplets import Multiplets
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.limits import CurvatureShift
from sidejump.interactions.vertex import pair_vertex
from sidejump.intrinsic.operator import intrinsic_response
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.terms import planned
from test_hot_spots import MU, ferromagnet, phonons

SPIN_HALL = 1 / (4 * np.pi)
"""e/(8 pi) of the spin current hbar {v_y, s_z} / 4, as the response of {hbar v_y, s_z} / 2 to the force."""


def spin_current(model, k):
    v = model.hamiltonian_gradient(k)[:, 1]
    return 0.5 * (v @ PAULI[2] + PAULI[2] @ v)


SPIN = Observable("spin current", spin_current, "eV angstrom")
VELOCITIES = [Observable(f"v{x}", f"velocity_{x}", "eV angstrom") for x in "xyz"]
IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
GRAPHENE_LIKE = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


def rows(model, scatterers, mu, temperature, observables, geometry, **settings):
    """Parts (3, R, d) of all terms of one temperature, added."""
    problem = Problem(model, scatterers, mu, TransportSettings(**settings), observables)
    temperatures = np.array([temperature])
    total = 0.0
    for term, _ in planned(problem, [geometry]):
        found = term.evaluate(problem, temperatures, lambda _: None)
        if term.first:
            r = found.responses[0]
            total = np.stack([r.boltzmann, r.side_jump_velocity, r.side_jump_distribution])
            scale = np.abs(r.boltzmann[: r.boltzmann.shape[1]]).max()
        else:
            total = total + found.changes[0].tensors * np.array([scale, 1.0, 1.0])[:, None, None]
    return problem.multiplets.asked(total, model.dimension)


@pytest.mark.parametrize(("geometry", "nodes"), [("own", 5), ("shared", 1), ("shared", 5)])
def test_the_velocity_as_an_observable_is_the_current(geometry, nodes):
    model = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.3, 0.1))
    found = rows(model, [GRAPHENE_LIKE], 0.2, 60.0, VELOCITIES[:2], geometry, energy_nodes=nodes)
    assert np.abs(found[1, 0, 1]) > 1e-3
    for part, tensor in enumerate(found):
        precision = 1e-9 if geometry == "own" else 2e-6  # shared pairs are kept in single precision
        scale = np.abs(found[min(part, 1)][:2]).max()
        np.testing.assert_allclose(tensor[2:], tensor[:2], rtol=0, atol=precision * scale)


def test_the_velocity_in_three_dimensions_with_hot_spots_and_the_thermal_window():
    found = rows(ferromagnet(), [phonons()], MU, 200.0, VELOCITIES, "averaged", energy_nodes=3, accuracy=0.5)
    scale = np.abs(found[1, :3]).max()
    assert scale > 0
    # of the current the sum over every piece of the surface is what topology says, to the error of this coarse one
    np.testing.assert_allclose(found[0, 3:], found[0, :3], rtol=0, atol=2e-3 * np.abs(found[0]).max())
    np.testing.assert_allclose(found[1:, 3:], found[1:, :3], rtol=0, atol=5e-3 * scale)


def test_the_velocity_in_a_basis_with_a_position_matrix():
    """That of orbitals off the origin, which knows of no other bands."""
    plain = random_wannier(2, 3, sites=False, position=False)
    centres = np.random.default_rng(5).uniform(-0.8, 0.8, (3, 2))
    positions = np.zeros((9, 2, 3, 3), dtype=complex)
    positions[4] = np.stack([np.diag(x) for x in centres.T])
    model = sj.LatticeModel(plain.cell, plain.vectors, plain.hoppings, positions)
    scatterer = Scatterer("impurities", 2, (Branch(lambda q: np.exp(-((q / 0.3) ** 2))),))
    found = rows(model, [scatterer], 0.1, 60.0, VELOCITIES[:2], "shared", energy_nodes=1)
    scale = np.abs(found[1]).max()
    np.testing.assert_allclose(found[1:, 2:], found[1:, :2], rtol=0, atol=1e-5 * scale)
    expected = sj.intrinsic_conductivity(model, 0.1, [300.0]).sigma[0, 0]
    intrinsic = intrinsic_response(model, VELOCITIES[:2], 0.1, np.array([300.0]), tolerance=5e-3).value[0]
    np.testing.assert_allclose(intrinsic, expected, rtol=0, atol=1e-2 * np.abs(expected).max())


@pytest.mark.parametrize("approximation", ["exact", "serta", "mrta"])
def test_observables_leave_the_charge_current_as_it_is(approximation):
    settings = TransportSettings(energy_nodes=3, geometry="own", approximation=approximation)
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05)
    plain = run_transport(model, [GRAPHENE_LIKE], chemical_potential=0.2, temperatures=[50.0], settings=settings)
    found = rows(model, [GRAPHENE_LIKE], 0.2, 50.0, [SPIN, Observable("s", PAULI[0])], "own", energy_nodes=3,
                 approximation=approximation)  # fmt: skip
    for name, tensor in zip(("boltzmann", "side_jump_velocity", "side_jump_distribution"), found, strict=True):
        expected = getattr(plain, name)[0]
        np.testing.assert_allclose(tensor[:2], expected, rtol=0, atol=1e-12 * np.abs(plain.boltzmann).max())


@pytest.mark.parametrize("scatterer", [IMPURITIES, GRAPHENE_LIKE], ids=["impurities", "phonons"])
def test_no_spin_hall_effect_of_the_rashba_model(scatterer):
    """Both subbands occupied, no magnetisation: what scattering adds cancels the universal intrinsic part, because
    the spin current is the rate of change of a spin that is stationary."""
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.0)
    ds = sj.anomalous_hall(model, scatterer, chemical_potential=0.15, temperatures=[10.0], observables=[SPIN])
    intrinsic = ds.response_intrinsic.values[0, 0]
    jump = ds.response_side_jump.values[0, 0]
    assert intrinsic[0] == pytest.approx(-SPIN_HALL, rel=1e-5)
    assert jump[0] == pytest.approx(SPIN_HALL, rel=1e-4)
    assert abs(intrinsic[0] + jump[0]) < max(3 * ds.response_side_jump_error.values[0, 0, 0], 1e-5 * SPIN_HALL)
    assert np.abs([intrinsic[1], jump[1]]).max() < 1e-6


def test_density_does_not_answer_and_spin_accumulates():
    """Edelstein, Solid State Commun. 73, 233 (1990): spins of both Fermi circles, drifted alike by F tau / hbar."""
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.0)
    observables = [Observable("density", np.eye(2)), Observable("spin y", PAULI[1])]
    found = rows(model, [IMPURITIES], 0.15, 10.0, observables, "shared", energy_nodes=1)
    assert np.abs(found[:, 2]).max() < 1e-12 * np.abs(found[0, 0]).max()
    # force balance: the transport time of both circles is one, tau = 1 / (2 pi nu |V|^2), and <s> = - alpha nu F tau
    nu = 0.6 / (2 * np.pi * 7.619964)  # m / (2 pi hbar^2), 1/(eV angstrom^2)
    rate = 2 * np.pi * IMPURITIES.branches[0].coupling(np.array([0.1]))[0] * nu
    assert abs(found[0, 3, 0]) == pytest.approx(2 * 0.8 * nu / rate, rel=1e-4)
    np.testing.assert_allclose(found[1:, 3], 0.0, atol=1e-9 * abs(found[0, 3, 0]))


def test_intrinsic_part_of_the_velocity_is_the_berry_curvature():
    for model, mu in ((sj.MassiveDirac(mass=0.1, velocity=3.0), 0.2), (ferromagnet(), MU)):
        d = model.dimension
        expected = sj.intrinsic_conductivity(model, mu, [300.0], tolerance=2e-3).sigma[0, 0]
        found = intrinsic_response(model, VELOCITIES[:d], mu, np.array([300.0]), tolerance=1e-2)
        np.testing.assert_allclose(found.value[0], expected, rtol=0, atol=1.2e-2 * np.abs(expected).max())
        assert found.converged and (np.abs(found.value[0] - expected).max(axis=1) < 2 * found.error[0] + 1e-5).all()


def test_shift_of_an_observable_is_antisymmetric_and_independent_of_phases():
    rng = np.random.default_rng(3)
    model = ferromagnet()
    observable = Observable("spin", PAULI[0])
    k = rng.normal(size=(12, 3))
    states = solve_states(model, k, rng.integers(0, 2, 12), observables=Multiplets.of([observable]))
    assert states.covariant.shape[1] == 4 and states.expectation.shape == (12, 1)
    shift = pair_vertex(states, states, np.eye(2))[1][3]
    np.testing.assert_allclose(shift, -shift.T, atol=1e-12)
    phase = np.exp(2j * np.pi * rng.random(12))
    turned = replace(
        states, vectors=states.vectors * phase[:, None, None], covariant=states.covariant * phase[:, None, None, None]
    )
    np.testing.assert_allclose(pair_vertex(turned, turned, np.eye(2))[1][3], shift, atol=1e-12)


def test_results_hold_observables_and_go_on_from_their_replicas():
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05)
    arguments = {"chemical_potential": [0.15, 0.25], "temperatures": [20.0], "observables": [SPIN, VELOCITIES[1]]}
    first = sj.anomalous_hall(model, IMPURITIES, **arguments)
    assert first.response_side_jump.dims == ("chemical_potential", "temperature", "observable", "b")
    assert list(first.observable.values) == ["spin current", "vy"]
    assert first.observable_unit.values[0] == "eV angstrom angstrom^-1 eV^-1"
    for part in ("boltzmann", "side_jump", "intrinsic"):
        assert np.isfinite(first[f"response_{part}_error"].values).all()
        expected = first[f"sigma_{part}"].sel(a="y").values / sj.units.conductivity_unit(2)[0]
        found = first[f"response_{part}"].sel(observable="vy").values
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(found).max())
    again = sj.anomalous_hall(model, IMPURITIES, **arguments, start=first)
    np.testing.assert_array_equal(again.response_side_jump, first.response_side_jump)
    with pytest.raises(InputError, match="another study"):
        sj.anomalous_hall(model, IMPURITIES, **arguments | {"observables": [SPIN]}, start=first)
    assert json.loads(first.attrs["settings"])


def test_a_study_carries_them_to_its_estimate():
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.0)
    [case] = sj.plan(sj.Study(model, (IMPURITIES,), (0.15,), np.array([5.0, 20.0]), observables=(SPIN,)))
    found, _ = sj.estimate(case)
    assert found.value.shape == (2, 4, 3, 2)
    np.testing.assert_allclose(found.value[:, 3, 2, 0], SPIN_HALL, rtol=1e-5)
    assert (np.abs(found.value[:, 3, 2, 0] - SPIN_HALL) < 3 * found.error[:, 3, 2, 0] + 1e-8).all()


BAD = {
    "none": ([PAULI[0]], "is none; give sidejump.Observable"),
    "shape": ([Observable("o", np.eye(3))], r"matrices of shape \(3, 3\)"),
    "hermitian": ([Observable("o", np.array([[0, 1], [0, 0]]))], "not Hermitian by 1"),
    "finite": ([Observable("o", lambda m, k: np.full((len(k), 2, 2), np.nan))], "not finite"),
    "axis": ([Observable("o", "velocity_z")], "nothing flows along z in two dimensions"),
    "names": ([SPIN, SPIN], "names must differ"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_observables_are_one_sentence(name):
    observables, words = BAD[name]
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    with pytest.raises(InputError, match=words):
        sj.anomalous_hall(model, IMPURITIES, chemical_potential=0.2, temperatures=[20.0], observables=observables)


def test_vertices_that_know_no_observables_say_so():
    scatterer = Scatterer("phonons", 2, (Branch(lambda q: 0.01 * q, lambda q: 0.01 * q),), sound_velocity=0.01)
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    with pytest.raises(InputError, match="charge current alone"):
        Problem(model, [CurvatureShift(scatterer)], 0.2, TransportSettings(), [SPIN])
