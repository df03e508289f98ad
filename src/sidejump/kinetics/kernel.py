"""The scattering kernel: ``2 pi |V0(q)|^2 T(omega_q / kT)`` summed over branches, tabulated against |q|."""

from __future__ import annotations

import numpy as np

from .energy_basis import Y_MAX, EnergyBasis

GRID = 1024


class ScatteringKernel:
    """Kernel of all branches of one vertex at one temperature, as a function of |q|.

    Values are interpolated in ``t = sqrt(q / q_max)`` with four-point Lagrange polynomials.

    Attributes
    ----------
    cutoff : float
        |q| (1/angstrom) beyond which nothing scatters.
    pair : ndarray, shape (GRID, m, m)
        ``2 pi sum |V0|^2 T_ab``, eV^2 angstrom^d.
    triple : ndarray, shape (GRID, m, m, m)
        The same with T_acb (inelastic branches only).
    elastic : ndarray, shape (GRID, m)
        ``2 pi sum |V0|^2 m_a``: static scatterers, which do not couple different nodes.
    """

    def __init__(self, branches, basis: EnergyBasis, kt: float, q_max: float, *, q_floor: float):
        reach = [_reach(b, kt, q_max) for b in branches]
        self.cutoff = max(reach)
        self.q_max = self.cutoff * (1 + 1e-9)
        self.q_floor = q_floor
        t = np.linspace(0, 1, GRID)
        q = np.maximum(self.q_max * t**2, q_floor)
        m = basis.size
        self.pair = np.zeros((GRID, m, m))
        self.triple = np.zeros((GRID, m, m, m))
        self.elastic = np.zeros((GRID, m))
        for branch in branches:
            coupling = 2 * np.pi * np.asarray(branch.coupling(q))
            if branch.phonon_energy is None:
                self.elastic += coupling[:, None] * basis.thermal_weight
            else:
                y = np.asarray(branch.phonon_energy(q)) / kt
                self.pair += coupling[:, None, None] * basis.pair(y)
                self.triple += coupling[:, None, None, None] * basis.triple(y)
        self.pair_flat = self.pair.ravel()
        self.triple_flat = self.triple.ravel()
        self.elastic_flat = self.elastic.ravel()
        self.has_elastic = any(b.phonon_energy is None for b in branches)
        self.has_phonons = any(b.phonon_energy is not None for b in branches)

    def locate(self, q):
        """Grid index and Lagrange weights for |q|: shapes q.shape, (4, *q.shape); weights vanish past the cutoff."""
        t = np.sqrt(q * (1 / self.q_max)) * (GRID - 1)
        index = np.clip(t.astype(np.int64) - 1, 0, GRID - 4)
        s = t - index
        s0, s1, s2, s3 = s, s - 1, s - 2, s - 3
        weights = np.stack([-s1 * s2 * s3 / 6, s0 * s2 * s3 / 2, -s0 * s1 * s3 / 2, s0 * s1 * s2 / 6])
        weights *= q <= self.cutoff
        return index, weights


LEVELS = 65535
"""|q| of a shared shell is kept as one of this many levels, uniform in sqrt(q)."""


def momentum_level(q, q_max: float):
    """Level of |q|, uint16; rounding moves q by less than ``2 sqrt(q q_max) / LEVELS``."""
    return np.rint(np.sqrt(q * (1 / q_max)) * LEVELS).astype(np.uint16)


class SharedKernel:
    """Kernel at one temperature for a shell shared by all energies: tables against the level of |q|.

    Attributes
    ----------
    pair : ndarray, shape (m, m, LEVELS + 1)
        ``2 pi sum |V0|^2 T_ab``.
    out : ndarray, shape (m, m, LEVELS + 1)
        ``2 pi sum |V0|^2 sum_b T_acb``: out-scattering between basis functions a and c.
    cutoff : float
        |q| beyond which nothing scatters, 1/angstrom.
    """

    def __init__(self, branches, basis: EnergyBasis, kt: float, q_max: float, *, q_floor: float):
        q = np.maximum(q_max * np.linspace(0, 1, LEVELS + 1) ** 2, q_floor)
        m = basis.size
        self.pair = np.zeros((m, m, LEVELS + 1))
        self.out = np.zeros((m, m, LEVELS + 1))
        self.cutoff = max(_reach(b, kt, q_max) for b in branches)
        for branch in branches:
            coupling = 2 * np.pi * np.asarray(branch.coupling(q))
            if branch.phonon_energy is None:
                index = np.arange(m)
                self.pair[index, index] += coupling * basis.thermal_weight[:, None]
            else:
                y = np.asarray(branch.phonon_energy(q)) / kt
                self.pair += coupling * np.moveaxis(basis.pair(y), 0, -1)
                self.out += coupling * np.moveaxis(basis.triple(y).sum(axis=-1), 0, -1)
        self.pair = self.pair.astype(np.float32)
        self.out = self.out.astype(np.float32)


def _reach(branch, kt: float, q_max: float) -> float:
    """Largest |q| at which a branch still scatters."""
    if branch.phonon_energy is None:
        return q_max
    grid = np.geomspace(1e-7 * q_max, q_max, 4001)
    open_ = np.flatnonzero(np.asarray(branch.phonon_energy(grid)) < Y_MAX * kt)
    return float(grid[min(open_[-1] + 1, 4000)]) if len(open_) else float(grid[0])
