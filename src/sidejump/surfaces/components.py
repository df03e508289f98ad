"""Connected components of an isoenergy surface: which of its points hang together.

Two finished cells of a band belong together where the surface passes through the face between them, which the nodes of
that face tell.  A surface that passes between the nodes, a neck thinner than half a cell, is taken for two pieces.

With symmetry the surface is that of all images.  The group takes components to components: one of each orbit stands for
the others, and is left alone by some operations, its stabiliser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..groups.operations import Operations, identity
from .cells import CellMesh
from .irreducible import mesh_turns, zone_vectors
from .tetrahedra import NODES

_FACES = np.array([[a, s] for a in range(3) for s in (0, 1)])
_ON_FACE = np.array([NODES[:, a] == 2 * s for a, s in _FACES])


@dataclass(frozen=True)
class Components:
    """The component that each of S points belongs to.

    Attributes
    ----------
    label : ndarray of int, shape (S,)
        Which of C components, or of C orbits of components.
    turn : ndarray of int, shape (S,)
        The operation that takes the representative of the orbit to the component of the point; 0 without symmetry.
    keeps : ndarray of bool, shape (C, operations)
        Which operations leave the representative alone.
    closed : ndarray of bool, shape (C,)
        False where the surface leaves the region that was searched.
    """

    label: np.ndarray
    turn: np.ndarray
    keeps: np.ndarray
    closed: np.ndarray

    @classmethod
    def plain(cls, label) -> Components:
        """Closed components of a shell without symmetry, from their labels 0, 1, ... (S,)."""
        label = np.asarray(label)
        count = int(label.max(initial=-1)) + 1
        return cls(label, np.zeros(len(label), dtype=int), np.ones((count, 1), dtype=bool), np.ones(count, dtype=bool))

    def take(self, which) -> Components:
        """Those of some of the points."""
        return Components(self.label[which], self.turn[which], self.keeps, self.closed)

    def moved(self, turn, operations: Operations) -> Components:
        """Those of the images of the points by the operations `turn` (S,)."""
        return Components(self.label, _products(operations)[turn, self.turn], self.keeps, self.closed)


def crossed_faces(values: np.ndarray) -> np.ndarray:
    """Through which of the six faces of each cell the surface passes, (X, 6), from its node values (X, 27)."""
    below = values < 0
    return np.stack([below[:, f].any(axis=1) & ~below[:, f].all(axis=1) for f in _ON_FACE], axis=1)


def surface_components(
    mesh: CellMesh, reciprocal, level, cells, bands, faces, operations: Operations | None, *, shared: bool
) -> Components:
    """Components of the pieces of surface in X pairs (cell, band), which may repeat.

    Parameters
    ----------
    mesh : CellMesh
    reciprocal : array, shape (3, 3), or None
        Rows; None for k.p models.
    level : (X,), cells : (X, 3), bands : (X,)
        Cells of the pairs, in units of their level.
    faces : (X, 6) bool
        See :func:`crossed_faces`.
    operations : Operations or None
        Under which the pairs stand for all their images.
    shared : bool
        Whether bands that are degenerate throughout a cell have but one pair there, that of the lowest.
    """
    group = operations or identity(3)
    rows = np.column_stack([level, bands, cells])
    unique, first, place = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    search = _Neighbours(mesh, reciprocal, unique, group)
    start, end, turn = search.coincident()
    leaks = np.zeros(len(unique), dtype=bool)
    for face in range(6):
        asked = np.flatnonzero(faces[first, face])
        found, image, inside = search.beyond(asked, face, shared)
        leaks[asked[~inside]] = True
        asked, image, found = asked[found >= 0], image[found >= 0], found[found >= 0]
        # (p, g) hangs together with (q, g h) if p does with (q, h)
        start, end, turn = (np.concatenate(x) for x in ((start, asked), (end, found), (turn, image)))
    order = len(group)
    nodes = len(unique) * order
    one = (start[:, None] * order + np.arange(order)).ravel()
    other = (end[:, None] * order + search.products[:, turn].T).ravel()
    graph = coo_array((np.ones(len(one), dtype=np.int8), (one, other)), shape=(nodes, nodes))
    label = connected_components(graph, directed=False)[1].reshape(len(unique), order)
    return _orbits(label, leaks).take(place.reshape(-1))


def _orbits(label, leaks) -> Components:
    """Orbits of components from the component of every pair p and operation g, that of g p: (X, operations)."""
    count = label.max() + 1
    here = np.repeat(label[:, 0], label.shape[1])
    images = coo_array((np.ones(label.size, dtype=np.int8), (here, label.ravel())), shape=(count, count))
    orbit = connected_components(images, directed=False)[1][label[:, 0]]
    _, first, orbit = np.unique(orbit, return_index=True, return_inverse=True)
    orbit = orbit.reshape(-1)
    representative = label[first]  # (C, operations): where each operation takes it
    turn = (representative[orbit] == label[:, :1]).argmax(axis=1)
    closed = np.bincount(orbit, leaks, minlength=len(first)) == 0
    return Components(orbit, turn, representative == representative[:, :1], closed)


def _products(group: Operations) -> np.ndarray:
    """Which operation g h is, shape (operations, operations)."""
    m = group.matrices
    products = np.einsum("gab,hbc->ghac", m, m)
    return np.abs(products[:, :, None] - m).max(axis=(3, 4)).argmin(axis=2)


class _Neighbours:
    """Pairs (level, band, cell) and all their images, to be found by the cell."""

    def __init__(self, mesh, reciprocal, pairs, group):
        self.mesh, self.pairs = mesh, pairs
        self.products = _products(group)
        self.bands, self._band = np.unique(pairs[:, 1], return_inverse=True)
        self._shifts = np.zeros((1, 3)) if reciprocal is None else zone_vectors(mesh.axes, reciprocal)
        turns = mesh_turns(mesh.axes, group)
        self._tables = {}
        for level in np.unique(pairs[:, 0]):
            here = np.flatnonzero(pairs[:, 0] == level)
            centre = (pairs[here, 2:] + 0.5) / self._counts(level)
            key = np.stack([self._key(centre @ t, level, self._band[here]) for t in turns], axis=1).ravel()
            order = np.argsort(key, kind="stable")
            owner, image = np.divmod(order, len(turns))
            self._tables[int(level)] = key[order], here[owner], image

    def _counts(self, level) -> np.ndarray:
        return self.mesh.counts * 2 ** int(level)

    def _key(self, centre, level, band) -> np.ndarray:
        """One number for each cell (given by its centre in units of the axes) and band, the same for all its copies."""
        counts = self._counts(level)
        if self.mesh.periodic:
            images = np.mod(centre[None] + self._shifts[:, None], 1.0)
        else:
            images = centre[None]
        index = np.floor(images * counts).astype(np.int64)
        flat = (index[..., 0] * counts[1] + index[..., 1]) * counts[2] + index[..., 2]
        return flat.min(axis=0) * len(self.bands) + band

    def coincident(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Images that lie in one cell: a pair (first), and an operation (third) that takes another (second) there."""
        inverse = (self.products == 0).argmax(axis=1)
        links = []
        for key, owner, image in self._tables.values():
            same = np.flatnonzero(key[1:] == key[:-1])
            # (p, h) = (q, h'): (p, 1) = (q, h^-1 h')
            links.append((owner[same], owner[same + 1], self.products[inverse[image[same]], image[same + 1]]))
        start, end, turn = (np.concatenate(x) for x in zip(*links, strict=True))
        return start, end, turn

    def beyond(self, asked, face: int, shared: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pairs behind a face of the pairs `asked`, of their level or a coarser one (-1: none; smaller ones find
        them), the operation of the image, and whether there is anything behind."""
        axis, side = _FACES[face]
        found, image = np.full(len(asked), -1), np.zeros(len(asked), dtype=int)
        level, cell = self.pairs[asked, 0], self.pairs[asked, 2:].copy()
        cell[:, axis] += 2 * side - 1
        counts = self.mesh.counts * (1 << level)[:, None]
        inside = np.ones(len(asked), dtype=bool)
        if self.mesh.periodic:
            cell %= counts
        else:
            inside = ((cell >= 0) & (cell < counts)).all(axis=1)
        # a band that shares the pair of a lower one continues there
        for lower in range(len(self.bands) if shared else 1):
            for coarse in self._tables:
                todo = np.flatnonzero((found < 0) & inside & (level >= coarse) & (self._band[asked] >= lower))
                if not len(todo):
                    continue
                there = cell[todo] >> (level[todo] - coarse)[:, None]
                key = self._key((there + 0.5) / self._counts(coarse), coarse, self._band[asked[todo]] - lower)
                table, owner, which = self._tables[coarse]
                at = np.minimum(np.searchsorted(table, key), len(table) - 1)
                hit = table[at] == key
                found[todo[hit]], image[todo[hit]] = owner[at[hit]], which[at[hit]]
        return found, image, inside
