"""The side jump as Lyo and Holstein have it, whose pieces depend on the phases of the eigenvectors (appendix D).

With ordinary derivatives in place of covariant ones, ``d_a u = D_a u - i A_a u``, the side-jump velocity is that of
eq. D1 and the transport function that of eq. D2.  Their parts of the conductivity (eqs D4, D5) move with the gauge, by

    sj(1) = Lyo(1) - S_yx,     sj(2) = Lyo(2) + S_xy,     S_ab = sum_l (-df/de) (A_l)_a (v_l)_b     (eqs D6, D7),

and their sum does not: it is the side jump and the intrinsic conductivity of the Fermi lines (eq. D8), ``S_yx - S_xy``,
a Berry phase over 2 pi.  A phase that winds around a line adds an integer of e^2/h, which is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..bands.states import States
from ..errors import InputError
from ..interactions.base import Scatterer
from ..pairs.sample import Sample
from ..transport.problem import Problem
from ..transport.settings import TransportSettings
from ..transport.shared import SharedShell
from ..units import KB, conductivity_unit

_POINTS = 128  # fewest on a line: what is left of a closed integral falls exponentially
_DRAWN = 64  # reference vectors for a gauge: the one that the states are farthest from orthogonal to
_WAVES = 3  # of the random phase


@dataclass(frozen=True)
class GaugeTable:
    """Pieces of the Hall conductivity yx in several gauges, e^2/h.

    Attributes
    ----------
    lyo_velocity, lyo_distribution : ndarray, shape (n,)
        Eqs D4 and D5.
    velocity_term, distribution_term : ndarray, shape (n,)
        ``S_yx`` and ``S_xy`` of eqs D6 and D7.
    side_jump_velocity, side_jump_distribution : float
        sj(1) and sj(2), with covariant derivatives.
    """

    lyo_velocity: np.ndarray
    lyo_distribution: np.ndarray
    velocity_term: np.ndarray
    distribution_term: np.ndarray
    side_jump_velocity: float
    side_jump_distribution: float

    @property
    def total(self) -> np.ndarray:
        """The sum of Lyo's pieces (eq. D8), shape (n,), up to integers: nearest to that of the first gauge."""
        total = self.lyo_velocity + self.lyo_distribution
        return total - np.rint(total - total[0])

    @property
    def intrinsic(self) -> np.ndarray:
        """``S_yx - S_xy``, shape (n,), up to the same integers."""
        found = self.velocity_term - self.distribution_term
        return found - np.rint(found - found[0])


class _InGauge(Problem):
    """A problem whose states have ordinary derivatives in a smooth gauge."""

    def __init__(self, *arguments, seed: int):
        super().__init__(*arguments)
        self._seed = seed
        self.connection = np.zeros((0, 2))

    def sampled(self, shell, *places, **choices) -> Sample:
        """As of :class:`Problem`, with the Berry connection of the points beside it."""
        sample = super().sampled(shell, *places, **choices)
        states = sample.states
        self.connection = berry_connection(states, self.model.cell, self._seed)
        ordinary = states.covariant - 1j * self.connection[:, :, None, None] * states.vectors[:, None]
        return replace(sample, states=replace(states, covariant=ordinary))


def berry_connection(states: States, cell, seed: int) -> np.ndarray:
    """``A = i <u|du>`` of a random smooth gauge at some states, shape (S, d), angstrom.

    Parameters
    ----------
    states : States
        Not degenerate.
    cell : array, shape (d, d), or None
        Direct lattice vectors, with which the gauge is periodic.
    seed : int
        Which gauge: ``<r|u> exp(-i chi)`` is real and positive, for a random vector r and a random function chi(k).
    """
    random, u = np.random.default_rng(seed), states.vectors[:, 0]
    vectors = random.normal(size=(_DRAWN, u.shape[1], 2)) @ [1, 1j]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    overlaps = u @ vectors.conj().T
    best = np.abs(overlaps).min(axis=0).argmax()
    derived = states.covariant[:, :, 0] @ vectors[best].conj()
    connection = np.imag(derived / overlaps[:, best, None])
    if cell is None:
        waves = random.normal(size=(_WAVES, states.k.shape[1]))
        waves /= np.sqrt((states.k**2).sum(axis=1).mean())
    else:
        waves = random.integers(1, 3, (_WAVES, len(cell))) @ np.asarray(cell)
    size, start = random.normal(size=_WAVES), random.uniform(0, 2 * np.pi, _WAVES)
    return connection - (size * np.cos(states.k @ waves.T + start)) @ waves


def gauge_table(
    model, scatterers, *, chemical_potential: float, temperature: float, gauges: int = 5, seed: int = 0
) -> GaugeTable:
    """Lyo and Holstein's pieces in random smooth gauges, quasi-elastic.

    Parameters
    ----------
    model : ElectronModel
        Of two dimensions, without degenerate bands at the chemical potential.
    scatterers : Scatterer or sequence of Scatterer
    chemical_potential, temperature : float
        eV, K.
    gauges, seed : int
        How many, and the first of them.

    Returns
    -------
    GaugeTable

    Raises
    ------
    InputError
        For other models and scatterers, and without carriers.
    """
    some = [scatterers] if isinstance(scatterers, Scatterer) else list(scatterers)
    if model.dimension != 2:
        raise InputError("gauges are compared in two dimensions, where integrals over Fermi lines are exact")
    if not all(isinstance(s, Scatterer) for s in some):
        raise InputError("gauges are compared for scatterers of models, whose vertex does not depend on the states")
    if gauges < 1:
        raise InputError(f"gauges = {gauges}: at least one is needed")
    settings = TransportSettings(energy_nodes=1, minimum=_POINTS, geometry="shared")
    kt, (factor, _) = KB * temperature, conductivity_unit(2)

    plain = Problem(model, some, chemical_potential, settings)
    shell = plain.solved_shell(plain.mu, plain.spacings.at(temperature))

    def solved(problem):
        solver = SharedShell(problem, shell, kt)
        if solver.sample.states.vectors.shape[1] > 1:
            raise InputError(
                "bands are degenerate at the chemical potential: there is no Berry connection of one state"
            )
        return solver, solver.solve(kt, 1)[0]

    _, covariant = solved(plain)
    rows = []
    for number in range(gauges):
        problem = _InGauge(model, some, chemical_potential, settings, seed=seed + number)
        solver, lyo = solved(problem)
        weight, velocity = solver.sample.weight[:, 0], solver.sample.velocity[:, 0]
        surface = np.einsum("s,sa,sb->ab", weight, problem.connection, velocity)
        rows.append([lyo.side_jump_velocity[1, 0], lyo.side_jump_distribution[1, 0], surface[1, 0], surface[0, 1]])
    first, second, velocity_term, distribution_term = factor * np.array(rows).T
    return GaugeTable(
        first,
        second,
        velocity_term,
        distribution_term,
        factor * covariant.side_jump_velocity[1, 0],
        factor * covariant.side_jump_distribution[1, 0],
    )
