"""Symmetry restored exactly, and nothing else changed."""

import itertools
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from helpers_symmetric import CASES, CUBE, DIAMOND, MAGNET, REVERSAL, Hidden, noise
from sidejump.app import build, config
from sidejump.app.run import prepare
from sidejump.bands.base import PAULI
from sidejump.errors import InputError
from sidejump.formats.win import read_win
from sidejump.groups.magnetic_group import magnetic_operations, symmetric_cell
from sidejump.groups.projections import parse_projections
from sidejump.groups.representation import atomic_orbitals, harmonic_rotation, harmonics, spin_rotation
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.symmetrize.electrons import infer_mesh
from sidejump.symmetrize.gauge import mesh_actions
from sidejump.symmetrize.symmetrized import symmetrized
from sidejump.wannier.container import mesh_points

IRON = Path(__file__).parent.parent / "data" / "iron" / "Fe_tb.dat.gz"
IRON_PROJECTIONS = "Fe:sp3d2;dxy;dxz;dyz"
EXACT = 1e-10


def rotations(seed=0, n=3):
    rng = np.random.default_rng(seed)
    turns = np.linalg.qr(rng.normal(size=(n, 3, 3)))[0]
    return [*turns, -turns[0], np.eye(3), -np.eye(3)]


# ---- representation


@pytest.mark.parametrize("s", rotations())
def test_harmonics_turn_as_functions(s):
    points = np.random.default_rng(3).normal(size=(7, 3))
    turn = harmonic_rotation(s)
    np.testing.assert_allclose(harmonics(points @ s), harmonics(points) @ turn, atol=1e-12)  # f(S^-1 r)
    np.testing.assert_allclose(turn @ turn.T, np.eye(16), atol=1e-12)


def test_harmonics_are_orthonormal_and_named_in_order():
    points = np.random.default_rng(0).normal(size=(400000, 3))
    y = harmonics(points)
    np.testing.assert_allclose(y.T @ y / len(points), np.eye(16), atol=0.02)
    x = harmonics([[1.0, 0, 0], [0, 0, 1.0], [1.0, 1, 0]])
    assert x[0, 2] == pytest.approx(3**0.5) and x[1, 1] == pytest.approx(3**0.5)  # px, pz
    assert x[2, 8] > 1 and abs(x[2, 7]) < 1e-12  # dxy, dx2-y2


@pytest.mark.parametrize("s", rotations(5))
def test_spin_is_an_axial_vector(s):
    u = spin_rotation(s)
    turned = np.einsum("ij,ajk,lk->ail", u, PAULI, u.conj())
    # u (a.sigma) u^+ = (S_axial a).sigma
    axial = np.linalg.det(s) * s
    np.testing.assert_allclose(turned, np.einsum("ba,bij->aij", axial, PAULI), atol=1e-12)


@pytest.mark.parametrize("name, size", [("sp", 2), ("sp2", 3), ("sp3", 4), ("sp3d", 5), ("sp3d2", 6), ("f", 7)])
def test_hybrids_are_orthonormal(name, size):
    (entry,) = parse_projections(f"X:{name}")
    assert entry.rows.shape == (size, 16)
    np.testing.assert_allclose(entry.rows @ entry.rows.T, np.eye(size), atol=1e-12)


def test_hybrids_point_where_they_are_named():
    (entry,) = parse_projections("Fe:sp3d2;dxy;dxz;dyz")
    axes = np.concatenate([np.stack([-e, e]) for e in np.eye(3)])
    np.testing.assert_array_equal(np.argmax(entry.rows[:6] @ harmonics(axes).T, axis=1), np.arange(6))
    assert [int(np.flatnonzero(r)[0]) for r in entry.rows[6:]] == [5, 6, 8]  # dxz, dyz, dxy


