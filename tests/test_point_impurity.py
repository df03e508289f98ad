"""Impurities of zero range to all orders in their potential: closed forms, the Kubo formula, sums over all pairs."""

import pickle
import tomllib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.optimize import brentq
from scipy.special import expit

import sidejump as sj
from helpers_models import random_wannier, rashba_lattice
from sidejump.accuracy.estimates import GREEN_FUNCTION
from sidejump.accuracy.report import missed_sentences
from sidejump.accuracy.study import Study, estimate, plan
from sidejump.app.run import prepare
from sidejump.bands.lattice import LatticeModel
from sidejump.errors import InputError
from sidejump.interactions import single_impurity
from sidejump.interactions.impurity import denser
from sidejump.reference.lyo_holstein import gauge_table
from sidejump.transport import Problem, TransportSettings
from sidejump.transport.hot_spots import HotSpots, with_hot_spots
from sidejump.transport.own import OwnShells
from sidejump.transport.shared import SharedShell
from sidejump.units import KB
from test_hot_spots import MU, ferromagnet, phonons
from test_skew import DIRAC, MASS, VELOCITY, green_dirac, response, whole, zero_range
from test_skew_scattering import EXCHANGE, KINETIC, PAULI, RASHBA, splitting
from test_skew_scattering import MASS as RASHBA_MASS

pytestmark = pytest.mark.usefixtures("few_points_of_two_green_functions")
CUTOFF = 1.0
RASHBA_MODEL = sj.RashbaFerromagnet(effective_mass=RASHBA_MASS, rashba=RASHBA, exchange=EXCHANGE)


def of_all_orders(strength, cutoff=CUTOFF, **more):
    return zero_range(strength=strength, treatment="t_matrix", cutoff=cutoff, **more)


def rates_dirac(mu, strength):
    """``1/tau`` of the current along the field, and the rate at which scattering turns it, of one impurity an
    angstrom^2: T = diag(t_1, t_2) between spinors (cos a/2, sin a/2 exp(i phi))."""
    u = 100 * strength
    t = u / (1 - u * np.diag(green_dirac(mu, CUTOFF)))
    up, down = 0.5 * (1 + MASS / mu), 0.5 * (1 - MASS / mu)
    states = mu / VELOCITY**2
    along = abs(t[0] * up) ** 2 + abs(t[1] * down) ** 2 - up * down * (t[0].conj() * t[1]).real
    return states * along, states * up * down * (t[0].conj() * t[1]).imag


def dirac(mu, density, *kinds):
    """sigma_xx and sigma_yx (e^2/hbar) of impurities (share, strength); density in cm^-2."""
    along, across = density * 1e-16 * sum(s * np.array(rates_dirac(mu, u)) for s, u in kinds)
    drude = (mu**2 - MASS**2) / (4 * np.pi * mu)
    return drude * np.array([along, across]) / (along**2 + across**2)


@pytest.mark.parametrize("strength", [0.1, -0.4, 1.0, -2.6, 10.0, -10.0, 1e3])
def test_massive_dirac_model(strength):
    """Golden rule with T, even and odd rates, at a resonance (Hall angle 0.5) and up to the limit of unitarity; density
    and both signs."""
    if strength == -2.6:
        assert np.divide(*dirac(0.1, 1e11, (1, strength))[::-1]) == pytest.approx(-0.4957, abs=1e-4)
    for skewness, kinds in ((1.0, [(1, strength)]), (-0.5, [(0.25, strength), (0.75, -strength)])):
        found = response(DIRAC, [of_all_orders(strength, skewness=skewness)], 0.1)
        expected = dirac(0.1, 1e11, *kinds)
        # at unitarity T = -1/G, and what skews is the little by which two of these differ in phase
        np.testing.assert_allclose(found.boltzmann, expected[0] * np.eye(2), atol=1e-4 * expected[0])
        turn = expected[1] * np.array([[0, -1], [1, 0]])
        np.testing.assert_allclose(found.skew[0], turn, atol=3e-4 * abs(expected[1]) + 5e-6 * expected[0])
        assert found.onsager_error < 1e-9
    denser = response(DIRAC, [of_all_orders(strength, density=5e11)], 0.1)
    once = response(DIRAC, [of_all_orders(strength)], 0.1)
    np.testing.assert_allclose(denser.skew[0], once.skew[0] / 5, atol=1e-6 * np.abs(once.skew[0]).max())
    np.testing.assert_allclose(denser.side_jump_velocity, once.side_jump_velocity, atol=1e-6)
    np.testing.assert_allclose(denser.skew[1], once.skew[1], atol=1e-6)


