"""Side jump of the hot spots: few unknowns for the distribution, many points for the shift.

Where spin-orbit coupling parts two bands by a small gap the state turns within a small part of the Fermi surface.
The distribution g does not need points as dense as the coordinate shift does.  So g is solved on a coarse shell C, and
carried to the points i of a fine shell F by the equation itself (Nystroem's interpolation),

    D_i g_i = v_i + sum_{j in C} P_ij g_j,

with what odd rates take of it, where there are some (:mod:`sidejump.kinetics.odd`).
The side jump is a double sum over the surface, half of that of ``(ij) = P_ij dr_ij (g_i - g_j)``.  With F in place of
the surface, and that in terms of F and C, but for what is of the second order in their difference,

    (F F) / 2  =  (F C) - (C C) / 2  +  ((F - C) (F - C)) / 2:

    sj(1) = sum_{i in F, j in C} P_ij dr_ij (g_i - g_j)  -  sj(1) of C,

so that neither initial nor final states see hot spots on the points of C alone, for pairs of F with C only.  With F = C
this is the side jump of C, to rounding.  With symmetry F holds irreducible points, and C the images of its own as well.

The distribution of C is that of its weights, though, whose errors scattering multiplies: all of it is too large or too
small by what :mod:`sidejump.kinetics.white` finds for F and for C, the conductivity with scattering that knows no
momentum transfer, which costs next to nothing on F as well.  Of the conductivity sigma and of the side jump

    sigma(F) = R sigma(C),   sj(F) = sj R^T,     R = sigma_white(F) sigma_white(C)^-1.

Of an observable O the side jump of the field-driven distribution grows in the same way.  What the anomalous
distribution does to O is by Onsager's relation the current that O drives: of the distribution of O the part that goes
with the current grows, which sigma_O, the Boltzmann response of O, tells,

    sj(F)_cO = sj_cO + (sj (R - 1)^T)_cb (sigma^-1)_ba sigma_Oa,

the whole of it where O is a velocity.

Of distributions that are matrices within degenerate groups all this is the trace: what else they hold is that of C.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..energy.basis import energy_basis
from ..kinetics.response import KineticResponse, charge
from ..kinetics.white import white_conductivity
from ..pairs.block import Block, pair_channels
from ..pairs.contraction import RowSums, add_row_sums
from ..pairs.near import BLOCK
from ..threads import THREADS, one_matrix_thread
from .problem import Problem
from .shared import SharedShell
from .skew import odd_rates
from .tensors import Change, of_traces, with_change

_BLOCKED = 1e-6  # of the largest conductivity: in a direction with less nothing is compared


def hot_spot_changes(
    problem: Problem, solver: SharedShell, fine, kts, responses, nodes=None, advance=lambda _: None, solvers=None
) -> list[Change]:
    """What responses of a solver at several kT (eV) change by when the shift is summed over a `fine` shell of its
    energy: arguments as those of :meth:`HotSpots.side_jump_velocity`."""
    responses = [of_traces(r) for r in responses]
    if fine is solver.shell:
        velocities = np.stack([_with_drives(r) for r in responses])
        advance(1.0)
        growth = np.zeros((problem.model.dimension, problem.model.dimension))
    else:
        spots = HotSpots(problem, fine)
        velocities = spots.side_jump_velocity(solver, kts, responses, nodes, advance, solvers)
        growth = spots.growth(solver)
    d = len(growth)
    grown = velocities[..., :d] @ growth.T
    velocities[..., d:] += grown @ np.stack([_along_current(r).T for r in responses])
    velocities[..., :d] += grown
    return [Change.to_side_jump(v, r).with_growth(growth, r) for r, v in zip(responses, velocities, strict=True)]


def _along_current(response: KineticResponse) -> np.ndarray:
    """How much of the current each observable is, shape (R - d, d): its Boltzmann response over that of the current."""
    d = response.boltzmann.shape[1]
    return response.boltzmann[d:] @ np.linalg.pinv(charge(response.boltzmann), rcond=_BLOCKED)


def with_hot_spots(problem: Problem, solver: SharedShell, fine, kts, responses) -> list[KineticResponse]:
    """The responses with these changes."""
    changes = hot_spot_changes(problem, solver, fine, kts, responses)
    return [with_change(r, change, r.boltzmann) for r, change in zip(responses, changes, strict=True)]


class HotSpots:
    """Side jump with the shift summed over a fine shell, whose points all energies share.

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

    def growth(self, coarse: SharedShell) -> np.ndarray:
        """R - 1, shape (d, d): by what the conductivity of C falls short, if scattering knew no momentum transfer."""
        operations, known, turns = self._fold.operations, self.problem.orbital_turns, None
        none = np.zeros((self.problem.model.dimension,) * 2)
        if operations is not None:
            if known is None:
                return none
            turns = known.of(operations).matrices
        found = []
        for sample in (self.sample, coarse.sample):
            some = sample.states[slice(0, sample.count)], sample.weight[:, 0], sample.velocity[:, 0]
            found.append(white_conductivity(*some, self._fold, turns))
        fine, rough = found
        if fine is None or rough is None:
            return none
        return (fine - rough) @ np.linalg.pinv(rough, rcond=_BLOCKED, hermitian=True)

    def side_jump_velocity(
        self, coarse: SharedShell, kts, responses, nodes=None, advance=lambda _: None, solvers=None
    ) -> np.ndarray:
        """sj(1) of several responses in one pass over the pairs, ``e^2/hbar angstrom^(2-d)``: shape (n, d, d);
        with observables (n, R, R), of R responses to as many drives.

        Parameters
        ----------
        coarse : SharedShell
            C, of the same energy.
        kts : sequence of float
            eV.
        responses : sequence of KineticResponse
            Response of C at each temperature, with its distribution.
        nodes : sequence of int, optional
            Energy nodes of each; one if left out.
        advance : callable, optional
            Called with the fraction of the work that a step has done.
        solvers : sequence of SharedShell, optional
            That of each response, :meth:`.SharedShell.of` C, where scatterers differ in how strongly they couple.
        """
        bases = [energy_basis(n, even=self.problem.even) for n in nodes or [1] * len(kts)]
        fine, points = self.sample, coarse.sample
        sources = self.problem.sources
        asked = list(zip(solvers or [coarse] * len(kts), bases, kts, strict=True))
        kernels = [[solver.kernel(s, basis, kt) for solver, basis, kt in asked] for s in range(len(sources))]
        cuts = [max(k.cutoff for k in each) for each in kernels]
        weights = points.all_weights[:, None]
        right = [
            np.stack(
                [weights * np.hstack([np.ones_like(weights), points.everywhere(g)]) for g in each.swapaxes(0, 1)]
            ).astype(np.float32)
            for each in (np.asarray(r.distribution) for r in responses)
        ]
        # the drive of C carries no net current, see kinetics.solve.neutral
        velocity = fine.currents[:, 0] - np.average(
            points.everywhere(points.currents[:, 0]), axis=0, weights=points.all_weights
        )
        pushed = [self._pushed(solver, basis, r) for (solver, basis, _), r in zip(asked, responses, strict=True)]
        crossed = [
            source.crossed(fine.states, points.states, single=True, known=known)
            for source, known in zip(sources, coarse.stream.sources, strict=True)
        ]
        along, components = fine.states.directions, self.problem.shifts(self._fold.operations)
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
            count = rows.stop - rows.start
            sums = [RowSums.none(r.shape[0], count, r.shape[2], components) for r in right]
            for index, pairs in enumerate(crossed):
                z_max = sources[index].z_max(coarse.q_max)
                for columns in (columns_of[c] for c in np.flatnonzero(near[index][row])):
                    channels = pairs.evaluate(rows, columns, cuts[index])
                    if channels:
                        block = Block(rows, columns, index, pair_channels(channels, None, 1, z_max))
                        add_row_sums(sums, block, kernels[index], [r[:, columns] for r in right])
            return np.stack(
                [
                    _jump(s, b, velocity[rows], fine.weight[rows, 0], 0.0 if p is None else p[rows])
                    for s, b, p in zip(sums, bases, pushed, strict=True)
                ]
            )

        with one_matrix_thread(), ThreadPoolExecutor(THREADS) as pool:
            total = np.sum(list(pool.map(work, range(len(rows_of)))), axis=0)
        total = total if along is None else along.T @ total
        between = np.stack([self._fold.average(x, odd=True) for x in total])
        return between - np.stack([_with_drives(r) for r in responses])

    def _pushed(self, coarse: SharedShell, basis, response: KineticResponse) -> np.ndarray | None:
        """What odd rates do to the odd part of a response, for each fine point and function, over its weight: shape
        (F, m, R); None without such rates."""
        rates = odd_rates(coarse.problem, coarse.sample, basis.thermal_weight)
        if rates is None or response.odd_distribution is None:
            return None
        return basis.thermal_weight[:, None] * rates.on(self.sample.states, response.odd_distribution, True)


