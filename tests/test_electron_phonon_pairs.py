"""First-principles coupling in the kinetic equation: rates of pairs, kernel, models it must reproduce, symmetry."""

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from helpers_abinitio import Toy, polar
from sidejump.bands.hermitian_basis import hermitian_basis
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import States, solve_states
from sidejump.energy.basis import energy_basis
from sidejump.energy.kernel import Kernel, level_of
from sidejump.errors import InputError
from sidejump.formats.epw import read_epw
from sidejump.interactions.base import Branch, Scatterer
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.first_principles.pairs import ElectronPhononPairs
from sidejump.surfaces.newton import move_onto
from sidejump.surfaces.shell import Shell
from sidejump.transport import TransportSettings, run_transport
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import HBAR2_OVER_2M, KB
from sidejump.wannier.container import Atoms, ElectronPhonon
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.phonons import Phonons

DATA = Path(os.environ.get("SIDEJUMP_DATA", Path(__file__).parents[2] / "shared" / "data"))


def prepared(data, states, images="hermitian"):
    source = ElectronPhononPairs(data, images)
    source.prepare(states)
    return source


def random_states(data, count, seed=3, degeneracy=1e-6):
    k = np.random.default_rng(seed).random((count, 3))
    bands = np.random.default_rng(seed + 1).integers(0, data.electrons.n_orbitals, count)
    return k, bands, solve_states(data.electrons, k @ data.reciprocal_cell, bands, degeneracy=degeneracy)


# --- channels -----------------------------------------------------------------------------------------------------


def test_channels_are_the_modes_of_the_container():
    """|g|^2 of the container times the volume of the cell, for each mode, at its energy."""
    data = Toy().from_meshes()
    k, bands, states = random_states(data, 9)
    channels = prepared(data, states).evaluate(slice(0, 4), slice(4, 9), np.inf)
    assert len(channels) == data.phonons.n_modes
    volume = abs(np.linalg.det(data.cell))
    largest = max(c.strength.max() for c in channels)
    for i, j in itertools.product(range(4), range(4, 9)):
        g = data.coupling(k[i], k[j] - k[i])[0, bands[j], bands[i]]
        found = [c.strength[i, j - 4] for c in channels]
        np.testing.assert_allclose(found, volume * np.abs(g) ** 2, rtol=1e-4, atol=1e-6 * largest)
        energies = [c.z[i, j - 4] for c in channels]
        np.testing.assert_allclose(energies, np.abs(data.phonon_energies(k[j] - k[i])[0]), rtol=1e-5)


def test_groups_of_degenerate_states():
    """A crystal and its time-reversed copy that do not talk: the mean over the four pairs of members."""
    data = kramers(ferromagnet())
    k, _, states = random_states(data, 6)
    assert (states.multiplicity == 2).all()
    channels = prepared(data, states).evaluate(slice(0, 3), slice(3, 6), np.inf)
    energies = data.energies(k)
    volume = abs(np.linalg.det(data.cell))
    for i, j in itertools.product(range(3), range(3, 6)):
        g = data.coupling(k[i], k[j] - k[i])[0]
        rows, columns = (np.flatnonzero(np.abs(energies[x] - states.energy[x]) < 1e-6) for x in (j, i))
        expected = volume * np.mean(np.abs(g[np.ix_(rows, columns)]) ** 2, axis=(0, 1))
        found = [c.strength[i, j - 3] for c in channels]
        # single precision shares strength between modes of nearly one energy a little differently
        np.testing.assert_allclose(found, expected, atol=2e-3 * expected.max())
        np.testing.assert_allclose(sum(found), expected.sum(), rtol=1e-4)
        assert max(np.abs(c.shift[:, i, j - 3]).max() for c in channels) < 1e-5 * expected.max()


MATRIX_CASES = {
    "one atom": lambda: ferromagnet(),
    "several atoms": Toy().data,
}


