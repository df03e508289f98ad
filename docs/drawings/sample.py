"""Drawing of the sample for the page on conventions: `python docs/drawings/sample.py docs/img/sample.svg`."""

from __future__ import annotations

import sys

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Polygon

from sidejump.plot.style import BLUE, GREEN, ORANGE, STYLE, save

X, Y, Z = (1.0, 0.0), (0.45, 0.35), (0.0, 1.0)  # where the axes point on paper


def at(x, y, z):
    """A point of space on paper."""
    return tuple(x * X[i] + y * Y[i] + z * Z[i] for i in (0, 1))


def arrow(axes, start, end, color, words, shift=(0.0, 0.0), width=2.0):
    """An arrow in space with its name at its tip."""
    axes.add_patch(
        FancyArrowPatch(
            at(*start), at(*end), arrowstyle="-|>", mutation_scale=14, color=color, lw=width, shrinkA=0, shrinkB=0
        )
    )
    tip = at(*end)
    axes.text(tip[0] + shift[0], tip[1] + shift[1], words, color=color, fontsize=11, ha="center", va="center")


def sample(path) -> None:
    """A slab: field along x, magnetisation along z, the Hall current that a positive ``sigma_yx`` is along y."""
    long, wide, high = 4.0, 2.4, 0.35
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_aspect("equal")
        faces = {
            "0.93": [(0, 0, high), (long, 0, high), (long, wide, high), (0, wide, high)],
            "0.80": [(0, 0, 0), (long, 0, 0), (long, 0, high), (0, 0, high)],
            "0.70": [(long, 0, 0), (long, wide, 0), (long, wide, high), (long, 0, high)],
        }
        for shade, corners in faces.items():
            axes.add_patch(Polygon([at(*c) for c in corners], fc=shade, ec="0.4", lw=0.8))
        middle, top = (long / 2, wide / 2, high), high
        arrow(axes, (0.3, wide / 2, top), (1.5, wide / 2, top), BLUE, r"$\mathbf{E}$", (0.2, 0.0))
        arrow(axes, (2.6, wide / 2, top), (3.7, wide / 2, top), BLUE, r"$j_x=\sigma_{xx}E_x$", (-0.45, -0.2))
        arrow(axes, middle, (long / 2, wide + 0.6, top), ORANGE, r"$j_y=\sigma_{yx}E_x$", (0.75, 0.05))
        arrow(axes, middle, (long / 2, wide / 2, top + 1.2), GREEN, r"$\mathbf{M}\parallel z$", (0.0, 0.15))
        origin = (-1.5, 0.0, 0.0)
        steps = ((0.7, 0, 0), "x", (0.12, 0)), ((0, 0.9, 0), "y", (0.1, 0.08)), ((0, 0, 0.7), "z", (0, 0.13))
        for direction, name, shift in steps:
            end = tuple(o + step for o, step in zip(origin, direction, strict=True))
            arrow(axes, origin, end, "0.2", f"${name}$", shift, 1.2)
        axes.set_xlim(-1.9, 6.2)
        axes.set_ylim(-0.3, 2.5)
        save(figure, path)


if __name__ == "__main__":
    sample(sys.argv[1])
