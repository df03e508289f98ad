"""Side jump of iron next to its limits, with error bars: first-principles coupling and deformation potential.

    python benchmarks/iron_limits.py INPUT.toml [--accuracy A] [--replicas N] [-T TEMPERATURE ...]
                                     [--cold TEMPERATURE ...] [--cases CASE ...]

`INPUT.toml` is `examples/iron.toml`, or has an `electron_phonon` scatterer
(`examples/first_principles/iron_epw.toml`).  In the quasi-elastic theory on one Fermi surface, on N ways to lay the
points of the first level, for the phonons as they are, with the sum rule of the coupling imposed, and for the
deformation potential of `examples/iron.toml`:

* the side jump at each temperature;
* the limit of high temperature, eq. 15, static scattering on the same points: the distance from it at each temperature
  and its power of T are those of each way to lay the points, so that most of what the points do wrong cancels;
* at the cold ones, with the shift of each pair replaced by ``Omega x (k' - k)``, which is what eqs 13 and 14 assume.

Errors are standard errors of the mean over the N ways, and of values what a first level is taken to be off by.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import record

from sidejump import acoustic_deformation_potential
from sidejump.accuracy.statistics import ALONE
from sidejump.app.run import prepare
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit
from sidejump.threads import one_matrix_thread
from sidejump.transport.fermi_surface import FermiSurface
from sidejump.transport.problem import Problem
from sidejump.units import conductivity_unit

DEFORMATION = {"deformation_potential": 12.0, "sound_velocity": 6000.0, "mass_density": 7874.0}

CASES = ("first_principles", "first_principles_sum_rule", "deformation_potential")


def scatterer_of(case: str, job):
    """One of :data:`CASES`."""
    if case == "deformation_potential":
        return acoustic_deformation_potential(dimension=3, **DEFORMATION)
    return replace(job.scatterers[0], coupling_sum_rule=case.endswith("sum_rule"))


def side_jumps(job, scatterer, temperatures, accuracy: float, replicas: int) -> np.ndarray:
    """Side jump yx (S/cm) of each way to lay the points, shape (N, nT)."""
    settings = replace(job.settings, accuracy=accuracy, energy_nodes=1, geometry="shared")
    problem, term = Problem(job.model, [scatterer], job.chemical_potential, settings), FermiSurface()
    factor, _ = conductivity_unit(3)
    found = []
    for number in range(replicas):
        with one_matrix_thread():
            laid = problem.laid(term.start[3], number)
            responses = term.evaluate(laid, np.asarray(temperatures, dtype=float), lambda _: None).responses
        sums = np.array([r.side_jump_velocity + r.side_jump_distribution for r in responses])
        found.append(0.5 * factor * (sums[:, 1, 0] - sums[:, 0, 1]))
    return np.array(found)


def spoken(values: np.ndarray, bias: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the ways and its standard error, shape (nT,) each."""
    mean = values.mean(axis=0)
    return mean, np.hypot(values.std(axis=0, ddof=1) / np.sqrt(len(values)), bias * mean)


def powers(temperatures, distance: np.ndarray) -> np.ndarray:
    """``d ln |distance| / d ln T`` between neighbouring temperatures, shape (N, nT - 1)."""
    return np.diff(np.log(np.abs(distance)), axis=1) / np.diff(np.log(temperatures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("--accuracy", type=float, default=1.0)
    parser.add_argument("--replicas", type=int, default=4, help="two at least")
    parser.add_argument("-T", nargs="+", type=float, default=[300, 600, 1200, 2400])
    parser.add_argument("--cold", nargs="*", type=float, default=[20, 40, 80])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args()
    job = prepare(options.input)
    hot, cold = np.sort(options.T), np.sort(options.cold)
    figures: dict = {"input": options.input.name, "accuracy": options.accuracy, "replicas": options.replicas}

    def asked(scatterer, temperatures):
        return side_jumps(job, scatterer, temperatures, options.accuracy, options.replicas)

    def say(words: str, mean, error) -> None:
        print(f"  {words}: {mean:.4g} +- {error:.2g}", flush=True)

    for name in options.cases:
        started, scatterer = time.process_time(), scatterer_of(name, job)
        print(f"{name}:")
        phonons, limit = asked(scatterer, hot), asked(HighTemperatureLimit(scatterer), hot[-1:])
        parts: dict = {"eq. 15": (hot[-1:], limit, ALONE), "phonons": (hot, phonons, ALONE)}
        parts["distance from eq. 15"] = hot, phonons - limit, 0.0
        parts["power of the distance"] = np.sqrt(hot[1:] * hot[:-1]), powers(hot, phonons - limit), 0.0
        if len(cold):
            full, local = asked(scatterer, cold), asked(CurvatureShift(scatterer), cold)
            parts["cold phonons"], parts["eqs 13, 14"] = (cold, full, ALONE), (cold, local, ALONE)
        figures[name] = {"cpu_seconds": round(time.process_time() - started)}
        for words, (t, values, bias) in parts.items():
            mean, error = spoken(values, bias)
            figures[name][words] = {"T": t.tolist(), "mean": mean.tolist(), "error": error.tolist()}
            for each in zip(t, mean, error, strict=True):
                say(f"{words} at {each[0]:.4g} K", *each[1:])
    record("iron_limits", figures)


if __name__ == "__main__":
    main()
