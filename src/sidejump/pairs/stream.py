"""The pairs of a sample, block by block."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from ..interactions.sources import PairSource
from ..threads import by_threads
from .block import Block
from .near import Task
from .sample import Sample


@dataclass(frozen=True, eq=False)
class PairStream:
    """Blocks of pairs of a sample by some sources.

    Attributes
    ----------
    sample : Sample
    sources : list of PairSource
        Prepared for its states.
    q_max : float
        Longest momentum transfer, 1/angstrom.
    levels : bool
        Whether blocks are compact, see :func:`.block.pair_channels`.
    """

    sample: Sample
    sources: list[PairSource]
    q_max: float
    levels: bool

    def tasks(self, cuts: Sequence[float]) -> list[Task]:
        """Pairs of sets of points that hold pairs of some source up to z of `cuts`."""
        return self.sample.near.tasks(min(self.q_max, max(s.q_cut(z) for s, z in zip(self.sources, cuts, strict=True))))

    def blocks(
        self,
        task: Task,
        cuts: Sequence[float],
        connected: Sequence[Container] | None = None,
        *,
        matrices: bool = False,
    ) -> list[Block]:
        """Those of a task; `connected`: for each source, between which sides of a gap it scatters; `matrices`: see
        :meth:`.Sample.blocks`."""
        z_max = [s.z_max(self.q_max) if self.levels else None for s in self.sources]
        return self.sample.blocks(task, self.sources, cuts, z_max, connected, matrices=matrices)

    def kept(self, cuts: Sequence[float]) -> list[list[Block]]:
        """The blocks of all tasks, to be used again."""
        return by_threads(lambda task: self.blocks(task, cuts), self.tasks(cuts))
