"""Electron-phonon coupling in the Wannier basis and its Fourier transform.

    g_mn(k, q) = sum_Re sum_Rp exp(i k.Re + i q.Rp) <m 0| dV_{Rp, kappa alpha} |n Re>,

bra at k + q, ket at k, for a displacement of atom kappa along alpha in cell Rp (Cartesian, no mass, no phonon
amplitude), in the lattice gauge: Bloch sums over R without the phases of the sites.

A file holds all pairs (Rp, Re) of two lists of vectors (`Coupling`).  Images that treat bra and ket alike fill a small
part of the pairs of the vectors that they need (13 to 17 % in lead and iron): those alone are kept (`PairCoupling`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

_READING = 3  # times the coupling of the file: the most that reading it takes, its Hermitian images included


def require_memory(shape, memory: float | None) -> None:
    """Refuse a coupling of `shape` that is too large for `memory` (bytes; None for no limit) before room is made.

    Raises
    ------
    InputError
        If reading it would take more.
    """
    size = 16.0 * math.prod(shape)
    if memory is not None and _READING * size > memory:
        raise InputError(
            f"reading the coupling ({size / 1e9:.3g} GB) takes up to {_READING * size / 1e9:.3g} GB, memory is "
            f"{memory / 1e9:.3g} GB; raise memory in [solver]"
        )


class _FourierSum:
    """Both sums, for a class that knows the one over Re."""

    rp_vectors: np.ndarray
    values: np.ndarray

    @property
    def n_orbitals(self) -> int:
        return self.values.shape[-1]

    @property
    def n_displacements(self) -> int:
        """Three times the number of atoms."""
        raise NotImplementedError

    @property
    def largest(self) -> float:
        """Largest modulus of an element, eV/angstrom."""
        return max((float(np.abs(part).max(initial=0.0)) for part in self.values), default=0.0)

    def at_k(self, k) -> np.ndarray:
        """The sum over Re alone: shape (nk, nRp, 3 nat, N, N), eV/angstrom, for k (nk, 3) in crystal coordinates."""
        raise NotImplementedError

    def at(self, k, q, *, memory: float | None = None) -> np.ndarray:
        """g(k, q) for paired rows of k and q.

        Parameters
        ----------
        k, q : array, shape (npair, 3)
            Crystal coordinates. Rows that share k share the sum over Re.
        memory : float, optional
            Bytes that intermediate arrays may take; a tenth of the coupling's own, 200 MB at the most, when not given.

        Returns
        -------
        ndarray, shape (npair, 3 nat, N, N)
            eV/angstrom; axes displacement, bra at k + q, ket at k.
        """
        k, q = np.asarray(k, dtype=float), np.asarray(q, dtype=float)
        if k.shape != q.shape or k.ndim != 2 or k.shape[1] != 3:
            raise InputError(f"coupling: k {k.shape} and q {q.shape} must have the same shape (npair, 3)")
        n_rp, c, n = len(self.rp_vectors), self.n_displacements, self.n_orbitals
        memory = min(2e8, max(1e6, 0.1 * self.values.nbytes)) if memory is None else memory
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


@dataclass(frozen=True)
class Coupling(_FourierSum):
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
        expected = (len(self.rp_vectors), *shape[1:2], len(self.re_vectors), *shape[3:4], *shape[3:4])
        if len(shape) != 5 or shape != expected or shape[1] % 3:
            raise InputError(f"coupling: values has shape {shape}; expected (nRp, 3 nat, nRe, N, N)")

    @property
    def n_displacements(self) -> int:
        return self.values.shape[1]

    def rigid_shift(self) -> np.ndarray:
        """The coupling to a displacement of all atoms alike, q = 0: shape (3, nRe, N, N), eV/angstrom."""
        shift = self.values.sum(axis=0)
        return shift.reshape(-1, 3, *shift.shape[1:]).sum(axis=0)

    def at_k(self, k) -> np.ndarray:
        phase = np.exp(2j * np.pi * (np.asarray(k, dtype=float) @ self.re_vectors.T))
        n_rp, c, n_re, n, _ = self.values.shape
        partial = phase @ self.values.reshape(n_rp * c, n_re, n * n)  # (nRp 3nat, nk, N^2)
        return partial.transpose(1, 0, 2).reshape(len(phase), n_rp, c, n, n)

    def dense(self) -> Coupling:
        """Itself."""
        return self

    def pairs(self) -> PairCoupling:
        """The pairs of cells that are not zero."""
        filled = np.array([np.abs(part).max(axis=(0, 2, 3)) > 0 for part in self.values]).reshape(
            len(self.rp_vectors), len(self.re_vectors)
        )
        p, e = np.nonzero(filled)
        first = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
        return PairCoupling(self.re_vectors, self.rp_vectors, first, e, self.values[p, :, e])


@dataclass(frozen=True)
class PairCoupling(_FourierSum):
    """A coupling that holds some pairs (Rp, Re) of cells and is zero for the others.

    Parameters
    ----------
    re_vectors, rp_vectors : array of int, shape (nRe, 3), (nRp, 3)
        As in `Coupling`.
    first : array of int, shape (nRp + 1,)
        Pairs of the vector Rp number p are ``first[p]:first[p + 1]``.
    re : array of int, shape (nP,)
        Row of `re_vectors` of each pair; all different for one Rp.
    values : array of complex, shape (nP, 3 nat, N, N)
        eV/angstrom.
    """

    re_vectors: np.ndarray
    rp_vectors: np.ndarray
    first: np.ndarray
    re: np.ndarray
    values: np.ndarray

    @property
    def n_displacements(self) -> int:
        return self.values.shape[1]

    @property
    def rp(self) -> np.ndarray:
        """Row of `rp_vectors` of each pair, (nP,)."""
        return np.repeat(np.arange(len(self.rp_vectors)), np.diff(self.first))

    def of(self, p: int) -> slice:
        """Pairs of the vector Rp number `p`."""
        return slice(int(self.first[p]), int(self.first[p + 1]))

    def pairs(self) -> PairCoupling:
        """Itself."""
        return self

    def dense(self) -> Coupling:
        """The same with all pairs of the two lists of vectors."""
        n_rp, n_re, c, n = len(self.rp_vectors), len(self.re_vectors), self.n_displacements, self.n_orbitals
        values = np.zeros((n_rp, c, n_re, n, n), dtype=self.values.dtype)
        for p in range(n_rp):
            values[p][:, self.re[self.of(p)]] = self.values[self.of(p)].swapaxes(0, 1)
        return Coupling(self.re_vectors, self.rp_vectors, values)

    def rigid_shift(self) -> np.ndarray:
        """As for `Coupling`."""
        shift = np.zeros((len(self.re_vectors), *self.values.shape[1:]), dtype=self.values.dtype)
        for p in range(len(self.rp_vectors)):
            shift[self.re[self.of(p)]] += self.values[self.of(p)]
        return shift.reshape(len(shift), -1, 3, *shift.shape[2:]).sum(axis=1).swapaxes(0, 1)

    def at_k(self, k) -> np.ndarray:
        phase = np.exp(2j * np.pi * (np.asarray(k, dtype=float) @ self.re_vectors.T))
        c, n = self.n_displacements, self.n_orbitals
        result = np.empty((len(phase), len(self.rp_vectors), c * n * n), dtype=complex)
        for p in range(len(self.rp_vectors)):
            part = self.of(p)
            result[:, p] = phase[:, self.re[part]] @ self.values[part].reshape(-1, c * n * n)
        return result.reshape(len(phase), -1, c, n, n)
