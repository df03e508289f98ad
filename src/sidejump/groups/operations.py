"""Symmetry operations that a model obeys exactly, as they act on wave vectors.

A rotation S takes k to Sk, with time reversal to -Sk.  Both are written as a matrix M on k and a sign, +1 without and
-1 with time reversal.  Energies and everything even under time reversal are the same at Mk; the velocity turns with M;
the coordinate shift and the Berry curvature, odd where M holds with time reversal, take the sign as well,

    v(Mk) = M v(k),     dr(Mk -> Mk') = sign M dr(k -> k'),     Omega(Mk) = sign det(M) M Omega(k).

Candidates are those of :mod:`.symmetry`; kept are the ones that hold to rounding, for energies and Berry curvature at
random k.  Where M holds with either sign (time reversal together with inversion), the sign is 0: what is odd vanishes.

Not covered: continuous symmetry, and operations of k.p models beyond the cubic and hexagonal groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .symmetry import observables, point_groups, sample_points

_SAMPLES = 6


@dataclass(frozen=True)
class Operations:
    """A group of operations on wave vectors, the identity first.

    Attributes
    ----------
    matrices : ndarray, shape (n, d, d)
        M, Cartesian; all different.
    signs : ndarray of int, shape (n,)
        +1; -1 where time reversal is part of it; 0 where M holds with and without.
    """

    matrices: np.ndarray
    signs: np.ndarray

    def __len__(self) -> int:
        return len(self.matrices)

    def take(self, kept) -> Operations:
        """Some of them, by index or mask."""
        return Operations(self.matrices[kept], self.signs[kept])


def identity(dimension: int) -> Operations:
    """The identity alone."""
    return Operations(np.eye(dimension)[None], np.ones(1, dtype=int))


def exact_operations(model, *, energy: float | None = None, tolerance: float = 1e-6, seed: int = 0) -> Operations:
    """The largest group of operations that energies and Berry curvature of `model` obey to `tolerance`.

    Parameters
    ----------
    model : ElectronModel
        A crystal.
    energy : float, optional
        Of the highest occupied state for the Berry curvature, eV; the middle of the bands when not given.
    tolerance : float
        eV for energies; relative to the terms of its sum for the curvature.
    """
    d = model.dimension
    if model.cell is None:
        return identity(d)
    rotations = np.concatenate(point_groups(model)[1])[:, :d, :d]
    k = sample_points(model, _SAMPLES, np.random.default_rng(seed))
    energies = observables(model, k, 0.0, 1.0)[0]
    level = 0.5 * (energies.min() + energies.max()) if energy is None else energy
    width = 0.02 * np.ptp(energies) + 1e-6
    _, curvature, size, _ = observables(model, k, level, width)
    scale = tolerance * max(float(np.sqrt(np.mean(size**2))), 1e-300)
    found: list[tuple[np.ndarray, int]] = []
    candidates = np.concatenate([rotations, -rotations])
    _, first = np.unique(np.round(candidates, 6) + 0.0, axis=0, return_index=True)
    for m in candidates[first]:
        there, turned, _, _ = observables(model, k @ m.T, level, width)
        if np.abs(there - energies).max() > tolerance:
            continue
        image = curvature * (np.linalg.det(m) if d == 2 else 1)
        if d == 3:
            image = np.linalg.det(m) * curvature @ m.T
        holds = {s for s in (1, -1) if np.abs(turned - s * image).max() < scale}
        rotation = any(np.allclose(m, r) for r in rotations)
        reversed_ = any(np.allclose(-m, r) for r in rotations)
        holds &= ({1} if rotation else set()) | ({-1} if reversed_ else set())
        if holds:
            found.append((m, sum(holds)))
    matrices, signs = np.array([m for m, _ in found]), np.array([s for _, s in found])
    order = np.argsort(np.abs(matrices - np.eye(d)).sum(axis=(1, 2)), kind="stable")
    operations = Operations(matrices[order], signs[order])
    return operations if is_group(operations) else identity(d)


def is_group(operations: Operations) -> bool:
    """Whether all products are among the operations, with the sign that they must have."""
    m, s = operations.matrices, operations.signs
    for a, sign in zip(m, s, strict=True):
        products = a @ m
        match = np.abs(products[:, None] - m[None]).max(axis=(2, 3)) < 1e-6
        if not match.any(axis=1).all() or np.any(s[match.argmax(axis=1)] != sign * s):
            return False
    return True
