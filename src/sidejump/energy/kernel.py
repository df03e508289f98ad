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

from .basis import BOTH, Y_MAX, EnergyBasis, PhononSeries, thermal_factor
from .between import AcrossGap, GapSeries

LEVELS = 65535
"""Between the points of one shell z is kept as one of this many levels, uniform in sqrt(z)."""

_CHUNK = 4096  # levels tabulated together: stays in the cache


def level_of(z, z_max: float):
    """Level of z, uint16; rounding moves z by less than ``2 sqrt(z z_max) / LEVELS``."""
    return np.rint(np.sqrt(np.minimum(z * (1 / z_max), 1.0)) * LEVELS).astype(np.uint16)


def energy_cutoff(tolerance: float) -> float:
    """Phonon energy (kT) beyond which what is left of ``int y^5 exp(-y)`` is below `tolerance`."""
    y = np.linspace(4, Y_MAX, 281)
    beyond = gammaincc(6.0, y) < tolerance
    return float(y[np.argmax(beyond)]) if beyond.any() else Y_MAX


class Kernel:
    """Kernel of all branches of one source at one temperature.

    Parameters
    ----------
    branches : sequence of Branch
    basis : EnergyBasis or AcrossGap
        Energies of the states, or of the initial and of the final ones.
    kt, z_max, z_floor : float
        eV; the largest z that occurs, and the smallest that is resolved.
    y_cut : float
        Phonon energies (kT) beyond this are left out.
    process : int
        `ABSORPTION` or `EMISSION` for a source that does one of them alone.

    Attributes
    ----------
    cutoff : float
        z beyond which nothing scatters.
    size : int
        Basis functions.
    """

    def __init__(
        self,
        branches,
        basis: EnergyBasis | AcrossGap,
        kt: float,
        z_max: float,
        *,
        z_floor: float,
        y_cut: float = Y_MAX,
        process: int = BOTH,
    ):
        self.cutoff, self.size = max(reach(b, kt, z_max, y_cut) for b in branches), basis.size
        self._least = basis.start if isinstance(basis, AcrossGap) else 1e-12
        self._static = [] if isinstance(basis, AcrossGap) else [b for b in branches if b.phonon_energy is None]
        self._phonons = [b for b in branches if b.phonon_energy is not None]
        self._basis, self._kt, self._z_floor, self._z_max = basis, kt, z_floor, z_max
        self.process = process
        self._lock = Lock()
        self._tables: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None

    @property
    def bridges(self) -> bool:
        """Whether some phonon has more energy than the gap between initial and final states."""
        z = np.linspace(self._z_floor, min(self.cutoff, self._z_max), 513)
        highest = max((float(np.max(b.phonon_energy(z))) for b in self._phonons), default=0.0)  # type: ignore[misc]
        return min(highest / self._kt, Y_MAX) > self._least

    def elastic(self, z) -> np.ndarray | None:
        """Static scatterers, ``2 pi sum |V0(z)|^2`` in eV^2 angstrom^d times the thermal weight of each function:
        shape (m, ...) for z (m, ...) of each function, or (1, ...) of all. None if there are none.

        What does not move neither absorbs nor emits: either has one half.
        """
        if not self._static:
            return None
        inside = np.clip(z, self._z_floor, self.cutoff)
        share = 2 * np.pi if self.process == BOTH else np.pi
        rate = sum(share * np.asarray(b.coupling(inside)) for b in self._static) * (z <= self.cutoff)
        return rate * self._basis.thermal_weight.reshape(-1, *[1] * (z.ndim - 1))  # type: ignore[union-attr]

    def phonons(self, z, *, triple: bool) -> Iterator[tuple[np.ndarray, np.ndarray, PhononSeries | GapSeries]]:
        """For each phonon branch what the series is to be multiplied with, y, and the series, with its `triple` if
        that is asked for: (factor, y, series).
        """
        for branch in self._phonons:
            inside = np.clip(z, self._z_floor, self.cutoff)
            y = np.asarray(branch.phonon_energy(inside)) / self._kt  # type: ignore[misc]
            scatters = (z <= self.cutoff) & (y <= Y_MAX)
            if isinstance(self._basis, AcrossGap):
                scatters &= y >= self._least
                if not scatters.any():
                    continue
            y = np.clip(y, self._least, Y_MAX)
            factor = (2 * np.pi) * np.asarray(branch.coupling(inside)) * thermal_factor(y) / y * scatters
            top, bottom = float(y.max(initial=0.0)), float(y.min(initial=Y_MAX))
            yield factor, y, self._basis.series(top, bottom, triple=triple, process=self.process)

    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The kernel at all levels of z (:func:`level_of`), single precision, eV^2 angstrom^d.

        Returns
        -------
        pair, out, back : ndarray, shape (m, m, LEVELS + 1)
            ``2 pi sum |V0|^2 T_ab`` and ``2 pi sum |V0|^2 sum_b T_acb``, the out-scattering between functions a and c,
            and that of the reverse events, which is another one where `process` is one of the two.
        """
        with self._lock:  # the threads that use the kernel wait for the first
            if self._tables is None:
                self._tables = self._tabulated()
            return self._tables

    def along(self, points: int = 4001) -> tuple[np.ndarray, np.ndarray]:
        """z from 0 to where nothing scatters any more, and the kernel there, of one function of the energy."""
        z = np.linspace(0.0, min(self.cutoff, self._z_max), points)
        return z, self.tables()[0][0, 0].take(level_of(z, self._z_max), mode="clip")

    def _tabulated(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        levels = self._z_max * (np.arange(LEVELS + 1) * (1 / LEVELS)) ** 2
        z = np.maximum(levels[: np.searchsorted(levels, self.cutoff, side="right")], self._z_floor)
        m, ways = self.size, 2 if self.process == BOTH else 3
        found = np.zeros((ways, m, m, len(levels)), dtype=np.float32)
        elastic = self.elastic(z[None])
        if elastic is not None:
            found[0, range(m), range(m), : len(z)] += elastic
        for factor, y, series in self.phonons(z, triple=False):
            coefficients = np.stack([series.pair, series.out, series.out_back][:ways])  # type: ignore[union-attr]
            coefficients = coefficients.reshape(ways, -1, m * m).transpose(0, 2, 1)
            for part in (slice(i, min(i + _CHUNK, len(z))) for i in range(0, len(z), _CHUNK)):
                polynomials = np.array([p.copy() for p in series.polynomials(y[part])])
                found[..., part] += ((coefficients @ polynomials) * factor[part]).reshape(ways, m, m, -1)
        return found[0], found[1], found[-1]


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
