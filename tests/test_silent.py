"""Which scatterers do not scatter is told by their strengths: a coupling of long range is small, and there."""

import dataclasses

import numpy as np
import pytest
from scipy.special import ive

import sidejump as sj
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit
from test_electron_phonon_pairs import ferromagnet


def impurity(length=None, strength=1.0, **more):
    correlation = "gaussian" if length else "zero_range"
    return sj.impurity(
        correlation=correlation, density=1e11, strength=strength, correlation_length=length, dimension=2, **more
    )


def conductivity(model, scatterer, mu):
    settings = {"energy_nodes": 1, "geometry": "shared", "tolerance": 2e-3}
    ds = sj.anomalous_hall(model, scatterer, chemical_potential=mu, temperatures=[3], **settings)
    return float(ds.sigma_boltzmann[0, 0, 0])


@pytest.mark.parametrize("length", [1.0, 1.4, 5.0, 30.0, 1000.0])
def test_gaussian_impurities_in_a_crystal(length):
    """Near the bottom of a square lattice, of k_F = 0.035 / angstrom.

    The rate is that of zero range times ``exp(-x) (I_0(x) - I_1(x))``, ``x = 2 (k_F L)^2``: from 0.7 to 1.6e-9.
    """
    cell, hop, above = 4.0, 1.0, 0.02
    builder = sj.TightBinding(cell * np.eye(2), [((0.0, 0.0), 1)])
    builder.hop(0, 0, (1, 0), -hop)
    model = builder.hop(0, 0, (0, 1), -hop).build()
    x = 2 * above / (hop * cell**2) * (10 * length) ** 2
    mu = above - 4 * hop
    ratio = conductivity(model, impurity(length), mu) / conductivity(model, impurity(), mu)
    assert ratio * (ive(0, x) - ive(1, x)) == pytest.approx(1, abs=4e-3)


PHONONS = {"sound_velocity": 2000.0, "mass_density": 7.6e-7, "dimension": 2}
COULOMB = {"correlation": "screened_coulomb", "density": 1e11, "dielectric_constant": 9.0, "screening_length": 3.0}
OPTICAL = {"phonon_energy": 0.03, "mass_density": 7.6e-7, "dimension": 2}


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda x: impurity(None, x), "strength"),
        (lambda x: impurity(40.0, x), "strength"),
        (lambda x: sj.impurity(**COULOMB, charge=x, dimension=2), "charge"),
        (lambda x: sj.acoustic_deformation_potential(deformation_potential=x, **PHONONS), "deformation_potential"),
        (lambda x: sj.optical_deformation_potential(deformation_potential=x, **OPTICAL), "deformation_potential"),
    ],
    ids=["zero_range", "gaussian", "coulomb", "acoustic", "optical"],
)
def test_a_strength_of_zero_is_silent(make, key):
    silent, audible = make(0.0), make(1e-3)
    assert silent.silent and not audible.silent
    assert CurvatureShift(silent).silent and HighTemperatureLimit(silent).silent
    assert not CurvatureShift(audible).silent
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    options = {"chemical_potential": 0.2, "temperatures": [20], "energy_nodes": 1}
    for scatterers in ([silent], [silent, silent], [CurvatureShift(silent)]):
        with pytest.raises(sj.InputError, match="do not scatter"):
            sj.anomalous_hall(model, scatterers, **options)


def test_a_silent_branch_beside_another():
    both = sj.acoustic_deformation_potential(
        deformation_potential=0.0, transverse_deformation_potential=2.0, transverse_sound_velocity=1500.0, **PHONONS
    )
    assert [b.silent for b in both.branches] == [True, False] and not both.silent


def test_files_without_coupling():
    data = ferromagnet()
    assert not sj.ElectronPhononScatterer(data).silent
    nothing = dataclasses.replace(data.file_coupling, values=0 * data.file_coupling.values)
    assert sj.ElectronPhononScatterer(dataclasses.replace(data, file_coupling=nothing)).silent
