"""Checkpoints: an interrupted run goes on where it was, to the same bytes; nothing foreign is used or deleted."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sidejump.app.cli import main
from sidejump.errors import InputError
from sidejump.formats.compact import write_compact
from sidejump.interactions.first_principles.electron_phonon import ElectronPhononScatterer
from sidejump.interactions.first_principles.pairs import HalfPairs
from sidejump.pairs.checkpoint import Checkpoint
from sidejump.pairs.fingerprint import fingerprint
from sidejump.pairs.geometry import PairGeometry, SharedBlock
from sidejump.transport import TransportSettings, reduced, shared
from sidejump.transport.driver import shell_solver
from sidejump.transport.hot_spots import HotSpots
from sidejump.transport.problem import Problem
from sidejump.units import KB
from test_electron_phonon_pairs import ferromagnet

INPUT = """
[electrons]
model = "compact"
file = "crystal.h5"
fermi_energy = 0.3

[[scattering]]
kind = "electron_phonon"

[temperature]
values = [300]

[solver]
energy_nodes = 1
geometry = "shared"
levels = 0
symmetry = "SYMMETRY"
spacing = 0.7

[solver.intrinsic]
mesh = 8
"""
BLOCK = 96

# the n-th block is written by half, then the process is killed
KILLED = """
import os, signal, sys
import numpy as np
from sidejump.app.cli import main
from sidejump.transport import reduced, shared

whole, count = np.savez, [0]

def half(stream, **arrays):
    count[0] += 1
    if count[0] < 4:
        return whole(stream, **arrays)
    stream.write(b"PK half of a block")
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)

np.savez, reduced.BLOCK, shared._BLOCK = half, BLOCK, BLOCK
main(["run", "in.toml", "-q"])
"""

# waits with some blocks written until it is killed
HELD = """
import signal, sys, time
import numpy as np
from sidejump.app.cli import main

whole, count = np.savez, [0]

def wait(stream, **arrays):
    count[0] += 1
    if count[0] < 3:
        return whole(stream, **arrays)
    print("working", flush=True)
    time.sleep(300)

np.savez = wait
main(["run", "in.toml", "-q"])
"""


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    return write_compact(ferromagnet(), tmp_path_factory.mktemp("crystal") / "crystal.h5")


def enter(folder, crystal, patch, symmetry="auto"):
    """Make `folder` the current directory, with an input for many small blocks."""
    (folder / "crystal.h5").symlink_to(crystal)
    (folder / "in.toml").write_text(INPUT.replace("SYMMETRY", symmetry))
    patch.chdir(folder)
    patch.setattr(reduced, "BLOCK", BLOCK)
    patch.setattr(shared, "_BLOCK", BLOCK)


@pytest.fixture(scope="module")
def whole(crystal, tmp_path_factory):
    """Result of a run that kept nothing."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        enter(folder, crystal, patch)
        Path("in.toml").write_text(Path("in.toml").read_text() + "\n[output]\ncheckpoint = false\n")
        assert run() == 0
    return folder / "in.nc"


def test_what_was_found_in_the_data_is_in_the_result(whole):
    with xr.open_dataset(whole) as result:
        checks = json.loads(result.attrs["data_checks"])
    for name in ("file", "hermitian"):
        assert 0 <= checks[f"coupling_hermiticity_{name}_images"] < 1e-12  # all within the home cell of the electrons
    assert len(checks["acoustic_exponent"]) == 2
    assert checks["rigid_shift_coupling_eV_per_angstrom"] < 1e-12


@pytest.fixture
def folder(crystal, tmp_path, monkeypatch):
    enter(tmp_path, crystal, monkeypatch)
    return tmp_path


@pytest.fixture
def computed(monkeypatch):
    """A list that grows with every block that is computed; `limit` raises after so many."""

    class Blocks(list):
        limit = np.inf

    seen, whole = Blocks(), PairGeometry.shared_block

    def count(self, source, rows, columns, z_cut, z_max, *, final=None):
        if len(seen) >= seen.limit:
            raise KeyboardInterrupt
        seen.append((rows, columns))
        return whole(self, source, rows, columns, z_cut, z_max, final=final)

    monkeypatch.setattr(PairGeometry, "shared_block", count)
    return seen


def run(*options):
    return main(["run", "in.toml", "-q", *options])


