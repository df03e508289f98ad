"""Electron mobility of GaAs on uniform grids with broadened energies, as Perturbo computes it, and on energy shells.

    python benchmarks/gaas_mobility.py [--data DIRECTORY] [--grids N ...] [--smearing S ...] [--lowest W ...]
        [--images file|hermitian] [--together] [--symmetric] [--nodes N ...] [--accuracy A ...] [--no-log]

At N = 80, s = 8 meV, with the images of the file and the two spin-split bands as states of their own, the grid
(`gaas_grid`, which shares with the package only bands, phonons and |g|^2) is the reference run of Perturbo; other N and
s show what its grid and smearing leave open. ``sigma_stopped`` is the conductivity where iterations change it by less
than 2e-3, which is where Perturbo stops.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from time import perf_counter

import numpy as np
from common import record
from gaas_grid import MU, SIEMENS_PER_METRE, TOGETHER, GridEquation

from sidejump.formats.perturbo import read_perturbo
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import MOBILITY

DATA = Path(__file__).parents[2] / "shared" / "data" / "perturbo"
TEMPERATURES = (100.0, 300.0)
ELECTRON = 1.602176634e-19


def on_grid(data, n: int, cases, images: str, separate: bool, symmetric: bool) -> list[dict]:
    """Mobilities on one grid; `cases`: smearing and lowest phonon energy, eV."""
    start = perf_counter()
    equation = GridEquation(data, n, cases, TEMPERATURES, images=images, separate=separate, symmetric=symmetric)
    found = []
    for s, (width, lowest) in enumerate(cases):
        for t, temperature in enumerate(TEMPERATURES):
            row: dict = {"grid": n, "points": equation.points, "solved_at": equation.rows}
            row |= {"smearing_meV": 1e3 * width, "lowest_meV": 1e3 * lowest, "T": temperature, "images": images}
            row |= {"separate": separate}
            solved = equation.solve(s, t)
            row |= {k: float(f"{v:.6g}") for k, v in solved.items()}
            for name in ("rta", "ita"):
                mobility = solved[f"sigma_{name}"] / (solved["density"] * 1e6 * ELECTRON) * 1e4
                row[f"mobility_{name}"] = float(f"{mobility:.6g}")
            found.append(row | {"seconds": round(perf_counter() - start, 1)})
            print(found[-1], flush=True)
    return found


def on_shells(data, accuracy: float, nodes: int, lowest: float, images: str, separate: bool) -> list[dict]:
    """Mobilities of the package."""
    tolerance = 0.0 if images == "file" else 3e-4
    scatterer = ElectronPhononScatterer(data, images=images, tolerance=tolerance, lowest_phonon_energy=lowest)
    group = 1e-6 if separate else TOGETHER
    settings = TransportSettings(energy_nodes=nodes, geometry="own", accuracy=accuracy, turn=None, degeneracy=group)
    found = []
    for temperature in TEMPERATURES:
        start = perf_counter()
        result = run_transport(
            data.electrons, [scatterer], chemical_potential=MU, temperatures=[temperature], settings=settings
        )
        density, sigma = result.report["carrier_density"][0], result.boltzmann[0]
        hall = result.side_jump_velocity[0] + result.side_jump_distribution[0]
        mean = float(np.trace(sigma) / 3)
        found.append(
            {
                "accuracy": accuracy,
                "nodes": nodes,
                "points": int(result.report["states"]) // nodes,
                "T": temperature,
                "lowest_meV": 1e3 * lowest,
                "images": images,
                "separate": separate,
                "density": float(f"{density * 1e24:.6g}"),
                "sigma_ita": float(f"{mean * SIEMENS_PER_METRE:.6g}"),
                "mobility_ita": float(f"{MOBILITY * mean / density:.6g}"),
                "anisotropy": float(f"{np.abs(sigma / mean - np.eye(3)).max():.1e}"),
                "hall": float(f"{np.abs(hall).max() / mean:.1e}"),
                "seconds": round(perf_counter() - start, 1),
            }
        )
        print(found[-1], flush=True)
    return found


def perturbo(folder: Path, method: str) -> list[dict]:
    """What the reference run says: sigma (S/m), mobility (cm^2/Vs), density (1/cm^3) at each temperature."""
    text = (folder / "reference" / f"epr1-trans-{method}" / "pert_output.yml").read_text()
    number = r"\s*([-+.\dE]+)"
    found = []
    for part in text.split("temperature:")[1:]:
        diagonal = [float(x) for x in re.findall(r"(?:xx|yy|zz):" + number, part)[:6]]
        found.append(
            {
                "T": float(part.split()[0]),
                "density": float(re.search("concentration:" + number, part)[1]),
                f"sigma_{method}": np.mean(diagonal[:3]),
                f"mobility_{method}": np.mean(diagonal[3:]),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--grids", nargs="*", type=int, default=[80])
    parser.add_argument("--smearing", nargs="*", type=float, default=[8.0], help="meV")
    parser.add_argument("--lowest", nargs="*", type=float, default=[2.0], help="phonons below are left out, meV")
    parser.add_argument("--images", default="file", choices=["file", "hermitian"])
    parser.add_argument("--together", action="store_true", help="both spin bands as one state of their mean energy")
    parser.add_argument("--symmetric", action="store_true", help="solve the grid for one k of each star")
    parser.add_argument("--nodes", nargs="*", type=int, default=[5], help="energy nodes of the shells")
    parser.add_argument("--accuracy", nargs="*", type=float, default=[1.0], help="of the shells")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    data = read_perturbo(options.data / "gaas_epr.h5")
    figures: dict = {
        "perturbo": [a | b for a, b in zip(*(perturbo(options.data, m) for m in ("rta", "ita")), strict=True)]
    }
    for row in figures["perturbo"]:
        print(row)
    cases = [(1e-3 * s, 1e-3 * w) for w in options.lowest for s in options.smearing]
    choice = options.images, not options.together
    figures["grids"] = [row for n in options.grids for row in on_grid(data, n, cases, *choice, options.symmetric)]
    shells = [(a, n, 1e-3 * w) for a in options.accuracy for n in options.nodes for w in options.lowest]
    figures["shells"] = [row for case in shells for row in on_shells(data, *case, *choice)]
    if not options.no_log:
        record("gaas_mobility", figures)


if __name__ == "__main__":
    main()
