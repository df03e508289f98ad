"""Limits in which the kinetic equation can be solved by other means, met by the general machinery."""

import numpy as np
import pytest
from scipy import constants
from scipy.integrate import quad
from scipy.special import expit

from helpers_isotropic import isotropic_response
from sidejump import (
    PAULI,
    MassiveDirac,
    RashbaFerromagnet,
    acoustic_deformation_potential,
    impurity,
    optical_deformation_potential,
    polar_optical,
)
from sidejump.bands import states as band_states
from sidejump.bands.quadratic import QuadraticModel
from sidejump.interactions.base import Branch, Scatterer
from sidejump.intrinsic import intrinsic_conductivity
from sidejump.reference import bloch_gruneisen, dirac
from sidejump.surfaces.fermi import fermi_shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import HBAR2_OVER_2M, KB, mass_density_from_si, velocity_from_si

DIRAC, MU, K_FERMI = MassiveDirac(mass=1.0, velocity=1.0), 2.0, 3**0.5
RASHBA = RashbaFerromagnet(effective_mass=1.0, rashba=1.0, exchange=0.1)  # two circles above 0.1 eV, one within
COULOMB = constants.e / (4 * np.pi * constants.epsilon_0) * 1e10  # eV angstrom


def phonons(sound, vertex="identity"):
    return Scatterer("debye", 2, (Branch(lambda q: 0.5 * sound * q, lambda q: sound * q),), vertex, sound)


def solve(model, scatterers, mu, temperatures=(1.0,), **settings):
    settings.setdefault("energy_nodes", 1)
    if settings["energy_nodes"] == 1:  # closed forms of one shell, also where a window reaches a band edge
        settings.setdefault("geometry", "own")
    return run_transport(
        model,
        scatterers,
        chemical_potential=mu,
        temperatures=np.atleast_1d(temperatures),
        settings=TransportSettings(**settings),
    )


def side_jump(result):
    """Total side jump, e^2/h."""
    return 2 * np.pi * (result.side_jump_velocity + result.side_jump_distribution)


# --- a spherical Fermi surface --------------------------------------------------------------------------------------


class Parabolic(QuadraticModel):
    """One band, ``e = hbar^2 k^2 / 2m``, without spin."""

    def __init__(self, dimension, mass=0.5, k_fermi=0.4):
        self.curvature, self.k_fermi = HBAR2_OVER_2M / mass, k_fermi
        second = 2 * self.curvature * np.eye(dimension)[:, :, None, None] * np.ones((1, 1))
        super().__init__(np.zeros((1, 1)), np.zeros((dimension, 1, 1)), second)

    @property
    def k_scale(self):
        return self.k_fermi

    @property
    def mu(self):
        return self.curvature * self.k_fermi**2

    @property
    def speed(self):
        return 2 * self.curvature * self.k_fermi

    @property
    def density_of_states(self):
        return self.k_fermi / (4 * np.pi**2 * self.curvature)  # three dimensions


BALL = Parabolic(3)
METAL = dict(deformation_potential=5.0, sound_velocity=4000.0, mass_density=5000.0)
SPHERE = dict(
    mass=1 / (2 * BALL.curvature),
    k_fermi=BALL.k_fermi,
    deformation_potential=5.0,
    sound_velocity=velocity_from_si(4000.0),
    mass_density=mass_density_from_si(5000.0, 3),
)
T_BG = bloch_gruneisen.bloch_gruneisen_temperature(k_fermi=0.4, sound_velocity=velocity_from_si(4000.0)) / KB


