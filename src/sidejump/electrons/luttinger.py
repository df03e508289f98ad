"""Luttinger model of spin-3/2 bands in an exchange field, three dimensions."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..units import HBAR2_OVER_2M
from .base import ElectronModel


def _spin_three_halves() -> np.ndarray:
    m = np.array([1.5, 0.5, -0.5, -1.5])
    raising = np.diag(np.sqrt(15 / 4 - m[1:] * (m[1:] + 1)), 1)
    jx, jy = 0.5 * (raising + raising.T), -0.5j * (raising - raising.T)
    return np.stack([jx.astype(complex), jy, np.diag(m).astype(complex)])


J = _spin_three_halves()
"""Spin-3/2 matrices, shape (3, 4, 4)."""


class Luttinger(ElectronModel):
    """Holes of a cubic semiconductor, energies counted upwards (hole picture).

    ``H = hbar^2/2m [ (g1 + 5 g2/2) k^2 - 2 g2 sum_a k_a^2 J_a^2 - 4 g3 sum_{a<b} k_a k_b {J_a, J_b} ] + h.J``

    Parameters
    ----------
    gamma1, gamma2, gamma3 : float
        Luttinger parameters.
    exchange : sequence of 3 floats
        h, eV.

    Raises
    ------
    ValueError
        If a band would bend down (``gamma1 <= 2 max(gamma2, gamma3)``): the shells would not close.
    """

    dimension = 3
    n_orbitals = 4

    def __init__(self, *, gamma1: float, gamma2: float, gamma3: float, exchange=(0.0, 0.0, 0.0)):
        if gamma1 <= 2 * max(abs(gamma2), abs(gamma3)):
            raise ValueError(f"gamma1 = {gamma1} must exceed twice gamma2 and gamma3, or the shells are open")
        self.gammas = (gamma1, gamma2, gamma3)
        self.exchange = np.asarray(exchange, dtype=float)
        quadratic = np.empty((3, 3, 4, 4), dtype=complex)  # H = sum_ab k_a k_b Q_ab
        for a in range(3):
            for b in range(3):
                if a == b:
                    quadratic[a, a] = (gamma1 + 2.5 * gamma2) * np.eye(4) - 2 * gamma2 * J[a] @ J[a]
                else:
                    quadratic[a, b] = -gamma3 * (J[a] @ J[b] + J[b] @ J[a])
        self._quadratic = HBAR2_OVER_2M * quadratic
        self._zeeman = np.einsum("a,aij->ij", self.exchange, J)

    @property
    def k_scale(self) -> float:
        return max(float(np.sqrt(np.linalg.norm(self.exchange) / HBAR2_OVER_2M / self.gammas[0])), 0.01)

    def hamiltonian(self, k):
        xp = array_namespace(k)
        kk = xp.astype(k[:, :, None] * k[:, None, :], xp.complex128)[..., None, None]
        return xp.sum(kk * xp.asarray(self._quadratic), axis=(1, 2)) + xp.asarray(self._zeeman)

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        kk = xp.astype(k, xp.complex128)[:, None, :, None, None]
        return 2 * xp.sum(kk * xp.asarray(self._quadratic), axis=2)

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        return xp.broadcast_to(xp.asarray(2 * self._quadratic), (k.shape[0], 3, 3, 4, 4))

    def describe(self) -> dict:
        return super().describe() | {"gammas": list(self.gammas), "exchange": self.exchange.tolist()}
