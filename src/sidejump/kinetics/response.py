"""From solved distributions to the three kinetic parts of the conductivity (eqs 2, 7, 8, 11, 12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from ..threads import MATRIX_THREADS
from .collision import CollisionOperator
from .solve import neutral, no_modes, solve


@dataclass(frozen=True)
class KineticResponse:
    """Conductivity parts in ``e^2/hbar angstrom^(2-d)``, shape (d, d), and how well they were obtained.

    Attributes
    ----------
    boltzmann, side_jump_velocity, side_jump_distribution : ndarray, shape (d, d)
    rounding : float
        Side jump that rounding leaves, same unit.
    contributions : float
        Largest sum over states of the size of what a state contributes to sj(1): what cancels in it.
    onsager_error : float
        ``|sj(2)_ab + sj(1)_ba|`` relative to `scale`.
    conservation_error : float
        Largest row sum of L relative to its diagonal.
    residual, iterations, method : how the equation was solved
    distribution : ndarray, shape (S, m, d)
        g^n on the ordered points.
    growing : float
        Share of the result, the larger of boltzmann and side jump, that modes of the discrete collision operator carry
        which grow instead of decaying: it does not describe relaxation there.
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    onsager_error: float
    conservation_error: float
    residual: float
    iterations: int
    method: str
    distribution: np.ndarray | None = None
    growing: float = 0.0
    contributions: float = 0.0
    rounding: float = 0.0

    @property
    def scale(self) -> float:
        """What errors of the side jump are relative to, see :func:`side_jump_scale`."""
        return side_jump_scale(self.side_jump_velocity, self.contributions, self.rounding)


CANCELLING = 0.1
"""Errors of a sum are relative to it, or to this fraction of what cancels in it if that is more."""

_LEAST_SHIFT = {np.dtype(np.float64): 1e-13, np.dtype(np.float32): 1e-8}
"""Mean shift of an event, angstrom, below which it is what rounding leaves, by the precision of the pairs.

Against the shift itself, not against the longitudinal conductivity, which weak scattering makes as large as one likes.
"""


def side_jump_scale(side_jump, contributions: float, rounding: float) -> float:
    """The size of a side jump (d, d), which symmetry may make zero, for errors to be relative to."""
    return max(float(np.abs(side_jump).max()), CANCELLING * contributions, rounding, np.finfo(float).tiny)


def side_jump_rounding(rates, normal, dtype) -> float:
    """Side jump of the least shift at every event: distribution `normal` (N, d), out-scattering `rates` (N,)."""
    return float(_LEAST_SHIFT[np.dtype(dtype)] * (np.abs(rates) @ np.abs(normal)).max())


def drive_or_nothing(jump, drive, rates, dtype):
    """`jump` (N, d), or zeros where it is only what rounding leaves.

    `drive` (N, d): velocities times weights; `rates` (N,): out-scattering of the unknowns; `dtype`: of the pairs.
    """
    time = 1 / np.where(rates > 0, rates, np.inf)
    size = np.abs(drive).sum(axis=1)
    least = _LEAST_SHIFT[np.dtype(dtype)]
    return jump if time @ (np.abs(jump).sum(axis=1) * size) > least * size.sum() else np.zeros_like(jump)


def growing_share(growing, drive, jump, boltzmann, scale: float) -> float:
    """See `KineticResponse.growing`; `growing` from :func:`.solve.solve`, drives (N, d)."""
    rates, modes = growing
    if not len(rates):
        return 0.0
    left, right = modes.T @ drive, modes.T @ jump
    longitudinal = np.einsum("na,n,nb->ab", left, 1 / rates, left)
    across = np.einsum("na,n,nb->ab", right, 1 / rates, left)
    size = max(float(np.abs(boltzmann).max()), np.finfo(float).tiny)
    return float(max(np.abs(longitudinal).max() / size, np.abs(across).max() / scale))