def _jump(sums: RowSums, basis, velocity, weight, pushed) -> np.ndarray:
    """Sum of the shifts of fine points (A) with g from that of C in the sums, shape (components, R); `pushed` (A, m,
    R): what odd rates take of the drive."""
    total, out = sums.rates[..., 0].T, sums.out.copy()
    m = basis.size
    # particles are conserved, as in the operator of C
    out[:, range(m), range(m)] = total - out.sum(axis=2)
    drive = basis.thermal_weight[:, None] * velocity[:, None] + sums.rates[..., 1:].swapaxes(0, 1) - pushed
    alone = total.sum(axis=1) <= 0  # a point without a partner has no part
    out[alone], drive[alone] = np.eye(m), 0.0
    g = np.linalg.solve(out, drive)
    jump = np.einsum("ami,imb->aib", sums.shifts[..., 0], g) - sums.shifts[..., 1:].sum(axis=1)
    return np.einsum("i,aib->ab", weight, jump)


def _with_drives(response: KineticResponse) -> np.ndarray:
    """sj(1) of R responses to R drives: what observables as drives do to the current by Onsager's relation.

    What they do to one another is left zero: nothing asks for it.
    """
    rows, d = response.side_jump_velocity.shape
    observed = np.zeros((rows, rows - d))
    observed[:d] = -response.side_jump_distribution[d:].T
    return np.hstack([response.side_jump_velocity, observed])
