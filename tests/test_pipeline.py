"""The whole way from an input file to a table, a figure and a result, all terms together, at low accuracy.

Values are held to those of runs that were far more accurate, or to closed forms, within the errors that the runs state
themselves; the errors may not be so wide that this says nothing.
"""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from helpers_abinitio import Layer
from helpers_two_bands import zero_range
from helpers_wannier90 import write_tb
from sidejump.app.cli import main
from sidejump.bands.lattice import LatticeModel
from sidejump.formats.epw_write import write_epw
from sidejump.units import KB
from test_invariance import ferromagnet

IRON = Path(__file__).parents[1] / "data" / "iron" / "Fe_tb.dat.gz"

PARTS = ("sigma_boltzmann", "sigma_side_jump_velocity", "sigma_side_jump_distribution", "sigma_side_jump")

PHONONS = """
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 3000.0
mass_density = {density}
"""

IMPURITIES = """
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 1.0
"""

DIRAC = """
[electrons]
model = "massive_dirac"
mass = 0.1
velocity = 3.0
chemical_potential = {mu}
"""

RASHBA = """
[electrons]
model = "rashba_ferromagnet"
effective_mass = 0.6
rashba = 0.8
exchange = {exchange}
chemical_potential = 0.1
"""


@pytest.fixture
def run(empty_folder, capsys, monkeypatch):
    """A function that runs an input through the command line and returns the result, after what every result obeys."""

    monkeypatch.setenv("COLUMNS", "160")

    def run(text: str) -> xr.Dataset:
        Path("in.toml").write_text(text)
        status = main(["run", "in.toml", "--force"])
        out, err = capsys.readouterr()
        assert status == 0, err
        assert err.startswith("estimate: ") and "wrote in.nc and in.png" in err
        assert Path("in.png").read_bytes()[:4] == b"\x89PNG"
        with xr.open_dataset("in.nc") as dataset:
            dataset.load()
        assert dataset.attrs["input"] == text
        for t in dataset.temperature.values:  # one row each, with an error in brackets behind a value
            assert any(line.split()[:1] == [f"{t:g}"] and "(" in line for line in out.splitlines()), out
        for name in (*PARTS, "sigma_intrinsic", "sigma_intrinsic_plus_side_jump"):
            value, error = dataset[name].values, dataset[f"{name}_error"].values
            assert np.isfinite(value).all() and np.isfinite(error).all() and (error >= 0).all()
        assert (dataset.sigma_boltzmann_error.values[:, 0, 0] > 0).all()
        summed(dataset)
        return dataset

    return run


def summed(dataset: xr.Dataset) -> None:
    """Every part is the sum of its terms, the side jump that of its halves and the whole that of its parts; of errors
    the terms' are part of the whole one."""
    for part in PARTS:
        terms = dataset.term_value.sel(part=part).sum("term", skipna=True).values  # not all at every temperature
        value, error = dataset[part].values, dataset[f"{part}_error"].values
        np.testing.assert_allclose(terms, value, rtol=0, atol=1e-9 * np.abs(value).max())
        square = (dataset.term_error.sel(part=part) ** 2).sum("term", skipna=True).values
        assert (error >= (1 - 1e-9) * np.sqrt(square)).all()
    whole = dataset.sigma_side_jump.values
    halves = dataset.sigma_side_jump_velocity.values + dataset.sigma_side_jump_distribution.values
    np.testing.assert_allclose(halves, whole, rtol=0, atol=1e-9 * np.abs(whole).max())
    total = dataset.sigma_intrinsic.values + whole
    np.testing.assert_allclose(dataset.sigma_intrinsic_plus_side_jump.values, total, rtol=0, atol=1e-9)
    jump = dataset.sigma_side_jump_distribution.values  # Onsager
    np.testing.assert_allclose(
        jump, -dataset.sigma_side_jump_velocity.values.swapaxes(1, 2), rtol=0, atol=1e-3 * np.abs(jump).max() + 1e-12
    )


