"""Converged results of the suite, made of its replicas.

    python -m suite.references [--table FILE]

(in the folder `benchmarks`) writes ``references.json`` and prints how the error falls with the fineness.

Replicas of one fineness have a mean and, from their spread, its standard error.  The value is the mean of the finest
level with more than one replica, its error that of the mean together with what the level below it changes beyond noise:

    error^2 = s_fine^2 + max(0, (m_fine - m_coarse)^2 - s_fine^2 - s_coarse^2)

and half of the tolerance to which the number of energy nodes was raised, which replicas do not tell.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy.special import stdtrit

from .exact import EXACT
from .models import CASES
from .replicas import PARTS, known_runs

REFERENCES = Path(__file__).with_name("references.json")
CANCELLING = 0.03
"""Of what cancels in a value: the least that an error is relative to."""

_FEW = 2  # replicas that have a spread
_LEFT = 0.5  # of the tolerance of the energy nodes, which all replicas share
_EXACT = 1e-4  # relative: what is left out of exact solutions
_SIGMA = 0.683  # of a normal distribution within one standard error


def scale_of(part: str, value: np.ndarray, cancels: np.ndarray) -> np.ndarray:
    """What the relative error of a value is relative to."""
    return np.maximum(np.abs(value), 2 * CANCELLING * cancels) if part.startswith("side jump") else np.abs(value)


def spread_of(levels: dict[float, np.ndarray]) -> dict[float, np.ndarray]:
    """Standard deviation (nT,) of one replica at each fineness; of a single one that of the level that spreads most,
    as coarser ones do.
    """
    known = {name: values.std(axis=0, ddof=1) for name, values in levels.items() if len(values) >= _FEW}
    largest = np.max(list(known.values()), axis=0) if known else 0.0
    return {name: known.get(name, largest) for name in levels}


def standard_errors(levels: dict[float, np.ndarray]) -> list[np.ndarray]:
    """Of the means; of few replicas as much wider as Student's distribution is."""
    spreads = spread_of(levels)
    freedom = [max(len(values) - 1, 1) for values in levels.values()]
    return [
        spreads[name] / np.sqrt(len(values)) * stdtrit(n, 0.5 + 0.5 * _SIGMA)
        for (name, values), n in zip(levels.items(), freedom, strict=True)
    ]


def levels_of(runs: list[dict], part: str) -> dict[float, np.ndarray]:
    """Values (replicas, nT) at each fineness."""
    found = defaultdict(list)
    for run in runs:
        found[run["accuracy"]].append(run[part])
    return {level: np.array(found[level]) for level in sorted(found)}


def reference(levels: dict[float, np.ndarray]) -> tuple[np.ndarray, np.ndarray, float]:
    """Value and standard error at each temperature, and the level used: the finest with more than one replica."""
    names = list(levels)
    means = [levels[name].mean(axis=0) for name in names]
    noise = standard_errors(levels)
    errors = []
    for i in range(1, len(names)):
        change = (means[i] - means[i - 1]) ** 2 - noise[i] ** 2 - noise[i - 1] ** 2
        errors.append(np.sqrt(noise[i] ** 2 + np.maximum(change, 0.0)))
    best = max(i for i, name in enumerate(names[1:]) if len(levels[name]) >= _FEW)
    return means[1 + best], errors[best], names[1 + best]


def collected() -> dict[str, dict]:
    """References of all models with an exact solution, or two levels, the finer one with more than one replica."""
    by_model = defaultdict(list)
    for run in known_runs():
        by_model[run["model"]].append(run)
    found = {}
    for model, runs in by_model.items():
        counts = {level: len(values) for level, values in levels_of(runs, "side jump yx").items()}
        if model not in EXACT and (len(counts) < 2 or max(list(counts.values())[1:]) < _FEW):
            continue
        cancels = np.mean([run["cancels"] for run in runs], axis=0)
        exact, parts = EXACT[model]() if model in EXACT else {}, {}
        for part in PARTS:
            if part not in runs[0]:
                continue
            if part in exact:
                value, error = exact[part]
                error, used = np.maximum(error, _EXACT * np.abs(value)), None
            else:
                value, error, used = reference(levels_of(runs, part))
                left = _LEFT * runs[0]["tolerance"] * scale_of(part, value, cancels)
                error = np.hypot(error, left)
            parts[part] = {
                "value": [float(f"{v:.6g}") for v in value],
                "error": [float(f"{e:.2g}") for e in error],
                "relative error": [float(f"{e:.2g}") for e in error / scale_of(part, value, cancels)],
                "accuracy": used,
            }
        found[model] = {
            "unit": runs[0]["unit"],
            "temperatures": runs[0]["temperatures"],
            "cancels": [float(f"{c:.4g}") for c in cancels],
            **parts,
            "how": "exact integral equation"
            if exact
            else "mean over replicas: "
            + ", ".join(f"{n} at accuracy {level:g}" for level, n in counts.items())
            + f"; energy_nodes auto, tolerance {runs[0]['tolerance']:g}"
            + "".join(f", {name} {value}" for name, value in CASES[model].refined.items()),
        }
    return found


def table(references: dict[str, dict]) -> str:
    """For each model, part and level: spread of one replica and distance of the mean from the reference, in percent."""
    lines = []
    for model, known in references.items():
        runs = [run for run in known_runs() if run["model"] == model]
        seconds = {
            a: np.mean([r["cpu seconds"] for r in runs if r["accuracy"] == a]) for a in {r["accuracy"] for r in runs}
        }
        cancels = np.array(known["cancels"])
        lines += [f"\n{model}: T = {known['temperatures']} K; {known['how']}"]
        for part in PARTS:
            if part not in known:
                continue
            value = np.array(known[part]["value"])
            scale = scale_of(part, value, cancels)
            shown = " ".join(
                f"{v:11.4g} ({100 * e:.2f}%)" for v, e in zip(value, known[part]["relative error"], strict=True)
            )
            lines.append(f"  {part}: reference {shown}")
            for level, values in levels_of(runs, part).items():
                spread = 100 * values.std(axis=0, ddof=1) / scale if len(values) > 1 else np.nan * scale
                away = 100 * (values.mean(axis=0) - value) / scale
                cells = " ".join(f"{s:6.2f}/{d:+6.2f}" for s, d in zip(spread, away, strict=True))
                lines.append(
                    f"    {level:4g} x{len(values)} {seconds[level]:6.0f} s  spread/mean - reference, %: {cells}"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, help="write the table there too")
    arguments = parser.parse_args()
    references = collected()
    lines = [f"  {json.dumps(model)}: {json.dumps(known)}" for model, known in references.items()]
    REFERENCES.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    text = table(references)
    print(text)
    if arguments.table:
        arguments.table.write_text(text + "\n")


if __name__ == "__main__":
    main()
