"""States of a crystal below an energy, by linear simplices on a uniform mesh: metals, where the step of the filling is
sharp on any mesh.

In a simplex between neighbouring points (a triangle, or a tetrahedron) the energy of a band is linear, and the part of
its volume that lies below E known in closed form (Lehmann and Taut 1972): a polynomial of order d, so that the number
of states N(E) is smooth in E however coarse the mesh is.  Its error is of second order in the spacing; the sub-mesh of
every other point takes the leading term away (Richardson), and that of every fourth one tells what is left.

    n - p = int dE (-df/dE) N(E)  -  N(E_0),

the integral by Gauss nodes of -df/dE: temperature asks for no finer mesh.
"""

from __future__ import annotations

import itertools

import numpy as np

from ..bands.states import band_energies
from ..energy.thermal import thermal_nodes

_CHUNK = 40_000  # points diagonalised at once
_NODES, _FEWER = 31, 19  # of -df/dE, and those that tell what they leave
_LEAST = 1e-7  # weight of a node
_TINY = 1e-300


class States:
    """States below energies inside a window, from the corners of simplices.

    Parameters
    ----------
    energies : ndarray, shape (n1, ..., nd, N)
        eV, on a mesh of the whole zone.
    window : (float, float)
        eV; what lies below it is full, what lies above empty.
    """

    def __init__(self, energies, window: tuple[float, float]):
        d = energies.ndim - 1
        low, high = window
        self.full, rows = 0.0, []
        per_cell = 0
        for order in itertools.permutations(range(d)):
            shift = np.zeros(d, dtype=int)
            corners = [energies]
            for axis in order:  # along the axes one after the other, from a point to the opposite corner of its cell
                shift[axis] = 1
                corners.append(np.roll(energies, -shift, axis=tuple(range(d))))
            e = np.stack(corners, axis=-1).reshape(-1, d + 1)
            top, bottom = e.max(axis=1), e.min(axis=1)
            self.full += float(np.count_nonzero(top <= low))
            rows.append(np.sort(e[(top > low) & (bottom < high)], axis=1))
            per_cell += 1
        self.weight = 1.0 / (per_cell * np.prod(energies.shape[:-1]))
        simplices = np.concatenate(rows)
        # by corners, ordered by the lowest one
        self.corners = np.ascontiguousarray(simplices[np.argsort(simplices[:, 0])].T)
        self._last = np.sort(simplices[:, -1])

    def below(self, levels) -> np.ndarray:
        """States per cell below each of the energies (n,), eV: shape (n,)."""
        found = []
        for level in np.atleast_1d(levels):
            begun = self.corners[:, : np.searchsorted(self.corners[0], level)]
            filled = np.searchsorted(self._last, level, side="right")
            share = _share(begun[:, begun[-1] > level], level).sum()
            found.append(self.weight * (self.full + filled + share))
        return np.array(found)


def _share(e, level: float) -> np.ndarray:
    """Part of each simplex below a level that crosses it, from its sorted corners (d + 1, n)."""
    d = len(e) - 1
    below_second = level < e[1]
    share = np.empty(e.shape[1])
    share[below_second] = _lowest(e[:, below_second], level)
    if d == 2:
        share[~below_second] = 1 - _lowest(-e[::-1, ~below_second], -level)
        return share
    highest = level >= e[2]
    share[highest] = 1 - _lowest(-e[::-1, highest], -level)
    middle = ~(below_second | highest)
    share[middle] = _between(e[:, middle], level)
    return share


def _lowest(e, level: float) -> np.ndarray:
    """Part of simplices below a level between their lowest corner and the next."""
    away = level - e[0]
    found = np.ones(e.shape[1])
    for corner in e[1:]:
        found *= away / np.maximum(corner - e[0], _TINY)
    return found


def _between(e, level: float) -> np.ndarray:
    """Part of tetrahedra below a level with two corners below it and two above."""
    e0, e1, e2, e3 = e
    a, b = e1 - e0, level - e1
    e20, e30, e21, e31 = (np.maximum(x, _TINY) for x in (e2 - e0, e3 - e0, e2 - e1, e3 - e1))
    bent = (e20 + e31) / (e21 * e31)
    return (a**2 + 3 * a * b + 3 * b**2 - bent * b**3) / (e20 * e30)


