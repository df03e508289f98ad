"""`sidejump info` and `sidejump convert`, and input files that name first-principles data."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers_abinitio import Toy, examined
from sidejump import outputs
from sidejump.app import build, config
from sidejump.app.cli import main
from sidejump.errors import InputError
from sidejump.formats.compact import write_compact
from sidejump.formats.recognise import read_electron_phonon

BCC = 1.5 * np.array([[1.0, 1, 1], [-1, 1, 1], [-1, -1, 1]])


@pytest.fixture(scope="module")
def data():
    toy = Toy(cell=BCC, positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0, 0])
    return examined(toy.from_meshes((4, 4, 4), (2, 2, 2), spinor=True))


@pytest.fixture
def folder(data, tmp_path, monkeypatch):
    """The current directory, with a compact file of a toy crystal."""
    monkeypatch.chdir(tmp_path)
    write_compact(data, tmp_path / "toy.h5")
    return tmp_path


def test_info_in_words_and_for_programs(folder, capsys):
    assert main(["info", "toy.h5", "--figure", "decay.png"]) == 0
    out, err = capsys.readouterr()
    assert "wannier_functions: 2\n" in out and "k_mesh: 4  4  4\n" in out and "spinor: yes\n" in out
    assert "wrote decay.png" in err and (folder / "decay.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["info", "toy.h5", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["wannier_functions"] == 2 and report["q_mesh"] == [2, 2, 2]
    assert report["coupling_hermiticity_on_mesh"] < 1e-10


def test_conversions_carry_the_coupling(folder, data, capsys):
    assert main(["convert", "toy.h5", "toy_epr.h5"]) == 2
    refused = capsys.readouterr().err
    assert "cannot hold" in refused and "--lossy" in refused and not (folder / "toy_epr.h5").exists()
    assert main(["convert", "toy.h5", "toy_epr.h5", "--lossy"]) == 0
    warning, wrote = capsys.readouterr().err.splitlines()
    assert warning.startswith("warning: toy.h5: the Perturbo form cannot hold") and wrote == "wrote toy_epr.h5"
    assert "position matrix" in warning and "the Fermi energy (0.3 eV)" in warning
    options = ["--n-electrons", "2", "--fermi-energy", "0.5", "--prefix", "toy"]
    assert main(["convert", "toy.h5", "files", *options]) == 0
    assert capsys.readouterr().err == "wrote files\n"
    assert (folder / "files" / "toy.epmatwp").exists()
    k, q = np.random.default_rng(0).integers(0, 2, (2, 5, 3)) / 2
    expected = np.abs(data.coupling(k, q))
    for name in ("toy_epr.h5", "files"):
        np.testing.assert_allclose(np.abs(read_electron_phonon(folder / name).coupling(k, q)), expected, atol=1e-8)
    assert sorted(p.name for p in folder.iterdir()) == ["files", "toy.h5", "toy_epr.h5"]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["info", "nothing"], "no such file"),
        (["info", "text.h5"], "text.h5"),
        (["info", "empty"], "crystal.fmt"),
        (["info", "toy.h5", "--figure", "kept.png"], "--force"),
        (["info", "toy.h5", "--figure", "x.gif"], ".png"),
        (["convert", "toy.h5", "toy.h5"], "same"),
        (["convert", "toy.h5", "toy.h5", "--force"], "same"),
        (["convert", "nothing", "x.h5"], "no such file"),
        (["convert", "toy.h5", "kept.h5"], "--force"),
        (["convert", "toy.h5", "full"], "--force"),
        (["convert", "toy.h5", "nowhere/x.h5"], "does not exist"),
        (["convert", "toy.h5", "x", "--to", "xml"], "xml"),
        (["convert", "toy.h5", "new"], "n_electrons"),
        (["convert", "toy.h5", "full", "--to", "compact", "--force"], "is a directory"),
    ],
)
def test_mistakes_are_one_sentence_and_change_nothing(folder, capsys, arguments, word):
    (folder / "text.h5").write_text("no HDF5")
    (folder / "kept.png").write_text("kept")
    (folder / "kept.h5").write_text("kept")
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "crystal.fmt").write_text("kept")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert word in err and err.count("\n") == 1
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("output", [".", "./", "", "/", "..", "some_directory/"])
@pytest.mark.parametrize(
    "command",
    [
        ["run", "in.toml", "-o"],
        ["run", "in.toml", "-o", "x.nc", "--csv"],
        ["merge", "toy.h5", "-o"],
        ["csv", "toy.h5", "-o"],
        ["plot", "toy.h5", "-o"],
        ["report", "toy.h5", "-o"],
        ["converge", "toy.h5", "-o"],
        ["separate", "films.csv", "-o"],
        ["figure1", "-o"],
        ["info", "toy.h5", "--figure"],
        ["convert", "toy.h5", "--to", "compact", "--force"],
        ["convert", "toy.h5", "--to", "perturbo", "--lossy"],
    ],
    ids=" ".join,
)
def test_a_directory_is_no_output(folder, capsys, command, output):
    """`.` and `/` have no last part, and many a function of paths fails on them."""
    (folder / "in.toml").write_text(INPUT.format(level="fermi_energy = 0.0"))
    (folder / "some_directory").mkdir()
    before = sorted(folder.rglob("*"))
    assert main([*command, output]) == 2
    err = capsys.readouterr().err
    assert f"{Path(output)}: is a directory; name a file in it, such as " in err and err.count("\n") == 1
    assert before == sorted(folder.rglob("*"))


@pytest.mark.parametrize("source", [".", "", "/", ".."])
@pytest.mark.parametrize("command", ["run", "csv", "plot", "report", "converge", "separate", "check", "gauge"])
def test_a_directory_is_no_input(folder, capsys, command, source):
    assert main([command, source]) == 2
    assert capsys.readouterr().err == f"error: {Path(source)}: is a directory; name a file in it\n"


def test_a_name_without_an_ending_is_told_two(folder, capsys):
    """That of a folder that is not there yet, or of a file."""
    assert main(["plot", "toy.h5", "-o", "new/"]) == 2
    assert "end in .png or .pdf or .svg, such as new.png, or new/result.png in a folder" in capsys.readouterr().err


def test_files_of_epw_go_to_this_directory(folder, data, capsys, monkeypatch):
    """`.` is a directory with a name of its own, which is where its lock is."""
    write_compact(data, folder / "toy.h5")
    (folder / "here").mkdir()
    monkeypatch.chdir(folder / "here")
    options = ["--n-electrons", "2", "--fermi-energy", "0.5", "--prefix", "toy"]
    assert main(["convert", "../toy.h5", ".", *options]) == 0, capsys.readouterr().err
    assert (folder / "here" / "toy.epmatwp").exists() and capsys.readouterr().err == "wrote .\n"
    assert main(["convert", "../toy.h5", "/", "--force", *options]) == 2
    assert capsys.readouterr().err == "error: /: is the root of all directories; name one in it\n"
    assert main(["convert", "../toy.h5", "../toy.h5", "--to", "epw", "--force"]) == 2
    (folder / "taken").write_text("kept")
    assert main(["convert", "../toy.h5", "../taken", "--force", *options]) == 2
    assert "is a file, and files of EPW go to a directory" in capsys.readouterr().err


@pytest.mark.parametrize("path", [".", "/", "x.csv"])
def test_functions_that_write_refuse_a_directory(folder, path):
    (folder / "x.csv").mkdir()
    with pytest.raises(InputError, match="is a directory; name a file in it"):
        outputs.write_whole(path, b"")


INPUT = """
[electrons]
model = "compact"
file = "toy.h5"
{level}

