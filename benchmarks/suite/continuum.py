"""k.p models in three dimensions; eV and angstrom."""

from __future__ import annotations

import numpy as np

from sidejump import PAULI, FunctionModel, Weyl


def components(k) -> tuple:
    """kx, ky, kz, each with two axes for the matrices."""
    return tuple(k[:, axis, None, None] for axis in range(3))


def rashba(mass: float = 0.5, splitting: float = 1.0, exchange: float = 0.04):
    """Free electrons of a polar crystal along z: ``7.62 k^2 / 2m + alpha (kx sigma_y - ky sigma_x) - M sigma_z``."""

    def h(k):
        x, y, z = components(k)
        kinetic = 7.62 / (2 * mass) * (x * x + y * y + z * z)
        return kinetic * np.eye(2) + splitting * (x * PAULI[1] - y * PAULI[0]) - exchange * PAULI[2]

    return FunctionModel(h, dimension=3, spin=PAULI)


def dirac(gap: float = 0.1, velocity: float = 3.0, exchange: float = 0.04):
    """``v tau_x k.sigma + Delta tau_z + h sigma_z``."""
    tau_x, tau_z = (np.kron(PAULI[axis], np.eye(2)) for axis in (0, 2))
    sigma = np.array([np.kron(np.eye(2), s) for s in PAULI])

    def h(k):
        x, y, z = components(k)
        return velocity * tau_x @ (x * sigma[0] + y * sigma[1] + z * sigma[2]) + gap * tau_z + exchange * sigma[2]

    return FunctionModel(h, dimension=3, spin=sigma)


def weyl():
    """Both nodes within one surface."""
    return Weyl(velocity=2.0, node=0.1, tilt=(0.0, 0.1, 0.2))
