"""Whether error bars are honest: every model of the suite against its reference, in units of the stated error.

    python benchmarks/error_bars.py [--models MODEL ...] [--tolerance 0.01] [--seed 0 ...] [--kept judged.json]
        [--table docs/error_bars.md]

Runs each model through `sidejump.anomalous_hall` and compares every (temperature, part) with the converged results of
``suite/references.json``.  A reference that is not much sharper than the error bar blurs the comparison: the distance
is divided by both errors together, and how many references were not three times sharper is counted.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from common import record
from suite.models import CASES
from suite.references import REFERENCES, scale_of
from suite.replicas import PARTS

import sidejump as sj

WANTED = {1.0: 0.60, 2.0: 0.92, 4.0: 1.0}
"""Errors, and the part of all values that has to be within so many."""

_INTRINSIC = 0.05  # of the part that is not judged here
_REPLICAS = 10**6  # more than a run takes
_SHARP = 3.0  # times sharper than the error bar that a reference should be


def value_and_error(dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """A part of :data:`suite.replicas.PARTS` at every temperature, with its standard error."""
    name = "sigma_side_jump" if part.startswith("side jump") else "sigma_boltzmann"
    if f"{name}_error" not in dataset:
        raise SystemExit(f"the result has no {name}_error: this version of sidejump states no error bars")
    a, b = PARTS[part]
    value, error = (dataset[n].transpose("temperature", "a", "b").values for n in (name, f"{name}_error"))
    if name == "sigma_boltzmann":
        return value[:, a, b], error[:, a, b]
    # the two elements of the antisymmetric part come from the same points: their errors add, not their squares
    return 0.5 * (value[:, a, b] - value[:, b, a]), 0.5 * (error[:, a, b] + error[:, b, a])


def compare(model: str, reference: dict, **settings) -> dict:
    """One model: distances in errors, the stated and true relative errors, and what the run took."""
    case, wall, cpu = CASES[model], perf_counter(), process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)
        dataset = sj.anomalous_hall(
            case.model(),
            case.scatterers(),
            chemical_potential=case.chemical_potential,
            temperatures=reference["temperatures"],
            intrinsic_tolerance=_INTRINSIC,
            **(case.settings | settings),
        )
    wall, cpu = perf_counter() - wall, process_time() - cpu
    dataset = dataset.sel(temperature=reference["temperatures"])
    parts = {}
    for part in PARTS:
        if part not in reference:
            continue
        value, error = value_and_error(dataset, part)
        known, blur = (np.array(reference[part][name]) for name in ("value", "error"))
        scale = scale_of(part, known, np.array(reference["cancels"]))
        parts[part] = {
            "distance": np.abs(value - known) / np.hypot(error, blur),
            "true": np.abs(value - known) / scale,
            "stated": error / scale,
            "blunt": _SHARP * blur > error,
        }
    return {"parts": parts, "cpu": cpu, "wall": wall, "temperatures": reference["temperatures"]}


def joined(found: list[dict]) -> dict:
    """One model on several placements of the points: all values, and the cost of all together."""
    parts = {
        name: {what: np.concatenate([f["parts"][name][what] for f in found]) for what in part}
        for name, part in found[0]["parts"].items()
    }
    return {
        "parts": parts,
        "cpu": sum(f["cpu"] for f in found),
        "wall": sum(f["wall"] for f in found),
        "temperatures": [t for f in found for t in f["temperatures"]],
    }


def summary(results: dict[str, dict]) -> dict:
    """Fractions within each number of errors, the worst, and the cost of some models together."""
    parts = [(m, name, p, r["temperatures"]) for m, r in results.items() for name, p in r["parts"].items()]
    distance = np.concatenate([p["distance"] for *_, p, _ in parts])
    places = [f"{m}, {name}, {t:g} K" for m, name, _, at in parts for t in at]
    worst = int(np.argmax(np.where(np.isfinite(distance), distance, np.inf)))
    return {
        "values": len(distance),
        **{f"within {n:g}": round(float(np.mean(distance < n)), 3) for n in WANTED},
        "worst": float(f"{distance[worst]:.3g}"),
        "worst at": places[worst],
        "median stated": float(f"{np.median(np.concatenate([p['stated'] for *_, p, _ in parts])):.2g}"),
        "median true": float(f"{np.median(np.concatenate([p['true'] for *_, p, _ in parts])):.2g}"),
        "blunt references": int(np.concatenate([p["blunt"] for *_, p, _ in parts]).sum()),
        "cpu seconds": round(sum(r["cpu"] for r in results.values()), 1),
        "wall seconds": round(sum(r["wall"] for r in results.values()), 1),
    }


def markdown(summaries: dict[str, dict]) -> str:
    """The table of the documentation."""
    columns = ["values", *(f"within {n:g}" for n in WANTED), "worst", "worst at", "median stated", "median true"]
    columns += ["blunt references", "cpu seconds"]
    lines = ["| model | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    for model, found in summaries.items():
        lines.append("| " + " | ".join([model, *(_cell(column, found[column]) for column in columns)]) + " |")
    return "\n".join(lines)


def _cell(column: str, value) -> str:
    if column.startswith("within"):
        return f"{100 * value:.0f} %"
    return f"{100 * value:.2g} %" if column.startswith("median") else str(value)


def write_table(path: Path, text: str) -> None:
    """Put the table into a page, in place of the one that it holds: the last, headed by `model`."""
    old = path.read_text().split("\n") if path.exists() else ["# Error bars", ""]
    heads = [i for i, line in enumerate(old) if line.startswith("| model |")]
    first = heads[-1] if heads else len(old)
    end = next((i for i in range(first, len(old)) if not old[i].startswith("|")), len(old))
    path.write_text("\n".join([*old[:first], text, *old[end:]]).rstrip("\n") + "\n")


def judged(path: Path, results: dict[str, dict] | None = None) -> dict[str, dict]:
    """Results by the model, kept from run to run; `results` are put in place of earlier ones of their models."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    if results is not None:
        path.write_text(json.dumps(kept | results, default=np.ndarray.tolist, indent=1) + "\n")
        return judged(path)
    for result in kept.values():
        for part in result["parts"].values():
            part.update({name: np.array(values) for name, values in part.items()})
    return kept


