"""What is printed before a run: of the first level, of the last one that memory holds, and of every worker."""

import pytest

from sidejump.accuracy.study import plan
from sidejump.app import run, terminal
from sidejump.transport import estimate_cost
from sidejump.transport.terms import SURFACE

DATA = {
    "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
    "scattering": [{"kind": "acoustic_deformation_potential", "deformation_potential": 5.0, "sound_velocity": 2000.0,
                    "mass_density": 7.6e-7}],
    "temperature": {"values": [20]},
}  # fmt: skip


def said(capsys, **solver):
    terminal._console.cache_clear()
    job = run.prepare(DATA | {"solver": solver})
    cost = job.estimate()
    terminal.announce(cost, job.tolerance)
    terminal._console.cache_clear()
    return cost, capsys.readouterr().err


def test_levels_follow_the_memory(capsys, threads):
    threads(2)  # what a thread works with is part of the need, and one has less than the choice of shells
    roomy, words = said(capsys)
    assert roomy["levels"] == 7 and "up to level 7 with" in words and "on to 1 %" in words
    assert roomy["last_memory_bytes"] == pytest.approx(2.0**7 * roomy["memory_bytes"])
    levels = roomy["level_memory_bytes"]
    assert levels[0] == roomy["memory_bytes"] and levels[-1] == roomy["last_memory_bytes"] and len(levels) == 8
    beside = roomy["peak_memory_bytes"] - roomy["memory_bytes"]  # the process before, and tables
    assert roomy["level_peak_memory_bytes"] == pytest.approx([level + beside for level in levels])
    needed = roomy["least_bytes"]  # fewer energy nodes do, where memory does not hold the most
    assert needed < roomy["memory_bytes"]
    some, words = said(capsys, memory=9.0 * needed / 1e9)
    assert some["levels"] == 3 and "up to level 3 with" in words
    none, words = said(capsys, memory=1.5 * needed / 1e9)
    assert none["levels"] == 0 and len(none["level_memory_bytes"]) == 1 and "holds no finer one" in words


def test_every_worker_has_its_own_memory(capsys):
    _, alone = said(capsys)
    cost, words = said(capsys, executor="processes", workers=3)
    assert cost["workers"] == 3 and "B in each of 3 workers;" in words and "workers" not in alone


def test_the_further_nodes_are_those_of_the_first_level_alone(capsys):
    """A given number of nodes is compared with the next on the first level: others do not hold those."""
    given, _ = said(capsys, energy_nodes=9)
    first, second, third = given["level_memory_bytes"][:3]
    [case] = plan(run.prepare(DATA | {"solver": {"energy_nodes": 9}}).study)
    plain = estimate_cost(case.problem.laid(SURFACE.start[2], 0), case.temperatures, case.geometry)["memory_bytes"]
    assert first == given["memory_bytes"] > 1.2 * plain
    assert second == pytest.approx(max(first, 2 * plain)) and second < 1.7 * first
    assert third == pytest.approx(4 * plain)
