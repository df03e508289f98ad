"""Which Hall components symmetry allows, and how large those are that it forbids.

The antisymmetric part of the conductivity is an axial vector h, ``h_c = -eps_abc sigma_ab / 2``, with
``h_z = (sigma_yx - sigma_xy) / 2``.  It is odd under time reversal, as the magnetisation m is.  An operation S that
keeps m (``det(S) S m = m``) keeps h; one that turns m round holds together with time reversal and asks for
``det(S) S h = -h``.  What no such condition removes is allowed: for m along an axis of the crystal, the part of h along
it.  The rest is a measure of the discretisation, and of how far the model itself breaks its symmetry.

Not covered: forbidden elements of the symmetric part.
"""

from __future__ import annotations

import numpy as np

from ..electrons.intertwiner import operation_matrix
from ..electrons.states import band_energies
from ..electrons.symmetry import TRIED, point_groups, sample_points

_TURN = 0.15  # how far (sine) m may be from the direction an operation keeps or reverses
_BROKEN = 0.1  # of the spread of the energies: an operation violated by more than this is none of the model's
_SAMPLES = 6
_NOTHING = 1e-9  # of the longitudinal conductivity: a Hall vector below this is rounding


def hall_vector(sigma) -> np.ndarray:
    """Axial vector h (..., 3) of the antisymmetric part of `sigma` (..., d, d)."""
    sigma = np.asarray(sigma)
    h = np.zeros((*sigma.shape[:-2], 3))
    for c, (a, b) in enumerate([(1, 2), (2, 0), (0, 1)]):
        if max(a, b) < sigma.shape[-1]:
            h[..., c] = 0.5 * (sigma[..., b, a] - sigma[..., a, b])
    return h


def allowed_projector(model, report: dict, *, seed: int = 0) -> np.ndarray:
    """Projector (3, 3) on the Hall vectors that the symmetry of `model` allows.

    Operations that the model obeys to rounding decide. Where a crystal has none, as from Wannier functions, those of
    the lattice and its magnetisation do that the bands obey roughly, but they do not forbid everything.

    Parameters
    ----------
    model : ElectronModel
    report : dict
        Of :func:`sidejump.electrons.symmetry.symmetry_report`.
    """
    symbols, families = point_groups(model)
    k = sample_points(model, TRIED, np.random.default_rng(seed), report["energy"])
    everything = _projector(model.dimension, [])
    exact = _projector(model.dimension, _exact_conditions(model, np.concatenate(families), k))
    m = np.array(report["magnetisation"])
    # k.p models are what they are; without a net moment energies do not tell time reversal from inversion
    if model.cell is None or not np.allclose(exact, everything) or not m.any():
        return exact
    near = _projector(
        model.dimension, _near_conditions(model, families[symbols.index(report["lattice_point_group"])], m, k)
    )
    return near if near.any() else exact


def _exact_conditions(model, operations, k):
    """``C h = 0`` for each operation that holds to rounding."""
    d = model.dimension
    for s in operations:
        for sign in (1, -1):
            condition = sign * np.linalg.det(s) * s - np.eye(3)
            if np.any(condition) and operation_matrix(model, k, s[:d, :d], reversal=sign < 0) is not None:
                yield condition


def _near_conditions(model, operations, m, k):
    """The same for operations that fit the magnetisation m and are obeyed by the bands roughly."""
    for s, sign in _conditions(operations, m):
        if _holds(model, sign * s, k[:_SAMPLES]):
            yield sign * np.linalg.det(s) * s - np.eye(3)


def _projector(dimension: int, conditions) -> np.ndarray:
    """On the vectors h that obey all conditions ``C h = 0``; in two dimensions there is only h_z."""
    conditions = [*conditions, *([np.diag([1.0, 1.0, 0.0])] if dimension == 2 else [])]
    if not conditions:
        return np.eye(3)
    _, size, rows = np.linalg.svd(np.concatenate(conditions))
    rank = int(np.sum(size > 1e-6))
    return rows[rank:].T @ rows[rank:]


def _conditions(operations, m):
    """Operations that keep m (+1) or, with time reversal, reverse it (-1)."""
    for s in operations:
        image = np.linalg.det(s) * s @ m
        for sign in (1, -1):
            if np.linalg.norm(image - sign * m) < _TURN:
                yield s, sign


def _holds(model, turn, k) -> bool:
    """Whether e(turn k) = e(k) to a fraction of the spread of the bands: warping and tilts are no symmetry."""
    d = model.dimension
    reference = band_energies(model, k)
    difference = band_energies(model, k @ turn[:d, :d].T) - reference
    return bool(np.sqrt(np.mean(difference**2)) < _BROKEN * (np.std(reference) + 1e-12))


def forbidden_fraction(sigma, longitudinal, projector) -> np.ndarray:
    """Forbidden part of the Hall vector over the allowed one, shape (nT,); NaN where there is neither.

    Where nothing is allowed the forbidden part is compared with the longitudinal conductivity.
    """
    h = hall_vector(sigma)
    scale = np.trace(np.asarray(longitudinal), axis1=-2, axis2=-1) / np.shape(sigma)[-1]
    allowed = np.linalg.norm(h @ projector.T, axis=-1)
    forbidden = np.linalg.norm(h - h @ projector.T, axis=-1)
    if not projector.any():
        return forbidden / np.where(scale > 0, scale, np.nan)
    return forbidden / np.where(allowed > _NOTHING * np.abs(scale), allowed, np.nan)
