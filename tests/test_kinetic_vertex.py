"""Pair vertices: against plain evaluation and finite differences, invariances, dropped parts, phonons, cost."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from helpers_abinitio import CELL, MASSES, POSITIONS, Toy, polar
from helpers_models import random_wannier
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.states import solve_states
from sidejump.interactions.first_principles.cluster import ClusterCoupling, group_vectors
from sidejump.interactions.first_principles.dipole import DipoleSums
from sidejump.interactions.first_principles.factors import low_rank_factors
from sidejump.interactions.first_principles.modes import PhononPairs
from sidejump.interactions.first_principles.projectors import real_symmetric_projectors
from sidejump.interactions.first_principles.sample import dominant_eigenpairs, dominant_triples
from sidejump.interactions.first_principles.vertex import BlockSizes, PairVertices
from sidejump.units import HBAR2_OVER_2M
from sidejump.wannier.container import SOFT
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.phonons import Phonons
from sidejump.wannier.position import position_elements

CELLS = np.array([(0, 0, 0), (1, 0, 0), (0, -1, 0), (0, 0, 1), (1, 1, -1)])
EXACT = {"tolerance": 0.0, "dtype": np.complex128}


def random_coupling(n, displacements, *, hermitian=True, cells=CELLS, decay=0.0, seed=5) -> Coupling:
    """Random g(Re, Rp) with ``g_mn(Re, Rp) = g_nm(-Re, Rp - Re)*``, or without it."""
    rng = np.random.default_rng(seed)
    differences = (cells[:, None] - cells[None]).reshape(-1, 3)
    weight = np.exp(-decay * np.abs(cells).sum(axis=1))
    re_vectors = np.unique(differences, axis=0)
    where = {tuple(r): i for i, r in enumerate(re_vectors.tolist())}
    values = np.zeros((len(cells), displacements, len(re_vectors), n, n), dtype=complex)
    shape = (displacements, n, n)
    for i, j in itertools.product(range(len(cells)), repeat=2):
        x = (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * weight[i] * weight[j]
        forward, backward = where[tuple(cells[i] - cells[j])], where[tuple(cells[j] - cells[i])]
        values[i, :, forward] += x
        if hermitian:
            values[j, :, backward] += x.conj().swapaxes(1, 2)
    return Coupling(re_vectors, cells, values)


def random_phonons(cell, nat, *, real=False, seed=2) -> Phonons:
    """Random force constants around stiff on-site ones: real frequencies, no symmetry."""
    rng = np.random.default_rng(seed)
    vectors = np.array([(0, 0, 0), (1, 0, 0), (-1, 0, 0), (0, 1, -1), (0, -1, 1)])
    n = 3 * nat
    constants = np.zeros((5, n, n))
    constants[0] = 20 * np.eye(n) + np.diag(rng.uniform(0, 5, n))
    for i in (1, 3):
        c = rng.normal(size=(n, n))
        constants[i] = c + c.T if real else c
        constants[i + 1] = constants[i].T
    return Phonons(cell, rng.uniform(0, 1, (nat, 3)), rng.uniform(1e4, 5e4, nat), vectors, constants)


def stand_in(model, coupling, phonons):
    return SimpleNamespace(
        electrons=model, phonons=phonons, long_range=None, coupling_matrix=lambda images="hermitian": coupling
    )


@pytest.fixture(scope="module")
def crystal():
    """Four orbitals off the origin with a position matrix, one atom; 11 states."""
    model = random_wannier(3, 4, seed=1)
    data = stand_in(model, random_coupling(4, 3), random_phonons(model.cell, 1))
    rng = np.random.default_rng(3)
    states = solve_states(model, rng.normal(size=(11, 3)), rng.integers(0, 4, 11))
    return data, states


def lattice_gauge(data, states):
    """u, D_a u (S, 1 + d, m, N) from H and r(R) without the sites' phases."""
    old = data.electrons
    model = LatticeModel(old.cell, old.vectors, old.hoppings, position_elements(old), np.zeros((old.n_orbitals, 3)))
    bands = np.argmin(np.abs(np.linalg.eigvalsh(old.hamiltonian(states.k)) - states.energy[:, None]), axis=1)
    found = solve_states(model, states.k, bands)
    return np.concatenate([found.vectors[:, None], found.covariant], axis=1)


