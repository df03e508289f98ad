"""Which Hall components symmetry allows, and how large those are that it forbids.

The antisymmetric part of the conductivity is an axial vector h, ``h_c = -eps_abc sigma_ab / 2``, with
``h_z = (sigma_yx - sigma_xy) / 2``.  It is odd under time reversal, as the magnetisation m is.  An operation S that
keeps m (``det(S) S m = m``) keeps h; one that turns m round holds together with time reversal and asks for
``det(S) S h = -h``.  What no such condition removes is allowed: for m along an axis of the crystal, the part of h along
it.  The rest is a measure of the discretisation, and of how far the model itself breaks its symmetry.

What a result of the kinetic equation has to obey is the symmetry of bands and scatterers together.
"""

from __future__ import annotations

import numpy as np

from ..bands.lattice_operator import LatticeOperator
from ..bands.spin_sum import SpinSum
from ..bands.states import band_energies
from ..bands.vertex import vertex_operator
from ..result import hall_vector
from .intertwiner import operation_matrix
from .symmetry import TRIED, TURN, point_groups, sample_points

_BROKEN = 0.1  # of the spread of the energies: an operation violated by more than this is none of the model's
_SAMPLES = 6
_SAME_VERTEX = 1e-6
_NOTHING = 1e-9  # of the longitudinal conductivity: a Hall vector below this is rounding


def allowed_projector(model, report: dict, *, seed: int = 0) -> np.ndarray:
    """Projector (3, 3) on the Hall vectors that the symmetry of `model` allows.

    Operations that the model obeys to rounding decide. Where a crystal has none, as from Wannier functions, those of
    the lattice and its magnetisation do that the bands obey roughly, but they do not forbid everything.

    Parameters
    ----------
    model : ElectronModel
    report : dict
        Of :func:`sidejump.groups.symmetry.symmetry_report`.
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


def kinetic_symmetry(model, scatterers, energy: float, *, seed: int = 0) -> list[tuple[np.ndarray, int]]:
    """Rotations (3, 3), and -1 where they hold together with time reversal, that bands and scatterers obey to rounding.

    Scatterers with a vertex: it has to be the same but for a phase, which no rate and no shift knows.  None at all for
    scatterers that are not made of branches.
    """
    if not all(hasattr(s, "branches") for s in scatterers):
        return []
    _, families = point_groups(model)
    k = sample_points(model, TRIED, np.random.default_rng(seed), energy)
    vertices = [vertex_operator(s.vertex, model, hermitian=not s.directed) for s in scatterers]
    return list(_obeyed(model, np.concatenate(families), k, vertices))


def scattering_projector(model, operations) -> np.ndarray:
    """Projector (3, 3) on the Hall vectors that the operations of :func:`kinetic_symmetry` allow."""
    return _projector(model.dimension, [sign * np.linalg.det(s) * s - np.eye(3) for s, sign in operations])


def broken_fraction(sigma, operations, scale, *, odd: bool) -> np.ndarray:
    """Largest change of `sigma` (nT, d, d) under the operations that it should obey, over `scale` (nT,): shape (nT,).

    `odd`: whether it changes its sign under time reversal.
    """
    sigma = np.asarray(sigma)
    d, worst = sigma.shape[-1], np.zeros(len(sigma))
    for s, sign in operations:
        m = s[:d, :d]
        change = (sign if odd else 1) * m @ sigma @ m.T - sigma
        worst = np.maximum(worst, np.abs(change).max(axis=(1, 2)))
    scale = np.asarray(scale, dtype=float)
    return worst / np.where(scale > 0, scale, np.nan)


def _obeyed(model, operations, k, vertices=()):
    """Of `operations`, with and without time reversal (-1, 1), those that hold to rounding."""
    d = model.dimension
    for s in operations:
        for sign in (1, -1):
            if sign > 0 and np.array_equal(s, np.eye(3)):
                continue
            u = operation_matrix(model, k, s[:d, :d], reversal=sign < 0)
            if u is not None and all(_same_vertex(u, w, k, s[:d, :d], sign) for w in vertices):
                yield s, sign


def _same_vertex(u, vertex: LatticeOperator | SpinSum, k, rotation, sign: int) -> bool:
    """Whether an operation leaves a vertex as it is, up to a phase: the sign of a Hermitian one."""
    w, wanted = vertex(k), vertex(sign * k @ rotation.T)
    turned, size = u @ (w if sign > 0 else w.conj()) @ u.conj().T, max(np.abs(wanted).max(), 1e-300)
    overlap = np.vdot(wanted, turned)
    phase = overlap / max(abs(overlap), 1e-300)
    return bool(np.abs(turned - phase * wanted).max() < _SAME_VERTEX * size)


def _exact_conditions(model, operations, k):
    """``C h = 0`` for each operation that holds to rounding."""
    return [sign * np.linalg.det(s) * s - np.eye(3) for s, sign in _obeyed(model, operations, k)]


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
            if np.linalg.norm(image - sign * m) < TURN:
                yield s, sign


def _holds(model, turn, k) -> bool:
    """Whether e(turn k) = e(k) to a fraction of the spread of the bands: warping and tilts are no symmetry."""
    d = model.dimension
    reference = band_energies(model, k)
    difference = band_energies(model, k @ turn[:d, :d].T) - reference
    return bool(np.sqrt(np.mean(difference**2)) < _BROKEN * (np.std(reference) + 1e-12))


def forbidden_fraction(sigma, longitudinal, projector, cancels=0.0) -> np.ndarray:
    """Forbidden part of the Hall vector over the allowed one, or over `cancels` (nT,) if that is more: shape (nT,); NaN
    where there is neither.

    Where nothing is allowed the forbidden part is compared with the longitudinal conductivity.
    """
    h = hall_vector(sigma)
    scale = np.trace(np.asarray(longitudinal), axis1=-2, axis2=-1) / np.shape(sigma)[-1]
    allowed = np.linalg.norm(h @ projector.T, axis=-1)
    forbidden = np.linalg.norm(h - h @ projector.T, axis=-1)
    if not projector.any():
        return forbidden / np.where(scale > 0, scale, np.nan)
    allowed = np.maximum(allowed, cancels)
    return forbidden / np.where(allowed > _NOTHING * np.abs(scale), allowed, np.nan)
