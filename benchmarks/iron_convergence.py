"""Convergence of iron with the spacing of the Fermi surface: the numbers behind the tables of the documentation.

    python benchmarks/iron_convergence.py [ACCURACY ...] [--input INPUT.toml] [-T TEMPERATURE ...]

Runs the kinetic part of an input file (the iron example when none is given) at several values of `accuracy`, which
divides every spacing, and prints, for each temperature, the antisymmetric yx component of the side jump, the
resistivity and the largest symmetry-forbidden Hall component; the error estimate is the change from the last accuracy
but one to the last.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import record

from sidejump.app.attributes import peak_memory
from sidejump.app.run import prepare
from sidejump.transport import run_transport
from sidejump.units import conductivity_unit

EXAMPLE = Path(__file__).parents[1] / "examples" / "iron.toml"


def hall_vector(sigma: np.ndarray) -> np.ndarray:
    """Axial vector (zy, xz, yx) of a tensor (..., 3, 3)."""
    a = 0.5 * (sigma - np.swapaxes(sigma, -1, -2))
    return np.stack([a[..., 2, 1], a[..., 0, 2], a[..., 1, 0]], axis=-1)


def iron(job, accuracy: float, temperatures) -> dict:
    """Side jump (S/cm), resistivity (microohm cm) and cost at one accuracy."""
    result = run_transport(
        job.model,
        job.scatterers,
        chemical_potential=job.chemical_potential,
        temperatures=temperatures,
        settings=replace(job.settings, accuracy=accuracy),
    )
    factor, _ = conductivity_unit(3)
    side_jump = factor * hall_vector(result.side_jump_velocity + result.side_jump_distribution)
    mean = factor * np.trace(result.boltzmann, axis1=1, axis2=2) / 3
    return {
        "side_jump_yx": side_jump[:, 2].round(3).tolist(),
        "forbidden": np.linalg.norm(side_jump[:, :2], axis=1).round(3).tolist(),
        "resistivity": (1e6 / mean).tolist(),
        **{k: result.report[k] for k in ("states", "pairs", "memory_bytes", "seconds", "stages", "onsager_error")},
        "peak_memory_bytes": peak_memory(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accuracy", nargs="*", type=float, default=[0.7, 1.0, 1.4])
    parser.add_argument("--input", type=Path, default=EXAMPLE)
    parser.add_argument("-T", "--temperatures", nargs="+", type=float, default=[10, 20, 40, 80, 150, 300])
    arguments = parser.parse_args()
    job, runs = prepare(arguments.input), {}
    for accuracy in arguments.accuracy:
        runs[accuracy] = iron(job, accuracy, arguments.temperatures)
        print(f"accuracy {accuracy}: {runs[accuracy]['seconds']:.0f} s, {runs[accuracy]['side_jump_yx']}", flush=True)
    for i, t in enumerate(arguments.temperatures):
        values = [run["side_jump_yx"][i] for run in runs.values()]
        change = abs(values[-1] / values[-2] - 1) if len(values) > 1 else float("nan")
        print(f"T = {t:5g} K  side jump yx {values} S/cm, last change {change:.1%}")
        print(f"             rho {[run['resistivity'][i] for run in runs.values()]} microohm cm")
    figures = {
        "input": arguments.input.name,
        "temperatures": arguments.temperatures,
        "accuracy": {str(a): r for a, r in runs.items()},
    }
    record("iron_convergence", figures)


if __name__ == "__main__":
    main()
