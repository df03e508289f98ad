"""Readers and writers: nothing is lost on the way, and damaged or mixed files end in one sentence."""

import gzip
import itertools
import re
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from helpers_abinitio import Toy, examined, polar
from sidejump.errors import InputError
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.formats.perturbo import perturbo_sets, read_perturbo
from sidejump.formats.perturbo_write import write_perturbo
from sidejump.formats.q2r import read_q2r
from sidejump.formats.rebuild import rebuild
from sidejump.formats.recognise import convert, read_electron_phonon
from sidejump.formats.wigner import pair_sets, plain_sets
from sidejump.wannier.container import mesh_points
from sidejump.wannier.images import fold_vectors, mesh_class, minimal_images
from sidejump.wannier.position import hermitian_position
from sidejump.wannier.rydberg import FORCE_CONSTANT

BCC = 1.5 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]])
K_MESH, Q_MESH = (4, 4, 4), (2, 2, 2)


@pytest.fixture(scope="module")
def data():
    """One atom in a bcc cell, so that ties abound; known on coarse meshes."""
    toy = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0])
    return examined(toy.from_meshes(K_MESH, Q_MESH, spinor=True))


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    return write_epw(data, tmp_path_factory.mktemp("epw"), prefix="toy", n_electrons=2.0)


@pytest.fixture(scope="module")
def pair():
    """Two atoms, polar, in a cell without symmetry."""
    toy = Toy()
    known = toy.from_meshes((2, 2, 2), (2, 2, 2))
    charged = polar(toy, alpha=(2 * np.pi / 3.0) ** 2)
    phonons = replace(
        known.phonons,
        born_charges=charged.born_charges,
        dielectric=charged.dielectric,
        alpha=charged.alpha,
    )
    return examined(replace(known, phonons=phonons, alat=3.0))


def compare(a, b, *, on_mesh=False, images=("file", "hermitian")):
    rng = np.random.default_rng(1)
    k, q = rng.random((5, 3)), rng.random((5, 3))
    if on_mesh:
        k, q = rng.permutation(mesh_points(a.k_mesh))[:5], rng.permutation(mesh_points(a.q_mesh))[:5]
    np.testing.assert_allclose(b.energies(k), a.energies(k), atol=1e-11)
    wave = q @ a.reciprocal_cell
    scale = np.abs(a.phonons.dynamical_matrix(wave)).max()
    np.testing.assert_allclose(
        b.phonons.dynamical_matrix(wave), a.phonons.dynamical_matrix(wave), atol=1e-11 * scale, rtol=1e-10
    )
    for name in images:
        np.testing.assert_allclose(b.wannier_vertex(k, q, name), a.wannier_vertex(k, q, name), atol=1e-10)
    np.testing.assert_allclose(b.wannier_centres, a.wannier_centres, atol=1e-12)
    np.testing.assert_allclose(b.atoms.masses, a.atoms.masses)
    assert (b.k_mesh, b.q_mesh, b.spinor) == (a.k_mesh, a.q_mesh, a.spinor)


def test_compact_file_holds_everything(data, pair, tmp_path):
    for name, original in (("a", data), ("b", pair)):
        again = read_compact(write_compact(original, tmp_path / f"{name}.h5"))
        compare(original, again)
        k = np.random.default_rng(0).random((3, 3)) @ original.reciprocal_cell
        np.testing.assert_allclose(
            again.electrons.position_matrix(k), original.electrons.position_matrix(k), atol=1e-12
        )
        assert again.checks == original.checks and again.fermi_energy == original.fermi_energy
        assert again.atoms.symbols == original.atoms.symbols
    with h5py.File(tmp_path / "a.h5") as stream:
        assert stream["coupling/values"].attrs["units"] == "eV/angstrom"


def test_epw_files_keep_every_number(data, folder):
    again = read_epw(folder)
    compare(data, again)
    assert again.fermi_energy == pytest.approx(data.fermi_energy)
    k = np.random.default_rng(0).random((3, 3)) @ data.reciprocal_cell
    np.testing.assert_allclose(again.electrons.position_matrix(k), data.electrons.position_matrix(k), atol=1e-11)
    assert again.extra["n_electrons"] == 2


