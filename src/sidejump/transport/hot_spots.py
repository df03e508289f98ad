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

_ROWS = 256


class HotSpots:
    """Quasi-elastic side jump with the shift summed over a fine shell.

    Parameters
    ----------
    problem : Problem
        All of whose sources are :class:`ScalarPairs`.
    fine : Shell
    """

    def __init__(self, problem: Problem, fine):
        self.problem = problem
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
        self.weight = points.weight[ordering.order, 0]
        self.velocity = points.velocity[ordering.order, 0]
        self.rows = ordering.blocks
        self.sources = [source.prepared(points.states[ordering.order], single=True) for source in problem.sources]

    def side_jump_velocity(self, coarse: SharedShell, kts, distributions) -> np.ndarray:
        """sj(1) of several temperatures in one pass over the pairs, ``e^2/hbar angstrom^(2-d)``: shape (nT, d, d).

        Parameters
        ----------
        coarse : SharedShell
            C, of the same energy.
        kts : sequence of float
            eV.
        distributions : sequence of arrays, shape (C, d)
            Quasi-elastic distribution of each temperature on the ordered points of C.
        """
        thermal = energy_basis(1, even=True).thermal_weight[0]
        kernels = [[coarse.kernel(s, energy_basis(1, even=True), kt) for kt in kts] for s in range(len(self.sources))]
        tables = [[k.pair[0, 0] for k in kernel] for kernel in kernels]
        cutoffs = [[k.cutoff for k in kernel] for kernel in kernels]
        ones = np.ones((len(coarse.geometry.weight), 1))
        right = [(coarse.geometry.weight * np.hstack([ones, g])).astype(np.float32) for g in distributions]
        d = self.velocity.shape[1]
        # the drive of C carries no net current, see kinetics.solve.neutral
        velocity = self.velocity - np.average(
            coarse.geometry.velocity[:, 0], axis=0, weights=coarse.geometry.weight[:, 0]
        )

        def work(rows):
            sums = np.zeros((len(kts), 1 + d, rows.stop - rows.start, 1 + d))
            for index, (source, other) in enumerate(zip(self.sources, coarse.sources, strict=True)):
                assert isinstance(source, ScalarPairs) and isinstance(other, ScalarPairs)
                z_max, initial = source.z_max(coarse.q_max), source.states[rows]
                for columns in coarse.geometry.slices:
                    final = other.states[columns]
                    for channel in source.between(initial, final, max(cutoffs[index]), initial_only=True):
                        level, nearest = level_of(channel.z, z_max), channel.z.min()
                        factors = np.concatenate([channel.strength[None], channel.shift])
                        for t, table in enumerate(tables[index]):
                            if nearest <= cutoffs[index][t]:
                                sums[t] += (factors * table[level]) @ right[t][columns]
            out = np.maximum(sums[:, 0, :, :1], np.finfo(float).tiny)
            here = (thermal * velocity[rows] + sums[:, 0, :, 1:]) / out
            jump = sums[:, 1:, :, :1] * here[:, None] - sums[:, 1:, :, 1:]
            return np.einsum("i,taib->tab", self.weight[rows], jump)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            return np.sum(list(pool.map(work, self.rows)), axis=0)
