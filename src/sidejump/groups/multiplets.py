"""Observables under a group: the components that belong together, and the smallest sets that turn among themselves.

The components of a tensor that are asked for and their images under the operations span a space of q dimensions.  In
the basis of its irreducible parts every operation is a block for each part: of three rows at most, as point groups have
it.  Equivalent parts are given one and the same block, so that they share what is computed with it.

Written as they act on k (:mod:`.operations`), with the sign s, the rows turn with

    O(Mk) = s^odd D(M) O(k),

and the interband part that scattering induces, a product of two amplitudes with the phase of time reversal, with
another s: ``dO(Mk -> Mk') = s^(odd+1) D(M) dO(k -> k')``.  Of the velocity D = M and odd = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bands.observables import Observable
from .operations import Operations

_SAME = 1e-8


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of one irreducible part.

    Attributes
    ----------
    tensor : int
        Which tensor.
    basis : ndarray, shape (c, 3^rank)
        The rows in its components.
    """

    tensor: int
    basis: np.ndarray


@dataclass(frozen=True, eq=False)
class Multiplets:
    """What is computed for observables: q rows, part after part.

    Attributes
    ----------
    observables : tuple of Observable
        Those asked for.
    tensors : tuple of Observable
        One for each different tensor.
    parts : tuple of Part
    """

    observables: tuple[Observable, ...]
    tensors: tuple[Observable, ...]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, observables: Sequence[Observable], operations: Operations | None = None) -> Multiplets:
        """Of observables under a group; without one each is a row by itself."""
        tensors: list[Observable] = []
        wanted: list[list[int]] = []
        parts: list[Part] = []
        for o in observables:
            index = next((i for i, t in enumerate(tensors) if t.same_tensor(o)), len(tensors))
            if index == len(tensors):
                tensors.append(o)
                wanted.append([])
            new = o.place not in wanted[index]
            wanted[index].append(o.place)
            if operations is None and new:
                parts.append(Part(index, _unit(o, [o.place])))
        if operations is not None:
            for index, (tensor, places) in enumerate(zip(tensors, wanted, strict=True)):
                turns = _turns(tensor, operations)
                parts += [Part(index, b) for b in _irreducible(turns, _unit(tensor, sorted(set(places))))]
            parts = _aligned(parts, tensors, operations)
        return cls(tuple(observables), tuple(tensors), tuple(parts))

    def __len__(self) -> int:
        return sum(len(part.basis) for part in self.parts)

    def matrices(self, model, k) -> np.ndarray:
        """The rows at k (n, d): shape (n, q, N, N)."""
        whole = [tensor.tensor(model, k) for tensor in self.tensors]
        return np.concatenate(
            [np.einsum("ct,ktmn->kcmn", part.basis, whole[part.tensor], optimize=True) for part in self.parts], axis=1
        )

    def carried(self, model, k) -> np.ndarray | None:
        """X of the rows that are flows at k (n, d), (n, q, d, N, N), see :meth:`Observable.carried`; None where none
        is."""
        whole = [tensor.carried(model, k) for tensor in self.tensors]
        if all(x is None for x in whole):
            return None
        shape = (model.dimension, model.n_orbitals, model.n_orbitals)  # of one row at one k
        rows = []
        for part in self.parts:
            x = whole[part.tensor]
            none = np.zeros((len(k), len(part.basis), *shape))
            rows.append(none if x is None else np.einsum("ct,ktamn->kcamn", part.basis, x))
        return np.concatenate(rows, axis=1)

    def asked(self, tensors, d: int) -> np.ndarray:
        """From responses (..., d + q, x) of current and rows to those of current and observables, (..., d + c, x)."""
        found = [tensors[..., :d, :]]
        for o in self.observables:
            index = next(i for i, t in enumerate(self.tensors) if t.same_tensor(o))
            # of orthonormal rows, those of other tensors have no share
            weights = [
                part.basis[:, o.place] if part.tensor == index else 0.0 * part.basis[:, 0] for part in self.parts
            ]
            found.append(np.einsum("r,...rx->...x", np.concatenate(weights), tensors[..., d:, :])[..., None, :])
        return np.concatenate(found, axis=-2)

    def turns(self, part: Part, operations: Operations) -> np.ndarray:
        """D of a part, without signs: shape (n, c, c)."""
        return _block(part, self.tensors, operations)

    def plain(self, operations: Operations) -> np.ndarray:
        """What operations do with the current and all rows, without signs: shape (n, d + q, d + q)."""
        d = operations.matrices.shape[1]
        found = np.zeros((len(operations), d + len(self), d + len(self)))
        found[:, :d, :d] = operations.matrices
        start = d
        for part in self.parts:
            rows = slice(start, start + len(part.basis))
            found[:, rows, rows] = self.turns(part, operations)
            start = rows.stop
        return found

    def odd_rows(self, d: int) -> np.ndarray:
        """Which of the current and all rows come with the sign of time reversal, shape (d + q,)."""
        return np.concatenate([np.zeros(d, dtype=bool), *([self.odd(p)] * len(p.basis) for p in self.parts)])

    def currents(self, operations: Operations) -> np.ndarray:
        """What operations do with expectation values, shape (n, d + q, d + q)."""
        return self._with_signs(operations, False)

    def shift_turns(self, operations: Operations) -> np.ndarray:
        """What operations do with shifts of all responses, shape (n, d + q, d + q)."""
        return self._with_signs(operations, True)

    def _with_signs(self, operations: Operations, shifts: bool) -> np.ndarray:
        """``s^odd D`` of the current and all rows, of `shifts` ``s^(odd + 1) D``; s = 0 stands for both signs."""
        signed = self.odd_rows(operations.matrices.shape[1]) ^ shifts
        return np.where(signed[:, None], operations.signs[:, None, None], 1) * self.plain(operations)

    def odd(self, part: Part) -> bool:
        """Whether D comes with the sign of time reversal."""
        rule = self.tensors[part.tensor].rule
        return rule is not None and rule.odd