def plain(data, states, rows, columns):
    """Strength, shift and omega, pair by pair from the definition."""
    coupling, cell = data.coupling_matrix().pairs().dense(), data.electrons.cell
    inverse = cell.T / (2 * np.pi)
    i, j = (x.ravel() for x in np.meshgrid(rows, columns, indexing="ij"))
    k, q = states.k[i] @ inverse, (states.k[j] - states.k[i]) @ inverse
    translation = coupling.re_vectors @ cell
    g = [coupling.at(k, q)]
    for a in range(3):
        values = 1j * translation[:, a, None, None] * coupling.values
        g.append(Coupling(coupling.re_vectors, coupling.rp_vectors, values).at(k, q))
    u = lattice_gauge(data, states)
    ket, bra = u[i], u[j].conj()
    v = [np.einsum("pim,pcmn,pjn->pcij", bra[:, 0], g[0], ket[:, 0])]
    for a in range(1, 4):
        v.append(
            np.einsum("pim,pcmn,pjn->pcij", bra[:, 0], g[a], ket[:, 0])
            + np.einsum("pim,pcmn,pjn->pcij", bra[:, 0], g[0], ket[:, a])
            + np.einsum("pim,pcmn,pjn->pcij", bra[:, a], g[0], ket[:, 0])
        )
    omega, modes = data.phonons.solve(states.k[j] - states.k[i])
    mass = np.repeat(data.phonons.masses, 3)
    amplitude = modes * np.sqrt(HBAR2_OVER_2M / (mass[:, None] * omega[:, None]))
    v = np.einsum("xpcij,pcv->xvpij", np.stack(v), amplitude)
    strength = np.sum(np.abs(v[0]) ** 2, axis=(2, 3))
    shift = -np.sum(v[0].conj() * v[1:], axis=(3, 4)).imag
    shape = (len(rows), len(columns))
    return strength.reshape(-1, *shape), shift.swapaxes(0, 1).reshape(-1, 3, *shape), omega.T.reshape(-1, *shape)


def compare(found, expected, tolerance=1e-11):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * np.abs(b).max())


# --- against the definition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("atoms, hermitian", [(1, True), (2, True), (1, False)])
def test_blocks_equal_the_plain_evaluation(atoms, hermitian):
    model = random_wannier(3, 3, seed=4)
    coupling = random_coupling(3, 3 * atoms, hermitian=hermitian)
    data = stand_in(model, coupling, random_phonons(model.cell, atoms))
    rng = np.random.default_rng(0)
    states = solve_states(model, rng.normal(size=(9, 3)), rng.integers(0, 3, 9))
    found = PairVertices(data, states, **EXACT).block(slice(0, 4), slice(3, 9))
    compare(found, plain(data, states, range(4), range(3, 9)))


def test_shift_is_the_finite_difference_of_the_gauge_invariant_phase(crystal):
    """Everything in the lattice gauge, from H(R), r(R) and g(Re, Rp) alone; random phases of every eigenvector."""
    data, _ = crystal
    model, coupling = data.electrons, data.coupling_matrix().pairs().dense()
    rng = np.random.default_rng(8)
    translation, inverse = model.vectors @ model.cell, model.cell.T / (2 * np.pi)
    positions = position_elements(model)

    def on_lattice(matrices, k):
        total = np.tensordot(np.exp(1j * translation @ k), matrices, axes=1)
        return 0.5 * (total + total.conj().swapaxes(-1, -2))

    def vector(k, band):
        return np.linalg.eigh(on_lattice(model.hoppings, k))[1][:, band] * np.exp(2j * np.pi * rng.random())

    def link(k, other, one, two):
        """<u(k)| 1 - i h.A |u(k + h)>: its phase is -h.A of the band."""
        a = np.tensordot(other - k, on_lattice(positions, 0.5 * (k + other)), axes=1)
        return one.conj() @ (two - 1j * a @ two)

    k, other, bands, h = rng.normal(size=3), rng.normal(size=3), (1, 2), 3e-5
    omega, e = data.phonons.solve((other - k)[None])
    states = solve_states(model, np.stack([k, other]), np.array(bands))
    strength, shift, _ = PairVertices(data, states, **EXACT).block(slice(0, 1), slice(1, 2))
    scale = np.sqrt(HBAR2_OVER_2M / (data.phonons.masses[0] * omega[0]))

    def amplitude(k, other, u, v):
        g = coupling.at(k[None] @ inverse, (other - k)[None] @ inverse)[0]
        return (np.einsum("m,cmn,n->c", v.conj(), g, u) @ e[0]) * scale

    u, v = vector(k, bands[0]), vector(other, bands[1])
    here = amplitude(k, other, u, v)
    np.testing.assert_allclose(strength[:, 0, 0], np.abs(here) ** 2, rtol=1e-10)
    for a in range(3):
        phase = []
        for step in (h * np.eye(3)[a], -h * np.eye(3)[a]):
            u2, v2 = vector(k + step, bands[0]), vector(other + step, bands[1])
            loop = amplitude(k + step, other + step, u2, v2) * here.conj()
            loop = loop * link(other, other + step, v, v2) * link(k, k + step, u, u2).conj()
            phase.append(np.angle(loop))
        numeric = -(phase[0] - phase[1]) / (2 * h)
        np.testing.assert_allclose(shift[:, a, 0, 0] / strength[:, 0, 0], numeric, rtol=1e-6, atol=1e-6)