def test_projections_written_in_other_ways():
    for one, other in (("A:p", "A:pz;px;py"), ("A:dxy", "A:l=2,mr=5"), ("A:sp3", "A:l=-3"), ("A:s:r=2", " a : s ")):
        np.testing.assert_array_equal(parse_projections(one)[0].rows, parse_projections(other)[0].rows)
    two = parse_projections("A:s | f=0.25,0.25,0.25:p\n")
    assert two[1].site == ("f", 0.25, 0.25, 0.25)
    # a local axis: pz along x is px
    (turned,) = parse_projections("A:pz:z=1,0,0")
    np.testing.assert_allclose(turned.frame[:, 2], [1, 0, 0])
    assert np.linalg.det(turned.frame) == pytest.approx(1)


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "no entry"),
        ("Fe", "not understood"),
        ("Fe:g", 'called "g"'),
        ("random", "not understood"),
        ("f=0,0:s", "three numbers"),
        ("Fe:s:u=1", "not covered"),
        ("Fe:pz:z=0,0,1:x=0,0,1", "right angles"),
    ],
)
def test_projections_that_are_wrong(text, words):
    with pytest.raises(InputError, match=words):
        parse_projections(text)


@pytest.mark.parametrize("name", CASES)
def test_matrices_are_a_representation(name):
    hidden = Hidden(CASES[name], mesh=(2, 2, 2))
    orbitals, operations = hidden.crystal.orbitals, hidden.crystal.operations
    key = {(o.rotation.tobytes(), o.antiunitary): o for o in operations}
    for a, b in itertools.product(operations[::5], operations[::7]):
        product = key[((a.rotation @ b.rotation).tobytes(), a.antiunitary != b.antiunitary)]
        left, right = orbitals.matrix(a), orbitals.matrix(b)
        found = left @ (right.conj() if a.antiunitary else right)
        wanted = orbitals.matrix(product)
        assert min(np.abs(found - wanted).max(), np.abs(found + wanted).max()) < EXACT


def test_group_of_a_magnetised_cube():
    assert len(magnetic_operations(CUBE, np.zeros((1, 3)), [1], [0, 0, 1.0])) == 16
    assert len(magnetic_operations(CUBE, np.zeros((1, 3)), [1], [1.0, 1, 1])) == 12
    assert len(magnetic_operations(CUBE, np.zeros((1, 3)), [1])) == 96
    rounded = CUBE + 1e-5 * np.random.default_rng(0).normal(size=(3, 3))
    exact = symmetric_cell(rounded, magnetic_operations(rounded, np.zeros((1, 3)), [1]))
    metric = exact @ exact.T
    np.testing.assert_allclose(metric, metric[0, 0] * np.eye(3), atol=1e-12)
    assert np.abs(exact - rounded).max() < 1e-4


# ---- models


def images(crystal, k):
    return [o.wave_vectors(k) for o in crystal.operations]


def energies(model, k):
    return np.linalg.eigvalsh(model.hamiltonian(k @ model.reciprocal_cell))


def curvature(model, k, level):
    """Berry curvature below `level`, (nk, 3), a = (y, z), (z, x), (x, y)."""
    e, u = np.linalg.eigh(model.hamiltonian(k @ model.reciprocal_cell))
    left = u.conj().swapaxes(1, 2)[:, None]
    gap = e[:, :, None] - e[:, None, :]
    v = left @ model.hamiltonian_gradient(k @ model.reciprocal_cell) @ u[:, None]
    v = v + 1j * gap[:, None] * (left @ model.position_matrix(k @ model.reciprocal_cell) @ u[:, None])
    across = (e[:, :, None] < level) & (e[:, None, :] > level)
    weight = across / np.where(across, gap, 1) ** 2
    parts = [
        np.sum(weight * np.imag(v[:, a] * v[:, b].swapaxes(1, 2)), axis=(1, 2)) for a, b in ((1, 2), (2, 0), (0, 1))
    ]
    return -2 * np.stack(parts, axis=1)


