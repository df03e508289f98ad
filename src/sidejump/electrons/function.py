"""A model from a user's function H(k); derivatives by complex steps where H is analytic."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .base import ElectronModel


class FunctionModel(ElectronModel):
    """Bands of ``h(k)``.

    Parameters
    ----------
    h : callable
        Takes k (nk, d) in 1/angstrom, returns H (nk, N, N) in eV.
    dimension : int
        2 or 3.
    gradient : callable, optional
        dH/dk, shape (nk, d, N, N). Otherwise from four steps, two of them imaginary, with an error of fourth order in
        a small step, for a function analytic in k; central differences for one that uses ``abs`` or ``conj``.
    spin : array, shape (3, N, N), optional
        Pauli matrices in the basis of h.
    cell : array, shape (d, d), optional
        Lattice vectors (rows, angstrom) of a periodic h.
    search_half_width : float, optional
        Wave vectors up to this (1/angstrom) are searched for shells of a model without a cell.

    Raises
    ------
    InputError
        If h does not return Hermitian matrices of the right shape, or `gradient` disagrees with it.
    """

    def __init__(self, h, *, dimension: int, gradient=None, spin=None, cell=None, search_half_width=None):
        if dimension not in (2, 3):
            raise InputError(f"dimension = {dimension} must be 2 or 3")
        self._h, self._gradient = h, gradient
        self.dimension, self.spin = dimension, spin
        self.cell = None if cell is None else np.asarray(cell, dtype=float)
        self.search_half_width = search_half_width
        probe = np.random.default_rng(1).normal(size=(3, dimension)) * 0.3 * self.k_scale
        matrix = np.asarray(h(probe))
        if matrix.ndim != 3 or matrix.shape[0] != 3 or matrix.shape[1] != matrix.shape[2]:
            raise InputError(f"h(k) returned shape {matrix.shape} for 3 points; it must return (nk, N, N)")
        size = np.abs(matrix).max()
        if not np.allclose(matrix, matrix.conj().transpose(0, 2, 1), atol=1e-10 * size):
            raise InputError("h(k) is not Hermitian; make it equal to its conjugate transpose")
        self.n_orbitals = matrix.shape[1]
        numerical = self._central(probe)
        tolerance = 1e-5 * max(np.abs(numerical).max(), 1e-300)
        if gradient is not None:
            if not np.allclose(gradient(probe), numerical, atol=tolerance):
                raise InputError("gradient(k) disagrees with finite differences of h(k): correct it or leave it out")
            self.differentiation = "given"
        else:
            self.differentiation = "complex step"
            try:
                analytic = np.allclose(self._complex_step(probe), numerical, atol=tolerance)
            except (TypeError, ValueError):
                analytic = False
            if not analytic:
                self.differentiation = "central differences"

    def hamiltonian(self, k):
        return np.asarray(self._h(k), dtype=complex)

    def hamiltonian_gradient(self, k):
        if self._gradient is not None:
            return np.asarray(self._gradient(k), dtype=complex)
        return self._complex_step(k) if self.differentiation == "complex step" else self._central(k)

    def _complex_step(self, k):
        """Fourth order: the two real and the two imaginary steps cancel the third derivative."""
        step = 3e-4 * self.k_scale
        return 0.5 * (self._difference(k, step) + self._difference(k, 1j * step))

    def _central(self, k):
        return self._difference(k, 1e-5 * self.k_scale)

    def _difference(self, k, step):
        columns = []
        for axis in range(self.dimension):
            shift = np.zeros(self.dimension, dtype=type(step))
            shift[axis] = step
            columns.append((np.asarray(self._h(k + shift)) - np.asarray(self._h(k - shift))) / (2 * step))
        return np.stack(columns, axis=1).astype(complex)

    def describe(self) -> dict:
        return super().describe() | {"differentiation": self.differentiation}