def test_weak_impurities_are_those_of_the_first_order():
    """What differs is the real part of G, in proportion to U and odd, and then U^2."""
    model, mu = RASHBA_MODEL, 0.02

    def parts(strength, **more):
        found = response(model, [zero_range(strength=strength, **more)], mu)
        both = found.side_jump_velocity + found.side_jump_distribution
        rows = strength**2 * found.boltzmann[0, 0], strength * found.skew[0, 1, 0], both[1, 0], found.skew[1, 1, 0]
        return np.array(rows)

    born = parts(1e-3)
    assert np.all(np.abs(born) > 1e-5)
    odd, mean = {}, {}
    for u in (2e-3, 4e-3):
        plus, minus = (parts(s, treatment="t_matrix", cutoff=2.0) / born for s in (u, -u))
        odd[u], mean[u] = 0.5 * (plus - minus), 0.5 * (plus + minus) - 1
    np.testing.assert_allclose(odd[4e-3], 2 * odd[2e-3], rtol=0.02)
    np.testing.assert_allclose(mean[4e-3], 4 * mean[2e-3], rtol=0.05, atol=2e-4)  # accuracy of G
    assert np.all(np.abs(odd[2e-3]) < 0.03) and np.all(np.abs(mean[2e-3]) < 1e-3)


def on_shell(energy):
    """Radii of the Fermi lines."""
    lines = [brentq(lambda k: KINETIC * k**2 - splitting(k) - energy, 0, 5)]
    if energy > EXCHANGE:
        lines.append(brentq(lambda k: KINETIC * k**2 + splitting(k) - energy, 0, 5))
    return lines


def ladder(energy, density, strength, cutoff):
    """sigma_xx and sigma_yx (e^2/hbar) of the Rashba ferromagnet by the Kubo formula: self-energy n T, and n T (..) T^+
    in the rungs of the ladder; density in angstrom^-2."""
    t = sj.t_matrix(RASHBA_MODEL, strength=strength, energy=energy, cutoff=cutoff).matrix
    sx, sy, sz = PAULI[1:]
    angles = np.arange(8) * np.pi / 4  # integrands hold no higher harmonics than the third

    def integrand(k):
        x, y = (k * f(angles)[:, None, None] for f in (np.cos, np.sin))
        h = KINETIC * k**2 * PAULI[0] + RASHBA * (x * sy - y * sx) - EXCHANGE * sz
        retarded = np.linalg.inv(energy * PAULI[0] - density * t - h)
        advanced = np.conj(np.swapaxes(retarded, 1, 2))
        v = np.stack([2 * KINETIC * x * PAULI[0] + RASHBA * sy, 2 * KINETIC * y * PAULI[0] - RASHBA * sx])
        right = retarded @ v[0] @ advanced
        bubble = np.einsum("apij,pji->a", v, right)
        left = (advanced @ v @ retarded).sum(axis=1)
        rung = np.einsum("pij,pkl->iljk", retarded, advanced)
        parts = bubble, left, right.sum(axis=0), rung
        return k / (2 * np.pi * len(angles)) * np.concatenate([part.ravel() for part in parts])

    width = density * np.abs(t.imag).max()
    near = [k + w * width for k in on_shell(energy) for w in (-300, -30, -3, 3, 30, 300)]
    edges = sorted([0, *(k for k in near if k > 0), 1, 3, 10, 30, 100, 300])
    found = sum(quad_vec(integrand, a, b, epsabs=1e-9, epsrel=1e-9)[0] for a, b in pairwise(edges))
    bubble, left = found[:2], found[2:10].reshape(2, 2, 2)
    right, rung = found[10:14], found[14:].reshape(2, 2, 2, 2)
    dressed = density * np.einsum("iljk,ja,kb->ilab", rung, t, t.conj()).reshape(4, 4)
    inner = np.linalg.solve(np.eye(4) - dressed, right).reshape(2, 2)
    return (bubble + density * np.einsum("alk,kl->a", left, t @ inner @ t.conj().T)).real / (2 * np.pi)


