"""The closed forms against published limits, tabulated values and each other."""

import numpy as np
import pytest

from sidejump.reference import bloch_gruneisen, dirac
from sidejump.reference.dirac_exact import solve_exact

# T/T_BG, R, sigma_sj (e^2/h) at Delta / e_F = 1/2: Fig. 1 of the paper.
TABLE = [
    (0.01, 1.00212230, 0.18789793),
    (0.02, 1.00858000, 0.18910875),
    (0.05, 1.05847082, 0.19846328),
    (0.1, 1.31568468, 0.24669088),
    (0.2, 1.87120845, 0.35085158),
    (0.3, 2.07957699, 0.38992069),
    (0.5, 2.20689984, 0.41379372),
    (1.0, 2.26548674, 0.42477876),
    (2.0, 2.28062361, 0.42761693),
    (5.0, 2.28489825, 0.42841842),
]

SPHERE = dict(mass=0.15, k_fermi=0.7, deformation_potential=4.0, sound_velocity=0.03, mass_density=2e3)


@pytest.mark.parametrize("t, ratio, conductivity", TABLE)
def test_fig1_values(t, ratio, conductivity):
    assert round(dirac.transport_ratio(t, 0.5), 8) == pytest.approx(ratio, abs=1e-12)
    assert round(dirac.phonon_side_jump(t, 0.5), 8) == pytest.approx(conductivity, abs=1e-12)


@pytest.mark.parametrize("delta", [-0.7, 0.1, 0.5, 0.9])
def test_ratio_reaches_its_limits(delta):
    assert dirac.transport_ratio(1e-4, delta) == pytest.approx(dirac.low_temperature_ratio(delta), rel=1e-6)
    assert dirac.transport_ratio(1e3, delta) == pytest.approx(dirac.high_temperature_ratio(delta), rel=1e-6)


def test_limits_at_one_half():
    assert dirac.smooth_side_jump(0.5) == pytest.approx(3 / 16, rel=1e-14)
    high = dirac.side_jump_conductivity(dirac.high_temperature_ratio(0.5), 0.5)
    assert high == pytest.approx(3 / 7, rel=1e-14)


@pytest.mark.parametrize("delta", [-0.7, 0.1, 0.5, 0.9])
def test_impurities_equal_hot_phonons(delta):
    hot = dirac.side_jump_conductivity(dirac.high_temperature_ratio(delta), delta)
    assert dirac.zero_range_side_jump(delta) == pytest.approx(hot, rel=1e-14)


def test_hot_phonons_conduct_like_impurities():
    """At high T acoustic phonons are zero-range impurities of ``n U^2 = lambda^2 kT``."""
    sound, t = 0.01, 50.0
    kt = t * 2 * sound * np.sqrt(3)
    band = dict(fermi_energy=2.0, velocity=1.0)
    hot = dirac.phonon_conductivity(t, 0.5, **band, sound_velocity=sound, coupling=0.3)
    static = dirac.zero_range_conductivity(0.5, **band, strength=0.3 * kt)
    assert hot == pytest.approx(static, rel=1e-4)


def test_resistivity_shape_follows_conductivity():
    parameters = dict(fermi_energy=2.0, velocity=1.0, sound_velocity=0.01, coupling=1.0)
    sigma = [dirac.phonon_conductivity(t, 0.5, **parameters) for t in (0.1, 3.0)]
    shape = [dirac.phonon_resistivity_shape(t, 0.5) for t in (0.1, 3.0)]
    assert sigma[0] / sigma[1] == pytest.approx(shape[1] / shape[0], rel=1e-10)
    assert dirac.phonon_resistivity_shape(1e3, 0.5) == pytest.approx(1e3, rel=1e-6)


def test_temperature_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        dirac.transport_ratio(0.0, 0.5)


@pytest.mark.parametrize(
    "sound, t, side_jump, sigma_xx",
    [(0.005, 0.2, 0.3348037, 137.9416), (0.02, 0.1, 0.2382223, 324.4020), (0.02, 1.0, 0.422034, 2.074749)],
)
def test_exact_inelastic_values(sound, t, side_jump, sigma_xx):
    result = solve_exact(sound, t)
    assert result.side_jump == pytest.approx(side_jump, rel=1e-6)
    assert result.sigma_xx == pytest.approx(sigma_xx, rel=1e-6)


def test_exact_obeys_onsager():
    result = solve_exact(0.01, 0.3)
    assert result.side_jump_velocity == pytest.approx(result.side_jump_distribution, rel=1e-7)


def test_exact_meets_closed_form_at_both_ends():
    """The quasi-elastic theory is exact far below and far above ``T_BG`` and some percent high between."""
    size = dict(n_energies=24, n_angles=160)
    cold, middle, hot = (solve_exact(1e-3, t, **size).side_jump for t in (0.02, 0.2, 2.0))
    assert cold == pytest.approx(dirac.phonon_side_jump(0.02, 0.5), rel=3e-3)
    assert hot == pytest.approx(dirac.phonon_side_jump(2.0, 0.5), rel=2e-4)
    assert middle == pytest.approx(dirac.phonon_side_jump(0.2, 0.5) * (1 - 0.0457), rel=1e-3)


def test_exact_is_odd_in_the_mass():
    up, down = (solve_exact(0.01, 0.3, mass=m, n_energies=16, n_angles=100) for m in (1.0, -1.0))
    assert up.side_jump == pytest.approx(-down.side_jump, rel=1e-10)
    assert up.sigma_xx == pytest.approx(down.sigma_xx, rel=1e-10)


def test_exact_refuses_a_level_in_the_gap():
    with pytest.raises(ValueError, match="must exceed"):
        solve_exact(0.01, 0.3, chemical_potential=0.5)


def test_bloch_gruneisen_limits():
    bg = bloch_gruneisen.bloch_gruneisen_temperature(k_fermi=0.7, sound_velocity=0.03)
    cold, hot = bg / 100, bg * 100
    low = bloch_gruneisen.low_temperature_resistivity(cold, **SPHERE)
    high = bloch_gruneisen.high_temperature_resistivity(hot, **SPHERE)
    assert bloch_gruneisen.resistivity(cold, **SPHERE) == pytest.approx(low, rel=1e-8)
    assert bloch_gruneisen.resistivity(hot, **SPHERE) == pytest.approx(high, rel=1e-4)


def test_bloch_gruneisen_from_golden_rule():
    """Brute-force golden rule on the Fermi sphere at one temperature."""
    m, kf, d, c, rho = SPHERE.values()
    kt = 0.3 * 2 * c * kf
    node, weight = np.polynomial.legendre.leggauss(200)
    cosine = node
    q = kf * np.sqrt(2 * (1 - cosine))
    y = c * q / kt
    squared_coupling = d**2 * q / (2 * rho * c)
    density_of_states = m * kf / (2 * np.pi**2)
    quasi_elastic = 2 * y / (4 * np.sinh(y / 2) ** 2)  # both processes, with the Pauli factor (eq. B3)
    integrand = squared_coupling * quasi_elastic * (1 - cosine)
    rate = 2 * np.pi * density_of_states * np.sum(weight * integrand) / 2
    expected = m * rate / (kf**3 / (6 * np.pi**2))
    assert bloch_gruneisen.resistivity(kt, **SPHERE) == pytest.approx(expected, rel=1e-6)
