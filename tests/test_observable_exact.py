"""What is known of observables without a computation: steady states, turned spins, Kramers pairs, static disorder."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

import sidejump as sj
from sidejump import PAULI, Observable
from sidejump.app.observed import RESPONSES
from sidejump.groups.representation import spin_rotation
from sidejump.units import HBAR2_OVER_2M
from test_hot_spots import MU, ferromagnet, phonons
from test_observables import GRAPHENE_LIKE, IMPURITIES
from test_reduced import p_model

MASS, ALPHA = 0.6, 0.8
STRENGTH = ALPHA / (2 * HBAR2_OVER_2M / MASS)  # m alpha / hbar^2, 1/angstrom


def rashba(exchange):
    return sj.RashbaFerromagnet(effective_mass=MASS, rashba=ALPHA, exchange=exchange)


def parts_of(ds, name):
    """Boltzmann part, and the sum of all that is of order zero, of an observable: (nT, d) each, and their errors."""
    one = ds.sel(observable=name)
    errors = (
        one.response_boltzmann_error.values,
        np.hypot(one.response_side_jump_error, one.response_intrinsic_error).values,
    )
    return (one.response_boltzmann.values, (one.response_side_jump + one.response_intrinsic).values), errors


@pytest.mark.parametrize("scatterer", [IMPURITIES, GRAPHENE_LIKE], ids=["impurities", "inelastic phonons"])
@pytest.mark.parametrize("exchange", [0.0, 0.05, 0.2])
def test_the_spins_of_the_rashba_model_are_stationary(scatterer, exchange):
    """d s_y / dt = 2 (m alpha j_y^z - M s_x) = 0 and d s_x / dt = 2 (m alpha j_x^z + M s_y) = 0 for what keeps spins,
    order by order: tau^1 (Boltzmann), and tau^0 without skew scattering, whose Gaussian part keeps them by itself."""
    ds = sj.anomalous_hall(
        rashba(exchange),
        scatterer,
        chemical_potential=0.3,
        temperatures=[10.0, 60.0],
        observables=[sj.spin_current("yz"), sj.spin_current("xz"), sj.spin("x"), sj.spin("y")],
    )
    for current, spin, sign in (("yz", "x", 1), ("xz", "y", -1)):
        flow, flow_error = parts_of(ds, f"spin_current_{current}")
        moment, moment_error = parts_of(ds, f"spin_{spin}")
        for order in (0, 1):
            left, right = STRENGTH * flow[order], sign * exchange * moment[order]
            error = STRENGTH * flow_error[order] + exchange * moment_error[order]
            size = max(np.abs(right).max(), 1e-3 if order else 0.0)
            assert (np.abs(left - right) < 3 * error + 2e-5 * size).all()
            assert np.abs(left - right).max() < 1e-3 * size + 1e-9
    intrinsic = ds.response_intrinsic.sel(observable="spin_current_yz", b="x").values
    assert np.abs(intrinsic).min() > 0.01  # what cancels is there


def total_torque(model, k):
    """``[s, H(k)] / i``: what the whole Hamiltonian does to the spin."""
    spin, h = 0.5 * model.spin, model.hamiltonian(k)[:, None]
    return -1j * (spin @ h - h @ spin)


@pytest.mark.parametrize("symmetry", ["auto", "off"])
def test_the_spin_of_a_crystal_is_stationary(symmetry):
    """In three dimensions, with hot spots, irreducible points and the thermal window; all three components."""
    rule = sj.torque("x").rule
    torques = [Observable(f"torque_{c}", total_torque, "eV", rule, c) for c in "xyz"]
    ds = sj.anomalous_hall(
        ferromagnet(0.3),
        phonons(),
        chemical_potential=MU,
        temperatures=[300.0],
        observables=torques,
        symmetry=symmetry,
        tolerance=0.05,
    )
    assert (ds.attrs["symmetry_operations"] > 1) == (symmetry == "auto")
    intrinsic, jump = ds.response_intrinsic.values[0], ds.response_side_jump.values[0]
    size = np.abs(intrinsic).max()
    assert size > 1e-4
    error = np.hypot(ds.response_side_jump_error.values[0], ds.response_intrinsic_error.values[0])
    assert (np.abs(intrinsic + jump) < 3 * error + 1e-6 * size).all()
    assert error.max() < 0.2 * size
    np.testing.assert_allclose(ds.response_side_jump_distribution, 0.0, atol=1e-9 * size)


def test_turned_spins_turn_the_response():
    """H' = U H U^+ with a rotation U of the spins: s' = R s and j' = R j, all parts."""
    rotation = Rotation.from_rotvec([0.4, -0.9, 0.7]).as_matrix()
    turn = spin_rotation(rotation)
    plain = rashba(0.05)

    def hamiltonian(k):
        return turn @ plain.hamiltonian(k) @ turn.conj().T

    other = sj.FunctionModel(hamiltonian, dimension=2, n_orbitals=2, spin=PAULI, search_half_width=1.0)
    observables = [*(sj.spin(c) for c in "xyz"), *(sj.spin_current("y" + c) for c in "xyz")]
    found = [
        sj.anomalous_hall(m, IMPURITIES, chemical_potential=0.2, temperatures=[10.0], observables=observables)
        for m in (plain, other)
    ]
    for part in RESPONSES:
        mine, turned = (ds[part].values[0].reshape(2, 3, 2) for ds in found)
        expected = np.einsum("ab,ibf->iaf", rotation, mine)
        np.testing.assert_allclose(turned, expected, rtol=0, atol=2e-4 * np.abs(expected).max() + 1e-9)
        assert np.abs(turned[:, :2]).max() > 0


def test_kramers_pairs_carry_spin_and_no_hall_current():
    """p orbitals with spin-orbit coupling, time reversal and inversion."""
    with pytest.warns(sj.SidejumpWarning, match="within degenerate bands"):
        ds = sj.anomalous_hall(
            p_model("sc", (0, 0, 0)),
            phonons(),
            chemical_potential=0.1,
            temperatures=[300.0],
            observables=[sj.spin_current("yz"), sj.spin_current("xz"), sj.spin("z"), sj.velocity("y")],
            tolerance=0.3,
            energy_nodes=1,
            geometry="shared",
            accuracy=0.6,
        )
    total = ds.response_intrinsic + ds.response_side_jump
    hall = total.sel(observable="spin_current_yz", b="x").item()
    assert abs(hall) > 1e-4
    other = total.sel(observable="spin_current_xz", b="y").item()
    assert other == pytest.approx(-hall, rel=0.02)
    assert np.abs(total.sel(observable=["velocity_y", "spin_z"])).max() < 1e-3 * abs(hall)
    assert np.abs(ds.sigma_side_jump).max() < 1e-9 * np.abs(ds.sigma_boltzmann).max()
