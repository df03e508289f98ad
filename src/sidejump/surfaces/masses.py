"""Group velocity and inverse effective mass of single bands."""

from __future__ import annotations

import numpy as np

from ..bands.eigen import eigensystem


def velocity_and_inverse_mass(model, k, band):
    """``hbar v`` (S, d) in eV angstrom and ``d2e/dk_a dk_b`` (S, d, d) in eV angstrom^2 of single bands."""
    hamiltonian, slope, curvature = model.derivatives(k)
    energies, u = eigensystem(hamiltonian)
    rows = np.arange(len(k))
    state = u[rows, :, band]
    gradient = np.matmul(slope, state[:, None, :, None])[..., 0]  # (S, d, N)
    elements = np.einsum("snm,san->sam", u.conj(), gradient)  # <m|dH|n>
    velocity = np.real(elements[rows, :, band])
    gap = energies[rows, band][:, None] - energies
    near = np.abs(gap) < 1e-9
    inverse = np.where(near, 0.0, 1 / np.where(near, 1.0, gap))
    second = np.einsum("sn,sabnm,sm->sab", state.conj(), curvature, state).real
    mixing = 2 * np.einsum("sam,sbm,sm->sab", elements, elements.conj(), inverse).real
    return velocity, second + mixing