@threadpool_limits.wrap(limits=MATRIX_THREADS)
def kinetic_response(
    operator: CollisionOperator,
    weight,
    velocity,
    thermal_weight,
    *,
    approximation: str = "exact",
    tolerance: float = 1e-10,
    clusters=None,
    functions=None,
    pieces=None,
) -> KineticResponse:
    """Solve for g^n and g^a and contract them with the velocity and the side-jump velocity.

    Parameters
    ----------
    weight : ndarray, shape (S, 1 or m)
    velocity : ndarray, shape (S, 1 or m, d)
    thermal_weight : ndarray, shape (m,) or (S, m)
    approximation : {"exact", "serta", "mrta"}
        The relaxation-time approximations replace L by its out-scattering (SERTA), or by the out-scattering weighted
        with ``1 - v.v'/|v|^2`` (MRTA): for comparison only.
    tolerance : float
        Relative residual of the iterative solution.
    clusters : ndarray of int, optional
        See :func:`.solve.solve`.
    functions : ndarray, shape (m, nodes) or (S, m, nodes), optional
        Energy functions of the unknowns, where they are fewer than the nodes of `weight` and `velocity`.
    pieces : ndarray of int, shape (S,), optional
        Which connected piece of the shell a point belongs to.
    """
    s, m = operator.count, operator.size
    d = velocity.shape[-1]
    nodes = np.shape(thermal_weight)[-1]
    measure = np.broadcast_to(weight, (s, nodes)) * thermal_weight
    drive = measure[:, :, None] * np.broadcast_to(velocity, (s, nodes, d))
    if functions is not None:
        functions = np.broadcast_to(functions, (s, m, nodes))
        measure, drive = np.einsum("snm,sm->sn", functions, measure), np.einsum("snm,sma->sna", functions, drive)
        velocity = drive / measure[:, :, None]
    measure, drive = measure.reshape(s * m), drive.reshape(s * m, d)
    # a uniform shift of g carries no current, though the quadrature of the velocities leaves a little
    drive = neutral(drive, measure)
    jump = neutral(operator.side_jump_drive.reshape(s * m, d), measure)
    rates = np.einsum("sii->si", operator.diagonal).ravel()
    jump = drive_or_nothing(jump, drive, rates, operator.dtype)
    both = np.concatenate([drive, -jump], axis=1)
    if approximation == "exact":
        # elastic scattering conserves the particles of every energy
        inside = np.ones((s, 1)) if pieces is None else (pieces[:, None] == np.unique(pieces)).astype(float)
        sets = np.kron(inside, np.eye(m))
        g, info = solve(operator, both, measure=measure, tolerance=tolerance, clusters=clusters, sets=sets)
    else:
        g = _relaxation_time(operator, both, np.broadcast_to(velocity, (s, m, d)), approximation)
        info = {"method": approximation, "iterations": 0, "residual": 0.0, "growing": no_modes(operator)}
    normal, anomalous = g[:, :d], g[:, d:]
    sj1, sj2 = jump.T @ normal, drive.T @ anomalous
    boltzmann, contributions = drive.T @ normal, float((np.abs(jump).T @ np.abs(normal)).max())
    rounding = side_jump_rounding(rates, normal, operator.dtype)
    scale = side_jump_scale(sj1, contributions, rounding)
    rows = operator.apply(np.ones((s * m, 1)), double=False)
    diagonal = np.einsum("sii->si", operator.diagonal).max()
    return KineticResponse(
        boltzmann,
        sj1,
        sj2,
        float(np.abs(sj2 + sj1.T).max() / scale),
        float(np.abs(rows).max() / max(diagonal, np.finfo(float).tiny)),
        info["residual"],
        info["iterations"],
        info["method"],
        normal.reshape(s, m, d),
        growing_share(info["growing"], drive, jump, boltzmann, scale),
        contributions,
        rounding,
    )


def _relaxation_time(operator, drive, velocity, approximation):
    s, m, d = velocity.shape
    out = np.linalg.pinv(operator.diagonal, hermitian=True)
    if approximation == "mrta":
        v = velocity.reshape(s * m, d)
        # v . (L v) / v^2 is the momentum-relaxation rate of each unknown
        rate = (v * operator.apply(v)).sum(axis=1) / np.maximum((v**2).sum(axis=1), 1e-300)
        return drive / np.where(rate > 0, rate, np.inf)[:, None]
    if approximation != "serta":
        raise ValueError(f'approximation = "{approximation}": use "exact", "serta" or "mrta"')
    return np.matmul(out, drive.reshape(s, m, -1)).reshape(s * m, -1)
