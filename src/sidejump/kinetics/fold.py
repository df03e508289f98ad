"""The symmetry of the crystal in place of most of its states.

Under an operation M (with a sign, see :mod:`sidejump.groups.operations`) the velocity turns, v(Mk) = M v(k), and so
does the response to a field, taken as a vector G whose component b answers to a field along b: G(Mk) = M G(k).  The
side jump and the response to it take the sign as well.  With rates P(Mk, Mk') = P(k, k') the equation of an irreducible
point i is one for vectors,

    D_i G_i - sum_j [ sum_M P(i, Mj) M ] G_j = w_i v_i,

with ``sign M`` in place of M for the anomalous part: 3 unknowns for each irreducible point instead of one for each of
its n images, one right-hand side instead of three, and 1/n of the pairs.  Contractions are averages over the group of
``M (v G) M^T``, so that what symmetry forbids is zero.

Without symmetry there is one operation, the number 1, and one unknown for each point: the same equation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..groups.operations import Operations
from ..surfaces.components import Components


@dataclass(frozen=True, eq=False)
class Fold:
    """How the unknowns of a point stand for those of its images.

    Attributes
    ----------
    matrices : ndarray, shape (n, c, c)
        What each operation does with the c unknowns of a point.
    signs : ndarray of int, shape (n,)
    """

    matrices: np.ndarray
    signs: np.ndarray

    @classmethod
    def by(cls, operations: Operations | None) -> Fold:
        """By a group, or by nothing."""
        if operations is None:
            return cls(np.ones((1, 1, 1)), np.ones(1, dtype=int))
        return cls(operations.matrices, operations.signs)

    @property
    def width(self) -> int:
        """Unknowns c of a point and function of the energy."""
        return self.matrices.shape[1]

    @property
    def odd(self) -> bool:
        """Whether the anomalous part has another operator: some operation holds with time reversal."""
        return bool(np.any(self.signs != 1))

    def representation(self, odd: bool) -> np.ndarray:
        """The matrices of the normal, or of the anomalous part."""
        return self.signs[:, None, None] * self.matrices if odd else self.matrices

    def columns(self, vectors) -> np.ndarray:
        """Vectors (N, R) of N points and functions as right-hand sides, (N c, R / c)."""
        return vectors.reshape(len(vectors) * self.width, -1)

    def vectors(self, columns) -> np.ndarray:
        """The inverse of :meth:`columns`."""
        return columns.reshape(len(columns) // self.width, -1)

    def average(self, tensor, odd: bool = False) -> np.ndarray:
        """Mean over the group of ``M tensor M^T``, with the signs if `odd`."""
        if self.width == 1:
            return tensor
        return np.einsum("gac,cd,gbd->ab", self.representation(odd), tensor, self.matrices) / len(self.matrices)

    def null(self, odd: bool, count: int) -> np.ndarray | None:
        """Constants on `count` points and functions that the group leaves alone, null vectors: shape (N c, n).

        None where these are to be found from what scattering connects.
        """
        return None if self.width == 1 else np.tile(self._invariant(odd, slice(None)), (count, 1))

    def pieces(self, components: Components | None, odd: bool, points: int, functions: int) -> np.ndarray | None:
        """Vectors constant on one piece of an orbit, turned on the others, for each function: (points m c, n).

        Those that scattering does not connect are null vectors as well; elastic scattering connects no functions.
        """
        turns = self.representation(odd)
        if components is None:
            if self.width > 1:
                return None
            found = np.ones((points, 1, 1))
        else:
            turn, columns = turns[components.turn], []
            for piece, keeps in enumerate(components.keeps):
                inside = components.label[:, None, None] == piece
                columns.append(np.where(inside, turn @ self._invariant(odd, keeps), 0.0))
            found = np.concatenate(columns, axis=2)
        each = np.einsum("scn,fg->sfcng", found, np.eye(functions))
        return each.reshape(points * functions * self.width, -1)

    def _invariant(self, odd: bool, which) -> np.ndarray:
        """Vectors (c, n) that some of the operations leave alone."""
        projector = self.representation(odd)[which].mean(axis=0)
        value, axes = np.linalg.eigh(0.5 * (projector + projector.T))
        return axes[:, value > 1 - 1e-6]
