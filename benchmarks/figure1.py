"""The paper's Fig. 1 in full: seconds, states and pairs against the error of the exact inelastic side jump.

    python benchmarks/figure1.py [--temperatures N] [--repeat R]

Computes the circles of the figure (50 temperatures from 0.01 to 5 T_BG by the general machinery: shells, pairs, solver)
and compares every one with the independent one-dimensional integral equation of `closed_forms.dirac_exact`, which is
not timed.  The time is wall time after the imports, the shortest of R runs.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from common import record

from sidejump.reference.dirac_exact import solve_exact
from sidejump.reference.figure1 import FERMI_ENERGY, MASS, SOUND, VELOCITY, figure1_curves

QUOTED = (0.01, 0.1, 0.5, 1.0, 5.0)  # T/T_BG of the errors in the log, besides the largest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--temperatures", type=int, default=50, help="number of temperatures")
    parser.add_argument("--repeat", type=int, default=3, help="timed runs")
    arguments = parser.parse_args()
    t = np.geomspace(0.01, 5, arguments.temperatures)
    seconds, processor = [], []
    for _ in range(arguments.repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        curves = figure1_curves(t)
        seconds.append(time.perf_counter() - wall)
        processor.append(time.process_time() - cpu)
    # the quoted temperatures, computed with the same settings
    extra = figure1_curves(QUOTED)
    errors = relative_errors(curves)
    for x, error in sorted({**errors, **relative_errors(extra)}.items()):
        print(f"{x:10.5f} T_BG   relative error {error:9.1e}")
    report = curves["report"]
    figures = {
        "temperatures": len(t),
        "wall_seconds": round(min(seconds), 2),
        "cpu_seconds": round(min(processor), 2),
        "states": report["states"],
        "pairs": report["pairs"],
        "largest_relative_error": float(f"{max(map(abs, errors.values())):.2e}"),
        "relative_errors": {f"{x:g}": float(f"{e:.2e}") for x, e in relative_errors(extra).items()},
    }
    print(figures)
    record("figure1", figures)


def relative_errors(curves) -> dict[float, float]:
    """Error of the side jump at every T/T_BG, against the integral equation."""
    exact = [
        solve_exact(SOUND / VELOCITY, x, mass=MASS, chemical_potential=FERMI_ENERGY).side_jump for x in curves["t"]
    ]
    return dict(zip(curves["t"].tolist(), (curves["exact"] / np.array(exact) - 1).tolist(), strict=True))


if __name__ == "__main__":
    main()
