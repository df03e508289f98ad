"""Structures of ASE and pymatgen, force constants of phonopy, against their own numbers."""

import warnings

import numpy as np
import pytest
from scipy import constants

import sidejump as sj
from helpers_abinitio import Toy, examined
from sidejump.app import config
from sidejump.app.build import build_electrons
from sidejump.errors import InputError
from sidejump.formats.compact import write_compact
from sidejump.interop.phonopy import commensurate

CELL = np.array([[0, 2.8, 2.8], [2.8, 0, 2.8], [2.8, 2.8, 0]])
SUPERCELLS = [
    np.diag([2, 2, 2]),
    np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    np.array([[2, 0, 0], [1, 2, 0], [0, 0, 1]]),
]


def test_ase(tmp_path):
    ase = pytest.importorskip("ase")
    atoms = ase.Atoms("NaCl", cell=CELL, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], pbc=True)
    found = sj.from_ase(atoms)
    np.testing.assert_allclose(found.cell, CELL)
    assert found.symbols == ("Na", "Cl")
    np.testing.assert_allclose(found.atoms[1][1], [2.8, 2.8, 2.8])
    atoms.write(str(tmp_path / "POSCAR"), format="vasp")
    np.testing.assert_allclose(sj.read_structure(tmp_path / "POSCAR").positions, found.positions, atol=1e-12)
    with pytest.raises(InputError, match="ASE Atoms: the lattice vectors span no volume"):
        sj.from_ase(ase.Atoms("Fe"))
    (tmp_path / "x.cif").write_text("nothing")
    with pytest.raises(InputError, match="ASE reads no structure there"):
        sj.read_structure(tmp_path / "x.cif")


@pytest.mark.parametrize("form", ["cif", "res"])
def test_files_that_do_not_know_how_the_cell_lies(tmp_path, form):
    """Lengths and angles alone: a along x, whatever the cell was; that is said, unless there is nothing to say."""
    ase = pytest.importorskip("ase")
    oblique = ase.Atoms("NaCl", cell=CELL, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], pbc=True)
    oblique.write(str(tmp_path / f"x.{form}"))
    with pytest.warns(sj.SidejumpWarning, match=r"lengths and angles .* and not how they lie"):
        found = sj.read_structure(tmp_path / f"x.{form}")
    np.testing.assert_allclose(found.cell @ found.cell.T, CELL @ CELL.T, atol=1e-3)
    assert np.abs(found.cell - CELL).max() > 1
    brick = ase.Atoms("Na", cell=[3, 4, 5], pbc=True)
    brick.write(str(tmp_path / f"brick.{form}"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", sj.SidejumpWarning)
        np.testing.assert_allclose(sj.read_structure(tmp_path / f"brick.{form}").cell, np.diag([3, 4, 5]), atol=1e-5)


def test_pymatgen():
    pymatgen = pytest.importorskip("pymatgen.core")
    structure = pymatgen.Structure(CELL, ["Na+", "Cl-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    found = sj.from_pymatgen(structure)
    np.testing.assert_allclose(found.cell, CELL)
    assert found.symbols == ("Na", "Cl")
    np.testing.assert_allclose(found.positions, structure.cart_coords)
    mixed = pymatgen.Structure(CELL, [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]])
    with pytest.raises(InputError, match="several species"):
        sj.from_pymatgen(mixed)


@pytest.mark.parametrize("convert", ["from_ase", "from_pymatgen", "from_phonopy"])
def test_other_objects_are_refused(convert):
    with pytest.raises(InputError, match=r"is no .* it has no"):
        getattr(sj, convert)(object())


@pytest.mark.parametrize("supercell", SUPERCELLS)
def test_commensurate_points(supercell):
    found = commensurate(supercell)
    assert len(found) == len({tuple(q) for q in found.round(6).tolist()}) == round(abs(np.linalg.det(supercell)))
    whole = found @ np.transpose(supercell)
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-12)


def salt(phonopy, supercell, polar):
    """Springs between near atoms, no force on a rigid shift: of rock salt, or of a polar crystal without symmetry."""
    from phonopy.structure.atoms import PhonopyAtoms

    crystal = PhonopyAtoms(symbols=["Na", "Cl"], cell=CELL, scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]])
    if polar:
        crystal.cell = CELL + [[0.2, 0, 0.1], [0, -0.1, 0], [0, 0.1, 0.1]]
        crystal.scaled_positions = [[0, 0, 0], [0.47, 0.52, 0.5]]
    phonon = phonopy.Phonopy(crystal, supercell, primitive_matrix=np.eye(3))
    whole = phonon.supercell
    n = len(whole)
    positions, box = whole.positions, whole.cell
    springs = np.zeros((n, n, 3, 3))
    shifts = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3) @ box
    strength = {frozenset((0, 1)): 2.0, frozenset((0,)): 0.4, frozenset((1,)): 0.3}
    kinds = [0 if s == "Na" else 1 for s in whole.symbols]
    for i in range(n):
        for j in range(n):
            for shift in shifts:
                r = positions[j] + shift - positions[i]
                length = np.linalg.norm(r)
                if 1e-6 < length < 4.5:
                    k = strength[frozenset((kinds[i], kinds[j]))]
                    spring = k * np.outer(r, r) / length**2 + 0.2 * k * np.eye(3)
                    springs[i, j] -= spring
                    springs[i, i] += spring
    phonon.force_constants = springs
    if polar:
        charge = np.array([[1.1, 0.3, 0.0], [-0.2, 1.0, 0.0], [0.0, 0.1, 1.2]])
        charge = np.array([charge, -charge])  # of no symmetry, so that field and displacement are told apart
        phonon.nac_params = {
            "born": charge,
            "dielectric": np.diag([2.4, 2.2, 2.7]),
            "factor": 14.399652,
            "method": "gonze",
        }
    return phonon


