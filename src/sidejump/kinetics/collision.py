"""The linearised collision operator as a symmetric graph Laplacian (eq. 2b; theory, section 3).

Rows and columns are (point, function): the function is one of the energy, and where points stand for their images a
component of a vector.  Off the diagonal it is ``-P``; the out-scattering D couples the functions of one point.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..pairs.strips import Strip
from ..threads import PARTS, by_threads

_CACHED = 2**17  # numbers of another precision at a time: these stay in the cache


class CollisionOperator:
    """``L = D - P``.

    Parameters
    ----------
    strips : list of Strip
        P on and above the diagonal.
    diagonal : ndarray, shape (S, m, m)
        Out-scattering blocks D.
    self_pair : ndarray, shape (S, m, m)
        The part of P within points.
    dtype : numpy dtype
        Of the strips.
    """

    def __init__(self, strips: list[Strip], diagonal, self_pair, dtype):
        self.count, self.size, _ = diagonal.shape
        self.strips, self.diagonal, self.self_pair, self.dtype = strips, diagonal, self_pair, dtype
        # as much work in each part: strips on the diagonal are small, and every second one
        largest = sorted(strips, key=lambda strip: -strip.values.size * (1 + strip.mirrored))
        self._shares = [largest[part::PARTS] for part in range(PARTS)]

    @property
    def unknowns(self) -> int:
        return self.count * self.size

    @property
    def nbytes(self) -> int:
        return sum(s.values.nbytes for s in self.strips)

    def apply(self, g: np.ndarray, *, double: bool = True) -> np.ndarray:
        """L g for columns g, shape (S * m, r); `double` False: products in the precision P is stored in."""
        m, r = self.size, g.shape[1]
        result = np.matmul(self.diagonal, g.reshape(self.count, m, r)).reshape(-1, r)
        dtype = np.float64 if double else self.dtype
        # rows, not columns: BLAS reads P once for both products. One precision in each, or BLAS is not used
        stored = np.ascontiguousarray(g.T, dtype=dtype)

        def work(share):
            mine = np.zeros(stored.shape)
            for strip in share:
                i, j = strip.unknowns(m)
                across, back = stored[:, j], None
                for rows, p in _in_precision(strip.values, dtype):
                    here = slice(i.start + rows.start, i.start + rows.stop)
                    mine[:, here] += across @ p.T
                    if strip.mirrored:
                        part = stored[:, here] @ p
                        back = part if back is None else np.add(back, part, out=back)
                if back is not None:
                    mine[:, j] += back
            return mine.T

        if self.nbytes < 2e7:
            return result - sum(work(share) for share in self._shares)
        for part in by_threads(work, self._shares):
            result -= part
        return result

    def dense(self) -> np.ndarray:
        """L as a full matrix, shape (S * m, S * m)."""
        m = self.size
        full = np.zeros((self.unknowns, self.unknowns))
        for strip in self.strips:
            i, j = strip.unknowns(m)
            full[i, j] -= strip.values
            if strip.mirrored:
                full[j, i] -= strip.values.T
        blocks = full.reshape(self.count, m, self.count, m)
        index = np.arange(self.count)
        blocks[index, :, index, :] += self.diagonal
        return full

    def point_blocks(self) -> np.ndarray:
        """The (m, m) diagonal blocks of L, shape (S, m, m): the smoother of the solver."""
        return self.diagonal - self.self_pair

    def aggregated(self, bounds: np.ndarray) -> np.ndarray:
        """L between functions that are constant on clusters of points, shape (C * m, C * m).

        Parameters
        ----------
        bounds : ndarray of int, shape (C + 1,)
            Clusters among the ordered points; none straddles a block.
        """
        m, clusters = self.size, len(bounds) - 1
        full = np.zeros((clusters, m, clusters, m))

        number = np.repeat(np.arange(clusters), np.diff(bounds))

        def sums(strip):
            rows, columns = number[strip.rows], number[strip.columns]
            a, b = len(rows), len(columns)
            i, first_row = np.unique(rows, return_index=True)
            j, first_column = np.unique(columns, return_index=True)
            part = np.add.reduceat(strip.values.reshape(a, m * b * m), first_row, axis=0).reshape(len(i), m, b, m)
            return strip.mirrored, i, j, np.add.reduceat(part, first_column, axis=2)

        for mirrored, i, j, part in by_threads(sums, self.strips):
            full[i[:, None], :, j, :] -= part.transpose(0, 2, 1, 3)
            if mirrored:
                full[j[:, None], :, i, :] -= part.transpose(2, 0, 3, 1)
        index = np.arange(clusters)
        full[index, :, index, :] += np.add.reduceat(self.diagonal, bounds[:-1], axis=0)
        return full.reshape(clusters * m, clusters * m)


def _in_precision(values, dtype) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows of a matrix in another precision, a few at a time in one place; all at once where it is its own."""
    if values.dtype == dtype:
        yield slice(0, len(values)), values
        return
    step = max(1, _CACHED // values.shape[1])
    place = np.empty((min(step, len(values)), values.shape[1]), dtype)
    for start in range(0, len(values), step):
        rows = slice(start, min(start + step, len(values)))
        here = place[: rows.stop - start]
        here[...] = values[rows]
        yield rows, here
