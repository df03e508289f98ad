"""Phonon modes of all pairs of two sets of states.

With q = k' - k the dynamical matrix of all pairs is one matrix product: cos and sin of q.R are products of those of k.R
and k'.R.  With one atom in the cell the matrix is real (every such crystal has inversion), 3 x 3, and its modes have a
closed form (`projectors`); otherwise LAPACK gives eigenvectors, matrix by matrix.

Modes without an amplitude have no strength: `container` says which, imaginary ones beyond `SOFT` and omega = 0.
"""

from __future__ import annotations

import numpy as np

from ...units import HBAR2_OVER_2M
from ...wannier.container import SOFT
from .dipole import DipoleSums
from .projectors import PairModes, ProjectedModes, VectorModes, real_symmetric_projectors

CUTOFF = 1e-7
"""Modes closer to zero energy than this (eV) have no amplitude."""


class PhononPairs:
    """Dynamical matrices of pairs of wave vectors.

    Parameters
    ----------
    phonons : Phonons
    dtype : numpy dtype
        Real; what modes are computed in. Dynamical matrices are always summed in float64, so that small q are safe.
    """

    def __init__(self, phonons, dtype=np.float64):
        self.phonons, self.dtype = phonons, np.dtype(dtype)
        self.dipole = None if phonons.dipole_part is None else DipoleSums(phonons.dipole_part)
        n = phonons.n_modes
        root = np.repeat(1 / np.sqrt(np.asarray(phonons.masses)), 3)
        self._scale = 2 * HBAR2_OVER_2M * root[:, None] * root
        cells, even, odd = _half(np.asarray(phonons.vectors), np.asarray(phonons.force_constants))
        self._where = cells @ np.asarray(phonons.cell)
        self._upper = np.triu_indices(n)
        # upper triangle, (components, nR): coefficients of cos and sin
        even, odd = ((self._scale * part)[:, self._upper[0], self._upper[1]].T for part in (even, odd))
        self.real = bool(max(np.abs(even.imag).max(), np.abs(odd.imag).max()) < 1e-13 * np.abs(even).max())
        self._even, self._odd = even.real, odd.real
        if not self.real:
            self._even, self._odd = np.concatenate([even.real, even.imag]), np.concatenate([odd.real, odd.imag])

    @property
    def closed_form(self) -> bool:
        return self.real and self.phonons.n_modes == 3 and self.dipole is None

    @property
    def flops(self) -> float:
        """Of the matrix product for one dynamical matrix."""
        return 4.0 * self._even.size

    def initial(self, k) -> np.ndarray:
        """What the initial wave vectors k (A, 3) bring in: shape (components, A, 2 nR)."""
        phase = k @ self._where.T
        cosine, sine = np.cos(phase), np.sin(phase)
        even, odd = self._even[:, None], self._odd[:, None]
        return np.concatenate([even * cosine - odd * sine, even * sine + odd * cosine], axis=2)

    def final(self, k) -> np.ndarray:
        """What the final wave vectors k (B, 3) bring in: shape (B, 2 nR)."""
        phase = k @ self._where.T
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)

    def solve(self, initial, final, dipole=None) -> PairModes:
        """Modes of all pairs, A B of them.

        Parameters
        ----------
        initial, final : ndarray
            From the methods of these names, for A and B wave vectors.
        dipole : callable, optional
            Gives ``self.dipole.at(k' - k)`` of all pairs; asked for where there is a dipole part.
        """
        c, a, width = initial.shape
        planes = (initial.reshape(c * a, width) @ final.T).reshape(c, -1)
        if self.closed_form:
            square, projectors, top = real_symmetric_projectors(planes.astype(self.dtype, copy=False))
            return ProjectedModes(*_energies(square), projectors, top)
        square, vectors = self._lapack(planes, dipole)
        real = np.ascontiguousarray(vectors.real.astype(self.dtype))
        imag = None if self.real else np.ascontiguousarray(vectors.imag.astype(self.dtype))
        return VectorModes(*_energies(square.astype(self.dtype)), real, imag)

    def _lapack(self, planes, dipole):
        n = self.phonons.n_modes
        polar = self.dipole is not None
        matrix = np.zeros((planes.shape[1], n, n), dtype=float if self.real and not polar else complex)
        count = len(self._upper[0])
        entries = planes if self.real else planes[:count] + 1j * planes[count:]
        matrix[:, self._upper[1], self._upper[0]] = entries.conj().T  # LAPACK reads the lower triangle
        if polar:
            part = dipole().force_constants()
            matrix += self._scale * 0.5 * (part + part.conj().swapaxes(1, 2))
        square, vectors = np.linalg.eigh(matrix, UPLO="L")
        return square.T, vectors.transpose(1, 2, 0)


def _energies(square) -> tuple[np.ndarray, np.ndarray, int]:
    """omega, 1/omega where there is an amplitude, and the number of imaginary modes left out."""
    size = np.sqrt(np.abs(square))
    omega = np.copysign(size, square)
    lost = omega <= -SOFT  # as in `ElectronPhonon.coupling`
    live = (size > CUTOFF) & ~lost
    return omega, live / np.maximum(size, np.asarray(CUTOFF, size.dtype)), int(np.count_nonzero(lost))


def _half(vectors, constants):
    """Hermitian part of ``sum_R exp(iq.R) C(R)`` as a sum of cos and sin over half of the lattice vectors.

    Returns the vectors (nR, 3) and the matrices E, O (nR, n, n) of ``sum_R E cos(q.R) + O sin(q.R)``.
    """
    collected: dict[tuple, np.ndarray] = {}
    for r, c in zip(map(tuple, vectors.tolist()), constants, strict=True):
        mirrored = tuple(-x for x in r)
        for cell, part in ((r, c), (mirrored, c.conj().T)):
            collected[cell] = collected.get(cell, 0) + 0.5 * part
    cells = [r for r in collected if r >= tuple(-x for x in r)]
    even, odd = [], []
    for r in cells:
        mirrored = tuple(-x for x in r)
        home = r == mirrored
        even.append(collected[r] if home else collected[r] + collected[mirrored])
        odd.append(0 * collected[r] if home else 1j * (collected[r] - collected[mirrored]))
    return np.array(cells), np.array(even, dtype=complex), np.array(odd, dtype=complex)
