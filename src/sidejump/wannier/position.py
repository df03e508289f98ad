"""The position matrix <m 0|r|n R> of a lattice model, apart from how the model splits it into sites and the rest."""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError


def position_elements(model: LatticeModel) -> np.ndarray | None:
    """``<m 0|r|n R>``, angstrom, shape (nR, 3, N, N); None for a model without a position matrix."""
    if model.residual_positions is None:
        return None
    full = np.array(model.residual_positions)
    home = np.flatnonzero(~model.vectors.any(axis=1))[0]
    for axis in range(model.dimension):
        full[home, axis] += np.diag(model.site_positions[:, axis])
    return full


def centres_of(model: LatticeModel) -> np.ndarray | None:
    """Wannier centres (N, 3), angstrom: the diagonal of r(R = 0); None without a position matrix."""
    full = position_elements(model)
    if full is None:
        return None
    return np.einsum("dnn->nd", full[np.flatnonzero(~model.vectors.any(axis=1))[0]]).real


def hermitian_position(vectors, positions) -> tuple[np.ndarray, float]:
    """Hermitian part of r(R), and the largest element of the rest, angstrom."""
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    partner = np.array([index.get(tuple(-r), -1) for r in vectors])
    if np.any(partner < 0):
        raise InputError("position matrix: a lattice vector R comes without -R; the files are damaged")
    mirrored = positions[partner].conj().swapaxes(-1, -2)
    return 0.5 * (positions + mirrored), float(np.abs(positions - mirrored).max())
