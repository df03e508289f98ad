"""How a term stands at a temperature, and where a batch of replicas would take it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from .statistics import OF_SPREAD, widening

EXPECTED = 0.35
"""Error of a level over that of the one before, as it is mostly measured: for the choice of what comes next alone."""

ENOUGH = 12
"""Replicas of one level beyond which the next level is tried even where its time is not known to pay."""


@dataclass(frozen=True)
class Standing:
    """One term at one temperature.

    Attributes
    ----------
    name : str
    level, replicas : int
        The finest level and its replicas.
    below, below_replicas : int
        The level that it is compared with, -1 where there is none, and its replicas.
    statistical, systematic, coarser : float
        Relative errors^2; the last is what of the second is noise of the level below.
    """

    name: str
    level: int
    replicas: int
    below: int
    below_replicas: int
    statistical: float
    systematic: float
    coarser: float

    @property
    def square(self) -> float:
        """Relative error^2."""
        return self.statistical + self.systematic

    @property
    def _widening(self) -> float:
        """By what the error is wider than the spread says, for how few replicas tell that."""
        below = self.below_replicas - 1 if self.below >= 0 else 0
        return float(widening(self.replicas - 1 + max(below, 0)))

    def _known(self, then: Standing) -> Standing:
        """Of what `then` is, the same with a spread that its replicas tell better than those of now do."""
        # what levels further below tell is not known here, but not lost either
        narrower = min(then._widening / self._widening, 1.0) ** 2
        # a level alone is taken to be off by a part of its spread where that is more than the prior
        of_spread = OF_SPREAD**2 * self.statistical * self.replicas
        by_spread = then.below < 0 and self.systematic <= of_spread * (1 + 1e-9)
        systematic = then.systematic * (narrower if by_spread else 1.0)
        return replace(then, statistical=then.statistical * narrower, systematic=systematic)

    def steps(self, highest: int, batch: int, gain: float = EXPECTED) -> Iterator[tuple[int, Standing]]:
        """What could be done with `batch` more replicas, up to the level `highest`: their level, and how it would stand
        then, with errors of a level that are `gain` times those of the one before.

        No finer level while nothing tells the spread: one replica of each says as little as one of the first.
        """
        last = self.level == highest
        if self.below >= 0 and (last or self.below_replicas < ENOUGH):  # noise of the mean that tells the bias
            more = self.below_replicas + batch
            less = self.coarser * batch / more
            systematic, coarser = self.systematic - less, self.coarser - less
            then = replace(self, below_replicas=more, systematic=systematic, coarser=coarser)
            yield self.below, self._known(then)
        # memory may not suffice for one more of a level that it sufficed for
        if last or (self.level < highest and self.replicas < ENOUGH):
            more = self.replicas + batch
            then = replace(self, replicas=more, statistical=self.statistical * self.replicas / more)
            yield self.level, self._known(then)
        if self.level < highest and np.isfinite(self.statistical):
            systematic = gain**2 * self.systematic
            then = Standing(
                self.name,
                self.level + 1,
                batch,
                self.level,
                self.replicas,
                gain**2 * self.statistical * self.replicas / batch,
                systematic,
                min(self.statistical, systematic),
            )
            yield self.level + 1, self._known(then)
