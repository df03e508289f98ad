"""The readers of first-principles files as a user of Python calls them: doubts about a file are raised as warnings.

Inside, where the sentences are collected for a result, the readers that stay silent are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from ..errors import SidejumpWarning
from ..wannier.container import ElectronPhonon
from . import compact, epw, perturbo, recognise

P = ParamSpec("P")


def _spoken(read: Callable[P, ElectronPhonon]) -> Callable[P, ElectronPhonon]:
    @wraps(read)
    def reader(*args: P.args, **kwargs: P.kwargs) -> ElectronPhonon:
        data = read(*args, **kwargs)
        for sentence in data.warnings:
            warnings.warn(sentence, SidejumpWarning, stacklevel=2)
        return data

    return reader


read_compact = _spoken(compact.read_compact)
read_electron_phonon = _spoken(recognise.read_electron_phonon)
read_epw = _spoken(epw.read_epw)
read_perturbo = _spoken(perturbo.read_perturbo)