THZ = 4.135667696e-3  # eV


@pytest.mark.parametrize("supercell", SUPERCELLS)
@pytest.mark.parametrize("compact", [False, True])
def test_frequencies_of_phonopy(supercell, compact):
    phonopy = pytest.importorskip("phonopy")
    phonon = salt(phonopy, supercell, polar=False)
    if compact:
        phonon.force_constants = phonon.force_constants[phonon.primitive.p2s_map]
    found = sj.from_phonopy(phonon)
    for q in np.random.default_rng(3).uniform(-1, 1, (4, 3)):
        ours = found.solve((q @ (2 * np.pi * np.linalg.inv(found.cell).T))[None])[0][0]
        np.testing.assert_allclose(ours, THZ * phonon.run_qpoints([q]).frequencies[0], rtol=1e-6, atol=1e-7)
    assert found.acoustic_sum_rule_violation < 1e-10


@pytest.mark.parametrize("supercell", SUPERCELLS)
def test_polar_frequencies_of_phonopy(supercell):
    """At the waves of the supercell to rounding, and for long waves, where the optical modes split."""
    phonopy = pytest.importorskip("phonopy")
    phonon = salt(phonopy, supercell, polar=True)
    found = sj.from_phonopy(phonon)
    reciprocal = 2 * np.pi * np.linalg.inv(found.cell).T

    def both(q):
        return found.solve((q @ reciprocal)[None])[0][0], THZ * phonon.run_qpoints([q]).frequencies[0]

    for q in commensurate(np.transpose(supercell))[1:]:  # phonopy has vectors as columns
        np.testing.assert_allclose(*both(q), rtol=1e-4, atol=1e-6)
    long = np.array([1e-3, 2e-3, -0.5e-3])
    ours, theirs = both(long)
    np.testing.assert_allclose(ours[3:], theirs[3:], rtol=2e-3)
    assert ours[5] - ours[4] > 0.05 * ours[5]  # the splitting of longitudinal and transverse waves


def test_sound_and_density():
    """Against group velocities of phonopy (THz angstrom), and the mass of the cell."""
    phonopy = pytest.importorskip("phonopy")
    phonon = salt(phonopy, SUPERCELLS[0], polar=False)
    found = sj.from_phonopy(phonon)
    direction = np.array([1.0, 0.3, -0.2])
    q = 1e-3 * direction @ CELL.T / (2 * np.pi)
    velocities = phonon.run_qpoints([q], with_group_velocities=True).group_velocities[0][:3]
    theirs = velocities @ (direction / np.linalg.norm(direction)) * 2 * np.pi * 100 / (2 * np.pi)
    np.testing.assert_allclose(found.sound_velocities(direction), np.sort(theirs), rtol=1e-3)
    assert found.mass_density == pytest.approx((22.98977 + 35.453) * 1.66053907e-27 / (2 * 2.8**3 * 1e-30), rel=1e-4)
    with pytest.raises(InputError, match="not all zero"):
        found.sound_velocities([0, 0, 0])