def test_vectors_are_rebuilt_where_the_version_writes_none(data, folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "old")
    (copy / "wigner.fmt").unlink()
    compare(data, read_epw(copy))  # meshes from the numbers of vectors
    compare(data, read_epw(copy, k_mesh=K_MESH, q_mesh=Q_MESH))
    with pytest.raises(InputError, match=r"k_mesh = \[3, 3, 3\].* has the 89, 15 and 15 vectors"):
        read_epw(copy, k_mesh=(3, 3, 3))


@pytest.mark.parametrize("mesh", [3, (3, 3), (4, 4, 0), (2.5, 2, 2), "4 4 4"])
def test_a_mesh_is_three_whole_numbers(folder, mesh):
    refuses(lambda: read_epw(folder, k_mesh=mesh), "k_mesh = .*three whole numbers")
    refuses(lambda: read_epw(folder, q_mesh=mesh), "q_mesh = .*three whole numbers")


CUBE, SLAB = np.eye(3) * 4.0, np.diag([4.0, 4.0, 8.0])


@pytest.mark.parametrize("use_ws", [False, True])
@pytest.mark.parametrize(
    ("cell", "k_mesh", "q_mesh"),
    [
        (BCC, (4, 4, 4), (2, 2, 2)),
        (CUBE, (4, 4, 4), (2, 2, 2)),
        (CUBE, (5, 5, 5), (5, 5, 5)),
        (SLAB, (6, 6, 1), (3, 3, 1)),
    ],
)
def test_meshes_are_inferred(cell, k_mesh, q_mesh, use_ws):
    """Also where 4 and 5 points along an edge give the same vectors: values at equivalent ones tell."""
    positions = np.array([[0, 0, 0], [0.3, 0.3, 0.3]]) @ cell
    centres = np.array([[0, 0, 0], [0.31, 0.3, 0.28], [0.1, 0, 0]]) @ cell
    rng = np.random.default_rng(0)
    own = pair_sets(cell, k_mesh, q_mesh, positions, centres, 4.0) if use_ws else plain_sets(cell, k_mesh, q_mesh, 4.0)
    hoppings = rng.normal(size=(np.prod(k_mesh), 3, 3))[mesh_class(own.re_vectors, k_mesh)]
    constants = rng.normal(size=(np.prod(q_mesh), 6, 6))[mesh_class(own.phonon_vectors, q_mesh)]
    options = dict(cell=cell, positions=positions, centres=centres, alat=4.0)
    found, _ = rebuild(Path("run"), hoppings, constants, len(own.rp_vectors), use_ws=use_ws, **options)
    assert found.same(own) and (found.k_mesh, found.q_mesh) == (k_mesh, q_mesh)
    _, warnings = rebuild(Path("run"), hoppings, constants, len(own.rp_vectors), **options)
    assert all("leave open which Wigner-Seitz cells" in w for w in warnings)
    np.testing.assert_allclose(np.sum(found.electron_weights(3), axis=0), np.prod(k_mesh))
    np.testing.assert_allclose(np.sum(found.phonon_weights(2), axis=0), np.prod(q_mesh))


def test_long_range_parts_that_are_not_covered(pair, tmp_path):
    folder = write_epw(pair, tmp_path / "polar", n_electrons=8.0)
    assert read_epw(folder).long_range is not None
    (folder / "quadrupole.fmt").write_text("atom dir Qxx\n")
    refuses(lambda: read_epw(folder), "quadrupoles are not covered")
    (folder / "quadrupole.fmt").unlink()
    lines = (folder / "crystal.fmt").read_text().splitlines()
    lines[2] += " 0"
    for word, rest, words in (("dipole_sp", "0.0", "layer is not covered"), ("T", "2.5", "layer is not covered")):
        (folder / "crystal.fmt").write_text("\n".join([*lines[:11], f" {word}", *lines[11:], rest]) + "\n")
        refuses(lambda: read_epw(folder), words)
    (folder / "crystal.fmt").write_text("\n".join([*lines[:11], " gaussian", *lines[11:], " 0.0"]) + "\n")
    layer = read_epw(folder)
    assert layer.long_range.two_dimensional and any("gaussian" in w for w in layer.warnings)


def test_packed_files_and_older_names(data, folder, tmp_path):
    for path in folder.iterdir():
        name = path.name.replace("epmatwp", "epmatwp1")
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    compare(data, read_epw(tmp_path))


