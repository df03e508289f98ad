"""Dominant parts of matrices of vertices, and the random samples of states they are taken between."""

from __future__ import annotations

import numpy as np

_SAME = 1e-6  # relative difference of moduli of eigenvalues that a symmetry makes equal


class Pool:
    """Random choices among values and derivatives of all vectors, in equal number where there are enough.

    Groups are taken whole: what is made of the sample then does not depend on the basis in a group.
    """

    def __init__(self, vectors, rng):
        count, directions = len(vectors.first) - 1, vectors.values.shape[1]
        # (state, 0 for the value or 1 + a for a derivative)
        self._entries = np.stack([np.tile(np.arange(count), directions), np.repeat(np.arange(directions), count)], 1)
        self._values, self._derivatives = np.split(np.arange(len(self._entries)), [count])
        self._first, self._rng = np.asarray(vectors.first), rng
        self.size = len(vectors) * directions

    def take(self, size):
        """About `size` entries (vector, direction)."""
        size = max(2, size * (len(self._first) - 1) // int(self._first[-1]))
        half = min(size // 2, len(self._values))
        chosen = [
            self._rng.choice(part, min(number, len(part)), replace=False)
            for part, number in ((self._values, half), (self._derivatives, size - half))
        ]
        state, direction = self._entries[np.concatenate(chosen)].T
        members = np.diff(self._first)[state]
        place = np.arange(members.sum()) - np.repeat(np.cumsum(members) - members, members)
        return np.stack([np.repeat(self._first[state], members) + place, np.repeat(direction, members)], axis=1)


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


def _range(m, tolerance, rank):
    """Orthonormal columns q that hold m up to a fraction of `tolerance` (Frobenius norm), by random projection, and
    ``q^+ m``; m has no more than that `rank`."""
    n, rng = len(m), np.random.default_rng(1)
    width = min(n, 384, rank)
    while width < n:
        q = np.linalg.qr(m @ rng.normal(size=(n, width)).astype(m.dtype))[0]
        q = np.linalg.qr(m @ (q.conj().T @ m).conj().T)[0]
        part = q.conj().T @ m
        if np.linalg.norm(m - q @ part) < 0.3 * tolerance:
            return q, part
        width *= 2
    return np.eye(n, dtype=m.dtype), m


def dominant_eigenpairs(m, tolerance, rank, span=None):
    """Eigenvalues (largest modulus first) and eigenvectors of Hermitian m that leave no more than `tolerance`.

    `rank`: m has no more. `span`: columns that hold the range of m. With it there is no random projection, and all
    eigenvalues of the last modulus are kept, as a symmetry of m asks for.
    """
    if span is None:
        q, part = _range(m, tolerance, rank)
    else:
        q = np.linalg.qr(span)[0]
        part = q.conj().T @ m
    value, vector = np.linalg.eigh(part @ q)
    order = np.argsort(-np.abs(value), kind="stable")
    size = np.abs(value[order])
    count = _count(size, tolerance)
    while span is not None and count < len(size) and size[count] > (1 - _SAME) * size[count - 1]:
        count += 1
    order = order[:count]
    return value[order], q @ vector[:, order]


def dominant_triples(m, tolerance, rank):
    """Singular vectors and values (largest first) of m, of no more than `rank`, that leave no more than `tolerance`."""
    q, part = _range(m, tolerance, rank)
    left, value, right = np.linalg.svd(part, full_matrices=False)
    count = _count(value, tolerance)
    return q @ left[:, :count], value[:count], right[:count].conj().T


def _count(size, tolerance):
    """How many of the descending values to keep so that the rest has a norm below `tolerance`."""
    rest = np.sqrt(np.cumsum(size[::-1] ** 2)[::-1])
    return max(1, int(np.sum(rest > tolerance)))
