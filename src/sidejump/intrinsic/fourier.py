"""Fast matrices of a lattice model on points that share planes and rows: Fourier sums axis by axis.

``sum_R exp(i k.R) X(R)`` factorises: the sum over R_1 is done once for a plane of equal k_1, that over R_2 once
for a row, and a single point costs only the sum over R_3.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .berry import cyclic_pairs


class FourierTable:
    """H, its gradient, the position matrix and its curl, tabulated on a box of lattice vectors.

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
        reach = np.abs(vectors).max(axis=0)
        self.ranges = [np.arange(-m, m + 1) for m in reach]
        table = np.zeros((*(2 * reach + 1), self.components * n * n), dtype=complex)
        index = tuple((vectors + reach).T)
        # the Hermitian part: half of X(R), half of X(-R)^+
        mirrored = tuple((reach - vectors).T)
        np.add.at(table, index, 0.5 * stack.reshape(len(vectors), -1))
        np.add.at(table, mirrored, 0.5 * stack.conj().swapaxes(2, 3).reshape(len(vectors), -1))
        self.table = table

    def plane_matrices(self, first: float, others: np.ndarray, rows: int = 16) -> Iterator[tuple]:
        """Matrices at the points of one plane, in blocks.

        Parameters
        ----------
        first : float
            k_1 in units of the reciprocal lattice vector.
        others : ndarray, shape (n, d - 1)
            The remaining coordinates.

        Yields
        ------
        index : ndarray of int
            Which of the points.
        matrices : tuple
            Hamiltonian, gradient, position and curl as :func:`.berry.curvature_of_matrices` takes them.
        """
        phase = np.exp(2j * np.pi * first * self.ranges[0])
        plane = (phase @ self.table.reshape(len(phase), -1)).reshape(self.table.shape[1:])
        if self.dimension == 2:
            yield np.arange(len(others)), self._split(np.exp(2j * np.pi * others * self.ranges[1]) @ plane)
            return
        order = np.lexsort((others[:, 1], others[:, 0]))
        second, start = np.unique(others[order, 0], return_index=True)
        bounds = np.append(start, len(others))
        flat = plane.reshape(len(self.ranges[1]), -1)
        for block in range(0, len(second), rows):
            some = second[block : block + rows]
            lines = np.exp(2j * np.pi * some[:, None] * self.ranges[1]) @ flat
            lines = lines.reshape(len(some), len(self.ranges[2]), -1)
            low, high = bounds[block], bounds[block + len(some)]
            values = np.empty((high - low, lines.shape[2]), dtype=complex)
            for i, line in enumerate(lines):
                members = slice(bounds[block + i], bounds[block + i + 1])
                third = np.exp(2j * np.pi * others[order[members], 1][:, None] * self.ranges[2])
                np.matmul(third, line, out=values[members.start - low : members.stop - low])
            yield order[low:high], self._split(values)

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

    def plane_matrices(self, first, others, rows: int = 256):
        fractional = np.column_stack([np.full(len(others), first), others])
        k = fractional @ self.model.reciprocal_cell
        for i in range(0, len(k), rows):
            part = k[i : i + rows]
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
