"""Reading HDF5 files of others: nothing outside of the file is followed, nothing is read before its shape is known.

External links, external storage and virtual data sets would make a file read other ones of the machine: they are
refused.  A data set can declare any shape without holding it: type and shape are compared with what is expected, and
with the bytes that the file stores for it, before room is made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ..errors import InputError
from ..files import LARGEST_VARIABLE, largest, reading, require_regular
from .hdf5_heaps import require_sound_heaps

_KINDS = {"f": "fiu", "c": "cfiu", "z": "c", "i": "iu"}
_NAMES = {"f": "real numbers", "c": "numbers", "z": "complex numbers", "i": "whole numbers"}
_EXPANSION = 1100  # bytes that one stored byte can unpack to: deflate's 1032, and its frame
_SMALL = 1 << 16  # bytes that may be fill values
_LINKS = 16  # within the file, in a row


@contextmanager
def opened(path, what: str, remedy: str = "write or copy it again") -> Iterator[Store]:
    """An HDF5 file to read from; whatever its content makes go wrong becomes one sentence that names it.

    Parameters
    ----------
    path : path
    what, remedy : str
        As in :func:`sidejump.files.reading`.

    Raises
    ------
    InputError
        If it is no regular file, no HDF5 file, or damaged.
    """
    require_regular(path)
    with reading(path, what, remedy), h5py.File(path, "r") as stream:
        yield Store(stream)


def require_contained(path, what: str, remedy: str = "write or copy it again") -> None:
    """Look through a whole file that another library is to read: what holds for data sets of a `Store` holds for all.

    Raises
    ------
    InputError
        If it is no regular file, no HDF5 file, or holds a data set that is elsewhere or not stored.
    """
    with opened(path, what, remedy) as stream:
        require_sound_heaps(path)
        total = sum(stream.sizes())
        if total > largest():
            raise InputError(
                f"{path}: declares {total:.3g} bytes; if they belong there, set {LARGEST_VARIABLE} to more (bytes)"
            )


def is_hdf5(path) -> bool:
    """Whether a path is that of a regular file in this format."""
    return Path(path).is_file() and bool(h5py.is_hdf5(path))


class Store:
    """A group of an HDF5 file whose data sets are read with the type and shape that are expected of them."""

    def __init__(self, group):
        self._group = group

    def _place(self, name: str) -> str:
        return f"{self._group.name}/{name}".strip("/").replace("//", "/")

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def _find(self, name: str, links: int = 0):
        """The object of that name; None where there is none."""
        here = self._group
        for part in name.strip("/").split("/"):
            link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
            if isinstance(link, h5py.ExternalLink):
                raise InputError(
                    f"{self._place(name)} is a link to another file ({link.filename}), which is not followed; put the "
                    "data into this one"
                )
            if isinstance(link, h5py.SoftLink):
                if links > _LINKS:
                    raise ValueError(f"{self._place(name)} is a link that goes round in circles")
                here = Store(here.file if link.path.startswith("/") else here)._find(link.path, links + 1)
            else:
                here = None if link is None else here[part]
            if here is None:
                return None
        return here

    def group(self, name: str) -> Store:
        """A group inside of this one.

        Raises
        ------
        ValueError
            If there is none.
        """
        found = self._find(name)
        if not isinstance(found, h5py.Group):
            raise ValueError(f"no group {self._place(name)}")
        return Store(found)

    def names(self, most: int = 4096) -> list[str]:
        """Names of what the group holds, `most` at the most."""
        if len(self._group) > most:
            raise ValueError(f"{self._place('')} holds {len(self._group)} data sets, at most {most} belong there")
        return list(self._group)

    def sizes(self, depth: int = 8) -> Iterator[int]:
        """Bytes of every data set in the group and in those inside of it."""
        for name in self.names():
            found = self._find(name)
            if isinstance(found, h5py.Group):
                if not depth:
                    raise ValueError(f"{self._place(name)} is nested too deep")
                yield from Store(found).sizes(depth - 1)
            elif isinstance(found, h5py.Dataset):
                yield math.prod(self.shape(name)) * found.dtype.itemsize

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a data set that the file stores.

        Raises
        ------
        ValueError
            If it is missing, or declares more than the file stores.
        """
        data = self._data(name)
        declared = tuple(int(n) for n in data.shape or ())
        size, stored = math.prod(declared) * data.dtype.itemsize, data.id.get_storage_size()
        if size > _EXPANSION * stored + _SMALL:
            raise ValueError(f"{self._place(name)} declares {size} bytes, of which the file stores {stored}")
        return declared

    def array(self, name: str, shape: tuple[int | None, ...] | None = None, kind: str = "f") -> np.ndarray:
        """A data set.

        Parameters
        ----------
        name : str
        shape : tuple of int or None, optional
            That it must have; None for a length that is free. Without it any.
        kind : {"f", "c", "z", "i"}
            Real, real or complex, complex or whole numbers.

        Raises
        ------
        ValueError
            If it is missing or declares another type or shape, or more than the file stores.
        """
        data = self._data(name)
        place, declared = self._place(name), self.shape(name)
        if data.shape is None:
            raise ValueError(f"{place} is empty")
        if data.dtype.kind not in _KINDS[kind]:
            raise ValueError(f"{place} holds {data.dtype}, expected {_NAMES[kind]}")
        if shape is not None and (
            len(declared) != len(shape) or any(w not in (None, n) for w, n in zip(shape, declared, strict=True))
        ):
            wanted = ", ".join("any" if n is None else str(n) for n in shape)
            raise ValueError(f"{place} has shape {declared}, expected ({wanted})")
        values = np.asarray(data[()])
        if values.dtype.kind in "fc" and not np.all(np.isfinite(values)):
            raise ValueError(f"{place} holds numbers that are not finite")
        return values

    def optional(self, name: str, shape: tuple[int | None, ...] | None = None, kind: str = "f") -> np.ndarray | None:
        """As `array`; None where there is no data set of this name."""
        return self.array(name, shape, kind) if name in self else None

    def number(self, name: str, default: float | None = None) -> float:
        """One real number, as a scalar or an array of one element; `default` where it is missing."""
        if default is not None and name not in self:
            return default
        return float(self._one(name, "f"))

    def integer(self, name: str, default: int | None = None) -> int:
        """One whole number; `default` where it is missing."""
        if default is not None and name not in self:
            return default
        return int(self._one(name, "i"))

    def _one(self, name: str, kind: str):
        if math.prod(self.shape(name)) != 1:
            raise ValueError(f"{self._place(name)} has shape {self.shape(name)}, expected one number")
        return self.array(name, kind=kind).reshape(())[()]

    def _data(self, name: str):
        data = self._find(name)
        if not isinstance(data, h5py.Dataset):
            raise ValueError(f"no data set {self._place(name)}")
        if data.is_virtual:
            raise InputError(
                f"{self._place(name)} is a virtual data set, which is not read; copy the data into the file"
            )
        if data.external:
            raise InputError(
                f"{self._place(name)} is stored in another file ({data.external[0][0]}), which is not read; copy the "
                "data into this one"
            )
        return data

    # --- attributes -----------------------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether there is an attribute of this name."""
        return name in self._group.attrs

    def text(self, name: str) -> str:
        """Attribute that is a text."""
        value = self._attribute(name)
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            raise ValueError(f"attribute {name} is no text")
        return value

    def json(self, name: str, kind: type):
        """Attribute that is a text in JSON which holds a `kind`, list or dict."""
        value = json.loads(self.text(name))
        if not isinstance(value, kind):
            raise ValueError(f"attribute {name} is no {kind.__name__}")
        return value

    def value(self, name: str, default: float | None = None) -> float:
        """Attribute that is one real number or truth value; `default` where it is missing."""
        if default is not None and not self.has(name):
            return default
        value = np.asarray(self._attribute(name))
        if value.size != 1 or value.dtype.kind not in "biuf" or not np.all(np.isfinite(value)):
            raise ValueError(f"attribute {name} is no finite number")
        return float(value.reshape(())[()])

    def _attribute(self, name: str):
        if not self.has(name):
            raise ValueError(f"no attribute {name}")
        declared = self._group.attrs.get_id(name)
        size = math.prod(declared.shape) if declared.shape is not None else 0
        if size > _SMALL:
            raise ValueError(f"attribute {name} declares {size} values")
        text = h5py.check_string_dtype(declared.dtype)
        if text is not None and text.length is None:
            require_sound_heaps(self._group.file.filename)
        return self._group.attrs[name]
