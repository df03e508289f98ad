"""The variable tau in which distributions are polynomials of the energy, and its nodes (theory, section 4)."""

from __future__ import annotations

import numpy as np

from .quadrature import gauss_legendre, thermal_gauss

_SCALE = 6.0  # kT
_VISIBLE = 12.0  # kT: band edges farther from the chemical potential carry no weight
_VISIBLE_ACOUSTIC = 6.0  # no phonon takes an electron far: the thermal weight alone counts


def edge_side(low: float, high: float, threshold: float | None = None) -> int:
    """1 for states above a band edge in sight, -1 below one; 0 without an edge, or with one on either side.

    `threshold`: energy of optical phonons over kT, None where there are none.
    """
    visible = _VISIBLE_ACOUSTIC if threshold is None else _VISIBLE
    return int(low > -visible) - int(high < visible)


class EnergyMap:
    """``tau = tanh((x - c)/6)``, or next to a band edge x0 the root of ``|tanh((x - c)/6) - tanh((x0 - c)/6)|``.

    Near the edge tau is then proportional to ``|x - x0|^(1/2)``, that is to the wave vector: velocities, densities of
    states and distributions are smooth in it.  c is the chemical potential, or the edge where that lies in the gap.

    Parameters
    ----------
    low, high : float
        Range of ``x = (e - mu)/kT`` with states.
    side : int, optional
        As of :func:`edge_side`.

    Attributes
    ----------
    range : (float, float)
        tau at both ends.
    """

    def __init__(self, low: float, high: float, side: int | None = None):
        self._side = edge_side(low, high) if side is None else side
        self._edge = low if self._side > 0 else high
        self._centre = max(low, 0.0) if self._side > 0 else min(high, 0.0) if self._side < 0 else 0.0
        self._start = np.tanh((self._edge - self._centre) / _SCALE)
        ends = [float(self.tau(np.array(x))) for x in (low, high)]
        self.range = (min(ends), max(ends))

    def tau(self, x: np.ndarray) -> np.ndarray:
        """tau at x."""
        plain = np.tanh((x - self._centre) / _SCALE)
        if self._side == 0:
            return plain
        return np.sqrt(np.maximum(self._side * (plain - self._start), 0.0))

    def energy(self, tau: np.ndarray) -> np.ndarray:
        """x at tau."""
        plain = tau if self._side == 0 else self._start + self._side * tau**2
        return self._centre + _SCALE * np.arctanh(plain)


class Elements:
    """Lagrange polynomials on one range of energies, or on several that meet at the thresholds of optical phonons.

    Above ``edge + w`` an electron can emit a phonon: rates and distributions start there like a square root, and at
    low temperature they change by orders of magnitude.  Each range has its own polynomials, of the root of the
    distance from its beginning.

    Without a band edge in sight the nodes are the Gauss points of the thermal weight.  Next to one they are
    Gauss-Legendre points in tau: rates change there over the whole range of energies, thermal weight or not, and
    :mod:`sidejump.kinetics.galerkin` keeps the operator positive.

    Parameters
    ----------
    n : int
        Polynomials altogether.
    low, high : float
        Range of x.
    threshold : float or None
        Phonon energy over kT.
    more : int
        Polynomials added altogether, as evenly as can be.
    bridge : float or None
        What a phonon has left of its energy when it has taken an electron across the gap, over kT: farther from the
        edge there are no such events.

    Attributes
    ----------
    breaks : ndarray
        Ends of the ranges, ascending.
    nodes : ndarray, shape (n,)
    """

    def __init__(
        self,
        n: int,
        low: float,
        high: float,
        threshold: float | None = None,
        more: int = 0,
        bridge: float | None = None,
    ):
        self.breaks, side = _breaks(n, low, high, threshold, bridge)
        ranges = len(self.breaks) - 1
        # what does not divide goes to the ranges next to the edge, which hold most carriers
        place = np.arange(ranges)
        counts = n // ranges + (place < n % ranges) + more // ranges + (place < more % ranges)
        if side < 0:
            counts = counts[::-1]
        self._parts = [
            _Lagrange(_nodes(int(m), EnergyMap(a, b, side), side, a, b), EnergyMap(a, b, side))
            for m, a, b in zip(counts, self.breaks[:-1], self.breaks[1:], strict=True)
        ]
        self.nodes = np.concatenate([p.nodes for p in self._parts])

    def functions(self, x) -> np.ndarray:
        """Values of all polynomials, shape (n, *x.shape)."""
        if len(self._parts) == 1:
            return self._parts[0].values(x)
        inner = self.breaks[1:-1]
        place = np.searchsorted(inner, x)
        return np.concatenate([np.where(place == i, p.values(x), 0.0) for i, p in enumerate(self._parts)])


class _Lagrange:
    """Polynomials of tau that are one on one node and zero on the others."""

    def __init__(self, tau, mapping):
        self._map, self._tau = mapping, tau
        self.nodes = mapping.energy(tau)
        self._barycentric = 1 / np.prod(tau[:, None] - tau + np.eye(len(tau)), axis=1)

    def values(self, x):
        tau = self._map.tau(np.asarray(x))
        d = tau[None] - self._tau.reshape(-1, *(1,) * tau.ndim)
        # on a node: that function is one, and the others are smaller than rounding
        d[np.abs(d) < 1e-14] = 1e-280
        terms = np.divide(self._barycentric.reshape(d.shape[:1] + (1,) * tau.ndim), d, out=d)
        terms /= terms.sum(axis=0)
        return terms


def _nodes(n: int, mapping: EnergyMap, side: int, low: float, high: float) -> np.ndarray:
    """tau of the nodes, in ascending order of the energy."""
    if side == 0:
        return thermal_gauss(mapping.tau, low, high, n)
    first, last = (float(mapping.tau(np.array(x))) for x in (low, high))  # below an edge tau grows downwards
    return gauss_legendre(first, last, n)[0]


_DEGENERATE = -2.0  # edges below: the Fermi level blocks emission at the threshold
_EMPTY = 8.0  # from the edge: thresholds above have no carriers
_RANGES, _BRIDGED = 3, 5  # with two thresholds; where phonons bridge a gap, each of them has a second one


def _breaks(n: int, low: float, high: float, threshold: float | None, bridge: float | None) -> tuple[np.ndarray, int]:
    """Ends of the ranges, and on which side of an edge they lie."""
    side = edge_side(low, high, threshold)
    found = [low, high] if side >= 0 else [-high, -low]  # upwards from the edge
    most = min(_RANGES if bridge is None else _BRIDGED, n // 2) - 1
    if threshold is not None and side != 0 and n > 1:
        start, end = found
        at = threshold * np.arange(1, most + 1)
        if bridge is not None:
            at = np.sort(np.concatenate([at, bridge + threshold * np.arange(most)]))[:most]
        at = start + at
        keep = (start > _DEGENERATE) & (at < min(max(start, 0.0) + _EMPTY, end - 1e-3))
        found = [start, *at[keep], end]
    breaks = np.array(found) if side >= 0 else -np.array(found)[::-1]
    return breaks, side
