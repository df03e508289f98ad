"""Coefficients of a law, the remainder of every point and of every temperature, with their errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse, special

from .equations import Equations
from .identify import Identified, identified, scales, solve
from .likelihood import Likely, likely
from .scatter import Scatter
from .temperatures import Temperatures

ONE, TWO = (float(special.ndtr(k) - special.ndtr(-k)) for k in (1, 2))
"""What one and two error bars hold: 0.683 and 0.954."""

_NONE = 1e-6  # degrees of freedom that are none but for rounding


@dataclass(frozen=True)
class Errors:
    """Half widths of the intervals that hold the truth in 68.3 and 95.4 of 100 cases, of K numbers.

    They are one and two standard errors where these are known. Where they are taken from residuals they have the
    factors of these (:meth:`.Scatter.factors`) and `freedom` is finite.
    """

    one: np.ndarray
    two: np.ndarray
    freedom: np.ndarray

    @classmethod
    def of(cls, deviation, freedom=np.inf) -> Errors:
        """From standard errors and the degrees of freedom of these."""
        freedom = np.broadcast_to(np.asarray(freedom, dtype=float), np.shape(deviation))
        safe = np.where(freedom > _NONE, freedom, np.nan)
        one, two = (deviation * np.asarray(special.stdtrit(safe, 0.5 + 0.5 * level)) for level in (ONE, TWO))
        return cls(np.asarray(one), np.asarray(two), freedom)

    @classmethod
    def of_scatter(cls, scatter: Scatter, estimates: np.ndarray) -> Errors:
        """Of ``estimates @ y``, rows of shape (N,), from the residuals."""
        deviation, freedom = scatter.error(estimates)
        one, two = deviation * scatter.factors(estimates, (ONE, TWO), freedom)
        return cls(one, two, freedom)


@dataclass(frozen=True)
class Estimates:
    """What the data say.

    Attributes
    ----------
    coefficients : ndarray, shape (P,)
    covariance : ndarray, shape (P, P)
    coefficient_errors : Errors
    remainder : ndarray, shape (N,)
        ``sigma_yx`` less skew scattering, of each point.
    remainder_errors : Errors
    common : ndarray, shape (G,)
        R(T): the mean of the remainders of all films at each temperature.
    common_errors : Errors
    skew : ndarray, shape (N,)
        Skew scattering of each point.
    residual : ndarray, shape (N,)
        ``sigma_yx`` less the law.
    misfit : float
        Sum of squares of the fit: chi squared where uncertainties are declared, else in the unit squared.
    freedom : int
        Degrees of freedom of the fit.
    disagreement : ndarray, shape (G,)
        Sum over the films of the squares of their remainders less R(T), over their variance; NaN where nothing is
        declared.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    coefficient_errors: Errors
    remainder: np.ndarray
    remainder_errors: Errors
    common: np.ndarray
    common_errors: Errors
    skew: np.ndarray
    residual: np.ndarray
    misfit: float
    freedom: int
    disagreement: np.ndarray


