"""The T-matrix of one zero-range impurity in the space of the orbitals: all orders of its potential.

A potential ``U W delta(r)`` scatters between all k alike, so that with the Green function at its place,

    G(e) = int d^dk / (2 pi)^d  (e + i0 - H(k))^-1,        T = U W (1 - G U W)^-1,

T is an (N, N) matrix, and the golden rule with T in place of V is exact for one impurity.  Its first orders are what
rates are made of: U W in the Born approximation, ``U^2 W G W`` with Im G in conventional skew scattering.  The integral
is over the Brillouin zone of a crystal; in a k.p model it grows with the largest k, and a cut-off has to be given.

W may act on the orbitals of one site alone: then T is a matrix between these, and G that of these.

G(e + i eta) is an analytic function of eta above the real axis: it is summed on a mesh at several eta, which a mesh
resolves, and carried to zero by the polynomial through them.  A mesh of a crystal holds the point k = 0, so that G has
the symmetry of the crystal.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..bands.eigen import eigensystem
from ..bands.remembered import remembered
from ..bands.vertex import vertex_matrix
from ..errors import InputError, SidejumpWarning
from ..rules import checked
from ..units import strength_from_nm
from .parameters import TMatrixParameters

_WIDTHS = 3.0 + 2.0 * np.cos(np.pi * (np.arange(6) + 0.5) / 6)
"""Values of eta at which G is summed, in units of the least one: Chebyshev points."""

_ON_A_RAY, _IN_A_ZONE = 4.0, 1.0
"""The least eta over the spacing of energies along a mesh: what the mesh leaves falls exponentially with it."""

_FIRST = {2: 48, 3: 12}
"""Points along an axis at the first attempt."""

_WORK = 2e7
"""Points of the last mesh, times the power 3/2 of the number of orbitals that the potential acts on."""

_ANGLES = {2: 12, 3: 6}
"""k.p models: directions in the plane, and of the polar angle, at the first attempt."""

_SAMPLE, _NEAREST, _NEAR = 1000, 20, 3.0
"""Points at which slopes of bands are looked at; of the states there, how many count however far their energy is, and
how far that may be of others, over what it changes between points of the mesh."""

_CHUNK = 4096
"""Points at a time."""

_SETTLED, UNSETTLED = 3e-4, 0.05
"""Relative change by the last mesh with which it is good enough; and that from which on a warning says so."""

_ONE_SITE = 1e-9
"""Distance of sites (angstrom) that are one."""

SAME_ENERGY = 6
"""Decimals of an energy (eV) with which G is remembered."""


@dataclass(frozen=True)
class TMatrix:
    """Of one impurity.

    Attributes
    ----------
    energy : float
        eV.
    green : ndarray, shape (N, N)
        G between the orbitals that W acts on, zero elsewhere, 1/(eV angstrom^d).
    born : ndarray, shape (N, N)
        U W, eV angstrom^d.
    matrix : ndarray, shape (N, N)
        T, eV angstrom^d.
    error : float
        Relative change of G with the last mesh.

    Examples
    --------
    >>> import sidejump as sj
    >>> found = sj.t_matrix(sj.MassiveDirac(mass=0.05, velocity=3.0), strength=0.1, energy=0.1, cutoff=1.0)
    >>> bool(found.strength < 0.1)
    True
    """

    energy: float
    green: np.ndarray
    born: np.ndarray
    matrix: np.ndarray
    error: float

    @property
    def strength(self) -> float:
        """Largest singular value of ``G U W``: small where the Born approximation holds; at 1 the series ends."""
        return float(np.linalg.norm(self.green @ self.born, 2))


def t_matrix(model, *, strength: float, energy: float, cutoff: float | None = None, vertex="identity") -> TMatrix:
    """The T-matrix of a zero-range impurity.

    Parameters
    ----------
    model : ElectronModel
        The orbitals that W acts on share one site.
    strength : float
        U in eV nm^2 (2D) or eV nm^3 (3D), as :func:`.impurity` takes it.
    energy : float
        eV.
    cutoff : float, optional
        Largest |k| of a k.p model, 1/angstrom: required there, and there alone.
    vertex : str or ndarray, shape (N, N)
        As of :func:`.impurity`.

    Returns
    -------
    TMatrix

    Raises
    ------
    InputError
        If the cut-off is missing or has no meaning, or the orbitals lie on different sites.
    """
    given = checked(TMatrixParameters, "t_matrix", strength=strength, energy=energy, cutoff=cutoff, vertex=vertex)
    potential = PointPotential.of(model, given.strength, cutoff, vertex)
    energy = float(given.energy)
    green, error = (x[0] for x in potential.green([energy]))
    if unsettled(potential, [energy]):
        warnings.warn(
            f"t_matrix: the Green function at {energy:g} eV still changed by {100 * error:.2g} % with the last mesh: "
            "an edge or a saddle of a band may be near",
            SidejumpWarning,
            stacklevel=2,
        )
    full = np.zeros_like(potential.matrix)
    full[np.ix_(potential.orbitals, potential.orbitals)] = green
    born, matrix = potential.strength * potential.matrix, potential.strength * potential.relative([energy])[0]
    return TMatrix(energy, full, born, matrix, float(error))


def unsettled(potential: PointPotential, energies) -> dict[float, float]:
    """Energies (eV) at which the last mesh still changes G by much, and by how much."""
    changes = potential.green(energies)[1]
    return {float(e): float(c) for e, c in zip(energies, changes, strict=True) if c > UNSETTLED}


@dataclass(frozen=True)
class PointPotential:
    """``U W delta(r)`` in the bands of a model.

    Attributes
    ----------
    model : ElectronModel
    strength : float
        U, eV angstrom^d.
    matrix : ndarray, shape (N, N)
        W.
    orbitals : tuple of int
        Those that it acts on, of one site.
    cutoff : float or None
        Largest |k| of a k.p model, 1/angstrom.
    """

    model: Any
    strength: float
    matrix: np.ndarray
    orbitals: tuple[int, ...]
    cutoff: float | None

    @classmethod
    def of(cls, model, strength: float, cutoff: float | None, vertex, place: str = "t_matrix") -> PointPotential:
        """That of U = `strength` (eV nm^d) and a vertex, as :func:`t_matrix` takes them; `place`: who asks.

        Raises
        ------
        InputError
            If the cut-off is missing or has no meaning, or W acts on orbitals of different sites.
        """
        if (cutoff is None) == (model.cell is None):
            raise InputError(
                f"{place}: cutoff: give the largest |k| of a k.p model (1/angstrom); the Green function grows with it"
                if cutoff is None
                else f"{place}: cutoff: the Brillouin zone of a crystal is finite; leave it out"
            )
        matrix = vertex_matrix(vertex, model)
        acts = np.flatnonzero(matrix.any(axis=1))
        if model.cell is not None and len(acts) and np.ptp(model.site_positions[acts], axis=0).max() > _ONE_SITE:
            raise InputError(
                f"{place}: the potential acts on orbitals that lie on several sites, and a zero-range impurity is on "
                "one; give a vertex, the matrix of the orbitals of one site"
            )
        return cls(model, strength_from_nm(strength, model.dimension), matrix, tuple(map(int, acts)), cutoff)

    def green(self, energies) -> tuple[np.ndarray, np.ndarray]:
        """G between these orbitals at energies (E,), eV: (E, n, n), and its relative change by the last mesh, (E,)."""
        return self._green(energies)[:2]

    def _green(self, energies) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rounded = np.round(np.asarray(energies, dtype=float), SAME_ENERGY)
        return _green(self.model, [float(e) for e in rounded], self.cutoff, self.orbitals)

    def relative(self, energies, sign: int = 1) -> np.ndarray:
        """T over U at these energies, (E, N, N); `sign`: -1 for a potential of the other sign."""
        found = np.zeros((len(energies), *self.matrix.shape), dtype=complex)
        matrix = self.matrix[np.ix_(self.orbitals, self.orbitals)]
        series = np.eye(len(matrix)) - sign * self.strength * self.green(energies)[0] @ matrix
        found[np.ix_(range(len(found)), self.orbitals, self.orbitals)] = matrix @ np.linalg.inv(series)
        return found

    def doubt(self, energies, sign: int = 1) -> np.ndarray:
        """By how much what further meshes would change of G may change rates, relatively, (E,): ``2 |T| |dG|``."""
        green, _, left = self._green(energies)
        size = np.abs(green).max(axis=(1, 2), initial=0.0)
        return 2 * abs(self.strength) * np.linalg.norm(self.relative(energies, sign), 2, axis=(1, 2)) * left * size


@remembered
def _known(model, cutoff: float | None, orbitals) -> dict[float, tuple[np.ndarray, float, float]]:
    """What has been found of G, by energy."""
    return {}


def _green(model, energies, cutoff: float | None, orbitals) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """G between some orbitals at several energies, its relative changes by the last meshes, and what these leave."""
    known = _known(model, cutoff, orbitals)
    missing = np.array(sorted(set(energies) - set(known)))
    if len(missing):
        most = _WORK / max(1, len(orbitals)) ** 1.5
        summed = partial(_summed, model, cutoff=cutoff, orbitals=orbitals)
        values, _, *sizes = refined(summed, missing, model.dimension, cutoff, most)
        known.update(zip(map(float, missing), zip(values, *sizes, strict=True), strict=True))
    green, change, left = zip(*(known[e] for e in energies), strict=True)
    return np.array(green), np.array(change), np.array(left)


def refined(
    summed: Callable[..., np.ndarray],
    energies,
    d: int,
    cutoff: float | None,
    most: float,
    *,
    settled: float = _SETTLED,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The points along an axis or a ray are doubled until a sum stands still, and with them, where they matter,
    directions: for each energy by itself, whatever others are asked for with it; eigenvectors serve all that have the
    same mesh.

    What is left is the sum of further changes, if each were as much less than the one before as the last one is; no
    more than the last.

    Parameters
    ----------
    summed : callable
        ``summed(energies, count=, angles=)``, of a mesh of so many points along an axis, or along a ray in so many
        directions: (E, n, n).
    energies : ndarray, shape (E,)
    d : int
        Dimension.
    cutoff : float or None
        None: the mesh is that of a Brillouin zone.
    most : float
        Points of the last mesh.
    settled : float
        Relative change by the last mesh with which it is good enough.

    Returns
    -------
    values, step, change, left : ndarray, shape (E, n, n), (E, n, n), (E,), (E,)
        The sum, what the last mesh added to it, the same as a relative size, and what further ones leave.
    """
    change, before = np.full((2, len(energies)), np.inf)

    def apart(one, other):
        size = np.abs(other).max(axis=(1, 2), initial=np.finfo(float).tiny)
        return np.abs(other - one).max(axis=(1, 2), initial=0.0) / size

    every = np.arange(len(energies))
    waiting = [(_FIRST[d], 1 if cutoff is None else _ANGLES[d], every)]
    values = summed(energies, count=waiting[0][0], angles=waiting[0][1])
    step = np.zeros_like(values)
    while waiting:
        count, angles, some = waiting.pop()
        count *= 2
        found = summed(energies[some], count=count, angles=angles)
        along = apart(values[some], found)
        around, both = np.zeros(len(some)), found
        if cutoff is not None:
            both = summed(energies[some], count=count, angles=2 * angles)
            around = apart(found, both)
        step[some], values[some] = both - values[some], both
        before[some], change[some] = change[some], np.maximum(along, around)
        for wide in (False, True):
            here = some[(around > settled) == wide]
            further = angles * (1 + wide)
            points = (2 * count) ** d if cutoff is None else 2 * count * _directions(2 * further, d)
            left = here[change[here] > settled]
            if len(left) and points <= most:
                waiting.append((count, further, left))
    fall = np.where(np.isfinite(before) & (before > 2 * change), change / np.where(before > 0, before, 1.0), 0.5)
    return values, step, change, change * fall / (1 - fall)


