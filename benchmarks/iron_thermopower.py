"""How far phonons break Mott's relation in iron: thermopower and Nernst effect next to slopes of the conductivity.

    python benchmarks/iron_thermopower.py INPUT.toml [--accuracy A] [--replicas N] [--nodes N] [--room X ...]
                                          [--afresh E ...] [-T TEMPERATURE ...]

`INPUT.toml` is `examples/iron_heat.toml`.  To the leading order of kT over the energies on which bands and rates change
(:func:`sidejump.transport.thermopower.slopes`), on the points of the first level, laid in N ways: `alpha_xx` and the
side jump of `alpha_yx` as the energy derivative of the conductivity that stands for them, beside that derivative
itself, which is Mott's relation.  Errors are standard errors of the mean over the ways; `room` moves the cut below
which points stay where they are.  `afresh`: Mott's slopes from surfaces made afresh at this energy (eV) on either side
of the chemical potential, which have no points in common.
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
from sidejump.transport.thermopower import NODES, ROOM, on_surface, slopes
from sidejump.units import KB, conductivity_unit

PARTS = ("along", "side jump")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path)
    parser.add_argument("--accuracy", type=float, default=0.6)
    parser.add_argument("--replicas", type=int, default=2, help="two at least")
    parser.add_argument("--nodes", type=int, default=NODES)
    parser.add_argument("--room", nargs="+", type=float, default=[ROOM], help="kT")
    parser.add_argument("--afresh", nargs="*", type=float, default=[0.04], help="eV")
    parser.add_argument("-T", nargs="+", type=float, default=[40, 100, 300])
    options = parser.parse_args()
    job = prepare(options.input)
    settings = replace(job.settings, accuracy=options.accuracy, skew_scattering="off", heat=False)
    factor, unit = conductivity_unit(job.model.dimension)
    figures: dict = {"input": options.input.name, "accuracy": options.accuracy, "nodes": options.nodes, "unit": unit}
    start = Term.start[job.model.dimension]

    def each(asked, level: float = 0.0) -> np.ndarray:
        """What is asked of each way to lay the points, at the chemical potential or `level` (eV) above it."""
        problem = Problem(job.model, job.scatterers, job.chemical_potential + level, settings)
        with one_matrix_thread():
            return factor * np.array([asked(problem.laid(start, number)) for number in range(options.replicas)])

    def say(where: str, words: str, values: np.ndarray) -> None:
        mean, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
        print(f"  {words}: {mean:.5g} +- {error:.2g}", flush=True)
        figures[f"{where}, {words}"] = values.tolist()

    for t in options.T:
        for room in options.room:
            started, where = time.process_time(), f"{t:g} K, room {room:g}"

            def both(laid, t=t, room=room):
                found = slopes(laid, [KB * t], nodes=options.nodes, room=room)
                return found.conductivity[0], found.of_charge[0], found.of_heat[0]

            # way, what, part; slopes over the conductivity that carries them, 1/eV
            values = each(both)
            print(f"{where} kT ({time.process_time() - started:.0f} s)")
            for part, words in enumerate(PARTS):
                names = ("conductivity", "Mott", "heat")
                for name, one in zip(names, values[:, :, part].T, strict=True):
                    say(where, f"{words}, {name}", one)
                say(where, f"{words}, heat / Mott", values[:, 2, part] / values[:, 1, part])
        for apart in options.afresh:
            started = time.process_time()
            low, high = (
                each(lambda laid, t=t: on_surface(laid, [KB * t], nodes=options.nodes)[0], level)
                for level in (-apart, apart)
            )
            where = f"{t:g} K, afresh {apart:g} eV"
            print(f"{where} ({time.process_time() - started:.0f} s)")
            for part, words in enumerate(PARTS):
                say(where, f"{words}, Mott", (high - low)[:, part] / (2 * apart))
    record("iron_thermopower", figures)


if __name__ == "__main__":
    main()
