"""The variable tau in which distributions are polynomials of the energy (theory, section 4)."""

from __future__ import annotations

import numpy as np

_SCALE = 6.0  # kT
_VISIBLE = 12.0  # kT: band edges farther from the chemical potential carry no weight


class EnergyMap:
    """``tau = tanh((x - c)/6)``, or next to a band edge x0 the root of ``|tanh((x - c)/6) - tanh((x0 - c)/6)|``.

    Near the edge tau is then proportional to ``|x - x0|^(1/2)``, that is to the wave vector: velocities, densities of
    states and distributions are smooth in it.  c is the chemical potential, or the edge where that lies in the gap.

    Parameters
    ----------
    low, high : float
        Range of ``x = (e - mu)/kT`` with states; with edges in sight on both sides the plain form is used.

    Attributes
    ----------
    range : (float, float)
        tau at both ends.
    """

    def __init__(self, low: float, high: float):
        below, above = low > -_VISIBLE, high < _VISIBLE
        self._side = int(below) - int(above)  # 1: states above an edge, -1: below one
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
