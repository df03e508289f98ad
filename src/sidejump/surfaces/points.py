"""The points of each small cell and band: weight and area, and the place on the exact energy.

A patch of the surface has one point, its centroid, or three, which have its centroid and its second moments: a
quadratic function over the patch is then summed exactly.  With one point the error of a cell is that of the midpoint
rule.  On a uniform mesh these errors nearly cancel, as on any smooth closed surface; where cells of different size
meet, they do not.
"""

from __future__ import annotations

import numpy as np

from .cells import OCTANTS, CellMesh, children_values, polynomial, threaded, threaded_energies
from .crossings import PART_ORIGINS, sub_cells
from .newton import move_onto
from .tetrahedra import CUT_AT_ONCE, Cut, cut_cells

_SMALL = 0.1  # of the face of a cell: smaller patches have one point
_ASIDE = np.array([0.7853, 0.5117, 0.3483])  # a direction that no axis of a crystal is perpendicular to
_SLOPE = 2e-2  # relative error of the polynomial's gradient, which one step along it leaves


def shell_points(
    mesh: CellMesh,
    level: int,
    cells,
    bands,
    values,
    smooth,
    cut: Cut,
    energy: float,
    several: bool,
    fine=None,
    angle: float = 0.0,
):
    """Points of X finished pairs (cell, band).

    Parameters
    ----------
    cells : (X, 3), bands : (X,)
    values : (X, 27)
        Node energies minus `energy`, eV.
    smooth : (X,) bool
        Where `values` are those of a polynomial.
    cut : Cut
    several : bool
        Three points for each patch that is not small, instead of one.
    fine : array, shape (X, 729), optional
        Finer values of the cells in which bands cross, NaN in the others (`crossings`).
    angle : float
        By which the three points are turned about the centre, radians.

    Returns
    -------
    k (S, 3), weight (S,), area (S,), error (S,)
        As in :class:`sidejump.surfaces.shell.Shell`; error: bound on what is left of ``|e - energy|``, eV.
    owner : (S,)
        Which of the pairs a point belongs to.
    """
    steps = mesh.steps(level)
    weight, area, centre, covariance = _extrapolated(cells, bands, values, cut, steps, fine)
    thrice = (area > _SMALL * mesh.edge(level) ** 2) & several
    owner = np.concatenate([np.arange(len(cells)), np.repeat(np.flatnonzero(thrice), 2)])
    centre = np.concatenate([centre, np.repeat(centre[thrice], 2, axis=0)])
    offsets = _triangle(covariance[thrice], steps, angle)
    centre[: len(cells)][thrice] += offsets[:, 0]
    centre[len(cells) :] += offsets[:, 1:].reshape(-1, 3)
    share = np.where(thrice, 1 / 3, 1.0)[owner]
    weight, area = weight[owner] * share, area[owner] * share
    k = mesh.cartesian(2 * cells[owner] + centre, level)
    error = np.empty(len(k))
    rough = ~smooth[owner]
    if rough.any():
        k[rough], error[rough] = _moved(mesh.model, k[rough], bands[owner][rough], energy, 0.5 * mesh.edge(level))
    if not rough.all():
        at = owner[~rough]
        k[~rough], error[~rough] = _polished(mesh, level, cells[at], bands[at], values[at], centre[~rough], energy)
    return k, weight, area, error, owner


def _triangle(covariance, steps, first: float = 0.0) -> np.ndarray:
    """Offsets (X, 3, 3), in node units, of three points of equal weight with the two largest second moments.

    `covariance` (X, 3, 3) in node units.
    """
    spread = steps.T @ covariance @ steps  # Cartesian
    size, axes = np.linalg.eigh(spread)  # ascending; the smallest is across the surface
    angle = first + 2 * np.pi * np.arange(3) / 3
    circle = np.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    # the sign of an eigenvector is rounding: two of the points would depend on the matrix library
    axes = axes * np.where(_ASIDE @ axes < 0, -1.0, 1.0)[:, None]
    within = axes[:, :, 1:] * np.sqrt(np.maximum(size[:, None, 1:], 0.0))
    return np.einsum("pi,xai->xpa", circle, within) @ np.linalg.inv(steps)


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


