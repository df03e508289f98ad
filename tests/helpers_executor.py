"""Tasks for workers: they find them here by name."""

import os
import signal
import time
from pathlib import Path

import numpy as np

import sidejump as sj

made = 0  # in a worker: how many times the shared object has arrived


class Shared:
    """A large object that counts how often it is sent and how often it arrives."""

    sent = 0

    def __init__(self, matrix):
        self.matrix = matrix

    def __reduce__(self):
        Shared.sent += 1
        return _arrive, (self.matrix,)


def _arrive(matrix):
    global made
    made += 1
    return Shared(matrix)


class TwoWords(Exception):
    """Made from more than its message, so that its pickle cannot be opened."""

    def __init__(self, first, second):
        super().__init__(f"{first} and {second}")


def levels(shared, number):
    """Eigenvalues and vectors of a random Hermitian matrix."""
    rng = np.random.default_rng(number)
    n = len(shared.matrix)
    a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n)) + shared.matrix
    values, vectors = np.linalg.eigh(a + a.conj().T)
    return {"values": values, "overlap": vectors.conj().T @ shared.matrix @ vectors}


def hall(shared, temperature):
    """Every number of a small run."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    result = sj.anomalous_hall(
        model, phonons, chemical_potential=0.2, temperatures=[temperature], energy_nodes=1, geometry="shared",
        tolerance=0.02, accuracy=0.5, intrinsic_tolerance=0.1,
    )  # fmt: skip
    numbers = {name: values.values for name, values in result.data_vars.items() if values.dtype.kind == "f"}
    del numbers["term_seconds"]  # a clock
    return numbers


def arrivals(shared, number):
    """Process, how often the shared object has arrived in it, and whether its arrays may be written to."""
    time.sleep(0.01)
    return os.getpid(), made, shared.matrix.flags.writeable


def threads_of_matrices(shared):
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def wrong(shared, error):
    raise error


def two_words(shared):
    raise TwoWords("one", "other")


def wait(shared, seconds):
    time.sleep(seconds)
    return seconds


def die(shared, marker):
    """Kill the worker the first time only, if there is a marker to leave."""
    if marker is None or not Path(marker).exists():
        if marker is not None:
            Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def steps(shared, number):
    """Tells its number three times over, and how many threads it has."""
    from sidejump.pairs.worker import tell
    from sidejump.threads import THREADS

    for step in range(3):
        tell((number, step))
    return THREADS