@pytest.mark.parametrize("images", ["hermitian", "file"])
@pytest.mark.parametrize("name", MATRIX_CASES)
def test_matrices_of_groups(name, images):
    """Between groups of all bands the diagonal elements are the strengths of single bands, mode by mode; a rotation of
    the members turns the components; traces are what groups with one number have, and the way back is the transpose."""
    data = MATRIX_CASES[name]()
    k = np.random.default_rng(5).random((5, 3)) @ data.reciprocal_cell
    n = data.electrons.n_orbitals

    def exact(states):
        return ElectronPhononPairs(data, images, tolerance=0.0).prepared(states)

    whole = solve_states(data.electrons, k, np.zeros(5, dtype=int), degeneracy=1e3)
    source, rows, columns = exact(whole), slice(0, 2), slice(2, 5)
    found = source.group_matrices(rows, columns, np.inf)
    total = sum(c.strength for c in found)
    assert whole.vectors.shape[1] == n and len(found) == data.phonons.n_modes
    single = States.joined(*(solve_states(data.electrons, k, np.full(5, b), degeneracy=-1.0) for b in range(n)))
    singles = exact(single)
    for a, b in itertools.product(range(n), repeat=2):
        each = singles.evaluate(slice(5 * a, 5 * a + 2), slice(5 * b + 2, 5 * b + 5), np.inf)
        for mode, expected in zip(found, each, strict=True):
            np.testing.assert_allclose(mode.strength[a, b], expected.strength, rtol=0, atol=3e-4 * total.max())
        np.testing.assert_allclose(total[a, b], sum(x.strength for x in each), rtol=0, atol=1e-5 * total.max())
    rng = np.random.default_rng(6)
    turn = np.linalg.qr(rng.normal(size=(5, n, n)) + 1j * rng.normal(size=(5, n, n)))[0]
    turned = replace(whole, vectors=turn @ whole.vectors, covariant=turn[:, None] @ whole.covariant)
    basis = hermitian_basis(n)
    there = np.einsum("aij,sjk,bkl,sil->sab", basis, turn.conj(), basis, turn, optimize=True).real
    other = exact(turned).group_matrices(rows, columns, np.inf)
    expected = np.einsum("pab,qcd,bdpq->acpq", there[rows], there[columns], total, optimize=True)
    np.testing.assert_allclose(sum(c.strength for c in other), expected, atol=1e-5 * total.max())
    shift = sum(c.shift for c in found)
    size = max(np.abs(shift).max(), total.max())  # of all bands of one atom the members are no functions of k
    for way, index, part in ((0, "pab,xbpq->xapq", rows), (1, "qab,xbpq->xapq", columns)):
        expected = np.einsum(index, there[part], shift[way], optimize=True)
        np.testing.assert_allclose(sum(c.shift for c in other)[way], expected, atol=1e-5 * size)


def test_traces_of_matrices_of_groups():
    """Of groups of different sizes, and within one set of states."""
    data = Toy().data()
    k, bands, _ = random_states(data, 8)
    gaps = np.diff(np.linalg.eigvalsh(data.electrons.hamiltonian(k @ data.reciprocal_cell)))
    states = solve_states(data.electrons, k @ data.reciprocal_cell, bands, degeneracy=float(np.median(gaps)))
    m, count = states.vectors.shape[1], states.multiplicity
    assert len(set(count)) > 1
    for images, columns in (("hermitian", slice(3, 8)), ("file", slice(0, 3))):
        source, rows = prepared(data, states, images), slice(0, 3)
        pairs = np.outer(count[rows], count[columns])
        matrices, numbers = (f(rows, columns, np.inf) for f in (source.group_matrices, source.evaluate))
        for one, other in zip(matrices, numbers, strict=True):
            size = np.abs(other.strength * pairs).max(), np.abs(other.shift * pairs).max()
            np.testing.assert_allclose(
                one.strength[:m, :m].sum(axis=(0, 1)), other.strength * pairs, atol=1e-5 * size[0]
            )
            np.testing.assert_allclose(one.shift[0, :, :m].sum(axis=1), other.shift * pairs, atol=1e-4 * size[1])
            np.testing.assert_allclose(one.shift[1, :, :m].sum(axis=1), -other.shift * pairs, atol=1e-4 * size[1])
            np.testing.assert_array_equal(one.z, other.z)


def test_exchange_of_the_two_states():
    data = Toy().from_meshes()
    _, _, states = random_states(data, 9)
    source = prepared(data, states)
    there = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    back = source.evaluate(slice(4, 9), slice(0, 4), np.inf)
    for a, b in zip(there, back, strict=True):
        np.testing.assert_allclose(a.strength, b.strength.T, rtol=1e-4, atol=1e-6 * a.strength.max())
        np.testing.assert_allclose(a.shift, -b.shift.swapaxes(1, 2), atol=1e-5 * np.abs(a.shift).max())
        np.testing.assert_allclose(a.z, b.z.T, rtol=1e-5)


