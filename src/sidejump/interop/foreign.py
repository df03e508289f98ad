"""What a converter asks of the object that it is handed: attributes, and numbers that make sense."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import numpy as np

from ..errors import InputError
from ..extras import needed
from ..files import reason, require_regular

_Taken = TypeVar("_Taken")


def require(obj, names: tuple[str, ...], what: str) -> None:
    """Refuse an object that lacks what those of its kind have.

    Programs are told by their attributes, not by their types: theirs need not be imported, nor installed.

    Raises
    ------
    InputError
        If an attribute is missing.
    """
    missing = [name for name in names if not hasattr(obj, name)]
    if missing:
        raise InputError(f"{type(obj).__module__}.{type(obj).__name__} is no {what}: it has no {', '.join(missing)}")


def checked_unit(name: str, value) -> float:
    """A factor that turns the numbers of a model without units into eV or angstrom.

    Raises
    ------
    InputError
        If it is no positive number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name} = {value!r}: give a positive number")
    if not 0 < value < float("inf"):
        raise InputError(f"{name} = {value}: give a positive number")
    return float(value)


def checked_numbers(values, shape: tuple[int, ...], what: str, source: str, kind=float) -> np.ndarray:
    """An array of finite numbers of this shape.

    Raises
    ------
    InputError
        If it is anything else.
    """
    try:
        found = np.asarray(values, dtype=kind)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source}: {what} are no numbers ({error})") from None
    if found.shape != shape:
        raise InputError(f"{source}: {what} have shape {found.shape}; expected {shape}")
    if not np.isfinite(found).all():
        raise InputError(f"{source}: {what} hold numbers that are not finite")
    return found


def read_with(
    package: str, what: str, file, load: Callable[[ModuleType, str], object], take: Callable[..., _Taken], refused: str
) -> _Taken:
    """What a converter takes from a file that a program reads.

    Parameters
    ----------
    package : str
        Of `sidejump.extras.EXTRAS`, or a module of one.
    what : str
        What it reads, for the sentence where it is not installed.
    file : path
    load : callable
        ``load(module, name)``: the object of the program.
    take : callable
        The converter.
    refused : str
        What is said where the program fails.

    Raises
    ------
    InputError
        If there is no such file, the program is not installed, or it finds nothing that can be taken.
    """
    path = Path(file)
    require_regular(path)
    module = needed(package, f"{path}: {what}")
    try:
        found = load(module, str(path))
    except Exception as error:
        raise InputError(f"{path}: {refused} ({reason(error)})") from error
    try:
        return take(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
