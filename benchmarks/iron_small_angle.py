"""At which scattering angle the coordinate shift of iron becomes ``Omega x (k' - k)``, as eq. 13 assumes.

    python benchmarks/iron_small_angle.py INPUT.toml [--accuracy A] [--replicas N] [--cases CASE ...] [-q LENGTH ...]

`INPUT.toml` is as that of `iron_limits.py`.  From every point of the Fermi surface, hot spots refined, to four
states a distance q along it, there and back on two lines: the sum over the surface of
``rate (dr_x q_y - dr_y q_x)``, which drives the Hall current of small-angle scattering, over the same with the shift of
the curvature.  The rate is that of eq. 15.  The ratio goes to one with q for a deformation potential, on the same
points for every q, so that the power of q of the distance is that of each way to lay the points; first-principles
coupling has a phase of its own, and without its sum rule imposed does not vanish with q.  One value for each of N ways
to lay the points: a single point next to a tiny gap can make one of them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import record
from iron_limits import CASES, scatterer_of

from sidejump.app.run import prepare
from sidejump.bands.momentum import MomentumTransfer
from sidejump.bands.states import States, solve_states
from sidejump.interactions.limits import CurvatureShift
from sidejump.interactions.sources import pair_sources
from sidejump.kinetics.fold import Fold
from sidejump.threads import one_matrix_thread
from sidejump.transport.fermi_surface import FermiSurface
from sidejump.transport.problem import Problem
from sidejump.units import KB

_BLOCK = 32


def tangents(normal) -> np.ndarray:
    """Two orthonormal vectors (S, 2, 3) across each normal (S, 3)."""
    helper = np.eye(3)[np.argmin(np.abs(normal), axis=1)]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(normal, first)], axis=1)


def drive(model, scatterer, shell, length: float) -> np.ndarray:
    """``sum dS sum_t rate (dr_a t_b)`` over points and four directions t, averaged over the symmetry: (3, 3)."""
    states = solve_states(model, shell.k, shell.band)
    speed = np.linalg.norm(states.velocity, axis=1)
    across = tangents(states.velocity / speed[:, None])
    directions = np.concatenate([across, -across], axis=1)  # what is odd in q cancels
    area = shell.weight * speed
    [source] = pair_sources([scatterer], model, MomentumTransfer(model.reciprocal_cell, 3))
    total = np.zeros((3, 3))
    for t in range(4):
        k = shell.k + length * directions[:, t]
        ends = solve_states(model, k, shell.band)
        prepared = source.prepared(States.joined(states, ends))
        for start in range(0, len(shell), _BLOCK):
            rows = slice(start, min(start + _BLOCK, len(shell)))
            columns = slice(rows.start + len(shell), rows.stop + len(shell))
            for c in prepared.evaluate(rows, columns, np.inf):
                z = np.maximum(np.diagonal(c.z), 1e-9)
                rate = sum(np.asarray(b.coupling(z)) / b.phonon_energy(z) for b in source.branches)
                shift = np.diagonal(c.shift, axis1=1, axis2=2) * rate * area[rows]
                total += shift @ directions[rows, t]
    return Fold(shell.operations).average(total, odd=True)


def ratio(model, scatterer, shell, length: float) -> float:
    """That of the drives with the shift of each pair and with that of the curvature."""
    full, local = (drive(model, s, shell, length) for s in (scatterer, CurvatureShift(scatterer)))
    return float((full[0, 1] - full[1, 0]) / (local[0, 1] - local[1, 0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("--accuracy", type=float, default=1.0)
    parser.add_argument("--replicas", type=int, default=4, help="two at least")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("-q", nargs="+", type=float, default=[0.1, 0.03, 0.01, 0.003, 0.001, 0.0003], help="1/angstrom")
    options = parser.parse_args()
    job = prepare(options.input)
    settings = replace(job.settings, accuracy=options.accuracy)
    problem = Problem(job.model, job.scatterers, job.chemical_potential, settings)
    laid = [problem.laid(FermiSurface.start[3], number) for number in range(options.replicas)]
    shells = [p.fine_shell(p.mu, p.spacings.base) for p in laid]
    figures: dict = {"input": options.input.name, "accuracy": options.accuracy, "replicas": options.replicas}
    figures |= {"points": [len(shell) for shell in shells], "q": options.q}
    for name in options.cases:
        scatterer = scatterer_of(name, job)
        if name != "deformation_potential":
            scatterer = replace(scatterer, tolerance=0.0)  # the low-rank form leaves errors that do not fall with q
        found = []
        for length in options.q:
            with one_matrix_thread():
                found.append([ratio(job.model, scatterer, shell, length) for shell in shells])
            thermal, each = scatterer.sound_velocity * length / KB, ", ".join(f"{x:.7g}" for x in found[-1])
            print(f"{name}: q = {length:g} 1/angstrom (kT/c at {thermal:.3g} K): {each}", flush=True)
        figures[name] = found
        if name == "deformation_potential":
            distance = np.log(np.abs(np.array(found) - 1))
            power = np.diff(distance, axis=0) / np.diff(np.log(options.q))[:, None]
            for length, each in zip(options.q[1:], power, strict=True):
                print(f"  power of the distance, to q = {length:g}: {', '.join(f'{x:.3g}' for x in each)}", flush=True)
            figures["power of the distance"] = power.tolist()
    record("iron_small_angle", figures)


if __name__ == "__main__":
    main()
