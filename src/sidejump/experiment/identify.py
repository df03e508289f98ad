"""Which terms the data determine: the rank of the design, and what stands above its noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDING = 1e-4
"""Singular value over the largest below which a combination of terms is none that digits of resistivities can hold."""

_LARGE = 1e-3  # part of a term in a combination that nothing determines


@dataclass(frozen=True)
class Identified:
    """Singular values of the scaled design.

    Attributes
    ----------
    values : ndarray, shape (P,)
        Singular values, largest first, zeros where there are fewer points.
    directions : ndarray, shape (P, P)
        Combination of the coefficients that each belongs to, in rows.
    rank : int
    determined : ndarray of bool, shape (P,)
        Which coefficients the data determine.
    """

    values: np.ndarray
    directions: np.ndarray
    rank: int
    determined: np.ndarray


def scales(design: np.ndarray, natural: np.ndarray) -> np.ndarray:
    """Sizes (P,) that columns are divided by: what a column has at most, where `natural` says it, or its norm."""
    sizes = np.linalg.norm(design, axis=0)
    return np.where(np.isfinite(natural), np.sqrt(len(design)) * natural, np.where(sizes > 0, sizes, 1.0))


def identified(design: np.ndarray, natural: np.ndarray) -> Identified:
    """Rank of a design (N, P), and the columns whose coefficients it determines.

    A coefficient is determined if no combination of columns that vanishes holds it.

    Parameters
    ----------
    design : ndarray, shape (N, P)
    natural : ndarray, shape (P,)
        Largest value that an element of each column can have; NaN where there is none.
    """
    scale = scales(design, natural)
    count = design.shape[1]
    padded = np.concatenate([design / scale, np.zeros((max(0, count - len(design)), count))])
    _, values, right = np.linalg.svd(padded, full_matrices=False)
    rank = int(np.sum(values > _ROUNDING * max(values[0], 1e-300)))
    free = np.linalg.norm(right[rank:], axis=0) > _LARGE
    return Identified(values, right / scale, rank, ~free)


def solve(design: np.ndarray, rank: int, scale: np.ndarray) -> np.ndarray:
    """Least-squares inverse (P, N) of a design of this rank, the smallest where it is not determined."""
    u, values, right = np.linalg.svd(design / scale, full_matrices=False)
    return (right[:rank].T / values[:rank]) @ u[:, :rank].T / scale[:, None]
