"""Magnons: another operator absorbs than emits, electrons and magnons together keep their spin, closed forms."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.polynomial import chebyshev
from numpy.polynomial.legendre import leggauss
from scipy.special import zeta

import sidejump as sj
from helpers_models import random_wannier
from sidejump.app.invariances import _scatterer_seen
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import shell_states
from sidejump.bands.transformed import Transformed
from sidejump.bands.vertex import SpinLowering
from sidejump.energy.basis import ABSORPTION, BOTH, EMISSION, energy_basis
from sidejump.energy.between import across_gap
from sidejump.groups.hall import kinetic_symmetry
from sidejump.interactions.base import PowerLaw
from sidejump.interactions.sources import pair_sources
from sidejump.pairs.contraction import contract
from sidejump.transport import TransportSettings
from sidejump.transport.hot_spots import HotSpots
from sidejump.transport.own import OwnShells
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB, conductivity_unit, density_from_cm
from sidejump.wannier.position import position_elements
from test_hot_spots import ferromagnet as cubic_ferromagnet
from test_reduced import everywhere

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
    return problem, problem.shell(level, problem.spacings.base)


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


@pytest.mark.parametrize("spins_apart", [False, True])
def test_absorption_and_emission_are_each_others_reverse(spins_apart):
    """``|<k'|X|k>|^2`` of absorption is that of the emission that brings the electron back, and the shift its negative;
    with a position matrix, several sites and images, where the first order in q has to be the adjoint as well."""
    for dimension in (2, 3):
        any_model, spin = random_wannier(dimension=dimension, n=4), np.stack([np.kron(np.eye(2), s) for s in sj.PAULI])
        sites = any_model.site_positions if spins_apart else any_model.site_positions[[0, 0, 2, 2]]
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
        q, ends = k[j] - k[i], k[[i, j]]
        x, a = model.lattice_operator(scatterer.vertex.matrix(model.spin))(ends), model.position_matrix(ends)
        first = 0.25 * np.einsum("c,scab->ab", q, x[:, None] @ a + a @ x[:, None])
        value = states.vectors[j, 0].conj() @ (x.mean(axis=0) + 1j * first) @ states.vectors[i, 0]
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
    shell = problem.shell(LEVEL, problem.spacings.at(temperatures[0]))
    solver = SharedShell(problem, shell, KB * temperatures[-1])
    return np.array([3 / np.trace(r.boltzmann) for r, _ in solver.solve_each(list(KB * temperatures), 1)])


def test_resistivity_of_nearly_equal_surfaces_rises_as_the_square_of_the_temperature():
    temperatures, splitting, stiffness = np.array([32.0, 64.0]), 1e-4, 0.3
    found = resistivities(temperatures, splitting, stiffness, 0.8)
    np.testing.assert_allclose(found, [spheres(KB * t, splitting, stiffness) for t in temperatures], rtol=2e-2)
    assert np.log2(found[1] / found[0]) == pytest.approx(2.0, abs=0.03)


@pytest.mark.parametrize("splitting", [1e-4, 0.1])
def test_transfers_within_a_patch_are_known_to_be_lost(splitting):
    """What coarse points lose of the resistance of magnons without a gap is in the error; of split surfaces nothing."""
    kt, stiffness = KB * 20, 0.6
    exact, found = spheres(kt, splitting, stiffness), []
    for accuracy in (0.35, 0.7):
        scatterer = magnons(3, stiffness=stiffness, spin_density=1e22, gap=0.0)
        settings = TransportSettings(accuracy=accuracy, symmetry="off")
        problem = Problem(ferromagnet(3, splitting), [scatterer], LEVEL, settings)
        shell = problem.shell(LEVEL, problem.spacings.base)
        response, _ = SharedShell(problem, shell, kt).solve(kt, 1)
        found.append((3 / np.trace(response.boltzmann) / exact, response.unresolved))
    if splitting < 0.1:
        assert 0.7 < found[0][0] < 0.95 and found[1][1] < 0.4 * found[0][1]
        for value, lost in found:
            assert value == pytest.approx(1 - lost, abs=0.03)
    else:
        assert all(lost == 0.0 for _, lost in found)


def test_error_bars_hold_what_coarse_points_lose():
    ds = sj.anomalous_hall(
        ferromagnet(3, 1e-4),
        magnons(3, stiffness=0.3, spin_density=1e22, gap=0.0),
        chemical_potential=LEVEL,
        temperatures=[30.0],
        tolerance=0.3,
        geometry="shared",
        energy_nodes=1,
    )
    sigma, error = (float(ds[name].sel(a="x", b="x")[0]) for name in ("sigma_boltzmann", "sigma_boltzmann_error"))
    exact = conductivity_unit(3)[0] / spheres(KB * 30, 1e-4, 0.3)
    assert abs(sigma - exact) < 2 * error < 0.8 * exact


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


def circle(lowering, kt, level=0.1, count=400, step=1e-4, energies=1):
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
    y = (GAP + 0.3 * np.linalg.norm(points[:, None] - points, axis=2) ** 2) / kt
    weight = k * 2 * np.pi / count / (3.0 * np.sqrt(1 - (MASS / level) ** 2)) / (2 * np.pi) ** 2
    velocity = 9.0 * points / level
    if energies == 1:
        events = 2 * np.pi * COUPLING * weight**2 * y / (4 * np.sinh(0.5 * y) ** 2)
        rates = events * (np.abs(value) ** 2 + np.abs(value.T) ** 2)
        jump = np.stack([(events * (s - s.T)).sum(axis=1) for s in shift], axis=1)
        g = np.linalg.pinv(np.diag(rates.sum(axis=1)) - rates, hermitian=True) @ (weight * velocity)
        return weight * velocity.T @ g, jump.T @ g - (jump.T @ g).T
    reach = 16.0
    point = np.cos(np.pi * (np.arange(energies) + 0.5) / energies)
    inverse, x = np.linalg.inv(chebyshev.chebvander(point, energies - 1)), reach * point
    matrix, jump = np.zeros((count, energies, count, energies)), np.zeros((2, count, energies))
    index = np.arange(count)
    for sign, strength, way in ((1, value, shift), (-1, value.T, [-s.T for s in shift])):
        final = x[:, None, None] + sign * y
        occupied = fermi(-final) / fermi(-x)[:, None, None]
        rate = 2 * np.pi * COUPLING * weight * (1 / np.expm1(y) + (sign < 0)) * occupied  # (x, i, j)
        values = chebyshev.chebvander(np.clip(final / reach, -1, 1), energies - 1) @ inverse
        matrix -= np.einsum("xij,xijn->ixjn", rate * np.abs(strength) ** 2, values)
        out = (rate * np.abs(strength) ** 2).sum(axis=2).T
        for n in range(energies):
            matrix[index, n, index, n] += out[:, n]
        jump += np.stack([(rate * s).sum(axis=2).T for s in way])
    drive = np.repeat(velocity[:, None], energies, axis=1).reshape(-1, 2)
    g = np.linalg.lstsq(matrix.reshape(len(drive), -1), drive, rcond=1e-10)[0].reshape(count, energies, 2)
    fine, dx = leggauss(200)
    values = chebyshev.chebvander(fine, energies - 1) @ inverse
    thermal = weight * reach * dx * fermi(reach * fine) * fermi(-reach * fine)
    g, jump = np.einsum("xn,ind->xid", values, g), np.einsum("xn,ain->xai", values, jump)
    sj = np.einsum("x,xai,xib->ab", thermal, jump, g)
    return np.einsum("x,ia,xib->ab", thermal, velocity, g), sj - sj.T


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


def test_inelastic_side_jump_against_overlaps_of_states():
    """Absorption and emission shift by opposite lengths that do not vanish for long waves: with an inclined magnet,
    whose rates differ as well, what is odd in the energy makes half of the side jump."""
    direction, kt = (0, 0.6, 0.8), KB * 100
    expected = circle(SpinLowering(direction).matrix(sj.PAULI), kt, count=24, energies=44)
    problem, shell = problem_of(DIRAC, magnons(stiffness=0.3, spin_direction=direction), level=0.1, accuracy=0.5)
    elastic, inelastic = (SharedShell(problem, shell, kt).solve(kt, nodes)[0] for nodes in (1, 7))
    np.testing.assert_allclose(inelastic.boltzmann, expected[0], atol=1e-3 * expected[0].max())
    found, plain = (r.side_jump_velocity + r.side_jump_distribution for r in (inelastic, elastic))
    size = np.abs(expected[1]).max()
    np.testing.assert_allclose(found, expected[1], atol=1e-3 * size)
    assert np.abs(plain - expected[1]).max() > size


# --- what must not matter, and what must ----------------------------------------------------------------------------


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_hermitian_operator_is_that_of_other_scatterers(nodes):
    """Absorbed and emitted through sigma_x: what the scatterer with this vertex does."""
    through_x = replace(magnons(lowering=sj.PAULI[0]), singular=False)
    plain = replace(through_x, directed=False, vertex="sigma_x")
    model = sj.MassiveDirac(mass=MASS, velocity=3.0, tilt=(0.3, 0.1))
    for geometry, solver, tolerance in (("own", OwnShells, 1e-10), ("shared", SharedShell, 2e-6)):  # single precision
        one, other = (
            solver(*problem_of(model, s, level=0.1, geometry=geometry, accuracy=0.3), KT).solve(KT, nodes)[0]
            for s in (through_x, plain)
        )
        for part in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
            expected = getattr(other, part)
            np.testing.assert_allclose(getattr(one, part), expected, atol=tolerance * np.abs(expected).max())


def test_classical_magnons_are_two_fields_across_the_magnet():
    """Far above their energies: sigma_x and sigma_y, each with a quarter of the strength; and eq. 15."""
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.4, exchange=0.03)
    scatterer = magnons()
    [branch] = scatterer.branches
    part = replace(branch, coupling=PowerLaw(0.25 * COUPLING, 0))
    fields = [replace(scatterer, directed=False, branches=(part,), vertex=f"sigma_{a}", singular=False) for a in "xy"]
    hot = 1e3  # eV
    found = []
    for some in (
        [replace(scatterer, singular=False)],
        fields,
        [sj.HighTemperatureLimit(replace(scatterer, singular=False))],
    ):
        problem, shell = problem_of(model, *some, level=0.15, accuracy=0.3)
        response, _ = SharedShell(problem, shell, hot).solve(hot, 1)
        scale = 1.0 if isinstance(some[0], sj.HighTemperatureLimit) else hot
        found.append([scale * response.boltzmann, response.side_jump_velocity + response.side_jump_distribution])
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, atol=1e-5 * np.abs(two).max())


def response_of(model, scatterer, level=0.15, nodes=3):
    few = replace(scatterer, singular=False)  # points on a contour
    problem, shell = problem_of(model, few, level=level, geometry="own", spacing=0.1)
    response, _ = OwnShells(problem, shell, KT).solve(KT, nodes)
    return response.boltzmann, response.side_jump_velocity + response.side_jump_distribution


def test_spin_rotations_phases_and_time_reversal():
    """All spins turned, the magnet's as well, or other phases: nothing; time reversed with the magnet: Hall currents
    change sign; a magnet alone reversed is another problem."""
    plain = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.4, exchange=0.03)
    scatterer = magnons()
    boltzmann, hall = response_of(plain, scatterer)
    axis, angle = np.array([0.6, 0.0, 0.8]), 1.1
    generator = np.tensordot(axis, np.array(sj.PAULI), axes=1)
    turn = np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * generator
    # the axis z, turned by Rodrigues' formula
    z = np.array([0.0, 0.0, 1.0])
    direction = z * np.cos(angle) + np.cross(axis, z) * np.sin(angle) + axis * axis[2] * (1 - np.cos(angle))
    turned = sj.FunctionModel(
        lambda k: turn @ plain.hamiltonian(k) @ turn.conj().T, dimension=2, search_half_width=0.6, spin=sj.PAULI
    )
    phases = np.exp(1j * np.array([0.4, 2.2]))
    for model, other, sign in (
        (turned, magnons(spin_direction=direction), 1),
        (Transformed(plain, phases), scatterer, 1),
        (Transformed(plain, phases, reverse=True), _scatterer_seen(scatterer, phases, True), -1),
        (sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.4, exchange=-0.03), magnons(spin_direction=(0, 0, -1)), -1),
    ):
        found = response_of(model, other)
        np.testing.assert_allclose(found[0], boltzmann, atol=2e-4 * boltzmann.max())
        np.testing.assert_allclose(found[1], sign * hall, atol=2e-4 * np.abs(hall).max())
    reversed_magnet = response_of(plain, magnons(spin_direction=(0, 0, -1)))
    assert abs(reversed_magnet[0][0, 0] / boltzmann[0, 0] - 1) > 0.05


def test_irreducible_points_of_a_crystal_stand_for_all():
    """With the magnet along the axis of its bands operations are left, antiunitary ones among them; inclined, none."""
    model, level, kt = cubic_ferromagnet(), -0.9, KB * 200
    changes = {"stiffness": 0.05, "spin_density": 1e22, "gap": 5e-3}
    problem = Problem(model, [magnons(3, **changes)], level, TransportSettings(tolerance=1e-4, spacing=0.6))
    shell = problem.shell(level, 0.6, levels=0)
    assert shell.operations is not None and (shell.operations.signs < 0).any()
    for nodes in (1, 3):
        reduced, whole = (SharedShell(problem, s, kt).solve(kt, nodes)[0] for s in (shell, everywhere(shell)))
        for part in ("boltzmann", "side_jump_velocity", "side_jump_distribution"):
            expected = getattr(whole, part)
            np.testing.assert_allclose(getattr(reduced, part), expected, atol=2e-4 * np.abs(expected).max())
    inclined = Problem(model, [magnons(3, spin_direction=(1, 2, 3), **changes)], level, TransportSettings(spacing=0.6))
    assert inclined.operations is None or len(inclined.operations) <= 2  # inversion turns no spin


def test_sums_over_a_finer_shell_are_those_of_the_solution_on_its_own_points():
    """Rows summed for several functions of the energy, where the tables are not symmetric: to rounding."""
    model = sj.Weyl(velocity=2.0, node=0.2, tilt=(0.0, 0.0, 0.3))
    scatterer = magnons(3, stiffness=5.0, spin_density=1e22, spin_direction=(0.5, 0, 1))
    problem = Problem(model, [scatterer], 0.1, TransportSettings(accuracy=0.8, symmetry="off"))
    shell = problem.shell(0.1, problem.spacings.base)
    solver = SharedShell(problem, shell, KT)
    response, _ = solver.solve(KT, 3)
    [found] = (x.side_jump for x in HotSpots(problem, shell).on_fine(solver, [KT], [response], [3]))
    scale = np.abs(response.side_jump_velocity).max()
    np.testing.assert_allclose(found, response.side_jump_velocity, atol=1e-3 * scale)


def test_symmetry_keeps_what_turns_the_operator_by_a_phase():
    """Those that keep the spins of the magnet, and none that would exchange absorption with emission."""
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.4, exchange=0.0)
    every = kinetic_symmetry(model, [], 0.15)
    for direction in ([0, 0, 1], [1, 0, 0]):
        kept = [
            (s, sign) for s, sign in every if np.allclose(sign * np.linalg.det(s) * s @ direction, direction, atol=1e-9)
        ]
        found = kinetic_symmetry(model, [magnons(spin_direction=direction)], 0.15)
        assert 0 < len(found) < len(every)
        np.testing.assert_array_equal([s for s, _ in found], [s for s, _ in kept])
        np.testing.assert_array_equal([sign for _, sign in found], [sign for _, sign in kept])


# --- long waves, and what is refused --------------------------------------------------------------------------------


def test_without_a_gap_currents_relax_all_the_same():
    """In two dimensions rates out of a state grow with the logarithm of the points; conductivity and side jump settle,
    and the reader is told that there is no magnet."""
    found = []
    for accuracy in (0.5, 2.0):
        problem, shell = problem_of(DIRAC, magnons(stiffness=0.3, gap=0.0), level=0.1, accuracy=accuracy)
        response, _ = SharedShell(problem, shell, KT).solve(KT, 1)
        found.append([response.boltzmann[0, 0], 2 * np.pi * response.side_jump_velocity[1, 0]])
    assert found[0][0] == pytest.approx(found[1][0], rel=0.02)
    np.testing.assert_allclose([x[1] for x in found], -0.25 * MASS / 0.1, atol=1e-4)
    with pytest.warns(sj.SidejumpWarning, match="without a gap their number diverges"):
        sj.anomalous_hall(
            DIRAC, magnons(gap=0.0), chemical_potential=0.1, temperatures=[20], energy_nodes=1, tolerance=0.1
        )


def test_part_of_the_spin_that_magnons_take():
    """Bloch's law in three dimensions, the logarithm in two; more than free magnons can take is said."""
    iron = magnons(3, stiffness=0.28, spin_density=9.3e22, gap=0.0)
    expected = zeta(1.5) * (KB * 300 / (4 * np.pi * 0.28)) ** 1.5 / 0.093
    assert iron.reduction(KB * 300) == pytest.approx(expected, rel=1e-9)
    assert iron.sentences([300]) == []
    layer = magnons(2, stiffness=0.28, spin_density=1e15, gap=1e-4)
    expected = -KB * 300 / (4 * np.pi * 0.28) * np.log(1 - np.exp(-1e-4 / (KB * 300))) / 0.1
    assert layer.reduction(KB * 300) == pytest.approx(expected, rel=1e-9)
    assert "at 300 K they take 0.41 of the spin" in layer.sentences([20, 300])[0]
    assert layer.sentences([20]) == []


