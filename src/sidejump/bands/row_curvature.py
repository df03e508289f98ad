"""Curvature of operators in all bands: what the Berry curvature is for the velocity (eq. C44)."""

from __future__ import annotations

import numpy as np

GUARD = 1e-8
"""Gap in eV below which two bands count as degenerate."""

_ROUNDING = 1e-13
"""The same over the largest energy at k: far out in a k.p model rounding splits pairs by more than the gap above."""


def row_curvature(model, rows, k, *, guard: float = GUARD):
    """Energies, velocities, expectation values and curvatures of all bands n.

    Parameters
    ----------
    model : ElectronModel
    rows : ndarray, shape (nk, c, N, N)
        Hermitian operators O.
    k : ndarray, shape (nk, d)

    Returns
    -------
    energy : (nk, N)
    velocity : (nk, d, N)
    expectation : (nk, c, N)
    omega : (nk, c, d, N)
        ``-2 Im sum_m O_nm (D_b,nm - i A_b,nm)^* / (e_m - e_n)`` with ``D_b,nm = <n|dH_b|m> / (e_m - e_n)`` and the
        position matrix A of the orbitals.
    """
    energy, u = np.linalg.eigh(model.hamiltonian(k))
    bra = np.conj(np.swapaxes(u, 1, 2))[:, None]
    velocity = bra @ model.hamiltonian_gradient(k) @ u[:, None]  # (nk, d, n, m)
    gap = energy[:, None] - energy[:, :, None]  # e_m - e_n
    apart = np.abs(gap) >= np.maximum(guard, _ROUNDING * np.abs(energy).max(axis=1))[:, None, None]
    inverse = np.where(apart, 1 / np.where(apart, gap, 1.0), 0.0)[:, None]
    turning = velocity * inverse
    position = model.position_matrix(k)
    if position is not None:
        turning = turning - 1j * (bra @ position @ u[:, None])
    inside = bra @ rows @ u[:, None]
    omega = -2 * np.einsum("kcnm,kdnm->kcdn", inside * inverse, np.conj(turning)).imag
    return energy, np.einsum("kdnn->kdn", velocity).real, np.einsum("kcnn->kcn", inside).real, omega