def test_bloch_gruneisen_resistivity():
    """The whole curve, the T^5 law at its cold end and the linear law at its hot end."""
    t = np.array([0.04, 0.05, 0.07, 0.1, 0.2, 0.35, 0.6, 1.0, 3.0, 10.0])
    metal = [acoustic_deformation_potential(**METAL, dimension=3)]
    result = solve(BALL, metal, BALL.mu, t * T_BG, spacing=0.12 * BALL.k_fermi)
    found = 1 / np.einsum("taa->ta", result.boltzmann)
    kt = KB * T_BG * t
    expected = np.array([bloch_gruneisen.resistivity(x, **SPHERE) for x in kt])
    np.testing.assert_allclose(found[t < 0.1] / expected[t < 0.1, None], 1, rtol=2e-4)
    np.testing.assert_allclose(found[t >= 0.1] / expected[t >= 0.1, None], 1, rtol=2e-7)
    cold = [bloch_gruneisen.low_temperature_resistivity(x, **SPHERE) for x in kt[:2]]
    np.testing.assert_allclose(found[:2, 0], cold, rtol=3e-4)
    assert np.log(found[1, 0] / found[0, 0]) / np.log(t[1] / t[0]) == pytest.approx(5, abs=2e-3)
    assert found[-1, 0] == pytest.approx(bloch_gruneisen.high_temperature_resistivity(kt[-1], **SPHERE), rel=1e-3)
    assert np.abs(side_jump(result)).max() < 1e-12  # one band: no interband coherence


def test_brooks_herring():
    """Screened Coulomb impurities in three dimensions."""
    density, eps, screening = 1e18, 8.0, 0.5
    found = solve(
        BALL,
        [impurity(correlation="screened_coulomb", density=density, dielectric_constant=eps, screening_length=screening,
                  dimension=3)],
        BALL.mu,
        spacing=0.1 * BALL.k_fermi,
    ).boltzmann[0]  # fmt: skip
    b = (2 * BALL.k_fermi * 10 * screening) ** 2
    average = (np.log(1 + b) - b / (1 + b)) / (8 * BALL.k_fermi**4)
    rate = 2 * np.pi * BALL.density_of_states * density * 1e-24 * (4 * np.pi * COULOMB / eps) ** 2 * average
    expected = BALL.density_of_states * BALL.speed**2 / (3 * rate)
    np.testing.assert_allclose(found, expected * np.eye(3), atol=2e-3 * expected)


@pytest.mark.parametrize("length", [0.001, 0.2, 0.6, 1.5])
def test_gaussian_impurities_in_three_dimensions(length):
    density, strength = 1e19, 0.3
    found = solve(
        BALL,
        [impurity(correlation="gaussian", density=density, strength=strength, correlation_length=length, dimension=3)],
        BALL.mu,
        spacing=0.2 * BALL.k_fermi,
    ).boltzmann[0]
    a = 2 * (BALL.k_fermi * 10 * length) ** 2
    # half of int_0^2 u exp(-a u) du
    average = 1.0 if a < 1e-3 else (1 - (1 + 2 * a) * np.exp(-2 * a)) / (2 * a**2)
    rate = 2 * np.pi * BALL.density_of_states * density * 1e-24 * (strength * 1e3) ** 2 * average
    np.testing.assert_allclose(found, BALL.density_of_states * BALL.speed**2 / (3 * rate) * np.eye(3), rtol=0,
                               atol=1e-3 * found[0, 0])  # fmt: skip


def test_froehlich_coupling_of_a_sphere():
    """``(1 - cos) / q^2`` does not depend on the angle: 1/tau is the rate of a constant coupling S / 2 k_F^2."""
    energy, high, static, t = 0.04, 7.0, 10.0, 300.0
    polar = polar_optical(phonon_energy=energy, dielectric_infinity=high, dielectric_static=static, dimension=3)
    found = solve(BALL, [polar], BALL.mu, t, spacing=0.1 * BALL.k_fermi).boltzmann[0]
    y = energy / (KB * t)
    number = 1 / np.expm1(y)
    coupling = 2 * np.pi * COULOMB * energy * (1 / high - 1 / static) / (2 * BALL.k_fermi**2)
    rate = 2 * np.pi * BALL.density_of_states * coupling * 2 * y * number * (number + 1)
    np.testing.assert_allclose(found, BALL.density_of_states * BALL.speed**2 / (3 * rate) * np.eye(3), rtol=0,
                               atol=1e-3 * found[0, 0])  # fmt: skip