@pytest.mark.parametrize("long_range", [False, True])
def test_pairs_of_two_sets(long_range):
    """Are those of one set with both."""
    toy = Toy()
    data = replace(toy.data(), phonons=polar(toy)) if long_range else toy.data()
    _, _, states = random_states(data, 9)
    first, second = states[:4], states[4:]
    source = prepared(data, states)
    whole = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    there = source.crossed(first, second).evaluate(slice(0, 4), slice(0, 5), np.inf)
    back = source.crossed(second, first).evaluate(slice(0, 5), slice(0, 4), np.inf)
    for c, a, b in zip(whole, there, back, strict=True):
        np.testing.assert_allclose(a.strength, c.strength, rtol=1e-4, atol=1e-6 * c.strength.max())
        np.testing.assert_allclose(a.shift, c.shift, atol=1e-4 * np.abs(c.shift).max())
        np.testing.assert_allclose(-b.shift.swapaxes(1, 2), c.shift, atol=1e-4 * np.abs(c.shift).max())
        np.testing.assert_allclose(a.z, c.z, rtol=1e-6)


def test_sources_for_other_states_are_their_own():
    data = Toy().from_meshes()
    _, _, states = random_states(data, 9)
    source = prepared(data, states)
    before = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    part = source.prepared(states[2:7])
    found = part.evaluate(slice(0, 2), slice(2, 5), np.inf)
    after = source.evaluate(slice(0, 4), slice(4, 9), np.inf)
    for a, b, c in zip(before, found, after, strict=True):
        np.testing.assert_allclose(b.strength, a.strength[2:4, :3], rtol=1e-3, atol=1e-5 * a.strength.max())
        np.testing.assert_array_equal(a.strength, c.strength)


def test_channels_beyond_the_cutoff_are_left_out():
    data = Toy().from_meshes()
    _, _, states = random_states(data, 9)
    source = prepared(data, states)
    lowest = [c.z.min() for c in source.evaluate(slice(0, 4), slice(4, 9), np.inf)]
    cut = 0.5 * (lowest[2] + lowest[3])
    assert len(source.evaluate(slice(0, 4), slice(4, 9), cut)) == 3


def test_range_of_energies_and_momenta():
    data = Toy().data()
    source = ElectronPhononPairs(data, "hermitian")
    q = np.random.default_rng(0).random((400, 3)) - 0.5
    omega = data.phonon_energies(q)
    assert omega.max() <= source.z_max(1.0) < 1.1 * omega.max()
    assert source.z_max(1e-9) == pytest.approx(source.sound_velocity() * 1e-9)
    cut = 0.3 * omega.max()
    folded = MomentumTransfer(data.reciprocal_cell, 3).first_zone(q @ data.reciprocal_cell)
    assert np.linalg.norm(folded, axis=1)[omega.min(axis=1) <= cut].max() <= source.q_cut(cut)
    assert source.q_cut(cut) < np.linalg.norm(folded, axis=1).max()


# --- what is excluded ---------------------------------------------------------------------------------------------


def test_imaginary_modes_are_excluded_and_reported():
    data = ferromagnet()
    constants = np.array(data.phonons.force_constants)
    home = np.flatnonzero(~data.phonons.vectors.any(axis=1))[0]
    constants[home] -= 0.5 * np.linalg.eigvalsh(constants[home])[0] * np.eye(3) + np.diag([8.0, 0, 0])
    soft = replace(data, phonons=replace(data.phonons, force_constants=constants))
    result = transport(soft, [ElectronPhononScatterer(soft)], spacing=1.6)
    assert np.all(np.isfinite(result.boltzmann)) and np.trace(result.boltzmann[0]) > 0
    source = prepared(soft, random_states(soft, 20)[2])
    source.evaluate(slice(0, 10), slice(10, 20), np.inf)
    assert "imaginary" in source.warnings()[0]


def line_of_states(data, steps):
    """States at distances `steps` from a first one, 1/angstrom, and one far away."""
    steps = np.array([0, *steps])
    k = np.array([0.1, 0.2, 0.3]) + steps[:, None] * np.array([0.48, 0.6, 0.64])
    return solve_states(data.electrons, k, np.zeros(len(k), dtype=int))


