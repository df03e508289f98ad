"""Matrices between Wannier functions on a coarse mesh and their Fourier series with symmetric images."""

from __future__ import annotations

import numpy as np

from .images import mesh_cells, mesh_class, minimal_images

TIE = 1e-3
"""Images whose squared lengths are within this share the weight, angstrom^2."""


def on_mesh(vectors, values, mesh) -> np.ndarray:
    """``sum_R exp(i k.R) X(R)`` at the points of the mesh, for X (nR, ...): shape (N_k, ...)."""
    points = mesh_cells(mesh) / np.asarray(mesh)
    phase = np.exp(2j * np.pi * points @ np.asarray(vectors).T)
    return (phase @ values.reshape(len(values), -1)).reshape(len(points), *values.shape[1:])


def to_cells(values, mesh) -> np.ndarray:
    """The inverse, modulo the supercell: X (N_k, ...) on the mesh to X at `mesh_cells`."""
    points = mesh_cells(mesh) / np.asarray(mesh)
    phase = np.exp(-2j * np.pi * mesh_cells(mesh) @ points.T) / len(points)
    return (phase @ values.reshape(len(values), -1)).reshape(values.shape)


def to_vectors(values, mesh, cell, positions) -> tuple[np.ndarray, np.ndarray]:
    """Fourier series of X (N_k, ..., N, N), each element with the images of least ``|R + tau_n - tau_m|``.

    Ties share the weight, so that the series has the symmetry of the values.

    Returns
    -------
    vectors : ndarray of int, shape (nR, 3)
    series : ndarray, shape (nR, ..., N, N)
    """
    folded = to_cells(values, mesh)
    kinds, kind = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    kind = kind.ravel()
    sets = {
        (a, b): minimal_images(cell, mesh, kinds[b] - kinds[a], tolerance=TIE)
        for a in range(len(kinds))
        for b in range(len(kinds))
    }
    vectors = np.unique(np.concatenate([s[0] for s in sets.values()]), axis=0)
    row = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    series = np.zeros((len(vectors), *values.shape[1:]), dtype=complex)
    for (a, b), (found, degeneracy) in sets.items():
        where = np.array([row[tuple(r)] for r in found.tolist()])
        bras, kets = np.flatnonzero(kind == a), np.flatnonzero(kind == b)
        block = folded[mesh_class(found, mesh)][..., bras[:, None], kets]
        weight = 1 / degeneracy.reshape(-1, *(1,) * (block.ndim - 1))
        index = np.ix_(where, *[np.arange(n) for n in values.shape[1:-2]], bras, kets)
        series[index] = block * weight
    return vectors, series
