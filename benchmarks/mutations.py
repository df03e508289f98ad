"""Damage valid files in thousands of ways and look what the readers make of it.

    python benchmarks/mutations.py --number 10000 --seed 0 --workers 2

A reader may accept what is left, or refuse it with one sentence that names the file. Tracebacks, other exceptions,
more than 30 s or 2 GB are faults, and the exit status is 1. Everything follows from the seed: ``--only NUMBER`` repeats
one mutation and keeps its files.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # processes are forked
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from common import record  # noqa: E402

import helpers_mutations as mutations  # noqa: E402

SEEDS: list = []  # filled before the workers are forked


def work(arguments) -> tuple[Counter, list[dict], float, float]:
    """One share of the mutations: counts, faults, longest time (s), most memory (bytes)."""
    where, numbers, seed = arguments
    longest = most = 0.0

    def watch(result):
        nonlocal longest, most
        longest, most = max(longest, result["seconds"]), max(most, result["bytes"])
        if result["kind"] not in mutations.GOOD:
            print(json.dumps(result, indent=1).replace("\\n", "\n"), flush=True)

    share = Path(tempfile.mkdtemp(dir=where))
    counts, wrong = mutations.campaign(SEEDS, share, numbers, seed, watch)
    shutil.rmtree(share)
    return counts, wrong, longest, most


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=10000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", type=int, help="this mutation alone; its files are kept")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    if options.only is not None:
        return only(options.only, options.seed)
    start, last = time.perf_counter(), options.first + options.number
    counts, faults, longest, most = Counter(), 0, 0.0, 0.0
    with tempfile.TemporaryDirectory() as where:
        SEEDS.extend(mutations.make_seeds(Path(where)))
        parts = 16 * options.workers
        shares = [(where, range(options.first + i, last, parts), options.seed) for i in range(parts)]
        with ProcessPoolExecutor(options.workers, get_context("fork")) as pool:
            for share in pool.map(work, shares):
                counts += share[0]
                faults += len(share[1])
                longest, most = max(longest, share[2]), max(most, share[3])
    figures = dict(counts) | {
        "mutations": options.number,
        "faults": faults,
        "seed": options.seed,
        "longest_seconds": round(longest, 1),
        "most_GB": round(most / 1e9, 2),
        "seconds": round(time.perf_counter() - start),
    }
    print(json.dumps(figures))
    if not options.no_log:
        record("mutations", figures)
    return int(faults > 0)


def only(number: int, seed: int) -> int:
    """Repeat one mutation."""
    where = Path(tempfile.mkdtemp())
    chosen = (seeds := mutations.make_seeds(where))[number % len(seeds)]
    folder = shutil.copytree(chosen.folder, where / f"m{number}")
    print(chosen.name, mutations.damaged(random.Random(f"{seed}.{number}"), chosen, folder), folder)
    print(json.dumps(mutations.outcome(chosen, folder), indent=1).replace("\\n", "\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
