"""Operations of a crystal that keep its magnetisation, alone or together with time reversal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import spglib

from ..errors import InputError
from .spglib_calls import of_spglib
from .symmetry import TURN, operation_name


@dataclass(frozen=True)
class Operation:
    """``x -> S x + t``, then time reversal if `antiunitary`.

    Attributes
    ----------
    rotation : ndarray of int, shape (3, 3)
        S on crystal coordinates (columns).
    translation : ndarray, shape (3,)
        t, crystal coordinates.
    cartesian : ndarray, shape (3, 3)
        S.
    antiunitary : bool
    """

    rotation: np.ndarray
    translation: np.ndarray
    cartesian: np.ndarray
    antiunitary: bool

    @property
    def name(self) -> str:
        return operation_name(self.cartesian) + ("'" if self.antiunitary else "")

    def wave_vectors(self, k) -> np.ndarray:
        """k' = S k, or -S k, for k (n, 3) in crystal coordinates."""
        moved = np.asarray(k) @ np.linalg.inv(self.rotation)
        return -moved if self.antiunitary else moved


def magnetic_operations(cell, positions, numbers, magnetisation=None, *, symprec: float = 1e-3) -> list[Operation]:
    """The group of the crystal and its magnetisation, one operation for each rotation (and time reversal).

    Parameters
    ----------
    cell : array, shape (3, 3)
        Lattice vectors as rows, angstrom.
    positions : array, shape (n, 3)
        Sites, angstrom.
    numbers : sequence of int
        Equal for equal sites.
    magnetisation : array, shape (3,), optional
        An axial vector. Operations that keep it are unitary, those that reverse it antiunitary; both without it.

    Raises
    ------
    InputError
        If spglib finds no lattice.
    """
    crystal = np.asarray(positions) @ np.linalg.inv(cell)
    structure = (np.asarray(cell), crystal, list(numbers))
    data = of_spglib(spglib.get_symmetry_dataset, structure, symprec=symprec)
    if data is None:
        raise InputError("symmetrize: spglib finds no lattice; two sites coincide or the cell is singular")
    rotations, first = np.unique(data.rotations, axis=0, return_index=True)
    cartesian = np.einsum("ia,oij,bj->oab", cell, rotations, np.linalg.inv(cell))
    m = np.zeros(3) if magnetisation is None else np.asarray(magnetisation, dtype=float)
    if np.linalg.norm(m) > 0:
        m = m / np.linalg.norm(m)
    operations = []
    for w, t, s in zip(rotations, data.translations[first], cartesian, strict=True):
        image = np.linalg.det(s) * s @ m
        for antiunitary, sign in ((False, 1), (True, -1)):
            if np.linalg.norm(image - sign * m) < TURN:
                operations.append(Operation(w.astype(int), t, s, antiunitary))
    return operations


def symmetric_cell(cell, operations: list[Operation]) -> np.ndarray:
    """`cell` with a metric that the rotations keep exactly (files round it)."""
    metric = cell @ cell.T
    rotated = [o.rotation.T @ metric @ o.rotation for o in operations]
    return _root(np.mean(rotated, axis=0)) @ np.linalg.inv(_root(metric)) @ cell


def _root(metric):
    values, vectors = np.linalg.eigh(metric)
    return (vectors * np.sqrt(values)) @ vectors.T


def words(operations: list[Operation]) -> list[tuple[int, tuple[int, int] | None]]:
    """How to make every operation from few generators.

    Returns
    -------
    list of tuple
        ``(n, (i, j))``: operation n is j followed by i, both earlier in the list; ``(n, None)`` for the identity and
        the generators.
    """
    index = {(o.rotation.tobytes(), o.antiunitary): n for n, o in enumerate(operations)}
    table = np.array(
        [
            [index[((a.rotation @ b.rotation).tobytes(), a.antiunitary != b.antiunitary)] for b in operations]
            for a in operations
        ]
    )
    identity = index[(np.eye(3, dtype=int).tobytes(), False)]
    made: list = [(identity, None)]
    while len(made) < len(operations):
        known = {i for i, _ in made}
        grown = [_closure(table, made, g) for g in range(len(operations)) if g not in known]
        made = max(grown, key=len)
    return made


def _closure(table, made, generator):
    made = [*made, (generator, None)]
    known = {i for i, _ in made}
    generators = [i for i, pair in made if pair is None]
    position = 0
    while position < len(made):
        for g in generators:
            product = int(table[g, made[position][0]])
            if product not in known:
                known.add(product)
                made.append((product, (g, made[position][0])))
        position += 1
    return made
