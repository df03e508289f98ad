"""What a Hall resistivity is: which field over which current, and where the magnetisation points."""

from __future__ import annotations

from ..errors import InputError
from ..rules import one_of, quote

HALL = {"E_y/j_x": 1.0, "E_x/j_y": -1.0}
"""Meaning of a number of the Hall column, and its sign as rho_yx = E_y/j_x."""

MAGNETISATION = {"+z": 1.0, "-z": -1.0}
"""Direction along which it was measured (x, y, z right-handed), and the sign of the same number along +z."""


def sign_of(hall: str, magnetisation: str, source: str) -> float:
    """Factor that makes rho_yx for a magnetisation along +z of a declared Hall resistivity.

    Raises
    ------
    InputError
        If either is none of the conventions.
    """
    return _of(HALL, "hall", hall, source) * _of(MAGNETISATION, "magnetisation", magnetisation, source)


def _of(known: dict[str, float], key: str, value: str, source: str) -> float:
    compact = "".join(str(value).split())
    if compact not in known:
        raise InputError(f"{source}: {key} = {quote(value)} is none of the sign conventions: {one_of(compact, known)}")
    return known[compact]