def rates(source, kt=0.02):
    """Strength times kernel between the first state and all others, summed over modes."""
    z_max = source.z_max(3.0)
    kernel = Kernel(source.branches, energy_basis(1, even=True), kt, z_max, z_floor=source.z_max(1e-8))
    count = len(source._vertices.states)
    total = 0.0
    for c in source.evaluate(slice(0, 1), slice(0, count), np.inf):
        assert c.strength[0, 0] == 0 and not c.shift[:, 0, 0].any()
        total = total + c.strength[0] * kernel.tables()[0][0, 0][level_of(c.z[0], z_max)]
    return total


def test_rates_of_neighbours_do_not_depend_on_their_distance():
    """|V|^2/omega times kT/omega for V ~ q, and nothing for q = 0."""
    data = cubic(acoustic=True)
    total = rates(prepared(data, line_of_states(data, [1e-3, 2e-3, 1e-2])))
    np.testing.assert_allclose(total[1:], total[3], rtol=1e-2)


def test_rates_inside_a_patch_are_held():
    """A coupling that does not vanish for a rigid shift: 1/q^2 down to a quarter of the spacing, no more below."""
    data = cubic(acoustic=True)
    values = data.file_coupling.values.copy()
    values[0] += 0.1 * np.eye(1)
    data = replace(data, file_coupling=Coupling(data.file_coupling.re_vectors, data.file_coupling.rp_vectors, values))
    spaced = 0.01 * np.arange(1, 12)
    total = rates(prepared(data, line_of_states(data, [1e-5, 1e-4, *spaced])))
    np.testing.assert_allclose(total[1], total[2], rtol=1e-2)
    edge = rates(prepared(data, line_of_states(data, [0.25 * 0.01, *spaced])))[1]
    np.testing.assert_allclose(total[1], edge, rtol=0.2)
    assert edge > 2 * total[3]


# --- models it must reproduce -------------------------------------------------------------------------------------

SIDE, MASS, POTENTIAL = 3.0, 40000.0, 2.0  # angstrom, electron masses, eV (or eV/angstrom for optical phonons)


def cubic(*, acoustic: bool, electrons=None) -> ElectronPhonon:
    """Simple cubic crystal, one atom: V_c = i D sin(q_c a)/a, or the constant D, times one.

    Phonons: springs that make three degenerate branches ``omega^2 = c^2 sum (2 - 2 cos q_i a)/a^2``, or Einstein's.
    """
    cells = np.array([(0, 0, 0), *np.eye(3, dtype=int), *-np.eye(3, dtype=int)])
    electrons = electrons or LatticeModel(
        SIDE * np.eye(3), cells, np.array([0.0] + [-1.0] * 6)[:, None, None], None, None
    )
    n = electrons.n_orbitals
    values = np.zeros((7, 3, 1, n, n), dtype=complex)
    constants = np.zeros((7, 3, 3))
    if acoustic:
        for axis in range(3):
            values[1 + axis, axis, 0] = POTENTIAL / (2 * SIDE) * np.eye(n)
            values[4 + axis, axis, 0] = -POTENTIAL / (2 * SIDE) * np.eye(n)
        constants[:] = -0.5 * np.eye(3)
        constants[0] = 3.0 * np.eye(3)
    else:
        values[0] = POTENTIAL * np.eye(n)
        constants[0] = 6.0 * np.eye(3)
    masses = np.array([MASS])
    return ElectronPhonon(
        electrons,
        Phonons(electrons.cell, np.zeros((1, 3)), masses, cells, constants),
        Coupling(np.zeros((1, 3), dtype=int), cells, values),
        Atoms(("X",), np.zeros((1, 3)), masses),
        np.zeros((n, 3)),
        (3, 3, 3),
        (3, 3, 3),
        source="cubic",
    )


def transport(data, scatterers, level=0.3, temperatures=(300.0,), **options):
    chosen = {"levels": 0, "energy_nodes": 1, "geometry": "shared", "spacing": 0.5, **options}
    return run_transport(
        data.electrons,
        scatterers,
        chemical_potential=level,
        temperatures=temperatures,
        settings=TransportSettings(**chosen),
    )


