"""Berry curvature of every band, with the position matrix of the orbitals.

With ``D_a = (U^+ dH_a U)_nm / (e_m - e_n)`` (antihermitian), ``A_a`` and ``C_ab = d_a A_b - d_b A_a`` rotated to
the eigenvectors, the curvature of band n is (Wang, Yates, Souza, Vanderbilt, PRB 74, 195118, eq. 32)

    Omega_n,ab = C_nn,ab + sum_m q_nm,
    q_nm = 2 Re(D_b,nm A_a,nm^* - D_a,nm A_b,nm^*) - 2 Im(D_a,nm D_b,nm^*).

q is antisymmetric to the last bit, so that a pair of bands with the same occupation drops out of
``sum_n f_n Omega_n`` however close the two are.  Pairs closer than a guard carry no q: both are full or both empty
except on a set of measure zero.

Not covered: the curvature *matrix* of a degenerate group (only its trace enters a conductivity).
"""

from __future__ import annotations

from array_api_compat import array_namespace

GUARD = 1e-8
"""Gap in eV below which two bands count as degenerate."""


def cyclic_pairs(dimension: int) -> list[tuple[int, int]]:
    """Axes (a, b) of the curvature's components: (yz, zx, xy) in 3D, (xy) in 2D."""
    return [(1, 2), (2, 0), (0, 1)] if dimension == 3 else [(0, 1)]


def curvature_of_matrices(hamiltonian, gradient, position=None, curl=None, *, guard: float = GUARD):
    """Energies, velocities and curvatures from matrices in the orbital basis.

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
    n = energy.shape[1]
    left, right = xp.conj(xp.matrix_transpose(u))[:, None], u[:, None]
    rotated = xp.matmul(left, xp.matmul(gradient, right))
    diagonal = xp.arange(n)
    velocity = xp.real(xp.stack([rotated[:, :, i, i] for i in range(n)], axis=-1))
    gap = energy[:, None, :] - energy[:, :, None]  # e_m - e_n at [n, m]
    near = (xp.abs(gap) < guard) | (diagonal[:, None] == diagonal[None, :])[None]
    inverse = xp.where(near, xp.zeros_like(gap), 1.0 / xp.where(near, xp.ones_like(gap), gap))
    d_re, d_im = xp.real(rotated) * inverse[:, None], xp.imag(rotated) * inverse[:, None]
    if position is not None:
        a_bar = xp.matmul(left, xp.matmul(position, right))
        a_re, a_im = xp.real(a_bar), xp.imag(a_bar)
    components = []
    for c, (a, b) in enumerate(cyclic_pairs(gradient.shape[1])):
        pair = -2 * (d_im[:, a] * d_re[:, b] - d_re[:, a] * d_im[:, b])
        if position is not None:
            pair = pair + 2 * (d_re[:, b] * a_re[:, a] + d_im[:, b] * a_im[:, a])
            pair = pair - 2 * (d_re[:, a] * a_re[:, b] + d_im[:, a] * a_im[:, b])
        pair = 0.5 * (pair - xp.matrix_transpose(pair))
        omega = xp.sum(pair, axis=2)
        if curl is not None:
            omega = omega + xp.sum(xp.real(xp.conj(u) * xp.matmul(curl[:, c], u)), axis=1)
        components.append(omega)
    return energy, velocity, xp.stack(components, axis=1)


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
