"""Three laws of sigma_AH = sigma_yx, each linear in its terms.

With ``s = sigma_xx = 1/rho``, the static parts ``p_i`` of the resistivity (one, the residual resistivity rho_0, where
it is not split) and their shares ``x_i = p_i s``, that of phonons being ``x_T = 1 - sum_i x_i``,

* skew:             sigma_AH = sum_i alpha_i p_i s^2 + R(T)
* shitade-nagaosa:  sigma_AH = (alpha / s_0 + beta / s_0^2) s^2 + b,          s_0 = 1/rho_0
* hou:              sigma_AH = sum_i alpha_i p_i s^2 + sum_{i <= j} c_ij x_i x_j,  i and j over static parts and phonons

alpha is a pure number, the other coefficients are conductivities.  R(T) is free at every temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement

import numpy as np

from ..errors import InputError
from ..rules import one_of, quote
from .films import STATIC

PHONON = "T"
"""Name of the part of the resistivity that depends on temperature, rho - rho_0."""


@dataclass(frozen=True)
class Law:
    """One law, for films whose residual resistivity has the given static parts.

    Attributes
    ----------
    name : str
        A key of `LAWS`.
    parts : tuple of str
        Names of the S static parts.
    """

    name: str
    parts: tuple[str, ...] = (STATIC,)

    @property
    def equation(self) -> str:
        """The law with one static part, in words of the documentation."""
        return LAWS[self.name]

    @property
    def has_free_remainder(self) -> bool:
        """Whether the remainder is free at every temperature."""
        return self.name == "skew"

    @property
    def skew_terms(self) -> int:
        """How many of the first terms are skew scattering, that which depends on how strong the scattering is."""
        return 1 if self.name == "shitade-nagaosa" else len(self.parts)

    @cached_property
    def _pairs(self) -> list[tuple[int, int]]:
        """Parts of the products of shares; the last is that of phonons."""
        return list(combinations_with_replacement(range(len(self.parts) + 1), 2))

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the coefficients, skew scattering first."""
        if self.name == "shitade-nagaosa":
            return ("alpha", "beta", "b")
        alpha = tuple(f"alpha_{part}" for part in self.parts)
        if self.name == "skew":
            return alpha
        names = (*self.parts, PHONON)
        products = (f"beta_{names[i]}" if i == j else f"gamma_{names[i]}_{names[j]}" for i, j in self._pairs)
        return (*alpha, *products)

    @property
    def natural(self) -> np.ndarray:
        """Largest value that a column of the design can have, shape (P,); NaN where that depends on the films."""
        return np.array([1.0 if term.startswith(("beta_", "gamma_")) else np.nan for term in self.terms])

    def units(self, conductivity: str) -> tuple[str, ...]:
        """Units of the coefficients, for conductivities in `conductivity`."""
        number = ("alpha",)
        return tuple("1" if term.startswith(number) else conductivity for term in self.terms)

    def design(self, s: np.ndarray, parts: np.ndarray) -> np.ndarray:
        """What the coefficients are multiplied with.

        Parameters
        ----------
        s : ndarray, shape (N,)
            sigma_xx.
        parts : ndarray, shape (N, S)
            Static parts of the resistivity.

        Returns
        -------
        ndarray, shape (N, P)
        """
        if self.name == "shitade-nagaosa":
            rho_0 = parts.sum(axis=1)
            return np.stack([rho_0 * s**2, (rho_0 * s) ** 2, np.ones_like(s)], axis=1)
        skew = parts * s[:, None] ** 2
        if self.name == "skew":
            return skew
        x = _shares(s, parts)
        return np.concatenate([skew, np.stack([x[:, i] * x[:, j] for i, j in self._pairs], axis=1)], axis=1)

    def slopes(self, s: np.ndarray, parts: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of ``design @ coefficients`` by s, shape (N,), and by the static parts, shape (N, S)."""
        c = np.asarray(coefficients)
        if self.name == "shitade-nagaosa":
            rho_0 = parts.sum(axis=1)
            by_s = 2 * s * (c[0] * rho_0 + c[1] * rho_0**2)
            by_part = (c[0] + 2 * c[1] * rho_0) * s**2
            return by_s, np.repeat(by_part[:, None], parts.shape[1], axis=1)
        count = parts.shape[1]
        by_s = 2 * s * (parts @ c[:count])
        by_parts = s[:, None] ** 2 * c[:count]
        if self.name == "skew":
            return by_s, by_parts
        x, quadratic = _shares(s, parts), np.zeros((count + 1, count + 1))
        for (i, j), value in zip(self._pairs, c[count:], strict=True):
            quadratic[i, j] += 0.5 * value
            quadratic[j, i] += 0.5 * value
        by_share = 2 * x @ quadratic  # of the form x Q x
        static = by_share[:, :-1] - by_share[:, -1:]  # what static parts gain, phonons lose
        return by_s + np.sum(static * parts, axis=1), by_parts + static * s[:, None]


def _shares(s, parts) -> np.ndarray:
    """Shares of the parts in the resistivity, phonons last, shape (N, S + 1)."""
    static = parts * s[:, None]
    return np.concatenate([static, 1 - static.sum(axis=1, keepdims=True)], axis=1)


LAWS = {
    "skew": "sigma_AH = alpha_0 rho_0/rho^2 + R(T)",
    "shitade-nagaosa": "sigma_AH = (alpha/sigma_xx0 + beta/sigma_xx0^2) sigma_xx^2 + b",
    "hou": "rho^2 sigma_AH = alpha_0 rho_0 + beta_0 rho_0^2 + gamma_0_T rho_0 rho_T + beta_T rho_T^2",
}
"""Names of the laws, and what they say where the residual resistivity has one part."""


def law_of(name: str, parts: tuple[str, ...] = (STATIC,)) -> Law:
    """The law of a name.

    Raises
    ------
    InputError
        If there is none.
    """
    key = str(name).lower().replace("_", "-")
    if key not in LAWS:
        raise InputError(f"law = {quote(name)}: {one_of(name, LAWS)}")
    return Law(key, parts)
