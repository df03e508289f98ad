"""`sidejump symmetrize`: data with exact symmetry as files that everything reads."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from helpers_symmetric import MAGNET, Hidden
from helpers_wannier90 import full_positions
from sidejump.app.build import build_electrons
from sidejump.app.cli import main
from sidejump.app.config import read_input
from sidejump.bands.lattice import LatticeModel
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.wannier90 import read_wannier90
from sidejump.formats.wannier90_write import write_wannier90
from sidejump.groups.symmetry import symmetry_report
from sidejump.symmetrize.symmetrized import symmetrized

IRON = Path(__file__).parent.parent / "data" / "iron" / "Fe_tb.dat.gz"
INPUT = """
[electrons]
model = "{model}"
file = "{file}"
{more}
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e18
strength = 0.1
[temperature]
values = [300.0]
"""
PROJECTED = 'symmetrize = true\nprojections = "Fe:sp3d2;dxy;dxz;dyz"\nmagnetisation = [0, 0, 1]\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def random_crystal(seed=0, positions=True):
    rng = np.random.default_rng(seed)
    vectors = np.array([[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, -2], [0, -1, 2]])

    def hermitian(*shape):
        x = rng.normal(size=(5, *shape, 3, 3)) + 1j * rng.normal(size=(5, *shape, 3, 3))
        return x + x[[0, 2, 1, 4, 3]].conj().swapaxes(-1, -2)

    cell = 3 * np.eye(3) + 0.1 * rng.normal(size=(3, 3))
    sites = rng.normal(size=(3, 3))
    full = hermitian(3) if positions else None
    if positions:  # centres are the diagonal at R = 0
        sites = full[0].diagonal(axis1=1, axis2=2).real.T
    return LatticeModel(cell, vectors, hermitian(), full, sites)


@pytest.mark.parametrize("name", ["x_tb.dat", "x_tb.dat.gz", "x_tb.dat.bz2"])
def test_a_written_crystal_is_read_as_it_was(folder, name):
    model = random_crystal()
    write_wannier90(model, name)
    found = read_wannier90(name)
    np.testing.assert_array_equal(found.vectors, model.vectors)
    np.testing.assert_array_equal(found.hoppings, model.hoppings)
    np.testing.assert_allclose(full_positions(found), full_positions(model), atol=1e-14)
    np.testing.assert_allclose(found.cell, model.cell, rtol=1e-15)


def test_a_written_crystal_replaces_nothing_and_says_what_it_leaves_out(folder):
    given = random_crystal()
    spin = np.stack([np.eye(3)] * 3)
    model = LatticeModel(given.cell, given.vectors, given.hoppings, sites=given.site_positions, spin=spin)
    with pytest.warns(sj.SidejumpWarning, match=r"x_tb\.dat: .* no place for the spin"):
        write_wannier90(model, "x_tb.dat")
    before = Path("x_tb.dat").read_bytes()
    with pytest.raises(sj.InputError, match="exists already"):
        write_wannier90(given, "x_tb.dat")
    assert Path("x_tb.dat").read_bytes() == before
    write_wannier90(given, "x_tb.dat", force=True)
    assert Path("x_tb.dat").read_bytes() != before


def test_a_crystal_without_positions_and_sites_ends_after_h(folder):
    given = random_crystal(positions=False)
    write_wannier90(LatticeModel(given.cell, given.vectors, given.hoppings), "x_tb.dat")
    found = read_wannier90("x_tb.dat")
    assert found.residual_positions is None
    np.testing.assert_array_equal(found.hoppings, given.hoppings)


def test_iron_is_written_with_its_symmetry(folder, capsys):
    Path("iron.toml").write_text(
        INPUT.format(model="wannier90", file=IRON, more=PROJECTED + "fermi_energy = 17.2745\nzeeman = [0.0, 0.1, 0.0]")
    )
    assert main(["symmetrize", "iron.toml", "-o", "Fe_even_tb.dat.gz", "--json"]) == 0
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert len(report["symmetry_operations"]) == 16 and report["energy_change_largest_eV"] < 1e-6
    assert "wrote Fe_even_tb.dat.gz" in said.err
    assert "warning: zeeman of iron.toml is left out of Fe_even_tb.dat.gz" in " ".join(said.err.split())
    found = read_wannier90("Fe_even_tb.dat.gz")
    # the field of the input is of a run, not of the data
    section = read_input("iron.toml").electrons.model_copy(update={"zeeman": None})
    model = build_electrons(section, Path()).model
    k = np.random.default_rng(1).normal(size=(6, 3))
    np.testing.assert_allclose(found.hamiltonian(k), model.hamiltonian(k), atol=1e-12)
    np.testing.assert_allclose(full_positions(found), full_positions(model), atol=1e-12)
    violated = [
        symmetry_report(m, [0, 0, 1.0], energy=17.2745)["point_group_violation_rms_eV"]
        for m in (read_wannier90(IRON), found)
    ]
    assert violated[0] > 1e-2 and violated[1] < 1e-9


def test_spin_matrices_that_are_left_out_are_spoken_of(folder, capsys):
    """They are of the Wannier functions before, and nothing reads them."""
    Path("iron.toml").write_text(
        INPUT.format(model="wannier90", file=IRON, more=PROJECTED + 'fermi_energy = 17.2745\nspn = "Fe.spn"')
    )
    Path("Fe.spn").touch()
    assert main(["symmetrize", "iron.toml", "-o", "even_tb.dat"]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "warning: spn of iron.toml is left out of even_tb.dat: its matrices" in said and "spin_ordering" in said
    assert "zeeman" not in said and "exchange" not in said


def test_a_coupling_is_written_with_its_symmetry(folder, capsys):
    data = Hidden(MAGNET, mesh=(2, 2, 2), size=0.1).data()
    data = replace(data, file_coupling=data.file_coupling.dense())
    write_compact(data, "seen.h5")
    level = float(np.median(data.electrons.energies(np.zeros((1, 3)))))
    more = (
        f'symmetrize = true\nprojections = "{MAGNET.projections}"\n'
        f"magnetisation = {list(map(float, MAGNET.magnetisation))}\nfermi_energy = {level}"
    )
    Path("in.toml").write_text(INPUT.format(model="compact", file="seen.h5", more=more))
    assert main(["symmetrize", "in.toml", "-o", "even.h5"]) == 0
    assert "coupling_change" in capsys.readouterr().out
    new, _ = symmetrized(
        read_compact("seen.h5"), projections=MAGNET.projections, magnetisation=MAGNET.magnetisation, energy=level
    )
    found = read_compact("even.h5")
    rng = np.random.default_rng(2)
    k, q = rng.random((3, 3)), rng.random((3, 3))
    np.testing.assert_allclose(np.abs(found.coupling(k, q)), np.abs(new.coupling(k, q)), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.phonon_energies(q), new.phonon_energies(q), atol=1e-10)
    # nothing is replaced unasked, and the source never
    before = Path("even.h5").read_bytes()
    assert main(["symmetrize", "in.toml", "-o", "even.h5"]) == 2
    assert main(["symmetrize", "in.toml", "-o", "seen.h5", "--force"]) == 2
    assert Path("even.h5").read_bytes() == before and not list(Path().glob(".sidejump*"))


@pytest.mark.parametrize(
    "model, target, options, words",
    [
        ("wannier90", "x.dat", [], "ends in _tb.dat"),
        ("wannier90", "x_tb.dat", ["--to", "epw"], "leave it out"),
        ("massive_dirac", "x_tb.dat", [], "takes wannier90, epw"),
    ],
)
def test_what_cannot_be_symmetrised_is_said(folder, capsys, model, target, options, words):
    text = INPUT.format(model="wannier90", file=IRON, more=PROJECTED + "fermi_energy = 17.2745")
    if model == "massive_dirac":
        electrons = 'model = "massive_dirac"\nmass = 0.1\nvelocity = 3.0\nchemical_potential = 0.2\n'
        text = text.replace(text[text.index("model") : text.index("[[scattering]]")], electrons)
    Path("in.toml").write_text(text)
    assert main(["symmetrize", "in.toml", "-o", target, *options]) == 2
    said = capsys.readouterr().err
    assert words in said and "Traceback" not in said and not Path(target).exists()


def test_sites_without_a_position_matrix_are_written(tmp_path):
    """Two functions apart from each other: the curvature depends on where they are."""
    rng = np.random.default_rng(1)
    half = rng.normal(size=(4, 2, 2)) + 1j * rng.normal(size=(4, 2, 2))
    adjoint = half.conj().transpose(0, 2, 1)
    steps = np.eye(3, dtype=int)
    model = LatticeModel(
        np.diag([3.0, 3.2, 4.0]),
        np.concatenate([np.zeros((1, 3), dtype=int), steps, -steps]),
        np.concatenate([half[:1] + adjoint[:1], half[1:], adjoint[1:]]),
        sites=np.array([[0, 0, 0], [1, 0.5, 0.7]]),
    )
    back = read_wannier90(write_wannier90(model, tmp_path / "two_tb.dat"))
    found = [sj.intrinsic_conductivity(m, [0.1], [300], mesh=(8, 8, 8)).sigma for m in (model, back)]
    assert np.abs(found[0]).max() > 1e-4
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)


def test_a_crystal_without_levels_at_home_is_written(tmp_path):
    steps = np.array([[1, 0, 0], [-1, 0, 0]])
    model = LatticeModel(np.eye(3), steps, np.full((2, 1, 1), 0.3 + 0j), sites=np.array([[0.5, 0, 0]]))
    back = read_wannier90(write_wannier90(model, tmp_path / "chain_tb.dat"))
    np.testing.assert_allclose(back.hamiltonian(np.ones((1, 3))), model.hamiltonian(np.ones((1, 3))), atol=1e-12)
    np.testing.assert_allclose(back.site_positions, model.site_positions)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("there_tb.dat", "exists already"),
        ("none/x_tb.dat", "does not exist"),
        ("x.toml", "is an input"),
        ("given_tb.dat", "is an input"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused_before_the_work(folder, capsys, monkeypatch, target, words):
    write_wannier90(random_crystal(), "given_tb.dat")
    Path("there_tb.dat").write_text("mine")
    Path("x.toml").write_text(
        INPUT.format(model="wannier90", file="given_tb.dat", more="fermi_energy = 0.0\n" + PROJECTED)
    )
    monkeypatch.setattr("sidejump.app.symmetrize_command.build_electrons", lambda *_: pytest.fail("worked"))
    monkeypatch.setattr("sidejump.app.symmetrize_command.plain_name", lambda _: "x_tb.dat")
    assert main(["symmetrize", "x.toml", "-o", target]) == 2
    assert words in capsys.readouterr().err and Path("there_tb.dat").read_text() == "mine"