def test_newer_versions(data, folder, tmp_path):
    """From 6.0 `crystal.fmt` is longer and `vmedata.fmt` holds two forms; from 6.2 weights are divided out."""
    copy = shutil.copytree(folder, tmp_path / "new")
    lines = (copy / "crystal.fmt").read_text().splitlines()
    lines[2] += " 0"
    lines.insert(11, " F")
    (copy / "crystal.fmt").write_text("\n".join([*lines, " 0.0", " 0.02", " 0"]) + "\n")
    elements = (copy / "vmedata.fmt").read_text().splitlines()
    (copy / "vmedata.fmt").write_text("\n".join(x for e in elements for x in (e, " (0.0, 0.0)")) + "\n")
    compare(data, read_epw(copy))

    ties_k, ties_q = (minimal_images(BCC, mesh, np.zeros(3))[1] for mesh in (K_MESH, Q_MESH))
    (copy / "wigner.fmt").write_text(" -2 0 1\n" + (copy / "wigner.fmt").read_text())
    coupling = np.fromfile(copy / "toy.epmatwp", dtype="<c16").reshape(15, 3, 89, 2, 2)
    (coupling / ties_q[:, None, None, None, None] / ties_k[:, None, None]).tofile(copy / "toy.epmatwp")
    lines = (copy / "epwdata.fmt").read_text().splitlines()
    values = np.array([[float(x) for x in line.strip(" ()").split(",")] for line in lines[3:]])
    values[: 4 * 89] /= np.tile(ties_k, 4)[:, None]
    values[4 * 89 :] /= np.tile(ties_q, 9)[:, None]
    (copy / "epwdata.fmt").write_text("\n".join(lines[:3] + [f" ({a:.17e},{b:.17e})" for a, b in values]) + "\n")
    compare(data, read_epw(copy))


def test_perturbo_files(data, pair, tmp_path):
    for name, original in (("a", data), ("b", pair)):
        first = read_perturbo(write_perturbo(original, tmp_path / f"{name}_epr.h5"))
        compare(original, first, on_mesh=True)
        compare(original, first, on_mesh=False, images=("hermitian",)) if name == "a" else None
        second = read_perturbo(write_perturbo(first, tmp_path / f"{name}2_epr.h5"))
        compare(first, second)
        assert first.electrons.residual_positions is None and first.family == "perturbo"


def test_conversion_by_name(data, pair, tmp_path):
    packed = write_compact(pair, tmp_path / "pair.h5")
    with pytest.warns(UserWarning, match="pair.h5: the Perturbo form cannot hold the bands between the points"):
        there = convert(packed, tmp_path / "pair_epr.h5", lossy=True)
    compare(pair, read_electron_phonon(there), on_mesh=True)
    epw = convert(there, tmp_path / "files", n_electrons=8, fermi_energy=0.1, prefix="x")
    assert (epw / "x.epmatwp").exists()
    compare(read_electron_phonon(there), read_electron_phonon(epw))  # EPW's files hold all that Perturbo's do
    back = read_electron_phonon(convert(epw, tmp_path / "again.hdf5"))
    assert back.family == "epw" and back.extra["n_electrons"] == 8
    with pytest.raises(InputError, match="n_electrons"):
        convert(there, tmp_path / "more")
    with pytest.raises(InputError, match='format "xml"'):
        convert(packed, tmp_path / "x", to="xml")
    with pytest.raises(InputError, match="only the EPW format"):
        convert(packed, tmp_path / "x.h5", prefix="y")
    with pytest.raises(InputError, match="Ewald parameter of 2"):
        write_epw(replace(pair, coupling_alpha=2 * pair.phonons.alpha), tmp_path / "z", n_electrons=1)
    layer = replace(pair, two_dimensional=True)
    with pytest.raises(InputError, match="polar two-dimensional"):
        write_perturbo(layer, tmp_path / "l_epr.h5")


