"""Errors from the scatter of the points about a law, where none are declared.

For estimates ``a y`` that are linear in the data y, with residuals ``e = E y``, ``E = 1 - X A``, the variance is

    sum_i a_i^2 e_i^2 / G_ii,      G = E E^T,

which needs no knowledge of how the noise is spread over the points, and has no bias where it is the same everywhere
(HC2 of J. G. MacKinnon and H. White, J. Econometrics 29, 305 (1985)).  What the estimate is off by, over the root of
this, has the distribution of the same ratio over data ``s_i e_i / G_ii^(1/2)`` with random signs s (the wild
bootstrap, studentised), whose quantiles the error bars are taken from.  Of few residuals these say little; there it is
Student's distribution with ``nu = (sum_i d_i G_ii)^2 / sum_ij d_i d_j G_ij^2``, ``d_i = a_i^2 / G_ii`` (R. M. Bell and
D. F. McCaffrey, Survey Methodology 28, 169 (2002)), exact to second order for noise that is the same everywhere and
too wide in the tails for one that differs from point to point, since a point that is far off then widens the bar that
it is held against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

_EXACT = 1e-9  # G_ii of a point that the law goes through whatever its value is

SIGNS = 2000
"""Sets of random signs: the quantile at 95.4 % is known to 2 %."""

FEW = 4.5
"""Degrees of freedom below which Student's distribution is taken: signs of so many residuals have 22 patterns, as many
as the 4.6 % outside of two error bars need."""


@dataclass(frozen=True)
class Scatter:
    """Residuals of a linear estimate, and what follows from them.

    Attributes
    ----------
    residual : ndarray, shape (N,)
    leverage : ndarray, shape (N,)
        1 - G_ii.
    """

    residual: np.ndarray
    leverage: np.ndarray
    _design: np.ndarray
    _inverse: np.ndarray
    _left: np.ndarray
    _right: np.ndarray

    @classmethod
    def of(cls, design: np.ndarray, inverse: np.ndarray, y: np.ndarray) -> Scatter:
        """Those of ``y - design @ inverse @ y``; `design` (N, Q), `inverse` (Q, N)."""
        u, v = design, inverse.T
        left = np.concatenate([u, v], axis=1)
        right = np.concatenate([u @ (v.T @ v) - v, -u], axis=1)  # G = 1 + left right^T
        return cls(y - u @ (inverse @ y), -np.sum(left * right, axis=1), u, inverse, left, right)

    @property
    def _known(self) -> np.ndarray:
        return self.leverage < 1 - _EXACT

    @property
    def scaled(self) -> np.ndarray:
        """Residuals as large as the noise, ``e_i / G_ii^(1/2)``; 0 where a point has none."""
        room = np.where(self._known, 1 - self.leverage, 1.0)
        return np.where(self._known, self.residual / np.sqrt(room), 0.0)

    def pooled(self) -> float:
        """Standard deviation of the noise, the same for all points."""
        free = float(np.sum(1 - self.leverage))
        return float(np.sqrt(np.sum(self.residual**2) / free)) if free > _EXACT * len(self.residual) else np.nan

    def error(self, estimates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standard error and degrees of freedom of ``estimates @ y``, rows of shape (N,).

        NaN where an estimate rests on a point that the law goes through whatever its value.
        """
        deviation, freedom = np.full(len(estimates), np.nan), np.full(len(estimates), np.nan)
        size = 1 - self.leverage
        for k, a in enumerate(np.asarray(estimates)):
            used = self._used(a)
            if not used.any() or np.any(used & ~self._known):
                continue
            left, right, room = self._left[used], self._right[used], size[used]
            d = a[used] ** 2 / room
            deviation[k] = np.sqrt(np.sum(d * self.residual[used] ** 2))
            off = np.sum((left.T @ (d[:, None] * left)) * (right.T @ (d[:, None] * right)))
            twice = np.sum(d**2 * (2 * room - 1)) + off
            freedom[k] = np.sum(d * room) ** 2 / twice
        return deviation, freedom

    def factors(self, estimates: np.ndarray, levels: Sequence[float], freedom: np.ndarray) -> np.ndarray:
        """Half widths over the standard error of intervals that hold the truth at `levels`, shape (L, K).

        Parameters
        ----------
        estimates : ndarray, shape (K, N)
        levels : sequence of float
            Between 0 and 1.
        freedom : ndarray, shape (K,)
            Of :meth:`error`.
        """
        known = np.where(freedom > _EXACT, freedom, np.nan)
        found = np.array([special.stdtrit(known, 0.5 + 0.5 * level) for level in levels])
        many = np.flatnonzero(freedom >= FEW)
        if not len(many):
            return found
        noise = self.scaled[:, None] * np.random.default_rng(0).choice([-1.0, 1.0], (len(self.residual), SIGNS))
        left = noise - self._design @ (self._inverse @ noise)
        room = np.where(self._known, 1 - self.leverage, np.inf)
        some = np.asarray(estimates)[many]
        off = np.abs(some @ noise) / np.sqrt((some**2 / room) @ left**2)
        found[:, many] = np.quantile(off, levels, axis=1)
        return found

    @staticmethod
    def _used(a: np.ndarray) -> np.ndarray:
        return np.abs(a) > _EXACT * np.abs(a).max(initial=0.0)
