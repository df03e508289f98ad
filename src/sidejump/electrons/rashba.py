"""Rashba ferromagnet in two dimensions, ``H = hbar^2 k^2/2m + alpha (kx sy - ky sx) - M sz``."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from ..units import HBAR2_OVER_2M
from .base import PAULI, ElectronModel


class RashbaFerromagnet(ElectronModel):
    """Two-dimensional electron gas with Rashba coupling, magnetised along z.

    Parameters
    ----------
    effective_mass : float
        Electron masses, positive.
    rashba : float
        alpha, eV angstrom.
    exchange : float
        M, eV.

    Raises
    ------
    InputError
        If the mass is not positive.
    """

    dimension = 2
    n_orbitals = 2

    def __init__(self, *, effective_mass: float, rashba: float, exchange: float):
        if effective_mass <= 0:
            raise InputError(f"effective_mass = {effective_mass} must be positive (electron masses)")
        self.effective_mass, self.rashba, self.exchange = effective_mass, rashba, exchange
        self._kinetic = HBAR2_OVER_2M / effective_mass
        self._linear = rashba * np.stack([PAULI[1], -PAULI[0]])
        self.spin = PAULI

    @property
    def k_scale(self) -> float:
        return max(abs(self.rashba) / self._kinetic, (abs(self.exchange) / self._kinetic) ** 0.5, 1e-4)

    def hamiltonian(self, k):
        xp = array_namespace(k)
        kk = xp.astype(k, xp.complex128)[:, :, None, None]
        kinetic = self._kinetic * xp.sum(kk**2, axis=1) * xp.asarray(np.eye(2, dtype=complex))
        return kinetic + xp.sum(kk * xp.asarray(self._linear), axis=1) - self.exchange * xp.asarray(PAULI[2])

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        kk = xp.astype(k, xp.complex128)[:, :, None, None]
        return 2 * self._kinetic * kk * xp.asarray(np.eye(2, dtype=complex)) + xp.asarray(self._linear)

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        matrix = 2 * self._kinetic * np.eye(2)[:, :, None, None] * np.eye(2, dtype=complex)
        return xp.broadcast_to(xp.asarray(matrix), (k.shape[0], 2, 2, 2, 2))

    def describe(self) -> dict:
        own = {"effective_mass": self.effective_mass, "rashba": self.rashba, "exchange": self.exchange}
        return super().describe() | own