def within(dataset, part, element, known, errors=3.0, widest=0.5) -> None:
    """Values at all temperatures are so many errors from (value, error) of something better, and errors are small."""
    a, b = element
    value, error = dataset[part].values[:, a, b], dataset[f"{part}_error"].values[:, a, b]
    expected, blur = np.array(known).T
    assert (np.abs(value - expected) < errors * np.hypot(error, blur)).all(), (part, value, error, expected)
    assert (error < widest * np.abs(expected)).all(), (part, error, expected)


def test_a_plane(run):
    """Rashba ferromagnet with phonons and impurities: own shells and shared ones in one list of temperatures."""
    solver = "[temperature]\nvalues = {}\n[solver]\ntolerance = 0.05\n"
    scattering = PHONONS.format(density=7.6e-7) + IMPURITIES
    up = run(RASHBA.format(exchange=0.05) + scattering + solver.format([20, 60]))
    within(up, "sigma_boltzmann", (0, 0), [(26.418, 0.025), (10.230, 0.007)], widest=0.05)
    within(up, "sigma_side_jump", (1, 0), [(0.37972, 0.0004), (0.39637, 0.0003)], widest=0.05)
    np.testing.assert_allclose(up.sigma_intrinsic.values[:, 1, 0], [-0.20044, -0.20147], atol=2e-3)
    down = run(RASHBA.format(exchange=-0.05) + scattering + solver.format([20]))
    for name in (*PARTS, "sigma_intrinsic"):
        turned = down[name].values.swapaxes(1, 2)  # Onsager: the transpose with the magnetisation reversed
        if name in PARTS[1:3]:
            turned = -down[name].values
        expected = up[name].values[:1]
        np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_a_semiconductor(run):
    """The chemical potential in the middle of the gap: electrons and holes, exact with impurities of zero range."""
    solver = "[temperature]\nvalues = [300]\n[solver]\ntolerance = 0.05\n"
    exact = run(DIRAC.format(mu=0.0) + IMPURITIES + solver)
    longitudinal, jump = zero_range(0.1, 3.0, 0.0, 300 * KB, 1e-5 * 100.0**2)
    assert longitudinal == pytest.approx(0.906, abs=1e-3)
    within(exact, "sigma_boltzmann", (0, 0), [(longitudinal, 0.0)], widest=0.05)
    np.testing.assert_allclose(exact.sigma_side_jump.values[0, 1, 0], jump, atol=1e-3)
    found = run(DIRAC.format(mu=0.0) + PHONONS.format(density=7.6e-7) + solver)
    within(found, "sigma_boltzmann", (0, 0), [(0.05984, 5e-5)], widest=0.05)
    within(found, "sigma_side_jump", (1, 0), [(0.00704, 1e-5)], widest=0.05)
    np.testing.assert_allclose(found.sigma_intrinsic.values[0, 1, 0], 0.49631, atol=5e-3)


