"""What moves while a run goes on: in a terminal, and in the file of a batch job."""

import io
import re
import time

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy import Study, estimate, plan
from sidejump.accuracy.replica import Task
from sidejump.app import run, terminal
from sidejump.app.live import Live
from sidejump.transport import TransportSettings

MODEL = sj.MassiveDirac(mass=0.1, velocity=3.0)
PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


class Shown:
    """Everything that is reported."""

    def __init__(self):
        self.stages, self.values, self.work = [], [], []

    def __call__(self, stage, done, total):
        self.stages.append((stage, done / total))

    def status(self, temperatures, estimate, model, replicas, left, allowed, label=""):
        assert left >= 0 and allowed > 0
        self.values.append((label, replicas, left))

    def working(self, words, fraction, seconds):
        self.work.append((words, fraction, seconds))


def test_a_replica_says_how_far_it_is():
    shown = Shown()
    study = Study(MODEL, (PHONONS,), (0.2,), np.array([10.0, 20.0, 30.0, 40.0]), tolerance=0.003,
                  settings=TransportSettings(geometry="own", energy_nodes=3))  # fmt: skip
    [case] = plan(study)
    live = Live(shown, case.temperatures, MODEL)
    estimate(case, watch=lambda controller, replica: live.finished(controller, replica.task), advance=live.step)
    first = [fraction for words, fraction, _ in shown.work if words == "own shells, level 0, replica 0"]
    assert first[0] == 0.0 and first[-1] == pytest.approx(1.0) and len(first) == 5
    assert (np.diff(first) > 0).all()
    replicas = [count for _, count, _ in shown.values]
    assert replicas == sorted(replicas) and replicas[-1] >= 4
    assert [stage for stage, _ in shown.stages] == ["kinetic equation"] * len(shown.stages)


def test_workers_say_what_they_have_begun():
    shown = Shown()
    data = {
        "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": [0.2, 0.25]},
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
        "temperature": {"values": [20]},
        "solver": {"tolerance": 0.05, "executor": "serial"},
    }
    run.run(data, progress=shown)
    assert all(fraction is None and words.endswith(("level 0", "level 1")) for words, fraction, _ in shown.work)
    assert shown.work[0][0].startswith("2 replicas by the workers: ")
    labels = {label for label, *_ in shown.values}
    assert labels == {"chemical potential 0.2 eV (1 of 2)", "chemical potential 0.25 eV (2 of 2)"}


def test_several_workers_are_one_line():
    """Their mean, since the first of them began; what comes after a replica has finished is not another one."""
    shown, times = Shown(), np.array([20.0, 40.0])
    live = Live(shown, times, MODEL)
    first, second = (Task("Fermi surface", 0, number, (1,)) for number in range(2))
    [case] = plan(Study(MODEL, (PHONONS,), (0.2,), times))
    for task, fraction in ((first, 0.0), (second, 0.0), (first, 0.5), (second, 0.25), (first, 0.75)):
        live.step(task, fraction)
    assert [fraction for _, fraction, _ in shown.work] == [0.0, 0.0, 0.25, 0.375, 0.625]
    assert shown.work[0][0] == "Fermi surface, level 0, replica 0, 40 K"
    assert shown.work[-1][0] == "2 replicas at a time: Fermi surface, level 0, replica 0, 40 K"
    live.finished(case.controller(), first)
    live.step(first, 0.1)
    live.step(second, 0.25)
    assert [(words, fraction) for words, fraction, _ in shown.work[5:]] == [
        ("Fermi surface, level 0, replica 1, 40 K", 0.25),
        ("Fermi surface, level 0, replica 1, 40 K", 0.5),
    ]


def test_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(terminal, "_EVERY", 0.1)
    terminal._console.cache_clear()
    with terminal.progress(quiet=False) as advance:
        advance("symmetry", 0, 1)
        advance("symmetry", 1, 1)
        advance.working("Fermi surface, level 0, replica 0", 0.25, 30.0)
        time.sleep(0.35)
        advance("kinetic equation", 1, 1)
    terminal._console.cache_clear()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("symmetry: ") and lines[-1].startswith("kinetic equation: ")
    assert 1 <= len(lines) - 2 <= 5
    assert all(
        re.fullmatch(r"Fermi surface, level 0, replica 0, for 3\d s, 25 %, \d+ (s|min) left", x) for x in lines[1:-1]
    )
    with terminal.progress(quiet=True) as advance:
        advance("symmetry", 0, 1)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("width", [80, 108])
def test_bars_in_a_terminal(monkeypatch, width):
    """With their times: words that are long go on below."""
    from rich.console import Console

    written = io.StringIO()
    monkeypatch.setattr(terminal, "_console", lambda: Console(file=written, force_terminal=True, width=width))
    with terminal.progress(quiet=False) as advance:
        live = Live(advance, np.array([20.0]), MODEL)
        study = Study(MODEL, (PHONONS,), (0.2,), np.array([20.0]), tolerance=0.05)
        [case] = plan(study)
        estimate(case, watch=lambda controller, replica: live.finished(controller, replica.task), advance=live.step)
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written.getvalue())
    assert re.search(r"Fermi surface, level \d, replica \d ", plain)
    assert re.search(r"side jump 20 K [-\d.]+\(\d+\)", written.getvalue())
    assert "…" not in plain and re.search(r"% \d:\d\d:\d\d left", plain)


def test_lines_in_a_terminal_break_between_words(monkeypatch):
    from rich.console import Console

    written = io.StringIO()
    monkeypatch.setattr(terminal, "_console", lambda: Console(file=written, force_terminal=True, width=20))
    terminal.say("of the levels `memory` in [solver] holds")
    assert written.getvalue() == "of the levels \n`memory` in [solver]\nholds\n"
