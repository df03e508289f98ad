"""Chemical potential of a carrier density.

Electrons are counted relative to the neutral crystal, in which all states below an energy E_0 are full:

    n(mu, T) - p(mu, T),   n = int d^dk/(2 pi)^d sum_{E > E_0} f(E),   p = int d^dk/(2 pi)^d sum_{E < E_0} (1 - f(E)).

With E_0 in a gap n are the electrons of the bands above it and p the holes of those below; in a metal the difference
is what has been added to the filling up to E_0 at zero temperature.

A k.p model is integrated along rays as its Fermi sea is (:mod:`.polar`).  A crystal is by cells with a Gauss rule each,
halved where halving changes their share, first at a high temperature, so that no pocket is missed, then at the given
one.  Where E_0 or the chemical potential lies in a band these do not resolve the steps of the occupation, and
tetrahedra do (:mod:`.filling`).  The one with the smaller error is taken; the error says what it leaves.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from threadpoolctl import threadpool_limits

from ..bands.states import band_energies
from ..errors import InputError
from ..surfaces.edges import nearest_edges
from ..units import KB
from .filling import Filling, Fillings
from .polar import break_energies, polar_rule

_TOLERANCE = 1e-7  # relative
_FARTHEST = 1e3  # eV from the neutral level
_POINTS = 200_000
_MOST_ANGLES = {2: 200, 3: 30}  # of the rays of a k.p model
_ORDER = {2: 4, 3: 3}  # of the Gauss rule along each axis of a cell
_START = {2: 6, 3: 3}  # cells along each axis
_HOTTEST = 0.5  # eV, kT of the first refinement
_COARSE = 1e-2  # relative error of the refinements before the last
_SMALLEST = 1e-300

Count = Callable[[float], tuple[float, float]]
"""Electrons and holes, angstrom^-d, at a chemical potential (eV)."""


@threadpool_limits.wrap(limits=1)
def solve_chemical_potential(
    model, density: float, temperature: float, *, neutral: float, fillings: Fillings | None = None
) -> tuple[float, float]:
    """The chemical potential at which there are so many carriers.

    Parameters
    ----------
    model : ElectronModel
    density : float
        Electrons less holes, cm^-3 in three dimensions, cm^-2 in two; negative for holes.
    temperature : float
        K, above 0.
    neutral : float
        Energy up to which the bands of the neutral crystal are full, eV: any one in a gap, the Fermi energy of a metal.
    fillings : Fillings, optional
        Meshes of earlier calls with the same model and neutral level.

    Returns
    -------
    chemical_potential : float
        eV.
    error : float
        Of the density that it has, relative to the larger of the density and the carriers of either sign.

    Raises
    ------
    InputError
        If the bands do not hold so many.

    Examples
    --------
    >>> from sidejump.bands.dirac import MassiveDirac
    >>> mu, error = solve_chemical_potential(MassiveDirac(mass=0.1, velocity=3.0), 1e12, 300.0, neutral=0.0)
    >>> round(mu, 4), error < 1e-6
    (0.1351, True)
    """
    target, kt = density * 1e-8**model.dimension / model.spin_degeneracy, KB * temperature
    if model.cell is None:
        found = _by_rays(model, target, kt, neutral)
    else:
        found = _of_crystal(model, target, kt, neutral, fillings or Fillings(model, neutral))
    if found is None:
        raise InputError(
            f"carrier_density = {density:g} cm^-{model.dimension}: the bands do not hold so many carriers of this sign "
            f"beside the neutral level {neutral:g} eV (chemical_potential)"
        )
    return found


def carriers_of(energies, mu: float, kt: float, neutral: float) -> tuple[np.ndarray, np.ndarray]:
    """Electrons and holes at points with `energies` (..., N), eV: each of shape (...)."""
    x = (energies - mu) / kt
    full = energies < neutral
    return np.where(full, 0.0, expit(-x)).sum(axis=-1), np.where(full, expit(x), 0.0).sum(axis=-1)


def _root(count: Count, target: float, start: float, step: float, scale: float) -> float | None:
    """Where electrons less holes are `target`, from `start` on in steps, at kT = `scale`; all in eV.

    What is looked at is nearly a straight line where either falls exponentially.
    """

    def excess(mu: float) -> float:
        n, p = count(mu)
        return float(np.log(n + max(-target, 0.0) + _SMALLEST) - np.log(p + max(target, 0.0) + _SMALLEST))

    low = high = start
    while excess(high) < 0:
        low, high, step = high, high + step, 2 * step
        if high - start > _FARTHEST:
            return None
    while excess(low) > 0:
        high, low, step = low, low - step, 2 * step
        if start - low > _FARTHEST:
            return None
    return low if low == high else float(brentq(excess, low, high, xtol=1e-3 * _TOLERANCE * scale, rtol=1e-14))


def _miss(count: Count, mu: float, target: float) -> float:
    n, p = count(mu)
    return abs(n - p - target) / max(abs(target), n, p, _SMALLEST)


def _by_rays(model, target: float, kt: float, neutral: float) -> tuple[float, float] | None:
    edges = nearest_edges(model, neutral)
    fixed = [e for e in (edges.lower, edges.upper, neutral) if np.isfinite(e)]

    def counted(n_angle: int, n_radial: int) -> Count:
        def count(mu: float) -> tuple[float, float]:
            # carriers of a gap sit at its edges, whatever the chemical potential
            beside = fixed if edges.lower < mu < edges.upper else []
            levels = np.union1d(break_energies([mu, *beside], [kt / KB]), fixed)
            k, weight = polar_rule(model, levels, n_angle=n_angle, n_radial=n_radial)
            n, p = carriers_of(band_energies(model, k), mu, kt, neutral)
            return float(weight @ n), float(weight @ p)

        return count

    angles, radial, mu, step = (8 if model.dimension == 2 else 6), 10, neutral, kt
    while True:
        count = counted(angles, radial)
        found = _root(count, target, mu, step, kt)
        if found is None:
            return None
        mu, angles, radial = found, 2 * angles, min(radial + 6, 32)
        error = _miss(counted(angles, radial), mu, target)
        if error <= _TOLERANCE or angles > _MOST_ANGLES[model.dimension]:
            return mu, error
        step = kt * error  # what the finer rule changes is small


class _Cells:
    """Energies in cells of the zone: families, each a parent with its halves."""

    def __init__(self, model, neutral: float):
        self.model, self.neutral = model, neutral
        d = model.dimension
        x, w = np.polynomial.legendre.leggauss(_ORDER[d])
        self.x = np.stack(np.meshgrid(*[(x + 1) / 2] * d, indexing="ij"), axis=-1).reshape(-1, d)
        self.w = np.prod(np.stack(np.meshgrid(*[w / 2] * d, indexing="ij"), axis=-1).reshape(-1, d), axis=1)
        self.halves = np.array(list(itertools.product((0.0, 0.5), repeat=d)))
        self.volume = abs(np.linalg.det(model.cell))
        corner = np.array(list(itertools.product(range(_START[d]), repeat=d))) / _START[d]
        self.points = 0
        # corner and size of the parent; energies of parents (F, P, N) and halves (F, 2^d, P, N)
        self.corner, self.size = corner, np.full(len(corner), 1 / _START[d])
        self.parents = self._energies(corner, self.size)
        self.children = self._children(corner, self.size)

    def _energies(self, corner, size):
        k = corner[:, None] + size[:, None, None] * self.x
        self.points += k.shape[0] * k.shape[1]
        energies = band_energies(self.model, k.reshape(-1, k.shape[-1]) @ self.model.reciprocal_cell)
        return energies.reshape(*k.shape[:2], -1)

    def _corners(self, corner, size):
        return (corner[:, None] + size[:, None, None] * self.halves).reshape(-1, corner.shape[1])

    def _children(self, corner, size):
        count = len(self.halves)
        found = self._energies(self._corners(corner, size), np.repeat(size / 2, count))
        return found.reshape(len(corner), count, *found.shape[1:])

    def shares(self, mu: float, kt: float) -> tuple[np.ndarray, np.ndarray]:
        """Electrons and holes of each family (2, F), and what halving changed in them."""
        weight = self.size**self.model.dimension / self.volume
        parent = np.stack(carriers_of(self.parents, mu, kt, self.neutral)) @ self.w * weight
        halves = np.stack(carriers_of(self.children, mu, kt, self.neutral)) @ self.w
        value = halves.mean(axis=-1) * weight
        return value, np.abs(value - parent)

    def refine(self, chosen) -> None:
        """Make every half of some families a parent."""
        corner = self._corners(self.corner[chosen], self.size[chosen])
        size = np.repeat(self.size[chosen] / 2, len(self.halves))
        parents = self.children[chosen].reshape(-1, *self.children.shape[2:])
        kept = np.ones(len(self.corner), dtype=bool)
        kept[chosen] = False
        children = self._children(corner, size)
        self.corner = np.concatenate([self.corner[kept], corner])
        self.size = np.concatenate([self.size[kept], size])
        self.parents = np.concatenate([self.parents[kept], parents])
        self.children = np.concatenate([self.children[kept], children])


def _by_cells(model, target: float, kt: float, neutral: float) -> tuple[float, float] | None:
    cells, mu, error = _Cells(model, neutral), neutral, np.inf
    hottest = max(kt, _HOTTEST)
    steps = int(np.ceil(np.log2(hottest / kt)))
    for step in range(steps + 1):
        warm = max(hottest * 0.5**step, kt)
        tolerance = _TOLERANCE if step == steps else _COARSE
        while True:

            def count(mu: float, warm: float = warm) -> tuple[float, float]:
                n, p = cells.shares(mu, warm)[0].sum(axis=1)
                return float(n), float(p)

            found = _root(count, target, mu, warm, warm)
            if found is None:
                return None
            mu = found
            value, change = cells.shares(mu, warm)
            error = float(change.sum() / max(abs(target), value.sum(axis=1).max(), _SMALLEST))
            if error <= tolerance or cells.points > _POINTS:
                break
            order = np.argsort(-change.sum(axis=0))
            share = np.cumsum(change.sum(axis=0)[order])
            cells.refine(order[: 1 + int(np.searchsorted(share, 0.9 * share[-1]))])
    # a Gauss rule gains far more by halving than what it changed last
    return mu, error * 2.0**-model.dimension


def _of_crystal(model, target: float, kt: float, neutral: float, fillings: Fillings) -> tuple[float, float] | None:
    """By the method that suits, or by both where the first leaves too much."""
    methods = [
        lambda: _by_cells(model, target, kt, neutral),
        lambda: _by_simplices(fillings, target, kt),
    ]
    if nearest_edges(model, neutral).inside:
        methods.reverse()
    best: tuple[float, float] | None = None
    for method in methods:
        found = method()
        if found is not None and (best is None or found[1] < best[1]):
            best = found
        if best is None or best[1] <= _SETTLED:  # there are not so many, or they are known
            break
    return best


def _by_simplices(fillings: Fillings, target: float, kt: float) -> tuple[float, float] | None:
    mu, error, window = fillings.neutral, np.inf, (-np.inf, np.inf)
    for points in fillings.meshes():
        while True:
            filling = fillings.filling(points, window)

            def count(mu: float, filling: Filling = filling) -> tuple[float, float]:
                return filling.carriers(mu, kt)

            found = _root(count, target, mu, 0.1 * kt, _COARSER * kt)
            if found is None:
                return None
            if filling.holds(found, kt):
                break
            window = min(window[0], 2 * found - mu) - _REACH * kt, max(window[1], 2 * found - mu) + _REACH * kt
        mu = found
        n, p = filling.carriers(mu, kt)
        mesh, nodes = (x / max(abs(target), n, p, _SMALLEST) for x in filling.errors(mu, kt))
        error = mesh + nodes
        if mesh <= _FINE:
            break
        margin = _REACH * kt + _ASIDE * abs(mu - fillings.neutral)
        window = mu - margin, mu + margin
    return mu, error


_SETTLED, _FINE = 1e-3, 5e-4
"""Relative error of a density from which on another method is tried, and that simplices stop at."""

_COARSER = 1e3
"""Times as far from the root as for cells, whose error is smaller."""

_REACH, _ASIDE = 25.0, 0.2
"""Window around the chemical potential of a coarser mesh: kT, and parts of its distance from the neutral level."""
