"""Magnons: another operator absorbs than emits, electrons and magnons together keep their spin, closed forms."""

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss

import sidejump as sj
from helpers_models import random_wannier
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import shell_states
from sidejump.bands.vertex import SpinLowering
from sidejump.energy.basis import ABSORPTION, BOTH, EMISSION, energy_basis
from sidejump.energy.between import across_gap
from sidejump.interactions.sources import pair_sources
from sidejump.pairs.contraction import contract
from sidejump.transport import TransportSettings
from sidejump.transport.own import OwnShells
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB, density_from_cm
from sidejump.wannier.position import position_elements

CURVATURE, SPLITTING, LEVEL = 12.7, 0.06, 0.2  # hbar^2/m in eV angstrom^2, eV, eV
STIFFNESS, GAP, EXCHANGE, DENSITY = 3.0, 1e-3, 0.1, 1e15
KT = KB * 20
COUPLING = EXCHANGE**2 / (2 * density_from_cm(DENSITY, 2))  # |V0|^2 = Delta^2 / 2 rho


def magnons(dimension=2, **changes):
    given = {"stiffness": STIFFNESS, "exchange_splitting": EXCHANGE, "spin_density": DENSITY, "gap": GAP} | changes
    return sj.magnons(dimension=dimension, **given)


def ferromagnet(dimension=2, splitting=SPLITTING, spin=sj.PAULI):
    """Two parabolic bands, the spin along z lower by the splitting."""

    def band(k):
        return 0.5 * CURVATURE * (k**2).sum(axis=1)[:, None, None] * np.eye(2) - 0.5 * splitting * spin[2]

    return sj.FunctionModel(band, dimension=dimension, search_half_width=0.5, spin=spin)


def problem_of(model, *scatterers, level=LEVEL, **settings):
    problem = Problem(model, scatterers, level, TransportSettings(**settings))
    return problem, problem.shell(level, problem.base_spacing)


def radius(spin, energy=0.0):
    return np.sqrt(2 * (LEVEL + energy + 0.5 * spin * SPLITTING) / CURVATURE)


def fermi(x):
    return 1 / (np.exp(x) + 1)


# --- the operator ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0, -2.0), (1.0, 0, 0), (0.3, -0.5, 0.2)])
def test_absorption_lowers_the_spin_along_the_magnet_by_one(direction):
    lowering = SpinLowering(direction)
    x, n = lowering.matrix(sj.PAULI), np.array(direction) / np.linalg.norm(direction)
    along = 0.5 * np.tensordot(n, np.array(sj.PAULI), axes=1)
    np.testing.assert_allclose(along @ x - x @ along, -x, atol=1e-15)
    other = lowering.reversed().matrix(sj.PAULI)  # raises: the adjoint up to a phase
    assert abs(np.vdot(other, x.conj().T)) == pytest.approx(np.linalg.norm(x) ** 2)


def test_each_event_keeps_the_spin_of_electrons_and_magnons():
    """What electrons gain along the magnet the magnons lose, pair by pair; not with the operators exchanged."""
    model = ferromagnet()
    balance = []
    for scatterer in (magnons(), magnons(lowering=SpinLowering().matrix(sj.PAULI).conj().T)):
        problem, shell = problem_of(model, scatterer, accuracy=0.3)
        solver = SharedShell(problem, shell, KT)
        basis = energy_basis(3, even=problem.even)
        kernels = [solver.kernel(i, basis, KT) for i in range(2)]
        states = solver.sample.states
        spin = 0.5 * np.einsum("sma,ab,smb->s", states.vectors.conj(), sj.PAULI[2], states.vectors).real
        events = unbalanced = 0.0
        for task in solver.stream.tasks([k.cutoff for k in kernels]):
            for block in solver.stream.blocks(task, [k.cutoff for k in kernels]):
                kernel = kernels[block.source]
                rates = contract(block, kernel).rates.sum(axis=(0, 1))  # ordered pairs from rows to columns
                gained = spin[block.columns] - spin[block.rows][:, None]
                events += float(rates.sum())
                # an absorbed magnon gives its spin, minus one, to the electron
                unbalanced += float(np.abs(rates * (gained + kernel.process)).sum())
        assert events > 0
        balance.append(unbalanced / events)
    np.testing.assert_allclose(balance, [0.0, 2.0], atol=1e-6)


