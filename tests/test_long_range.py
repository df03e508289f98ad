"""Long-range parts of polar files: what the writing codes took out is put back, to rounding on the coarse mesh.

Sets are made as the codes make them: the numbers of a known short-ranged crystal go into the files, and what should
come out is these plus the sums of the codes, written out here in Rydberg units.
"""

import itertools
import json
from dataclasses import replace

import h5py
import numpy as np
import pytest

from helpers_abinitio import Layer, Toy, polar
from sidejump.app.run import prepare
from sidejump.errors import InputError
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.formats.perturbo import read_perturbo
from sidejump.formats.perturbo_write import write_perturbo
from sidejump.formats.recognise import convert, read_electron_phonon
from sidejump.units import BOHR
from sidejump.wannier.container import mesh_points
from sidejump.wannier.images import fold_vectors
from sidejump.wannier.rydberg import ATOMIC_MASS, FORCE, FORCE_CONSTANT

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
    """``W(K)``, shape (n,), and ``[K.Z_a]_A exp(-i K.tau_a)``, (n, 3 nat), of all K = q + G; bohr, with e^2 = 2."""
    cell, positions = cell / BOHR, positions / BOHR
    gaussian = gaussian * BOHR**2
    volume, height = abs(np.linalg.det(cell)), cell[2, 2]
    reach = (np.sqrt(56 * gaussian) * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int) + 2
    whole = itertools.product(*[range(-n, n + 1) if summed else (0,) for n, summed in zip(reach, axes, strict=True)])
    waves = (q + np.array(list(whole))) @ (2 * np.pi * np.linalg.inv(cell).T)
    squares = np.sum((waves if layer else waves @ dielectric) * waves, axis=1)
    some = (squares >= 1e-12) & (squares / (4 * gaussian) < 14)
    waves, squares = waves[some], squares[some]
    weights = np.exp(-squares / (4 * gaussian)) / volume
    if layer:
        lengths = np.sqrt(squares)
        flat = waves[:, :2]
        excess = np.sum(flat @ (dielectric[:2, :2] - np.eye(2)) * flat, axis=1) / squares * height / 2
        weights *= 4 * np.pi * height / (lengths * (1 + excess * lengths))
    else:
        weights *= 8 * np.pi / squares
    dipoles = [
        np.exp(-1j * waves @ tau)[:, None] * (waves @ charge.T) for charge, tau in zip(charges, positions, strict=True)
    ]
    return weights, np.concatenate(dipoles, axis=1)


def taken_out(short, charges, dielectric, q, **options):
    """Long-range parts of force constants (3 nat, 3 nat), eV/angstrom^2, and coupling (3 nat,), eV/angstrom."""

    def sums(q):
        weights, dipoles = terms(short.cell, short.atoms.positions, charges, dielectric, q, **options)
        return (dipoles.conj() * weights[:, None]).T @ dipoles, 1j * weights @ dipoles

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
    with pytest.raises(InputError, match=r'long_range = "quadrupole": use "bulk", "layer" or "none"'):
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
    with pytest.raises(InputError, match=r"sidejump.json: .*epw_version = 5: give text in quotes"):
        read_epw(tmp_path / "again")


