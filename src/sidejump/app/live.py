"""What a run shows of itself while replicas are computed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ..accuracy.controller import Controller
from ..accuracy.replica import Task


@dataclass
class _Step:
    """How far a replica is, and since when."""

    done: float = 0.0
    begun: float = field(default_factory=time.perf_counter)


class Live:
    """Passes on what the controller and the steps of a replica say.

    Parameters
    ----------
    report : callable
        ``report(stage, done, total)``; with methods ``status(temperatures, estimate, model, replicas, left, allowed)``
        and ``working(words, fraction, seconds)`` where it can show these.
    temperatures : ndarray
        K.
    model : ElectronModel
    """

    def __init__(self, report: Callable, temperatures, model):
        self._report, self._temperatures, self._model = report, temperatures, model
        self._status = getattr(report, "status", lambda *_: None)
        self._working = getattr(report, "working", lambda *_: None)
        self._running: dict[Task, _Step] = {}

    def step(self, task: Task, fraction: float) -> None:
        """A step of a replica has done this fraction of it; 0 when it begins. Workers compute several at a time."""
        if fraction == 0.0:
            self._running[task] = _Step()
        running = self._running.get(task)
        if running is None:  # what a worker told last may come after what it has found
            return
        running.done += fraction
        self._show()

    def _show(self) -> None:
        steps = list(self._running.items())
        if not steps:
            return
        words = self._words(steps[0][0])
        if len(steps) > 1:
            words = f"{len(steps)} replicas at a time: {words}"
        done = sum(min(step.done, 1.0) for _, step in steps) / len(steps)
        self._working(words, done, time.perf_counter() - min(step.begun for _, step in steps))

    def _words(self, task: Task) -> str:
        words = f"{task.term}, level {task.level}, replica {task.number}"
        if len(task.where) < len(self._temperatures):
            some = self._temperatures[list(task.where)]
            words += f", {some.min():.4g} to {some.max():.4g} K" if len(some) > 1 else f", {some[0]:.4g} K"
        return words

    def begun(self, tasks: list[Task]) -> None:
        """Workers compute these, or what did not fit there is: how far it is is not known before it is told."""
        self._running.clear()
        count = len({task.number for task in tasks})
        many = f"{count} replicas" if count > 1 else "replica"
        first = tasks[0]
        self._working(f"{many} by the workers: {first.term}, level {first.level}", None, 0.0)

    def finished(self, controller: Controller, task: Task) -> None:
        """After the replica of a task: value and error so far, and the time to the tolerance."""
        if self._running.pop(task, None) is not None:
            self._show()
        replicas = [r.task for some in controller.replicas.values() for r in some]
        count = len({(task.term, task.level, task.number) for task in replicas})
        known, now = controller.estimate_so_far()
        if now is None:
            return
        left, allowed = controller.seconds_left(now), controller.seconds_allowed()
        self._status(self._temperatures[known], now, self._model, count, left, allowed)
        spent, more = time.perf_counter() - controller.started, min(left, allowed)
        if np.isfinite(more) and more > 0:
            self._report("kinetic equation", spent, spent + more)