def _directions(angles: int, d: int) -> int:
    return angles if d == 2 else 2 * angles**2


def _summed(model, energies, *, cutoff: float | None, orbitals, count: int, angles: int) -> np.ndarray:
    """G from a mesh of so many points along an axis, or along a ray in so many directions, (E, n, n)."""

    def bands(k, weight):
        levels, u = eigensystem(model.hamiltonian(k))
        kets = np.swapaxes(u[:, list(orbitals)], 0, 1).reshape(len(orbitals), -1)  # (n, k N)
        return levels.ravel(), kets, kets.conj().T, np.repeat(weight[:, 0], levels.shape[1])

    def at(z, known):
        levels, kets, bras, weights = known
        return (kets * (weights / (z - levels))) @ bras

    return on_real_axis(model, energies, cutoff, count, angles, bands, at)


def on_real_axis(
    model, energies, cutoff: float | None, count: int, angles: int, bands, at, *, above: float = 1.0
) -> np.ndarray:
    """Integral over k of a function of ``z = e + i0``, (E, n, n), from a mesh.

    Parameters
    ----------
    bands : callable
        ``bands(k, weight)``: what is known of points k (n, d) and their weights (n, 1).
    at : callable
        ``at(z, known)``: their part of the integral, (n, n), analytic above the real axis.
    above : float
        How far above it z lies, over what does for simple poles.
    """
    spacing = (np.linalg.norm(model.reciprocal_cell, axis=1).max() if cutoff is None else cutoff) / count
    least = _least_widths(model, energies, cutoff, above * (_IN_A_ZONE if cutoff is None else _ON_A_RAY) * spacing)
    z = np.asarray(energies)[:, None] + 1j * least[:, None] * _WIDTHS
    total: Any = 0.0
    for k, weight in _mesh(model, cutoff, count, angles):
        known = bands(k, weight)
        total = total + np.stack([np.stack([at(x, known) for x in row]) for row in z])
    # Lagrange polynomials at eta = 0
    apart = _WIDTHS[:, None] - _WIDTHS + np.eye(len(_WIDTHS))
    factors = np.where(np.eye(len(_WIDTHS), dtype=bool), 1.0, -_WIDTHS / apart).prod(axis=1)
    return np.einsum("w,ewij->eij", factors, total)