def write_q2r(data, path, *, xml, alpha=None, polar=False, dipole=False, change=None):
    """A file of q2r.x: constants of atom a in cell R and atom b at home, modulo the supercell.

    `alpha` as Quantum ESPRESSO 7.4 writes it, in (2 pi/alat)^2; `dipole`: with the dipole part beside each constant.
    """
    nat, mesh, phonons = len(data.atoms.masses), data.q_mesh, data.phonons
    folded = fold_vectors(-phonons.vectors, phonons.force_constants, mesh).real / FORCE_CONSTANT
    folded = folded.reshape(*mesh, nat, 3, nat, 3)
    cells = [c[::-1] for c in itertools.product(*[range(n) for n in mesh[::-1]])]
    at, tau, alat = data.cell / ALAT, data.atoms.positions / ALAT, ALAT / BOHR
    amu = data.atoms.masses / ATOMIC_MASS

    def row(numbers):
        return " ".join(f"{x:.16e}" for x in np.ravel(numbers))

    if xml:
        rows = ["<Root><GEOMETRY_INFO><NUMBER_OF_ATOMS>", str(nat), "</NUMBER_OF_ATOMS>"]
        rows += [f"<CELL_DIMENSIONS>{alat:.12f} 0 0 0 0 0</CELL_DIMENSIONS><AT>{row(at)}</AT>"]
        rows += [f"<MASS.{a + 1}>{amu[a]:.12f}</MASS.{a + 1}>" for a in range(nat)]
        rows += [f'<ATOM.{a + 1} SPECIES="X" INDEX="{a + 1}" TAU="{row(tau[a])}"/>' for a in range(nat)]
        rows += ["</GEOMETRY_INFO>", f'<DIELECTRIC_PROPERTIES epsil="{polar}">']
        if polar:
            rows += [f"<EPSILON>{row(phonons.dielectric.T)}</EPSILON><ZSTAR>"]
            rows += [f"<Z_AT_.{a + 1}>{row(z)}</Z_AT_.{a + 1}>" for a, z in enumerate(phonons.born_charges)]
            rows += ["</ZSTAR>"]
        rows += ["</DIELECTRIC_PROPERTIES>", "<INTERATOMIC_FORCE_CONSTANTS>"]
        rows += ["<MESH_NQ1_NQ2_NQ3>{} {} {}</MESH_NQ1_NQ2_NQ3>".format(*mesh)]
        rows += [] if alpha is None else [f"<alpha_ewald>{alpha:.16e}</alpha_ewald>"]
        for a, b in itertools.product(range(nat), repeat=2):
            for c in cells:
                name = "s_s1_m1_m2_m3." + ".".join(str(x + 1) for x in (a, b, *c))
                rows.append(f"<{name}><IFC>{row(folded[c][a, :, b, :].T)}</IFC></{name}>")
        rows += ["</INTERATOMIC_FORCE_CONSTANTS></Root>"]
    else:
        rows = [f" {nat} {nat} 0 {alat:.12f} 0 0 0 0 0", *(row(vector) for vector in at)]
        rows += [f" {a + 1} 'X{a} ' {amu[a] * ATOMIC_MASS / 2:.12f}" for a in range(nat)]
        rows += [f" {a + 1} {a + 1} {row(tau[a])}" for a in range(nat)]
        rows += [f" {'T' if polar else 'F'}" + ("" if alpha is None else f"  {alpha:.16f}")]
        if polar:
            rows += [row(line) for line in phonons.dielectric]
            for a, z in enumerate(phonons.born_charges):
                rows += [f" {a + 1}", *(row(line) for line in z.T)]
        rows.append(" {} {} {}".format(*mesh))
        for i, j, a, b in itertools.product(range(3), range(3), range(nat), range(nat)):
            rows.append(f" {i + 1} {j + 1} {a + 1} {b + 1}")
            for c in cells:
                more = "  1.0E-03" if dipole else ""
                rows.append(f" {c[0] + 1} {c[1] + 1} {c[2] + 1} {folded[c][a, i, b, j]:.16e}{more}")
    path.write_text("\n".join(rows if change is None else change(rows)) + "\n")


def left_to_q2r(case, folder):
    """Files of EPW run with lifc = .true.: without force constants of their own."""
    written(case, folder, version="6.0")
    lines = (folder / "epwdata.fmt").read_text().splitlines()
    nat, n_q = 2, int(lines[1].split()[3])
    rows = 9 * nat * nat * n_q
    (folder / "epwdata.fmt").write_text("\n".join(lines[:-rows] + [" (0.0,0.0)"] * rows) + "\n")
    return folder


def with_charges(case):
    short, charges, dielectric = case
    return replace(short, phonons=replace(short.phonons, born_charges=charges, dielectric=dielectric))


@pytest.mark.parametrize("xml", [False, True])
@pytest.mark.parametrize("alpha", [None, 0.62, 1.9])
def test_ewald_parameter_of_q2r(bulk, xml, alpha, tmp_path):
    """Of the phonons in both forms; EPW takes it for the coupling from XML alone."""
    folder = left_to_q2r(bulk, tmp_path / "epw")
    name = "ifc.q2r.xml" if xml else "ifc.q2r"
    write_q2r(with_charges(bulk), folder / name, xml=xml, alpha=alpha, polar=True)
    data = read_epw(folder)
    gaussian = (alpha or 1.0) * GAUSSIAN
    compare(data, bulk, gaussian=gaussian, coupling=gaussian if xml else GAUSSIAN, **BULK)
    assert not any("ifc.q2r" in w for w in data.warnings)
    compare(
        read_compact(write_compact(data, tmp_path / "x.h5")),
        bulk,
        gaussian=gaussian,
        coupling=gaussian if xml else GAUSSIAN,
        **BULK,
    )
    compare(
        read_perturbo(write_perturbo(data, tmp_path / "x_epr.h5")),
        bulk,
        gaussian=gaussian,
        coupling=gaussian if xml else GAUSSIAN,
        **BULK,
    )
    if alpha is not None:
        with pytest.raises(InputError, match=r"Ewald parameter of .*: use the compact format"):
            write_epw(data, tmp_path / "again")


