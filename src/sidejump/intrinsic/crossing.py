"""Curvature of two close bands averaged over a cell of k space together with their occupation.

Two bands near a crossing are ``H = e + d . sigma`` with ``e(k) = e_0 + w . dk`` and ``d(k) = d_0 + J . dk`` linear over
the cell, and the curvature of the lower one is the flux of a monopole at d = 0 through the image of the plane (a, b),

    q_ab = F(d) . (J_a x J_b),    F(d) = d / (2 |d|^3).

What the pair adds to the Fermi sea is the mean of ``(f(e - |d|) - f(e + |d|)) q`` over the cell.  The model costs
little next to a diagonalisation, so that the mean is taken over 6 x 6 x 6 parts of the cell: the occupation is averaged
over each part (:mod:`.occupation`), and F over a ball with the same second moments as the image of the part, of radius
r: within r of the monopole that is ``d / (2 r^3)``.

Not covered: three bands that meet, and what is not linear within a cell; both are left to its refinement.
"""

from __future__ import annotations

import itertools

import numpy as np

_PARTS = 6
_OFFSETS = np.array(list(itertools.product((np.arange(_PARTS) + 0.5) / _PARTS - 0.5, repeat=3)))
_CHUNK = 128  # pairs at a time


def gap_radius(image) -> np.ndarray:
    """Radius of the ball with the second moments of the image of a cell, in the space of d, eV.

    `image` holds the changes of d along the edges, shape (..., 3, 3), edges second to last.
    """
    return np.sqrt(5 / 36 * np.sum(image**2, axis=(-2, -1)))


def averaged_crossings(energy, gap, slope, image, occupation) -> np.ndarray:
    """Mean of ``(f_lower - f_upper) F`` over cells, in the frame in which d points along z at their centres.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Mean of the two bands at the centre, eV.
    gap : ndarray, shape (n,)
        ``2 |d|`` at the centre, eV.
    slope : ndarray, shape (n, 3)
        Change of the mean energy along the edges of the cell, eV.
    image : ndarray, shape (n, 3, 3)
        Change of d along the edges [edge, component], eV.
    occupation : callable
        ``occupation(energy, spread)``, f averaged over cells with that standard deviation of the energy: (..., n).

    Returns
    -------
    ndarray, shape (..., n, 3)
        1/eV^2.
    """
    parts = [slice(i, i + _CHUNK) for i in range(0, max(len(gap), 1), _CHUNK)]
    return np.concatenate([_mean(energy[p], gap[p], slope[p], image[p], occupation) for p in parts], axis=-2)


def _mean(energy, gap, slope, image, occupation):
    d = np.matmul(_OFFSETS, image)
    d[:, :, 2] += gap[:, None] / 2
    size = np.sqrt(np.sum(d**2, axis=2))
    middle = energy[:, None] + slope @ _OFFSETS.T
    along = np.matmul(d, image.swapaxes(1, 2)) / np.maximum(size, 1e-300)[:, :, None]  # of |d|, along the edges
    f = [
        occupation(
            middle + sign * size,
            np.sqrt(np.sum((slope[:, None] + sign * along) ** 2, axis=2) / 12) / _PARTS,
        )
        for sign in (-1, 1)
    ]
    field = d / (2 * np.maximum(size, gap_radius(image)[:, None] / _PARTS) ** 3)[:, :, None]
    return np.matmul((f[0] - f[1])[..., None, :], field)[..., 0, :] / len(_OFFSETS)
