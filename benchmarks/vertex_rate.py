"""Rate of ab initio vertices (value and three derivatives, three modes) next to the machine's matrix products.

    python benchmarks/vertex_rate.py [--data DIRECTORY] [--no-log]

States of the Fermi surface of iron (18 Wannier functions, EPW files), one core, all numbers in the same run:

* rate of pairs for several block sizes in single and double precision, and with two threads over blocks;
* operations of the matrix products, and their part of the measured rate of large zgemm and cgemm;
* the arithmetic limit of the plain contraction: 7 products of length (lattice vectors Rp) x (Wannier functions) for
  each of the 3 displacements at the full zgemm rate, what an evaluation without low-rank factors could reach at best;
* the error of strength and shift against exact factors in double precision, rms over a block.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np
from common import record
from threadpoolctl import threadpool_limits

from sidejump.bands.momentum import MomentumTransfer
from sidejump.formats.epw import read_epw
from sidejump.interactions.first_principles.factors import Factors
from sidejump.interactions.first_principles.vertex import PairVertices
from sidejump.pairs.sample import sampled
from sidejump.surfaces.fermi import fermi_shell

DATA = Path(__file__).parents[2] / "shared" / "data" / "iron_epw"
BLOCKS = (64, 128, 256, 512)
PLAIN_TRIAL = 102_000  # pairs a second and core of a plain NumPy evaluation, one initial state at a time


def gemm_rate(dtype, n: int = 1200) -> float:
    """Operations a second of a large matrix product, best of several."""
    a = np.random.default_rng(0).normal(size=(n, n)).astype(dtype)
    out = np.empty_like(a)
    return (8 if out.dtype.kind == "c" else 2) * n**3 / best(lambda: np.matmul(a, a, out=out))


def best(work, repeats: int = 7) -> float:
    """Shortest wall time, seconds."""
    work()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def iron_states(data):
    """Points of the Fermi surface, refined where states turn fast."""
    model = data.electrons
    spacing = float(np.linalg.norm(model.reciprocal_cell, axis=1).min()) / 12
    shell = fermi_shell(model, data.fermi_energy, spacing=spacing, levels=2)
    momentum = MomentumTransfer(model.reciprocal_cell, 3)
    return {size: sampled(model, momentum, shell, degeneracy=1e-6, block=size) for size in BLOCKS}


def rates(vertices, slices, flops_rate) -> dict:
    """Pairs a second and part of the gemm rate, over a few blocks off the diagonal."""
    middle = len(slices) // 2
    todo = [(slices[i], slices[middle + i]) for i in range(min(3, middle))]
    pairs = sum((a.stop - a.start) * (b.stop - b.start) for a, b in todo)
    seconds = best(lambda: [vertices.block(a, b) for a, b in todo])
    flops = sum(vertices.block_flops(a, b) for a, b in todo)
    return {
        "states_per_block": round(float(np.mean([a.stop - a.start for a, _ in todo])), 1),
        "pairs_per_second": round(pairs / seconds),
        "flops_per_pair": round(flops / pairs),
        "gflops": round(flops / seconds / 1e9, 1),
        "part_of_gemm_rate": round(flops / seconds / flops_rate, 3),
    }


def two_threads(vertices, slices) -> float:
    """Pairs a second of two threads over blocks."""
    todo = [(a, b) for a in slices[:4] for b in slices[-4:]]
    pairs = sum((a.stop - a.start) * (b.stop - b.start) for a, b in todo)

    def work():
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda pair: vertices.block(*pair), todo))

    return pairs / best(work, 3)


def errors(data, states, vertices, rows, columns) -> dict:
    """rms errors of the block relative to the rms values, against exact factors in double precision."""
    part = slice(rows.start, rows.start + 24), slice(columns.start, columns.start + 48)
    exact = PairVertices(
        data, states, dtype=np.complex128, memory=0, factors=Factors(vertices.factors.cluster, vertices.factors.lattice)
    ).block(*part)
    found = [x[..., :24, :48] for x in vertices.block(rows, columns)]
    return {
        name: float(np.sqrt(np.mean((x - y) ** 2) / np.mean(y**2)))
        for name, x, y in zip(("strength", "shift", "omega"), found, exact, strict=True)
    }


def cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such directory; give the EPW files of iron with --data")
    data = read_epw(options.data)
    samples = iron_states(data)
    points = samples[BLOCKS[-1]]
    coupling = data.coupling_matrix()
    figures: dict = {"cpu": cpu_name(), "states": points.count}
    with threadpool_limits(1):
        zgemm, cgemm = gemm_rate(np.complex128), gemm_rate(np.complex64)
        start = perf_counter()
        first = PairVertices(data, points.states)
        figures |= {
            "zgemm_gflops": round(zgemm / 1e9, 1),
            "cgemm_gflops": round(cgemm / 1e9, 1),
            "preparation_seconds": round(perf_counter() - start, 1),
            "ranks": list(first.factors.ranks),
            "value_error": first.factors.value_error,
            "derivative_error": first.factors.derivative_error,
            "flops_per_pair_without_patterns": first.flops_per_pair(),
        }
        plain = 8 * 7 * data.phonons.n_modes * len(coupling.rp_vectors) * coupling.n_orbitals
        figures["plain_limit_pairs_per_second"] = round(zgemm / plain)
        for size in BLOCKS:
            sample = samples[size]
            single = PairVertices(data, sample.states, factors=first.factors)
            slices = [s for s in sample.near.sets if s.stop - s.start > size // 2]
            result = {"complex64": rates(single, slices, cgemm)}
            if size == BLOCKS[-1]:
                double = PairVertices(data, sample.states, factors=first.factors, dtype=np.complex128)
                result["complex128"] = rates(double, slices, zgemm)
                result["two_threads_pairs_per_second"] = round(two_threads(single, slices))
                result["errors"] = errors(data, sample.states, single, slices[1], slices[len(slices) // 2])
            figures[f"block_{size}"] = result
            print(size, result, flush=True)
    rate = figures[f"block_{BLOCKS[-1]}"]["complex64"]["pairs_per_second"]
    figures["part_of_zgemm_rate"] = round(figures[f"block_{BLOCKS[-1]}"]["complex64"]["gflops"] * 1e9 / zgemm, 2)
    figures["times_the_plain_trial"] = round(rate / PLAIN_TRIAL, 1)
    figures["times_the_plain_limit"] = round(rate / figures["plain_limit_pairs_per_second"], 1)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if not options.no_log:
        record("vertex_rate", figures)


if __name__ == "__main__":
    main()
