"""Convergence of iron with the spacing of the Fermi surface: the numbers behind the table of the accuracy page.

    python benchmarks/iron_convergence.py [ACCURACY ...] [-T TEMPERATURE ...]

Runs the example's iron at several values of `accuracy` (which divides every spacing) and prints, for each temperature,
the antisymmetric yx component of the side jump, the resistivity and the largest symmetry-forbidden Hall component; the
error estimate is the change from the last accuracy but one to the last.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import record

from sidejump import acoustic_deformation_potential, read_wannier90
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import conductivity_unit

ROOT = Path(__file__).parents[1]
FERMI_ENERGY = 17.2745


def hall_vector(sigma: np.ndarray) -> np.ndarray:
    """Axial vector (zy, xz, yx) of a tensor (..., 3, 3)."""
    a = 0.5 * (sigma - np.swapaxes(sigma, -1, -2))
    return np.stack([a[..., 2, 1], a[..., 0, 2], a[..., 1, 0]], axis=-1)


def iron(accuracy: float, temperatures) -> dict:
    """Side jump (S/cm), resistivity (microohm cm) and cost at one accuracy."""
    model = read_wannier90(ROOT / "data" / "iron" / "Fe_tb.dat.gz")
    phonons = acoustic_deformation_potential(
        deformation_potential=12.0, sound_velocity=6000.0, mass_density=7874.0, dimension=3
    )
    result = run_transport(
        model,
        [phonons],
        chemical_potential=FERMI_ENERGY,
        temperatures=temperatures,
        settings=TransportSettings(energy_nodes=3, tolerance=1e-2, accuracy=accuracy, memory=1.2e10),
        progress=lambda done, total: print(f"accuracy {accuracy}: {done}/{total}", flush=True),
    )
    factor, _ = conductivity_unit(3)
    side_jump = factor * hall_vector(result.side_jump_velocity + result.side_jump_distribution)
    mean = factor * np.trace(result.boltzmann, axis1=1, axis2=2) / 3
    return {
        "side_jump_yx": side_jump[:, 2].round(3).tolist(),
        "forbidden": np.linalg.norm(side_jump[:, :2], axis=1).round(3).tolist(),
        "resistivity": (1e6 / mean).tolist(),
        **{k: result.report[k] for k in ("states", "pairs", "memory_bytes", "seconds", "geometry_difference")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("accuracy", nargs="*", type=float, default=[0.5, 0.7, 1.0])
    parser.add_argument("-T", "--temperatures", nargs="+", type=float, default=[10, 20, 40, 80, 150, 300])
    arguments = parser.parse_args()
    runs = {a: iron(a, arguments.temperatures) for a in arguments.accuracy}
    for i, t in enumerate(arguments.temperatures):
        values = [run["side_jump_yx"][i] for run in runs.values()]
        change = abs(values[-1] / values[-2] - 1) if len(values) > 1 else float("nan")
        print(f"T = {t:5g} K  side jump yx {values} S/cm, last change {change:.1%}")
    figures = {"temperatures": arguments.temperatures, "accuracy": {str(a): r for a, r in runs.items()}}
    record("iron_convergence", figures)


if __name__ == "__main__":
    main()
