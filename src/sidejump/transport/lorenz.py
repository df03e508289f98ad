"""How far scattering that takes energy from the electrons breaks the law of Wiedemann and Franz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..energy.basis import energy_basis
from ..kinetics.response import folded_solution
from ..units import KB
from .problem import Problem
from .shared import SharedShell
from .term import by_spacing

NODES = 9
"""Energy nodes: functions odd in the energy need more of them than the conductivity, whose functions are even."""


def conductivities(problem: Problem, kts: Sequence[float]) -> np.ndarray:
    """What carries charge and what carries heat on the Fermi surface, shape (nodes, kT, 2): traces of

        R = <v, g_v> / d,        R_xx = 3 <x v, g_xv> / (pi^2 d),        x = (e - mu) / kT,

    in ``e^2/hbar angstrom^(2-d)``, for the last but one and the last number of energy nodes.  R is the conductivity and
    ``R_xx`` the thermal conductivity over ``L_0 T``: with one L for both drives, all energies on one surface, that is
    to the leading order of kT over the energies on which bands and rates change.  The thermopower, zero to this order,
    takes nothing away.

    Parameters
    ----------
    problem : Problem
        Without skew scattering and heat current.
    kts : sequence of float
        eV.

    Raises
    ------
    InputError
        If the surface takes more memory than is allowed.
    """
    temperatures = np.asarray(kts, dtype=float) / KB
    # what keeps the energy connects no nodes: any number of them is exact
    numbers = (3, 3) if problem.elastic_only else (NODES - 2, NODES)
    found = np.empty((len(numbers), len(temperatures), 2))
    for spacing, members in by_spacing(problem, temperatures):
        shell = problem.shell_of_many_nodes(spacing)  # little of a ratio depends on hot spots
        solver = SharedShell(problem, shell, KB * temperatures[members[0]])
        solver.keep()
        for i in members:
            for place, nodes in enumerate(numbers):
                found[place, i] = _carried(solver, KB * temperatures[i], nodes)
    return found


def _carried(solver: SharedShell, kt: float, nodes: int) -> np.ndarray:
    """See :func:`conductivities`."""
    basis = energy_basis(nodes)
    operator = solver.operator(basis, kt)
    sample, fold, d = solver.sample, solver.problem.fold(solver.shell.operations), solver.problem.model.dimension
    measure = (sample.weight * basis.thermal_weight).ravel()
    flow = np.repeat(sample.velocity[:, 0], basis.size, axis=0)
    flows = measure[:, None] * flow, (measure * np.tile(basis.nodes, sample.count))[:, None] * flow
    rows = fold.field(d)
    columns = np.hstack([fold.columns(one, rows) for one in flows])
    g, _ = folded_solution(operator, columns, sample, fold, measure, tolerance=3e-3 * solver.problem.settings.tolerance)
    sums = (columns * g).sum(axis=0).reshape(2, -1).sum(axis=1) / d
    # of the nodes rather than pi^2/3, which they stand for: cold static impurities obey the law exactly
    return sums / np.array([1.0, basis.thermal_weight @ basis.nodes**2 / basis.thermal_weight.sum()])
