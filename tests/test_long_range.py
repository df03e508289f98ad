"""Long-range parts of polar files: what the writing codes took out is put back, to rounding on the coarse mesh.

Sets are made as the codes make them: the numbers of a known short-ranged crystal go into the files, and what should
come out is these plus the sums of the codes, written out here term by term in Rydberg units.
"""

import itertools
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from helpers_abinitio import Layer, Toy, polar
from sidejump.abinitio.compact import read_compact, write_compact
from sidejump.abinitio.container import mesh_points
from sidejump.abinitio.epw import read_epw
from sidejump.abinitio.epw_write import write_epw
from sidejump.abinitio.formats import convert, read_electron_phonon
from sidejump.abinitio.perturbo import read_perturbo
from sidejump.abinitio.perturbo_write import write_perturbo
from sidejump.abinitio.rydberg import FORCE, FORCE_CONSTANT
from sidejump.app.run import prepare
from sidejump.errors import InputError
from sidejump.units import BOHR

ALAT = 4.5  # angstrom
UNIT = 2 * np.pi / ALAT  # 1/angstrom
GAUSSIAN = UNIT**2
OLD_GAUSSIAN = 2 * np.pi / (ALAT / BOHR) / BOHR**2  # the number 2 pi/alat, in 1/bohr^2
FLAT = np.array([[3.0, 0.1, 0.0], [0.2, 2.9, 0.0], [0.0, 0.0, 15.0]])


def known(cell=None, mesh=(2, 2, 2)):
    """The short-ranged numbers of a set of two atoms, with charges that are only written down."""
    toy = Toy() if cell is None else Toy(cell=cell)
    charged = polar(toy)
    short = toy.from_meshes(mesh, mesh)
    return short, charged.born_charges, charged.dielectric


def known_layer():
    layer = Layer()
    short = layer.from_meshes((3, 3, 1), (3, 3, 1))
    charge = np.array([[1.6, 0.1, 0.0], [0.0, 1.5, 0.0], [0.0, 0.0, 0.3]])
    return replace(short, two_dimensional=False), np.stack([charge, -charge / 2, -charge / 2]), np.diag([2.2, 2.0, 1.2])


def terms(cell, positions, charges, dielectric, q, *, gaussian, axes, layer):
    """``W(K)`` and ``[K.Z_a]_A exp(-i K.tau_a)`` of all K = q + G, one by one; bohr, with e^2 = 2."""
    cell, positions = cell / BOHR, positions / BOHR
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    gaussian = gaussian * BOHR**2
    volume, height = abs(np.linalg.det(cell)), cell[2, 2]
    reach = (np.sqrt(56 * gaussian) * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int) + 2
    for m in itertools.product(*[range(-n, n + 1) if summed else (0,) for n, summed in zip(reach, axes, strict=True)]):
        wave = (q + np.array(m)) @ reciprocal
        square = wave @ wave if layer else wave @ dielectric @ wave
        if square < 1e-12 or square / (4 * gaussian) >= 14:
            continue
        if layer:
            length = np.sqrt(square)
            excess = wave[:2] @ (dielectric[:2, :2] - np.eye(2)) @ wave[:2] / square * height / 2
            weight = 4 * np.pi * height / volume * np.exp(-square / (4 * gaussian)) / (length * (1 + excess * length))
        else:
            weight = 8 * np.pi / volume * np.exp(-square / (4 * gaussian)) / square
        dipoles = np.concatenate(
            [np.exp(-1j * wave @ tau) * (charge @ wave) for charge, tau in zip(charges, positions, strict=True)]
        )
        yield weight, dipoles


def taken_out(short, charges, dielectric, q, **options):
    """Long-range parts of force constants (3 nat, 3 nat), eV/angstrom^2, and coupling (3 nat,), eV/angstrom."""

    def sums(q):
        constants, vertex = 0.0, 0.0
        for weight, dipoles in terms(short.cell, short.atoms.positions, charges, dielectric, q, **options):
            constants = constants + weight * np.outer(dipoles.conj(), dipoles)
            vertex = vertex + 1j * weight * dipoles
        return constants, vertex

    (constants, vertex), (home, _) = sums(q), sums(np.zeros(3))
    nat = len(charges)
    for a in range(nat):
        block = slice(3 * a, 3 * a + 3)
        constants[block, block] -= home[block].real.reshape(3, nat, 3).sum(axis=1)
    return constants * FORCE_CONSTANT, (vertex if q.any() else 0 * vertex) * FORCE