def same_bytes(first, second):
    with xr.open_dataset(first) as a, xr.open_dataset(second) as b:
        assert set(a.variables) == set(b.variables)
        for name in a.variables:
            assert a[name].values.tobytes() == b[name].values.tobytes(), name
        assert np.abs(a.sigma_side_jump.values).max() > 0 and np.isfinite(a.resistivity.values).all()


def test_interrupted_and_resumed(folder, whole, computed, capsys):
    computed.limit = 6
    assert run() == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    left = len(list(Path("in.nc.partial").glob("*.npz")))
    assert left > 1 and not Path("in.nc").exists()
    computed.clear()
    computed.limit = np.inf
    assert run() == 0
    assert f"resuming: {left} blocks of pairs" in capsys.readouterr().err
    assert computed
    assert not Path("in.nc.partial").exists()
    same_bytes("in.nc", whole)


def test_pairs_are_computed_once(crystal, tmp_path, monkeypatch, computed):
    """Without irreducible points: the second pass over a shell reads what the first has stored, to the same bytes."""
    enter(tmp_path, crystal, monkeypatch, symmetry="off")
    Path("in.toml").write_text(Path("in.toml").read_text().replace("energy_nodes = 1", "energy_nodes = 3"))
    assert run() == 0
    kept = len(computed)
    computed.clear()
    Path("in.toml").write_text(Path("in.toml").read_text() + "\n[output]\ncheckpoint = false\n")
    assert run("-o", "without.nc") == 0
    assert len(computed) > kept > 8
    same_bytes("without.nc", "in.nc")


def test_killed_while_writing(folder, whole):
    script = KILLED.replace("BLOCK, BLOCK", f"{BLOCK}, {BLOCK}")
    died = subprocess.run([sys.executable, "-c", script], timeout=120, capture_output=True)
    assert died.returncode == -9
    partial = Path("in.nc.partial")
    assert len(list(partial.glob("*.npz"))) >= 2 and list(partial.glob(".*.tmp"))
    assert Path(".in.nc.lock").exists()  # left behind, and no lock any more
    assert run() == 0 and not partial.exists() and not Path(".in.nc.lock").exists()
    same_bytes("in.nc", whole)


@pytest.fixture
def interrupted(folder, computed):
    computed.limit = 6
    assert run() == 130
    computed.limit = np.inf
    computed.clear()
    return Path("in.nc.partial")


def test_another_run_is_refused(interrupted, computed, capsys):
    before = {p: p.read_bytes() for p in interrupted.iterdir()}
    text = Path("in.toml").read_text()
    for old, new in (("[300]", "[301]"), ("fermi_energy = 0.3", "fermi_energy = 0.31")):
        Path("in.toml").write_text(text.replace(old, new))
        capsys.readouterr()
        assert run() == 2
        said = capsys.readouterr().err
        assert "in.nc.partial: holds pairs of another run" in said and said.count("\n") == 1
        assert before == {p: p.read_bytes() for p in interrupted.iterdir()} and not computed
    assert run("--fresh") == 0
    assert not interrupted.exists() and Path("in.nc").exists()