# --- invariances --------------------------------------------------------------------------------------------------


def test_random_phases_change_nothing(crystal):
    data, states = crystal
    phase = np.exp(2j * np.pi * np.random.default_rng(1).random(len(states)))
    turned = replace(
        states,
        vectors=states.vectors * phase[:, None, None],
        covariant=states.covariant * phase[:, None, None, None],
    )
    every = slice(0, 11)
    compare(
        PairVertices(data, turned, **EXACT).block(every, every), PairVertices(data, states, **EXACT).block(every, every)
    )


def doublets():
    """Two copies of a three-band crystal and a single band: groups of two and of one."""
    part, single = random_wannier(3, 3, seed=6), random_wannier(3, 1, seed=7)
    centres = np.concatenate([part.site_positions, part.site_positions, single.site_positions])
    hoppings = np.zeros((27, 7, 7), dtype=complex)
    positions = np.zeros((27, 3, 7, 7), dtype=complex)
    for start, model in ((0, part), (3, part), (6, single)):
        block = slice(start, start + model.n_orbitals)
        hoppings[:, block, block] = model.hoppings
        positions[..., block, block] = position_elements(model)
    model = LatticeModel(part.cell, part.vectors, hoppings, positions, centres)
    rng = np.random.default_rng(9)
    states = solve_states(model, rng.normal(size=(12, 3)), rng.integers(0, 7, 12))
    assert set(states.multiplicity.tolist()) == {1, 2}
    return stand_in(model, random_coupling(7, 3), random_phonons(part.cell, 1)), states


def test_groups_are_sums_over_their_members_and_any_rotation_of_them():
    data, states = doublets()
    found = PairVertices(data, states, **EXACT).block(slice(0, 5), slice(2, 12))
    compare(found, plain(data, states, range(5), range(2, 12)))
    rng = np.random.default_rng(2)
    rotation = np.zeros((12, 2, 2), dtype=complex)
    for s, m in enumerate(states.multiplicity):
        rotation[s, :m, :m] = np.linalg.qr(rng.normal(size=(m, m)) + 1j * rng.normal(size=(m, m)))[0]
    turned = replace(
        states,
        vectors=rotation @ states.vectors,
        covariant=rotation[:, None] @ states.covariant,
    )
    compare(PairVertices(data, turned, **EXACT).block(slice(0, 5), slice(2, 12)), found)


@pytest.mark.parametrize("options", [EXACT, {"tolerance": 1e-3, "dtype": np.complex128}])
def test_exchange_of_the_states(options):
    """Detailed balance: the strength is symmetric, the shift antisymmetric, also where parts are dropped."""
    data, states = clusters()
    vertices = PairVertices(data, states, **options)
    rows, columns = slice(50, 100), slice(150, 225)
    strength, shift, omega = vertices.block(rows, columns)
    back, shift_back, omega_back = vertices.block(columns, rows)
    compare((strength, shift, omega), (back.swapaxes(1, 2), -shift_back.swapaxes(2, 3), omega_back.swapaxes(1, 2)))


