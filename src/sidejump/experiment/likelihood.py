"""Least squares with declared uncertainties, all measured numbers among what is uncertain.

rho_xx and rho_0 stand on both sides of a law, so that ordinary least squares would be biased.  Found are the numbers z
and the coefficients theta that obey the law exactly, with the smallest ``sum (z - z_measured)^2 / error^2``:
linearised at the last z (H. I. Britt and R. H. Luecke, Technometrics 15, 233 (1973)), with residuals r, ``J = dr/dz``
and ``C = J V J^T``, which is a block for each film,

    d theta = (X^T C^-1 X)^-1 X^T C^-1 (r + J (z_measured - z)),      z -> z_measured - V J^T C^-1 (r - X d theta).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtrtrs

from ..errors import InputError
from .equations import Equations
from .identify import identified, scales, solve

_STEPS, _ENOUGH = 100, 1e-9  # of the coefficients' standard errors


@dataclass(frozen=True)
class Likely:
    """The minimum.

    Attributes
    ----------
    coefficients : ndarray, shape (P,)
        Those of the law, and of further columns.
    influence : ndarray, shape (P, nz)
        Their derivatives by the measured numbers.
    covariance : ndarray, shape (P, P)
    z : ndarray, shape (nz,)
        Measured numbers moved onto the law.
    chi2 : float
        Sum of squares at the minimum.
    rank : int
    """

    coefficients: np.ndarray
    influence: np.ndarray
    covariance: np.ndarray
    z: np.ndarray
    chi2: float
    rank: int


def likely(equations: Equations, chosen: np.ndarray, further: np.ndarray, measured: np.ndarray) -> Likely:
    """Coefficients of a law from some of the points.

    Parameters
    ----------
    equations : Equations
    chosen : ndarray of bool, shape (N,)
        Points that are used.
    further : ndarray, shape (N, Q)
        Columns of the design besides those of the law.
    measured : ndarray, shape (nz,)
        The measured numbers.

    Raises
    ------
    InputError
        If the iteration does not end: the uncertainties are as large as the numbers.
    """
    count, deviation = equations.design_size, equations.deviation
    point = equations.at(measured)
    columns = np.concatenate([point.design, further], axis=1)[chosen]
    natural = np.concatenate([equations.law.natural, np.full(further.shape[1], np.nan)])
    rank, scale = identified(columns, natural).rank, scales(columns, natural)
    coefficients = solve(columns, rank, scale) @ point.sigma.yx[chosen]
    z = measured
    for _ in range(_STEPS):
        point = equations.at(z)
        columns = np.concatenate([point.design, further], axis=1)[chosen]
        slope = equations.dense_jacobian(point, coefficients[:count])[chosen]
        r = point.sigma.yx[chosen] - columns @ coefficients + slope @ (measured - z)
        whitened = _Whitening(slope * deviation, equations.films.film[chosen])
        white = whitened.of(np.column_stack([columns, r]))
        inverse = solve(white[:, :-1], rank, scale)
        step = inverse @ white[:, -1]
        left = white[:, -1] - white[:, :-1] @ step
        coefficients = coefficients + step
        z = measured - deviation**2 * (slope.T @ whitened.transposed(left))
        covariance = inverse @ inverse.T
        spread = np.sqrt(np.diag(covariance))
        if not np.all(np.isfinite(coefficients)):
            break
        if np.all(np.abs(step) <= _ENOUGH * spread):
            influence = inverse @ whitened.of(slope)
            return Likely(coefficients, influence, covariance, z, float(np.sum(left**2)), rank)
    raise InputError(
        f"{equations.films.source}: the fit of law {equations.law.name} does not settle; the declared uncertainties "
        "are as large as what they are of, look at the errors of rho_xx and rho_0"
    )


class _Whitening:
    """Inverse square root of ``C = B B^T`` (n, n), film by film."""

    def __init__(self, b, film: np.ndarray):
        self._blocks = []
        for number in np.unique(film):
            rows = np.flatnonzero(film == number)
            block = b[rows]
            self._blocks.append((rows, np.linalg.cholesky(block @ block.T)))

    def of(self, values: np.ndarray) -> np.ndarray:
        """``C^(-1/2)`` on (n,) or (n, m)."""
        return self._each(values, lambda factor, x: dtrtrs(factor, x, lower=1)[0])

    def transposed(self, values: np.ndarray) -> np.ndarray:
        """``C^(-T/2)`` on (n,): after :meth:`of`, ``C^-1``."""
        return self._each(values, lambda factor, x: dtrtrs(factor, x, lower=1, trans=1)[0])

    def _each(self, values, act) -> np.ndarray:
        out = np.empty(values.shape)
        for rows, factor in self._blocks:
            out[rows] = act(factor, values[rows])
        return out
