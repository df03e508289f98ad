"""Skew scattering of static impurities: closed forms, a sum over triples of states, scaling, and how it is shown."""

from dataclasses import replace

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
    return SharedShell(problem, problem.solved_shell(mu, problem.spacings.base), kt).solve(kt, 1)[0]


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
    own = OwnShells(problem, problem.shell(mu, problem.spacings.base, whole=True), kt)
    found = own.solve(kt, 9)[0].skew[:, 1, 0]
    inside = mu + kt * x > MASS
    expected = [
        np.sum((weight * f(mu + kt * x, *more))[inside])
        for f, more in ((conventional_dirac, (1e11, 0.1)), (gaussian_dirac, ()))
    ]
    np.testing.assert_allclose(found, expected, rtol=2e-4)
    settings = TransportSettings(skew_scattering="static", geometry="shared", minimum=24)
    problem = Problem(DIRAC, [zero_range()], mu, settings)
    shared = SharedShell(problem, problem.shell(mu, problem.spacings.base), kt)
    one, five = (shared.solve(kt, n)[0].skew for n in (1, 5))
    np.testing.assert_allclose(one, five, atol=1e-6 * np.abs(one).max())


@pytest.mark.parametrize("vertex", ["identity", "matrix"])
def test_rates_of_single_pairs(vertex):
    """The contraction is that of rates w(l -> l') from golden rules with V and V G V, V G V G V (sums over triples of
    states, band by band, and no formula of the code), on a Wannier model with sites and a position matrix."""
    model = random_wannier(dimension=2, n=3, seed=2)
    rng = np.random.default_rng(5)
    matrix = (
        np.eye(3, dtype=complex) if vertex == "identity" else rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    )
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
    found = skew_response(model, sample, [made], g, np.ones((count, 1)), memory=1e9).tensors

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
            ends = model.lattice_operator(matrix)(np.stack([k[i], q + k[i]]))
            first = (ends[0] @ position[i] + position[i] @ ends[0], ends[1] @ there + there @ ends[1])
            w = ends.mean(axis=0) + 0.25j * np.einsum("b,bmn->mn", q, first[0] + first[1])
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


def whole(problem, shell, sample):
    """A sample of the points of another and all their images, as points of their own."""
    n = sample.images
    order = np.arange(len(shell))
    assert sample.count == len(order)
    k = sample.near.k
    band = np.tile(
        np.abs(
            np.linalg.eigvalsh(problem.model.hamiltonian(k[: sample.count]))
            - sample.states.energy[: sample.count, None]
        ).argmin(axis=1),
        n,
    )
    columns = {"k": k, "band": band, "weight": sample.all_weights, "area": np.tile(shell.area, n) / n}
    return replace(shell, **columns, sheet=np.zeros(len(k), dtype=int), components=None, operations=None)


@pytest.mark.parametrize("length", [0.0, 0.15])
def test_irreducible_points_stand_for_their_images(length):
    """The same tensors from all points as from irreducible ones, of a distribution that turns as it must."""
    model = ferromagnet(0.3)
    more = {"correlation": "gaussian", "correlation_length": length} if length else {"correlation": "zero_range"}
    impurities = sj.impurity(density=1e20, strength=0.01, dimension=3, **more)
    settings = TransportSettings(skew_scattering="static", energy_nodes=1, accuracy=0.2)
    problem = Problem(model, [impurities], MU, settings)
    solver = SharedShell(problem, problem.solved_shell(MU, problem.spacings.base), 1e-3)
    found = solver.solve(1e-3, 1)[0]
    sample = solver.sample
    assert sample.images == 8
    g = sample.everywhere(found.distribution[:, 0])
    shell = whole(problem, solver.shell, sample)
    every = sampled(model, problem.momentum, shell, degeneracy=1e-6, images=False)
    place = np.argmin(np.linalg.norm(every.states.k[:, None] - shell.k[None], axis=2), axis=1)
    [source] = problem.sources
    branch = source.branches[0]
    made = SkewSource(source, branch.coupling, (Third(branch.potential, branch.third_moment),))
    expected = skew_response(model, every, [made], g[place][:, None], np.ones((every.count, 1)), memory=1e9).tensors
    for part, other in zip(found.skew, expected, strict=True):
        size = np.abs(part).max()
        assert size > 1e-6
        np.testing.assert_allclose(part, other, atol=2e-5 * size)
        np.testing.assert_allclose(part[2], 0, atol=1e-12)  # what symmetry forbids


