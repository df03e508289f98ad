"""Dominant parts of matrices of vertices, and the random samples of states they are taken between."""

from __future__ import annotations

import numpy as np


class Pool:
    """Random choices among values and derivatives of all vectors, in equal number where there are enough."""

    def __init__(self, vectors, rng):
        count, directions, _ = vectors.values.shape
        # (vector, 0 for the value or 1 + a for a derivative)
        self.entries = np.stack([np.tile(np.arange(count), directions), np.repeat(np.arange(directions), count)], 1)
        self._values, self._derivatives = np.split(np.arange(len(self.entries)), [count])
        self._rng = rng

    def take(self, size):
        half = min(size // 2, len(self._values))
        chosen = [
            self._rng.choice(part, min(number, len(part)), replace=False)
            for part, number in ((self._values, half), (self._derivatives, size - half))
        ]
        return self.entries[np.concatenate(chosen)]


def sample_vectors(vectors, entries, cells, lattice, dtype=np.complex128):
    """Chosen vectors, each scaled to the norm of a value: (n, cells, N)."""
    result = np.empty((len(entries), len(cells), vectors.values.shape[-1]), dtype=dtype)
    for start in range(0, len(entries), 256):
        index, direction = entries[start : start + 256].T
        part = vectors.on_cells(index, cells, lattice)[np.arange(len(index)), direction]
        length = np.linalg.norm(part, axis=(1, 2))
        scale = np.where(length > 0, np.sqrt(len(cells)) / np.where(length > 0, length, 1.0), 0.0)
        result[start : start + 256] = part * scale[:, None, None]
    return result


def _range(m, tolerance, rng):
    """Orthonormal columns that hold m up to a fraction of `tolerance` (Frobenius norm), by random projection."""
    n = len(m)
    width = min(n, 384)
    while width < n:
        q = np.linalg.qr(m @ rng.normal(size=(n, width)).astype(m.dtype))[0]
        q = np.linalg.qr(m @ (m.conj().T @ q))[0]
        if np.linalg.norm(m - q @ (q.conj().T @ m)) < 0.3 * tolerance:
            return q
        width *= 2
    return np.eye(n, dtype=m.dtype)


def dominant_eigenpairs(m, tolerance):
    """Eigenvalues (largest modulus first) and eigenvectors of Hermitian m that leave no more than `tolerance`."""
    q = _range(m, tolerance, np.random.default_rng(1))
    value, vector = np.linalg.eigh(q.conj().T @ m @ q)
    order = np.argsort(-np.abs(value), kind="stable")
    order = order[: _count(np.abs(value[order]), tolerance)]
    return value[order], q @ vector[:, order]


def dominant_triples(m, tolerance):
    """Singular vectors and values (largest first) of m that leave no more than `tolerance`."""
    q = _range(m, tolerance, np.random.default_rng(1))
    left, value, right = np.linalg.svd(q.conj().T @ m, full_matrices=False)
    count = _count(value, tolerance)
    return q @ left[:, :count], value[:count], right[:count].conj().T


def _count(size, tolerance):
    """How many of the descending values to keep so that the rest has a norm below `tolerance`."""
    rest = np.sqrt(np.cumsum(size[::-1] ** 2)[::-1])
    return max(1, int(np.sum(rest > tolerance)))
