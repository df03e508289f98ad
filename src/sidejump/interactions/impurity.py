"""Static impurities: zero-range, Gaussian-correlated and screened Coulomb, with any Hermitian vertex."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..rules import checked
from ..units import COULOMB, density_from_cm, strength_from_nm
from .base import Branch, Multiple, Scatterer, require_dimension
from .parameters import ImpurityParameters
from .point_impurity import PointImpurity


def impurity(
    *,
    correlation: str,
    density: float,
    dimension: int,
    strength: float | None = None,
    correlation_length: float | None = None,
    charge: float = 1.0,
    dielectric_constant: float | None = None,
    screening_length: float | None = None,
    skewness: float = 1.0,
    treatment: str = "born",
    cutoff: float | None = None,
    vertex="identity",
) -> Scatterer:
    """Uncorrelated impurities: ``|V0(q)|^2 = n |v(q)|^2``.

    Parameters
    ----------
    correlation : {"zero_range", "gaussian", "screened_coulomb"}
        ``v = U``; ``v = U exp(-q^2 L^2 / 2)``; or the screened Coulomb potential
        ``Z e^2 / (eps0 eps (q^2 + 1/l^2))`` in 3D, ``Z e^2 / (2 eps0 eps (q + 1/l))`` in 2D.
    density : float
        n in cm^-2 (2D) or cm^-3 (3D).
    dimension : int
        2 or 3.
    strength : float
        U in eV nm^2 (2D) or eV nm^3 (3D); zero_range and gaussian.
    correlation_length : float
        L in nm; gaussian.
    charge, dielectric_constant, screening_length : float
        Z in units of e, eps, and l in nm; screened_coulomb. A positive charge attracts electrons.
    skewness : float
        ``<U^3>/<U^2>^(3/2)`` times the sign of the strength (or charge) U: 1 if all impurities are alike, 0 if as many
        attract as repel. Conventional skew scattering is in proportion to it.
    treatment : {"born", "t_matrix"}
        Rates of first order in the potential, or of all orders: those of the T-matrix of one impurity, zero_range.
    cutoff : float
        Largest |k| of a k.p model, 1/angstrom; t_matrix, required there and for no crystal.
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If a parameter breaks the rules of an input file: missing, without meaning for the correlation, or no number
        of the right sign.
    """
    optional = {
        "strength": strength,
        "correlation_length": correlation_length,
        "charge": None if charge == 1.0 else charge,
        "dielectric_constant": dielectric_constant,
        "screening_length": screening_length,
        "skewness": None if skewness == 1.0 else skewness,
        "treatment": None if treatment == "born" else treatment,
        "cutoff": cutoff,
    }
    given = checked(
        ImpurityParameters,
        "impurity",
        correlation=correlation,
        density=density,
        vertex=vertex,
        **{name: value for name, value in optional.items() if value is not None},
    )
    n = density_from_cm(given.density, require_dimension(dimension))
    coupling: Callable
    potential: Callable
    if given.dielectric_constant is not None and given.screening_length is not None:
        prefactor = 4 * np.pi * COULOMB * given.charge / given.dielectric_constant
        silent = prefactor == 0
        potential = ScreenedPotential(-prefactor, 1 / (10.0 * given.screening_length), dimension)
        coupling = ScreenedCoulomb(n, prefactor, potential.inverse_length, dimension)
    else:
        assert given.strength is not None
        length = 10.0 * (given.correlation_length or 0.0)
        silent = given.strength == 0
        strength = strength_from_nm(given.strength, dimension)
        coupling, potential = Gaussian(n * strength**2, length), Gaussian(strength, length / 2**0.5)
    branch = Branch(coupling, silent=silent, potential=potential, third_moment=n * given.skewness)
    name = f"{given.correlation} impurity"
    if given.treatment == "t_matrix":
        assert given.strength is not None
        return PointImpurity(
            name,
            dimension,
            (branch,),
            vertex,
            strength=given.strength,
            skewness=given.skewness,
            cutoff=given.cutoff,
        )
    return Scatterer(name, dimension, (branch,), vertex)


def is_static(scatterer) -> bool:
    """Whether all that a scatterer does is elastic: impurities, but no phonons."""
    return isinstance(scatterer, Scatterer) and all(b.phonon_energy is None for b in scatterer.branches)


def denser(scatterer: Scatterer, factor: float) -> Scatterer:
    """The same static impurities at `factor` times the density.

    Parameters
    ----------
    scatterer : Scatterer
    factor : float
        Above zero.

    Raises
    ------
    InputError
        If it has phonons, which have no density.
    """
    if not is_static(scatterer):
        raise InputError(f"{scatterer.name}: has phonons, and no density; give impurities")
    branches = (
        replace(b, coupling=Multiple(factor, b.coupling), third_moment=factor * b.third_moment)
        for b in scatterer.branches
    )
    return replace(scatterer, branches=tuple(branches))


@dataclass(frozen=True)
class Gaussian:
    """``A exp(-q^2 L^2)`` of |q| in 1/angstrom.

    Attributes
    ----------
    amplitude : float
        ``n U^2``, eV^2 angstrom^d; of a potential U, eV angstrom^d.
    length : float
        L, angstrom, of a potential divided by the root of two; zero for a potential of zero range.
    """

    amplitude: float
    length: float

    def __call__(self, q):
        return self.amplitude * np.exp(-((q * self.length) ** 2))


@dataclass(frozen=True)
class ScreenedCoulomb:
    """``n |P / (q^2 + k^2)|^2`` in 3D, ``n |P / (2 (q + k))|^2`` in 2D, of |q| in 1/angstrom.

    Attributes
    ----------
    density : float
        n, angstrom^-d.
    prefactor : float
        P = Z e^2 / (eps0 eps), eV angstrom.
    inverse_length : float
        k, 1/angstrom.
    dimension : int
    """

    density: float
    prefactor: float
    inverse_length: float
    dimension: int

    def __call__(self, q):
        if self.dimension == 3:
            return self.density * (self.prefactor / (q**2 + self.inverse_length**2)) ** 2
        return self.density * (self.prefactor / 2 / (q + self.inverse_length)) ** 2


@dataclass(frozen=True)
class ScreenedPotential:
    """``P / (q^2 + k^2)`` in 3D, ``P / (2 (q + k))`` in 2D, of |q| in 1/angstrom: energy of an electron.

    Attributes
    ----------
    prefactor : float
        P = -Z e^2 / (eps0 eps), eV angstrom.
    inverse_length : float
        k, 1/angstrom.
    dimension : int
    """

    prefactor: float
    inverse_length: float
    dimension: int

    def __call__(self, q):
        if self.dimension == 3:
            return self.prefactor / (q**2 + self.inverse_length**2)
        return self.prefactor / 2 / (q + self.inverse_length)
