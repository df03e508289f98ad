"""A large object on its way to the workers: pickled once, its arrays beside the pickle and not inside it."""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError

_ALIGNMENT = 64  # bytes, a cache line


def sendable(kind: str, what: str, obj: Any, dumps: Callable[..., bytes] = pickle.dumps, **options) -> bytes:
    """Pickle of `obj`, by `dumps`; `what` names it in the sentence if it has none."""
    try:
        return dumps(obj, protocol=5, **options)
    except (pickle.PicklingError, AttributeError, TypeError) as error:  # what pickle raises for functions in functions
        raise InputError(
            f'executor = "{kind}": {what} cannot be sent to other processes ({error}); '
            'define its functions and classes at the top of a module, or use executor = "threads"'
        ) from error


@dataclass(frozen=True)
class Parcel:
    """An object as a pickle and its arrays.

    Parameters
    ----------
    pickled : bytes
    arrays : list of buffer
        Memory of the arrays in the order of the pickle; not copied on packing.
    """

    pickled: bytes
    arrays: list

    @classmethod
    def pack(cls, kind: str, obj: Any, dumps: Callable[..., bytes] = pickle.dumps) -> Parcel:
        arrays: list[pickle.PickleBuffer] = []
        pickled = sendable(kind, "the study", obj, dumps, buffer_callback=arrays.append)
        return cls(pickled, arrays)

    def open(self) -> Any:
        return pickle.loads(self.pickled, buffers=self.arrays)


@dataclass(frozen=True)
class ParcelFile:
    """A parcel in a file of this machine, mapped by its workers: they share one copy of what none of them changes.

    Parameters
    ----------
    path : Path
    sizes : list of int
        Bytes of the pickle and of each array.
    """

    path: Path
    sizes: list[int]

    @classmethod
    def write(cls, parcel: Parcel, path: Path) -> ParcelFile:
        pieces = [memoryview(parcel.pickled), *(array.raw() for array in parcel.arrays)]
        file = cls(path, [piece.nbytes for piece in pieces])
        with path.open("wb") as stream:
            for piece, (start, _) in zip(pieces, file._places(), strict=True):
                stream.seek(start)
                stream.write(piece)
        return file

    def open(self) -> Any:
        with self.path.open("rb") as stream:
            # a page is copied when it is written to, so that arrays may be written to as everywhere
            memory = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
        pickled, *arrays = (memory[start:stop] for start, stop in self._places())
        return pickle.loads(pickled, buffers=arrays)

    def _places(self) -> Iterator[tuple[int, int]]:
        start = 0
        for size in self.sizes:
            yield start, start + size
            start += -(-size // _ALIGNMENT) * _ALIGNMENT
