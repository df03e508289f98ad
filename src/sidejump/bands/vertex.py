"""The matrix of a vertex in the basis of a model, and the operator of the crystal that it stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..rules import VERTEX_NAMES, one_of, quote
from .lattice_operator import LatticeOperator
from .spin_sum import SpinSum


@dataclass(frozen=True)
class SpinLowering:
    """``s^- = (sigma_1 - i sigma_2) / 2`` of the model's spin about an axis: it lowers the spin along it by one.

    Attributes
    ----------
    direction : tuple of 3 floats
        The axis n, of any length; with 1 and 2 the axes 1, 2, n are right-handed.  Which axes these are is a phase.
    """

    direction: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def __str__(self) -> str:
        return f"spin lowering about {tuple(float(x) for x in self.direction)}"

    def reversed(self) -> SpinLowering:
        """That about the opposite axis."""
        x, y, z = self.direction
        return SpinLowering((-x, -y, -z))

    def matrix(self, spin) -> np.ndarray:
        """From the spin matrices (3, N, N) of a model, shape (N, N)."""
        return np.tensordot(self.weights, np.asarray(spin), axes=1)

    @property
    def weights(self) -> np.ndarray:
        """Of sigma_x, sigma_y, sigma_z in it, shape (3,)."""
        axis = np.asarray(self.direction, dtype=float) / np.linalg.norm(self.direction)
        least = np.eye(3)[np.argmin(np.abs(axis))]
        first = np.cross(least, axis)
        first /= np.linalg.norm(first)
        return 0.5 * (first - 1j * np.cross(axis, first))


def vertex_operator(vertex, model, *, hermitian: bool = True) -> LatticeOperator | SpinSum:
    """A vertex as an operator of the crystal; arguments and errors as those of :func:`vertex_matrix`.

    One of the spin takes the spin of the model at every k where no constant matrices stand for it.
    """
    if model.spin is None and model.has_spin:
        if isinstance(vertex, SpinLowering):
            return SpinSum(model, _three(vertex.weights))
        if isinstance(vertex, str) and vertex in _AXES:
            return SpinSum(model, _three(np.eye(3)[_AXES.index(vertex)]))
    return model.lattice_operator(vertex_matrix(vertex, model, hermitian=hermitian))


def _three(weights) -> tuple[complex, complex, complex]:
    x, y, z = (complex(w) for w in weights)
    return x, y, z


_AXES = ("sigma_x", "sigma_y", "sigma_z")


def vertex_matrix(vertex, model, *, hermitian: bool = True) -> np.ndarray:
    """The matrix W of a vertex in the basis of `model`, shape (N, N).

    Parameters
    ----------
    vertex : str, SpinLowering or array, shape (N, N)
    model : ElectronModel
    hermitian : bool
        Whether it has to be; not where its adjoint acts in the reverse of what it does.

    Raises
    ------
    InputError
        If the name is unknown, the model has no spin, or the matrix is not of the right size or not Hermitian.
    """
    n = model.n_orbitals
    if isinstance(vertex, SpinLowering):
        if model.spin is None:
            raise InputError(
                f"magnons: {type(model).__name__} has no spin matrices to flip; give spin_ordering or spn (Wannier90 "
                "files), spin= (models in Python), or the matrix of lowering"
            )
        return vertex.matrix(model.spin)
    if isinstance(vertex, str):
        if vertex == "identity":
            return np.eye(n, dtype=complex)
        if vertex not in _AXES:
            raise InputError(f"vertex = {quote(vertex)}: {one_of(vertex, VERTEX_NAMES, 'a matrix')}")
        if model.spin is None:
            raise InputError(f'vertex = "{vertex}" needs a model with spin; this one has none: give a matrix')
        return np.asarray(model.spin[_AXES.index(vertex)], dtype=complex)
    matrix = np.asarray(vertex, dtype=complex)
    name, words = ("vertex", ", Hermitian") if hermitian else ("lowering", "")
    if matrix.shape != (n, n):
        raise InputError(f"{name}: the matrix has shape {matrix.shape}, the model needs ({n}, {n}){words}")
    if hermitian and not np.allclose(matrix, matrix.conj().T):
        raise InputError("vertex: the matrix is not Hermitian; make it equal to its conjugate transpose")
    return matrix
