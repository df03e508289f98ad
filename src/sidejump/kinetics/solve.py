"""Solve ``L g = b`` for the singular, symmetric collision operator."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import lapack
from scipy.sparse.linalg import LinearOperator, eigsh, minres

from .collision import CollisionOperator

DENSE_LIMIT = 3000
"""Unknowns up to which L is factorised; above, conjugate gradients."""

_APART = 1e-7
"""Rate between sets of states, of that within them, below which each set is one of its own: what they exchange changes
the result by no more."""

_ROUNDING = 1e-7
"""Negative eigenvalue, of L scaled to a unit diagonal, that rounding explains: shared pairs are in single precision."""


def solve(
    operator: CollisionOperator,
    drive: np.ndarray,
    *,
    measure: np.ndarray,
    clusters: np.ndarray | None = None,
    tolerance: float = 1e-10,
    dense_limit: int | None = None,
    null: np.ndarray | None = None,
    sets: np.ndarray | None = None,
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
    dense_limit : int, optional
        Unknowns up to which L is factorised; :data:`DENSE_LIMIT` when not given.
    null : ndarray, shape (S * m, n), optional
        Null vectors of L; when not given the constant, or what a dense matrix shows.
    sets : ndarray, shape (S * m, C), optional
        Vectors on pieces of the shell that scattering may not connect, such as pockets far apart when it is cold, or
        shells of several energies. Combinations that L takes to next to nothing are null vectors as well.

    Returns
    -------
    g : ndarray, shape (S * m, r)
    info : dict
        ``method``, ``iterations``, ``residual`` (relative, largest over the columns) and ``growing``: the modes of L
        with a negative rate that rounding does not explain, as rates (n,) and vectors u (S * m, n), of which
        ``u (u . drive) / rate`` is in g.
    """
    if operator.unknowns <= (DENSE_LIMIT if dense_limit is None else dense_limit):
        return _solve_dense(operator, drive, measure, null, sets)
    if sets is not None and sets.shape[1]:
        null = apart(operator, sets, null)
    return _solve_iterative(operator, drive, measure, tolerance, clusters, null)


def apart(operator, sets, null=None) -> np.ndarray:
    """The vectors `null` (the constant when None) and the combinations of `sets` that L takes to next to nothing."""
    known = independent(np.ones((len(sets), 1)) if null is None else null)
    # among what is not known yet: a known vector would be found again, but for rounding, which is no null vector
    further = independent(sets, beyond=known)
    if not further.shape[1]:
        return known
    size = np.abs(np.einsum("sii->si", operator.diagonal)).reshape(-1, 1)
    size = np.maximum(size, 1e-12 * size.max())
    rate, vectors = linalg.eigh(further.T @ operator.apply(further), further.T @ (size * further))
    return np.hstack([known, independent(further @ vectors[:, np.abs(rate) < _APART])])


def independent(vectors, beyond=None) -> np.ndarray:
    """An orthonormal basis of what columns span, beyond orthonormal ones where these are given."""
    norm = np.linalg.norm(vectors, axis=0)
    vectors = vectors[:, norm > 0] / norm[norm > 0]
    if beyond is not None:
        vectors = vectors - beyond @ (beyond.T @ vectors)
    columns, size, _ = np.linalg.svd(vectors, full_matrices=False)
    return columns[:, size > 1e-8]


def neutral(drive, measure, null=None) -> np.ndarray:
    """`drive` orthogonal to the vectors of `null` (the constant when None); what has to go is taken along `measure`."""
    null = np.ones((len(measure), 1)) if null is None else null
    weighted = measure[:, None] * null
    return drive - weighted @ np.linalg.solve(null.T @ weighted, null.T @ drive)


def _centred(g, measure, null):
    null = np.ones((len(measure), 1)) if null is None else null
    weighted = measure[:, None] * null
    return g - null @ np.linalg.solve(null.T @ weighted, weighted.T @ g)


def _solve_dense(operator, drive, measure, null, sets):
    """Cholesky factorisation of L with its rows and columns scaled to a unit diagonal."""
    matrix = operator.dense()
    null = _null_vectors(matrix) if null is None else null / np.linalg.norm(null, axis=0)
    if sets is not None and sets.shape[1]:
        null = apart(operator, sets, null)
    drive = neutral(drive, measure, null)
    scale = _scale(np.diag(matrix))
    scaled = scale[:, None] * drive
    g = _by_cholesky(_regular(matrix, scale, null), scaled)
    growing = no_modes(operator)
    if g is None:  # rounding may have pushed an eigenvalue below zero
        g = _by_cholesky(_regular(operator.dense(), scale, null, _ROUNDING), scaled)
    if g is None:
        g = lapack.dsysv(_regular(operator.dense(), scale, null, _ROUNDING).T, scaled, overwrite_a=True)[2]
        rates, modes = linalg.eigh(_regular(operator.dense(), scale, null), subset_by_value=(-np.inf, -_ROUNDING))
        growing = rates, scale[:, None] * modes
    g = _centred(scale[:, None] * g, measure, null)
    residual = _relative(operator.apply(g) - drive, drive)
    return g, {"method": "dense factorisation", "iterations": 0, "residual": residual, "growing": growing}


