"""The conductivity of an isotropic film from its resistivities, exactly, and back.

With rho_xx = rho_yy and rho_xy = -rho_yx the inverse of the resistivity tensor is

    sigma_xx = rho_xx / (rho_xx^2 + rho_yx^2),      sigma_yx = -rho_yx / (rho_xx^2 + rho_yx^2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Conductivity(NamedTuple):
    """sigma_xx and sigma_yx with their derivatives by rho_xx and rho_yx, all of shape (N,)."""

    xx: np.ndarray
    yx: np.ndarray
    xx_by_xx: np.ndarray
    xx_by_yx: np.ndarray
    yx_by_xx: np.ndarray
    yx_by_yx: np.ndarray


def conductivity(rho_xx, rho_yx) -> Conductivity:
    """Inverse of the resistivity tensor, in the inverse of its unit.

    Parameters
    ----------
    rho_xx, rho_yx : ndarray, shape (N,)
    """
    square = rho_xx**2 + rho_yx**2
    difference = (rho_yx**2 - rho_xx**2) / square**2
    product = 2 * rho_xx * rho_yx / square**2
    return Conductivity(rho_xx / square, -rho_yx / square, difference, -product, product, difference)


def resistivity(sigma_xx, sigma_yx) -> tuple[np.ndarray, np.ndarray]:
    """rho_xx and rho_yx from sigma_xx and sigma_yx: the same formula, the inverse of an inverse."""
    square = sigma_xx**2 + sigma_yx**2
    return sigma_xx / square, -sigma_yx / square
