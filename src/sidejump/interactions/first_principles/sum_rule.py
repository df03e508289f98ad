"""Acoustic sum rule of the coupling: a rigid shift of the crystal must not scatter electrons.

For the sum over atoms at q = 0, G_a(k) = sum_kappa g_kappa,a(k, 0), translation demands G_a = i [p_a, H] with the
momentum p: no element between states of one energy.  Coarse meshes and unconverged responses leave some, and as the
phonon amplitude grows as 1/omega, ``|g|^2`` of the longest phonons is then all error.  Taken out is

    C_a(k) = sum_nm |n><n| G_a |m><m| h(e_n - e_m),      h(x) = w^2 / (w^2 + x^2),

the part of G_a between states closer than the width w, a matrix that is smooth in k and knows no gauge: it solves
``(L^2 + w^2) C = w^2 G`` with ``L X = [H, X]``, and its derivatives follow from that equation.  At finite q

    g_kappa,a(k, q)  ->  g_kappa,a(k, q) - (M_kappa / M) F(q) [C_a(k) + C_a(k + q)] / 2,

Hermitian as g is; F is 1 at q = 0 and 0 at all other points of the coarse mesh, so that the coupling there stays what
the files say; shares by mass leave optical modes at q = 0 alone.

Not covered: between the points of the coarse mesh F is an interpolation, no better than the mesh is; what the
long-range part of polar crystals (fields with G != 0) adds to a rigid shift stays.
"""

from __future__ import annotations

import numpy as np

from ...units import HBAR2_OVER_2M
from ...wannier.images import minimal_images
from .cluster import GroupVectors

WIDTH = 0.2
"""Energy (eV) within which a rigid shift may not couple states; far above thermal and phonon energies."""

_CHUNK = 256


class RigidShift:
    """What is subtracted from the vertex, as vectors of single states.

    Parameters
    ----------
    data : ElectronPhonon
    images : {"hermitian", "file"}
    width : float
        eV.
    """

    def __init__(self, data, images: str = "hermitian", width: float = WIDTH):
        coupling = data.coupling_matrix(images)
        self._coupling = coupling.rigid_shift()
        self._where = coupling.re_vectors @ data.cell
        self._hoppings, self._hops = data.electrons.hoppings, data.electrons.vectors @ data.cell
        self._width = width
        masses = np.asarray(data.phonons.masses)
        self.share = np.repeat(masses / masses.sum() * np.sqrt(HBAR2_OVER_2M / masses), 3)
        """Of each displacement, in the units of the vertex: (C,)."""
        vectors, degeneracy = minimal_images(data.cell, data.q_mesh, np.zeros(3))
        self._q_where = vectors @ data.cell
        self._q_weights = 1 / (degeneracy * np.prod(data.q_mesh))

    def range(self, k, other) -> np.ndarray:
        """F(q) of all pairs of wave vectors, q = k' - k: shape (A, B)."""
        start, end = k @ self._q_where.T, other @ self._q_where.T
        first = np.concatenate([np.cos(start), np.sin(start)], axis=1) * np.tile(self._q_weights, 2)
        return first @ np.concatenate([np.cos(end), np.sin(end)], axis=1).T

    def vectors(self, states: GroupVectors, part: slice, dtype) -> np.ndarray:
        """``C_a u`` and its covariant derivatives ``(D_b C_a) u + C_a D_b u``, of observables the same with their rows.

        Returns
        -------
        ndarray, shape (3, 1 + d, n, N)
            eV/angstrom and eV; the first axis is that of the shift, a.
        """
        start, stop, _ = part.indices(len(states))
        if start >= stop:
            n = states.values.shape[1:]
            return np.empty((3, n[0], 0, n[1]), dtype=dtype)
        parts = [self._chunk(states, slice(i, min(i + _CHUNK, stop)), dtype) for i in range(start, stop, _CHUNK)]
        return np.concatenate(parts, axis=2)

    def _chunk(self, states, part, dtype):
        k, values = states.k[part], states.values[part]
        d, dimensions = states.directions.shape
        hamiltonian, gradient = _fourier(self._hoppings[None], self._hops, k, dimensions)
        shift, slope = _fourier(self._coupling, self._where, k, dimensions)
        gradient, slope = (np.einsum("da,nca...->ncd...", states.directions, x) for x in (gradient, slope))
        energy, u = np.linalg.eigh(hamiltonian[:, 0])
        left = u.conj().swapaxes(1, 2)

        def rotated(x):  # (n, ..., N, N)
            more = (1,) * (x.ndim - 3)
            return left.reshape(len(u), *more, *u.shape[1:]) @ x @ u.reshape(len(u), *more, *u.shape[1:])

        gap = energy[:, :, None] - energy[:, None, :]
        near = (self._width**2 / (self._width**2 + gap**2))[:, None]
        kept = near * rotated(0.5 * (shift + shift.conj().swapaxes(2, 3)))  # (n, 3, N, N)
        gap = gap[:, None, None]
        velocity = rotated(gradient[:, 0])[:, None]  # (n, 1, d, N, N)
        inner = kept[:, :, None]
        turned = _commutator(velocity, gap * inner) + gap * _commutator(velocity, inner)
        slope = rotated(0.5 * (slope + slope.conj().swapaxes(3, 4)))
        change = near[:, None] * (slope - turned / self._width**2)  # (n, 3, d, N, N)
        state = (left[:, None] @ values[..., None])[..., 0]  # (n, 1 + d, N)
        result = np.einsum("namp,nxp->naxm", kept, state)
        result[:, :, 1 : 1 + d] += (change @ state[:, None, None, 0, :, None])[..., 0]
        if states.carried is not None:
            moved = np.einsum("nmp,ncap->ncam", left, states.carried[part])
            result[:, :, 1 + d :] += np.einsum("nsamp,ncap->nscm", change, moved, optimize=True)
        return (result @ u.swapaxes(1, 2)[:, None]).transpose(1, 2, 0, 3).astype(dtype)


def _commutator(a, b):
    return a @ b - b @ a


def _fourier(values, where, k, d: int):
    """``sum_R exp(ik.R) X(R)`` of matrices X (c, nR, N, N), and d of its derivatives: (n, c, N, N), (n, c, d, N, N)."""
    phase = np.exp(1j * (k @ where.T))
    c, r, n, _ = values.shape
    flat = values.transpose(1, 0, 2, 3).reshape(r, -1)
    weights = np.concatenate([phase[None], 1j * phase * where.T[:d, None]])
    found = (weights.reshape(-1, r) @ flat).reshape(1 + d, len(k), c, n, n)
    return found[0], np.moveaxis(found[1:], 0, 2)
