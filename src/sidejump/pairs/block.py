"""A block of pairs of points: what two sets of points have between them, before any temperature.

A point has n energies, one where all energies share the points of one surface.  Arrays have the shape (n, n, A, B): for
each energy of the A row points and of the B column points.  The shift has R components: along the d coordinates, then
those of the observables that are asked for (:mod:`sidejump.bands.observables`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..energy.kernel import level_of
from ..interactions.sources import Channel


@dataclass(frozen=True)
class PairChannel:
    """One channel of a block.

    Attributes
    ----------
    strength : (n, n, A, B)    w w' |V|^2
    shift : (R, n, n, A, B)    - w w' Im V* D_a V
    z : (n, n, A, B)
        Variable of the kernel: itself, or in 16 bits as a level of it (:func:`sidejump.energy.kernel.level_of`).
    nearest : float
        The smallest z.
    """

    strength: np.ndarray
    shift: np.ndarray
    z: np.ndarray
    nearest: float


@dataclass(frozen=True)
class Block:
    """Pairs of two sets of points by one source of scattering.

    Attributes
    ----------
    rows, columns : slice
        Of the points.
    source : int
        Which source.
    channels : list of PairChannel
    image : int
        The operation whose images of the column points these are.
    mirrored : bool
        Whether the pairs of the columns with (images of) the rows follow from these.
    sides : (int, int)
        On which side of a gap rows and columns are.
    """

    rows: slice
    columns: slice
    source: int
    channels: list[PairChannel]
    image: int = 0
    mirrored: bool = False
    sides: tuple[int, int] = (0, 0)

    @property
    def nbytes(self) -> int:
        return sum(c.strength.nbytes + c.shift.nbytes + c.z.nbytes for c in self.channels)


def pair_bytes(components: int) -> int:
    """Of one pair and channel, kept as levels: strength, shift of so many components, level."""
    return 4 * (1 + components) + 2


def pair_channels(found: Iterable[Channel], weight, n: int, z_max: float | None) -> list[PairChannel]:
    """Channels between A n and B n states, the energy running fastest, times the `weight` (A n, B n) of pairs, if any.

    Those of states with one energy are kept in single precision, z as a level up to `z_max`, where that is given: to be
    used at many temperatures.
    """

    def by_energy(x):
        if n == 1:
            return x[..., None, None, :, :]
        a, b = (size // n for size in x.shape[-2:])
        return np.ascontiguousarray(np.moveaxis(x.reshape(*x.shape[:-2], a, n, b, n), (-3, -1), (-4, -3)))

    channels = []
    for c in found:
        strength, shift, z = c.strength, c.shift, c.z
        if weight is not None:
            strength, shift = strength * weight, shift * weight
        if z_max is not None:  # one layout, however the channel was made: sums then have one order
            strength, shift = (x.astype(np.float32, order="C", copy=False) for x in (strength, shift))
            z = np.ascontiguousarray(level_of(c.z, z_max))
        channels.append(PairChannel(by_energy(strength), by_energy(shift), by_energy(z), float(c.z.min())))
    return channels


def with_heat(channels: list[PairChannel], rows, columns, d: int) -> list[PairChannel]:
    """The shifts of the heat current after all others: d more rows.

    An event carries the mean of both energies along the coordinate shift.  The electron leaves with one and arrives
    with the other; what a phonon brings or takes it does in the middle (theory, "Heat").

    Parameters
    ----------
    rows, columns : ndarray, shape (A, n), (B, n)
        e - mu, eV.
    """
    mean = 0.5 * (rows.T[:, None, :, None] + columns.T[None, :, None, :])
    return [replace(c, shift=np.concatenate([c.shift, mean * c.shift[:d]])) for c in channels]