def _least_widths(model, energies, cutoff: float | None, distance: float) -> np.ndarray:
    """By how much energies change over a distance (1/angstrom) in states about as near to each energy, (E,), eV."""
    random, d = np.random.default_rng(0), model.dimension
    if cutoff is None:
        k = random.uniform(-0.5, 0.5, (_SAMPLE, d)) @ model.reciprocal_cell
    else:
        k = random.normal(size=(_SAMPLE, d))
        k *= cutoff * random.uniform(0, 1, (_SAMPLE, 1)) / np.linalg.norm(k, axis=1)[:, None]
    levels, u = eigensystem(model.hamiltonian(k))
    slopes = np.einsum("kin,kdij,kjn->knd", u.conj(), model.hamiltonian_gradient(k), u, optimize=True).real
    change = distance * np.linalg.norm(slopes, axis=2).ravel()
    found = []
    for energy in energies:
        away = np.abs(energy - levels.ravel())
        near = (away < _NEAR * change) | (away <= np.partition(away, _NEAREST)[_NEAREST])
        found.append(change[near].max())
    return np.array(found)


def _mesh(model, cutoff: float | None, count: int, angles: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Points k (n, d) and weights (n, 1), in pieces: their sum is the integral over k, over (2 pi)^d."""
    d = model.dimension
    if cutoff is None:
        axis = np.arange(count) / count
        grid = np.stack(np.meshgrid(*[axis] * d, indexing="ij"), axis=-1).reshape(-1, d)
        volume = abs(np.linalg.det(model.reciprocal_cell)) / (2 * np.pi) ** d / len(grid)
        for i in range(0, len(grid), _CHUNK):
            part = grid[i : i + _CHUNK] @ model.reciprocal_cell
            yield part, np.full((len(part), 1), volume)
        return
    x, w = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(0, cutoff, max(1, count // 8) + 1)
    half = 0.5 * np.diff(edges)
    radius = (edges[:-1, None] + half[:, None] * (1 + x)).ravel()
    radial = (half[:, None] * w).ravel() * radius ** (d - 1) / (2 * np.pi) ** d
    if d == 2:
        phi = 2 * np.pi * (np.arange(angles) + 0.5) / angles
        direction = np.stack([np.cos(phi), np.sin(phi)], axis=1)
        solid = np.full(angles, 2 * np.pi / angles)
    else:
        z, wz = np.polynomial.legendre.leggauss(angles)
        phi = np.pi * (np.arange(2 * angles) + 0.5) / angles
        rim = np.sqrt(1 - z**2)[:, None]
        direction = np.stack([rim * np.cos(phi), rim * np.sin(phi), z[:, None] + 0 * phi], axis=-1).reshape(-1, 3)
        solid = np.repeat(wz * np.pi / angles, 2 * angles)
    step = max(1, _CHUNK // len(direction))
    for i in range(0, len(radius), step):
        k = radius[i : i + step, None, None] * direction
        weight = radial[i : i + step, None] * solid
        yield k.reshape(-1, d), weight.reshape(-1, 1)
