"""Finding and reading files, plain or gzipped, with errors a user can act on."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from ..errors import InputError


def find_optional(folder: Path, name: str) -> Path | None:
    """`name` or `name.gz` in `folder`, or None."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)


def find(folder: Path, name: str) -> Path:
    """`name` or `name.gz` in `folder`.

    Raises
    ------
    InputError
        If there is neither.
    """
    path = find_optional(folder, name)
    if path is None:
        raise InputError(f"{folder / name}: no such file (nor {name}.gz); copy it from the directory of the run")
    return path


def prefix_file(folder: Path, ending: str) -> Path:
    """The one file ``PREFIX.ending``, ``PREFIX.ending1`` or either with ``.gz``."""
    found = [
        path
        for end in (ending, f"{ending}.gz", f"{ending}1", f"{ending}1.gz")
        for path in sorted(folder.glob(f"*.{end}"))
    ]
    if not found:
        raise InputError(f"{folder}: no file PREFIX.{ending}; it is in EPW's outdir: copy it here")
    if len({path.name.split(".")[0] for path in found}) > 1:
        raise InputError(f"{folder}: several files {', '.join(p.name for p in found)}; keep those of one run")
    return found[0]


def read_bytes(path: Path) -> bytes:
    """Content of a file, unpacked."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rb") as stream:
                return stream.read()
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or not what its name says") from None


def read_complex(path: Path, count: int, what: str) -> np.ndarray:
    """`count` little-endian double complex numbers; `what` says in words how many there should be."""
    if path.suffix != ".gz" and path.stat().st_size != 16 * count:
        size = path.stat().st_size
    else:
        content = read_bytes(path)
        size = len(content)
    if size != 16 * count:
        raise InputError(f"{path}: has {size} bytes, {what} need {16 * count}; the file is truncated or of another run")
    values = np.frombuffer(content, dtype="<c16")
    if not np.all(np.isfinite(values)):
        raise InputError(f"{path}: holds numbers that are not finite; the file is damaged")
    return values


def read_tokens(path: Path) -> list[str]:
    """Words of a text file, whose last line must be whole: a number that was cut is still a number."""
    try:
        text = read_bytes(path).decode("ascii")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text file; the file is not what its name says") from None
    if not text.endswith("\n"):
        raise InputError(f"{path}: truncated in its last line, which has no end; copy or write it again")
    return text.split()
