"""What a law asks of the measured numbers, and how it changes with each of them.

The measured numbers z are rho_xx and rho_yx of every point, the residual resistivities that are declared, and the
scale of each film, which is 1 with the error of its thickness.  The equation of a point is
``sigma_yx(z) - X(z) theta = 0``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from .films import Films
from .inversion import Conductivity, conductivity
from .laws import Law


@dataclass(frozen=True)
class Point:
    """The equations at one z.

    Attributes
    ----------
    sigma : Conductivity
        Of every point.
    parts : ndarray, shape (N, S)
        Static parts of its resistivity.
    design : ndarray, shape (N, P)
        X without the columns of the free remainder.
    """

    sigma: Conductivity
    parts: np.ndarray
    design: np.ndarray
    rho: tuple[np.ndarray, np.ndarray]
    scale: np.ndarray


class Equations:
    """Equations of a law for films.

    Parameters
    ----------
    films : Films
    law : Law
    """

    def __init__(self, films: Films, law: Law):
        self.films, self.law = films, law
        self.points, self.count = len(films.film), len(films.names)
        self.static = len(films.parts)

    @property
    def design_size(self) -> int:
        """Columns of the design of the law."""
        return len(self.law.terms)

    @cached_property
    def measured(self) -> np.ndarray:
        """z as measured: rho_xx, rho_yx (N each), residual resistivities (F S, where declared), scales (F)."""
        residual = np.empty(0) if self.films.residual is None else self.films.residual.ravel()
        return np.concatenate([self.films.rho_xx, self.films.rho_yx, residual, np.ones(self.count)])

    @cached_property
    def deviation(self) -> np.ndarray:
        """Standard errors of z; zeros where none are declared."""

        def of(values, size):
            return np.zeros(size) if values is None else np.ravel(values)

        films, residual = self.films, len(self.measured) - 2 * self.points - self.count
        errors = (of(films.rho_xx_error, self.points), of(films.rho_yx_error, self.points))
        return np.concatenate([*errors, of(films.residual_error, residual), films.scale_error])

    def at(self, z: np.ndarray) -> Point:
        """Conductivities and design at z."""
        n, film = self.points, self.films.film
        scale = z[len(z) - self.count :][film]
        rho = z[:n] / scale, z[n : 2 * n] / scale
        sigma = conductivity(*rho)
        if self.films.residual is None:
            parts = 1 / sigma.xx[self.films.coldest][film][:, None]
        else:
            parts = z[2 * n : len(z) - self.count].reshape(self.count, self.static)[film] / scale[:, None]
        return Point(sigma, parts, self.law.design(sigma.xx, parts), rho, scale)

    def errors_of_conductivity(self) -> tuple[np.ndarray, np.ndarray]:
        """Standard errors (N,) of sigma_xx and sigma_yx as measured, from the declared uncertainties."""
        point, n = self.at(self.measured), self.points
        errors, scale = self.deviation, self.films.scale_error[self.films.film]
        sigma, (xx, yx) = point.sigma, (errors[:n], errors[n : 2 * n])
        return (
            np.sqrt((sigma.xx_by_xx * xx) ** 2 + (sigma.xx_by_yx * yx) ** 2 + (sigma.xx * scale) ** 2),
            np.sqrt((sigma.yx_by_xx * xx) ** 2 + (sigma.yx_by_yx * yx) ** 2 + (sigma.yx * scale) ** 2),
        )

    def jacobian(self, point: Point, coefficients: np.ndarray, hall: float = 1.0) -> sparse.csr_array:
        """Derivative (N, nz) of ``hall * sigma_yx - design @ coefficients`` by z."""
        i, j, values = self._entries(point, coefficients, hall)
        return sparse.coo_array((values, (i, j)), shape=(self.points, len(self.measured))).tocsr()

    def dense_jacobian(self, point: Point, coefficients: np.ndarray) -> np.ndarray:
        """The same as an array, without the way over a sparse one: fits make it in every step."""
        i, j, values = self._entries(point, coefficients, 1.0)
        shape = self.points, len(self.measured)
        return np.bincount(i * shape[1] + j, values, minlength=shape[0] * shape[1]).reshape(shape)

    def _entries(
        self, point: Point, coefficients: np.ndarray, hall: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, columns and values of the derivative; what has one place is added."""
        n, film, (a, h), sigma = self.points, self.films.film, point.rho, point.sigma
        by_s, by_parts = self.law.slopes(sigma.xx, point.parts, coefficients)
        by_a = hall * sigma.yx_by_xx - by_s * sigma.xx_by_xx
        by_h = hall * sigma.yx_by_yx - by_s * sigma.xx_by_yx
        rows = np.arange(n)
        by_scale = -(by_a * a + by_h * h - np.sum(by_parts * point.parts, axis=1)) / point.scale
        entries = [
            (rows, rows, by_a / point.scale),
            (rows, n + rows, by_h / point.scale),
            (rows, len(self.measured) - self.count + film, by_scale),
        ]
        if self.films.residual is None:
            cold = self.films.coldest[film]
            by_cold = by_parts[:, 0] * point.parts[:, 0] ** 2  # - d(1/s) = ds / s^2
            entries += [
                (rows, cold, by_cold * sigma.xx_by_xx[cold] / point.scale),
                (rows, n + cold, by_cold * sigma.xx_by_yx[cold] / point.scale),
            ]
        else:
            for part in range(self.static):
                entries.append((rows, 2 * n + film * self.static + part, -by_parts[:, part] / point.scale))
        i, j, values = (np.concatenate(column) for column in zip(*entries, strict=True))
        return i, j, values
