"""Energies at which isoenergy shells change their topology: extrema and saddle points of bands, and nodes.

There the density of states has a singularity: a step or a logarithm in two dimensions, a square root in three.  What
depends on energy is smooth between them only.  Stationary points are found by Newton's method on the velocity, from
the points of a mesh at which the quadratic model of the band puts one within reach; cusps (nodes, where Newton's
method finds nothing) from mesh points that are lower, or higher, than all of their neighbours, by a simplex.

Not covered: stationary points of pockets that fall between all points of the mesh, and cusps that are no extremum of
a band (nodes of tilted cones of the second type): the density of states is continuous there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from ..bands.states import band_energies
from ..errors import InputError
from .domain import search_domain
from .edges import descend, sample
from .masses import velocity_and_inverse_mass

_MESH = {2: 48, 3: 16}  # points along each axis
_NEIGHBOURS = {2: 0.15, 3: 0.06}  # of the width of a band: how far apart in energy neighbours of a critical point are
_REACH = 2.0  # steps of the mesh within which Newton's method may go
_ITERATIONS = 16
_SETTLED = 1e-5  # of a step of the mesh
_CUSPS = 24  # searches by a simplex, at most, for each band
_BATCH = 1024
_FLAT = 1e-6  # curvatures below, relative to the largest, are those of a flat direction
_SAME = 1e-7  # eV


@dataclass(frozen=True)
class CriticalPoints:
    """Stationary points and cusps of bands, ordered by energy.

    Attributes
    ----------
    energy : (n,)    eV
    k : (n, d)       1/angstrom
    band : (n,)
    curvature : (n,)  ``|det M|^(1/d)``, eV angstrom^2; zero for a cusp or a flat direction
    saddle : (n,) bool
    """

    energy: np.ndarray
    k: np.ndarray
    band: np.ndarray
    curvature: np.ndarray
    saddle: np.ndarray

    def __len__(self) -> int:
        return len(self.energy)

    def __getitem__(self, index) -> CriticalPoints:
        return CriticalPoints(**{name: value[index] for name, value in vars(self).items()})

    def singular_density(self, width: float) -> np.ndarray:
        """Density of states that appears, or bends away, within `width` (eV) of each point, 1/(eV angstrom^d).

        ``1 / 2 pi m``, m = curvature, in two dimensions, ``(2 width)^(1/2) / 2 pi^2 m^(3/2)`` in three; infinite
        where there is no curvature.
        """
        curvature = np.where(self.curvature > 0, self.curvature, np.nan)
        if self.k.shape[1] == 2:
            density = 1 / (2 * np.pi * curvature)
        else:
            density = np.sqrt(2 * width) / (2 * np.pi**2 * curvature**1.5)
        return np.where(np.isnan(density), np.inf, density)


def critical_points(model, low: float, high: float) -> CriticalPoints:
    """Critical points of all bands between the energies `low` and `high` (eV)."""
    origin, axes = _domain(model, low, high)
    n, d = _MESH[model.dimension], model.dimension
    periodic = model.cell is not None
    t = np.arange(n) / n if periodic else np.linspace(0, 1, n)
    mesh = origin + np.stack(np.meshgrid(*[t] * d, indexing="ij"), axis=-1).reshape(-1, d) @ axes
    step = float(np.linalg.norm(axes, axis=1).max()) / n
    energies = band_energies(model, mesh)
    found = _stationary(model, mesh, energies, step, low, high)
    if not periodic:  # rays see what is small beside the box
        rays = sample(model, float(np.abs(origin).max()))
        rays = rays[np.abs((rays - origin) @ np.linalg.inv(axes) - 0.5).max(axis=1) <= 0.5]
        found += _stationary(model, rays, band_energies(model, rays), step, low, high)
    found += _cusps(model, mesh, energies, n, step, periodic, found, low, high)
    return _distinct(model, found, d, step, low, high)


def _domain(model, low: float, high: float):
    """The larger of the boxes around the shells of both ends; one whose shells do not close any more has none."""
    found, refused = [], None
    for energy in (low, 0.5 * (low + high), high):
        try:
            found.append(search_domain(model, energy))
        except InputError as error:
            refused = error
    if not found and refused is not None:
        raise refused
    return max(found, key=lambda box: np.abs(np.linalg.det(box[1])))


def _stationary(model, k, energies, step, low, high) -> list[tuple]:
    """Zeros of the velocity next to the points k (S, d): tuples (energy, k, band, curvature, saddle)."""
    reach = _reach(energies, k.shape[1])
    points, bands = np.nonzero((energies > low - reach) & (energies < high + reach))
    found = []
    for i in range(0, len(points), _BATCH):
        start, band = k[points[i : i + _BATCH]], bands[i : i + _BATCH]
        where, active = start.copy(), np.arange(len(start))
        mass, v = np.empty((len(start), k.shape[1], k.shape[1])), np.empty_like(start)
        settled = np.zeros(len(start), dtype=bool)
        for iteration in range(_ITERATIONS):
            v[active], mass[active] = velocity_and_inverse_mass(model, where[active], band[active])
            move = _newton_step(v[active], mass[active])
            length = np.linalg.norm(move, axis=1)
            if iteration == 0:  # the quadratic model has to put a stationary point within reach
                near = length < _REACH * step
                active, move, length = active[near], move[near], length[near]
            where[active] += move * np.minimum(1.0, 0.5 * step / np.maximum(length, 1e-300))[:, None]
            done = length < _SETTLED * step
            settled[active[done]] = True
            inside = np.linalg.norm(where[active] - start[active], axis=1) < _REACH * step
            active = active[inside & ~done]
            if not len(active):
                break
        # at an inflection the step is short too, along the directions that are not flat
        slow = np.linalg.norm(v, axis=1) < 1e-3 * step * np.linalg.norm(mass, axis=(1, 2))
        chosen = np.flatnonzero(settled & slow)
        if not len(chosen):
            continue
        curvature = np.linalg.eigvalsh(mass[chosen])
        size = np.abs(curvature)
        flat = (size < _FLAT * size.max(axis=1, keepdims=True)).any(axis=1)
        mean = np.where(flat, 0.0, np.exp(np.log(np.maximum(size, 1e-300)).mean(axis=1)))
        saddle = (curvature.min(axis=1) < 0) & (curvature.max(axis=1) > 0)
        energy = band_energies(model, where[chosen])[np.arange(len(chosen)), band[chosen]]
        found += list(zip(energy, where[chosen], band[chosen], mean, saddle, strict=True))
    return found


def _reach(energies, d: int) -> np.ndarray:
    """How far from the energy of a stationary point its neighbours on the mesh may be, for each band (eV)."""
    return _NEIGHBOURS[d] * np.ptp(energies, axis=0) + 1e-6


def _newton_step(v, mass):
    """``-M^-1 v`` without the flat directions."""
    curvature, axes = np.linalg.eigh(mass)
    size = np.abs(curvature)
    inverse = np.where(size > _FLAT * size.max(axis=1, keepdims=True), 1 / np.where(size > 0, curvature, 1.0), 0.0)
    return -np.einsum("sab,sb->sa", axes, inverse * np.einsum("sab,sa->sb", axes, v))


def _cusps(model, mesh, energies, n, step, periodic, known, low, high) -> list[tuple]:
    """Extrema on the mesh that no stationary point explains, followed by a simplex."""
    d = mesh.shape[1]
    bands = energies.reshape(*[n] * d, -1)
    shifts = [s for s in product((-1, 0, 1), repeat=d) if any(s)]
    found = []
    for band in range(bands.shape[-1]):
        mine = np.array([k for _, k, b, _, _ in known if b == band]).reshape(-1, d)
        for sign in (1, -1):
            value = sign * bands[..., band]
            best = np.all([value < np.roll(value, s, axis=tuple(range(d))) for s in shifts], axis=0)
            if not periodic:
                for axis in range(d):
                    edge: list = [slice(None)] * d
                    edge[axis] = [0, -1]
                    best[tuple(edge)] = False
            near = (bands[..., band] > low - _reach(energies, d)[band]) & (
                bands[..., band] < high + _reach(energies, d)[band]
            )
            for start in mesh[np.flatnonzero((best & near).ravel())[:_CUSPS]]:
                if len(mine) and _apart(model, mine, start).min() < _REACH * step:
                    continue
                where, extreme = descend(model, start[None], [band], [sign], 0.5 * step)
                found.append((sign * float(extreme[0]), where[0], band, 0.0, False))
    return found


def _apart(model, k, point) -> np.ndarray:
    """Distances (n,) between k (n, d) and a point, modulo reciprocal vectors."""
    offset = k - point
    if model.cell is not None:
        crystal = offset @ np.linalg.inv(model.zone_axes)
        offset = (crystal - np.round(crystal)) @ model.zone_axes
    return np.linalg.norm(offset, axis=1)


def _distinct(model, found, d, step, low, high) -> CriticalPoints:
    """Each point once, within the range of energies."""
    found = sorted((f for f in found if low < f[0] < high), key=lambda f: f[0])
    kept: list[tuple] = []
    for point in found:
        same = [p for p in kept[-64:] if p[2] == point[2] and abs(p[0] - point[0]) < _SAME]
        if same and _apart(model, np.array([p[1] for p in same]), point[1]).min() < 1e-2 * step:
            continue
        kept.append(point)
    columns = [np.array([p[i] for p in kept]) for i in range(5)]
    return CriticalPoints(columns[0], columns[1].reshape(-1, d), columns[2].astype(int), columns[3], columns[4] > 0)
