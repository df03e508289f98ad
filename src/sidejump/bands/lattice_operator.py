"""A constant matrix between the orbitals of a crystal as an operator of its lattice.

With orbitals on their sites the states obey ``u(k + G) = exp(-i G.tau) u(k)``.  A matrix S that commutes with these
phases, as every matrix between orbitals of one site does, has one meaning at all k.  An element between different
sites has not: the number has to say which two orbitals of the crystal it connects.  It connects orbital m with the
nearest image of orbital n,

    S_mn(k) = S_mn mean_R exp(ik.(R + tau_n - tau_m)),     |R + tau_n - tau_m| least,

with the mean over images as near.  That is Hermitian if S is, has the phases of H(k), and knows nothing of the cells
that orbitals are counted in.  Spinor partners whose centres differ a little are the usual case.
"""

from __future__ import annotations

import numpy as np

from .gauge import site_phases
from .nearest import near_origin

_SAME, _TIE = 1e-9, 1e-3  # angstrom: of one site; of images as near, as sites of files are rounded


class LatticeOperator:
    """S_mn(k).

    Parameters
    ----------
    matrix : array, shape (..., N, N)
        S.
    sites : array, shape (N, d)
        tau, angstrom.
    cell : array, shape (d, d), or None
        Lattice vectors as rows, angstrom; None: no lattice, S is the matrix at all k.

    Attributes
    ----------
    matrix : ndarray, shape (..., N, N)
    between_sites : bool
        Whether it connects orbitals on different sites, and depends on k.
    cells : ndarray of int, shape (n, d)
        All R that occur.
    home : ndarray, shape (n, ..., N, N)
        ``S_mn(R)`` between orbital m of the cell 0 and n of the cell R.
    """

    def __init__(self, matrix, sites, cell):
        self.matrix = np.asarray(matrix, dtype=complex)
        self._sites, self._cell = np.asarray(sites, dtype=float), cell
        n, d = self._sites.shape
        apart = np.linalg.norm(self._sites[None] - self._sites[:, None], axis=-1) > _SAME
        self.between_sites = cell is not None and bool((self.matrix * apart).any())
        self.cells, shares = np.zeros((1, d), dtype=int), np.ones((1, n, n))
        if self.between_sites:
            self.cells, shares = _nearest(np.asarray(cell, dtype=float), self._sites)
            self._translations = self.cells @ cell
        self.home = shares.reshape(-1, *(1,) * (self.matrix.ndim - 2), n, n) * self.matrix

    @property
    def adjoint(self) -> LatticeOperator:
        """That of the adjoint matrix; this one if it is Hermitian."""
        adjoint = self.matrix.conj().swapaxes(-1, -2)
        return self if np.array_equal(self.matrix, adjoint) else LatticeOperator(adjoint, self._sites, self._cell)

    def same(self, other) -> bool:
        """Whether it is the operator of another one's matrix, of the same model."""
        return isinstance(other, LatticeOperator) and np.array_equal(self.matrix, other.matrix)

    @property
    def constant(self) -> np.ndarray | None:
        """Its matrix where that is the same at every k; None where it is not, or is one."""
        return None if self.between_sites or self.unit else self.matrix

    @property
    def unit(self) -> bool:
        """Whether it is one."""
        return np.array_equal(self.matrix, np.eye(self.matrix.shape[-1]))

    def __call__(self, k) -> np.ndarray:
        """At k (nk, d), 1/angstrom: shape (nk, ..., N, N)."""
        if not self.between_sites:
            return np.broadcast_to(self.matrix, (k.shape[0], *self.matrix.shape))
        return self._transform(np.asarray(k), self.home)

    def gradient(self, k) -> np.ndarray:
        """dS/dk_a, shape (nk, d, ..., N, N)."""
        if not self.between_sites:
            return np.zeros((*k.shape, *self.matrix.shape), dtype=complex)
        steps = (self._sites[None] - self._sites[:, None]) + self._translations[:, None, None]  # (n, N, N, d)
        lead = (1,) * (self.matrix.ndim - 2)
        steps = np.moveaxis(steps, -1, 1).reshape(len(steps), -1, *lead, *steps.shape[1:3])
        return self._transform(np.asarray(k), 1j * steps * self.home[:, None])

    def _transform(self, k, home) -> np.ndarray:
        found = np.tensordot(np.exp(1j * (k @ self._translations.T)), home, 1)
        phases = site_phases(k, self._sites)
        return found * phases.reshape(len(k), *(1,) * (found.ndim - 3), *phases.shape[1:])


def _nearest(cell, sites) -> tuple[np.ndarray, np.ndarray]:
    """R (n, d) and their shares (n, N, N) for all pairs of sites."""
    between = sites[None] - sites[:, None]
    images = near_origin(between, cell, reach=2)
    length = np.linalg.norm(images @ cell + between[:, :, None], axis=-1)
    tied = length < length.min(axis=-1, keepdims=True) + _TIE
    bra, ket, place = np.nonzero(tied)
    cells, index = np.unique(images[bra, ket, place], axis=0, return_inverse=True)
    shares = np.zeros((len(cells), *between.shape[:2]))
    shares[index.reshape(-1), bra, ket] = 1 / tied.sum(axis=-1)[bra, ket]
    return cells, shares
