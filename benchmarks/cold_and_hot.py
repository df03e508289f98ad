"""What a cold temperature costs, beside a hot one, for the same error bar.

    python benchmarks/cold_and_hot.py [--models iron bcc ...] [--tolerance 0.05] [-T 10 300]

Runs each temperature alone to the tolerance and prints the processor time of the kinetic equation and the error that is
stated.  Ratios are those of times as they are: an error that comes out smaller than asked for is not made up for.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from time import process_time

import numpy as np
from common import record
from error_bars import value_and_error
from suite.models import CASES

import sidejump as sj

EXAMPLE = Path(__file__).parents[1] / "examples" / "iron.toml"
_INTRINSIC = 0.05  # not looked at here


def question(model: str) -> dict:
    """Arguments of :func:`sidejump.anomalous_hall`, without temperatures."""
    if model == "iron":
        from sidejump.app.run import prepare

        job = prepare(EXAMPLE)
        return {
            "model": job.model,
            "scatterers": list(job.scatterers),
            "chemical_potential": float(job.chemical_potential),
            "energy_nodes": job.settings.energy_nodes,
        }
    case = CASES[model]
    return {"model": case.model(), "scatterers": case.scatterers(), "chemical_potential": case.chemical_potential}


def cost(asked: dict, temperature: float, tolerance: float) -> dict:
    """Processor seconds, and errors relative to what they are judged by."""
    start = process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)
        ds = sj.anomalous_hall(
            **asked, temperatures=[temperature], tolerance=tolerance, intrinsic_tolerance=_INTRINSIC, time=1800
        )
    value, error = value_and_error(ds, "side jump yx")
    return {
        "seconds": round(process_time() - start, 1),
        "side jump yx": round(float(value[0]), 3),
        "error": round(float(error[0]), 3),
        "replicas": int(np.sum(ds["term_replicas"].values)),
        "warnings": len(ds.attrs["warnings"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["iron", "ferromagnet_20", "bcc", "weyl_small"])
    parser.add_argument("--tolerance", type=float, default=0.05)
    parser.add_argument("-T", "--temperatures", nargs=2, type=float, default=[10.0, 300.0], metavar=("COLD", "HOT"))
    arguments = parser.parse_args()
    for model in arguments.models:
        asked = question(model)
        found = {f"{t:g} K": cost(asked, t, arguments.tolerance) for t in arguments.temperatures}
        cold, hot = (f["seconds"] for f in found.values())
        figures = {"model": model, "tolerance": arguments.tolerance, **found, "cold/hot": round(cold / hot, 2)}
        print(json.dumps(figures), flush=True)
        record("cold_and_hot", figures)


if __name__ == "__main__":
    main()
