"""Small files of every kind that is read, seeded damage to them, and what a reader makes of it.

Each mutation is read in a process of its own, with limits: only numbers or an `InputError` that names the file (or the
directory it is in) count as an answer.
"""

from __future__ import annotations

import bz2
import gzip
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import h5py
import numpy as np

from helpers_abinitio import Toy, examined, polar
from helpers_wannier90 import write_hr, write_tb, write_win, write_wsvec
from sidejump import InputError
from sidejump.app import config, results
from sidejump.app.convert import describe
from sidejump.app.run import prepare, run
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.formats.perturbo import read_perturbo
from sidejump.formats.perturbo_write import write_perturbo
from sidejump.formats.recognise import read_electron_phonon
from sidejump.formats.wannier90 import read_wannier90
from sidejump.plot.temperature import result_figure

SECONDS, BYTES = 30, 2e9
_ROOM = (
    6e9  # bytes of addresses beyond those of the process: an allocation past it fails instead of filling the machine
)

NASTY = (
    "nan NaN inf -inf Infinity 1e400 -1 0 1 2 3 7 64 400 100000 999999999 99999999999999999999 -99999999999 1e308 "
    "-1e308 1e-320 1e200 *** ********** 1_0 0x1F 1.5 -0 +3 1.0D+00 0.12345678-103 1e 1e5 . - ( ) , (1,2 T F .true. "
    "\u0661 \u00e9 \x1b[31m \x07 ' \" [ ] { } = # ! ; null"
).split()

INPUT = """# a run of seconds
[electrons]
model = "massive_dirac"
mass = 0.05
velocity = 3.0
chemical_potential = 0.2

[[scattering]]
kind = "impurity"
correlation = "zero_range"
density = 1e11
strength = 1.0

[temperature]
values = [100.0, 200.0]

[solver]
tolerance = 0.3
energy_nodes = 3

[solver.expert]
accuracy = 0.5
"""


@dataclass(frozen=True)
class Seed:
    """A set of valid files: its directory, what is read of it, the files that are damaged."""

    name: str
    folder: Path
    read: object
    files: tuple[str, ...]


def _sidejump_input(path):
    config.read_input(path)
    prepare(path)


def _result(path):
    result_figure(results.read(path), path.with_name("figure.png"))


def _wannier(path):
    read_wannier90(path)
    read_wannier90(path, spin_ordering=None, trust_file=True)


