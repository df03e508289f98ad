"""Optical phonons of one energy (Einstein): deformation potential and polar (Froehlich) coupling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..rules import checked
from ..units import COULOMB, mass_density_from_si
from .base import Branch, PowerLaw, Scatterer, require_dimension
from .parameters import OpticalParameters, PolarParameters


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
        If a parameter breaks the rules of an input file.
    """
    given = checked(
        OpticalParameters,
        "optical_deformation_potential",
        deformation_potential=deformation_potential,
        phonon_energy=phonon_energy,
        mass_density=mass_density,
        vertex=vertex,
    )
    density = mass_density_from_si(given.mass_density, require_dimension(dimension))
    value = given.deformation_potential**2 / (2 * density * given.phonon_energy)
    branch = Branch(PowerLaw(value, 0), PowerLaw(given.phonon_energy, 0), silent=value == 0)
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
        If a parameter breaks the rules of an input file, or `thickness` is missing in 2D or given in 3D.
    """
    given = checked(
        PolarParameters,
        "polar_optical",
        phonon_energy=phonon_energy,
        dielectric_infinity=dielectric_infinity,
        dielectric_static=dielectric_static,
        thickness=thickness,
        vertex=vertex,
    )
    energy = given.phonon_energy
    strength = 2 * np.pi * COULOMB * energy * (1 / given.dielectric_infinity - 1 / given.dielectric_static)
    coupling: Callable
    if require_dimension(dimension) == 3:
        if given.thickness is not None:
            raise InputError("polar_optical: thickness is for two dimensions, the model has three; leave it out")
        coupling = PowerLaw(strength, -2)
    else:
        if given.thickness is None:
            raise InputError("polar_optical: thickness is missing, needed in two dimensions (nm)")
        coupling = Slab(strength, given.thickness * 10.0)
    return Scatterer("polar optical", dimension, (Branch(coupling, PowerLaw(energy, 0)),), vertex, singular=True)


@dataclass(frozen=True)
class Slab:
    """``S F(q t) / (q^2 t)``, ``F(x) = 1 - (1 - exp(-x)) / x``, of |q| in 1/angstrom.

    Attributes
    ----------
    strength : float
        S, eV^2 angstrom.
    thickness : float
        t, angstrom.
    """

    strength: float
    thickness: float

    def __call__(self, q):
        return self.strength / (q**2 * self.thickness) * _slab(q * self.thickness)


def _slab(x):
    """``1 - (1 - exp(-x)) / x``, without cancellation at small x."""
    x = np.asarray(x, dtype=float)
    safe = np.where(x > 1e-3, x, 1.0)
    return np.where(x > 1e-3, 1 + np.expm1(-safe) / safe, x / 2 - x**2 / 6)
