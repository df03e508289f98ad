"""Results as comma-separated values: read back by other programs, every number and error in its column."""

import contextlib
import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest

import sidejump as sj
from sidejump.app import results, table, terminal
from sidejump.app.cli import main

INPUT = """
electrons = {{model = "massive_dirac", mass = 0.1, velocity = 3.0, {level}}}
scattering = [{{kind = "impurity", correlation = "zero_range", density = 1e11, strength = 1.0}}]
temperature = {{values = [40, 20]}}
solver = {{energy_nodes = 1, tolerance = 0.02, expert = {{accuracy = 0.3, geometry = "shared"}}}}
"""
LEVELS = {
    "one": ("chemical_potential = 0.2", None),
    "scan": ("chemical_potential = [0.2, 0.15, 0.3]", "chemical_potential (eV)"),
    "doping": ("chemical_potential = 0.0, carrier_density = [1e12, -1e12]", "doping (cm^-2)"),
}


@pytest.fixture(scope="module", params=LEVELS)
def computed(request, tmp_path_factory):
    """A folder in which a run has written its result and its table."""
    folder = tmp_path_factory.mktemp("table")
    level, first = LEVELS[request.param]
    said = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stderr(said):
        Path("in.toml").write_text(INPUT.format(level=level))
        assert main(["run", "in.toml", "-q", "--csv", "out.csv"]) == 0
    assert "wrote in.nc and in.png and out.csv" in said.getvalue()
    return folder, first


@pytest.fixture
def written(computed, tmp_path, monkeypatch):
    """A copy of this folder, the current one."""
    folder, first = computed
    copy = shutil.copytree(folder, tmp_path / "run")
    monkeypatch.chdir(copy)
    return copy, results.read("in.nc"), first


def test_round_trip(written):
    """NumPy, pandas and the csv module read every digit; rows are those of the dataset."""
    folder, dataset, first = written
    data = np.genfromtxt(folder / "out.csv", delimiter=",", names=True, deletechars="", replace_space=" ")
    with open(folder / "out.csv", newline="") as file:
        names = next(csv.reader(file))
    assert list(data.dtype.names) == names and len(set(names)) == len(names)
    assert names[0] == (first or "temperature (K)") and "temperature (K)" in names
    frame = pandas.read_csv(folder / "out.csv", float_precision="round_trip")
    assert list(frame.columns) == names
    np.testing.assert_array_equal(frame.to_numpy(), np.array([data[name] for name in names]).T)
    rows = dataset.sizes["temperature"] * (dataset.sizes[first.split()[0]] if first else 1)
    assert data.shape == (rows,)
    for name in ("sigma_boltzmann", "sigma_intrinsic", "sigma_side_jump", "sigma_side_jump_velocity",
                 "sigma_side_jump_distribution", "sigma_intrinsic_plus_side_jump"):  # fmt: skip
        for kind in ("", "_error"):
            for a in "xy":
                for b in "xy":
                    expected = dataset[f"{name}{kind}"].sel(a=a, b=b).values.ravel()
                    np.testing.assert_array_equal(data[f"{name}{kind}_{a}{b} (e^2/h)"], expected)
    np.testing.assert_array_equal(data["resistivity_xy (h/e^2)"], dataset.resistivity.sel(a="x", b="y").values.ravel())
    temperatures = np.broadcast_to(dataset.temperature.values, (rows // 2, 2)).ravel()
    np.testing.assert_array_equal(data["temperature (K)"], temperatures)
    if first:
        np.testing.assert_array_equal(data[first], np.repeat(dataset[first.split()[0]].values, 2))
    if "doping" in dataset.dims:
        np.testing.assert_array_equal(data["chemical_potential (eV)"], dataset.chemical_potential.values.ravel())


def test_a_table_of_a_result_that_is_there(written, capsys):
    folder, _, _ = written
    assert main(["csv", "in.nc", "-o", "again.csv"]) == 0
    assert (folder / "again.csv").read_bytes() == (folder / "out.csv").read_bytes()
    assert main(["csv", "in.nc", "-o", "again.csv"]) == 2
    assert "again.csv exists already: give --force" in capsys.readouterr().err
    assert main(["csv", "in.nc", "-o", "again.txt"]) == 2
    assert "must end in .csv" in capsys.readouterr().err
    assert main(["merge", "in.nc", "-o", "joint.nc", "--csv", "joint.csv"]) == 0
    assert "wrote joint.nc and joint.csv" in capsys.readouterr().err
    # what stands in the way is refused before the work
    assert main(["run", "in.toml", "-o", "new.nc", "--csv", "joint.csv"]) == 2
    assert not (folder / "new.nc").exists()


def test_nothing_is_cut_in_a_narrow_window(written, capsys, monkeypatch):
    """Every digit that a wide window shows, temperatures included."""
    _, dataset, _ = written
    dataset.sigma_boltzmann.values *= -1e-7
    shown = {}
    for width in ("300", "40"):
        monkeypatch.setenv("COLUMNS", width)
        terminal.print_table(dataset)
        shown[width] = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()[:1].isdigit()]
    assert shown["40"] == shown["300"] and len(shown["40"]) == dataset.resistivity[..., 0, 0].size
    assert all(len(row) == 7 for row in shown["40"])


def test_bulk_with_both_carriers(tmp_path):
    """Nine elements; densities and mobilities where a result has them; what is not known is nan."""
    mass = sj.MassiveDirac(mass=0.05, velocity=3.0)
    impurities = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    found = sj.anomalous_hall(mass, impurities, chemical_potential=0.0, temperatures=[300], tolerance=0.1)
    names = table.columns(found)
    assert {"electron_density (cm^-2)", "hole_density (cm^-2)", "mobility_xx (cm^2/(V s))"} <= set(names)
    found.sigma_side_jump.values[:] = np.nan
    table.write_csv(found, tmp_path / "a.csv")
    data = np.genfromtxt(tmp_path / "a.csv", delimiter=",", names=True, deletechars="", replace_space=" ")
    assert np.isnan(data["sigma_side_jump_yx (e^2/h)"]) and data["sigma_boltzmann_xx (e^2/h)"] > 0
