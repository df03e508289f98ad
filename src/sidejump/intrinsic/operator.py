"""Intrinsic response of an observable O to the force on the electrons (eq. C44).

With ``D_b,nm = <n|dH_b|m> / (e_m - e_n)``, the orbitals' position matrix A and the force ``F = -eE``,

    <O> = chi_b F_b,    chi_b = - int d^dk/(2 pi)^d sum_n f_n Omega^O_n,b,
    Omega^O_n,b = -2 Im sum_m O_nm (D_b,nm - i A_b,nm)^* / (e_m - e_n),

which is the Berry curvature Omega_ab for the velocity along a.  Lattices are integrated by the cells, k.p models by the
rays of the Berry curvature.

Not covered: crossings that a cell does not resolve are not averaged over it; they are left to its refinement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.row_curvature import row_curvature
from ..units import conductivity_unit
from .integrate import CANCELLED, FLOOR, SPACING
from .lattice_mesh import adaptive_mesh
from .occupation import cell_fermi
from .polar import converged_polar
from .zone import Zone, cells_of

CHUNK = 2048


@dataclass(frozen=True)
class IntrinsicResponse:
    """Response of c observables.

    Attributes
    ----------
    value : ndarray, shape (nT, c, d)
        Unit of the observable times ``angstrom^(1-d)/eV``.
    error : ndarray, shape (nT, c)
        Estimated error of each row.
    converged : bool
    """

    value: np.ndarray
    error: np.ndarray
    converged: bool


def operator_curvature(model, observables, k):
    """Energies (nk, N), velocities (nk, d, N) and ``Omega^O_b``, shape (nk, c d, N), of all bands at k (nk, d)."""
    rows = np.stack([o.matrices(model, k) for o in observables], axis=1)
    energy, velocity, _, omega = row_curvature(model, rows, k)
    return energy, velocity, omega.reshape(len(k), -1, energy.shape[1])


class _Cells:
    """Sums over the bands averaged over cells, as :func:`.lattice_mesh.adaptive_mesh` asks for them."""

    def __init__(self, model, curvature, occupation):
        self.model, self.curvature, self.occupation = model, curvature, occupation
        self.points = 0

    def __call__(self, fractional, edges) -> np.ndarray:
        self.points += len(fractional)
        reciprocal, found = self.model.reciprocal_cell, []
        for i in range(0, len(fractional), CHUNK):
            part = slice(i, i + CHUNK)
            energy, velocity, omega = self.curvature(self.model, fractional[part] @ reciprocal)
            spread = np.sqrt(np.sum((edges[part] @ velocity) ** 2, axis=1) / 12)
            found.append(np.einsum("mtkn,kcn->kmtc", self.occupation(energy, spread), omega))
        return np.concatenate(found)


def zone_integral(
    model,
    curvature: Callable,
    occupation: Callable,
    *,
    tolerance: float,
    max_points: int,
    floor: float,
    zone: Zone | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``int d^dk/(2 pi)^d sum_n f_n Omega_n`` of a lattice: values (m, nT, c), their errors and sizes (m, nT).

    Parameters
    ----------
    curvature : callable
        As :func:`.berry.band_curvature`.
    occupation : callable
        f of energies (nk, N) that vary by a spread of the same shape within their cells: (m, nT, nk, N).
    floor : float
        What errors are relative to at least.
    zone : Zone, optional
        Cells to begin with; all of the zone when not given.
    """
    volume = abs(np.linalg.det(model.cell))
    zone = zone or cells_of(model, SPACING[model.dimension])
    cells = _Cells(model, curvature, occupation)
    value, error, size = adaptive_mesh(cells, zone, tolerance, max_points, floor * volume, CANCELLED)
    return value / volume, error / volume, size / volume


def _size(model, observable) -> float:
    """Matrix elements of an observable over those of the velocity, rms at random k."""
    k = model.k_scale * np.random.default_rng(0).uniform(-1, 1, (64, model.dimension))
    rows, velocity = observable.matrices(model, k), model.hamiltonian_gradient(k)
    square = np.mean(np.abs(velocity) ** 2)
    return max(float(np.sqrt(np.mean(np.abs(rows) ** 2) / square)) if square > 0 else 0.0, 1e-12)


@threadpool_limits.wrap(limits=1)
def intrinsic_response(
    model, observables, chemical_potential: float, temperatures, *, tolerance: float = 1e-2, max_points: int = 500_000
) -> IntrinsicResponse:
    """Response of all observables at one chemical potential (eV) and several temperatures (K).

    Parameters
    ----------
    tolerance : float
        Relative error of each, or relative to 3 % of what cancels in it, or to the conductivity that counts for the
        charge current in its place (:data:`.integrate.FLOOR`) where that is more.
    """
    d, rows = model.dimension, []
    for o in observables:  # by themselves: their units differ
        floor = FLOOR[d] / conductivity_unit(d)[0] * _size(model, o)

        def curvature(model, k, o=o):
            return operator_curvature(model, [o], k)

        if model.cell is None:
            value, error, _ = converged_polar(
                model,
                np.array([chemical_potential]),
                temperatures,
                tolerance=tolerance,
                max_points=max_points,
                floor=floor,
                curvature=curvature,
            )
            size = np.maximum(np.linalg.norm(value, axis=-1), floor)
        else:
            value, error, size = zone_integral(
                model,
                curvature,
                lambda energy, spread: cell_fermi(energy, spread, [chemical_potential], temperatures),
                tolerance=tolerance,
                max_points=max_points,
                floor=floor,
            )
        rows.append((value[0], error[0], size[0]))
    value, error, size = (np.stack(x, axis=1) for x in zip(*rows, strict=True))
    spins = model.spin_degeneracy
    converged = bool(np.all(error <= tolerance * size))
    return IntrinsicResponse(-spins * value, spins * error, converged)
