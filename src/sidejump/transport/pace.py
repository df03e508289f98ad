"""How fast this machine is, for costs that are told from constants."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from ..threads import one_matrix_thread

_REFERENCE = 1.8e-3
"""Seconds of the piece of work where the constants of costs hold."""

_SIZE, _LENGTH, _TABLE = 256, 128, 4096
_TRIES = 5


@lru_cache(maxsize=1)
def pace() -> float:
    """Processor time of a small fixed piece of work, over what it takes where the constants of costs were measured.

    The work is that of a block of pairs: a complex matrix product, squares, a table of the kernel, a sum.  The shortest
    of a few tries: what else the machine does at the moment is no part of it.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.normal(size=(n, m)).astype(np.complex64) for n, m in ((_SIZE, _LENGTH), (_LENGTH, _SIZE)))
    table, columns = rng.normal(size=_TABLE).astype(np.float32), np.ones((_SIZE, 4), dtype=np.float32)
    level = rng.integers(0, _TABLE, (_SIZE, _SIZE))
    spent = []
    with one_matrix_thread():
        for _ in range(_TRIES):
            started = time.process_time()
            for _ in range(4):
                value = left @ right
                ((value.real**2 + value.imag**2) * table.take(level)) @ columns
            spent.append(time.process_time() - started)
    return min(spent) / _REFERENCE
