"""Style and colours that all figures share, and how they are written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..outputs import write_whole

STYLE: Any = {
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "axes.axisbelow": True,
    "axes.formatter.limits": (-3, 4),  # a power of ten beside the axis, in place of ticks that run into each other
    "axes.formatter.use_mathtext": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "lines.markersize": 4,
    "svg.hashsalt": "sidejump",
}
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#882288"
RED, SKY = "#aa1133", "#56b4e9"


def save(figure, path) -> None:
    """Write a figure whole, in the format that its name ends in."""
    path = Path(path)
    kind = path.suffix.lstrip(".").lower()
    undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
    content = BytesIO()
    figure.savefig(content, format=kind, metadata=undated.get(kind))
    write_whole(path, content.getvalue())


_FEW_DECADES = 2.5


def logarithmic(axes, values, axis: str = "x") -> None:
    """A logarithmic axis for positive `values`, with plain numbers at its ticks: some within a decade where they are
    few decades."""
    getattr(axes, f"set_{axis}scale")("log")
    line, decades = getattr(axes, f"{axis}axis"), np.log10(values.max() / values.min())
    line.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0) if decades < _FEW_DECADES else (1.0,)))
    line.set_major_formatter(FuncFormatter(lambda tick, _: f"{tick:g}"))
    line.set_minor_formatter(NullFormatter())
