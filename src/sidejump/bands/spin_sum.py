"""Operators of the spin where no constant matrices stand for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import ElectronModel


@dataclass(frozen=True)
class SpinSum:
    """``sum_c w_c sigma_c(k)`` of the spin that a model has at every k, where no constant matrices stand for it.

    Has what a vertex needs of :class:`.lattice_operator.LatticeOperator`.

    Attributes
    ----------
    model : ElectronModel
    weights : tuple of 3 complex
        w.
    """

    model: ElectronModel
    weights: tuple[complex, complex, complex]

    between_sites: ClassVar[bool] = True
    unit: ClassVar[bool] = False
    constant: ClassVar[None] = None

    @property
    def adjoint(self) -> SpinSum:
        """That of the conjugate weights; this one if it is Hermitian."""
        x, y, z = (complex(w).conjugate() for w in self.weights)
        return self if (x, y, z) == self.weights else SpinSum(self.model, (x, y, z))

    def same(self, other) -> bool:
        """Whether it has the same weights."""
        return isinstance(other, SpinSum) and self.weights == other.weights

    def __call__(self, k) -> np.ndarray:
        """At k (nk, d), 1/angstrom: shape (nk, N, N)."""
        return np.einsum("c,kcmn->kmn", self.weights, self.model.spin_operator(k))

    def gradient(self, k) -> np.ndarray:
        """d/dk_a, shape (nk, d, N, N)."""
        return np.einsum("c,kacmn->kamn", self.weights, self.model.spin_gradient(k))
