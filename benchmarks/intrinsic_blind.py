"""Stated against true error of the refined intrinsic part, on models that nothing in it was adjusted to.

    python benchmarks/intrinsic_blind.py [--seeds N ...] [--iron] [--tolerances T ...] [--starts N ...]

* Random ferromagnets: the p or d orbitals of one atom on a simple cubic, bcc or fcc lattice, hopping between nearest
  and next neighbours from two-centre integrals drawn at random, spin-orbit coupling 0.03 to 0.1 eV, an exchange field
  in a random direction, the Fermi level at a random filling: six or ten bands that cross as in iron.
* Random matrices: two to four bands without any symmetry, full of Weyl points.

  Reference of both: the same sum at a much smaller tolerance, from another starting mesh.
* Iron, from several starting meshes.  Reference: what ``intrinsic_reference.py`` left in the log.

T = 0, errors relative to the length of the conductivity's vector.
"""

from __future__ import annotations

import argparse
import itertools
from time import process_time

import numpy as np
from common import record
from intrinsic_postw90 import DATA, FERMI_ENERGY, reference

from sidejump import TightBinding, read_wannier90
from sidejump.bands.states import band_energies
from sidejump.intrinsic import intrinsic_conductivity

CELLS = {
    "sc": np.eye(3),
    "bcc": 0.5 * np.array([[1, 1, 1], [-1, 1, 1], [-1, -1, 1]]),
    "fcc": 0.5 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
}


def angular_momentum(quantum_number: int) -> np.ndarray:
    """L_x, L_y, L_z in units of hbar."""
    m = np.arange(quantum_number, -quantum_number - 1, -1)
    up = np.diag(np.sqrt(quantum_number * (quantum_number + 1) - m[1:] * (m[1:] + 1)), 1)
    return np.stack([(up + up.T) / 2, (up - up.T) / 2j, np.diag(m)])


def random_ferromagnet(seed: int):
    """A random ferromagnet, its Fermi energy (eV) and its name."""
    random = np.random.default_rng(seed)
    lattice = list(CELLS)[seed % 3]
    cell = 2.8 * CELLS[lattice]
    quantum_number = 2 if seed % 4 == 0 else 1
    momentum, n = angular_momentum(quantum_number), 2 * quantum_number + 1
    builder = TightBinding(cell, [((0.0, 0.0, 0.0), n)], spinful=True)
    spin = 0.5 * np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    coupling, exchange = random.uniform(0.03, 0.1), random.uniform(1.0, 2.0)
    onsite = coupling * sum(np.kron(a, s) for a, s in zip(momentum, spin, strict=True))
    builder.onsite(0, onsite - exchange * np.kron(np.eye(n), np.tensordot(direction, spin, 1)))
    vectors = np.array([r for r in itertools.product(range(-2, 3), repeat=3) if r > (0, 0, 0)])
    length = np.linalg.norm(vectors @ cell, axis=1)
    for shell, scale in zip(np.unique(length.round(6))[:2], (1.0, 0.4), strict=True):
        integrals = scale * random.normal(size=3) * [0.7, 0.5, 0.2]  # m = 0, 1, 2 along the bond, eV
        for r in vectors[np.abs(length - shell) < 1e-5]:
            along = np.tensordot(r @ cell / shell, momentum, 1)
            energy, u = np.linalg.eigh(along)
            builder.hop(0, 0, r, (u * integrals[np.abs(energy.round()).astype(int)]) @ u.conj().T)
    model = builder.build()
    energies = band_energies(model, random.random((4000, 3)) @ model.reciprocal_cell)
    name = f"{'pd'[quantum_number - 1]} bands on {lattice}, seed {seed}"
    return model, float(np.quantile(energies, random.uniform(0.3, 0.8))), name


def random_matrices(seed: int):
    """A lattice model of random matrices, its Fermi energy (eV) and its name."""
    random = np.random.default_rng(1000 + seed)
    n = 2 + seed % 3
    builder = TightBinding(3.0 * np.eye(3), [((0.0, 0.0, 0.0), n)])
    for r in itertools.product(range(-1, 2), repeat=3):
        block = random.normal(size=(n, n)) + 1j * random.normal(size=(n, n))
        if r > (0, 0, 0):
            builder.hop(0, 0, r, 0.3 * np.exp(-1.2 * (np.dot(r, r) - 1)) * block)
    builder.onsite(0, block + block.conj().T)
    model = builder.build()
    energies = band_energies(model, random.random((4000, 3)) @ model.reciprocal_cell)
    return model, float(np.quantile(energies, random.uniform(0.3, 0.7))), f"{n} bands, random matrices, seed {seed}"


def hall(model, fermi_energy: float, **options) -> tuple[np.ndarray, float, dict]:
    """Vector (yz, zx, xy) and its stated error, S/cm, and the cost."""
    begin = process_time()
    result = intrinsic_conductivity(model, fermi_energy, 0.0, workers=1, **options)
    vector = np.array([result.conductivity[0, 0, i, j] for i, j in ((1, 2), (2, 0), (0, 1))])
    cost = {"points": result.points, "cpu_seconds": round(process_time() - begin, 2)}
    return vector, float(result.error[0, 0]), cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="*", type=int, default=[1, 2, 3, 4, 5, 6], help="random ferromagnets")
    parser.add_argument("--matrices", nargs="*", type=int, default=[1, 2, 3, 4, 5, 6], help="seeds of random matrices")
    parser.add_argument("--iron", action="store_true", help="iron as well")
    parser.add_argument("--tolerances", nargs="*", type=float, default=[3e-2, 1e-2])
    parser.add_argument("--starts", nargs="*", type=int, default=[9, 13], help="starting meshes")
    parser.add_argument("--reference", type=float, default=2e-3, help="tolerance of the references")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    cases = [random_ferromagnet(seed) for seed in options.seeds] + [random_matrices(seed) for seed in options.matrices]
    if options.iron:
        cases.append((read_wannier90(DATA / "Fe_tb.dat.gz"), FERMI_ENERGY, "iron"))
    figures: dict = {}
    ratios = []
    for model, fermi_energy, name in cases:
        if name == "iron":
            known = reference()
            exact, case = np.array(known["vector"]), {"reference": known}
        else:
            exact, error, cost = hall(
                model, fermi_energy, tolerance=options.reference, start_mesh=17, max_points=8_000_000
            )
            case = {"reference": {"vector": exact.round(3).tolist(), "stated_error": round(error, 3)} | cost}
        case["runs"] = []
        print(name, case["reference"], flush=True)
        for start, tolerance in itertools.product(options.starts, options.tolerances):
            vector, error, cost = hall(model, fermi_energy, tolerance=tolerance, start_mesh=start)
            run = {
                "start": start,
                "tolerance": tolerance,
                "true": round(float(np.linalg.norm(vector - exact) / np.linalg.norm(exact)), 5),
                "stated": round(error / float(np.linalg.norm(vector)), 5),
            } | cost
            ratios.append(run["true"] / run["stated"])
            case["runs"].append(run)
            print("   ", run, flush=True)
        figures[name] = case
    summary = {
        "runs": len(ratios),
        "true_above_stated": int(np.sum(np.array(ratios) > 1)),
        "median_ratio": round(float(np.median(ratios)), 3),
    }
    print(summary)
    if not options.no_log:
        record("intrinsic_blind", figures | {"summary": summary})


if __name__ == "__main__":
    main()