def _weighty(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Those of the Gauss nodes of -df/dE that have weight, and their weights, in sum 1."""
    x, weight = thermal_nodes(count)
    kept = weight > _LEAST
    return x[kept], weight[kept] / weight[kept].sum()


class Filling:
    """Carriers of a crystal on one mesh.

    Parameters
    ----------
    energies : ndarray, shape (n1, ..., nd, N)
        eV, of :func:`mesh_energies`; every n a multiple of four.
    volume : float
        Of a cell, angstrom^d.
    neutral : float
        eV, up to which the bands of the neutral crystal are full.
    window : (float, float)
        eV: nothing is known beyond it.
    """

    def __init__(self, energies, volume: float, neutral: float, window: tuple[float, float]):
        self.volume, self.window = volume, (min(window[0], neutral), max(window[1], neutral))
        d = energies.ndim - 1
        self._meshes = [States(energies[(slice(None, None, step),) * d], self.window) for step in (1, 2, 4)]
        self._base = [mesh.below(neutral)[0] for mesh in self._meshes]

    def carriers(self, mu: float, kt: float, *, coarser: bool = False, nodes: int = _NODES) -> tuple[float, float]:
        """Electrons and holes, angstrom^-d, without the leading error of the mesh; `coarser`: of every other point."""
        x, weight = _weighty(nodes)
        one, two = (self._meshes[i].below(mu + kt * x) - self._base[i] for i in ((1, 2) if coarser else (0, 1)))
        added, weight = (4 * one - two) / 3, weight / self.volume
        return float(weight @ np.maximum(added, 0)), float(weight @ np.maximum(-added, 0))

    def errors(self, mu: float, kt: float) -> tuple[float, float]:
        """Of electrons less holes, angstrom^-d: what the coarser mesh gives else, and what fewer nodes do."""

        def excess(**options):
            n, p = self.carriers(mu, kt, **options)
            return n - p

        here = excess()
        return abs(excess(coarser=True) - here), abs(excess(nodes=_FEWER) - here)

    def holds(self, mu: float, kt: float) -> bool:
        """Whether the window is wide enough for a chemical potential at kT (eV)."""
        reach = kt * _weighty(_NODES)[0].max()
        return self.window[0] <= mu - reach and mu + reach <= self.window[1]


class Fillings:
    """Meshes of one crystal, kept from one density and temperature to the next.

    Parameters
    ----------
    model : ElectronModel
        With a cell.
    neutral : float
        eV, up to which the bands of the neutral crystal are full.
    """

    def __init__(self, model, neutral: float):
        self.model, self.neutral = model, float(neutral)
        self._volume = abs(np.linalg.det(model.cell))
        self._energies: dict[int, np.ndarray] = {}
        self._fillings: dict[int, Filling] = {}

    def meshes(self) -> list[int]:
        """Points along the longest reciprocal vector, each twice those of the one before, as many as are affordable."""
        found = [_START[self.model.dimension]]
        while np.prod(self._shape(2 * found[-1])) * self.model.n_orbitals <= _MOST:
            found.append(2 * found[-1])
        return found

    def filling(self, points: int, window: tuple[float, float]) -> Filling:
        """That of a mesh with at least this window."""
        known = self._fillings.get(points)
        if known is None or known.window[0] > window[0] or known.window[1] < window[1]:
            if points not in self._energies:
                self._energies[points] = mesh_energies(self.model, self._shape(points))
            if known is not None:
                window = min(window[0], known.window[0]), max(window[1], known.window[1])
            known = Filling(self._energies[points], self._volume, self.neutral, window)
            self._fillings[points] = known
        return known

    def _shape(self, points: int) -> list[int]:
        lengths = np.linalg.norm(self.model.zone_axes, axis=1)
        return [max(8, 4 * int(np.ceil(points * x / lengths.max() / 4 - 1e-9))) for x in lengths]


_START = {2: 64, 3: 16}
_MOST = 2_200_000
"""Points of a mesh times bands."""


def mesh_energies(model, shape) -> np.ndarray:
    """Energies (eV) on a mesh of the zone, shape (n1, ..., nd, N)."""
    axes = [np.arange(n) / n for n in shape]
    k = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    blocks = [band_energies(model, part @ model.zone_axes) for part in np.array_split(k, 1 + len(k) // _CHUNK)]
    return np.concatenate(blocks).reshape(*shape, -1)
