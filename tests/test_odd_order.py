"""What odd rates add at the order n^0: the self-consistent Kubo formula, spin conservation, symmetry."""

import re
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad_vec

import sidejump as sj
from sidejump.accuracy.study import Study, estimate, plan
from sidejump.interactions import green_pairs as green_pairs_module
from sidejump.interactions.green_pairs import green_pairs
from sidejump.interactions.single_impurity import PointPotential
from sidejump.kinetics.odd_order import odd_order_zero
from sidejump.transport import Problem, TransportSettings, skew
from sidejump.transport.shared import SharedShell
from test_point_impurity import RASHBA_MODEL, of_all_orders, on_shell
from test_skew import DIRAC, MASS, response, zero_range
from test_skew_scattering import EXCHANGE, KINETIC, PAULI, RASHBA, kubo
from test_skew_scattering import MASS as RASHBA_MASS

CUTOFF = 2.0
ANGLES = 2 * np.pi * np.arange(8) / 8  # integrands hold no higher harmonics than the third


def bands(k):
    """H and the gradient of H on a circle of radius k, complex too: (8, 2, 2), (2, 8, 2, 2)."""
    x, y = (k * f(ANGLES)[:, None, None] for f in (np.cos, np.sin))
    sx, sy, sz = PAULI[1:]
    h = KINETIC * k**2 * PAULI[0] + RASHBA * (x * sy - y * sx) - EXCHANGE * sz
    return h, np.stack([2 * KINETIC * x * PAULI[0] + RASHBA * sy, 2 * KINETIC * y * PAULI[0] - RASHBA * sx])


def retarded(function, end=50.0):
    """Integral of a function of k over (2 pi)^2, below its poles."""
    path = [0.0, 1.0 - 0.5j, end]
    return sum(
        quad_vec(lambda x, a=a, b=b: (b - a) * function(a + (b - a) * x), 0, 1, epsabs=1e-13, epsrel=1e-11)[0]
        for a, b in pairwise(path)
    ) / (2 * np.pi * len(ANGLES))


def self_consistent(energy, density, t):
    """T with the widths n Im T of all states in the Green function that it is made of."""
    found = t

    def change(k):
        h, _ = bands(k)
        own = 0.5 * density * (found - found.conj().T)
        z = energy * PAULI[0]
        return k * (np.linalg.inv(z - own - h) - np.linalg.inv(z - h)).sum(axis=0)

    for _ in range(4):
        found = np.linalg.inv(np.linalg.inv(t) - retarded(change))
    return found


def ladder(energy, density, t):
    """sigma_yx (e^2/hbar) of self-energy ``n i Im T`` and rungs ``n T (..) T^+``."""
    t = self_consistent(energy, density, t)
    width = 0.5 * density * (t - t.conj().T)

    def integrand(k):
        h, v = bands(k)
        green = np.linalg.inv(energy * PAULI[0] - width - h)
        advanced = np.conj(np.swapaxes(green, 1, 2))
        right = green @ v[0] @ advanced
        left = (advanced @ v[1] @ green).sum(axis=0)
        rung = np.einsum("pij,pkl->iljk", green, advanced)
        bubble = np.einsum("pij,pji->", v[1], right)
        parts = np.array([bubble]), left, right.sum(axis=0), rung
        return k / (2 * np.pi * len(ANGLES)) * np.concatenate([part.ravel() for part in parts])

    size = np.abs(width).max()
    near = [k + w * size for k in on_shell(energy) for w in (-300, -30, -3, 3, 30, 300)]
    edges = sorted([0, *(k for k in near if k > 0), 1, 3, 10, 30, 100, 300])
    found = sum(quad_vec(integrand, a, b, epsabs=1e-9, epsrel=1e-9)[0] for a, b in pairwise(edges))
    left, right, rung = found[1:5].reshape(2, 2), found[5:9], found[9:].reshape(2, 2, 2, 2)
    dressed = density * np.einsum("iljk,ja,kb->ilab", rung, t, t.conj()).reshape(4, 4)
    inner = np.linalg.solve(np.eye(4) - dressed, right).reshape(2, 2)
    return (found[0] + density * np.einsum("lk,kl->", left, t @ inner @ t.conj().T)).real / (2 * np.pi)


