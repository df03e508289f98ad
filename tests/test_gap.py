"""A chemical potential in a gap: the quantised intrinsic part is the result, and nothing else conducts."""

import json

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from helpers_two_bands import carriers
from sidejump.app import results
from sidejump.app.cli import main
from sidejump.surfaces.edges import Edges
from sidejump.transport.frozen import without_carriers
from sidejump.units import KB

IMPURITIES = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)


def chern_insulator(mass):
    """Square lattice, ``H = sin(kx) sx + sin(ky) sy + (mass - 2 + cos(kx) + cos(ky)) sz``; edges at +-1 for mass 1."""
    sx, sy, sz = sj.PAULI
    builder = sj.TightBinding(4.0 * np.eye(2), [((0.0, 0.0), 1)], spinful=True)
    builder.onsite(0, (mass - 2) * sz)
    builder.hop(0, 0, (1, 0), 0.5 * sz + 0.5j * sx)
    return builder.hop(0, 0, (0, 1), 0.5 * sz + 0.5j * sy).build()


@pytest.mark.parametrize(("mass", "number"), [(1.0, 1), (3.0, -1), (5.0, 0)])
def test_quantum_anomalous_hall_effect(mass, number):
    """The Chern number in e^2/h; the resistivity is its inverse, and infinite in a trivial insulator."""
    with pytest.warns(sj.SidejumpWarning, match=r"T <= 300 K: .* lies in a gap from .* no carriers"):
        ds = sj.anomalous_hall(
            chern_insulator(mass), IMPURITIES, chemical_potential=0.1, temperatures=[300, 4], intrinsic_tolerance=1e-4
        )
    np.testing.assert_allclose(ds.sigma_intrinsic.sel(a="y", b="x"), number, atol=1e-3)
    np.testing.assert_allclose(ds.sigma_intrinsic_plus_side_jump, ds.sigma_intrinsic)
    for name in ("sigma_boltzmann", "sigma_side_jump_velocity", "sigma_side_jump_distribution", "carrier_density"):
        assert not ds[name].values.any(), name
    if number:
        np.testing.assert_allclose(ds.resistivity.sel(a="x", b="y"), number, rtol=2e-3)
        np.testing.assert_allclose(ds.resistivity.sel(a="x", b="x"), 0, atol=1e-9)
    else:
        assert np.isnan(ds.resistivity).all()
    assert len(results.warnings_of(ds)) == 1 and np.isnan(ds.mobility).all()
    assert ds.geometry_used.values.tolist() == ["none"] * 2


def test_only_the_cold_ones_of_a_list_are_without_carriers():
    """A massive Dirac gap: half a quantum when cold; the warm ones are those of a run of their own."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)

    def run(temperatures):
        return sj.anomalous_hall(model, IMPURITIES, chemical_potential=0.05, temperatures=temperatures, energy_nodes=5)

    with pytest.warns(sj.SidejumpWarning, match="T <= 15 K: .* in a gap"):
        mixed = run([100, 5, 200, 15])
    warm = run([100, 200])
    frozen = mixed.sel(temperature=[5, 15])
    assert not frozen.sigma_boltzmann.values.any() and not frozen.sigma_side_jump.values.any()
    np.testing.assert_allclose(frozen.sigma_intrinsic.sel(a="y", b="x"), 0.5, atol=1e-6)
    for name in ("sigma_boltzmann", "sigma_side_jump", "carrier_density", "energy_nodes", "mobility"):
        np.testing.assert_allclose(mixed[name].sel(temperature=[100, 200]), warm[name], rtol=1e-9, err_msg=name)
    assert warm.carrier_density[0] > 0 and mixed.geometry_used.values.tolist() == ["own", "none", "own", "none"]
    # both bands carry at 200 K
    expected = [1e16 * n for n in carriers(0.1, 3.0, 0.05, 200 * KB)]
    np.testing.assert_allclose([warm.electron_density[1], warm.hole_density[1]], expected, rtol=2e-3)
    assert "T <= 15 K" in results.warnings_of(mixed)[0]
    assert json.loads(mixed.attrs["cost_estimate"])["temperatures"] == 4
    # what is left out is smaller than any digit: at the limit of 30 kT the density is that of exp(-30)
    assert np.exp(-30) < 1e-12


def test_gaps_with_two_sides_only():
    """A chemical potential outside of all bands is as a rule a mistake, and refused."""
    gap = Edges(False, -0.1, 0.3, -0.1, 0.3)
    t = 0.1 / 30 / KB
    assert without_carriers(gap, 0.0, [0.99 * t, 1.01 * t, 5 * t]).tolist() == [True, False, False]
    assert without_carriers(gap, 0.25, [0.4 * t, 0.6 * t]).tolist() == [True, False]
    for edges in (Edges(False, -np.inf, 0.3, -np.inf, 0.3), Edges(True, -1.0, 1.0, -1.0, 1.0)):
        assert not without_carriers(edges, 0.0, [1e-3]).any()
    with pytest.raises(sj.InputError, match="outside the bands"):
        sj.anomalous_hall(chern_insulator(1.0), IMPURITIES, chemical_potential=9.0, temperatures=[10])


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.toml").write_text(
        """
        electrons = {model = "massive_dirac", mass = 0.1, velocity = 3.0, chemical_potential = 0.0}
        scattering = [{kind = "impurity", correlation = "zero_range", density = 1e11, strength = 1.0}]
        temperature = {values = [5, 10]}
        """
    )
    assert main(["run", "in.toml"]) == 0
    out, err = capsys.readouterr()
    assert err.count("warning: T <= 10 K: the chemical potential 0 eV lies in a gap") == 1 and "0.5000" in out
    with xr.open_dataset("in.nc") as ds:
        assert results.warnings_of(ds)[0].startswith("T <= 10 K")
