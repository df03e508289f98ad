"""Build a lattice model hop by hop."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..rules import array_of
from .base import PAULI
from .lattice import LatticeModel


class TightBinding:
    """Tight binding on a lattice in two or three dimensions; every call returns the builder.

    Parameters
    ----------
    cell : array, shape (d, d)
        Lattice vectors as rows, angstrom.
    sites : sequence of (position, n_orbitals)
        Position in units of the lattice vectors, number of orbitals without spin.
    spinful : bool
        Each orbital twice, spin up next to spin down; the model then has its Pauli matrices.

    Raises
    ------
    InputError
        If a site or matrix does not fit.

    Notes
    -----
    A matrix between sites i and j may be a number (times the identity), ``(n_i, n_j)``, or, with spin,
    ``(2 n_i, 2 n_j)``; one of shape ``(n_i, n_j)`` is then the same for both spins.  With one orbital on each site and
    spin, a 2 x 2 matrix acts on the spin.

    Examples
    --------
    The Haldane model of a honeycomb lattice, one hop of the second kind from each site:

    >>> honeycomb = TightBinding([[2.46, 0.0], [1.23, 2.1304]], [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)])
    >>> for r in [(0, 0), (-1, 0), (0, -1)]:
    ...     _ = honeycomb.hop(0, 1, r, -2.7)
    >>> _ = honeycomb.onsite(0, 0.1).onsite(1, -0.1).hop(0, 0, (1, 0), 0.05j).hop(1, 1, (1, 0), -0.05j)
    >>> honeycomb.build().hamiltonian(np.zeros((1, 2))).real.round(3)
    array([[[ 0.1, -8.1],
            [-8.1, -0.1]]])
    """

    def __init__(self, cell, sites, *, spinful: bool = False):
        self.cell = array_of("cell", cell)
        self.dimension = d = self.cell.shape[0]
        if d not in (2, 3) or self.cell.shape != (d, d):
            raise InputError(f"cell has shape {self.cell.shape}; expected (2, 2) or (3, 3)")
        self.spinful = spinful
        self.positions = np.array([array_of("sites", position) for position, _ in sites])
        if self.positions.shape != (len(sites), d):
            raise InputError(f"every site needs a position of {d} numbers, in units of the lattice vectors")
        self.sizes = [int(n) * (2 if spinful else 1) for _, n in sites]
        if min(self.sizes) < 1:
            raise InputError("every site needs at least one orbital")
        ends = np.cumsum(self.sizes)
        self._slices = [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]
        self.n_orbitals = int(ends[-1])
        self._hoppings: dict[tuple[int, ...], np.ndarray] = {}
        self._at(np.zeros(d, dtype=int))

    def onsite(self, i: int, matrix) -> TightBinding:
        """Add a Hermitian matrix (eV) on site i."""
        block = self._block(i, i, matrix)
        if np.abs(block - block.conj().T).max() > 1e-10 * (np.abs(block).max() + 1e-300):
            raise InputError(f"onsite({i}): the matrix is not Hermitian")
        self._at(np.zeros(self.dimension, dtype=int))[self._slices[i], self._slices[i]] += block
        return self

    def hop(self, i: int, j: int, vector, matrix) -> TightBinding:
        """Add ``<i, 0|H|j, R>`` (eV) and its Hermitian conjugate; R in units of the lattice vectors."""
        r = np.asarray(vector)
        if r.shape != (self.dimension,) or not np.array_equal(r, np.round(r)):
            raise InputError(f"hop({i}, {j}): R = {vector} must be {self.dimension} whole numbers")
        r = r.astype(int)
        block = self._block(i, j, matrix)
        if i == j and not r.any():
            raise InputError(f"hop({i}, {j}): a hop of a site to itself; use onsite")
        self._at(r)[self._slices[i], self._slices[j]] += block
        self._at(-r)[self._slices[j], self._slices[i]] += block.conj().T
        return self

    def build(self) -> LatticeModel:
        """The lattice model."""
        sites = np.repeat(self.positions @ self.cell, self.sizes, axis=0)
        spin = np.stack([np.kron(np.eye(self.n_orbitals // 2), s) for s in PAULI]) if self.spinful else None
        vectors = np.array(list(self._hoppings))
        return LatticeModel(self.cell, vectors, np.stack(list(self._hoppings.values())), sites=sites, spin=spin)

    def _at(self, r) -> np.ndarray:
        empty = np.zeros((self.n_orbitals, self.n_orbitals), dtype=complex)
        return self._hoppings.setdefault(tuple(int(x) for x in r), empty)

    def _block(self, i, j, matrix) -> np.ndarray:
        for index in (i, j):
            if not 0 <= index < len(self.sizes):
                raise InputError(f"site {index} does not exist: there are {len(self.sizes)} sites, counted from 0")
        shape = (self.sizes[i], self.sizes[j])
        block = array_of(f"sites {i}, {j}: matrix", matrix, kind=complex)
        if block.ndim == 0 and shape[0] == shape[1]:
            return block * np.eye(shape[0])
        if block.shape == shape:
            return block
        if self.spinful and block.shape == (shape[0] // 2, shape[1] // 2):
            return np.kron(block, np.eye(2))
        raise InputError(f"sites {i}, {j}: matrix of shape {block.shape} given, {shape} expected")
