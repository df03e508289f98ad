"""What every electron model provides: the Hamiltonian matrix and its derivatives at given k points.

Models are stateless providers: arrays of k in, arrays out.  Cartesian k in 1/angstrom, energies in eV.
"""

from __future__ import annotations

import abc
from copy import copy
from typing import TypeVar

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from ..notebook import card
from .lattice_operator import LatticeOperator
from .nearest import reduced

M = TypeVar("M", bound="ElectronModel")

PAULI = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=complex)
"""Pauli matrices, shape (3, 2, 2)."""


class ElectronModel(abc.ABC):
    """Bands as a Hamiltonian matrix H(k), in the gauge where scalar potentials are ``V(q)`` times a constant matrix.

    Attributes
    ----------
    dimension : int
        2 or 3.
    n_orbitals : int
        Size N of the Hamiltonian matrix.
    cell : ndarray, shape (d, d), or None
        Lattice vectors as rows, angstrom; None for a k.p model, whose k space is unbounded.
    site_positions : ndarray, shape (N, d)
        Positions of the orbitals used in the phases of H(k), angstrom; a k shift by a reciprocal vector G
        multiplies the eigenvectors by ``exp(-i G . site)``. Zeros for k.p models.
    spin : ndarray, shape (3, N, N), or None
        Pauli matrices of the spin in the orbital basis; None when the model has no spin.
    spin_degeneracy : {1, 2}
        How many spins each band stands for, 2 for the bands of a calculation without spin; see
        :func:`with_spin_degeneracy`. A factor of conductivities and densities, not of rates: scattering keeps the spin.
    exchange_field : ndarray, shape (3,), or None
        b, eV: ``b.sigma`` is the part of H that the magnetisation makes; None where that is not known.
    search_half_width : float or None
        For k.p models: k points with every ``|k_a|`` below this many 1/angstrom are searched for the shells.
        None lets :mod:`sidejump.surfaces` find a box that encloses them.
    """

    dimension: int
    n_orbitals: int
    cell: np.ndarray | None = None
    spin: np.ndarray | None = None
    spin_degeneracy: int = 1
    exchange_field: np.ndarray | None = None
    search_half_width: float | None = None

    @property
    def site_positions(self) -> np.ndarray:
        return np.zeros((self.n_orbitals, self.dimension))

    @property
    def reciprocal_cell(self) -> np.ndarray | None:
        """Reciprocal lattice vectors as rows, 1/angstrom, or None for a k.p model."""
        return None if self.cell is None else 2 * np.pi * np.linalg.inv(self.cell).T

    @property
    def zone_axes(self) -> np.ndarray | None:
        """The shortest reciprocal lattice vectors, rows, 1/angstrom, or None for a k.p model: meshes are laid along
        them, so that they do not depend on the vectors that the lattice is told by; those of `reciprocal_cell` where
        none is shorter."""
        return None if self.cell is None else reduced(self.reciprocal_cell)

    @abc.abstractmethod
    def hamiltonian(self, k):
        """H(k) in eV, shape (nk, N, N), for k of shape (nk, d)."""

    @abc.abstractmethod
    def hamiltonian_gradient(self, k):
        """dH/dk_a in eV angstrom, shape (nk, d, N, N)."""

    def hamiltonian_hessian(self, k):
        """d2H/dk_a dk_b in eV angstrom^2, shape (nk, d, d, N, N); by central differences unless overridden."""
        return self._central_differences(self.hamiltonian_gradient, k)

    def derivatives(self, k):
        """H(k), dH/dk_a and d2H/dk_a dk_b, as the three methods give them; in one pass where that is quicker."""
        return self.hamiltonian(k), self.hamiltonian_gradient(k), self.hamiltonian_hessian(k)

    def _central_differences(self, function, k):
        """d function / dk_a, the axis a first after that of k."""
        xp = array_namespace(k)
        step = 1e-4 * self.k_scale
        columns = []
        for axis in range(self.dimension):
            shift = np.zeros(self.dimension)
            shift[axis] = step
            shift = xp.asarray(shift)
            columns.append((function(k + shift) - function(k - shift)) / (2 * step))
        return xp.stack(columns, axis=1)

    @property
    def k_scale(self) -> float:
        """A wave vector over which H(k) changes appreciably, 1/angstrom: sets finite-difference steps."""
        axes = self.zone_axes
        if axes is not None:
            return float(np.linalg.norm(axes, axis=1).min())
        return self.search_half_width or 1.0

    def position_matrix(self, k):
        """Position matrix A_a(k) in angstrom, shape (nk, d, N, N), Hermitian in its last axes; None if it is zero.

        Relative to `site_positions`: what is left once the orbitals sit on their sites.
        """
        return None

    def position_gradient(self, k):
        """dA_b/dk_a in angstrom^2, shape (nk, d, d, N, N), a before b; None if A is zero. By central differences unless
        overridden."""
        if self.position_matrix(k[:1]) is None:
            return None
        return self._central_differences(self.position_matrix, k)

    def position_curl(self, k):
        """``dA_b/dk_a - dA_a/dk_b`` for (a, b) cyclic: shape (nk, 3, N, N) in 3D, (nk, 1, N, N) in 2D, or None."""
        return None

    @property
    def has_spin(self) -> bool:
        """Whether the spin between the orbitals is known, as constant matrices (`spin`) or at every k."""
        return self.spin is not None

    def spin_operator(self, k):
        """Pauli matrices of the spin at k (nk, d): shape (nk, 3, N, N); None when the model has no spin."""
        if self.spin is None:
            return None
        return self.lattice_operator(self.spin)(k)

    def spin_gradient(self, k):
        """Derivatives of :meth:`spin_operator` to k_a in angstrom, shape (nk, d, 3, N, N), or None."""
        if self.spin is None:
            return None
        return self.lattice_operator(self.spin).gradient(k)

    def lattice_operator(self, matrix) -> LatticeOperator:
        """A constant matrix (..., N, N) between the orbitals as an operator, whose matrix depends on k where it
        connects different sites."""
        return LatticeOperator(matrix, self.site_positions, self.cell)

    def describe(self) -> dict:
        """Plain numbers and strings that identify the model in reports."""
        return {
            "model": type(self).__name__,
            "dimension": self.dimension,
            "n_orbitals": self.n_orbitals,
            "spin_degeneracy": self.spin_degeneracy,
        }

    def _repr_html_(self) -> str:
        values = self.describe()
        return card(str(values.pop("model")), values)

    def __repr__(self) -> str:
        parameters = {name: value for name, value in self.describe().items() if name != "model"}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in parameters.items())})"


