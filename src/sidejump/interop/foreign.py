"""What a converter asks of the object that it is handed: attributes, and numbers that make sense."""

from __future__ import annotations

import numpy as np

from ..errors import InputError


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
