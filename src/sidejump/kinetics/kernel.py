"""The scattering kernel: ``2 pi |V0(z)|^2 T(omega_z / kT)`` summed over branches, tabulated against z.

z is |q| for model scatterers and the phonon energy for first-principles modes (see :mod:`.sources`).
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaincc

from .energy_basis import Y_MAX, EnergyBasis

GRID = 1024

LEVELS = 65535
"""z of a shared shell is kept as one of this many levels, uniform in sqrt(z)."""


def level_of(z, z_max: float):
    """Level of z, uint16; rounding moves z by less than ``2 sqrt(z z_max) / LEVELS``."""
    return np.rint(np.sqrt(np.minimum(z * (1 / z_max), 1.0)) * LEVELS).astype(np.uint16)


def energy_cutoff(tolerance: float) -> float:
    """Phonon energy (kT) beyond which what is left of ``int y^5 exp(-y)`` is below `tolerance`."""
    y = np.linspace(4, Y_MAX, 281)
    beyond = gammaincc(6.0, y) < tolerance
    return float(y[np.argmax(beyond)]) if beyond.any() else Y_MAX


class ScatteringKernel:
    """Kernel of all branches of one source at one temperature, as a function of z.

    Values are interpolated in ``t = sqrt(z / z_max)`` with four-point Lagrange polynomials.

    Attributes
    ----------
    cutoff : float
        z beyond which nothing scatters.
    pair : ndarray, shape (GRID, m, m)
        ``2 pi sum |V0|^2 T_ab``, eV^2 angstrom^d.
    triple : ndarray, shape (GRID, m, m, m)
        The same with T_acb (inelastic branches only).
    elastic : ndarray, shape (GRID, m)
        ``2 pi sum |V0|^2 m_a``: static scatterers, which do not couple different nodes.
    """

    def __init__(self, branches, basis: EnergyBasis, kt: float, z_max: float, *, z_floor: float, y_cut: float = Y_MAX):
        self.cutoff = max(reach(b, kt, z_max, y_cut) for b in branches)
        self.z_max = self.cutoff * (1 + 1e-9)
        self.z_floor = z_floor
        t = np.linspace(0, 1, GRID)
        z = np.maximum(self.z_max * t**2, z_floor)
        m = basis.size
        self.pair = np.zeros((GRID, m, m))
        self.triple = np.zeros((GRID, m, m, m))
        self.elastic = np.zeros((GRID, m))
        for branch in branches:
            coupling = 2 * np.pi * np.asarray(branch.coupling(z))
            if branch.phonon_energy is None:
                self.elastic += coupling[:, None] * basis.thermal_weight
            else:
                y = np.asarray(branch.phonon_energy(z)) / kt
                self.pair += coupling[:, None, None] * basis.pair(y)
                self.triple += coupling[:, None, None, None] * basis.triple(y)
        self.pair_flat = self.pair.ravel()
        self.triple_flat = self.triple.ravel()
        self.elastic_flat = self.elastic.ravel()
        self.has_elastic = any(b.phonon_energy is None for b in branches)
        self.has_phonons = any(b.phonon_energy is not None for b in branches)

    def locate(self, z):
        """Grid index and the four interpolation weights (zero beyond the cutoff) for each z."""
        t = np.sqrt(np.clip(z, self.z_floor, self.z_max) / self.z_max) * (GRID - 1)
        index = np.clip(t.astype(int) - 1, 0, GRID - 4)
        s = t - index
        s0, s1, s2, s3 = s, s - 1, s - 2, s - 3
        weights = np.stack([-s1 * s2 * s3 / 6, s0 * s2 * s3 / 2, -s0 * s1 * s3 / 2, s0 * s1 * s2 / 6])
        weights *= z <= self.cutoff
        return index, weights


class SharedKernel:
    """Kernel at one temperature for a shell shared by all energies: tables against the level of z.

    Attributes
    ----------
    pair : ndarray, shape (m, m, LEVELS + 1)
        ``2 pi sum |V0|^2 T_ab``.
    out : ndarray, shape (m, m, LEVELS + 1)
        ``2 pi sum |V0|^2 sum_b T_acb``: out-scattering between basis functions a and c.
    cutoff : float
        z beyond which nothing scatters.
    """

    def __init__(self, branches, basis: EnergyBasis, kt: float, z_max: float, *, z_floor: float, y_cut: float = Y_MAX):
        self.cutoff = max(reach(b, kt, z_max, y_cut) for b in branches)
        z = z_max * np.linspace(0, 1, LEVELS + 1) ** 2
        used = int(np.searchsorted(z, self.cutoff, side="right"))
        z = np.maximum(z[:used], z_floor)
        m = basis.size
        self.pair = np.zeros((m, m, LEVELS + 1), dtype=np.float32)
        self.out = np.zeros((m, m, LEVELS + 1), dtype=np.float32)
        for branch in branches:
            coupling = 2 * np.pi * np.asarray(branch.coupling(z))
            if branch.phonon_energy is None:
                index = np.arange(m)
                self.pair[index, index, :used] += coupling * basis.thermal_weight[:, None]
            else:
                y = np.asarray(branch.phonon_energy(z)) / kt
                self.pair[..., :used] += coupling * np.moveaxis(basis.pair(y), 0, -1)
                if m > 1:
                    self.out[..., :used] += coupling * np.moveaxis(basis.out(y), 0, -1)


def reach(branch, kt: float, z_max: float, y_cut: float = Y_MAX) -> float:
    """Largest z at which a branch still scatters."""
    if branch.phonon_energy is None:
        return z_max
    grid = np.geomspace(1e-7 * z_max, z_max, 4001)
    y = np.asarray(branch.phonon_energy(grid)) / kt
    for limit in (y_cut, Y_MAX):  # optical phonons scatter little when cold, but may be all there is
        open_ = np.flatnonzero(y < limit)
        if len(open_):
            return float(grid[min(open_[-1] + 1, 4000)])
    return float(grid[0])
