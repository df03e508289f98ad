"""Rules for parameters that a user gives, in an input file or in Python, and the sentence for one that breaks them.

Number types, sections of keys, and vertices.  A key's description names its unit; its first example is the value that a
file to start from shows (the second one, where there are two, is for three dimensions).
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from .errors import InputError

SMALLEST, LARGEST = 1e-50, 1e50
"""Sizes of parameters, whatever their unit: of others the powers that rates have are no floating-point numbers."""


def require_sizes(values, what: str = "", *, zero: bool = True) -> None:
    """Refuse numbers that cannot be computed with; `what` begins the sentence, `zero` is whether 0 may be asked for.

    Raises
    ------
    ValueError
        If one is beyond all sizes, or not zero and below them.
    """
    size = np.abs(np.asarray(values, dtype=complex))
    if np.any(size > LARGEST):
        raise ValueError(f"{what}too large to be computed with; give at most {LARGEST:g} in size")
    if np.any((size > 0) & (size < SMALLEST)):
        least = f"0, or at least {SMALLEST:g} in size" if zero else f"at least {SMALLEST:g}"
        raise ValueError(f"{what}too small to be computed with; give {least}")


def _of_a_size(value: float) -> float:
    require_sizes(value)
    return value


def _above_zero(value: float) -> float:
    require_sizes(value, zero=False)
    return value


def array_of(name: str, value, shape: tuple[int, ...] | None = None, kind: type = float) -> np.ndarray:
    """`value` as an array of finite numbers that can be computed with, of that shape where one is given.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        array: np.ndarray = np.asarray(value)
        if kind is float and np.iscomplexobj(array):
            raise TypeError
        array = array.astype(kind, copy=False)
    except (TypeError, ValueError, OverflowError):
        of = "" if shape is None else f" of shape {shape}"
        raise InputError(f"{name} = {quote(value)}: give an array of numbers{of}") from None
    if shape is not None and array.shape != shape:
        raise InputError(f"{name} has shape {array.shape}; expected {shape}")
    require_finite(array, name)
    return array


def require_finite(array: np.ndarray, name: str) -> None:
    """Refuse an array with numbers that are not finite, or too large to be computed with.

    Raises
    ------
    InputError
        If it holds one.
    """
    if not np.all(np.isfinite(array)):
        raise InputError(f"{name} holds a number that is not finite")
    largest = np.abs(array).max(initial=0.0)
    if largest > LARGEST:
        raise InputError(f"{name} holds {largest:.3g}, too large to be computed with; give at most {LARGEST:g} in size")


# strict: "0.1" is a string and true is a truth value; neither is a number
Number = Annotated[float, Field(strict=True), AfterValidator(_of_a_size)]
Positive = Annotated[float, Field(strict=True, gt=0), AfterValidator(_above_zero)]
NotNegative = Annotated[float, Field(strict=True, ge=0), AfterValidator(_of_a_size)]
Vector2 = tuple[Number, Number]
Vector3 = tuple[Number, Number, Number]

VERTEX_NAMES = ("identity", "sigma_x", "sigma_y", "sigma_z")
_LONGEST = 60  # characters of a value that are quoted


class Section(BaseModel):
    """Unknown keys are errors everywhere."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=Section)


def checked(section: type[S], place: str, **values: Any) -> S:
    """`values` as a section, checked.

    Parameters
    ----------
    section : type
        The rules.
    place : str
        What the values are for: the sentence starts with it.

    Raises
    ------
    InputError
        For the first value that breaks a rule.
    """
    try:
        return section.model_validate({name: _plain(value) for name, value in values.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        asked = requirement(dict(first), section, key)
        if first["type"] == "missing" and len(first["loc"]) == 1:
            raise InputError(f"{place}: {key} is missing{meaning(section, key)}") from None
        said = f"{key} = {quote(first['input'])}: " if key else ""
        raise InputError(f"{place}: {said}{asked}") from None


def _plain(value: Any):
    """Numbers of NumPy as Python's own."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        return tuple(_plain(x) for x in value)
    return (
        value.item() if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and not value.ndim) else value
    )


