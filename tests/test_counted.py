"""Which replicas count, in which order, and what a result is when some of them are those of another plan."""

from dataclasses import replace

import numpy as np
import pytest

from sidejump.accuracy.composition import Composition
from sidejump.accuracy.controller import Controller, Limits
from sidejump.accuracy.counted import counted
from sidejump.accuracy.replica import QUALITY, Replica, Task

TEMPERATURES = np.array([20.0, 100.0])
FIRST = {"own shells": True, "Fermi surface": True, "thermal window": False}
SOLVED = dict.fromkeys(QUALITY, 0.0) | {"contributions": 1.0, "method": "direct"}


def replica(term, level, number, where=(0, 1), value=1.0, change=np.nan, **more):
    """Of a term whose conductivity is `value` with some spread, which says what energy nodes leave."""
    spread = 0.02 * 0.5**level * np.random.default_rng([level, number]).normal(size=(len(where), 1, 1))
    values = np.zeros((len(where), 3, 2, 2))
    values[:, 0] = (value + spread) * np.eye(2)
    values[:, 1] = 0.5 * (value + spread) * np.array([[0.0, 1.0], [-1.0, 0.0]])
    facts = {"node_change": [change] * len(where), "node_changes": [[change, change]] * len(where)}
    quality = [dict(SOLVED) for _ in where] if FIRST[term] else []
    return Replica(Task(term, level, number, where), values, 1.0, facts, quality, **more)


def composition(**places):
    names = {name.replace("_", " "): list(some) for name, some in places.items()}
    return Composition(TEMPERATURES, {name: FIRST[name] for name in names}, names)


def controller(replicas, plan, tolerance=0.01, **more):
    chosen = Controller(plan, Limits(tolerance), **more)
    for one in replicas:
        chosen.add(one)
    return chosen


def test_the_error_does_not_depend_on_the_order():
    """What energy nodes leave is that of the finest level, whichever came first."""
    plan = composition(Fermi_surface=(0, 1))
    known = [replica("Fermi surface", level, n, change=change) for level, change in ((0, 0.1), (1, 1e-3), (2, 2e-3))
             for n in range(2)]  # fmt: skip
    orders = [known, known[::-1], [known[i] for i in (4, 0, 3, 5, 1, 2)]]
    found = [controller(order, plan).estimate() for order in orders]
    for other in found[1:]:
        np.testing.assert_array_equal(other.value, found[0].value)
        np.testing.assert_array_equal(other.error, found[0].error)
        np.testing.assert_array_equal(other.floors["energy nodes"], found[0].floors["energy nodes"])
    assert found[0].relative_floors()["energy nodes"].max() == pytest.approx(2e-3, rel=0.1)


def test_replicas_of_one_number_count_once_at_a_temperature():
    """Their points are the same: the one for more temperatures tells nothing new of those of the other."""
    plan = composition(Fermi_surface=(0, 1))
    both, one = replica("Fermi surface", 0, 0), replica("Fermi surface", 0, 0, (1,))
    better = replace(one, tolerance=-1.0)
    for known in ([both, one], [one, both]):
        assert [r.task.where for r in counted(known, plan)["Fermi surface"]] == [(0, 1)]
    for known in ([both, better], [better, both]):
        assert [r.task.where for r in counted(known, plan)["Fermi surface"]] == [(1,), (0,)]
