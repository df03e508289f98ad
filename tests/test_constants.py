"""Numbers that change results: each is on the page that documents them, and half of it is within the error."""

import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import helpers_constants as constants

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from suite.constants import PAGE, models_of, rows, shown

OTHERS = tomllib.loads(Path(__file__).with_name("numbers.toml").read_text())


def documented() -> dict[tuple[str, str], list[str]]:
    """Cells of the tables by path and name."""
    return {(path, name): cells for _, path, name, cells in rows(PAGE.read_text())}


def test_every_number_is_in_one_place():
    """In a table of the page, or among those that change no result."""
    places = list(documented())
    places += [(path, name) for kind in OTHERS.values() for path, names in kind.items() for name in names]
    known = constants.numbers()
    assert len(set(places)) == len(places), sorted({x for x in places if places.count(x) > 1})
    assert not set(known) - set(places), "new: add them to a table of docs/numerics.md or to tests/numbers.toml"
    assert not set(places) - set(known), "gone"


def test_the_page_has_the_values_of_the_code():
    stale = {}
    for (path, name), (value, words, other, effect) in documented().items():
        found = shown(getattr(constants.module_of(path), name)), shown(constants.other(path, name))
        if found != (value, other):
            stale[path, name] = found
        assert words and effect
    assert not stale, "write them with: cd benchmarks; python -m suite.constants --only - --table ../docs/numerics.md"


def test_what_is_changed_is_seen_where_it_was_imported():
    """The number in its module, in others that imported it, and in defaults."""
    from sidejump.accuracy import controller, study
    from sidejump.transport import problem

    with constants.changed("accuracy/controller.py", "FIRST_REPLICAS", 5):
        assert study.FIRST_REPLICAS == controller.FIRST_REPLICAS == 5
    with constants.changed("transport/problem.py", "_FEW", 0.5):
        assert problem.Problem.across.__defaults__ == (0.5,)
    assert study.FIRST_REPLICAS == 2 and problem.Problem.across.__defaults__ == (problem._FEW,)


@pytest.fixture(scope="module")
def plain():
    return {}


TESTED = [
    ("plane", "transport/side.py", "FARTHEST"),
    ("plane", "energy/mapping.py", "_SCALE"),
    ("plane", "energy/kernel.py", "LEVELS"),
    ("plane", "accuracy/study.py", "PARTIAL"),
    ("next to an edge", "energy/basis.py", "WINDOW"),
    ("semiconductor", "transport/side.py", "_MORE"),
    ("in a gap", "transport/side.py", "_MORE_EACH"),
    ("square lattice", "surfaces/contours.py", "_ROUND"),
    ("square lattice", "surfaces/contours.py", "_UNSEEN"),
    ("cold plane", "transport/spacings.py", "_THERMAL_POINTS"),
    ("small pockets", "surfaces/surfaces.py", "_POCKET"),
    ("crystal", "energy/basis.py", "Y_MAX"),
    ("crystal", "transport/nodes.py", "FURTHER"),
    ("hot spots", "transport/fermi_surface.py", "MOST_ON_ALL"),
    ("crystal", "accuracy/controller.py", "FIRST_REPLICAS"),
    ("hot spots", "accuracy/statistics.py", "WINDOW"),
]
"""Model that shows an effect, and the number."""

COARSER: dict[str, dict] = {
    "plane": {"tolerance": 0.05, "intrinsic_tolerance": 0.02},
    "square lattice": {"temperatures": [40.0], "tolerance": 0.1, "intrinsic_tolerance": 0.05},
    "crystal": {"temperatures": [20.0], "accuracy": 0.5, "intrinsic_tolerance": 0.05},
    "hot spots": {
        "temperatures": [200.0, 300.0], "levels": 0, "accuracy": 0.5, "intrinsic_tolerance": 0.05, "energy_nodes": 5,
        "geometry": "shared", "tolerance": 0.2,
    },
    "in a gap": {"tolerance": 0.2},
    "next to an edge": {"tolerance": 0.1},
    "semiconductor": {"tolerance": 0.1},
}  # fmt: skip
"""What makes models quick here."""


@pytest.mark.parametrize(("model", "path", "name"), TESTED)
def test_half_of_a_number_is_within_the_error(plain, model, path, name):
    assert model in models_of(path, name)
    if model not in plain:
        plain[model] = constants.solved(model, **COARSER.get(model, {}))
    with constants.changed(path, name, constants.other(path, name)):
        found = constants.solved(model, **COARSER.get(model, {}))
    parts = constants.changes(found, plain[model])
    assert max(part["both"] for part in parts.values()) < 1, parts
    assert any(part["relative"] > 1e-12 or not np.isclose(part["error"], 1.0) for part in parts.values()), parts
