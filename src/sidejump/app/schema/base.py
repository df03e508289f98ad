"""What only input files need beside the rules for parameters."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ...rules import Number, Positive, Section, Vector3, require_sizes

Count = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Mesh = tuple[Count, Count, Count]
SpinOrdering = Literal["interleaved", "block", "quantum_espresso", "vasp", "vasp_before_6.4.3"]


def _levels(value: Any):
    """A number, or a list of different ones as a tuple; the kinds of mistakes are those of pydantic."""
    if value is None:
        return value
    several = isinstance(value, (list, tuple))
    numbers = list(value) if several else [value]
    if any(isinstance(x, bool) or not isinstance(x, (int, float)) for x in numbers):
        raise PydanticCustomError("float_type", "give a number, or a list of them")
    try:
        finite = all(math.isfinite(x) for x in numbers)
    except OverflowError:  # a whole number of hundreds of digits
        finite = False
    if not finite:
        raise PydanticCustomError("finite_number", "give a finite number")
    require_sizes(numbers)
    if not numbers:
        raise ValueError("the list is empty; give a number, or a list of them")
    for x in numbers:
        if numbers.count(x) > 1:
            raise ValueError(f"{x:g} is listed twice; give each once")
    return tuple(float(x) for x in numbers) if several else float(value)


Levels = Annotated[Any, BeforeValidator(_levels)]
"""A number, or a list of numbers for a scan."""

__all__ = ["Count", "Flag", "Levels", "Mesh", "Number", "Positive", "Section", "SpinOrdering", "Text", "Vector3"]


def subsections(cls) -> dict[str, type[Section]]:
    """Keys of a section that are sections themselves, with their classes."""
    fields = cls.model_fields if isinstance(cls, type) and issubclass(cls, Section) else {}
    kinds = {name: field.annotation for name, field in fields.items()}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Section)}


def explained(field) -> str:
    """The description of a key, with the words that it may be where the description does not have them."""
    words = [f'"{word}"' for word in _words(field.annotation) if isinstance(word, str)]
    if all(word in field.description for word in words):
        return field.description
    return f"{field.description.rstrip('.')} ({', '.join(words[:-1])} or {words[-1]})."


def _words(annotation) -> tuple:
    """Those of the `Literal` in an annotation, which may be one of several."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(word for part in get_args(annotation) for word in _words(part))


def example(field, dimension: int = 2):
    """The value that a file to start from shows for a key, or None."""
    if not field.examples:
        return None
    return field.examples[min(dimension - 2, len(field.examples) - 1)]
