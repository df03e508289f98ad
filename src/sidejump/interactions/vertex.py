"""Rates and coordinate shifts for blocks of pairs of states (eq. 3; theory, section 2)."""

from __future__ import annotations

from array_api_compat import array_namespace


def pair_vertex(initial, final, vertex):
    """``|<u'|W|u>|^2`` and ``-Im(V* D_a V)`` for all pairs of two sets of states.

    Parameters
    ----------
    initial, final : States
        P and Q states.
    vertex : array, shape (N, N)
        Constant Hermitian matrix W (the q-dependent factor ``V0(q)`` is applied by the kernel).

    Returns
    -------
    strength : array, shape (P, Q)
        ``Tr V^+ V`` over the groups, dimensionless.
    shift : array, shape (d, P, Q)
        ``-Im Tr V^+ D_a V`` for scattering from the row to the column state, angstrom; antisymmetric under exchange.

    Notes
    -----
    ``D_a V = u'^+ W (D_a u) + (D_a u')^+ W u``.
    """
    return products(state_kets(initial, vertex), initial, final)


def state_kets(states, vertex=None):
    """``W u`` and ``W D_a u``, shape (1 + d, P, m, N)."""
    xp = array_namespace(states.vectors)
    kets = xp.concat([states.vectors[None, ...], xp.permute_dims(states.covariant, (1, 0, 2, 3))], axis=0)
    return kets if vertex is None else xp.matmul(kets, xp.matrix_transpose(vertex))


def products(kets, initial, final):
    """:func:`pair_vertex` with kets (1 + d, P, m, N) that hold the vertex already."""
    xp = array_namespace(kets)
    _, p, m, n = kets.shape
    q, mf, _ = final.vectors.shape
    d = initial.covariant.shape[1]
    kets = xp.reshape(kets, ((1 + d) * p * m, n))
    bra = xp.matrix_transpose(xp.conj(xp.reshape(final.vectors, (q * mf, n))))
    values = xp.reshape(xp.matmul(kets, bra), (1 + d, p * m, q * mf))
    real, imag = xp.real(values[0, ...]), xp.imag(values[0, ...])
    strength = real**2 + imag**2
    shifts = []
    for a in range(d):
        dbra = xp.matrix_transpose(xp.conj(xp.reshape(final.covariant[:, a], (q * mf, n))))
        dv = values[1 + a, ...] + xp.matmul(kets[: p * m], dbra)
        shifts.append(imag * xp.real(dv) - real * xp.imag(dv))
    shift = xp.stack(shifts, axis=0)
    if m > 1 or mf > 1:
        strength = xp.sum(xp.reshape(strength, (p, m, q, mf)), axis=(1, 3))
        shift = xp.sum(xp.reshape(shift, (d, p, m, q, mf)), axis=(2, 4))
    return strength, shift
