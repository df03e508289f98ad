"""An exchange or Zeeman field on top of any model that knows its spin: ``H(k) + h . sigma``."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from ..rules import array_of
from .base import ElectronModel
from .lattice import LatticeModel
from .lattice_operator import LatticeOperator


class WithZeeman(ElectronModel):
    """`model` in a field; everything else is the model's own.

    Parameters
    ----------
    model : ElectronModel
        With `spin` matrices.
    field : sequence of 3 floats
        h in ``h . sigma``, eV: the splitting of a free spin is ``2 |h|``.

    Raises
    ------
    InputError
        If the model has no spin, or the field is not a finite vector.
    """

    def __init__(self, model: ElectronModel, field):
        self.field = array_of("zeeman (eV)", field, shape=(3,))
        if model.spin is None:
            raise InputError(
                f"zeeman: {type(model).__name__} has no spin matrices; "
                "give spin_ordering (Wannier90 files) or spin= (models in Python)"
            )
        term = np.tensordot(self.field, np.asarray(model.spin), 1)
        self._term: LatticeOperator | None = model.lattice_operator(term)
        self._described = model.describe()
        if isinstance(model, LatticeModel):  # in H(R), so that whatever reads H(R) sees it
            model, self._term = model.with_onsite(term), None
        self.model = model

    def __getattr__(self, name):
        if name.startswith("_") or name == "model":
            raise AttributeError(name)
        return getattr(self.model, name)

    # the class attributes of the base would hide the model's
    dimension = property(lambda self: self.model.dimension)  # type: ignore[assignment]
    n_orbitals = property(lambda self: self.model.n_orbitals)  # type: ignore[assignment]
    cell = property(lambda self: self.model.cell)  # type: ignore[assignment]
    spin = property(lambda self: self.model.spin)  # type: ignore[assignment]
    search_half_width = property(lambda self: self.model.search_half_width)  # type: ignore[assignment]
    site_positions = property(lambda self: self.model.site_positions)  # type: ignore[assignment]
    k_scale = property(lambda self: self.model.k_scale)  # type: ignore[assignment]

    @property
    def exchange_field(self) -> np.ndarray:  # type: ignore[override]
        """That of the model and the field, eV."""
        own = self.model.exchange_field
        return self.field if own is None else own + self.field

    def hamiltonian(self, k):
        h = self.model.hamiltonian(k)
        return h if self._term is None else h + array_namespace(k).asarray(self._term(k))

    def hamiltonian_gradient(self, k):
        gradient, term = self.model.hamiltonian_gradient(k), self._term
        if term is None or not term.between_sites:
            return gradient
        return gradient + array_namespace(k).asarray(term.gradient(k))

    def hamiltonian_hessian(self, k):
        moves = self._term is not None and self._term.between_sites
        return super().hamiltonian_hessian(k) if moves else self.model.hamiltonian_hessian(k)

    def position_matrix(self, k):
        return self.model.position_matrix(k)

    def spin_operator(self, k):
        return self.model.spin_operator(k)

    def spin_gradient(self, k):
        return self.model.spin_gradient(k)

    def position_gradient(self, k):
        return self.model.position_gradient(k)

    def position_curl(self, k):
        return self.model.position_curl(k)

    def describe(self) -> dict:
        return self._described | {"zeeman": self.field.tolist()}