@pytest.mark.parametrize("t", [120.0, 300.0])
def test_inelastic_optical_phonons(t):
    """A coupling without q dependence relaxes every direction at once: the exact relaxation time is known.

    Two dimensions, parabolic band: the density of states is constant, the squared velocity grows with the energy.
    """
    disc = Parabolic(2)
    energy, potential, density = 0.03, 4.0, 1e-6
    optical = optical_deformation_potential(
        deformation_potential=potential, phonon_energy=energy, mass_density=density, dimension=2
    )
    kt = KB * t
    found = solve(disc, [optical], disc.mu, t, energy_nodes=15, geometry="own").boltzmann[0]
    y, number = energy / kt, 1 / np.expm1(energy / kt)
    square = potential**2 / (2 * mass_density_from_si(density, 2) * energy)
    states = 1 / (4 * np.pi * disc.curvature)

    def conductivity(x):
        pauli = number * expit(x + y) + (number + 1) * expit(x - y)
        rate = 2 * np.pi * square * states * pauli / expit(x)
        return expit(x) * expit(-x) * states * 2 * disc.curvature * (disc.mu + x * kt) / rate

    expected = quad(conductivity, -40, 40, epsrel=1e-10, points=[-y, 0, y], limit=200)[0]
    np.testing.assert_allclose(found, expected * np.eye(2), atol=1e-3 * expected)


# --- low temperature: eqs 13 and 14 ---------------------------------------------------------------------------------


def extrapolated(model, mu, sound, t):
    """Side jump for T -> 0 from kT = 2 sound t and half of it: what is left falls as T^2."""
    kt = 2 * sound * t * np.array([1.0, 0.5])
    coarse, fine = side_jump(solve(model, [phonons(sound)], mu, kt / KB))
    return (4 * fine - coarse) / 3


@pytest.mark.parametrize("mass", [0.3, 1.0, -1.5])
def test_cold_phonons_see_only_the_curvature(mass):
    """Eq. 14 for the Dirac model: ``- Omega k_F^2 / 2 pi``."""
    model = MassiveDirac(mass=mass, velocity=1.0)
    k = np.sqrt(MU**2 - mass**2)
    curvature = -mass / (2 * MU**3)
    expected = -curvature * k**2  # e^2/h
    found = extrapolated(model, MU, 0.01, 0.01 * k)
    assert found[1, 0] == pytest.approx(expected, rel=1e-4)
    assert expected == pytest.approx(dirac.smooth_side_jump(mass / MU), rel=1e-12)


@pytest.mark.parametrize("mu", [0.03, 0.3])
def test_cold_phonons_on_two_circles(mu):
    """Eq. 14 summed over the bands of a Rashba ferromagnet: cold phonons do not reach the other circle."""
    a, alpha, exchange = HBAR2_OVER_2M, RASHBA.rashba, RASHBA.exchange
    expected = 0.0
    # (a k^2 - mu)^2 = M^2 + (alpha k)^2
    for square in np.roots([a**2, -(2 * a * mu + alpha**2), mu**2 - exchange**2]):
        if square > 0:
            split = np.sqrt(exchange**2 + alpha**2 * square)
            band = np.sign(mu - a * square)  # upper or lower
            velocity = 2 * a + band * alpha**2 / split
            expected -= band * exchange * alpha**2 / (2 * split**3) * square * np.sign(velocity)
    found = extrapolated(RASHBA, mu, 0.002, 0.002)
    assert found[1, 0] == pytest.approx(expected, rel=1e-4)


