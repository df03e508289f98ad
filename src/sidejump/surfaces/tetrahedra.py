"""The isoenergy surface inside cells, from linear tetrahedra.

A cell has 3 x 3 x 3 nodes; its eight half-edge sub-cells hold six tetrahedra each, in which the energy is linear
and the surface a triangle or a quadrangle: an error of order h^2.  The polynomial through the nodes gives node values
for cells of half the edge at no cost; their cut has a quarter of the error, and the two together remove the leading
term of weight and area (Richardson).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

NODES = np.array(list(itertools.product(range(3), repeat=3)))
"""The 27 nodes of a cell in units of half its edges, shape (27, 3)."""


FACETS = {
    1: [[(0, 1), (0, 2), (0, 3)]],
    2: [[(0, 2), (0, 3), (1, 3)], [(0, 2), (1, 3), (1, 2)]],
    3: [[(0, 3), (1, 3), (2, 3)]],
}
"""Triangles in a tetrahedron with so many nodes below the surface: their corners, on edges between nodes in ascending
order of the energy."""


def kuhn(nodes: np.ndarray):
    """Node indices (n, 4) and axis orders (n, 3) of the six tetrahedra of every cell of edge one among the nodes."""
    index = {tuple(c): i for i, c in enumerate(nodes)}
    rows, orders = [], []
    for corner in itertools.product(range(int(nodes.max())), repeat=3):
        for order in itertools.permutations(range(3)):
            node = np.array(corner)
            row = [index[tuple(node)]]
            for axis in order:
                node = node + np.eye(3, dtype=int)[axis]
                row.append(index[tuple(node)])
            rows.append(row)
            orders.append(order)
    return np.array(rows), np.array(orders)


_TETRAHEDRA, _ORDERS = kuhn(NODES)


@dataclass(frozen=True)
class Cut:
    """What the surface is inside each of X cells.

    Attributes
    ----------
    weight : (X,)       ``dS / |grad e|``, 1/(eV angstrom^3), without the (2 pi)^3
    area : (X,)         angstrom^-2
    centre : (X, 3)     weighted centroid, in node units
    second : (X, 3, 3)  weighted mean of the products of coordinates, in node units
    coherence : (X,)    ``|sum of area vectors| / area``: 1 where flat, 0 for a closed pocket
    """

    weight: np.ndarray
    area: np.ndarray
    centre: np.ndarray
    second: np.ndarray
    coherence: np.ndarray

    def take(self, which) -> Cut:
        """The cut of some of the cells."""
        return Cut(*(value[which] for value in vars(self).values()))


CUT_AT_ONCE = 128
"""Cells whose tetrahedra are held at a time: some 10 kB for each cell, in every thread."""


def cut_in_turn(values: np.ndarray, steps: np.ndarray) -> Cut:
    """:func:`cut_cells` of any number of cells, with the memory of a few."""
    starts = range(0, max(len(values), 1), CUT_AT_ONCE)
    parts = [cut_cells(values[i : i + CUT_AT_ONCE], steps) for i in starts]
    return Cut(**{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])})


def cut_cells(values: np.ndarray, steps: np.ndarray) -> Cut:
    """Cut cells with node energies `values` (X, 27) minus the energy of the surface; `steps` (3, 3): node spacings."""
    count = len(values)
    below = values[:, _TETRAHEDRA] < 0
    inside = below.sum(axis=-1)
    cell, tet = np.nonzero((inside > 0) & (inside < 4))
    negative = inside[cell, tet]
    nodes = _TETRAHEDRA[tet]
    e = values[cell[:, None], nodes]
    gradient = np.empty((len(cell), 3))  # per node step; the tetrahedron runs along the axes one after the other
    gradient[np.arange(len(cell))[:, None], _ORDERS[tet]] = np.diff(e, axis=1)
    rank = np.argsort(e, axis=1, kind="stable")
    e = np.take_along_axis(e, rank, axis=1)
    p = NODES[np.take_along_axis(nodes, rank, axis=1)].astype(float)

    normal = np.zeros((len(cell), 3))  # area vector in node units
    moment = np.zeros((len(cell), 3))  # |area vector| times centroid
    square_moment = np.zeros((len(cell), 3, 3))
    size = np.zeros(len(cell))

    def add(which, edges):
        vertex = []
        for i, j in edges:
            t = -e[which, i] / (e[which, j] - e[which, i])
            vertex.append(p[which, i] + t[:, None] * (p[which, j] - p[which, i]))
        a, b, c = vertex
        vector = 0.5 * np.cross(b - a, c - a)
        # oriented along the gradient
        along = np.einsum("xa,xa->x", vector, gradient[which])
        vector *= np.sign(along)[:, None]
        magnitude = np.abs(along)
        normal[which] += vector
        whole = a + b + c
        moment[which] += magnitude[:, None] * whole / 3
        products = sum(x[:, :, None] * x[:, None] for x in (a, b, c, whole))
        square_moment[which] += magnitude[:, None, None] * products / 12
        size[which] += magnitude

    for number, facets in FACETS.items():
        for facet in facets:
            add(np.flatnonzero(negative == number), facet)

    volume = abs(np.linalg.det(steps))
    square = np.maximum(np.einsum("xa,xa->x", gradient, gradient), 1e-300)
    weight = size / square * volume
    # area vectors transform with the cofactor matrix of the steps
    real = normal @ np.linalg.inv(steps).T * volume
    area = np.linalg.norm(real, axis=1)

    def gather(x):
        return np.bincount(cell, x, minlength=count)

    total, area_total = gather(weight), gather(area)
    # centroid with the weight 1/|grad e| of the density of states
    share = weight / np.maximum(size, 1e-300)
    moment *= share[:, None]
    square_moment *= share[:, None, None]
    safe = np.maximum(total, 1e-300)
    centre = np.stack([gather(moment[:, a]) / safe for a in range(3)], axis=1)
    second = np.stack([gather(x) / safe for x in square_moment.reshape(-1, 9).T], axis=1).reshape(-1, 3, 3)
    sum_vector = np.stack([gather(real[:, a]) for a in range(3)], axis=1)
    coherence = np.linalg.norm(sum_vector, axis=1) / np.maximum(area_total, 1e-300)
    empty = total == 0
    centre[empty] = 1.0
    return Cut(total, area_total, centre, second, np.where(empty, 1.0, coherence))