def test_sites_of_the_gauge_do_not_matter(crystal):
    """The same crystal with the orbitals' phases at other places."""
    data, states = crystal
    old = data.electrons
    sites = np.random.default_rng(4).uniform(-1, 1, (4, 3))
    model = LatticeModel(old.cell, old.vectors, old.hoppings, position_elements(old), sites)
    bands = np.argmin(np.abs(np.linalg.eigvalsh(old.hamiltonian(states.k)) - states.energy[:, None]), axis=1)
    moved = solve_states(model, states.k, bands)
    every = slice(0, 11)
    found = PairVertices(stand_in(model, data.coupling_matrix(), data.phonons), moved, **EXACT).block(every, every)
    compare(found, PairVertices(data, states, **EXACT).block(every, every))


def test_reciprocal_vectors_do_not_matter(crystal):
    """k and k + G are one state, phonons and coupling are periodic."""
    data, states = crystal
    shift = np.random.default_rng(6).integers(-2, 3, (11, 3)) @ (2 * np.pi * np.linalg.inv(data.electrons.cell).T)
    bands = np.argmin(np.abs(np.linalg.eigvalsh(data.electrons.hamiltonian(states.k)) - states.energy[:, None]), axis=1)
    moved = solve_states(data.electrons, states.k + shift, bands)
    every = slice(0, 11)
    compare(
        PairVertices(data, moved, **EXACT).block(every, every), PairVertices(data, states, **EXACT).block(every, every)
    )


def test_blocks_threads_and_memory_change_nothing():
    data, states = doublets()
    whole = PairVertices(data, states, **EXACT).block(slice(0, 12), slice(0, 12))
    vertices = PairVertices(data, states, memory=0, sizes=BlockSizes(states=5, plane=9), **EXACT)
    compare(vertices.block(slice(0, 12), slice(0, 12)), whole)
    cuts = [slice(0, 1), slice(1, 8), slice(8, 12)]
    with ThreadPoolExecutor(2) as pool:
        blocks = list(pool.map(lambda pair: vertices.block(*pair), itertools.product(cuts, cuts)))
    joined = [np.zeros_like(x) for x in whole]
    for (rows, columns), found in zip(itertools.product(cuts, cuts), blocks, strict=True):
        for total, part in zip(joined, found, strict=True):
            total[..., rows, columns] = part
    compare(joined, whole)


def test_single_precision(crystal):
    data, states = crystal
    every = slice(0, 11)
    found = PairVertices(data, states, tolerance=0.0, dtype=np.complex64).block(every, every)
    assert all(x.dtype == np.float32 for x in found)
    compare(found, PairVertices(data, states, **EXACT).block(every, every), 1e-5)


# --- what is dropped ----------------------------------------------------------------------------------------------


def clusters(*, hermitian=True, spread=0.03):
    """Twelve clusters of 50 neighbouring states, and a coupling that decays with distance; 108 functions in reach."""
    model = random_wannier(3, 4, seed=1)
    rng = np.random.default_rng(0)
    cells = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
    coupling = random_coupling(4, 3, hermitian=hermitian, cells=cells, decay=1.0)
    k = (rng.normal(size=(12, 1, 3)) + spread * rng.normal(size=(12, 50, 3))).reshape(-1, 3)
    states = solve_states(model, k, np.repeat(rng.integers(0, 4, 12), 50))
    return stand_in(model, coupling, random_phonons(model.cell, 1)), states


@pytest.mark.parametrize("hermitian", [True, False])
def test_low_rank_form_keeps_its_tolerance(hermitian):
    data, states = clusters(hermitian=hermitian)
    rows, columns = slice(0, 100), slice(75, 225)
    exact = PairVertices(data, states, **EXACT).block(rows, columns)
    ranks = []
    for tolerance in (1e-2, 1e-3):
        vertices = PairVertices(data, states, tolerance=tolerance, dtype=np.complex128)
        assert vertices.factors.value_error <= tolerance
        assert vertices.factors.hermitian == hermitian
        strength, shift, omega = vertices.block(rows, columns)
        assert rms(strength, exact[0]) < 3 * tolerance
        assert rms(shift, exact[1]) < 10 * tolerance
        assert rms(omega, exact[2]) < 1e-12
        ranks.append(sum(vertices.factors.ranks))
    assert ranks[0] < ranks[1] < 0.9 * 3 * 108


def rms(found, expected):
    return np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))


