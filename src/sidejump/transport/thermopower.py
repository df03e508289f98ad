"""How far scattering that takes energy from the electrons breaks Mott's relation in a metal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..energy.basis import EnergyBasis, energy_basis
from ..kinetics.response import folded_solution
from ..kinetics.sums import RateSums, rate_sums
from ..pairs.sample import Sample
from ..pairs.stream import PairStream
from ..surfaces.flow import ShellFlow, energy_left
from ..surfaces.masses import velocity_and_inverse_mass
from ..surfaces.shell import Shell
from ..units import KB
from .problem import Problem
from .shared import SharedShell, cluster_size
from .term import by_spacing

NODES = 7
"""Energy nodes, each with shells of its own: functions odd in the energy and the slope of rates both need them."""

STEP = 0.05
"""kT between the shells of energies one kT apart."""

ROOM = 1.0
"""kT to the next extremum, saddle or avoided crossing: points that have less stay where they are. What changes within
less than kT changes back within the thermal window."""

_CARRIED = 1e-4
"""Of the weights of points on near shells."""

_SOLVED = 1e-8
"""Residual of the equations: what is odd in the energy is a small part of what is even."""


@dataclass(frozen=True)
class Slopes:
    """What drives the thermopower, beside what Mott's relation puts in its place: derivatives by the energy of the
    conductivity, in ``e^2/hbar angstrom^(2-d) / eV``.

    Attributes
    ----------
    conductivity : ndarray, shape (kT, 2)
        At the chemical potential, ``e^2/hbar angstrom^(2-d)``: mean of the axes, then the side jump yx.
    of_charge : ndarray, shape (kT, 2)
        By the chemical potential.
    of_heat : ndarray, shape (kT, 2)
        ``alpha`` over ``-(pi^2/3) kB^2 T / e``.
    """

    conductivity: np.ndarray
    of_charge: np.ndarray
    of_heat: np.ndarray


def slopes(problem: Problem, kts: Sequence[float], *, nodes: int = NODES, room: float = ROOM) -> Slopes:
    """Both derivatives on one and the same points of the Fermi surface, carried to near energies.

    The thermopower needs what differs between shells. To the leading order of kT over the energies on which bands and
    rates change that is linear in ``e - mu``: shells at ``mu + x h`` in place of ``mu + x kT``, with kernel and heat of
    ``x kT``, have h/kT of the thermopower, and those at ``mu +- h``, all energies on one, the conductivity's slope.

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
    found = np.empty((3, len(temperatures), 2))
    own, all_on_one = energy_basis(nodes), energy_basis(nodes, even=True)
    farthest = float(np.abs(own.nodes).max())
    for spacing, members in by_spacing(problem, temperatures):
        shell = problem.shell_of_many_nodes(spacing)
        left = energy_left(*velocity_and_inverse_mass(problem.model, shell.k, shell.band))
        for i in members:
            kt = KB * float(temperatures[i])
            step = STEP * kt
            near = _Near(problem, shell, left > room * kt, farthest * step + 1e-9)
            low, here, high = (_on_one(problem, near.shell(problem.mu + x * step), all_on_one, kt) for x in (-1, 0, 1))
            square = own.thermal_weight @ own.nodes**2
            heat = _on_own(problem, shell, near, own, kt, step)
            found[:, i] = here, (high - low) / (2 * step), heat / (step * square)
    return Slopes(*found)


def on_surface(problem: Problem, kts: Sequence[float], *, nodes: int = NODES) -> np.ndarray:
    """The conductivity of :class:`Slopes` alone, shape (kT, 2), of a problem at any chemical potential.

    Of two of them the difference is a slope from surfaces that have no points in common.
    """
    temperatures = np.asarray(kts, dtype=float) / KB
    found, basis = np.empty((len(temperatures), 2)), energy_basis(nodes, even=True)
    for spacing, members in by_spacing(problem, temperatures):
        shell = problem.shell_of_many_nodes(spacing)
        for i in members:
            found[i] = _on_one(problem, shell, basis, KB * float(temperatures[i]))
    return found


