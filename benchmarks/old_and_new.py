"""Error against processor time of two versions of the program, side by side in one run.

    python benchmarks/old_and_new.py CHECKOUT [--models iron ferromagnet_20 ...] [--accuracies 0.35 0.5 0.7 1]

`CHECKOUT` holds the other version (``git worktree add CHECKOUT COMMIT``).  Each version solves each model at some
values of `accuracy`, which divides all spacings, and at a few within 7 % of each: how far these are from the
reference is the error of that accuracy, whatever luck one grid has.  Every
solution runs in a process of its own, old and new in turn.
Between the measured points error and seconds are taken to follow a power law.

References are those of the suite; of iron, which has none there, the mean of the new version's finest solutions: errors
below its spread are not resolved.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from time import process_time

import numpy as np

HERE = Path(__file__).resolve().parent
NEAR = (0.93, 1.0, 1.07)
"""Accuracies that are one, in units of it."""

TEMPERATURES = (10.0, 40.0, 300.0)


def one(model: str, accuracy: float, replica: int, tree: Path) -> dict:
    """Side jump and conductivity of one solution, with the version that is on the path."""
    from dataclasses import fields, replace

    from suite.replicas import parts_of

    from sidejump.transport import TransportSettings, run_transport
    from sidejump.units import conductivity_unit

    # versions that lay points at random are asked for another placement each time
    known = {f.name for f in fields(TransportSettings)}
    placed = {"replica": replica} if "replica" in known else {}
    if model == "iron":
        from sidejump.app.run import prepare

        job = prepare(tree / "examples" / "iron.toml")
        given = (job.model, list(job.scatterers), float(job.chemical_potential))
        # a run chooses the geometry on points of its own, not on those of one solution, which may be few
        settings = replace(job.settings, accuracy=accuracy, geometry="shared", **placed)
    else:
        from suite.models import CASES

        case = CASES[model]
        given = (case.model(), case.scatterers(), case.chemical_potential)
        settings = TransportSettings(accuracy=accuracy, **placed)
    start = process_time()
    electrons, scatterers, mu = given
    found = run_transport(
        electrons, scatterers, chemical_potential=mu, temperatures=np.array(TEMPERATURES), settings=settings
    )
    factor, _ = conductivity_unit(electrons.dimension)
    jump = factor * (found.side_jump_velocity + found.side_jump_distribution)
    return {
        **{part: values.tolist() for part, values in parts_of(factor * found.boltzmann, jump).items()},
        # older versions do not say
        "cancels": [float(factor * np.abs(c).max()) for c in found.report.get("side_jump_contributions", [])],
        "seconds": process_time() - start,
    }


def solved(tree: Path, model: str, accuracy: float, replica: int) -> dict:
    """:func:`one` in a process of its own."""
    path = os.pathsep.join([str(tree / "src"), str(HERE)])
    command = [sys.executable, __file__, "--one", model, str(accuracy), str(replica), str(tree)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{tree}: {model} at accuracy {accuracy:g} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def seconds_for(error: float, seconds: np.ndarray, errors: np.ndarray) -> float:
    """Of a power law through what was measured; nan where more time brings no smaller error."""
    slope, start = np.polyfit(np.log(seconds), np.log(errors), 1)
    return float(np.exp((np.log(error) - start) / slope)) if slope < 0 else np.nan


def references(model: str, runs: dict) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each part value, error and what errors are relative to."""
    from suite.references import REFERENCES, scale_of

    known = json.loads(REFERENCES.read_text()).get(model)
    found = {}
    for part in ("side jump yx", "boltzmann xx"):
        if known is not None:
            places = [known["temperatures"].index(t) for t in TEMPERATURES]
            value, error = (np.array(known[part][name])[places] for name in ("value", "error"))
            cancels = np.array(known["cancels"])[places]
        else:
            finest = runs["new"][max(runs["new"])]
            values = np.array([r[part] for r in finest])
            value, error = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
            cancels = np.mean([r["cancels"] for r in finest], axis=0)
        found[part] = value, error, scale_of(part, value, cancels)
    return found


def judged(model: str, runs: dict) -> dict:
    """Errors (percent) and seconds of each version, and the time that each needs for the errors of the other."""
    result: dict = {}
    for part, (value, error, scale) in references(model, runs).items():
        curves = {}
        for version, by_accuracy in runs.items():
            seconds = np.array([np.mean([r["seconds"] for r in some]) for some in by_accuracy.values()])
            away = np.array(
                [
                    np.sqrt(np.mean([((np.array(r[part]) - value) / scale) ** 2 for r in some], axis=0))
                    for some in by_accuracy.values()
                ]
            )
            curves[version] = seconds, away
            result.setdefault(version, {"seconds": seconds.round(1).tolist()})[part] = (100 * away).round(3).tolist()
        result.setdefault("reference error", {})[part] = (100 * error / scale).round(3).tolist()
        ratios = []
        for i in range(len(TEMPERATURES)):
            # an error that both reach, as near as may be to what both were measured at
            both = [curves[v][1][:, i] for v in ("old", "new")]
            same = np.exp(np.mean([np.log(each).mean() for each in both]))
            old, new = (seconds_for(same, curves[v][0], curves[v][1][:, i]) for v in ("old", "new"))
            ratios.append(round(new / old, 3))
        result.setdefault("time for the same error, new/old", {})[part] = ratios
    return result


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        model, accuracy, replica, tree = sys.argv[2:]
        print(json.dumps(one(model, float(accuracy), int(replica), Path(tree))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--models", nargs="+", default=["iron", "ferromagnet_20", "bcc", "weyl_small"])
    parser.add_argument("--accuracies", nargs="+", type=float, default=[0.35, 0.5, 0.7, 1.0])
    arguments = parser.parse_args()
    from common import record

    trees = {"old": arguments.checkout.resolve(), "new": HERE.parent}
    for model in arguments.models:
        runs: dict = {version: {a: [] for a in arguments.accuracies} for version in trees}
        for accuracy in arguments.accuracies:
            for number, near in enumerate(NEAR):
                for version, tree in trees.items():
                    runs[version][accuracy].append(solved(tree, model, accuracy * near, number))
                    print(model, version, f"{accuracy * near:.3g}", runs[version][accuracy][-1], flush=True)
        figures = judged(model, runs)
        print(json.dumps({model: figures}, indent=1), flush=True)
        record(
            "old_and_new", {"model": model, "temperatures": TEMPERATURES, "accuracies": arguments.accuracies} | figures
        )


if __name__ == "__main__":
    main()
