"""Solve ``L g = b`` for the singular, symmetric collision operator."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from .collision import CollisionOperator

DENSE_LIMIT = 1200
"""Unknowns up to which L is factorised; above, conjugate gradients."""

_INDEFINITE_LIMIT = 9000
"""Unknowns up to which L is factorised where conjugate gradients fail because it is not positive."""

_FAILED = 1e-2  # relative residual


def solve(
    operator: CollisionOperator,
    drive: np.ndarray,
    *,
    measure: np.ndarray,
    clusters: np.ndarray | None = None,
    tolerance: float = 1e-10,
    dense_limit: int = DENSE_LIMIT,
):
    """Solution of ``L g = drive``, zero on the average over each set of states that scattering connects.

    Parameters
    ----------
    drive : ndarray, shape (S * m, r)
        Right-hand sides. What they sum to (zero but for the quadrature) is taken out in proportion to `measure`: an
        equal share would swamp states of small weight.
    measure : ndarray, shape (S * m,)
        Thermal weight of each unknown.
    clusters : ndarray of int, optional
        Bounds of clusters of points for the coarse correction of the iteration.

    Returns
    -------
    g : ndarray, shape (S * m, r)
    info : dict
        ``method``, ``iterations`` and ``residual`` (relative, largest over the columns).
    """
    if operator.unknowns <= dense_limit:
        return _solve_dense(operator, drive, measure)
    # strongly inelastic scattering on few nodes can make the discrete operator slightly indefinite
    try:
        g, info = _solve_cg(operator, drive, measure, tolerance, clusters)
        failed = not info["residual"] < _FAILED
    except linalg.LinAlgError:
        failed = True
    if failed:
        if operator.unknowns > _INDEFINITE_LIMIT:
            raise linalg.LinAlgError(f"the collision operator of {operator.unknowns} unknowns is not positive")
        return _solve_dense(operator, drive, measure)
    return g, info


def neutral(drive, measure, null=None) -> np.ndarray:
    """`drive` without its sums over the sets of `null` (all unknowns when None), taken out along `measure`."""
    null = np.ones((len(measure), 1)) if null is None else (null > 0).astype(float)
    return drive - measure[:, None] * (null @ ((null.T @ drive) / (null.T @ measure)[:, None]))


def _centred(g, measure, null=None):
    null = np.ones((len(measure), 1)) if null is None else (null > 0).astype(float)
    return g - null @ ((null.T @ (measure[:, None] * g)) / (null.T @ measure)[:, None])


def _solve_dense(operator, drive, measure):
    matrix = operator.dense()
    null = _null_vectors(matrix)
    drive = neutral(drive, measure, null)
    scale = np.abs(np.diag(matrix)).max()
    matrix += scale * (null @ null.T)
    try:
        g = linalg.cho_solve(linalg.cho_factor(matrix, check_finite=False), drive, check_finite=False)
    except linalg.LinAlgError:  # slightly indefinite
        g = linalg.solve(matrix, drive, check_finite=False)
    g = _centred(g, measure, null)
    residual = _relative(operator.apply(g) - drive, drive)
    return g, {"method": "dense factorisation", "iterations": 0, "residual": residual}


def _null_vectors(matrix) -> np.ndarray:
    """Normalised indicators of the sets of unknowns that scattering connects, shape (unknowns, sets)."""
    size = np.sqrt(np.abs(np.diag(matrix)))
    linked = np.abs(matrix) > 1e-13 * np.outer(size, size)
    count, label = connected_components(csr_matrix(linked), directed=False)
    null = (label[:, None] == np.arange(count)).astype(float)
    return null / np.sqrt(null.sum(axis=0))


def _solve_cg(operator, drive, measure, tolerance, clusters):
    """Conjugate gradients on the operator as it is stored, refined with residuals in double precision."""
    drive = neutral(drive, measure)
    precondition = _preconditioner(operator, clusters)
    g, rest = np.zeros_like(drive), drive
    single = operator.dtype != np.float64
    iterations, residual = 0, 1.0
    for _ in range(4 if single else 1):
        goal = max(tolerance / residual, 1e-3) if single else tolerance
        step, count = _iterate(operator, rest, precondition, goal)
        g, iterations = g + step, iterations + count
        rest = drive - operator.apply(g)
        before, residual = residual, _relative(rest, drive)
        if residual < tolerance or residual > 0.5 * before:
            break
    info = {"method": "conjugate gradients", "iterations": iterations, "residual": residual}
    return _centred(g, measure), info


def _iterate(operator, drive, precondition, tolerance, limit: int = 400):
    """Preconditioned conjugate gradients from zero, all columns side by side: (solution, iterations)."""
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
        lp = operator.apply(p, double=operator.dtype == np.float64)
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
    return g, iterations


def _preconditioner(operator, clusters):
    """Blocks of single points, and a correction on clusters of points.

    Cold phonons move an electron by a small angle, and the slow modes of L are those that vary slowly over the
    Fermi surface: the correction takes care of them.
    """
    inverse = np.linalg.pinv(operator.point_blocks(), hermitian=True)
    coarse = None if clusters is None else _coarse_correction(operator, clusters)

    def precondition(r):
        z = np.matmul(inverse, r.reshape(operator.count, operator.size, -1)).reshape(r.shape)
        if coarse is not None:
            z = z + coarse(r)
        return z

    return precondition


def _coarse_correction(operator, bounds):
    clusters, m = len(bounds) - 1, operator.size
    matrix = operator.aggregated(bounds)
    size = np.abs(np.diag(matrix)).mean()
    # the constant is a null vector
    matrix += size / len(matrix)
    matrix[np.diag_indices_from(matrix)] += 1e-7 * size
    factor = linalg.cho_factor(matrix, overwrite_a=True, check_finite=False)
    sizes = np.diff(bounds)

    def correct(r):
        sums = np.add.reduceat(r.reshape(operator.count, -1), bounds[:-1], axis=0)
        solution = linalg.cho_solve(factor, sums.reshape(clusters * m, -1), check_finite=False)
        return np.repeat(solution.reshape(clusters, -1), sizes, axis=0).reshape(r.shape)

    return correct


def _relative(r, drive) -> float:
    norm = np.linalg.norm(drive, axis=0)
    return float((np.linalg.norm(r, axis=0) / np.where(norm > 0, norm, 1.0)).max())