def test_what_a_format_cannot_hold_is_refused(data, pair, tmp_path):
    """With its size, which is that found in the file written in spite of it."""
    packed = write_compact(replace(pair, extra={"n_electrons": 8.0}), tmp_path / "pair.h5")
    with pytest.raises(InputError) as caught:
        convert(packed, tmp_path / "x_epr.h5")
    text = str(caught.value)
    assert not (tmp_path / "x_epr.h5").exists()
    assert "the Fermi energy (0.3 eV)" in text and "number of electrons (8)" in text and "lossy" in text
    assert "the position matrix (up to" in text
    with pytest.warns(UserWarning):
        there = read_electron_phonon(convert(packed, tmp_path / "x_epr.h5", lossy=True))
    k = np.random.default_rng(5).random((64, 3))
    said = float(re.search(r"k mesh \(by up to ([\d.e-]+) eV", text)[1])
    assert 0.01 < said and np.abs(there.energies(k) - pair.energies(k)).max() == pytest.approx(said, rel=0.5)
    said = float(re.search(r"q mesh \(by up to ([\d.e-]+) meV", text)[1])
    change = 1e3 * np.abs(there.phonon_energies(k) - pair.phonon_energies(k)).max()
    assert 0.01 < said and change == pytest.approx(said, rel=0.5)
    # bands of a finer calculation have no place in files of the coarse mesh
    finer = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0]).data().electrons
    packed = write_compact(data.with_electrons(finer), tmp_path / "finer.h5")
    refuses(lambda: convert(packed, tmp_path / "epw", n_electrons=2.0), "EPW form cannot hold the bands between")
    assert convert(write_compact(data, tmp_path / "data.h5"), tmp_path / "epw", n_electrons=2.0).is_dir()


def test_ties_of_perturbo_survive_in_the_files_of_epw(tmp_path):
    """Centres with noise between the two tolerances: a tie for Perturbo (of lengths), none for EPW (of squares)."""
    toy = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0])
    known = toy.from_meshes(K_MESH, Q_MESH)
    centres = known.wannier_centres + 1e-6 * np.array([[0.6, 0.2, -0.4], [0.3, -0.5, 0.1]])
    first = read_perturbo(write_perturbo(replace(known, wannier_centres=centres), tmp_path / "x_epr.h5"))
    alat = first.alat
    arguments = (first.cell, K_MESH, Q_MESH, first.atoms.positions, first.wannier_centres, alat)
    assert not pair_sets(*arguments).same(perturbo_sets(*arguments))
    again = read_epw(convert(tmp_path / "x_epr.h5", tmp_path / "files", n_electrons=2, fermi_energy=0.0))
    compare(first, again)


def refuses(read, words):
    with pytest.raises(InputError, match=words) as caught:
        read()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["crystal.fmt", "epwdata.fmt", "vmedata.fmt", "wigner.fmt", "toy.epmatwp"])
