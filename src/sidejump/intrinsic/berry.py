"""Berry curvature with the position matrix of the orbitals: of every band, or summed over the occupied states.

With ``D_a = (U^+ dH_a U)_nm / (e_m - e_n)`` (antihermitian), ``A_a`` and ``C_ab = d_a A_b - d_b A_a`` rotated to
the eigenvectors, the curvature of band n is (Wang, Yates, Souza, Vanderbilt, PRB 74, 195118, eq. 32)

    Omega_n,ab = C_nn,ab + sum_m q_nm,
    q_nm = 2 Re(D_b,nm A_a,nm^* - D_a,nm A_b,nm^*) - 2 Im(D_a,nm D_b,nm^*)
         = -2 Im(X_a,nm X_b,nm^* - A_a,nm A_b,nm^*),        X = A + i D.

q is antisymmetric, so that a pair of bands of equal occupation drops out of a sum over occupied states,

    sum_n f_n Omega_n = sum_n f_n C_nn + sum_{n<m} (f_n - f_m) q_nm,

however close the two are.  Pairs closer than a guard carry no q: both are full or both empty except on a set of
measure zero.

A point may stand for a cell of k space.  Near a crossing the curvature is the field of a monopole in the space of the
gap vector, q ~ 1/gap^2, and a point that happens to lie close to it would count for far too much.  The mean of such
a field over a ball of radius r around a point inside it is ``q (gap / r)^3``: that replaces q where the gap is
below r = R / 2, with R the radius of the ball with the same second moment as the cell has in that space,

    R^2 = (5/3) sum_i |d gap|_i^2 / 12,    |d gap|_i^2 = (dk_i . (v_n - v_m))^2 + 4 |dk_i . v_nm|^2,

dk_i the edges of the cell.  The mean takes the occupation to be constant over the ball: with r = R iron is 1 % off
where r = R / 2 and r = 0.3 R are not.  The radius was chosen on iron alone.  Without replacement, and with an earlier
rule for when to stop, twice the points were needed; the two were not told apart.  Cells that resolve the gap are not
touched.  In two dimensions the gap does not vanish, its plane of gap vectors misses the monopole, and
nothing is replaced.

Not covered: the curvature *matrix* of a degenerate group (only its trace enters a conductivity).
"""

from __future__ import annotations

from array_api_compat import array_namespace

GUARD = 1e-8
"""Gap in eV below which two bands count as degenerate."""

NEGLIGIBLE = 1e-9
"""Occupation of a band, or what it lacks to one, that counts as none."""

_BALL = 0.5  # r / R


def cyclic_pairs(dimension: int) -> list[tuple[int, int]]:
    """Axes (a, b) of the curvature's components: (yz, zx, xy) in 3D, (xy) in 2D."""
    return [(1, 2), (2, 0), (0, 1)] if dimension == 3 else [(0, 1)]


def curvature_of_matrices(hamiltonian, gradient, position=None, curl=None, *, guard: float = GUARD):
    """Energies, velocities and curvatures of all bands from matrices in the orbital basis.

    Parameters
    ----------
    hamiltonian : array, shape (nk, N, N)
    gradient : array, shape (nk, d, N, N)
    position : array, shape (nk, d, N, N), optional
    curl : array, shape (nk, len(cyclic_pairs(d)), N, N), optional
    guard : float
        Gap in eV below which a pair of bands carries no curvature.

    Returns
    -------
    energy : array, shape (nk, N), eV
    velocity : array, shape (nk, d, N), eV angstrom
    curvature : array, shape (nk, len(cyclic_pairs(d)), N), angstrom^2
    """
    xp = array_namespace(hamiltonian)
    energy, u = xp.linalg.eigh(hamiltonian)
    derivative = xp.matmul(gradient, u[:, None])
    velocity = _diagonal(xp, u, derivative)
    curvature = _curvature(xp, energy, u, derivative, velocity, position, curl, None, (0, energy.shape[1]), guard)
    return energy, velocity, curvature


def occupied_curvature(hamiltonian, gradient, position, curl, occupation, *, edges=None, guard: float = GUARD):
    """``sum_n f_n Omega_n`` for several occupations, from matrices as in :func:`curvature_of_matrices`.

    Pairs of bands that are both full or both empty are not computed: that is most of them.

    Parameters
    ----------
    occupation : callable
        ``occupation(energy, velocity)``, with energy (nk, N) in eV and velocity (nk, d, N) in eV angstrom, returns
        f of shape (..., nk, N).
    edges : array, shape (nk, d, d), optional
        Edges of the cells that the points stand for, as rows, 1/angstrom.

    Returns
    -------
    array, shape (nk, len(cyclic_pairs(d)), ...), angstrom^2
    """
    xp = array_namespace(hamiltonian)
    energy, u = xp.linalg.eigh(hamiltonian)
    derivative = xp.matmul(gradient, u[:, None])
    velocity = _diagonal(xp, u, derivative)
    f = occupation(energy, velocity)
    n = energy.shape[1]
    flat = xp.reshape(f, (-1, n))
    full = xp.all(flat > 1 - NEGLIGIBLE, axis=0)
    empty = xp.all(flat < NEGLIGIBLE, axis=0)
    # first band that is not full, end of the bands that are not empty
    first = int(xp.sum(xp.cumulative_prod(xp.astype(full, xp.int64))))
    end = n - int(xp.sum(xp.cumulative_prod(xp.astype(xp.flip(empty), xp.int64))))
    omega = _curvature(xp, energy, u, derivative, velocity, position, curl, edges, (first, end), guard)
    levels = xp.reshape(f, (-1, *energy.shape))
    result = xp.matmul(omega, xp.permute_dims(levels, (1, 2, 0)))  # (nk, components, occupations)
    return xp.reshape(result, (*result.shape[:2], *f.shape[:-2]))


