"""Units as figures write them, and the warnings below the panels."""

from __future__ import annotations

import textwrap

UNIT = {"S/cm": "S/cm", "e^2/h": "$e^2/h$", "microohm cm": r"$\mu\Omega\,$cm", "h/e^2": "$h/e^2$"}

LINE = 0.14
"""Inches of a line of the note."""

_WIDTH, _MOST_LINES = 130, 16  # of the warnings in a figure: letters, lines


def note_of(warnings: list[str]) -> list[str]:
    """Lines below the panels: whole sentences, as many as there is room for, and how many there are beyond."""
    lines: list[str] = []
    for shown, sentence in enumerate(warnings):
        wrapped = textwrap.wrap(f"Warning: {sentence}", _WIDTH, subsequent_indent="    ")
        if lines and len(lines) + len(wrapped) > _MOST_LINES:
            return [*lines, f"and {len(warnings) - shown} more of {len(warnings)} warnings: attribute `warnings`"]
        lines += wrapped
    return lines