class Estimator:
    """Estimates from films with a law.

    Parameters
    ----------
    equations : Equations
    chosen : ndarray of bool, shape (N,)
        Points that coefficients are determined from.
    temperatures : Temperatures
    """

    def __init__(self, equations: Equations, chosen: np.ndarray, temperatures: Temperatures):
        self.equations, self.chosen, self.temperatures = equations, chosen, temperatures
        law, group = equations.law, temperatures.group
        free = np.unique(group[chosen]) if law.has_free_remainder else np.empty(0, dtype=int)
        self.further = (group[:, None] == free).astype(float)
        self.skew_size, self.size = law.skew_terms, len(law.terms)
        count = np.bincount(group)
        self._mean = sparse.csr_array(
            (1 / count[group], (group, np.arange(len(group)))), shape=(len(count), len(group))
        )

    def columns(self) -> np.ndarray:
        """The design of the chosen points at the measured numbers, with the columns of the free remainder."""
        design = self.equations.at(self.equations.measured).design
        return np.concatenate([design, self.further], axis=1)[self.chosen]

    @cached_property
    def identified(self) -> Identified:
        """Which terms the chosen points determine; the columns of the free remainder are the last."""
        return identified(self.columns(), self._natural)

    @property
    def _natural(self) -> np.ndarray:
        return np.concatenate([self.equations.law.natural, np.full(self.further.shape[1], np.nan)])

    def values(self, measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (P,) and R(T) (G,) alone, of other measured numbers with the declared uncertainties."""
        coefficients = likely(self.equations, self.chosen, self.further, measured).coefficients[: self.size]
        point = self.equations.at(measured)
        skew = point.design[:, : self.skew_size] @ coefficients[: self.skew_size]
        return coefficients, self._weights(measured, coefficients) @ (point.sigma.yx - skew)

    def shifted(self, change: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What a change (N,) of sigma_yx alone changes in the coefficients (P,) and in R(T) (G,); no uncertainties."""
        skew_columns = self.equations.at(self.equations.measured).design[:, : self.skew_size]
        coefficients = self._estimates @ change
        return coefficients, self._mean @ (change - skew_columns @ coefficients[: self.skew_size])

    @cached_property
    def _estimates(self) -> np.ndarray:
        return self._linear()[0][: self.size]

    def estimate(self) -> tuple[Estimates, Likely | Scatter]:
        """All estimates, and what the bootstrap goes out from."""
        return self._declared() if self.equations.films.declared else self._scattered()

    # declared uncertainties

    def _slope(self, measured, coefficients) -> sparse.csr_array:
        """Derivatives of the remainders by the measured numbers, skew coefficients kept."""
        skew = np.zeros(self.size)
        skew[: self.skew_size] = coefficients[: self.skew_size]
        return self.equations.jacobian(self.equations.at(measured), skew)

    def _weights(self, measured, coefficients) -> sparse.csr_array:
        """Of the films in the mean at each temperature (G, N): inverse variances, those of skew scattering apart."""
        own = self._slope(measured, coefficients).multiply(self.equations.deviation[None, :]).tocsr()
        precision = 1 / np.asarray(own.multiply(own).sum(axis=1)).ravel()
        group = self.temperatures.group
        total = np.bincount(group, precision)
        return sparse.csr_array(
            (precision / total[group], (group, np.arange(len(group)))), shape=(len(total), len(group))
        )

    def _declared(self) -> tuple[Estimates, Likely]:
        equations = self.equations
        measured, deviation = equations.measured, equations.deviation
        found = likely(equations, self.chosen, self.further, measured)
        coefficients = found.coefficients[: self.size]
        point, k = equations.at(measured), self.skew_size
        skew_columns, influence = point.design[:, :k], found.influence[:k] * deviation
        slope = self._slope(measured, coefficients).multiply(deviation[None, :]).tocsr()
        weights = self._weights(measured, coefficients)
        skew = skew_columns @ coefficients[:k]
        remainder = point.sigma.yx - skew
        common = weights @ remainder
        own = np.asarray(slope.multiply(slope).sum(axis=1)).ravel()
        group = self.temperatures.group
        estimates = Estimates(
            coefficients=coefficients,
            covariance=found.covariance[: self.size, : self.size],
            coefficient_errors=Errors.of(np.sqrt(np.diag(found.covariance)[: self.size])),
            remainder=remainder,
            remainder_errors=Errors.of(_deviation(slope, skew_columns, influence)),
            common=common,
            common_errors=Errors.of(_deviation((weights @ slope).tocsr(), weights @ skew_columns, influence)),
            skew=skew,
            residual=self._residual(point, coefficients, common),
            misfit=found.chi2,
            freedom=int(self.chosen.sum()) - found.rank,
            disagreement=np.bincount(group, (remainder - common[group]) ** 2 / own),
        )
        return estimates, found

    def _residual(self, point, coefficients, common) -> np.ndarray:
        free = common[self.temperatures.group] if self.equations.law.has_free_remainder else 0.0
        return point.sigma.yx - point.design @ coefficients - free

    # scatter about the law

    def _linear(self) -> tuple[np.ndarray, np.ndarray, int]:
        """Estimates (P + G or P, N) linear in sigma_yx, the design that they belong to, and the rank of the fit."""
        point = self.equations.at(self.equations.measured)
        columns = self.columns()
        rank = self.identified.rank
        inverse = np.zeros((self.size, len(self.chosen)))
        inverse[:, self.chosen] = solve(columns, rank, scales(columns, self._natural))[: self.size]
        if not self.equations.law.has_free_remainder:
            return inverse, point.design, rank
        common = self._mean.toarray() - (self._mean @ point.design) @ inverse
        one_hot = (self.temperatures.group[:, None] == np.arange(len(common))).astype(float)
        return np.concatenate([inverse, common]), np.concatenate([point.design, one_hot], axis=1), rank

    def _scattered(self) -> tuple[Estimates, Scatter]:
        point, k = self.equations.at(self.equations.measured), self.skew_size
        linear, design, rank = self._linear()
        y = point.sigma.yx
        scatter = Scatter.of(design, linear, y)
        coefficients = linear[: self.size] @ y
        skew_columns = point.design[:, :k]
        skew = skew_columns @ coefficients[:k]
        mean = self._mean.toarray() - (self._mean @ skew_columns) @ linear[:k]
        common = mean @ y
        scaled = linear[: self.size] * scatter.scaled
        # |e_i - c_i A|^2 of each point, for noise that is the same everywhere
        cross = np.sum(skew_columns * linear[:k].T, axis=1)
        square = np.einsum("ia,ab,ib->i", skew_columns, linear[:k] @ linear[:k].T, skew_columns)
        pooled, free = scatter.pooled(), float(np.sum(1 - scatter.leverage))
        estimates = Estimates(
            coefficients=coefficients,
            covariance=scaled @ scaled.T,
            coefficient_errors=Errors.of_scatter(scatter, linear[: self.size]),
            remainder=y - skew,
            remainder_errors=Errors.of(pooled * np.sqrt(np.maximum(1 - 2 * cross + square, 0.0)), free),
            common=common,
            common_errors=Errors.of_scatter(scatter, mean),
            skew=skew,
            residual=self._residual(point, coefficients, common),
            misfit=float(np.sum(scatter.residual[self.chosen] ** 2)),
            freedom=int(self.chosen.sum()) - rank,
            disagreement=np.full(len(common), np.nan),
        )
        return estimates, scatter


def _deviation(slope, columns, influence) -> np.ndarray:
    """Standard errors of ``slope z - columns theta(z)``, rows of unit variance in z."""
    own = np.asarray(slope.multiply(slope).sum(axis=1)).ravel()
    cross = np.sum(columns * (slope @ influence.T), axis=1)
    square = np.einsum("ia,ab,ib->i", columns, influence @ influence.T, columns)
    return np.sqrt(np.maximum(own - 2 * cross + square, 0.0))