def _diagonal(xp, u, derivative):
    """Diagonal of ``U^+ (dH_a U)``, shape (nk, d, N)."""
    return xp.sum(xp.real(xp.conj(u)[:, None] * derivative), axis=2)


def _curvature(xp, energy, u, derivative, velocity, position, curl, edges, window, guard):
    """Curvature of bands below `end`, without pairs of bands below `first`: shape (nk, components, N).

    `derivative` is ``dH_a U``, `window` (first, end).  Bands from `end` on, which are empty, are given their pairs
    with bands below it only.
    """
    n, (first, end) = energy.shape[1], window
    bra = xp.conj(xp.matrix_transpose(u[:, :, :end]))[:, None]
    gap = energy[:, None, first:] - energy[:, :end, None]  # e_m - e_n at [n, m]
    later = xp.arange(first, n)[None, :] > xp.arange(end)[:, None]
    kept = later[None] & (gap >= guard)
    inverse = xp.where(kept, 1.0 / xp.where(kept, gap, xp.ones_like(gap)), xp.zeros_like(gap))
    between = xp.matmul(bra, derivative[:, :, :, first:])
    d = between * inverse[:, None]
    factor = xp.astype(kept, energy.dtype)
    if edges is not None:
        radius = _gap_radius(xp, edges, velocity[:, :, None, first:] - velocity[:, :, :end, None], between)
        ratio = gap / xp.where(radius > gap, radius, xp.ones_like(gap))
        factor = xp.where(radius > gap, factor * ratio**3, factor)
    if position is not None:
        a = xp.matmul(bra, xp.matmul(position, u[:, None, :, first:]))
        x = a + 1j * d
    components = []
    for c, (i, j) in enumerate(cyclic_pairs(derivative.shape[1])):
        if position is None:
            pair = xp.imag(d[:, i] * xp.conj(d[:, j]))
        else:
            pair = xp.imag(x[:, i] * xp.conj(x[:, j])) - xp.imag(a[:, i] * xp.conj(a[:, j]))
        pair = -2 * pair * factor
        zero = xp.zeros((energy.shape[0], n), dtype=energy.dtype)
        gain = xp.concat([xp.sum(pair, axis=2), zero[:, end:]], axis=1)
        loss = xp.concat([zero[:, :first], xp.sum(pair, axis=1)], axis=1)
        omega = gain - loss
        if curl is not None:
            inner = xp.sum(xp.real(xp.matrix_transpose(bra[:, 0]) * xp.matmul(curl[:, c], u[:, :, :end])), axis=1)
            omega = omega + xp.concat([inner, zero[:, end:]], axis=1)
        components.append(omega)
    return xp.stack(components, axis=1)


def _gap_radius(xp, edges, difference, between):
    """r of every pair of bands, eV: shape (nk, n, m), from ``v_n - v_m`` and ``v_nm`` of shape (nk, d, n, m)."""
    shape = difference.shape
    flat = (*shape[:2], shape[2] * shape[3])
    along = xp.matmul(edges, xp.reshape(difference, flat))
    across = xp.matmul(xp.astype(edges, between.dtype), xp.reshape(between, flat))
    square = along**2 + 4 * (xp.real(across) ** 2 + xp.imag(across) ** 2)
    return xp.reshape(_BALL * xp.sqrt(xp.sum(square, axis=1) * (5 / 36)), (shape[0], *shape[2:]))


def band_curvature(model, k, *, guard: float = GUARD):
    """Energies, velocities and Berry curvatures of all bands of `model` at k points.

    Parameters
    ----------
    model : ElectronModel
    k : array, shape (nk, d)
        1/angstrom.

    Returns
    -------
    energy, velocity, curvature : arrays
        As in :func:`curvature_of_matrices`.

    Examples
    --------
    >>> import numpy as np
    >>> from sidejump.electrons.dirac import MassiveDirac
    >>> band_curvature(MassiveDirac(mass=0.1, velocity=3.0), np.zeros((1, 2)))[2].round(6)
    array([[[ 450., -450.]]])
    """
    return curvature_of_matrices(
        model.hamiltonian(k),
        model.hamiltonian_gradient(k),
        model.position_matrix(k),
        model.position_curl(k),
        guard=guard,
    )
