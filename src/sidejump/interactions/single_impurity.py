"""The T-matrix of one zero-range impurity in the space of the orbitals: all orders of its potential.

A potential ``U W delta(r)`` scatters between all k alike, so that with the Green function at its place,

    G(e) = int d^dk / (2 pi)^d  (e + i0 - H(k))^-1,        T = U W (1 - G U W)^-1,

T is an (N, N) matrix, and the golden rule with T in place of V is exact for one impurity.  Its first orders are what
rates are made of: U W in the Born approximation, ``U^2 W G W`` with Im G in conventional skew scattering.  The integral
is over the Brillouin zone of a crystal; in a k.p model it grows with the largest k, and a cut-off has to be given.

G(e + i eta) is an analytic function of eta above the real axis: it is summed on a mesh at several eta, which a mesh
resolves, and carried to zero by the polynomial through them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..bands.vertex import vertex_matrix
from ..errors import InputError, SidejumpWarning
from ..rules import checked
from ..units import strength_from_nm
from .parameters import TMatrixParameters

_WIDTHS = 3.0 + 2.0 * np.cos(np.pi * (np.arange(6) + 0.5) / 6)
"""Values of eta at which G is summed, in units of the least one: Chebyshev points."""

_ON_A_RAY, _IN_A_ZONE = 4.0, 2.5
"""The least eta over the spacing of energies along a mesh: what the mesh leaves falls exponentially with it."""

_FIRST = {2: 48, 3: 12}
"""Points along an axis at the first attempt."""

_WORK = 2e7
"""Points times the square of the number of orbitals, of the last."""

_ANGLES = {2: 48, 3: 14}
"""k.p models: directions in the plane, and of the polar angle."""

_CHUNK = 4096
"""Points at a time."""

_SETTLED, _UNSETTLED = 1e-5, 0.05
"""Relative change by the last mesh with which it is good enough; and that from which on a warning says so."""


@dataclass(frozen=True)
class TMatrix:
    """Of one impurity.

    Attributes
    ----------
    energy : float
        eV.
    green : ndarray, shape (N, N)
        G, 1/(eV angstrom^d).
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
        Whose orbitals share one site.
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
    if (cutoff is None) == (model.cell is None):
        raise InputError(
            "cutoff: give the largest |k| of a k.p model (1/angstrom); the Green function grows with it"
            if cutoff is None
            else "cutoff: the Brillouin zone of a crystal is finite; leave it out"
        )
    given = checked(TMatrixParameters, "t_matrix", strength=strength, energy=energy, cutoff=cutoff, vertex=vertex)
    strength, energy = given.strength, given.energy
    if model.cell is not None and np.ptp(model.site_positions, axis=0).max() > 1e-9:
        raise InputError("t_matrix: the orbitals of this model lie on several sites, and a zero-range impurity on one")
    born = strength_from_nm(strength, model.dimension) * vertex_matrix(vertex, model)
    green, error = _green(model, float(energy), cutoff)
    if error > _UNSETTLED:
        warnings.warn(
            f"t_matrix: the Green function at {energy:g} eV still changed by {100 * error:.2g} % with the last mesh: "
            "an edge or a saddle of a band may be near",
            SidejumpWarning,
            stacklevel=2,
        )
    matrix = born @ np.linalg.inv(np.eye(len(born)) - green @ born)
    return TMatrix(float(energy), green, born, matrix, error)


def _green(model, energy: float, cutoff: float | None) -> tuple[np.ndarray, float]:
    """G, and its relative change by the last mesh."""
    d = model.dimension
    axes, directions = (d, 1) if cutoff is None else (1, _ANGLES[d] * (1 if d == 2 else 2 * _ANGLES[d]))
    count, last, change = _FIRST[d], None, np.inf
    while True:
        found = _summed(model, energy, cutoff, count)
        if last is not None:
            change = float(np.abs(found - last).max() / np.abs(found).max())
        if change < _SETTLED or (2 * count) ** axes * directions * model.n_orbitals**2 > _WORK:
            return found, change
        count, last = 2 * count, found


def _summed(model, energy: float, cutoff: float | None, count: int) -> np.ndarray:
    """G from a mesh of so many points along an axis or a ray."""
    spacing = (np.linalg.norm(model.reciprocal_cell, axis=1).max() if cutoff is None else cutoff) / count
    widths = None
    total: np.ndarray | None = None
    for k, weight in _mesh(model, cutoff, count):
        if widths is None:
            slope = np.linalg.norm(model.hamiltonian_gradient(_sample(model, cutoff)), axis=(2, 3), ord=2).max()
            width = (_IN_A_ZONE if cutoff is None else _ON_A_RAY) * spacing * slope
            widths = width * _WIDTHS
            total = np.zeros((len(widths), model.n_orbitals, model.n_orbitals), dtype=complex)
        energies, u = np.linalg.eigh(model.hamiltonian(k))
        inverse = weight / (energy + 1j * widths[:, None, None] - energies)
        total += np.einsum("kin,wkn,kjn->wij", u, inverse, u.conj(), optimize=True)
    assert total is not None
    # Lagrange polynomials at eta = 0
    apart = _WIDTHS[:, None] - _WIDTHS + np.eye(len(_WIDTHS))
    factors = np.where(np.eye(len(_WIDTHS), dtype=bool), 1.0, -_WIDTHS / apart).prod(axis=1)
    return np.tensordot(factors, total, axes=1)


def _sample(model, cutoff: float | None) -> np.ndarray:
    """Points at which slopes of bands are looked at."""
    random = np.random.default_rng(0)
    if cutoff is None:
        return random.uniform(-0.5, 0.5, (64, model.dimension)) @ model.reciprocal_cell
    direction = random.normal(size=(64, model.dimension))
    return direction * cutoff * random.uniform(0, 1, (64, 1)) / np.linalg.norm(direction, axis=1)[:, None]


def _mesh(model, cutoff: float | None, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Points k (n, d) and weights (n, 1), in pieces: their sum is the integral over k, over (2 pi)^d."""
    d = model.dimension
    if cutoff is None:
        axis = (np.arange(count) + 0.5) / count
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
    angles = _ANGLES[d]
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
