"""Finished replicas as text: beside a result while it is computed, and in it when it is done.

A replica is a few numbers, written with all their digits.  Those of one study join, whatever machine they come from;
`identity` tells one study from another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from ..errors import InputError
from ..outputs import write_whole
from ..pairs.digest import same
from .replica import QUALITY, Replica, Task

ENDING = ".partial"
"""What the name of the directory adds to that of the result."""

_MANIFEST = "study.json"
_OURS = re.compile(r"\.?(study|replica-[\w-]+)\.json(\.\d+\.partial)?")
"""Names of the files in the directory, those of a run that was killed while it wrote too."""
_MOST_BYTES = 1 << 26


def to_text(replica: Replica, case: int = 0) -> str:
    """A replica of the study's case of that number in JSON."""
    content = asdict(replica) | {"case": case, "values": np.asarray(replica.values).tolist()}
    return json.dumps(content, default=_plain)


def _plain(value: Any):
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} in a replica")


def from_text(text: str) -> tuple[int, Replica]:
    """The case, and the replica, of a text that :func:`to_text` wrote.

    Raises
    ------
    ValueError
        If the text is none.
    """
    try:
        content = json.loads(text)
        case, task = int(content.pop("case")), content.pop("task")
        where = tuple(int(i) for i in task["where"])
        values = np.array(content["values"], dtype=float)
        replica = Replica(
            Task(str(task["term"]), int(task["level"]), int(task["number"]), where),
            values,
            float(content["seconds"]),
            {str(name): list(column) for name, column in content["facts"].items()},
            [dict(q) for q in content["quality"]],
            tuple(content["sizes"]),
            tuple(str(w) for w in content["warnings"]),
            float(content["tolerance"]),
            float(content.get("memory", 0.0)),
        )
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError, OverflowError) as error:
        raise ValueError(f"no replica ({type(error).__name__}: {error})") from None
    if (
        values.ndim != 4
        or len(values) != len(where)
        or values.shape[1] not in (3, 5)
        or values.shape[2] < values.shape[3]
    ):
        raise ValueError(f"values of shape {values.shape} for {len(where)} temperatures")
    if not np.isfinite(values).all() or min(where, default=-1) < 0 or replica.task.level < 0:
        raise ValueError("values that are not finite, or of no level or temperature")
    columns = [*replica.facts.values(), *([replica.quality] if replica.quality else [])]
    if any(len(column) != len(where) for column in columns) or any(QUALITY - set(q) for q in replica.quality):
        raise ValueError(f"facts that are not those of {len(where)} temperatures")
    return case, replica


class ReplicaStore:
    """A directory of finished replicas of one study.

    Parameters
    ----------
    directory : path
    identity : str
        Of the study.
    fresh : bool
        Delete what an interrupted run has left.

    Attributes
    ----------
    found : list of (int, Replica)
        Of an interrupted run.
    full : str
        Why replicas are no longer kept; empty while they are.

    Raises
    ------
    InputError
        If the directory is that of another study, or of something else.
    """

    def __init__(self, directory, identity: str, *, fresh: bool = False):
        self.directory, self._identity = Path(directory), identity
        self.found: list[tuple[int, Replica]] = []
        self.full = ""
        if self.directory.exists() or self.directory.is_symlink():
            self._take_up(fresh)

    def _take_up(self, fresh: bool) -> None:
        manifest = self.directory / _MANIFEST
        if not _is_ours(self.directory):
            raise InputError(
                f"{self.directory}: exists and is not ours; move it away, or choose another result with -o"
            )
        if fresh or not manifest.exists():  # killed before the first replica was whole
            self.remove()
            return
        try:
            known = json.loads(manifest.read_text())["identity"]
        except (OSError, ValueError, KeyError, TypeError):
            known = None
        if not same(known, self._identity):
            raise InputError(
                f"{self.directory}: holds replicas of another study (other model, scatterers, temperatures, settings "
                "or version); --fresh deletes them, or choose another result with -o"
            )
        self.found = kept(self.directory)

    def save(self, case: int, replica: Replica) -> None:
        """Keep a finished replica; where it cannot be written, no other one is tried either (`full`)."""
        if self.full:
            return
        try:
            self._write(case, replica)
        except (OSError, InputError) as error:
            self.full = str(error)
            if not any(self.directory.glob("replica-*.json")):
                self.remove()  # nothing to go on from

    def _write(self, case: int, replica: Replica) -> None:
        self.directory.mkdir(exist_ok=True)
        manifest = self.directory / _MANIFEST
        if not manifest.exists():
            write_whole(manifest, json.dumps({"identity": self._identity}).encode())
        task = replica.task
        term = task.term.replace(" ", "_")
        name = f"replica-{case}-{term}-{task.level}-{task.number}-{task.where[0]}-{len(task.where)}-"
        name += f"{crc32(str(task.where).encode()):08x}.json"  # of other temperatures: another file
        write_whole(self.directory / name, to_text(replica, case).encode())

    def remove(self) -> None:
        """Delete what this program has written; the directory stays where anything else is in it."""
        if not _is_ours(self.directory):
            return
        for file in list(self.directory.iterdir()):
            if _OURS.fullmatch(file.name):
                file.unlink(missing_ok=True)
        with suppress(OSError):  # not empty
            self.directory.rmdir()


def is_store(directory) -> bool:
    """Whether a directory is one of finished replicas, or was made to be one."""
    directory = Path(directory)
    return directory.name.endswith(ENDING) and _is_ours(directory)


def kept(directory) -> list[tuple[int, Replica]]:
    """Finished replicas in a directory, each with its case, whatever study they are of."""
    found = []
    for path in sorted(Path(directory).glob("replica-*.json")):
        try:
            if path.stat().st_size < _MOST_BYTES:
                found.append(from_text(path.read_text()))
        except (OSError, ValueError):
            continue  # not whole: it is computed again
    return found


def _is_ours(directory: Path) -> bool:
    if directory.is_symlink() or not directory.is_dir():
        return False
    names = [file.name for file in directory.iterdir()]
    return _MANIFEST in names or all(_OURS.fullmatch(name) for name in names)


def joined(*collections: Iterable[tuple[int, Replica]]) -> list[tuple[int, Replica]]:
    """Replicas of several runs of one study, each task once: that of the smallest tolerance, and of those that had most
    memory."""
    known: dict[tuple[int, Task], Replica] = {}
    for collection in collections:
        for case, replica in collection:
            before = known.setdefault((case, replica.task), replica)
            if (replica.tolerance, -replica.memory) < (before.tolerance, -before.memory):
                known[case, replica.task] = replica
    return [(case, replica) for (case, _), replica in known.items()]
