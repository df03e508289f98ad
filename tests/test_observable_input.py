"""Observables that input files name: sections, sentences, result file, table, CSV and figure."""

import csv
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from helpers_inputs import RASHBA_SECTION
from sidejump import InputError
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.app.reference import markdown
from sidejump.app.run import prepare
from sidejump.result import answering_fields, observables_of, shown_response
from sidejump.units import conductivity_unit
from test_hot_spots import ferromagnet

RASHBA = {"model": "rashba_ferromagnet", "effective_mass": 0.6, "rashba": 0.8, "exchange": 0.05}
IMPURITY = {"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}


def question(*observables, electrons=None, **more):
    return {
        "electrons": (RASHBA | {"chemical_potential": 0.15}) if electrons is None else electrons,
        "scattering": [IMPURITY],
        "temperature": {"values": [10, 20]},
        "observable": list(observables),
        "solver": {"tolerance": 0.1, "energy_nodes": 1, "expert": {"geometry": "shared", "accuracy": 0.3}},
    } | more


TEXT = f"""{RASHBA_SECTION}
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 1.0

[[observable]]
kind = "velocity"

[[observable]]
kind = "spin_current"
components = ["yz"]

[[observable]]
kind = "spin"
components = ["x", "z"]

[[observable]]
kind = "torque"
components = ["x"]

[temperature]
values = [10, 20]

[solver]
tolerance = 0.1
energy_nodes = 1

[solver.expert]
geometry = "shared"
accuracy = 0.3
"""


@pytest.fixture(scope="module")
def run_of_a_file(tmp_path_factory):
    """Files of one run."""
    folder = tmp_path_factory.mktemp("observables")
    (folder / "in.toml").write_text(TEXT)
    target = folder / "out.nc"
    assert main(["run", str(folder / "in.toml"), "-o", str(target), "--csv", str(folder / "out.csv")]) == 0
    return target, results.read(target)


NAMES = ["velocity_x", "velocity_y", "spin_current_yz", "spin_x", "spin_z", "torque_x"]


def test_the_file_holds_names_units_values_and_errors(run_of_a_file):
    _, ds = run_of_a_file
    assert observables_of(ds) == NAMES
    assert ds.observable_unit.sel(observable="spin_x").item() == "hbar angstrom^-1 eV^-1"
    assert ds.observable_shown_unit.sel(observable="spin_current_yz").item() == "(hbar/e) e^2/h"
    for part in ("boltzmann", "side_jump_velocity", "side_jump_distribution", "side_jump", "intrinsic"):
        assert ds[f"response_{part}"].dims == ("temperature", "observable", "b")
        assert np.isfinite(ds[f"response_{part}_error"]).all() and (ds[f"response_{part}_error"] >= 0).all()
    for part in ("boltzmann", "side_jump", "intrinsic"):  # the velocity is the conductivity, in its unit
        for a in "xy":
            found, _ = shown_response(ds, part, f"velocity_{a}")
            expected = ds[f"sigma_{part}"].sel(a=a).values
            np.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * np.abs(ds[f"sigma_{part}"]).max())
    value, _ = shown_response(ds, "intrinsic", "spin_current_yz")
    factor = conductivity_unit(2)[0]
    np.testing.assert_allclose(value, -factor * ds.response_intrinsic.sel(observable="spin_current_yz"))
    assert answering_fields(ds, "spin_z") == [] and answering_fields(ds, "spin_current_yz") == [0, 1]


def test_table_csv_and_figure(run_of_a_file, drawn, capsys, tmp_path):
    target, ds = run_of_a_file
    rows = list(csv.DictReader(target.with_suffix(".csv").open()))
    for i, row in enumerate(rows):
        name = "response_side_jump_spin_current_yz_x (eV angstrom angstrom^-1 eV^-1)"
        assert float(row[name]) == float(ds.response_side_jump.sel(observable="spin_current_yz", b="x")[i])
        assert float(row[name.replace("side_jump", "side_jump_error")]) > 0
    assert main(["merge", str(target), "-o", str(tmp_path / "again.nc")]) == 0
    printed = capsys.readouterr().out
    assert "spin_current_yz  (hbar/e) e^2/h" in printed and "torque_x" in printed and "spin_z" not in printed
    again = results.read(tmp_path / "again.nc")
    np.testing.assert_allclose(again.response_side_jump, ds.response_side_jump, rtol=1e-12)
    assert observables_of(again) == NAMES and "observable_shown" in again.coords
    assert main(["plot", str(target), "--observables", "-o", str(tmp_path / "figure.png")]) == 0
    titles = [axes.get_title(loc="right") for axes in drawn[0].axes]
    assert [t for t in titles if t] == [
        f"{name.replace('_', ' ')}, field along {b}"
        for name in NAMES
        for b in np.array(["x", "y"])[answering_fields(ds, name)]
    ]