def test_cold_phonons_on_a_tilted_cone():
    """Diffusion along the contour: eq. 13 does not hold when the curvature varies along it, but

        d/ds kappa (dg/ds - E.(Omega x t)) = 0,    kappa = 1 / |v|^2

    is solved by one integral along the contour (t its tangent).
    """
    tilt, mass = np.array([0.6, 0.25]), 1.0
    n = 512
    phi = 2 * np.pi * np.arange(n) / n
    unit = np.stack([np.cos(phi), np.sin(phi)], axis=1)
    along = unit @ tilt
    # (mu - r t.n)^2 = r^2 + mass^2
    radius = (-MU * along + np.sqrt(MU**2 * along**2 + (1 - along**2) * (MU**2 - mass**2))) / (1 - along**2)
    k = radius[:, None] * unit
    split = MU - k @ tilt
    velocity = tilt + k / split[:, None]
    speed = np.linalg.norm(velocity, axis=1)
    frequency = np.fft.fftfreq(n, 1 / n)

    def derivative(f):
        return np.fft.ifft(1j * frequency[:, None] * np.fft.fft(f, axis=0), axis=0).real

    def integral(f):
        transform = np.fft.fft(f, axis=0)
        transform[1:] /= 1j * frequency[1:, None]
        transform[0] = 0
        return np.fft.ifft(transform, axis=0).real

    tangent = derivative(k)  # times ds / dphi
    length = np.linalg.norm(tangent, axis=1)
    turned = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)  # z x t
    source = (-mass / (2 * split**3))[:, None] * turned
    weight = (length * speed**2)[:, None]  # ds / kappa
    g = integral(source - weight * source.sum(axis=0) / weight.sum())
    distribution = 2 * np.pi / n * np.einsum("sa,sb->ab", velocity / speed[:, None] * length[:, None], g)
    expected = (distribution - distribution.T) / (2 * np.pi)  # e^2/h
    found = extrapolated(MassiveDirac(mass=mass, velocity=1.0, tilt=tilt), MU, 0.01, 0.01 * K_FERMI)
    assert found[1, 0] == pytest.approx(expected[1, 0], rel=1e-4)
    assert abs(expected[1, 0] / dirac.smooth_side_jump(0.5) - 1) > 0.01  # the tilt matters


# --- high temperature: eq. 15 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model, mu", [(DIRAC, MU), (RASHBA, 0.3)])
def test_hot_phonons_are_zero_range_impurities(model, mu):
    """``|V0|^2 2 N`` does not depend on q: the side jump stays, the resistivity grows as T."""
    sound = 1e-4
    t_bg = 2 * sound * np.sqrt(mu / HBAR2_OVER_2M) / KB if model is RASHBA else 2 * sound * K_FERMI / KB
    hot = solve(model, [phonons(sound)], mu, np.array([20.0, 40.0, 160.0]) * t_bg)
    sj = side_jump(hot)[:, 1, 0]
    static = Scatterer("static", 2, (Branch(lambda q: 1.0 + 0 * q),))
    expected = side_jump(solve(model, [static], mu))[0, 1, 0]
    np.testing.assert_allclose(sj, expected, rtol=5e-4)
    assert sj[2] == pytest.approx(expected, rel=1e-5)
    assert abs(sj[0] - expected) > abs(sj[1] - expected) > abs(sj[2] - expected)
    np.testing.assert_allclose(hot.boltzmann[1:, 0, 0] * [1, 4] / hot.boltzmann[0, 0, 0], [0.5, 0.5], rtol=1e-3)
    reference = isotropic_response(model, mu, [(lambda q: 2 * np.pi + 0 * q, np.eye(2))], k_max=3.0)
    assert expected == pytest.approx(reference.side_jump, rel=1e-6)


# --- impurities -----------------------------------------------------------------------------------------------------

STRONG = dict(density=1e12, strength=0.5)


