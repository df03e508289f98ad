"""Momentum transfer between states, folded into the first Brillouin zone for crystals (Umklapp)."""

from __future__ import annotations

import itertools

import numpy as np


class MomentumTransfer:
    """Lengths ``|k' - k + G|`` of the shortest image, and which G it uses.

    Parameters
    ----------
    reciprocal_cell : ndarray, shape (d, d), or None
        Rows are reciprocal lattice vectors, 1/angstrom; None: no folding (k.p models).
    """

    def __init__(self, reciprocal_cell, dimension: int):
        if reciprocal_cell is None:
            self.images = np.zeros((1, dimension))
            self._inverse = None
            return
        self._cell = np.asarray(reciprocal_cell)
        self._inverse = np.linalg.inv(self._cell)
        shifts = np.array(list(itertools.product(range(-3, 4), repeat=dimension)), dtype=float)
        lattice = shifts @ self._cell
        # two points of the first zone differ by at most its diameter: keep the images within that reach
        corner = np.array(list(itertools.product((-0.5, 0.5), repeat=dimension))) @ self._cell
        diameter = 2 * np.linalg.norm(corner, axis=1).max()
        self.images = lattice[np.linalg.norm(lattice, axis=1) <= diameter * (1 + 1e-9)]
        order = np.argsort(np.linalg.norm(self.images, axis=1), kind="stable")
        self.images = self.images[order]

    def first_zone(self, k: np.ndarray) -> np.ndarray:
        """k moved by the reciprocal vector that makes it shortest; shape (..., d)."""
        if self._inverse is None:
            return k
        crystal = k @ self._inverse
        k = (crystal - np.round(crystal)) @ self._cell
        for _ in range(2):  # rounding alone is not the shortest image in a skewed cell
            squares = ((k[..., None, :] - self.images) ** 2).sum(-1)
            k = k - self.images[np.argmin(squares, axis=-1)]
        return k

    def nearby_images(self, k, other, reach: float) -> np.ndarray:
        """Images G for which some point of `other` + G can be the shortest image or lie within `reach` of `k`."""
        a, b = k.mean(axis=0), other.mean(axis=0)
        radius = np.linalg.norm(k - a, axis=1).max() + np.linalg.norm(other - b, axis=1).max()
        distance = np.linalg.norm(b + self.images - a, axis=1)
        keep = (distance <= distance.min() + 2 * radius + 1e-12) & (distance - radius <= reach)
        return self.images[keep]

    @staticmethod
    def lengths(k, other, images):
        """Shortest ``|other + G - k|`` over `images` and the index of G: two arrays of shape (P, Q)."""
        base = -2 * (k @ other.T) + (k**2).sum(1)[:, None] + (other**2).sum(1)[None, :]
        shortest = np.full(base.shape, np.inf)
        which = np.zeros(base.shape, dtype=np.int8)
        for index, g in enumerate(images):
            square = base + (2 * (other @ g) + g @ g)[None, :] - 2 * (k @ g)[:, None]
            which[square < shortest] = index
            np.minimum(shortest, square, out=shortest)
        return np.sqrt(np.maximum(shortest, 0.0)), which
