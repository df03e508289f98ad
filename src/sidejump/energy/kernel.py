"""The scattering kernel: ``2 pi |V0(z)|^2 T(omega_z / kT)`` summed over branches.

T is a Chebyshev series in the phonon energy and the rest is evaluated exactly, so that nothing is interpolated in z,
which is |q| for model scatterers and the phonon energy for first-principles modes (see
:mod:`sidejump.interactions.sources`).
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Lock

import numpy as np
from scipy.special import gammaincc

from .basis import Y_MAX, EnergyBasis, PhononSeries, thermal_factor
from .between import AcrossGap, GapSeries

LEVELS = 65535
"""z of a shared shell is kept as one of this many levels, uniform in sqrt(z)."""


_CHUNK = 4096  # levels tabulated together: stays in the cache


def level_of(z, z_max: float):
    """Level of z, uint16; rounding moves z by less than ``2 sqrt(z z_max) / LEVELS``."""
    return np.rint(np.sqrt(np.minimum(z * (1 / z_max), 1.0)) * LEVELS).astype(np.uint16)


def energy_cutoff(tolerance: float) -> float:
    """Phonon energy (kT) beyond which what is left of ``int y^5 exp(-y)`` is below `tolerance`."""
    y = np.linspace(4, Y_MAX, 281)
    beyond = gammaincc(6.0, y) < tolerance
    return float(y[np.argmax(beyond)]) if beyond.any() else Y_MAX


class ScatteringKernel:
    """Kernel of all branches of one source at one temperature, for shells of their own.

    Parameters
    ----------
    branches : sequence of Branch
    basis : EnergyBasis or AcrossGap
        Energies of the states, or of the initial and of the final ones.
    kt, z_max, z_floor : float
        eV; the largest z that occurs, and the smallest that is resolved.
    y_cut : float
        Phonon energies (kT) beyond this are left out.

    Attributes
    ----------
    cutoff : float
        z beyond which nothing scatters.
    thermal_weight : ndarray, shape (m,)
        ``m_a``: static scatterers couple a node to itself with ``2 pi |V0|^2 m_a``. Across a gap they do nothing.
    """

    def __init__(
        self, branches, basis: EnergyBasis | AcrossGap, kt: float, z_max: float, *, z_floor: float, y_cut: float = Y_MAX
    ):
        self.cutoff = max(reach(b, kt, z_max, y_cut) for b in branches)
        self._static = []
        self._least = basis.start if isinstance(basis, AcrossGap) else 1e-12
        if isinstance(basis, EnergyBasis):
            self.thermal_weight = basis.thermal_weight
            self._static = [b for b in branches if b.phonon_energy is None]
        self._phonons = [b for b in branches if b.phonon_energy is not None]
        self._basis, self._kt, self._z_floor, self._z_max = basis, kt, z_floor, z_max

    @property
    def bridges(self) -> bool:
        """Whether some phonon has more energy than the gap between initial and final states."""
        z = np.linspace(self._z_floor, min(self.cutoff, self._z_max), 513)
        highest = max((float(np.max(b.phonon_energy(z))) for b in self._phonons), default=0.0)  # type: ignore[misc]
        return min(highest / self._kt, Y_MAX) > self._least

    def elastic(self, z) -> np.ndarray | None:
        """``2 pi sum |V0(z)|^2`` of the static scatterers, eV^2 angstrom^d; None if there are none."""
        if not self._static:
            return None
        inside = np.clip(z, self._z_floor, self.cutoff)
        return sum(2 * np.pi * np.asarray(b.coupling(inside)) for b in self._static) * (z <= self.cutoff)

    def phonons(self, z) -> Iterator[tuple[np.ndarray, np.ndarray, PhononSeries | GapSeries]]:
        """For each phonon branch y, the series, and what it is to be multiplied with: (factor, y, series)."""
        for branch in self._phonons:
            inside = np.clip(z, self._z_floor, self.cutoff)
            y = np.asarray(branch.phonon_energy(inside)) / self._kt
            scatters = (z <= self.cutoff) & (y <= Y_MAX)
            if isinstance(self._basis, AcrossGap):
                scatters &= y >= self._least
                if not scatters.any():
                    continue
            y = np.clip(y, self._least, Y_MAX)
            factor = (2 * np.pi) * np.asarray(branch.coupling(inside)) * thermal_factor(y) / y * scatters
            yield factor, y, self._basis.series(float(y.max()), float(y.min()), triple=self._basis.size > 1)


class SharedKernel:
    """Kernel at one temperature for a shell shared by all energies: tables against the level of z.

    Parameters
    ----------
    levels : ndarray of int, optional
        The levels that occur, ascending: the tables then hold these only.

    Attributes
    ----------
    pair : dict (a <= b) -> ndarray, shape (LEVELS + 1,) or (len(levels),)
        ``2 pi sum |V0|^2 T_ab``, eV^2 angstrom^d.
    out : dict (a <= c) -> ndarray
        ``2 pi sum |V0|^2 sum_b T_acb``: out-scattering between basis functions a and c.
    cutoff : float
        z beyond which nothing scatters.
    """

    def __init__(
        self,
        branches,
        basis: EnergyBasis,
        kt: float,
        z_max: float,
        *,
        z_floor: float,
        y_cut: float = Y_MAX,
        levels: np.ndarray | None = None,
    ):
        self.cutoff = max(reach(b, kt, z_max, y_cut) for b in branches)
        self._branches, self._basis, self._kt, self._levels = branches, basis, kt, levels
        self._z_max, self._z_floor = z_max, z_floor
        self._lock, self._tables = Lock(), None

    @property
    def pair(self) -> dict[tuple[int, int], np.ndarray]:
        return self._both()[0]

    @property
    def out(self) -> dict[tuple[int, int], np.ndarray]:
        return self._both()[1]

    def _both(self):
        with self._lock:  # the threads that use the kernel wait for the first
            if self._tables is None:
                self._tables = self._tabulate()
            return self._tables

    def _tabulate(self):
        basis = self._basis
        levels = np.arange(LEVELS + 1) if self._levels is None else self._levels
        z = self._z_max * (levels * (1 / LEVELS)) ** 2
        used = int(np.searchsorted(z, self.cutoff, side="right"))
        z = np.maximum(z[:used], self._z_floor)
        a, b = np.triu_indices(basis.size)
        values = np.zeros((2, len(a), len(levels)), dtype=np.float32)
        for branch in self._branches:
            coupling = 2 * np.pi * np.asarray(branch.coupling(z))
            if branch.phonon_energy is None:
                values[0, a == b, :used] += coupling * basis.thermal_weight[:, None]
                continue
            y = np.maximum(np.asarray(branch.phonon_energy(z)) / self._kt, 1e-12)
            scatters = y <= Y_MAX
            np.minimum(y, Y_MAX, out=y)
            factor = coupling * thermal_factor(y) / y * scatters
            series = basis.series(float(y.max(initial=0.0)))
            coefficients = np.stack([series.pair[:, a, b].T, series.out[:, a, b].T])
            for part in (slice(i, min(i + _CHUNK, used)) for i in range(0, used, _CHUNK)):
                polynomials = np.array([p.copy() for p in series.polynomials(y[part])])
                values[..., part] += (coefficients @ polynomials) * factor[part]
        return [dict(zip(zip(a.tolist(), b.tolist(), strict=True), v, strict=True)) for v in values]


def reach(branch, kt: float, z_max: float, y_cut: float = Y_MAX) -> float:
    """Largest z at which a branch still scatters."""
    if branch.phonon_energy is None:
        return min(z_max, branch.reach)
    grid = np.geomspace(1e-7 * z_max, z_max, 4001)
    y = np.asarray(branch.phonon_energy(grid)) / kt
    for limit in (y_cut, Y_MAX):  # optical phonons scatter little when cold, but may be all there is
        open_ = np.flatnonzero(y < limit)
        if len(open_):
            return float(grid[min(open_[-1] + 1, 4000)])
    return float(grid[0])
