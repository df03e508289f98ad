"""Lorenz ratio on the Fermi surface: integral equations in the energy, own shells, symmetry, and the picture."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import sidejump as sj
from sidejump.app.cli import app
from sidejump.app.lorenz import lorenz
from sidejump.app.run import Job, prepare
from sidejump.bands.base import with_spin_degeneracy
from sidejump.errors import InputError
from sidejump.transport import TransportSettings
from sidejump.transport.lorenz import conductivities
from sidejump.transport.problem import Problem
from sidejump.units import HBAR2_OVER_2M, KB
from test_heat import bloch_lorenz_ratio, parabolic_band
from test_hot_spots import ferromagnet

MASS, MU = 0.3, 0.5
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=5000.0, dimension=3
)
IMPURITIES = sj.impurity(correlation="zero_range", density=1e20, strength=0.05, dimension=3)
T_BG = 2 * PHONONS.sound_velocity * np.sqrt(MU * MASS / HBAR2_OVER_2M) / KB


def ratio(scatterers, t, model=None, mu=MU, **settings):
    """Charge and heat that are carried, and the Lorenz ratio, of the last number of nodes."""
    chosen = TransportSettings(**({"accuracy": 0.5} | settings))
    problem = Problem(model or parabolic_band(MASS), scatterers, mu, chosen)
    carried = conductivities(problem.laid(1.0, None), KB * np.atleast_1d(t))
    return carried[-1, :, 0], carried[-1, :, 1] / carried[-1, :, 0]


def test_phonons_in_three_dimensions():
    """Bloch's integral equation on a mesh of energies, from where almost nothing is left of the law to where it holds.

    The nodes are the error: their number is what the two rows differ by.
    """
    t = np.array([0.1, 0.2, 0.5, 2.0])
    _, found = ratio([PHONONS], t * T_BG)
    np.testing.assert_allclose(found, [bloch_lorenz_ratio(x) for x in t], rtol=2e-3)
    assert found[0] < 0.2 and found[-1] > 0.98


def test_impurities_beside_phonons():
    """Static impurities obey the law; with some of the resistivity they restore a part of it."""
    t = 0.2 * T_BG
    alone, there = ratio([PHONONS], t)
    static, law = ratio([IMPURITIES], t)
    np.testing.assert_allclose(law, 1, rtol=1e-6)
    _, both = ratio([PHONONS, IMPURITIES], t)
    expected = bloch_lorenz_ratio(0.2, residual=(alone / static).item())
    np.testing.assert_allclose(both, expected, rtol=2e-3)
    assert there + 0.05 < both < 0.95


def test_strength_and_copies_change_nothing():
    """Twice the rates carry a half, and obey the law as far as before."""
    once, lorenz_once = ratio([PHONONS], 0.2 * T_BG)
    other = sj.acoustic_deformation_potential(
        deformation_potential=5.0 * 2**0.5, sound_velocity=2000.0, mass_density=5000.0, dimension=3
    )
    twice, lorenz_twice = ratio([other], 0.2 * T_BG)
    np.testing.assert_allclose(twice, 0.5 * once, rtol=1e-5)
    np.testing.assert_allclose(lorenz_twice, lorenz_once, rtol=1e-5)


def test_irreducible_points_of_a_crystal():
    """Against all points of the same surface, laid without symmetry."""
    model, mu = ferromagnet(), 0.5
    found = [
        ratio([PHONONS], [30.0, 300.0], model, mu, accuracy=0.7, symmetry=symmetry)[1] for symmetry in ("auto", "off")
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0.03)
    assert found[0][0] < 0.7 * found[0][1]


def layer(tmp_path):
    """An input of Dirac electrons with phonons and impurities."""
    (tmp_path / "d.toml").write_text(
        """
