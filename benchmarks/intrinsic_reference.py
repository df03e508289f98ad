"""Reference for the intrinsic part by stratified Monte Carlo: unbiased, with a statistical error.

    python benchmarks/intrinsic_reference.py [--runs N] [--budget CELLS] [--data DIRECTORY]

The sharp step and the plain Kubo curvature at random points: no occupation and no crossing is averaged over a cell.
The zone is cut into cells of several sizes; a sum takes one random point and its mirror image in every cell, so that
its expectation is the integral whatever the cells are.  They only set the variance, and are fixed before the first sum,
by the spread of pilot samples that no sum uses.  The error is the spread of independent sums.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from time import process_time

import numpy as np
from common import record

from sidejump import read_wannier90
from sidejump.intrinsic.lattice_mesh import CellSum
from sidejump.units import conductivity_unit

DATA = Path(__file__).parents[2] / "shared" / "data" / "iron_wannier90"
FERMI_ENERGY = 17.2745


class Strata:
    """Cells of the zone of `model` of several sizes, each to hold one random point and its mirror image.

    Built from `start` cells along each axis by halving those whose pilot samples differ most, weighted by volume.
    """

    def __init__(self, model, fermi_energy: float, start: int, budget: int, seed: int = 1):
        self.sum = CellSum(model, [fermi_energy], [0.0], 1)
        self.start, self.random = start, np.random.default_rng(seed)
        d = self.dimension = model.dimension
        halves = np.array(list(itertools.product((0, 1), repeat=d)))
        self.corner = np.stack(np.meshgrid(*[np.arange(start)] * d, indexing="ij"), -1).reshape(-1, d)
        self.level = np.zeros(len(self.corner), dtype=int)
        score = self._score(self.corner, self.level)
        while len(score) < budget:
            count = min(1 + len(score) // 8, 1 + (budget - len(score)) // (2**d - 1))
            order = np.argsort(-score)
            split, kept = order[:count], order[count:]
            corner = (2 * self.corner[split][:, None] + halves).reshape(-1, d)
            level = np.repeat(self.level[split] + 1, 2**d)
            score = np.concatenate([score[kept], self._score(corner, level)])
            self.corner = np.concatenate([self.corner[kept], corner])
            self.level = np.concatenate([self.level[kept], level])
        # by level, so that a mesh of one level is summed at a time
        order = np.argsort(self.level, kind="stable")
        self.corner, self.level = self.corner[order], self.level[order]

    def _edge(self, level):
        return 1.0 / (self.start * 2.0**level)[:, None]

    def _score(self, corner, level):
        """Guess of the integral's spread over each cell: that of random points, or what is near the Fermi level."""
        edge = self._edge(level)
        centre = (corner + 0.5) * edge
        near = self.sum(centre, 2 * np.broadcast_to(edge, centre.shape))[:, 0, 0]
        first, second = self._sample(corner, level), self._sample(corner, level)
        spread = [first - second, first - near, second - near, 0.5 * near]
        return np.max(np.linalg.norm(spread, axis=-1), axis=0) * edge[:, 0] ** self.dimension

    def _sample(self, corner, level):
        """Occupied curvature at one random point in each cell and its mirror image: (cells, components)."""
        shift = self.random.random((level.max() + 1, self.dimension))
        edge = self._edge(level)
        return sum(self.sum((corner + x[level]) * edge, None)[:, 0, 0] for x in (shift, 1 - shift)) / 2

    def estimates(self, runs: int):
        """Independent sums over the zone, e^2/hbar per angstrom."""
        weight = -(self._edge(self.level) ** self.dimension) / abs(np.linalg.det(self.sum.model.cell))
        for _ in range(runs):
            yield np.sum(self._sample(self.corner, self.level) * weight, axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=8, help="independent sums")
    parser.add_argument("--budget", type=int, default=300_000, help="cells")
    parser.add_argument("--start", type=int, default=16, help="cells along each axis to begin with")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with Fe_tb.dat")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    model = read_wannier90(options.data / "Fe_tb.dat.gz")
    begin = process_time()
    strata = Strata(model, FERMI_ENERGY, options.start, options.budget, options.seed)
    pilot_points = strata.sum.points
    print("cells by level:", np.bincount(strata.level).tolist(), round(process_time() - begin, 1), "s", flush=True)
    sums = []
    for one in strata.estimates(options.runs):
        sums.append(conductivity_unit(3)[0] * one)
        print(sums[-1].round(2), round(process_time() - begin, 1), "s", flush=True)
    sums = np.array(sums)
    figures = {
        "vector": [round(float(x), 2) for x in sums.mean(axis=0)],
        "standard_error": [round(float(x), 2) for x in sums.std(axis=0, ddof=1) / np.sqrt(options.runs)],
        "runs": options.runs,
        "points": strata.sum.points - pilot_points,
        "pilot_points": pilot_points,
        "seed": options.seed,
        "cpu_seconds": round(process_time() - begin, 1),
    }
    print(figures, flush=True)
    if not options.no_log:
        record("intrinsic_reference", figures)


if __name__ == "__main__":
    main()
