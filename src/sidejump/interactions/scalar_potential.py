"""The density of an operator S between states, as matrix products: what a scatterer with the vertex S couples to.

A scatterer couples to ``(S exp(i q.r) + exp(i q.r) S) / 2``, q = k' + G - k.  In orbitals that sit on their sites
``exp(i q.r)`` between Bloch sums is the unit matrix.  What the sites leave of the position matrix, A(k), adds the first
order in q,

    W(k', k) = (S(k) + S(k')) / 2 + (i/2) q.(A^S(k) + A^S(k')),     A^S_b = (S A_b + A_b S) / 2,

with S(k) the operator in the gauge of H(k) (:mod:`sidejump.bands.lattice_operator`): one for a scalar potential, a
constant where it connects orbitals of one site.  W is Hermitian, ``W(k, k') = W(k', k)^+``, and has the phases
``exp(-i G.tau)`` of an image on the side of its bra alone, since S(k) and A(k) have those of H(k).  With S = 1 the
shift of a small angle is ``Omega x q``, whatever the phases of the Wannier functions; the second order in ``q.A`` is
left out.

So ``V = (u'^+ S u + (S u')^+ u) / 2 + (i/2) sum_b q_b X_b`` with ``X_b = u'^+ A^S_b u + (A^S_b u')^+ u``: matrix
products of vectors of the states (u, S u, A^S_b u), whatever the images G of the pairs.  In ``(d/dk + d/dk')_a`` q
stays as it is.  If S does not commute with r it is a part of the velocity: to the flow ``{v_a, X_a} / 2`` it adds
``dS/dk_a X_a``.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..bands.lattice_operator import LatticeOperator
from ..bands.spin_sum import SpinSum
from ..bands.states import States
from ..threads import by_threads

_CHUNK = 512  # states at a time, on account of the (N, N) matrices of each


def with_vertex(model, states: States, vertex: LatticeOperator | SpinSum, precision) -> States:
    """`states` of `model` with (u, S u, A^S_b u) and their covariant derivatives in place of u.

    Without S u where S is a constant, and without ``A^S_b u`` where the model has no position matrix.

    Parameters
    ----------
    vertex : LatticeOperator
        S; its adjoint for bras.
    precision : dtype
        Complex.
    """
    count, members, orbitals = states.vectors.shape
    d, directions = states.k.shape[1], states.covariant.shape[1]
    positioned = model.position_matrix(states.k[:1]) is not None
    length = (1 + vertex.between_sites + d * positioned) * orbitals
    vectors = np.empty((count, members, length), dtype=precision)
    covariant = np.empty((count, directions, members, length), dtype=precision)

    def fill(start):
        part = slice(start, start + _CHUNK)
        u, du = states.vectors[part][:, None], states.covariant[part]
        s, gradient = vertex(states.k[part])[:, None], vertex.gradient(states.k[part])
        slots, derived = [u], [du[:, :, None]]

        def add(operators, slopes):
            """``X_b u`` of operators (S, b, N, N), and derivatives with their slopes (S, a, b, N, N)."""
            # rows are states: (X u)^T = u^T X^T
            turned, slopes = np.swapaxes(operators, -1, -2), np.swapaxes(slopes, -1, -2)
            slots.append(np.matmul(u, turned))  # (S, b, m, N)
            found = np.matmul(du[:, :, None], turned[:, None])  # a before b
            found[:, :d] += np.matmul(u[:, None], states.derivatives(slopes))[:, :directions]
            derived.append(found)

        if vertex.between_sites:
            add(s, gradient[:, :, None])
            if states.carried is not None and directions > d:
                flows = np.matmul(states.carried[part], np.swapaxes(gradient, -1, -2)[:, None])
                derived[-1][:, d:, 0] += flows.sum(axis=2)
        if positioned:
            a, slope = model.position_matrix(states.k[part]), model.position_gradient(states.k[part])
            if not vertex.unit:
                slope = _symmetrised(s[:, None], slope) + _symmetrised(gradient[:, :, None], a[:, None])
                a = _symmetrised(s, a)
            add(a, slope)
        vectors[part] = np.concatenate([x[:, i] for x in slots for i in range(x.shape[1])], axis=-1)
        covariant[part] = np.concatenate([x[:, :, i] for x in derived for i in range(x.shape[2])], axis=-1)

    by_threads(fill, range(0, count, _CHUNK))
    return replace(states, vectors=vectors, covariant=covariant)


def _symmetrised(one, other):
    return 0.5 * (np.matmul(one, other) + np.matmul(other, one))