@pytest.mark.parametrize(("energy", "strength"), [(0.02, 0.3), (0.02, -3.0), (0.3, 0.3), (0.3, 30.0)])
def test_kubo_formula(energy, strength):
    """What of it is in proportion to 1/n, from two densities."""
    few = 1e-6 / (1 + 30 * abs(strength))
    one, two = (n * ladder(energy, n, strength, 2.0) for n in (few, 2 * few))
    found = response(RASHBA_MODEL, [of_all_orders(strength, 2.0)], energy)
    parts = 1e11 * 1e-16 * np.array([found.boltzmann[0, 0], found.skew[0, 1, 0]])
    assert abs(parts[1]) > 1e-5
    np.testing.assert_allclose(parts, 2 * one - two, rtol=1e-4, atol=3e-8)


def sample_of(model, scatterers, mu, observables=(), **settings):
    problem = Problem(model, scatterers, mu, TransportSettings(skew_scattering="static", **settings), observables)
    solver = SharedShell(problem, problem.solved_shell(mu, problem.spacings.base), 1e-3)
    return problem, solver


def two_on_a_site():
    """Three Wannier functions, two of them at one place, with a position matrix."""
    known = random_wannier(dimension=2, n=3, seed=2)
    centres, positions = np.array([[0.3, 0.2], [0.3, 0.2], [-0.5, 0.4]]), known.residual_positions.copy()
    positions[~known.vectors.any(axis=1)] += np.stack([np.diag(x) for x in centres.T])
    return LatticeModel(known.cell, known.vectors, known.hoppings, positions, centres)