def test_degenerate_bands_are_groups():
    """Two copies of a model that scattering does not connect: twice the current of one, mixed as they may be."""
    rng = np.random.default_rng(3)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))

    def hamiltonian(k):
        return turn @ np.kron(np.eye(2), DIRAC.hamiltonian(k)) @ turn.conj().T

    double = sj.FunctionModel(hamiltonian, dimension=2, n_orbitals=4, search_half_width=0.2)
    one, two = (response(m, [zero_range()], 0.12) for m in (DIRAC, double))
    for part, single in zip(two.skew, one.skew, strict=True):
        np.testing.assert_allclose(part, 2 * single, atol=1e-6 * np.abs(single).max())


PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


def test_harmonic_phonons():
    """They have no third moment; hot, their Gaussian part as if they were static is that of zero-range impurities."""
    mu = 0.1
    bloch_gruneisen = 2 * PHONONS.sound_velocity * np.sqrt(mu**2 - MASS**2) / VELOCITY
    none = response(DIRAC, [PHONONS], mu, kt=10 * bloch_gruneisen).skew
    assert not none.any()
    found = {t: response(DIRAC, [PHONONS], mu, kt=t * bloch_gruneisen, skew_scattering="quasistatic") for t in (10, 20)}
    assert not found[10].skew[0].any()
    off = [found[t].skew[1, 1, 0] / gaussian_dirac(mu) - 1 for t in found]
    assert abs(off[0]) < 3e-3
    assert off[1] == pytest.approx(off[0] / 4, rel=0.05)  # as (T_BG / T)^2
    # with impurities: quasi-static phonons of the same law as theirs change nothing
    both = response(DIRAC, [PHONONS, zero_range()], mu, kt=20 * bloch_gruneisen, skew_scattering="quasistatic").skew
    assert both[1, 1, 0] == pytest.approx(gaussian_dirac(mu), rel=2e-3)


def test_moments_of_sampled_potentials():
    """Impurities thrown at random and a chain of masses and springs in equilibrium: what the second and the third
    moment of a branch stand for. A harmonic crystal has the second alone, however far its masses are off."""
    rng = np.random.default_rng(5)
    sets, number, strength, length = 200_000, 2.0, -1.5, 3.0
    q = 2 * np.pi / length * np.array([1.0, 2.0, -3.0])  # transfers of three vertices that lead back
    counts = rng.poisson(number, sets)
    places = rng.random((sets, counts.max())) * length
    there = np.arange(counts.max()) < counts[:, None]
    waves = strength * np.einsum("sn,qsn->qs", there, np.exp(-1j * q[:, None, None] * places)) / length
    n = number / length
    third = np.prod(waves, axis=0).real * length**2
    assert np.mean(np.abs(waves[0]) ** 2) * length == pytest.approx(n * strength**2, rel=0.02)
    assert np.mean(third) == pytest.approx(n * strength**3, abs=4 * third.std() / np.sqrt(sets))
    [branch] = zero_range(density=1e11, strength=-1.0).branches
    n, u = 1e11 * 1e-16, -100.0  # angstrom^-2, eV angstrom^2
    assert branch.coupling(0.1) == pytest.approx(n * u**2)
    assert branch.third_moment * branch.potential(0.1) ** 3 == pytest.approx(n * u**3)

    # a ring of springs: exp(-E/kT) of its displacements, sampled through the matrix of the springs; the potential of
    # an electron is the strain
    masses, kt = 12, 0.3
    springs = 2 * np.eye(masses) - np.roll(np.eye(masses), 1, axis=0) - np.roll(np.eye(masses), -1, axis=0)
    value, mode = np.linalg.eigh(springs)
    size = np.sqrt(kt / np.where(value > 1e-9, value, np.inf))
    displaced = (rng.standard_normal((sets, masses)) * size) @ mode.T
    strain = np.roll(displaced, -1, axis=1) - displaced
    waves = [strain @ np.exp(-2j * np.pi * m * np.arange(masses) / masses) for m in (1, 2, -3)]
    second = [np.mean(np.abs(w) ** 2) for w in waves]
    np.testing.assert_allclose(second, masses * kt, rtol=0.02)  # equipartition
    third = np.prod(waves, axis=0).real
    assert abs(np.mean(third)) < 4 * third.std() / np.sqrt(sets) < 0.02 * np.prod(second) ** 0.5
    assert all(b.third_moment == 0.0 for b in PHONONS.branches)


