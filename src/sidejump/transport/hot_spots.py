"""Side jump of the hot spots: few unknowns for the distribution, many points for the shift.

Where spin-orbit coupling parts two bands by a small gap the state turns within a small part of the Fermi surface.
The distribution g does not need points as dense as the coordinate shift does.  So g is solved on a coarse shell C, and
carried to the points i of a fine shell F by the equation itself (Nystroem's interpolation),

    D_i g_i = v_i + sum_{j in C} P_ij g_j,

and the side jump is summed over F with the half of the shift that belongs to i, ``A_ij = - Im V* (u_j^+ W D u_i)``:

    sj(1) = sum_{i in F, j in C} P_ij / |V_ij|^2 A_ij (g_i - g_j),

because the shift is ``A_ij - A_ji``.  With F = C this is the side jump of C, to rounding.

Not covered: couplings whose own derivative with respect to k matters (first-principles ones).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..kinetics.collision import THREADS
from ..kinetics.energy_basis import energy_basis
from ..kinetics.geometry import shell_points
from ..kinetics.kernel import level_of
from ..kinetics.ordering import order_points
from ..kinetics.sources import ScalarPairs
from .problem import Problem
from .shared import SharedShell

_ROWS, _COLUMNS = 256, 512


class HotSpots:
    """Quasi-elastic side jump with the shift summed over a fine shell.

    Parameters
    ----------
    problem : Problem
        All of whose sources are :class:`ScalarPairs`.
    coarse : SharedShell
    fine : Shell
        Of the same energy.
    """

    def __init__(self, problem: Problem, coarse: SharedShell, fine):
        self.problem, self.coarse = problem, coarse
        points = shell_points(
            problem.model,
            problem.momentum,
            fine.k[:, None],
            fine.band,
            fine.sheet,
            fine.weight[:, None],
            degeneracy=problem.settings.degeneracy,
        )
        ordering = order_points(points.states.k, fine.sheet, block=_ROWS, cluster=_ROWS)
        self.states = points.states[ordering.order]
        self.weight = points.weight[ordering.order, 0]
        self.velocity = points.velocity[ordering.order, 0]
        self.rows = ordering.blocks
        self.columns = coarse.geometry.slices
        still = replace(coarse.geometry.states, covariant=np.zeros_like(coarse.geometry.states.covariant))
        self.sources = []
        for source in problem.sources:
            assert isinstance(source, ScalarPairs)
            self.sources.append((source.like(self.states), source.like(still)))
        self._kept: dict | None = None

    def keep(self, kt: float) -> None:
        """Keep the pairs that kT (eV) reaches, if they fit in half the memory."""
        per_pair = 4 * (1 + self.problem.model.dimension) + 2
        if (
            len(self.weight) * len(self.coarse.shell) * len(self.sources) * per_pair
            < 0.6 * self.problem.settings.memory
        ):
            self._kept = {
                (index, part): list(self._blocks(index, part, self._kernel(index, kt).cutoff))
                for index in range(len(self.sources))
                for part in range(len(self.rows))
            }

    def _kernel(self, index: int, kt: float):
        return self.coarse.kernel(index, energy_basis(1, even=True), kt)

    def _blocks(self, index: int, part: int, z_cut: float):
        """Strength, half shift (d, ...) and level of the pairs of one block of fine points, column by column."""
        initial, final = self.sources[index]
        z_max = initial.z_max(self.coarse.q_max)
        for columns in self.columns:
            for channel in initial.between(initial.states[self.rows[part]], final.states[columns], z_cut):
                yield (
                    columns,
                    channel.strength.astype(np.float32),
                    channel.shift.astype(np.float32),
                    level_of(channel.z, z_max),
                )

    def side_jump_velocity(self, kt: float, g: np.ndarray) -> np.ndarray:
        """sj(1), shape (d, d), in ``e^2/hbar angstrom^(2-d)``.

        Parameters
        ----------
        g : ndarray, shape (C, d)
            Quasi-elastic distribution on the ordered points of the coarse shell.
        """
        thermal = energy_basis(1, even=True).thermal_weight[0]
        kernels = [self._kernel(index, kt) for index in range(len(self.sources))]
        d = g.shape[1]
        right = (self.coarse.geometry.weight * np.column_stack([np.ones(len(g)), g])).astype(np.float32)

        def work(part):
            rows = self.rows[part]
            rate = np.zeros((rows.stop - rows.start, 1 + d))
            jump = np.zeros((d, rows.stop - rows.start, 1 + d))
            for index, kernel in enumerate(kernels):
                kept = self._kept[index, part] if self._kept is not None else self._blocks(index, part, kernel.cutoff)
                for columns, strength, shift, level in kept:
                    value = kernel.pair[0, 0][level]
                    rate += (strength * value) @ right[columns]
                    for a in range(d):
                        jump[a] += (shift[a] * value) @ right[columns]
            out = np.maximum(rate[:, :1], np.finfo(float).tiny)
            here = (thermal * self.velocity[rows] + rate[:, 1:]) / out
            total = jump[:, :, :1] * here - jump[:, :, 1:]
            return np.einsum("i,aib->ab", self.weight[rows], total)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            return np.sum(list(pool.map(work, range(len(self.rows)))), axis=0)