def test_neighbouring_states_share_patterns():
    data, states = clusters()
    vertices = PairVertices(data, states, tolerance=1e-3, dtype=np.complex128)
    found = vertices._patterns(slice(0, 50), 0)
    assert max(p.coefficients.shape[1] for p in found) < 0.4 * max(vertices.factors.ranks)
    exact = PairVertices(data, states, **EXACT)
    for columns in (slice(0, 50), slice(150, 200)):
        strength, shift, _ = vertices.block(slice(0, 50), columns)
        expected = exact.block(slice(0, 50), columns)
        assert 0 < rms(strength, expected[0]) < 3e-3
        assert rms(shift, expected[1]) < 1e-2


def test_factors_serve_other_states_of_the_same_kind():
    data, states = clusters()
    first = PairVertices(data, states, dtype=np.complex128)
    again = PairVertices(data, states[:200], dtype=np.complex128, factors=first.factors)
    assert again.factors is first.factors
    compare(again.block(slice(0, 50), slice(50, 90)), first.block(slice(0, 50), slice(50, 90)), 1e-2)


def test_a_sample_grows_until_it_will_do():
    data, states = clusters()
    vectors = group_vectors(states, data.electrons.site_positions)
    cluster = ClusterCoupling(data.coupling_matrix(), data.phonons.masses)
    found = low_rank_factors(cluster, data.electrons.cell, vectors, tolerance=1e-3, sample=40)
    assert 0 < found.value_error <= 1e-3
    assert max(found.ranks) > 40


def test_no_coupling_no_strength():
    data, states = clusters()
    silent = Coupling(CELLS, CELLS, np.zeros((5, 3, 5, 4, 4), dtype=complex))
    strength, shift, _ = PairVertices(stand_in(data.electrons, silent, data.phonons), states).block(*[slice(0, 9)] * 2)
    assert not strength.any() and not shift.any()


# --- phonons ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("atoms, real", [(1, True), (1, False), (2, False)])
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-11), (np.float32, 1e-5)])
def test_modes_of_pairs(atoms, real, dtype, tolerance):
    phonons = random_phonons(CELL, atoms, real=real)
    rng = np.random.default_rng(1)
    k, other = rng.normal(size=(4, 3)), rng.normal(size=(7, 3))
    q = (other - k[:, None]).reshape(-1, 3)
    pairs = PhononPairs(phonons, dtype)
    assert pairs.closed_form == real
    modes = pairs.solve(pairs.initial(k), pairs.final(other))
    omega, vectors = phonons.solve(q)
    np.testing.assert_allclose(modes.omega, omega.T, rtol=tolerance)
    planes = rng.normal(size=(4, 3 * atoms, 2, len(q)))
    v = np.einsum("pcv,xcp->xvp", vectors, planes[:, :, 0] + 1j * planes[:, :, 1])
    expected = np.concatenate([[np.abs(v[0]) ** 2], -(v[0].conj() * v[1:]).imag]).swapaxes(0, 1)
    found = modes.of_each_mode(planes.astype(dtype))
    np.testing.assert_allclose(found, expected, atol=20 * tolerance * np.abs(expected).max())


@pytest.mark.parametrize(
    "values", [(1, 1, 3), (1, 3, 3), (2, 2, 2), (0, 0, 1), (0, 0, 0), (1, 1 + 1e-9, 5), (-1, 2, 2)]
)
def test_closed_form_is_safe_for_degenerate_modes(values):
    """Sums over the members of a degenerate mode are right, and no strength is negative."""
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.normal(size=(200, 3, 3)))[0]
    matrices = q @ (np.array(values, dtype=float)[:, None] * q.swapaxes(1, 2))
    upper = np.triu_indices(3)
    found, projectors, top = real_symmetric_projectors(np.ascontiguousarray(matrices[:, upper[0], upper[1]].T))
    np.testing.assert_allclose(found, np.sort(values)[:, None] * np.ones(200), atol=1e-13)
    full = projectors[:, [0, 1, 2, 1, 3, 4, 2, 4, 5]].reshape(2, 3, 3, 200).transpose(0, 3, 1, 2)
    apart, lower = full
    upper_one = np.eye(3) - apart - lower
    one = [np.where(top[:, None, None], a, b) for a, b in ((lower, apart), (upper_one, lower), (apart, upper_one))]
    rebuilt = sum(v[:, None, None] * p for v, p in zip(found, one, strict=True))
    np.testing.assert_allclose(rebuilt, matrices, atol=1e-10)


