"""`sidejump info` of what the program itself has written: a result, a scan, a separation, an interrupted run."""

import json
import re

import pytest

import sidejump as sj
import test_converge as converged
from sidejump.accuracy.store import ReplicaStore
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.run import prepare
from sidejump.errors import InputError

INPUT = converged.INPUT | {
    "solver": {"tolerance": 0.05, "energy_nodes": 1, "expert": {"accuracy": 0.5, "geometry": "shared"}}
}
LEVELS = INPUT | {"electrons": INPUT["electrons"] | {"chemical_potential": [0.2, 0.25]}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A result, a scan, and what a run left that was interrupted after one replica."""
    folder = tmp_path_factory.mktemp("contents")
    job = prepare(INPUT)
    dataset = job.run()
    results.write(dataset, folder / "out.nc")
    results.write(prepare(LEVELS).run(), folder / "scan.nc")
    store = ReplicaStore(folder / "cut.nc.partial", job.identity)
    store.save(*results.replicas_of(dataset, job.identity)[0])
    return folder


def report_of(path, capsys) -> dict:
    assert main(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ["out.nc", "scan.nc"])
def test_what_a_result_is(folder, name, capsys):
    """Its temperatures, tolerance, and the error that the result itself states."""
    report, dataset = report_of(folder / name, capsys), results.read(folder / name)
    assert report["kind"] == "result of `sidejump run`" and "MassiveDirac" in report["computed"]
    assert report["temperatures_K"] == [20, 60] and report["tolerance"] == 0.05
    assert report["holds"] == ["conductivity", "intrinsic", "side jump"]
    assert report["replicas"] == dataset.sizes["replica"]
    for part, found in report["largest_relative_error"].items():
        tensor = f"sigma_{part.replace('conductivity', 'boltzmann').replace(' ', '_')}"
        largest, error = (abs(dataset[x]).max(("a", "b")) for x in (tensor, f"{tensor}_error"))
        assert found == pytest.approx(float((error / largest).max()), rel=1e-3)
    assert report["tolerance_reached"] is (max(report["largest_relative_error"].values()) <= 0.05)


def test_a_tolerance_that_was_not_reached(folder, tmp_path, capsys):
    dataset = results.read(folder / "out.nc")
    settings = json.loads(dataset.attrs["settings"]) | {"tolerance": 1e-6}
    dataset.attrs["settings"] = json.dumps(settings)
    results.write(dataset, tmp_path / "out.nc")
    assert report_of(tmp_path / "out.nc", capsys)["tolerance_reached"] is False


@pytest.mark.parametrize("name", ["out.nc", "scan.nc"])
def test_what_it_is_good_for_works(folder, name, capsys, tmp_path):
    """Every picture that is offered is drawn, others are refused."""
    [offered] = [
        re.search(r"\(here: (.*)\)", use)[1] for use in report_of(folder / name, capsys)["good_for"] if "KIND" in use
    ]
    refused = {"temperature", "resistivity", "doping", "heat", "observables", "mechanisms"} - set(offered.split(", "))
    for kind in offered.split(", "):
        assert main(["plot", str(folder / name), "-k", kind, "-o", str(tmp_path / f"{kind}.png")]) == 0, kind
    for kind in refused:
        assert main(["plot", str(folder / name), "-k", kind, "-o", str(tmp_path / "x.png")]) == 2, kind


def test_words_for_people(folder, capsys):
    assert main(["info", str(folder / "out.nc")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "temperatures_K: 20  60" in lines and "tolerance_reached: yes" in lines
    assert any(line.startswith(f"  sidejump report {folder / 'out.nc'}") for line in lines)  # a line for each


def test_what_an_interrupted_run_has_left(folder, tmp_path, capsys):
    report = report_of(folder / "cut.nc.partial", capsys)
    assert report["replicas"] == 1 and report["terms"] == ["Fermi surface: 1 replicas, finest level 0"]
    assert report["result"].startswith(f"{folder / 'cut.nc'},") and "--fresh" in report["good_for"][1]
    for command in ("plot", "report", "csv", "converge"):
        assert main([command, str(folder / "cut.nc.partial")]) == 2
        assert f"the same `sidejump run` goes on from there and writes {folder / 'cut.nc'}" in capsys.readouterr().err
    (tmp_path / "data.partial").mkdir()
    (tmp_path / "data.partial" / "epwdata.fmt").write_text("")
    assert main(["info", str(tmp_path / "data.partial")]) == 2 and "crystal.fmt" in capsys.readouterr().err


def test_a_separation(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sj.write_films(sj.synthetic_films("skew", noise_yx=0.005), "films.csv")
    assert main(["separate", "films.csv", "--bootstrap", "0", "-q"]) == 0
    capsys.readouterr()
    report = report_of("films.separation.nc", capsys)
    assert report["kind"] == "result of `sidejump separate`" and report["terms"] and report["films"]
    for use in report["good_for"]:
        assert main([*use.split()[1:], "--force"]) == 0, use


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["info", "out.nc", "--figure", "x.png"], "--figure: has no meaning"),
        (["info", "out.nc", "--bulk"], "--two-dimensional: has no meaning"),
        (["convert", "out.nc", "x.h5"], "`sidejump info out.nc` says what it holds"),
        (["convert", "cut.nc.partial", "x.h5"], "`sidejump info cut.nc.partial` says what it holds"),
        (["info", "in.toml"], "is an input file; `sidejump run` computes it"),
        (["info", "text.dat"], "is no HDF5 file"),
        (["info", "damaged.nc"], "damaged.nc"),
    ],
)
def test_what_is_something_else(folder, arguments, words, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "in.toml").write_text("[electrons]")
    (folder / "text.dat").write_text("words")
    content = (folder / "out.nc").read_bytes()
    (folder / "damaged.nc").write_bytes(content[: len(content) // 2])
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1


def test_readers_say_what_a_text_is_not(tmp_path):
    (tmp_path / "x.dat").write_text("words")
    with pytest.raises(InputError, match="is no HDF5 file"):
        sj.read_electron_phonon(tmp_path / "x.dat")
