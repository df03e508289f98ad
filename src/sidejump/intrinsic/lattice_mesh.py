"""Fermi sea of a lattice model: a fixed uniform mesh, or cells refined where halving them changes their share.

A *family* is a cell with its 2^d halves.  Families whose halving changed most have all their halves halved again,
until the error meets the tolerance at every chemical potential and temperature.  The error is twice the root of the
sum of squared changes (near crossings halving a cell once more changes it by about as much again, with random
sign), plus what the change of the sum leaves.  In two dimensions that is a third of it, as by a
second-order rule.  In three, lines of small gaps converge more slowly, and between nothing and all of it may be
left: half of it is added to the sum, and half of it counts as error.

Each cell is one point with the occupation averaged over the cell (:mod:`.occupation`) and the curvature of unresolved
crossings as well (:mod:`.berry`).  Which cells there are to begin with is in :mod:`.zone`.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..threads import one_matrix_thread
from .berry import occupied_curvature
from .fourier import table_of
from .occupation import cell_fermi, fermi
from .zone import Zone

_ADDED = {2: 0.0, 3: 0.5}  # to the sum, in units of its last change
_LEFT = {2: 1 / 3, 3: 0.5}  # error of the sum, likewise
_SAFETY = 2.0  # standard deviations


class CellSum:
    """Occupied curvature at k points, ``sum_n f_n Omega_n`` in angstrom^2, for all mu and T at once.

    Parameters
    ----------
    model : ElectronModel
        With a `cell`.
    chemical_potentials, temperatures : arrays
        eV, shape (n_mu,); K, shape (n_T,), or (n_mu, n_T) where every chemical potential has its own.
    workers : int
        Threads; the linear algebra inside each is kept to one.
    """

    def __init__(self, model, chemical_potentials, temperatures, workers: int = 2):
        self.model, self.mu, self.temperatures = model, chemical_potentials, temperatures
        self.workers = workers
        self.table = table_of(model)
        self.n_components = 3 if model.dimension == 3 else 1
        self.points = 0

    def __call__(self, fractional: np.ndarray, edges: np.ndarray | None) -> np.ndarray:
        """At points in units of the reciprocal cell; `edges` (npoints, d, d) of their cells, or None for a step.

        Returns
        -------
        ndarray, shape (npoints, n_mu, n_T, components)
        """
        shape = (len(fractional), len(self.mu), np.shape(self.temperatures)[-1], self.n_components)
        result = np.empty(shape)
        keys, inverse = np.unique(np.round(fractional[:, 0], 12), return_inverse=True)
        members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1])

        def plane(item):
            first, chosen = item
            for index, matrices in self.table.plane_matrices(first, np.round(fractional[chosen, 1:], 12)):
                target = chosen[index]
                result[target] = self._block(matrices, None if edges is None else edges[target])

        with one_matrix_thread(), ThreadPoolExecutor(self.workers) as pool:
            list(pool.map(plane, zip(keys, members, strict=True)))
        self.points += len(fractional)
        return result

    def _block(self, matrices, edges):
        def at_points(energy, velocity):
            return fermi(energy, self.mu, self.temperatures)

        def over_cells(energy, velocity):
            spread = np.sqrt(np.sum((edges @ velocity) ** 2, axis=1) / 12)
            return cell_fermi(energy, spread, self.mu, self.temperatures)

        def within(energy, spread):
            return cell_fermi(energy, spread, self.mu, self.temperatures, quick=True)

        hamiltonian, gradient, position, curl = matrices
        occupation = at_points if edges is None else over_cells
        cells = None if edges is None or self.model.dimension != 3 else (edges, within)
        value = occupied_curvature(hamiltonian, gradient, position, curl, occupation, cells=cells)
        return np.moveaxis(value, 1, -1)


def fixed_mesh(cell_sum: CellSum, shape) -> np.ndarray:
    """Mean of the occupied curvature over a Gamma-centred mesh: (n_mu, n_T, components)."""
    total = 0.0
    axes = [np.arange(n) / n for n in shape]
    for first in np.array_split(axes[0], max(1, int(np.prod(shape)) // 200_000)):
        grid = np.stack(np.meshgrid(first, *axes[1:], indexing="ij"), axis=-1).reshape(-1, len(shape))
        total = total + cell_sum(grid, None).sum(axis=0)
    return total / np.prod(shape)


def adaptive_mesh(cell_sum: Any, zone: Zone, tolerance, max_points, floor, share=0.0, progress=None):
    """Mean of the occupied curvature over the zone by refined cells.

    Parameters
    ----------
    cell_sum : CellSum, or what is called and counts its points as one
    zone : Zone
        Cells to begin with.
    tolerance : float
        Relative error asked for, of each (mu, T).
    max_points : int
        Stop here whatever the error.
    floor : float
        Curvature (angstrom^2) below which the error counts relative to this instead.
    share : float
        The same for this share of the sum of the absolute contributions of all cells, which a mean that vanishes by
        cancellation cannot be known relative to anything but.

    Returns
    -------
    mean : ndarray, shape (n_mu, n_T, components)
    error : ndarray, shape (n_mu, n_T)
    size : ndarray, shape (n_mu, n_T)
        What the error counts relative to.
    """
    d = zone.centres.shape[1]
    halves = np.array(list(itertools.product((-0.25, 0.25), repeat=d)))
    parent = _sums(cell_sum, zone, zone.centres, zone.widths, zone.share)
    families = _halve(cell_sum, zone, zone.centres, zone.widths, zone.share, parent, halves)
    while True:
        change = families["change"].sum(axis=0)
        mean = families["value"].sum(axis=(0, 1)) + _ADDED[d] * change
        squares = np.sum(families["change"] ** 2, axis=-1)  # (families, mu, T)
        error = _SAFETY * np.sqrt(squares.sum(axis=0)) + _LEFT[d] * np.linalg.norm(change, axis=-1)
        absolute = np.linalg.norm(np.abs(families["value"]).sum(axis=(0, 1)), axis=-1)
        size = np.maximum(np.linalg.norm(mean, axis=-1), np.maximum(floor, share * absolute))
        scale = tolerance * size
        worst = float(np.max(error / scale))
        if progress is not None:
            progress(cell_sum.points, worst * tolerance)
        if worst <= 1 or cell_sum.points >= max_points:
            return mean, error, size
        part = np.max(squares / scale**2, axis=(1, 2))
        order = np.argsort(-part)
        rest = np.cumsum(part[order][::-1])[::-1]  # what stays as it is if refinement stops before this family
        count = int(np.searchsorted(-rest, -_left_alone(rest[0]))) or 1
        count = min(count, max(1, (max_points - cell_sum.points) // 4**d), 1 + len(order) // 4)
        chosen, kept = order[:count], order[count:]
        cells = families["centre"][chosen][:, None] + halves * families["width"][chosen][:, None]
        child_width = np.repeat(families["width"][chosen] / 2, 2**d, axis=0)
        child_share = np.repeat(families["share"][chosen] / 2**d, 2**d)
        value = families["value"][chosen].reshape(-1, *families["value"].shape[2:])
        new = _halve(cell_sum, zone, cells.reshape(-1, d), child_width, child_share, value, halves)
        families = {key: np.concatenate([families[key][kept], new[key]]) for key in families}


def _left_alone(total: float) -> float:
    """Squared error (tolerance = 1) of the families that the next pass need not touch.

    Enough for the sum to meet the tolerance if refinement leaves half of the error of what it touches, but between
    0.3 and 0.7 of all, as the share of each family is known better after every pass.
    """
    wanted = 2 / _SAFETY**2 - total
    return min(max(wanted, 0.3 * total), 0.7 * total)


def _sums(cell_sum, zone: Zone, centres, widths, share) -> np.ndarray:
    """What cells add to the mean over the zone, (n, n_mu, n_T, components)."""
    value = cell_sum(zone.fractional(centres), zone.edges(widths))
    if zone.kept is not None:
        value = value @ zone.kept.T
    return value * share[:, None, None, None]


def _halve(cell_sum, zone: Zone, centres, widths, share, parent, halves):
    """Families of the given cells: values of the halves and what they change."""
    d = centres.shape[1]
    points = (centres[:, None] + halves * widths[:, None]).reshape(-1, d)
    value = _sums(cell_sum, zone, points, np.repeat(widths / 2, 2**d, axis=0), np.repeat(share / 2**d, 2**d))
    value = value.reshape(len(centres), 2**d, *value.shape[1:])
    return {
        "centre": centres,
        "width": np.array(widths),
        "share": share,
        "value": value,
        "change": value.sum(axis=1) - parent,
    }
