"""Solve ``L g = b`` for the singular, symmetric collision operator."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from .collision import CollisionOperator

DENSE_LIMIT = 2500
"""Unknowns up to which L is factorised; above, conjugate gradients."""


def solve(operator: CollisionOperator, drive: np.ndarray, *, tolerance: float = 1e-10, dense_limit: int = DENSE_LIMIT):
    """Solution of ``L g = drive`` orthogonal to the null vectors.

    Parameters
    ----------
    drive : ndarray, shape (S * m, r)
        Right-hand sides; their component along the null vectors is dropped.

    Returns
    -------
    g : ndarray, shape (S * m, r)
    info : dict
        ``method``, ``iterations`` and ``residual`` (relative, largest over the columns).
    """
    if operator.unknowns <= dense_limit:
        return _solve_dense(operator, drive)
    return _solve_cg(operator, drive, tolerance)


def _solve_dense(operator, drive):
    matrix = operator.dense()
    null = _null_vectors(matrix)
    drive = drive - null @ (null.T @ drive)
    scale = np.abs(np.diag(matrix)).max()
    matrix += scale * (null @ null.T)
    try:
        g = linalg.cho_solve(linalg.cho_factor(matrix, check_finite=False), drive, check_finite=False)
    except linalg.LinAlgError:  # many nodes can make the discrete operator slightly indefinite
        g = linalg.solve(matrix, drive)
    g = g - null @ (null.T @ g)
    residual = _relative(operator.apply(g) - drive, drive)
    return g, {"method": "dense factorisation", "iterations": 0, "residual": residual}


def _null_vectors(matrix) -> np.ndarray:
    """Normalised indicators of the sets of unknowns that scattering connects, shape (unknowns, sets)."""
    size = np.sqrt(np.abs(np.diag(matrix)))
    linked = np.abs(matrix) > 1e-13 * np.outer(size, size)
    count, label = connected_components(csr_matrix(linked), directed=False)
    null = (label[:, None] == np.arange(count)).astype(float)
    return null / np.sqrt(null.sum(axis=0))


def _solve_cg(operator, drive, tolerance, limit: int = 400):
    """Preconditioned conjugate gradients, all columns side by side; the constant is projected out."""
    n = operator.unknowns
    drive = drive - drive.mean(axis=0)
    inverse = np.linalg.pinv(operator.point_blocks(), hermitian=True)

    def precondition(r):
        z = np.matmul(inverse, r.reshape(operator.count, operator.size, -1)).reshape(n, -1)
        return z - z.mean(axis=0)

    norm = np.linalg.norm(drive, axis=0)
    norm = np.where(norm > 0, norm, 1.0)
    g = np.zeros_like(drive)
    r = drive.copy()
    z = precondition(r)
    p = z.copy()
    rho = (r * z).sum(axis=0)
    iterations = 0
    while iterations < limit:
        iterations += 1
        lp = operator.apply(p)
        curvature = (p * lp).sum(axis=0)
        step = np.where(curvature > 0, rho / np.where(curvature > 0, curvature, 1.0), 0.0)
        g += step * p
        r -= step * lp
        if (np.linalg.norm(r, axis=0) / norm).max() < tolerance:
            break
        z = precondition(r)
        new = (r * z).sum(axis=0)
        p = z + np.where(rho != 0, new / np.where(rho != 0, rho, 1.0), 0.0) * p
        rho = new
    residual = _relative(drive - operator.apply(g), drive)
    return g - g.mean(axis=0), {"method": "conjugate gradients", "iterations": iterations, "residual": residual}


def _relative(r, drive) -> float:
    norm = np.linalg.norm(drive, axis=0)
    return float((np.linalg.norm(r, axis=0) / np.where(norm > 0, norm, 1.0)).max())
