"""Translations that a crystal has within its cell: where there are any, the cell is not primitive.

A translation t takes the orbital n to the orbital at ``tau_n + t``, and with orbitals on their sites the matrices H(k)
keep their elements: ``H_p(m)p(n)(k) = H_mn(k)`` for all k.  Orbitals of one site are taken in their order.

Not covered: translations joined with a rotation of spins or orbitals, and Wannier functions that obey them roughly.
"""

from __future__ import annotations

import numpy as np

_SAME = 1e-4  # of the lattice vectors: sites that are one
_EXACT = 1e-9  # of the largest element
_SAMPLES = 3
_FEW = 8


def inner_translations(model, vertices=()) -> list[tuple[np.ndarray, np.ndarray]]:
    """Translations that are no lattice vectors and leave model, its spin and vertices as they are, the shortest first.

    Parameters
    ----------
    model : ElectronModel
    vertices : sequence of ndarray, shape (N, N)
        Matrices between orbitals that have to be the same too.

    Returns
    -------
    list of (ndarray, shape (d,), ndarray, shape (N,))
        Each, angstrom, and the orbitals that orbitals move to; empty for continuum models.
    """
    if model.cell is None:
        return []
    sites = np.asarray(model.site_positions) @ np.linalg.inv(model.cell)
    shifts = sites - sites[0]
    shifts = shifts - np.round(shifts)
    shifts = shifts[np.abs(shifts).max(axis=1) > _SAME]
    if not len(shifts):
        return []
    _, first = np.unique(np.round(shifts / _SAME), axis=0, return_index=True)  # one for all orbitals of a site
    k = np.random.default_rng(0).random((_SAMPLES, model.dimension)) @ model.reciprocal_cell
    matrices = [np.asarray(model.hamiltonian(k)), *map(np.asarray, vertices)]
    if model.has_spin:
        matrices.append(np.asarray(model.spin_operator(k)))
    found = []
    for shift in sorted(shifts[first], key=lambda x: float(np.linalg.norm(x @ model.cell))):
        order = _moved(sites, shift)
        if order is not None and all(
            np.abs(m[..., order[:, None], order] - m).max() <= _EXACT * np.abs(m).max() for m in matrices
        ):
            found.append((shift @ model.cell, order))
    return found


def _moved(sites, shift) -> np.ndarray | None:
    """The orbitals (N,) that those at `sites` move to, in units of the lattice vectors; None where there are none."""
    same = np.empty(0)
    for some in (sites[:_FEW], sites):  # most shifts fail at the first sites
        away = some[:, None] + shift - sites
        same = np.abs(away - np.round(away)).max(axis=2) < _SAME
        if not same.any(axis=1).all():
            return None
    home = np.abs(sites[:, None] - sites - np.round(sites[:, None] - sites)).max(axis=2) < _SAME
    place = np.tril(home, -1).sum(axis=1)  # among the orbitals of its site
    order = np.array([np.flatnonzero(row)[min(n, row.sum() - 1)] for row, n in zip(same, place, strict=True)])
    return order if len(set(order.tolist())) == len(order) else None
