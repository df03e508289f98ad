"""Minima and maxima of single bands, by Newton's method from given points."""

from __future__ import annotations

import numpy as np

from .masses import velocity_and_inverse_mass
from .simplex import band_minima

_SIMPLEX = 16  # at most this many searches without derivatives
_GONE = 2.0  # reaches: a search so far away does not come back
_SETTLED = 1e-2  # of the reach: a simplex so small has found the extremum


def nearby_extremum(model, k, band, lower, reach: float, iterations: int = 8):
    """Whether a minimum (`lower`) or maximum of the band lies within `reach` of each point.

    Parameters
    ----------
    k : (S, d), band : (S,)
    lower : (S,) bool
        True: look for a minimum.
    reach : float
        1/angstrom.

    Returns
    -------
    found : (S,) bool
    where : (S, d)  the extremum, meaningful where found

    Notes
    -----
    Where Newton's method does not settle (a cone, a nearly flat direction), the first few points are searched by a
    simplex.  Cells share their corners: from the same point the same band is searched once.
    """
    _, first, same = np.unique(np.column_stack([k, band, lower]), axis=0, return_index=True, return_inverse=True)
    same = same.reshape(-1)
    if len(first) < len(k):
        found, where = nearby_extremum(model, k[first], band[first], lower[first], reach, iterations)
        return found[same], where[same]
    where = k.copy()
    found, left = np.zeros(len(k), dtype=bool), np.zeros(len(k), dtype=bool)
    active = np.arange(len(k))
    for _ in range(iterations):
        if not len(active):
            break
        v, mass = velocity_and_inverse_mass(model, where[active], band[active])
        curvature, axes = np.linalg.eigh(mass)
        sign = np.where(lower[active], 1.0, -1.0)[:, None]
        along = np.einsum("sab,sa->sb", axes, v)
        # downhill (uphill) also where the band curves the wrong way
        size = np.maximum(np.abs(curvature), 1e-6 * np.abs(curvature).max(axis=1, keepdims=True) + 1e-30)
        step = -np.einsum("sab,sb->sa", axes, sign * along / size)
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, 0.5 * reach / np.maximum(length, 1e-300))[:, None]
        definite = (sign * curvature > 0).all(axis=1)
        where[active] += step
        inside = np.linalg.norm(where[active] - k[active], axis=1) < reach
        found[active] = definite & inside & (length < 1e-2 * reach)
        left[active] = ~inside
        active = active[inside & (length > 1e-4 * reach)]
    some = np.flatnonzero(~found & ~left)[:_SIMPLEX]
    if len(some):
        sign = np.where(lower[some], 1.0, -1.0)
        step, settled, far = 0.3 * reach, _SETTLED / 0.3, _GONE * reach
        where[some], _ = band_minima(
            model, k[some], band[some], sign, step, within=settled, flat=np.inf, evaluations=300, far=far
        )
        found[some] = np.linalg.norm(where[some] - k[some], axis=1) < 0.95 * reach
    return found, where
