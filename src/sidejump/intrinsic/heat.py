"""Intrinsic part of what a gradient of temperature drives across it: entropy carried by the Berry curvature.

Every state below an energy e adds ``-Omega`` to the Hall conductivity of carriers at e.  Of the heat ``(e - mu)^p``
that these carry, p = 1 for thermoelectric and 2 for thermal conductivities, a state at e_n takes part with

    kT^p int_(x_n)^inf dy y^p (-f'(y)),     x_n = (e_n - mu)/kT,

which for p = 1 is kT times the entropy of the state (Xiao, Yao, Fang, and Niu, Phys. Rev. Lett. 97, 026603 (2006)).

Not covered: crossings that a cell does not resolve are not averaged over it; they are left to its refinement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ..units import KB, conductivity_unit
from .berry import band_curvature, cyclic_pairs
from .integrate import FLOOR, reduced_zone
from .occupation import heat_moments
from .operator import zone_integral
from .polar import converged_polar


@dataclass(frozen=True)
class IntrinsicHeat:
    """Intrinsic ``sum (e - mu)^p``-weighted Hall conductivities, p = 1 and 2.

    Attributes
    ----------
    value : ndarray, shape (2, nT, d, d)
        ``e^2/hbar angstrom^(2-d)`` times eV and eV^2.
    error : ndarray, shape (2, nT)
    converged : bool
    """

    value: np.ndarray
    error: np.ndarray
    converged: bool


@threadpool_limits.wrap(limits=1)
def intrinsic_heat(
    model, chemical_potential: float, temperatures, *, tolerance: float = 1e-2, max_points: int = 500_000
) -> IntrinsicHeat:
    """Both weighted conductivities at one chemical potential (eV) and several temperatures (K), above zero.

    Parameters
    ----------
    tolerance : float
        Relative error, or relative to what counts in its place (:data:`.integrate.FLOOR`).
    """
    d, temperatures = model.dimension, np.asarray(temperatures, dtype=float)
    floor = FLOOR[d] / conductivity_unit(d)[0]
    if model.cell is None:
        # the rays of each follow its own weight
        found = [
            _polar(model, chemical_potential, temperatures, power, tolerance, max_points, floor) for power in (0, 1)
        ]
        value, error, size = (np.concatenate(x) for x in zip(*found, strict=True))
    else:

        def moments(energy, spread):
            return heat_moments(energy, spread, chemical_potential, temperatures)

        zone = reduced_zone(model, chemical_potential)
        value, error, size = zone_integral(
            model, band_curvature, moments, tolerance=tolerance, max_points=max_points, floor=floor, zone=zone
        )
    unit = model.spin_degeneracy * (KB * temperatures) ** np.array([[1], [2]])
    tensor = np.zeros((2, len(temperatures), d, d))
    for c, (a, b) in enumerate(cyclic_pairs(d)):
        tensor[:, :, a, b], tensor[:, :, b, a] = -value[:, :, c], value[:, :, c]
    return IntrinsicHeat(unit[:, :, None, None] * tensor, unit * error, bool(np.all(error <= tolerance * size)))


def _polar(model, chemical_potential, temperatures, which, tolerance, max_points, floor):
    """Value (1, nT, c), error and size (1, nT) of one of the two weights, in all of k space."""

    def occupation(energy, levels, some):
        return np.stack([heat_moments(energy, 0 * energy, mu, some)[which] for mu in levels])

    value, error, _ = converged_polar(
        model, np.array([chemical_potential]), temperatures, tolerance=tolerance, max_points=max_points,
        floor=floor, occupation=occupation,
    )  # fmt: skip
    return value, error, np.maximum(np.linalg.norm(value, axis=-1), floor)