def dirac_impurity(**parameters):
    """Conductivity (e^2/hbar) and side jump (e^2/h) of the Dirac model with v = 1 eV angstrom."""
    result = solve(DIRAC, [impurity(dimension=2, **parameters)], MU)
    assert not result.report["warnings"]
    return result.boltzmann[0, 0, 0], side_jump(result)[0, 1, 0]


def test_short_correlation_is_zero_range():
    found = dirac_impurity(correlation="gaussian", correlation_length=1e-5, **STRONG)
    assert found[1] == pytest.approx(dirac.zero_range_side_jump(0.5), rel=1e-6)
    strength = 1e12 * 1e-16 * 50.0**2  # n U^2
    expected = dirac.zero_range_conductivity(0.5, fermi_energy=MU, velocity=1.0, strength=strength)
    assert found[0] == pytest.approx(expected, rel=1e-6)


def test_long_correlation_scatters_forward():
    """The limit of eq. 14 again, approached as the inverse square of the length."""
    errors = []
    for length in (10.0, 20.0):  # 1/k_F
        found = dirac_impurity(correlation="gaussian", correlation_length=0.1 * length / K_FERMI, **STRONG)
        errors.append(found[1] / dirac.smooth_side_jump(0.5) - 1)
    assert 0 < errors[1] < 1e-3 and errors[0] / errors[1] == pytest.approx(4, rel=0.01)


def isotropic_conductivity(kernel, reach):
    """e^2/hbar, of the Dirac circle: ``N v^2 / 2`` over the transport rate ``2 pi N <|V|^2 (1 - cos)>``."""

    def rate(phi):
        overlap = 1 - (1 - (1 / MU) ** 2) * np.sin(phi / 2) ** 2
        return kernel(2 * K_FERMI * np.sin(phi / 2)) * overlap * (1 - np.cos(phi))

    points = np.minimum(np.pi, reach / K_FERMI * np.array([0.3, 1, 3, 10]))
    average = quad(rate, 0, np.pi, points=points, epsabs=0, epsrel=1e-10, limit=200)[0] / np.pi
    return (K_FERMI / MU) ** 2 / 2 / (2 * np.pi * average)


@pytest.mark.parametrize("k_length", [3.0, 10.0, 20.0, 40.0, 150.0])
def test_impurities_smoother_than_the_fermi_wavelength(k_length):
    """Points follow the range of the potential, with the default settings; 48 points leave 7 % at k_F L = 10."""
    length = k_length / K_FERMI
    found = dirac_impurity(correlation="gaussian", correlation_length=0.1 * length, **STRONG)
    kernel = lambda q: 1e-4 * 50.0**2 * np.exp(-((q * length) ** 2))  # noqa: E731
    assert found[0] == pytest.approx(isotropic_conductivity(kernel, 1 / length), rel=1e-6)
    # approached as the inverse square of the length
    assert found[1] / dirac.smooth_side_jump(0.5) - 1 == pytest.approx(0.28 / k_length**2, rel=0.2)
    found = dirac_impurity(
        correlation="screened_coulomb",
        density=1e12,
        charge=2.0,
        dielectric_constant=4.0,
        screening_length=0.1 * length,
    )
    prefactor = 2 * np.pi * COULOMB * 2.0 / 4.0
    kernel = lambda q: 1e-4 * (prefactor / (q + 1 / length)) ** 2  # noqa: E731
    assert found[0] == pytest.approx(isotropic_conductivity(kernel, 1 / length), rel=2e-4)


def test_what_the_budget_of_points_does_not_resolve_is_said():
    """6000 points of a contour, 20000 of a surface, whatever the accuracy is: coarse ones are soon solved."""
    for model, mu, k, accuracy, reach in (
        (DIRAC, MU, K_FERMI, 1 / 60, (360.0, 1000.0)),
        (BALL, BALL.mu, BALL.k_fermi, 1 / 6, (3.0, 1000.0)),
    ):
        for k_length, fits in zip(reach, (True, False), strict=True):
            smooth = impurity(
                correlation="gaussian", correlation_length=0.1 * k_length / k, dimension=model.dimension, **STRONG
            )
            result = solve(model, [smooth], mu, accuracy=accuracy)
            assert result.report["states"] < 1200
            assert any("is not resolved" in w for w in result.report["warnings"]) is not fits


