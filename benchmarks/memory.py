"""Memory that a run foretells against memory in use: of the process, or of each worker, while it runs.

    python memory.py [CASE ...] [--record]

Peaks are of the unique memory of each process (what is freed when it ends), looked at ten times a second, and of its
resident memory, which counts shared libraries in every worker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from common import record

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers_inputs import ACOUSTIC_SECTION, RASHBA_SECTION, WEYL_SECTION, acoustic_section

INPUT = """
[temperature]
values = [{kelvin}]

[solver]
{solver}

[solver.expert]
accuracy = {accuracy}
{expert}
"""


def rashba(solver: str = "", kelvin: float = 20.0, accuracy: float = 4.0, more: str = "") -> str:
    run = INPUT.format(kelvin=kelvin, solver=solver, accuracy=accuracy, expert="levels = 0")
    return RASHBA_SECTION + ACOUSTIC_SECTION + run + more


def weyl(solver: str = "energy_nodes = 1") -> str:
    run = INPUT.format(kelvin=250, solver=solver, accuracy=8.0, expert='geometry = "shared"\nlevels = 0')
    return WEYL_SECTION + acoustic_section(5000.0) + run


WORKERS = 'executor = "processes"\nworkers = 2\n'
CASES = {
    "Rashba, 20 K": rashba(),
    "Rashba, 20 K, nine nodes": rashba("energy_nodes = 9"),
    "Rashba, 20 K, two processes": rashba(WORKERS),
    "Rashba, 100 K, heat": rashba(kelvin=100.0, accuracy=8.0, more='\n[[observable]]\nkind = "heat_current"\n'),
    "Rashba, 60 K, as many nodes as it takes": rashba(kelvin=60.0, accuracy=6.0),
    "Weyl": weyl(),
    "Weyl, two processes": weyl(WORKERS + "energy_nodes = 1"),
}

RUN = """
import json, sys
from dataclasses import replace
from sidejump.app.run import prepare
job = prepare(sys.argv[1])
print(json.dumps(job.estimate()["level_peak_memory_bytes"]), flush=True)
found = job.run()
print(json.dumps(found.energy_nodes.values.tolist()), flush=True)
print(json.dumps(int(found.term_level.max())), flush=True)
"""


def measured(text: str) -> dict:
    """Foretold memory of the finest level that the run went to, and the largest of one process of the run, bytes.

    Which level the tolerance takes is not known before; `foretold_first` is the memory of level 0, which the estimate
    tells first.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "input.toml"
        source.write_text(text)
        run = subprocess.Popen([sys.executable, "-c", RUN, str(source)], stdout=subprocess.PIPE, text=True)
        parent, peaks = psutil.Process(run.pid), {}
        while run.poll() is None:
            try:
                family = [parent, *parent.children(recursive=True)]
            except psutil.NoSuchProcess:
                break
            for process in family:
                try:
                    memory = process.memory_full_info()
                except (psutil.NoSuchProcess, psutil.AccessDenied):
                    continue
                unique, resident = peaks.get(process.pid, (0, 0))
                peaks[process.pid] = max(unique, memory.uss), max(resident, memory.rss)
            time.sleep(0.1)
        levels, nodes, finest = (json.loads(line) for line in run.stdout.read().splitlines())
    workers = {pid: peak for pid, peak in peaks.items() if pid != run.pid and peak[0] > 1e8}
    unique, resident = max(workers.values()) if workers else peaks[run.pid]
    return {
        "foretold": levels[finest],
        "foretold_first": levels[0],
        "unique": unique,
        "resident": resident,
        "ratio": round(levels[finest] / resident, 3),
        "processes": 1 + len(workers),
        "parent": peaks[run.pid][1],
        "energy_nodes": nodes,
        "finest_level": finest,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="*", default=list(CASES))
    parser.add_argument("--record", action="store_true", help="append the figures to the log")
    given = parser.parse_args()
    found = {}
    for name in given.case:
        found[name] = measured(CASES[name])
        print(name, found[name], flush=True)
    if given.record:
        record("memory", found)


if __name__ == "__main__":
    main()
