"""Several curves of one quantity: points with error bars, and lines of what they should lie on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from .style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, STYLE, logarithmic, save

_MARKS = (("o", BLUE), ("s", ORANGE), ("^", GREEN), ("D", PURPLE), ("v", RED), ("P", SKY))


class Curve(NamedTuple):
    """Points (n,) with standard errors, and a line (x, y) of a reference or None: then points are joined."""

    label: str
    x: np.ndarray
    value: np.ndarray
    error: np.ndarray
    line: tuple[np.ndarray, np.ndarray] | None = None


def family_figure(curves: Sequence[Curve], path, *, xlabel: str, ylabel: str, log: bool = False) -> None:
    """Draw curves in one panel.

    Parameters
    ----------
    curves : sequence of Curve
    path : path
        PNG, PDF or SVG.
    xlabel, ylabel : str
        With units.
    log : bool
        Whether the axis of x is logarithmic.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.4, 4.0), layout="constrained")
        axes = figure.subplots()
        for (marker, color), curve in zip(cycle(_MARKS), curves):
            joined = "-" if curve.line is None else ""
            style: Any = {"color": color, "capsize": 2, "elinewidth": 0.8, "lw": 1.2, "mfc": "none"}
            axes.errorbar(curve.x, curve.value, curve.error, fmt=marker + joined, label=curve.label, **style)
            if curve.line is not None:
                axes.plot(*curve.line, "-", color=color, lw=1.0)
        if log:
            logarithmic(axes, np.concatenate([curve.x for curve in curves]))
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.legend(loc="best")
        save(figure, path)
