"""Luttinger model: a spin-3/2 band edge in three dimensions in an exchange field.

    H = hbar^2/2m [ (g1 + 5/2 g2) k^2 - 2 g2 sum_i k_i^2 J_i^2 - 4 g3 sum_{i<j} k_i k_j {J_i J_j} ] + h . J

with ``{AB} = (AB + BA)/2`` and the free electron mass m.  Positive parameters give bands that open upwards (hole
energies, or conduction bands of an inverted semiconductor); change all three signs for valence electrons.

Not covered: strain, the linear-k terms of crystals without inversion, and the q (J_i^3) part of the Zeeman term.
"""

from __future__ import annotations

import numpy as np

from ..rules import checked
from ..units import HBAR2_OVER_2M
from .parameters import LuttingerParameters
from .quadratic import QuadraticModel


def spin_three_halves() -> np.ndarray:
    """J_x, J_y, J_z for m = 3/2, 1/2, -1/2, -3/2: shape (3, 4, 4)."""
    m = np.arange(1.5, -2, -1)
    raising = np.diag(np.sqrt(3.75 - m[1:] * (m[1:] + 1)), 1)
    return np.stack([(raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)])


class Luttinger(QuadraticModel):
    """Heavy and light carriers, split by an exchange field.

    Parameters
    ----------
    gamma1, gamma2, gamma3 : float
        Luttinger parameters.
    exchange : sequence of 3 floats
        h in ``h . J``, eV.

    Raises
    ------
    InputError
        If a parameter is no finite number, or the two pairs of bands do not curve the same way
        (``|gamma1| <= 2 |gamma2|`` or ``2 |gamma3|``): the isoenergy surfaces would be open.

    Notes
    -----
    `spin` is ``2 J / 3``, the Pauli matrices of the electron's spin within the J = 3/2 states.
    """

    def __init__(self, *, gamma1: float, gamma2: float, gamma3: float, exchange=(0.0, 0.0, 0.0)):
        given = checked(
            LuttingerParameters, "Luttinger", gamma1=gamma1, gamma2=gamma2, gamma3=gamma3, exchange=exchange
        )
        self.gammas = gamma1, gamma2, gamma3 = given.gamma1, given.gamma2, given.gamma3
        self.exchange = np.array(given.exchange)
        j = spin_three_halves()
        products = np.einsum("amn,bnp->abmp", j, j)
        products = 0.5 * (products + products.swapaxes(0, 1))  # {J_a J_b}
        same = np.eye(3)[:, :, None, None]
        second = 2 * (gamma1 + 2.5 * gamma2) * same * np.eye(4)
        second = second - 4 * products * np.where(same > 0, gamma2, gamma3)
        super().__init__(np.tensordot(self.exchange, j, 1), np.zeros((3, 4, 4)), HBAR2_OVER_2M * second)
        self.spin = 2 * j / 3
        self.exchange_field = 1.5 * self.exchange  # h.J

    @property
    def k_scale(self) -> float:
        splitting = 3 * float(np.linalg.norm(self.exchange)) + 1e-3
        return float(np.sqrt(splitting / (HBAR2_OVER_2M * abs(self.gammas[0]))))

    def describe(self) -> dict:
        names = ("gamma1", "gamma2", "gamma3")
        return super().describe() | dict(zip(names, self.gammas, strict=True)) | {"exchange": self.exchange.tolist()}
