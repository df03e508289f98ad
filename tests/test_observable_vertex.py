"""Observables with vertices from first principles."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from helpers_abinitio import Layer, Toy, polar
from helpers_symmetric import MAGNET, Hidden
from sidejump.bands.spin_order import spin_matrices
from sidejump.bands.states import solve_states
from sidejump.groups.multiplets import Multiplets
from sidejump.groups.operations import exact_operations
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.first_principles.pairs import ElectronPhononPairs
from sidejump.interactions.first_principles.sum_rule import RigidShift
from sidejump.interactions.first_principles.vertex import PairVertices
from sidejump.transport import TransportSettings
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB

VELOCITIES = [sj.velocity(x) for x in "xyz"]


def states_of(data, observables, count=14, degeneracy=1e-6):
    d = data.model.dimension
    k = np.random.default_rng(3).random((count, d)) @ data.model.reciprocal_cell
    bands = np.random.default_rng(4).integers(0, data.electrons.n_orbitals, count)
    rows = Multiplets.of(observables)
    return solve_states(data.model, k, bands, degeneracy=degeneracy, observables=rows)


def smeared(data, seed=2):
    """The same with a position matrix that is more than the centres of the orbitals."""
    rng = np.random.default_rng(seed)
    own = data.electrons
    n = own.n_orbitals
    noise = rng.normal(size=(len(own.vectors), 3, n, n)) + 1j * rng.normal(size=(len(own.vectors), 3, n, n))
    noise *= 0.05 * np.exp(-np.linalg.norm(own.vectors @ own.cell, axis=1))[:, None, None, None]
    back = [int(np.flatnonzero((own.vectors == -r).all(axis=1))[0]) for r in own.vectors]
    noise = 0.5 * (noise + noise[back].conj().swapaxes(2, 3))
    home = np.flatnonzero(~own.vectors.any(axis=1))[0]
    noise[home] += np.stack([np.diag(x) for x in own.site_positions.T])
    electrons = type(own)(own.cell, own.vectors, own.hoppings, noise, own.site_positions)
    return replace(data, electrons=electrons, _cache={})


CASES = {
    "plain": (Toy().data(), {}),
    "position matrix": (smeared(Toy().data()), {}),
    "sum rule": (smeared(Toy().data()), {"sum_rule": True}),
    "polar": (replace(Toy().data(), phonons=polar(Toy())), {}),
    "layer": (Layer().data(), {}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_shift_of_the_velocity_is_that_of_the_current(name):
    """The vertex itself moves with the electrons: hopping that a phonon changes is part of the velocity."""
    data, options = CASES[name]
    d = data.model.dimension
    states = states_of(data, VELOCITIES[:d])
    source = ElectronPhononPairs(data, "hermitian", tolerance=0.0, **options)
    source.prepare(states)
    part = slice(0, len(states))
    _, shift, _ = source._vertices.block(part, part)
    assert np.abs(shift[:, :d]).max() > 0
    np.testing.assert_allclose(shift[:, d:], shift[:, :d], rtol=0, atol=3e-6 * np.abs(shift[:, :d]).max())


def test_the_velocity_gives_back_the_hall_current():
    data = Toy(cutoff=1).data()
    scatterer = ElectronPhononScatterer(data)
    settings = TransportSettings(levels=0, energy_nodes=3, spacing=0.5, tolerance=1e-3)
    problem = Problem(data.model, [scatterer], data.fermi_energy, settings, VELOCITIES)
    # with it the sum of w v over each piece of the surface is made exact for the current alone
    shell = replace(problem.shell(problem.mu, 0.5, levels=0), components=None)
    response = SharedShell(problem, shell, KB * 300).solve(KB * 300, 1)[0]
    jump = np.abs(response.side_jump_velocity[:3]).max()
    assert jump > 0
    for part in ("side_jump_velocity", "side_jump_distribution"):
        found = getattr(response, part)
        np.testing.assert_allclose(found[3:], found[:3], rtol=0, atol=1e-5 * jump)


def test_the_shift_does_not_depend_on_phases_and_changes_sign():
    rng = np.random.default_rng(0)
    data = smeared(Toy().data())
    matrix = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    observables = [sj.Observable("own", matrix + matrix.conj().T), sj.velocity("x")]
    states = states_of(data, observables)
    phase = np.exp(2j * np.pi * rng.random(len(states)))

    def turned(x):
        return x * phase.reshape(-1, *(1,) * (x.ndim - 1))

    names = ("vectors", "covariant", "carried", "drift")
    other = replace(states, **{name: turned(getattr(states, name)) for name in names})
    found = []
    for some in (states, other):
        source = ElectronPhononPairs(data, "hermitian", tolerance=0.0)
        source.prepare(some)
        part = slice(0, len(some))
        found.append(source._vertices.block(part, part)[1].sum(axis=0))
    size = np.abs(found[0][3:]).max()
    np.testing.assert_allclose(found[1][3:], found[0][3:], rtol=0, atol=1e-5 * size)
    np.testing.assert_allclose(found[0][3:], -found[0][3:].swapaxes(1, 2), rtol=0, atol=1e-5 * size)


@pytest.fixture(scope="module")
def magnet():
    """A cubic magnet along z with spinors, its coupling and phonons, exactly symmetric."""
    case = MAGNET
    hidden = Hidden(case, mesh=(2, 2, 2), size=0.1)
    data = hidden.data()
    ordering = hidden.crystal.orbitals.spin
    data, _ = sj.symmetrized(data, projections=case.projections, magnetisation=case.magnetisation)
    electrons = data.electrons
    electrons.spin = spin_matrices(ordering, case.n)
    return replace(data, electrons=electrons)


def test_shifts_turn_as_the_rules_say(magnet):
    """``dO(Mk -> Mk') = s^(odd+1) D(M) dO(k -> k')`` of flows and of spins, the vertex's own part included."""
    operations = exact_operations(magnet.model, energy=0.0)
    assert len(operations) == 16
    rows = Multiplets.of([sj.spin_current("yz"), sj.velocity("y"), sj.spin("z"), sj.spin("x")], operations)
    n = 6
    k = np.random.default_rng(6).random((n, 3)) @ magnet.reciprocal_cell
    band = np.random.default_rng(7).integers(0, 8, n)
    images = np.concatenate([k @ m.T for m in operations.matrices])
    states = solve_states(magnet.model, images, np.tile(band, len(operations)), observables=rows)
    vertices = PairVertices(magnet, states, dtype=np.complex128, tolerance=0.0, rigid_shift=RigidShift(magnet))
    plain, odd = rows.plain(operations), rows.odd_rows(3)
    first = None
    for g, sign in enumerate(operations.signs):
        part = slice(g * n, (g + 1) * n)
        shift = vertices.block(part, part)[1].sum(axis=0)  # over modes, which may mix
        first = shift if first is None else first
        turned = np.where(odd, 1, sign)[:, None, None] * np.tensordot(plain[g], first, 1)
        for some in (slice(0, 3), slice(3, None)):
            np.testing.assert_allclose(shift[some], turned[some], rtol=0, atol=2e-5 * np.abs(first[some]).max())
    assert np.abs(first[3:]).max(axis=(1, 2)).min() > 0
