"""What part of the resistance each mechanism makes while all of them act: its share in 1/tau."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..energy.basis import energy_basis
from .problem import Problem
from .shared import SharedShell


def rate_shares(problem: Problem, kt: float) -> np.ndarray:
    """Shares of the mechanisms in 1/tau for a field along each axis, shape (mechanisms, d); over all they are 1.

    The collision operator is the sum of those of the mechanisms, ``L = sum_i L_i``, and

        x_i = <g|L_i|g> / <g|L|g> = - d ln sigma / d ln L_i

    with the distribution g of all together: what a mechanism dissipates of the Joule heat.  Where g has the same shape
    for each alone, as on a circle, it is ``rho_i / rho`` of Matthiessen's rule.  Quasi-elastic, on the Fermi surface.

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
    settings = replace(problem.settings, symmetry="off", skew_scattering="off")
    whole = Problem(problem.model, problem.scatterers, problem.mu, settings)
    shell = whole.solved_shell(whole.mu, whole.base_spacing)
    solver = SharedShell(whole, shell, kt)
    response, _ = solver.resolved(kt)
    d, weight = whole.model.dimension, energy_basis(1, even=True)
    assert response.distribution is not None
    g = response.distribution[:, 0, :d]
    dissipated = np.zeros((len(problem.scatterers), d))
    for i, scatterer in enumerate(problem.scatterers):
        alone = solver.of(Problem(whole.model, [scatterer], whole.mu, settings))
        dissipated[i] = np.einsum("sa,sa->a", g, alone.operator(weight, kt).apply(g))
    return dissipated / dissipated.sum(axis=0)
