"""The one place that opens input files: what a path is, how much it may unpack to, its text, what went wrong.

A reader opens files with `read_text` or `read_bytes` and does its parsing inside of `reading`, which turns whatever
damaged content makes of it (an index out of range, a shape that does not fit, a number that is none) into one
`InputError` that names the file.
"""

from __future__ import annotations

import bz2
import codecs
import functools
import gzip
import math
import os
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar
from xml.etree.ElementTree import ParseError

from .errors import InputError

P = ParamSpec("P")
R = TypeVar("R")

LARGEST_VARIABLE = "SIDEJUMP_LARGEST_FILE"
"""Environment variable: bytes that a packed or sparse file may unpack to, instead of `LARGEST`."""

LARGEST = 1e9
"""Bytes that a packed or sparse file may unpack to, where neither its header nor its neighbours announce less."""

PACKED: dict[str, Callable] = {".gz": gzip.open, ".bz2": bz2.open}
"""Endings of packed files, and how to open them."""

DAMAGE = (
    ArithmeticError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    ParseError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What damaged content raises in code that takes it for sound."""

_HEAD = 1 << 16  # bytes in which a header must be
_CHUNK = 1 << 20
# Most that one byte can unpack to: deflate 1032:1; bzip2 holds 900 kB of one letter in 45 bytes.
_EXPANSION = {".gz": 1032, ".bz2": 20000}
_LONGEST_NUMBER = 80  # bytes, blanks and brackets with it
_COMMENTS = 1 << 20  # bytes besides the numbers
_KINDS = (
    (stat.S_ISDIR, "is a directory; name a file in it"),
    (stat.S_ISFIFO, "is a pipe (FIFO), not a regular file; write its content to a file"),
    (stat.S_ISSOCK, "is a socket, not a regular file; give a file"),
    (stat.S_ISCHR, "is a device, not a regular file; give a file"),
    (stat.S_ISBLK, "is a device, not a regular file; give a file"),
)


@contextmanager
def reading(path, what: str = "a file of this kind", remedy: str = "write or copy it again") -> Iterator[None]:
    """Turn errors that the content of `path` causes into one sentence that names it.

    Parameters
    ----------
    path : path
    what : str
        What the file should be, for the sentence: "truncated or not WHAT".
    remedy : str
        What to do about it.

    Raises
    ------
    InputError
        For every error of `DAMAGE`; an `InputError` that does not name the file yet gets its name.
    """
    try:
        yield
    except InputError as error:
        if str(path) in str(error):
            raise
        raise InputError(f"{path}: {error}") from error
    except MemoryError as error:
        raise InputError(
            f"{path}: takes more memory than this machine has; if that is not its true size, the file is damaged"
        ) from error
    except DAMAGE as error:
        raise InputError(f"{path}: truncated or not {what} ({reason(error)}); {remedy}") from error


def reader(what: str, remedy: str = "write or copy it again") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator of a function whose first argument is the path that it reads, all of it inside of `reading`."""

    def decorate(read: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(read)
        def wrapped(*args: P.args, **options: P.kwargs) -> R:
            with reading(args[0] if args else next(iter(options.values())), what, remedy):
                return read(*args, **options)

        return wrapped

    return decorate


def reason(error: BaseException) -> str:
    """What an exception says, in one line."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]}" if error.args else "a name is missing"
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__


def present(path) -> bool:
    """Whether there is anything of this name, be it a link that leads nowhere: which is damaged, not absent."""
    return os.path.lexists(path)


def find_packed(folder: Path, name: str) -> Path | None:
    """`name`, plain or packed, in `folder`; None where there is none."""
    return next((path for path in (folder / f"{name}{end}" for end in ("", *PACKED)) if present(path)), None)


def plain_name(path) -> str:
    """Name of a file without the ending that says how it is packed."""
    path = Path(path)
    return path.stem if path.suffix in PACKED else path.name


def require_regular(path, missing: str = "no such file") -> os.stat_result:
    """What the system knows of a regular file.

    Raises
    ------
    InputError
        If there is none (`missing` says it), the link is broken, or it is a directory, pipe or device.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise InputError(f"{path}: is a broken link (to {os.readlink(path)}); copy the file itself") from None
        raise InputError(f"{path}: {missing}") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    for is_kind, sentence in _KINDS:
        if is_kind(found.st_mode):
            raise InputError(f"{path}: {sentence}")
    return found


def require_directory(path) -> Path:
    """`path`, which must be a directory.

    Raises
    ------
    InputError
        If it is not.
    """
    if not os.path.isdir(path):
        if os.path.islink(path) and not os.path.exists(path):
            raise InputError(f"{path}: is a broken link (to {os.readlink(path)}); copy the directory itself")
        raise InputError(f"{path}: {'is no directory' if present(path) else 'no such directory'}")
    return Path(path)


def unpacked_bound(path) -> float:
    """Bytes that a file cannot exceed when unpacked, whatever it holds.

    Raises
    ------
    InputError
        If it is no regular file.
    """
    return require_regular(path).st_size * _EXPANSION.get(Path(path).suffix, 1)


def require_room(path, count: int, size: float | None = None, each: int = 2) -> None:
    """Compare a number of values that a header announces with the size of the file, before room is made for them.

    Parameters
    ----------
    path : path
    count : int
        Values announced.
    size : float, optional
        Bytes that there are; what the file can unpack to when not given.
    each : int
        Bytes that a value takes at least: a digit and a blank in a text.

    Raises
    ------
    InputError
        If they cannot be there.
    """
    size = unpacked_bound(path) if size is None else size
    if count < 0 or each * count > size + 1:
        raise InputError(
            f"{path}: announces {count} values, which its {size:.0f} bytes cannot hold; the file is truncated or its "
            "header is damaged"
        )


def text_size(numbers: int) -> float:
    """Bytes that a text with so many numbers may have."""
    return _COMMENTS + _LONGEST_NUMBER * float(numbers)


def largest() -> float:
    """Bytes that a packed or sparse file may unpack to.

    Raises
    ------
    InputError
        If the environment variable is no number.
    """
    given = os.environ.get(LARGEST_VARIABLE)
    try:
        number = LARGEST if given is None else float(given)
    except ValueError:
        number = math.nan
    if not number > 0:
        raise InputError(f"{LARGEST_VARIABLE} = {given}: give a number of bytes, such as 4e9")
    return number


def read_bytes(path, limit: float | Callable[[str], float] | None = None) -> bytes:
    """Content of a regular file, unpacked where its name ends in ``.gz`` or ``.bz2``.

    Parameters
    ----------
    path : path
    limit : float or callable, optional
        Bytes that it may have, or ``limit(head)`` that tells them from its first lines (text). What is packed or
        sparse has no more than `largest` in any case.

    Raises
    ------
    InputError
        If it is no regular file, cannot be unpacked, or holds more.
    """
    return bytes(_content(path, limit))


def _content(path, limit) -> bytearray:
    content = bytearray()
    with _opened(path) as stream:
        content += stream.read(_HEAD)
        bound, why = _bound(path, limit, bytes(content))
        while len(content) <= bound:
            piece = stream.read(min(_CHUNK, int(min(bound, 1e18)) + 1 - len(content)))
            if not piece:
                return content
            content += piece
    raise InputError(f"{path}: holds more than {bound:.3g} bytes, {why}")


def read_into(path, buffer) -> None:
    """Fill a writable `buffer` with the content of a file, which must have just that size.

    Raises
    ------
    InputError
        If it is no regular file, cannot be unpacked, or has another size.
    """
    view = memoryview(buffer).cast("B")
    with _opened(path) as stream:
        done = 0
        while done < len(view):
            got = stream.readinto(view[done : done + _CHUNK])  # type: ignore[attr-defined]
            if not got:
                break
            done += got
        if done < len(view) or stream.read(1):
            size = f"{done}" if done < len(view) else "more"
            raise InputError(
                f"{path}: has {size} bytes instead of {len(view)}; the file is truncated or of another run"
            )


def read_text(path, limit: float | Callable[[str], float] | None = None, missing: str = "no such file") -> str:
    """Text of a regular file; `limit` as in `read_bytes`, `missing` as in `require_regular`.

    Raises
    ------
    InputError
        If it cannot be read or is no text.
    """
    require_regular(path, missing)
    return decode(_content(path, limit), path)


def decode(content: bytes | bytearray, path) -> str:
    """Text in UTF-8, in UTF-16 with a byte-order mark, or, where it is neither, in Latin-1, as old comments are.

    Raises
    ------
    InputError
        If it is no text.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            text = content.decode("utf-16")
        except UnicodeDecodeError:
            text = "\0"
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        raise InputError(f"{path}: is not a text file; the file is damaged or not what its name says")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def _is_sparse(found: os.stat_result) -> bool:
    """Whether a file has much less on the disk, in blocks of 512 bytes, than its size."""
    return 512 * getattr(found, "st_blocks", math.inf) < 0.5 * found.st_size - _HEAD


def _refuse_padding(path, found: os.stat_result) -> None:
    """A packed file ends in a checksum; of zeros behind it, which take a step each to skip, no more than `_HEAD`."""
    with open(path, "rb") as stream:
        stream.seek(max(0, found.st_size - _HEAD))
        if _is_sparse(found) or (found.st_size > _HEAD and not any(stream.read(_HEAD))):
            raise InputError(f"{path}: is padded with zeros; the file is damaged, copy it again")


@contextmanager
def _opened(path) -> Iterator[BinaryIO]:
    found = require_regular(path)
    packing = Path(path).suffix
    try:
        if packing in PACKED:
            _refuse_padding(path, found)
        with PACKED.get(packing, open)(path, "rb") as stream:
            yield stream  # type: ignore[misc]
    except (OSError, EOFError, zlib.error, MemoryError) as error:
        if isinstance(error, MemoryError):
            raise InputError(f"{path}: takes more memory than this machine has") from None
        text = getattr(error, "strerror", None) or reason(error)
        hint = "; the file is truncated or not what its name says" if packing in PACKED else ""
        raise InputError(f"{path}: cannot be read ({text}){hint}") from None


def _bound(path, limit: float | Callable[[str], float] | None, head: bytes) -> tuple[float, str]:
    """Bytes that the file may have, and who says so."""
    if limit is None or isinstance(limit, (int, float)):
        announced = limit
    else:
        announced = limit(decode(_whole_characters(head), path))
    found = os.stat(path)
    expands = Path(path).suffix in PACKED or _is_sparse(found)
    most = largest() if expands or announced is None else math.inf
    if announced is None or announced > most:
        return most, f"the most that is read; if they belong there, set {LARGEST_VARIABLE} to more (bytes)"
    return announced, "the most that its header, or what belongs to it, announces; the file is damaged"


def _whole_characters(head: bytes) -> bytes:
    """The first bytes of a text, up to the last line that is whole, so that no character is cut."""
    end = head.rfind(b"\n")
    return head if len(head) < _HEAD or end < 0 else head[: end + 1 + (head.startswith(codecs.BOM_UTF16_LE))]
