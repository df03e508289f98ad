"""The symmetry of the crystal in place of most of its states.

Under an operation M (with a sign, see :mod:`sidejump.groups.operations`) the velocity turns, v(Mk) = M v(k), and so
does the response to a field, taken as a vector G whose component b answers to a field along b: G(Mk) = M G(k).  The
side jump and the response to it take the sign as well.  With rates P(Mk, Mk') = P(k, k') the equation of an irreducible
point i is one for vectors,

    D_i G_i - sum_j [ sum_M P(i, Mj) M ] G_j = w_i v_i,

with ``sign M`` in place of M for the anomalous part: 3 unknowns for each irreducible point instead of one for each of
its n images, one right-hand side instead of three, and 1/n of the pairs.  Contractions are averages over the group of
``M (v G) M^T``, so that what symmetry forbids is zero.

Observables O turn by blocks D of at most three rows (:mod:`sidejump.groups.multiplets`), ``O(Mk) = s^odd D O(k)``; as a
drive each block has an equation of its own with ``s^odd D`` in place of M, and as a response ``<O G^T>`` is the average
of ``s^odd D <O G^T> M^T``.

Without symmetry there is one operation, the number 1, and one unknown for each point: the same equation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..groups.multiplets import NOTHING, Multiplets
from ..groups.operations import Operations
from ..surfaces.components import Components

_SAME = 1e-6  # of numbers that symmetry makes alike


@dataclass(frozen=True, eq=False)
class Fold:
    """How the unknowns of a point stand for those of its images.

    Attributes
    ----------
    operations : Operations or None
        The group; None: every point stands for itself.
    multiplets : Multiplets
        Observables, whose rows follow the d directions of the current.
    both : bool
        Whether every drive has a distribution of the other sign under time reversal beside its own, as it has where
        rates are odd (:mod:`.odd`).
    heat : bool
        Whether shifts have the d rows of the heat current behind all others, which turn as those of the charge do.
    """

    operations: Operations | None = None
    multiplets: Multiplets = NOTHING
    both: bool = False
    heat: bool = False

    @cached_property
    def matrices(self) -> np.ndarray:
        """What each operation does with the c unknowns of a point that stand for the current: shape (n, c, c)."""
        return np.ones((1, 1, 1)) if self.operations is None else self.operations.matrices

    @cached_property
    def signs(self) -> np.ndarray:
        """With time reversal -1, with and without 0: shape (n,)."""
        return np.ones(1, dtype=int) if self.operations is None else self.operations.signs

    @property
    def width(self) -> int:
        """Unknowns c of a point and function of the energy."""
        return self.matrices.shape[1]

    @property
    def odd(self) -> bool:
        """Whether the anomalous part has another operator: some operation holds with time reversal."""
        return bool(np.any(self.signs != 1))

    @property
    def reversed(self) -> int:
        """The representation of the anomalous part."""
        return int(self.odd)

    @cached_property
    def _numbered(self) -> tuple[list[np.ndarray], list[tuple[int, np.ndarray]], dict[int, int]]:
        """Representations (n, c, c), for each set of rows with one of them its number and the rows (columns, c), and
        the numbers of those of the other sign under time reversal."""
        found, signs = [self.matrices], self.signs[:, None, None]
        if self.odd:
            found.append(signs * self.matrices)
        others = {0: self.reversed, self.reversed: 0}
        if self.operations is None:
            return found, [], others

        def number_of(turns) -> int:
            for number, known in enumerate(found):
                if known.shape == turns.shape and np.allclose(known, turns):
                    return number
            found.append(turns)
            return len(found) - 1

        rows: dict[int, list] = {0: [np.arange(self.width)]}
        start = len(self.matrices[0])
        for part in self.multiplets.parts:
            turns = self.multiplets.turns(part, self.operations)
            own, other = (signs * turns, turns) if self.multiplets.odd(part) else (turns, signs * turns)
            number = number_of(own)
            if self.both:
                others[number] = number_of(other)
            rows.setdefault(number, []).append(start + np.arange(len(part.basis)))
            start += len(part.basis)
        return found, [(number, np.array(some)) for number, some in rows.items()], others

    @property
    def representations(self) -> list[np.ndarray]:
        """What each operation does with the unknowns, shape (n, c, c): those of the normal part, of the anomalous part
        where that is another (:attr:`reversed`), and of what observables drive."""
        return self._numbered[0]

    def drives(self, responses: int) -> list[tuple[int, np.ndarray]]:
        """The representation of each of so many responses as drives: numbers, and the responses (columns, c)."""
        if self.operations is None:
            return [(0, np.arange(responses)[:, None])]
        return self._numbered[1]

    def other(self, number: int) -> int:
        """The representation of the other sign under time reversal, of a drive or the anomalous part; of `both`."""
        return self._numbered[2][number]

    def field(self, d: int) -> np.ndarray:
        """The rows of the velocity as right-hand sides, as in :meth:`drives`: of a folded problem one column."""
        return np.arange(d)[None] if self.width > 1 else np.arange(d)[:, None]

    @property
    def unknowns(self) -> list[int]:
        """c of each representation."""
        return [len(r[0]) for r in self.representations]

    def shift_turn(self, image: int) -> np.ndarray | None:
        """What an operation does with shifts of all responses, shape (R, R); None where there is none."""
        return None if self.operations is None else self._shift_turns[image]

    @cached_property
    def _plain(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.operations is not None
        return self.multiplets.plain(self.operations), self.multiplets.odd_rows(self.width)

    @cached_property
    def _shift_turns(self) -> np.ndarray:
        assert self.operations is not None
        turns, d = self.multiplets.shift_turns(self.operations), self.width
        if not self.heat:
            return turns
        nothing = np.zeros((len(turns), turns.shape[1], d))
        charge = turns[:, :d, :d]
        return np.block([[turns, nothing], [nothing.swapaxes(1, 2), charge]])

    @cached_property
    def shift_directions(self) -> np.ndarray | None:
        """Directions, orthonormal rows (D, d), along which alone symmetry leaves a side jump: with the magnetisation
        along an axis those across it.  What shifts there are along others cancels between images.

        None where that is all of them or none, and where more than the current is asked for.
        """
        if self.operations is None or len(self.multiplets) or self.heat or self.both:
            return None
        d = self.width
        allowed = np.concatenate([self.average(t, odd=True).T for t in np.eye(d * d).reshape(-1, d, d)])
        _, size, rows = np.linalg.svd(allowed)
        inside = rows[size > _SAME]
        if len(inside) in (0, d):
            return None
        axes = np.eye(d)[np.abs(np.linalg.norm(inside, axis=0) - 1) < _SAME]
        return axes if len(axes) == len(inside) else inside

    def columns(self, vectors, rows) -> np.ndarray:
        """Vectors (N, R) of N points and functions as right-hand sides, (N c, columns); `rows` as in :meth:`drives`."""
        return vectors[:, rows].swapaxes(1, 2).reshape(-1, len(rows))

    def vectors(self, columns, rows, out) -> None:
        """The inverse of :meth:`columns`, into `out` (N, R)."""
        out[:, rows] = columns.reshape(len(out), *rows.T.shape).swapaxes(1, 2)

    def average(self, tensor, odd: bool = False) -> np.ndarray:
        """Mean over the group of what it does with a tensor (R, R') of responses to drives, R' = R or the field."""
        if self.operations is None:
            return tensor
        plain, odd_rows = self._plain
        size = tensor.shape
        left, right = plain[:, : size[0], : size[0]], plain[:, : size[1], : size[1]]
        each = left @ tensor @ right.swapaxes(1, 2)
        uneven = odd_rows[: size[0], None] ^ odd_rows[: size[1]] ^ odd
        return np.where(uneven, (self.signs[:, None, None] * each).mean(axis=0), each.mean(axis=0))

    def null(self, number: int, count: int) -> np.ndarray | None:
        """Constants on `count` points and functions that the group leaves alone, null vectors: shape (N c, n).

        None where these are to be found from what scattering connects.
        """
        return None if self.operations is None else np.tile(invariant(self.representations[number]), (count, 1))

    def pieces(self, components: Components | None, number: int, points: int, functions: int) -> np.ndarray | None:
        """Vectors constant on one piece of an orbit, turned on the others, for each function: (points m c, n).

        Those that scattering does not connect are null vectors as well; elastic scattering connects no functions.
        """
        turns = self.representations[number]
        c = len(turns[0])
        if components is None:
            if self.operations is not None:
                return None
            found = np.ones((points, 1, 1))
        else:
            turn, columns = turns[components.turn], []
            for piece, keeps in enumerate(components.keeps):
                inside = components.label[:, None, None] == piece
                columns.append(np.where(inside, turn @ invariant(turns[keeps]), 0.0))
            found = np.concatenate(columns, axis=2)
        each = np.einsum("scn,fg->sfcng", found, np.eye(functions))
        return each.reshape(points * functions * c, -1)


def invariant(turns) -> np.ndarray:
    """An orthonormal basis (c, n) of the vectors that orthogonal matrices (operations, c, c) of a group leave alone."""
    projector = turns.mean(axis=0)
    value, axes = np.linalg.eigh(0.5 * (projector + projector.T))
    return axes[:, value > 1 - 1e-6]
