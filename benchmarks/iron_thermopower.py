"""How far phonons break Mott's relation in iron: thermopower and Nernst effect next to slopes of the conductivity.

    python benchmarks/iron_thermopower.py INPUT.toml [--accuracy A] [--replicas N] [--nodes N] [--room X ...]
                                          [-T TEMPERATURE ...]

`INPUT.toml` is `examples/iron_heat.toml`.  To the leading order of kT over the energies on which bands and rates change
(:func:`sidejump.transport.thermopower.slopes`), on the points of the first level, laid in N ways: `alpha_xx` and the
side jump of `alpha_yx` as the energy derivative of the conductivity that stands for them, beside that derivative
itself, which is Mott's relation.  Errors are standard errors of the mean over the ways; `room` moves the cut below
which points stay where they are.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import record

from sidejump.app.run import prepare
from sidejump.threads import one_matrix_thread
from sidejump.transport.problem import Problem
from sidejump.transport.term import Term
from sidejump.transport.thermopower import NODES, ROOM, slopes
from sidejump.units import KB, conductivity_unit

PARTS = ("along", "side jump")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("--accuracy", type=float, default=0.6)
    parser.add_argument("--replicas", type=int, default=2, help="two at least")
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--room", nargs="+", type=float, default=[ROOM], help="kT")
    parser.add_argument("-T", nargs="+", type=float, default=[40, 100, 300])
    options = parser.parse_args()
    job = prepare(options.input)
    settings = replace(job.settings, accuracy=options.accuracy, skew_scattering="off", heat=False)
    problem = Problem(job.model, job.scatterers, job.chemical_potential, settings)
    factor, unit = conductivity_unit(job.model.dimension)
    figures: dict = {"input": options.input.name, "accuracy": options.accuracy, "nodes": options.nodes, "unit": unit}
    for room in options.room:
        for t in options.T:
            started, every = time.process_time(), []
            for number in range(options.replicas):
                with one_matrix_thread():
                    laid = problem.laid(Term.start[job.model.dimension], number)
                    found = slopes(laid, [KB * t], nodes=options.nodes, room=room)
                every.append([found.conductivity[0], found.of_charge[0], found.of_heat[0]])
            # way, what, part; slopes over the conductivity that carries them, 1/eV
            values = factor * np.array(every)
            ratio = values[:, 2] / values[:, 1]
            print(f"{t:g} K, room {room:g} kT ({time.process_time() - started:.0f} s)")
            for part, words in enumerate(PARTS):
                said = {"conductivity": values[:, 0], "Mott": values[:, 1], "heat": values[:, 2], "heat / Mott": ratio}
                for name, each in said.items():
                    mean = each[:, part].mean()
                    error = each[:, part].std(ddof=1) / np.sqrt(len(each))
                    print(f"  {words}, {name}: {mean:.5g} +- {error:.2g}", flush=True)
                    figures[f"{t:g} K, room {room:g}, {words}, {name}"] = each[:, part].tolist()
    record("iron_thermopower", figures)


if __name__ == "__main__":
    main()
