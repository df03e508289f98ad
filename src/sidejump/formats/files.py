"""The files of a directory of EPW, plain or packed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import PACKED, find_packed, read_into, read_text, require_regular, require_room, text_size
from .last_number import last_is_whole

SMALL = text_size(100_000)
"""Bytes that a text file which holds no matrix elements may have."""


def find(folder: Path, name: str) -> Path:
    """`name`, plain or packed, in `folder`.

    Raises
    ------
    InputError
        If there is none.
    """
    path = find_packed(folder, name)
    if path is None:
        raise InputError(f"{folder / name}: no such file (nor {name}.gz); copy it from the directory of the run")
    return path


def prefix_file(folder: Path, ending: str) -> Path:
    """The one file ``PREFIX.ending`` or ``PREFIX.ending1``, plain or packed."""
    ends = [f"{ending}{number}{packing}" for number in ("", "1") for packing in ("", *PACKED)]
    found = [path for end in ends for path in sorted(folder.glob(f"*.{end}"))]
    if not found:
        raise InputError(f"{folder}: no file PREFIX.{ending}; it is in EPW's outdir: copy it here")
    if len({path.name.split(".")[0] for path in found}) > 1:
        raise InputError(f"{folder}: several files {', '.join(p.name for p in found)}; keep those of one run")
    return found[0]


def read_complex(path: Path, count: int, what: str) -> np.ndarray:
    """`count` little-endian double complex numbers; `what` says in words how many there should be."""
    size = require_regular(path).st_size
    if path.suffix not in PACKED and size != 16 * count:
        raise InputError(f"{path}: has {size} bytes, {what} need {16 * count}; the file is truncated or of another run")
    require_room(path, count, each=16)
    values = np.empty(count, dtype="<c16")
    read_into(path, values)
    if not np.all(np.isfinite(values)):
        raise InputError(f"{path}: holds numbers that are not finite; the file is damaged")
    return values


def read_whole_text(path: Path, limit: float | Callable[[str], float] = SMALL) -> str:
    """A text whose last number must be whole: one that was cut is still a number."""
    text = read_text(path, limit)
    if not last_is_whole(text):
        raise InputError(
            f"{path}: truncated in its last line, which has no end; copy or write it again, or end the line if it is "
            "whole"
        )
    return text
