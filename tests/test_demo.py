"""`sidejump demo`: a case that travels with the program, and the script that makes its data."""

import importlib.util
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import xarray as xr

import sidejump as sj
from sidejump.app import demo
from sidejump.app.cli import main
from sidejump.app.demo import NAMES
from sidejump.result import warnings_of

ROOT = Path(sj.__file__).parent
KNOWN = {75: -0.04880, 300: -0.09191}
"""Side jump of the demonstration at a temperature (K) in e^2/h, at its own tolerance (errors 2e-6)."""
SCRIPT = ROOT.parent.parent / "examples" / "ferromagnetic_layer.py"


def made():
    spec = importlib.util.spec_from_file_location("ferromagnetic_layer", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def changed(monkeypatch, **words):
    """The input file of the demonstration with other values of keys."""
    write = demo.write_files

    def written(folder, **options):
        source = write(folder, **options)
        text = source.read_text()
        for key, value in words.items():
            text, count = re.subn(rf"^{key} = [^#\n]*", f"{key} = {value} ", text, flags=re.MULTILINE)
            assert count == 1
        source.write_text(text)
        return source

    monkeypatch.setattr(demo, "write_files", written)


@contextmanager
def demonstrated(empty_folder, capsys):
    """The result of the demonstration, which leaves its files and words, and is not written over by another."""
    assert main(["demo"]) == 0
    out = capsys.readouterr()
    folder = empty_folder / "sidejump-demo"
    assert {p.name for p in folder.iterdir()} == {*NAMES, "demo.nc", "demo.png"}
    assert "side" in out.out and "quasi-elastic" in out.out
    with xr.open_dataset(folder / "demo.nc") as found:
        yield found
    assert main(["demo"]) == 2 and "exists already" in capsys.readouterr().err


def test_a_word_starts_the_demonstration(empty_folder, capsys, monkeypatch):
    """Roughly, at one temperature, below those whose shells reach a saddle."""
    changed(monkeypatch, values="[75]", tolerance="0.3")
    with demonstrated(empty_folder, capsys) as found:
        yx = found.sigma_side_jump.sel(a="y", b="x").item()
        error = found.sigma_side_jump_error.sel(a="y", b="x").item()
        assert 0 < error < 0.3 * abs(yx) and abs(yx - KNOWN[75]) < 3 * error + 1e-5


def test_the_demonstration_runs_anywhere(empty_folder, capsys, monkeypatch):
    """Of its temperatures the coldest and the hottest."""
    changed(monkeypatch, values="[50, 300]")
    with demonstrated(empty_folder, capsys) as found:
        yx = found.sel(a="y", b="x")
        # the holes of one spin of a layer with six-fold axes: the side jump changes its sign when it gets cold
        assert (yx.sigma_side_jump_error < 0.021 * abs(found.sigma_side_jump.sel(a="y", b="x")).max()).all()
        assert abs(yx.sigma_side_jump.sel(temperature=300).item() - KNOWN[300]) < 2e-5
        assert np.all(np.diff(found.sigma_boltzmann.sel(a="x", b="x")) < 0)
        diagonal = found.sigma_boltzmann
        difference = diagonal.sel(a="x", b="x") - diagonal.sel(a="y", b="y")
        assert (abs(difference) < 1e-2 * diagonal.sel(a="x", b="x")).all()
        assert not warnings_of(found)


def test_the_data_are_those_of_the_script():
    stored, fresh = sj.read_compact(ROOT / "app" / "demo_case" / NAMES[1]), made().layer()
    for name in ("hoppings", "vectors", "spin", "cell"):
        assert np.allclose(getattr(stored.electrons, name), getattr(fresh.electrons, name))
    assert np.allclose(stored.phonons.force_constants, fresh.phonons.force_constants)
    assert np.allclose(stored.file_coupling.values, fresh.file_coupling.values)


def test_its_coupling_is_the_derivative_of_its_hopping():
    module, step = made(), 1e-5
    for d in (np.array([3.2, 0.0, 0.0]), np.array([-1.0, 2.5, 0.3])):
        _, gradient = module.hopping(d)
        for c in range(3):
            e = step * np.eye(3)[c]
            numeric = (module.hopping(d + e)[0] - module.hopping(d - e)[0]) / (2 * step)
            assert np.abs(gradient[c] - numeric).max() < 1e-8


def test_folders_are_made_and_a_file_in_their_place_is_named(empty_folder, capsys):
    folder = empty_folder / "a" / "b"
    assert demo.write_files(folder, force=False) == folder / NAMES[0] and (folder / NAMES[1]).exists()
    (empty_folder / "taken").write_text("")
    assert main(["demo", str(empty_folder / "taken")]) == 2 and "cannot be made" in capsys.readouterr().err
