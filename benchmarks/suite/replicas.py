"""Runs of one model at several finenesses and placements of its points, kept so that none is made twice.

    python -m suite.replicas MODEL [MODEL ...] --accuracy 1 --replicas 0:3

(in the folder `benchmarks`) appends a line for each to ``replicas.jsonl``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np

from sidejump.transport import TransportSettings, run_transport
from sidejump.units import conductivity_unit

from .models import CASES

RUNS = Path(__file__).with_name("replicas.jsonl")
TOLERANCE = {2: 2e-4, 3: 5e-4}
"""Of the energy nodes and of the choices of geometry, by dimension."""

PARTS = {"boltzmann xx": (0, 0), "boltzmann zz": (2, 2), "side jump yx": (1, 0)}
"""What is compared, and its element; the side jump's is antisymmetric in a and b."""


def parts_of(boltzmann: np.ndarray, side_jump: np.ndarray) -> dict[str, np.ndarray]:
    """Values of :data:`PARTS` from tensors (nT, d, d); two dimensions have no zz."""
    values = {}
    for name, (a, b) in PARTS.items():
        if max(a, b) >= boltzmann.shape[-1]:
            continue
        hall = 0.5 * (side_jump[:, a, b] - side_jump[:, b, a])
        values[name] = hall if name.startswith("side jump") else boltzmann[:, a, b]
    return values


def replica(name: str, accuracy: float, number: int, temperatures=None) -> dict:
    """One run, in S/cm or e^2/h, at the temperatures of the case if none (K) are given."""
    case, start = CASES[name], process_time()
    temperatures = case.temperatures if temperatures is None else temperatures
    model = case.model()
    tolerance = TOLERANCE[model.dimension]
    found = run_transport(
        model,
        case.scatterers(),
        chemical_potential=case.chemical_potential,
        temperatures=temperatures,
        settings=TransportSettings(
            **{"accuracy": accuracy, "replica": number, "tolerance": tolerance} | case.settings | case.refined
        ),
    )
    factor, unit = conductivity_unit(found.boltzmann.shape[-1])
    values = parts_of(factor * found.boltzmann, factor * (found.side_jump_velocity + found.side_jump_distribution))
    return {
        "model": name,
        "accuracy": accuracy,
        "replica": number,
        "unit": unit,
        "temperatures": list(temperatures),
        **{part: [float(f"{v:.7g}") for v in value] for part, value in values.items()},
        "cancels": [float(f"{factor * np.abs(c).max():.4g}") for c in found.report["side_jump_contributions"]],
        "geometry": found.report["geometry_used"],
        "energy nodes": [int(n) for n in found.report["energy_nodes"]],
        "states": int(found.report["states"]),
        "tolerance": tolerance,
        "cpu seconds": round(process_time() - start, 1),
        "warnings": found.report["warnings"],
    }


def known_runs() -> list[dict]:
    """All lines of ``replicas.jsonl``, at the temperatures of their cases."""
    lines = RUNS.read_text().splitlines() if RUNS.exists() else []
    return [_at_temperatures(json.loads(line)) for line in lines]


def _at_temperatures(run: dict) -> dict:
    wanted = CASES[run["model"]].temperatures
    kept = [i for i, t in enumerate(run["temperatures"]) if t in wanted]
    lists = ("temperatures", "cancels", "geometry", "energy nodes", *(part for part in PARTS if part in run))
    return run | {name: [run[name][i] for i in kept] for name in lists}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", choices=list(CASES), metavar="MODEL")
    parser.add_argument("--accuracy", nargs="+", type=float, default=[1.0])
    parser.add_argument("--replicas", default="0:3", help="first:end")
    arguments = parser.parse_args()
    first, end = map(int, arguments.replicas.split(":"))
    for accuracy in arguments.accuracy:
        for number in range(first, end):
            for name in arguments.models:
                if any((r["model"], r["accuracy"], r["replica"]) == (name, accuracy, number) for r in known_runs()):
                    continue
                line = replica(name, accuracy, number)
                with RUNS.open("a") as stream:
                    stream.write(json.dumps(line) + "\n")
                print(name, accuracy, number, f"{line['cpu seconds']:.0f} s", line["side jump yx"], flush=True)


if __name__ == "__main__":
    main()
