"""Order of shell points in which neighbours in k space, of one sheet, are neighbours in memory.

Three nested levels: *blocks* are what one matrix product handles, *clusters* inside them are the unknowns of the
coarse correction of the solver, points are the unknowns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Ordering:
    """Attributes
    ----------
    order : (S,)             ordered to original points
    blocks : list of slice   of the ordered points
    clusters : (C + 1,)      bounds of the clusters among the ordered points
    """

    order: np.ndarray
    blocks: list[slice]
    clusters: np.ndarray


def order_points(points: np.ndarray, sheet: np.ndarray, *, block: int, cluster: int) -> Ordering:
    """Order `points` (S, d) so that blocks and clusters hold neighbours of one `sheet` (S,).

    Points of different sheets overlap little however close they are, so that a cluster of both would not move
    together.
    """
    pieces: list[np.ndarray] = []
    block_ends: list[int] = [0]
    cluster_ends: list[int] = [0]
    for label in np.unique(sheet):
        members = np.flatnonzero(sheet == label)
        for part in kd_order(points[members], block):
            inside = members[part]
            for small in kd_order(points[inside], cluster):
                pieces.append(inside[small])
                cluster_ends.append(cluster_ends[-1] + len(small))
            block_ends.append(cluster_ends[-1])
    return Ordering(
        np.concatenate(pieces), [slice(a, b) for a, b in pairwise(block_ends)], np.array(cluster_ends, dtype=int)
    )


def kd_order(points: np.ndarray, leaf: int) -> list[np.ndarray]:
    """Indices of `points` in compact sets of at most `leaf`, by halving along the longest extent."""
    sets: list[np.ndarray] = []
    stack = [np.arange(len(points))]
    while stack:
        index = stack.pop()
        if len(index) <= leaf:
            sets.append(index)
            continue
        axis = np.argmax(np.ptp(points[index], axis=0))
        order = index[np.argsort(points[index, axis], kind="stable")]
        half = len(order) // 2
        stack += [order[half:], order[:half]]
    return sets
