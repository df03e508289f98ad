"""Electron mobility of GaAs on uniform grids with broadened energies, as Perturbo computes it, and on energy shells.

    python benchmarks/gaas_mobility.py [--data DIRECTORY] [--grids N ...] [--smearing S ...] [--nodes N ...] [--no-log]

The grid part is written here and shares with the package only bands, phonons and |g|^2.  The states are those of the
corners of all tetrahedra (six in each cube of an N^3 grid) that reach into the window 9.5 to 10.0 eV; both spin bands
together are one state.  Rates take a Gaussian ``exp(-(x/s)^2) / (s sqrt(pi))``, cut at 3 s, and no phonon below 2 meV:

    1/tau_k = (2 pi / N^3) sum_k' nu |g|^2 [ (n + f') G(e - e' + w) + (n + 1 - f') G(e - e' - w) ],
    F = tau (v + sum_k' W_kk' F'),

conductivity and density from the linear tetrahedron method on energies 1 meV apart.  At N = 80, s = 8 meV this is the
reference run of Perturbo; other N and s show what its grid and smearing leave open.
"""

from __future__ import annotations

import argparse
import itertools
import re
from pathlib import Path
from time import perf_counter

import numpy as np
from common import record

from sidejump.abinitio.kinetic_vertex import PairVertices
from sidejump.abinitio.perturbo import read_perturbo
from sidejump.electrons.states import band_energies, solve_states
from sidejump.scattering.electron_phonon import ElectronPhononScatterer
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB, MOBILITY

DATA = Path(__file__).parents[2] / "shared" / "data" / "perturbo"
BAND = 8  # lower one of the two conduction bands
TOGETHER = 0.05  # eV: both spin bands are one state, the next bands are 0.4 eV away
WINDOW = (9.5, 10.0)
SOFTEST = 2e-3  # eV: phonons below are left out
MU = 9.8
TEMPERATURES = (100.0, 300.0)
STEP = 1e-3  # eV, of the energies of the tetrahedron method
SIEMENS_PER_METRE = 2.434134808e-4 * 1e10  # e^2/(hbar angstrom)
ELECTRON = 1.602176634e-19


def tetrahedra_of(model, n: int):
    """Grid points (S, 3) in units of 1/n around Gamma, and tetrahedra (X, 4) that reach into the window."""
    reach = int(np.ceil(0.11 * n)) + 1
    line = np.arange(-reach, reach + 1)
    points = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    energy = band_energies(model, points / n @ model.reciprocal_cell)[:, BAND]
    size = len(line)
    inside = np.flatnonzero((points < reach).all(axis=1))
    corners = []
    for order in itertools.permutations(range(3)):
        step, path = np.zeros(3, dtype=int), [np.zeros(3, dtype=int)]
        for axis in order:
            step = step + np.eye(3, dtype=int)[axis]
            path.append(step)
        corners.append([int(p @ (size**2, size, 1)) for p in path])
    found = (inside[:, None, None] + np.array(corners)).reshape(-1, 4)
    e = energy[found]
    found = found[(e.min(axis=1) <= WINDOW[1]) & (e.max(axis=1) >= WINDOW[0])]
    kept, renamed = np.unique(found, return_inverse=True)
    return points[kept], renamed.reshape(-1, 4)


def pair_rates(data, k, images: str, smearings, temperatures, n: int):
    """States, rates (widths, T, S) of scattering out and W (widths, T, S, S), eV, from k to k'."""
    model = data.electrons
    states = solve_states(model, k, np.full(len(k), BAND), degeneracy=TOGETHER)
    vertices = PairVertices(data, states, images=images, tolerance=0.0 if images == "file" else 3e-4)
    count = len(k)
    shape = (len(smearings), len(temperatures), count)
    out, back = np.zeros(shape), np.zeros((*shape, count), dtype=np.float32)
    for low in range(0, count, 256):
        rows = slice(low, min(low + 256, count))
        for begin in range(0, count, 1024):
            columns = slice(begin, min(begin + 1024, count))
            strength, _, omega = vertices.block(rows, columns)
            transfer = states.energy[rows, None] - states.energy[columns]
            for mode, w in zip(strength, np.asarray(omega, dtype=float), strict=True):
                g2 = np.where(w > SOFTEST, mode, 0) / 2 * (2 * np.pi / n**3)
                for s, width in enumerate(smearings):
                    up, down = gaussian(transfer + w, width) * g2, gaussian(transfer - w, width) * g2
                    for t, temperature in enumerate(temperatures):
                        kt = KB * temperature
                        f = 1 / (np.exp((states.energy[columns] - MU) / kt) + 1)
                        phonons = 1 / np.expm1(np.maximum(w, SOFTEST) / kt)
                        rate = up * (phonons + f) + down * (phonons + 1 - f)
                        out[s, t, rows] += rate.sum(axis=1)
                        back[s, t, rows, columns] += rate
    return states, out, back