def test_a_crystal_from_first_principles(run, empty_folder):
    """Bands, phonons and coupling of a magnetic layer from the files of EPW; a flux the other way reverses it."""
    found = []
    for name, flux in (("there", 1.2), ("back", -1.2)):
        layer = Layer(flux=flux).from_meshes((3, 3, 1), (3, 3, 1))
        (empty_folder / name).mkdir()
        write_epw(layer, empty_folder / name, prefix="layer", n_electrons=1.0)
        found.append(
            run(
                f'[electrons]\nmodel = "epw"\ndirectory = "{name}"\ntwo_dimensional = true\nfermi_energy = 0.3\n'
                '[[scattering]]\nkind = "electron_phonon"\n[temperature]\nvalues = [300]\n[solver]\ntolerance = 0.1\n'
                'energy_nodes = 3\n[solver.intrinsic]\nmesh = 8\n[solver.expert]\ngeometry = "shared"\n'
            )
        )
    there, back = found
    within(there, "sigma_boltzmann", (0, 0), [(4.1763, 1e-4)], widest=0.1)
    within(there, "sigma_boltzmann", (0, 1), [(1.2831, 1e-4)], widest=0.1)
    within(there, "sigma_side_jump", (0, 1), [(0.23865, 1e-5)], widest=0.1)
    np.testing.assert_allclose(there.sigma_intrinsic.values[0, 0, 1], -1.49978, atol=1e-4)
    for name, sign in (("sigma_boltzmann", 1), ("sigma_side_jump", -1), ("sigma_intrinsic", -1)):
        expected = there[name].values
        np.testing.assert_allclose(sign * back[name].values, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


CRYSTAL = """
[electrons]
model = "wannier90"
file = "cube_tb.dat"
fermi_energy = -1.0
{phonons}
[temperature]
values = [60, 300]

[solver]
energy_nodes = 3
tolerance = 0.4

[solver.intrinsic]
mesh = 12

[solver.expert]
accuracy = 0.3
"""


def test_a_ferromagnet_with_all_terms(run, empty_folder):
    """Shared shells with symmetry and hot spots, what inelasticity and what the thermal window change."""
    model = ferromagnet((0, 0, 0.3), 0.1)
    model = LatticeModel(model.cell, model.vectors, model.hoppings, np.zeros((len(model.vectors), 3, 2, 2)))
    write_tb(empty_folder / "cube_tb.dat", model, [1] * len(model.vectors))
    found = run(CRYSTAL.format(phonons=PHONONS.format(density=7000.0)))
    assert {"Fermi surface", "thermal window"} <= set(found.term.values)
    assert found.attrs["symmetry_operations"] > 1 and np.isfinite(found.hot_spot_change.values).all()
    within(found, "sigma_boltzmann", (0, 0), [(232400.0, 1300.0), (12196.0, 56.0)])
    within(found, "sigma_boltzmann", (2, 2), [(234700.0, 1100.0), (12344.0, 45.0)])
    within(found, "sigma_side_jump", (0, 1), [(31.67, 0.13), (36.51, 0.36)])
    np.testing.assert_allclose(found.sigma_intrinsic.values[:, 0, 1], [-1.628, -0.687], atol=0.2)
    for name in (*PARTS, "sigma_intrinsic"):  # fourfold along z, and nothing but the yx element of a Hall effect
        value = found[name].values
        size = 1e-9 * np.abs(value).max()
        np.testing.assert_allclose(value[:, 0, 0], value[:, 1, 1], rtol=0, atol=size)
        np.testing.assert_allclose(value[:, 0, 1], -value[:, 1, 0], rtol=0, atol=size)
        assert np.abs(value[:, 2, :2]).max() < size and np.abs(value[:, :2, 2]).max() < size


IRON_INPUT = """
[electrons]
model = "wannier90"
file = "{file}"
fermi_energy = 17.2745
symmetrize = true
projections = "Fe:sp3d2;dxy;dxz;dyz"
magnetisation = [0, 0, 1]

[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 12.0
sound_velocity = 6000.0
mass_density = 7874.0

[temperature]
values = [300]

[solver]
energy_nodes = 1
tolerance = 0.5

[solver.intrinsic]
mesh = 8

[solver.expert]
accuracy = 0.3
levels = 0
geometry = "shared"
"""


def test_iron(run):
    """The demonstration on the coarsest shell there is: a first answer, and no more than its errors claim."""
    found = run(IRON_INPUT.format(file=IRON))
    assert found.attrs["symmetry_operations"] == 16
    assert list(found.term.values) == ["Fermi surface"] and found.sizes["replica"] >= 2
    within(found, "sigma_boltzmann", (0, 0), [(87200.0, 600.0)])
    within(found, "sigma_side_jump", (1, 0), [(157.7, 17.2)], widest=1.0)
    for name in (*PARTS, "sigma_intrinsic"):  # magnetised along z: fourfold, and the yx element alone
        value = found[name].values[0]
        size = 1e-6 * np.abs(value).max()
        assert abs(value[0, 0] - value[1, 1]) < size and abs(value[0, 1] + value[1, 0]) < size
        assert np.abs(value[2, :2]).max() < size and np.abs(value[:2, 2]).max() < size
    assert -0.1 < found.sigma_boltzmann.values[0, 0, 0] / found.sigma_boltzmann.values[0, 2, 2] - 1 < 0.1
