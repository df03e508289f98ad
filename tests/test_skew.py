"""Skew scattering of static impurities: closed forms, a sum over triples of states, scaling, and how it is shown."""

import numpy as np
import pytest
from scipy.special import expit

import sidejump as sj
from helpers_models import random_wannier
from sidejump.kinetics.skew import SkewSource, Third, skew_response
from sidejump.pairs.sample import sampled
from sidejump.transport import Problem, TransportSettings
from sidejump.transport.own import OwnShells
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet

MASS, VELOCITY = 0.05, 3.0
DIRAC = sj.MassiveDirac(mass=MASS, velocity=VELOCITY)


def zero_range(density=1e11, strength=0.1, dimension=2, **more):
    return sj.impurity(correlation="zero_range", density=density, strength=strength, dimension=dimension, **more)


def response(model, scatterers, mu, kt=1e-4, **settings):
    """On the Fermi surface alone."""
    settings = {"skew_scattering": "static", "energy_nodes": 1, "minimum": 24} | settings
    problem = Problem(model, scatterers, mu, TransportSettings(**settings))
    return SharedShell(problem, problem.solved_shell(mu, problem.base_spacing), kt).solve(kt, 1)[0]


def gaussian_dirac(mu):
    """sigma_yx in e^2/hbar."""
    k = mu**2 - MASS**2
    return MASS / mu * 3 * k**2 / (4 * MASS**2 + k) ** 2 / (4 * np.pi)


def conventional_dirac(mu, density, strength):
    """The same; density in cm^-2, strength in eV nm^2."""
    k = mu**2 - MASS**2
    return k**2 * MASS / (4 * MASS**2 + k) ** 2 / (2 * np.pi * density * 1e-16 * strength * 100)


@pytest.mark.parametrize("mu", [0.06, 0.2])
def test_massive_dirac_model(mu):
    """Sinitsyn et al., Phys. Rev. B 75, 045315 (2007): both parts, and how they depend on density and strength."""
    found = response(DIRAC, [zero_range()], mu).skew
    np.testing.assert_allclose(found[1], gaussian_dirac(mu) * np.array([[0, -1], [1, 0]]), atol=1e-6 * found[1, 1, 0])
    assert found[0, 1, 0] == pytest.approx(conventional_dirac(mu, 1e11, 0.1), rel=1e-6)
    for more in ({"density": 3e11}, {"strength": -0.2}, {"skewness": 0.4}):
        other = response(DIRAC, [zero_range(**more)], mu).skew
        expected = more.get("skewness", 1.0) * conventional_dirac(
            mu, more.get("density", 1e11), more.get("strength", 0.1)
        )
        assert other[0, 1, 0] == pytest.approx(expected, rel=1e-6)
        assert other[1, 1, 0] == pytest.approx(gaussian_dirac(mu), rel=1e-6)
    # two kinds of opposite sign and the same number
    both = response(DIRAC, [zero_range(), zero_range(strength=-0.1)], mu).skew
    assert abs(both[0]).max() < 1e-12 * found[0, 1, 0]
    assert both[1, 1, 0] == pytest.approx(gaussian_dirac(mu), rel=1e-6)


@pytest.mark.parametrize("mu", [0.1, 0.3])
def test_rashba_model_with_both_subbands(mu):
    """Intrinsic part, side jump and Gaussian part cancel, and there is no conventional part (Nunner et al., Phys. Rev.
    B 76, 235312 (2007)): the side jump is minus twice the intrinsic part."""
    found = response(sj.RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.05), [zero_range()], mu)
    side_jump = (found.side_jump_velocity + found.side_jump_distribution)[1, 0]
    assert found.skew[1, 1, 0] == pytest.approx(-0.5 * side_jump, rel=1e-6)
    assert abs(found.skew[0, 1, 0]) < 1e-9 * found.boltzmann[0, 0]


def test_energies_of_the_thermal_window_add_up():
    """Static scatterers: the mean of closed forms over the energies, on shells of their own."""
    mu, kt = 0.15, KB * 100
    x = np.linspace(-30, 30, 4001)
    weight = expit(x) * expit(-x) * (x[1] - x[0])
    settings = TransportSettings(skew_scattering="static", geometry="own", minimum=24)
    problem = Problem(DIRAC, [zero_range()], mu, settings)
    own = OwnShells(problem, problem.shell(mu, problem.base_spacing, whole=True), kt)
    found = own.solve(kt, 9)[0].skew[:, 1, 0]
    inside = mu + kt * x > MASS
    expected = [
        np.sum((weight * f(mu + kt * x, *more))[inside])
        for f, more in ((conventional_dirac, (1e11, 0.1)), (gaussian_dirac, ()))
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-4)
    settings = TransportSettings(skew_scattering="static", geometry="shared", minimum=24)
    problem = Problem(DIRAC, [zero_range()], mu, settings)
    shared = SharedShell(problem, problem.shell(mu, problem.base_spacing), kt)
    one, five = (shared.solve(kt, n)[0].skew for n in (1, 5))
    np.testing.assert_allclose(one, five, atol=1e-6 * np.abs(one).max())