def gaussian(x, width: float):
    x = x / width
    return np.where(np.abs(x) < 3, np.exp(-(x**2)) / (np.sqrt(np.pi) * width), 0.0)


def conductivity(states, tetrahedra, volume, n: int, drift, kt: float):
    """sigma (3, 3) in S/m and density in 1/cm^3: ``2/V int de (-f0') <v F delta(e - e_k)>``, by tetrahedra."""
    energies = np.arange(WINDOW[0], WINDOW[1] + STEP / 2, STEP)
    value = np.einsum("sa,sb->sab", states.velocity, drift).reshape(-1, 9)
    columns = np.column_stack([np.ones(len(value)), value])
    density = np.array([tetrahedron_sum(states.energy, tetrahedra, columns, e) for e in energies]) / (6 * n**3)
    f = 1 / (np.exp((energies - MU) / kt) + 1)
    sigma = 2 / volume * STEP * np.einsum("e,ex->x", f * (1 - f) / kt, density[:, 1:]).reshape(3, 3)
    return sigma * SIEMENS_PER_METRE, 2 / volume * STEP * float(f @ density[:, 0]) * 1e24


def tetrahedron_sum(energy, tetrahedra, columns, level: float):
    """``sum of columns delta(level - e)`` with both linear inside each tetrahedron (of volume 1)."""
    e = energy[tetrahedra]
    crossed = (e.min(axis=1) < level) & (e.max(axis=1) > level)
    corner, e = tetrahedra[crossed], e[crossed]
    order = np.argsort(e, axis=1)
    e, corner = np.take_along_axis(e, order, 1), np.take_along_axis(corner, order, 1)
    tiny = 1e-12
    a, b, c, d = e.T
    weights = np.zeros_like(e)

    def share(i, j):  # barycentric weight of j on the edge i-j
        return (level - e[:, i]) / np.maximum(e[:, j] - e[:, i], tiny)

    low, high = level < b, level >= c
    middle = ~low & ~high
    # one corner below: a triangle
    for case, apex, others in ((low, 0, (1, 2, 3)), (high, 3, (0, 1, 2))):
        if apex == 0:
            shares = [share(0, j) for j in others]
            size = 3 * (level - a) ** 2 / np.maximum((b - a) * (c - a) * (d - a), tiny)
        else:
            shares = [1 - share(j, 3) for j in others]
            size = 3 * (d - level) ** 2 / np.maximum((d - a) * (d - b) * (d - c), tiny)
        for j, x in zip(others, shares, strict=True):
            weights[case, j] += (size * x / 3)[case]
        weights[case, apex] += (size * (1 - sum(shares) / 3))[case]
    # two below: a quadrangle, as two triangles (02 03 12) and (03 12 13)
    points = {}
    for i, j in ((0, 2), (0, 3), (1, 2), (1, 3)):
        x = share(i, j)
        p = np.zeros_like(e)
        p[:, i], p[:, j] = 1 - x, x
        points[i, j] = p
    # density of the quadrangle, split in proportion to the areas of its triangles
    total = (
        3
        / np.maximum((c - a) * (d - a), tiny)
        * (b - a + 2 * (level - b) - (c - a + d - b) * (level - b) ** 2 / np.maximum((c - b) * (d - b), tiny))
    )
    one, two = (
        np.abs(_area(points[0, 2], points[0, 3], points[1, 2])),
        np.abs(_area(points[0, 3], points[1, 2], points[1, 3])),
    )
    part = one / np.maximum(one + two, tiny)
    mean = part[:, None] * (points[0, 2] + points[0, 3] + points[1, 2]) / 3
    mean += (1 - part)[:, None] * (points[0, 3] + points[1, 2] + points[1, 3]) / 3
    weights[middle] = (total[:, None] * mean)[middle]
    return np.einsum("xc,xcv->v", weights, columns[corner])