def test_absorption_and_emission_are_each_others_reverse():
    """``|<k'|X|k>|^2`` of absorption is that of the emission that brings the electron back, and the shift its negative;
    with a position matrix, several sites and images, where the first order in q has to be the adjoint as well."""
    for dimension in (2, 3):
        any_model, spin = random_wannier(dimension=dimension, n=4), np.stack([np.kron(np.eye(2), s) for s in sj.PAULI])
        sites = any_model.site_positions[[0, 0, 2, 2]]  # up and down on one
        model = LatticeModel(
            any_model.cell, any_model.vectors, any_model.hoppings, position_elements(any_model), sites, spin
        )
        momentum = MomentumTransfer(model.reciprocal_cell, dimension)
        scatterer = magnons(dimension, spin_direction=(0.2, 0.5, 1.0))
        rng = np.random.default_rng(1)
        k = momentum.first_zone(rng.uniform(-2, 2, (9, dimension)))
        states = shell_states(model, k, rng.integers(0, 4, 9), 1e-6)
        found = []
        for source in pair_sources([scatterer], model, momentum):
            [channel] = source.prepared(states).evaluate(slice(0, 9), slice(0, 9), np.inf)
            found.append(channel)
        absorbs, emits = found
        apart = ~np.eye(9, dtype=bool)
        size = absorbs.strength.max(), np.abs(absorbs.shift).max()
        assert np.abs(absorbs.strength - absorbs.strength.T)[apart].max() > 0.1 * size[0]
        np.testing.assert_allclose(emits.strength, absorbs.strength.T, atol=1e-12 * size[0])
        np.testing.assert_allclose(emits.shift, -absorbs.shift.swapaxes(1, 2), atol=1e-11 * size[1])
        # the definition, for one pair without images
        i, j = np.argwhere(np.linalg.norm(k[:, None] - k, axis=2) + 9.0 * ~apart < 1.0)[0]
        x, q = scatterer.vertex.matrix(model.spin), k[j] - k[i]
        a = sum(model.position_matrix(k[[s]])[0] for s in (i, j))
        first = 0.5 * np.einsum("c,cab->ab", q, x @ a + a @ x)
        value = states.vectors[j, 0].conj() @ (x + 0.5j * first) @ states.vectors[i, 0]
        assert absorbs.strength[i, j] == pytest.approx(abs(value) ** 2, rel=1e-10)


# --- energies -------------------------------------------------------------------------------------------------------


def test_tables_of_absorption_and_emission():
    """They add up to that of both, and each is the other's transpose: detailed balance."""
    basis, other = energy_basis(4, (-3.0, 40.0)), energy_basis(4, (-40.0, -4.0))
    y = np.array([0.3, 2.0, 7.5])
    for bases, energies in ((basis, y), (across_gap(other, basis), y[2:])):
        tables = {}
        for process in (BOTH, ABSORPTION, EMISSION):
            series = bases.series(9.0, triple=True, process=process)
            basis_y = np.array([p.copy() for p in series.polynomials(energies)]).T
            tables[process] = [np.tensordot(basis_y, x, 1) for x in (series.pair, series.triple, series.back)]
        for both, up, down in zip(*(tables[p] for p in (BOTH, ABSORPTION, EMISSION)), strict=True):
            np.testing.assert_allclose(up + down, both, atol=1e-9 * np.abs(both).max())
        (pair, triple, back), (reverse, there, back_there) = tables[ABSORPTION], tables[EMISSION]
        np.testing.assert_allclose(triple.sum(axis=2), pair, atol=1e-9 * pair.max())
        if bases is basis:
            np.testing.assert_allclose(reverse, pair.swapaxes(1, 2), atol=1e-12)
            np.testing.assert_allclose(back, there, atol=1e-12)
        else:  # nothing falls from the lower side to the upper one
            assert not reverse.any() and not back_there.any() and back.any()