def test_every_file_cut_short(folder, tmp_path, name):
    copy = shutil.copytree(folder, tmp_path / "cut")
    content = (copy / name).read_bytes()
    for part in (0.3, 0.9):
        (copy / name).write_bytes(content[: int(part * len(content)) // 16 * 16])
        refuses(lambda: read_epw(copy), f"{name}: .*(truncated|another run|not EPW)")
    packed = gzip.compress(content)
    (copy / name).unlink()
    (copy / f"{name}.gz").write_bytes(packed[: len(packed) // 2])
    refuses(lambda: read_epw(copy), rf"{name}\.gz: .*truncated")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["crystal.fmt", "epwdata.fmt", "vmedata.fmt", "wigner.fmt"])
def test_a_last_number_cut_short(folder, tmp_path, name, packed):
    """What is left of it is still a number, and the count is right."""
    copy = shutil.copytree(folder, tmp_path / "cut")
    content = (copy / name).read_bytes()
    for lost in (2, 3, 10, 12, 20):  # with the line end alone nothing is lost
        if packed:
            (copy / name).unlink(missing_ok=True)
            (copy / f"{name}.gz").write_bytes(gzip.compress(content[:-lost]))
        else:
            (copy / name).write_bytes(content[:-lost])
        refuses(lambda: read_epw(copy), f"{name}[^()]*(truncated in its last line|another run|not EPW)")


@pytest.mark.parametrize("name", ["epwdata.fmt", "vmedata.fmt", "wigner.fmt"])
def test_without_the_last_line_end(folder, tmp_path, name):
    """A bracket, or a column as wide as the others, shows that the last number is whole."""
    copy = shutil.copytree(folder, tmp_path / "whole")
    content = (copy / name).read_bytes()
    assert content.endswith(b"\n")
    (copy / name).write_bytes(content.rstrip(b"\n"))
    found, expected = read_epw(copy), read_epw(folder)
    np.testing.assert_array_equal(found.electrons.hoppings, expected.electrons.hoppings)
    np.testing.assert_array_equal(found.phonons.force_constants, expected.phonons.force_constants)


@pytest.mark.parametrize("name", ["crystal.fmt", "epwdata.fmt", "vmedata.fmt"])
def test_letters_of_exponents(folder, tmp_path, name):
    """Double precision as some compilers write it."""
    copy = shutil.copytree(folder, tmp_path / "letters")
    text = (copy / name).read_text()
    changed = re.sub(r"(\d)[eE]([+-]\d)", r"\1D\2", text)
    (copy / name).write_text(changed if changed != text else re.sub(r"(\d\.\d+)", r"\1D+00", text))
    found, expected = read_epw(copy), read_epw(folder)
    np.testing.assert_array_equal(found.electrons.hoppings, expected.electrons.hoppings)
    np.testing.assert_array_equal(found.electrons.residual_positions, expected.electrons.residual_positions)
    np.testing.assert_array_equal(found.cell, expected.cell)


def test_centres_of_another_run(folder, data, tmp_path):
    """One wrong digit of a centre, which the position matrix does not have."""
    copy = shutil.copytree(folder, tmp_path / "wrong")
    lines = (copy / "crystal.fmt").read_text().splitlines()
    centres = np.array(lines[-1].split(), dtype=float)
    alat = data.alat or np.linalg.norm(data.cell[0])
    for moved, refused in ((0.05, False), (0.35, True)):
        changed = centres + [0, 0, 0, 0, moved / alat, 0]
        (copy / "crystal.fmt").write_text("\n".join([*lines[:-1], " ".join(f"{x:.12f}" for x in changed)]) + "\n")
        if refused:
            refuses(lambda: read_epw(copy), "vmedata.fmt: puts Wannier function 2 0.35 angstrom away from its centre")
        else:
            found = read_epw(copy)
            assert found.checks["position_centres_angstrom"] == pytest.approx(moved, abs=1e-6)
            assert any("misses Wannier centres by up to 0.05 angstrom" in w for w in found.warnings)


def test_mixed_runs_and_missing_files(data, folder, tmp_path):
    other = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0, 0])
    write_epw(examined(other.from_meshes(K_MESH, Q_MESH)), tmp_path / "other", prefix="toy", n_electrons=2.0)
    for name in ("crystal.fmt", "toy.epmatwp", "vmedata.fmt"):
        copy = shutil.copytree(folder, tmp_path / f"mixed_{name}")
        shutil.copy(tmp_path / "other" / name, copy / name)
        refuses(lambda copy=copy: read_epw(copy), f"{name}: .*another run")
    smaller = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0])
    write_epw(examined(smaller.from_meshes((2, 2, 2), Q_MESH)), tmp_path / "small", prefix="toy", n_electrons=2.0)
    copy = shutil.copytree(folder, tmp_path / "mixed_wigner")
    shutil.copy(tmp_path / "small" / "wigner.fmt", copy)
    refuses(lambda: read_epw(copy), r"wigner.fmt: 15, 15, 15 vectors, epwdata.fmt has 89, 15, 15; use files of one run")

    copy = shutil.copytree(folder, tmp_path / "missing")
    shutil.copy(copy / "toy.epmatwp", copy / "b.epmatwp")
    refuses(lambda: read_epw(copy), "several files b.epmatwp, toy.epmatwp")
    (copy / "toy.epmatwp").unlink()
    (copy / "b.epmatwp").unlink()
    refuses(lambda: read_epw(copy), "no file PREFIX.epmatwp")
    (copy / "epwdata.fmt").unlink()
    refuses(lambda: read_epw(copy), "epwdata.fmt: no such file")
    refuses(lambda: read_epw(tmp_path / "nowhere"), "no such directory")


def test_shuffled_coupling_is_noticed(folder, tmp_path):
    """A binary of the right size with the wrong numbers is not Hermitian on the mesh."""
    copy = shutil.copytree(folder, tmp_path / "shuffled")
    values = np.fromfile(copy / "toy.epmatwp", dtype="<c16")
    np.random.default_rng(0).permutation(values).tofile(copy / "toy.epmatwp")
    refuses(lambda: read_epw(copy), "the files are of different runs")
    values[7] = np.nan
    values.tofile(copy / "toy.epmatwp")
    refuses(lambda: read_epw(copy), "not finite")


