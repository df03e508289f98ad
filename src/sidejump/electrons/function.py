"""Any Python function H(k) as a model, with its gradient by differentiation in the complex plane.

H(k) is analytic in k where it is made of polynomials, exponentials, sines and square roots, and

    dH/dk_a = (1 / M s) sum_j H(k + s w^j e_a) w^-j,    w = exp(2 pi i / M)

is then exact but for terms of order s^M (Cauchy's formula on a circle of radius s).  The usual single imaginary step
would lose the imaginary part of H's complex elements.  M = 8, and half of the circle follows from ``H(k*) = H(k)^+``.
A function that uses abs, conj or comparisons is not analytic: this is noticed at construction, and central
differences of fourth order are used.
"""

from __future__ import annotations

import warnings

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from .base import ElectronModel

_RADIUS = 3e-3  # of k_scale


class FunctionModel(ElectronModel):
    """A Hamiltonian given as a function.

    Parameters
    ----------
    h : callable
        ``h(k)`` for k of shape (nk, d), 1/angstrom, returns (nk, N, N), eV; Hermitian for real k.
    dimension : {2, 3}
    n_orbitals : int, optional
        N; found by calling `h` when not given.
    gradient : callable, optional
        ``gradient(k)`` of shape (nk, d, N, N), eV angstrom.
    spin : array, shape (3, N, N), optional
        Pauli matrices of the spin in the orbital basis.
    cell : array, shape (d, d), optional
        Lattice vectors as rows, angstrom, when H(k) has the period of the reciprocal lattice.
    search_half_width : float, optional
        Without a cell: isoenergy shells are searched for ``|k_a|`` below this, 1/angstrom.

    Attributes
    ----------
    gradient_method : {"given", "complex", "differences"}

    Raises
    ------
    InputError
        If `h` returns another shape, is not Hermitian or not periodic, or `gradient` is not its derivative.

    Examples
    --------
    >>> from sidejump.electrons.base import PAULI
    >>> def warped(k):
    ...     kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    ...     return 3 * (kx * PAULI[1] - ky * PAULI[0]) + (0.1 + 40 * (kx**3 - 3 * kx * ky**2)) * PAULI[2]
    >>> FunctionModel(warped, dimension=2, search_half_width=0.3).gradient_method
    'complex'
    """

    def __init__(
        self, h, *, dimension: int, n_orbitals=None, gradient=None, spin=None, cell=None, search_half_width=None
    ):
        self.h, self._gradient, self.dimension = h, gradient, dimension
        if dimension not in (2, 3):
            raise InputError(f"dimension = {dimension}: give 2 or 3")
        self.cell = None if cell is None else np.asarray(cell, dtype=float)
        if self.cell is not None and self.cell.shape != (dimension, dimension):
            raise InputError(f"cell has shape {self.cell.shape}; expected {(dimension, dimension)}")
        self.search_half_width = search_half_width
        k = self.k_scale * np.random.default_rng(1).uniform(-0.5, 0.5, (4, dimension))
        sample = self._sample(k)
        self.n_orbitals = n = sample.shape[1] if n_orbitals is None else n_orbitals
        if sample.shape != (4, n, n):
            raise InputError(f"h(k) has shape {sample.shape} for 4 k points; expected {(4, n, n)}")
        self.spin = None if spin is None else np.asarray(spin, dtype=complex)
        if self.spin is not None and self.spin.shape != (3, n, n):
            raise InputError(f"spin has shape {self.spin.shape}; expected {(3, n, n)}")
        size = np.abs(sample).max() or 1.0
        if np.abs(sample - sample.conj().swapaxes(1, 2)).max() > 1e-8 * size:
            raise InputError("h(k) is not Hermitian for real k")
        reciprocal = self.reciprocal_cell
        for g in [] if reciprocal is None else reciprocal:
            if np.abs(self._sample(k + g) - sample).max() > 1e-8 * size:
                raise InputError("h(k) does not have the period of the reciprocal lattice of cell")
        self.gradient_method = self._choose_method(k)

    def _sample(self, k):
        sample = np.asarray(self.h(k), dtype=complex)
        if sample.ndim != 3 or len(sample) != len(k):
            raise InputError(f"h(k) has shape {sample.shape} for {len(k)} k points; expected ({len(k)}, N, N)")
        return sample

    def _choose_method(self, k) -> str:
        """Compare with central differences; tells a wrong gradient from a function that is not analytic."""
        reference = self._differences(k)
        allowed = 1e-5 * (np.abs(reference).max() + np.abs(self.h(k)).max() / self.k_scale)
        if self._gradient is not None:
            given = np.asarray(self._gradient(k))
            if given.shape != reference.shape or np.abs(given - reference).max() > allowed:
                raise InputError("gradient(k) is not the derivative of h(k); leave it out to have it computed")
            return "given"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                complex_step = self._on_circle(k)
        except (TypeError, ValueError, Warning):
            return "differences"
        return "complex" if np.abs(complex_step - reference).max() <= allowed else "differences"

    def hamiltonian(self, k):
        xp = array_namespace(k)
        return xp.astype(self.h(k), xp.complex128)

    def hamiltonian_gradient(self, k):
        if self.gradient_method == "given":
            return self._gradient(k)
        return self._on_circle(k) if self.gradient_method == "complex" else self._differences(k)

    def _on_circle(self, k):
        xp = array_namespace(k)
        radius = _RADIUS * self.k_scale
        kk = xp.astype(k, xp.complex128)
        columns = []
        for direction in np.eye(self.dimension):
            total = self.h(kk + xp.asarray(radius * direction + 0j)) - self.h(kk - xp.asarray(radius * direction + 0j))
            for j in (1, 2, 3):
                w = np.exp(2j * np.pi * j / 8)
                term = complex(w.conjugate()) * self.h(kk + xp.asarray(radius * w * direction))
                total = total + term + xp.conj(xp.matrix_transpose(term))
            columns.append(total / (8 * radius))
        return xp.stack(columns, axis=1)

    def _differences(self, k):
        xp = array_namespace(k)
        step = _RADIUS * self.k_scale
        columns = []
        for direction in np.eye(self.dimension):
            shift = xp.asarray(step * direction)
            near = self.hamiltonian(k + shift) - self.hamiltonian(k - shift)
            far = self.hamiltonian(k + 2 * shift) - self.hamiltonian(k - 2 * shift)
            columns.append((8 * near - far) / (12 * step))
        return xp.stack(columns, axis=1)

    def describe(self) -> dict:
        name = getattr(self.h, "__name__", type(self.h).__name__)
        return super().describe() | {"function": name, "gradient_method": self.gradient_method}
