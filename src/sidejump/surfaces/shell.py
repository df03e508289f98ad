"""Isoenergy shells: contours in 2D, surfaces in 3D, as points with quadrature weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..groups.operations import Operations
from .components import Components


@dataclass(frozen=True)
class Shell:
    """Points on one isoenergy shell.

    Attributes
    ----------
    energy : float        eV
    k : (S, d)            1/angstrom, on the exact energy
    band : (S,)           lowest band of the group at each point
    weight : (S,)         ``dS / (|grad e| (2 pi)^d)``, 1/(eV angstrom^d), times the bands of a degenerate group that
                          have no point of their own; the sum is the density of states
    area : (S,)           ``dS``, angstrom^(1-d)
    sheet : (S,)          which contour (2D) or band (3D) a point belongs to
    unconverged : int     points that could not be moved onto the exact energy
    unresolved : int      3D: cells for which it was left open whether the surface passes through them
    operations : Operations or None
        3D: points stand for all their images under these, and `weight` and `area` for those of all images together
    components : Components or None
        Which connected piece of the shell a point belongs to; None where that is not known.
    """

    energy: float
    k: np.ndarray
    band: np.ndarray
    weight: np.ndarray
    area: np.ndarray
    sheet: np.ndarray
    unconverged: int = 0
    unresolved: int = 0
    operations: Operations | None = None
    components: Components | None = None

    def __len__(self) -> int:
        return len(self.k)

    @property
    def patch(self) -> np.ndarray:
        """Area (S,) around each point, not counting its images, angstrom^(1-d)."""
        return self.area if self.operations is None else self.area / len(self.operations)
