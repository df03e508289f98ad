"""The pieces of the side jump as Lyo and Holstein split it, in several gauges."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..reference.lyo_holstein import GaugeTable
from .note import UNIT
from .style import BLUE, ORANGE, STYLE, save

_LEAST = 1e-16


def gauge_figure(found: GaugeTable, path, title: str) -> None:
    """Pieces and their sum (a), and how far pieces and sum are from those of the first gauge (b).

    Parameters
    ----------
    found : GaugeTable
        Of two gauges at least.
    path : path
        PNG, PDF or SVG.
    title : str
    """
    number = np.arange(len(found.total))
    unit = UNIT["e^2/h"]
    without = found.side_jump_velocity + found.side_jump_distribution + found.intrinsic[0]
    rows = (
        ("Lyo's velocity (D4)", found.lyo_velocity, "o", BLUE),
        ("Lyo's distribution (D5)", found.lyo_distribution, "s", ORANGE),
        ("their sum (D8)", found.total, "D", "black"),
    )
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.8), layout="constrained")
        pieces, moved = figure.subplots(1, 2)
        for label, values, marker, color in rows:
            pieces.plot(number, values, marker, color=color, mfc="none", label=label)
            apart = np.abs(values - values[0])[1:]
            moved.plot(number[1:], np.maximum(apart, _LEAST), marker, color=color, mfc="none")
        words = "sj(1) + sj(2) + intrinsic part of the lines"
        pieces.axhline(without, color="0.4", lw=1.0, label=words)
        pieces.set_ylabel(rf"$\sigma_{{yx}}$ ({unit})")
        moved.set_yscale("log")
        moved.set_ylabel(f"change from gauge 0 ({unit})")
        for axes in (pieces, moved):
            axes.set_xlabel("gauge")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        figure.suptitle(title, fontsize=9)
        figure.legend(*pieces.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        save(figure, path)
