"""Every number that changes results, changed to half: what that does to results, in units of their errors.

    python -m suite.constants [--only NAME ...] [--table ../docs/numerics.md]

(in the folder `benchmarks`) goes through the tables of the documentation, runs the models of
``tests/helpers_constants.py`` that a number has a part in, prints the largest change with the model that it is seen in,
and writes that and the values into the tables.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

import helpers_constants as constants

PAGE = Path(__file__).parents[2] / "docs" / "numerics.md"
MEASURED = Path(__file__).with_name("constants.json")

METALS = ("plane", "two sheets", "square lattice", "crystal", "hot spots")
EDGES = ("next to an edge", "in a gap", "semiconductor")
SPACE = ("crystal", "hot spots", "small pockets", "continuum")
MODELS = {
    "accuracy": ("plane", "square lattice", "crystal", "hot spots"),
    "energy": ("plane", "crystal", "next to an edge"),
    "energy/mapping": EDGES,
    "energy/mapping.py _BRIDGED": ("across a gap",),
    "energy/mapping.py _SCALE": ("plane", "crystal", "both sides", *EDGES),
    "groups": ("crystal", "hot spots"),
    "interactions/first_principles": ("first principles", "first principles, one shell"),
    "interactions/polar": ("polar", "semiconductor"),
    "intrinsic": ("square lattice", "crystal", "small pockets"),
    "kinetics": METALS,
    "surfaces": SPACE,
    "surfaces/closure": ("square lattice", "two sheets", "both sides"),
    "surfaces/contours": ("plane", "two sheets", "square lattice", "long range"),
    "surfaces/edges": EDGES,
    "surfaces/rays": EDGES,
    "transport/fermi_surface": ("crystal", "hot spots"),
    "transport/geometry_choice": ("plane", "square lattice", "saddle", "hot spots"),
    "transport/nodes": ("two sheets", "square lattice", "crystal", "hot spots"),
    "transport/problem": ("crystal", "hot spots", "small pockets"),
    "transport/problem.py _FEW": ("both sides", "across a gap"),
    "transport/problem.py _SINGULAR": ("polar",),
    "transport/side": ("plane", "square lattice", *EDGES),
    "transport/side.py _POINTS": ("semiconductor",),
    "transport/spacings": ("crystal", "hot spots", "small pockets"),
    "transport/spacings.py TOO_COARSE": ("cold crystal",),
    "transport/spacings.py _BUDGET": ("long range", "long range, continuum"),
    "transport/spacings.py _FINEST": ("cold crystal",),
    "transport/spacings.py _POCKET_PARTS": ("continuum",),
    "transport/spacings.py _POINTS": ("long range", "long range, continuum"),
    "transport/spacings.py _SHELL_PARTS": ("plane", "continuum"),
    "transport/spacings.py _THERMAL_CELLS": ("cold crystal",),
    "transport/spacings.py _THERMAL_CELLS_REDUCED": ("cold crystal",),
    "transport/spacings.py _THERMAL_POINTS": ("cold plane",),
    "transport/windowed": ("saddle",),
}  # fmt: skip
"""Models by the beginning of path and name: the longest that fits."""

ROW = re.compile(r"\| `(?P<path>[\w/]+\.py)` `(?P<name>\w+)` \|(?P<rest>.*)\|$")
NONE, SEEN, GREW = "no effect seen", 1e-6, 1.5


def models_of(path: str, name: str) -> tuple[str, ...]:
    """Models that a number has a part in; none for what only files show."""
    fitting = [start for start in MODELS if f"{path} {name}".startswith(start)]
    return MODELS[max(fitting, key=len)] if fitting else ()


def measured(path: str, name: str, plain: dict) -> dict:
    """By model, the change of every part in errors, and relatively."""
    found = {}
    for model in models_of(path, name):
        if model not in plain:
            plain[model] = constants.solved(model)
        try:
            with constants.changed(path, name, constants.other(path, name)):
                result = constants.solved(model)
        except Exception as error:  # what the number is there to prevent
            found[model] = f"{type(error).__name__}: {error}"
            continue
        found[model] = constants.changes(result, plain[model])
    return found


def shown(value) -> str:
    """A value in a cell."""
    if isinstance(value, dict):
        return ", ".join(f"{key}D: {shown(x)}" for key, x in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(map(shown, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def summary(found: dict) -> str:
    """The largest change in a cell: in units of both errors, and by how much the error grew if it did."""
    stopped = [model for model, parts in found.items() if isinstance(parts, str)]
    if stopped:
        return f"stops the run ({stopped[0]})"
    parts = [(x["both"], x["error"], model) for model, some in found.items() for x in some.values()]
    worst, larger, model = max(parts, default=(0.0, 1.0, ""))
    if worst < SEEN and max((x for _, x, _ in parts), default=1.0) < 1 + SEEN:
        return NONE
    if worst < SEEN:
        return "the error alone"
    return f"{worst:.2g} ({model})" + (f", error times {larger:.2g}" if larger > GREW else "")


def rows(text: str):
    """(line number, path, name, cells) of the tables."""
    for i, line in enumerate(text.split("\n")):
        match = ROW.match(line)
        if match:
            yield i, match["path"], match["name"], [cell.strip() for cell in match["rest"].split("|")]


def with_values(text: str, known: dict) -> str:
    """The page with values, what they are changed to, and what that does."""
    lines = text.split("\n")
    for i, path, name, (_, words, *_) in rows(text):
        value = shown(getattr(constants.module_of(path), name))
        key = f"{path} {name}"
        cell = summary(known[key]) if known.get(key) else "not measured"
        lines[i] = f"| `{path}` `{name}` | {value} | {words} | {shown(constants.other(path, name))} | {cell} |"
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", help="beginnings of paths, or path and name")
    parser.add_argument("--table", type=Path, help="page whose tables are filled, e.g. ../docs/numerics.md")
    arguments = parser.parse_args()
    known = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    plain: dict = {}
    for _, path, name, _ in rows(PAGE.read_text()):
        wanted = arguments.only is None or any(f"{path} {name}".startswith(x) for x in arguments.only)
        if not wanted or not models_of(path, name):
            continue
        known[f"{path} {name}"] = measured(path, name, plain)
        print(path, name, summary(known[f"{path} {name}"]), flush=True)
        MEASURED.write_text(json.dumps(known, indent=0))
    if arguments.table:
        arguments.table.write_text(with_values(arguments.table.read_text(), known))


if __name__ == "__main__":
    main()
