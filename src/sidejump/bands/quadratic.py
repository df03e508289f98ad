"""k.p models that are polynomials of second order: H = H0 + H1_a k_a + H2_ab k_a k_b / 2, derivatives exact."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from .base import ElectronModel, along


class QuadraticModel(ElectronModel):
    """Base of the k.p models; a subclass hands over its three coefficient arrays.

    Parameters
    ----------
    constant : array, shape (N, N)
        eV.
    linear : array, shape (d, N, N)
        eV angstrom.
    quadratic : array, shape (d, d, N, N)
        The second derivative, symmetric in its first two axes, eV angstrom^2.
    """

    def __init__(self, constant, linear, quadratic):
        self._constant = np.asarray(constant, dtype=complex)
        self._linear = np.asarray(linear, dtype=complex)
        self._quadratic = np.asarray(quadratic, dtype=complex)
        self.dimension, self.n_orbitals = self._linear.shape[:2]

    def _contract(self, k, coefficients):
        """``sum_a k_a coefficients[a]``, with the axes of k first."""
        xp = array_namespace(k)
        d = self.dimension
        flat = xp.asarray(coefficients.reshape(d, -1))
        return xp.reshape(xp.matmul(xp.astype(k, xp.complex128), flat), (k.shape[0], *coefficients.shape[1:]))

    def hamiltonian(self, k):
        xp = array_namespace(k)
        slope = xp.asarray(self._linear) + 0.5 * self._contract(k, self._quadratic)
        return along(k, slope) + xp.asarray(self._constant)

    def hamiltonian_gradient(self, k):
        return array_namespace(k).asarray(self._linear) + self._contract(k, self._quadratic)

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        return xp.broadcast_to(xp.asarray(self._quadratic), (k.shape[0], *self._quadratic.shape))