@pytest.mark.parametrize("name", CASES)
def test_hidden_symmetry_is_found(name):
    case = CASES[name]
    hidden = Hidden(case)
    new, report = symmetrized(
        hidden.model, projections=case.projections, magnetisation=case.magnetisation, atoms=case.listed()
    )
    k = np.random.default_rng(1).random((6, 3))
    before = max(np.abs(energies(hidden.model, x) - energies(hidden.model, k)).max() for x in images(hidden.crystal, k))
    after = max(np.abs(energies(new, x) - energies(new, k)).max() for x in images(hidden.crystal, k))
    assert before > 1e-3 and after < EXACT
    on_mesh = mesh_points(hidden.mesh)
    np.testing.assert_allclose(energies(new, on_mesh), energies(hidden.model, on_mesh), atol=1e-9)
    assert report["energy_change_rms_eV"] < 1e-9
    assert report["k_mesh"] == [4, 4, 4]
    assert len(report["symmetry_operations"]) == len(hidden.crystal.operations)


@pytest.mark.parametrize("name", CASES)
def test_curvature_is_an_axial_vector(name):
    case = CASES[name]
    hidden = Hidden(case)
    new, _ = symmetrized(
        hidden.model, projections=case.projections, magnetisation=case.magnetisation, atoms=case.listed()
    )
    k = np.random.default_rng(2).random((5, 3))
    level = float(np.median(energies(new, k)))
    own, seen = curvature(new, k, level), curvature(hidden.model, k, level)
    scale, missed = 0.0, 0.0
    for o in hidden.crystal.operations:
        # odd under time reversal
        turned = own @ (np.linalg.det(o.cartesian) * o.cartesian).T * (-1 if o.antiunitary else 1)
        other = curvature(new, o.wave_vectors(k), level)
        scale = max(scale, np.abs(seen).max())
        missed = max(missed, np.abs(other - turned).max())
    assert missed < 1e-9 * scale


def test_position_matrix_on_the_mesh_keeps_its_velocities():
    # diagonal elements of i[H, r] + dH/dk are gauge invariant: off-diagonal moduli compared instead
    hidden = Hidden(MAGNET, size=0.05)
    new, _ = symmetrized(hidden.model, projections="X:s;p", magnetisation=(0, 0, 1.0))
    k = mesh_points(hidden.mesh)

    def dipoles(model):
        wave = k @ model.reciprocal_cell
        e, u = np.linalg.eigh(model.hamiltonian(wave))
        left = u.conj().swapaxes(1, 2)[:, None]
        gap = e[:, :, None] - e[:, None, :]
        v = left @ model.hamiltonian_gradient(wave) @ u[:, None]
        return np.abs(v + 1j * gap[:, None] * (left @ model.position_matrix(wave) @ u[:, None]))

    old = dipoles(hidden.model)
    assert np.sqrt(np.mean((dipoles(new) - old) ** 2)) < 0.05 * np.sqrt(np.mean(old**2))


def test_a_crystal_less_symmetric_than_its_lattice_is_reported():
    hidden = Hidden(MAGNET, disorder=0.02)
    new, report = symmetrized(hidden.model, projections="X:s;p", magnetisation=(0, 0, 1.0), energy=0.0)
    assert 0.005 < report["energy_change_rms_eV"] < 0.1
    k = np.random.default_rng(1).random((4, 3))
    assert max(np.abs(energies(new, x) - energies(new, k)).max() for x in images(hidden.crystal, k)) < EXACT


def test_meshes_are_told_by_their_vectors():
    for mesh in ((2, 2, 2), (3, 3, 3), (4, 4, 4), (3, 3, 2)):
        case = replace(MAGNET, cell=CUBE if mesh[0] == mesh[2] else np.diag([3.0, 3.0, 4.1]))
        assert infer_mesh(Hidden(case, mesh=mesh).model) == mesh


# ---- electrons and phonons


