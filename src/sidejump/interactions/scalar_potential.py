"""A smooth potential between states of a basis that has a position matrix, as matrix products.

In orbitals that sit on their sites ``exp(i q.r)`` between Bloch sums is the unit matrix.  What the sites leave of the
position matrix, A(k), adds the first order in q,

    W(k', k) = S + (i/2) q.(A^S(k) + A^S(k')),     A^S_b = (S A_b + A_b S) / 2,     q = k' - k + G,

with S the vertex (one for a scalar potential).  W is Hermitian, ``W(k, k') = W(k', k)^+``.  With it the shift of a
small angle is ``Omega x q``, whatever the phases of the Wannier functions; the second order in ``q.A`` is left out.

With ``q = k' + G - k`` V is a scalar product of a longer vector for each state:

    phi  = [ S u - (i/2) (k - G).A u,   u,               (i/2) A_b u,   (k - G)_b u  ]   of the initial,
    chi' = [ u',                        -(i/2) k'.A u',  k'_b u',       (i/2) A_b u' ]   of the final state.

chi' does not depend on G and is made once; phi is a rearrangement of the chi of its own state.  In
``(d/dk + d/dk')_a`` k and k' count as constants: what their derivatives give cancels, as it must at fixed q.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.states import States
from ..threads import THREADS

_CHUNK = 512  # states at a time, on account of the (N, N) matrices of each


def final_vectors(model, states: States, vertex, precision) -> States:
    """`states` of `model` with chi and its covariant derivatives in place of u, in the complex type `precision`.

    Parameters
    ----------
    vertex : array, shape (N, N)
        S.
    """
    count, members, orbitals = states.vectors.shape
    d, directions = states.k.shape[1], states.covariant.shape[1]
    length = (2 + 2 * d) * orbitals
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
        vectors[part] = _chi(k, u, dipole)
        covariant[part] = _chi(k, du, derivative)

    with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(0, count, _CHUNK)))
    return replace(states, vectors=vectors, covariant=covariant)


def _chi(k, u, au):
    """u (S, ..., m, N) and A_b u (S, ..., b, m, N) in one vector."""
    along = np.einsum("sb,s...bmn->s...mn", k, au)
    waves = [component.reshape(-1, *[1] * (u.ndim - 1)) * u for component in k.T]
    return np.concatenate([u, -0.5j * along, *waves, *np.moveaxis(0.5j * au, -3, 0)], axis=-1)


def initial_kets(states: States, g, vertex) -> np.ndarray:
    """phi and its covariant derivatives, shape (1 + d, S, m, L), of states with chi; `g` (d,): G."""
    d, orbitals = states.k.shape[1], len(vertex)
    chi = np.concatenate([states.vectors[None], np.moveaxis(states.covariant, 1, 0)])
    parts = [chi[..., i * orbitals : (i + 1) * orbitals] for i in range(2 + 2 * d)]
    waves, dipoles = parts[2 : 2 + d], parts[2 + d :]
    g = np.asarray(g).astype(chi.real.dtype)
    turned = np.swapaxes(vertex, -1, -2)
    kets = np.empty_like(chi)
    first = kets[..., :orbitals]
    first[...] = parts[1]
    first += parts[0] if np.array_equal(vertex, np.eye(orbitals)) else parts[0] @ turned
    kets[..., orbitals : 2 * orbitals] = parts[0]
    for b in range(d):
        wave = kets[..., (2 + d + b) * orbitals : (3 + d + b) * orbitals]
        wave[...] = waves[b]
        kets[..., (2 + b) * orbitals : (3 + b) * orbitals] = dipoles[b]
        if g[b]:
            first += g[b] * dipoles[b]
            wave -= g[b] * parts[0]
    return kets


def _symmetrised(matrices, vertex):
    if np.array_equal(vertex, np.eye(len(vertex))):
        return matrices
    return 0.5 * (np.matmul(vertex, matrices) + np.matmul(matrices, vertex))
