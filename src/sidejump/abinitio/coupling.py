"""Electron-phonon coupling in the Wannier basis and its Fourier transform.

    g_mn(k, q) = sum_Re sum_Rp exp(i k.Re + i q.Rp) <m 0| dV_{Rp, kappa alpha} |n Re>,

bra at k + q, ket at k, for a displacement of atom kappa along alpha in cell Rp (Cartesian, no mass, no phonon
amplitude), in the lattice gauge: Bloch sums over R without the phases of the sites.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Coupling:
    """Matrix elements of the displacement derivative of the potential between Wannier functions.

    Parameters
    ----------
    re_vectors : array of int, shape (nRe, 3)
        Cell of the ket, in units of the lattice vectors.
    rp_vectors : array of int, shape (nRp, 3)
        Cell of the displaced atom.
    values : array of complex, shape (nRp, 3 nat, nRe, N, N)
        Element [Rp, kappa alpha, Re, m, n] is ``<m 0| dV_{Rp, kappa alpha} |n Re>``, eV/angstrom, weights folded in.

    Raises
    ------
    InputError
        If shapes disagree.
    """

    re_vectors: np.ndarray
    rp_vectors: np.ndarray
    values: np.ndarray

    def __post_init__(self):
        shape = np.shape(self.values)
        expected = (len(self.rp_vectors), shape[1], len(self.re_vectors), shape[3], shape[3])
        if shape != expected or shape[1] % 3:
            raise InputError(f"coupling: values has shape {shape}; expected (nRp, 3 nat, nRe, N, N)")

    @property
    def n_orbitals(self) -> int:
        return self.values.shape[-1]

    @property
    def n_displacements(self) -> int:
        """Three times the number of atoms."""
        return self.values.shape[1]

    def rigid_shift(self) -> np.ndarray:
        """The coupling to a displacement of all atoms alike, q = 0: shape (3, nRe, N, N), eV/angstrom."""
        shift = self.values.sum(axis=0)
        return shift.reshape(-1, 3, *shift.shape[1:]).sum(axis=0)

    def at_k(self, k) -> np.ndarray:
        """The sum over Re alone: shape (nk, nRp, 3 nat, N, N), eV/angstrom, for k (nk, 3) in crystal coordinates."""
        phase = np.exp(2j * np.pi * (np.asarray(k, dtype=float) @ self.re_vectors.T))
        n_rp, c, n_re, n, _ = self.values.shape
        partial = phase @ self.values.reshape(n_rp * c, n_re, n * n)  # (nRp 3nat, nk, N^2)
        return partial.transpose(1, 0, 2).reshape(len(phase), n_rp, c, n, n)

    def at(self, k, q, *, memory: float = 2e8) -> np.ndarray:
        """g(k, q) for paired rows of k and q.

        Parameters
        ----------
        k, q : array, shape (npair, 3)
            Crystal coordinates. Rows that share k share the sum over Re.
        memory : float
            Bytes that intermediate arrays may take.

        Returns
        -------
        ndarray, shape (npair, 3 nat, N, N)
            eV/angstrom; axes displacement, bra at k + q, ket at k.
        """
        k, q = np.asarray(k, dtype=float), np.asarray(q, dtype=float)
        if k.shape != q.shape or k.ndim != 2 or k.shape[1] != 3:
            raise InputError(f"coupling: k {k.shape} and q {q.shape} must have the same shape (npair, 3)")
        n_rp, c, _, n, _ = self.values.shape
        result = np.empty((len(k), c, n, n), dtype=complex)
        points, index = np.unique(k, axis=0, return_inverse=True)
        index = index.ravel()
        order = np.argsort(index, kind="stable")
        ends = np.searchsorted(index[order], np.arange(len(points) + 1))
        block = max(1, int(memory / (2 * 16 * n_rp * c * n * n)))
        for start in range(0, len(points), block):
            partial = self.at_k(points[start : start + block])
            for j, half in enumerate(partial.reshape(len(partial), n_rp, -1), start=start):
                rows = order[ends[j] : ends[j + 1]]
                phase = np.exp(2j * np.pi * (q[rows] @ self.rp_vectors.T))
                result[rows] = (phase @ half).reshape(len(rows), c, n, n)
        return result