@pytest.mark.parametrize("case", [MAGNET, DIAMOND], ids=["magnet", "diamond"])
def test_coupling_and_phonons(case):
    hidden = Hidden(case, mesh=(2, 2, 2), size=0.1)
    data = hidden.data()
    new, report = symmetrized(data, projections=case.projections, magnetisation=case.magnetisation)
    rng = np.random.default_rng(4)
    k, q = rng.random((3, 3)), rng.random((3, 3))

    def total(d, k, q):
        # |g|^2 of all bands below the largest gap, for every mode: sums over degenerate states
        return np.sum(np.abs(d.coupling(k, q)) ** 2, axis=3)

    def resolved(d, k, q):
        return np.sum(total(d, k, q), axis=(1, 2)), d.phonon_energies(q), d.energies(k)

    own = resolved(new, k, q)
    worst = np.zeros(3)
    for o in hidden.crystal.operations:
        other = resolved(new, o.wave_vectors(k), o.wave_vectors(q))
        worst = np.maximum(worst, [np.abs(a - b).max() / np.abs(a).max() for a, b in zip(own, other, strict=True)])
    assert worst.max() < EXACT
    assert new.hermiticity_violation(k, q) < 1e-12
    points = np.array(list(itertools.product(mesh_points((2, 2, 2)), mesh_points((2, 2, 2)))))
    old = np.sort(total(data, points[:, 0], points[:, 1]).reshape(len(points), -1), axis=1)
    found = np.sort(total(new, points[:, 0], points[:, 1]).reshape(len(points), -1), axis=1)
    assert np.sqrt(np.mean((old.sum(1) - found.sum(1)) ** 2)) < 1e-2 * np.sqrt(np.mean(old.sum(1) ** 2))
    assert report["coupling_change"] < 1e-2
    assert new.checks["symmetrize_coupling_change"] == report["coupling_change"]
    with pytest.raises(InputError, match=r'images = "file".* was symmetrised'):
        ElectronPhononScatterer(new, images="file")
    assert ElectronPhononScatterer(data, images="file").images == "file"
    np.testing.assert_allclose(
        new.phonon_energies(mesh_points((2, 2, 2))), data.phonon_energies(mesh_points((2, 2, 2))), atol=1e-9
    )


def test_coupling_that_breaks_the_symmetry_warns():
    hidden = Hidden(MAGNET, mesh=(2, 2, 2), size=0.1)
    data = hidden.data()
    values = data.file_coupling.values
    rough = noise(np.random.default_rng(0), *values.shape) * np.sqrt(np.mean(np.abs(values) ** 2))
    data = replace(data, file_coupling=replace(data.file_coupling, values=values + rough), _cache={})
    new, report = symmetrized(data, projections="X:s;p", magnetisation=(0, 0, 1.0))
    assert report["coupling_change"] > 0.05
    assert any("changed the coupling" in w for w in new.warnings)


# ---- what cannot be used


@pytest.mark.parametrize(
    "projections, words",
    [
        ("X:s", "make 1 functions"),
        ("X:s;py;dxy;dz2", "do not transform among themselves"),
        ("X:pz;px;py | X:s", "do not transform like these orbitals"),  # s and p swapped
    ],
)
def test_projections_that_do_not_fit(projections, words):
    hidden = Hidden(replace(REVERSAL, magnetisation=(0, 0, 1.0)))
    with pytest.raises(InputError, match=words):
        symmetrized(hidden.model, projections=projections, magnetisation=(0, 0, 1.0))


def test_other_inputs_that_are_refused():
    hidden = Hidden(DIAMOND)
    with pytest.raises(InputError, match="no atom is called"):
        symmetrized(hidden.model, projections="Si:sp3", atoms=DIAMOND.listed())
    with pytest.raises(InputError, match="has not the symmetry"):
        symmetrized(
            hidden.model, projections="C:sp3", atoms=DIAMOND.listed(), k_mesh=(4, 4, 3), magnetisation=(0, 0, 0)
        )
    with pytest.raises(InputError, match="no model of Wannier"):
        symmetrized(sj.MassiveDirac(mass=0.1, velocity=3.0), projections="C:s")


# ---- iron