@pytest.mark.parametrize("vertex", ["identity", "matrix"])
def test_rates_of_single_pairs(vertex):
    """The contraction is that of rates w(l -> l') from golden rules with V and V G V, V G V G V (sums over triples of
    states, band by band, and no formula of the code), on a Wannier model with sites and a position matrix."""
    # a vertex between orbitals on different sites would not be that of a potential
    model = random_wannier(dimension=2, n=3, seed=2, sites=vertex == "identity")
    rng = np.random.default_rng(5)
    matrix = np.eye(3, dtype=complex) if vertex == "identity" else rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    matrix = matrix + matrix.conj().T
    problem = Problem(model, [zero_range(vertex=matrix)], 0.2, TransportSettings(minimum=8, spacing=0.6, turn=None))
    shell = problem.shell(0.2, 0.6)
    sample = sampled(model, problem.momentum, shell, degeneracy=1e-6)
    count = sample.count
    assert 20 < count < 90
    g = rng.normal(size=(count, 1, 2))

    def potential(q):
        return 3.0 * np.exp(-0.8 * q**2) - 1.0

    [source] = problem.sources
    made = SkewSource(source, lambda q: 0.4 * potential(q) ** 2, (Third(potential, 0.4),))
    found = skew_response(model, sample, [made], g, np.ones((count, 1)), memory=1e9)

    k, energies = sample.states.k, np.linalg.eigvalsh(model.hamiltonian(sample.states.k))
    bands = np.linalg.eigh(model.hamiltonian(k))[1]
    on = np.abs(energies - sample.states.energy[:, None]).argmin(axis=1)
    # V[l, m, l', m']: bands m at the k of l, with the phases of the momenta that are used
    full = np.zeros((count, 3, count, 3), dtype=complex)
    length = np.zeros((count, count))
    sites, position = np.asarray(model.site_positions), model.position_matrix(k)
    for i in range(count):
        for j in range(count):
            images = problem.momentum.images + k[j] - k[i]
            q = images[np.argmin(np.linalg.norm(images, axis=1))]
            phase = np.exp(-1j * sites @ (q - k[j] + k[i]))
            there = phase[:, None] * position[j] * phase.conj()
            both = sum(q[b] * (position[i, b] + there[b]) for b in range(2))
            w = matrix + 0.25j * (matrix @ both + both @ matrix)
            full[j, :, i] = (phase[:, None] * bands[j]).conj().T @ w @ bands[i]
            length[i, j] = np.linalg.norm(q)
    # those of the Brillouin zone's border, where two images are as short, are either's
    full *= potential(length)[:, None, :, None]
    every = np.arange(count)
    v = full[every[:, None], on[:, None], every, on]
    weight = sample.weight[:, 0]
    third = 0.4 * (2 * np.pi) ** 2 * np.einsum("lk,ks,s,sl->lk", v.conj().T, v, weight, v).imag
    fourth = np.zeros((count, count))
    for m in range(3):
        gap = sample.states.energy - energies[:, m]
        inverse = np.where(on == m, 0.0, 1 / np.where(on == m, 1.0, gap))
        at_m = full[every, m][:, every, on]  # bra: band m at k, ket: state
        # other bands at the intermediate k'', at that of the initial, and at that of the final state
        fourth += np.einsum("ks,sk,sl,ls,s,s->lk", v, at_m, v, at_m.conj().T, weight, inverse).imag
        fourth += np.einsum("lk,kl,ls,sl,s,l->lk", v, at_m.conj().T, at_m, v, weight, inverse).imag
        fourth += np.einsum("kl,lk,ks,sk,s,k->lk", at_m, v, v, at_m.conj().T, weight, inverse).imag
    fourth *= 0.16 * (2 * np.pi) ** 2
    for rates, part in ((third, found[0]), (fourth, found[1])):
        np.testing.assert_allclose(rates, -rates.T, atol=1e-10 * np.abs(rates).max())
        np.testing.assert_allclose(rates @ weight, 0, atol=1e-10 * np.abs(rates @ np.diag(weight)).sum(axis=1).max())
        expected = -np.einsum("la,l,lk,k,kb->ab", g[:, 0], weight, rates, weight, g[:, 0])
        assert abs(expected[1, 0]) > 1e-6
        np.testing.assert_allclose(part, expected, rtol=1e-6, atol=1e-9 * abs(expected[1, 0]))
