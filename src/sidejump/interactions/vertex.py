"""Rates and coordinate shifts for blocks of pairs of states (eq. 3; theory, section 2)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from array_api_compat import array_namespace, is_numpy_namespace

from ..bands.hermitian_basis import components, hermitian_basis

_CHUNK = 8192  # pairs at a time: what is made of them stays in the cache


def pair_vertex(initial, final, vertex=None, *, applied=False, q=None, sites=None):
    """``|V|^2`` and ``-Im(V* D_a V)`` for all pairs of two sets of states.

    Parameters
    ----------
    initial, final : States
        P and Q states, those of :func:`.scalar_potential.with_vertex` where `applied` or `q` is given.
    vertex : array, shape (N, N), optional
        Constant Hermitian matrix S (the q-dependent factor ``V0(q)`` is applied by the kernel); one if left out.
    applied : bool
        Whether the vectors of the states hold S u after u.
    q : array, shape (c, P, Q), optional
        ``k' + G - k`` of each pair, 1/angstrom.
    sites : sequence of (array of int, array (P, Q)), optional
        The orbitals of each site, and ``exp(i G.tau)`` there of the image G of each pair: ``u'(k' + G)`` has its
        conjugate.

    Returns
    -------
    strength : array, shape (P, Q)
        ``Tr V^+ V`` over the groups, dimensionless.
    shift : array, shape (d, P, Q)
        ``-Im Tr V^+ D_a V`` for scattering from the row to the column state, angstrom; antisymmetric under exchange.

    Notes
    -----
    ``V = (u'^+ S u + (S u')^+ u) / 2 + (i/2) sum_b q_b (u'^+ A_b u + (A_b u')^+ u)``, in ``D_a V`` either what is of u
    or what is of u' is derived, at fixed q.
    """
    xp = array_namespace(initial.vectors)
    m, (n, mf, _) = initial.vectors.shape[1], final.vectors.shape
    strength, shift = [], []
    for value in _values(initial, final, vertex, applied, q, sites):
        real, imag = xp.real(value), xp.imag(value)
        squares = real[0, ...] ** 2 + imag[0, ...] ** 2
        turns = imag[0, ...] * real[1:, ...] - real[0, ...] * imag[1:, ...]
        if m > 1 or mf > 1:
            squares = xp.sum(xp.reshape(squares, (-1, m, n, mf)), axis=(1, 3))
            turns = xp.sum(xp.reshape(turns, (turns.shape[0], -1, m, n, mf)), axis=(2, 4))
        strength.append(squares)
        shift.append(turns)
    return xp.concat(strength, axis=0), xp.concat(shift, axis=1)


def pair_matrices(initial, final, vertex=None, *, applied=False, q=None, sites=None):
    """What pairs of groups do with distributions that are matrices, in the basis B of :func:`.hermitian_basis`.

    Arguments as those of :func:`pair_vertex`.

    Returns
    -------
    strength : array, shape (c, c, P, Q)
        ``tr B_a V^+ B_b V``: the component b at the column state that the component a at the row state exchanges with.
    shift : array, shape (2, d, c, P, Q)
        Components of ``(i/2) (V^+ D_a V - (D_a V)^+ V)`` at the row state; of the way back, with the adjoint of V in
        place of V, at the column state.

    Notes
    -----
    Where states are not degenerate these are what :func:`pair_vertex` gives, the shift at the column its negative.
    """
    p, m, _ = initial.vectors.shape
    n, mf, _ = final.vectors.shape
    values = np.concatenate([x.copy() for x in _values(initial, final, vertex, applied, q, sites)], axis=1)
    values = values.reshape(-1, p, m, n, mf).transpose(0, 1, 3, 4, 2)  # <u'_j|W|u_i>, (1 + d, P, Q, j, i)
    return group_matrices(values[0], values[1:])


def group_matrices(v, slopes):
    """What :func:`pair_matrices` gives, from elements ``<u'_j|V|u_i>`` (P, Q, j, i) and those of D_a V."""
    m, mf = v.shape[-1], v.shape[-2]
    back = np.conj(np.swapaxes(v, -1, -2))
    here, there = hermitian_basis(m).astype(v.dtype), hermitian_basis(mf).astype(v.dtype)
    carried = back[None] @ there[:, None, None] @ v[None]  # V^+ B_b V, (c, P, Q, m, m)
    strength = components(here, carried).transpose(3, 0, 1, 2)
    shift = [
        -np.einsum("aij,dpqji->dapq", basis, products, optimize=True).imag
        for basis, products in ((here, back @ slopes), (there, v @ np.conj(np.swapaxes(slopes, -1, -2))))
    ]
    return np.ascontiguousarray(strength), np.stack(shift)


