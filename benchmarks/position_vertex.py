"""Rate of vertices of iron in Wannier functions with a position matrix, next to the machine's matrix products.

    python benchmarks/position_vertex.py [--no-log]

Blocks of the solved shell of `examples/iron.toml`, one core, all numbers in one run: nanoseconds for a pair (value and
three derivatives, images of the zone included) at two temperatures, and the least that its matrix products take at the
full rate of cgemm, 7 products of vectors seven times as long as there are Wannier functions.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import process_time

import numpy as np
from common import record
from threadpoolctl import threadpool_limits
from vertex_rate import gemm_rate

from sidejump.app.run import prepare
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB

INPUT = Path(__file__).parents[1] / "examples" / "iron.toml"


def pair_seconds(problem: Problem, temperature: float, seconds: float = 6.0) -> tuple[float, int]:
    """Processor time of a pair between random sets of points and images, and the number of points."""
    shell = problem.solved_shell(problem.mu, problem.spacings.at(temperature))
    solver = SharedShell(problem, shell, KB * temperature)
    [source], near = solver.stream.sources, solver.sample.near
    random, reach, pairs, start = np.random.default_rng(0), source.z_max(solver.q_max), 0, process_time()
    while process_time() - start < seconds:
        rows = near.sets[random.integers(len(near.sets))]
        columns = near.all_sets[random.integers(len(near.all_sets))]
        source.evaluate(rows, columns, reach)
        pairs += (rows.stop - rows.start) * (columns.stop - columns.start)
    return (process_time() - start) / pairs, len(shell)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--no-log", action="store_true")
    arguments = parser.parse_args()
    job = prepare(INPUT)
    problem = Problem(job.model, list(job.scatterers), float(job.chemical_potential), job.settings)
    figures: dict = {}
    with threadpool_limits(1):
        rate = gemm_rate(np.complex64)
        figures["least_ns"] = round(1e9 * 8 * 49 * job.model.n_orbitals / rate, 1)
        for temperature in (100.0, 15.0):
            each, points = pair_seconds(problem.laid(0.35, 0), temperature)
            figures[f"{temperature:g}_K"] = {"points": points, "ns": round(1e9 * each, 1)}
    print(figures)
    if not arguments.no_log:
        record("position_vertex", figures)


if __name__ == "__main__":
    main()
