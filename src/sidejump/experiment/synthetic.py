"""Films made up from a law with known coefficients, and noise: what a separation must find again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np
from scipy.integrate import quad

from ..errors import InputError
from ..reference.dirac import bose_factor
from ..rules import one_of, quote
from ..units import RESISTIVITY_UNITS
from .films import Films, measured_films
from .inversion import resistivity
from .laws import law_of

_UNIT = "microohm cm"


def synthetic_films(
    law: str = "skew",
    coefficients: Mapping[str, float] | None = None,
    *,
    remainder: Callable[[np.ndarray], np.ndarray] | float = 1000.0,
    thickness: Sequence[float] = (6.0, 9.0, 14.0, 25.0, 50.0),
    temperatures: Sequence[float] = (5.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 200.0, 250.0, 300.0),
    residual: Callable[[np.ndarray], np.ndarray] | None = None,
    phonons: Callable[[np.ndarray], np.ndarray] | None = None,
    noise_xx: float = 0.001,
    noise_yx: float = 0.01,
    uneven: float = 2.0,
    thickness_error: float = 0.0,
    declared: bool = True,
    unit: str = "microohm cm",
    seed: int = 0,
) -> Films:
    """Resistivities of films that obey a law, with noise.

    The residual resistivity is that of an interface, ``rho_0 = 0.3 + 12 nm / d`` microohm cm, that of phonons a
    Bloch-Grueneisen curve with 9.8 microohm cm at 300 K.  Conductivities follow from the law, and the resistivities are
    the exact inverse of their tensor.

    Parameters
    ----------
    law : str
        A key of `sidejump.experiment.laws.LAWS`.
    coefficients : mapping, optional
        By the names of the law, conductivities in S/cm (e^2/h of layers); those of `TRUE` that are not given.
    remainder : callable or float
        R(T) of the law `skew`, S/cm or e^2/h.
    thickness : sequence of float
        nm; a film for each.
    temperatures : sequence of float
        K; a point of each film at each.
    residual, phonons : callable, optional
        rho_0 of thicknesses and rho - rho_0 of temperatures, in `unit`, instead of those above.
    noise_xx, noise_yx : float
        Mean relative standard error of rho_xx and rho_yx.
    uneven : float
        Ratio of the largest to the mean error of a point: each has its own, ``2 - uneven`` to `uneven` times the mean.
    thickness_error : float
        Relative standard error of the thickness: one factor on all resistivities of a film, rho_0 with them.
    declared : bool
        Whether the films know their uncertainties.
    unit : str
        Of resistivities; those of a sheet (ohm, h/e^2) need `residual` and `phonons`.
    seed : int

    Returns
    -------
    Films
        With exact rho_0, but for the error of the thickness.

    Raises
    ------
    InputError
        If a coefficient is none of the law, or a unit is not known.
    """
    chosen = law_of(law)
    known = {**{name: TRUE[name] for name in chosen.terms}, **(coefficients or {})}
    unknown = set(known) - set(chosen.terms)
    if unknown:
        raise InputError(
            f"law {chosen.name} has no coefficient {quote(min(unknown))}: {one_of(min(unknown), chosen.terms)}"
        )
    if not 1 <= uneven <= 2:
        raise InputError(f"uneven = {uneven}: must be from 1 (all errors alike) to 2")
    if unit not in RESISTIVITY_UNITS:
        raise InputError(f"unit = {quote(unit)}: {one_of(unit, RESISTIVITY_UNITS)}")
    factor, dimension = RESISTIVITY_UNITS[unit]
    if dimension == 2 and (residual is None or phonons is None):
        raise InputError(f"unit = {unit}: give residual and phonons of the layers as well")
    back = 1 / factor
    rng = np.random.default_rng(seed)
    d, t = (np.asarray(x, dtype=float) for x in (thickness, temperatures))
    static = factor * np.asarray(residual(d)) if residual else RESISTIVITY_UNITS[_UNIT][0] * _interface(d)
    thermal = factor * np.asarray(phonons(t)) if phonons else RESISTIVITY_UNITS[_UNIT][0] * _bloch_gruneisen(t)
    film, at = (index.ravel() for index in np.meshgrid(np.arange(len(d)), np.arange(len(t)), indexing="ij"))
    s, parts = 1 / (static[film] + thermal[at]), static[film][:, None]
    sigma = chosen.design(s, parts) @ np.array([known[name] for name in chosen.terms])
    if chosen.has_free_remainder:
        sigma = sigma + (remainder(t[at]) if callable(remainder) else remainder)
    rho_xx, rho_yx = resistivity(s, sigma)
    errors = [
        np.abs(rho) * size * rng.uniform(2 - uneven, uneven, len(rho)).clip(0.05)
        for rho, size in ((rho_xx, noise_xx), (rho_yx, noise_yx))
    ]
    scale = 1 + thickness_error * rng.standard_normal(len(d))
    names = [f"{x:g} nm" for x in d]
    labels = [names[i] for i in film]
    noisy = [
        scale[film] * (rho + error * rng.standard_normal(len(rho)))
        for rho, error in zip((rho_xx, rho_yx), errors, strict=True)
    ]
    declarations = {
        "rho_xx_error": back * errors[0],
        "rho_yx_error": back * errors[1],
        "thickness_error": dict(zip(names, thickness_error * d, strict=True)),
    }
    return measured_films(
        labels,
        t[at],
        back * noisy[0],
        back * noisy[1],
        hall="E_y/j_x",
        magnetisation="+z",
        unit=unit,
        rho_0=dict(zip(names, back * scale * static, strict=True)),
        thickness=dict(zip(names, d, strict=True)),
        source="synthetic films",
        **(declarations if declared else {}),
    )


TRUE = {
    "alpha_0": 5e-4,
    "beta_0": 600.0,
    "gamma_0_T": 1500.0,
    "beta_T": 1100.0,
    "alpha": 5e-4,
    "beta": -400.0,
    "b": 1000.0,
}
"""Coefficients that films are made from; alpha is a number, the others are in S/cm."""


def _interface(d: np.ndarray) -> np.ndarray:
    return 0.3 + 12.0 / d


_DEBYE, _AT_300_K = 470.0, 9.8  # K, microohm cm


def _bloch_gruneisen(t: np.ndarray) -> np.ndarray:
    return _AT_300_K * np.array([_curve(float(x) / _DEBYE) for x in np.atleast_1d(t)]) / _curve(300.0 / _DEBYE)


@cache
def _curve(x: float) -> float:
    """Resistivity at x Debye temperatures, of every film of every sample again."""
    return x**5 * quad(lambda y: y**3 * bose_factor(y), 0, 1 / x, epsabs=0, epsrel=1e-10)[0]
