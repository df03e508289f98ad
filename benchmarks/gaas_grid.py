"""The Boltzmann equation of GaAs electrons on a uniform grid with broadened energies, as Perturbo solves it.

States are those of the corners of all tetrahedra (six in each cube of an N^3 grid) that reach into a window of
energy; the two conduction bands are states of their own (``separate``) or one state of their mean energy.  Rates take a
Gaussian ``G(x) = exp(-(x/s)^2) / (s sqrt(pi))``, cut at 3 s, and leave out phonons below a limit:

    1/tau_k = (2 pi / N^3) sum_k' nu |g|^2 [ (n + f') G(e - e' + w) + (n + 1 - f') G(e - e' - w) ],
    F_k = tau_k (v_k + sum_k' W_kk' F_k'),

conductivity and density from the linear tetrahedron method.

With ``symmetric`` the equation is solved at one k of each star alone: F_k' = O F_k'' with the operation O that takes
the representative k'' to k', one of the 48 of the cube (24 of the crystal, times time reversal).  Rates of the file's
2x2x2 mesh obey them to 1 %, and the conductivity of the 80^3 grid changes by 0.3 %.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from sidejump.bands.states import States, band_energies, solve_states
from sidejump.interactions.first_principles.vertex import PairVertices
from sidejump.units import KB

BANDS = (8, 9)  # the two conduction bands, split by up to 2.6 meV at the Fermi level
TOGETHER = 0.05  # eV: both as one state; the next bands are 0.4 eV away
WINDOW = (9.5, 10.0)
MU = 9.8
STEP = 1e-3  # eV, of the energies of the tetrahedron method
SIEMENS_PER_METRE = 2.434134808e-4 * 1e10  # e^2/(hbar angstrom)


def tetrahedra_of(model, n: int):
    """Grid points (P, 3) in units of 1/n around Gamma, and tetrahedra (X, 4) that reach into the window."""
    reach = int(np.ceil(0.11 * n)) + 1
    line = np.arange(-reach, reach + 1)
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    energy = band_energies(model, points / n @ model.reciprocal_cell)[:, BANDS[0]]
    size = len(line)
    inside = np.flatnonzero((points < reach).all(axis=1))
    corners = []
    for order in itertools.permutations(range(3)):
        step, path = np.zeros(3, dtype=int), [np.zeros(3, dtype=int)]
        for axis in order:
            step = step + np.eye(3, dtype=int)[axis]
            path.append(step)
        corners.append([int(p @ (size**2, size, 1)) for p in path])
    found = (inside[:, None, None] + np.array(corners)).reshape(-1, 4)
    e = energy[found]
    found = found[(e.min(axis=1) <= WINDOW[1]) & (e.max(axis=1) >= WINDOW[0])]
    kept, renamed = np.unique(found, return_inverse=True)
    return points[kept], renamed.reshape(-1, 4)


def stars(model, points, symmetric: bool):
    """Representatives (R, 3), the one of each point (P,), and what takes it to the point (P, 3, 3), Cartesian.

    Representatives have ``x >= y >= z >= 0`` along the axes of the cube.
    """
    if not symmetric:
        return points, np.arange(len(points)), np.broadcast_to(np.eye(3), (len(points), 3, 3))
    axes = np.rint(model.reciprocal_cell / np.abs(model.reciprocal_cell).max()).astype(int)
    place = points @ axes
    order = np.argsort(-np.abs(place), axis=1, kind="stable")
    first, of = np.unique(np.take_along_axis(np.abs(place), order, 1), axis=0, return_inverse=True)
    turn = np.zeros((len(points), 3, 3))
    rows = np.arange(len(points))[:, None]
    turn[rows, order, np.arange(3)] = np.where(np.take_along_axis(place, order, 1) < 0, -1, 1)
    return np.rint(first @ np.linalg.inv(axes)).astype(int), of.ravel(), turn


def grid_states(model, k, separate: bool) -> States:
    """The two bands of each k, one set after the other, or one state of both."""
    if not separate:
        states = solve_states(model, k, np.full(len(k), BANDS[0]), degeneracy=TOGETHER)
    else:
        states = States.joined(*(solve_states(model, k, np.full(len(k), b), degeneracy=-1.0) for b in BANDS))
    return replace(states, covariant=np.zeros_like(states.covariant))  # infinite where bands touch, and not needed


class GridEquation:
    """States, rates out and rates back of one grid.

    Parameters
    ----------
    cases : sequence of (float, float)
        Smearing and lowest phonon energy, eV.
    temperatures : sequence of float
    images : {"file", "hermitian"}
    separate, symmetric : bool

    Attributes
    ----------
    points, rows : int
        k points, and states at which the equation is solved.
    out : ndarray, shape (cases, T, R)
        1/tau, eV.
    back : ndarray, shape (cases, T, R, 3, R, 3)
        ``sum_k' W_kk' O_k'`` over the star of each representative, eV.
    """

    def __init__(self, data, n: int, cases, temperatures, *, images, separate=True, symmetric=False):
        self.n, self.cases, self.temperatures = n, cases, temperatures
        model = data.electrons
        self.volume = float(abs(np.linalg.det(data.cell)))
        points, corners = tetrahedra_of(model, n)
        few, of, turn = stars(model, points, symmetric)
        bands = 2 if separate else 1
        self.points, self.spins = len(points), 2 // bands
        self.corners = np.concatenate([corners + b * len(points) for b in range(bands)])
        states = grid_states(model, points / n @ model.reciprocal_cell, separate)
        self.states = states
        self.of = np.concatenate([of + b * len(few) for b in range(bands)])
        self.turn = np.tile(turn, (bands, 1, 1))
        ends = PairVertices(data, states, images=images, tolerance=0.0 if images == "file" else 3e-4)
        own = grid_states(model, few / n @ model.reciprocal_cell, separate)
        starts = PairVertices(data, own, images=images, factors=ends.factors)
        self.rows, self.own = len(own), own
        shape = (len(cases), len(temperatures), self.rows)
        self.out, self.back = np.zeros(shape), np.zeros((*shape, 3, self.rows, 3), dtype=np.float32)
        self._fill(starts, ends)

    def _fill(self, starts, ends):
        for low in range(0, len(starts.states), 256):
            rows = slice(low, min(low + 256, len(starts.states)))
            for begin in range(0, len(ends.states), 1024):
                columns = slice(begin, min(begin + 1024, len(ends.states)))
                self._add(starts, ends, rows, columns)

    def _add(self, starts, ends, rows: slice, columns: slice):
        """Rates of one block of pairs."""
        transfer = starts.states.energy[rows, None] - ends.states.energy[columns]
        if np.abs(transfer).min() > 0.04 + 3 * max(self.cases)[0]:  # beyond every phonon
            return
        strength, _, omega = starts.block(rows, columns, other=ends)
        members = starts.states.multiplicity[rows, None]
        where = self.of[columns]
        order = np.argsort(where, kind="stable")
        first = np.flatnonzero(np.diff(where[order], prepend=-1))
        turn = self.turn[columns][order]
        for s, (width, lowest) in enumerate(self.cases):
            total = np.zeros((len(self.temperatures), *transfer.shape))
            for mode, w in zip(strength, np.asarray(omega, dtype=float), strict=True):
                near = np.abs(np.abs(transfer) - w) < 3 * width
                i, j = np.nonzero(near & (w > max(lowest, 1e-6)))
                x, w = transfer[i, j], w[i, j]
                g2 = mode[i, j] / members[i, 0] * (2 * np.pi / self.n**3)
                up, down = gaussian(x + w, width) * g2, gaussian(x - w, width) * g2
                for t, temperature in enumerate(self.temperatures):
                    kt = KB * temperature
                    f = 1 / (np.exp((ends.states.energy[columns][j] - MU) / kt) + 1)
                    phonons = 1 / np.expm1(w / kt)
                    total[t, i, j] += up * (phonons + f) + down * (phonons + 1 - f)
            self.out[s, :, rows] += total.sum(axis=2)
            for a, b in itertools.product(range(3), range(3)):
                turned = total[:, :, order] * turn[:, a, b]
                summed = np.add.reduceat(turned, first, axis=2).astype(np.float32)
                self.back[s, :, rows, a, where[order][first], b] += np.moveaxis(summed, 2, 0)

    def solve(self, s: int, t: int, *, limit: int = 300, stop: float = 2e-3) -> dict:
        """Conductivity (S/m): relaxation-time approximation, where Perturbo stops, in the end; density (1/cm^3)."""
        kt = KB * self.temperatures[t]
        tau = 1 / np.maximum(self.out[s, t], 1e-30)
        tau[self.out[s, t] < 1e-12] = 0.0
        matrix = self.back[s, t].reshape(3 * self.rows, 3 * self.rows)
        first = tau[:, None] * self.own.velocity
        last, found = first, {}
        share, density = self._shares(kt)
        relaxation = self._conductivity(first, share)
        before, count = relaxation, 1
        for count in range(2, limit + 1):
            new = first + tau[:, None] * (matrix @ last.ravel().astype(np.float32)).reshape(-1, 3)
            change = np.abs(new - last).max() / np.abs(new).max()
            last = new
            if "sigma_stopped" not in found:
                now = self._conductivity(last, share)
                if np.abs(np.diag(now - before) / np.diag(now)).max() < stop:
                    found = {"sigma_stopped": _mean(now), "stopped_at": count}
                before = now
            if change < 1e-5:
                break
        final = self._conductivity(last, share)
        found |= {"sigma_rta": _mean(relaxation), "sigma_ita": _mean(final), "iterations": count}
        return found | {"density": density * 1e24}

    def _conductivity(self, drift, share):
        """sigma (3, 3), S/m: ``1/V int de (-f0') <v F delta(e - e_k)>``; `share` from `_shares`."""
        full = np.einsum("sab,sb->sa", self.turn, drift[self.of])
        return np.einsum("s,sa,sb->ab", share, self.states.velocity, full) * SIEMENS_PER_METRE

    def _shares(self, kt: float):
        """What ``v F`` of each state counts in sigma (S,), by tetrahedra, and the density, 1/angstrom^3."""
        states = self.states
        energies = np.arange(states.energy.min() - STEP, WINDOW[1] + STEP, STEP)  # those of Perturbo
        f = 1 / (np.exp((energies - MU) / kt) + 1)
        unit = self.spins / self.volume * STEP / (6 * self.n**3)
        share, density = np.zeros(len(states)), 0.0
        for e, occupied in zip(energies, f, strict=True):
            corner, weight = tetrahedron_weights(states.energy, self.corners, e)
            found = np.bincount(corner.ravel(), weights=weight.ravel(), minlength=len(states))
            share += unit * occupied * (1 - occupied) / kt * found
            density += unit * occupied * found.sum()
        return share, float(density)


def _mean(sigma) -> float:
    return float(np.trace(sigma) / 3)


def gaussian(x, width: float):
    return np.exp(-((x / width) ** 2)) / (np.sqrt(np.pi) * width)


def tetrahedron_weights(energy, tetrahedra, level: float):
    """Corners and their weights, both (X, 4), in ``int delta(level - e)`` over tetrahedra of volume 1, all linear."""
    e = energy[tetrahedra]
    crossed = (e.min(axis=1) < level) & (e.max(axis=1) > level)
    corner, e = tetrahedra[crossed], e[crossed]
    order = np.argsort(e, axis=1)
    e, corner = np.take_along_axis(e, order, 1), np.take_along_axis(corner, order, 1)
    tiny = 1e-12
    a, b, c, d = e.T
    weights = np.zeros_like(e)

    def share(i, j):  # barycentric weight of j on the edge i-j
        return (level - e[:, i]) / np.maximum(e[:, j] - e[:, i], tiny)

    low, high = level < b, level >= c
    middle = ~low & ~high
    # one corner below: a triangle
    for case, apex, others in ((low, 0, (1, 2, 3)), (high, 3, (0, 1, 2))):
        if apex == 0:
            shares = [share(0, j) for j in others]
            size = 3 * (level - a) ** 2 / np.maximum((b - a) * (c - a) * (d - a), tiny)
        else:
            shares = [1 - share(j, 3) for j in others]
            size = 3 * (d - level) ** 2 / np.maximum((d - a) * (d - b) * (d - c), tiny)
        for j, x in zip(others, shares, strict=True):
            weights[case, j] += (size * x / 3)[case]
        weights[case, apex] += (size * (1 - sum(shares) / 3))[case]
    # two below: a quadrangle, as two triangles (02 03 12) and (03 12 13)
    points = {}
    for i, j in ((0, 2), (0, 3), (1, 2), (1, 3)):
        x = share(i, j)
        p = np.zeros_like(e)
        p[:, i], p[:, j] = 1 - x, x
        points[i, j] = p
    # density of the quadrangle, split in proportion to the areas of its triangles
    total = (
        3
        / np.maximum((c - a) * (d - a), tiny)
        * (b - a + 2 * (level - b) - (c - a + d - b) * (level - b) ** 2 / np.maximum((c - b) * (d - b), tiny))
    )
    one, two = (
        np.abs(_area(points[0, 2], points[0, 3], points[1, 2])),
        np.abs(_area(points[0, 3], points[1, 2], points[1, 3])),
    )
    part = one / np.maximum(one + two, tiny)
    mean = part[:, None] * (points[0, 2] + points[0, 3] + points[1, 2]) / 3
    mean += (1 - part)[:, None] * (points[0, 3] + points[1, 2] + points[1, 3]) / 3
    weights[middle] = (total[:, None] * mean)[middle]
    return corner, weights


def _area(p, q, r):
    """Area of a triangle in barycentric coordinates, up to a factor common to coplanar triangles."""
    u, v = (q - p)[:, 1:], (r - p)[:, 1:]
    return np.linalg.norm(np.cross(u, v), axis=1)
