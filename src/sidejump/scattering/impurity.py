"""Static impurities: zero-range, Gaussian-correlated and screened Coulomb, with any Hermitian vertex."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..units import COULOMB, density_from_cm, strength_from_nm
from .base import Branch, Scatterer, require_positive


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
        Z in units of e, eps, and l in nm; screened_coulomb.
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.

    Returns
    -------
    Scatterer

    Raises
    ------
    InputError
        If a parameter the correlation needs is missing or not positive.
    """
    require_positive(density=density)
    n = density_from_cm(density, dimension)
    if correlation in ("zero_range", "gaussian"):
        if strength is None:
            raise InputError(f'impurity with correlation = "{correlation}" needs strength (eV nm^{dimension})')
        amplitude = n * strength_from_nm(strength, dimension) ** 2
        length = 0.0
        if correlation == "gaussian":
            require_positive(correlation_length=correlation_length)
            assert correlation_length is not None
            length = 10.0 * correlation_length

        def coupling(q):
            return amplitude * np.exp(-((q * length) ** 2))

        silent = amplitude == 0

    elif correlation == "screened_coulomb":
        require_positive(dielectric_constant=dielectric_constant, screening_length=screening_length)
        assert dielectric_constant is not None and screening_length is not None
        inverse = 1 / (10.0 * screening_length)
        prefactor = 4 * np.pi * COULOMB * charge / dielectric_constant
        silent = n * prefactor**2 == 0

        def coupling(q):
            if dimension == 3:
                return n * (prefactor / (q**2 + inverse**2)) ** 2
            return n * (prefactor / 2 / (q + inverse)) ** 2

    else:
        raise InputError(f'correlation = "{correlation}": use "zero_range", "gaussian" or "screened_coulomb"')
    return Scatterer(f"{correlation} impurity", dimension, (Branch(coupling, silent=silent),), vertex)