def written(case, folder, *, version):
    """Files of EPW: `version` "5.5" or "5.7" (no wigner.fmt, one flag), "6.0" (both flags, wigner.fmt)."""
    short, charges, dielectric = case
    marked = replace(
        short,
        phonons=replace(
            short.phonons,
            born_charges=charges,
            dielectric=dielectric,
            alpha=GAUSSIAN,
            axes=tuple(n > 1 for n in short.q_mesh),
        ),
        alat=ALAT,
    )
    write_epw(marked, folder, n_electrons=4.0)
    (folder / "sidejump.json").unlink()
    if version == "6.0":
        lines = (folder / "crystal.fmt").read_text().splitlines()
        lines[2] += " 0"
        lines.insert(11, " F")
        (folder / "crystal.fmt").write_text("\n".join([*lines, " 0.0", " 0.02", " 0"]) + "\n")
    else:
        (folder / "wigner.fmt").unlink()
    return folder


def compare(found, case, **options):
    """`found` against the short-ranged set and what was taken out, on the coarse meshes."""
    short, charges, dielectric = case
    gaussians = options.pop("gaussian"), options.pop("coupling")
    points = mesh_points(short.q_mesh)
    k = np.zeros((len(points), 3))
    vertex = found.wannier_vertex(k, points, "file")
    expected = short.wannier_vertex(k, points, "file")
    diagonal = np.arange(vertex.shape[-1])
    waves = points @ short.reciprocal_cell
    root = np.repeat(1 / np.sqrt(short.phonons.masses), 3)
    scale = 2 * 3.809982 * root[:, None] * root
    matrices = short.phonons.dynamical_matrix(waves)
    for i, q in enumerate(points):
        if gaussians[0]:
            part = taken_out(short, charges, dielectric, q, gaussian=gaussians[0], **options)[0]
            matrices[i] += scale * 0.5 * (part + part.conj().T)
        if gaussians[1]:
            part = taken_out(short, charges, dielectric, q, gaussian=gaussians[1], **options)[1]
            expected[i][:, diagonal, diagonal] += part[:, None]
    np.testing.assert_allclose(found.phonons.dynamical_matrix(waves), matrices, atol=1e-7 * np.abs(matrices).max())
    np.testing.assert_allclose(vertex, expected, atol=1e-9)


BULK = {"axes": (True, True, True), "layer": False}


@pytest.fixture(scope="module")
def bulk():
    return known()


def test_gaussian_of_the_coupling_goes_with_the_version(bulk, tmp_path):
    """Up to 5.5 the number 2 pi/alat in 1/bohr^2; the files tell from 5.8 on, 5.5 is taken and said before."""
    assert OLD_GAUSSIAN > 1.3 * GAUSSIAN
    old = written(bulk, tmp_path / "old", version="5.5")
    new = written(bulk, tmp_path / "new", version="6.0")
    for folder, key, coupling, said in (
        (old, None, OLD_GAUSSIAN, True),
        (old, "5.5", OLD_GAUSSIAN, False),
        (old, "5.4.1", OLD_GAUSSIAN, False),
        (old, 5.3, OLD_GAUSSIAN, False),
        (old, "5.7", GAUSSIAN, False),
        (new, None, GAUSSIAN, False),
        (new, "5.5", OLD_GAUSSIAN, False),
        (new, "6.0", GAUSSIAN, False),
    ):
        data = read_epw(folder, epw_version=key)
        compare(data, bulk, gaussian=GAUSSIAN, coupling=coupling, **BULK)
        assert any("set epw_version" in w for w in data.warnings) == said
        assert any('set long_range = "none"' in w for w in data.warnings)
    (sentence,) = (w for w in read_epw(old).warnings if "epw_version" in w)
    part, q = read_epw(old).long_range, mesh_points((2, 2, 2)) @ bulk[0].reciprocal_cell
    change = np.abs(part.vertex(q) - replace(part, alpha=GAUSSIAN).vertex(q)).max()
    assert change > 1e-3 and f"up to {change:.2g} eV/angstrom" in sentence
    with pytest.raises(InputError, match='epw_version = "new": write the version'):
        read_epw(old, epw_version="new")