LATTICE = ferromagnet(0.3)
ON_ONE = np.array([[1.0, 0.3j, 0.0], [-0.3j, -0.5, 0.0], [0.0, 0.0, 0.0]])
CASES = {
    "lattice": (LATTICE, MU, {"strength": 0.05, "dimension": 3, "density": 1e20}),
    "weyl": (sj.Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, 0.4)), 0.1,
             {"strength": 5.0, "dimension": 3, "density": 1e20, "cutoff": 1.0}),
    "wannier": (two_on_a_site(), 0.2, {"strength": 0.05, "vertex": ON_ONE}),
    "dirac": (DIRAC, 0.1, {"strength": 2.0, "cutoff": 1.0, "vertex": PAULI[0] + 0.4 * PAULI[1] - 0.3 * PAULI[3]}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_sums_over_all_pairs(name, monkeypatch):
    """Boltzmann part and skew scattering are those of the rates ``2 pi n |<u'|T|u>|^2``, of each pair of states one
    number, inverted as a matrix; what scatters out of a state is ``-2 n Im <u|T|u>``."""
    monkeypatch.setattr(single_impurity, "_WORK", 4e6)  # of the test: coarser where a zone is large
    model, mu, more = CASES[name]
    settings = {"accuracy": 0.5} if model.dimension == 3 else {"minimum": 24}
    impurities = zero_range(treatment="t_matrix", **more)
    _, solver = sample_of(model, [impurities], mu, symmetry="off", **settings)
    found = solver.solve(1e-3, 1)[0]
    sample = solver.sample
    keys = ("strength", "cutoff", "vertex")
    t = sj.t_matrix(model, energy=mu, **{key: more[key] for key in keys if key in more}).matrix
    density = more.get("density", 1e11) * 1e-8**model.dimension
    u, weight = sample.states.vectors[:, 0], sample.weight[:, 0]
    rates = 2 * np.pi * density * np.abs(u @ t.T @ u.conj().T) ** 2  # from the row to the column
    out = rates @ weight
    optical = -2 * density * np.einsum("si,ij,sj->s", u.conj(), t, u).imag
    np.testing.assert_allclose(out, optical, atol=(0.03 if model.dimension == 3 else 1e-4) * out.max())
    back = np.diag(out) - rates.T * weight  # acts on the columns of g
    drive = weight[:, None] * sample.velocity[:, 0]
    expected = drive.T @ np.linalg.pinv(weight[:, None] * back, rcond=1e-9) @ drive
    skew = 0.5 * (expected - expected.T)
    assert np.abs(skew).max() > 1e-4 * np.abs(expected).max()
    np.testing.assert_allclose(found.boltzmann, expected - skew, atol=2e-5 * np.abs(expected).max())
    np.testing.assert_allclose(found.skew[0], skew, atol=5e-4 * np.abs(skew).max())


@pytest.mark.parametrize("observables", [[sj.spin("x")], [sj.spin("x"), sj.spin_current("yz")]], ids=["spin", "both"])
def test_irreducible_points_stand_for_their_images(observables):
    """All parts from points that symmetry reduces, and from those with all their images as points of their own; of
    the current, and of spins and their currents, which turn in other ways."""
    impurities = zero_range(1e20, 0.05, 3, treatment="t_matrix")
    problem, solver = sample_of(LATTICE, [impurities], MU, observables, energy_nodes=1, accuracy=0.4)
    assert len(problem.fold(problem.operations).representations) > len(observables)
    assert solver.sample.images == 8
    found = solver.solve(1e-3, 1)[0]
    plain = Problem(LATTICE, [impurities], MU, replace(problem.settings, symmetry="off"), observables)
    expected = SharedShell(plain, whole(problem, solver.shell, solver.sample), 1e-3).solve(1e-3, 1)[0]
    observed = [problem.multiplets.asked(found.tensors, 3)[:, 3:], expected.tensors[:, 3:]]
    for mine, others in ((found.tensors[:, :3], expected.tensors[:, :3]), observed):
        for one, other in zip(mine, others, strict=True):
            assert np.abs(other).max() > 1e-6
            np.testing.assert_allclose(one, other, atol=2e-4 * np.abs(other).max())
    assert found.skew[0, 2, 0] == 0  # what symmetry forbids


@pytest.mark.parametrize("nodes", [1, 3])
def test_every_temperature_of_a_crystal_has_its_odd_rates(nodes):
    """Where symmetry makes what is odd another equation it is solved whatever is checked beside, at one temperature of
    several: static impurities know none."""
    _, solver = sample_of(LATTICE, [zero_range(1e20, 0.05, 3, treatment="t_matrix")], MU, accuracy=0.25)
    expected = solver.solve(1e-3, 1)[0].skew
    for found, _ in solver.solve_each([8e-3, 3e-3], nodes):
        for one, other in zip(found.skew, expected, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4 * np.abs(other).max())


def test_observables_know_odd_rates():
    """The velocity as an observable is the current, all parts of it; next to a resonance, where a quarter of what the
    field drives is odd."""
    observables = [sj.velocity("x"), sj.velocity("y")]
    settings = TransportSettings(skew_scattering="static", energy_nodes=1, minimum=24)
    problem = Problem(DIRAC, [of_all_orders(-2.6)], 0.1, settings, observables)
    found = SharedShell(problem, problem.solved_shell(0.1, problem.spacings.base), 1e-4).solve(1e-4, 1)[0]
    assert abs(found.skew[0, 1, 0]) > 0.4 * found.boltzmann[0, 0]
    for part in found.tensors:
        np.testing.assert_allclose(part[2:], part[:2], atol=1e-9 * np.abs(part).max())


def test_observables_within_degenerate_pairs():
    """The current of one of two copies of a model is that of the model, though it differs within each pair."""
    one_of_two = np.diag([1.0, 0.0])

    def double(k):
        return np.kron(np.eye(2), DIRAC.hamiltonian(k))

    def current(model, k):
        return np.kron(one_of_two, DIRAC.hamiltonian_gradient(k)[:, 0])

    model = sj.FunctionModel(double, dimension=2, n_orbitals=4, search_half_width=0.2)
    observable = sj.Observable("current of one", current, "eV angstrom")
    settings = TransportSettings(skew_scattering="static", energy_nodes=1, minimum=24)
    parts = []
    for what, more in ((model, [observable]), (DIRAC, [])):
        problem = Problem(what, [of_all_orders(-2.6)], 0.1, settings, more)
        solver = SharedShell(problem, problem.solved_shell(0.1, problem.spacings.base), 1e-4)
        parts.append(solver.solve(1e-4, 1)[0].tensors)
    # the matrix part of the Gaussian one is left out, with a warning
    for part, expected in zip(parts[0][:4], parts[1][:4], strict=True):
        np.testing.assert_allclose(part[2], expected[0], atol=2e-5 * np.abs(expected).max())


def test_hot_spots_know_odd_rates():
    """The distribution that is carried to a fine shell is that of the equation with its odd rates: on the points of the
    coarse one nothing changes."""
    model = sj.Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.3, 0.4))
    impurities = zero_range(1e20, -0.1737, 3, treatment="t_matrix", cutoff=1.0, vertex="sigma_z")
    problem, solver = sample_of(model, [impurities], 0.02, accuracy=0.4)
    found = solver.solve(1e-3, 1)[0]
    assert np.abs(found.skew[0]).max() > 0.1 * np.abs(found.boltzmann).max()
    changed = HotSpots(problem, solver.shell).on_fine(solver, [1e-3], [found])[0].side_jump
    scale = np.abs(found.side_jump_velocity).max()
    np.testing.assert_allclose(changed, found.side_jump_velocity, atol=5e-4 * scale)
    # nor of what the residual adds: without what odd rates take of the drive it was 4 % of the conductivity
    same = replace(solver.shell, k=solver.shell.k.copy())
    [whole] = with_hot_spots(problem, solver, same, [1e-3], [found])
    np.testing.assert_allclose(whole.boltzmann, found.boltzmann, atol=1e-5 * np.abs(found.boltzmann).max())
    np.testing.assert_allclose(whole.side_jump_velocity, found.side_jump_velocity, atol=1e-5 * scale)