@pytest.mark.parametrize("geometry, nodes", [("shared", 1), ("own", 3)])
def test_einstein_phonons_are_a_model_scatterer(geometry, nodes):
    """One energy, a constant potential: rates, distribution and side jump of a ferromagnet as the model gives them."""
    data = cubic(acoustic=False, electrons=ferromagnet().electrons)
    omega = float(data.phonon_energies(np.zeros((1, 3)))[0, 0])
    volume = SIDE**3
    square = 3 * POTENTIAL**2 * HBAR2_OVER_2M / (MASS * omega) * volume
    scatterer = ElectronPhononScatterer(data, images="file")
    branch = Branch(lambda q: square + 0 * q, lambda q: omega + 0 * q)
    model = Scatterer("optical", 3, (branch,), sound_velocity=scatterer.sound_velocity)  # that sets the shell
    options = {"geometry": geometry, "energy_nodes": nodes, "spacing": 1.6}
    found = transport(data, [scatterer], **options)
    expected = transport(data, [model], **options)
    np.testing.assert_allclose(found.boltzmann, expected.boltzmann, rtol=0, atol=2e-4 * expected.boltzmann.max())
    jump = np.abs(expected.side_jump_velocity).max()
    assert jump > 0
    np.testing.assert_allclose(found.side_jump_velocity, expected.side_jump_velocity, atol=2e-3 * jump)
    assert found.report["conservation_error"] < 1e-5 and found.report["onsager_error"] < 1e-3


def test_surfaces_have_the_points_that_a_model_scatterer_has():
    """Whatever pairs cost: with fewer splits and fewer points a patch replicas of iron spread ten times as much."""
    data = cubic(acoustic=False, electrons=ferromagnet().electrons)
    scatterer = ElectronPhononScatterer(data, images="file")
    branch = Branch(lambda q: 1 + 0 * q, lambda q: 0.03 + 0 * q)
    model = Scatterer("optical", 3, (branch,), sound_velocity=scatterer.sound_velocity)
    problems = [Problem(data.electrons, [s], 0.3, TransportSettings(accuracy=0.3)) for s in (scatterer, model)]
    points = []
    for p in problems:
        assert p.operations is not None and len(p.operations) == 8
        base = p.spacings.base
        shells = p.solved_shell(p.mu, base), p.window_shell(p.mu), p.fine_shell(p.mu, base, fewer=1)
        points.append([p.levels(base), *map(len, shells)])
    assert points[0] == points[1]


def test_heat_of_einstein_phonons_is_that_of_a_model_scatterer():
    """Events of 34 meV at 200 K: currents, heat, and the Lorenz ratio that they lower."""
    data = cubic(acoustic=False)
    omega = float(data.phonon_energies(np.zeros((1, 3)))[0, 0])
    square = 3 * POTENTIAL**2 * HBAR2_OVER_2M / (MASS * omega) * SIDE**3
    scatterer = ElectronPhononScatterer(data, images="file")
    branch = Branch(lambda q: square + 0 * q, lambda q: omega + 0 * q)
    model = Scatterer("optical", 3, (branch,), sound_velocity=scatterer.sound_velocity)  # that sets the shell
    options = {"geometry": "own", "energy_nodes": 3, "levels": 0, "spacing": 0.5, "accuracy": 0.3}
    asked = {"chemical_potential": -5.0, "temperatures": [200.0], "heat": True, "tolerance": 0.5} | options
    found, expected = (sj.anomalous_hall(data.electrons, s, **asked) for s in (scatterer, model))
    for name in ("sigma_boltzmann", "thermoelectric_boltzmann", "thermal_boltzmann", "thermal_conductivity"):
        largest = np.abs(expected[name].values).max()
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=1e-5 * largest)
    np.testing.assert_allclose(found.lorenz_ratio, expected.lorenz_ratio, rtol=1e-5)
    assert found.lorenz_ratio.item() < 0.8


