"""Momentum transfer between states, folded into the first Brillouin zone for crystals (Umklapp)."""

from __future__ import annotations

import itertools

import numpy as np

from .nearest import reduced

_FEW = 4  # images up to which trying each is the fastest
_STEPS = 16  # by reciprocal vectors to the shortest image: two in most cells


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
        # whichever vectors a crystal is told by, short ones have small coefficients in those that are reduced
        self._cell = reduced(reciprocal_cell)
        self._inverse = np.linalg.inv(self._cell)
        shifts = np.array(list(itertools.product(range(-3, 4), repeat=dimension)), dtype=float)
        lattice = shifts @ self._cell
        # two points of the first zone differ by at most its diameter: keep the images within that reach
        corner = np.array(list(itertools.product((-0.5, 0.5), repeat=dimension))) @ self._cell
        diameter = 2 * np.linalg.norm(corner, axis=1).max()
        self.images = lattice[np.linalg.norm(lattice, axis=1) <= diameter * (1 + 1e-9)]
        order = np.argsort(np.linalg.norm(self.images, axis=1), kind="stable")
        self.images = self.images[order]
        # after rounding to the nearest lattice point, only these can still shorten a vector
        reach = (-(corner @ lattice.T)).max(axis=0)
        nearer = lattice[2 * reach > (lattice**2).sum(axis=1) * (1 + 1e-9)]
        # one of each pair G, -G
        first = np.abs(nearer) > 1e-9
        sign = np.take_along_axis(nearer, first.argmax(axis=1)[:, None], axis=1)[:, 0]
        self._nearer = nearer[sign > 0]

    def first_zone(self, k: np.ndarray) -> np.ndarray:
        """k moved by the reciprocal vector that makes it shortest; shape (..., d)."""
        if self._inverse is None:
            return k
        crystal = k @ self._inverse
        k = (crystal - np.round(crystal)) @ self._cell
        if not len(self._nearer):
            return k
        half = 0.5 * (self._nearer**2).sum(axis=1)
        for _ in range(_STEPS):  # rounding alone is not the shortest image in a skewed cell
            along = k @ self._nearer.T
            gain = np.abs(along) - half  # of |k|^2 / 2, by G or by -G
            best = gain.argmax(axis=-1)[..., None]
            shorter = np.take_along_axis(gain, best, -1) > 1e-12 * half.max()
            if not shorter.any():
                break
            k = k - np.sign(np.take_along_axis(along, best, -1)) * shorter * self._nearer[best[..., 0]]
        return k

    def nearby_images(self, k, other, reach: float) -> np.ndarray:
        """Images G for which some point of `other` + G can be the shortest image or lie within `reach` of `k`."""
        a, b = k.mean(axis=0), other.mean(axis=0)
        radius = np.linalg.norm(k - a, axis=1).max() + np.linalg.norm(other - b, axis=1).max()
        distance = np.linalg.norm(b + self.images - a, axis=1)
        images = self.images[distance - radius <= reach]
        if len(images) < 2:
            return images
        # |q + G|^2 - |q + H|^2 is linear in q: its least value over all pairs, for H the image of the centres
        step = images - self.images[distance.argmin()]
        least = 2 * ((other @ step.T).min(axis=0) - (k @ step.T).max(axis=0))
        squares = (images**2).sum(axis=1) - (self.images[distance.argmin()] ** 2).sum()
        return images[least + squares <= 1e-9]

    def sets_within(self, k, sets, other, other_sets, reach: float) -> np.ndarray:
        """Whether some point of each of `sets` (slices of k) may be within `reach` of one of each of `other_sets`."""
        centre, radius = _balls(k, sets)
        there, size = _balls(other, other_sets)
        near = np.empty((len(centre), len(there)), dtype=bool)
        for row, (c, r) in enumerate(zip(centre, radius, strict=True)):
            square = ((there[:, None] + self.images - c) ** 2).sum(axis=-1).min(axis=1)
            near[row] = np.sqrt(square) - r - size <= reach
        return near

    def lengths(self, k, other, images, *, single: bool = False):
        """Shortest ``|other + G - k|`` over `images`, which :meth:`nearby_images` gave: shape (P, Q).

        `single`: in single precision where there are many images, which is faster.
        """
        if len(images) > _FEW and self._inverse is not None:
            return self._folded_lengths(k, other, np.float32 if single else np.float64)
        base = -2 * (k @ other.T) + (k**2).sum(1)[:, None] + (other**2).sum(1)[None, :]
        shortest = None
        for g in images:
            square = base + (2 * (other @ g) + g @ g)
            square -= 2 * (k @ g)[:, None]
            shortest = square if shortest is None else np.minimum(shortest, square, out=shortest)
        assert shortest is not None
        return np.sqrt(np.maximum(shortest, 0.0))

    def _folded_lengths(self, k, other, precision):
        # in crystal coordinates single precision is an error of 1e-7 of the zone, however short q is
        start, end = (np.ascontiguousarray((x @ self._inverse).T, dtype=precision) for x in (k, other))
        cell, nearer = self._cell.T.astype(precision), self._nearer.astype(precision)
        half = 0.5 * (nearer**2).sum(axis=1)[:, None]
        lengths = np.empty((len(k), len(other)), dtype=precision)
        step = max(1, 8192 // len(other))  # stays in the cache
        for i in range(0, len(k), step):
            q = end[:, None] - start[:, i : i + step, None]
            q -= np.rint(q)
            q = cell @ q.reshape(len(cell), -1)
            square = (q * q).sum(axis=0)
            if len(nearer):
                change = np.abs(nearer @ q)
                np.subtract(half, change, out=change)
                square += 2 * np.minimum(change.min(axis=0), 0.0)
            lengths[i : i + step] = np.sqrt(np.maximum(square, 0.0)).reshape(-1, len(other))
        return lengths

    @staticmethod
    def transfers(k, other, images, *, single: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Shortest ``other + G - k`` over `images`, which :meth:`nearby_images` gave, and the index of this G: shape
        (d, P, Q), and (P, Q), or None where there is but one.
        """
        precision = np.float32 if single else np.float64
        one, centre = images[0], k.mean(axis=0)  # short vectors: their rounding is that of the distances within a set
        start, end = ((x - centre).T.astype(precision) for x in (k, other + one))
        q = end[:, None] - start[:, :, None]
        if len(images) == 1:
            return q, None
        which = np.zeros(q.shape[1:], dtype=np.uint8 if len(images) < 256 else np.intp)
        # (|q + G - one|^2 - |q|^2) / 2
        least = np.zeros(which.shape, dtype=precision)
        for index, step in enumerate(images[1:] - one, start=1):
            change = np.subtract.outer(-(k @ step), -((other + one) @ step + 0.5 * (step @ step)), dtype=precision)
            np.copyto(which, index, where=change < least)
            np.minimum(least, change, out=least)
        for along, steps in zip(q, (images - one).T.astype(precision), strict=True):
            along += steps.take(which)
        return q, which


def _balls(k, sets) -> tuple[np.ndarray, np.ndarray]:
    """Centres and radii of sets of points."""
    centre = np.array([k[s].mean(axis=0) for s in sets])
    radius = np.array([np.linalg.norm(k[s] - c, axis=1).max() for s, c in zip(sets, centre, strict=True)])
    return centre, radius