def no_modes(operator) -> tuple[np.ndarray, np.ndarray]:
    """What ``growing`` is where all modes of L decay."""
    return np.zeros(0), np.zeros((operator.unknowns, 0))


def _scale(diagonal) -> np.ndarray:
    """What makes a diagonal one, on the left and on the right."""
    diagonal = np.abs(diagonal)
    return 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))


def _regular(matrix, scale, null, shift: float = 0.0) -> np.ndarray:
    """L scaled, with its null vectors lifted to the eigenvalue one; overwrites `matrix`."""
    kernel = null / scale[:, None]
    kernel /= np.linalg.norm(kernel, axis=0)
    for i in range(0, len(matrix), 256):  # without a second matrix
        rows = slice(i, i + 256)
        matrix[rows] *= scale[rows, None] * scale
        matrix[rows] += kernel[rows] @ kernel.T
    matrix[np.diag_indices_from(matrix)] += shift
    return matrix


def _by_cholesky(matrix, drive):
    """Solution, or None if the matrix is not positive definite; overwrites `matrix`."""
    try:  # in place: the transpose is laid out as LAPACK has it
        factor = linalg.cho_factor(matrix.T, check_finite=False, overwrite_a=True)
    except linalg.LinAlgError:
        return None
    return linalg.cho_solve(factor, drive, check_finite=False)


def _null_vectors(matrix) -> np.ndarray:
    """Normalised indicators of the sets of unknowns that scattering connects, shape (unknowns, sets)."""
    size = np.sqrt(np.abs(np.diag(matrix)))
    label = np.full(len(matrix), -1)
    count = 0
    for first in range(len(matrix)):
        if label[first] >= 0:
            continue
        label[first], front = count, np.array([first])
        while len(front):  # unknowns whose neighbours have not been looked at
            part, front = front[:256], front[256:]
            linked = (np.abs(matrix[part]) > 1e-13 * np.outer(size[part], size)).any(axis=0)
            found = np.flatnonzero(linked & (label < 0))
            label[found] = count
            front = np.concatenate([front, found])
        count += 1
    null = (label[:, None] == np.arange(count)).astype(float)
    return null / np.sqrt(null.sum(axis=0))


def _solve_iterative(operator, drive, measure, tolerance, clusters, null):
    """Conjugate gradients on the operator as it is stored, refined with residuals in double precision.

    Where L turns out not to be positive semidefinite, minimal residuals instead.
    """
    drive = neutral(drive, measure, null)
    precondition = _preconditioner(operator, clusters, null)
    g, rest = np.zeros_like(drive), drive
    single = operator.dtype != np.float64
    iterations, residual, definite = 0, 1.0, True
    for _ in range(4 if single else 1):
        goal = max(tolerance / residual, 1e-3) if single else tolerance
        step, count, definite = _iterate(operator, rest, precondition, goal)
        iterations += count
        if not definite:
            break
        g = g + step
        rest = drive - operator.apply(g)
        before, residual = residual, _relative(rest, drive)
        if residual < tolerance or residual > 0.5 * before:
            break
    method, growing = "conjugate gradients", no_modes(operator)
    if not definite:
        method, growing = "minimal residuals", _growing(operator, null)
        step, count = _minimal_residuals(operator, rest, precondition, tolerance / residual)
        g, iterations = g + step, iterations + count
        residual = _relative(drive - operator.apply(g), drive)
    info = {"method": method, "iterations": iterations, "residual": residual, "growing": growing}
    return _centred(g, measure, null), info


def _iterate(operator, drive, precondition, tolerance, limit: int = 400):
    """Preconditioned conjugate gradients from zero, all columns side by side: (solution, iterations, definite)."""
    norm = np.linalg.norm(drive, axis=0)
    norm = np.where(norm > 0, norm, 1.0)
    g = np.zeros_like(drive)
    r = drive.copy()
    z = precondition(r)
    p = z.copy()
    rho = (r * z).sum(axis=0)
    rounding = _ROUNDING if operator.dtype == np.float64 else 1e-5
    diagonal = np.abs(np.einsum("sii->si", operator.diagonal)).reshape(-1, 1)
    iterations = 0
    while iterations < limit:
        iterations += 1
        lp = operator.apply(p, double=operator.dtype == np.float64)
        curvature = (p * lp).sum(axis=0)
        active = np.linalg.norm(r, axis=0) > tolerance * norm
        if np.any(active & (curvature < -rounding * (diagonal * p**2).sum(axis=0))):
            return g, iterations, False
        # a column that is there stays: rounding would carry it away while the others go on
        step = np.where(active & (curvature > 0), rho / np.where(curvature > 0, curvature, 1.0), 0.0)
        g += step * p
        r -= step * lp
        if (np.linalg.norm(r, axis=0) / norm).max() < tolerance:
            break
        z = precondition(r)
        new = (r * z).sum(axis=0)
        p = z + np.where(rho != 0, new / np.where(rho != 0, rho, 1.0), 0.0) * p
        rho = new
    return g, iterations, True


