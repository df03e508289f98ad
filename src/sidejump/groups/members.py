"""What operations of a crystal do with the members of degenerate groups.

An operation takes a state u of k to ``U u`` (with time reversal ``U u*``) at Mk, U a constant in the atomic gauge
(:mod:`.intertwiner`).  Within groups that says which member goes to which, so that the distribution of irreducible
points, a matrix within each group, is known at their images.  U has to turn the spin and the observables as their rules
say, and scattering has to obey it; operations without such a U do not reduce the points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..bands.hermitian_basis import conjugation_signs
from ..bands.observables import SPIN
from ..bands.states import States, shell_states, turned_towards
from .intertwiner import operation_matrix
from .mean_square import root_mean_square
from .multiplets import Multiplets
from .operations import Operations, is_group
from .symmetry import TRIED, sample_points

_STATES = 6  # whose pairs, those of all images, are compared
_ALLOWED = 1e-3  # difference of rates and shifts, of their size, that counts as obeyed


@dataclass(frozen=True, eq=False)
class MemberTurns:
    """What each operation does with members.

    Attributes
    ----------
    operations : Operations
        With a sign of +1 or -1 each.
    matrices : ndarray, shape (n, N, N)
        U.
    sites : ndarray, shape (N, 3)
        Of the orbitals, angstrom.
    kept : ndarray of int, shape (n,)
        Which of the operations asked for these are.
    """

    operations: Operations
    matrices: np.ndarray
    sites: np.ndarray
    kept: np.ndarray

    def of(self, operations: Operations) -> MemberTurns:
        """Those of some of the operations, in their order: a shell may have fewer (`Shell.operations`)."""
        known = self.operations.matrices.reshape(1, len(self.matrices), -1)
        distance = np.abs(operations.matrices.reshape(len(operations), 1, -1) - known).max(axis=2)
        some = distance.argmin(axis=1)
        assert distance.min(axis=1).max() < 1e-6, "operations that these are not of"
        return MemberTurns(self.operations.take(some), self.matrices[some], self.sites, self.kept[some])

    def aligned(self, states: States, images: States) -> States:
        """`images` (of all states by the first operation after the identity, then the next), with the members that
        operations make of those of the states."""
        parts = {g: images[self._part(states, g)].k for g in range(1, len(self.matrices))}
        moved = [self.moved(states.vectors, states.k, k, g) for g, k in parts.items()]
        members = images.vectors.shape[1] - states.vectors.shape[1]
        target = np.pad(np.concatenate(moved), [(0, 0), (0, max(members, 0)), (0, 0)])
        return turned_towards(images, target[:, : images.vectors.shape[1]])

    @staticmethod
    def _part(states: States, g: int) -> slice:
        return slice((g - 1) * len(states), g * len(states))

    def moved(self, vectors, k, images, g: int) -> np.ndarray:
        """Vectors (S, ..., N) of points k (S, 3) at their images by operation g, Mk but for a reciprocal vector G:
        u(k + G) = exp(-i G.tau) u(k).  In the precision of the vectors."""
        here = vectors if self.operations.signs[g] > 0 else vectors.conj()
        folded = images - k @ self.operations.matrices[g].T
        phase = np.exp(-1j * (folded @ self.sites.T)).astype(vectors.dtype)
        turned = here @ self.matrices[g].T.astype(vectors.dtype)
        return turned * phase.reshape(len(k), *(1,) * (vectors.ndim - 2), -1)


def definite(operations: Operations) -> Operations:
    """The same with one sign each: where an operation holds with and without time reversal, without."""
    return Operations(operations.matrices, np.where(operations.signs == 0, 1, operations.signs))


def member_turns(problem, operations: Operations, k, band) -> MemberTurns | None:
    """Those of the operations that have a U which spin, observables and scattering obey; None if there are not two.

    Parameters
    ----------
    problem : Problem
    operations : Operations
        That bands, rates and observables obey.
    k, band : ndarray, shape (S, 3), (S,)
        Points of a shell.
    """
    found = represented(problem.model, definite(operations), problem.observables)
    if found is None:
        return None
    kept = _violations(problem, found, k, band) < _ALLOWED
    left = found.operations.take(kept)
    if len(left) == 1 or not is_group(left):
        return None
    return MemberTurns(left, found.matrices[kept], found.sites, found.kept[kept])


def represented(model, operations: Operations, observables=()) -> MemberTurns | None:
    """Those of the operations, of one sign each, that have a U which turns the spin and the observables; None if there
    are not two, or they are no group."""
    points = sample_points(model, TRIED, np.random.default_rng(0))
    tensors = _Tensors(model, observables)
    kept, matrices = [], []
    for g, (m, sign) in enumerate(zip(operations.matrices, operations.signs, strict=True)):
        further = _operators(tensors, m[None], int(sign))
        u = operation_matrix(model, points, sign * m, reversal=bool(sign < 0), further=further)
        if u is not None:
            kept.append(g)
            matrices.append(u)
    left = operations.take(np.array(kept, dtype=int))
    if len(left) < 2 or not is_group(left):
        return None
    return MemberTurns(left, np.array(matrices), np.asarray(model.site_positions), np.array(kept))


class _Tensors:
    """Tensors of observables, each evaluated once at the same points: operations have them in common, and several
    observables are components of one."""

    def __init__(self, model, observables: Sequence):
        self.model, self.observables = model, observables
        self._first = [next(i for i, p in enumerate(observables) if o.same_tensor(p)) for o in observables]
        self._known: dict[tuple[int, bytes], np.ndarray] = {}

    def at(self, number: int, k) -> np.ndarray:
        """That of one of the observables, as `Observable.tensor`."""
        first = self._first[number]
        key = first, k.tobytes()
        if key not in self._known:
            self._known[key] = self.observables[first].tensor(self.model, k)
        return self._known[key]


def _operators(tensors: _Tensors, matrix, sign: int) -> list:
    """Observables and the spin with their turns, as `operation_matrix` takes them."""
    found = []
    if tensors.model.has_spin:
        found.append((tensors.model.spin_operator, sign**SPIN.odd * SPIN.turns(matrix)[0]))
    for number, o in enumerate(tensors.observables):
        turn = sign**o.rule.odd * o.rule.turns(matrix)[0]
        found.append((lambda k, number=number: tensors.at(number, k), turn))
    return found


def _violations(problem, turns: MemberTurns, k, band) -> np.ndarray:
    """How far rates and shifts between images, as matrices, are from what they have to be, over their size."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(k), min(_STATES, len(k)), replace=False)
    k, band, operations = k[chosen], band[chosen], turns.operations
    # some of their images: as all, they scatter into the others by large angles as well as by small ones
    k = np.einsum("sab,sb->sa", operations.matrices[rng.integers(0, len(operations), len(k))], k)
    images = problem.momentum.first_zone(np.concatenate([k @ m.T for m in operations.matrices]))
    rows = Multiplets.of(problem.observables, operations)
    every = shell_states(problem.model, images, np.tile(band, len(operations)), problem.settings.degeneracy, rows)
    n = len(k)
    states = every[slice(0, n)]
    states = States.joined(states, turns.aligned(states, every[slice(n, None)]))
    sources = [source.exact() for source in problem.sources]
    return np.max([_violation(source, states, rows.shift_turns(operations), operations) for source in sources], axis=0)


def _violation(source, states: States, turns, operations: Operations) -> np.ndarray:
    """Of one source; `turns`: of the shifts."""
    n, prepared, z_cut = len(states) // len(operations), source.prepared(states), source.z_max(1e9)
    conjugated, apart = conjugation_signs(states.vectors.shape[1]), ~np.eye(n, dtype=bool)

    def sums(g):
        part = slice(g * n, (g + 1) * n)
        channels = prepared.group_matrices(part, part, z_cut)
        return sum(c.strength for c in channels)[..., apart], sum(c.shift for c in channels)[..., apart]

    strength, shift = sums(0)
    found = []
    for g, sign in enumerate(operations.signs):
        signs = conjugated if sign < 0 else np.ones_like(conjugated)
        expected = (
            np.einsum("a,b,abp->abp", signs, signs, strength),
            np.einsum("rt,c,xtcp->xrcp", turns[g], signs, shift, optimize=True),
        )
        pairs = zip(sums(g), expected, strict=True)
        found.append(max(root_mean_square(x - y) / (root_mean_square(y) or 1.0) for x, y in pairs))
    return np.array(found)
