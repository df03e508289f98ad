"""Spectral basis in energy and its scattering tables (theory, section 4).

With x = (e - mu)/kT the distribution is expanded in Lagrange polynomials of tau = tanh(x/6) on the Gauss nodes of the
weight f (1 - f) dx.  These nodes stay where there is thermal weight, so that shells are not asked for far from the
chemical potential, and all their weights are positive: with shells of their own at Gauss-Legendre nodes the far
nodes have negative thermal weights and L negative eigenvalues.  A phonon of energy y kT couples node i to node j
through

    T_ij(y)  = int dx f(x) { N(y) [1 - f(x+y)] l_i(x) l_j(x+y) + [N(y)+1] [1 - f(x-y)] l_i(x) l_j(x-y) }
    T_ikj(y) = the same integral with l_i(x) l_k(x) l_j(x +- y),      sum over k: T_ij

so energy is conserved without a broadening.  Absorption and emission, the two terms, may have to be known apart: where
another operator acts in either (`process`).  By detailed balance T_ij of one is T_ji of the other.

Where the bands end within the thermal window everything depends on ``|k| ~ (e - edge)^(1/2)``: there tau and the nodes
are those of :mod:`.mapping`.  T falls off like the thermal weight ``(y/2 / sinh(y/2))^2`` of a phonon; what is left of
``y T(y)`` is smooth and kept as a short Chebyshev series on the range of phonon energies that occur:
:class:`PhononSeries`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.fft import dct

from .mapping import Elements, edge_side
from .quadrature import fermi, gauss_legendre

WINDOW = 40.0
"""|x|, or distance from a band edge outside, beyond which f (1 - f) is dropped (4e-18)."""

Y_MAX = 32.0
"""Phonon energies above this many kT do not scatter."""

ABSORPTION, EMISSION, BOTH = 1, -1, 0
"""Of the energy of the boson what the electron gains."""

_QUADRATURE, _PIECE = 160, 48
_TERMS = (12, 24, 48, 96, 160)  # of a series; the first that is long enough
_SERIES_ERROR = 3e-11  # of the largest coefficient


@dataclass(frozen=True)
class PhononSeries:
    """``y T(y)`` over :func:`thermal_factor` on ``start <= y <= top``, as K Chebyshev polynomials of y.

    Attributes
    ----------
    start, top : float
    pair : (K, m, m)        coefficients for y T_ab
    out : (K, m, m)         for ``y sum_b T_acb``: out-scattering between a and c
    triple : (K, m, m, m)   for y T_acb, axes (a, c, b); empty unless asked for
    out_back, back          the same of the reverse events, from final states to initial ones: other arrays only where
                            the series is that of absorption or of emission alone
    """

    start: float
    top: float
    pair: np.ndarray
    out: np.ndarray
    triple: np.ndarray
    out_back: np.ndarray
    back: np.ndarray

    def polynomials(self, y) -> Iterator[np.ndarray]:
        """The K polynomials at y, one after the other; each array is only valid until the next is asked for."""
        return chebyshev((np.asarray(y) - self.start) * (4 / (self.top - self.start)) - 2, len(self.pair))

    def values(self, coefficients, y) -> np.ndarray:
        """Sum of a series at y (any shape): shape y.shape + coefficients.shape[1:]."""
        basis = np.stack([p.ravel() for p in map(np.copy, self.polynomials(y))], axis=1)
        return (basis @ coefficients.reshape(len(basis.T), -1)).reshape((*np.shape(y), *coefficients.shape[1:]))


class EnergyBasis:
    """Lagrange polynomials in tau on n nodes, on the part of the energy axis where the shells exist.

    Parameters
    ----------
    n : int
        Number of nodes; 1 is the quasi-elastic theory (eq. B3).
    interval : (float, float)
        Range of x where there are states; cut to +-40, or 40 beyond an edge on the other side of x = 0.
    even : bool
        Keep only the functions even in x: enough when all shells share one geometry, because the equation is then
        symmetric under x -> -x.
    more : int
        Nodes added altogether (:mod:`sidejump.kinetics.galerkin`).
    threshold : float, optional
        Energy of optical phonons over kT, whose emission starts so far from a band edge (:class:`.mapping.Elements`).
    bridge : float, optional
        What such a phonon has left when it has bridged the gap at the edge, over kT.

    Attributes
    ----------
    nodes : ndarray, shape (n,)
        Energies x of the nodes (without `even`).
    side : int
        1 for states above a band edge in sight, -1 below one, else 0.
    size : int
        Number of functions.
    threshold, bridge : float or None
    thermal_weight : ndarray, shape (size,)
        ``int dx f (1 - f) phi_a``.
    """

    def __init__(
        self,
        n: int,
        interval=(-WINDOW, WINDOW),
        *,
        even: bool = False,
        threshold: float | None = None,
        more: int = 0,
        bridge: float | None = None,
    ):
        if n < 1:
            raise ValueError(f"energy_nodes = {n} must be at least 1")
        self.n, self.even = n, even
        if n == 1:  # the quasi-elastic theory knows no band edge
            interval = (-WINDOW, WINDOW)
        lo, hi = interval
        self.interval = (max(lo, min(hi, 0.0) - WINDOW), min(hi, max(lo, 0.0) + WINDOW))
        self.threshold, self.bridge = threshold, bridge
        self._elements = Elements(n, *self.interval, threshold, more, bridge)
        self.nodes = self._elements.nodes
        self.n = n = len(self.nodes)
        self.breaks = self._elements.breaks
        self._fold = _even_fold(n) if even else np.eye(n)
        self.size = self._fold.shape[0]
        self.side = 0 if n == 1 else edge_side(*self.interval, threshold)
        self.thermal_weight = self.integrals(lambda x: fermi(x) * fermi(-x))
        self._series: dict[tuple[float, float, bool, int], PhononSeries] = {}

    def functions(self, x) -> np.ndarray:
        """Values of the basis functions, shape (size, *x.shape)."""
        terms = self._elements.functions(np.asarray(x))
        return np.tensordot(self._fold, terms, axes=1) if self.even else terms

    def integrals(self, function) -> np.ndarray:
        """``int dx function(x) phi_a`` over the range of x, shape (size,)."""
        x, weight = (a[0] for a in self._quadrature(np.array([self.interval]), self.breaks[None, 1:-1]))
        return self.functions(x) @ (weight * function(x))

    def pair(self, y) -> np.ndarray:
        """T_ab(y), shape y.shape + (size, size); y > 0, zero beyond `Y_MAX`."""
        return self._evaluate("pair", y)

    def triple(self, y) -> np.ndarray:
        """T_acb(y), shape y.shape + (size, size, size), axes (a, c, b); the sum over c is `pair`."""
        return self._evaluate("triple", y)

    def out(self, y) -> np.ndarray:
        """``sum_b T_acb(y)``: out-scattering between a and c, shape y.shape + (size, size)."""
        return self._evaluate("out", y)

    def _evaluate(self, name, y):
        y = np.asarray(y, dtype=float)
        inside = np.clip(y, 1e-12, Y_MAX)
        series = self.series(float(inside.max()), triple=name == "triple")
        coefficients = getattr(series, name)
        factor = (thermal_factor(inside) * (y <= Y_MAX) / inside).reshape(y.shape + (1,) * (coefficients.ndim - 1))
        return series.values(coefficients, inside) * factor

    def series(
        self, largest: float, smallest: float = 0.0, *, triple: bool = False, process: int = BOTH
    ) -> PhononSeries:
        """Series that holds from the phonon energy `smallest` to `largest` (kT) at least, or up to `Y_MAX`.

        `process`: `ABSORPTION` or `EMISSION` for one of the terms of T alone.
        """
        start, top = 0.0, rung(largest)
        if self.threshold is not None and largest <= self.threshold:
            top = min(top, self.threshold)  # beyond it the series would not be smooth
        if self.bridge is not None:  # nor is it where two ends of ranges are a phonon apart
            apart = np.subtract.outer(self.breaks, self.breaks).ravel()
            start = float(apart[apart <= smallest].max(initial=0.0))
            top = float(apart[apart >= largest].min(initial=top))
        key = start, top, triple, process
        if key not in self._series:
            self._series[key] = self._expand(*key)
        return self._series[key]

    def _expand(self, start: float, top: float, triple: bool, process: int) -> PhononSeries:
        tables = self._triples if triple else self._pairs
        reverse = () if process == BOTH else (-process,)
        found = expanded(
            lambda t: start + 0.5 * (top - start) * (1 + t),
            lambda y: [table for events in (process, *reverse) for table in tables(y, events)],
        )
        ways = [found[i : i + 2 + triple] for i in range(0, len(found), 2 + triple)]
        (pair, out, *rest), (mirrored, out_back, *back) = ways[0], ways[-1]
        # rounding of the sums aside, they are each other's transposes: detailed balance
        both = 0.5 * (pair + mirrored.transpose(0, 2, 1))
        there, reverse_there = (rest[0], back[0]) if triple else (np.empty(0), np.empty(0))
        return PhononSeries(start, top, both, out, there, out_back, reverse_there)

    def _events(self, y, process: int):
        """Initial and final functions (size, Y, X) and weights (Y, X) of absorption, emission or both, times y."""
        lo, hi = self.interval
        y = y[:, None]
        # y N(y) and y (N(y) + 1) stay finite at y = 0
        absorbed = np.where(y > 0, y / np.expm1(np.maximum(y, 1e-300)), 1.0)
        for sign, factor in ((ABSORPTION, absorbed), (EMISSION, absorbed + y)):
            if sign == -process:
                continue
            a, b = np.maximum(lo, lo - sign * y), np.minimum(hi, hi - sign * y)
            inner = self._elements.breaks[1:-1]
            breaks = np.concatenate([np.broadcast_to(inner, (len(y), len(inner))), inner - sign * y], axis=1)
            x, weight = self._quadrature(np.concatenate([a, np.maximum(a, b)], axis=1), breaks)
            final = x + sign * y
            yield self.functions(x), self.functions(final), weight * factor * fermi(x) * fermi(-final)

    @staticmethod
    def _quadrature(ends, breaks):
        """Nodes and weights (Y, X) between `ends` (Y, 2), of pieces that end at `breaks` (Y, B)."""
        cuts = np.sort(np.clip(np.concatenate([ends, breaks], axis=1), ends[:, :1], ends[:, 1:]), axis=1)
        order = _QUADRATURE if breaks.shape[1] == 0 else _PIECE
        x, weight = gauss_legendre(cuts[:, :-1, None], cuts[:, 1:, None], order)
        return x.reshape(len(ends), -1), weight.reshape(len(ends), -1)

    def _pairs(self, y, process: int):
        """y T_ab and its out-scattering: shapes (Y, m, m)."""
        pair, out = 0.0, 0.0
        for start, final, weight in self._events(y, process):
            weighted = (start * weight).transpose(1, 0, 2)
            pair = pair + np.matmul(weighted, final.transpose(1, 2, 0))
            out = out + np.matmul(weighted, start.transpose(1, 2, 0))
        return [pair, out]

    def _triples(self, y, process: int):
        """The same and y T_acb, shape (Y, m, m, m)."""
        m = self.size
        triple = np.zeros((len(y), m * m, m))
        for start, final, weight in self._events(y, process):
            weighted = start * weight
            for row in range(len(y)):
                products = (weighted[:, None, row] * start[None, :, row]).reshape(m * m, -1)
                triple[row] += products @ final[:, row].T
        triple = triple.reshape(-1, m, m, m)
        return [triple.sum(axis=2), triple.sum(axis=3), triple]


def rung(largest: float) -> float:
    """The end of a series that is to hold up to `largest` (kT): on a ladder, so that near temperatures share it."""
    steps = np.floor(2 * np.log2(Y_MAX / min(max(largest, 1e-3), Y_MAX)) + 1e-9)
    return float(Y_MAX * 2 ** (-0.5 * steps))


def chebyshev(twice: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """The first polynomials at half of `twice`; each array is only valid until the next is asked for."""
    last, now = np.ones_like(twice), 0.5 * twice
    yield last
    for _ in range(count - 1):
        yield now
        last, now = now, np.subtract(twice * now, last, out=last)


def expanded(energy, tables) -> list[np.ndarray]:
    """Chebyshev coefficients (K, ...) of ``tables(y)`` over :func:`thermal_factor`, as many as are needed.

    Parameters
    ----------
    energy : callable
        y (kT) at the variable t of the polynomials, between -1 and 1.
    tables : callable
        Arrays (Y, ...) at y (Y,).
    """
    for terms in _TERMS:
        y = energy(np.cos(np.pi * (np.arange(terms) + 0.5) / terms))
        scale = 1 / thermal_factor(y)
        found = [dct((t.T * scale).T, axis=0) / terms for t in tables(y)]
        for t in found:
            t[0] *= 0.5
        size = np.max([np.abs(t).reshape(terms, -1).max(axis=1) for t in found], axis=0)
        kept = int(np.flatnonzero(size > _SERIES_ERROR * size.max())[-1]) + 1 if size.any() else 1
        if kept <= 0.75 * terms:
            break
    return [t[:kept] for t in found]


@lru_cache(maxsize=64)
def energy_basis(
    n: int,
    interval=(-WINDOW, WINDOW),
    even: bool = False,
    threshold: float | None = None,
    more: int = 0,
    bridge: float | None = None,
) -> EnergyBasis:
    """Cached :class:`EnergyBasis`: its series do not depend on temperature."""
    return EnergyBasis(n, interval, even=even, threshold=threshold, more=more, bridge=bridge)


def _even_fold(n: int) -> np.ndarray:
    """Matrix that adds the functions of x and -x, shape ((n + 1) // 2, n)."""
    rows = np.zeros(((n + 1) // 2, n))
    for i in range(n):
        rows[min(i, n - 1 - i), i] = 1
    return rows


def thermal_factor(y):
    """``(y/2 / sinh(y/2))^2``: how phonons of y kT die out."""
    return (0.5 * y / np.sinh(0.5 * y)) ** 2