@pytest.mark.parametrize("length", [0.01, 0.05, 0.2])
def test_gaussian_impurities(length):
    amplitude, a = 2 * np.pi * 1e-4 * 50.0**2, 10 * length
    kernel = lambda q: amplitude * np.exp(-((q * a) ** 2))  # noqa: E731
    reference = isotropic_response(DIRAC, MU, [(kernel, np.eye(2))], k_max=3.0)
    found = dirac_impurity(correlation="gaussian", correlation_length=length, **STRONG)
    np.testing.assert_allclose(found, [reference.sigma_xx, reference.side_jump], rtol=1e-6)


@pytest.mark.parametrize("screening", [0.001, 0.05, 0.5])
def test_screened_coulomb_impurities(screening):
    prefactor = 2 * np.pi * COULOMB * 2.0 / 4.0
    kernel = lambda q: 2 * np.pi * 1e-4 * (prefactor / (q + 0.1 / screening)) ** 2  # noqa: E731
    reference = isotropic_response(DIRAC, MU, [(kernel, np.eye(2))], k_max=3.0)
    found = dirac_impurity(
        correlation="screened_coulomb", density=1e12, charge=2.0, dielectric_constant=4.0, screening_length=screening
    )
    np.testing.assert_allclose(found, [reference.sigma_xx, reference.side_jump], rtol=1e-4)


@pytest.mark.parametrize("mu", [0.03, 0.3])
def test_rashba_ferromagnet_with_smooth_disorder(mu):
    """One and two circles with interband scattering."""
    length = 0.3
    disorder = impurity(correlation="gaussian", correlation_length=length, dimension=2, **STRONG)
    result = solve(RASHBA, [disorder], mu)
    kernel = lambda q: 2 * np.pi * 1e-4 * 50.0**2 * np.exp(-((10 * length * q) ** 2))  # noqa: E731
    reference = isotropic_response(RASHBA, mu, [(kernel, np.eye(2))], k_max=1.0)
    assert result.boltzmann[0, 0, 0] == pytest.approx(reference.sigma_xx, rel=1e-6)
    assert side_jump(result)[0, 1, 0] == pytest.approx(reference.side_jump, rel=1e-6)


# --- vertices with spin ---------------------------------------------------------------------------------------------


def test_magnetic_impurities_along_z():
    """``sigma_z u(k)`` is the state at -k: the two halves of the shift cancel, and 1/tau has (3 + d^2)/4."""
    d = 0.5
    sigma, sj = dirac_impurity(correlation="zero_range", vertex="sigma_z", **STRONG)
    assert abs(sj) < 1e-9
    scalar = dirac.zero_range_conductivity(d, fermi_energy=MU, velocity=1.0, strength=1e-4 * 50.0**2)
    assert sigma == pytest.approx(scalar * (1 + 3 * d**2) / (3 + d**2), rel=1e-8)


