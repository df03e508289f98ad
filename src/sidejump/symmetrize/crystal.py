"""The sites of a crystal, their symmetry group, and both made exact: files round cells and positions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..groups.magnetic_group import Operation, magnetic_operations, symmetric_cell
from ..groups.representation import Orbitals, site_images

_SAME = 0.05  # angstrom


@dataclass(frozen=True)
class SymmetricCrystal:
    """Cell, atoms and Wannier functions that the operations map onto themselves exactly.

    Attributes
    ----------
    cell : ndarray, shape (3, 3)
    atoms : ndarray, shape (nat, 3)
        Angstrom; empty where the model knows none.
    orbitals : Orbitals
    operations : list of Operation
    """

    cell: np.ndarray
    atoms: np.ndarray
    orbitals: Orbitals
    operations: list[Operation]


def symmetric_crystal(orbitals: Orbitals, atoms, labels, magnetisation) -> SymmetricCrystal:
    """Group of sites and atoms, and the crystal with their rounding removed.

    Parameters
    ----------
    orbitals : Orbitals
    atoms : array, shape (nat, 3), or None
        Angstrom.
    labels : sequence or None
        Equal for atoms of one kind; all alike when None, but for their orbitals.
    magnetisation : array, shape (3,)
        Zero for a crystal that is its own image under time reversal.
    """
    cell = orbitals.cell
    points = np.zeros((0, 3)) if atoms is None else np.array(atoms, dtype=float)
    n_atoms = len(points)
    owner = np.zeros(len(orbitals.sites), dtype=int)  # point of every site
    offset = np.zeros((len(orbitals.sites), 3), dtype=int)  # lattice vector from the point to the site
    for i, site in enumerate(orbitals.sites):
        apart = (site - points) @ np.linalg.inv(cell)
        whole = np.round(apart)
        near = np.flatnonzero(np.linalg.norm((apart - whole) @ cell, axis=1) < _SAME)
        if len(near):
            owner[i], offset[i] = near[0], whole[near[0]]
        else:
            owner[i] = len(points)
            points = np.concatenate([points, site[None]])
    kinds: list[tuple] = [
        (labels[i] if labels is not None and i < n_atoms else None, i < n_atoms, []) for i in range(len(points))
    ]
    for shell in orbitals.shells:
        kinds[owner[shell.site]][2].append((len(shell.functions), shell.kind))
    keys = [repr(kind) for kind in kinds]
    numbers = [sorted(set(keys)).index(key) + 1 for key in keys]
    operations = magnetic_operations(cell, points, numbers, magnetisation)
    exact = symmetric_cell(cell, operations)
    crystal = _symmetric_points(cell, points, operations)
    operations = [replace(o, cartesian=exact.T @ o.rotation @ np.linalg.inv(exact.T)) for o in operations]
    sites = (crystal[owner] + offset) @ exact
    return SymmetricCrystal(exact, crystal[:n_atoms] @ exact, replace(orbitals, cell=exact, sites=sites), operations)


def _symmetric_points(cell, points, operations) -> np.ndarray:
    """Crystal coordinates averaged over the group."""
    crystal = points @ np.linalg.inv(cell)
    total = np.zeros_like(crystal)
    for o in operations:
        target, shift = site_images(cell, points, o)
        moved = crystal @ o.rotation.T + o.translation - shift
        # spglib's translations carry the rounding of one atom: the mean displacement is no part of the symmetry
        moved -= np.mean(moved - crystal[target], axis=0)
        total[target] += moved
    return total / len(operations)


def require_three_dimensions(model) -> None:
    """InputError unless the model is a crystal in three dimensions."""
    if model.cell is None or model.dimension != 3:
        raise InputError("symmetrize: only crystals in three dimensions (Wannier90, EPW, Perturbo) are covered")