@pytest.mark.parametrize("mu", [0.02, 0.3])
def test_spins_are_stationary(mu):
    """2 m alpha j_y^z = 2 M s_x, order by order, with one subband and with both (see test_observable_exact)."""
    exchange, alpha = 0.05, 0.8
    ds = sj.anomalous_hall(
        sj.RashbaFerromagnet(effective_mass=0.6, rashba=alpha, exchange=exchange),
        zero_range(density=1e12, strength=0.02),
        chemical_potential=mu,
        temperatures=[2.0],
        tolerance=0.03,
        observables=[sj.spin_current("yz"), sj.spin("x")],
        skew_scattering="static",
    ).sel(b="x", temperature=2.0)
    strength = alpha / (2 * sj.units.HBAR2_OVER_2M / 0.6)
    for part in ("skew", "gaussian_skew"):
        flow, spin = (float(ds[f"response_{part}"].sel(observable=o)) for o in ("spin_current_yz", "spin_x"))
        size = abs(float(ds.response_boltzmann.sel(observable="spin_x"))) * 1e-9
        assert strength * flow == pytest.approx(exchange * spin, rel=1e-3, abs=size)
        if part == "gaussian_skew" or mu < exchange:
            assert abs(spin) > 1e3 * size


def green_dirac(energy, cutoff):
    """``int_{k < cutoff} d^2k / (2 pi)^2  (e + i0 - H)^-1`` in closed form."""
    k = energy**2 - MASS**2
    integral = -np.log(abs(((VELOCITY * cutoff) ** 2 - k) / k)) - (1j * np.pi * np.sign(energy) if k > 0 else 0.0)
    return np.diag([energy + MASS, energy - MASS]) * integral / (4 * np.pi * VELOCITY**2)


@pytest.mark.parametrize("energy", [0.1, -0.2, 0.02])
def test_t_matrix_of_the_massive_dirac_model(energy):
    strength = 0.5
    found = sj.t_matrix(DIRAC, strength=strength, energy=energy, cutoff=0.7)
    green = green_dirac(energy, 0.7)
    np.testing.assert_allclose(found.green, green, atol=2e-4 * np.abs(green).max())
    u = 100 * strength
    np.testing.assert_allclose(found.matrix, np.diag(u / (1 - u * np.diag(green))), rtol=1e-3, atol=1e-6)
    # what scatters out of a state is what the density of states takes in: - Im T = T^+ (-Im G) T
    t = found.matrix
    np.testing.assert_allclose((t - t.conj().T) / 2j, t.conj().T @ ((found.green - found.green.conj().T) / 2j) @ t,
                               atol=1e-6 * np.abs(t).max())  # fmt: skip
    weak = sj.t_matrix(DIRAC, strength=1e-4, energy=energy, cutoff=0.7)
    second = weak.born + weak.born @ weak.green @ weak.born
    np.testing.assert_allclose(weak.matrix, second, atol=weak.strength**2 * 1.1 * np.abs(weak.born).max())


def test_t_matrix_of_a_lattice_and_its_density_of_states():
    """In three dimensions, -Im G / pi is the density of states of the shell, orbital by orbital."""
    model = ferromagnet(0.3)
    problem = Problem(model, [zero_range(1e20, 0.01, 3)], MU, TransportSettings(accuracy=1.5, symmetry="off"))
    sample = sampled(model, problem.momentum, problem.shell(MU, problem.spacings.base), degeneracy=1e-6)
    density = np.einsum("s,smi,smj->ij", sample.weight[:, 0], sample.states.vectors, sample.states.vectors.conj())
    found = sj.t_matrix(model, strength=0.01, energy=MU)
    imaginary = (found.green - found.green.conj().T) / (-2j * np.pi)
    np.testing.assert_allclose(imaginary, density, atol=0.02 * np.abs(density).max())


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        (DIRAC, {}, "cutoff: give the largest"),
        (DIRAC, {"cutoff": -1.0}, "cutoff = -1.0"),
        (ferromagnet(), {"cutoff": 1.0}, "leave it out"),
        (random_wannier(dimension=2), {}, "several sites"),
        (DIRAC, {"cutoff": 1.0, "vertex": "sigma_q"}, "sigma_q"),
    ],
)
def test_t_matrix_refuses(model, more, words):
    with pytest.raises(sj.InputError, match=words):
        sj.t_matrix(model, strength=0.1, energy=0.1, **more)


def test_strong_potentials_are_said():
    """With the size of the series, pi times the largest eigenvalue of potential and density of states."""
    problem = Problem(DIRAC, [zero_range(strength=1.0)], 0.1, TransportSettings(skew_scattering="static"))
    SharedShell(problem, problem.solved_shell(0.1, problem.spacings.base), 1e-4).solve(1e-4, 1)
    largest = 100 * (0.1 + MASS) / (4 * VELOCITY**2)
    [sentence] = problem.warnings
    assert f"of states, {largest:.2g}:" in sentence
