"""Optical phonons of one energy (Einstein): deformation potential and polar (Froehlich) coupling."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..units import COULOMB, mass_density_from_si
from .base import Branch, Scatterer, require_positive


def optical_deformation_potential(
    *, deformation_potential: float, phonon_energy: float, mass_density: float, dimension: int, vertex="identity"
) -> Scatterer:
    """``|V0|^2 = D^2 hbar^2 / (2 rho E)``, independent of q.

    Parameters
    ----------
    deformation_potential : float
        D, eV/angstrom.
    phonon_energy : float
        E, eV.
    mass_density : float
        kg/m^2 in 2D, kg/m^3 in 3D.
    dimension : int
        2 or 3.
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If the phonon energy or the density is not positive.
    """
    require_positive(phonon_energy=phonon_energy, mass_density=mass_density)
    value = deformation_potential**2 / (2 * mass_density_from_si(mass_density, dimension) * phonon_energy)
    branch = Branch(
        coupling=lambda q: value + 0 * np.asarray(q),
        phonon_energy=lambda q: phonon_energy + 0 * np.asarray(q),
        silent=value == 0,
    )
    return Scatterer("optical deformation potential", dimension, (branch,), vertex)


def polar_optical(
    *,
    phonon_energy: float,
    dielectric_infinity: float,
    dielectric_static: float,
    dimension: int,
    thickness: float | None = None,
    vertex="identity",
) -> Scatterer:
    """Froehlich coupling to longitudinal optical phonons.

    3D: ``|V0|^2 = (e^2/2 eps0) E (1/eps_inf - 1/eps_s) / q^2 = S / q^2``.  2D, electrons spread evenly over a layer
    of thickness t with bulk phonons: ``|V0|^2 = S F(q t) / (q^2 t)``, ``F(x) = 1 - (1 - exp(-x)) / x``, which is
    ``S / (2 q)`` at long wavelengths.

    Parameters
    ----------
    phonon_energy : float
        E, eV.
    dielectric_infinity, dielectric_static : float
        Relative dielectric constants.
    dimension : int
        2 or 3.
    thickness : float, optional
        2D only: t in nm.
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If the static dielectric constant is not above the high-frequency one, or `thickness` is missing in 2D.
    """
    require_positive(
        phonon_energy=phonon_energy, dielectric_infinity=dielectric_infinity, dielectric_static=dielectric_static
    )
    if dielectric_static <= dielectric_infinity:
        raise InputError(
            f"dielectric_static = {dielectric_static} must exceed dielectric_infinity = {dielectric_infinity}"
        )
    strength = 2 * np.pi * COULOMB * phonon_energy * (1 / dielectric_infinity - 1 / dielectric_static)
    if dimension == 3:

        def coupling(q):
            return strength / q**2
    else:
        require_positive(thickness=thickness)
        assert thickness is not None
        length = thickness * 10.0

        def coupling(q):
            return strength / (q**2 * length) * _slab(q * length)

    branch = Branch(coupling=coupling, phonon_energy=lambda q: phonon_energy + 0 * np.asarray(q), silent=strength == 0)
    return Scatterer("polar optical", dimension, (branch,), vertex, singular=True)


def _slab(x):
    """``1 - (1 - exp(-x)) / x``, without cancellation at small x."""
    x = np.asarray(x, dtype=float)
    safe = np.where(x > 1e-3, x, 1.0)
    return np.where(x > 1e-3, 1 + np.expm1(-safe) / safe, x / 2 - x**2 / 6)
