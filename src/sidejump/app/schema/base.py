"""What only input files need beside the rules for parameters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...rules import Number, Positive, Section, Vector3

Count = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Mesh = tuple[Count, Count, Count]
SpinOrdering = Literal["interleaved", "block"]

__all__ = ["Count", "Flag", "Mesh", "Number", "Positive", "Section", "SpinOrdering", "Text", "Vector3"]


def example(field, dimension: int = 2):
    """The value that a template shows for a key, or None."""
    if not field.examples:
        return None
    return field.examples[min(dimension - 2, len(field.examples) - 1)]
