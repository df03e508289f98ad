"""Replicas by processes, MPI and Dask have the digits of threads."""

import importlib.util

import numpy as np
import pytest

import sidejump as sj
from sidejump.errors import InputError

NEEDS = {"mpi": "mpi4py", "dask": "distributed"}


def hall(executor, model=None):
    model = model or sj.MassiveDirac(mass=0.1, velocity=3.0)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    return sj.anomalous_hall(
        model, phonons, chemical_potential=0.2, temperatures=[50.0], tolerance=0.5, intrinsic_tolerance=0.1,
        geometry="shared", energy_nodes=1, accuracy=0.5, executor=executor, workers=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def expected():
    return hall("threads")


@pytest.mark.parametrize("kind", ["processes", "mpi", "dask"])
def test_the_digits_are_those_of_threads(kind, expected):
    if kind in NEEDS and importlib.util.find_spec(NEEDS[kind]) is None:
        pytest.skip(f"{NEEDS[kind]} is not installed")
    found = hall(kind)
    assert found.sizes["replica"] > 1
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error"):
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=name)


def test_a_model_that_cannot_be_sent_is_refused():
    class Local(sj.MassiveDirac):
        pass

    with pytest.raises(InputError):
        hall("processes", Local(mass=0.1, velocity=3.0))