def _area(p, q, r):
    """Area of a triangle in barycentric coordinates, up to a factor common to coplanar triangles."""
    u, v = (q - p)[:, 1:], (r - p)[:, 1:]
    return np.linalg.norm(np.cross(u, v), axis=1)


def drifts(states, out, back, *, limit: int = 200):
    """F of the relaxation-time approximation and of the full equation, angstrom."""
    tau = 1 / np.maximum(out, 1e-30)
    tau[out < 1e-12] = 0.0
    first = tau[:, None] * states.velocity
    last = first
    for count in range(1, limit + 1):  # noqa: B007
        new = first + tau[:, None] * (back @ last.astype(np.float32))
        change = np.abs(new - last).max() / np.abs(new).max()
        last = new
        if change < 1e-5:
            break
    return first, last, count


def on_grid(data, n: int, smearings, images: str) -> list[dict]:
    """Mobilities on one grid."""
    start = perf_counter()
    model = data.electrons
    points, tetrahedra = tetrahedra_of(model, n)
    k = points / n @ model.reciprocal_cell
    states, out, back = pair_rates(data, k, images, smearings, TEMPERATURES, n)
    volume = float(abs(np.linalg.det(data.cell)))
    found = []
    for s, width in enumerate(smearings):
        for t, temperature in enumerate(TEMPERATURES):
            row = {"grid": n, "points": len(k), "tetrahedra": len(tetrahedra), "smearing_meV": 1e3 * width}
            row |= {"T": temperature, "images": images}
            rta, ita, row["iterations"] = drifts(states, out[s, t], back[s, t])
            for name, drift in (("rta", rta), ("ita", ita)):
                sigma, density = conductivity(states, tetrahedra, volume, n, drift, KB * temperature)
                mean = float(np.trace(sigma) / 3)
                row |= {
                    f"sigma_{name}": float(f"{mean:.6g}"),
                    "density": float(f"{density:.6g}"),
                    f"mobility_{name}": float(f"{mean / (density * 1e6 * ELECTRON) * 1e4:.6g}"),
                }
            found.append(row | {"seconds": round(perf_counter() - start, 1)})
            print(found[-1], flush=True)
    return found


def on_shells(data, accuracy: float, nodes: int, lowest: float, images: str) -> list[dict]:
    """Mobilities of the package, 110 accuracy^2 points on each shell."""
    scatterer = ElectronPhononScatterer(data, images=images, tolerance=0.0, lowest_phonon_energy=lowest)
    settings = TransportSettings(energy_nodes=nodes, geometry="own", accuracy=accuracy, turn=None, degeneracy=TOGETHER)
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
                "T": temperature,
                "lowest_meV": 1e3 * lowest,
                "images": images,
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
    parser.add_argument("--nodes", nargs="*", type=int, default=[5], help="energy nodes of the shells")
    parser.add_argument("--accuracy", nargs="*", type=float, default=[1.0], help="of the shells")
    parser.add_argument("--lowest", type=float, default=2.0, help="phonons below are left out on the shells, meV")
    parser.add_argument("--images", default="file", choices=["file", "hermitian"])
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    data = read_perturbo(options.data / "gaas_epr.h5")
    figures: dict = {
        "perturbo": [a | b for a, b in zip(*(perturbo(options.data, m) for m in ("rta", "ita")), strict=True)]
    }
    for row in figures["perturbo"]:
        print(row)
    widths = [1e-3 * s for s in options.smearing]
    figures["grids"] = [row for n in options.grids for row in on_grid(data, n, widths, options.images)]
    shells = [(a, n) for a in options.accuracy for n in options.nodes]
    figures["shells"] = [row for a, n in shells for row in on_shells(data, a, n, 1e-3 * options.lowest, options.images)]
    if not options.no_log:
        record("gaas_mobility", figures)


if __name__ == "__main__":
    main()
