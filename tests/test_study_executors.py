"""Replicas by processes, MPI and Dask have the digits of threads."""

import importlib.util

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy import Study, estimate, plan
from sidejump.app import run
from sidejump.errors import InputError
from sidejump.pairs.executor import make_executor

MODEL = sj.MassiveDirac(mass=0.1, velocity=3.0)
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)
NEEDS = {"mpi": "mpi4py", "dask": "distributed"}


def hall(executor, model=None):
    return sj.anomalous_hall(
        model or MODEL, PHONONS, chemical_potential=0.2, temperatures=[50.0], tolerance=0.5, intrinsic_tolerance=0.1,
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


INPUT = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
    "temperature": {"values": [20, 50]},
    "solver": {"tolerance": 0.01, "memory": 0.5, "expert": {"geometry": "shared"}},
}


def asked(**solver):
    return run.prepare(INPUT | {"solver": INPUT["solver"] | solver})


def just_enough():
    """GB that do, where half of them do not."""
    memory = INPUT["solver"]["memory"]
    while True:
        try:
            asked(memory=memory / 2).estimate()
            memory /= 2
        except InputError:
            return memory


def test_processes_are_chosen_where_they_pay(monkeypatch):
    """In the command line alone, in long runs, where the replicas fit side by side."""
    monkeypatch.setattr(run, "THREADS", 2)
    job = asked()
    assert job.estimate(processes=True)["workers"] == 1 and job.executor == "threads", "a second is not long"
    monkeypatch.setattr(run, "LONG", 0.0)
    job = asked()
    assert job.estimate()["workers"] == 1 and job.executor == "auto", "scripts are not read again unasked"
    job = asked(executor="threads")
    assert job.estimate(processes=True)["workers"] == 1 and job.executor == "threads"
    job = asked(memory=just_enough())
    assert job.estimate(processes=True)["workers"] == 1 and job.executor == "threads", "half of it is too little"
    job = asked()
    cost = job.estimate(processes=True)
    assert cost["workers"] == 2 and cost["seconds"] > 0
    assert (job.executor, job.workers, job.share) == ("processes", 2, 0.25e9)


def test_the_choice_does_not_change_the_digits(monkeypatch):
    monkeypatch.setattr(run, "THREADS", 2)
    monkeypatch.setattr(run, "LONG", 0.0)
    job = asked()
    job.estimate(processes=True)
    found, expected = job.run(), asked(executor="threads").run()
    assert job.executor == "processes" and found.attrs["identity"] == expected.attrs["identity"]
    for name in ("sigma_boltzmann", "sigma_side_jump", "sigma_side_jump_error"):
        np.testing.assert_array_equal(found[name].values, expected[name].values, err_msg=name)


def test_what_does_not_fit_into_a_worker_is_computed_here():
    study = Study(MODEL, (PHONONS,), (0.2,), np.array([20.0, 50.0]), tolerance=0.02)
    [case] = plan(study)
    expected, _ = estimate(case)
    here = []
    with make_executor("serial", shared=case.with_share(1e3)) as executor:
        found, controller = estimate(
            case, executor=executor, sharing=True, advance=lambda task, fraction: here.append((task, fraction))
        )
    np.testing.assert_array_equal(found.value, expected.value)
    begun = [task for task, fraction in here if fraction == 0.0]
    assert set(begun) == {replica.task for some in controller.replicas.values() for replica in some}
    with make_executor("serial", shared=case.with_share(1e3)) as executor, pytest.raises(InputError, match="memory"):
        estimate(case, executor=executor)
