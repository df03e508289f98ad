"""`sidejump info` of files that are read beside others, and of tables that it compares with."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers_wannier90 import write_hr, write_win, write_wsvec
from sidejump.app.cli import main
from test_comparison import TENSOR, epw, perturbo
from test_films import GOOD
from test_neighbours_crystals import SUPERCELLS, salt

CHAIN = SimpleNamespace(
    n_orbitals=1,
    vectors=np.array([[-1, 0, 0], [0, 0, 0], [1, 0, 0]]),
    hoppings=np.array([-0.2, 1.0, -0.2]).reshape(3, 1, 1),
)
CELL = np.diag([2.0, 3.0, 4.0])
GIVEN = "2 0 0; 0 3 0; 0 0 4"


def report_of(path, capsys, *options) -> dict:
    assert main(["info", str(path), "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def refused(path, capsys, *options) -> str:
    assert main(["info", str(path), *options]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_files_beside_a_hamiltonian_say_what_it_holds(tmp_path, capsys):
    write_wsvec(tmp_path / "x_wsvec.dat", CHAIN)
    write_win(tmp_path / "x.win", CELL)
    assert "put x_tb.dat or x_hr.dat into" in refused(tmp_path / "x_wsvec.dat", capsys)
    write_hr(tmp_path / "x_hr.dat", CHAIN)
    whole = report_of(tmp_path / "x_hr.dat", capsys)
    for name, words in (("x_wsvec.dat", "Wigner-Seitz"), ("x.win", "lattice vectors")):
        part = report_of(tmp_path / name, capsys)
        assert words in part.pop("file") and part == whole


def test_lattice_vectors_by_an_option(tmp_path, capsys):
    write_hr(tmp_path / "x_hr.dat", CHAIN)
    assert "--cell" in refused(tmp_path / "x_hr.dat", capsys)
    report = report_of(tmp_path / "x_hr.dat", capsys, "--cell", GIVEN)
    np.testing.assert_array_equal(report["cell_angstrom"], CELL)
    assert "give three lattice vectors" in refused(tmp_path / "x_hr.dat", capsys, "--cell", "1 2 3")


@pytest.mark.parametrize("name", ["crystal.fmt", "toy.epmatwp"])
def test_parts_of_an_epw_run_are_read_as_the_run(tmp_path, capsys, name):
    (tmp_path / name).write_text("1")
    said = refused(tmp_path / name, capsys)
    assert "HDF5" not in said and said == refused(tmp_path, capsys)


def test_a_folder_of_other_files_names_them(tmp_path, capsys):
    assert "no file in it is known" in refused(tmp_path, capsys)
    write_hr(tmp_path / "x_hr.dat", CHAIN)
    assert "name a file in it: x_hr.dat" in refused(tmp_path, capsys)


def test_tables(tmp_path, capsys):
    (tmp_path / "films.csv").write_text(GOOD)
    films = report_of(tmp_path / "films.csv", capsys)
    assert films["films"] == ["A", "B", "C"] and films["temperatures_K"] == [5, 100] and films["points"] == 6
    perturbo(tmp_path / "x.trans_coef", {300.0: TENSOR})
    (line,) = report_of(tmp_path / "x.trans_coef", capsys)["tables"]
    assert line == "Perturbo: S/cm, mean of the diagonal 2400 at 300 K"
    epw(tmp_path / "epw.out", metal=True)
    serta, iterated = report_of(tmp_path / "epw.out", capsys)["tables"]
    assert serta.startswith("EPW, SERTA: S/cm, mean of the diagonal 2400 at 100 K") and "2880" in iterated


def test_force_constants(tmp_path, capsys):
    phonopy = pytest.importorskip("phonopy")
    salt(phonopy, SUPERCELLS[0], polar=False).save(tmp_path / "phonopy_params.yaml", settings={"force_constants": True})
    report = report_of(tmp_path / "phonopy_params.yaml", capsys)
    assert report["kind"] == "force constants of phonopy" and report["atoms"] == 2


def test_names_and_words_are_printed_as_they_are(capsys):
    """A colon on either side is no picture, and brackets are no style."""
    assert main(["run", "[red]a:b:.toml"]) == 2
    assert "[red]a:b:.toml: no such file" in capsys.readouterr().err


def test_the_first_part_of_a_word_is_near(capsys):
    assert main(["init", "dirac", "-", "-s", "acustic"]) == 2
    assert 'did you mean "acoustic_deformation_potential"?' in capsys.readouterr().err