@pytest.mark.parametrize(("energy", "strength"), [(0.3, 0.3), (0.3, 3.0), (0.02, -3.0)])
def test_self_consistent_kubo_formula(energy, strength):
    """What of it is of the order 1 in n, from three densities: intrinsic part, side jump and Gaussian part.

    With one subband, next to the edge of the other, the Hall angle of skew scattering is 0.23.
    """
    t = sj.t_matrix(RASHBA_MODEL, strength=strength, energy=energy, cutoff=CUTOFF).matrix
    few = (2e-4 if energy > EXCHANGE else 2.5e-5) / np.abs(t.imag).max() * np.array([1, 0.5, 0.25])
    expected = np.linalg.solve(few[:, None] ** np.array([-1, 0, 1]), [ladder(energy, n, t) for n in few])[1]
    intrinsic = kubo(energy, 1e-4, spin=0.0)[0] / (2 * np.pi)
    parts = response(RASHBA_MODEL, [of_all_orders(strength, CUTOFF)], energy)
    side_jump = (parts.side_jump_velocity + parts.side_jump_distribution)[1, 0]
    found = intrinsic + side_jump + parts.skew[1, 1, 0]
    assert found == pytest.approx(expected, abs=2e-3 * side_jump)
    born = response(RASHBA_MODEL, [zero_range()], energy)
    of_first = (born.side_jump_velocity + born.side_jump_distribution)[1, 0]
    # of two subbands, where the odd rates are small, most of what is more is that of the even ones
    assert energy < EXCHANGE or side_jump > 1.15 * of_first
    assert abs(parts.skew[1, 1, 0] - born.skew[1, 1, 0]) > 0.02 * side_jump


@pytest.mark.parametrize(("energy", "strength"), [(0.3, 3.0), (0.02, -3.0)])
def test_spins_are_stationary(energy, strength):
    """2 m alpha j_y^z = 2 M s_x in the order 1/n, and with M + n Re T_z in the place of M, as the exchange of the bands
    is that of the magnet less n Re T_z, in the next."""
    density = 1e12
    ds = sj.anomalous_hall(
        RASHBA_MODEL,
        of_all_orders(strength, CUTOFF, density=density),
        chemical_potential=energy,
        temperatures=[2.0],
        energy_nodes=1,
        geometry="shared",
        tolerance=5e-3,
        intrinsic_tolerance=3e-4,
        observables=[sj.spin_current("yz"), sj.spin("x")],
        skew_scattering="static",
    ).sel(b="x", temperature=2.0)
    t = sj.t_matrix(RASHBA_MODEL, strength=strength, energy=energy, cutoff=CUTOFF).matrix
    more = density * 1e-16 * 0.5 * (t[0, 0] - t[1, 1]).real
    alpha = RASHBA / (2 * sj.units.HBAR2_OVER_2M / RASHBA_MASS)

    def of(name, observable):
        return float(ds[f"response_{name}"].sel(observable=observable))

    first = {o: of("skew", o) for o in ("spin_current_yz", "spin_x")}
    assert alpha * first["spin_current_yz"] == pytest.approx(EXCHANGE * first["spin_x"], rel=1e-3)
    second = {
        o: of("intrinsic", o) + of("side_jump", o) + of("gaussian_skew", o) for o in ("spin_current_yz", "spin_x")
    }
    sides = alpha * second["spin_current_yz"], EXCHANGE * second["spin_x"] + more * first["spin_x"]
    size = abs(EXCHANGE * of("side_jump", "spin_x"))
    assert sides[0] == pytest.approx(sides[1], abs=2e-3 * size)


def test_two_green_functions_at_one_k():
    energy, observables = 0.3, (sj.spin_current("yz"), sj.spin("x"))
    potential = PointPotential.of(RASHBA_MODEL, 1.0, CUTOFF, "identity")

    def both(k):
        h, v = bands(k)
        green = np.linalg.inv(energy * PAULI[0] - h)
        flow = 0.25 * (v[1] @ PAULI[3] + PAULI[3] @ v[1])
        pair = np.einsum("pij,pkl->ijkl", green, green)
        rows = [(green @ operator @ green).sum(axis=0) for operator in (flow, 0.5 * PAULI[1])]
        return k * np.concatenate([x.ravel() for x in (pair, *rows)])

    expected = retarded(both, CUTOFF)
    places = [np.eye(3**o.rule.rank)[[o.place]] for o in observables]
    pairs, step = green_pairs(potential, [energy, -0.2], list(zip(observables, places, strict=True)))
    assert 0 < np.abs(step.tensor[0]).max() < 1e-3 * np.abs(pairs.tensor[0]).max()
    for found, exact in zip((pairs.tensor[0], *pairs.operators[0]), np.split(expected, [16, 20]), strict=True):
        assert np.abs(exact).max() > 1e-4
        np.testing.assert_allclose(found.ravel(), exact, atol=2e-3 * np.abs(expected[:16]).max())


