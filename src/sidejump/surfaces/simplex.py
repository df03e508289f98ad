"""Minima without derivatives, of many functions at once: the simplex method of Nelder and Mead.

Bands are looked at by a few hundred such searches, each of a few hundred energies; diagonalised together they take a
tenth of the time.  Steps and ends of every search are those of :func:`scipy.optimize.minimize`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bands.states import band_energies


def band_minima(model, starts, bands, signs, steps, *, within, flat: float, evaluations: int, far: float = np.inf):
    """Minima of `signs` times single bands next to given points.

    Parameters
    ----------
    starts : array, shape (n, d)
    bands, signs : array, shape (n,)
    steps : array, shape (n,)
        Edge of the first simplex, 1/angstrom.
    within : float
        Size of the last one, in units of the first.
    flat : float
        Largest difference of energies on it, eV.
    evaluations : int
        The most for each search.
    far : float
        Distance from its start, 1/angstrom, beyond which a search is given up.

    Returns
    -------
    places : (n, d),  values : (n,)
    """
    bands, signs, steps = np.asarray(bands), np.asarray(signs), np.broadcast_to(steps, len(starts))
    corners = np.concatenate([np.zeros((1, starts.shape[1])), np.eye(starts.shape[1])])
    simplices = starts[:, None] + steps[:, None, None] * corners

    def function(k, which):
        return signs[which] * band_energies(model, k)[np.arange(len(k)), bands[which]]

    return minima(function, simplices, within * steps, flat, evaluations, far)


def minima(function: Callable, simplices, within, flat: float, evaluations: int, far: float = np.inf):
    """Places (n, d) and values (n,) of minima of ``function(points (m, d), which (m,))`` from simplices (n, d + 1, d).

    A search ends with a simplex smaller than its `within` (n,) and values as close as `flat`, after so many
    `evaluations`, or with all of the simplex farther than `far` from its start: downhill without an end.
    """
    simplices = np.array(simplices, dtype=float)
    starts = simplices[:, :1].copy()
    n, corners, d = simplices.shape
    values = function(simplices.reshape(-1, d), np.repeat(np.arange(n), corners)).reshape(n, corners)
    calls = np.full(n, corners)
    active = np.arange(n)
    while True:
        order = np.argsort(values[active], axis=1, kind="stable")
        s = np.take_along_axis(simplices[active], order[..., None], axis=1)
        v = np.take_along_axis(values[active], order, axis=1)
        simplices[active], values[active] = s, v
        small = np.abs(s[:, 1:] - s[:, :1]).max(axis=(1, 2)) <= within[active]
        gone = np.linalg.norm(s - starts[active], axis=2).min(axis=1) > far
        go = ~(small & (v[:, -1] - v[:, 0] <= flat)) & (calls[active] < evaluations) & ~gone
        if not go.any():
            return simplices[:, 0], values[:, 0]
        active, s, v = active[go], s[go], v[go]
        centre = s[:, :-1].mean(axis=1)
        away = centre - s[:, -1]
        reflected = centre + away
        first = function(reflected, active)
        best, worse = first < v[:, 0], first >= v[:, -2]
        outside = worse & (first < v[:, -1])
        asked = best | worse
        # expanded beyond a new minimum, contracted where the reflected corner is no better than the others
        factor = np.where(best, 2.0, np.where(outside, 0.5, -0.5))
        second, other = centre + factor[:, None] * away, np.full(len(active), np.inf)
        if asked.any():
            other[asked] = function(second[asked], active[asked])
        better = np.where(best, other < first, np.where(outside, other <= first, other < v[:, -1])) & asked
        shrunk = worse & ~better
        kept = ~shrunk
        s[kept, -1] = np.where(better[kept, None], second[kept], reflected[kept])
        v[kept, -1] = np.where(better[kept], other[kept], first[kept])
        if shrunk.any():
            s[shrunk, 1:] = 0.5 * (s[shrunk, :1] + s[shrunk, 1:])
            which = np.repeat(active[shrunk], d)
            v[shrunk, 1:] = function(s[shrunk, 1:].reshape(-1, d), which).reshape(-1, d)
        simplices[active], values[active] = s, v
        calls[active] += 1 + asked + d * shrunk
