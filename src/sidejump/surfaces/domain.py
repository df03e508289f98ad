"""The part of k space in which isoenergy shells are searched: the reciprocal cell, or a box around k = 0."""

from __future__ import annotations

import numpy as np

from ..bands.extent import enclosing_half_width


def search_domain(model, energy: float):
    """Origin (d,) and edge vectors (d, d), rows, of the searched parallelepiped, 1/angstrom.

    Raises
    ------
    InputError
        If the shells of a k.p model do not close.
    """
    d = model.dimension
    if model.cell is not None:
        return np.zeros(d), model.zone_axes
    half = enclosing_half_width(model, energy)
    return np.full(d, -half), 2 * half * np.eye(d)
