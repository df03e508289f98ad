"""Two Green functions at one k, off the energy shell: what a matrix D of the orbitals mixes into all states.

    K[D] = int d^dk / (2 pi)^d  G D G,      K_O = int d^dk / (2 pi)^d  G O(k) G,      G = (e + i0 - H(k))^-1,

both of them derivatives of the local Green function, by -D or -O beside H.  They are summed as it is
(:mod:`.single_impurity`): above the real axis and carried to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..bands.eigen import eigensystem
from ..bands.observables import Observable
from ..bands.remembered import remembered
from .single_impurity import SAME_ENERGY, PointPotential, on_real_axis, refined

_WORK = 8e6
"""Points of the last mesh, times the square of the number of orbitals."""

_ABOVE = 1.25
"""How far above the real axis sums are made, over what does for one Green function: two have poles of second order."""

_SETTLED = 1e-3
"""Relative change by the last mesh with which it is good enough: what is made of it is a small part of a side jump."""


class GreenPairs(NamedTuple):
    """Integrals of two Green functions between n orbitals at E energies.

    Attributes
    ----------
    tensor : ndarray, shape (E, n, n, n, n)
        ``int G_ij G_kl``.
    operators : ndarray, shape (E, C, n, n)
        ``int G O G`` of the rows of observables.
    """

    tensor: np.ndarray
    operators: np.ndarray


def green_pairs(
    potential: PointPotential, energies, rows: Sequence[tuple[Observable, np.ndarray]] = ()
) -> tuple[GreenPairs, GreenPairs]:
    """Integrals of two Green functions between the n orbitals of an impurity.

    Parameters
    ----------
    potential : PointPotential
    energies : sequence of float
        eV.
    rows : sequence of (Observable, ndarray of shape (c, 3^rank))
        Operators O, rows of the components of observables.

    Returns
    -------
    found, step : GreenPairs
        The integrals, and what the last mesh added to them.
    """
    n = len(potential.orbitals)
    rounded = tuple(round(float(e), SAME_ENERGY) for e in energies)
    asked = tuple((o, tuple(map(tuple, np.asarray(basis).tolist()))) for o, basis in rows)
    both = _integrals(potential.model, potential.cutoff, potential.orbitals, rounded, asked)
    found, step = (
        GreenPairs(x[:, : n * n].reshape(-1, n, n, n, n), x[:, n * n :].reshape(len(x), -1, n, n)) for x in both
    )
    return found, step


@remembered
def _integrals(model, cutoff: float | None, orbitals, energies, rows) -> tuple[np.ndarray, np.ndarray]:
    """Both one below the other, (E, n^2 + C, n^2), and what the last mesh added to them."""
    n, some = len(orbitals), list(orbitals)

    def operators(k):
        each = [np.einsum("ct,ktij->kcij", basis, o.tensor(model, k)) for o, basis in rows]
        return np.concatenate(each, axis=1)

    def bands(k, weight):
        levels, u = eigensystem(model.hamiltonian(k))
        turned = None
        if rows:  # (k, N, C N): the states in front, then rows side by side
            turned = u.conj().swapaxes(1, 2)[:, None] @ operators(k) @ u[:, None]
            turned *= (weight / sizes)[:, :, None, None]
            turned = turned.swapaxes(1, 2).reshape(*levels.shape, -1)
        return levels, u[:, some], u[:, some].conj().swapaxes(1, 2), weight, turned

    def at(z, known):
        levels, kets, bras, weight, turned = known
        inverse = 1 / (z - levels)
        left = kets * inverse[:, None]
        green = (left @ bras).reshape(-1, n * n)
        found = (weight * green).T @ green
        if turned is None:
            return found
        right = inverse[:, :, None] * bras
        applied = (left @ turned).reshape(len(levels), n, -1, levels.shape[1])
        of_rows = np.tensordot(applied, right, axes=([0, 3], [0, 1]))  # (n, C, n)
        return np.concatenate([found, of_rows.swapaxes(0, 1).reshape(-1, n * n)])

    def summed(energies, count, angles):
        return on_real_axis(model, energies, cutoff, count, angles, bands, at, above=_ABOVE)

    sizes = np.ones(0)
    if rows:  # all of one unit, so that what symmetry makes zero is small beside the others
        sizes = np.abs(operators(0.5 * model.k_scale * np.eye(model.dimension))).max(axis=(0, 2, 3))
        sizes = np.where(sizes > 0, sizes, 1.0)
    most = _WORK / max(1, n) ** 2
    found, step, *_ = refined(summed, np.array(energies), model.dimension, cutoff, most, settled=_SETTLED)
    for x in (found, step):
        x[:, n * n :] *= sizes[:, None]
    return found, step
