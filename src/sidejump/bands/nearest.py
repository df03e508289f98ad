"""Lattice vectors that bring points near the origin, whichever vectors the lattice is told by."""

from __future__ import annotations

import itertools

import numpy as np


def reduced(cell) -> np.ndarray:
    """Shortest vectors (d, d) that span the lattice of `cell`; those of `cell` where none is shorter (Minkowski).

    Two vectors: Lagrange's and Gauss's algorithm; three: the longest by those that are left (Semaev 2001).
    """
    cell = np.array(cell, dtype=float)
    while True:
        squares = (cell**2).sum(axis=1)
        for longest in np.argsort(-squares, kind="stable"):
            others = np.delete(cell, longest, axis=0)
            nearest = np.rint(np.linalg.lstsq(others.T, cell[longest], rcond=None)[0])
            around = nearest + np.array(list(itertools.product((-1, 0, 1), repeat=len(others))))
            candidates = cell[longest] - around @ others
            lengths = (candidates**2).sum(axis=1)
            if lengths.min() < squares[longest] * (1 - 1e-9):
                cell[longest] = candidates[lengths.argmin()]
                break
        else:
            return cell


def near_origin(apart, cell, reach: int = 1) -> np.ndarray:
    """Lattice vectors that may bring points nearest to the origin, as multiples of the vectors of `cell`.

    Parameters
    ----------
    apart : ndarray, shape (..., d)
        The points.
    cell : ndarray, shape (d, d)
    reach : int
        Of the search, in the shortest vectors of the lattice: in these the nearest has small coefficients.

    Returns
    -------
    ndarray of int, shape (..., (2 reach + 1)^d, d)
    """
    short = reduced(cell)
    around = np.array(list(itertools.product(range(-reach, reach + 1), repeat=len(short))))
    steps = around - np.round(apart @ np.linalg.inv(short)).astype(int)[..., None, :]
    return steps @ np.round(short @ np.linalg.inv(cell)).astype(int)