[electrons]
model = "massive_dirac"
mass = 0.05
velocity = 3.0
chemical_potential = 0.2
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = 7.6e-7
[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 0.2
[temperature]
values = [10, 2]
[solver]
tolerance = 0.05
[solver.expert]
accuracy = 0.5
"""
    )
    return tmp_path / "d.toml"


@pytest.fixture(scope="module")
def of_the_layer(tmp_path_factory):
    """The input and its ratios."""
    source = layer(tmp_path_factory.mktemp("lorenz"))
    return source, lorenz(prepare(source), lambda _: None)


def test_own_shells_give_the_same_where_the_fermi_energy_is_large(of_the_layer):
    """The heat current of a run, in which every energy has its own shell."""
    source, ratios = of_the_layer
    job, found = prepare(source), ratios.sel(mechanism="all together")
    full = replace_heat(job).sortby("temperature")
    np.testing.assert_allclose(found.lorenz_ratio, full.lorenz_ratio, rtol=1e-2)
    difference = np.abs(found.lorenz_ratio.values - full.lorenz_ratio.values)
    assert np.all(difference <= 2 * np.hypot(found.lorenz_ratio_error.values, full.lorenz_ratio_error.values))
    np.testing.assert_allclose(found.resistivity, full.resistivity.values[:, 0, 0], rtol=1e-2)
    np.testing.assert_allclose(found.resistivity / found.heat_resistivity, found.lorenz_ratio, rtol=1e-3)


def replace_heat(job) -> xr.Dataset:
    """The result of the same run with the heat current."""
    return job.changed(settings=replace(job.settings, heat=True), cost=None).run()


@pytest.fixture(scope="module")
def of_two():
    """Ratios of phonons that are there twice: together, and each alone."""
    t = np.array([0.5 * T_BG])
    twice = Job(parabolic_band(MASS), [PHONONS, PHONONS], MU, t, settings=TransportSettings(accuracy=0.1))
    return lorenz(twice, lambda _: None)


def test_mechanisms_of_one_name_are_two(of_two):
    found = of_two
    names = [f"{PHONONS.name} alone", f"{PHONONS.name} (2) alone"]
    assert found.mechanism.values.tolist() == ["all together", *names]
    np.testing.assert_allclose(found.resistivity[0], 2 * found.resistivity[1], rtol=1e-5)
    np.testing.assert_allclose(found.resistivity[1], found.resistivity[2], rtol=1e-12)


def test_spins_that_a_band_stands_for(of_two):
    """Two of them carry twice as much."""
    model, t = with_spin_degeneracy(parabolic_band(MASS), 2), np.array([0.5 * T_BG])
    two = lorenz(Job(model, [PHONONS], MU, t, settings=TransportSettings(accuracy=0.1)), lambda _: None)
    one = of_two.isel(mechanism=[1])
    np.testing.assert_allclose(two.resistivity, 0.5 * one.resistivity)
    np.testing.assert_allclose(two.lorenz_ratio, one.lorenz_ratio)
    assert one.resistivity.attrs["units"] == "microohm cm"


def test_picture_and_table(of_the_layer, tmp_path, drawn):
    source, expected = of_the_layer
    result = sj.app.run.run(source)
    result.to_netcdf(tmp_path / "d.nc", engine="h5netcdf")
    command = ["plot", str(tmp_path / "d.nc"), "--kind", "lorenz", "--csv", str(tmp_path / "l.csv"), "--input"]
    answer = CliRunner().invoke(app, [*command, str(source), "-o", str(tmp_path / "l.png")])
    assert answer.exit_code == 0, answer.output
    ratios = drawn[0].axes[0]
    for number, words in enumerate(expected.mechanism.values):
        bars = ratios.containers[number]
        np.testing.assert_allclose(bars.lines[0].get_ydata(), expected.lorenz_ratio.sel(mechanism=words))
        spans = np.ptp([piece[:, 1] for piece in bars.lines[2][0].get_segments()], axis=1)
        np.testing.assert_allclose(spans, 2 * expected.lorenz_ratio_error.sel(mechanism=words))
    rows = np.genfromtxt(tmp_path / "l.csv", delimiter=",", skip_header=1)
    np.testing.assert_allclose(rows[:, 2], expected.lorenz_ratio.values.ravel())
    assert expected.temperature.values.tolist() == [2, 10]


def test_no_fermi_surface_is_one_sentence(tmp_path):
    job = prepare(layer(tmp_path)).changed(chemical_potential=0.0)
    with pytest.raises(InputError, match="there is no Fermi surface, which the Lorenz ratio"):
        lorenz(job, lambda _: None)
