"""Calls of spglib in one form for all of its versions: None where it finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager

import spglib

_ERROR: tuple = (spglib.SpglibError,) if hasattr(spglib, "SpglibError") else ()  # from 2.7 on
_FLAG = "OLD_ERROR_HANDLING"  # of spglib.error, from 2.7 to the end of 2.x; gone once exceptions are all there is


def of_spglib(function: Callable, *arguments, **options):
    """What `function` of spglib returns; None where it finds nothing.

    Until 2.6 spglib returns None then, later it raises, and between both it warns that it is going to raise.
    """
    with _exceptions():
        try:
            return function(*arguments, **options)
        except _ERROR:
            return None


@contextmanager
def _exceptions():
    """Exceptions where spglib lets one choose, for this call alone: the choice of the caller's program stays."""
    module = getattr(spglib, "error", None)
    before = getattr(module, _FLAG, None)
    if before is None:
        yield
        return
    setattr(module, _FLAG, False)
    try:
        yield
    finally:
        setattr(module, _FLAG, before)
