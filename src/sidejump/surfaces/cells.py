"""Cells of k space in a hierarchy: a coarse mesh whose cells are split into eight where a surface may pass.

A cell of level l has edges ``axes / (counts 2^l)`` and 27 nodes (corners, midpoints).  Energies at the nodes are
eigenvalues, or, once a band is seen to be smooth, values of the triquadratic polynomial through the nodes of an
ancestor: a cell of a twentieth of the ancestor's edge then costs no diagonalisation.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..bands.eigen import eigenvalues
from ..threads import by_threads
from .tetrahedra import NODES

OCTANTS = np.array(list(itertools.product(range(2), repeat=3)))
"""The eight halves of a cell, in units of their edges, shape (8, 3)."""

_BITS = 21  # integer nodes along an axis, so that three fit into one 64-bit key


class CellMesh:
    """The hierarchy of cells over a parallelepiped (periodic for crystals).

    Parameters
    ----------
    model : ElectronModel
    origin : (3,), axes : (3, 3)
        1/angstrom; axes as rows.
    counts : (3,) int
        Cells of level 0 along each axis.
    """

    def __init__(self, model, origin, axes, counts):
        self.model, self.origin, self.axes = model, origin, axes
        self.counts = np.asarray(counts)
        self.periodic = model.cell is not None

    @property
    def deepest(self) -> int:
        """The last level whose nodes can be numbered."""
        return _BITS - 2 - int(np.ceil(np.log2(self.counts.max())))

    def steps(self, level: int) -> np.ndarray:
        """Vectors between neighbouring nodes (half edges), rows, 1/angstrom."""
        return self.axes / (self.counts * 2 ** (level + 1))[:, None]

    def edge(self, level: int) -> float:
        """The longest edge of a cell, 1/angstrom."""
        return float(2 * np.linalg.norm(self.steps(level), axis=1).max())

    def cartesian(self, nodes, level: int) -> np.ndarray:
        """k (X, 3) of nodes in node units of `level` (whole or not)."""
        return self.origin + nodes @ self.steps(level)

    def all_cells(self) -> np.ndarray:
        return np.stack(np.meshgrid(*map(np.arange, self.counts), indexing="ij"), -1).reshape(-1, 3)

    def node_energies(self, cells, level: int) -> np.ndarray:
        """Energies of all bands at the 27 nodes of cells (c, 3): shape (c, 27, N)."""
        nodes = (2 * cells[:, None] + NODES).reshape(-1, 3)
        if self.periodic:
            nodes = nodes % (self.counts * 2 ** (level + 1))
        key = (nodes[:, 0] << (2 * _BITS)) | (nodes[:, 1] << _BITS) | nodes[:, 2]
        unique, inverse = np.unique(key, return_inverse=True)
        mask = (1 << _BITS) - 1
        wanted = np.stack([unique >> (2 * _BITS), (unique >> _BITS) & mask, unique & mask], axis=1)
        values = threaded_energies(self.model, self.cartesian(wanted, level))
        return values[inverse.reshape(-1)].reshape(len(cells), 27, -1)


def children(cells: np.ndarray) -> np.ndarray:
    """The eight halves of each cell, (8 X, 3), in the order of :func:`children_values`."""
    return (2 * cells[:, None] + OCTANTS).reshape(-1, 3)


def threaded_energies(model, k, chunk: int = 512) -> np.ndarray:
    """Energies of all bands at k, shape (nk, N), eV; the eigensolver releases the interpreter lock."""
    return threaded(lambda p: eigenvalues(model.hamiltonian(p)), k, chunk=chunk)


def threaded(function, *arrays, chunk: int):
    """``function`` of chunks of `arrays`, by all threads, joined."""
    starts = range(0, len(arrays[0]), chunk)
    return np.concatenate(by_threads(lambda i: function(*(a[i : i + chunk] for a in arrays)), starts))


# --- the polynomial through the 27 nodes ----------------------------------------------------------------------------


def _lagrange(x):
    """Quadratic polynomials through 0, 1, 2 at x (...,): shape (..., 3)."""
    return np.stack([0.5 * (x - 1) * (x - 2), x * (2 - x), 0.5 * x * (x - 1)], axis=-1)


def _lagrange_slope(x):
    return np.stack([x - 1.5, 2 - 2 * x, x - 0.5], axis=-1)


def _split_matrices() -> np.ndarray:
    """Values at the 27 nodes of each octant from those of the cell: shape (8, 27, 27)."""
    half = [_lagrange(np.array([0.0, 0.5, 1.0]) + o) for o in (0, 1)]
    return np.stack([np.einsum("ai,bj,ck->abcijk", half[x], half[y], half[z]).reshape(27, 27) for x, y, z in OCTANTS])


_SPLIT = _split_matrices()


def children_values(values: np.ndarray) -> np.ndarray:
    """Polynomial values at the nodes of the eight halves: (X, 27) -> (8 X, 27)."""
    return (values @ _SPLIT.reshape(-1, 27).T).reshape(-1, 27)


def polynomial(values: np.ndarray, x: np.ndarray):
    """Value (X,) and gradient (X, 3), per node step, of the polynomial through `values` (X, 27) at x (X, 3)."""
    v = values.reshape(-1, 3, 3, 3)
    f, g = _lagrange(x), _lagrange_slope(x)
    last, last_slope = (np.einsum("xabc,xc->xab", v, h[:, 2]) for h in (f, g))
    middle, middle_slope, corner = (
        np.einsum("xab,xb->xa", w, h[:, 1]) for w, h in ((last, f), (last, g), (last_slope, f))
    )
    slopes = [np.einsum("xa,xa->x", w, h[:, 0]) for w, h in ((middle, g), (middle_slope, f), (corner, f))]
    return np.einsum("xa,xa->x", middle, f[:, 0]), np.stack(slopes, axis=1)


def second_differences(values: np.ndarray) -> np.ndarray:
    """Largest second difference along each axis, of the nine lines of three nodes: (X, 27) -> (X, 3)."""
    v = values.reshape(-1, 3, 3, 3)
    return np.stack([np.abs(np.diff(v, 2, axis=a)).reshape(-1, 9).max(axis=1) for a in (1, 2, 3)], axis=1)


def hidden_range(values: np.ndarray) -> np.ndarray:
    """How far (X,) a smooth band may go beyond its node values (X, 27) inside the cell.

    A parabola exceeds its values at three equidistant nodes by at most an eighth of their second difference.
    """
    return second_differences(values).sum(axis=1) / 8


def stationary_point(values: np.ndarray):
    """Where a smooth band is stationary: distance (X,) from the centre of the cell in edges, and whether it is a
    minimum or maximum (X,) rather than a saddle.

    From the gradient and the second differences at the centre; infinite where these leave it open.
    """
    v = values.reshape(-1, 3, 3, 3)
    gradient, second = np.empty((len(v), 3)), np.empty((len(v), 3, 3))
    for a in range(3):
        line = np.moveaxis(v, a + 1, 1)[:, :, 1, 1]
        gradient[:, a] = 0.5 * (line[:, 2] - line[:, 0])
        second[:, a, a] = line[:, 0] - 2 * line[:, 1] + line[:, 2]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        w = np.moveaxis(v, (a + 1, b + 1), (1, 2))[..., 1]
        second[:, a, b] = second[:, b, a] = 0.25 * (w[:, 2, 2] - w[:, 2, 0] - w[:, 0, 2] + w[:, 0, 0])
    curvature, axes = np.linalg.eigh(second)
    along = np.einsum("xab,xa->xb", axes, gradient)
    regular = np.abs(curvature).min(axis=1) > 1e-3 * np.abs(curvature).max(axis=1)
    step = along / np.where(regular[:, None], curvature, 1.0)
    x = np.einsum("xab,xb->xa", axes, step)
    extremum = curvature[:, 0] * curvature[:, 2] > 0
    return np.where(regular, 0.5 * np.abs(x).max(axis=1), np.inf), extremum
