"""Weyl semimetal with two nodes, time reversal broken along z.

    H = v (k_x sigma_x + k_y sigma_y) + B (k_x^2 + k_y^2 + k_z^2 - k_0^2) sigma_z + t . k

Nodes at (0, 0, +-k_0) with velocities (v, v, +-2 B k_0).  The quadratic term closes every isoenergy surface, so
that the Fermi sea converges; planes of constant k_z between the nodes have Chern number one.

Not covered: several pairs of nodes, and Weyl points protected without breaking time reversal.
"""

from __future__ import annotations

import numpy as np

from ..rules import checked
from .base import PAULI
from .parameters import WeylParameters
from .quadratic import QuadraticModel


class Weyl(QuadraticModel):
    """Two Weyl nodes of opposite chirality on the z axis.

    Parameters
    ----------
    velocity : float
        ``hbar v`` in the plane, eV angstrom.
    node : float
        k_0: the nodes sit at ``(0, 0, +-node)``, 1/angstrom.
    axial_velocity : float, optional
        ``hbar`` times the velocity along z at the nodes, ``2 B k_0``, eV angstrom; `velocity` when not given.
    tilt : sequence of 3 floats
        t, eV angstrom, the same at both nodes.

    Raises
    ------
    InputError
        If a parameter is no finite number, or a velocity or `node` is not positive.
    """

    def __init__(self, *, velocity: float, node: float, axial_velocity: float | None = None, tilt=(0.0, 0.0, 0.0)):
        given = checked(WeylParameters, "Weyl", velocity=velocity, node=node, axial_velocity=axial_velocity, tilt=tilt)
        self.velocity, self.node, self.tilt = given.velocity, given.node, np.array(given.tilt)
        self.axial_velocity = given.velocity if given.axial_velocity is None else given.axial_velocity
        curvature = self.axial_velocity / (2 * self.node)  # B
        linear = self.tilt[:, None, None] * np.eye(2) + self.velocity * np.stack([*PAULI[:2], np.zeros((2, 2))])
        super().__init__(
            -curvature * self.node**2 * PAULI[2],
            linear,
            2 * curvature * np.eye(3)[:, :, None, None] * PAULI[2],
        )
        self.spin = PAULI

    @property
    def k_scale(self) -> float:
        return self.node

    def describe(self) -> dict:
        return super().describe() | {
            "velocity": self.velocity,
            "node": self.node,
            "axial_velocity": self.axial_velocity,
            "tilt": self.tilt.tolist(),
        }
