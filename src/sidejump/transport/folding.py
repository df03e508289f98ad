"""Whether momentum transfers are folded into a smaller zone than that of the crystal."""

from __future__ import annotations

import numpy as np

from ..bands.states import solve_states
from ..errors import NoStates
from ..groups.translations import inner_translations
from ..interactions.point_impurity import PointPairs
from .problem import Problem

_POINTS = 200  # of the Fermi surface, drawn at random, whose pairs are looked at
_UNLIKE = 1e-3


def folding_sentences(problem: Problem) -> list[str]:
    """What a reader should know of a cell that is not primitive.

    The potential of a model scatterer has the momentum transfers of the first zone.  In a cell twice as large that is
    half as many, and states that are farther apart do not scatter into one another; in a small pocket none are.
    First-principles vertices, and impurities that are a matrix on one site, have all of them in any cell.
    """
    if all(source.expensive or isinstance(source, PointPairs) for source in problem.sources):
        return []
    vertices = [v for v in (getattr(s, "vertex", None) for s in problem.scatterers) if isinstance(v, np.ndarray)]
    found = inner_translations(problem.model, vertices)
    shift = next((shift for shift, order in found if _left_out(problem, shift, order)), None)
    if shift is None:
        return []
    numbers = ", ".join(f"{x:.4g}" for x in np.where(np.abs(shift) < 1e-9, 0.0, shift))
    return [
        f"the cell is not primitive: a shift by ({numbers}) angstrom leaves the crystal as it is and is no lattice "
        "vector; momentum transfers are folded into the first zone of the cell, and scattering farther than that, into "
        "the zone of the primitive cell, is left out: give the primitive cell"
    ]


def _left_out(problem: Problem, shift, order) -> bool:
    """Whether states of the Fermi surface do not scatter into one another for that reason; yes where there is none.

    A state of wave vector k + g in the zone of the primitive cell takes the factor ``exp(i g t)`` by the translation t.
    Where factors still differ after the reciprocal vector that makes a transfer the shortest, the true one is longer.
    """
    try:
        shell = problem.shell(problem.mu, problem.whole_spacings.base, levels=0, whole=True)
    except NoStates:
        return True
    some = np.random.default_rng(0).permutation(len(shell))[:_POINTS]
    k = shell.k[some]
    states = solve_states(problem.model, k, shell.band[some], degeneracy=problem.settings.degeneracy)
    moved = states.vectors[..., order]
    factor = np.einsum("smn,smn->s", states.vectors.conj(), moved) / states.multiplicity
    apart = k[None] - k[:, None]
    g = problem.momentum.first_zone(apart) - apart
    return bool(np.abs(factor * np.exp(-1j * g @ shift) - factor[:, None]).max() > _UNLIKE)