def test_less_memory_and_damaged_blocks_go_on(interrupted, whole, capsys):
    text = Path("in.toml").read_text()
    Path("in.toml").write_text(text.replace("[solver]", "[solver]\nmemory = 3"))
    files = sorted(interrupted.glob("*.npz"))
    files[0].write_bytes(files[0].read_bytes()[:-40])
    content = bytearray(files[1].read_bytes())
    content[len(content) // 2] ^= 1
    files[1].write_bytes(content)
    assert run() == 0
    assert "resuming" in capsys.readouterr().err
    same_bytes("in.nc", whole)


def test_fresh_starts_whatever_was_left(interrupted, whole):
    (interrupted / "manifest.json").write_text("{damaged")
    (interrupted / "notes.txt").write_text("mine")
    assert run("--fresh") == 0
    assert [p.name for p in interrupted.iterdir()] == ["notes.txt"]
    same_bytes("in.nc", whole)


def test_two_runs_into_one_output(folder, whole):
    """The second is refused in one sentence while the first runs, and neither reads a block of the other."""
    Path("other.toml").write_text(Path("in.toml").read_text().replace("fermi_energy = 0.3", "fermi_energy = 0.31"))
    with subprocess.Popen([sys.executable, "-c", HELD], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "working\n"
        command = [sys.executable, "-m", "sidejump", "run", "other.toml", "-q", "-o", "in.nc", "--force"]
        second = subprocess.run(command, timeout=120, capture_output=True, text=True)
        first.send_signal(signal.SIGTERM)
    assert second.returncode == 2 and second.stderr.count("\n") == 1
    assert f"in.nc: another run (process {first.pid} on " in second.stderr and "-o" in second.stderr
    assert not Path("in.nc").exists()
    assert run() == 0  # the lock of a killed run is none
    same_bytes("in.nc", whole)
    assert sorted(p.name for p in folder.iterdir()) == ["crystal.h5", "in.nc", "in.png", "in.toml", "other.toml"]


def test_room_for_the_checkpoint_is_told_before_the_run(folder, monkeypatch, capsys):
    usage = shutil.disk_usage(folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=int(1.002e9)))
    assert main(["run", "in.toml"]) == 0
    said = capsys.readouterr().err
    assert said.index("in the checkpoint, which has room for 2.0 MB") < said.index("kinetic equation")


# --- the store ------------------------------------------------------------------------------------------------------


PROBLEM = fingerprint("a problem")


def block(nearest=(0.01, 0.02)):
    rng = np.random.default_rng(0)
    channels = [
        (
            rng.random((3, 4), dtype=np.float32),
            rng.random((3, 3, 4), dtype=np.float32),
            rng.integers(0, 9, (3, 4)).astype(np.uint16),
            z,
        )
        for z in nearest
    ]
    return SharedBlock(slice(2, 5), slice(5, 9), channels)


def never(_):
    raise AssertionError("computed again")


def test_blocks_come_back_as_they_were(tmp_path):
    made = {0: block(), 3: None}
    store = Checkpoint(tmp_path / "x", PROBLEM).shell(np.arange(3.0))
    assert store.blocks(0, slice(2, 5), slice(5, 9), [0, 3], 0.05, made.get) == [made[0], None]
    again = Checkpoint(tmp_path / "x", PROBLEM)
    assert again.found == 1 and again.found_bytes > made[0].nbytes
    back, empty = again.shell(np.arange(3.0)).blocks(0, slice(2, 5), slice(5, 9), [0, 3], 0.05, never)
    assert empty is None and (back.rows, back.columns) == (slice(2, 5), slice(5, 9))
    for a, b in zip(back.channels, made[0].channels, strict=True):
        assert a[3] == b[3]
        assert all(x.tobytes() == y.tobytes() and x.dtype == y.dtype for x, y in zip(a[:3], b[:3], strict=True))
    # a smaller cutoff leaves channels out; a larger one, another operation, source or shell has to be computed
    (near,) = again.shell(np.arange(3.0)).blocks(0, slice(2, 5), slice(5, 9), [0], 0.015, never)
    assert len(near.channels) == 1
    for source, operations, cut in ((0, [0], 0.06), (0, [1], 0.05), (1, [0], 0.05)):
        with pytest.raises(AssertionError, match="computed again"):
            again.shell(np.arange(3.0)).blocks(source, slice(2, 5), slice(5, 9), operations, cut, never)
    with pytest.raises(AssertionError, match="computed again"):
        again.shell(np.arange(4.0)).blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, never)


def test_budget(tmp_path):
    checkpoint = Checkpoint(tmp_path / "x", PROBLEM, budget=1.5 * block().nbytes)
    store = checkpoint.shell(1)
    for index in range(3):
        assert store.blocks(index, slice(2, 5), slice(5, 9), [0], 0.05, lambda _: block())[0] is not None
    assert checkpoint.full and len(list((tmp_path / "x").glob("*.npz"))) == 1


def test_a_folder_of_the_user_is_left_alone(tmp_path):
    """Refused, with the way out in the sentence; --fresh works beside what is there, and deletes none of it."""
    (tmp_path / "x").mkdir()
    for name in ("notes.txt", "array.npz"):
        (tmp_path / "x" / name).write_text("mine")
    with pytest.raises(InputError, match=r"is not a checkpoint of this program, it holds .*; .*--fresh"):
        Checkpoint(tmp_path / "x", PROBLEM)
    checkpoint = Checkpoint(tmp_path / "x", PROBLEM, fresh=True)
    checkpoint.shell(1).blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, lambda _: block())
    assert not checkpoint.full and len(list((tmp_path / "x").iterdir())) == 4
    checkpoint.remove()
    assert {p.name: p.read_text() for p in (tmp_path / "x").iterdir()} == {"notes.txt": "mine", "array.npz": "mine"}


