"""How long the search for a shell may go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchLimits:
    """What a search gives up beyond, with a sentence; smooth bands stay far below.

    Attributes
    ----------
    cells : int
        3D: cells and bands looked at.
    crossings : int
        3D: smallest cells of the whole zone split where bands cross, until crossings are told from pockets.
    contours : int
        2D: contours of one energy.
    points : int
        2D: points on one contour.
    """

    cells: int = 3_000_000
    crossings: int = 600
    contours: int = 1000
    points: int = 200_000


USUAL_LIMITS = SearchLimits()
"""Those of every shell that nothing else is said of."""
