"""Skew scattering in files, tables and figures, and what is said of it."""

import csv
import json

import numpy as np
import pytest

import sidejump as sj
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.run import prepare
from sidejump.plot.observable import observables_figure
from sidejump.transport import Problem
from sidejump.transport.skew import skew_sentences

PHONONS = {"kind": "acoustic_deformation_potential", "deformation_potential": 5.0, "sound_velocity": 2000.0,
           "mass_density": 7.6e-7}  # fmt: skip
IMPURITY = {"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 0.1}
MAGNONS = {"kind": "magnons", "stiffness": 0.3, "gap": 1e-3, "exchange_splitting": 0.1, "spin_density": 1e15}
PARTS = ("skew", "gaussian_skew", "anomalous")

TEXT = """
[electrons]
model = "massive_dirac"
mass = 0.05
velocity = 3.0
chemical_potential = {level}

[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 0.1

[temperature]
values = [10, 20]

[[observable]]
kind = "spin"

[solver]
tolerance = 0.05
energy_nodes = 1
skew_scattering = "static"
"""


@pytest.mark.parametrize("level", ["0.1", "[0.1, 0.2]"])
@pytest.mark.usefixtures("pages")
def test_every_part_is_in_file_table_and_figure(tmp_path, monkeypatch, capsys, level):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(TEXT.format(level=level))
    assert main(["run", "in.toml", "--csv", "out.csv"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "without crossed diagrams" in shown and "without skew" not in shown and "Gaussian skew" in shown
    dataset = results.read("in.nc")
    assert (tmp_path / "in.png").stat().st_size > 10000
    total = dataset.sigma_intrinsic + dataset.sigma_side_jump + dataset.sigma_skew + dataset.sigma_gaussian_skew
    np.testing.assert_allclose(dataset.sigma_anomalous, total, atol=1e-15)
    inverse = np.linalg.inv(dataset.sigma_boltzmann.values + dataset.sigma_anomalous.values)
    np.testing.assert_allclose(dataset.resistivity, inverse, rtol=1e-12, atol=1e-15)
    with open("out.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for part in PARTS:
        name = f"sigma_{part}"
        assert dataset[name].attrs["units"] == dataset[f"{name}_error"].attrs["units"] == "e^2/h"
        assert dataset[name].attrs["long_name"]
        found = [float(row[f"{name}_yx (e^2/h)"]) for row in rows]
        np.testing.assert_array_equal(found, dataset[name].sel(a="y", b="x").values.ravel())
        error = dataset[f"{name}_error"].values
        assert (0 < error[..., 1, 0]).all() and error.max() < 0.2 * np.abs(dataset[name].values).max()
    for part in PARTS[:2]:
        assert any(name.startswith(f"response_{part}_spin_y_x") for name in rows[0])
    assert "crossed (X and Psi)" in dataset.attrs["not_included"]
    assert list(dataset.part.values)[-2:] == ["sigma_skew", "sigma_gaussian_skew"]
    assert json.loads(dataset.attrs["settings"])["skew_scattering"] == "static"
    if level == "0.1":
        observables_figure(dataset, "observables.png", ["spin_y"])
        assert (tmp_path / "observables.png").stat().st_size > 10000


def question(*scatterers, choice="static", level=0.1, temperatures=(100,)):
    return {
        "electrons": {"model": "massive_dirac", "mass": 0.05, "velocity": 3.0, "chemical_potential": level},
        "scattering": list(scatterers),
        "temperature": {"values": list(temperatures)},
        "solver": {"tolerance": 0.1, "energy_nodes": 3, "skew_scattering": choice},
    }


@pytest.mark.parametrize(
    ("scatterers", "choice", "words"),
    [
        ([IMPURITY], "static", None),
        ([IMPURITY, PHONONS], "static", "static scatterers alone"),
        ([PHONONS], "static", "no third moment"),
        ([PHONONS], "quasistatic", "an estimate"),
        ([PHONONS, {"kind": "polar_optical", "phonon_energy": 0.03, "dielectric_infinity": 10.9,
                    "dielectric_static": 12.9, "thickness": 1.0}], "quasistatic", "polar ones"),
        ([MAGNONS], "static", "nothing that takes part"),
        ([IMPURITY, MAGNONS], "quasistatic", "magnons"),
    ],
)  # fmt: skip
def test_what_takes_part_is_said(scatterers, choice, words):
    job = prepare(question(*scatterers, choice=choice))
    said = skew_sentences(Problem(job.model, job.scatterers, 0.1, job.settings))
    assert (not said) if words is None else any(words in w for w in said)
    assert PHONONS in scatterers or not any("of phonons" in w or "takes phonons" in w for w in said)


def test_without_carriers_and_without_the_question():
    """In a gap all parts are zero; where nobody asked, the result has none."""
    dataset = prepare(question(IMPURITY, PHONONS, level=0.0, temperatures=(5, 100))).run()
    assert any("static scatterers alone" in w for w in dataset.attrs["warnings"])
    assert not dataset.sigma_skew.sel(temperature=5).values.any()
    assert dataset.sigma_gaussian_skew.sel(temperature=100).values[1, 0] != 0
    plain = prepare(question(IMPURITY, choice="off")).run()
    assert "sigma_skew" not in plain and "without skew scattering" in plain.sigma_intrinsic_plus_side_jump.long_name


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"skew_scattering": "all"}, 'use "off", "static" or "quasistatic"'), ({"skew": True}, "is no setting")],
)
def test_wrong_words(settings, words):
    with pytest.raises(sj.InputError, match=words):
        sj.anomalous_hall(
            sj.MassiveDirac(mass=0.05, velocity=3.0),
            sj.impurity(correlation="zero_range", density=1e11, strength=0.1, dimension=2),
            chemical_potential=0.1,
            temperatures=[10],
            **settings,
        )
