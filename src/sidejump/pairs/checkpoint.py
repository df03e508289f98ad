"""Blocks of pairs on disk: an interrupted run goes on where it was, and pairs beyond the memory are computed once.

A directory with one file for each block, in the precision of memory, so that a block read back is the block computed,
bit for bit.  A file appears under its name only when it is whole: however a run ends, a later one
can use what is there.  Its name begins with the fingerprint of the problem: whatever else comes to lie in the
directory, and whoever else writes there, a run reads blocks of its own problem only.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import DAMAGE, read_text, require_regular
from ..interactions.sources import PairSource
from .fingerprint import fingerprint
from .geometry import SharedBlock

BUDGET = 20e9
"""Bytes that a checkpoint may take."""

_SPARE = 1e9  # bytes of the disk that are left to others, the result among them
_MANIFEST = "manifest.json"
_FORMAT = "sidejump checkpoint"
_VERSION = 2
_OURS = re.compile(r"(hot-)?[0-9a-f]{16,}-[\w-]*\.npz|\.[\w.-]+\.tmp|" + re.escape(_MANIFEST))
"""Names of the files of a checkpoint, those of earlier versions too."""


class Checkpoint:
    """Blocks of pairs of one run, in a directory.

    Parameters
    ----------
    directory : path
        Made with the first block; taken up if it is there.
    problem : str
        :func:`.fingerprint.fingerprint` of all that the pairs depend on.
    fresh : bool
        Discard what an earlier run has left; whatever else is in the directory stays, and is no reason to stop.
    budget : float
        Bytes that it may take.

    Attributes
    ----------
    found, found_bytes : int
        Blocks of an earlier run of the same problem.
    full : bool
        Whether blocks were left out because budget or disk were exhausted.

    Raises
    ------
    InputError
        If the directory holds something else.
    """

    def __init__(self, directory, problem: str, *, fresh: bool = False, budget: float = BUDGET):
        self.directory, self._problem, self._budget = Path(directory), problem, budget
        self._lock = threading.Lock()
        self.full = False
        self._take_up(fresh)
        files = list(self.directory.glob(f"{problem}-*.npz"))
        self.found, self.found_bytes = len(files), sum(f.stat().st_size for f in files)
        self._bytes = self.found_bytes

    def _take_up(self, fresh: bool) -> None:
        if fresh:
            self.remove()
            return
        if not self.directory.exists():
            return
        if not self.directory.is_dir():
            raise InputError(
                f"{self.directory}: is not a checkpoint of this program; move it away, or give --fresh to start without"
            )
        known, names = self._manifest(), [file.name for file in self.directory.iterdir()]
        foreign = [name for name in names if not _OURS.fullmatch(name)]
        if known is None and foreign:
            raise InputError(
                f"{self.directory}: is not a checkpoint of this program, it holds {foreign[0]}; move it away, or give "
                "--fresh to start beside it"
            )
        others = [name for name in names if name.endswith(".npz") and not name.startswith(f"{self._problem}-")]
        if (known is not None and known != self._problem) or set(others) - set(foreign):
            raise InputError(
                f"{self.directory}: holds pairs of another run (other input, files or version); finish that run, or "
                "give --fresh to discard them"
            )
        for file in self.directory.glob(".*.tmp"):  # of a run that was killed while it wrote
            file.unlink(missing_ok=True)

    def _manifest(self) -> str | None:
        try:
            content = json.loads(read_text(self.directory / _MANIFEST, limit=1e6))
            return f"{content['problem']}" if content["format"] == _FORMAT else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self) -> None:
        """Delete what this program has written: the result is there, or the pairs are not wanted. Nothing else."""
        with suppress(OSError):  # not there, not empty, or not to be written: blocks of others are never read
            for file in self.directory.iterdir():
                if _OURS.fullmatch(file.name):
                    file.unlink(missing_ok=True)
            self.directory.rmdir()

    @property
    def room(self) -> float:
        """Bytes that budget and disk have for blocks, those found included."""
        folder = self.directory if self.directory.is_dir() else self.directory.parent
        return min(self._budget, max(0.0, shutil.disk_usage(folder).free - _SPARE) + self.found_bytes)

    def shell(self, *identity) -> ShellBlocks:
        """Blocks of one shell; `identity`: arrays and numbers that determine its pairs."""
        return ShellBlocks(self, fingerprint(_VERSION, *identity, size=8))

    # --- files --------------------------------------------------------------------------------------------------

    def load(self, name: str) -> dict[str, np.ndarray] | None:
        """Arrays of a file; None where there is none, or a damaged one."""
        try:
            require_regular(self._file(name))
            with np.load(self._file(name), allow_pickle=False) as stored:
                return dict(stored)
        except (*DAMAGE, zipfile.BadZipFile):
            return None

    def save(self, name: str, arrays: dict[str, np.ndarray]) -> None:
        """Write a file, unless budget or disk are exhausted."""
        size = sum(x.nbytes for x in arrays.values())
        target = self._file(name)
        partial = self.directory / f".{name}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            with self._lock:
                self._open()
                if self._bytes + size > self._budget or shutil.disk_usage(self.directory).free < size + _SPARE:
                    self.full = True
                    return
                self._bytes += size
            with partial.open("wb") as stream:
                np.savez(stream, **arrays)  # type: ignore[arg-type]
            os.replace(partial, target)
        except OSError:  # a checkpoint that cannot be written is no reason to stop
            self.full = True
            with suppress(OSError):  # where the directory itself is gone, or is none
                partial.unlink()

    def _file(self, name: str) -> Path:
        return self.directory / f"{self._problem}-{name}.npz"

    def _open(self) -> None:
        if self._manifest() is None:
            self.directory.mkdir(exist_ok=True)
            partial = self.directory / f".{_MANIFEST}.{os.getpid()}.tmp"
            partial.write_text(json.dumps({"format": _FORMAT, "version": _VERSION, "problem": self._problem}))
            os.replace(partial, self.directory / _MANIFEST)


class ShellBlocks:
    """The part of a :class:`Checkpoint` that belongs to one shell."""

    def __init__(self, checkpoint: Checkpoint, shell: str):
        self._checkpoint, self._shell = checkpoint, shell

    def blocks(
        self,
        source: int,
        rows: slice,
        columns: slice,
        operations: Sequence[int],
        z_cut: float,
        compute: Callable[[int], SharedBlock | None],
    ) -> list[SharedBlock | None]:
        """The block of each operation, None where nothing is within `z_cut`: read if it is there, else computed.

        A block that was stored with a larger cutoff serves as well: the channels beyond are left out.
        """
        name = f"{self._shell}-{source}-{rows.start}-{columns.start}"
        stored = self._checkpoint.load(name)
        if stored is not None and _serves(stored, rows, columns, operations, z_cut):
            return [_unpacked(stored, rows, columns, g, z_cut) for g in operations]
        blocks = [compute(g) for g in operations]
        self._checkpoint.save(name, _packed(rows, columns, operations, z_cut, blocks))
        return blocks


def blocks_of(
    kept: ShellBlocks | None,
    source: tuple[int, PairSource],
    rows: slice,
    columns: slice,
    operations: Sequence[int],
    z_cut: float,
    compute: Callable[[int], SharedBlock | None],
) -> list[SharedBlock | None]:
    """As :meth:`ShellBlocks.blocks`; plainly computed without a checkpoint, and for a source (index, itself) that is
    cheap."""
    index, pairs = source
    if kept is None or not pairs.expensive:
        return [compute(g) for g in operations]
    return kept.blocks(index, rows, columns, operations, z_cut, compute)


def _packed(rows, columns, operations, z_cut, blocks) -> dict[str, np.ndarray]:
    arrays = {
        "ends": np.array([rows.stop, columns.stop]),
        "cutoff": np.array(float(z_cut)),
        "operations": np.array(operations, dtype=int),
    }
    for g, block in zip(operations, blocks, strict=True):
        channels = [] if block is None else block.channels
        arrays[f"nearest{g}"] = np.array([c[3] for c in channels], dtype=float)
        for i, (strength, shift, level, _) in enumerate(channels):
            arrays |= {f"strength{g}.{i}": strength, f"shift{g}.{i}": shift, f"level{g}.{i}": level}
    return arrays


def _serves(stored, rows, columns, operations, z_cut) -> bool:
    return (
        stored["ends"].tolist() == [rows.stop, columns.stop]
        and float(stored["cutoff"]) >= float(z_cut)
        and set(operations) <= set(stored["operations"].tolist())
    )


def _unpacked(stored, rows, columns, operation: int, z_cut) -> SharedBlock | None:
    nearest = stored[f"nearest{operation}"].tolist()
    channels = [
        (*(stored[f"{part}{operation}.{i}"] for part in ("strength", "shift", "level")), z)
        for i, z in enumerate(nearest)
        if not np.float32(z) > z_cut  # as the source decides it
    ]
    return SharedBlock(rows, columns, channels) if channels else None
