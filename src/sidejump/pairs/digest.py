"""A digest of content that is the same up to rounding: a hash of what is exact, and a few sums over all real numbers.

The last digits of a number that was computed are those of the processor and of its matrix library.  Hashing them would
tell one machine from another, and rounding them first has edges.  So they are not hashed: every array x, of root mean
square s, adds ``r log s + sum_i r_i x_i / s`` to each of a few sums, with random numbers r between -1 and 1 that are
always the same, and :func:`same` compares the sums.  A number alone counts by its relative change, one of an array by
its change over the root mean square of the array.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np

_SUMS = 4
_CHUNK = 1 << 20  # numbers that are weighted at once
_ROUNDING = 1e-9
"""By how much sums may differ.  Kernels of matrix libraries change those of iron with exact symmetry by 4e-11."""


class Digest:
    """Takes what is exact and what is not, in an order that is always the same."""

    def __init__(self):
        self._hash = blake2b(digest_size=16)
        self._sums = np.zeros(_SUMS)
        self._bits = np.random.PCG64(0)  # its bits are the same in every version of the library

    def exact(self, content) -> None:
        """Bytes that have to be the same."""
        self._hash.update(content)

    def numbers(self, values) -> None:
        """Real or complex numbers, of any shape."""
        values = np.ascontiguousarray(values).reshape(-1)
        x = values.view(values.real.dtype).astype(float)
        finite = np.isfinite(x)
        if not finite.all():
            self.exact(np.where(finite, 0.0, x).tobytes())
            x = np.where(finite, x, 0.0)
        largest = np.abs(x).max(initial=0.0)
        if largest == 0:
            self.exact(b"zero ")
            return
        x = x / largest
        size = np.sqrt(np.mean(x**2))
        self._sums += (np.log(largest) + np.log(size)) * self._random(1)[0]
        for start in range(0, len(x), _CHUNK):
            part = x[start : start + _CHUNK] / size
            self._sums += part @ self._random(len(part))

    def digest(self, text: str) -> None:
        """The text of another digest."""
        content, sums = _parts(text)
        self.exact(f"digest {content} ".encode())
        self._sums += sums * self._random(1)[0]

    def text(self) -> str:
        """All of it, as JSON."""
        return json.dumps({"content": self._hash.hexdigest(), "numbers": self._sums.tolist()})

    def _random(self, count: int) -> np.ndarray:
        bits = self._bits.random_raw(count * _SUMS) >> np.uint64(11)
        return bits.reshape(count, _SUMS) * 2.0**-52 - 1.0


def joined(texts: Iterable[str]) -> str:
    """The digest of several, in their order."""
    whole = Digest()
    for text in texts:
        whole.digest(text)
    return whole.text()


def same(one: Any, other: Any) -> bool:
    """Whether two texts of digests are of the same content up to rounding; other texts are the same as themselves."""
    if isinstance(one, str) and one == other:
        return True
    try:
        (content, sums), (content_of_other, sums_of_other) = _parts(one), _parts(other)
    except (TypeError, ValueError, KeyError):
        return False
    return content == content_of_other and bool(np.all(np.abs(sums - sums_of_other) <= _ROUNDING))


def _parts(text: str) -> tuple[str, np.ndarray]:
    found = json.loads(text)
    sums = np.array(found["numbers"], dtype=float)
    if sums.shape != (_SUMS,):
        raise ValueError(f"{len(sums)} sums in a digest, expected {_SUMS}")
    return str(found["content"]), sums