def test_models_without_spin_are_refused():
    def band(k):
        return CURVATURE * (k**2).sum(axis=1)[:, None, None] * np.eye(2)

    model = sj.FunctionModel(band, dimension=2, search_half_width=0.5)
    with pytest.raises(sj.InputError, match="FunctionModel has no spin matrices to flip"):
        sj.anomalous_hall(model, magnons(), chemical_potential=0.2, temperatures=[20])
    with pytest.raises(sj.InputError, match=r"shape \(3, 3\), the model needs \(2, 2\)"):
        sj.anomalous_hall(DIRAC, magnons(lowering=np.eye(3)), chemical_potential=0.2, temperatures=[20])


@pytest.mark.parametrize(
    "frozen",
    [
        magnons(gap=1e-3),
        sj.optical_deformation_potential(
            deformation_potential=3.0, phonon_energy=1e-3, mass_density=7.6e-7, dimension=2
        ),
    ],
)
def test_bosons_that_are_frozen_out_scatter_nothing(frozen):
    with pytest.raises(sj.InputError, match=r"T = 0.3 K: nothing scatters.* 0.001 eV, has 38.7 kT; .* above 0.363 K"):
        sj.anomalous_hall(DIRAC, frozen, chemical_potential=0.1, temperatures=[20, 0.3])