def _minimal_residuals(operator, drive, precondition, tolerance, limit: int = 2000):
    """The same for an indefinite operator, column by column."""
    shape, count = (len(drive),) * 2, 0

    def step(_):
        nonlocal count
        count += 1

    def applied(v):
        return operator.apply(v.reshape(-1, 1)).ravel()

    linear = LinearOperator(shape, matvec=applied, dtype=float)
    inverse = LinearOperator(shape, matvec=lambda v: precondition(v.reshape(-1, 1)).ravel(), dtype=float)
    columns = [minres(linear, b, M=inverse, rtol=0.1 * tolerance, maxiter=limit, callback=step)[0] for b in drive.T]
    return np.stack(columns, axis=1), count


def _growing(operator, null, count: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """The modes of the most negative rates, see :func:`solve`, by Lanczos' method."""
    scale = _scale(np.einsum("sii->si", operator.point_blocks()).ravel())[:, None]
    kernel = (np.ones((operator.unknowns, 1)) if null is None else null) / scale
    kernel = np.linalg.qr(kernel)[0]

    def applied(v):
        v = v.reshape(-1, 1)
        return (scale * operator.apply(scale * v) + kernel @ (kernel.T @ v)).ravel()

    linear = LinearOperator((operator.unknowns,) * 2, matvec=applied, dtype=float)
    rates, modes = eigsh(linear, k=min(count, operator.unknowns - 1), which="SA", tol=1e-4)
    bad = rates < -_ROUNDING
    return rates[bad], scale * modes[:, bad]


def _preconditioner(operator, clusters, null):
    """Blocks of single points, and a correction on clusters of points; positive definite whatever L is.

    Cold phonons move an electron by a small angle, and the slow modes of L are those that vary slowly over the
    Fermi surface: the correction takes care of them.
    """
    values, vectors = np.linalg.eigh(operator.point_blocks())
    values = np.abs(values)
    kept = values > 1e-14 * values.max(axis=1, keepdims=True)
    inverse = np.matmul(vectors * np.where(kept, 1 / np.where(kept, values, 1.0), 0.0)[:, None], vectors.swapaxes(1, 2))
    coarse = None if clusters is None else _coarse_correction(operator, clusters, null)

    def precondition(r):
        z = np.matmul(inverse, r.reshape(operator.count, operator.size, -1)).reshape(r.shape)
        if coarse is not None:
            z = z + coarse(r)
        return z

    return precondition


def _coarse_correction(operator, bounds, null):
    clusters, m = len(bounds) - 1, operator.size
    matrix = operator.aggregated(bounds)
    diagonal = np.abs(np.diag(matrix))
    # the constant is a null vector, or others are
    matrix += diagonal.mean() / len(matrix)
    if null is not None and null.shape[1]:
        sums = np.add.reduceat(null.reshape(operator.count, m, -1), bounds[:-1], axis=0)
        there = independent((sums / np.diff(bounds)[:, None, None]).reshape(clusters * m, -1))
        matrix += diagonal.mean() * (there @ there.T)
    shift, factor = 1e-7 * diagonal.mean() * np.ones(len(matrix)), None
    while factor is None:  # L may be slightly indefinite: any positive matrix near it will do
        try:
            raised = matrix.copy()
            raised[np.diag_indices_from(raised)] += shift
            factor = linalg.cho_factor(raised.T, check_finite=False, overwrite_a=True)  # in place, see _by_cholesky
        except linalg.LinAlgError:
            shift = np.maximum(10 * shift, 1e-6 * diagonal)
    sizes = np.diff(bounds)

    def correct(r):
        sums = np.add.reduceat(r.reshape(operator.count, -1), bounds[:-1], axis=0)
        solution = linalg.cho_solve(factor, sums.reshape(clusters * m, -1), check_finite=False)
        return np.repeat(solution.reshape(clusters, -1), sizes, axis=0).reshape(r.shape)

    return correct


def _relative(r, drive) -> float:
    norm = np.linalg.norm(drive, axis=0)
    return float((np.linalg.norm(r, axis=0) / np.where(norm > 0, norm, 1.0)).max())
