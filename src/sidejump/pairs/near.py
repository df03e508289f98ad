"""Which sets of points scatter into which (images of) each other, and how many pairs that makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..groups.operations import Operations, identity
from ..surfaces.shell import Shell
from .ordering import order_points

BLOCK = 256
"""Points of a set: smaller ones are slower even where most of their pairs are out of reach."""


@dataclass(frozen=True)
class Task:
    """Pairs of one set of points with the images of another under some operations: a unit of work."""

    rows: slice
    columns: slice
    images: tuple[int, ...]

    @property
    def pairs(self) -> int:
        """Pairs of points and images."""
        return (self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start) * len(self.images)


class NearPairs:
    """Sets of points against the images of sets.

    Parameters
    ----------
    momentum : MomentumTransfer
    k : ndarray, shape (S n, d)
        Ordered points with n energies each, 1/angstrom, in the first zone.
    sets : list of slice
        Compact sets of points.
    operations : Operations, optional
        Those that the points were reduced by.

    Attributes
    ----------
    k : ndarray, shape (operations S n, d)
        The points and, operation by operation, their images in the first zone.
    inverse : ndarray of int
        The inverse of each operation.
    """

    def __init__(
        self, momentum: MomentumTransfer, k, sets: list[slice], energies: int = 1, operations: Operations | None = None
    ):
        m = (operations or identity(k.shape[1])).matrices
        self.sets, self._momentum, self._n, self._order = sets, momentum, energies, len(m)
        self.k = np.concatenate([k, *(momentum.first_zone(k @ x.T) for x in m[1:])])
        self.inverse = np.array([int(np.abs(m - x.T).sum(axis=(1, 2)).argmin()) for x in m])

    def states(self, part: slice, image: int = 0) -> slice:
        """A slice of points among the states of all images."""
        start = image * (len(self.k) // self._order)
        return slice(start + part.start * self._n, start + part.stop * self._n)

    @property
    def all_sets(self) -> list[slice]:
        """Compact sets of states, images included."""
        return [self.states(s, g) for g in range(self._order) for s in self.sets]

    def within(self, q_cut: float) -> np.ndarray:
        """Whether a set and the image of another may hold a pair within `q_cut`, each pair once: (sets, n, sets)."""
        count = len(self.sets)
        start = self.all_sets[:count]
        near = self._momentum.sets_within(self.k, start, self.k, self.all_sets, q_cut)
        near = near.reshape(count, self._order, count)
        near &= ~np.tri(count, k=-1, dtype=bool)[:, None]
        # the pairs of one set with the inverse operation are the same
        twice = np.arange(self._order) > self.inverse
        near[np.arange(count), :, np.arange(count)] &= ~twice
        return near

    def tasks(self, q_cut: float) -> list[Task]:
        """Pairs of sets, with the operations that bring some pair of them within `q_cut`."""
        near = self.within(q_cut)
        return [
            Task(self.sets[i], self.sets[j], tuple(np.flatnonzero(near[i, :, j]).tolist()))
            for i, j in zip(*np.nonzero(near.any(axis=1)), strict=True)
        ]

    def mirrored(self, task: Task, image: int) -> bool:
        """Whether pairs of the columns with images of the rows follow from those of the task."""
        return bool(task.rows != task.columns or self.inverse[image] != image)

    def count(self, sources, cuts) -> tuple[float, float]:
        """Pairs of points with images within the cuts (1/angstrom) of the sources, each as often as it has channels,
        and pairs of points that any of these belong to.
        """
        sizes = np.array([s.stop - s.start for s in self.sets], dtype=float)
        pairs, any_source = 0.0, np.zeros((len(sizes),) * 2, dtype=bool)
        for source, cut in zip(sources, cuts, strict=True):
            near = self.within(cut)
            pairs += source.channels * float(sizes @ near.sum(axis=1) @ sizes)
            any_source |= near.any(axis=1)
        return pairs, float(sizes @ any_source @ sizes)


def near_pairs(momentum: MomentumTransfer, shell: Shell) -> NearPairs:
    """Those of a shell, from its wave vectors alone."""
    k = momentum.first_zone(shell.k)
    ordering = order_points(k, shell.sheet, block=BLOCK, cluster=BLOCK)
    return NearPairs(momentum, k[ordering.order], ordering.blocks, operations=shell.operations)
