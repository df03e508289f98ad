"""A smooth potential between states of a basis that has a position matrix, as matrix products.

In orbitals that sit on their sites ``exp(i q.r)`` between Bloch sums is the unit matrix.  What the sites leave of the
position matrix, A(k), adds the first order in q,

    W(k', k) = S + (i/2) q.(A^S(k) + A^S(k')),     A^S_b = (S A_b + A_b S) / 2,     q = k' - k + G,

with S the vertex (one for a scalar potential).  W is Hermitian, ``W(k, k') = W(k', k)^+``.  With it the shift of a
small angle is ``Omega x q``, whatever the phases of the Wannier functions; the second order in ``q.A`` is left out.

Both k are taken from one origin, ``q = K' - K``, so that V is a scalar product of a longer vector for each state:

    phi  = [ S u - (i/2) K.A u,   u,               (i/2) A_b u,   K_b u       ]    of the initial,
    chi' = [ u',                  -(i/2) K'.A u',  K'_b u',       (i/2) A_b u' ]   of the final state.

In ``(d/dk + d/dk')_a`` K and K' count as constants: what their derivatives give cancels, as it must at fixed q.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..bands.states import States

_CHUNK = 512  # states at a time, on account of the (N, N) matrices of each


@dataclass(frozen=True)
class PositionedStates(States):
    """States with what the position matrix makes of them.

    Attributes
    ----------
    dipole : (S, d, m, N)               A^S_b u, angstrom
    dipole_covariant : (S, d, d, m, N)  ``(dA^S_b/dk_a) u + A^S_b D_a u``, a before b, angstrom^2
    """

    dipole: Any
    dipole_covariant: Any


def positioned_states(model, states: States, vertex, precision) -> PositionedStates:
    """`states` of `model`, its vectors in the complex type `precision`, with `dipole` and `dipole_covariant`.

    Parameters
    ----------
    vertex : array, shape (N, N)
        S.
    """
    count, members, orbitals = states.vectors.shape
    d, rows = states.k.shape[1], states.covariant.shape[1]
    dipole = np.empty((count, d, members, orbitals), dtype=precision)
    derivative = np.zeros((count, rows, d, members, orbitals), dtype=precision)
    for start in range(0, count, _CHUNK):
        part = slice(start, start + _CHUNK)
        position = _symmetrised(model.position_matrix(states.k[part]), vertex)
        gradient = _symmetrised(model.position_gradient(states.k[part]), vertex)
        u, du = states.vectors[part], states.covariant[part]
        # rows are states: (A u)^T = u^T A^T
        dipole[part] = np.matmul(u[:, None], np.swapaxes(position, -1, -2))
        derivative[part, :d] = np.matmul(u[:, None, None], np.swapaxes(gradient, -1, -2))
        derivative[part] += np.matmul(du[:, :, None], np.swapaxes(position, -1, -2)[:, None])
    fields = vars(states) | {
        "vectors": states.vectors.astype(precision),
        "covariant": states.covariant.astype(precision),
        "dipole": dipole,
        "dipole_covariant": derivative,
    }
    return PositionedStates(**fields)


def _symmetrised(matrices, vertex):
    if np.array_equal(vertex, np.eye(len(vertex))):
        return matrices
    return 0.5 * (np.matmul(vertex, matrices) + np.matmul(matrices, vertex))


def initial_vectors(states: PositionedStates, origin, vertex) -> States:
    """phi and its covariant derivatives in place of u; `origin` (d,) of K, 1/angstrom."""
    wave = (states.k - origin).astype(states.vectors.real.dtype)
    turned = np.swapaxes(vertex, -1, -2)

    def longer(u, au):
        along = np.einsum("sb,s...bmn->s...mn", wave, au)
        waves = _times_wave(wave, u)
        return np.concatenate([u @ turned - 0.5j * along, u, *np.moveaxis(0.5j * au, -3, 0), *waves], axis=-1)

    return _with(states, longer)


def final_vectors(states: PositionedStates, origin) -> States:
    """chi and its covariant derivatives in place of u."""
    wave = (states.k - origin).astype(states.vectors.real.dtype)

    def longer(u, au):
        along = np.einsum("sb,s...bmn->s...mn", wave, au)
        waves = _times_wave(wave, u)
        return np.concatenate([u, -0.5j * along, *waves, *np.moveaxis(0.5j * au, -3, 0)], axis=-1)

    return _with(states, longer)


def _times_wave(wave, u):
    """``K_b u``, one array for each b."""
    return [component.reshape(-1, *[1] * (u.ndim - 1)) * u for component in wave.T]


def _with(states, longer) -> States:
    return replace(
        states,
        vectors=longer(states.vectors, states.dipole),
        covariant=longer(states.covariant, states.dipole_covariant),
    )
