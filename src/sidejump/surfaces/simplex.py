"""Minima of single bands without derivatives, from many points side by side: the simplex of Nelder and Mead.

A simplex alone asks for one k point at a time, which costs a model mostly the call; all of a batch ask together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def lowest_points(model, start, band, sign, *, step: float, places: float, values: float, most: int):
    """Where `sign` times the energy of a band has the minimum that is next to each point.

    Parameters
    ----------
    model : ElectronModel
    start : ndarray, shape (B, d)
        1/angstrom.
    band, sign : ndarray, shape (B,)
        1 for a minimum of the band, -1 for a maximum.
    step : float
        Edge of the first simplex, 1/angstrom.
    places, values : float
        A simplex ends when its corners differ by no more, 1/angstrom and eV.
    most : int
        Evaluations of each simplex after which it ends.

    Returns
    -------
    where : ndarray, shape (B, d)
    value : ndarray, shape (B,)
        `sign` times the energy, eV.
    """
    band, sign = np.asarray(band), np.asarray(sign, dtype=float)

    def energy(k, which):
        found = np.linalg.eigvalsh(model.hamiltonian(k))
        return sign[which] * found[np.arange(len(k)), band[which]]

    d = start.shape[1]
    corners = start[:, None] + step * np.concatenate([np.zeros((1, d)), np.eye(d)])
    return nelder_mead(energy, corners, places=places, values=values, most=most)


def nelder_mead(function: Callable, corners, *, places: float, values: float, most: int):
    """Minima of a function from the simplexes `corners`, shape (B, d + 1, d).

    ``function(x, which)`` has the values (P,) at x (P, d), of the members `which` (P,) of the batch.  Every member
    takes the steps that it would take alone.

    Returns
    -------
    where : ndarray, shape (B, d)
    value : ndarray, shape (B,)
    """
    corners = np.array(corners, dtype=float)
    b, n, d = corners.shape
    height = function(corners.reshape(-1, d), np.repeat(np.arange(b), n)).reshape(b, n)
    calls = np.full(b, n)
    while True:
        order = np.argsort(height, axis=1)
        height = np.take_along_axis(height, order, axis=1)
        corners = np.take_along_axis(corners, order[:, :, None], axis=1)
        settled = (np.abs(corners[:, 1:] - corners[:, :1]).max(axis=(1, 2)) <= places) & (
            height[:, -1] - height[:, 0] <= values
        )
        left = np.flatnonzero(~settled & (calls < most))
        if not len(left):
            return corners[:, 0], height[:, 0]

        mean, worst = corners[left, :-1].mean(axis=1), corners[left, -1]
        best, second, last = height[left, 0], height[left, -2], height[left, -1]
        point = 2 * mean - worst
        value = function(point, left)
        calls[left] += 1

        # farther along the line from the worst corner through the mean of the others, or not so far
        beyond, inside = value < best, ~(value < last)
        along = np.where(beyond, 2.0, np.where(inside, -0.5, 0.5))
        ask = np.flatnonzero(beyond | ~(value < second))
        accepted = np.ones(len(left), dtype=bool)
        if len(ask):
            far = along[ask, None]
            other = (1 + far) * mean[ask] - far * worst[ask]
            found = function(other, left[ask])
            calls[left[ask]] += 1
            better = np.where(
                beyond[ask], found < value[ask], np.where(inside[ask], found < last[ask], found <= value[ask])
            )
            point[ask[better]], value[ask[better]] = other[better], found[better]
            accepted[ask[~better & ~beyond[ask]]] = False
        here = left[accepted]
        corners[here, -1], height[here, -1] = point[accepted], value[accepted]

        shrunk = left[~accepted]
        if len(shrunk):
            corners[shrunk, 1:] = corners[shrunk, :1] + 0.5 * (corners[shrunk, 1:] - corners[shrunk, :1])
            height[shrunk, 1:] = function(corners[shrunk, 1:].reshape(-1, d), np.repeat(shrunk, d)).reshape(-1, d)
            calls[shrunk] += d