def test_acoustic_phonons_are_a_model_scatterer():
    """A small pocket at the bottom of a band, where the lattice is not felt: deformation potential, T to T^5."""
    data = cubic(acoustic=True)
    level = -6 + 0.04  # k_F a = 0.2
    omega = data.phonon_energies(np.array([[1e-3, 0, 0]]))[0, 0]
    sound = omega / (1e-3 * 2 * np.pi / SIDE)
    scatterer = ElectronPhononScatterer(data, images="file")
    assert scatterer.sound_velocity == pytest.approx(sound, rel=1e-2)
    square = POTENTIAL**2 * HBAR2_OVER_2M / MASS * SIDE**3
    model = Scatterer("acoustic", 3, (Branch(lambda q: square * q / sound, lambda q: sound * q),), sound_velocity=sound)
    temperatures = (300.0, 30.0, 3.0)
    options = {"level": level, "temperatures": temperatures, "spacing": 0.02}
    found = transport(data, [scatterer], **options)
    expected = transport(data, [model], **options)
    np.testing.assert_allclose(
        np.trace(found.boltzmann, axis1=1, axis2=2), np.trace(expected.boltzmann, axis1=1, axis2=2), rtol=0.02
    )


# --- symmetry -----------------------------------------------------------------------------------------------------


def ferromagnet() -> ElectronPhonon:
    """Simple cubic crystal of one atom with inversion (even orbitals) and without time reversal, no other symmetry."""
    rng = np.random.default_rng(4)
    cells = np.array([(0, 0, 0), *np.eye(3, dtype=int), *-np.eye(3, dtype=int)])
    n = 2

    def hermitian():
        x = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
        return 0.5 * (x + x.conj().T)

    bonds = [hermitian() for _ in range(3)]
    hoppings = np.array([hermitian(), *bonds, *bonds])
    electrons = LatticeModel(SIDE * np.eye(3), cells, hoppings, None, None)
    values = np.zeros((7, 3, 1, n, n), dtype=complex)
    for axis in range(3):  # odd under inversion: <m 0|dV_R|n 0>
        for c in range(3):
            values[1 + axis, c, 0] = hermitian()
            values[4 + axis, c, 0] = -values[1 + axis, c, 0]
    constants = np.zeros((7, 3, 3))
    constants[1:] = -0.5 * np.eye(3) - 0.2 * np.array([np.diag(np.eye(3)[i % 3]) for i in range(6)])
    constants[0] = -constants[1:].sum(axis=0)
    masses = np.array([MASS])
    return ElectronPhonon(
        electrons,
        Phonons(electrons.cell, np.zeros((1, 3)), masses, cells, constants),
        Coupling(np.zeros((1, 3), dtype=int), cells, values),
        Atoms(("X",), np.zeros((1, 3)), masses),
        np.zeros((n, 3)),
        (3, 3, 3),
        (3, 3, 3),
        source="ferromagnet",
    )


def reversed_in_time(data):
    """Every matrix in real space replaced by its complex conjugate."""
    old, coupling = data.electrons, data.file_coupling
    model = LatticeModel(old.cell, old.vectors, old.hoppings.conj(), None, old.site_positions)
    reverse = Coupling(coupling.re_vectors, coupling.rp_vectors, coupling.values.conj())
    return replace(data, electrons=model, file_coupling=reverse, _cache={})


def kramers(data):
    """The crystal and its time-reversed copy side by side."""
    other, n = reversed_in_time(data), data.electrons.n_orbitals

    def both(x, y):
        result = np.zeros((*x.shape[:-2], 2 * n, 2 * n), dtype=complex)
        result[..., :n, :n], result[..., n:, n:] = x, y
        return result

    old, coupling = data.electrons, data.file_coupling
    model = LatticeModel(
        old.cell,
        old.vectors,
        both(old.hoppings, other.electrons.hoppings),
        None,
        np.concatenate([old.site_positions] * 2),
    )
    values = both(coupling.values, other.file_coupling.values)
    return replace(
        data,
        electrons=model,
        file_coupling=Coupling(coupling.re_vectors, coupling.rp_vectors, values),
        wannier_centres=np.concatenate([data.wannier_centres] * 2),
        _cache={},
    )