def along(k, slopes):
    """``sum_a k_a slopes_a`` of k (nk, d) and matrices (nk, d, N, N), term by term: a sum over an axis of two or three
    numbers takes several times as long."""
    kk = array_namespace(k).astype(k, slopes.dtype)[:, :, None, None]
    total = kk[:, 0, ...] * slopes[:, 0, ...]
    for a in range(1, k.shape[1]):
        total = total + kk[:, a, ...] * slopes[:, a, ...]
    return total


def with_spin_degeneracy(model: M, spin_degeneracy: int) -> M:
    """The same model whose bands stand for one spin or for both.

    Parameters
    ----------
    model : ElectronModel
    spin_degeneracy : {1, 2}

    Raises
    ------
    InputError
        If it is another number, or 2 for a model that holds both spins already.

    Examples
    --------
    >>> from sidejump import MassiveDirac
    >>> with_spin_degeneracy(MassiveDirac(mass=0.1, velocity=3.0), 2).spin_degeneracy
    2
    """
    if isinstance(spin_degeneracy, bool) or spin_degeneracy not in (1, 2):
        raise InputError(f"spin_degeneracy = {spin_degeneracy!r}: give 1 or 2")
    if spin_degeneracy == 2 and model.spin is not None:
        raise InputError(
            "spin_degeneracy = 2: this model has spin matrices, so that both spins are among its bands; leave "
            "spin_degeneracy out"
        )
    if model.spin_degeneracy == spin_degeneracy:
        return model
    other = copy(model)
    other.spin_degeneracy = int(spin_degeneracy)
    return other
