"""A text that tells one problem from another: the same for the same content, whatever computed it in which order.

Numbers that are not whole count up to rounding, which is that of a processor (:mod:`.digest`): texts are compared by
:func:`.digest.same`.

Of what users write it is the code that counts: that of functions with their defaults, of the methods and attributes of
classes and of those that they inherit from, and of the functions and numbers outside that either names.  Libraries,
this one among them, count by their names alone.
"""

from __future__ import annotations

import builtins
import dis
import sys
import sysconfig
from functools import cache, cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from .digest import Digest

_REAL = (float, complex, np.floating, np.complexfloating)
_MADE_IN_PYTHON = 1 << 9  # Py_TPFLAGS_HEAPTYPE
_SKIPPED = frozenset({"_cache", "source", "checks", "warnings"})
"""What classes of this program call what was derived, and words for the reader; others may mean anything by it."""


def fingerprint(*parts: Any) -> str:
    """Digest of nested containers, arrays, numbers, functions and objects with attributes."""
    state = Digest()
    _add(state, parts, (), strict=False)
    return state.text()


def _add(state: Digest, value: Any, above: tuple[int, ...], strict: bool) -> None:
    """Feed one value; `above`: the objects that hold it, to end cycles.

    `strict`: arrays count to the last bit.  Those of this program hold numbers of one unit; those of users may hold
    parameters side by side of which one is 1e18 times another.
    """
    if isinstance(value, np.ndarray) and value.dtype != object:
        state.exact(f"array {value.dtype.str} {value.shape} ".encode())
        if value.dtype.kind in "fc" and not strict:
            state.numbers(value)
        else:
            state.exact(np.ascontiguousarray(value).reshape(-1).view(np.uint8))
    elif isinstance(value, _REAL):
        state.exact(f"{type(value).__name__} ".encode())
        state.numbers(value)
    elif value is None or isinstance(value, (bool, int, str, bytes, np.generic, ModuleType)):
        state.exact(f"{type(value).__name__} {value!r} ".encode())
    elif isinstance(value, type) and not _written_by_user(value):
        state.exact(f"{type(value).__name__} {value!r} ".encode())
    elif id(value) in above:
        state.exact(b"cycle ")
    else:
        _add_parts(state, value, (*above, id(value)), strict or _is_of_user(value))


def _add_parts(state: Digest, value: Any, above: tuple[int, ...], strict: bool) -> None:
    if isinstance(value, (list, tuple, np.ndarray)):
        items: Any = enumerate(value)
    elif isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: repr(item[0]))
    elif isinstance(value, (set, frozenset)):
        items = enumerate(sorted(value, key=repr))
    elif isinstance(value, MethodType):
        items = [("function", value.__func__), ("of", value.__self__)]
    elif isinstance(value, FunctionType):
        cells = [c.cell_contents for c in value.__closure__ or ()]
        defaults = value.__defaults__, value.__kwdefaults__
        items = [("code", value.__code__), ("cells", cells), ("defaults", defaults)]
        if _by_user(value.__code__.co_filename):
            known = value.__globals__
            items += [(name, known[name]) for name in sorted(_names(value.__code__) & known.keys())]
    elif isinstance(value, CodeType):
        items = [("code", value.co_code), ("names", value.co_names), ("constants", value.co_consts[_doc(value) :])]
    elif isinstance(value, type):
        members = vars(value)
        items = [(name, members[name]) for name in sorted(members) if not name.startswith("__") or name == "__call__"]
        items.append(("bases", value.__bases__))
    elif isinstance(value, (property, staticmethod, classmethod)):
        items = [("function", value.fget if isinstance(value, property) else value.__func__)]
    elif isinstance(value, partial):
        items = [("function", value.func), ("arguments", value.args), ("keywords", value.keywords)]
    else:
        own = getattr(value, "__dict__", {}) | _in_slots(value)
        items = [(name, own[name]) for name in sorted(own) if not _derived(value, name)]
        if _written_by_user(type(value)):
            items.append(("class", type(value)))
    state.exact(f"{type(value).__qualname__} {getattr(value, '__name__', '')}(".encode())
    for name, item in items:
        state.exact(f"{name!r}: ".encode())
        _add(state, item, above, strict)
    state.exact(b")")


def _is_of_user(value: Any) -> bool:
    """Whether a function, a class or an object is of code by users."""
    if isinstance(value, FunctionType):
        return _by_user(value.__code__.co_filename)
    if isinstance(value, CodeType):
        return _by_user(value.co_filename)
    return _written_by_user(value if isinstance(value, type) else type(value))


def _derived(value: Any, name: str) -> bool:
    kind = type(value)
    if isinstance(getattr(kind, name, None), cached_property):
        return True
    return name in _SKIPPED and (_ours(kind) or any(_ours(base) and _declares(base, name) for base in kind.__mro__))


def _ours(kind: type) -> bool:
    # files by users that are read as models are modules below the one that reads them
    return kind.__module__.partition(".")[0] == __name__.partition(".")[0] and not _written_by_user(kind)


def _declares(kind: type, name: str) -> bool:
    """Whether a class gives an attribute of this name to its heirs."""
    return name in vars(kind) or name in vars(kind).get("__dataclass_fields__", ())


def _names(code: CodeType) -> set[str]:
    """What a function and those within it look up outside."""
    inner = [_names(x) for x in code.co_consts if isinstance(x, CodeType)]
    here = {x.argval for x in dis.get_instructions(code) if x.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return here.union(*inner)


def _doc(code: CodeType) -> int:
    """Constants of a function that are words for the reader."""
    return int(bool(code.co_consts) and isinstance(code.co_consts[0], str))


def _in_slots(value: Any) -> dict[str, Any]:
    """What an object of a class of the user has in `__slots__`."""
    kinds = (kind for kind in type(value).__mro__ if "__slots__" in vars(kind) and _written_by_user(kind))
    names = [name for kind in kinds for name in np.atleast_1d(kind.__slots__)]  # type: ignore[attr-defined]
    return {str(name): getattr(value, name) for name in names if hasattr(value, name)}


def _written_by_user(kind: type) -> bool:
    """Whether a class, or some method of it, is in a file of the user."""
    if not kind.__flags__ & _MADE_IN_PYTHON:
        return False
    files = {f.__code__.co_filename for f in vars(kind).values() if isinstance(f, FunctionType)}
    if any(_by_user(file) for file in files - {"<string>"}):  # which are methods that `dataclass` writes
        return True
    name = kind.__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file:
        return _by_user(file)
    # neither a notebook has a file nor a module that is built in; text executed without a name has that of `builtins`
    return name == builtins.__name__ or name.partition(".")[0] not in sys.stdlib_module_names


@cache
def _by_user(file: str) -> bool:
    """Whether code was read from a file that belongs to no library, or from a notebook."""
    places = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return not any(Path(file).is_relative_to(x) for x in (*places, Path(__file__).parents[1]))
