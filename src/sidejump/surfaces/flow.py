"""Carry the points of one shell onto neighbouring shells along the gradient of the energy.

    dk/de = v / v^2,      d ln w / de = div(v / v^2) = tr M / v^2 - 2 v.M.v / v^4

with v the velocity and M the inverse effective mass; w is the quadrature weight ``dS / |grad e|``.

Gradient lines converge in anisotropic pockets and at necks: the weights stay exact, but the points crowd and become
a poor quadrature, which a warning says.  A point ends where its line meets a minimum, maximum, saddle or node of the
band: ``v^2 / |M|``, the energy left to a stationary point, vanishes there.  It keeps its place beyond, with a weight
next to nothing, and a warning says how much of the density of states ended.

Not covered: sheets that do not exist on the starting shell (:meth:`ShellFlow.density_error` measures what is missing).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from ..errors import InputError
from .fermi import fermi_shell
from .masses import velocity_and_inverse_mass
from .newton import move_onto
from .shell import Shell

_GROUP = 512  # points integrated together: each group has its own steps
_CROWDED = 0.7  # effective number of points, of that on the starting shell, below which a warning is given

STEPS = 30_000
"""Evaluations of the rate for one group of points that a flow gives up beyond; smooth bands take some thousands."""

NOTHING = 1e-9  # weight of a point that ended, of its starting weight


def energy_left(v, mass) -> np.ndarray:
    """Of velocities (S, d) and inverse masses (S, d, d): energy (S,) to a stationary point, eV."""
    return (v**2).sum(1) / (np.linalg.norm(mass, axis=(1, 2)) + 1e-300)


@dataclass(frozen=True)
class _Piece:
    """The solution for the points `index` between two energies."""

    start: float
    end: float
    index: np.ndarray
    solution: Any


class ShellFlow:
    """Points and weights on every shell between two energies.

    Parameters
    ----------
    model : ElectronModel
    shell : Shell
        The shell the flow starts from.
    lowest, highest : float
        Energies (eV) to be reached.
    tolerance : float
        Of the positions (relative) and of ``ln w``, for every single point.
    steps : int
        Evaluations for one group of points before an InputError says that the bands are too rough.

    Attributes
    ----------
    lowest, highest : float
    ended : (S, 2)  energies (eV) below and above which a point has ended; -inf and inf where it has not
    warnings : list of str
    """

    def __init__(
        self, model, shell: Shell, lowest: float, highest: float, *, tolerance: float | None = None, steps: int = STEPS
    ):
        self.model, self.shell = model, shell
        self.lowest, self.highest, self._steps = lowest, highest, steps
        self._tolerance = tolerance or (1e-8 if shell.k.shape[1] == 2 else 1e-6)
        self._last = shell.k.copy()[None].repeat(2, axis=0)  # where points ended
        self.ended = np.stack([np.full(len(shell), -np.inf), np.full(len(shell), np.inf)], axis=1)
        self._reach = abs(highest - lowest)
        self._pieces: list[list[_Piece]] = [[], []]
        room = energy_left(*velocity_and_inverse_mass(model, shell.k, shell.band))
        order = np.argsort(room, kind="stable")
        for side, end in enumerate((lowest, highest)):
            if (end - shell.energy) * (1 if side else -1) > 1e-12:
                for i in range(0, len(order), _GROUP):
                    self._carry(np.sort(order[i : i + _GROUP]), side, end)
        self.warnings = self._complaints(lowest, highest)

    def _rate(self, index):
        s, d = len(index), self.shell.k.shape[1]
        band = self.shell.band[index]
        calls = itertools.count(1)

        def rate(energy, state):
            if next(calls) > self._steps:
                raise InputError(
                    f"the shell at {self.shell.energy:.6g} eV cannot be carried beyond {energy:.6g} eV in "
                    f"{self._steps} steps: the bands are too rough to be followed (single precision, interpolation, "
                    "kinks in H(k), or bands that cross along a line, as where a glide holds them together); "
                    'geometry = "shared" needs no other shells'
                )
            v, mass = velocity_and_inverse_mass(self.model, state.reshape(s, d + 1)[:, :d], band)
            square = np.maximum((v**2).sum(1), 1e-30)
            trace = np.einsum("saa->s", mass)
            along = np.einsum("sa,sab,sb->s", v, mass, v)
            divergence = trace / square - 2 * along / square**2
            return np.concatenate([v / square[:, None], divergence[:, None]], axis=1).ravel()

        return rate

    def _carry(self, index, side, end):
        """Integrate a group to `end`, dropping points that meet a stationary point."""
        d = self.shell.k.shape[1]
        energy = self.shell.energy
        state = np.concatenate([self.shell.k[index], np.zeros((len(index), 1))], axis=1)
        floor = 1e-7 * self._reach
        while len(index):
            band = self.shell.band[index]

            def left(_, y, band=band):
                k = y.reshape(len(band), d + 1)[:, :d]
                return energy_left(*velocity_and_inverse_mass(self.model, k, band)).min() - floor

            left.terminal = True  # type: ignore[attr-defined]
            if left(energy, state.ravel()) > 0:
                # the solver averages the error over the components; this bounds that of each
                tolerance = max(self._tolerance / np.sqrt(state.size), 1e-12)
                scale = max(float(np.linalg.norm(self.shell.k[index], axis=1).max()), 1e-12)
                absolute = tolerance * np.tile([1e-2 * scale] * d + [1.0], len(index))
                solution = solve_ivp(
                    self._rate(index),
                    (energy, end),
                    state.ravel(),
                    method="DOP853",
                    rtol=tolerance,
                    atol=absolute,
                    dense_output=True,
                    events=left,
                )
                self._pieces[side].append(_Piece(energy, float(solution.t[-1]), index, solution.sol))
                energy, state = float(solution.t[-1]), solution.y[:, -1].reshape(len(index), d + 1)
                if solution.status == 0:
                    return
            room = energy_left(*velocity_and_inverse_mass(self.model, state[:, :d], band))
            gone = room <= max(2 * floor, room.min())
            self.ended[index[gone], side] = energy
            self._last[side, index[gone]] = state[gone, :d]
            index, state = index[~gone], state[~gone]

    def at(self, energies):
        """k (S, n, d) and weight (S, n) on the shells at `energies` (eV)."""
        energies = np.asarray(energies, dtype=float)
        shell, (s, d) = self.shell, self.shell.k.shape
        away = energies - shell.energy
        here = np.abs(away) < 1e-14
        k = np.repeat(shell.k[:, None], len(energies), axis=1)
        log_weight = np.where(here, np.zeros((s, 1)), np.log(NOTHING))
        for side, chosen in enumerate((away < 0, away > 0)):
            chosen = np.flatnonzero(chosen & ~here)
            k[:, chosen] = self._last[side][:, None]
            for piece in self._pieces[side]:
                start, end = abs(piece.start - shell.energy), abs(piece.end - shell.energy) + 1e-15
                within = chosen[(np.abs(away[chosen]) >= start) & (np.abs(away[chosen]) <= end)]
                if len(within):
                    state = piece.solution(energies[within]).reshape(len(piece.index), d + 1, len(within))
                    k[piece.index[:, None], within] = state[:, :d].transpose(0, 2, 1)
                    log_weight[piece.index[:, None], within] = state[:, d]
        alive = (energies > self.ended[:, :1]) & (energies < self.ended[:, 1:]) & ~here
        point, node = np.nonzero(alive)
        if len(point):
            step = 0.1 * np.linalg.norm(k[alive] - shell.k[point], axis=1) + 1e-9
            target = energies[node]
            k[alive], _, error = move_onto(
                self.model, k[alive], shell.band[point], target, largest_step=step, iterations=6
            )
            astray = error > 1e-3 * np.abs(away[node]) + 1e-9
            log_weight[point[astray], node[astray]] = np.log(NOTHING)
        return k, shell.weight[:, None] * np.exp(log_weight)

    def density_error(self, energies, *, spacing: float, **options) -> np.ndarray:
        """Sum of the weights over the density of states of a shell made afresh, minus one, at each energy.

        Parameters
        ----------
        spacing, **options
            Passed to :func:`sidejump.surfaces.fermi.fermi_shell`.
        """
        _, weight = self.at(energies)
        fresh = [fermi_shell(self.model, float(e), spacing=spacing, **options).weight.sum() for e in energies]
        return weight.sum(axis=0) / np.array(fresh) - 1

    def torn(self, energies) -> np.ndarray:
        """2D: how far apart neighbours on a contour have come, compared with the length that their weights stand for.

        The largest ratio (or its inverse) at each energy: 1 while contours are carried as a whole; beyond a saddle,
        where they join or come apart, it is not.
        """
        k, weight = self.at(energies)
        worst = np.ones(len(energies))
        for i in range(len(energies)):
            v, _ = velocity_and_inverse_mass(self.model, k[:, i], self.shell.band)
            length = weight[:, i] * np.linalg.norm(v, axis=1) * (2 * np.pi) ** 2
            for sheet in np.unique(self.shell.sheet):
                members = np.flatnonzero(self.shell.sheet == sheet)
                step = np.roll(k[members, i], -1, axis=0) - k[members, i]
                if self.model.cell is not None:  # a contour may leave the zone
                    crystal = step @ np.linalg.inv(self.model.zone_axes)
                    step = (crystal - np.round(crystal)) @ self.model.zone_axes
                expected = 0.5 * (length[members] + np.roll(length[members], -1))
                ratio = np.linalg.norm(step, axis=1) / np.maximum(expected, 1e-300)
                worst[i] = max(worst[i], ratio.max(), 1 / max(ratio.min(), 1e-300))
        return worst

    def _complaints(self, lowest, highest) -> list[str]:
        said = []
        gone = np.isfinite(self.ended)
        if gone.any():
            share = self.shell.weight[gone.any(axis=1)].sum() / self.shell.weight.sum()
            low = self.ended[:, 0][gone[:, 0]].max(initial=lowest)
            high = self.ended[:, 1][gone[:, 1]].min(initial=highest)
            said.append(
                f"{int(gone.any(axis=1).sum())} of {len(self.shell)} shell points ({100 * share:.3g} % of the density "
                f"of states) meet a band edge, a saddle or a node between {lowest:.6g} and {highest:.6g} eV and end "
                f"there; all are complete between {low:.6g} and {high:.6g} eV"
            )
        _, weight = self.at([lowest, self.shell.energy, highest])
        spread = weight.sum(axis=0) ** 2 / (weight**2).sum(axis=0)
        if spread.min() < _CROWDED * spread[1]:
            said.append(
                f"between {lowest:.6g} and {highest:.6g} eV the shell points crowd together (what {len(self.shell)} "
                f"points resolve at {self.shell.energy:.6g} eV falls to {spread.min() / spread[1]:.2g} of it): "
                "the shells change too much over this range to be carried along; lower the highest temperature"
            )
        return said
