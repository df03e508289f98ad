"""What each executor costs: its start, the shared data, every task; and how well two workers are used.

    python benchmarks/executors.py [kind ...] [--megabytes 200] [--tasks 2000] [--no-log]

Measured with two workers of this machine (the page on parallel runs in the documentation puts the numbers together):

* *start*: until every worker has done its first task, without shared data;
* *data*: what the start takes longer with a shared array, and the memory that belongs to one worker alone then;
* *task*: wall time per empty task, many at once (what the program can hand out) and one after the other (the way
  there and back);
* *replica*: a small run of the whole calculation, alone, and sixteen of them on two workers.  The efficiency is the
  time of sixteen alone over twice the time on two workers; what two busy cores take from each other is in it.
"""

from __future__ import annotations

import argparse
import os
import pickle
import warnings
from statistics import median
from time import perf_counter, sleep

import numpy as np
import psutil
from common import record

import sidejump as sj
from sidejump.pairs.executor import KINDS, make_executor

WORKERS = 2
REPLICAS = 16


def nothing(shared, number):
    return number


def touch(shared, number):
    """Read all of the shared array, long enough for the other worker to take part; memory of this process alone (B)."""
    total = float(shared.sum())
    sleep(0.2)
    process = psutil.Process()
    return process.pid, process.memory_full_info().uss, total


def replica(shared, number):
    """Stand-in for a replica: a small run, and results of the size of one for 26 temperatures."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    found = sj.anomalous_hall(model, phonons, chemical_potential=0.2, temperatures=[20.0, 60.0], energy_nodes=1)
    parts = {name: np.zeros((26, 3, 3)) for name in ("boltzmann", "intrinsic", "velocity", "distribution")}
    parts["velocity"][:2, :2, :2] = found.sigma_side_jump_velocity
    return parts


def started(kind, shared):
    """Seconds until all workers have answered, and the largest private memory of one (MB)."""
    start = perf_counter()
    with make_executor(kind, WORKERS, shared=shared) as executor:
        while True:
            found = list(executor.map(touch, range(2 * WORKERS)))
            if len({pid for pid, _, _ in found}) == (1 if kind in ("threads", "serial") else WORKERS):
                break
        seconds = perf_counter() - start
        found = list(executor.map(touch, range(2 * WORKERS)))  # memory that workers share is theirs together only now
    return seconds, max(uss for _, uss, _ in found) / 1e6


def measure(kind, megabytes, tasks) -> dict:
    small, private = started(kind, np.zeros(1))
    large, private_with_data = started(kind, np.random.default_rng(0).normal(size=int(megabytes * 1e6 / 8)))
    with make_executor(kind, WORKERS, shared=0) as executor:
        list(executor.map(nothing, range(20)))
        start = perf_counter()
        assert len(list(executor.as_completed(nothing, range(tasks)))) == tasks
        each = (perf_counter() - start) / tasks
        ways = []
        for number in range(100):
            start = perf_counter()
            executor.submit(nothing, number).result()
            ways.append(perf_counter() - start)
        list(executor.map(replica, range(2 * WORKERS)))  # first calls import
        start = perf_counter()
        results = list(executor.map(replica, range(REPLICAS)))
        together = perf_counter() - start
    return {
        "start_seconds": round(small, 2),
        "data_seconds": round(large - small, 2),
        "private_MB": round(private),
        "private_MB_with_data": round(private_with_data),
        "task_microseconds": round(1e6 * each),
        "task_there_and_back_microseconds": round(1e6 * median(ways)),
        "bytes_back": len(pickle.dumps(results[0])),
        "replicas_seconds": round(together, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=KINDS)
    parser.add_argument("--megabytes", type=float, default=200.0, help="size of the shared array")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    warnings.simplefilter("ignore", sj.SidejumpWarning)
    replica(0, 0)
    start = perf_counter()
    for _ in range(6):
        replica(0, 0)
    alone = (perf_counter() - start) / 6
    figures: dict = {
        "workers": WORKERS,
        "megabytes": options.megabytes,
        "load": os.getloadavg()[0],
        "replica_seconds": round(alone, 3),
    }
    for kind in options.kinds:
        found = measure(kind, options.megabytes, options.tasks)
        workers = 1 if kind == "serial" else WORKERS
        found["efficiency"] = round(REPLICAS * alone / (workers * found["replicas_seconds"]), 3)
        figures[kind] = found
        print(kind, found, flush=True)
    for kind, package in (("mpi", "mpi4py"), ("dask", "distributed")):
        if kind in options.kinds:
            figures[kind]["version"] = __import__(package).__version__
    if not options.no_log:
        record("executors", figures)


if __name__ == "__main__":
    main()