def make_seeds(where: Path) -> list[Seed]:
    """Write the valid files; every reader takes them as they are."""
    from test_abinitio_files import write_q2r

    seeds = []

    def seed(name, read, target=""):
        folder = where / name
        files = tuple(sorted(p.name for p in folder.iterdir() if p.name != "figure.png"))
        seeds.append(Seed(name, folder, lambda here: read(here / target), files))

    def folder(name) -> Path:
        (where / name).mkdir()
        return where / name

    toy = Toy(cutoff=1)
    data = examined(toy.from_meshes((2, 2, 2), (2, 2, 2), spinor=True))
    charged = polar(toy, alpha=(2 * np.pi / 3.0) ** 2)
    born = {name: getattr(charged, name) for name in ("born_charges", "dielectric", "alpha")}
    data = replace(data, alat=3.0)
    ionic = replace(data, phonons=replace(data.phonons, **born))
    model = data.electrons
    degeneracy = [1] * len(model.vectors)

    write_tb(folder("tb") / "x_tb.dat", model, degeneracy)
    write_wsvec(where / "tb" / "x_wsvec.dat", model)
    seed("tb", _wannier, "x_tb.dat")
    write_hr(folder("hr") / "x_hr.dat", model)
    write_win(where / "hr" / "x.win", model.cell, "num_wann = 3", "mp_grid : 2 2 2")
    seed("hr", _wannier, "x_hr.dat")
    _packed(where / "tb", folder("tb_packed"), (".gz", ".bz2"))
    seed("tb_packed", _wannier, "x_tb.dat.gz")
    write_tb(folder("tb_info") / "x_tb.dat", model, degeneracy)
    seed("tb_info", lambda path: describe(path), "x_tb.dat")

    write_epw(data, where / "epw", prefix="toy", n_electrons=2.0)
    seed("epw", read_epw)
    _packed(where / "epw", folder("epw_packed"), (".gz",))
    seed("epw_packed", read_epw)
    shutil.copytree(where / "epw", where / "epw_rebuilt").joinpath("wigner.fmt").unlink()
    seed("epw_rebuilt", read_epw)
    write_epw(ionic, where / "epw_polar", prefix="toy", n_electrons=2.0)
    seed("epw_polar", read_epw)
    for xml in (False, True):
        place = shutil.copytree(where / "epw", where / f"q2r{'_xml' * xml}")
        lines = (place / "epwdata.fmt").read_text().splitlines()
        rows = 36 * len(read_epw(where / "epw").phonons.vectors)
        (place / "epwdata.fmt").write_text("\n".join(lines[:-rows] + [" (0.0,0.0)"] * rows) + "\n")
        write_q2r(read_epw(where / "epw"), place / f"ifc.q2r{'.xml' * xml}", xml=xml)
        seed(place.name, read_epw)
        # most of the damage to the file that this set is about
        seeds[-1] = replace(seeds[-1], files=(*seeds[-1].files, *(f"ifc.q2r{'.xml' * xml}",) * 12))
    for name, source in (("perturbo", data), ("perturbo_polar", ionic)):
        write_perturbo(source, folder(name) / "x_epr.h5")
        seed(name, read_perturbo, "x_epr.h5")
    for name, source in (("compact", data), ("compact_polar", ionic)):
        write_compact(source, folder(name) / "c.h5")
        seed(name, read_compact, "c.h5")
    write_compact(data, folder("any") / "c.h5")
    seed("any", read_electron_phonon, "c.h5")
    write_compact(data, folder("info") / "c.h5")
    seed("info", describe, "c.h5")

    (folder("input") / "in.toml").write_text(INPUT)
    seed("input", _sidejump_input, "in.toml")
    results.write(run(where / "input" / "in.toml"), folder("result") / "r.nc")
    seed("result", _result, "r.nc")
    return seeds


def _packed(source: Path, target: Path, packings) -> None:
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}
    for i, path in enumerate(sorted(source.iterdir())):
        packing = packings[0 if path.name.endswith("tb.dat") else i % len(packings)]
        (target / f"{path.name}{packing}").write_bytes(pack[packing](path.read_bytes()))


# --- damage ---------------------------------------------------------------------------------------------------------


def mutate(rng: random.Random, seed: Seed, folder: Path) -> str:
    """Damage one file of a copy; returns what was done."""
    path = folder / rng.choice(seed.files)
    kinds = [_place] * 2 + [_bytes] * 6
    if h5py.is_hdf5(path):
        kinds += [_hdf5] * 24
    elif not path.name.endswith(".epmatwp"):
        kinds += [_text] * 24
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        kind = rng.choice(kinds)
        what = kind(rng, path)
        if not path.is_file() or (kind is _bytes and _hdf5 in kinds):  # the library trusts what it opens for writing
            break
    return f"{path.name}: {what}"


