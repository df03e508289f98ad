"""Transport of a two-dimensional model that is isotropic about z, without shells, operator or covariant derivatives.

States of one energy lie on circles.  The distributions are ``G_i cos(phi)`` on circle i, so that eq. 2b becomes one
small linear system; the coordinate shift is a finite difference of a gauge-invariant product of overlaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq


@dataclass(frozen=True)
class IsotropicResponse:
    """``sigma_xx`` in e^2/hbar (one node, unit thermal weight) and ``side_jump``, the component yx in e^2/h."""

    sigma_xx: float
    side_jump: float


def isotropic_response(model, energy, sources, *, k_max, angles=400, step=2e-3) -> IsotropicResponse:
    """Elastic or quasi-elastic response at `energy`.

    Parameters
    ----------
    sources : list of (callable, ndarray)
        ``2 pi |V0(q)|^2`` times the thermal factor, and the vertex matrix (N, N).
    k_max : float
        Every circle lies below, 1/angstrom.
    step : float
        Of the finite differences, relative to the radius.
    """
    circles = _circles(model, energy, k_max)
    node, weight = np.polynomial.legendre.leggauss(angles)
    phi, weight = np.pi * (node + 1), weight / 2  # mean over (0, 2 pi); the kernels may have a cusp at q = 0
    density = np.array([k / (2 * np.pi * v) for _, k, v in circles])
    speed = np.array([v for _, _, v in circles])
    matrix = np.zeros((len(circles), len(circles)))
    jump = np.zeros(len(circles))
    for i, (band, k, _) in enumerate(circles):
        start = np.array([[k, 0.0]])
        for j, (final_band, final_k, _) in enumerate(circles):
            end = final_k * np.stack([np.cos(phi), np.sin(phi)], axis=1)
            q = np.linalg.norm(end - start, axis=1)
            for kernel, vertex in sources:
                square, shift = _square_and_shift(model, (start, band), (end, final_band), vertex, step * k)
                rate = density[j] * weight * kernel(q)
                matrix[i, i] += np.sum(rate * square)
                matrix[i, j] -= np.sum(rate * square * np.cos(phi))
                jump[i] += np.sum(rate * shift)
    g = np.linalg.solve(matrix, speed)
    # both halves of the side jump, equal by Onsager's relation
    return IsotropicResponse(0.5 * float(np.sum(density * speed * g)), 2 * np.pi * float(np.sum(density * g * jump)))


def _circles(model, energy, k_max):
    """(band, radius, speed) of every circle."""

    def level(k, band):
        return np.linalg.eigvalsh(model.hamiltonian(np.array([[k, 0.0]])))[0, band] - energy

    found = []
    grid = np.linspace(1e-9 * k_max, k_max, 400)
    for band in range(model.n_orbitals):
        values = np.array([level(k, band) for k in grid])
        for n in np.flatnonzero(values[:-1] * values[1:] < 0):
            k = brentq(level, grid[n], grid[n + 1], args=(band,), xtol=1e-15, rtol=1e-14)
            h = 1e-4 * k
            near, far = (level(k + s * h, band) - level(k - s * h, band) for s in (1, 2))
            found.append((band, k, abs(8 * near - far) / (12 * h)))
    return found


def _square_and_shift(model, initial, final, vertex, step):
    """``|V|^2`` and ``|V|^2 dr_y``, the latter extrapolated from two steps."""
    (start, band), (end, final_band) = initial, final

    def vectors(k, band):
        return np.linalg.eigh(model.hamiltonian(k))[1][:, :, band]

    def shift(h):
        d = np.array([0.0, h])
        plus, minus = vectors(start + d, band), vectors(start - d, band)
        final_plus, final_minus = vectors(end + d, final_band), vectors(end - d, final_band)
        # V(+) V(-)^*, closed by the overlaps of either state with itself: every vector appears with its conjugate
        loop = np.einsum("pm,mn,qn->p", final_plus.conj(), vertex, plus)
        loop = loop * np.einsum("pm,mn,qn->p", final_minus.conj(), vertex, minus).conj()
        loop = loop * np.sum(plus.conj() * minus) * np.sum(final_minus.conj() * final_plus, axis=1)
        return -np.imag(loop) / (2 * h)

    v = np.einsum("pm,mn,qn->p", vectors(end, final_band).conj(), vertex, vectors(start, band))
    return np.abs(v) ** 2, (4 * shift(step / 2) - shift(step)) / 3