def test_iron():
    model = sj.read_wannier90(IRON, spin_ordering="interleaved")
    new, report = symmetrized(model, projections=IRON_PROJECTIONS, magnetisation=[0, 0, 1], energy=17.2745)
    after = sj.symmetry_report(new, [0, 0, 1], energy=17.2745, n_samples=6)
    assert report["violation_before_near_energy_rms_eV"] > 0.02
    assert after["point_group_violation_eV"] < 1e-8
    assert after["operations_kept"] == 16
    on_mesh = mesh_points((4, 4, 4))
    old, found = energies(model, on_mesh), energies(new, on_mesh)
    assert np.abs(old - found)[old < 27.4].max() < 1e-6
    k = np.random.default_rng(0).random((100, 3))
    near = np.abs(energies(model, k) - 17.2745) < 1
    change = (energies(new, k) - energies(model, k))[near]
    assert np.sqrt(np.mean(change**2)) < report["violation_before_near_energy_rms_eV"]
    assert report["gauge_overlap"] > 0.9


def test_actions_keep_hermiticity():
    hidden = Hidden(MAGNET, mesh=(2, 2, 2))
    actions = mesh_actions(hidden.crystal.orbitals, hidden.crystal.operations, (2, 2, 2))
    h = hidden.hamiltonian
    for action in actions:
        np.testing.assert_allclose(action.apply(h), h, atol=1e-12)


def test_atoms_tell_the_orbitals():
    entries = parse_projections("B:p | A:s")
    cell = np.diag([3.0, 3.0, 4.0])
    atoms = np.array([[0, 0, 0.0], [1.5, 1.5, 2.0]])
    centres = np.array([[1.5, 1.5, 6.0]] * 3 + [[0, 0, 0.1]])
    orbitals = atomic_orbitals(entries, 4, cell=cell, centres=centres, atoms=atoms, symbols=("A", "B"))
    np.testing.assert_allclose(orbitals.positions, [[1.5, 1.5, 6.0]] * 3 + [[0, 0, 0]])


# ---- input files


def section(**changes):
    return {
        "electrons": {"model": "wannier90", "file": str(IRON), "fermi_energy": 17.2745, "symmetrize": True} | changes,
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e18, "strength": 0.1}],
        "temperature": {"values": [300.0]},
    }


def electrons(**changes):
    settings = config.validate(section(**changes), "input")
    return build.build_electrons(settings.electrons, Path())


def test_an_input_file_asks_for_symmetry():
    made = prepare(section(projections=IRON_PROJECTIONS, magnetisation=[0, 0, 1], spin_ordering="interleaved"))
    k = np.random.default_rng(0).random((5, 3))
    turned = k @ np.linalg.inv(magnetic_operations(made.model.cell, np.zeros((1, 3)), [1], [0, 0, 1.0])[1].rotation)
    assert made.model.spin is not None
    # the operation may come with time reversal, which changes the sign of k; inversion is one of the group
    assert np.abs(energies(made.model, k) - energies(made.model, turned)).max() < EXACT
    assert made.checks["symmetrize_energy_change_rms_eV"] < 1e-6
    assert made.warnings == []


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "symmetrize needs projections"),
        ({"projections": "Fe:sp3"}, "make 4 functions"),
        ({"symmetrize": False, "projections": "Fe:s"}, "projections needs symmetrize = true"),
    ],
)
def test_input_files_that_lack_what_symmetry_needs(changes, words):
    with pytest.raises(InputError, match=words):
        electrons(**changes)


def test_a_win_file_is_read(tmp_path):
    (tmp_path / "Fe.win").write_text(
        "mp_grid : 4 4 4\nBegin Projections\n Fe:sp3d2;dxy;dxz;dyz ! t2g\nEnd Projections\n"
        "begin atoms_cart\nbohr\nFe 0 0 1.0\nend atoms_cart\n"
    )
    win = read_win(tmp_path / "Fe.win")
    assert win.mesh == (4, 4, 4) and [len(e.rows) for e in parse_projections(win.projections)] == [9]
    assert win.atoms[0][:2] == ("Fe", "c") and win.atoms[0][2][2] == pytest.approx(0.529177, abs=1e-6)
    shutil.copy(IRON, tmp_path)
    shutil.copy(IRON.with_name("Fe_wsvec.dat.gz"), tmp_path)
    made = electrons(file=str(tmp_path / "Fe_tb.dat.gz"), magnetisation=[0, 0, 1])
    assert made.checks["symmetrize_k_mesh"] == [4, 4, 4]
