"""A smooth potential between states of a basis that has a position matrix, as matrix products.

In orbitals that sit on their sites ``exp(i q.r)`` between Bloch sums is the unit matrix.  What the sites leave of the
position matrix, A(k), adds the first order in q,

    W(k', k) = S + (i/2) q.(A^S(k) + A^S(k')),     A^S_b = (S A_b + A_b S) / 2,     q = k' - k + G,

with S the vertex (one for a scalar potential).  W is Hermitian, ``W(k, k') = W(k', k)^+``.  With it the shift of a
small angle is ``Omega x q``, whatever the phases of the Wannier functions; the second order in ``q.A`` is left out.

So ``V = u'^+ S u + (i/2) sum_b q_b X_b`` with ``X_b = u'^+ A_b u + (A_b u')^+ u``: 1 + d matrix products of vectors of
the states (u, A_b u), whatever the images G of the pairs.  In ``(d/dk + d/dk')_a`` q stays as it is.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from ..bands.states import States
from ..threads import THREADS, one_matrix_thread

_CHUNK = 512  # states at a time, on account of the (N, N) matrices of each


def with_dipoles(model, states: States, vertex, precision) -> States:
    """`states` of `model` with (u, A_b u) and its covariant derivatives in place of u, in the complex type `precision`.

    Parameters
    ----------
    vertex : array, shape (N, N)
        S.
    """
    count, members, orbitals = states.vectors.shape
    d, directions = states.k.shape[1], states.covariant.shape[1]
    length = (1 + d) * orbitals
    vectors = np.empty((count, members, length), dtype=precision)
    covariant = np.empty((count, directions, members, length), dtype=precision)

    def fill(start):
        part = slice(start, start + _CHUNK)
        k = states.k[part]
        position = np.swapaxes(_symmetrised(model.position_matrix(k), vertex), -1, -2)
        gradient = np.swapaxes(_symmetrised(model.position_gradient(k), vertex), -1, -2)
        u, du = states.vectors[part], states.covariant[part]
        # rows are states: (A u)^T = u^T A^T
        dipole = np.matmul(u[:, None], position)  # (S, b, m, N)
        derivative = np.matmul(du[:, :, None], position[:, None])  # a before b
        derivative[:, :d] += np.matmul(u[:, None, None], gradient)[:, :directions]
        vectors[part] = np.concatenate([u, *np.moveaxis(dipole, -3, 0)], axis=-1)
        covariant[part] = np.concatenate([du, *np.moveaxis(derivative, -3, 0)], axis=-1)

    with one_matrix_thread(), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(0, count, _CHUNK)))
    return replace(states, vectors=vectors, covariant=covariant)


def _symmetrised(matrices, vertex):
    if np.array_equal(vertex, np.eye(len(vertex))):
        return matrices
    return 0.5 * (np.matmul(vertex, matrices) + np.matmul(matrices, vertex))
