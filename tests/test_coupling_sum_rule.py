"""The acoustic sum rule of the coupling: against its definition, at long wavelengths, with symmetry left alone."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import Toy
from sidejump.app.schema.scattering import ElectronPhononInput
from sidejump.bands.states import solve_states
from sidejump.interactions.first_principles.cluster import group_vectors
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.first_principles.pairs import ElectronPhononPairs
from sidejump.interactions.first_principles.sum_rule import WIDTH, RigidShift
from sidejump.interactions.first_principles.vertex import PairVertices
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit
from sidejump.units import HBAR2_OVER_2M

EXACT = {"tolerance": 0.0, "dtype": np.complex128}


@pytest.fixture(scope="module")
def data():
    """A toy crystal whose coupling, right by construction, was spoiled: a rigid shift scatters."""
    good = Toy().from_meshes()
    coupling = good.coupling_matrix().dense()
    values = coupling.values.copy()
    rng = np.random.default_rng(7)
    shape = (values.shape[1], *values.shape[3:])
    error = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    home = [int(np.flatnonzero((v == 0).all(axis=1))[0]) for v in (coupling.rp_vectors, coupling.re_vectors)]
    values[home[0], :, home[1]] += 0.1 * np.abs(values).max() * (error + error.conj().swapaxes(1, 2))
    spoiled = replace(good, _cache={"hermitian": (good.file_coupling, replace(coupling, values=values))})
    assert spoiled.hermiticity_violation([[0.1, 0.2, 0.3]], [[0.3, 0.1, -0.2]]) < 1e-9
    return spoiled


def bloch(data, k):
    """H and the rigid-shift coupling G_a in the lattice gauge, for k in 1/angstrom: (N, N), (3, N, N)."""
    model, coupling = data.electrons, data.coupling_matrix()
    h = np.einsum("r,rmn->mn", np.exp(1j * model.vectors @ model.cell @ k), model.hoppings)
    crystal = k @ data.cell.T / (2 * np.pi)
    g = coupling.at(crystal[None], np.zeros((1, 3)))[0]
    return h, g.reshape(-1, 3, *h.shape).sum(axis=0)


def removed(data, k):
    """C_a(k) from its definition."""
    h, g = bloch(data, k)
    e, u = np.linalg.eigh(h)
    near = WIDTH**2 / (WIDTH**2 + (e[:, None] - e[None, :]) ** 2)
    return u @ (near * (u.conj().T @ g @ u)) @ u.conj().T


def states_at(data, k, band=0):
    return solve_states(data.electrons, k, np.full(len(k), band))


def test_vectors_are_those_of_the_definition(data):
    """C u, and its derivative along k by finite differences of C."""
    k = np.random.default_rng(1).normal(size=(3, 3))
    states = states_at(data, k, 1)
    vectors = group_vectors(states, data.electrons.site_positions)
    found = RigidShift(data).vectors(vectors, slice(0, 3), complex)
    step = 1e-4
    for i in range(3):
        c = removed(data, k[i])
        u = vectors.values[i]
        np.testing.assert_allclose(found[:, 0, i], c @ u[0], atol=1e-10)
        for b, axis in enumerate(np.eye(3)):
            slope = (removed(data, k[i] + step * axis) - removed(data, k[i] - step * axis)) / (2 * step)
            scale = np.abs(slope).max() + np.abs(c).max()
            np.testing.assert_allclose(found[:, 1 + b, i], slope @ u[0] + c @ u[1 + b], atol=1e-6 * scale)


def test_vectors_along_other_directions(data):
    """Derivatives along orthonormal directions are those by the coordinates, turned."""
    rng = np.random.default_rng(2)
    states, axes = states_at(data, rng.normal(size=(3, 3)), 1), np.linalg.qr(rng.normal(size=(3, 3)))[0][:2]
    whole, some = (
        RigidShift(data).vectors(group_vectors(x, data.electrons.site_positions), slice(0, 3), complex)
        for x in (states, states.along(axes))
    )
    size = np.abs(whole).max()
    np.testing.assert_allclose(some[:, 0], whole[:, 0], atol=1e-12 * size)
    np.testing.assert_allclose(some[:, 1:], np.einsum("da,xasn->xdsn", axes, whole[:, 1:]), atol=1e-12 * size)


def test_vertex_equals_the_definition(data):
    """|V|^2 of all modes together, and the shift from the derivative at fixed q, by finite differences."""
    k = np.random.default_rng(2).normal(size=(2, 3))
    states = states_at(data, k)
    rule = RigidShift(data)
    found = PairVertices(data, states, rigid_shift=rule, **EXACT).block(slice(0, 2), slice(0, 2))
    strength, shift = (x[..., 0, 1] for x in found[:2])
    q = k[1] - k[0]
    inverse = data.cell.T / (2 * np.pi)
    u = group_vectors(states, data.electrons.site_positions).values
    reach = rule.range(k[:1], k[1:])[0, 0]
    energies, modes = data.phonons.solve(q[None])
    mass = np.repeat(data.phonons.masses, 3)
    amplitude = modes[0] * np.sqrt(HBAR2_OVER_2M / (mass[:, None] * energies[0]))

    def vertex(move):
        g = data.coupling_matrix().at((k[:1] + move) @ inverse, q[None] @ inverse)[0]
        rigid = 0.5 * reach * (removed(data, k[0] + move) + removed(data, k[1] + move))
        share = mass / data.phonons.masses.sum()
        return g - share[:, None, None] * np.tile(rigid, (len(mass) // 3, 1, 1))

    def between(bra, matrix, ket):
        return np.einsum("m,cmn,n,cv->v", bra.conj(), matrix, ket, amplitude)

    value = vertex(np.zeros(3))
    v = between(u[1, 0], value, u[0, 0])
    np.testing.assert_allclose(strength, np.abs(v) ** 2, rtol=1e-8)
    step = 1e-4
    for b, axis in enumerate(np.eye(3)):
        slope = (vertex(step * axis) - vertex(-step * axis)) / (2 * step)
        change = between(u[1, 0], slope, u[0, 0])
        change += between(u[1, 0], value, u[0, 1 + b]) + between(u[1, 1 + b], value, u[0, 0])
        np.testing.assert_allclose(shift[:, b], -(v.conj() * change).imag, atol=1e-6 * np.abs(shift).max())


def test_long_phonons_do_not_scatter(data):
    """Without the rule |V|^2 ~ 1/omega ~ 1/q, with it |V|^2 ~ q; at the other points of the q mesh nothing changes."""
    direction = np.array([0.3, -0.5, 0.8])
    start = np.random.default_rng(4).normal(size=(4, 3))

    def acoustic(length, rule):
        states = states_at(data, np.concatenate([start, start + length * direction]))
        vertices = PairVertices(data, states, rigid_shift=rule, **EXACT)
        return np.array([vertices.block(slice(i, i + 1), slice(4 + i, 5 + i))[0][:3].sum() for i in range(4)])

    for rule, exponent in ((None, -1), (RigidShift(data), 1)):
        near, far = acoustic(1e-4, rule), acoustic(4e-4, rule)
        np.testing.assert_allclose(np.log(far / near) / np.log(4), exponent, atol=0.05)
    mesh = np.array([[0.5, 0, 0.5]]) @ data.reciprocal_cell
    states = states_at(data, np.concatenate([start[:1], start[:1] + mesh]))
    plain, ruled = (
        PairVertices(data, states, rigid_shift=r, **EXACT).block(slice(0, 1), slice(1, 2))[0]
        for r in (None, RigidShift(data))
    )
    np.testing.assert_allclose(ruled, plain, rtol=1e-9)


def test_exchange(data):
    """Rates do not know which state is first, the shift changes sign; pairs of two sets are those of one with both."""
    # far enough apart for no pair to lie within a patch of either set of points
    states = states_at(data, np.random.default_rng(3).random((9, 3)) @ data.reciprocal_cell)
    source = ElectronPhononPairs(data, "hermitian", 0.0, sum_rule=True)
    prepared = source.prepared(states)
    sides = slice(0, 4), slice(4, 9)

    def all_modes(channels):  # nearly degenerate ones may mix
        return sum(c.strength for c in channels), sum(c.shift for c in channels)

    strength, shift = all_modes(prepared.evaluate(*sides, np.inf))
    mirrored = all_modes(prepared.evaluate(*sides[::-1], np.inf))
    np.testing.assert_allclose(mirrored[0].T, strength, rtol=1e-4, atol=1e-6 * strength.max())
    np.testing.assert_allclose(-mirrored[1].swapaxes(1, 2), shift, atol=1e-5 * np.abs(shift).max())
    there = all_modes(source.crossed(states[:4], states[4:]).evaluate(slice(0, 4), slice(0, 5), np.inf))
    back = all_modes(source.crossed(states[4:], states[:4]).evaluate(slice(0, 5), slice(0, 4), np.inf))
    np.testing.assert_allclose(there[0], strength, rtol=1e-4, atol=1e-6 * strength.max())
    np.testing.assert_allclose(there[1], shift, atol=1e-5 * np.abs(shift).max())
    np.testing.assert_allclose(-back[1].swapaxes(1, 2), shift, atol=1e-5 * np.abs(shift).max())
    plain = all_modes(ElectronPhononPairs(data, "hermitian", 0.0).prepared(states).evaluate(*sides, np.inf))
    assert np.abs(plain[0] - strength).max() > 1e-3 * strength.max()


def test_from_the_input_to_the_pairs(data):
    """The flag of the scatterer reaches the pairs, their exact form and the estimate; its warning goes."""
    doubtful = replace(data, warnings=["long waves are wrong unless coupling_sum_rule is set", "another"])
    states = states_at(data, np.random.default_rng(3).random((9, 3)) @ data.reciprocal_cell)
    plain, ruled = (ElectronPhononScatterer(doubtful, tolerance=0.0, coupling_sum_rule=x) for x in (False, True))
    assert len(plain.data_warnings) == 2 and ruled.data_warnings == ["another"]
    assert HighTemperatureLimit(ruled).data_warnings == ["another"] and CurvatureShift(ruled).data is doubtful
    found = []
    for source in (plain.source(data.electrons), ruled.source(data.electrons), ruled.source(data.electrons).exact()):
        channels = source.prepared(states).evaluate(slice(0, 4), slice(4, 9), np.inf)
        found.append(sum(c.strength for c in channels))
    assert np.abs(found[1] - found[0]).max() > 1e-3 * found[0].max()
    np.testing.assert_allclose(found[2], found[1], rtol=1e-5)
    loads = [x.source(data.electrons).load(states) for x in (plain, ruled)]
    assert loads[1].flops_per_pair > loads[0].flops_per_pair and loads[1].bytes_per_state > loads[0].bytes_per_state


def test_key_of_the_input():
    section = {"kind": "electron_phonon", "coupling_sum_rule": True}
    assert (
        ElectronPhononInput(**section).coupling_sum_rule
        and not ElectronPhononInput(kind="electron_phonon").coupling_sum_rule
    )


def test_optical_modes_at_zone_centre_stay(data):
    """Shares by mass: a displacement that leaves the centre of mass alone couples as the files say."""
    masses = np.asarray(data.phonons.masses)
    assert len(masses) > 1
    # sqrt(M) times a displacement with sum M x = 0
    optical = np.array([1 / np.sqrt(masses[0]), -1 / np.sqrt(masses[1])] + [0.0] * (len(masses) - 2))
    share = RigidShift(data).share[::3]
    assert abs(optical @ share) < 1e-12 * np.abs(optical * share).max()
