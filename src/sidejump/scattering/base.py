"""What every scatterer provides: branches of ``|V0(q)|^2`` and phonon energy, and one vertex matrix.

The electron-scatterer matrix element is ``V = u'^+ (V0(q) W) u`` with a constant Hermitian matrix W, the vertex,
and a coupling that depends on ``|q|`` only.  Rates of different scatterers and branches add.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Branch:
    """One phonon branch, or one kind of static impurity.

    Attributes
    ----------
    coupling : callable
        ``|V0(q)|^2`` in eV^2 angstrom^d for an array of ``|q|`` (1/angstrom); for impurities times their density.
    phonon_energy : callable or None
        Energy in eV for an array of ``|q|``; None for a static scatterer.
    """

    coupling: Callable[[np.ndarray], np.ndarray]
    phonon_energy: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Scatterer:
    """Branches that share a vertex.

    Attributes
    ----------
    name : str
        For reports.
    dimension : int
        2 or 3.
    branches : tuple of Branch
    vertex : str or ndarray, shape (N, N)
        "identity", "sigma_x", "sigma_y", "sigma_z" (spin of the model), or a Hermitian matrix.
    sound_velocity : float or None
        Fastest acoustic ``hbar c`` in eV angstrom: sets the thermal phonon wave vector; None if not acoustic.
    singular : bool
        True if ``|V0(q)|^2`` diverges at q = 0.
    """

    name: str
    dimension: int
    branches: tuple[Branch, ...]
    vertex: str | np.ndarray = "identity"
    sound_velocity: float | None = None
    singular: bool = False


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
            raise InputError(f'vertex = "{vertex}": use "identity", "sigma_x", "sigma_y", "sigma_z" or a matrix')
        if model.spin is None:
            raise InputError(f'vertex = "{vertex}" needs a model with spin; this one has none: give a matrix')
        return np.asarray(model.spin[axes[vertex]], dtype=complex)
    matrix = np.asarray(vertex, dtype=complex)
    if matrix.shape != (n, n):
        raise InputError(f"vertex: the matrix has shape {matrix.shape}, the model needs ({n}, {n}), Hermitian")
    if not np.allclose(matrix, matrix.conj().T):
        raise InputError("vertex: the matrix is not Hermitian; make it equal to its conjugate transpose")
    return matrix


def require_positive(**values: float | None) -> None:
    """Raise InputError for the first value that is missing or not a positive finite number."""
    for name, value in values.items():
        if value is None:
            raise InputError(f"{name} is missing; it must be a positive number")
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value} must be a positive number")
