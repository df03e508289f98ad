"""Heaps of an HDF5 file, where texts of variable length are kept, looked through before the HDF5 library reads them.

The library walks a heap from object to object by their sizes, and for ever where the free space at its end declares no
size, as in a file with bytes lost or inserted.
"""

from __future__ import annotations

import mmap
import struct
from functools import lru_cache
from pathlib import Path

_SIGNATURE = b"GCOL\x01\x00\x00\x00"  # of version 1, the only one
_HEADER, _OBJECT = struct.Struct("<8sQ"), struct.Struct("<HHIQ")


def require_sound_heaps(path) -> None:
    """Refuse a file with a heap that has no end.

    Parameters
    ----------
    path : path
        Of a regular file in this format.

    Raises
    ------
    ValueError
        If it holds one.
    """
    state = Path(path).stat()
    if state.st_size:
        _look_through(str(path), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=32)
def _look_through(path: str, size: int, changed: int) -> None:
    """The search itself, once for a file as it is: `size` and time of its last change tell."""
    with open(path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at = data.find(_SIGNATURE)
        while at >= 0:
            if _endless(data, at):
                raise ValueError(f"the heap of texts at byte {at} has no end")
            at = data.find(_SIGNATURE, at + 1)


def _endless(data, start: int) -> bool:
    if start + _HEADER.size > len(data):
        return False
    _, size = _HEADER.unpack_from(data, start)
    at, end = start + _HEADER.size, min(start + size, len(data))
    while at + _OBJECT.size <= end:
        index, _, _, length = _OBJECT.unpack_from(data, at)
        if index == 0:  # free space, whose size counts its header
            if length == 0:
                return True
            at += length
        else:
            at += _OBJECT.size + -(-length // 8) * 8
    return False
