"""A number that tells one problem from another: the same for the same content, whatever computed it in which order."""

from __future__ import annotations

from functools import cached_property, partial
from hashlib import blake2b
from types import FunctionType
from typing import Any

import numpy as np

_SKIPPED = frozenset({"_cache", "source", "checks", "warnings"})  # what was derived, and words for the reader


def fingerprint(*parts: Any, size: int = 16) -> str:
    """Hexadecimal digest of nested containers, arrays, numbers, functions and objects with attributes."""
    state = blake2b(digest_size=size)
    _add(state, parts, ())
    return state.hexdigest()


def _add(state, value: Any, above: tuple[int, ...]) -> None:
    """Feed one value; `above`: the objects that hold it, to end cycles."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        state.update(f"array {value.dtype.str} {value.shape} ".encode())
        state.update(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    elif value is None or isinstance(value, (bool, int, float, complex, str, bytes, np.generic, type)):
        state.update(f"{type(value).__name__} {value!r} ".encode())
    elif id(value) in above:
        state.update(b"cycle ")
    else:
        _add_parts(state, value, (*above, id(value)))


def _add_parts(state, value: Any, above: tuple[int, ...]) -> None:
    if isinstance(value, (list, tuple, np.ndarray)):
        items: Any = enumerate(value)
    elif isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: repr(item[0]))
    elif isinstance(value, FunctionType):
        cells = [c.cell_contents for c in value.__closure__ or ()]
        code = value.__code__
        constants = [x for x in code.co_consts if isinstance(x, (int, float, complex, str))]
        items = [("code", code.co_code), ("names", code.co_names), ("constants", constants), ("cells", cells)]
    elif isinstance(value, partial):
        items = [("function", value.func), ("arguments", value.args), ("keywords", value.keywords)]
    else:
        own = getattr(value, "__dict__", {})
        items = [(name, own[name]) for name in sorted(own) if not _derived(value, name)]
    state.update(f"{type(value).__qualname__} {getattr(value, '__name__', '')}(".encode())
    for name, item in items:
        state.update(f"{name!r}: ".encode())
        _add(state, item, above)
    state.update(b")")


def _derived(value: Any, name: str) -> bool:
    return name in _SKIPPED or isinstance(getattr(type(value), name, None), cached_property)
