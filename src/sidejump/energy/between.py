"""Scattering tables between the energies on one side of a gap and those on another.

Each side has its own :class:`.basis.EnergyBasis`.  A phonon that bridges the gap takes an electron from one to the
other,

    T_ab(y) = int dx f(x) { N(y) [1 - f(x+y)] l_a(x) l_b(x+y) + [N(y)+1] [1 - f(x-y)] l_a(x) l_b(x-y) }

with l_a of the initial side and l_b of the final one.  It is zero up to the gap g (in kT) and then a smooth function of
``(y - g)^(1/2)``, because the functions are smooth in the root of the distance from their edges: the Chebyshev series
is one in that root.  Static scatterers do not connect the sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .basis import ABSORPTION, BOTH, EMISSION, Y_MAX, EnergyBasis, chebyshev, expanded, rung
from .quadrature import fermi, gauss_legendre

_ORDER = 64  # of the quadrature of each piece, whose ends may both be edges


@dataclass(frozen=True)
class GapSeries:
    """``y T(y)`` over ``thermal_factor`` on ``start <= y <= top``, in polynomials of the root of ``y - start``.

    Attributes
    ----------
    pair : (K, m, m')         coefficients for y T_ab
    triple : (K, m, m, m')    for y T_acb, axes (a, c, b)
    back : (K, m', m', m)     the same from the final side to the initial one
    """

    start: float
    top: float
    pair: np.ndarray
    triple: np.ndarray
    back: np.ndarray

    def polynomials(self, y) -> Iterator[np.ndarray]:
        """The K polynomials at y, one after the other; each array is only valid until the next is asked for."""
        root = np.sqrt(np.clip((np.asarray(y) - self.start) / (self.top - self.start), 0.0, 1.0))
        return chebyshev(4 * root - 2, len(self.pair))


class AcrossGap:
    """What a :class:`.kernel.Kernel` has to know of the energies `initial` and `final`, of as many functions.

    Attributes
    ----------
    size : int
        Functions of either.
    start : float
        The gap between the two, kT: phonons of less energy do not scatter from one to the other.
    """

    def __init__(self, initial: EnergyBasis, final: EnergyBasis):
        self.initial, self.final, self.size = initial, final, initial.size
        (a, b), (c, d) = initial.interval, final.interval
        self.start = max(c - b, a - d)
        if not self.start > 0:
            raise ValueError(f"energies from {a} to {b} and from {c} to {d} are not apart")
        self._series: dict[tuple[float, int], GapSeries] = {}

    def series(self, largest: float, smallest: float = 0.0, *, triple: bool = True, process: int = BOTH) -> GapSeries:
        """Series that holds from the gap up to the phonon energy `largest` (kT) at least, or up to ``Y_MAX``.

        `smallest`, `triple`: as in :class:`.basis.EnergyBasis`, without use here; `process` as there.
        """
        top = min(self.start + rung(largest - self.start), Y_MAX)
        # beyond the energy at which two ends of ranges are a phonon apart the series would not be smooth
        apart = np.abs(np.subtract.outer(self.initial.breaks, self.final.breaks)).ravel()
        top = float(apart[(apart >= largest) & (apart > self.start)].min(initial=top))
        if (top, process) not in self._series:
            width = top - self.start
            tables = expanded(lambda t: self.start + width * (0.5 * (1 + t)) ** 2, lambda y: self._tables(y, process))
            pair, mirrored, out, back = tables
            both = 0.5 * (pair + mirrored.transpose(0, 2, 1))
            self._series[top, process] = GapSeries(self.start, top, both, out, back)
        return self._series[top, process]

    def _tables(self, y, process: int):
        out = _triples(self.initial, self.final, y, process)
        back = _triples(self.final, self.initial, y, -process)
        return [out.sum(axis=2), back.sum(axis=2), out, back]


def _triples(initial: EnergyBasis, final: EnergyBasis, y, process: int) -> np.ndarray:
    """y T_acb, shape (Y, m, m, m')."""
    (lo, hi), (low, high) = initial.interval, final.interval
    found = np.zeros((len(y), initial.size**2, final.size))
    absorbed = y / np.expm1(y)
    for sign, factor in ((ABSORPTION, absorbed), (EMISSION, absorbed + y)):
        if sign == -process:
            continue
        ends = np.stack([np.maximum(lo, low - sign * y), np.minimum(hi, high - sign * y)], axis=1)
        reached = np.flatnonzero(ends[:, 1] > ends[:, 0])
        for row in reached:
            low_end, high_end = ends[row]
            x, weight = _quadrature(low_end, high_end, np.concatenate([initial.breaks, final.breaks - sign * y[row]]))
            weight = weight * factor[row] * fermi(x) * fermi(-x - sign * y[row])
            start, last = initial.functions(x), final.functions(x + sign * y[row])
            products = ((start * weight)[:, None] * start).reshape(-1, len(x))
            found[row] += products @ last.T
    return found.reshape(len(y), initial.size, initial.size, final.size)


def _quadrature(low: float, high: float, breaks) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights between `low` and `high`, in pieces at `breaks`; roots at the ends of a piece are smooth."""
    cuts = np.concatenate([[low], np.sort(breaks[(breaks > low) & (breaks < high)]), [high]])
    angle, weight = gauss_legendre(np.zeros((len(cuts) - 1, 1)), np.full((len(cuts) - 1, 1), 0.5 * np.pi), _ORDER)
    width = np.diff(cuts)[:, None]
    x = cuts[:-1, None] + width * np.sin(angle) ** 2
    return x.ravel(), (weight * width * np.sin(2 * angle)).ravel()


@lru_cache(maxsize=64)
def across_gap(initial: EnergyBasis, final: EnergyBasis) -> AcrossGap:
    """Cached :class:`AcrossGap`; bases of :func:`.basis.energy_basis` are themselves cached."""
    return AcrossGap(initial, final)