def test_skew_scattering_leaves_magnons_out_and_says_so():
    with pytest.warns(sj.SidejumpWarning, match="magnons, limits and those from first principles do not"):
        ds = sj.anomalous_hall(
            DIRAC,
            magnons(),
            chemical_potential=0.1,
            temperatures=[20],
            energy_nodes=1,
            tolerance=0.1,
            skew_scattering="quasistatic",
        )
    assert not ds.sigma_gaussian_skew.values.any()


def test_a_gap_asks_for_no_more_points_than_phonons(monkeypatch):
    """Where it holds the number of magnons over the distance of the points; without one four times as many."""

    def found(gap, least=None):
        with monkeypatch.context() as patch:
            if least is not None:
                patch.setattr(Problem, "_least_points", lambda self, spacing: least)
            problem, shell = problem_of(DIRAC, magnons(stiffness=0.3, gap=gap), level=0.1)
            response, _ = SharedShell(problem, shell, KT).solve(KT, 1)
        return len(shell), response

    count, response = found(1e-3)
    more, expected = found(1e-3, least=4 * count)
    assert more == 4 * count == found(0.0)[0]
    np.testing.assert_allclose(response.boltzmann, expected.boltzmann, rtol=0, atol=1e-5 * expected.boltzmann[0, 0])
    size = np.abs(expected.side_jump_velocity).max()
    np.testing.assert_allclose(response.side_jump_velocity, expected.side_jump_velocity, rtol=0, atol=1e-5 * size)


