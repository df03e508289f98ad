"""Massive Dirac electrons whose velocity along x is twice that along y, of the same density of states."""

import numpy as np

import sidejump as sj

MASS = 0.1  # eV
VELOCITIES = 3.0 * np.sqrt(2.0), 3.0 / np.sqrt(2.0)  # eV angstrom


def hamiltonian(k):
    """H(k) for k of shape (nk, 2), 1/angstrom; returns (nk, 2, 2), eV."""
    kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    sx, sy, sz = sj.PAULI
    return VELOCITIES[0] * kx * sx + VELOCITIES[1] * ky * sy + MASS * sz


model = sj.FunctionModel(hamiltonian, dimension=2, spin=sj.PAULI, search_half_width=0.15)