def main() -> None:
    references = json.loads(REFERENCES.read_text())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(references), default=list(references), metavar="MODEL")
    parser.add_argument("--tolerance", type=float, help="that of sidejump by default")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="each lays the points in other ways")
    parser.add_argument("--table", type=Path, help="page whose table is replaced, e.g. docs/error_bars.md")
    parser.add_argument("--kept", type=Path, help="file of results by the model: the table is of all that it holds")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    arguments = parser.parse_args()
    settings = {} if arguments.tolerance is None else {"tolerance": arguments.tolerance}
    numbers = [range(_REPLICAS * seed, _REPLICAS * (seed + 1)) for seed in arguments.seed]
    results, summaries = {}, {}
    for model in arguments.models:
        results[model] = joined([compare(model, references[model], replicas=some, **settings) for some in numbers])
        summaries[model] = summary({model: results[model]})
        print(model, summaries[model], flush=True)
        for part, found in results[model]["parts"].items():
            for what, factor in (("distance", 1), ("stated", 100), ("true", 100)):
                cells = " ".join(f"{factor * x:9.3g}" for x in found[what])
                print(f"  {part:13} {what:>8} ({'errors' if factor == 1 else '%'}): {cells}", flush=True)
        if arguments.kept:
            judged(arguments.kept, {model: results[model]})
    if arguments.kept:
        results = {name: kept for name, kept in judged(arguments.kept).items() if name in references}
        summaries = {name: summary({name: kept}) for name, kept in results.items()}
    summaries["all"] = summary(results)
    print(markdown(summaries))
    if arguments.table:
        write_table(arguments.table, markdown(summaries))
    if not arguments.no_log:
        record(
            "error_bars",
            settings | {"seed": arguments.seed, "wanted": {str(n): part for n, part in WANTED.items()}} | summaries,
        )
    missed = [f"{n:g}" for n, part in WANTED.items() if summaries["all"][f"within {n:g}"] < part]
    if missed:
        raise SystemExit(f"too few values are within {', '.join(missed)} errors")


if __name__ == "__main__":
    main()