def test_a_doubled_cell_changes_nothing():
    """Magnons in a square lattice with spin-orbit coupling, and in the same with two atoms in the cell: the bands of
    other spins and cells that are folded back, and sites with phases of their own."""
    length, hop, rashba, exchange = 3.0, 1.0, 0.4, 0.1
    along = -hop * np.eye(2) + rashba / 2j * sj.PAULI[1], -hop * np.eye(2) - rashba / 2j * sj.PAULI[0]

    def parts(k):
        each = [np.exp(1j * length * k[:, i, None, None]) * along[i] for i in (0, 1)]
        x, y = (part + part.conj().swapaxes(1, 2) for part in each)
        return x, y + 4 * hop * np.eye(2) - exchange * sj.PAULI[2]

    def single(k):
        return sum(parts(k))

    def double(k):
        x, y = parts(k)
        return np.concatenate([np.concatenate([y, x], axis=2), np.concatenate([x, y], axis=2)], axis=1)

    spins = np.stack([np.kron(np.eye(2), s) for s in sj.PAULI])
    sites = np.array([[0, 0], [0, 0], [length, 0], [length, 0]])
    cell = np.diag([length, length])
    one = sj.FunctionModel(single, dimension=2, cell=cell, sites=sites[:2], spin=sj.PAULI, gauge="periodic")
    wide = np.diag([2 * length, length])
    two = sj.FunctionModel(double, dimension=2, cell=wide, sites=sites, spin=spins, gauge="atomic")
    scatterer = magnons(stiffness=0.5, gap=2e-3, exchange_splitting=0.2, spin_direction=(0.5, 0.2, 1))
    found = []
    for model in (one, two):
        observables = [sj.spin_current("yz"), sj.spin("x")]
        settings = TransportSettings(minimum=96, symmetry="off")
        problem = Problem(model, [scatterer], 0.35, settings, observables)
        found.append(SharedShell(problem, problem.shell(0.35, problem.spacings.base), KB * 100).solve(KB * 100, 1)[0])
    for mine, others in zip(*(each.tensors for each in found), strict=True):
        assert np.abs(mine).max() > 1e-3
        np.testing.assert_allclose(others, mine, atol=1e-4 * np.abs(mine).max())
