"""Kramers pairs of nonmagnetic models: no charge Hall current, and a spin Hall current that is known otherwise.

Two spins whose bands are images of one another under time reversal carry opposite Hall currents, so that the spin Hall
conductivity is the Hall conductivity of one spin: of massive Dirac electrons by closed forms and the exact solution, of
the quantum well of Bernevig, Hughes, and Zhang (Science 314, 1757 (2006)) by finite differences of overlaps on its
circle.  The program is given the pairs with members that are mixed at every k, and spins turned with them.
"""

import numpy as np
import pytest
from scipy.optimize import brentq

import sidejump as sj
from helpers_isotropic import isotropic_response
from sidejump.reference.dirac import intrinsic_conductivity, zero_range_side_jump
from sidejump.reference.dirac_exact import solve_exact
from sidejump.units import KB, conductivity_unit, velocity_from_si

UNIT, SX, SY, SZ = np.array([np.eye(2), *sj.PAULI])
TURN, _ = np.linalg.qr(np.random.default_rng(4).normal(size=(4, 4, 2)) @ np.array([1, 1j]))
WELL = {"level": 0.0, "curvature": -30.0, "mass": -0.01, "mixing": 3.6, "inversion": -60.0}


def dirac(k, sign):
    """Of one spin; the other is its image under time reversal, of the opposite mass after a turn of the orbitals."""
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    return 3.0 * (sign * x * SX + y * SY) + 0.1 * SZ


def well(k, sign):
    """An inverted quantum well, eV and angstrom."""
    x, y = k[:, 0, None, None], k[:, 1, None, None]
    square = x**2 + y**2
    return (
        (WELL["level"] - WELL["curvature"] * square) * UNIT
        + (WELL["mass"] - WELL["inversion"] * square) * SZ
        + WELL["mixing"] * (sign * x * SX + y * SY)
    )


def both_spins(block, half_width):
    """H and spins of both, with the four states mixed."""

    def hamiltonian(k):
        h = np.zeros((len(k), 4, 4), dtype=complex)
        h[:, :2, :2], h[:, 2:, 2:] = block(k, 1), block(k, -1)
        return TURN @ h @ TURN.conj().T

    spin = np.stack([TURN @ np.kron(s, UNIT) @ TURN.conj().T for s in (SX, SY, SZ)])

    def gradient(k):
        """Exact for what is quadratic in k."""
        steps = np.eye(2) * 0.5
        return np.stack([hamiltonian(k + step) - hamiltonian(k - step) for step in steps], axis=1)

    return sj.FunctionModel(
        hamiltonian, dimension=2, n_orbitals=4, gradient=gradient, spin=spin, search_half_width=half_width
    )


def of_one_spin(block, half_width):
    return sj.FunctionModel(lambda k: block(k, 1), dimension=2, n_orbitals=2, search_half_width=half_width)


def answers(block, half_width, scatterer, energy, temperature, **more):
    """Boltzmann conductivity of both spins, and intrinsic part and side jump of the spin Hall conductivity, e^2/h."""
    ds = sj.anomalous_hall(
        both_spins(block, half_width),
        scatterer,
        chemical_potential=energy,
        temperatures=[temperature],
        observables=[sj.spin_current("yz")],
        tolerance=1e-2,
        intrinsic_tolerance=1e-3,
        **more,
    ).isel(temperature=0)
    along = ds.sigma_boltzmann.values[0, 0]
    for part in ("side_jump", "intrinsic"):  # of the charge
        assert np.abs(ds[f"sigma_{part}"].values).max() < 1e-7 * max(along, 1.0)
    one = ds.sel(observable="spin_current_yz", b="x")
    parts = [2 * np.pi * float(one[f"response_{part}"]) for part in ("intrinsic", "side_jump")]
    return along / conductivity_unit(2)[0], *parts


def test_massive_dirac_electrons_of_both_spins():
    """Zero-range impurities: closed forms."""
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    _, intrinsic, jump = answers(dirac, 0.3, impurities, 0.2, 2.0, energy_nodes=1, geometry="shared")
    assert intrinsic == pytest.approx(intrinsic_conductivity(0.5), rel=1e-3)
    assert jump == pytest.approx(zero_range_side_jump(0.5), rel=1e-3)


def test_massive_dirac_electrons_of_both_spins_and_phonons():
    """The exact inelastic solution, between the limits of low and high temperature."""
    sound, temperature = 0.01 * 3.0, 8.0  # eV angstrom, K
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0,
        sound_velocity=sound / velocity_from_si(1.0),
        mass_density=7.6e-7,
        dimension=2,
    )
    k = np.sqrt(0.2**2 - 0.1**2)
    expected = solve_exact(0.01, KB * temperature / (2 * 0.01 * k)).side_jump
    assert 1.1 * 3 / 16 < expected < 0.9 * 3 / 7
    jump = answers(dirac, 0.3, phonons, 0.2, temperature)[-1]
    assert jump == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize("energy", [0.03, 0.08])
def test_a_quantum_well(energy):
    """Smooth impurities: side jump by finite differences of overlaps, intrinsic part in closed form."""
    length, half = 3.0, 0.2
    impurities = sj.impurity(correlation="gaussian", correlation_length=length, density=1e11, strength=1.0, dimension=2)
    along, intrinsic, jump = answers(well, half, impurities, energy, 2.0, energy_nodes=1, geometry="shared")
    amplitude = impurities.branches[0].coupling(np.zeros(1))[0]

    def kernel(q):
        return 2 * np.pi * amplitude * np.exp(-((10 * length * q) ** 2))

    reference = isotropic_response(of_one_spin(well, half), energy, [(kernel, UNIT)], k_max=half)
    assert along / 2 == pytest.approx(reference.sigma_xx, rel=2e-3)
    assert jump == pytest.approx(reference.side_jump, rel=2e-3)
    assert intrinsic == pytest.approx(filled(energy), rel=2e-3)


def filled(energy):
    """Intrinsic part of one spin, e^2/h, of all of the lower band and the upper one within the circle: the curvature of
    two bands is the derivative by k of the z component of the unit vector between them."""

    def axis(k):
        """``d_z / |d|``, and the energy of the upper band."""
        z, across = WELL["mass"] - WELL["inversion"] * k**2, WELL["mixing"] * k
        d = np.hypot(z, across)
        return z / d, WELL["level"] - WELL["curvature"] * k**2 + d

    k = brentq(lambda r: axis(r)[1] - energy, 1e-6, 1.0)
    return 0.5 * (axis(k)[0] - np.sign(-WELL["inversion"]))
