"""Add an exchange or Zeeman term h.sigma to any model that has spin."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from .base import ElectronModel


class WithZeeman(ElectronModel):
    """``H(k) + h.sigma``.

    Parameters
    ----------
    model : ElectronModel
        Must have `spin`.
    field : sequence of 3 floats
        h, eV.

    Raises
    ------
    InputError
        If the model has no spin.
    """

    def __init__(self, model: ElectronModel, field):
        if model.spin is None:
            raise InputError("zeeman: the model has no spin matrices (for wannier90 give spin_ordering)")
        self.base, self.field = model, np.asarray(field, dtype=float)
        self.dimension, self.n_orbitals = model.dimension, model.n_orbitals
        self.cell, self.spin, self.search_half_width = model.cell, model.spin, model.search_half_width
        self._term = np.einsum("a,aij->ij", self.field, np.asarray(model.spin))

    @property
    def site_positions(self):
        return self.base.site_positions

    @property
    def k_scale(self) -> float:
        return self.base.k_scale

    def hamiltonian(self, k):
        return self.base.hamiltonian(k) + array_namespace(k).asarray(self._term)

    def hamiltonian_gradient(self, k):
        return self.base.hamiltonian_gradient(k)

    def hamiltonian_hessian(self, k):
        return self.base.hamiltonian_hessian(k)

    def position_matrix(self, k):
        return self.base.position_matrix(k)

    def position_curl(self, k):
        return self.base.position_curl(k)

    def describe(self) -> dict:
        return self.base.describe() | {"zeeman": self.field.tolist()}
