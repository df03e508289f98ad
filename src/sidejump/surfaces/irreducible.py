"""The cells of a mesh that symmetry does not map onto each other.

A mesh of cells can only be reduced by operations that map cells onto cells: those that permute its axes, up to their
direction.  The parallelepiped of a primitive reciprocal cell is rarely kept by rotations; that of longer reciprocal
vectors along the axes of the crystal (a cube for cubic lattices) is.  It holds several zones, whose cells the lattice
vectors between them map onto each other as well.
"""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..bands.nearest import reduced
from ..groups.operations import Operations

_WEDGE = np.array([1.0, 0.62, 0.27])  # a direction in general position
_REACH = 2  # axes are searched among sums of the shortest reciprocal vectors with coefficients up to this


def symmetric_axes(reciprocal, operations: Operations) -> tuple[np.ndarray, Operations]:
    """Reciprocal vectors (3, 3), rows, whose directions as many operations as possible permute, and these operations.

    Of those with the same number the smallest volume, and the shortest.
    """
    reciprocal, matrices = np.asarray(reciprocal, dtype=float), np.asarray(operations.matrices, dtype=float)
    axes, kept = _symmetric_axes(reciprocal.tobytes(), matrices.tobytes())
    return axes.copy(), operations.take(kept)


@lru_cache(maxsize=32)  # every shell of a crystal asks again
def _symmetric_axes(reciprocal: bytes, matrices: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The axes, and which operations permute them."""
    cell, turns = reduced(np.frombuffer(reciprocal).reshape(3, 3)), np.frombuffer(matrices).reshape(-1, 3, 3)
    coefficients = np.array(list(itertools.product(range(-_REACH, _REACH + 1), repeat=3)))
    leading = np.take_along_axis(coefficients, (coefficients != 0).argmax(axis=1)[:, None], axis=1)[:, 0]
    vectors = coefficients[leading > 0] @ cell  # one of each pair G, -G
    squares = np.sum(vectors**2, axis=1)
    images = np.einsum("oab,vb->ova", turns, vectors)
    # whether operation o takes vector v to +-vector w
    along = np.abs(np.abs(images @ vectors.T) - squares) < 1e-6
    maps = along & (np.abs(np.sum(images**2, axis=2)[:, :, None] - squares) < 1e-6)
    triples = np.array(list(itertools.combinations(range(len(vectors)), 3)))
    one, two, three = triples.T
    volumes = np.abs(np.einsum("va,va->v", np.cross(vectors[one], vectors[two]), vectors[three]))
    triples = triples[volumes > 1e-9]
    inside = np.ones((len(turns), len(triples)), dtype=bool)
    for taken in triples.T:
        inside &= maps[:, taken, triples[:, 0]] | maps[:, taken, triples[:, 1]] | maps[:, taken, triples[:, 2]]
    counts, volumes = inside.sum(axis=0), volumes[volumes > 1e-9]
    lengths = squares[triples].sum(axis=1)
    best = np.lexsort((np.round(lengths, 9), np.round(volumes, 9), -counts))[0]  # stable: of equal ones the first
    return vectors[triples[best]], inside[:, best]


def irreducible_cells(axes, counts, reciprocal, operations: Operations) -> tuple[np.ndarray, np.ndarray]:
    """Cells that stand for all others, and the weight of every cell.

    Parameters
    ----------
    axes : array, shape (3, 3)
        From :func:`symmetric_axes`.
    counts : array of int, shape (3,)
        Cells along each axis; equal where operations exchange axes, and a multiple of :func:`divisor`.

    Returns
    -------
    cells : ndarray of int, shape (X, 3)
    share : ndarray, shape (counts)
        For the cells that are kept, how many cells of one zone they stand for; 0 for the others.
    """
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3)
    centre = (cells + 0.5) / counts
    turns = mesh_turns(axes, operations)
    shifts = zone_vectors(axes, reciprocal)
    label = np.full(len(cells), np.iinfo(np.int64).max)
    for turn in turns:
        for vector in shifts:
            image = np.floor(np.mod(centre @ turn + vector, 1.0) * counts).astype(np.int64)
            label = np.minimum(label, np.ravel_multi_index(tuple(image.T), tuple(counts)))
    size = np.bincount(label, minlength=len(cells)) / len(shifts)
    return cells[size > 0], size.reshape(tuple(counts))


def wedge_images(k, reciprocal, operations: Operations) -> tuple[np.ndarray, np.ndarray]:
    """Images of points (S, 3) in one convex wedge of the first zone, and the operation that takes each there.

    Of the images of a point that farthest along one direction: sets of neighbours are compact then, and few pairs of
    them are across a face of the zone.
    """
    zone = MomentumTransfer(reciprocal, 3)
    images = np.stack([zone.first_zone(k @ m.T) for m in operations.matrices])
    turn = np.round(images @ _WEDGE, 9).argmax(axis=0)
    return images[turn, np.arange(len(k))], turn


def divisor(axes, reciprocal) -> int:
    """What the number of cells along an axis must be a multiple of, so that zones are mapped cell by cell."""
    shifts = zone_vectors(axes, reciprocal)
    return next(n for n in range(1, 65) if np.abs(n * shifts - np.rint(n * shifts)).max() < 1e-6)


def mesh_turns(axes, operations: Operations) -> np.ndarray:
    """Operations (n, 3, 3) that permute `axes`, as they act on rows of coefficients of these."""
    return np.rint(np.einsum("ia,oba,bj->oij", axes, operations.matrices, np.linalg.inv(axes)))


def equal_axes(axes, operations: Operations) -> np.ndarray:
    """For each of the three axes the first that some operation exchanges it with."""
    exchanged = np.abs(mesh_turns(axes, operations)).max(axis=0) > 0.5
    return exchanged.argmax(axis=1)


def zone_vectors(axes, reciprocal) -> np.ndarray:
    """Reciprocal vectors inside the parallelepiped of `axes`, in its units: (zones, 3), zero among them."""
    grid = np.array(list(itertools.product(range(-2 * _REACH, 2 * _REACH + 1), repeat=3)))
    inside = grid @ reduced(reciprocal) @ np.linalg.inv(axes)
    _, first = np.unique(np.round(inside - np.floor(inside + 1e-6), 6), axis=0, return_index=True)
    return inside[first]