@pytest.mark.parametrize("model, mu", [(DIRAC, MU), (RASHBA, 0.3)])
def test_vertices_against_quadrature(model, mu):
    """A mixed vertex, and spins in the plane: several scatterers with different vertices add."""
    mixed = 0.8 * np.eye(2) + 0.6 * PAULI[2]
    zero_range = lambda q: 2 * np.pi * 1e-4 * 50.0**2 + 0 * q  # noqa: E731
    smooth = lambda q: zero_range(q) * np.exp(-((q * 1.0) ** 2))  # noqa: E731
    scatterers = [
        impurity(correlation="zero_range", vertex=mixed, dimension=2, **STRONG),
        impurity(correlation="gaussian", correlation_length=0.1, vertex="sigma_x", dimension=2, **STRONG),
        impurity(correlation="gaussian", correlation_length=0.1, vertex="sigma_y", dimension=2, **STRONG),
    ]
    for chosen in ([0], [1, 2], [0, 1, 2]):
        sources = [((zero_range, smooth, smooth)[i], (mixed, PAULI[0], PAULI[1])[i]) for i in chosen]
        reference = isotropic_response(model, mu, sources, k_max=3.0)
        result = solve(model, [scatterers[i] for i in chosen], mu)
        assert result.boltzmann[0, 0, 0] == pytest.approx(reference.sigma_xx, rel=1e-6)
        assert side_jump(result)[0, 1, 0] == pytest.approx(reference.side_jump, rel=1e-6, abs=1e-9)


# --- phonons against the same quadrature ----------------------------------------------------------------------------


def quasi_elastic(coupling, energy, kt):
    """``2 pi |V0|^2 2 y N (N + 1)`` (eq. B3)."""

    def kernel(q):
        y = energy(q) / kt
        return 2 * np.pi * coupling(q) * y / (2 * np.sinh(y / 2) ** 2)

    return kernel


@pytest.mark.parametrize("t", [0.1, 0.3, 1.0])
def test_phonons_between_two_circles(t):
    """Acoustic phonons of a Rashba ferromagnet: no closed form is known."""
    sound, mu = 0.01, 0.3
    kt = 2 * sound * 0.28 * t
    result = solve(RASHBA, [phonons(sound)], mu, kt / KB)
    kernel = quasi_elastic(lambda q: 0.5 * sound * q, lambda q: sound * q, kt)
    reference = isotropic_response(RASHBA, mu, [(kernel, np.eye(2))], k_max=1.0)
    assert result.boltzmann[0, 0, 0] == pytest.approx(reference.sigma_xx, rel=1e-6)
    assert side_jump(result)[0, 1, 0] == pytest.approx(reference.side_jump, rel=1e-6)


def test_phonons_and_impurities_add():
    """Matthiessen's rule holds for the rates, not for the conductivities."""
    sound, kt = 0.01, 0.02
    disorder = impurity(correlation="gaussian", correlation_length=0.05, dimension=2, density=4e11, strength=0.5)
    both = solve(DIRAC, [phonons(sound), disorder], MU, kt / KB)
    acoustic = quasi_elastic(lambda q: 0.5 * sound * q, lambda q: sound * q, kt)
    static = lambda q: 2 * np.pi * 4e-5 * 50.0**2 * np.exp(-((0.5 * q) ** 2))  # noqa: E731
    reference = isotropic_response(DIRAC, MU, [(lambda q: acoustic(q) + static(q), np.eye(2))], k_max=3.0)
    assert both.boltzmann[0, 0, 0] == pytest.approx(reference.sigma_xx, rel=1e-6)
    assert side_jump(both)[0, 1, 0] == pytest.approx(reference.side_jump, rel=1e-6)
    alone = [solve(DIRAC, [s], MU, kt / KB).boltzmann[0, 0, 0] for s in (phonons(sound), disorder)]
    assert 0.1 < alone[0] / alone[1] < 10  # both matter