def _place(rng, path) -> str:
    """Something else of this name."""
    what = rng.choice(
        ("absent", "empty", "fifo", "directory", "broken", "circle", "device", "sparse", "bomb", "socket")
    )
    content = path.read_bytes()
    path.unlink()
    if what == "empty":
        path.write_bytes(b"")
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        path.mkdir()
    elif what == "broken":
        path.symlink_to("gone")
    elif what == "circle":
        path.symlink_to(path.name)
    elif what == "device":
        path.symlink_to(rng.choice(("/dev/zero", "/dev/null", "/dev/random")))
    elif what == "sparse":
        path.write_bytes(content)
        with path.open("r+b") as stream:
            stream.truncate(10**10)
    elif what == "bomb":  # 2 GB of one letter, behind half of the content
        start = content[: rng.randrange(len(content) + 1)] if path.suffix not in (".gz", ".bz2") else b""
        letter = rng.choice((b" ", b"0", b"\0", b"\n", b"1 "))
        path = path if path.suffix == ".gz" else path.with_name(f"{path.name}.gz")
        member = gzip.compress(letter * (1 << 25), 1)
        path.write_bytes(gzip.compress(start) + member * 64)
    elif what == "socket":
        import socket

        here = os.getcwd()
        os.chdir(path.parent)  # names of sockets are short
        try:
            socket.socket(socket.AF_UNIX).bind(path.name)
        finally:
            os.chdir(here)
    return what


def _bytes(rng, path) -> str:
    packed = path.suffix in (".gz", ".bz2") and rng.random() < 0.7
    unpack, pack = (bz2.decompress, bz2.compress) if path.suffix == ".bz2" else (gzip.decompress, gzip.compress)
    content = bytearray(path.read_bytes())
    if packed:
        try:
            content = bytearray(unpack(bytes(content)))
        except (OSError, EOFError, ValueError):
            packed = False
    what = rng.choice(("cut", "hole", "twice", "flip", "insert", "noise", "head", "tail"))
    a, b = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    if what == "cut":
        del content[a:]
    elif what == "head":
        del content[: min(a, 200)]
    elif what == "tail":
        content += rng.randbytes(rng.choice((1, 8, 16, 1000)))
    elif what == "hole":
        del content[a : min(b, a + rng.choice((1, 8, 100, 10**6)))]
    elif what == "twice":
        content[a:a] = content[a:b]
    elif what == "insert":
        content[a:a] = rng.choice(
            (b"\0", b"\xff\xfe", b"\x1b]0;x\x07", b"\r", b"\n", b" ", rng.randbytes(20), b"9" * 5000)
        )
    elif what == "noise":
        content[a : a + 200] = rng.randbytes(200)
    else:
        for _ in range(rng.choice((1, 1, 4, 30))):
            if content:
                content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(pack(bytes(content)) if packed else bytes(content))
    return what


def _text(rng, path) -> str:
    try:
        if path.suffix in (".gz", ".bz2"):
            content = (bz2.decompress if path.suffix == ".bz2" else gzip.decompress)(path.read_bytes())
        else:
            content = path.read_bytes()
    except (OSError, EOFError, ValueError):
        return _bytes(rng, path)
    text = content.decode("latin-1")
    words = list(re.finditer(r"[^\s(),=<>\[\]]+", text))
    lines = text.splitlines(keepends=True)
    what = rng.choice(("word", "word", "head", "head", "drop", "line", "double", "swap", "join", "words", "encode"))
    if what in ("word", "head", "drop", "words") and words:
        for _ in range(rng.choice((1, 1, 2, 5)) if what == "words" else 1):
            word = rng.choice(words[:40] if what == "head" else words)
            new = "" if what == "drop" else rng.choice((*NASTY, rng.choice(words).group(), _near(rng, word.group())))
            text = text[: word.start()] + new + text[word.end() :]
            words = list(re.finditer(r"[^\s(),=<>\[\]]+", text)) or words
    elif what in ("line", "double", "swap") and lines:
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        if what == "line":
            del lines[i]
        elif what == "double":
            lines.insert(i, lines[j])
        else:
            lines[i], lines[j] = lines[j], lines[i]
        text = "".join(lines)
    elif what == "join":
        text = text.replace("\n", rng.choice((" ", "\r\n", "\n\n", "")), rng.choice((1, 5, -1)))
    content = text.encode("latin-1", "replace")
    if what == "encode":
        content = text.encode(rng.choice(("utf-16", "utf-8-sig", "utf-32", "utf-7", "utf-16-be")))
    if path.suffix in (".gz", ".bz2"):
        content = (bz2 if path.suffix == ".bz2" else gzip).compress(content)
    path.write_bytes(content)
    return what


