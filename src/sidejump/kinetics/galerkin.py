"""The kinetic equation in fewer energy functions than the rates are known on.

On n nodes the operator takes products like ``P(x, x') l_i(x) l_j(x')`` for the polynomial through their values at the
nodes.  With a distribution of degree n - 1 these products have a higher degree: strongly inelastic scattering next to
a band edge then makes the operator indefinite, and its errors are of first order.  Here the rates are taken on a few
nodes more, and the distribution is a combination

    g(x) = sum_a g_a phi_a(x),      C_ad = phi_a(x_d)

of n functions whose products the nodes x_d do resolve: ``C L C^T``, symmetric and of zero row sums as the functions add
up to one.  As far as they are resolved it is positive, and what is left is the variational error of g, of second order
and of one sign.
"""

from __future__ import annotations

import numpy as np

from ..pairs.strips import Strip
from .collision import CollisionOperator


def projected(operator: CollisionOperator, functions: np.ndarray) -> CollisionOperator:
    """``C L C^T`` for functions (n, m) at the m nodes of a finished operator."""
    n, m = functions.shape
    result = CollisionOperator(operator.count, n, operator.side_jump_drive.shape[2], dtype=operator.dtype)
    result.diagonal = _both(operator.diagonal, functions)
    result._self_pair = _both(operator._self_pair, functions)
    result.side_jump_drive = np.einsum("nm,sma->sna", functions, operator.side_jump_drive)
    result.pairs = operator.pairs
    for strip in operator._strips:
        rows, columns = strip.rows.stop - strip.rows.start, len(strip.columns)
        values = np.tensordot(strip.values.reshape(rows, m, columns, m), functions, axes=(3, 1))
        values = np.tensordot(values, functions, axes=(1, 1)).transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values.reshape(rows * n, columns * n), dtype=operator.dtype)
        result._strips.append(Strip(strip.rows, strip.columns, strip.mirrored, values))
    return result


def _both(blocks, functions):
    return functions @ blocks @ functions.T
