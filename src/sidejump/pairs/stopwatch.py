"""Processor time of an item of work, told by the first items."""

from __future__ import annotations

import time


class Stopwatch:
    """Times items until `limit` seconds are spent; the first batch, which fills tables, counts only where it is alone.

    Attributes
    ----------
    each : float
        Processor time of an item, seconds; 0 before there is one.
    """

    def __init__(self, limit: float):
        self._limit, self._batches, self._items = limit, 0, 0
        self._started = time.process_time()
        self.each = 0.0

    def enough(self, items: int) -> bool:
        """Count a batch of `items` that is done; whether no more of them are needed."""
        self._items += items
        self._batches += 1
        spent = time.process_time() - self._started
        self.each = spent / self._items
        if self._batches == 1:
            self._started, self._items = time.process_time(), 0
            return False
        return spent > self._limit
