"""Units as figures write them, the letters of the panels and the warnings below them."""

from __future__ import annotations

import textwrap
from string import ascii_lowercase

from ..units import conductivity_unit
from .style import ORANGE

UNIT = {"S/cm": "S/cm", "e^2/h": "$e^2/h$", "microohm cm": r"$\mu\Omega\,$cm", "h/e^2": "$h/e^2$"}

LINE = 0.14
"""Inches of a line of the note."""

_WIDTH, _MOST_LINES = 130, 16  # of the warnings in a figure: letters, lines


def finish(figure, panels, note: list[str]) -> None:
    """Letter the panels, and put the lines of :func:`note_of` below them."""
    for letter, axes in zip(ascii_lowercase, panels, strict=False):
        axes.set_title(f"({letter})", loc="left", fontsize=9)
    if note:
        figure.supxlabel("\n".join(note), fontsize=7, color=ORANGE, x=0.01, ha="left", parse_math=False)


def note_of(warnings: list[str]) -> list[str]:
    """Lines below the panels: whole sentences, as many as there is room for, and how many there are beyond."""
    lines: list[str] = []
    for shown, sentence in enumerate(warnings):
        wrapped = textwrap.wrap(f"Warning: {sentence}", _WIDTH, subsequent_indent="    ")
        if lines and len(lines) + len(wrapped) > _MOST_LINES:
            return [*lines, f"and {len(warnings) - shown} more of {len(warnings)} warnings: attribute `warnings`"]
        lines += wrapped
    return lines


def second_unit(axes, unit: str, thickness: float | None) -> None:
    """An axis on the right: S/cm of what is e^2/h, or e^2/h for each layer of what is S/cm; none without `thickness`.

    Parameters
    ----------
    axes : matplotlib Axes
    unit : str
        That of the axis on the left.
    thickness : float, optional
        Of a layer, nm.
    """
    if thickness is None:
        return
    (layer, layers), (bulk, bulks) = conductivity_unit(2), conductivity_unit(3)
    ratio = bulk / layer / (10 * thickness)  # S/cm for each e^2/h
    if unit == bulks:
        ratio = 1 / ratio
    right = axes.secondary_yaxis("right", functions=(lambda y: ratio * y, lambda y: y / ratio))
    other = bulks if unit == layers else layers
    right.set_ylabel(f"{UNIT[other]}, layers of {thickness:g} nm", fontsize=8)