def test_time_reversal():
    """It turns the side jump round; a crystal of Kramers pairs has no Hall part, and the conductivity of two copies."""
    data = ferromagnet()
    one, other, pairs = (
        transport(d, [ElectronPhononScatterer(d)], spacing=1.2) for d in (data, reversed_in_time(data), kramers(data))
    )
    jump = np.abs(one.side_jump_velocity).max()
    size = one.boltzmann.max()
    assert jump > 1e-4 * size
    np.testing.assert_allclose(other.side_jump_velocity, -one.side_jump_velocity, atol=1e-3 * jump)
    np.testing.assert_allclose(other.boltzmann, one.boltzmann, atol=1e-3 * size)
    np.testing.assert_allclose(pairs.boltzmann, 2 * one.boltzmann, atol=2e-3 * size)
    model = Scatterer("optical", 3, (Branch(lambda q: 0.01 + 0 * q, lambda q: 0.03 + 0 * q),))
    one, pairs = (transport(d, [model], spacing=1.2) for d in (data, kramers(data)))
    np.testing.assert_allclose(pairs.boltzmann, 2 * one.boltzmann, rtol=1e-4, atol=1e-4 * one.boltzmann.max())
    assert np.abs(pairs.side_jump_velocity).max() < 1e-4 * jump
    assert np.abs(pairs.side_jump_distribution).max() < 1e-4 * jump


def test_lead_has_no_hall_part():
    """Kramers pairs of a real crystal, groups: every component of the side jump below 1e-6 of the conductivity.

    The Wannier functions of the files keep time reversal but not inversion, so that pairs split by up to 70 meV: they
    are taken as groups, and the points come in pairs k, -k.
    """
    folder = DATA / "lead_epw"
    if not folder.exists():
        pytest.skip(f"{folder} is missing: set SIDEJUMP_DATA to the folder that holds lead_epw")
    data = read_epw(folder)
    model, level = data.electrons, data.fermi_energy
    start = (np.random.default_rng(0).random((1000, 3)) - 0.5) @ data.reciprocal_cell
    band = np.repeat([2, 4], 500)  # lower members of the pairs at the Fermi energy
    k, velocity, error = move_onto(model, start, band, level, largest_step=0.1, iterations=20)
    speed = np.linalg.norm(velocity, axis=1)
    good = np.flatnonzero((error < 1e-10) & (speed > 0.3 * np.median(speed)))[::3]
    k, weight, band = np.concatenate([k[good], -k[good]]), np.tile(1 / speed[good], 2), np.tile(band[good], 2)
    density = 0.016  # of states, 1/(eV angstrom^3)
    shell = Shell(level, k, band, density / weight.sum() * weight, np.full(len(k), 0.05), band // 4)
    scatterer = ElectronPhononScatterer(data, tolerance=0.0)
    problem = Problem(model, [scatterer], level, TransportSettings(levels=0, degeneracy=0.1))
    response, _ = SharedShell(problem, shell, KB * 300).solve(KB * 300, 1)
    size = np.diag(response.boltzmann)
    assert size.min() > 0.5 * size.max()
    assert np.abs(response.side_jump_velocity).max() < 1e-6 * size.min()
    assert np.abs(response.side_jump_distribution).max() < 1e-6 * size.min()
    assert np.abs(response.boltzmann - response.boltzmann.T).max() < 1e-6 * size.min()
    source = prepared(data, solve_states(model, k[:40], band[:40], degeneracy=0.1))
    source.evaluate(slice(0, 20), slice(20, 40), np.inf)
    assert "imaginary" in source.warnings()[0]


def test_electrons_of_another_crystal_are_refused():
    data = cubic(acoustic=True)
    with pytest.raises(InputError, match="use the electrons of the same files"):
        transport(ferromagnet(), [ElectronPhononScatterer(data)])


def test_polar_coupling_on_one_shell_is_that_at_q():
    """Quasi-elastic: |g|^2 at the momentum transfer, as for model scatterers; between shells Q^2 takes its place."""
    toy = Toy()
    data = replace(toy.data(), phonons=polar(toy))
    k, bands, states = random_states(data, 9)
    volume = abs(np.linalg.det(data.cell))
    expected = np.zeros((data.phonons.n_modes, 4, 5))
    for i, j in itertools.product(range(4), range(5)):
        expected[:, i, j] = volume * np.abs(data.coupling(k[i], k[j + 4] - k[i])[0, bands[j + 4], bands[i]].T) ** 2
    differences = []
    for energy in (np.zeros(9), states.energy):
        source = prepared(data, replace(states, energy=energy))
        found = np.array([c.strength for c in source.evaluate(slice(0, 4), slice(4, 9), np.inf)])
        differences.append(np.abs(found - expected)[3:].max() / expected.max())
    assert differences[0] < 1e-3 < differences[1]
