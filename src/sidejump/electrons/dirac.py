"""Massive Dirac model in two dimensions, ``H = v (k_x sigma_x + k_y sigma_y) + Delta sigma_z + t . k`` (eq. 16)."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from .base import PAULI, ElectronModel


class MassiveDirac(ElectronModel):
    """Massive Dirac fermions, optionally tilted.

    Parameters
    ----------
    mass : float
        Delta, half the gap, eV.
    velocity : float
        ``hbar v``, eV angstrom.
    tilt : sequence of 2 floats
        ``t`` in eV angstrom; must be shorter than `velocity`, or the contours are open.

    Raises
    ------
    ValueError
        If `velocity` is not positive or the tilt is overcritical.
    """

    dimension = 2
    n_orbitals = 2

    def __init__(self, *, mass: float, velocity: float, tilt=(0.0, 0.0)):
        self.mass, self.velocity, self.tilt = float(mass), float(velocity), np.asarray(tilt, dtype=float)
        if self.velocity <= 0:
            raise ValueError(f"velocity = {velocity} must be positive (eV angstrom)")
        if self.tilt.shape != (2,):
            raise ValueError(f"tilt = {tilt} must have two components (eV angstrom)")
        if np.hypot(*self.tilt) >= self.velocity:
            raise ValueError(f"tilt = {tilt} is not below velocity = {velocity}: the contours would be open")
        self.spin = PAULI

    @property
    def k_scale(self) -> float:
        return max(abs(self.mass), 1e-3) / self.velocity

    def hamiltonian(self, k):
        xp = array_namespace(k)
        gradient = self.hamiltonian_gradient(k)
        kk = xp.astype(k, gradient.dtype)[:, :, None, None]
        return xp.sum(kk * gradient, axis=1) + self.mass * xp.asarray(PAULI[2])

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        matrix = self.velocity * PAULI[:2] + self.tilt[:, None, None] * np.eye(2)
        return xp.broadcast_to(xp.asarray(matrix), (k.shape[0], 2, 2, 2))

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        return xp.zeros((k.shape[0], 2, 2, 2, 2), dtype=xp.complex128)

    def describe(self) -> dict:
        return super().describe() | {"mass": self.mass, "velocity": self.velocity, "tilt": self.tilt.tolist()}