[[scattering]]
kind = "electron_phonon"
images = "file"

[temperature]
values = [300]
"""


def test_input_files_lead_to_the_data(folder, data):
    settings = config.validate(tomllib.loads(INPUT.format(level="chemical_potential = 0.25")))
    electrons = build.build_electrons(settings.electrons, folder)
    assert electrons.chemical_potential == 0.25
    k = np.array([[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(electrons.coupling.energies(k), data.energies(k), atol=1e-12)
    (scatterer,) = build.build_scatterers(settings.scattering, electrons)
    assert scatterer.images == "file" and scatterer.data.phonons.acoustic_sum_rule_violation < 1e-10


@pytest.mark.parametrize("output", ["toy.h5", "link.h5"])
def test_data_are_never_a_target(folder, capsys, output):
    (folder / "in.toml").write_text(INPUT.format(level="fermi_energy = 0.0"))
    (folder / "link.h5").symlink_to("toy.h5")
    before = (folder / "toy.h5").read_bytes()
    assert main(["run", "in.toml", "-o", output, "--force"]) == 2
    assert "is an input of this run" in capsys.readouterr().err
    assert (folder / "toy.h5").read_bytes() == before


def test_every_file_that_a_run_reads_is_protected(folder):
    (folder / "sub").mkdir()
    for name in ("a_tb.dat", "a_wsvec.dat", "b.dat", "in.toml"):
        (folder / "sub" / name).touch()
    (folder / "sub" / "epw" / "deep").mkdir(parents=True)
    for name in ("crystal.fmt", "deep/ifc.q2r.xml"):
        (folder / "sub" / "epw" / name).touch()
    rest = {
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e20, "strength": 1.0}],
        "temperature": {"values": [300]},
    }

    def names(**electrons):
        settings = config.validate({"electrons": {"fermi_energy": 0.0, **electrons}, **rest})
        return {p.relative_to(folder / "sub").as_posix() for p in config.files_read(folder / "sub/in.toml", settings)}

    beside = {"in.toml", "a_tb.dat", "a_wsvec.dat"}
    assert names(model="wannier90", file="a_tb.dat") == beside
    assert names(model="wannier90", file="a_tb.dat", wsvec="b.dat") == beside | {"b.dat"}
    assert names(model="epw", directory="epw", wannier90="a_tb.dat") == beside | {
        "epw/crystal.fmt",
        "epw/deep/ifc.q2r.xml",
    }


def test_an_exchange_field_on_files_with_spin(folder, data):
    level = 'fermi_energy = 0.0\nspin_ordering = "interleaved"\nzeeman = [0.0, 0.0, 0.5]'
    settings = config.validate(tomllib.loads(INPUT.format(level=level)))
    model = build.build_electrons(settings.electrons, folder).model
    k = np.zeros((1, 3))
    np.testing.assert_allclose(model.hamiltonian(k) - data.electrons.hamiltonian(k), [np.diag([0.5, -0.5])], atol=1e-12)


def test_two_levels_or_none_are_refused(folder, data):
    write_compact(replace(data, fermi_energy=None), folder / "toy.h5")
    with pytest.raises(InputError, match="not both"):
        config.validate(tomllib.loads(INPUT.format(level="fermi_energy = 0.0\nchemical_potential = 0.1")))
    settings = config.validate(tomllib.loads(INPUT.format(level="")))
    with pytest.raises(InputError, match="fermi_energy is missing"):
        build.build_electrons(settings.electrons, folder)
