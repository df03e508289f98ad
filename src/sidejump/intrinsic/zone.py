"""The cells that a sum over the Brillouin zone begins with: all of them, or those that stand for all others.

Without symmetry the cells lie off the symmetric positions: mirror images would change alike where they are halved, and
the signs of their changes would not be independent.  Where a three-dimensional crystal has operations the cells that
none of these maps onto another are enough, planes of symmetry are faces of cells, and of the sum what the operations
leave is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..groups.operations import Operations
from ..surfaces.irreducible import divisor, equal_axes, irreducible_cells, symmetric_axes, zone_vectors

_SHIFT = (0.1180, 0.2763, 0.4271)  # of the mesh without symmetry, in cells
_FEWEST = 4  # cells along an axis


@dataclass(frozen=True)
class Zone:
    """Cells to begin with.

    Attributes
    ----------
    axes : ndarray, shape (d, d)
        Rows: edges of the box that the cells divide, 1/angstrom.
    reciprocal : ndarray, shape (d, d)
        Reciprocal lattice vectors.
    centres, widths : ndarray, shape (n, d)
        Of the cells, in units of the axes.
    share : ndarray, shape (n,)
        The part of the zone that each stands for.
    kept : ndarray, shape (c, c), or None
        Mean over the operations of what they do with the sum; None where there are none.
    """

    axes: np.ndarray
    reciprocal: np.ndarray
    centres: np.ndarray
    widths: np.ndarray
    share: np.ndarray
    kept: np.ndarray | None = None

    def fractional(self, points) -> np.ndarray:
        """Points in units of the axes, in those of the reciprocal lattice vectors."""
        if np.array_equal(self.axes, self.reciprocal):
            return points
        return np.mod(points @ self.axes @ np.linalg.inv(self.reciprocal), 1)

    def edges(self, widths) -> np.ndarray:
        """Edges of cells, rows: shape (n, d, d), 1/angstrom."""
        return widths[:, :, None] * self.axes


def whole_zone(axes, counts, reciprocal=None) -> Zone:
    """All cells of a mesh with so many along each of the `axes`, which span the lattice of the `reciprocal` vectors and
    are these when they are not given."""
    counts, d = np.asarray(counts), len(counts)
    places = [(np.arange(n) + 0.5 + shift) / n for n, shift in zip(counts, _SHIFT[:d], strict=True)]
    centres = np.stack(np.meshgrid(*places, indexing="ij"), -1).reshape(-1, d)
    widths = np.broadcast_to(1.0 / counts, centres.shape)
    share = np.full(len(centres), 1 / np.prod(counts))
    return Zone(axes, axes if reciprocal is None else reciprocal, centres, widths, share)


def irreducible_zone(reciprocal, spacing: float, operations: Operations) -> Zone:
    """Cells of about `spacing` (1/angstrom) for the sum of an axial vector that time reversal changes the sign of, as
    the Berry curvature: :mod:`sidejump.groups.operations`."""
    axes, used = symmetric_axes(reciprocal, operations)
    multiple = divisor(axes, reciprocal)
    lengths = np.linalg.norm(axes, axis=1)[equal_axes(axes, used)]
    counts = (
        np.maximum(np.ceil(lengths / spacing / multiple - 1e-9), np.ceil(_FEWEST / multiple)).astype(int) * multiple
    )
    cells, members = irreducible_cells(axes, counts, reciprocal, used)
    share = members[tuple(cells.T)] * len(zone_vectors(axes, reciprocal)) / np.prod(counts)
    turns = (operations.signs * np.linalg.det(operations.matrices))[:, None, None] * operations.matrices
    widths = np.broadcast_to(1.0 / counts, cells.shape)
    return Zone(axes, reciprocal, (cells + 0.5) / counts, widths, share, turns.mean(axis=0))


def cells_of(model, spacing: float) -> Zone:
    """All cells of about `spacing` (1/angstrom) along the shortest reciprocal vectors."""
    axes = model.zone_axes
    counts = np.maximum(np.ceil(np.linalg.norm(axes, axis=1) / spacing), _FEWEST).astype(int)
    return whole_zone(axes, counts, model.reciprocal_cell)
