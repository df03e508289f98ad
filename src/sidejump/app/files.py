"""Output files: refused before the work starts if they could not be written after it, and never left half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

DATASETS = (".nc", ".nc4", ".h5", ".hdf5")
FIGURES = (".png", ".pdf", ".svg")


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
    if endings and path.suffix.lower() not in endings:
        raise InputError(f"{path}: the name of this output must end in {' or '.join(endings)}")
    if path.is_dir():
        raise InputError(
            f"{path}: is a directory; name a file in it, such as {path / ('result' + (endings or ('',))[0])}"
        )
    if any(path.exists() and os.path.samefile(path, other) for other in inputs):
        raise InputError(f"{path}: is an input of this run; give another name with -o")
    if path.exists() and not force:
        raise InputError(f"{path} exists already: give --force to replace it, or another name with -o")
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; make it first")
    try:
        with whole_file(path, keep=False) as partial:
            partial.touch()
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder with -o") from None
    return path


@contextmanager
def whole_file(path, *, keep: bool = True) -> Iterator[Path]:
    """A name to write to; what was written there replaces `path` at the end, or vanishes after an error.

    Raises
    ------
    InputError
        If writing fails, on a full disk for one.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        if keep:
            os.replace(partial, path)
    except OSError as error:
        if not keep:
            raise
        reason = error.strerror or str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be written ({reason}); free space or choose another folder with -o") from None
    finally:
        partial.unlink(missing_ok=True)