def test_energies_orbitals_and_copies():
    """Neither another zero of the energies nor other orbitals change anything, and two copies of a model that
    scattering does not connect have twice the current of one."""
    rng = np.random.default_rng(3)
    turn, _ = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))
    vertex = PAULI[0] + 0.4 * PAULI[1] - 0.3 * PAULI[3]

    def double(k):
        return turn @ (np.kron(np.eye(2), DIRAC.hamiltonian(k)) + 0.7 * np.eye(4)) @ turn.conj().T

    def single(k):
        return turn[:2, :2] @ DIRAC.hamiltonian(k) @ turn[:2, :2].conj().T - 0.4 * np.eye(2)

    turn_of_two, _ = np.linalg.qr(turn[:2, :2])

    def turned(k):
        return turn_of_two @ (DIRAC.hamiltonian(k) - 0.4 * np.eye(2)) @ turn_of_two.conj().T

    def parts(model, vertex, mu):
        found = response(model, [of_all_orders(0.5, vertex=vertex)], mu)
        return found.tensors

    expected = parts(DIRAC, vertex, 0.12)
    one = sj.FunctionModel(turned, dimension=2, n_orbitals=2, search_half_width=0.2)
    other = parts(one, turn_of_two @ vertex @ turn_of_two.conj().T, 0.12 - 0.4)
    two = sj.FunctionModel(double, dimension=2, n_orbitals=4, search_half_width=0.2)
    both = parts(two, turn @ np.kron(np.eye(2), vertex) @ turn.conj().T, 0.12 + 0.7)
    for one, moved, twice in zip(expected, other, both, strict=True):
        size = np.abs(one).max()
        np.testing.assert_allclose(moved, one, atol=2e-5 * size)
        np.testing.assert_allclose(twice, 2 * one, atol=2e-5 * size)