def test_damaged_and_foreign_hdf5(data, tmp_path):
    write_compact(data, tmp_path / "c.h5")
    write_perturbo(data, tmp_path / "p_epr.h5")
    for name, read in (("c.h5", read_compact), ("p_epr.h5", read_perturbo)):
        content = (tmp_path / name).read_bytes()
        for part in (0.2, 0.7, 0.97):
            (tmp_path / f"cut_{name}").write_bytes(content[: int(part * len(content))])
            refuses(lambda read=read, name=name: read(tmp_path / f"cut_{name}"), f"cut_{name}: .*(truncated|damaged)")
        refuses(lambda read=read: read(tmp_path / "none.h5"), "no such file")
    with h5py.File(tmp_path / "foreign.h5", "w") as stream:
        stream["temperature"] = [1.0, 2.0]
    refuses(lambda: read_compact(tmp_path / "foreign.h5"), "has another format")
    refuses(lambda: read_perturbo(tmp_path / "foreign.h5"), "not a Perturbo")
    refuses(lambda: read_electron_phonon(tmp_path / "foreign.h5"), "not a Perturbo")
    (tmp_path / "text.h5").write_text("no HDF5 at all")
    refuses(lambda: read_electron_phonon(tmp_path / "text.h5"), "text.h5: is no HDF5 file")
    with h5py.File(tmp_path / "c.h5", "a") as stream:
        stream.attrs["version"] = 99
    refuses(lambda: read_compact(tmp_path / "c.h5"), "version 99")
    with h5py.File(tmp_path / "p_epr.h5", "a") as stream:
        stream["basic_data/num_wann"][()] = 3
    refuses(lambda: read_perturbo(tmp_path / "p_epr.h5"), "wannier_center has shape")
    with h5py.File(tmp_path / "p_epr.h5", "a") as stream:
        stream["basic_data/num_wann"][()] = 2
        stream["basic_data/kc_dim"][()] = (3, 3, 3)
    refuses(lambda: read_perturbo(tmp_path / "p_epr.h5"), r"hopping_r1 has shape \(89,\), expected \(27\)")


def write_q2r(data, path, *, xml):
    """Force constants in the form of q2r.x: atom a in cell R, atom b at home, modulo the supercell."""
    nat, mesh = len(data.atoms.masses), data.q_mesh
    folded = fold_vectors(-data.phonons.vectors, data.phonons.force_constants, mesh).real / FORCE_CONSTANT
    folded = folded.reshape(*mesh, nat, 3, nat, 3)
    cells = [c[::-1] for c in itertools.product(*[range(n) for n in mesh[::-1]])]
    if xml:
        rows = ["<Root><GEOMETRY_INFO><NUMBER_OF_ATOMS>", str(nat), "</NUMBER_OF_ATOMS></GEOMETRY_INFO>"]
        rows += ["<INTERATOMIC_FORCE_CONSTANTS><MESH_NQ1_NQ2_NQ3>", "{} {} {}".format(*mesh), "</MESH_NQ1_NQ2_NQ3>"]
        for a, b in itertools.product(range(nat), repeat=2):
            for c in cells:
                name = "s_s1_m1_m2_m3." + ".".join(str(x + 1) for x in (a, b, *c))
                numbers = " ".join(f"{x:.16e}" for x in folded[c][a, :, b, :].T.ravel())
                rows.append(f"<{name}><IFC>{numbers}</IFC></{name}>")
        path.write_text("\n".join([*rows, "</INTERATOMIC_FORCE_CONSTANTS></Root>"]))
        return
    rows = [f" 1 {nat} 0 5.0 0 0 0 0 0", *["0.1 0.2 0.3"] * 3, " 1 'X  ' 1000.0"]
    rows += [f"{a + 1} 1 0.0 0.0 0.0" for a in range(nat)] + [" F", " {} {} {}".format(*mesh)]
    for i, j, a, b in itertools.product(range(3), range(3), range(nat), range(nat)):
        rows.append(f" {i + 1} {j + 1} {a + 1} {b + 1}")
        rows += [f" {c[0] + 1} {c[1] + 1} {c[2] + 1} {folded[c][a, i, b, j]:.16e}" for c in cells]
    path.write_text("\n".join(rows) + "\n")


