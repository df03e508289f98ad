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
    ``D_a V = u'^+ W (D_a u) + (D_a u')^+ W u``: both terms come from one complex matrix product over 2N.
    """
    xp = array_namespace(initial.vectors)
    p, m, n = initial.vectors.shape
    q, mf, _ = final.vectors.shape
    d = initial.covariant.shape[1]
    w = xp.matrix_transpose(vertex)
    ket = xp.matmul(xp.reshape(initial.vectors, (p * m, n)), w)
    bra = xp.conj(xp.reshape(final.vectors, (q * mf, n)))
    v = xp.matmul(ket, xp.matrix_transpose(bra))
    strength = xp.real(v) ** 2 + xp.imag(v) ** 2
    shifts = []
    for a in range(d):
        dket = xp.matmul(xp.reshape(initial.covariant[:, a], (p * m, n)), w)
        dbra = xp.conj(xp.reshape(final.covariant[:, a], (q * mf, n)))
        dv = xp.matmul(xp.concat([dket, ket], axis=1), xp.matrix_transpose(xp.concat([bra, dbra], axis=1)))
        shifts.append(xp.imag(v) * xp.real(dv) - xp.real(v) * xp.imag(dv))
    shift = xp.stack(shifts, axis=0)
    if m > 1 or mf > 1:
        strength = xp.sum(xp.reshape(strength, (p, m, q, mf)), axis=(1, 3))
        shift = xp.sum(xp.reshape(shift, (d, p, m, q, mf)), axis=(2, 4))
    return strength, shift
