"""By which symmetry the shells of a problem are reduced to irreducible points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..bands.states import shell_states
from ..bands.within import inside, unlike
from ..groups.kinetic import kinetic_operations
from ..groups.members import MemberTurns, member_turns
from ..groups.operations import Operations
from ..groups.rules import obeying
from ..surfaces.shell import Shell

_SAMPLE = 64
"""States on which it is found whether observables differ within groups."""


@dataclass(frozen=True)
class Reduction:
    """Attributes
    ----------
    operations : Operations or None
        Symmetry of bands, rates, shifts and observables of a three-dimensional crystal; None where there is none.
    members : MemberTurns or None
        What these do with the members of degenerate groups, where observables tell members apart.
    error : float
        Largest relative difference of rates and shifts between states and their images.
    """

    operations: Operations | None = None
    members: MemberTurns | None = None
    error: float = 0.0


def reduction(problem, search: Callable[[Operations], Shell]) -> tuple[Reduction, Shell | None]:
    """The reduction of a :class:`.Problem`, and the shell of `search` with just these operations, if one was made."""
    settings = problem.settings
    if (
        problem.model.dimension != 3
        or problem.model.cell is None
        or settings.symmetry == "off"
        or settings.geometry == "own"
        or (settings.heat and settings.geometry not in ("auto", "independent"))  # which heat cannot have
        or any(o.rule is None for o in problem.observables)  # how they transform is not known
        or not problem.edges.inside  # shells of their own are whole ones
    ):
        return Reduction(), None
    searched: dict[int, Shell] = {}

    def kept(some: Operations) -> Shell:
        searched[len(some)] = search(some)
        return searched[len(some)]

    operations, error = kinetic_operations(problem, kept)
    operations, members = obeying(problem.model, problem.observables, operations, problem.mu), None
    if len(operations) > 1 and problem.observables:
        shell = next(iter(searched.values()))
        if problem.of_matrices and apart(problem, shell).any():
            members = member_turns(problem, operations, shell.k, shell.band)
            if members is None:
                return Reduction(error=error), None
            operations = operations.take(members.kept)
    same = searched.get(len(operations))  # all that the bands obey: the shell serves again
    return Reduction(operations, members, error) if len(operations) > 1 else Reduction(error=error), same


def apart(problem, shell: Shell) -> np.ndarray:
    """Which observables differ within degenerate groups of a shell (some of its points)."""
    chosen = np.linspace(0, len(shell) - 1, min(_SAMPLE, len(shell))).astype(int)
    states = shell_states(problem.model, shell.k[chosen], shell.band[chosen], problem.settings.degeneracy)
    if states.vectors.shape[1] == 1 or not problem.observables:
        return np.zeros(len(problem.observables), dtype=bool)
    matrices = np.stack([o.matrices(problem.model, states.k) for o in problem.observables], axis=1)
    return unlike(states, matrices, inside(states, matrices))