def test_degenerate_phonons_only_their_sum_matters(crystal):
    """A crystal whose three modes are one: the closed form and LAPACK share the strength differently."""
    data, states = crystal
    constants = np.array([20.0 * np.eye(3), np.eye(3), np.eye(3)])
    phonons = Phonons(
        data.electrons.cell, np.zeros((1, 3)), MASSES[:1], np.array([(0, 0, 0), (1, 0, 0), (-1, 0, 0)]), constants
    )
    moved = stand_in(data.electrons, data.coupling_matrix(), phonons)
    found = PairVertices(moved, states, **EXACT).block(slice(0, 5), slice(5, 11))
    expected = plain(moved, states, range(5), range(5, 11))
    assert found[0].min() >= 0
    compare((found[0].sum(0), found[1].sum(0), found[2]), (expected[0].sum(0), expected[1].sum(0), expected[2]))


def test_imaginary_modes_have_no_strength_and_are_counted(crystal):
    data, states = crystal
    constants = np.array(data.phonons.force_constants)
    constants[0] = np.diag([-20.0, 20.0, 30.0])
    vertices = PairVertices(
        stand_in(data.electrons, data.coupling_matrix(), replace(data.phonons, force_constants=constants)),
        states,
        **EXACT,
    )
    assert vertices.warnings() == []
    strength, shift, omega = vertices.block(slice(0, 5), slice(5, 11))
    imaginary = omega < -SOFT
    assert imaginary[0].all() and not imaginary[1:].any()
    assert not strength[0].any() and not shift[0].any()
    assert (strength[1:] > 0).all()
    assert vertices.excluded == 30
    assert "30 phonon modes" in vertices.warnings()[0]


def test_acoustic_limit():
    """A crystal that can be shifted as a whole: |V|^2 / omega ~ q, and nothing for one and the same k."""
    data = Toy().data()
    rng = np.random.default_rng(1)
    direction = np.array([0.3, 0.5, 0.8])
    k = rng.normal(size=3) + np.array([0, 2e-3, 1e-3])[:, None] * direction
    states = solve_states(data.electrons, k, np.array([1, 1, 1]))
    strength, shift, omega = PairVertices(data, states, **EXACT).block(slice(0, 1), slice(0, 3))
    assert not strength[:3, 0, 0].any() and not shift[:3, :, 0, 0].any()
    assert np.all(np.abs(omega[:3, 0, 0]) < 1e-7)
    ratio = strength[:3, 0, 1] / strength[:3, 0, 2]
    np.testing.assert_allclose(ratio, 2.0, rtol=0.05)


