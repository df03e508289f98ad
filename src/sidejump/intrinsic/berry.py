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

A point may stand for a cell of k space.  Near a crossing q is the field of a monopole in the space of the gap vector,
~ 1/gap^2, and one point tells little about its mean over the cell.  Where the gap is below 2R, with R the radius of the
ball with the same second moments as the image of the cell in that space,

    R^2 = (5/3) sum_i |d gap|_i^2 / 12,    |d gap|_i^2 = (dk_i . (v_n - v_m))^2 + 4 |dk_i . v_nm|^2,

dk_i the edges of the cell, the last term of q is averaged together with the occupation, in the model of two bands that
is linear over the cell (:mod:`.crossing`), and 1/gap in the others becomes ``gap / max(gap, R)^2``.  Cells that resolve
the gap are not touched.  In two dimensions the gap does not vanish, its plane of gap vectors misses the monopole, and
nothing is replaced.

Not covered: the curvature *matrix* of a degenerate group (only its trace enters a conductivity).
"""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..bands.row_curvature import GUARD
from .crossing import averaged_crossings

NEGLIGIBLE = 1e-9
"""Occupation of a band, or what it lacks to one, that counts as none."""

_REACH = 2.0  # gap, in radii of the cell's image, within which a pair of bands is averaged over the cell


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
    curvature, _ = _curvature(xp, energy, u, derivative, velocity, position, curl, None, (0, energy.shape[1]), guard)
    return energy, velocity, curvature


def occupied_curvature(hamiltonian, gradient, position, curl, occupation, *, cells=None, guard: float = GUARD):
    """``sum_n f_n Omega_n`` for several occupations, from matrices as in :func:`curvature_of_matrices`.

    Pairs of bands that are both full or both empty are not computed: that is most of them.

    Parameters
    ----------
    occupation : callable
        ``occupation(energy, velocity)``, with energy (nk, N) in eV and velocity (nk, d, N) in eV angstrom, returns
        f of shape (..., nk, N).
    cells : tuple, optional
        Of the cells that the points stand for: their edges as rows, shape (nk, 3, 3), 1/angstrom, and a function of
        energy and spread as :func:`.crossing.averaged_crossings` takes it.  NumPy arrays only.

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
    edges = None if cells is None else cells[0]
    omega, close = _curvature(xp, energy, u, derivative, velocity, position, curl, edges, (first, end), guard)
    levels = xp.reshape(f, (-1, *energy.shape))
    result = xp.matmul(omega, xp.permute_dims(levels, (1, 2, 0)))  # (nk, components, occupations)
    if close is not None and len(close[0][0]):
        _add_crossings(result, energy, velocity, close, *cells)
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
    close = None
    if edges is not None:
        close, radius = _unresolved(gap, kept, velocity, between, edges, first, end)
        inverse[close[0]] = gap[close[0]] / np.maximum(gap[close[0]], radius) ** 2
        d = between * inverse[:, None]
    if position is not None:
        a = xp.matmul(bra, xp.matmul(position, u[:, None, :, first:]))
        x = a + 1j * d
    components = []
    for c, (i, j) in enumerate(cyclic_pairs(derivative.shape[1])):
        if position is None:
            pair = xp.imag(d[:, i] * xp.conj(d[:, j]))
        else:
            pair = xp.imag(x[:, i] * xp.conj(x[:, j])) - xp.imag(a[:, i] * xp.conj(a[:, j]))
        pair = -2 * pair
        if close is not None:  # their own part is averaged together with the occupation
            pair[close[0]] += 2 * xp.imag(d[:, i] * xp.conj(d[:, j]))[close[0]]
        zero = xp.zeros((energy.shape[0], n), dtype=energy.dtype)
        gain = xp.concat([xp.sum(pair, axis=2), zero[:, end:]], axis=1)
        loss = xp.concat([zero[:, :first], xp.sum(pair, axis=1)], axis=1)
        omega = gain - loss
        if curl is not None:
            inner = xp.sum(xp.real(xp.matrix_transpose(bra[:, 0]) * xp.matmul(curl[:, c], u[:, :, :end])), axis=1)
            omega = omega + xp.concat([inner, zero[:, end:]], axis=1)
        components.append(omega)
    return xp.stack(components, axis=1), close


def _unresolved(gap, kept, velocity, between, edges, first, end):
    """Pairs of bands whose gap the cell does not resolve.

    Returns
    -------
    close : tuple
        Indices into arrays [k, n, m], numbers of the upper bands, and ``dd_i/dk_a`` (see :mod:`.crossing`), shape
        (pairs, a, i).
    radius : array, shape (pairs,)
        Of the ball that stands for the cell, in terms of the gap, eV.
    """
    along = np.matmul(edges, velocity)
    across = np.matmul(edges, between.reshape(*between.shape[:2], -1)).reshape(between.shape)
    square = np.sum((along[:, :, None, first:] - along[:, :, :end, None]) ** 2, axis=1)
    square += 4 * np.sum(across.real**2 + across.imag**2, axis=1)
    radius = np.sqrt(5 / 36 * square)
    where = np.nonzero(kept & (gap < _REACH * radius))
    k, n, m = where
    v = between[k, :, n, m]
    jacobian = np.stack([v.real, v.imag, (velocity[k, :, m + first] - velocity[k, :, n]) / 2], axis=-1)
    return (where, m + first, jacobian), radius[where]


def _add_crossings(result, energy, velocity, close, edges, occupation):
    """Add what unresolved pairs of bands contribute to the Fermi sea, averaged over the cells."""
    (k, n, _), m, jacobian = close
    middle = (energy[k, n] + energy[k, m]) / 2
    gap = energy[k, m] - energy[k, n]
    slope = np.einsum("pia,pa->pi", edges[k], (velocity[k, :, n] + velocity[k, :, m]) / 2)
    image = np.matmul(edges[k], jacobian)
    # how far the two energies reach within the cell
    extent = gap / 2 + np.sum(np.abs(slope) + np.linalg.norm(image, axis=2), axis=1) / 2
    f = np.stack([occupation(middle + sign * extent, 0 * extent) for sign in (-1, 1)])
    f = f.reshape(2, -1, len(gap))
    some = np.any(f[0] - f[1] > NEGLIGIBLE, axis=0)
    if not some.any():
        return
    k, jacobian = k[some], jacobian[some]
    field = averaged_crossings(middle[some], gap[some], slope[some], image[some], occupation)
    field = field.reshape(-1, *field.shape[-2:])
    for c, (i, j) in enumerate(cyclic_pairs(3)):
        value = np.sum(field * np.cross(jacobian[:, i], jacobian[:, j]), axis=-1)
        np.add.at(result[:, c], k, value.T)


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
    >>> from sidejump.bands.dirac import MassiveDirac
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