def _near(rng, word: str) -> str:
    """A number of the same kind."""
    try:
        return str(int(word) + rng.choice((-1, 1, 2, -2)))
    except ValueError:
        pass
    try:
        return repr(float(word) * rng.choice((-1.0, 0.0, 10.0, 1e6, 1.01)))
    except ValueError:
        return word[::-1]


def _hdf5(rng, path) -> str:
    try:
        with h5py.File(path, "a") as stream:
            places: list[str] = []
            stream.visit(places.append)
            data = [p for p in places if isinstance(stream.get(p), h5py.Dataset)]
            if rng.random() < 0.25:
                return _attribute(rng, stream[rng.choice(data)] if rng.random() < 0.3 and data else stream)
            return _data_set(rng, stream, rng.choice(data if rng.random() < 0.9 else places))
    except (OSError, RuntimeError, KeyError, IndexError, ValueError, TypeError):
        return "nothing"


def _attribute(rng, holder) -> str:
    name = rng.choice(list(holder.attrs))
    value = rng.choice(
        ("gone", "", "x\x1b[2J", "{", "[]", "{}", "[1]", "null", "[NaN]", 0, -1, 2, 1e300, np.nan, b"bytes", [1, 2, 3])
    )
    del holder.attrs[name]
    if isinstance(value, str) and value == "gone":
        return f"attribute {name} gone"
    holder.attrs[name] = h5py.Empty("f8") if rng.random() < 0.05 else value
    return f"attribute {name} = {value!r}"


def _data_set(rng, stream, name: str) -> str:
    old = stream[name]
    value = np.asarray(old[()]) if isinstance(old, h5py.Dataset) else np.zeros(3)
    what = rng.choice(
        "gone text strings integer complex bool transposed flat short long nan huge negative zero scalar empty null "
        "declared declared_packed external stored virtual soft circle group number number shuffled float32 void".split()
    )
    del stream[name]
    values = {
        "text": "some text",
        "strings": np.array([b"a", b"bc", b"d"]),
        "integer": np.nan_to_num(value.real).astype(int),
        "complex": value.astype(complex),
        "bool": value.astype(bool),
        "transposed": value.T,
        "flat": value.ravel(),
        "short": value[:-1] if value.ndim else value,
        "long": np.concatenate([value, value[:1]]) if value.ndim else np.stack([value, value]),
        "huge": value * (1e200 if value.dtype.kind in "fc" else 10**6) if value.dtype.kind in "fciu" else value,
        "negative": -value if value.dtype.kind in "fciu" else value,
        "zero": np.zeros_like(value),
        "scalar": value.ravel()[0] if value.size else 0.0,
        "empty": value.ravel()[:0],
        "null": h5py.Empty("f8"),
        "number": rng.choice((0, -1, 1, 2, 3, 5, 64, 400, 10**6, 2**31, 2**62, np.nan, 0.5, 1e300)),
        "shuffled": np.random.default_rng(rng.randrange(1 << 30)).permutation(value.ravel()).reshape(value.shape),
        "float32": value.astype(np.float32) if value.dtype.kind in "fiu" else value,
        "void": np.void(b"opaque"),
    }
    if what in values:
        stream[name] = values[what]
    elif what == "nan":
        value = value.astype(complex if value.dtype.kind == "c" else float)
        if value.size:
            value.flat[rng.randrange(value.size)] = rng.choice((np.nan, np.inf))
        stream[name] = value
    elif what == "number" and value.ndim:
        value.flat[rng.randrange(max(value.size, 1))] = values["number"]
        stream[name] = value
    elif what in ("declared", "declared_packed"):
        shape = tuple(rng.choice((n, 10**3, 10**5, 10**9)) for n in (value.shape or (1,)))
        options = {"chunks": tuple(min(n, 8) for n in shape)} if what == "declared_packed" else {}
        stream.create_dataset(name, shape, dtype="f8", **options)
    elif what == "external":
        stream[name] = h5py.ExternalLink(rng.choice(("/etc/passwd", "c.h5", "gone.h5")), "/cell")
    elif what == "stored":
        stream.create_dataset(
            name, value.shape or (1,), dtype="f8", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)]
        )
    elif what == "virtual":
        layout = h5py.VirtualLayout(shape=value.shape or (1,), dtype="f8")
        layout[...] = h5py.VirtualSource("c.h5", "cell", shape=value.shape or (1,))
        stream.create_virtual_dataset(name, layout)
    elif what in ("soft", "circle"):
        stream[name] = h5py.SoftLink(f"/{name}" if what == "circle" else "/cell")
    elif what == "group":
        stream.create_group(name)
    return f"{name} {what}"