def test_force_constants_left_to_another_file(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "lifc")
    lines = (copy / "epwdata.fmt").read_text().splitlines()
    rows = 9 * 15
    (copy / "epwdata.fmt").write_text("\n".join(lines[:-rows] + [" (0.0,0.0)"] * rows) + "\n")
    refuses(lambda: read_epw(copy), r"lifc = \.true\.")
    original = read_epw(folder)
    for xml in (False, True):
        name = "ifc.q2r.xml" if xml else "ifc.q2r"
        write_q2r(original, copy / name, xml=xml)
        compare(original, read_epw(copy))
        (copy / name).write_text("\n".join((copy / name).read_text().split("\n")[:-20]) + "\n")
        words = "" if xml else ".*numbers expected, .* found"
        refuses(lambda words=words: read_epw(copy), f"truncated or not a force-constant file{words}")
        (copy / name).unlink()


def test_force_constants_of_q2r_with_two_atoms(pair, tmp_path):
    """Atoms and directions in their places: the dynamical matrix on the mesh."""
    for xml in (False, True):
        path = tmp_path / ("ifc.q2r.xml" if xml else "ifc.q2r")
        write_q2r(pair, path, xml=xml)
        vectors, constants = read_q2r(path, pair.cell, pair.atoms.positions, pair.q_mesh)
        again = replace(pair.phonons, vectors=vectors, force_constants=constants)
        q = mesh_points(pair.q_mesh) @ pair.reciprocal_cell
        expected = pair.phonons.dynamical_matrix(q)
        np.testing.assert_allclose(again.dynamical_matrix(q), expected, atol=1e-11 * np.abs(expected).max())
        refuses(lambda path=path: read_q2r(path, pair.cell, pair.atoms.positions, (3, 2, 2)), "use files of one run")
        refuses(lambda path=path: read_q2r(path, pair.cell, np.zeros((3, 3)), (2, 2, 2)), "has 2 atoms")


def damage(key, value):
    """A function that sets one data set of an open compact file."""

    def change(stream):
        content = stream[key][()]
        del stream[key]
        stream[key] = value(content)

    return change


def without_the_last(content):
    return content[:-1]


def shuffled(content):
    return np.random.default_rng(0).permutation(content.ravel()).reshape(content.shape)


def not_finite(content):
    content = content.copy()
    content.flat[content.size // 2] = np.nan
    return content


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("electrons/hoppings", not_finite, "hoppings holds numbers that are not finite"),
        ("electrons/positions", not_finite, "electrons/positions holds numbers that are not finite"),
        ("phonons/force_constants", not_finite, "force_constants holds numbers that are not finite"),
        ("coupling/values", not_finite, "coupling/values holds numbers that are not finite"),
        ("coupling/values", shuffled, "is not the mesh that the vectors of the coupling belong to"),
        ("coupling/values", without_the_last, "expected"),
        ("coupling/rp_vectors", without_the_last, "expected"),
        ("electrons/vectors", without_the_last, "electrons/hoppings has shape"),
        ("q_mesh", lambda q: q // 2, r"q_mesh = \[1, 1, 1\] is not the mesh"),
        ("q_mesh", lambda q: 200 * q, "bytes for a coupling of"),
        ("k_mesh", lambda k: k // 2, r"k_mesh = \[2, 2, 2\] is not the mesh"),
        ("k_mesh", lambda k: 0 * k, "three whole numbers"),
        ("k_mesh", without_the_last, "truncated or not a file of"),
        ("electrons/wannier_centres", without_the_last, r"wannier_centres has shape \(1, 3\), expected \(2, 3\)"),
        ("cell", np.zeros_like, "span no volume"),
        ("cell", not_finite, "cell holds numbers that are not finite"),
        ("atoms/masses", lambda m: -m, "a mass is not positive"),
        ("atoms/positions", not_finite, "atoms/positions holds numbers that are not finite"),
    ],
)
def test_compact_files_are_examined(data, tmp_path, key, value, words):
    path = write_compact(data, tmp_path / "c.h5")
    with h5py.File(path, "a") as stream:
        damage(key, value)(stream)
    refuses(lambda: read_compact(path), f"c.h5: .*({words})")


def edited(file, old, new, count=1):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, count))