def _unit(observable: Observable, places) -> np.ndarray:
    rank = 0 if observable.rule is None else observable.rule.rank
    return np.eye(3**rank)[places]


def _turns(tensor: Observable, operations: Operations) -> np.ndarray:
    if tensor.rule is None:
        raise ValueError(f"observable {tensor.name}: without a rule there is nothing to turn")
    return tensor.rule.turns(operations.matrices)


def _block(part: Part, tensors, operations: Operations) -> np.ndarray:
    """D of a part, without signs: shape (n, c, c)."""
    return part.basis @ _turns(tensors[part.tensor], operations) @ part.basis.T


def _irreducible(turns, start) -> list[np.ndarray]:
    """Orthonormal bases (c, t) of the irreducible parts of what `start` (n, t) and its images span."""
    images = np.concatenate([start @ t.T for t in turns])
    _, size, rows = np.linalg.svd(images, full_matrices=False)
    basis = rows[size > _SAME * size[0]]
    inside = basis @ turns @ basis.T
    random = np.random.default_rng(0).normal(size=(len(basis),) * 2)
    # a matrix that commutes with all of them: its eigenspaces are the parts
    mean = np.mean(inside @ (random + random.T) @ inside.swapaxes(1, 2), axis=0)
    value, vectors = np.linalg.eigh(0.5 * (mean + mean.T))
    first = np.flatnonzero(np.concatenate([[True], np.diff(value) > _SAME * max(float(np.abs(value).max()), 1.0)]))
    return [vectors[:, i:j].T @ basis for i, j in zip(first, [*first[1:], len(value)], strict=True)]


def _aligned(parts: list[Part], tensors, operations: Operations) -> list[Part]:
    """The same, each in the basis in which its matrices are those of the first part that is equivalent."""
    known: list[np.ndarray] = []
    found = []
    random = np.random.default_rng(1).normal(size=(3, 3))
    for part in parts:
        own = _block(part, tensors, operations)
        c = len(own[0])
        for other in known:
            if other.shape != own.shape:
                continue
            between = np.mean(own @ random[:c, :c] @ other.swapaxes(1, 2), axis=0)  # own X = X other
            left, size, right = np.linalg.svd(between)
            if size[-1] > 1e-3 and size[-1] > (1 - 1e-6) * size[0]:
                found.append(Part(part.tensor, (left @ right).T @ part.basis))
                break
        else:
            known.append(own)
            found.append(part)
    return found


NOTHING = Multiplets((), (), ())
