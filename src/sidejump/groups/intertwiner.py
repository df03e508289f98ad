"""Symmetry of a Hamiltonian to rounding: the operator is looked for, not its consequences.

A rotation S (proper or not) holds where there is a unitary U, constant in the atomic gauge, with

    H(Sk) U = U H(k),      A_a(Sk) U = U sum_b S_ab A_b(k)      for every k,

A the position matrix; together with time reversal H(-Sk) U = U H(k)* and so on, and with S = 1 that is time reversal
itself, with or without a translation that the lattice has not (antiferromagnets) or a turn of the spins (magnets
without spin-orbit coupling).  Such U are the unitary ones among the solutions X of these linear equations at several k;
any invertible solution gives one (its polar part).  In the bases of eigenvectors of one random combination of the
matrices on either side X is diagonal but for degenerate levels, which leaves about N unknowns.  The solution found is
put to the test at further k.

Energies, spins and curvatures cannot do that: they come close to those of an invariant model wherever a mass or an
exchange field is small, and their sums vanish in antiferromagnets.

Not covered: operations whose U depends on k beyond a factor (sites that are not orbitals' centres).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_ROUNDING = 1e-11  # of the largest element: violation that is rounding
_SAME = 1e-7  # of the range of levels: closer ones are one group
_ELEMENTS = 100_000  # of the equations that are decomposed at once
_POINTS, _TESTS = 4, 4  # k points of the equations, further ones of the test


def operation_matrix(model, k, rotation=None, *, reversal: bool = False, further: Sequence = ()) -> np.ndarray | None:
    """U (N, N), unitary, of an operation that `model` obeys to rounding; None where it does not.

    Parameters
    ----------
    model : ElectronModel
    k : array, shape (nk, d)
        Wave vectors without symmetry, 1/angstrom, of the sizes that matter; at least eight.
    rotation : array, shape (d, d), optional
        S, Cartesian; 1 when not given.
    reversal : bool
        Whether time reversal is part of the operation.
    further : sequence of (callable, array (t, t))
        Operators (nk, t, N, N) at given k that have to turn as well, ``O(Sk) U = U sum T O(k)``, and T.
    """
    if len(k) < _POINTS + _TESTS:
        raise ValueError(f"{len(k)} k points: give at least {_POINTS + _TESTS}")
    s = np.eye(k.shape[1]) if rotation is None else np.asarray(rotation)
    image = (-k if reversal else k) @ s.T
    there = _matrices(model, k, s)  # (quantity, nk, N, N)
    here = _matrices(model, image)
    for operator, turn in further:
        there = np.concatenate([there, np.tensordot(turn, np.moveaxis(operator(k), 1, 0), 1)])
        here = np.concatenate([here, np.moveaxis(operator(image), 1, 0)])
    there = there.conj() if reversal else there
    size = np.abs(there).max(axis=(2, 3), keepdims=True)
    size[size == 0] = 1.0
    here, there = here / size, there / size
    known = slice(0, None, max(1, len(k) // _POINTS))
    n = here.shape[-1]
    u = _intertwiner(here[:, known].reshape(-1, n, n), there[:, known].reshape(-1, n, n))
    if u is None or np.abs(u @ there - here @ u).max() > _ROUNDING * n:
        return None
    return u


def _matrices(model, k, turn=None) -> np.ndarray:
    """H and, where there is one, the position matrix, turned: shape (1 or 1 + d, nk, N, N)."""
    h = np.asarray(model.hamiltonian(k))[None]
    position = model.position_matrix(k)
    if position is None:
        return h
    position = np.moveaxis(np.asarray(position), 1, 0)
    return np.concatenate([h, position if turn is None else np.tensordot(turn, position, 1)])


def _intertwiner(a, b) -> np.ndarray | None:
    """Unitary X with ``a X = X b`` for all pairs of Hermitian matrices a, b (m, N, N), if there seems to be one."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=len(a))
    levels, left = np.linalg.eigh(np.tensordot(weight, a, 1))
    others, right = np.linalg.eigh(np.tensordot(weight, b, 1))
    close = _SAME * max(float(np.ptp(levels)), float(np.abs(levels).max()), 1e-300)
    if np.abs(levels - others).max() > close:
        return None
    group = np.concatenate([[0], np.cumsum(np.diff(levels) > close)])
    rows, columns = np.nonzero(group[:, None] == group)  # the elements of X that may differ from zero
    unknown, every = np.arange(len(rows)), np.arange(len(levels))
    n = len(levels)
    triangle: np.ndarray = np.zeros((0, len(rows)))
    lefts, rights = left.conj().T @ a @ left, right.conj().T @ b @ right
    at_once = max(1, _ELEMENTS // (n * n * len(rows)))  # equations of many small matrices take one decomposition
    for start in range(0, len(a), at_once):
        x, y = lefts[start : start + at_once], rights[start : start + at_once]
        equations = np.zeros((len(x), n, n, len(rows)), dtype=complex)
        equations[:, every[:, None], columns, unknown] += x[:, :, rows]
        equations[:, rows[:, None], every, unknown[:, None]] -= y[:, columns]
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, equations.reshape(-1, len(rows))]), mode="r"))
    _, size, vectors = np.linalg.svd(triangle)
    free = vectors[np.concatenate([size, np.zeros(len(vectors) - len(size))]) < _ROUNDING * len(levels)].conj()
    if not len(free):
        return None
    x = np.zeros((len(levels), len(levels)), dtype=complex)
    x[rows, columns] = rng.normal(size=len(free)) @ free
    p, size, q = np.linalg.svd(x)
    if size[-1] < _SAME * size[0]:
        return None
    return left @ p @ q @ right.conj().T
