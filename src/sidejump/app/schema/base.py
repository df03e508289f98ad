"""What only input files need beside the rules for parameters."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ...rules import Number, Positive, Section, Vector3

Count = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Mesh = tuple[Count, Count, Count]
SpinOrdering = Literal["interleaved", "block"]


def _levels(value: Any):
    """A number, or a list of different ones as a tuple; the kinds of mistakes are those of pydantic."""
    if value is None:
        return value
    several = isinstance(value, (list, tuple))
    numbers = list(value) if several else [value]
    if any(isinstance(x, bool) or not isinstance(x, (int, float)) for x in numbers):
        raise PydanticCustomError("float_type", "give a number, or a list of them")
    if not all(math.isfinite(x) for x in numbers):
        raise PydanticCustomError("finite_number", "give a finite number")
    if not numbers:
        raise ValueError("the list is empty; give a number, or a list of them")
    for x in numbers:
        if numbers.count(x) > 1:
            raise ValueError(f"{x:g} is listed twice; give each once")
    return tuple(float(x) for x in numbers) if several else float(value)


Levels = Annotated[Any, BeforeValidator(_levels)]
"""A number, or a list of numbers for a scan."""

__all__ = ["Count", "Flag", "Levels", "Mesh", "Number", "Positive", "Section", "SpinOrdering", "Text", "Vector3"]


def example(field, dimension: int = 2):
    """The value that a template shows for a key, or None."""
    if not field.examples:
        return None
    return field.examples[min(dimension - 2, len(field.examples) - 1)]
