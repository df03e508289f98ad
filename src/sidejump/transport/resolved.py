"""What each state of the Fermi surface carries: distribution, side-jump velocity, its part of the side jump."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..intrinsic import band_curvature
from .problem import Problem
from .shared import SharedShell


@dataclass(frozen=True)
class StateResolved:
    """S states on the Fermi surface, quasi-elastic.

    Attributes
    ----------
    k : (S, d)                  1/angstrom
    band : (S,)                 lowest band of each state
    weight : (S,)               density of states of its patch, 1/(eV angstrom^d)
    velocity : (S, d)           eV angstrom
    curvature : (S, 1 or 3)     Berry curvature of the band, angstrom^2: z in two dimensions, (x, y, z) in three
    distribution : (S, d)       g for a unit field along each axis: ``delta f = (-df/de) g``, angstrom
    side_jump_velocity : (S, d) eV angstrom, ``sum_l' w dr``
    contribution : (S, d, d)    part of the side jump (velocity half), ``e^2/hbar angstrom^(2-d)``: they add up to it
    """

    k: np.ndarray
    band: np.ndarray
    weight: np.ndarray
    velocity: np.ndarray
    curvature: np.ndarray
    distribution: np.ndarray
    side_jump_velocity: np.ndarray
    contribution: np.ndarray

    def hot(self, size: np.ndarray) -> np.ndarray:
        """Hot spots (S,): the fewest states with half of the sum of `size` (S,); none if they are more than a tenth of
        the density of states."""
        dense = np.abs(size) / self.weight
        order = np.argsort(-dense)
        held = np.cumsum(np.abs(size)[order])
        chosen = np.zeros(len(size), dtype=bool)
        chosen[order[: np.searchsorted(held, 0.5 * held[-1]) + 1]] = True
        return chosen & (self.weight[chosen].sum() < 0.1 * self.weight.sum())


def state_resolved(problem: Problem, kt: float) -> StateResolved:
    """All states of the Fermi surface at kT (eV), without the reduction by symmetry, at the accuracy of `problem`.

    Raises
    ------
    InputError
        If the surface takes more memory than is allowed.
    """
    s = problem.settings
    whole = Problem(problem.model, problem.scatterers, problem.mu, replace(s, symmetry="off", skew_scattering="off"))
    shell = whole.solved_shell(whole.mu, whole.spacings.base)
    solver = SharedShell(whole, shell, kt)
    response, jump = solver.resolved(kt)
    d, sample = whole.model.dimension, solver.sample
    k, weight = np.asarray(sample.states.k), sample.weight[:, 0]
    energy, _, omega = band_curvature(whole.model, k)
    band = np.abs(np.asarray(energy) - whole.mu).argmin(axis=1)
    g = np.asarray(response.distribution)[:, 0, :d]
    jump = jump[:, 0, :d]
    return StateResolved(
        k,
        band,
        weight,
        sample.velocity[:, 0],
        np.take_along_axis(np.asarray(omega), band[:, None, None], axis=2)[:, :, 0],
        g,
        jump / weight[:, None],
        np.einsum("sa,sb->sab", jump, g),
    )
