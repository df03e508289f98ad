"""An isoenergy surface as triangles, for pictures: cut out of the cells of a mesh next to points that lie on it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..bands.states import band_energies
from .tetrahedra import FACETS, kuhn

_CORNERS = np.array(list(itertools.product(range(2), repeat=3)))
_TETRAHEDRA = kuhn(_CORNERS)[0]
_AROUND = np.array(list(itertools.product((-1, 0, 1), repeat=3)))


@dataclass(frozen=True)
class Triangles:
    """Attributes
    ----------
    k : (V, 3)         corners, 1/angstrom, in the first zone or next to it
    corners : (F, 3)   of each triangle, numbers of rows of `k`, counterclockwise seen from where the energy is higher
    band : (V,)        of each corner
    """

    k: np.ndarray
    corners: np.ndarray
    band: np.ndarray


def surface_triangles(model, energy: float, points, *, cells: int) -> Triangles:
    """The surface at `energy` (eV) next to `points` (S, 3) on it, 1/angstrom: of cells whose number is about `cells`.

    The energy is linear in tetrahedra: corners are off by the second order in the edge of a cell. A part of the surface
    without a point is left out.
    """
    periods = np.ptp(points, axis=0).max() * np.eye(3) if model.cell is None else np.asarray(model.zone_axes)
    lengths, parts = np.linalg.norm(periods, axis=1), 4
    while True:  # about sqrt(2) finer each time; even, so that faces of a cell lie on those of an orthogonal zone
        counts = np.maximum(2, 2 * np.rint(0.5 * parts * lengths / lengths.max()))
        found = _occupied(points, periods / counts[:, None], None if model.cell is None else counts.astype(int))
        if len(found) > cells or parts > 1024:
            break
        parts = int(np.ceil(1.4 * parts))
    steps = periods / counts[:, None]
    # neighbours too: a surface passes beside the cells that its points lie in
    found = _distinct(found[:, None] + _AROUND, None if model.cell is None else counts.astype(int))
    nodes, index = np.unique((found[:, None] + _CORNERS).reshape(-1, 3), axis=0, return_inverse=True)
    index = index.reshape(-1, 8)
    energies = band_energies(model, nodes @ steps) - energy
    pieces: list[tuple] = []
    for number in range(energies.shape[1]):
        if number and np.abs(energies[:, number] - energies[:, number - 1]).max() < 1e-9:
            continue  # the same surface
        facets, corners_of_band = _cut(energies[:, number], nodes @ steps, index)
        if len(facets):
            pieces.append((corners_of_band, facets, np.full(len(corners_of_band), number)))
    starts = np.cumsum([0, *(len(k) for k, _, _ in pieces)])
    k = np.concatenate([piece[0] for piece in pieces])
    band = np.concatenate([piece[2] for piece in pieces])
    corners = np.concatenate([piece[1] + start for piece, start in zip(pieces, starts, strict=False)])
    return Triangles(k, corners, band) if model.cell is None else _in_first_zone(model, k, corners, band)


def _occupied(points, steps, counts) -> np.ndarray:
    return _distinct(np.floor(points @ np.linalg.inv(steps)).astype(int), counts)


def _distinct(cells, counts) -> np.ndarray:
    cells = cells.reshape(-1, 3)
    return np.unique(cells if counts is None else cells % counts, axis=0)


def _cut(e, nodes, cells) -> tuple[np.ndarray, np.ndarray]:
    """Triangles (F, 3) of the surface e = 0 in cells (C, 8) of nodes, and their corners (V, 3)."""
    tetrahedra = cells[:, _TETRAHEDRA].reshape(-1, 4)
    inside = (e[tetrahedra] < 0).sum(axis=1)
    edges, upwards = [], []
    for number, facets in FACETS.items():
        mine = tetrahedra[inside == number]
        mine = np.take_along_axis(mine, np.argsort(e[mine], axis=1, kind="stable"), axis=1)
        up = nodes[mine[:, number:]].mean(axis=1) - nodes[mine[:, :number]].mean(axis=1)
        edges += [mine[:, facet] for facet in facets]
        upwards += [up] * len(facets)
    ends = np.concatenate(edges)  # (F, 3, 2)
    pairs, corners = np.unique(np.sort(ends.reshape(-1, 2), axis=1), axis=0, return_inverse=True)
    start, end = pairs.T
    t = (e[start] / (e[start] - e[end]))[:, None]
    k, corners = nodes[start] + t * (nodes[end] - nodes[start]), corners.reshape(-1, 3)
    first, second, third = (k[corners[:, i]] for i in range(3))
    turned = np.einsum("fa,fa->f", np.cross(second - first, third - first), np.concatenate(upwards)) < 0
    corners[turned] = corners[turned][:, ::-1]
    return corners, k


def _in_first_zone(model, k, corners, band) -> Triangles:
    """Each triangle moved to the first zone by a vector of the reciprocal lattice."""
    momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
    centre = k[corners].mean(axis=1)
    shift = np.rint((momentum.first_zone(centre) - centre) @ np.linalg.inv(model.reciprocal_cell)).astype(int)
    labelled = np.concatenate([corners.reshape(-1, 1), np.repeat(shift, 3, axis=0)], axis=1)
    distinct, numbers = np.unique(labelled, axis=0, return_inverse=True)
    return Triangles(
        k[distinct[:, 0]] + distinct[:, 1:] @ model.reciprocal_cell, numbers.reshape(-1, 3), band[distinct[:, 0]]
    )