def requirement(error: dict, section: type[BaseModel] | None, key: str) -> str:
    """What pydantic's `error` asks of a key, in words."""
    kind, context, unit = error["type"], error.get("ctx", {}), meaning(section, key)
    if kind in ("float_type", "float_parsing"):
        return f"give a plain number{unit}"
    if kind in ("int_type", "int_parsing", "int_from_float"):
        return f"give a whole number{unit}"
    if kind == "bool_type":
        return f"give true or false{unit}"
    if kind in ("string_type", "string_too_short"):
        return f"give text in quotes{unit}"
    if kind == "finite_number":
        return f"give a finite number{unit}"
    if kind == "greater_than":
        return f"must be above {context['gt']:g}{unit}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']:g}{unit}"
    if kind == "less_than":
        return f"must be below {context['lt']:g}{unit}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']:g}{unit}"
    if kind == "literal_error":
        return one_of(error["input"], re.findall("'([^']*)'", context["expected"]))
    if kind in ("tuple_type", "list_type"):
        return f"give a list in brackets{unit}"
    if kind in ("missing", "too_short", "too_long"):
        return f"the list has the wrong length{unit}"
    text = error["msg"].removeprefix("Value error, ")
    return text[0].lower() + text[1:] + (unit if isinstance(error["input"], (int, float)) else "")


def meaning(section: type[BaseModel] | None, key: str) -> str:
    """The description of a key, in brackets."""
    field = None if section is None else section.model_fields.get(key.split(",")[0])
    return f" ({field.description.rstrip('.')})" if field is not None and field.description else ""


def quote(value: Any) -> str:
    """A value as it would be written, shortened."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def nearest(word: Any, known: Iterable[str]) -> str:
    """What may end the sentence on a word that is not known: the nearest one that is, capitals aside.

    Of a long word its first part may be meant: `acustic` is near `acoustic_deformation_potential`.
    """
    by_small_letters = {name.lower(): name for name in known}
    by_first_part: dict[str, list[str]] = {}
    for name in by_small_letters:
        by_first_part.setdefault(name.split("_")[0], []).append(name)
    given = str(word).lower()
    close = difflib.get_close_matches(given, by_small_letters, n=1)
    if (
        not close
        and (part := difflib.get_close_matches(given, by_first_part, n=1))
        and len(by_first_part[part[0]]) == 1
    ):
        close = by_first_part[part[0]]
    return f'; did you mean "{by_small_letters[close[0]]}"?' if close else ""


def suggestion(word: Any, known: Iterable[str]) -> str:
    """What ends the sentence on a word that is not known: the nearest one that is, or all of them."""
    names = list(known)
    return nearest(word, names) or (f"; known: {', '.join(names)}" if names else "")


def one_of(word: Any, known: Iterable[str], otherwise: str = "") -> str:
    """What is asked for in place of `word`: all words, whatever `otherwise` may be given, and the nearest one."""
    *names, last = [f'"{name}"' for name in known]
    words = [", ".join([*names, last]), otherwise] if otherwise else [", ".join(names), last]
    return f"use {' or '.join(part for part in words if part)}{nearest(word, known)}"


def _vertex(value: Any):
    """A name, or a square matrix: rows of numbers, or of [real, imaginary] pairs; an array may be complex."""
    names = ", ".join(f'"{name}"' for name in VERTEX_NAMES)
    if isinstance(value, str):
        if value not in VERTEX_NAMES:
            raise ValueError(one_of(value, VERTEX_NAMES, "a Hermitian matrix"))
        return value
    matrix = _square(vertex_elements(value, f"use {names}, or a Hermitian matrix"))
    if not np.allclose(matrix, matrix.conj().T):
        raise ValueError("the matrix is not Hermitian; make it equal to its conjugate transpose")
    return value


def _matrix(value: Any):
    """A square matrix that need not be Hermitian, as in :func:`_vertex`."""
    _square(vertex_elements(value))
    return value


def _square(matrix: np.ndarray) -> np.ndarray:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a matrix of shape {matrix.shape} is not square; give N rows of N numbers")
    if not np.all(np.isfinite(matrix)):
        raise ValueError("the matrix holds a number that is not finite")
    require_sizes(matrix, "the matrix holds a number ")
    return matrix


def vertex_elements(value: Any, asked: str = "give a matrix") -> np.ndarray:
    """The matrix of a vertex that is not a name; `asked` begins the sentence on what is none."""
    try:
        if _has_text(value):
            raise TypeError
        rows = np.asarray(value)
        if np.iscomplexobj(rows):
            return rows.astype(complex)
        matrix = np.array(rows, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{asked} (rows of numbers or of [real, imaginary])") from None
    if matrix.ndim == 3 and matrix.shape[-1] == 2:
        matrix = matrix[..., 0] + 1j * matrix[..., 1]
    return matrix


def _has_text(value) -> bool:
    return any(_has_text(x) for x in value) if isinstance(value, (list, tuple)) else isinstance(value, (str, bool))


Vertex = Annotated[Any, BeforeValidator(_vertex)]
Matrix = Annotated[Any, BeforeValidator(_matrix)]