def test_the_last_mesh_is_in_the_error_of_the_gaussian_part(monkeypatch):
    """On a mesh that is too coarse for two Green functions at one k: what is off is about the error, which four
    replicas have whole, of the Gaussian part alone."""
    strong, momentum = of_all_orders(-5.0, 0.2), sj.Observable("k", lambda _, k: k[:, 1, None, None] * np.eye(2))

    def answer():
        model = sj.MassiveDirac(mass=0.05, velocity=3.0)  # nothing is known of it
        settings = TransportSettings(skew_scattering="static", energy_nodes=1, geometry="shared")
        study = Study(model, (strong,), (0.1,), np.array([2.0]), 1e-5, settings=settings, observables=(momentum,))
        [case] = plan(study)
        found, controller = estimate(case)
        assert sum(len(some) for some in controller.replicas.values()) >= 4
        return found, response(model, [strong], 0.1).mesh_step

    good, _ = answer()
    monkeypatch.setattr(green_pairs_module, "_WORK", 1.0)
    coarse, step = answer()
    off = np.abs(coarse.value - good.value)[0]
    assert np.all(off[5, 1:, 0] > 0.01 * np.abs(good.value[0, 5, 1:, 0]))
    assert np.all(off[5] < 2 * coarse.error[0, 5])
    assert coarse.error[0, 5, 1, 0] == pytest.approx(abs(step[1, 0]), rel=1e-3)
    assert good.error[0, 5, 1, 0] < 1e-3 * abs(good.value[0, 5, 1, 0])
    np.testing.assert_allclose(coarse.error[0, :5], good.error[0, :5], rtol=0.1, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "energy", "strength", "cutoff", "densities"),
    [(DIRAC, 0.1, -5.0, 0.2, (0.02, 0.1, 0.4)), (RASHBA_MODEL, 0.02, -3.0, CUTOFF, (0.005, 0.1))],
    ids=["massive Dirac", "Rashba"],
)
def test_what_other_scatterers_do_is_said(model, energy, strength, cutoff, densities):
    """The size of what is left out, against what it is if the others, weak and of zero range, have a T-matrix too."""
    strong, weak = of_all_orders(strength, cutoff), 1e-3 * strength
    for density in densities:
        kinds = [
            zero_range(1e17 * density, weak, skewness=0.0, **more)
            for more in ({}, {"treatment": "t_matrix", "cutoff": cutoff})
        ]
        said, whole = [], []
        for beside in kinds:
            settings = TransportSettings(skew_scattering="static", energy_nodes=1, minimum=24, tolerance=1e-6)
            problem = Problem(model, [strong, beside], energy, settings)
            shell = problem.solved_shell(energy, problem.spacings.base)
            found = SharedShell(problem, shell, 1e-4).solve(1e-4, 1)[0]
            whole.append(found.skew[1, 1, 0] / found.scale)
            said.append([w for w in problem.warnings if "is left out" in w])
        (sentence,), nothing = said
        assert not nothing
        left = float(re.search(r"about ([\d.e+]+) %", sentence)[1]) / 100
        assert left == pytest.approx(abs(whole[1] - whole[0]), rel=0.5)


def test_the_share_of_impurities_in_the_resistance(monkeypatch):
    """All of it where nothing else scatters, next to a resonance as well; beside others that of the power which rates
    ``1/tau`` and the turning w of the closed form take, 1/tau + w^2 tau of all."""
    monkeypatch.setattr(green_pairs_module, "_WORK", 1.0)  # the share does not know these integrals
    seen = []

    def kept(*arguments):
        seen.append(odd_order_zero(*arguments).share)
        return odd_order_zero(*arguments)

    monkeypatch.setattr(skew, "odd_order_zero", kept)
    energy, strength, cutoff, others = 0.1, -5.0, 0.2, 2.0
    response(DIRAC, [of_all_orders(strength, cutoff)], energy)
    t = np.diag(sj.t_matrix(DIRAC, strength=strength, energy=energy, cutoff=cutoff).matrix)
    weight = 0.5 * (1 + np.array([1, -1]) * MASS / energy)

    def rate(u):
        size = np.abs(weight * u) ** 2
        return size.sum() - weight.prod() * (u[0].conj() * u[1]).real

    response(DIRAC, [of_all_orders(strength, cutoff), zero_range(density=3e10, strength=100 * others)], energy)
    impurities, rest = rate(t), 0.3 * rate(np.full(2, 1e4 * others))
    turning = weight.prod() * (t[0].conj() * t[1]).imag
    power = turning**2 / (impurities + rest)
    assert abs(turning) > 0.1 * impurities
    expected = (impurities + power) / (impurities + rest + power)
    np.testing.assert_allclose(seen, [1.0, expected], rtol=1e-5)
