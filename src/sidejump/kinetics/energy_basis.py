"""Spectral basis in energy and its scattering tables (theory, section 4).

With x = (e - mu)/kT the distribution is expanded in Lagrange polynomials of tau = tanh(x/6) on Gauss-Legendre
nodes.  A phonon of energy y kT couples node i to node j through

    T_ij(y)  = int dx f(x) { N(y) [1 - f(x+y)] l_i(x) l_j(x+y) + [N(y)+1] [1 - f(x-y)] l_i(x) l_j(x-y) }
    T_ikj(y) = the same integral with l_i(x) l_k(x) l_j(x +- y),      sum over k: T_ij

so energy is conserved without a broadening.  ``y T`` is smooth and even in y, which is what is tabulated.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.interpolate import make_interp_spline

WINDOW = 40.0
"""|x| beyond which f (1 - f) is dropped (4e-18)."""

Y_MAX = 32.0
"""Phonon energies above this many kT do not scatter."""

_TAU_SCALE = 6.0
_QUADRATURE = 160
_GRID = 260


class EnergyBasis:
    """Lagrange polynomials in tau on n nodes, on the part of the energy axis where the shells exist.

    Parameters
    ----------
    n : int
        Number of nodes; 1 is the quasi-elastic theory (eq. B3).
    interval : (float, float)
        Range of x where there are states; cut to +-40.
    even : bool
        Keep only the functions even in x: enough when all shells share one geometry, because the equation is then
        symmetric under x -> -x.

    Attributes
    ----------
    nodes : ndarray, shape (n,)
        Energies x of the nodes (without `even`).
    size : int
        Number of functions.
    thermal_weight : ndarray, shape (size,)
        ``int dx f (1 - f) phi_a``.
    """

    def __init__(self, n: int, interval=(-WINDOW, WINDOW), *, even: bool = False):
        if n < 1:
            raise ValueError(f"energy_nodes = {n} must be at least 1")
        self.n, self.even = n, even
        if n == 1:  # the quasi-elastic theory knows no band edge
            interval = (-WINDOW, WINDOW)
        self.interval = (max(interval[0], -WINDOW), min(interval[1], WINDOW))
        lo, hi = np.tanh(np.array(self.interval) / _TAU_SCALE)
        t, _ = np.polynomial.legendre.leggauss(n)
        if n == 1:
            # the one node of the quasi-elastic theory sits at the chemical potential
            self._tau = np.zeros(1)
        else:
            self._tau = 0.5 * (hi + lo) + 0.5 * (hi - lo) * t
        self.nodes = _TAU_SCALE * np.arctanh(self._tau)
        difference = self._tau[:, None] - self._tau[None, :] + np.eye(n)
        self._barycentric = 1 / np.prod(difference, axis=1)
        self._fold = _even_fold(n) if even else np.eye(n)
        self.size = self._fold.shape[0]
        x, weight = _gauss(*self.interval, _QUADRATURE)
        self.thermal_weight = self.functions(x) @ (weight * _fermi(x) * _fermi(-x))
        self._pair_spline, self._triple_spline, self._out_spline = self._tabulate()

    def functions(self, x) -> np.ndarray:
        """Values of the basis functions, shape (size, len(x))."""
        tau = np.tanh(np.asarray(x) / _TAU_SCALE)
        d = tau[None, :] - self._tau[:, None]
        exact = np.abs(d) < 1e-14
        terms = self._barycentric[:, None] / np.where(exact, 1.0, d)
        hit = exact.any(axis=0)
        values = np.where(hit, exact, terms / np.where(hit, 1.0, terms.sum(axis=0)))
        return self._fold @ values

    def pair(self, y) -> np.ndarray:
        """T_ab(y), shape y.shape + (size, size); y > 0, zero beyond `Y_MAX`."""
        return self._evaluate(self._pair_spline, y).reshape((*np.shape(y), self.size, self.size))

    def triple(self, y) -> np.ndarray:
        """T_acb(y), shape y.shape + (size, size, size), axes (a, c, b); the sum over c is `pair`."""
        return self._evaluate(self._triple_spline, y).reshape((*np.shape(y), self.size, self.size, self.size))

    def out(self, y) -> np.ndarray:
        """``sum_b T_acb(y)``: out-scattering between a and c, shape y.shape + (size, size)."""
        return self._evaluate(self._out_spline, y).reshape((*np.shape(y), self.size, self.size))

    @staticmethod
    def _evaluate(spline, y):
        y = np.asarray(y, dtype=float)
        inside = np.clip(y, 1e-12, Y_MAX)
        return spline(np.sqrt(inside)) * ((y <= Y_MAX) / inside)[..., None]

    def _tabulate(self):
        grid = np.linspace(0, np.sqrt(Y_MAX), _GRID)
        m = self.size
        pair = np.empty((_GRID, m, m))
        triple = np.empty((_GRID, m, m, m))
        lo, hi = self.interval
        for row, root in enumerate(grid):
            y = root**2
            # y N(y) and y (N(y) + 1) stay finite at y = 0
            absorbed = 1.0 if y == 0 else y / np.expm1(y)
            both = []
            for sign, factor in ((1, absorbed), (-1, absorbed + y)):
                a, b = max(lo, lo - sign * y), min(hi, hi - sign * y)
                if b <= a:
                    continue
                x, weight = _gauss(a, b, _QUADRATURE)
                start, final = self.functions(x), self.functions(x + sign * y)
                w = weight * factor * _fermi(x) * _fermi(-(x + sign * y))
                products = (start[:, None] * start[None, :]).reshape(m * m, -1)
                both.append((products * w) @ final.T)
            triple[row] = sum(both, np.zeros((m * m, m))).reshape(m, m, m)
            pair[row] = triple[row].sum(axis=1)
        pair = 0.5 * (pair + pair.transpose(0, 2, 1))
        tables = (pair, triple, triple.sum(axis=-1))
        return tuple(make_interp_spline(grid, table.reshape(_GRID, -1), k=5) for table in tables)


@lru_cache(maxsize=64)
def energy_basis(n: int, interval=(-WINDOW, WINDOW), even: bool = False) -> EnergyBasis:
    """Cached :class:`EnergyBasis`: the tables do not depend on temperature."""
    return EnergyBasis(n, interval, even=even)


def _even_fold(n: int) -> np.ndarray:
    """Matrix that adds the functions of x and -x, shape ((n + 1) // 2, n)."""
    rows = np.zeros(((n + 1) // 2, n))
    for i in range(n):
        rows[min(i, n - 1 - i), i] = 1
    return rows


def _fermi(x):
    return 0.5 * (1 - np.tanh(0.5 * x))


def _gauss(a: float, b: float, n: int):
    x, w = _gauss_unit(n)
    return 0.5 * (b + a) + 0.5 * (b - a) * x, 0.5 * (b - a) * w


@lru_cache(maxsize=8)
def _gauss_unit(n: int):
    return np.polynomial.legendre.leggauss(n)
