"""Lattice models from H(R) and the position matrix r(R): Wannier functions and tight binding.

    H_mn(k) = sum_R exp(i k.(R + tau_n - tau_m)) H_mn(R)

the atomic gauge, where a slowly varying scalar potential is a number times the identity.  What the sites tau leave
of the position matrix, ``r_mn(R) - tau_m delta_mn delta_R0``, is A(k).
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from .base import ElectronModel


class LatticeModel(ElectronModel):
    """A crystal given by its real-space matrices, weights folded in.

    Parameters
    ----------
    cell : array, shape (d, d)
        Lattice vectors as rows, angstrom.
    vectors : array of int, shape (nR, d)
        R in units of the cell, all different.
    hoppings : array, shape (nR, N, N)
        ``H_mn(R) = <m 0|H|n R>``, eV.
    positions : array, shape (nR, d, N, N), optional
        ``<m 0|r|n R>``, angstrom.
    sites : array, shape (N, d), optional
        tau, angstrom; zero when not given.
    spin : array, shape (3, N, N), optional
        Pauli matrices in the orbital basis.

    Raises
    ------
    InputError
        If shapes disagree or H(R) is not Hermitian.
    """

    def __init__(self, cell, vectors, hoppings, positions=None, sites=None, spin=None):
        self.cell = np.asarray(cell, dtype=float)
        self.dimension = d = self.cell.shape[0]
        self.vectors = np.asarray(vectors, dtype=int)
        self.hoppings = np.asarray(hoppings, dtype=complex)
        n_r, n = self.hoppings.shape[:2]
        if self.cell.shape != (d, d) or self.vectors.shape != (n_r, d) or self.hoppings.shape != (n_r, n, n):
            raise InputError(
                f"lattice model: cell {self.cell.shape}, vectors {self.vectors.shape} and hoppings "
                f"{self.hoppings.shape} do not fit together; expected (d, d), (nR, d), (nR, N, N)"
            )
        self.n_orbitals = n
        self._sites = np.zeros((n, d)) if sites is None else np.asarray(sites, dtype=float)
        self.spin = spin
        violation = self._hermiticity_violation()
        if violation > 1e-3:
            raise InputError(f"hoppings: H(R) differs from H(-R)^+ by {violation:.2g} eV; give both R and -R")
        self.hermiticity_violation = violation
        translation = self.vectors @ self.cell
        # R + tau_n - tau_m, shape (nR, d, N, N)
        between = self._sites.T[:, None, :] - self._sites.T[:, :, None]
        self._distance = translation[:, :, None, None] + between[None]
        self._uniform = not np.any(between)
        self._translation = translation
        self._h_stack = self._with_gradient(self.hoppings)
        self._a_stack = None
        if positions is not None:
            residual = np.array(positions, dtype=complex)
            home = np.flatnonzero(~self.vectors.any(axis=1))
            for axis in range(d):
                residual[home[0], axis] -= np.diag(self._sites[:, axis])
            self.residual_positions = residual
            self._a_stack = residual

    @property
    def site_positions(self) -> np.ndarray:
        return self._sites

    def _hermiticity_violation(self) -> float:
        index = {tuple(r): i for i, r in enumerate(self.vectors)}
        partner = np.array([index.get(tuple(-r), -1) for r in self.vectors])
        mirrored = np.where((partner >= 0)[:, None, None], self.hoppings[partner], 0).conj().transpose(0, 2, 1)
        return float(np.abs(self.hoppings - mirrored).max())

    def _with_gradient(self, h):
        return np.concatenate([h[:, None], 1j * self._distance * h[:, None]], axis=1)

    def _transform(self, k, stack):
        """``sum_R exp(i k.R) stack(R)`` times the site phases: shape (nk, C, N, N)."""
        xp = array_namespace(k)
        n_r, components, n, _ = stack.shape
        phase = xp.exp(1j * xp.astype(xp.matmul(k, xp.asarray(self._translation.T)), xp.complex128))
        flat = xp.matmul(phase, xp.asarray(stack.reshape(n_r, -1)))
        result = xp.reshape(flat, (k.shape[0], components, n, n))
        if self._uniform:
            return result
        site = xp.exp(1j * xp.astype(xp.matmul(k, xp.asarray(self._sites.T)), xp.complex128))
        return result * (xp.conj(site)[:, None, :, None] * site[:, None, None, :])

    def hamiltonian(self, k):
        h = self._transform(k, self._h_stack[:, :1])[:, 0]
        return 0.5 * (h + array_namespace(k).conj(array_namespace(k).matrix_transpose(h)))

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        gradient = self._transform(k, self._h_stack[:, 1:])
        return 0.5 * (gradient + xp.conj(xp.matrix_transpose(gradient)))

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        d = self.dimension
        second = -self._distance[:, :, None] * self._distance[:, None] * self.hoppings[:, None, None]
        n_r, n = second.shape[0], self.n_orbitals
        return xp.reshape(self._transform(k, second.reshape(n_r, d * d, n, n)), (k.shape[0], d, d, n, n))

    def position_matrix(self, k):
        if self._a_stack is None:
            return None
        xp = array_namespace(k)
        a = self._transform(k, self._a_stack)
        return 0.5 * (a + xp.conj(xp.matrix_transpose(a)))

    def position_curl(self, k):
        if self._a_stack is None:
            return None
        xp = array_namespace(k)
        pairs = [(1, 2), (2, 0), (0, 1)] if self.dimension == 3 else [(0, 1)]
        r, a = self._distance, self._a_stack
        stack = np.stack([1j * (r[:, i] * a[:, j] - r[:, j] * a[:, i]) for i, j in pairs], axis=1)
        curl = self._transform(k, stack)
        return 0.5 * (curl + xp.conj(xp.matrix_transpose(curl)))
