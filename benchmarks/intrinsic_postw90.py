"""Intrinsic anomalous Hall conductivity of iron next to postw90's.

    python benchmarks/intrinsic_postw90.py [--fixed N] [--own TOLERANCE ...] [--postw90 N ...] [--data DIRECTORY]

* The same Gamma-centred N^3 mesh, without refinement, in both programs: the numbers must agree to 1e-4.  postw90 runs
  with ``transl_inv = .true.``, as the diagonal of the position matrix in ``_tb.dat`` is the translationally invariant
  one (without it postw90's own number changes by 7e-4 on a 25^3 mesh).
* Error and time of the refined sum at several tolerances, and of postw90 on several meshes with its adaptive
  refinement (5^3 where the curvature exceeds 100 angstrom^2), against the last value that
  ``intrinsic_reference.py`` left in the log.

The two programs run one after the other, each in one thread.  Processor seconds are what is compared: wall seconds
depend on what else the machine does.  Each list may be empty, so that a short time limit can be met by several runs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from common import LOG, record

from sidejump import read_wannier90
from sidejump.intrinsic import intrinsic_conductivity

DATA = Path(__file__).parents[2] / "shared" / "data" / "iron_wannier90"
FERMI_ENERGY = 17.2745
ADAPTIVE = {"berry_curv_adpt_kmesh": 5, "berry_curv_adpt_kmesh_thresh": 100.0}


def own(model, **options) -> dict:
    """The package's vector (S/cm) and cost at T = 0, one thread."""
    cpu, wall = process_time(), perf_counter()
    result = intrinsic_conductivity(model, FERMI_ENERGY, 0.0, workers=1, max_points=10_000_000, **options)
    sigma = result.conductivity[0, 0]
    return {
        "vector": [round(float(sigma[i]), 4) for i in ((1, 2), (2, 0), (0, 1))],
        "points": result.points,
        "cpu_seconds": round(process_time() - cpu, 2),
        "wall_seconds": round(perf_counter() - wall, 2),
    } | ({} if "mesh" in options else {"stated_error": round(float(result.error[0, 0]), 2)})


def postw90(program: str, data: Path, mesh: int, **options) -> dict:
    """postw90's vector (S/cm) and cost on a mesh."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("Fe.chk", "Fe.eig", "Fe.mmn"):
            _unpack(data, name, Path(folder) / name)
        _unpack(data, "Fe.win", Path(folder) / "Fe.win")
        lines = {"berry": ".true.", "berry_task": "ahc", "berry_kmesh": mesh, "transl_inv": ".true."} | options
        with (Path(folder) / "Fe.win").open("a") as stream:
            stream.write("\n" + "".join(f"{key} = {value}\n" for key, value in lines.items()))
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run([program, "Fe"], cwd=folder, env=environment, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = perf_counter() - wall
        text = (Path(folder) / "Fe.wpout").read_text()
    found = re.search(r"Total\s+:\s+(\S+)\s+(\S+)\s+(\S+)", text)
    if found is None:
        raise SystemExit("postw90 wrote no anomalous Hall conductivity; its output ends with:\n" + text[-500:])
    return {
        "vector": [float(x) for x in found.groups()],
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "wall_seconds": round(wall, 2),
    }


def _unpack(data: Path, name: str, target: Path) -> None:
    packed = data / f"{name}.gz"
    if packed.exists():
        with gzip.open(packed, "rb") as source, target.open("wb") as stream:
            shutil.copyfileobj(source, stream)
    else:
        shutil.copy(data / name, target)


def reference() -> dict:
    """The last reference in the log: `vector` (yz, zx, xy) and its `standard_error`, S/cm, at T = 0."""
    lines = [json.loads(line) for line in LOG.read_text().splitlines()]
    found = [line["figures"] for line in lines if line["benchmark"] == "intrinsic_reference"]
    if not found:
        raise SystemExit("no reference in log.jsonl; run intrinsic_reference.py first")
    return {name: found[-1][name] for name in ("vector", "standard_error")}


def add_errors(run: dict, exact) -> None:
    """Relative errors of the run: of the xy component and of the vector."""
    off = np.subtract(run["vector"], exact)
    run["error_xy"] = round(float(abs(off[2] / exact[2])), 5)
    run["error_vector"] = round(float(np.linalg.norm(off) / np.linalg.norm(exact)), 5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fixed", nargs="*", type=int, default=[20], help="meshes to compare without refinement")
    parser.add_argument(
        "--own", nargs="*", type=float, default=[2e-2, 1e-2, 5e-3], help="tolerances of the refined sum"
    )
    parser.add_argument("--postw90", nargs="*", type=int, default=[25, 50], help="meshes of postw90 with refinement")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with Fe.chk, Fe.eig, Fe.mmn, Fe.win, Fe_tb.dat")
    parser.add_argument("--no-log", action="store_true", help="do not append to log.jsonl")
    options = parser.parse_args()
    program = shutil.which("postw90.x")
    if program is None:
        raise SystemExit("postw90.x is not installed (apt-get install wannier90); benchmark skipped")
    if not options.data.is_dir():
        raise SystemExit(f"{options.data}: no such folder; give Wannier90's files of iron with --data")
    model = read_wannier90(options.data / "Fe_tb.dat.gz")
    figures: dict = {"fixed": {}, "own": {}, "postw90": {}}
    for n in options.fixed:
        pair = {"own": own(model, mesh=n), "postw90": postw90(program, options.data, n, berry_curv_adpt_kmesh=1)}
        off = np.subtract(pair["own"]["vector"], pair["postw90"]["vector"])
        pair["difference"] = float(f"{np.linalg.norm(off) / np.linalg.norm(pair['postw90']['vector']):.2e}")
        print(n, pair, flush=True)
        figures["fixed"][str(n)] = pair
    for tolerance in options.own:
        figures["own"][str(tolerance)] = own(model, tolerance=tolerance)
        print(tolerance, figures["own"][str(tolerance)], flush=True)
    for n in options.postw90:
        figures["postw90"][str(n)] = postw90(program, options.data, n, **ADAPTIVE)
        print(n, figures["postw90"][str(n)], flush=True)
    figures["reference"] = reference()
    for name, run in [*figures["own"].items(), *figures["postw90"].items()]:
        add_errors(run, figures["reference"]["vector"])
        print(name, run)
    if not options.no_log:
        record("intrinsic_postw90", figures)
    if any(pair["difference"] > 1e-4 for pair in figures["fixed"].values()):
        raise SystemExit("the two programs differ by more than 1e-4 on the same mesh")


if __name__ == "__main__":
    main()
