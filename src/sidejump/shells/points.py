"""One point for each small cell and band: its weight and area, and its place on the exact energy."""

from __future__ import annotations

import numpy as np

from .cells import OCTANTS, CellMesh, children_values, polynomial, threaded, threaded_energies
from .newton import move_onto
from .tetrahedra import Cut, cut_cells

_SLOPE = 2e-2  # relative error of the polynomial's gradient, which one step along it leaves


def shell_points(mesh: CellMesh, level: int, cells, bands, values, smooth, cut: Cut, energy: float):
    """Points of X finished pairs (cell, band).

    Parameters
    ----------
    cells : (X, 3), bands : (X,)
    values : (X, 27)
        Node energies minus `energy`, eV.
    smooth : (X,) bool
        Where `values` are those of a polynomial.
    cut : Cut

    Returns
    -------
    k (X, 3), weight (X,), area (X,), error (X,)
        As in :class:`sidejump.shells.shell.Shell`; error: bound on what is left of ``|e - energy|``, eV.
    """
    weight, area, centre = _extrapolated(cells, bands, values, cut, mesh.steps(level))
    k = mesh.cartesian(2 * cells + centre, level)
    error = np.empty(len(k))
    rough = ~smooth
    if rough.any():
        k[rough], error[rough] = _moved(mesh.model, k[rough], bands[rough], energy, 0.5 * mesh.edge(level))
    if smooth.any():
        k[smooth], error[smooth] = _polished(
            mesh, level, cells[smooth], bands[smooth], values[smooth], centre[smooth], energy
        )
    return k, weight, area, error


def _polished(mesh, level, cells, bands, values, centre, energy):
    """Onto the surface of the polynomial, then steps with the eigenvalue along its gradient."""
    steps = mesh.steps(level)
    inverse = np.linalg.inv(steps).T  # gradient per step -> per 1/angstrom, for rows
    metric = inverse @ inverse.T
    x = centre.copy()
    for _ in range(3):
        value, slope = polynomial(values, x)
        up = slope @ metric  # along the Cartesian gradient
        x -= np.clip(value / np.maximum((slope * up).sum(1), 1e-300), -1e9, 1e9)[:, None] * up
    inside = np.abs(x - 1).max(axis=1) < 2
    x = np.where(inside[:, None], x, centre)
    _, slope = polynomial(values, x)
    gradient = slope @ inverse
    k = mesh.cartesian(2 * cells + x, level)
    square = np.maximum((gradient**2).sum(1), 1e-300)
    error = np.full(len(k), np.inf)
    left = np.arange(len(k))
    for _ in range(3):
        residual = threaded_energies(mesh.model, k[left])[np.arange(len(left)), bands[left]] - energy
        near = np.abs(residual) < 1e-3 * np.sqrt(square[left]) * mesh.edge(level)
        left, residual = left[near], residual[near]
        k[left] -= (residual / square[left])[:, None] * gradient[left]
        error[left] = np.abs(residual) * _SLOPE
        left = left[error[left] > 1e-8]
        if not len(left):
            break
    again = np.flatnonzero(error > 1e-6)
    if len(again):
        k[again], error[again] = _moved(mesh.model, k[again], bands[again], energy, 0.5 * mesh.edge(level))
    return k, error


def _moved(model, k, band, energy, step):
    pieces = threaded(
        lambda p, b: np.column_stack(move_onto(model, p, b, energy, largest_step=step, tolerance=1e-9)),
        k,
        band,
        chunk=512,
    )
    return pieces[:, :3], pieces[:, 6]


def _extrapolated(cells, bands, values, cut: Cut, steps):
    """Weight and area (X,) without their h^2 error, and a better centre (X, 3).

    The correction is a common factor for the eight halves of one larger cell, so that every weight stays positive.
    """
    weight, area, centre = _cut_halves(values, steps)
    _, group = np.unique(np.column_stack([cells >> 1, bands]), axis=0, return_inverse=True)
    group = group.reshape(-1)

    def factor(fine, coarse):
        a, b = np.bincount(group, fine), np.bincount(group, coarse)
        return np.clip((4 * a - b) / np.maximum(3 * a, 1e-300), 0.6, 4 / 3)[group]

    empty = weight == 0  # a sliver that only the coarser cut has
    weight, area = np.where(empty, cut.weight, weight), np.where(empty, cut.area, area)
    centre = np.where(empty[:, None], cut.centre, centre)
    weight, area = weight * factor(weight, cut.weight), area * factor(area, cut.area)
    return weight / (2 * np.pi) ** 3, area, centre


def _cut_halves(values, steps):
    """Weight, area and centre from the halves of each cell."""

    def cut(v):
        halves = children_values(v)
        crossed = np.flatnonzero((halves.min(axis=1) < 0) & (halves.max(axis=1) >= 0))
        part = cut_cells(halves[crossed], steps / 2)
        parent, octant = crossed // 8, crossed % 8
        centre = (part.centre / 2 + OCTANTS[octant]) * part.weight[:, None]
        sums = [np.bincount(parent, x, minlength=len(v)) for x in (part.weight, part.area, *centre.T)]
        return np.column_stack(sums)

    sums = threaded(cut, values, chunk=1024)
    return sums[:, 0], sums[:, 1], sums[:, 2:] / np.maximum(sums[:, :1], 1e-300)