def test_polar_crystals():
    """With the long-range part: |g| of the container, and the shift antisymmetric."""
    toy = Toy()
    data = replace(toy.data(), phonons=polar(toy, alpha=0.5))
    k = np.random.default_rng(5).random((8, 3))
    bands = np.array([0, 1, 2, 0, 1, 2, 0, 1])
    states = solve_states(data.electrons, k @ data.reciprocal_cell, bands)
    vertices = PairVertices(data, states, images="file", **EXACT)
    strength, shift, omega = vertices.block(slice(0, 3), slice(3, 8))
    for i, j in itertools.product(range(3), range(3, 8)):
        g = data.coupling(k[i], k[j] - k[i], images="file")[0, bands[j], bands[i]]
        np.testing.assert_allclose(strength[:, i, j - 3], np.abs(g) ** 2, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(omega[:, 0, 0], data.phonon_energies(k[3] - k[0])[0], rtol=1e-10)
    back = vertices.block(slice(3, 8), slice(0, 3))
    compare((strength, shift), (back[0].swapaxes(1, 2), -back[1].swapaxes(2, 3)))
    without = PairVertices(replace(data, phonons=toy.phonons()), states, images="file", **EXACT)
    assert np.abs(without.block(slice(0, 3), slice(3, 8))[0] - strength).max() > 0.01 * strength.max()


@pytest.mark.parametrize("two_dimensional", [False, True])
def test_dipole_sums_of_many_q(two_dimensional):
    """Against the sums term by term, at q beyond the first zone and at q = 0."""
    part = polar(Toy(), alpha=0.4, two_dimensional=two_dimensional).dipole_part
    q = np.concatenate([np.random.default_rng(0).normal(size=(9, 3)), np.zeros((1, 3))])
    waves = DipoleSums(part).at(q)
    np.testing.assert_allclose(waves.vertex(), part.vertex(q), atol=1e-11)
    np.testing.assert_allclose(waves.force_constants(), part.force_constants(q), atol=1e-11)


def test_coupling_may_have_its_own_ewald_parameter():
    toy = Toy()
    data = replace(toy.data(), phonons=polar(toy, alpha=0.5), coupling_alpha=0.8)
    k = np.random.default_rng(5).random((2, 3))
    states = solve_states(data.electrons, k @ data.reciprocal_cell, np.array([0, 1]))
    strength, _, _ = PairVertices(data, states, images="file", **EXACT).block(slice(0, 1), slice(1, 2))
    g = data.coupling(k[0], k[1] - k[0], images="file")[0, 1, 0]
    np.testing.assert_allclose(strength[:, 0, 0], np.abs(g) ** 2, rtol=1e-9, atol=1e-12)


def test_container_with_meshes():
    """The whole chain on a set known on coarse meshes, with the Hermitian choice of images."""
    data = Toy(
        cell=1.5 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]]),
        positions=POSITIONS[:1],
        masses=MASSES[:1],
        owner=[0, 0],
    )
    data = data.from_meshes((4, 4, 4), (2, 2, 2))
    k = np.random.default_rng(5).random((6, 3))
    bands = np.array([0, 1, 0, 1, 0, 1])
    states = solve_states(data.electrons, k @ data.reciprocal_cell, bands)
    strength, _, _ = PairVertices(data, states, **EXACT).block(slice(0, 3), slice(3, 6))
    for i, j in itertools.product(range(3), range(3, 6)):
        g = data.coupling(k[i], k[j] - k[i])[0, bands[j], bands[i]]
        np.testing.assert_allclose(strength[:, i, j - 3], np.abs(g) ** 2, rtol=1e-8, atol=1e-12)


# --- cost ---------------------------------------------------------------------------------------------------------


def test_cost(crystal):
    data, states = crystal
    vertices = PairVertices(data, states, **EXACT)
    cost = vertices.cost()
    assert (cost.states, cost.pairs) == (11, 66)
    # one value and three derivatives of two terms each, 3 displacements, 4 orbitals in 5 cells
    assert cost.flops_per_pair == pytest.approx(8 * 7 * 3 * 20 + vertices.phonons.flops)
    assert cost.bytes == sum(x.nbytes for kept in vertices._stored for x in kept)
    assert vertices.cost(100).flops == pytest.approx(cost.flops + 34 * cost.flops_per_pair)


def test_states_can_be_a_subset(crystal):
    data, states = crystal
    found = PairVertices(data, states[2:9], **EXACT).block(slice(0, 3), slice(3, 7))
    compare(found, PairVertices(data, states, **EXACT).block(slice(2, 5), slice(5, 9)))


@pytest.mark.parametrize("rank", [30, 8])  # that of the matrix, and one that is given too small
def test_dominant_parts_leave_no_more_than_the_tolerance(rank):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 200, 30)) + 1j * rng.normal(size=(2, 200, 30))
    m = x @ np.diag(np.geomspace(1, 1e-4, 30) * rng.choice([-1, 1], 30)) @ x.conj().T
    tolerance = 1e-2 * np.linalg.norm(m)
    value, vector = dominant_eigenpairs(m, tolerance, rank)
    all_values = np.linalg.eigvalsh(m)
    order = np.argsort(-np.abs(all_values))
    np.testing.assert_allclose(value, all_values[order[: len(value)]], rtol=1e-9)
    assert len(value) < 30 and np.linalg.norm(m - (vector * value) @ vector.conj().T) < tolerance
    m = x @ np.diag(np.geomspace(1, 1e-4, 30)) @ y.conj().T
    left, value, right = dominant_triples(m, tolerance, rank)
    np.testing.assert_allclose(value, np.linalg.svd(m, compute_uv=False)[: len(value)], rtol=1e-9)
    assert len(value) < 30 and np.linalg.norm(m - (left * value) @ right.conj().T) < tolerance
