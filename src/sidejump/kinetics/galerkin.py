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


def projected(operator: CollisionOperator, functions: np.ndarray, side: np.ndarray) -> CollisionOperator:
    """``C L C^T`` for the functions at the nodes.

    Parameters
    ----------
    functions : ndarray, shape (sides, n, m)
        At m nodes; points on different sides of a gap have others.
    side : ndarray of int, shape (S,)
        Which of them a point has. The points of one block are on one side.
    """
    _, n, m = functions.shape
    strips = []
    for strip in operator.strips:
        rows, columns = strip.rows.stop - strip.rows.start, len(strip.columns)
        values = strip.values.reshape(rows, m, columns, m)
        found = np.empty((rows, n, columns, n), dtype=operator.dtype)
        for final in np.unique(side[strip.columns]):
            here = side[strip.columns] == final
            part = np.tensordot(values if here.all() else values[:, :, here], functions[final], axes=(3, 1))
            found[:, :, here] = np.tensordot(part, functions[side[strip.rows.start]], axes=(1, 1)).transpose(0, 3, 1, 2)
        strips.append(Strip(strip.rows, strip.columns, strip.mirrored, found.reshape(rows * n, columns * n)))
    diagonal, self_pair = (_both(x, functions, side) for x in (operator.diagonal, operator.self_pair))
    return CollisionOperator(strips, diagonal, self_pair, operator.dtype)


def _both(blocks, functions, side):
    found = np.empty((len(blocks), functions.shape[1], functions.shape[1]))
    for which, here in enumerate(functions):
        found[side == which] = here @ blocks[side == which] @ here.T
    return found