def test_nothing_is_put_back_where_nothing_was_taken_out(bulk, tmp_path):
    """lpolar = .false.: Born charges are written all the same."""
    folder = written(bulk, tmp_path / "epw", version="6.0")
    data = read_epw(folder, long_range="none")
    compare(data, bulk, gaussian=None, coupling=None, **BULK)
    assert data.long_range is None and not data.phonons.polar
    assert not any("Born charges" in w or "long-range" in w for w in data.warnings)
    compare(read_epw(folder), bulk, gaussian=GAUSSIAN, coupling=GAUSSIAN, **BULK)
    assert not any("Born" in w for w in read_epw(folder, long_range="bulk").warnings)
    with pytest.raises(InputError, match=r'long_range = "quadrupole": use one of bulk, layer, none'):
        read_epw(folder, long_range="quadrupole")


@pytest.mark.parametrize("mesh", [(2, 2, 1), (1, 2, 2), (2, 1, 1)])
def test_no_reciprocal_vectors_along_an_axis_with_one_q_point(mesh, tmp_path):
    case = known(FLAT, mesh)
    options = {"axes": tuple(n > 1 for n in mesh), "layer": False, "gaussian": GAUSSIAN}
    data = read_epw(written(case, tmp_path / "epw", version="6.0"), k_mesh=mesh, q_mesh=mesh)
    compare(data, case, coupling=GAUSSIAN, **options)
    single = [i + 1 for i, n in enumerate(mesh) if n == 1]
    said = [w for w in data.warnings if "taken for a bulk crystal" in w]
    assert len(said) == len(single) and all(f"lattice vector {i}:" in w for i, w in zip(single, said, strict=True))
    # what all reciprocal vectors would give is another thing
    q = mesh_points(mesh)[-1:] @ data.reciprocal_cell
    whole = replace(data.long_range, axes=(True, True, True))
    assert np.abs(whole.vertex(q) - data.long_range.vertex(q)).max() > 0.01
    again = read_perturbo(write_perturbo(data, tmp_path / "x_epr.h5"))
    compare(again, case, coupling=GAUSSIAN, **options)
    back = read_compact(write_compact(data, tmp_path / "x.h5"))
    compare(back, case, coupling=GAUSSIAN, **options)
    assert back.phonons.axes == options["axes"]
    with h5py.File(tmp_path / "x.h5", "a") as stream:  # as version 1 left it
        del stream["phonons/axes"]
        stream.attrs["version"] = 1
    compare(read_compact(tmp_path / "x.h5"), case, coupling=GAUSSIAN, **options)


def test_layers(tmp_path):
    """The files do not tell; the key gives the Gaussian part of a layer, whatever the version."""
    case = known_layer()
    options = {"axes": (True, True, False), "layer": True, "gaussian": GAUSSIAN, "coupling": GAUSSIAN}
    for version in ("5.5", "6.0"):
        folder = written(case, tmp_path / version, version=version)
        meshes = {"k_mesh": (3, 3, 1), "q_mesh": (3, 3, 1)}
        silent = read_epw(folder, **meshes)
        assert not silent.two_dimensional
        assert any("if it is a layer, set two_dimensional = true" in w for w in silent.warnings)
        for keys in ({"two_dimensional": True}, {"long_range": "layer"}):
            data = read_epw(folder, **meshes, **keys)
            assert data.two_dimensional and data.model.dimension == 2
            compare(data, case, **options)
            assert not any("bulk crystal" in w or "epw_version" in w for w in data.warnings)
        with pytest.raises(InputError, match='long_range = "layer" contradicts two_dimensional = false'):
            read_epw(folder, **meshes, two_dimensional=False, long_range="layer")
        images = read_epw(folder, **meshes, two_dimensional=True, long_range="bulk", epw_version="6.0")
        compare(images, case, **options | {"layer": False})
        assert images.model.dimension == 2 and any("its periodic images" in w for w in images.warnings)
    # a compact file of data that were taken for bulk
    packed = write_compact(silent, tmp_path / "bulk.h5")
    compare(read_electron_phonon(packed, two_dimensional=True), case, **options)
    section = {"model": "compact", "file": str(packed), "fermi_energy": 0.2, "two_dimensional": True}
    run = {"electrons": section, "scattering": [{"kind": "electron_phonon"}], "temperature": {"values": [300]}}
    job = prepare(run)
    assert job.model.dimension == 2 and not any("bulk" in w for w in job.warnings)


