"""Output files: refused before the work starts if they could not be written after it, and never left half-written."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path

from .errors import InputError
from .files import require_regular

DATASETS = (".nc", ".nc4", ".h5", ".hdf5")
FIGURES = (".png", ".pdf", ".svg")
TABLES = (".csv",)
PAGES = (".html",)
DOCUMENTS = (".json",)


def check_target(path, *, force: bool, endings: tuple[str, ...] = (), inputs: tuple = ()) -> Path:
    """The path of an output file.

    Parameters
    ----------
    path : path
    force : bool
        Whether an existing file may be replaced.
    endings : tuple of str
        What the name may end in.
    inputs : tuple of path
        Files that must not be overwritten in any case.

    Raises
    ------
    InputError
        If it must not or cannot be written.
    """
    path = Path(path)
    within = _no_directory(path, *endings[:1])
    if endings and path.suffix.lower() not in endings:
        such = "" if path.suffix else f", such as {path}{endings[0]}, or {within} in a folder"
        raise InputError(f"{path}: the name of this output must end in {' or '.join(endings)}{such}")
    if any(path.exists() and os.path.samefile(path, other) for other in inputs):
        raise InputError(f"{path}: is an input of this run; give another name with -o")
    require_absent(path, force=force)
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")
    try:
        partial = _partial(path)
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder with -o") from None
    return path


def _no_directory(path: Path, ending: str = "") -> Path:
    """Refuse what is a directory, "." and "/" too, whose last part is no name; a file in it, for a sentence."""
    within = path / f"result{ending}"
    if path.is_dir():
        raise InputError(f"{path}: is a directory; name a file in it, such as {within}")
    return within


def named_after(source, ending: str) -> Path:
    """What an output is called that nobody has named: as the file it is made from, with another ending.

    Raises
    ------
    InputError
        If it is ".", or "/", which have no name.
    """
    source = Path(source)
    if not source.name:
        require_regular(source)
    return source.with_suffix(ending)


def comma_separated(names: Iterable[str], rows: Iterable[Sequence]) -> str:
    """A table as text, real numbers with all their digits."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([repr(float(x)) if _real(x) else x for x in row] for row in rows)
    return out.getvalue()


def _real(x) -> bool:
    return isinstance(x, Real) and not isinstance(x, Integral)


def require_absent(path: Path, *, force: bool) -> None:
    """Refuse a file that exists, unless it may be replaced.

    Raises
    ------
    InputError
        If it must not.
    """
    if path.exists() and not force:
        whole = f"; `sidejump plot {path}` draws its figure" if path.suffix.lower() in DATASETS else ""
        raise InputError(f"{path} exists already: give --force to replace it, or another name{whole}")


def write_whole(path, content: bytes | memoryview) -> None:
    """Replace `path` by `content`, or leave it as it was.

    Everything is made in memory first: HDF5 cannot be trusted with a full disk.

    Raises
    ------
    InputError
        If it is a directory, or writing fails, on a full disk for one.
    """
    path = Path(path)
    _no_directory(path, path.suffix)
    partial = _partial(path)
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); free space or choose another folder") from None
    finally:
        partial.unlink(missing_ok=True)


def make_folder(folder: Path) -> Path:
    """A folder for files, made with those above it if it is missing.

    Raises
    ------
    InputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror}); give another folder") from None
    return folder


def write_all(contents: Mapping[Path, bytes], *, force: bool) -> list[Path]:
    """Write several files, or none where one must not or cannot be written; their paths.

    Raises
    ------
    InputError
    """
    for path in contents:
        check_target(path, force=force)
    for path, content in contents.items():
        write_whole(path, content)
    return list(contents)


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")