@pytest.mark.parametrize("kt", [KT, 5 * KT])
def test_golden_rule(kt):
    """The rate out of a state of either spin, ``int f Gamma`` and ``int f Gamma tanh(x/6)``: up absorbs, down emits."""
    problem, shell = problem_of(ferromagnet(), magnons(), accuracy=0.5)
    basis, solver = energy_basis(4, even=problem.even), SharedShell(problem, shell, kt)
    operator, sample = solver.operator(basis, kt), solver.sample
    rate = operator.diagonal.sum(axis=2) / sample.weight
    moments = np.stack([rate.sum(axis=1), rate @ np.tanh(basis.nodes / 6)])
    up = np.linalg.norm(sample.states.k, axis=1) > np.mean([radius(1), radius(-1)])
    angle, weight = leggauss(200)
    angle, weight = 0.5 * np.pi * (angle + 1), 0.5 * np.pi * weight
    y = (GAP + STIFFNESS * (radius(1) ** 2 + radius(-1) ** 2 - 2 * radius(1) * radius(-1) * np.cos(angle))) / kt
    x, dx = leggauss(300)
    x, dx = 40 * x[:, None], 40 * dx[:, None]
    for spin, which in ((1, up), (-1, ~up)):
        number = 1 / np.expm1(y) + (spin < 0)
        events = weight * number * fermi(x) * fermi(-x - spin * y) * dx / (np.pi * 2 * np.pi * CURVATURE)
        expected = 2 * np.pi * COUPLING * np.array([events.sum(), (events * np.tanh(x / 6)).sum()])
        np.testing.assert_allclose(moments[:, which].mean(axis=1), expected, rtol=2e-5, atol=1e-5 * expected[0])
        assert spin * expected[1] < 0  # those that absorb come from below, those that emit from above


# --- conductivity ---------------------------------------------------------------------------------------------------


def collocated(kt, *, absorbs=1, own=False, n=44, reach=20.0):
    """sigma_xx (e^2/hbar) of the two bands, from the kinetic equation of their first harmonics on points in energy.

    Final states at an angle are counted by ``int de' delta(e' - e -+ w(e'))``, and the magnon energy derived.
    """
    point = np.cos(np.pi * (np.arange(n) + 0.5) / n)
    inverse = np.linalg.inv(chebyshev.chebvander(point, n - 1))
    x, (angle, around) = reach * point, leggauss(120)
    angle, around = 0.5 * np.pi * (angle + 1), np.pi * around
    states = 1 / (2 * np.pi * CURVATURE)

    def length(spin, at):
        return radius(spin, np.maximum(kt * at, -0.9 * (LEVEL - 0.5 * SPLITTING)) if own else 0.0 * at)

    matrix, drive = np.zeros((2, n, 2, n)), np.zeros((2, n))
    for s, spin in enumerate((1, -1)):
        sign = spin * absorbs
        k, y = length(spin, x)[:, None], np.full((n, len(angle)), 0.1)
        for _ in range(60):
            end = length(-spin, x[:, None] + sign * y)
            y = (GAP + STIFFNESS * (k**2 + end**2 - 2 * k * end * np.cos(angle))) / kt
        slope = 2 * STIFFNESS * (end - k * np.cos(angle)) / (CURVATURE * end) if own else 0.0
        number = 1 / np.expm1(np.minimum(y, 200)) + (sign < 0)
        final = x[:, None] + sign * y
        rate = COUPLING * states * around * number * fermi(-final) / fermi(-x)[:, None] / (1 - sign * slope)
        matrix[s, range(n), s, range(n)] += rate.sum(axis=1)
        values = chebyshev.chebvander(np.clip(final / reach, -1, 1), n - 1) @ inverse
        matrix[s, :, 1 - s] -= np.einsum("xa,xan->xn", rate * np.cos(angle), values)
        drive[s] = CURVATURE * length(spin, x)
    g = np.linalg.solve(matrix.reshape(2 * n, 2 * n), drive.ravel()).reshape(2, n)
    fine, weight = leggauss(300)
    fine, weight = reach * fine, reach * weight
    total = 0.0
    for s, spin in enumerate((1, -1)):
        value = chebyshev.chebvander(fine / reach, n - 1) @ inverse @ g[s]
        total += np.sum(weight * fermi(fine) * fermi(-fine) * CURVATURE * length(spin, fine) * value)
    return 0.5 * states * total


