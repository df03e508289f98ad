"""States at the images of points, made of those at the points themselves.

An operation M takes a state u of k to ``U u`` at Mk, with time reversal to ``U u*`` (:mod:`.members`).  What is derived
of it turns with k, ``(D_a u)(Mk) = sum_b M_ab U (D_b u)(k)``, and the position matrix with the crystal, by S: M but for
the sign that time reversal gives k,

    (A_a u)(Mk) = sum_b S_ab U (A_b u)(k),      S = sign M.

U is exact to rounding, so that images need neither a diagonalisation nor the derivatives of H.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..bands.states import States
from .members import MemberTurns


@dataclass(frozen=True, eq=False)
class Images:
    """The images of points.

    Attributes
    ----------
    turns : MemberTurns
        Of n operations, the first the identity.
    k : ndarray, shape (n S, 3)
        The points, then their images operation by operation: Mk but for a reciprocal vector, 1/angstrom.
    """

    turns: MemberTurns
    k: np.ndarray

    @property
    def count(self) -> int:
        """Points S."""
        return len(self.k) // len(self.turns.matrices)

    def states(self, states: States) -> States:
        """States (n S) at the points and their images, from those at the points; without observables."""
        return self._with(states, self._carried(states.vectors), self._carried(states.covariant))

    def with_positions(self, states: States) -> States:
        """The same of vectors that hold (u, A_x u, A_y u, A_z u), one after the other, with the position matrix A."""
        orbitals = self.turns.matrices.shape[1]

        def slots(x):
            """(n, S, ..., 4, N) at the points and their images, with the last three turned."""
            carried = self._carried(x.reshape(*x.shape[:-1], -1, orbitals))
            turns = self.turns.operations.signs[:, None, None] * self.turns.operations.matrices
            for image, turn in zip(carried[1:], turns[1:], strict=True):
                image[..., 1:, :] = np.matmul(turn.astype(image.real.dtype), image[..., 1:, :])
            return carried.reshape(len(carried), *x.shape)

        return self._with(states, slots(states.vectors), slots(states.covariant))

    def _with(self, states: States, vectors, covariant) -> States:
        """The states with vectors and derivatives that are carried to every image, (n, S, ...)."""
        matrices, n = self.turns.operations.matrices, len(self.turns.matrices)
        return replace(
            states,
            k=self.k,
            energy=np.tile(states.energy, n),
            velocity=np.einsum("gab,sb->gsa", matrices, states.velocity).reshape(-1, 3),
            vectors=vectors.reshape(-1, *vectors.shape[2:]),
            covariant=self._derived(covariant, states.directions),
            interband=np.tile(states.interband, n),
            multiplicity=np.tile(states.multiplicity, n),
            expectation=np.tile(states.expectation, (n, 1)),
        )

    def _derived(self, carried, directions) -> np.ndarray:
        """Covariant derivatives (n, S, D, ...) with their directions turned, (n S, D, ...)."""
        shape = carried.shape
        flat = carried.reshape(*shape[:3], -1)
        turns = self.turns.operations.matrices
        if directions is not None:  # which the operations leave among themselves
            turns = directions @ turns @ directions.T
        for image, turn in zip(flat[1:], turns[1:], strict=True):
            image[:] = np.matmul(turn.astype(image.real.dtype), image)
        return flat.reshape(-1, *shape[2:])

    def _carried(self, x) -> np.ndarray:
        """What operations make of vectors (S, ..., N) in every image, (n, S, ..., N)."""
        n, s = len(self.turns.matrices), self.count
        out = np.empty((n, *x.shape), dtype=x.dtype)
        out[0] = x
        for g in range(1, n):
            out[g] = self.turns.moved(x, self.k[:s], self.k[g * s : (g + 1) * s], g)
        return out
