"""Number types and what all sections of the input file share.

A key's description names its unit; its first example is the value a template shows (the second one, where there are
two, is for three dimensions).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# strict: "0.1" is a string and true is a truth value; neither is a number
Number = Annotated[float, Field(strict=True)]
Positive = Annotated[float, Field(strict=True, gt=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Text = Annotated[str, Field(strict=True, min_length=1)]
Flag = Annotated[bool, Field(strict=True)]
Vector2 = tuple[Number, Number]
Vector3 = tuple[Number, Number, Number]
Mesh = tuple[Count, Count, Count]
SpinOrdering = Literal["interleaved", "block"]

VERTEX_NAMES = ("identity", "sigma_x", "sigma_y", "sigma_z")


class Section(BaseModel):
    """Unknown keys are errors everywhere."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def example(field, dimension: int = 2):
    """The value that a template shows for a key, or None."""
    if not field.examples:
        return None
    return field.examples[min(dimension - 2, len(field.examples) - 1)]


def _vertex(value: Any):
    """A name, or a square matrix: rows of numbers, or of [real, imaginary] pairs."""
    names = ", ".join(f'"{name}"' for name in VERTEX_NAMES)
    if isinstance(value, str):
        if value not in VERTEX_NAMES:
            raise ValueError(f"use {names}, or a Hermitian matrix")
        return value
    try:
        if _has_text(value):
            raise TypeError
        matrix = np.array(value, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"use {names}, or a Hermitian matrix (rows of numbers or of [real, imaginary])") from None
    if matrix.ndim == 3 and matrix.shape[-1] == 2:
        matrix = matrix[..., 0] + 1j * matrix[..., 1]
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a matrix of shape {matrix.shape} is not square; give N rows of N numbers")
    if not np.all(np.isfinite(matrix)):
        raise ValueError("the matrix holds a number that is not finite")
    return value


def _has_text(value) -> bool:
    return any(_has_text(x) for x in value) if isinstance(value, (list, tuple)) else isinstance(value, (str, bool))


Vertex = Annotated[Any, BeforeValidator(_vertex)]
