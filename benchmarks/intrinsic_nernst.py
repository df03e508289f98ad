"""Intrinsic anomalous Nernst conductivity of iron, by the entropy of the Berry curvature and by its Hall conductivity.

    python benchmarks/intrinsic_nernst.py INPUT.toml [-T TEMPERATURE ...] [--tolerance X] [--points N]
                                          [--other-points N]

`INPUT.toml` is `examples/iron.toml`.  `alpha_yx` at each temperature, A/(m K):

* as a run has it (:func:`sidejump.intrinsic.heat.intrinsic_heat`): every state with its entropy;
* the Hall conductivity at chemical potentials `STEP` kT apart, as `--kind doping` has it, with crossings of bands
  averaged over their cells, summed with Mott's kernel ``x (-f'(x))`` over energies.  It is that at a third of the
  temperature, which makes it smooth on this scale; the kernel is that of the rest of the variance.

The refinement of the zone follows either quantity itself, so that both have an error of their own.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from common import record

from sidejump.app.run import prepare
from sidejump.intrinsic.heat import intrinsic_heat
from sidejump.intrinsic.integrate import reduced_zone
from sidejump.intrinsic.lattice_mesh import CellSum, adaptive_mesh
from sidejump.units import KB, siemens

STEP, REACH = 0.8, 10.0  # kT


class Kernel:
    """Hall conductivities of several chemical potentials in a cell, summed with weights."""

    def __init__(self, cells: CellSum, weights):
        self.cells, self.weights = cells, weights

    @property
    def points(self) -> int:
        return self.cells.points

    def __call__(self, fractional, edges):
        parts = np.array_split(np.arange(len(fractional)), max(1, len(fractional) // 2048))
        found = [np.einsum("m,kmtc->ktc", self.weights, self.cells(fractional[i], edges[i])) for i in parts]
        return np.concatenate(found)[:, None]


def by_conductivity(model, mu: float, t: float, tolerance: float, points: int) -> tuple[float, float, int]:
    """``int de x (-f') sigma_yx(e)``, its error, and points; ``e^2/hbar angstrom^(2-d)``."""
    kt, cold = KB * t, t / 3
    x = np.arange(-REACH, REACH + STEP / 2, STEP)
    rest = np.sqrt(1 - (cold / t) ** 2)  # of the width of -f'
    y = x / rest
    # of normal distributions x g is a derivative: that of the wider one is that of the narrower times the variances
    weights = STEP * x / rest**2 / (4 * rest * np.cosh(y / 2) ** 2)
    cells = Kernel(CellSum(model, mu + x * kt, np.array([cold]), 1), weights)
    volume = abs(np.linalg.det(model.cell))
    zone = reduced_zone(model, mu)
    value, error, _ = adaptive_mesh(cells, zone, tolerance, points, 1e-9, 0.0, _said(tolerance))
    return model.spin_degeneracy * value[0, 0, 2] / volume, model.spin_degeneracy * error[0, 0] / volume, cells.points


def _said(tolerance: float):
    def say(points: int, relative: float) -> None:
        print(f"    {points} points, {relative:.3f} of it, wanted {tolerance:g}", flush=True)

    return say


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("-T", nargs="+", type=float, default=[300, 100])
    parser.add_argument("--tolerance", type=float, default=0.05)
    parser.add_argument("--points", type=int, default=300_000)
    parser.add_argument("--other-points", type=int, default=60_000)
    options = parser.parse_args()
    job = prepare(options.input)
    model, mu = job.model, job.chemical_potential
    figures: dict = {"input": options.input.name, "unit": "A/(m K)", "tolerance": options.tolerance}

    def say(words: str, value: float, error: float, started: float, **more) -> None:
        seconds = round(time.process_time() - started)
        print(f"{words}: {value:.4g} +- {error:.2g} ({seconds} s)", flush=True)
        figures[words] = {"value": value, "error": error, "cpu_seconds": seconds} | more

    for t in options.T:
        started = time.process_time()
        own = intrinsic_heat(model, mu, [t], tolerance=options.tolerance, max_points=options.points)
        factor = siemens(model.dimension) / t
        say(f"{t:g} K, entropy", -factor * own.value[0, 0, 1, 0], factor * own.error[0, 0], started)
        started = time.process_time()
        value, error, points = by_conductivity(model, mu, t, options.tolerance, options.other_points)
        factor = siemens(model.dimension) * KB
        say(f"{t:g} K, Hall conductivity", -factor * value, factor * error, started, points=points)
    record("intrinsic_nernst", figures)


if __name__ == "__main__":
    main()