def test_text_files_that_contradict_themselves(folder, tmp_path):
    def copy(name):
        return shutil.copytree(folder, tmp_path / name)

    first = copy("volume")
    lines = (first / "crystal.fmt").read_text().splitlines()
    lines[5] = f" {2 * float(lines[5]):.10f}"
    (first / "crystal.fmt").write_text("\n".join(lines) + "\n")
    refuses(lambda: read_epw(first), "crystal.fmt: lattice vectors, reciprocal vectors and volume disagree")
    first = copy("modes")
    lines[1] = " 6"
    (first / "crystal.fmt").write_text("\n".join(lines) + "\n")
    refuses(lambda: read_epw(first), "crystal.fmt: 6 modes for 1 atoms and 1 flags")
    first = copy("atoms")
    edited(first / "epwdata.fmt", " 2 89 3 15 15", " 2 89 6 15 15")
    refuses(lambda: read_epw(first), "epwdata.fmt: 6 modes, crystal.fmt has 1 atoms; use files of one run")
    for name, words in (("epwdata.fmt", "epwdata.fmt"), ("vmedata.fmt", "vmedata.fmt")):
        first = copy(f"nan_{name}")
        lines = (first / name).read_text().splitlines()
        lines[-3] = " (NaN,0.0)"
        (first / name).write_text("\n".join(lines) + "\n")
        refuses(lambda first=first: read_epw(first), f'{words} ."NaN" is not finite')
    first = copy("nan_crystal")
    lines = (first / "crystal.fmt").read_text().splitlines()
    lines[6] = " NaN"
    (first / "crystal.fmt").write_text("\n".join(lines) + "\n")
    refuses(lambda: read_epw(first), 'crystal.fmt ."NaN" is not finite')


def test_meshes_that_are_not_those_of_the_vectors(folder):
    words = r"wigner.fmt: its vectors fill no Wigner-Seitz cell of k_mesh = \[3, 3, 3\]"
    refuses(lambda: read_epw(folder, k_mesh=(3, 3, 3)), words)
    refuses(lambda: read_epw(folder, q_mesh=(1, 1, 1)), "Wigner-Seitz cell of q_mesh")


def test_several_meshes_fit():
    """Constant values tell nothing about the mesh; 7 x 5 x 5 vectors belong to 6 points along any of the axes."""
    options = dict(cell=np.diag([4.0, 4.1, 4.2]), positions=np.zeros((1, 3)), centres=np.zeros((1, 3)), alat=4.0)
    hoppings, constants = np.ones((175, 1, 1)), np.ones((27, 3, 3))
    with pytest.raises(InputError, match=r"its numbers of vectors fit several meshes.*give k_mesh and q_mesh"):
        rebuild(Path("run"), hoppings, constants, 27, q_mesh=(2, 2, 2), use_ws=False, **options)
    found, _ = rebuild(
        Path("run"), hoppings, constants, 27, k_mesh=(4, 6, 4), q_mesh=(2, 2, 2), use_ws=False, **options
    )
    assert found.k_mesh == (4, 6, 4)


def test_position_matrices_need_both_directions():
    with pytest.raises(InputError, match="a lattice vector R comes without -R"):
        hermitian_position(np.array([[0, 0, 0], [1, 0, 0]]), np.zeros((2, 3, 1, 1)))


def test_perturbo_files_that_contradict_themselves(data, pair, tmp_path):
    def changed(original, change):
        path = write_perturbo(original, tmp_path / "x_epr.h5")
        with h5py.File(path, "a") as stream:
            change(stream)
        return lambda: read_perturbo(path)

    def without(stream):
        del stream["force_constant/ifc1"]

    def more(stream):
        stream["electron_wannier/hopping_r4"] = stream["electron_wannier/hopping_r1"][()]

    def infinite(stream):
        stream["eph_matrix_wannier/ep_hop_i_1_1_2"][0, 0, 0] = np.inf

    def layer(stream):
        stream["basic_data/system_2d"][()] = 1

    def shape(stream):
        stream["basic_data/nat"][()] = 2

    refuses(changed(data, without), "x_epr.h5: .*no data set force_constant/ifc1")
    refuses(changed(data, more), "electron_wannier holds more hoppings than 2 Wannier functions have")
    refuses(changed(data, infinite), "eph_matrix_wannier/ep_hop_i_1_1_2 holds numbers that are not finite")
    refuses(changed(pair, layer), "polar two-dimensional crystals in Perturbo is not covered")
    refuses(changed(data, shape), "basic_data/tau has shape")
