"""Side jump of the hot spots: few unknowns for the distribution, many points for what is summed with it.

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

The distribution of C is off by the first order, though.  With h, ``L h = sum P dr``, the distribution that the shifts
drive (g^a but for its sign), the functional ``<v, h> + sj(1)[g] - <h, L g>`` is stationary in both distributions.  In
terms of F and C, and with the equation on F, what is added to sj(1), and to the conductivity where h is g, is

    sj(1) of C + sum_{i in F, j in C} P_ij h_j (g_i - g_j),
    sum_{i in F} v_i g_i + sum_{i in F, j in C} P_ij g_j (g_i - g_j),

nothing with F = C.  How fine C is matters little then, where it sees the hot spots at all.  It is left out where points
are too far apart for the phonons of a temperature.  Observables are drives with an h of their own.

Where the anomalous equation is not solved, which memory may not hold, the side jump grows as the conductivity does,

    sj(F) = sj R^T,     R = sigma(F) sigma(C)^-1,

of an observable O that of the field-driven distribution in the same way.  What the anomalous distribution does to O is
by Onsager's relation the current that O drives: of the distribution of O the part that goes with the current grows,
which sigma_O, the Boltzmann response of O, tells,

    sj(F)_cO = sj_cO + (sj (R - 1)^T)_cb (sigma^-1)_ba sigma_Oa,

the whole of it where O is a velocity.

Of distributions that are matrices within degenerate groups all this is the trace: what else they hold is that of C.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..energy.basis import energy_basis
from ..kinetics.fold import Fold
from ..kinetics.response import KineticResponse, charge
from ..pairs.block import Block, pair_channels
from ..pairs.contraction import RowSums, add_row_sums
from ..pairs.near import BLOCK
from ..pairs.sample import Sample
from ..threads import by_threads
from ..units import KB
from .problem import Problem
from .shared import SharedShell
from .skew import odd_rates
from .tensors import Change, largest, of_traces, with_change

_BLOCKED = 1e-6  # of the largest conductivity: in a direction with less nothing is compared


def hot_spot_changes(
    problem: Problem,
    solver: SharedShell,
    fine,
    kts,
    responses,
    nodes=None,
    advance=lambda _: None,
    solvers=None,
    spacing=None,
) -> list[Change]:
    """What responses of a solver at several kT (eV) change by when a `fine` shell of its energy takes the place of its
    own: arguments as those of :meth:`HotSpots.on_fine`.

    What the distribution is off by is told by one energy node, and taken for that of several at the same temperature.
    Where points with the `spacing` of C (1/angstrom; not looked at when not given) do not resolve the phonons it is
    left as it is: points of F that scatter into next to none of C have distributions without any bound.
    """
    responses = [of_traces(r) for r in responses]
    if fine is solver.shell:
        advance(1.0)
        return [Change.none(r) for r in responses]
    found = HotSpots(problem, fine).on_fine(solver, kts, responses, nodes, advance, solvers)
    places = list(zip(map(id, solvers or [solver] * len(kts)), kts, strict=True))
    beside = {
        at: f.beside(r)
        for at, f, r in zip(places, found, responses, strict=True)
        if f.boltzmann is not None and (spacing is None or problem.spacings.resolves(spacing, at[1] / KB))
    }
    changes = [Change.to_side_jump(f.side_jump, r) for f, r in zip(found, responses, strict=True)]
    return [change.plus(beside[at]) if at in beside else change for at, change in zip(places, changes, strict=True)]


def with_hot_spots(problem: Problem, solver: SharedShell, fine, kts, responses, spacing=None) -> list[KineticResponse]:
    """The responses with these changes."""
    changes = hot_spot_changes(problem, solver, fine, kts, responses, spacing=spacing)
    return [with_change(r, change, r.boltzmann) for r, change in zip(responses, changes, strict=True)]


@dataclass(frozen=True)
class OnFine:
    """A response with the sums over pairs of F with C, ``e^2/hbar angstrom^(2-d)``.

    Attributes
    ----------
    side_jump : ndarray, shape (R, R)
        sj(1) of R responses to R drives, with the distribution of C.
    boltzmann : ndarray, shape (R, d), or None
        With what the distribution of C is off by in first order; None of several energy nodes.
    correction : ndarray, shape (d, R) or (R, R), or None
        What that changes of the side jump; None where g^a is not known.
    """

    side_jump: np.ndarray
    boltzmann: np.ndarray | None = None
    correction: np.ndarray | None = None

    def beside(self, response: KineticResponse) -> Change:
        """What the distribution of C, of which this is the response, is off by: beside the change of the sums."""
        assert self.boltzmann is not None
        d = response.boltzmann.shape[1]
        plain, conductivity = self.side_jump, charge(response.boltzmann)
        inverse = np.linalg.pinv(conductivity, rcond=_BLOCKED, hermitian=True)
        grown = plain[:, :d] @ inverse @ (charge(self.boltzmann) - conductivity).T
        side_jump = plain.copy()
        side_jump[:, :d] += grown
        side_jump[:, d:] += grown @ (response.boltzmann[d:] @ inverse).T
        if self.correction is not None:
            known = len(self.correction)
            side_jump[:known] = plain[:known] + self.correction
        change = Change.to_side_jump(side_jump, response).plus(Change.to_side_jump(plain, response).times(-1.0))
        return replace(change, boltzmann=(self.boltzmann - response.boltzmann) / largest(response.boltzmann))


class HotSpots:
    """Sums over pairs of a fine shell, whose points all energies share, with a coarse one.

    Parameters
    ----------
    problem : Problem
    fine : Shell
        Irreducible where the coarse shells are.
    """

    def __init__(self, problem: Problem, fine):
        self.problem, self._fold = problem, problem.fold(fine.operations)
        self.sample = problem.sampled(fine, cluster=BLOCK, images=False)

    def on_fine(
        self, coarse: SharedShell, kts, responses, nodes=None, advance=lambda _: None, solvers=None
    ) -> list[OnFine]:
        """Several responses in one pass over the pairs.

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
        weights = points.all_weights
        known = [
            _everywhere(points, self._fold, r, several=basis.size > 1)
            for r, basis in zip(responses, bases, strict=True)
        ]
        right = [(weights[:, None] * np.dstack([np.ones_like(x[..., :1]), x])).astype(np.float32) for x in known]
        # the drive of C carries no net current, see kinetics.solve.neutral
        velocity = fine.currents[:, 0] - np.average(points.everywhere(points.currents[:, 0]), axis=0, weights=weights)
        responding = velocity.shape[1]
        pushed = [self._pushed(solver, basis, r) for (solver, basis, _), r in zip(asked, responses, strict=True)]
        crossed = [
            source.crossed(fine.states, points.states, single=True, known=prepared)
            for source, prepared in zip(sources, coarse.stream.sources, strict=True)
        ]
        along, components = fine.states.directions, self.problem.shifts(self._fold.operations)
        rows_of, columns_of = fine.near.sets, points.near.all_sets
        near = [
            self.problem.momentum.sets_within(fine.states.k, rows_of, points.states.k, columns_of, source.q_cut(cut))
            for source, cut in zip(sources, cuts, strict=True)
        ]

        def work(row):
            rows = rows_of[row]
            left = fine.weight[rows, 0].astype(np.float32)
            sums = [RowSums.none(r, rows.stop - rows.start, components, 1 + responding) for r in right]
            for index, pairs in enumerate(crossed):
                z_max = sources[index].z_max(coarse.q_max)
                for columns in (columns_of[c] for c in np.flatnonzero(near[index][row])):
                    channels = pairs.evaluate(rows, columns, cuts[index])
                    if channels:
                        block = Block(rows, columns, index, pair_channels(channels, None, 1, z_max))
                        add_row_sums(sums, block, kernels[index], left, right)
            found = [
                _of_rows(s, b, velocity[rows], fine.weight[rows, 0], 0.0 if p is None else p[rows], weights, x[0])
                for s, b, p, x in zip(sums, bases, pushed, known, strict=True)
            ]
            advance(1 / len(rows_of))
            return found

        parts = by_threads(work, range(len(rows_of)))
        found = []
        for number, (response, basis) in enumerate(zip(responses, bases, strict=True)):
            jump, outer = (sum(row[number][i] for row in parts) for i in range(2))
            jump = self._fold.average(jump if along is None else along.T @ jump, odd=True) - _with_drives(response)
            found.append(OnFine(jump) if basis.size > 1 else self._corrected(jump, outer, response))
        return found

    def _corrected(self, side_jump, outer, response: KineticResponse) -> OnFine:
        d = response.boltzmann.shape[1]
        responding = side_jump.shape[1]
        boltzmann = response.boltzmann + self._fold.average(outer[:responding, :d])
        if response.anomalous is None:
            return OnFine(side_jump, boltzmann)
        correction = self._fold.average(outer[responding:], odd=True)
        return OnFine(side_jump, boltzmann, _with_drives(response)[: len(correction)] - correction)

    def _pushed(self, coarse: SharedShell, basis, response: KineticResponse) -> np.ndarray | None:
        """What odd rates do to the odd part of a response, for each fine point and function, over its weight: shape
        (F, m, R); None without such rates."""
        rates = odd_rates(coarse.problem, coarse.sample, basis.thermal_weight)
        if rates is None or response.odd_distribution is None:
            return None
        return basis.thermal_weight[:, None] * rates.on(self.sample.states, response.odd_distribution, True)


