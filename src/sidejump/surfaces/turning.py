"""By what angle a state turns within a cell, avoided crossings that its centre misses included.

Of every other band m the state n makes with it a two-level system d(k).sigma, with d linear in k around the centre: the
gap along one axis and <m|dH|n> across.  Along an edge E of the cell d moves from d0 - rJ to d0 + rJ,

    d0 = (0, 0, (e_m - e_n)/2),     J = (Re w_mn, Im w_mn, (w_mm - w_nn)/2),     w = E.dH,

and the state by half the angle between the two: |w_mn / (e_m - e_n)| where that is small, which is the interband part
of the covariant derivative, and a right angle across a crossing, wherever in the cell that is.  A measure at the centre
alone refines the cells whose centres happen to lie in a hot spot and leaves those that hide one: a bias.

Not covered: more than two bands that meet in one cell, curvature of d.
"""

from __future__ import annotations

import numpy as np

from ..bands.eigen import eigensystem

_REACH = 1.5  # length of the line, in edges: cells whose neighbour holds a crossing near the common face count as well


def turning_angle(model, k, band, edges, *, degeneracy: float) -> np.ndarray:
    """Root of the summed squares over edges and other bands of the angle by which states turn, radians: shape (S,).

    Parameters
    ----------
    k : array, shape (S, 3)
        Centres, 1/angstrom.
    band : array of int, shape (S,)
    edges : array, shape (3, 3)
        Edges of the cells as rows, 1/angstrom.
    degeneracy : float
        Bands closer than this (eV) are one state.
    """
    energies, u = eigensystem(model.hamiltonian(k))
    rows = np.arange(len(k))
    gap = energies - energies[rows, band][:, None]
    apart = np.abs(gap) > degeneracy
    square = np.zeros(len(k))
    gradient = model.hamiltonian_gradient(k)  # (S, 3, N, N)
    left = u.conj().swapaxes(1, 2)
    for edge in edges:
        w = left @ np.einsum("a,samn->smn", edge, gradient) @ u
        diagonal = np.einsum("smm->sm", w).real
        across = np.abs(w[rows, :, band])
        along = 0.5 * (diagonal - diagonal[rows, band][:, None])
        r = 0.5 * _REACH
        angle = np.arctan2(r * np.abs(gap) * across, 0.25 * gap**2 - r**2 * (across**2 + along**2))
        square += np.sum(np.where(apart, angle / (2 * _REACH), 0.0) ** 2, axis=1)
    return np.sqrt(square)
