"""Fast matrices of a lattice model on points that share planes and rows: Fourier sums axis by axis.

``sum_R exp(i k.R) X(R)`` factorises: the sum over R_1 is done once for a plane of equal k_1, that over R_2 once
for a row, and a single point costs only the sum over R_3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from .berry import cyclic_pairs

BLOCK = 64
"""Points whose matrices are held at a time: few enough to stay in the cache."""


class FourierTable:
    """H, its gradient, the position matrix and its curl, tabulated for all lattice vectors.

    In the lattice gauge, where the sites belong to the position matrix; the conductivity does not care.

    Parameters
    ----------
    model : LatticeModel
    """

    def __init__(self, model):
        d = self.dimension = model.dimension
        n = self.n_orbitals = model.n_orbitals
        vectors = np.asarray(model.vectors)
        translation = vectors @ model.cell
        h = np.asarray(model.hoppings)
        residual = getattr(model, "residual_positions", None)
        sites = np.asarray(model.site_positions)
        self.has_position = residual is not None or bool(np.any(sites - sites[0]))
        parts = [h[:, None], 1j * translation[:, :, None, None] * h[:, None]]
        if self.has_position:
            a = np.zeros((len(vectors), d, n, n), dtype=complex) if residual is None else np.array(residual)
            home = int(np.flatnonzero(~vectors.any(axis=1))[0])
            for axis in range(d):
                a[home, axis] += np.diag(sites[:, axis])
            r = translation[:, :, None, None]
            parts += [a, np.stack([1j * (r[:, i] * a[:, j] - r[:, j] * a[:, i]) for i, j in cyclic_pairs(d)], axis=1)]
        stack = np.concatenate(parts, axis=1)
        self.components = stack.shape[1]
        # the Hermitian part: half of X(R), half of X(-R)^+
        both = np.concatenate([stack, stack.conj().swapaxes(2, 3)]).reshape(2 * len(vectors), -1)
        self.vectors, inverse = np.unique(np.concatenate([vectors, -vectors]), axis=0, return_inverse=True)
        self.table = np.zeros((len(self.vectors), both.shape[1]), dtype=complex)
        np.add.at(self.table, inverse.ravel(), 0.5 * both)
        reach = self.vectors.max(axis=0)
        self.ranges = [np.arange(-m, m + 1) for m in reach]
        # where in the box of the axes after the first each R belongs
        self._place = np.ravel_multi_index(tuple((self.vectors + reach).T[1:]), tuple(2 * reach[1:] + 1))

    def _plane(self, first: float) -> np.ndarray:
        """The sum over R_1: shape (second axis, rest)."""
        phase = np.exp(2j * np.pi * first * self.vectors[:, 0])
        box = int(np.prod([len(r) for r in self.ranges[1:]]))
        sum_over_first = csr_array((phase, (self._place, np.arange(len(phase)))), shape=(box, len(phase)))
        return (sum_over_first @ self.table).reshape(len(self.ranges[1]), -1)

    def plane_matrices(self, first: float, others: np.ndarray, block: int = BLOCK) -> Iterator[tuple]:
        """Matrices at the points of one plane, in blocks.

        The memory of a block is used again for the next one: work with it before asking for more.

        Parameters
        ----------
        first : float
            k_1 in units of the reciprocal lattice vector.
        others : ndarray, shape (n, d - 1)
            The remaining coordinates.
        block : int
            Points in a block, at most.

        Yields
        ------
        index : ndarray of int
            Which of the points.
        matrices : tuple
            Hamiltonian, gradient, position and curl as :func:`.berry.curvature_of_matrices` takes them.
        """
        plane = self._plane(first)
        last = others[:, -1]
        if self.dimension == 2:
            for low in range(0, len(others), block):
                index = np.arange(low, min(low + block, len(others)))
                yield index, self._split(np.exp(2j * np.pi * last[index, None] * self.ranges[1]) @ plane)
            return
        order = np.lexsort((last, others[:, 0]))
        second, start = np.unique(others[order, 0], return_index=True)
        bounds = np.append(start, len(others))
        buffer = np.empty((block, self.table.shape[-1]), dtype=complex)
        row = 0
        while row < len(second):
            stop = max(row + 1, int(np.searchsorted(bounds, bounds[row] + block, side="right")) - 1)
            lines = np.exp(2j * np.pi * second[row:stop, None] * self.ranges[1]) @ plane
            lines = lines.reshape(stop - row, len(self.ranges[2]), -1)
            # one row may hold more than a block
            for low in range(bounds[row], bounds[stop], block):
                high = min(low + block, bounds[stop])
                for line, begin, end in zip(lines, bounds[row:stop], bounds[row + 1 : stop + 1], strict=True):
                    members = slice(max(begin, low), min(end, high))
                    third = np.exp(2j * np.pi * last[order[members], None] * self.ranges[2])
                    np.matmul(third, line, out=buffer[members.start - low : members.stop - low])
                yield order[low:high], self._split(buffer[: high - low])
            row = stop

    def _split(self, values):
        n, d = self.n_orbitals, self.dimension
        matrices = values.reshape(len(values), self.components, n, n)
        if not self.has_position:
            return matrices[:, 0], matrices[:, 1 : 1 + d], None, None
        return (matrices[:, 0], matrices[:, 1 : 1 + d], matrices[:, 1 + d : 1 + 2 * d], matrices[:, 1 + 2 * d :])


class DirectTable:
    """The same service from any periodic model's own functions, without the saving."""

    def __init__(self, model):
        self.model = model

    def plane_matrices(self, first, others, block: int = BLOCK):
        fractional = np.column_stack([np.full(len(others), first), others])
        k = fractional @ self.model.reciprocal_cell
        for i in range(0, len(k), block):
            part = k[i : i + block]
            yield (
                np.arange(i, i + len(part)),
                (
                    self.model.hamiltonian(part),
                    self.model.hamiltonian_gradient(part),
                    self.model.position_matrix(part),
                    self.model.position_curl(part),
                ),
            )


def table_of(model) -> FourierTable | DirectTable:
    """The fast table where the model shows its H(R), the plain one otherwise."""
    return FourierTable(model) if hasattr(model, "hoppings") else DirectTable(model)
