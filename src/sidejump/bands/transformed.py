"""The same electrons in another gauge of their orbitals, or with time reversed.

Orbitals |m> times the phases D_m turn every matrix M into ``D^+ M D``: nothing that can be measured changes.
Complex conjugation of the orbitals' coefficients reverses time: ``H(k) -> H(-k)*``, the magnetisation is turned
around, and so is every Hall current.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from array_api_compat import array_namespace

from .base import ElectronModel, with_spin_degeneracy
from .lattice import LatticeModel


class Transformed(ElectronModel):
    """`model` with other phases of its orbitals, or reversed in time.

    Parameters
    ----------
    model : ElectronModel
    phases : array, shape (N,)
        D, of modulus one.
    reverse : bool
    """

    def __init__(self, model: ElectronModel, phases, *, reverse: bool = False):
        self.model, self.phases, self.reverse = model, np.asarray(phases, dtype=complex), reverse
        self.dimension, self.n_orbitals, self.cell = model.dimension, model.n_orbitals, model.cell
        self.search_half_width, self.spin_degeneracy = model.search_half_width, model.spin_degeneracy
        self.spin = None if model.spin is None else turned(model.spin, self.phases, reverse)

    @property
    def site_positions(self):
        return self.model.site_positions

    @property
    def k_scale(self) -> float:
        return self.model.k_scale

    def _seen(self, function, k, derivatives: int):
        """A matrix of the model; reversed in time, every derivative to k changes the sign."""
        value = function(-k if self.reverse else k)
        if value is None:
            return None
        sign = -1.0 if self.reverse and derivatives % 2 else 1.0
        return sign * turned(value, array_namespace(k).asarray(self.phases), self.reverse)

    def hamiltonian(self, k):
        return self._seen(self.model.hamiltonian, k, 0)

    def hamiltonian_gradient(self, k):
        return self._seen(self.model.hamiltonian_gradient, k, 1)

    def hamiltonian_hessian(self, k):
        return self._seen(self.model.hamiltonian_hessian, k, 2)

    @property
    def has_spin(self) -> bool:
        return self.model.has_spin

    def spin_operator(self, k):
        return self._seen(self.model.spin_operator, k, 0)

    def spin_gradient(self, k):
        return self._seen(self.model.spin_gradient, k, 1)

    def position_matrix(self, k):
        return self._seen(self.model.position_matrix, k, 0)

    def position_gradient(self, k):
        return self._seen(self.model.position_gradient, k, 1)

    def position_curl(self, k):
        return self._seen(self.model.position_curl, k, 1)


def turned(matrix, phases, reverse: bool):
    """``D^+ M D`` of matrices (..., N, N), complex conjugate where time is reversed."""
    value = phases.conj()[:, None] * matrix * phases
    return value.conj() if reverse else value


def transformed_lattice(model: LatticeModel, positions, phases, reverse: bool) -> LatticeModel:
    """The same of a lattice model, again as one; `positions`: its position matrix (nR, d, N, N) or None."""
    spin = None if model.spin is None else turned(model.spin, phases, reverse)
    hoppings = turned(model.hoppings, phases, reverse)
    seen = None if positions is None else turned(positions, phases, reverse)
    other = LatticeModel(model.cell, model.vectors, hoppings, seen, model.site_positions, spin)
    if model.spin_models is not None:
        other.spin_models = tuple(transformed_lattice(each, None, phases, reverse) for each in model.spin_models)
    return with_spin_degeneracy(other, model.spin_degeneracy)


def transformed_coupling(coupling, phases, reverse: bool):
    """A coupling in the Wannier basis with the same phases, or reversed in time: ``g(k, q) -> g(-k, -q)*``."""
    return replace(coupling, values=turned(coupling.values, phases, reverse))
