"""`sidejump plot --limits`: which limits scatterers have, and what is said of the one they have not."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from helpers_abinitio import Layer
from sidejump.__main__ import main
from sidejump.app import pictures
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit, SmallAngleShift

PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
MAGNONS = sj.magnons(stiffness=0.3, gap=1e-3, exchange_splitting=0.1, spin_density=1e15, dimension=2)


@pytest.mark.parametrize(
    ("moving", "words", "cold", "said"),
    [
        ([PHONONS], ["eqs 13, 14", "eq. 15"], SmallAngleShift, ""),
        ([replace(PHONONS, vertex="sigma_z"), PHONONS], ["small angles", "eq. 15"], SmallAngleShift, ""),
        ([PHONONS, MAGNONS], ["eq. 15"], HighTemperatureLimit, "no limit of small angles"),
        (
            [ElectronPhononScatterer(Layer().data())],
            ["curvature alone", "eq. 15"],
            CurvatureShift,
            "without the phase of the coupling",
        ),
    ],
    ids=["scalar potential", "matrix", "magnons", "first principles"],
)
def test_limits_of_what_moves(moving, words, cold, said):
    kinds, sentence = pictures.limits_of(moving)
    assert list(kinds) == words
    assert all(isinstance(s, cold) for s in kinds[words[0]])
    assert all(len(scatterers) == len(moving) for scatterers in kinds.values())
    assert said in sentence and bool(said) == bool(sentence)


DIRAC = """[electrons]
model = "massive_dirac"
mass = 0.05
velocity = 3.0
chemical_potential = 0.1

[temperature]
values = [50.0]

[solver]
energy_nodes = 1
tolerance = 0.1

[solver.expert]
geometry = "shared"

[[scattering]]
"""
MAGNET = "stiffness = 0.3\ngap = 1e-3\nexchange_splitting = 0.1\nspin_density = 1e15\n"


def run(folder, name, scattering, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / f"{name}.toml").write_text(DIRAC + scattering)
    assert main(["run", f"{name}.toml"]) == 0
    return folder / f"{name}.nc"


def test_magnons_have_the_hot_limit_alone(tmp_path, monkeypatch, capsys):
    """And it is theirs: the side jump of the massive Dirac model with magnons is the same at any temperature."""
    path = run(tmp_path, "magnons", f'kind = "magnons"\n{MAGNET}', monkeypatch)
    found, compute = {}, pictures._limits

    def kept(asked):
        found.update(compute(asked))
        return found

    monkeypatch.setattr(pictures, "_limits", kept)
    assert main(["plot", str(path), "--limits", "-o", "limits.png"]) == 0
    shown = capsys.readouterr()
    assert "no limit of small angles" in shown.out + shown.err
    assert list(found) == ["eq. 15"] and (tmp_path / "limits.png").is_file()
    with xr.open_dataset(path) as whole:
        for one in (whole, found["eq. 15"]):
            side_jump = one.sigma_side_jump.sel(a="y", b="x").values
            np.testing.assert_allclose(side_jump, -0.25, atol=1e-3)


def test_impurities_have_no_limits(tmp_path, monkeypatch, capsys):
    path = run(
        tmp_path,
        "dirty",
        'kind = "impurity"\ncorrelation = "zero_range"\ndensity = 1e11\nstrength = 1.0\n',
        monkeypatch,
    )
    assert main(["plot", str(path), "--limits", "-o", "limits.png"]) == 2
    assert "the side jump of impurities has no limits" in capsys.readouterr().err
    assert not (tmp_path / "limits.png").exists()
