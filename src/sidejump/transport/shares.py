"""What part of the resistance each mechanism makes while all of them act: its share in 1/tau."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..energy.basis import energy_basis
from ..units import KB
from .problem import Problem
from .shared import SharedShell


def rate_shares(problem: Problem, kt: float) -> np.ndarray:
    """Shares of the mechanisms in 1/tau, shape (mechanisms,); over all they are 1.

    The collision operator is the sum of those of the mechanisms, ``L = sum_i L_i``, and

        x_i = <g|L_i|g> / <g|L|g> = - d ln(tr sigma) / d ln(strength of i)

    with the distribution g of all together, summed over fields along the axes: what a mechanism dissipates of the Joule
    heat.  Where g has the same shape for each alone, as on a circle, it is ``rho_i / rho`` of Matthiessen's rule.
    Quasi-elastic, on the Fermi surface.

    Parameters
    ----------
    problem : Problem
        Its mechanisms are those of its attribute `scatterers`.
    kt : float
        eV.

    Raises
    ------
    InputError
        If the surface takes more memory than is allowed.
    """
    settings = replace(problem.settings, skew_scattering="off")
    whole = Problem(problem.model, problem.scatterers, problem.mu, settings)
    solver = SharedShell(whole, whole.solved_shell(whole.mu, whole.spacing(kt / KB)), kt)
    response, _ = solver.resolved(kt)
    assert response.distribution is not None
    fold, d = whole.fold(solver.shell.operations), whole.model.dimension
    field = fold.field(d)
    g = fold.columns(response.distribution[:, 0], field)
    basis, dissipated = energy_basis(1, even=True), []
    for scatterer in whole.scatterers:
        alone = solver.of(Problem(whole.model, [scatterer], whole.mu, settings))
        dissipated.append(np.sum(g * alone.operator(basis, kt).apply(g)))
    return np.array(dissipated) / sum(dissipated)
