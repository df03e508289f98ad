"""What a run shows of itself while replicas are computed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from ..accuracy.controller import Controller
from ..accuracy.replica import Task


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
        self._task: Task | None = None
        self._done, self._begun = 0.0, 0.0

    def step(self, task: Task, fraction: float) -> None:
        """A step of a replica has done this fraction of it; 0 when it begins."""
        if task != self._task:
            self._task, self._done, self._begun = task, 0.0, time.perf_counter()
        self._done = min(self._done + fraction, 1.0)
        words = f"{task.term}, level {task.level}, replica {task.number}"
        if len(task.where) < len(self._temperatures):
            some = self._temperatures[list(task.where)]
            words += f", {some.min():.4g} to {some.max():.4g} K" if len(some) > 1 else f", {some[0]:.4g} K"
        self._working(words, self._done, time.perf_counter() - self._begun)

    def begun(self, tasks: list[Task]) -> None:
        """Workers compute these: what a replica has done is not known before it is finished."""
        self._task = None
        count = len({task.number for task in tasks})
        many = f"{count} replicas" if count > 1 else "replica"
        first = tasks[0]
        self._working(f"{many} by the workers: {first.term}, level {first.level}", None, 0.0)

    def finished(self, controller: Controller) -> None:
        """After every replica: value and error so far, and the time to the tolerance."""
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
