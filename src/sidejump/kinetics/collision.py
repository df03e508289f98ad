"""The linearised collision operator as a symmetric graph Laplacian (eq. 2b; theory, section 3).

Rows and columns are (point, basis function).  Off the diagonal it is ``-P``; the out-scattering couples the basis
functions of one point and is fixed so that every row sums to zero: particle conservation holds to rounding.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..energy.kernel import ScatteringKernel, SharedKernel
from ..pairs.contraction import both_sums, contract_shared
from ..pairs.geometry import PairBlock, SharedBlock
from ..pairs.strips import Strip, join_blocks
from ..threads import THREADS


class CollisionOperator:
    """``L = D - P`` accumulated from blocks of pairs.

    Parameters
    ----------
    count, size : int
        Points and basis functions.
    dimension : int
    dtype : numpy dtype
        Storage of the blocks of P; everything on the diagonal is float64.

    Attributes
    ----------
    diagonal : ndarray, shape (S, m, m)
        Out-scattering blocks D, valid after :meth:`finish`.
    side_jump_drive : ndarray, shape (S, m, d)
        ``sum_l' P dr``, the weighted side-jump velocity (eqs 11, 12).
    pairs : int
        Ordered pairs of unknowns visited.
    """

    def __init__(self, count: int, size: int, dimension: int, dtype=np.float64):
        self.count, self.size, self.dtype = count, size, dtype
        self._out = np.zeros((count, size, size))
        self._row_sum = np.zeros((count, size))
        self._self_pair = np.zeros((count, size, size))
        self.side_jump_drive = np.zeros((count, size, dimension))
        self._blocks: list[tuple[slice, slice, np.ndarray]] = []
        self._strips: list[Strip] = []
        self.pairs = 0
        self.diagonal = np.zeros((count, size, size))

    @classmethod
    def assembled(cls, blocks, diagonal, self_pair, dtype) -> CollisionOperator:
        """From what is known of all pairs: blocks (rows, columns, values) of P on and above the diagonal, D (S, m, m),
        and the part of P within points (S, m, m)."""
        operator = cls(len(diagonal), diagonal.shape[1], 0, dtype)
        operator._strips, operator.diagonal, operator._self_pair = join_blocks(blocks), diagonal, self_pair
        return operator

    def add(self, block: PairBlock, kernel: ScatteringKernel) -> None:
        """Add the scattering of one block of pairs."""
        if block.z.min() > kernel.cutoff:
            return
        rows, columns = block.rows, block.columns
        mirrored = rows != columns
        values, out_rows, out_columns = _contract_kernel(block, kernel, self.size, mirrored)
        p = block.strength * values
        a, m, b, _ = p.shape
        over_columns, over_rows = both_sums(p.reshape(a * m, b * m), mirrored)
        self._row_sum[rows] += over_columns.reshape(a, m)
        self._out[rows] += out_rows
        if mirrored:
            self._row_sum[columns] += over_rows.reshape(b, m)
            self._out[columns] += out_columns
        else:
            index = np.arange(a)
            self._self_pair[rows] += p[index, :, index, :]
        for axis, shift in enumerate(block.shift):
            over_columns, over_rows = both_sums((shift * values).reshape(a * m, b * m), mirrored)
            self.side_jump_drive[rows, :, axis] += over_columns.reshape(a, m)
            if mirrored:  # the shift is antisymmetric
                self.side_jump_drive[columns, :, axis] -= over_rows.reshape(b, m)
        self.pairs += p.size * (2 if mirrored else 1)
        self._blocks.append((rows, columns, p.reshape(a * m, b * m).astype(self.dtype, copy=False)))

    def add_shared(self, block: SharedBlock, kernel: SharedKernel) -> None:
        """Add one block of pairs of a shared shell; the kernel is symmetric in the basis functions."""
        rows, columns, m = block.rows, block.columns, self.size
        mirrored = rows != columns
        a_count, b_count = rows.stop - rows.start, columns.stop - columns.start
        found = contract_shared(block, kernel, m, mirrored)
        if not found.rates:
            return
        self._out[rows] += found.out_rows
        self.side_jump_drive[rows] += found.jump_rows
        if mirrored:  # the shift is antisymmetric
            self._out[columns] += found.out_columns
            self.side_jump_drive[columns] -= found.jump_columns
        p = np.empty((a_count, m, b_count, m), dtype=self.dtype)
        for (a, b), rates in found.rates.items():
            p[:, a, :, b] = p[:, b, :, a] = rates
        over_columns, over_rows = both_sums(p.reshape(a_count * m, b_count * m), mirrored)
        self._row_sum[rows] += over_columns.reshape(a_count, m)
        if mirrored:
            self._row_sum[columns] += over_rows.reshape(b_count, m)
        else:
            index = np.arange(a_count)
            self._self_pair[rows] += p[index, :, index, :]
        self.pairs += p.size * (2 if mirrored else 1)
        self._blocks.append((rows, columns, p.reshape(a_count * m, b_count * m)))

    def merge(self, other: CollisionOperator) -> None:
        """Take over what another operator of the same unknowns has accumulated."""
        self._out += other._out
        self._row_sum += other._row_sum
        self._self_pair += other._self_pair
        self.side_jump_drive += other.side_jump_drive
        self._blocks += other._blocks
        self.pairs += other.pairs

    def finish(self) -> None:
        """Set the out-scattering so that every row of L sums to zero; no block may be added afterwards."""
        self._strips = join_blocks(self._blocks)
        d = 0.5 * (self._out + self._out.transpose(0, 2, 1))
        index = np.arange(self.size)
        d[:, index, index] = 0.0
        d[:, index, index] = self._row_sum - d.sum(axis=2)
        self.diagonal = d
        # what the rounding of stored sums left
        ones = np.ones((self.unknowns, 1))
        d[:, index, index] -= self.apply(ones).reshape(self.count, self.size)

    @property
    def unknowns(self) -> int:
        return self.count * self.size

    @property
    def nbytes(self) -> int:
        return sum(p.nbytes for _, _, p in self._blocks) + sum(s.values.nbytes for s in self._strips)

    def apply(self, g: np.ndarray, *, double: bool = True) -> np.ndarray:
        """L g for columns g, shape (S * m, r); `double` False: products in the precision P is stored in."""
        m, r = self.size, g.shape[1]
        result = np.matmul(self.diagonal, g.reshape(self.count, m, r)).reshape(-1, r)
        dtype = np.float64 if double else self.dtype
        # rows, not columns: BLAS reads P once for both products. One precision in each, or BLAS is not used
        stored = np.ascontiguousarray(g.T, dtype=dtype)

        def work(part):
            mine = np.zeros(stored.shape)
            for strip in self._strips[part::THREADS]:
                i, j = strip.unknowns(m)
                p = strip.values.astype(dtype, copy=False)
                mine[:, i] += stored[:, j] @ p.T
                if strip.mirrored:
                    mine[:, j] += stored[:, i] @ p
            return mine.T

        if self.nbytes < 2e7:
            return result - sum(work(part) for part in range(THREADS))
        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            for part in pool.map(work, range(THREADS)):
                result -= part
        return result

    def dense(self) -> np.ndarray:
        """L as a full matrix, shape (S * m, S * m)."""
        m = self.size
        full = np.zeros((self.unknowns, self.unknowns))
        for strip in self._strips:
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
        return self.diagonal - self._self_pair

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

        with ThreadPoolExecutor(THREADS) as pool:
            for mirrored, i, j, part in pool.map(sums, self._strips):
                full[i[:, None], :, j, :] -= part.transpose(0, 2, 1, 3)
                if mirrored:
                    full[j[:, None], :, i, :] -= part.transpose(2, 0, 3, 1)
        index = np.arange(clusters)
        full[index, :, index, :] += np.add.reduceat(self.diagonal, bounds[:-1], axis=0)
        return full.reshape(clusters * m, clusters * m)


def _contract_kernel(block: PairBlock, kernel: ScatteringKernel, m: int, mirrored: bool):
    """Kernel values (A, m, B, m) and the out-scattering blocks of the rows (A, m, m) and of the columns (B, m, m).

    Out-scattering is linear in the polynomials of the phonon energy: these are summed over the final points first.
    """
    a, _, b, _ = block.z.shape
    values = np.zeros(block.z.shape)
    out_rows, out_columns = np.zeros((a, m, m)), np.zeros((b, m, m))
    for factor, y, series in kernel.phonons(block.z):
        weighted = block.strength * factor
        here = np.zeros(block.z.shape)
        terms = len(series.pair)
        from_rows, from_columns = np.zeros((terms, a, m, m)), np.zeros((terms, m, b, m))
        for k, polynomial in enumerate(series.polynomials(y)):
            here += series.pair[k][:, None] * polynomial
            if m > 1:
                _moments(weighted, polynomial, from_rows[k], from_columns[k] if mirrored else None)
        values += np.multiply(here, factor, out=here)
        if m > 1:
            out_rows += _out_scattering(from_rows.transpose(2, 1, 0, 3), series.triple)
            if mirrored:
                out_columns += _out_scattering(from_columns.transpose(3, 2, 0, 1), series.back)
    elastic = kernel.elastic(block.z)
    if elastic is not None:
        index = np.arange(m)
        values[:, index, :, index] += elastic[:, index, :, index] * kernel.thermal_weight[:, None, None]
    return values, out_rows, out_columns


def _out_scattering(moments, triple):
    """Sum over the polynomials and the final nodes of moments (m, points, K, m') with tables (K, m, m, m')."""
    m, points, *_ = moments.shape
    right = triple.transpose(1, 0, 3, 2).reshape(m, -1, m)
    return np.matmul(moments.reshape(m, points, -1), right).transpose(1, 0, 2)


def _moments(weighted, polynomial, rows, columns):
    product = weighted * polynomial
    product.sum(axis=2, out=rows)
    if columns is not None:
        product.sum(axis=0, out=columns)
