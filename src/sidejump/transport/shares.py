"""What part of the resistance each mechanism makes while all of them act: its share in 1/tau."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..energy.basis import energy_basis
from ..units import KB
from .problem import Problem
from .shared import SharedShell
from .term import by_spacing


def shares_of_mixtures(problem: Problem, mixtures: Sequence[list], kts: Sequence[float]) -> np.ndarray:
    """Shares of the mechanisms in 1/tau, shape (mixtures, kT, mechanisms); over all mechanisms they are 1.

    The collision operator is the sum of those of the mechanisms, ``L = sum_i L_i``, and

        x_i = <g|L_i|g> / <g|L|g> = - d ln(tr sigma) / d ln(strength of i)

    with the distribution g of all together, summed over fields along the axes: what a mechanism dissipates of the Joule
    heat.  Where g has the same shape for each alone, as on a circle, it is ``rho_i / rho`` of Matthiessen's rule.
    Quasi-elastic, on the Fermi surface.

    Parameters
    ----------
    problem : Problem
        Gives the points.
    mixtures : sequence of list of Scatterer
        Those of `problem` with other strengths: what is computed of pairs of points serves all of them.
    kts : sequence of float
        eV.

    Raises
    ------
    InputError
        If the surface takes more memory than is allowed.
    """
    settings = replace(problem.settings, skew_scattering="off")
    whole = Problem(problem.model, problem.scatterers, problem.mu, settings)
    temperatures = np.asarray(kts, dtype=float) / KB
    found = np.empty((len(mixtures), len(temperatures), len(mixtures[0])))
    for spacing, members in by_spacing(whole, temperatures):
        solver = SharedShell(whole, whole.solved_shell(whole.mu, spacing), KB * temperatures[members[0]])
        if len(mixtures) * len(members) > 1:
            solver.keep()
        for place, mixture in enumerate(mixtures):
            parts = [mixture, *([one] for one in mixture)]
            together, *alone = (solver.of(Problem(whole.model, some, whole.mu, settings)) for some in parts)
            for i in members:
                dissipated = _dissipated(together, alone, KB * temperatures[i])
                found[place, i] = dissipated / dissipated.sum()
    return found


def _dissipated(together: SharedShell, alone: list[SharedShell], kt: float) -> np.ndarray:
    """What each of several takes of the Joule heat at kT (eV) while they act together, in any unit."""
    response, _ = together.resolved(kt)
    assert response.distribution is not None
    fold, d = together.problem.fold(together.shell.operations), together.problem.model.dimension
    g = fold.columns(response.distribution[:, 0], fold.field(d))
    basis = energy_basis(1, even=True)
    return np.array([np.sum(g * one.operator(basis, kt).apply(g)) for one in alone])