class _Near:
    """Some points of a shell carried to energies no farther away than `reach`, the others as they are."""

    def __init__(self, problem: Problem, shell: Shell, some, reach: float):
        self._shell, self._some = shell, some
        columns = {name: getattr(shell, name)[some] for name in ("k", "band", "weight", "area", "sheet")}
        moving = replace(shell, **columns, components=None)
        self._flow = ShellFlow(problem.model, moving, problem.mu - reach, problem.mu + reach, tolerance=_CARRIED)

    def at(self, energies) -> tuple[np.ndarray, np.ndarray]:
        """k (S, n, d) and weight (S, n)."""
        k = np.repeat(self._shell.k[:, None], len(energies), axis=1)
        weight = np.repeat(self._shell.weight[:, None], len(energies), axis=1)
        k[self._some], weight[self._some] = self._flow.at(energies)
        return k, weight

    def shell(self, energy: float) -> Shell:
        """All of them, some at an energy (eV)."""
        k, weight = self.at([energy])
        return replace(self._shell, k=k[:, 0], weight=weight[:, 0], energy=energy)


def _on_one(problem: Problem, shell: Shell, basis: EnergyBasis, kt: float) -> np.ndarray:
    """The conductivity of :class:`Slopes`, all energies on the points of one shell."""
    solver = SharedShell(problem, shell, kt)
    sums = solver.summed(basis, kt)
    return _answers(sums, solver.sample, basis.thermal_weight, np.ones(1))


def _on_own(problem: Problem, shell: Shell, near: _Near, basis: EnergyBasis, kt: float, step: float) -> np.ndarray:
    """The same of what a gradient of temperature drives, over kT, each energy on points of its own."""
    k, weight = near.at(problem.mu + step * basis.nodes)
    fold = replace(problem.fold(shell.operations), heat=True)
    (points, m), d = weight.shape, k.shape[2]
    heat, cluster = np.tile(basis.nodes, (points, 1)), m * cluster_size(fold.width, points)
    sample = problem.sampled(shell, k, weight, heat=heat, cluster=cluster)
    reach = problem.q_max(sample.near.k)
    stream = PairStream(sample, sample.prepared(problem.sources), reach, levels=False)
    floors = [problem.z_floor(shell, source) for source in problem.sources]
    kernels = [{(0, 0): problem.kernel(i, basis, kt, reach, floor)} for i, floor in enumerate(floors)]
    problem.check_memory(4.0 * (fold.width * m * points) ** 2, kt / KB)
    [sums] = rate_sums(stream, [kernels], lambda _: RateSums(points, m, 2 * d, fold, anomalous=False))
    return _answers(sums, sample, basis.thermal_weight, basis.nodes)


def _answers(sums: RateSums, sample: Sample, thermal_weight, powers) -> np.ndarray:
    """What the drive ``powers v`` makes of the charge current: directly, the mean of the axes, and the odd part
    of the side jump, yx.

    Shifts of `sums` are those of the charge, and behind them those of the drive if it is another.
    """
    fold, d = sums.fold, sample.velocity.shape[2]
    points, m = len(sample.weight), len(thermal_weight)
    # where an operation holds with either sign, nothing odd is left
    jump = sums.jump.reshape(points * m, -1) * bool(np.all(fold.signs != 0))
    [operator, *_], _ = sums.operators()
    measure = (sample.weight * thermal_weight).ravel()
    charge = measure[:, None] * np.broadcast_to(sample.velocity, (points, m, d)).reshape(-1, d)
    drive = np.tile(powers, len(charge) // len(powers))[:, None] * charge
    rows = fold.field(d)
    columns = np.hstack([fold.columns(one, rows) for one in (charge, drive)])
    g, _ = folded_solution(operator, columns, sample, fold, measure, tolerance=_SOLVED)
    by_charge, by_drive = np.zeros_like(charge), np.zeros_like(charge)
    for out, answers in zip((by_charge, by_drive), np.split(g, 2, axis=1), strict=True):
        fold.vectors(answers, rows, out)
    # L is symmetric: what the jump of the drive makes of the charge current is what the field makes of that jump
    jumps = fold.average(jump[:, :d].T @ by_drive, odd=True) - fold.average(jump[:, -d:].T @ by_charge, odd=True).T
    return np.array([np.trace(fold.average(charge.T @ by_drive)) / d, 0.5 * (jumps[1, 0] - jumps[0, 1])])
