"""Hermitian matrices of a group of degenerate states as real vectors."""

from __future__ import annotations

import numpy as np


def hermitian_basis(members: int) -> np.ndarray:
    """Matrices with ``tr B_a B_b = delta_ab``, the diagonal ones first: shape (members^2, members, members).

    Each belongs to one or two members, so that one that a smaller group has not is nothing there.
    """
    unit = np.eye(members)
    found = [np.outer(e, e).astype(complex) for e in unit]
    for i in range(members):
        for j in range(i):
            part = np.outer(unit[i], unit[j]) / np.sqrt(2)
            found += [part + part.T, 1j * (part - part.T)]
    return np.array(found)


def components(basis, matrices) -> np.ndarray:
    """``tr B_a M`` of Hermitian M (..., m, m): shape (..., m^2)."""
    return np.einsum("aij,...ji->...a", basis, matrices, optimize=True).real


def conjugation_signs(members: int) -> np.ndarray:
    """What becomes of components when matrices are conjugated: -1 of the imaginary B_a, else 1, shape (members^2,)."""
    return np.where(hermitian_basis(members).imag.any(axis=(1, 2)), -1.0, 1.0)
