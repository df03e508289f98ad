"""Massive Dirac model in two dimensions, ``H = v (k_x sigma_x + k_y sigma_y) + Delta sigma_z + t . k`` (eq. 16)."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..rules import checked
from .base import PAULI, ElectronModel, along
from .parameters import MassiveDiracParameters


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
    InputError
        If a parameter is no finite number, `velocity` is not positive or the tilt is overcritical.
    """

    dimension = 2
    n_orbitals = 2

    def __init__(self, *, mass: float, velocity: float, tilt=(0.0, 0.0)):
        given = checked(MassiveDiracParameters, "MassiveDirac", mass=mass, velocity=velocity, tilt=tilt)
        self.mass, self.velocity, self.tilt = given.mass, given.velocity, np.array(given.tilt)
        self.spin = PAULI

    @property
    def k_scale(self) -> float:
        return max(abs(self.mass), 1e-3) / self.velocity

    def hamiltonian(self, k):
        xp = array_namespace(k)
        gradient = self.hamiltonian_gradient(k)
        return along(k, gradient) + self.mass * xp.asarray(PAULI[2])

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        matrix = self.velocity * PAULI[:2] + self.tilt[:, None, None] * np.eye(2)
        return xp.broadcast_to(xp.asarray(matrix), (k.shape[0], 2, 2, 2))

    def hamiltonian_hessian(self, k):
        xp = array_namespace(k)
        return xp.zeros((k.shape[0], 2, 2, 2, 2), dtype=xp.complex128)

    def describe(self) -> dict:
        return super().describe() | {"mass": self.mass, "velocity": self.velocity, "tilt": self.tilt.tolist()}