# --- reading, within limits ------------------------------------------------------------------------------------------


def outcome(seed: Seed, folder: Path) -> dict:
    """What the reader makes of a damaged set."""
    result, seconds, size = _apart(lambda: _read(seed, folder))
    if size > BYTES:
        result = {"kind": "memory", "message": f"{size / 1e9:.2f} GB", "before": result}
    return result | {"seconds": seconds, "bytes": size}


def damaged(rng: random.Random, seed: Seed, folder: Path) -> str:
    """As `mutate`, apart: HDF5's library can die of what it opens for writing."""
    return _apart(lambda: {"kind": mutate(rng, seed, folder)})[0]["kind"]


def _apart(function) -> tuple[dict, float, float]:
    """What `function` returns in a process of its own, its seconds, and the most memory (bytes) that it took."""
    receive, send = os.pipe()
    start = time.perf_counter()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.close(receive)
            os.write(send, json.dumps(function()).encode()[:60000])
            status = 0
        finally:
            os._exit(status)
    os.close(send)
    answer, hung = b"", False
    while True:
        left = SECONDS - (time.perf_counter() - start)
        if not select.select([receive], [], [], max(left, 0))[0]:
            hung = True
            os.kill(child, signal.SIGKILL)
            break
        piece = os.read(receive, 1 << 16)
        if not piece:
            break
        answer += piece
    os.close(receive)
    _, status, usage = os.wait4(child, 0)
    result = json.loads(answer) if answer and not hung else {"kind": "hang" if hung else f"died with {status}"}
    return result, time.perf_counter() - start, 1024.0 * usage.ru_maxrss


def _read(seed: Seed, folder: Path) -> dict:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (int(size + _ROOM), int(size + _ROOM)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            seed.read(folder)
            result = {"kind": "accepted"}
        except InputError as error:
            text = str(error)
            named = str(folder) in text
            result = {"kind": "refused" if named and "\n" not in text else "unnamed", "message": text}
        except BaseException as error:
            result = {
                "kind": "raw",
                "message": f"{type(error).__name__}: {error}",
                "trace": "".join(traceback.format_exception(error)[-6:])[-3000:],
            }
    numerical = sorted({str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)})
    return result | {"numerical": numerical[:5]}


GOOD = ("accepted", "refused")


def campaign(seeds: list[Seed], where: Path, numbers, seed_number: int = 0, report=None) -> tuple[Counter, list[dict]]:
    """Mutations number `numbers`; counts by kind of outcome, and what went wrong."""
    counts: Counter = Counter()
    wrong = []
    for number in numbers:
        rng = random.Random(f"{seed_number}.{number}")
        seed = seeds[number % len(seeds)]
        folder = where / f"m{number}"
        shutil.copytree(seed.folder, folder)
        done = damaged(rng, seed, folder)
        result = outcome(seed, folder) | {"number": number, "set": seed.name, "mutation": done}
        counts[result["kind"]] += 1
        counts["numerical warnings"] += bool(result.get("numerical"))
        if result["kind"] not in GOOD:
            wrong.append(result)
        if report is not None:
            report(result)
        shutil.rmtree(folder)
    return counts, wrong