def test_a_file_in_the_place_of_the_checkpoint(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(InputError, match=r"is not a checkpoint of this program; .*--fresh"):
        Checkpoint(tmp_path / "x", PROBLEM)
    checkpoint = Checkpoint(tmp_path / "x", PROBLEM, fresh=True)
    assert checkpoint.shell(1).blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, lambda _: block())[0] is not None
    assert checkpoint.full and (tmp_path / "x").read_text() == "mine"


def test_blocks_belong_to_their_problem(tmp_path):
    """Two problems that come to write into one directory never read each other's blocks."""
    cell = (0, slice(2, 5), slice(5, 9), [0], 0.05)
    both = {z: Checkpoint(tmp_path / "x", fingerprint("problem", z)) for z in (0.01, 0.02)}
    for z, checkpoint in both.items():
        checkpoint.shell(1).blocks(*cell, {0: block((z,))}.get)
        checkpoint.save("hot-0", {"jump": np.array([z])})
    for z, checkpoint in both.items():
        assert checkpoint.load("hot-0")["jump"].tolist() == [z]
        assert checkpoint.shell(1).blocks(*cell, never)[0].channels[0][3] == z
    with pytest.raises(InputError, match="holds pairs of another run"):
        Checkpoint(tmp_path / "x", fingerprint("a third"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\x00", b'{"format": "sidejump checkpoint"}'])
def test_a_damaged_manifest(tmp_path, content):
    """Its own blocks are known by their names and serve; those of others are refused, unless --fresh discards them."""
    store = Checkpoint(tmp_path / "x", PROBLEM).shell(1)
    store.blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, lambda _: block())
    (tmp_path / "x" / "manifest.json").write_bytes(content)
    again = Checkpoint(tmp_path / "x", PROBLEM)
    assert again.found == 1
    assert again.shell(1).blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, never)[0] is not None
    with pytest.raises(InputError, match=r"another run .*--fresh"):
        Checkpoint(tmp_path / "x", fingerprint("another problem"))
    assert Checkpoint(tmp_path / "x", fingerprint("another problem"), fresh=True).found == 0
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    checkpoint = Checkpoint(tmp_path / "x", PROBLEM)
    assert checkpoint.shell(1).blocks(0, slice(2, 5), slice(5, 9), [0], 0.05, lambda _: block())[0] is not None
    tmp_path.chmod(0o700)
    assert checkpoint.full


def test_fingerprint():
    data = ferromagnet()
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.coupling_matrix()  # what is kept for later does not count
    assert fingerprint(data) == fingerprint(ferromagnet())
    data.file_coupling.values[1, 0, 0, 0, 1] *= 1 + 1e-12
    assert fingerprint(data) != fingerprint(ferromagnet())

    def multiple(a):
        return lambda q: a * q

    assert fingerprint(multiple(1.0)) == fingerprint(multiple(1.0)) != fingerprint(multiple(2.0))
    assert len({fingerprint(x) for x in (1, 1.0, "1", [1], (1,), None, np.array(1), {1: 1})}) == 8


def test_sums_over_hot_spots_are_kept(tmp_path, monkeypatch):
    """The second time no pair of the fine shell is computed, and the sums are the same bytes."""
    data = ferromagnet()
    settings = TransportSettings(energy_nodes=1, geometry="shared", spacing=0.7, levels=1)
    problem = Problem(data.electrons, [ElectronPhononScatterer(data)], 0.3, settings)
    problem.checkpoint = Checkpoint(tmp_path / "result.nc.partial", PROBLEM)
    kt = 300 * KB
    solver = shell_solver(problem, problem.solved_shell(0.3, problem.base_spacing), kt)
    distribution = solver.solve(kt, 1)[0].distribution[:, 0]
    spots = HotSpots(problem, problem.fine_shell(0.3, problem.base_spacing))
    first = spots.side_jump_velocity(solver, [kt], [distribution])

    def refused(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(HalfPairs, "evaluate", refused)
    again = spots.side_jump_velocity(solver, [kt], [distribution])
    assert first.any() and first.tobytes() == again.tobytes()
    with pytest.raises(AssertionError, match="computed again"):  # another distribution is another sum
        spots.side_jump_velocity(solver, [kt], [2 * distribution])