@pytest.mark.parametrize("kt", [KT, 5 * KT])
def test_conductivity_of_one_surface_for_all_energies(kt):
    problem, shell = problem_of(ferromagnet(), magnons(), accuracy=0.5)
    response, _ = SharedShell(problem, shell, kt).solve(kt, 7)
    np.testing.assert_allclose(response.boltzmann, collocated(kt) * np.eye(2), rtol=3e-4, atol=10.0)


@pytest.mark.parametrize("absorbs", [1, -1])
def test_conductivity_of_own_shells_knows_the_direction_of_the_magnet(absorbs):
    """With the spins of the magnet reversed the lower band emits: a third more at the same temperature."""
    problem, shell = problem_of(ferromagnet(), magnons(spin_direction=(0, 0, absorbs)), geometry="own", accuracy=0.5)
    response, _ = OwnShells(problem, shell, KT).solve(KT, 5)
    expected = collocated(KT, absorbs=absorbs, own=True)
    np.testing.assert_allclose(response.boltzmann, expected * np.eye(2), rtol=2e-4, atol=10.0)
    assert response.onsager_error < 1e-6 and response.conservation_error < 1e-12


def spheres(kt, splitting, stiffness):
    """Resistivity (hbar/e^2 angstrom) of two spheres, quasi-elastic: both spins relax through each other."""
    k = np.sqrt(2 * (LEVEL + 0.5 * splitting * np.array([1, -1])) / CURVATURE)
    half, weight = leggauss(2000)
    half, weight = 0.5 * (half + 1), 0.5 * weight
    away = 2 * half**2  # one minus the cosine
    y = stiffness * ((k[0] - k[1]) ** 2 + 2 * k.prod() * away) / kt
    events = weight * 2 * half * y / (4 * np.sinh(np.minimum(0.5 * y, 300)) ** 2)  # half of the integral over cosines
    states = k / (2 * np.pi**2 * CURVATURE)
    out, turned = events.sum(), (events * (1 - away)).sum()
    strength = 2 * np.pi * EXCHANGE**2 / (2 * density_from_cm(1e22, 3)) * states.prod()
    drive = states * CURVATURE * k
    return 3 / (drive @ np.linalg.solve(strength * np.array([[out, -turned], [-turned, out]]), drive))


def resistivities(temperatures, splitting, stiffness, accuracy):
    scatterer = magnons(3, stiffness=stiffness, spin_density=1e22, gap=0.0)
    problem = Problem(
        ferromagnet(3, splitting), [scatterer], LEVEL, TransportSettings(accuracy=accuracy, symmetry="off")
    )
    shell = problem.shell(LEVEL, problem.spacing(temperatures[0]))
    solver = SharedShell(problem, shell, KB * temperatures[-1])
    return np.array([3 / np.trace(r.boltzmann) for r, _ in solver.solve_each(list(KB * temperatures), 1)])


def test_resistivity_of_nearly_equal_surfaces_rises_as_the_square_of_the_temperature():
    temperatures, splitting, stiffness = np.array([32.0, 64.0]), 1e-4, 0.3
    found = resistivities(temperatures, splitting, stiffness, 0.8)
    np.testing.assert_allclose(found, [spheres(KB * t, splitting, stiffness) for t in temperatures], rtol=2e-2)
    assert np.log2(found[1] / found[0]) == pytest.approx(2.0, abs=0.03)


def test_split_surfaces_ask_for_a_magnon_of_their_distance():
    """``T (T0 + 2 T) exp(-T0/T)`` with ``kT0 = D (k_up - k_down)^2`` (momentum lost)."""
    temperatures, splitting, stiffness = np.array([8.0, 12.0]), 0.1, 1.5
    found = resistivities(temperatures, splitting, stiffness, 0.6)
    np.testing.assert_allclose(found, [spheres(KB * t, splitting, stiffness) for t in temperatures], rtol=5e-3)
    up, down = (np.sqrt(2 * (LEVEL + 0.5 * s * splitting) / CURVATURE) for s in (1, -1))
    activation = stiffness * (up - down) ** 2 / KB
    slope = np.diff(np.log(found / temperatures / (activation + 2 * temperatures))) / -np.diff(1 / temperatures)
    assert slope[0] == pytest.approx(activation, rel=0.02)


