"""Pair geometry: strengths, shifts and kernel variables of all pairs of shell points, in blocks.

Nothing here depends on temperature except through the energies of the shells, so with one shared shell the blocks
are computed once for a whole list of temperatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..bands.states import States, shell_states
from ..energy.kernel import level_of
from ..interactions.polar import Patches
from ..interactions.sources import PairSource
from ..surfaces.closure import closed_velocities
from ..surfaces.components import Components
from ..surfaces.shell import Shell
from .ordering import order_points


def shared_pair_bytes(dimension: int) -> int:
    """Of one pair and channel of a :class:`SharedBlock`: strength, shift, level."""
    return 4 * (1 + dimension) + 2


@dataclass(frozen=True)
class ShellPoints:
    """S points on each of n shells (n = 1: one shared shell).

    Attributes
    ----------
    states : States       S * n states, the shell index running fastest
    sheet : (S,)          label of the sheet (band or contour) of each point
    weight : (S, n)       dS / (|grad e| (2 pi)^d), 1/(eV angstrom^d)
    velocity : (S, n, d)  group velocity, eV angstrom; its sum over every connected piece of a shell is exact
    components : Components or None     the connected pieces
    side : (S,)           which basis of energies the nodes of a point are those of; sheets are on one side each
    """

    states: States
    sheet: np.ndarray
    weight: np.ndarray
    velocity: np.ndarray
    components: Components | None = None
    side: np.ndarray | None = None

    @property
    def count(self) -> int:
        return self.weight.shape[0]

    @property
    def shells(self) -> int:
        return self.weight.shape[1]


def shell_points(
    model, momentum: MomentumTransfer, shell: Shell, k=None, weight=None, *, degeneracy: float, side=None
) -> ShellPoints:
    """States of the points of a shell, or of these points carried to n energies: k (S, n, d), weight (S, n).

    `side`: see :class:`ShellPoints`.
    """
    if k is None:
        k, weight = shell.k[:, None], shell.weight[:, None]
    s, n, d = k.shape
    flat = momentum.first_zone(k.reshape(-1, d))
    states = shell_states(model, flat, np.repeat(shell.band, n), degeneracy)
    velocity = states.velocity.reshape(s, n, d)
    if shell.components is not None:
        velocity = closed_velocities(weight, velocity, shell.components, shell.operations, model.cell)
    return ShellPoints(states, shell.sheet, weight, velocity, shell.components, side)


@dataclass(frozen=True)
class PairBlock:
    """One block of pairs (rows: A points x n shells; columns: B points x n shells), one channel.

    Attributes
    ----------
    rows, columns : slices of the ordered points
    strength : (A, n, B, n)    w w' |V|^2
    shift : (d, A, n, B, n)    - w w' Im V* D_a V
    z : (A, n, B, n)           variable of the kernel
    """

    rows: slice
    columns: slice
    strength: np.ndarray
    shift: np.ndarray
    z: np.ndarray


@dataclass(frozen=True)
class SharedBlock:
    """A block of pairs of one shared shell, compact, to be used again at every temperature.

    Attributes
    ----------
    rows, columns : slices of the ordered points
    channels : list of (strength, shift, level, nearest)
        strength (A, B) float32, ``w w' |V|^2``; shift (d, A, B) float32, ``- w w' Im V* D_a V``; level (A, B)
        uint16, z as a level of :class:`sidejump.energy.kernel.SharedKernel`; nearest, the smallest z.
    """

    rows: slice
    columns: slice
    channels: list[tuple[np.ndarray, np.ndarray, np.ndarray, float]]

    @property
    def nbytes(self) -> int:
        return sum(s.nbytes + r.nbytes + l.nbytes for s, r, l, _ in self.channels)

    def scaled(self, factor: float) -> SharedBlock:
        """The same with all weights times `factor`; in place."""
        for strength, shift, _, _ in self.channels:
            strength *= np.float32(factor)
            shift *= np.float32(factor)
        return self


class PairGeometry:
    """Blocks of pairs within a cutoff in momentum transfer.

    Points are reordered so that a block is compact in k space: `order` maps ordered to original points.
    """

    def __init__(self, points: ShellPoints, momentum: MomentumTransfer, *, block: int, cluster: int = 48):
        n = points.shells
        mid = points.states.k.reshape(points.count, n, -1)[:, n // 2]
        self.ordering = order_points(mid, points.sheet, block=max(4, block // n), cluster=max(1, cluster // n))
        self.order = self.ordering.order
        self.slices = self.ordering.blocks
        self.n, self.count = n, points.count
        self.states = points.states[(self.order[:, None] * n + np.arange(n)).ravel()]
        self.weight = points.weight[self.order]
        self.velocity = points.velocity[self.order]
        self.components = None if points.components is None else points.components.take(self.order)
        self.side = np.zeros(points.count, dtype=int) if points.side is None else points.side[self.order]
        self.momentum = momentum

    def pairs_of_slices(self, q_cut: float, connected=None) -> list[tuple[slice, slice]]:
        """Block pairs on and above the diagonal that may hold a pair with ``|q| <= q_cut``.

        `connected`: pairs of sides between which there is scattering; all, when not given.
        """
        sets = [self._flat(s) for s in self.slices]
        near = np.triu(self.momentum.sets_within(self.states.k, sets, self.states.k, sets, q_cut))
        if connected is not None:
            side = self.side[[s.start for s in self.slices]]
            near &= np.array([[(a, b) in connected for b in side.tolist()] for a in side.tolist()])
        return [(self.slices[i], self.slices[j]) for i, j in zip(*np.nonzero(near), strict=True)]

    def blocks(self, source: PairSource, z_cut: float, connected=None) -> Iterator[PairBlock]:
        """All blocks of a source, channel by channel; `connected`: see :meth:`pairs_of_slices`."""
        n = self.n
        source = source.prepared(self.states, patches=self.patches())
        for rows, columns in self.pairs_of_slices(source.q_cut(z_cut), connected):
            shape = (rows.stop - rows.start, n, columns.stop - columns.start, n)
            ww = self.weight[rows].reshape(-1, 1) * self.weight[columns].reshape(1, -1)
            for channel in source.evaluate(self._flat(rows), self._flat(columns), z_cut):
                yield PairBlock(
                    rows,
                    columns,
                    (channel.strength * ww).reshape(shape),
                    (channel.shift * ww).reshape(-1, *shape),
                    channel.z.reshape(shape),
                )

    def patches(self) -> Patches:
        """The part of its shell that each point stands for."""
        d = self.velocity.shape[-1]
        members = self.states.multiplicity.reshape(self.count, self.n)
        area = self.weight / members * np.linalg.norm(self.velocity, axis=-1) * (2 * np.pi) ** d
        radius = np.sqrt(area / np.pi) if d == 3 else 0.5 * area
        steps = np.linalg.norm(np.diff(self.states.k.reshape(self.count, self.n, d), axis=1), axis=2)
        along = np.concatenate([np.zeros((self.count, 1)), np.cumsum(steps, axis=1)], axis=1)
        point, node = np.divmod(np.arange(self.count * self.n), self.n)
        return Patches(point, radius.ravel(), node, along, np.repeat(self.side, self.n))

    def shared_block(
        self,
        source: PairSource,
        rows: slice,
        columns: slice,
        z_cut: float,
        z_max: float,
        *,
        final: slice | None = None,
    ):
        """One block in compact form, or None when no pair of it is within the cutoff (one shell only).

        `final`: states of the source that the columns stand for, where these are not the states of the points.
        """
        channels = source.evaluate(rows, columns if final is None else final, z_cut)
        if not channels:
            return None
        ww = self.weight[rows].reshape(-1, 1) * self.weight[columns].reshape(1, -1)
        return SharedBlock(
            rows,
            columns,
            [
                (
                    # one layout, however the channel was made: sums then have one order
                    (c.strength * ww).astype(np.float32, order="C"),
                    (c.shift * ww).astype(np.float32, order="C"),
                    np.ascontiguousarray(level_of(c.z, z_max)),
                    float(c.z.min()),
                )
                for c in channels
            ],
        )

    def _flat(self, part: slice) -> slice:
        return slice(part.start * self.n, part.stop * self.n)