def test_second_flag_is_of_another_part(bulk, tmp_path):
    """do_cutoff_2D_epw is set by 'dipole_sh' alone, L by 'dipole_sp'; a part that the user names is taken."""
    for name, flag, separation in (("sh", " T", " 0.0"), ("sp", " F", " 3.1")):
        folder = written(bulk, tmp_path / name, version="6.0")
        lines = (folder / "crystal.fmt").read_text().splitlines()
        lines[11], lines[-3] = flag, separation
        (folder / "crystal.fmt").write_text("\n".join(lines) + "\n")
        with pytest.raises(InputError, match=r"this long-range part of a layer is not covered.*as long_range"):
            read_epw(folder)
        data = read_epw(folder, long_range="bulk", two_dimensional=False)
        compare(data, bulk, gaussian=GAUSSIAN, coupling=GAUSSIAN, **BULK)


def test_writers_keep_the_long_range_part(bulk, tmp_path):
    """Through every form that can hold it, and a sentence where one cannot."""
    old = read_epw(written(bulk, tmp_path / "old", version="5.5"), epw_version="5.5")
    options = {"gaussian": GAUSSIAN, "coupling": OLD_GAUSSIAN, **BULK}
    for path in (
        write_compact(old, tmp_path / "old.h5"),
        write_epw(old, tmp_path / "again", n_electrons=4.0),
        write_perturbo(old, tmp_path / "old_epr.h5"),
    ):
        compare(read_electron_phonon(path), bulk, **options)
    assert json.loads((tmp_path / "again" / "sidejump.json").read_text()) == {"epw_version": "5.5"}
    layer = known_layer()
    data = read_epw(written(layer, tmp_path / "layer", version="6.0"), two_dimensional=True)
    options = {"axes": (True, True, False), "layer": True, "gaussian": GAUSSIAN, "coupling": GAUSSIAN}
    for path in (write_compact(data, tmp_path / "layer.h5"), write_epw(data, tmp_path / "layer2", n_electrons=4.0)):
        again = read_electron_phonon(path)
        compare(again, layer, **options)
        assert again.two_dimensional
    short = replace(data, phonons=replace(data.phonons, born_charges=None, dielectric=None))
    assert read_epw(write_epw(short, tmp_path / "short", n_electrons=4.0)).two_dimensional
    assert not read_epw(tmp_path / "short", two_dimensional=False).two_dimensional
    with pytest.raises(InputError, match="polar two-dimensional"):
        write_perturbo(data, tmp_path / "x_epr.h5")
    # conversions of files that do not tell take the keys
    convert(tmp_path / "layer", tmp_path / "c.h5", reading={"two_dimensional": True})
    compare(read_compact(tmp_path / "c.h5"), layer, **options)
    with pytest.raises(InputError, match="epw_version has no meaning for a file of this kind"):
        read_electron_phonon(tmp_path / "c.h5", epw_version="5.5")
    # what neither form can hold
    strange = replace(old, phonons=replace(old.phonons, axes=(True, True, False)))
    for write in (lambda: write_epw(strange, tmp_path / "y"), lambda: write_perturbo(strange, tmp_path / "y_epr.h5")):
        with pytest.raises(InputError, match=r"along other axes than .*: use the compact format"):
            write()
    half = replace(old, coupling_polar=False)
    for write in (lambda: write_epw(half, tmp_path / "y"), lambda: write_perturbo(half, tmp_path / "y_epr.h5")):
        with pytest.raises(InputError, match=r"and not of the coupling; .*: use the compact format"):
            write()
    assert read_compact(write_compact(half, tmp_path / "half.h5")).long_range is None
    (tmp_path / "again" / "sidejump.json").write_text('{"epw_version": 5}\n')
    with pytest.raises(InputError, match=r"sidejump.json: .*epw_version = 5 is none of"):
        read_epw(tmp_path / "again")