# --- side jump ------------------------------------------------------------------------------------------------------

MASS = 0.05
DIRAC = sj.MassiveDirac(mass=MASS, velocity=3.0)


@pytest.mark.parametrize("kt", [KB * 3, KB * 300])
@pytest.mark.parametrize("nodes", [1, 5])
def test_side_jump_of_the_massive_dirac_model(kt, nodes):
    """``-(e^2/4 pi hbar) M/e_F``: the intrinsic part with the other sign, at any temperature and for any magnons.

    Absorption shifts by ``(cos^2 p' + sin^2 p) / k`` with the tangents p at both ends, emission backwards, and both
    together by ``(M / 2 e_F k) (p' - p)``, whose sum over an event is in proportion to the momentum that it takes.
    """
    problem, shell = problem_of(DIRAC, magnons(stiffness=0.3), level=0.1, accuracy=0.5)
    response, _ = SharedShell(problem, shell, kt).solve(kt, nodes)
    total = 2 * np.pi * (response.side_jump_velocity + response.side_jump_distribution)  # e^2/h
    np.testing.assert_allclose(total, -0.5 * MASS / 0.1 * np.array([[0, -1], [1, 0]]), atol=1e-5)


def circle(lowering, kt, level=0.1, count=400, step=1e-4):
    """Conductivity and side jump (e^2/hbar) of magnons on the Fermi line of the Dirac model, from overlaps."""
    k, angle = np.sqrt(level**2 - MASS**2) / 3.0, 2 * np.pi * (np.arange(count) + 0.5) / count
    points = k * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def states(at):
        return np.linalg.eigh(DIRAC.hamiltonian(at))[1][:, :, 1]

    u = states(points)
    value = np.einsum("jm,mn,in->ij", u.conj(), lowering, u)  # from i to j
    shift = []
    for axis in np.eye(2):
        moved = [states(points + s * step * axis) for s in (-1, 1)]
        turns = []
        for there in moved:
            link = np.einsum("im,im->i", u.conj(), there)
            turns.append(
                (
                    np.einsum("jm,mn,in->ij", there.conj(), lowering, there)
                    * link
                    * link.conj()[:, None]
                    * value.conj()
                ).imag
            )
        shift.append((turns[0] - turns[1]) / (2 * step))
    q = np.linalg.norm(points[:, None] - points, axis=2)
    y = (GAP + 0.3 * q**2) / kt
    weight = k * 2 * np.pi / count / (3.0 * np.sqrt(1 - (MASS / level) ** 2)) / (2 * np.pi) ** 2
    events = 2 * np.pi * COUPLING * weight**2 * y / (4 * np.sinh(0.5 * y) ** 2)
    rates = events * (np.abs(value) ** 2 + np.abs(value.T) ** 2)
    jump = np.stack([(events * (s - s.T)).sum(axis=1) for s in shift], axis=1)
    velocity = 9.0 * points / level
    g = np.linalg.pinv(np.diag(rates.sum(axis=1)) - rates, hermitian=True) @ (weight * velocity)
    return weight * velocity.T @ g, jump.T @ g - (jump.T @ g).T


@pytest.mark.parametrize("direction", [(0, 0, 1), (0, 0.6, -0.8)])
def test_side_jump_against_overlaps_of_states(direction):
    """Quasi-elastic, of a magnet across the normal or inclined; warm, where all magnons are there, and cold."""
    for kt in (KB * 10, KB * 200):
        expected = circle(SpinLowering(direction).matrix(sj.PAULI), kt)
        scatterer = magnons(stiffness=0.3, spin_direction=direction)
        problem, shell = problem_of(DIRAC, scatterer, level=0.1, accuracy=0.5)
        response, _ = SharedShell(problem, shell, kt).solve(kt, 1)
        np.testing.assert_allclose(response.boltzmann, expected[0], rtol=1e-4, atol=1e-4 * expected[0].max())
        found = response.side_jump_velocity + response.side_jump_distribution
        np.testing.assert_allclose(found, expected[1], atol=2e-4 * np.abs(expected[1]).max())
