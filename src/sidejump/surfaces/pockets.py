"""Contours too small for the search grid: pockets around a minimum or maximum of a band, in two dimensions.

Grid nodes that are local extrema hint at them; the extremum is found by Newton's method, and the contour by walking
outwards along rays.  Pockets reaching over more than a few grid steps are left to the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands.states import band_energies
from .extrema import nearby_extremum

_RAYS = 64
_REACH = 3.0  # grid steps
_HIDDEN = 4.0  # safety of the bound on an extremum between nodes


@dataclass(frozen=True)
class Pocket:
    """One small closed contour.

    Attributes
    ----------
    band : int
    centre : (2,)       the extremum, 1/angstrom
    line : (n, 2)       closed: the last point is the first
    """

    band: int
    centre: np.ndarray
    line: np.ndarray


def small_pockets(model, energy: float, k, energies, step: float) -> list[Pocket]:
    """Pockets that the grid sees badly or not at all.

    Parameters
    ----------
    k : (n, n, 2), energies : (n, n, N)
        Nodes of the grid and all bands there; for crystals the last row and column repeat the first ones.
    step : float
        Spacing of the grid, 1/angstrom.
    """
    periodic = model.cell is not None
    starts, bands, lower = _candidates(energies - energy, periodic)
    points = k.reshape(-1, 2)[starts]
    if not periodic:
        near, near_bands, near_lower = _central(model)
        points, bands = np.concatenate([points, near]), np.concatenate([bands, near_bands])
        lower = np.concatenate([lower, near_lower])
    if not len(points):
        return []
    found, where = nearby_extremum(model, points, bands, lower, 1.5 * step)
    pockets: list[Pocket] = []
    for centre, band, minimum in zip(where[found], bands[found], lower[found], strict=True):
        value = band_energies(model, centre[None])[0, band] - energy
        known = any(p.band == band and np.linalg.norm(p.centre - centre) < 1e-2 * step for p in pockets)
        if known or (value >= 0 if minimum else value <= 0):
            continue
        line = _star(model, energy, centre, band, step)
        if line is not None:
            pockets.append(Pocket(int(band), centre, line))
    return pockets


def _candidates(z, periodic):
    """Flat node index, band and kind of grid extrema that may belong to a small pocket."""
    n = z.shape[0]
    core = z[:-1, :-1] if periodic else z

    def shifted(i, j):
        moved = np.roll(core, (i, j), axis=(0, 1))
        return moved

    ring = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if max(abs(i), abs(j)) == 2]
    inner = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j]
    doubt = sum(np.abs(shifted(*d) + shifted(-d[0], -d[1]) - 2 * core) for d in ((1, 0), (0, 1))) * _HIDDEN / 8
    result = []
    for sign in (1, -1):
        s = sign * core
        extremum = np.all([s <= sign * shifted(*d) for d in inner], axis=0)
        closed = np.all([sign * shifted(*d) > 0 for d in ring], axis=0)
        chosen = extremum & closed & (s < doubt)
        if not periodic:
            chosen[[0, 1, -2, -1]] = False
            chosen[:, [0, 1, -2, -1]] = False
        i, j, band = np.nonzero(chosen)
        result.append((i * n + j, band, np.full(len(i), sign > 0)))
    return (np.concatenate(x) for x in zip(*result, strict=True))


def _central(model):
    """k.p models: the centre, where bands have their edges whatever the size of the search box."""
    n = model.n_orbitals
    return np.zeros((2 * n, 2)), np.tile(np.arange(n), 2), np.repeat([True, False], n)


def _star(model, energy, centre, band, step):
    """The contour around an extremum as a function of the angle, or None if some ray meets none nearby."""
    angle = 2 * np.pi * np.arange(_RAYS) / _RAYS
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=1)

    def outside(radius):
        k = centre + radius[..., None] * ray
        return band_energies(model, k.reshape(-1, 2))[:, band].reshape(radius.shape) - energy

    radii = step * np.geomspace(1e-6, _REACH, 60)[:, None] * np.ones(_RAYS)
    inside = np.sign(outside(np.zeros((1, _RAYS)))[0])
    crossed = np.sign(outside(radii)) != inside
    if not crossed[-1].all() and not crossed.any(axis=0).all():
        return None
    first = crossed.argmax(axis=0)
    if not first.all():
        return None
    columns = np.arange(_RAYS)
    low, high = radii[first - 1, columns], radii[first, columns]
    for _ in range(40):
        middle = 0.5 * (low + high)
        beyond = np.sign(outside(middle[None])[0]) != inside
        low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
    line = centre + high[:, None] * ray
    return np.concatenate([line, line[:1]])
