"""Temperatures that share a shell are a task of their own: the same digits as all in one, the hot ones first."""

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy import Study, plan
from sidejump.accuracy.replica import Task
from sidejump.errors import TooLarge
from sidejump.transport import TransportSettings
from test_hot_spots import MU, ferromagnet, phonons

TEMPERATURES = np.array([6.0, 60.0, 300.0])


@pytest.fixture(scope="module")
def case():
    settings = TransportSettings(accuracy=0.2, energy_nodes=1)
    study = Study(ferromagnet(), (phonons(),), (MU,), TEMPERATURES, tolerance=0.4, settings=settings)
    [case] = plan(study)
    return case


def test_groups_have_the_digits_of_all_in_one(case):
    (name, (_, places)), *_ = case.terms.items()
    groups = case.groups(name, 0)
    assert name == "Fermi surface" and len(groups) > 1
    assert sorted(i for group in groups for i in group) == places
    hottest = [TEMPERATURES[group].max() for group in groups]
    assert hottest == sorted(hottest, reverse=True)
    whole = case.compute(Task(name, 0, 1, tuple(places)))
    for group in groups:
        part = case.compute(Task(name, 0, 1, tuple(group)))
        np.testing.assert_array_equal(part.values, whole.values[group])
        for fact, column in part.facts.items():
            np.testing.assert_array_equal(np.array(column, float), np.array(whole.facts[fact], float)[group])


def test_contours_are_computed_at_once():
    [case] = plan(Study(sj.MassiveDirac(mass=0.1, velocity=3.0), (phonons(2),), (0.2,), TEMPERATURES, tolerance=0.1))
    for name, (_, places) in case.terms.items():
        assert case.groups(name, 0) == [places]


def test_a_share_of_the_memory_has_the_digits_of_all_of_it():
    """Pairs that are not kept are made again; what takes more is refused, and not computed with less."""
    settings = TransportSettings(accuracy=0.2, energy_nodes=3)
    study = Study(ferromagnet(), (phonons(),), (MU,), np.array([250.0, 300.0]), tolerance=0.4, settings=settings)
    [case] = plan(study)
    (name, (_, places)), *_ = case.terms.items()
    task = Task(name, 0, 0, tuple(places))
    whole = case.compute(task)
    most, seen = whole.sizes[2], []
    for part in (1.0, 0.7, 0.5, 0.3, 0.1):
        try:
            found = case.with_share(part * most).compute(task)
        except TooLarge:
            seen.append("refused")
            continue
        np.testing.assert_allclose(found.values, whole.values, rtol=1e-6, atol=1e-9 * np.abs(whole.values).max())
        assert found.facts["energy_nodes"] == whole.facts["energy_nodes"]
        seen.append("kept" if found.sizes[2] == most else "made again")
    assert seen[0] == "kept" and seen[-1] == "refused", seen
