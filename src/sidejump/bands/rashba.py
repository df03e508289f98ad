"""Rashba ferromagnet in two dimensions, ``H = hbar^2 k^2 / 2m + alpha (k_x sigma_y - k_y sigma_x) - M sigma_z``."""

from __future__ import annotations

import numpy as np

from ..rules import checked
from ..units import HBAR2_OVER_2M
from .base import PAULI
from .parameters import RashbaParameters
from .quadratic import QuadraticModel


class RashbaFerromagnet(QuadraticModel):
    """Parabolic band with Rashba spin-orbit coupling and an exchange field along z.

    Parameters
    ----------
    effective_mass : float
        m in electron masses.
    rashba : float
        alpha, eV angstrom.
    exchange : float
        M, half the splitting at k = 0, eV.

    Raises
    ------
    InputError
        If a parameter is no finite number or `effective_mass` is not positive.
    """

    def __init__(self, *, effective_mass: float, rashba: float, exchange: float):
        given = checked(
            RashbaParameters, "RashbaFerromagnet", effective_mass=effective_mass, rashba=rashba, exchange=exchange
        )
        self.effective_mass, self.rashba, self.exchange = given.effective_mass, given.rashba, given.exchange
        self._mass_term = HBAR2_OVER_2M / self.effective_mass  # hbar^2 / 2m
        sx, sy, sz = PAULI
        super().__init__(
            -self.exchange * sz,
            self.rashba * np.stack([sy, -sx]),
            2 * self._mass_term * np.eye(2)[:, :, None, None] * np.eye(2),
        )
        self.spin = PAULI
        self.exchange_field = np.array([0.0, 0.0, -self.exchange])

    @property
    def k_scale(self) -> float:
        spin_orbit_energy = self.rashba**2 / (4 * self._mass_term)
        return float(np.sqrt((abs(self.exchange) + spin_orbit_energy + 1e-3) / self._mass_term))

    def describe(self) -> dict:
        return super().describe() | {
            "effective_mass": self.effective_mass,
            "rashba": self.rashba,
            "exchange": self.exchange,
        }
