"""Side jump of the hot spots: few unknowns for the distribution, many points for the shift.

Where spin-orbit coupling parts two bands by a small gap the state turns within a small part of the Fermi surface.
The distribution g does not need points as dense as the coordinate shift does.  So g is solved on a coarse shell C, and
carried to the points i of a fine shell F by the equation itself (Nystroem's interpolation),

    D_i g_i = v_i + sum_{j in C} P_ij g_j,

and the side jump is summed over F with the half of the shift that belongs to i, ``A_ij = - Im V* (u_j^+ W D u_i)``:

    sj(1) = sum_{i in F, j in C} P_ij / |V_ij|^2 A_ij (g_i - g_j),

because the shift is ``A_ij - A_ji``.  With F = C this is the side jump of C, to rounding.  With symmetry F holds
irreducible points, and C the images of its own as well.

F has three points for each cell where symmetry makes that cheap: where cells of different size meet, the error of
single points is large.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..energy.basis import energy_basis
from ..energy.kernel import level_of
from ..kinetics.reduced import group_average
from ..kinetics.response import KineticResponse
from ..pairs.ordering import order_points
from ..threads import THREADS
from .problem import Problem
from .reduced import ReducedShell
from .shared import SharedShell
from .tensors import Change, with_change

_ROWS = 256


def with_hot_spots(problem: Problem, solver: SharedShell | ReducedShell, fine, kts, responses) -> list[KineticResponse]:
    """Quasi-elastic responses of a solver at several kT (eV), the shift summed over a `fine` shell of its energy."""
    distributions = [np.asarray(r.distribution)[:, 0] for r in responses]
    velocities = HotSpots(problem, fine).side_jump_velocity(solver, kts, distributions)
    changes = [Change.of_side_jump(v - r.side_jump_velocity) for r, v in zip(responses, velocities, strict=True)]
    return [with_change(r, change, r.boltzmann) for r, change in zip(responses, changes, strict=True)]


class HotSpots:
    """Quasi-elastic side jump with the shift summed over a fine shell.

    Parameters
    ----------
    problem : Problem
    fine : Shell
        Irreducible where the coarse shells are.
    """

    def __init__(self, problem: Problem, fine):
        self.problem, self.operations = problem, fine.operations
        points = problem.points(fine)
        ordering = order_points(points.states.k, fine.sheet, block=_ROWS, cluster=_ROWS)
        self.weight = points.weight[ordering.order, 0]
        self.velocity = points.velocity[ordering.order, 0]
        self.rows = ordering.blocks
        self.states = points.states[ordering.order]

    def __len__(self) -> int:
        return len(self.weight)

    def side_jump_velocity(self, coarse: SharedShell | ReducedShell, kts, distributions, advance=None) -> np.ndarray:
        """sj(1) of several temperatures in one pass over the pairs, ``e^2/hbar angstrom^(2-d)``: shape (nT, d, d).

        Parameters
        ----------
        coarse : SharedShell or ReducedShell
            C, of the same energy.
        kts : sequence of float
            eV.
        distributions : sequence of arrays, shape (C, d)
            Quasi-elastic distribution of each temperature on the ordered points of C.
        advance : callable, optional
            Called with the fraction of the work that a step has done.
        """
        basis = energy_basis(1, even=True)
        thermal = basis.thermal_weight[0]
        kernels = [[coarse.kernel(s, basis, kt) for kt in kts] for s in range(len(self.problem.sources))]
        tables = [[k.pair[0, 0] for k in kernel] for kernel in kernels]
        cutoffs = [[k.cutoff for k in kernel] for kernel in kernels]
        weights = coarse.all_weights[:, None]
        ones = np.ones_like(weights)
        right = [(weights * np.hstack([ones, coarse.everywhere(g)])).astype(np.float32) for g in distributions]
        d = self.velocity.shape[1]
        # the drive of C carries no net current, see kinetics.solve.neutral
        velocity = self.velocity - np.average(
            coarse.everywhere(coarse.geometry.velocity[:, 0]), axis=0, weights=coarse.all_weights
        )
        columns = coarse.column_slices
        halves = [
            source.halves(self.states, coarse.states, single=True, known=known)
            for source, known in zip(self.problem.sources, coarse.sources, strict=True)
        ]
        near = [
            self.problem.momentum.sets_within(
                self.states.k, self.rows, coarse.states.k, columns, source.q_cut(max(cutoff))
            )
            for source, cutoff in zip(self.problem.sources, cutoffs, strict=True)
        ]

        def work(row):
            jump = summed(row)
            if advance is not None:
                advance(1 / len(self.rows))
            return jump

        def summed(row):
            rows = self.rows[row]
            sums = np.zeros((len(kts), 1 + d, rows.stop - rows.start, 1 + d))
            for index, half in enumerate(halves):
                z_max = self.problem.sources[index].z_max(coarse.q_max)
                for column in np.flatnonzero(near[index][row]):
                    part = columns[column]
                    for channel in half.evaluate(rows, part, max(cutoffs[index])):
                        level, nearest = level_of(channel.z, z_max).astype(np.intp), channel.z.min()
                        factors = np.concatenate([channel.strength[None], channel.shift])
                        for t, table in enumerate(tables[index]):
                            if nearest <= cutoffs[index][t]:
                                sums[t] += (factors * table.take(level)) @ right[t][part]
            out, drive = sums[:, 0, :, :1], thermal * velocity[rows] + sums[:, 0, :, 1:]
            here = np.where(out > 0, drive / np.where(out > 0, out, 1.0), 0.0)  # zero for a point without a partner
            jump = sums[:, 1:, :, :1] * here[:, None] - sums[:, 1:, :, 1:]
            return np.einsum("i,taib->tab", self.weight[rows], jump)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            total = np.sum(list(pool.map(work, range(len(self.rows)))), axis=0)
        if self.operations is None:
            return total
        return np.stack([group_average(x, self.operations.matrices, self.operations.signs) for x in total])