def test_files_and_units_of_phonopy(tmp_path):
    phonopy = pytest.importorskip("phonopy")
    phonon = salt(phonopy, SUPERCELLS[0], polar=False)
    phonon.save(str(tmp_path / "x.yaml"), settings={"force_constants": True})
    np.testing.assert_allclose(
        sj.read_phonopy(tmp_path / "x.yaml").force_constants, sj.from_phonopy(phonon).force_constants, atol=1e-12
    )
    (tmp_path / "y.yaml").write_text("a: 1\n")
    with pytest.raises(InputError, match="phonopy cannot read it"):
        sj.read_phonopy(tmp_path / "y.yaml")
    bare = phonopy.Phonopy(phonon.unitcell, SUPERCELLS[0])
    with pytest.raises(InputError, match="no force constants"):
        sj.from_phonopy(bare)
    other = phonopy.Phonopy(phonon.unitcell, SUPERCELLS[0], calculator="qe")
    with pytest.raises(InputError, match="calculator = 'qe'"):
        sj.from_phonopy(other)


@pytest.fixture(scope="module")
def input_with_phonons(tmp_path_factory):
    """Folder of an input whose coupling is that of springs, and whose phonons are those of a file of phonopy."""
    phonopy = pytest.importorskip("phonopy")
    folder = tmp_path_factory.mktemp("phonons")
    phonon = salt(phonopy, SUPERCELLS[0], polar=False)
    phonon.save(str(folder / "salt.yaml"), settings={"force_constants": True})
    masses = phonon.primitive.masses * constants.physical_constants["atomic mass constant"][0] / constants.m_e
    toy = Toy(cell=CELL, positions=phonon.primitive.positions, masses=masses)
    for name in ("toy.h5", "down.h5"):
        write_compact(examined(toy.from_meshes((2, 2, 2), (2, 2, 2))), folder / name)
    return folder, phonon


def built(folder, **keys):
    section = {"model": "compact", "file": "toy.h5", "chemical_potential": 0.3} | keys
    settings = config.validate(
        {"electrons": section, "scattering": [{"kind": "electron_phonon"}], "temperature": {"values": [300]}}
    )
    return build_electrons(settings.electrons, folder), config.files_read(folder / "in.toml", settings)


@pytest.mark.parametrize("keys", [{}, {"file_down": "down.h5"}])
def test_phonons_of_an_input(input_with_phonons, keys):
    """Frequencies are phonopy's, electrons and coupling those of the file; the file of phonopy is one of the input."""
    folder, phonon = input_with_phonons
    (own, _), (found, read) = built(folder, **keys), built(folder, phonons="salt.yaml", **keys)
    q = np.array([[0.5, 0.0, 0.0], [0.2, -0.3, 0.1]])
    theirs = THZ * np.array([phonon.run_qpoints([x]).frequencies[0] for x in q])
    wave = q @ (2 * np.pi * np.linalg.inv(CELL).T)
    ours, before = (e.coupling.phonons.solve(wave)[0] for e in (found, own))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert np.abs(before / theirs - 1).max() > 0.1
    np.testing.assert_array_equal(found.coupling.file_coupling.values, own.coupling.file_coupling.values)
    np.testing.assert_array_equal(found.model.hamiltonian(wave), own.model.hamiltonian(wave))
    assert folder / "salt.yaml" in read


def test_phonons_that_do_not_fit_an_input(input_with_phonons, tmp_path):
    folder, phonon = input_with_phonons
    with pytest.raises(InputError, match=r"\[electrons\] phonons: .*none.yaml: no such file"):
        built(folder, phonons="none.yaml")
    with pytest.raises(InputError, match=r"\[electrons\] phonons: .*toy.h5: phonopy cannot read it"):
        built(folder, phonons="toy.h5")
    heavy = Toy(cell=CELL, positions=phonon.primitive.positions).from_meshes((2, 2, 2), (2, 2, 2))
    write_compact(examined(heavy), tmp_path / "heavy.h5")
    with pytest.raises(InputError, match=r"\[electrons\] phonons: .*masses .* of the phonons differ"):
        built(folder, file=str(tmp_path / "heavy.h5"), phonons="salt.yaml")
