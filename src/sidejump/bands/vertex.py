"""The constant Hermitian matrix of a vertex in the basis of a model."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..rules import VERTEX_NAMES, one_of, quote


def vertex_matrix(vertex, model) -> np.ndarray:
    """The matrix W of a vertex in the basis of `model`, shape (N, N).

    Raises
    ------
    InputError
        If the name is unknown, the model has no spin, or the matrix is not Hermitian of the right size.
    """
    n = model.n_orbitals
    if isinstance(vertex, str):
        if vertex == "identity":
            return np.eye(n, dtype=complex)
        axes = {"sigma_x": 0, "sigma_y": 1, "sigma_z": 2}
        if vertex not in axes:
            raise InputError(f"vertex = {quote(vertex)}: {one_of(vertex, VERTEX_NAMES, 'a matrix')}")
        if model.spin is None:
            raise InputError(f'vertex = "{vertex}" needs a model with spin; this one has none: give a matrix')
        return np.asarray(model.spin[axes[vertex]], dtype=complex)
    matrix = np.asarray(vertex, dtype=complex)
    if matrix.shape != (n, n):
        raise InputError(f"vertex: the matrix has shape {matrix.shape}, the model needs ({n}, {n}), Hermitian")
    if not np.allclose(matrix, matrix.conj().T):
        raise InputError("vertex: the matrix is not Hermitian; make it equal to its conjugate transpose")
    return matrix
