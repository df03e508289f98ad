"""Scatterers: one set of rules in files and in Python; they can be stored, copied and shown."""

import copy
import pickle

import numpy as np
import pytest

import sidejump as sj
from sidejump.app import config
from test_electron_phonon_pairs import cubic

VALID = {
    "acoustic_deformation_potential": {
        "deformation_potential": 5.0, "sound_velocity": 2000.0, "mass_density": 7.6e-7,
        "transverse_deformation_potential": 1.0, "transverse_sound_velocity": 1000.0,
    },
    "optical_deformation_potential": {"deformation_potential": 3.0, "phonon_energy": 0.03, "mass_density": 7.6e-7},
    "polar_optical": {
        "phonon_energy": 0.036, "dielectric_infinity": 10.9, "dielectric_static": 12.9, "thickness": 1.0,
    },
    "impurity": {"correlation": "gaussian", "density": 1e11, "strength": 1.0, "correlation_length": 2.0},
    "magnons": {"stiffness": 0.3, "exchange_splitting": 0.1, "spin_density": 1e15, "gap": 1e-3},
}  # fmt: skip
COULOMB = {
    "correlation": "screened_coulomb",
    "density": 1e11,
    "dielectric_constant": 10.0,
    "screening_length": 5.0,
    "charge": 2.0,
}


def in_python(kind, parameters):
    return getattr(sj, kind)(**parameters, dimension=2)


def in_a_file(kind, parameters):
    electrons = {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2}
    config.validate(
        {"electrons": electrons, "scattering": [{"kind": kind, **parameters}], "temperature": {"values": [10.0]}}
    )


MISTAKES = [
    ("impurity", {"strength": np.nan}, "strength = NaN"),
    ("impurity", {"strength": np.inf}, "finite"),
    ("impurity", {"density": "1e11"}, "plain number"),
    ("impurity", {"density": -1e11}, "above 0"),
    ("impurity", {"correlation": "other"}, "zero_range"),
    ("impurity", {"dielectric_constant": 3.0}, "no meaning"),
    ("impurity", {"correlation": "zero_range"}, "correlation_length has no meaning"),
    ("impurity", {"correlation_length": None}, "correlation_length is missing"),
    ("impurity", {"vertex": "sigma_q"}, "sigma_x"),
    ("impurity", {"vertex": [[0.0, 1.0], [0.0, 0.0]]}, "not Hermitian"),
    ("impurity", {"vertex": [[0.0, 1.0]]}, "not square"),
    ("acoustic_deformation_potential", {"mass_density": -7.6e-7}, "above 0"),
    ("acoustic_deformation_potential", {"sound_velocity": 0.0}, "above 0"),
    ("acoustic_deformation_potential", {"deformation_potential": np.nan}, "finite"),
    ("acoustic_deformation_potential", {"transverse_sound_velocity": None}, "transverse_sound_velocity is missing"),
    ("optical_deformation_potential", {"phonon_energy": True}, "plain number"),
    ("magnons", {"stiffness": -0.3}, "above 0"),
    ("magnons", {"gap": -1e-3}, "at least 0"),
    ("magnons", {"spin_density": 0.0}, "above 0"),
    ("magnons", {"spin_direction": (0.0, 0.0, 0.0)}, "spin_direction is zero"),
    ("magnons", {"spin_direction": (0.0, "y", 1.0)}, "plain number"),
    ("magnons", {"lowering": [[0.0, 1.0]]}, "not square"),
    ("magnons", {"lowering": "sigma_x"}, "give a matrix"),
    ("magnons", {"lowering": [[0.0, 1.0], [0.0, 0.0]], "spin_direction": (0.0, 0.0, 1.0)}, "leave one of them out"),
    ("polar_optical", {"dielectric_static": 10.0}, "must exceed"),
    ("polar_optical", {"thickness": -1.0}, "above 0"),
]


@pytest.mark.parametrize("kind, change, words", MISTAKES)
def test_files_and_python_obey_the_same_rules(kind, change, words):
    parameters = VALID[kind] | change
    for build in (in_python, in_a_file):
        with pytest.raises(sj.InputError, match=words) as caught:
            build(kind, {k: v for k, v in parameters.items() if v is not None})
        assert kind in str(caught.value) or "[[scattering]] number 1" in str(caught.value)


def test_what_only_the_dimension_tells():
    polar = VALID["polar_optical"]
    with pytest.raises(sj.InputError, match="thickness is missing"):
        sj.polar_optical(**{k: v for k, v in polar.items() if k != "thickness"}, dimension=2)
    with pytest.raises(sj.InputError, match="thickness is for two dimensions"):
        sj.polar_optical(**polar, dimension=3)
    for wrong in (1, "2", None, True):
        with pytest.raises(sj.InputError, match="dimension"):
            sj.impurity(**VALID["impurity"], dimension=wrong)


def test_numbers_of_numpy_are_numbers():
    plain = in_python("impurity", VALID["impurity"])
    other = in_python("impurity", VALID["impurity"] | {"strength": np.float32(1.0), "density": np.array(1e11)})
    assert plain == other


@pytest.mark.parametrize("dimension", [2, 3])
@pytest.mark.parametrize("kind, parameters", [*VALID.items(), ("impurity", COULOMB)])
def test_stored_and_copied(kind, parameters, dimension):
    if dimension == 3:
        parameters = {k: v for k, v in parameters.items() if k != "thickness"}
    matrix = {"lowering" if kind == "magnons" else "vertex": np.array([[1, 1j], [-1j, 2]])}
    scatterer = getattr(sj, kind)(**parameters, dimension=dimension, **matrix)
    q = np.geomspace(1e-3, 1, 7)
    assert scatterer.resolution > 0  # fills what is kept
    for other in (pickle.loads(pickle.dumps(scatterer)), copy.deepcopy(scatterer), copy.copy(scatterer)):
        np.testing.assert_array_equal(other.vertex, scatterer.vertex)
        for a, b in zip(other.branches, scatterer.branches, strict=True):
            np.testing.assert_array_equal(a.coupling(q), b.coupling(q))
            assert np.all(b.coupling(q) > 0)
            if b.phonon_energy is not None:
                np.testing.assert_array_equal(a.phonon_energy(q), b.phonon_energy(q))
    assert "<function" not in repr(scatterer) and "object at" not in repr(scatterer)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"images": "all"}, "images"),
        ({"lowest_phonon_energy": -1.0}, "at least 0"),
        ({"lowest_phonon_energy": np.nan}, "finite"),
        ({"coupling_sum_rule": 1}, "true or false"),
    ],
)
def test_first_principles_phonons(change, words):
    data = cubic(acoustic=True)
    with pytest.raises(sj.InputError, match=words):
        sj.ElectronPhononScatterer(data, **change)
    with pytest.raises(sj.InputError, match=words):
        in_a_file("electron_phonon", change)


def test_first_principles_phonons_are_stored_and_copied():
    scatterer = sj.ElectronPhononScatterer(cubic(acoustic=True))
    assert scatterer.sound_velocity > 0  # fills what is kept
    k = np.array([[0.1, 0.2, 0.3]])
    for other in (pickle.loads(pickle.dumps(scatterer)), copy.deepcopy(scatterer)):
        assert other.sound_velocity == scatterer.sound_velocity
        np.testing.assert_array_equal(other.data.coupling(k, k), scatterer.data.coupling(k, k))
