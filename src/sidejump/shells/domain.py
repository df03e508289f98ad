"""The part of k space in which isoenergy shells are searched: the reciprocal cell, or a box around k = 0.

A k.p model has no Brillouin zone.  Its box is found by walking outwards along rays; it is never smaller than two of
the model's own scales, so that pockets too small for any ray (around a band edge or a node) lie inside.
"""

from __future__ import annotations

import numpy as np

from ..electrons.states import band_energies


def search_domain(model, energy: float):
    """Origin (d,) and edge vectors (d, d), rows, of the searched parallelepiped, 1/angstrom."""
    d = model.dimension
    if model.cell is not None:
        return np.zeros(d), model.reciprocal_cell
    half = model.search_half_width or _enclosing_half_width(model, energy)
    return np.full(d, -half), 2 * half * np.eye(d)


def _enclosing_half_width(model, energy: float) -> float:
    """Half width of a box around k = 0 that encloses every shell of a k.p model."""
    rays = _directions(model.dimension)
    radii = model.k_scale * np.geomspace(1e-3, 1e4, 141)
    points = (radii[:, None, None] * rays).reshape(-1, model.dimension)
    above = (band_energies(model, points) > energy).reshape(len(radii), -1)
    change = np.flatnonzero((above[1:] != above[:-1]).any(axis=1))
    outermost = radii[change[-1] + 1] if len(change) else 0.0
    return float(max(1.25 * outermost, 2 * model.k_scale))


def _directions(dimension: int) -> np.ndarray:
    """Unit vectors spread evenly: 48 in the plane, 200 in space (golden-angle spiral)."""
    if dimension == 2:
        angle = 2 * np.pi * np.arange(48) / 48
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    index = np.arange(200) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / 200), np.pi * (1 + 5**0.5) * index
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
