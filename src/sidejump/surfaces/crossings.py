"""Cells in which two bands cross, or nearly: kinks that no pocket makes.

Where bands n and m come close, each has a kink, but

    s = (e_n + e_m)/2,     q = (e_n - e_m)^2/4

do not: both are smooth through a crossing, and polynomials through the nodes of a cell describe the two bands, as
``s -+ sqrt(q)``, where no polynomial describes one of them.  A surface that such a kink bends is an edge along a line,
which stays as sharp however small the cell; a pocket has a minimum or maximum of the band inside.

Not covered: three bands that meet in one cell (they count as no crossing).
"""

from __future__ import annotations

import itertools

import numpy as np

from .cells import _lagrange, hidden_range
from .tetrahedra import NODES

_KINK = 3.0  # ratio of the bends of a band and of the mean of the two above which the two cross
_REACH = 2.0  # half the edge of the box around the centre in which an extremum counts, in node steps
_STEPS = 13  # grid points along an edge of that box
_STANDS_OUT = 0.1  # of the range over the box: less than this beyond its faces is no extremum


def crossings(energies: np.ndarray, band: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a neighbouring band bends this one, and there is no pocket, and whether the surface passes.

    Parameters
    ----------
    energies : array, shape (X, 27, N)
        Of all bands at the nodes of each cell, minus that of the surface, eV.
    band : array of int, shape (X,)

    Returns
    -------
    crossing : (X,) bool
        The bend is that of a crossing, and no minimum or maximum of the band is near.
    passes : (X,) bool
        Whether both signs occur inside the cell.
    fine : (X, 729)
        The band at 9 x 9 x 9 nodes of the cell, eV; NaN where there is no crossing.
    """
    n = energies.shape[-1]
    rows = np.arange(len(band))
    own = energies[rows, :, band]
    crossing, passes = np.zeros(len(band), dtype=bool), np.zeros(len(band), dtype=bool)
    fine = np.full((len(band), 9**3), np.nan)
    for side in (-1, 1):
        other = band + side
        exists = (other >= 0) & (other < n)
        partner = energies[rows, :, np.clip(other, 0, n - 1)]
        mean, half = 0.5 * (own + partner), 0.5 * (own - partner)
        ask = np.flatnonzero(exists & (hidden_range(own) > _KINK * hidden_range(mean)))
        if not len(ask):
            continue
        box = mean[ask] @ _BOX.T - side * np.sqrt(np.maximum((half[ask] ** 2) @ _BOX.T, 0.0))
        found = ~_stands_out(box)
        inside = box[:, _INSIDE]
        crossing[ask] |= found
        passes[ask] |= (inside.min(axis=1) < 0) & (inside.max(axis=1) >= 0)
        at = ask[found]
        fine[at] = mean[at] @ _FINE.T - side * np.sqrt(np.maximum((half[at] ** 2) @ _FINE.T, 0.0))
    return crossing, passes, fine


def _stands_out(box: np.ndarray) -> np.ndarray:
    """Whether the least or greatest of the values (X, grid) lies inside the box and clearly beyond its faces."""
    face = box[:, _FACE]
    low, high = box.min(axis=1), box.max(axis=1)
    margin = _STANDS_OUT * (high - low)
    return (low < face.min(axis=1) - margin) | (high > face.max(axis=1) + margin)


def sub_cells(fine: np.ndarray) -> np.ndarray:
    """Values (X, 64, 27) at the nodes of the 4 x 4 x 4 parts of each cell, from `fine` of :func:`crossings`."""
    return fine[:, _PARTS]


def _parts() -> np.ndarray:
    """Node on the fine mesh of each part: shape (64, 27), parts and nodes in the order of `PART_ORIGINS`, `NODES`."""
    nodes = 2 * PART_ORIGINS[:, None] + NODES
    return (nodes[..., 0] * 9 + nodes[..., 1]) * 9 + nodes[..., 2]


def _grid():
    """Matrix (grid, 27) from the nodes to the points of the box, and which lie on its faces and inside the cell."""
    x = np.linspace(1 - _REACH, 1 + _REACH, _STEPS)
    p = _lagrange(x)
    matrix = np.einsum("ai,bj,ck->abcijk", p, p, p).reshape(-1, 27)
    end, within = np.abs(x - 1) > _REACH - 1e-9, np.abs(x - 1) < 1 + 1e-9
    face = end[:, None, None] | end[:, None] | end
    return matrix, face.ravel(), (within[:, None, None] & within[:, None] & within).ravel()


_BOX, _FACE, _INSIDE = _grid()
_P = _lagrange(np.linspace(0.0, 2.0, 9))
_FINE = np.einsum("ai,bj,ck->abcijk", _P, _P, _P).reshape(-1, 27)
PART_ORIGINS = np.array(list(itertools.product(range(4), repeat=3)))
"""The 64 parts of a cell, in units of their edges, shape (64, 3)."""

_PARTS = _parts()
