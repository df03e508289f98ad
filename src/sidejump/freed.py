"""Give the memory of arrays that are gone back to the system."""

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int]:
    """That of the C library of Linux; others keep what they keep."""
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return lambda _: 0


def return_freed() -> None:
    """Between stages of a run: pieces below some megabytes, freed by several threads, else stay with the process, which
    then holds up to twice the arrays that there are."""
    _trim()(0)