def _extrapolated(cells, bands, values, cut: Cut, steps, fine=None):
    """Weight and area (X,) without their h^2 error, a better centre (X, 3), and the covariance (X, 3, 3).

    The correction is a common factor for the eight halves of one larger cell, so that every weight stays positive.
    """
    weight, area, centre, covariance = _cut_halves(values, steps)
    _, group = np.unique(np.column_stack([cells >> 1, bands]), axis=0, return_inverse=True)
    group = group.reshape(-1)

    def factor(fine, coarse):
        a, b = np.bincount(group, fine), np.bincount(group, coarse)
        return np.clip((4 * a - b) / np.maximum(3 * a, 1e-300), 0.6, 4 / 3)[group]

    empty = weight == 0  # a sliver that only the coarser cut has
    weight, area = np.where(empty, cut.weight, weight), np.where(empty, cut.area, area)
    centre = np.where(empty[:, None], cut.centre, centre)
    covariance[empty] = 0.0
    coarse_weight, coarse_area = cut.weight, cut.area
    kink = np.zeros(len(cells), dtype=bool) if fine is None else np.isfinite(fine[:, 0])
    if kink.any():
        # no power law for the error: what the parts say, without extrapolation
        found = _cut_parts(fine[kink], steps)
        for whole, part in zip((weight, area, centre, covariance), found, strict=True):
            whole[kink] = np.where((found[0] > 0).reshape(-1, *[1] * (part.ndim - 1)), part, whole[kink])
        coarse_weight, coarse_area = np.where(kink, weight, coarse_weight), np.where(kink, area, coarse_area)
    by_weight, by_area = (np.where(kink, 1.0, factor(a, b)) for a, b in ((weight, coarse_weight), (area, coarse_area)))
    weight, area = weight * by_weight, area * by_area
    return weight / (2 * np.pi) ** 3, area, centre, covariance


def _cut_parts(fine, steps):
    """Weight, area, centre and covariance (node units) from the 64 parts of cells in which bands cross."""

    def cut(rows):
        values = sub_cells(rows).reshape(-1, 27)
        crossed = np.flatnonzero((values.min(axis=1) < 0) & (values.max(axis=1) >= 0))
        part = cut_cells(values[crossed], steps / 4)
        cell, origin = crossed // 64, 0.5 * PART_ORIGINS[crossed % 64]
        centre = origin + part.centre / 4
        spread = part.second / 16 - part.centre[:, :, None] * part.centre[:, None] / 16
        second = spread + centre[:, :, None] * centre[:, None]
        moments = np.concatenate([centre, second.reshape(-1, 9)], axis=1) * part.weight[:, None]
        return np.column_stack(
            [np.bincount(cell, x, minlength=len(rows)) for x in (part.weight, part.area, *moments.T)]
        )

    return _from_moments(threaded(cut, fine, chunk=CUT_AT_ONCE // 8))


def _cut_halves(values, steps):
    """Weight, area, centre and covariance (node units) from the halves of each cell."""

    def cut(v):
        halves = children_values(v)
        crossed = np.flatnonzero((halves.min(axis=1) < 0) & (halves.max(axis=1) >= 0))
        part = cut_cells(halves[crossed], steps / 2)
        parent, octant = crossed // 8, OCTANTS[crossed % 8]
        # coordinates of the cell are octant + half of those of the part
        cross = 0.5 * part.centre[:, :, None] * octant[:, None]
        second = part.second / 4 + cross + cross.swapaxes(1, 2) + octant[:, :, None] * octant[:, None]
        moments = np.concatenate([part.centre / 2 + octant, second.reshape(-1, 9)], axis=1) * part.weight[:, None]
        sums = [np.bincount(parent, x, minlength=len(v)) for x in (part.weight, part.area, *moments.T)]
        return np.column_stack(sums)

    return _from_moments(threaded(cut, values, chunk=CUT_AT_ONCE))


def _from_moments(sums):
    """Weight, area, centre and covariance from sums of weight, area and weighted moments (X, 14)."""
    moments = sums[:, 2:] / np.maximum(sums[:, :1], 1e-300)
    centre = moments[:, :3]
    covariance = moments[:, 3:].reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None]
    return sums[:, 0], sums[:, 1], centre, covariance
