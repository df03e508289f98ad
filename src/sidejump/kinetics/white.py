"""The conductivity that a shell has if scattering knows no momentum transfer.

With ``|V|^2`` a constant times the overlaps of the states, ``P_ij = Tr rho_i rho_j``, a sum over final states is one
N x N matrix for all initial ones,

    D_i g_i - Tr rho_i sum_j w_j g_j rho_j = v_i,      D_i = Tr rho_i sum_j w_j rho_j,

rho_i the mean of ``u u^+`` over a group of degenerate states: the work is in proportion to the points, not to their
pairs, and tells how the conductivity depends on where the points lie.  With irreducible points sums are averages over
the group, ``rho -> U rho U^+`` (with time reversal of its conjugate).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from .fold import Fold

_RESIDUAL, _ITERATIONS = 1e-6, 300


def white_conductivity(states, weight, velocity, fold: Fold, turns=None) -> np.ndarray | None:
    """``sum_i w_i v_i g_i`` of a shell, shape (d, d), up to the strength of the scattering.

    Parameters
    ----------
    states : States
        Of S points.
    weight, velocity : ndarray, shape (S,), (S, d)
        Weights, those of all images together, and velocities.
    fold : Fold
        The group of the points.
    turns : ndarray, shape (n, N, N), optional
        U of each of its operations, constant in the atomic gauge.

    Returns
    -------
    ndarray, or None where the equation could not be solved.
    """
    s, d = velocity.shape
    u = states.vectors / np.sqrt(states.multiplicity)[:, None, None]  # (S, m, N)
    bras = u.conj()

    def summed(values):
        """``sum_i values_i rho_i`` of values (S, c): (c, N, N)."""
        return np.stack([np.tensordot(u * x[:, None, None], bras, ([0, 1], [0, 1])) for x in values.T])

    def traces(matrices):
        """``Tr rho_i X`` of Hermitian matrices (c, N, N): (S, c)."""
        return np.stack([np.sum((bras @ x) * u, axis=(1, 2)).real for x in matrices], axis=1)

    def averaged(matrices, by):
        """Mean over the group of matrices (c, N, N), whose components turn by (n, c, c)."""
        if turns is None:
            return matrices
        total = np.zeros_like(matrices)
        for turn, sign, m in zip(turns, fold.signs, by, strict=True):
            total += turn @ np.tensordot(m, matrices if sign >= 0 else matrices.conj(), 1) @ turn.conj().T
        return total / len(turns)

    vectors = np.ones((1, d, d)) if turns is None else fold.matrices
    scalars = np.ones((len(vectors), 1, 1))
    out = traces(averaged(summed(weight[:, None]), scalars))

    def applied(g):
        g = weight[:, None] * g.reshape(s, d)
        return (out * g - weight[:, None] * traces(averaged(summed(g), vectors))).ravel()

    drive = weight[:, None] * velocity
    size = np.repeat(weight * out[:, 0], d)
    precondition = LinearOperator((s * d, s * d), matvec=lambda x: x.ravel() / size, dtype=float)
    operator = LinearOperator((s * d, s * d), matvec=applied, dtype=float)
    g, failed = cg(operator, drive.ravel(), rtol=_RESIDUAL, maxiter=_ITERATIONS, M=precondition)
    return None if failed else fold.average(drive.T @ g.reshape(s, d))