def _everywhere(points: Sample, fold: Fold, response: KineticResponse, *, several: bool) -> np.ndarray:
    """Distributions at all points and images of C, shape (m, C, R): g, and of one energy g^a after it where it is
    known, (1, C, R + d) or (1, C, 2 R), which turns as the shifts do."""
    found = np.stack([points.everywhere(g) for g in np.asarray(response.distribution).swapaxes(0, 1)])
    if several or response.anomalous is None:
        return found
    anomalous, rows = response.anomalous[:, 0], slice(response.anomalous.shape[2])
    turns = [fold.shift_turn(image) for image in range(points.images)]
    anomalous = np.concatenate([anomalous if turn is None else anomalous @ turn[rows, rows].T for turn in turns])
    return np.dstack([found, anomalous[None]])


def _of_rows(sums: RowSums, basis, velocity, weight, pushed, weights, known) -> tuple[np.ndarray, np.ndarray]:
    """What fine points (A) give the side jump, shape (components, R), and of one energy the corrections, (r, R).

    `pushed` (A, m, R): what odd rates take of the drive; `weights` (C,) and distributions `known` (C, r) of C.
    """
    total, out = sums.rates[..., 0].T, sums.out.copy()
    m, responding = basis.size, velocity.shape[1]
    # particles are conserved, as in the operator of C
    out[:, range(m), range(m)] = total - out.sum(axis=2)
    own = basis.thermal_weight[:, None] * velocity[:, None] - pushed
    drive = own + sums.rates[..., 1 : 1 + responding].swapaxes(0, 1)
    alone = total.sum(axis=1) <= 0  # a point without a partner has no part
    out[alone], drive[alone] = np.eye(m), 0.0
    g = np.linalg.solve(out, drive)
    jump = np.einsum("ami,imb->aib", sums.shifts[..., 0], g) - sums.shifts[..., 1:].sum(axis=1)
    jump = np.einsum("i,aib->ab", weight, jump)
    if m > 1:
        return jump, np.zeros((known.shape[1], responding))
    # sum over pairs of known_j P_ij (g_i - g_j), and of the Boltzmann part what it is without
    outer = (weight[:, None] * sums.rates[0, :, 1:]).T @ g[:, 0]
    outer -= ((weights * sums.back)[:, None] * known).T @ known[:, :responding]
    outer[:responding] += (weight[:, None] * own[:, 0]).T @ g[:, 0]
    return jump, outer


def _with_drives(response: KineticResponse) -> np.ndarray:
    """sj(1) of R responses to R drives: what observables as drives do to the current by Onsager's relation.

    What they do to one another is left zero: nothing asks for it.
    """
    rows, d = response.side_jump_velocity.shape
    observed = np.zeros((rows, rows - d))
    observed[:d] = -response.side_jump_distribution[d:].T
    return np.hstack([response.side_jump_velocity, observed])
