"""One run, or conversion, at a time for each output, and room for its result on the disk before the work starts."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError

try:
    import fcntl
except ImportError:  # Windows: nothing keeps two runs into one output apart there
    fcntl = None  # type: ignore[assignment]

_CHUNK = 1 << 16
_LONGEST = 200  # bytes of a name of a process


class Claim:
    """A file beside an output that this process holds locked; see :func:`claim`."""

    def __init__(self, target: Path, descriptor: int | None):
        self._target, self._descriptor = target, descriptor
        self._holder = f"process {os.getpid()} on {platform.node()}\n".encode()
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, self._holder, 0)

    def reserve(self, size: float) -> None:
        """Take `size` bytes of the disk, until `release`.

        Raises
        ------
        InputError
            If disk or quota do not have them.
        """
        if self._descriptor is None:
            return
        try:
            end = len(self._holder)
            while end < size:  # a disk that is nearly full takes a part, and refuses what comes next
                end += os.pwrite(self._descriptor, bytes(_CHUNK), end)
            os.fsync(self._descriptor)
        except OSError as error:
            self.release()
            raise InputError(
                f"{self._target}: there is no room for the result, which takes up to {size / 1e6:.1f} MB "
                f"({error.strerror}); free space or choose another folder with -o"
            ) from None

    def release(self) -> None:
        """Give the bytes back: what they were kept for is written next."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, len(self._holder))


@contextmanager
def claim(target: Path) -> Iterator[Claim]:
    """Hold an output against other runs, with a file ``.NAME.lock`` beside it that is locked and removed at the end.

    The system frees the lock when the process ends, however it ends: a file that a killed run has left is no lock.

    Parameters
    ----------
    target : path
        In a folder that can be written.

    Raises
    ------
    InputError
        If another run holds it.
    """
    if fcntl is None:
        yield Claim(target, None)
        return
    path = target.with_name(f".{target.name}.lock")
    descriptor = _locked(path, target)
    try:
        for left in target.parent.iterdir():  # by runs that were killed while they wrote
            if left.name.startswith(f".{target.name}.") and left.name.endswith(".partial"):
                left.unlink(missing_ok=True)
        yield Claim(target, descriptor)
    finally:
        path.unlink(missing_ok=True)  # before the lock is freed: whoever waits for it sees that the file has gone
        os.close(descriptor)


def _locked(path: Path, target: Path) -> int:
    """Descriptor of the file `path`, which this process has locked."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, _LONGEST, 0).split(b"\n")[0].decode(errors="replace").strip("\0")
            os.close(descriptor)
            raise InputError(
                f"{target}: another run{f' ({holder})' if holder else ''} is at work on it; wait for that one, or "
                "give another name (run: -o)"
            ) from None
        except OSError:  # a file system without locks: pairs of different problems have different names all the same
            return descriptor
        if _is_there(path, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed it after it was opened here: a lock on it would keep nobody off


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