def test_a_figure_of_one(run_of_a_file, pages, capsys, tmp_path):
    target, _ = run_of_a_file
    assert main(["plot", str(target), "--observable", "spin_x", "-o", str(tmp_path / "one.svg")]) == 0
    one = (tmp_path / "one.svg").read_text()
    assert "spin x, field along x" in one and "torque" not in one
    assert main(["plot", str(target), "--observable", "spinx", "-o", str(tmp_path / "none.png")]) == 2
    assert 'observable "spinx" is not in the result; it has velocity_x' in capsys.readouterr().err.replace("\n", " ")


def test_all_components_where_none_is_named():
    job = prepare(question({"kind": "spin"}, {"kind": "spin_current"}))
    assert [o.name for o in job.observables] == ["spin_x", "spin_y", "spin_z"] + [
        f"spin_current_{a}{c}" for a in "xy" for c in "xyz"
    ]
    assert prepare(question()).observables == ()


def test_a_scan_has_them_at_every_chemical_potential(capsys, tmp_path):
    electrons = RASHBA | {"chemical_potential": [0.15, 0.2]}
    ds = sj.run(question({"kind": "spin", "components": ["x"]}, electrons=electrons))
    assert ds.response_side_jump.dims == ("chemical_potential", "temperature", "observable", "b")
    results.write(ds, tmp_path / "scan.nc")
    assert main(["csv", str(tmp_path / "scan.nc")]) == 0
    assert main(["plot", str(tmp_path / "scan.nc"), "--observables"]) == 2
    assert "this result is a scan" in capsys.readouterr().err


def test_temperatures_without_carriers_have_the_intrinsic_part_alone():
    electrons = {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.0}
    question_ = question({"kind": "velocity", "components": ["y"]}, electrons=electrons, temperature={"values": [5]})
    ds = sj.run(question_)
    assert (ds.response_boltzmann == 0).all() and (ds.response_side_jump == 0).all()
    expected = ds.sigma_intrinsic.sel(a="y").values
    np.testing.assert_allclose(shown_response(ds, "intrinsic", "velocity_y")[0], expected, rtol=0, atol=1e-4)


REFUSED = {
    "kind": (({"kind": "spins"},), r'\[\[observable\]\] number 1: kind = "spins" is not known; did you mean "spin"'),
    "no kind": (({"components": ["x"]},), r"\[\[observable\]\] number 1: kind is missing; known: velocity, spin"),
    "key": (({"kind": "spin", "component": ["x"]},), r'unknown key "component"; did you mean "components"'),
    "component": (({"kind": "spin", "components": ["w"]},), r"\[\[observable\]\] number 1: components, number 1"),
    "plane": (({"kind": "velocity", "components": ["z"]},), "nothing flows along z in two dimensions"),
    "twice": (({"kind": "spin", "components": ["x", "x"]},), 'components names "x" twice'),
    "again": (({"kind": "spin"}, {"kind": "spin", "components": ["x"]}), "number 2: spin_x is asked for twice"),
    "empty": (({"kind": "spin", "components": []},), "components is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_are_one_sentence(name):
    observables, words = REFUSED[name]
    with pytest.raises(InputError, match=words):
        prepare(question(*observables))


def test_a_single_bracket_is_one_sentence():
    with pytest.raises(InputError, match="one such section for each observable"):
        prepare(question() | {"observable": {"kind": "spin"}})


def test_what_a_model_has_not_is_one_sentence(tmp_path):
    dirac = {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2}
    with pytest.raises(InputError, match="number 1: observable torque_x: the model does not say which part"):
        prepare(question({"kind": "torque"}, electrons=dirac))
    model = sj.TightBinding(3.0 * np.eye(3), [((0, 0, 0), 1)]).hop(0, 0, (1, 0, 0), -0.5).build()
    with pytest.raises(InputError, match=r"observable spin_x: the model has no spin matrices; give spin_ordering"):
        sj.anomalous_hall(model, sj.impurity(correlation="zero_range", density=1e18, strength=1.0, dimension=3),
                          chemical_potential=0.1, temperatures=[20.0], observables=[sj.spin("x")])  # fmt: skip


def test_the_reference_knows_them():
    page = markdown()
    assert "## `[[observable]]`" in page and '### `kind = "spin_current"`' in page
    assert page.index("## `[[observable]]`") < page.index("## `[solver]`")


def test_the_example_is_a_run():
    job = prepare(Path(sj.__file__).parent / "app" / "gallery_cases" / "observables.toml")
    assert [o.name for o in job.observables] == ["spin_x", "spin_current_yz", "torque_y"]


def test_a_zeeman_field_adds_to_the_exchange_field_of_a_lattice():
    model = ferromagnet()
    model.exchange_field = np.array([0.0, 0.0, 0.3])
    np.testing.assert_allclose(sj.WithZeeman(model, [0.1, 0.0, 0.0]).exchange_field, [0.1, 0.0, 0.3])
