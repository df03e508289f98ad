"""What a reader of a result has to know reaches him: in Python, in a file, in a figure and on the screen, once each."""

import warnings

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from sidejump.accuracy.report import once
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.plot import temperature

PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
    "temperature": {"values": [10]},
    "solver": {"energy_nodes": 1, "approximation": "mrta"},
}


@pytest.fixture(scope="module")
def dataset():
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    return sj.anomalous_hall(model, PHONONS, chemical_potential=0.2, temperatures=[5, 20], energy_nodes=1)


def test_warnings_of_python(recwarn):
    """One class, raised at the line of the caller, as often as there are sentences; a run without any raises none."""
    with pytest.warns(sj.SidejumpWarning, match="for comparison only") as caught:
        found = sj.run(INPUT)
    assert [str(w.message) for w in caught] == found.attrs["warnings"] == results.warnings_of(found)
    assert all(w.filename == __file__ for w in caught)
    assert "for comparison only" in str(found.attrs["warnings"]) and "\n    warnings: " in repr(found)
    with warnings.catch_warnings():
        warnings.simplefilter("error", sj.SidejumpWarning)
        assert sj.run(INPUT | {"solver": {"energy_nodes": 1}}).attrs["warnings"] == []
        with pytest.raises(sj.SidejumpWarning):
            sj.run(INPUT)


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_through_a_file(dataset, tmp_path, count):
    copy = dataset.copy()
    sentences = [f"sentence {i} with $x$ and µ" for i in range(count)]
    results.warn(copy, sentences)
    results.write(copy, tmp_path / "out.nc")
    read = results.read(tmp_path / "out.nc")
    assert results.warnings_of(read) == sentences
    assert np.atleast_1d(read.attrs["warnings"]).tolist() == sentences  # as the documentation reads them
    results.warn(read, ["one more"])
    assert results.warnings_of(read) == [*sentences, "one more"]


def test_the_command_line_says_each_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(
        """
        electrons = {model = "massive_dirac", mass = 0.1, velocity = 3.0, chemical_potential = 0.2}
        scattering = [{kind = "impurity", correlation = "zero_range", density = 1e11, strength = 1.0}]
        temperature = {values = [10]}
        solver = {energy_nodes = 1, approximation = "mrta"}
        """
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert main(["run", "in.toml"]) == 0
    assert not [w for w in caught if issubclass(w.category, sj.SidejumpWarning)]
    out, err = capsys.readouterr()
    assert err.count("for comparison only") == 1 and "SidejumpWarning" not in out + err
    # the table names what no column holds
    assert "without skew scattering" in " ".join(out.split())


def drawn(dataset, path):
    temperature.result_figure(dataset, path)
    return " ".join(path.read_text().split())


@pytest.mark.usefixtures("pages")
def test_figures_show_all_or_how_many(dataset, tmp_path, monkeypatch):
    """SVG with its text as text: every sentence is there to its last word, or counted."""
    monkeypatch.setitem(temperature.STYLE, "svg.fonttype", "none")
    copy = dataset.copy()
    sentences = [f"T = {i} K: " + "word " * 45 + f"last{i}." for i in range(3)]
    results.warn(copy, sentences)
    text = drawn(copy, tmp_path / "a.svg")
    assert all(f"last{i}." in text for i in range(3)) and " more of " not in text
    results.warn(copy, [f"T = {i} K: " + "word " * 45 + f"last{i}." for i in range(3, 40)])
    text = drawn(copy, tmp_path / "b.svg")
    shown = sum(f"last{i}." in text for i in range(40))
    assert 3 < shown < 40 and f"and {40 - shown} more of 40 warnings" in text
    assert "without skew scattering" in text
    # a sign of mathematics in a name is a letter
    odd = dataset.copy()
    results.warn(odd, ["file $x_{: and 100 % $"])
    assert "file $x_{: and 100 % $" in drawn(odd, tmp_path / "c.svg")


def test_what_no_part_holds_is_said(dataset, tmp_path):
    assert "skew scattering" in dataset.attrs["not_included"]
    assert "without skew scattering" in dataset.sigma_intrinsic_plus_side_jump.attrs["long_name"]
    assert "sigma_total" not in dataset
    results.write(dataset, tmp_path / "out.nc")
    assert "skew scattering" in xr.open_dataset(tmp_path / "out.nc").attrs["not_included"]


def test_sentences_that_differ_in_a_figure_are_said_once():
    said = ["a change of 1.5e-3 is left", "a change of 2e-3 is left", "T = 10 K: off by 0.1", "T = 10.5 K: off by 0.3"]
    assert once([*said, "T = 10 K: off by 0.2", said[0]]) == [said[1], "T = 10 K: off by 0.2", said[3]]