@pytest.mark.parametrize("xml", [False, True])
def test_q2r_tells_what_was_taken_out_of_the_phonons(bulk, xml, tmp_path):
    """Its flag, not the charges of EPW, which belong to the coupling."""
    folder = left_to_q2r(bulk, tmp_path / "epw")
    name = "ifc.q2r.xml" if xml else "ifc.q2r"
    write_q2r(with_charges(bulk), folder / name, xml=xml, alpha=None, polar=False)
    data = read_epw(folder)
    short = replace(data, phonons=replace(data.phonons, born_charges=None, dielectric=None), _cache={})
    compare(short, bulk, gaussian=None, coupling=None, **BULK)
    assert not data.phonons.polar and any("made without Born charges" in w for w in data.warnings)
    write_q2r(with_charges(bulk), folder / name, xml=xml, alpha=0.7, polar=True)
    data = read_epw(folder, long_range="none")
    assert data.long_range is None
    compare(data, bulk, gaussian=0.7 * GAUSSIAN, coupling=None, **BULK)
    compare(read_compact(write_compact(data, tmp_path / "x.h5")), bulk, gaussian=0.7 * GAUSSIAN, coupling=None, **BULK)


def test_numbers_of_q2r_are_compared(bulk, tmp_path):
    """Surplus and misplaced numbers are refused, contradictions to the other files said with their size."""
    folder = left_to_q2r(bulk, tmp_path / "epw")
    data, plain, xml = with_charges(bulk), folder / "ifc.q2r", folder / "ifc.q2r.xml"
    write_q2r(data, plain, xml=False, polar=True, dipole=True)  # write_lr = .true.
    compare(read_epw(folder), bulk, gaussian=GAUSSIAN, coupling=GAUSSIAN, **BULK)

    def swapped(rows):
        rows = list(rows)
        rows[-9], rows[-18] = rows[-18], rows[-9]
        return rows

    for change, words in (
        (lambda rows: [*rows, " 1.0"], r"numbers expected, \d+ found"),
        (lambda rows: [*rows[:-1], rows[-2]], "the cells of one pair of atoms are others"),
        (swapped, "the numbers of directions and atoms are out of order"),
    ):
        write_q2r(data, plain, xml=False, polar=True, change=change)
        with pytest.raises(InputError, match=rf"ifc.q2r: .*{words}"):
            read_epw(folder)
    write_q2r(data, plain, xml=False, polar=True, alpha=np.nan)
    with pytest.raises(InputError, match=r"ifc.q2r: .*not finite"):
        read_epw(folder)
    plain.unlink()
    more = "<s_s1_m1_m2_m3.3.1.1.1.1><IFC>0 0 0 0 0 0 0 0 0</IFC></s_s1_m1_m2_m3.3.1.1.1.1>"
    write_q2r(data, xml, xml=True, polar=True, change=lambda rows: [*rows[:-1], more, rows[-1]])
    with pytest.raises(InputError, match=r"ifc.q2r.xml: .*1 force constants more"):
        read_epw(folder)
    stretched = replace(data, atoms=replace(data.atoms, masses=data.atoms.masses * 1.5))
    stretched = replace(
        stretched,
        phonons=replace(
            data.phonons, dielectric=data.phonons.dielectric * 1.2, born_charges=data.phonons.born_charges * 1.1
        ),
    )
    for path, kind in ((xml, True), (plain, False)):
        write_q2r(stretched, path, xml=kind, polar=True)
        (sentence,) = (w for w in read_epw(folder).warnings if "ifc.q2r" in w)
        assert "masses differ by 50 %" in sentence and "Born charges differ by 0.17" in sentence
        assert "dielectric tensors differ by 1.2" in sentence
        path.unlink()
