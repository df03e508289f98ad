"""Isoenergy surfaces in three dimensions: one point for each cell of k space and band.

Weights come from linear tetrahedra in half-edge sub-cells with true corner energies; the point is the centroid of the
cut, moved onto the exact energy.  Cells over which the state turns too far are split into eight.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..electrons.states import solve_states
from .newton import move_onto
from .shell import Shell

_CORNERS = np.array(list(itertools.product(range(3), repeat=3)))
_AXIS_ORDERS = list(itertools.permutations(range(3)))
_EDGES = np.array(list(itertools.combinations(range(4), 2)))
THREADS = 2


def surface_shell(model, energy, *, spacing, turn, levels, degeneracy) -> Shell | None:
    """The surfaces of all bands at `energy`; None if there are none."""
    origin, axes = _domain(model, energy)
    # an edge of a cell is at most the spacing
    counts = np.maximum(4, np.ceil(np.linalg.norm(axes, axis=1) / spacing).astype(int))
    cells = np.stack(np.meshgrid(*map(np.arange, counts), indexing="ij"), -1).reshape(-1, 3)
    bands = None
    done = []
    for level in range(levels + 1):
        if not len(cells):
            break
        mesh = _Mesh(model, origin, axes, counts * 2 ** (level + 1))
        cells, bands, energies = _crossed(mesh, cells, bands, energy, degeneracy)
        if not len(cells):
            break
        weight, centre = _cut(energies, energy, mesh)
        k = mesh.cartesian(2 * cells + centre)
        edge = np.linalg.norm(2 * mesh.steps, axis=1).max()
        k, v, error = move_onto(model, k, bands, energy, largest_step=0.5 * edge, tolerance=1e-9)
        split = np.zeros(len(k), dtype=bool)
        if turn is not None and level < levels:
            split = _turning(model, k, bands, degeneracy) * edge > turn
        stay = ~split
        done.append((k[stay], bands[stay], weight[stay], np.linalg.norm(v[stay], axis=1), error[stay]))
        children = 2 * cells[split][:, None] + np.array(list(itertools.product(range(2), repeat=3)))
        cells, bands = children.reshape(-1, 3), np.repeat(bands[split], 8)
    if not done:
        return None
    k, band, weight, speed, error = (np.concatenate(x) for x in zip(*done, strict=True))
    used = weight > 0
    return Shell(
        energy=energy,
        k=k[used],
        band=band[used],
        weight=weight[used],
        area=(weight * speed)[used] * (2 * np.pi) ** 3,
        sheet=np.unique(band[used], return_inverse=True)[1],
        unconverged=int((error[used] > 1e-6).sum()),
    )


class _Mesh:
    """Energies on the nodes of a uniform mesh, computed when asked for; nodes are integer triples."""

    def __init__(self, model, origin, axes, counts):
        self.model, self.origin, self.counts = model, origin, counts
        self.steps = axes / counts[:, None]
        self.periodic = model.cell is not None

    def cartesian(self, nodes):
        return self.origin + nodes @ self.steps

    def energies(self, nodes):
        """Energies at integer nodes (..., 3): shape (..., N)."""
        flat = nodes.reshape(-1, 3)
        if self.periodic:
            flat = flat % self.counts
        top = flat.max(axis=0) + 1
        key = np.ravel_multi_index(flat.T, top)
        unique, inverse = np.unique(key, return_inverse=True)
        wanted = np.stack(np.unravel_index(unique, top), axis=-1)
        values = threaded_energies(self.model, self.cartesian(wanted))
        return values[inverse].reshape(*nodes.shape[:-1], -1)


def threaded_energies(model, k, chunk: int = 1024):
    """Energies of all bands at k, shape (nk, N), eV; the eigensolver releases the interpreter lock."""
    pieces = [k[i : i + chunk] for i in range(0, len(k), chunk)]
    with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
        return np.concatenate(list(pool.map(lambda p: np.linalg.eigvalsh(model.hamiltonian(p)), pieces)))


def _crossed(mesh, cells, bands, energy, degeneracy):
    """Cells and bands whose corner energies straddle `energy`, with the energies at their 27 nodes."""
    found = []
    for i in range(0, len(cells), 4096):
        part = cells[i : i + 4096]
        values = mesh.energies(2 * part[:, None] + _CORNERS)  # (c, 27, N)
        if values.shape[-1] > 1:
            # the upper members of a group that is degenerate throughout the cell give no second point
            gap = np.diff(values, axis=-1).max(axis=1)
            repeated = np.concatenate([np.zeros((len(part), 1), bool), gap < degeneracy], axis=1)
        else:
            repeated = np.zeros((len(part), 1), bool)
        crossed = (values.min(axis=1) < energy) & (values.max(axis=1) > energy) & ~repeated
        if bands is not None:
            crossed &= np.arange(values.shape[-1]) == bands[i : i + 4096, None]
        cell, band = np.nonzero(crossed)
        found.append((part[cell], band, values[cell, :, band]))
    return tuple(np.concatenate(x) for x in zip(*found, strict=True))


def _tetrahedra():
    """Node indices (48, 4) of the six tetrahedra of each of the eight sub-cells."""
    index = {tuple(c): i for i, c in enumerate(_CORNERS)}
    rows = []
    for corner in itertools.product(range(2), repeat=3):
        for order in _AXIS_ORDERS:
            node = np.array(corner)
            row = [index[tuple(node)]]
            for axis in order:
                node = node + np.eye(3, dtype=int)[axis]
                row.append(index[tuple(node)])
            rows.append(row)
    return np.array(rows)


_TETRAHEDRA = _tetrahedra()


def _cut(energies, energy, mesh):
    """Linear-tetrahedron weights (1/(eV A^3)) and centroids of the cut (in nodes), for cells (X, 27)."""
    volume = abs(np.linalg.det(mesh.steps)) / 6
    weights, centres = [], []
    for i in range(0, len(energies), 4096):
        w, c = _cut_block(energies[i : i + 4096], energy)
        weights.append(w * volume / (2 * np.pi) ** 3)
        centres.append(c)
    return np.concatenate(weights), np.concatenate(centres)


def _cut_block(energies, energy):
    e = energies[:, _TETRAHEDRA]  # (X, 48, 4)
    density = _tetrahedron_density(np.sort(e, axis=-1), energy)
    # the cut polygon: its vertices lie on the edges that straddle the energy
    a, b = e[..., _EDGES[:, 0]] - energy, e[..., _EDGES[:, 1]] - energy
    crossing = a * b < 0
    t = np.where(crossing, a / np.where(crossing, a - b, 1.0), 0.0)
    p = _CORNERS[_TETRAHEDRA].astype(float)  # (48, 4, 3)
    start, end = p[:, _EDGES[:, 0]], p[:, _EDGES[:, 1]]
    vertex = start + t[..., None] * (end - start)
    count = np.maximum(crossing.sum(axis=-1), 1)
    middle = (vertex * crossing[..., None]).sum(axis=2) / count[..., None]
    total = density.sum(axis=1)
    centre = (middle * density[..., None]).sum(axis=1) / np.maximum(total, 1e-300)[:, None]
    return total, np.where(total[:, None] > 0, centre, 1.0)


def _tetrahedron_density(e, energy):
    """Density of states of linear tetrahedra per volume, for sorted corner energies (..., 4)."""
    e1, e2, e3, e4 = (e[..., i] for i in range(4))
    tiny = 1e-14

    def inverse(x):
        return 1 / np.maximum(x, tiny)

    x = energy
    low = 3 * (x - e1) ** 2 * inverse(e2 - e1) * inverse(e3 - e1) * inverse(e4 - e1)
    middle = (
        inverse(e3 - e1)
        * inverse(e4 - e1)
        * (3 * (e2 - e1) + 6 * (x - e2) - 3 * (e3 - e1 + e4 - e2) * (x - e2) ** 2 * inverse(e3 - e2) * inverse(e4 - e2))
    )
    high = 3 * (e4 - x) ** 2 * inverse(e4 - e1) * inverse(e4 - e2) * inverse(e4 - e3)
    result = np.where((e1 < x) & (x <= e2), low, 0.0)
    result = np.where((e2 < x) & (x <= e3), middle, result)
    return np.where((e3 < x) & (x < e4), high, result)


def _turning(model, k, bands, degeneracy, chunk: int = 1024):
    pieces = [(k[i : i + chunk], bands[i : i + chunk]) for i in range(0, len(k), chunk)]
    with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
        rates = pool.map(lambda p: solve_states(model, *p, degeneracy=degeneracy).interband, pieces)
        return np.concatenate(list(rates))


def _domain(model, energy):
    if model.cell is not None:
        return np.zeros(3), model.reciprocal_cell
    half = model.search_half_width or _enclosing_half_width(model, energy)
    return np.full(3, -half), 2 * half * np.eye(3)


def _enclosing_half_width(model, energy) -> float:
    """Half width of a box around k = 0 that encloses every surface of a k.p model."""
    index = np.arange(200) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / 200), np.pi * (1 + 5**0.5) * index
    rays = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
    radii = model.k_scale * np.geomspace(1e-3, 1e4, 141)
    energies = threaded_energies(model, (radii[:, None, None] * rays).reshape(-1, 3))
    above = (energies > energy).reshape(len(radii), -1)
    change = np.flatnonzero((above[1:] != above[:-1]).any(axis=1))
    return float(1.2 * radii[change[-1] + 1]) if len(change) else float(model.k_scale)
