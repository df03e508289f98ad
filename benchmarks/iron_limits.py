"""Side jump of iron next to its limits: first-principles coupling and deformation potential on the same bands.

    python benchmarks/iron_limits.py INPUT.toml [--accuracy A] [-T TEMPERATURE ...] [--cold TEMPERATURE ...]
                                     [--cases CASE ...]

`INPUT.toml` has an `electron_phonon` scatterer (`examples/first_principles/iron_epw.toml`).  In the quasi-elastic
theory on one Fermi surface, for its phonons as they are, with the sum rule of the coupling imposed, and for the
deformation potential of `examples/iron.toml`:

* the side jump at each temperature;
* the limit of high temperature, eq. 15, a calculation of its own with static scattering;
* at the cold ones, with the shift of each pair replaced by ``Omega x (k' - k)``, which is what eqs 13 and 14 assume.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import record
from iron_convergence import hall_vector

from sidejump import acoustic_deformation_potential
from sidejump.app.run import prepare
from sidejump.interactions.limits import CurvatureShift, HighTemperatureLimit
from sidejump.transport import run_transport
from sidejump.units import KB, conductivity_unit

DEFORMATION = {"deformation_potential": 12.0, "sound_velocity": 6000.0, "mass_density": 7874.0}


CASES = ("first_principles", "first_principles_sum_rule", "deformation_potential")


def scatterer_of(case: str, job):
    """One of :data:`CASES`."""
    if case == "deformation_potential":
        return acoustic_deformation_potential(dimension=3, **DEFORMATION)
    return replace(job.scatterers[0], coupling_sum_rule=case.endswith("sum_rule"))


def solve(job, scatterer, temperatures, accuracy: float) -> dict:
    """Side jump yx (S/cm) and mean conductivity (S/cm), quasi-elastic."""
    result = run_transport(
        job.model,
        [scatterer],
        chemical_potential=job.chemical_potential,
        temperatures=temperatures,
        settings=replace(job.settings, accuracy=accuracy, energy_nodes=1, geometry="shared"),
    )
    factor, _ = conductivity_unit(3)
    side_jump = factor * hall_vector(result.side_jump_velocity + result.side_jump_distribution)
    return {
        "side_jump_yx": side_jump[:, 2].round(3).tolist(),
        "sigma": (factor * np.trace(result.boltzmann, axis1=1, axis2=2) / 3).tolist(),
        "seconds": round(result.report["seconds"], 1),
        "warnings": result.report["warnings"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("--accuracy", type=float, default=1.0)
    parser.add_argument("-T", nargs="+", type=float, default=[20, 40, 80, 150, 300, 600, 1200, 2400])
    parser.add_argument("--cold", nargs="+", type=float, default=[20, 28, 40, 80])
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    options = parser.parse_args()
    job = prepare(options.input)
    figures: dict = {"input": options.input.name, "accuracy": options.accuracy, "T": options.T, "cold": options.cold}
    for name in options.cases:
        scatterer = scatterer_of(name, job)
        full = solve(job, scatterer, options.T, options.accuracy)
        limit = solve(job, HighTemperatureLimit(scatterer), [300.0], options.accuracy)
        local = solve(job, CurvatureShift(scatterer), options.cold, options.accuracy)
        figures[name] = {"phonons": full, "high_temperature_limit": limit, "curvature_shift": local}
        print(f"{name}: limit of eq. 15 {limit['side_jump_yx'][0]:.2f} S/cm", flush=True)
        for t, jump, sigma in zip(options.T, full["side_jump_yx"], full["sigma"], strict=True):
            equipartition = limit["sigma"][0] / (KB * t)
            print(f"  T = {t:5g} K: {jump:.2f} S/cm; conductivity / that of eq. 15: {sigma / equipartition:.4f}")
        for t, jump in zip(options.cold, local["side_jump_yx"], strict=True):
            print(f"  T = {t:5g} K with the shift of the curvature: {jump:.2f} S/cm", flush=True)
    record("iron_limits", figures)


if __name__ == "__main__":
    main()
