"""`sidejump init`: files to start from follow the schema, hold every key, and run."""

import re
import tomllib
from pathlib import Path

import pytest
import xarray as xr

from sidejump.accuracy.study import TOLERANCE
from sidejump.app import config, schema
from sidejump.app.build import build_electrons, build_scatterers
from sidejump.app.cli import main
from sidejump.app.init import KINDS, input_text
from sidejump.app.sentences import tag

KEY = re.compile(r"# (\w+ = |\[\[\w+\]\]  # )")  # keys and sections behind a comment sign


@pytest.fixture
def folder(empty_folder):
    return empty_folder


@pytest.mark.parametrize("kind", KINDS)
def test_files_follow_the_schema(kind, folder, capsys):
    assert main(["init", kind]) == 0
    text = (folder / f"{kind}.toml").read_text()
    settings = config.validate(tomllib.loads(text))
    assert settings.electrons.model == KINDS[kind]
    # with every comment sign before a key taken away the file names every key and is still TOML
    full = tomllib.loads("\n".join(line.removeprefix("# ") if KEY.match(line) else line for line in text.splitlines()))
    for name, section in schema.RunInput.model_fields.items():
        if name == "electrons":
            assert set(full[name]) == set(type(settings.electrons).model_fields)
        elif name == "observable":
            assert [x["kind"] for x in full[name]] == [tag(cls, "kind") for cls in schema.OBSERVABLES]
            for given, cls in zip(full[name], schema.OBSERVABLES, strict=True):
                assert set(given) == set(cls.model_fields)
        elif name != "scattering":
            assert set(full[name]) == set(section.annotation.model_fields)
            for below, cls in schema.subsections(section.annotation).items():
                assert set(full[name][below]) == set(cls.model_fields)
    for cls in (type(settings.electrons), schema.SolverInput):
        for key, field in cls.model_fields.items():
            if key not in ("model", *schema.subsections(cls)):
                assert f"# {schema.explained(field)}" in text  # which names the unit
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "kind", [tag(cls, "kind") for cls in schema.SCATTERING if tag(cls, "kind") != "electron_phonon"]
)
def test_files_of_every_mechanism_build(kind):
    for model in ("dirac", "luttinger"):
        text = input_text(model, [kind])
        if kind == "polar_optical" and model == "dirac":
            text = text.replace("# thickness", "thickness")
        settings = config.validate(tomllib.loads(text))
        electrons = build_electrons(settings.electrons, Path())
        assert build_scatterers(settings.scattering, electrons)[0].dimension == electrons.model.dimension


@pytest.mark.parametrize("kind", ["dirac", "own"])
def test_they_run_as_they_are(kind, folder):
    assert main(["init", kind, "my.toml"]) == 0
    assert main(["run", "my.toml", "--quiet"]) == 0
    with xr.open_dataset("my.nc") as found:
        value, error = (found[f"sigma_side_jump{end}"].sel(a="y", b="x") for end in ("", "_error"))
        assert (value > 0.3).all() and (error < 1.01 * TOLERANCE * value).all()


def test_nothing_is_overwritten(folder, capsys):
    (folder / "my_model.py").write_text("mine")
    assert main(["init", "own", "my.toml"]) == 2
    assert "my_model.py exists already" in capsys.readouterr().err
    assert [p.name for p in folder.iterdir()] == ["my_model.py"]
    assert main(["init", "own", "my.toml", "--force"]) == 0 and "hamiltonian" in (folder / "my_model.py").read_text()
    assert main(["init", "own", "my.toml"]) == 2 and "my.toml exists already" in capsys.readouterr().err


def test_a_folder_and_standard_output_are_places(folder, capsys):
    (folder / "there").mkdir()
    assert main(["init", "weyl", "there"]) == 0 and (folder / "there" / "weyl.toml").exists()
    capsys.readouterr()
    assert main(["init", "weyl", "-"]) == 0
    assert capsys.readouterr().out == (folder / "there" / "weyl.toml").read_text()


def test_output_is_a_name_for_the_path(folder, capsys):
    assert main(["init", "weyl", "one.toml"]) == 0 and main(["init", "weyl", "-o", "two.toml"]) == 0
    assert (folder / "one.toml").read_text() == (folder / "two.toml").read_text()
    assert main(["init", "weyl", "one.toml", "--output", "three.toml"]) == 2
    assert "one.toml and --output three.toml both name the input file" in capsys.readouterr().err
    assert not (folder / "three.toml").exists()