def pair_amplitudes(initial, final, vertex=None, *, applied=False, q=None, sites=None):
    """V itself between all members of two sets of states, (P, m, Q, m'); arguments as those of :func:`pair_vertex`.

    Unlike strengths and shifts it has the phases of the eigenvectors: what is made of it has to close.
    """
    xp = array_namespace(initial.vectors)
    one, other = (replace(x, covariant=x.covariant[:, :0, ...]) for x in (initial, final))
    values = xp.concat(
        [xp.asarray(x[0, ...], copy=True) for x in _values(one, other, vertex, applied, q, sites)], axis=0
    )
    return xp.reshape(values, (*initial.vectors.shape[:2], *final.vectors.shape[:2]))


def _values(initial, final, vertex, applied, q, sites):
    """V and ``D_a V`` of some initial states after the other, (1 + d, P m, Q m'), each in the place of the last."""
    xp = array_namespace(initial.vectors)
    p, m, _ = initial.vectors.shape
    mf, c = final.vectors.shape[1], 0 if q is None else q.shape[0]
    kets, bras = _parts(initial, applied + c), _parts(final, applied + c)
    factors = []
    for orbitals, phase in [(None, None)] if sites is None else sites:
        left = _factors(kets, orbitals, vertex, applied, ket=True)
        right = _factors(bras, orbitals, None, applied, ket=False)
        factors.append((left, [_in_rows(xp, xp.matrix_transpose(xp.conj(x))) for x in right], phase))
    rows_of, columns = kets[0].shape[0], final.vectors.shape[0] * mf
    step = min(max(1, _CHUNK // (m * columns)), p)
    places = [xp.empty(rows_of * step * m * columns, dtype=initial.vectors.dtype) for _ in range(4)]
    for start in range(0, p, step):
        stop = min(start + step, p)
        rows, states = slice(start, stop), slice(start * m, stop * m)
        shape = rows_of, (stop - start) * m, columns
        total, more, along, beside = (xp.reshape(x[: math.prod(shape)], shape) for x in places)
        value = None
        for left, right, phase in factors:
            here = _elements(xp, left[0][:, states, :], right[0], total if value is None else more, beside)
            for b in range(c):
                each = _elements(xp, left[1 + b][:, states, :], right[1 + b], along, beside)
                each *= _members(xp, q[b, rows, :], m, mf)
                here += each
            if phase is not None:
                here *= _members(xp, phase[rows, :], m, mf)
            if value is None:
                value = here
            else:
                value += here
        yield value


def _parts(states, c):
    """u and D_a u of all members, cut into the orbitals and c vectors more: 1 + c arrays (1 + d, P m, N)."""
    xp = array_namespace(states.vectors)
    both = xp.concat([states.vectors[None, ...], xp.permute_dims(states.covariant, (1, 0, 2, 3))], axis=0)
    both = xp.reshape(both, (both.shape[0], -1, both.shape[-1]))
    size = both.shape[-1] // (1 + c)
    return [both[..., i * size : (i + 1) * size] for i in range(1 + c)]


def _factors(parts, orbitals, vertex, applied, *, ket):
    """What the scalar products of V are between: S u with u', or (S u, u)/2 with (u', S u'), and for each b
    (A_b u, u) i/2 with (u', A_b u')."""
    xp = array_namespace(parts[0])
    plain = parts[0] if vertex is None else xp.matmul(parts[0], xp.matrix_transpose(vertex))
    if orbitals is not None:
        plain, parts = xp.take(plain, orbitals, axis=-1), [xp.take(x, orbitals, axis=-1) for x in parts]
    u, *others = parts
    if ket:
        factors = [0.5] * applied + [0.5j] * (len(others) - applied)
        found = [xp.concat([x, u], axis=-1) * f for x, f in zip(others, factors, strict=True)]
    else:
        found = [xp.concat([u, x], axis=-1) for x in others]
    return found if applied else [plain, *found]


def _elements(xp, kets, bras, place, beside):
    """Scalar products of kets (1 + d, P, L) and conjugated bras (1 + d, L, Q), and their derivatives: (1 + d, P, Q), in
    `place`; `beside` is another such place."""
    length, columns = bras.shape[1:]
    values = _product(xp, xp.reshape(kets, (-1, length)), bras[0, ...], xp.reshape(place, (-1, columns)))
    values = xp.reshape(values, place.shape)
    values[1:, ...] += _product(xp, kets[0, ...], bras[1:, ...], beside[1:, ...])
    return values


def _in_rows(xp, matrices):
    """The same with rows one after the other in memory, which products with them are faster by."""
    return xp.ascontiguousarray(matrices) if is_numpy_namespace(xp) else matrices


def _product(xp, one, other, place):
    """A matrix product, in `place` where the library has that: new arrays of this size cost as much as the product."""
    return xp.matmul(one, other, out=place) if is_numpy_namespace(xp) else xp.matmul(one, other)


def _members(xp, pairs, m, mf):
    """Values of pairs of groups for each pair of their members."""
    if m > 1:
        pairs = xp.repeat(pairs, m, axis=0)
    return xp.repeat(pairs, mf, axis=1) if mf > 1 else pairs
