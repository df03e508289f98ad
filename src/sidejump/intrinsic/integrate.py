"""Intrinsic anomalous Hall conductivity ``sigma_ab = - e^2/hbar int d^dk/(2 pi)^d sum_n f_n Omega_n,ab``."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..groups.operations import exact_operations
from ..groups.proven import proven
from ..units import conductivity_unit
from .berry import cyclic_pairs
from .lattice_mesh import CellSum, adaptive_mesh, fixed_mesh
from .polar import converged_polar
from .zone import Zone, cells_of, irreducible_zone, whole_zone

MOST_POINTS = 2_000_000
"""k points at which refinement ends, whatever the error."""

FLOOR = {2: 2e-2, 3: 2.0}
"""e^2/h, S/cm: a conductivity below which the error counts relative to this."""

CANCELLED = 0.03  # of the sum of absolute contributions, which errors are relative to if that is more


@dataclass(frozen=True)
class IntrinsicResult:
    """Conductivity ``j_a = sigma_ab E_b`` with its error.

    Attributes
    ----------
    conductivity : ndarray, shape (n_mu, n_T, d, d)
        In `unit`, antisymmetric; what ``numpy.asarray(result)`` gives.
    error : ndarray, shape (n_mu, n_T)
        Estimated error of the conductivity's vector, same unit; zero on a fixed mesh, whose error is not known.
    points : int
        k points at which the Hamiltonian was diagonalised.
    seconds : float
    cutoff : float or None
        Largest k kept (1/angstrom); None when all of k space (k.p) or the Brillouin zone was integrated.
    converged : bool
        Whether the error met the tolerance.
    reached : ndarray of bool, shape (n_mu, n_T), or None
        The same for each; None on a fixed mesh.
    unit : str
        "S/cm" in three dimensions, "e^2/h" in two.
    """

    conductivity: np.ndarray
    error: np.ndarray
    points: int
    seconds: float
    cutoff: float | None = None
    converged: bool = True
    unit: str = ""
    reached: np.ndarray | None = None

    def of(self, place: int) -> IntrinsicResult:
        """That of one chemical potential, with its share of points and seconds."""
        here, count = slice(place, place + 1), len(self.conductivity)
        reached = None if self.reached is None else self.reached[here]
        return replace(
            self,
            conductivity=self.conductivity[here],
            error=self.error[here],
            points=(self.points + count - 1 - place) // count,
            seconds=self.seconds / count,
            converged=True if reached is None else bool(reached.all()),
            reached=reached,
        )

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.conductivity, dtype=dtype)

    @property
    def sigma(self) -> np.ndarray:
        """The conductivity in ``e^2/hbar angstrom^(2-d)``, the unit of the kinetic parts inside
        (:func:`sidejump.units.conductivity_unit`)."""
        return self.conductivity / conductivity_unit(self.conductivity.shape[-1])[0]


@threadpool_limits.wrap(limits=1)
def intrinsic_conductivity(
    model,
    chemical_potentials,
    temperatures,
    *,
    tolerance: float = 1e-2,
    mesh=None,
    start_mesh=None,
    max_points: int = MOST_POINTS,
    cutoff: float | None = None,
    floor: float | None = None,
    workers: int = 2,
    progress=None,
) -> IntrinsicResult:
    """Intrinsic part of the anomalous Hall conductivity, all chemical potentials and temperatures in one pass.

    Parameters
    ----------
    model : ElectronModel
        Lattice models are integrated over the Brillouin zone, k.p models over all of k space.
    chemical_potentials : float or array, shape (n_mu,)
        eV.
    temperatures : float or array, shape (n_T,) or (n_mu, n_T)
        Kelvin; 0 is a sharp step. Two-dimensional where every chemical potential has temperatures of its own.
    tolerance : float
        Relative error asked for.
    mesh : int or sequence of int, optional
        Lattice models: this Gamma-centred uniform mesh instead, without refinement.
    start_mesh : int or sequence of int, optional
        Lattice models: cells along each reciprocal vector before refinement, of the whole zone; those that symmetry
        leaves, some 0.25 (3D) or 0.1 (2D) of 1/angstrom, when not given.
    max_points : int
        Stop refining here; the result then says `converged` is False.
    cutoff : float, optional
        k.p models: integrate up to this wave vector (1/angstrom) only.
    floor : float, optional
        Conductivity, in the result's unit, below which the error counts relative to this.  By default the larger of
        2e-2 e^2/h (2D) or 2 S/cm (3D) and, for lattices, 3 % of the sum of the absolute contributions of all cells: a
        part that vanishes by symmetry or by cancellation converges too.
    workers : int
        Threads.
    progress : callable, optional
        Called as ``progress(points, relative_error)``.

    Returns
    -------
    IntrinsicResult

    Raises
    ------
    InputError
        For negative temperatures or a mesh that does not fit the model.

    Examples
    --------
    >>> from sidejump.bands.dirac import MassiveDirac
    >>> result = intrinsic_conductivity(MassiveDirac(mass=0.1, velocity=3.0), 0.2, 0.0, tolerance=1e-9)
    >>> round(float(result.conductivity[0, 0, 1, 0]), 7), result.unit
    (0.25, 'e^2/h')
    """
    begin = time.perf_counter()
    mu, temperature = _axis(chemical_potentials), _axis(temperatures)
    if temperature.ndim > 2 or (temperature.ndim == 2 and len(temperature) != len(mu)):
        raise InputError(
            f"temperatures: shape {temperature.shape} does not fit {len(mu)} chemical potentials; give a list, or a "
            "row for each of them"
        )
    if not mu.size or not temperature.size:
        raise InputError("chemical_potentials and temperatures: give at least one of each")
    if not (np.isfinite(mu).all() and np.isfinite(temperature).all()):
        raise InputError(
            f"chemical_potentials = {mu.tolist()}, temperatures = {temperature.tolist()}: give finite numbers"
        )
    if floor is not None and not floor >= 0:
        raise InputError(f"floor = {floor}: give a conductivity, 0 or above")
    if np.any(temperature < 0):
        raise InputError(f"temperatures: {temperature.min():g} K is negative; give kelvin, 0 or above")
    if not tolerance > 0:
        raise InputError(f"tolerance = {tolerance} must be positive")
    d = model.dimension
    volume = 1.0 if model.cell is None else abs(np.linalg.det(model.cell))
    share = CANCELLED if floor is None else 0.0
    factor, unit = conductivity_unit(d)
    floor = (FLOOR[d] if floor is None else float(floor)) / factor
    reached = None
    if model.cell is None:
        if mesh is not None or start_mesh is not None:
            raise InputError("mesh: a k.p model has no Brillouin zone to lay it on; leave mesh and start_mesh out")
        vector, error, points = converged_polar(
            model,
            mu,
            temperature,
            tolerance=tolerance,
            max_points=max_points,
            floor=floor,
            cutoff=cutoff,
            progress=progress,
        )
        size = np.maximum(np.linalg.norm(vector, axis=-1), floor)
    else:
        cell_sum = CellSum(model, mu, temperature, workers)
        if mesh is not None:
            vector = fixed_mesh(cell_sum, _mesh(mesh, d, "mesh"))
            error = np.zeros(vector.shape[:2])
        else:
            if start_mesh is not None:
                zone = whole_zone(model.reciprocal_cell, _mesh(start_mesh, d, "start_mesh"))
            else:
                zone = reduced_zone(model, float(np.mean(mu)))
            vector, error, size = adaptive_mesh(cell_sum, zone, tolerance, max_points, floor * volume, share, progress)
            size = size / volume
        # a mean over the zone, of volume (2 pi)^d / volume
        vector, error, points = vector / volume, error / volume, cell_sum.points
    if mesh is None:
        reached = error <= tolerance * size
    converged = True if reached is None else bool(np.all(reached))
    vector, error = model.spin_degeneracy * vector, model.spin_degeneracy * error
    sigma = np.zeros((*vector.shape[:2], d, d))
    for c, (a, b) in enumerate(cyclic_pairs(d)):
        sigma[..., a, b] = -vector[..., c]
        sigma[..., b, a] = vector[..., c]
    seconds = time.perf_counter() - begin
    return IntrinsicResult(factor * sigma, factor * error, points, seconds, cutoff, converged, unit, reached)


def _axis(values) -> np.ndarray:
    return np.atleast_1d(np.asarray(values, dtype=float))


def _mesh(mesh, dimension: int, name: str) -> tuple[int, ...]:
    shape = (int(mesh),) * dimension if np.ndim(mesh) == 0 else tuple(int(n) for n in mesh)
    if len(shape) != dimension or min(shape) < 1:
        raise InputError(f"{name} = {mesh}: give one positive number, or {dimension} of them")
    return shape


SPACING = {2: 0.1, 3: 0.25}
"""Of the first cells, 1/angstrom."""


def reduced_zone(model, energy: float) -> Zone:
    """Cells to begin with for a sum of Berry curvatures: those that the exact symmetry of the bands leaves of a
    three-dimensional crystal; `energy` (eV) is where it is looked for first."""
    spacing = SPACING[model.dimension]
    if model.dimension == 3:
        operations = proven(model, exact_operations(model, energy=energy))
        if len(operations) > 1:
            return irreducible_zone(model.reciprocal_cell, spacing, operations)
    return cells_of(model, spacing)