def test_energies_of_the_thermal_window():
    """On shells of their own every energy has its T-matrix: the mean of closed forms."""
    mu, kt, strength = 0.15, KB * 100, 2.0
    x = np.linspace(-25, 25, 1001)
    weight = expit(x) * expit(-x) * (x[1] - x[0])
    settings = TransportSettings(skew_scattering="static", geometry="own", minimum=24)
    problem = Problem(DIRAC, [of_all_orders(strength)], mu, settings)
    own = OwnShells(problem, problem.shell(mu, problem.spacings.base, whole=True), kt)
    found = own.solve(kt, 9)[0]
    inside = mu + kt * x > MASS
    each = np.array([dirac(e, 1e11, (1, strength)) for e in mu + kt * x[inside]])
    expected = weight[inside] @ each
    np.testing.assert_allclose([found.boltzmann[0, 0], found.skew[0, 1, 0]], expected, rtol=5e-4)
    cold = dirac(mu, 1e11, (1, strength))
    assert abs(expected[1] / cold[1] - 1) > 0.005


def test_accuracy_of_the_green_function_is_in_the_error(monkeypatch):
    """On a mesh that is too small for it what the last ones change tells what they leave, which is a part of the error;
    where phonons scatter as well, for the share of the impurities."""
    impurities = zero_range(1e20, 0.05, 3, treatment="t_matrix")
    settings = {"minimum": 48, "accuracy": 0.35}
    good = response(ferromagnet(0.3), [impurities], MU, **settings)
    monkeypatch.setattr(single_impurity, "_WORK", 4e4)
    model = ferromagnet(0.3)  # nothing is known of it
    found = response(model, [impurities], MU, **settings)
    off = abs(found.boltzmann[0, 0] / good.boltzmann[0, 0] - 1)
    assert good.doubt < 0.003 and 1e-3 < off < found.doubt < 0.1
    both = response(model, [impurities, phonons()], MU, kt=KB * 300, **settings)
    assert both.doubt == pytest.approx(found.doubt * both.boltzmann[0, 0] / found.boltzmann[0, 0], rel=0.1)
    assert both.doubt < 0.9 * found.doubt
    [case] = plan(Study(model, (impurities,), (MU,), np.array([20.0]), tolerance=0.01))
    answer, controller = estimate(case, seconds=1)
    assert answer.relative_floors()[GREEN_FUNCTION][0, 0] == pytest.approx(found.doubt, rel=0.1)
    assert answer.relative_error()[0, 0] > 0.9 * found.doubt
    assert any("Green function of impurities may change" in w for w in missed_sentences(answer, controller))


MISTAKES = [
    ({"correlation": "gaussian", "correlation_length": 1.0}, DIRAC, 'needs correlation = "zero_range"'),
    ({"skewness": 1.5}, DIRAC, "skewness = 1.5"),
    ({"treatment": "born"}, DIRAC, 'cutoff has no meaning for treatment = "born"'),
    ({"treatment": "all"}, DIRAC, 'use "born" or "t_matrix"'),
    ({"cutoff": None}, DIRAC, "cutoff: give the largest"),
    ({"cutoff": 0.02}, DIRAC, "give a cutoff well above"),
    ({}, rashba_lattice(), "cutoff: the Brillouin zone"),
    ({"cutoff": None}, two_on_a_site(), "several sites"),
]


