"""Move points along the gradient onto an exact energy."""

from __future__ import annotations

import numpy as np

from ..bands.states import energies_and_velocities


def move_onto(model, k, band, energy, *, largest_step, tolerance: float = 1e-11, iterations: int = 12, chunk=4096):
    """Newton iteration ``k <- k - (e - energy) v / v^2``.

    Parameters
    ----------
    energy : float or array (S,)
        Target, eV.
    largest_step : float or array (S,)
        Longest move in one iteration, 1/angstrom.

    Returns
    -------
    k : (S, d)
    velocity : (S, d)
    error : (S,)  what is left of ``|e - energy|``, eV
    """
    parts = []
    energy, step = np.broadcast_to(energy, len(k)), np.broadcast_to(largest_step, len(k))
    for i in range(0, len(k), chunk):
        s = slice(i, i + chunk)
        parts.append(_move(model, k[s], band[s], energy[s], step[s], tolerance, iterations))
    return tuple(np.concatenate(x) for x in zip(*parts, strict=True))


def _move(model, k, band, energy, largest, tolerance, iterations):
    k = k.copy()
    e, v = energies_and_velocities(model, k, band)
    best_k, best_v, best = k.copy(), v, np.abs(e - energy)
    active = np.flatnonzero(best > tolerance)
    for _ in range(iterations):
        if not len(active):
            break
        square = np.maximum((v[active] ** 2).sum(1), 1e-30)
        step = -((e[active] - energy[active]) / square)[:, None] * v[active]
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, largest[active] / np.maximum(length, 1e-300))[:, None]
        k[active] += step
        e[active], v[active] = energies_and_velocities(model, k[active], band[active])
        error = np.abs(e[active] - energy[active])
        better = active[error < best[active]]
        best_k[better], best[better] = k[better], np.abs(e[better] - energy[better])
        best_v[better] = v[better]
        active = active[error > tolerance]
    return best_k, best_v, best