def test_froehlich_coupling_in_a_layer():
    """Quasi-elastic; order two in the spacing."""
    energy, thickness, kt = 0.05, 0.8, KB * 300
    polar = polar_optical(
        phonon_energy=energy, dielectric_infinity=4.0, dielectric_static=6.0, thickness=thickness, dimension=2
    )
    strength = 2 * np.pi * COULOMB * energy * (1 / 4 - 1 / 6)
    t = 10 * thickness

    def coupling(q):
        return strength / (q**2 * t) * (1 + np.expm1(-q * t) / (q * t))

    kernel = quasi_elastic(coupling, lambda q: energy + 0 * q, kt)
    reference = isotropic_response(RASHBA, 0.3, [(kernel, np.eye(2))], k_max=1.0)
    errors = []
    for accuracy in (1, 2):
        result = solve(RASHBA, [polar], 0.3, kt / KB, accuracy=accuracy)
        found = result.boltzmann[0, 0, 0], side_jump(result)[0, 1, 0]
        errors.append(np.array(found) / [reference.sigma_xx, reference.side_jump] - 1)
    assert np.all(np.abs(errors[0]) < 2e-4)
    np.testing.assert_allclose(errors[0] / errors[1], 4, rtol=0.02)  # a coupling that diverges at q = 0: order two


# --- appendix D -----------------------------------------------------------------------------------------------------


def curl_free(k):
    """Gradient of ``0.4 k_x k_y + 0.3 k_x^2 - 0.2 k_y``: a change of gauge."""
    return np.stack([0.4 * k[:, 1] + 0.6 * k[:, 0], 0.4 * k[:, 0] - 0.2], axis=1)


@pytest.mark.parametrize("gauge", [lambda k: 0 * k, curl_free])
def test_lyo_form_differs_by_a_fermi_surface_term(monkeypatch, gauge):
    """Eqs D6 to D8: ordinary derivatives in place of covariant ones, in any gauge.

    The sum of Lyo's two parts is the side jump and the intrinsic conductivity of the upper band.
    """

    def connection(k):
        """``i <u|du>`` of ``u = (cos, sin exp(i phi)) exp(i chi)``, smooth at k = 0."""
        square = (k**2).sum(axis=1, keepdims=True)
        half_sine = 0.5 * (1 - DIRAC.mass / np.sqrt(DIRAC.mass**2 + square))
        return -half_sine * np.stack([-k[:, 1], k[:, 0]], axis=1) / square - gauge(k)

    sound, kt = 0.005, 0.006
    covariant = solve(DIRAC, [phonons(sound)], MU, kt / KB)
    original = band_states.solve_states

    def ordinary(model, k, band, **options):
        states = original(model, k, band, **options)
        change = -1j * connection(k)[:, :, None, None] * states.vectors[:, None]
        return type(states)(**(vars(states) | {"covariant": states.covariant + change}))

    monkeypatch.setattr(band_states, "solve_states", ordinary)
    lyo = solve(DIRAC, [phonons(sound)], MU, kt / KB)
    shell = fermi_shell(DIRAC, MU, spacing=10.0, minimum=64)
    surface = np.einsum("s,sa,sb->ab", shell.weight, connection(shell.k), shell.k / MU)  # sum (-f0') A_a v_b
    np.testing.assert_allclose(covariant.side_jump_velocity, lyo.side_jump_velocity - surface, atol=1e-9)
    np.testing.assert_allclose(covariant.side_jump_distribution, lyo.side_jump_distribution + surface.T, atol=1e-9)
    assert np.abs(surface).max() > 0.01
    sea = np.asarray(intrinsic_conductivity(DIRAC, [MU, 0.0], 0.0, tolerance=1e-9))[:, 0]
    np.testing.assert_allclose(side_jump(lyo)[0] - side_jump(covariant)[0], sea[0] - sea[1], atol=1e-8)


def test_weak_scattering_keeps_its_side_jump():
    """The side jump does not know how strong scattering is, though the conductivity grows without a bound."""
    weak, strong = (
        solve(DIRAC, [impurity(correlation="zero_range", dimension=2, density=1e11, strength=s)], MU)
        for s in (1e-9, 1.0)
    )
    assert weak.boltzmann[0, 0, 0] / strong.boltzmann[0, 0, 0] == pytest.approx(1e18, rel=1e-6)
    np.testing.assert_allclose(side_jump(weak), side_jump(strong), atol=1e-9)
    assert np.abs(side_jump(strong)).max() > 0.01