@pytest.mark.parametrize(("more", "model", "words"), MISTAKES)
def test_refused(more, model, words):
    given = {"correlation": "zero_range", "density": 1e11, "strength": 0.1, "dimension": 2, "treatment": "t_matrix",
             "cutoff": 1.0} | more  # fmt: skip
    with pytest.raises(sj.InputError, match=words):
        sj.anomalous_hall(model, sj.impurity(**given), chemical_potential=0.1, temperatures=[10], tolerance=0.1)


def test_an_input_file():
    """The same from TOML, with phonons beside the impurities; no warning of a series, which there is none of."""
    text = """
[electrons]
model = "massive_dirac"
mass = 0.05
velocity = 3.0
chemical_potential = 0.1

[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 2.0
treatment = "t_matrix"
cutoff = 1.0

[temperature]
values = [1]

[solver]
tolerance = 0.02
energy_nodes = 1
skew_scattering = "static"
"""
    ds = prepare(tomllib.loads(text)).run().sel(a="y", b="x", temperature=1)
    expected = dirac(0.1, 1e11, (1, 2.0))[1] * 2 * np.pi  # e^2/h
    assert float(ds.sigma_skew) == pytest.approx(expected, rel=1e-3)
    assert not any("series" in w for w in ds.attrs["warnings"])
    with pytest.raises(InputError, match=r"\[\[scattering\]\] number 1: impurity: cutoff: give the largest"):
        prepare(tomllib.loads(text.replace("cutoff = 1.0", "")))
    words = r"input: \[\[scattering\]\] number 1: impurity: cutoff = 0.02: there are states .* give a cutoff well above"
    with pytest.raises(InputError, match=words):
        prepare(tomllib.loads(text.replace("cutoff = 1.0", "cutoff = 0.02")))
    section = text[text.index("[[scattering]]") : text.index("[temperature]")]
    two = text.replace(section, section + section.replace("cutoff = 1.0", "cutoff = 2.0"))
    with pytest.raises(InputError, match=r"number 2: impurity: cutoff = 2: number 1 has 1, .*; give them one cutoff"):
        prepare(tomllib.loads(two))
    prepare(tomllib.loads(two.replace('skew_scattering = "static"', "")))
    born = prepare(tomllib.loads(text.replace('treatment = "t_matrix"', "").replace("cutoff = 1.0", ""))).run()
    assert any('treatment = "t_matrix"' in w for w in born.attrs["warnings"])
    assert float(born.sigma_skew.sel(a="y", b="x", temperature=1)) < 0.5 * expected


def test_gauges():
    """Lyo and Holstein's pieces of the side jump change with the gauge of the states, their sum does not."""
    table = gauge_table(RASHBA_MODEL, of_all_orders(1.0, 2.0), chemical_potential=0.02, temperature=10.0, gauges=3)
    pieces = np.array([table.lyo_velocity, -table.velocity_term])
    assert np.ptp(pieces[0]) > 0.5
    np.testing.assert_allclose(pieces.sum(axis=0), table.side_jump_velocity, rtol=1e-6)
    assert table.side_jump_distribution == pytest.approx(table.side_jump_velocity, rel=1e-6)


def test_denser_and_stored():
    """They scale with the density as others do, and can be stored."""
    impurities = of_all_orders(2.0)
    assert pickle.loads(pickle.dumps(impurities)) == impurities
    one, other = (response(DIRAC, [x], 0.1) for x in (denser(impurities, 5.0), of_all_orders(2.0, density=5e11)))
    np.testing.assert_allclose(one.tensors, other.tensors, rtol=1e-9, atol=1e-12)
