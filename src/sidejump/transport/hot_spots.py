"""Side jump of the hot spots: few unknowns for the distribution, many points for the shift.

Where spin-orbit coupling parts two bands by a small gap the state turns within a small part of the Fermi surface.
The distribution g does not need points as dense as the coordinate shift does.  So g is solved on a coarse shell C, and
carried to the points i of a fine shell F by the equation itself (Nystroem's interpolation),

    D_i g_i = v_i + sum_{j in C} P_ij g_j,

The side jump is a double sum over the surface, half of that of ``(ij) = P_ij dr_ij (g_i - g_j)``.  With F in place of
the surface, and that in terms of F and C, but for what is of the second order in their difference,

    (F F) / 2  =  (F C) - (C C) / 2  +  ((F - C) (F - C)) / 2:

    sj(1) = sum_{i in F, j in C} P_ij dr_ij (g_i - g_j)  -  sj(1) of C,

so that neither initial nor final states see hot spots on the points of C alone, for pairs of F with C only.  With F = C
this is the side jump of C, to rounding.  With symmetry F holds irreducible points, and C the images of its own as well.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from ..energy.basis import energy_basis
from ..kinetics.response import KineticResponse
from ..pairs.block import Block, pair_channels
from ..pairs.contraction import row_sums
from ..pairs.near import BLOCK
from ..threads import THREADS
from .problem import Problem
from .shared import SharedShell
from .tensors import Change, with_change


def hot_spot_changes(
    problem: Problem, solver: SharedShell, fine, kts, responses, advance=lambda _: None
) -> list[Change]:
    """What quasi-elastic responses of a solver at several kT (eV) change by when the shift is summed over a `fine`
    shell of its energy; `advance` is called with the fraction of the work that a step has done."""
    if fine is solver.shell:
        velocities = np.stack([_with_drives(r) for r in responses])
        advance(1.0)
    else:
        velocities = HotSpots(problem, fine).side_jump_velocity(solver, kts, responses, advance)
    return [Change.to_side_jump(v, r) for r, v in zip(responses, velocities, strict=True)]


def with_hot_spots(problem: Problem, solver: SharedShell, fine, kts, responses) -> list[KineticResponse]:
    """The responses with these changes."""
    changes = hot_spot_changes(problem, solver, fine, kts, responses)
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
        self.problem, self._fold = problem, problem.fold(fine.operations)
        self.sample = problem.sampled(fine, cluster=BLOCK, images=False)

    def __len__(self) -> int:
        return self.sample.count

    def side_jump_velocity(self, coarse: SharedShell, kts, responses, advance=lambda _: None) -> np.ndarray:
        """sj(1) of several temperatures in one pass over the pairs, ``e^2/hbar angstrom^(2-d)``: shape (nT, d, d);
        with observables (nT, R, R), of R responses to as many drives.

        Parameters
        ----------
        coarse : SharedShell
            C, of the same energy.
        kts : sequence of float
            eV.
        responses : sequence of KineticResponse
            Quasi-elastic response of C at each temperature, with its distribution.
        advance : callable, optional
            Called with the fraction of the work that a step has done.
        """
        basis = energy_basis(1, even=True)
        thermal = basis.thermal_weight[0]
        fine, points = self.sample, coarse.sample
        sources = self.problem.sources
        kernels = [[coarse.kernel(s, basis, kt) for kt in kts] for s in range(len(sources))]
        cuts = [max(k.cutoff for k in each) for each in kernels]
        weights = points.all_weights[:, None]
        right = [
            (weights * np.hstack([np.ones_like(weights), points.everywhere(g)])).astype(np.float32)
            for g in (np.asarray(r.distribution)[:, 0] for r in responses)
        ]
        # the drive of C carries no net current, see kinetics.solve.neutral
        velocity = fine.currents[:, 0] - np.average(
            points.everywhere(points.currents[:, 0]), axis=0, weights=points.all_weights
        )
        crossed = [
            source.crossed(fine.states, points.states, single=True, known=known)
            for source, known in zip(sources, coarse.stream.sources, strict=True)
        ]
        rows_of, columns_of = fine.near.sets, points.near.all_sets
        near = [
            self.problem.momentum.sets_within(fine.states.k, rows_of, points.states.k, columns_of, source.q_cut(cut))
            for source, cut in zip(sources, cuts, strict=True)
        ]

        def work(row):
            jump = summed(row)
            advance(1 / len(rows_of))
            return jump

        def summed(row):
            rows = rows_of[row]
            sums = np.zeros((len(kts), 1 + velocity.shape[1], rows.stop - rows.start, right[0].shape[1]))
            for index, pairs in enumerate(crossed):
                z_max = sources[index].z_max(coarse.q_max)
                for columns in (columns_of[c] for c in np.flatnonzero(near[index][row])):
                    channels = pairs.evaluate(rows, columns, cuts[index])
                    if channels:
                        block = Block(rows, columns, index, pair_channels(channels, None, 1, z_max))
                        sums += row_sums(block, kernels[index], [r[columns] for r in right])
            out, drive = sums[:, 0, :, :1], thermal * velocity[rows] + sums[:, 0, :, 1:]
            here = np.where(out > 0, drive / np.where(out > 0, out, 1.0), 0.0)  # zero for a point without a partner
            jump = sums[:, 1:, :, :1] * here[:, None] - sums[:, 1:, :, 1:]
            return np.einsum("i,taib->tab", fine.weight[rows, 0], jump)

        with threadpool_limits(1), ThreadPoolExecutor(THREADS) as pool:
            total = np.sum(list(pool.map(work, range(len(rows_of)))), axis=0)
        between = np.stack([self._fold.average(x, odd=True) for x in total])
        return between - np.stack([_with_drives(r) for r in responses])


def _with_drives(response: KineticResponse) -> np.ndarray:
    """sj(1) of R responses to R drives: what observables as drives do to the current by Onsager's relation.

    What they do to one another is left zero: nothing asks for it.
    """
    rows, d = response.side_jump_velocity.shape
    observed = np.zeros((rows, rows - d))
    observed[:d] = -response.side_jump_distribution[d:].T
    return np.hstack([response.side_jump_velocity, observed])
