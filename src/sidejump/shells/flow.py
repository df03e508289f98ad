"""Carry the points of one shell onto neighbouring shells along the gradient of the energy.

    dk/de = v / v^2,      d ln w / de = div(v / v^2) = tr M / v^2 - 2 v.M.v / v^4

with v the velocity and M the inverse effective mass; w is the quadrature weight ``dS / |grad e|``.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from .masses import velocity_and_inverse_mass
from .newton import move_onto
from .shell import Shell


class ShellFlow:
    """Points and weights on every shell between two energies.

    Parameters
    ----------
    model : ElectronModel
    shell : Shell
        The shell the flow starts from.
    lowest, highest : float
        Energies (eV) to be reached; must lie inside the bands of the shell.
    """

    def __init__(self, model, shell: Shell, lowest: float, highest: float, *, tolerance: float = 1e-8):
        self.model, self.shell = model, shell
        s, d = shell.k.shape
        start = np.concatenate([shell.k, np.zeros((s, 1))], axis=1).ravel()

        def rate(energy, state):
            k = state.reshape(s, d + 1)[:, :d]
            v, mass = velocity_and_inverse_mass(model, k, shell.band)
            square = np.maximum((v**2).sum(1), 1e-12)
            trace = np.einsum("saa->s", mass)
            along = np.einsum("sa,sab,sb->s", v, mass, v)
            divergence = trace / square - 2 * along / square**2
            return np.concatenate([v / square[:, None], divergence[:, None]], axis=1).ravel()

        method = "DOP853" if s < 4000 and d == 2 else "RK45"
        rtol = tolerance if d == 2 else 1e-5
        self._pieces = []
        for end in (lowest, highest):
            if abs(end - shell.energy) > 1e-12:
                solution = solve_ivp(
                    rate, (shell.energy, end), start, method=method, rtol=rtol, atol=rtol * 1e-3, dense_output=True
                )
                self._pieces.append((end > shell.energy, solution.sol))
            else:
                self._pieces.append((end > shell.energy, None))

    def at(self, energies):
        """k (S, n, d) and weight (S, n) on the shells at `energies` (eV)."""
        s, d = self.shell.k.shape
        ks, ws = [], []
        for e in energies:
            piece = self._pieces[int(e > self.shell.energy)][1]
            if piece is None or abs(e - self.shell.energy) < 1e-14:
                ks.append(self.shell.k)
                ws.append(self.shell.weight)
                continue
            state = piece(e).reshape(s, d + 1)
            step = 0.1 * np.linalg.norm(state[:, :d] - self.shell.k, axis=1) + 1e-9
            k, _, _ = move_onto(self.model, state[:, :d], self.shell.band, e, largest_step=step, iterations=3)
            ks.append(k)
            ws.append(self.shell.weight * np.exp(state[:, d]))
        return np.stack(ks, axis=1), np.stack(ws, axis=1)
