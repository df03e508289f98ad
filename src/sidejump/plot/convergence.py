"""How the error of a result fell: each term against the work, for the conductivity and for the side jump."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from .note import finish
from .style import BLUE, GREEN, ORANGE, PURPLE, STYLE, logarithmic, save

_DASHES: Any = (":", "-.", (0, (1, 4)), (0, (5, 1, 1, 1, 1, 1)))
_COLUMNS = 4
_COLOURS = (BLUE, ORANGE, GREEN, PURPLE)


def convergence_figure(course, path, parts: tuple[str, ...]) -> None:
    """A panel for each of `parts`: the whole error, that of every term, what stays, and the tolerance.

    Parameters
    ----------
    course : sidejump.app.convergence.Course
    path : path
    parts : tuple of str
        Names of the parts.
    """
    count = course.whole.shape[1]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.0 * count + 0.5, 3.6), layout="constrained")
        panels = [figure.add_subplot(1, count, i + 1) for i in range(count)]
        for part, axes in enumerate(panels):
            axes.plot(
                course.seconds, 100 * course.whole[:, part], "s-", color="black", lw=1.8, ms=3, label="whole error"
            )
            for i, (name, errors) in enumerate(course.terms.items()):
                colour = _COLOURS[i % len(_COLOURS)]
                axes.plot(course.seconds, 100 * errors[:, part], "o-", color=colour, lw=0.9, ms=3, label=name)
                _levels(axes, course.seconds, 100 * errors[:, part], course.levels[name], colour)
            for i, (name, left) in enumerate(course.floors.items()):
                dashes = _DASHES[i % len(_DASHES)]
                axes.axhline(100 * left, color="0.5", ls=dashes, lw=1.2, label=f"stays: {name}")
            axes.axhline(100 * course.tolerance, color="0.3", ls="--", lw=1, label="tolerance")
            if course.seconds[-1] > 4 * course.seconds[0]:
                logarithmic(axes, course.seconds)
            logarithmic(axes, np.array([axes.dataLim.minposy, axes.dataLim.ymax]), "y")
            axes.set_xlabel("work of the replicas (s)")
            axes.set_ylabel(f"relative error of the {parts[part]} (%)")
        # below the panels, where it hides no line
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=_COLUMNS, fontsize=7)
        finish(figure, panels, [course.label] if course.label else [])
        save(figure, path)


def _levels(axes, seconds, errors, levels, colour) -> None:
    """The number of a level where it begins."""
    for i in np.flatnonzero(np.diff(levels, prepend=-1) > 0):
        if np.isfinite(errors[i]) and errors[i] > 0:
            place = (seconds[i], errors[i])
            axes.annotate(f"{levels[i]}", place, (3, 3), textcoords="offset points", fontsize=7, color=colour)
