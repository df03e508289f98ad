"""Energy shells next to a uniform k mesh with broadened energies, massive Dirac model with acoustic phonons.

    python benchmarks/uniform_mesh.py [--states N ...] [--no-log]

Both solve the linearised inelastic Bloch-Boltzmann equation with explicit phonon energies ``c q`` (c/v = 0.02,
mu = 2 Delta, T = 0.1 and 0.5 T_BG), and are judged by the exact side jump (:mod:`sidejump.reference.dirac_exact`).

The uniform mesh is written here and shares neither pairs nor solver with the package.  All states within 14 kT of mu
are kept; the delta functions of the energy become Gaussians of standard deviation s, and the weight of a pair is

    P = w w' 2 pi |V|^2 [f (1-f) f' (1-f')]^(1/2) / (2 sinh(omega / 2kT)) [G(e' - e - omega) + G(e' - e + omega)],

symmetric by construction, with the right limit for s -> 0.  The mesh has the rotations by 90 degrees, under which
``g^x + i g^y`` is multiplied by i: a quarter of the states is solved for.  With a finer angle and states on one ray the
same lines give the limit of an infinitely dense mesh at the same s; so the two errors are told apart:
*broadening* (dense limit against exact) and *sampling* (mesh against dense limit).

What a mesh too large to run would need is extrapolated, and marked so: s from the broadening error, the spacing from
``s = ratio v_F h`` at a ratio whose sampling error was below the accuracy on the largest mesh run.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from time import perf_counter, process_time

import numpy as np
from common import record
from scipy.sparse.linalg import LinearOperator, cg

from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.states import solve_states
from sidejump.interactions.base import Branch, Scatterer
from sidejump.reference.dirac_exact import solve_exact
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import KB

SOUND, MU = 0.02, 2.0  # Delta = v = lambda = 1
K_FERMI = np.sqrt(MU**2 - 1)
V_FERMI = K_FERMI / MU
WINDOW = 14.0  # kT on either side of mu
RATIOS = (0.25, 0.5, 1.0)  # broadening in v_F h
SCAN = (0.2, 0.3, 0.5, 0.8, 1.2, 2.0)  # broadenings of the dense limit, kT
MODEL = MassiveDirac(mass=1.0, velocity=1.0)


@dataclass(frozen=True)
class Solution:
    """Side jump (e^2/h) and cost of one solution."""

    side_jump: float
    states: int
    pairs: int
    seconds: float
    memory: float


def broadened(k, weight, rotations: int, kt: float, broadenings) -> list[Solution]:
    """Solve on the states `k` (n, 2) and their `rotations` about the origin, for every broadening.

    `weight` (n,) is the area each state stands for, over (2 pi)^2.
    """
    start = process_time()
    energy, velocity, u, du = _states(k)
    thermal = 1 / (4 * np.cosh((energy - MU) / (2 * kt)) ** 2)  # f (1 - f)
    root = np.sqrt(thermal) * weight
    n = len(k)
    operators = [np.zeros((n, n), dtype=complex) for _ in broadenings]
    jumps = [np.zeros(n, dtype=complex) for _ in broadenings]
    block = max(1, 2_000_000 // n)
    for m in range(rotations):
        angle = 2 * np.pi * m / rotations
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of row vectors
        final_k = k @ turn
        _, _, final_u, final_du = _states(final_k)
        for low in range(0, n, block):
            rows = slice(low, low + block)
            q = np.hypot(*(k[rows, None] - final_k).transpose(2, 0, 1))
            omega = np.maximum(SOUND * q, 1e-12 * kt)
            v = u[rows] @ final_u.conj().T
            shift = 0.0
            for axis, unit in ((0, 1.0), (1, 1j)):
                dv = du[rows, axis] @ final_u.conj().T + u[rows] @ final_du[:, axis].conj().T
                shift = shift - unit * np.imag(v.conj() * dv)
            # 2 pi |V0|^2 = pi omega at lambda = 1
            rate = np.pi * omega / (2 * np.sinh(omega / (2 * kt))) * root[rows, None] * root
            transfer = energy - energy[rows, None]
            for s, operator, jump in zip(broadenings, operators, jumps, strict=True):
                gauss = np.exp(-((transfer - omega) ** 2) / (2 * s * s)) + np.exp(
                    -((transfer + omega) ** 2) / (2 * s * s)
                )
                event = rate * gauss / (np.sqrt(2 * np.pi) * s)
                p = event * np.abs(v) ** 2
                operator[rows] -= p * np.exp(1j * angle)
                operator[np.arange(n)[rows], np.arange(n)[rows]] += p.sum(axis=1)
                jump[rows] += np.sum(event * shift, axis=1)
    prepared = (process_time() - start) / len(operators)
    source = thermal * weight * velocity
    found = []
    for operator, jump in zip(operators, jumps, strict=True):
        start = process_time()
        diagonal = operator.diagonal().real
        inverse = LinearOperator((n, n), matvec=lambda x, d=diagonal: x / d, dtype=complex)
        g, failed = cg(operator, source, rtol=1e-7, M=inverse, maxiter=2000)
        if failed:
            raise RuntimeError("conjugate gradients did not converge")
        # both parts, equal by Onsager's relation; a turn of the mesh leaves Im(s g*) as it is
        side_jump = 2 * rotations / 2 * np.sum(np.imag(jump * g.conj())) / kt * 2 * np.pi
        seconds = prepared + process_time() - start
        found.append(Solution(float(side_jump), n * rotations, n * n * rotations, seconds, operator.nbytes))
    return found


def _states(k):
    """Energies, velocity v_x + i v_y, eigenvectors (n, 2) and covariant derivatives (n, 2, 2) of the upper band."""
    states = solve_states(MODEL, k, np.ones(len(k), dtype=int))
    return states.energy, states.velocity @ np.array([1, 1j]), states.vectors[:, 0], states.covariant[:, :, 0]


def _ring(kt):
    """Smallest and largest k of the thermal window."""
    low, high = max(MU - WINDOW * kt, 1 + 1e-6), MU + WINDOW * kt
    return np.sqrt(low**2 - 1), np.sqrt(high**2 - 1)


def square_mesh(states: float, kt: float):
    """A quarter of a square mesh with about that many states in the thermal window: k, weight, spacing."""
    inner, outer = _ring(kt)
    h = np.sqrt(np.pi * (outer**2 - inner**2) / states)
    line = h * (np.arange(int(outer / h) + 1) + 0.5)
    k = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    radius = np.hypot(*k.T)
    k = k[(radius > inner) & (radius < outer)]
    return k, np.full(len(k), (h / (2 * np.pi)) ** 2), h


def dense_limit(kt: float, broadening: float) -> float:
    """Side jump (e^2/h) of an infinitely dense mesh at this broadening, from states on a ray and its rotations."""
    inner, outer = _ring(kt)
    radial = int(np.clip(3.0 * (outer - inner) * V_FERMI / broadening, 60, 400))
    node, w = np.polynomial.legendre.leggauss(radial)
    k = inner + (outer - inner) * (node + 1) / 2
    # the phonon energy changes by less than a third of the broadening from angle to angle
    angles = int(np.clip(6 * np.pi * outer * SOUND / broadening, 96, 600))
    weight = w * (outer - inner) / 2 * k * 2 * np.pi / angles / (2 * np.pi) ** 2
    return broadened(np.stack([k, 0 * k], axis=1), weight, angles, kt, [broadening])[0].side_jump


def shells(kt: float, nodes: int, points: int) -> Solution:
    """The package on `nodes` shells of at least `points` points."""
    branch = Branch(coupling=lambda q: SOUND * q / 2, phonon_energy=lambda q: SOUND * q)
    scatterer = Scatterer("acoustic phonons", 2, (branch,), sound_velocity=SOUND)
    settings = TransportSettings(
        energy_nodes=nodes, geometry="own", minimum=points, spacing=2 * np.pi * K_FERMI / points, turn=None
    )
    start = process_time()
    result = run_transport(MODEL, [scatterer], chemical_potential=MU, temperatures=[kt / KB], settings=settings)
    value = 2 * np.pi * (result.side_jump_velocity + result.side_jump_distribution)[0, 1, 0]
    report = result.report
    seconds = process_time() - start
    return Solution(float(value), int(report["states"]), int(report["pairs"]), seconds, float(report["memory_bytes"]))


def row(solution: Solution, exact: float, **more) -> dict:
    """A line of the table, printed and returned."""
    figures = more | {
        "states": solution.states,
        "pairs": solution.pairs,
        "cpu_seconds": round(solution.seconds, 3),
        "memory_MB": round(solution.memory / 1e6, 2),
        "error": float(f"{solution.side_jump / exact - 1:.2e}"),
    }
    print("  ", figures, flush=True)
    return figures


def compare(t: float, sizes) -> dict:
    """Both methods at T = t T_BG."""
    kt = 2 * SOUND * K_FERMI * t
    exact = solve_exact(SOUND, t).side_jump
    print(f"T = {t} T_BG, exact {exact:.6f} e^2/h\n shells")
    own = [row(shells(kt, n, p), exact, nodes=n, points=p) for p in (16, 48) for n in (1, 3, 5, 7, 9)]
    print(" uniform mesh")
    mesh = []
    for size in sizes:
        k, weight, h = square_mesh(size, kt)
        widths = [r * V_FERMI * h for r in RATIOS]
        for r, s, solution in zip(RATIOS, widths, broadened(k, weight, 4, kt, widths), strict=True):
            limit = dense_limit(kt, s)
            split = {"sampling": solution.side_jump / exact - limit / exact, "broadening": limit / exact - 1}
            split = {name: float(f"{x:.2e}") for name, x in split.items()}
            mesh.append(row(solution, exact, ratio=r, broadening_kT=round(float(s / kt), 3), **split))
    print(" dense limit")
    scan = {s: dense_limit(kt, s * kt) / exact - 1 for s in SCAN}
    print("  ", {s: float(f"{x:.2e}") for s, x in scan.items()})
    gap = {str(a): needed(a, own, mesh, scan, kt) for a in (1e-2, 1e-3)}
    print(" states at equal accuracy", gap, flush=True)
    return {"exact": exact, "shells": own, "mesh": mesh, "broadening_error": scan, "at_accuracy": gap}


def needed(accuracy: float, own, mesh, scan, kt) -> dict:
    """States of either method at an accuracy, and whether the mesh's number was run or extrapolated."""
    enough = min((x["states"] for x in own if abs(x["error"]) <= accuracy), default=None)
    run = [x["states"] for x in mesh if max(abs(x["error"]), abs(x["sampling"]), abs(x["broadening"])) <= accuracy]
    if run:
        return _gap(enough, min(run), "run")
    # on the largest mesh, the smallest ratio that samples well enough
    largest = [x for x in mesh if x["states"] == mesh[-1]["states"]]
    ratio = next((x["ratio"] for x in largest if abs(x["sampling"]) <= accuracy), RATIOS[-1])
    s = _widest(accuracy, np.array(list(scan)), np.abs(list(scan.values())))
    if s is None:
        return _gap(enough, None, "not found: the window of energies limits the dense limit")
    inner, outer = _ring(kt)
    h = s * kt / (ratio * V_FERMI)
    return _gap(enough, int(np.pi * (outer**2 - inner**2) / h**2), f"extrapolated, s = {s:.3f} kT, ratio {ratio}")


def _widest(accuracy, width, error):
    """Largest broadening up to which the error stays below the accuracy, None if there is none."""
    above = np.flatnonzero(error > accuracy)
    if not len(above):
        return float(width[-1])
    first = int(above[0])
    if first == 0:
        return None
    pair = slice(first - 1, first + 1)
    return float(np.exp(np.interp(np.log(accuracy), np.log(error[pair]), np.log(width[pair]))))


def _gap(shell, uniform, how) -> dict:
    gap = round(uniform / shell, 1) if shell and uniform else None
    return {"shells": shell, "mesh": uniform, "mesh_is": how, "gap": gap}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--states", nargs="+", type=float, default=[1000, 4000, 12000])
    parser.add_argument("-T", "--temperatures", nargs="+", type=float, default=[0.1, 0.5], help="in T_BG")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    start = perf_counter()
    figures = {f"{t:g} T_BG": compare(t, options.states) for t in options.temperatures}
    figures["wall_seconds"] = round(perf_counter() - start, 1)
    if not options.no_log:
        record("uniform_mesh", figures)


if __name__ == "__main__":
    main()
