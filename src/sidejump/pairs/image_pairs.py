"""Which slices of irreducible points scatter into which images of each other, and how many pairs that makes."""

from __future__ import annotations

import numpy as np

from .ordering import order_points

BLOCK = 256  # points of a slice


class ImagePairs:
    """Slices of irreducible points against the images of slices.

    Parameters
    ----------
    problem : Problem
    operations : Operations
    k : ndarray, shape (S, 3)
        Irreducible points, ordered, 1/angstrom.
    slices : list of slice
        Compact sets of them.

    Attributes
    ----------
    k : ndarray, shape (n S, 3)
        The points and, operation by operation, their images in the first zone.
    inverse : list of int
        The inverse of each operation.
    """

    def __init__(self, problem, operations, k, slices):
        self.operations, self.slices, self._momentum = operations, slices, problem.momentum
        moved = [problem.momentum.first_zone(k @ m.T) for m in operations.matrices[1:]]
        self.k = np.concatenate([k, *moved])
        m = operations.matrices
        self.inverse = [int(np.abs(m - x.T).sum(axis=(1, 2)).argmin()) for x in m]

    @property
    def column_slices(self) -> list[slice]:
        """Compact sets of all points, images included."""
        n = len(self.k) // len(self.operations)
        moves = [g * n for g in range(len(self.operations))]
        return [slice(s.start + m, s.stop + m) for m in moves for s in self.slices]

    def within(self, q_cut: float) -> list[tuple[slice, slice, list[int]]]:
        """Slices of points, and the operations that bring some pair of them within `q_cut`; each pair once."""
        slices, order = self.slices, len(self.operations)
        near = self._momentum.sets_within(self.k, slices, self.k, self.column_slices, q_cut)
        near = near.reshape(len(slices), order, len(slices))
        found = []
        for i, rows in enumerate(slices):
            for j, columns in enumerate(slices[i:], start=i):
                which = np.flatnonzero(near[i, :, j]).tolist()
                if i == j:  # the pairs with the inverse operation are the same
                    which = [g for g in which if g <= self.inverse[g]]
                if which:
                    found.append((rows, columns, which))
        return found

    def count(self, sources, cuts) -> tuple[float, float]:
        """Pairs of points with images within the cuts (1/angstrom) of the sources, each as often as it has channels,
        and pairs of points that any of these belong to.
        """
        pairs = points = 0.0
        for source, cut in zip(sources, cuts, strict=True):
            found = [((a.stop - a.start) * (b.stop - b.start), len(which)) for a, b, which in self.within(cut)]
            pairs += source.channels * sum(size * images for size, images in found)
            points = max(points, sum(size for size, _ in found))
        return float(pairs), float(points)


def irreducible_pairs(problem, shell) -> ImagePairs:
    """Those of a shell with operations, from its wave vectors alone."""
    k = problem.momentum.first_zone(shell.k)
    ordering = order_points(k, shell.sheet, block=BLOCK, cluster=BLOCK)
    return ImagePairs(problem, shell.operations, k[ordering.order], ordering.blocks)
