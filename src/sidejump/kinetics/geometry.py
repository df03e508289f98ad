"""Pair geometry: overlaps, shifts and momentum transfers of all pairs of shell points, in blocks.

Nothing here depends on temperature except through the energies of the shells, so with one shared shell the blocks
are computed once for a whole list of temperatures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from ..electrons.states import States, solve_states
from .momentum import MomentumTransfer, kd_order
from .vertex import pair_vertex


@dataclass(frozen=True)
class ShellPoints:
    """S points on each of n shells (n = 1: one shared shell).

    Attributes
    ----------
    states : States       S * n states, the shell index running fastest
    weight : (S, n)       dS / (|grad e| (2 pi)^d), 1/(eV angstrom^d)
    velocity : (S, n, d)  group velocity, eV angstrom
    """

    states: States
    weight: np.ndarray
    velocity: np.ndarray

    @property
    def count(self) -> int:
        return self.weight.shape[0]

    @property
    def shells(self) -> int:
        return self.weight.shape[1]


def shell_points(model, momentum: MomentumTransfer, k, band, weight, *, degeneracy: float) -> ShellPoints:
    """Solve the states of all points: k (S, n, d), band (S,), weight (S, n)."""
    s, n, d = k.shape
    flat = momentum.first_zone(k.reshape(-1, d))
    states = _chunked_states(model, flat, np.repeat(band, n), degeneracy)
    return ShellPoints(states, weight, states.velocity.reshape(s, n, d))


@dataclass(frozen=True)
class PairBlock:
    """One block of pairs (rows: A points x n shells; columns: B points x n shells).

    Attributes
    ----------
    rows, columns : slices of the ordered points
    strength : (A, n, B, n)    w w' |<u'|W|u>|^2
    shift : (d, A, n, B, n)    - w w' Im V* D_a V
    q : (A, n, B, n)           1/angstrom
    """

    rows: slice
    columns: slice
    strength: np.ndarray
    shift: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class SharedBlock:
    """A block of pairs of one shared shell, compact, to be used again at every temperature.

    Attributes
    ----------
    rows, columns : slices of the ordered points
    strength : (A, B) float32    w w' |<u'|W|u>|^2
    shift : (d, A, B) float32    - w w' Im V* D_a V
    level : (A, B) uint16        |q| as a level of :class:`sidejump.kinetics.kernel.SharedKernel`
    """

    rows: slice
    columns: slice
    strength: np.ndarray
    shift: np.ndarray
    level: np.ndarray


class PairGeometry:
    """Blocks of pairs within a cutoff in momentum transfer.

    Points are reordered so that a block is compact in k space: `order` maps ordered to original points.
    """

    def __init__(self, model, points: ShellPoints, momentum: MomentumTransfer, *, block: int = 128):
        n = points.shells
        leaf = max(4, block // n)
        mid = points.states.k.reshape(points.count, n, -1)[:, n // 2]
        leaves = kd_order(mid, leaf)
        self.order = np.concatenate(leaves)
        bounds = np.cumsum([0] + [len(x) for x in leaves])
        self.slices = [slice(int(a), int(b)) for a, b in pairwise(bounds)]
        self.n, self.count = n, points.count
        flat = (self.order[:, None] * n + np.arange(n)).ravel()
        self.states = _take(points.states, flat)
        self.weight = points.weight[self.order]
        self.velocity = points.velocity[self.order]
        self.momentum = momentum
        self._sites = np.asarray(model.site_positions)
        self._phases = bool(np.ptp(self._sites, axis=0).max() > 1e-9) and len(momentum.images) > 1

    def blocks(self, vertex: np.ndarray, cutoff: float) -> Iterator[PairBlock]:
        """All blocks on and above the diagonal that hold a pair with ``|q| <= cutoff``."""
        for i, rows in enumerate(self.slices):
            for columns in self.slices[i:]:
                block = self.block(rows, columns, vertex, cutoff)
                if block is not None:
                    yield block

    def pairs_of_slices(self):
        return [(rows, columns) for i, rows in enumerate(self.slices) for columns in self.slices[i:]]

    def block(self, rows: slice, columns: slice, vertex, cutoff: float) -> PairBlock | None:
        """One block, or None when no pair of it is within the cutoff."""
        n = self.n
        a, b = (_take(self.states, slice(s.start * n, s.stop * n)) for s in (rows, columns))
        images = self.momentum.nearby_images(a.k, b.k, cutoff)
        if len(images) == 0:
            return None
        q, which = self.momentum.lengths(a.k, b.k, images)
        if q.min() > cutoff:
            return None
        strength, shift = self._vertex(a, b, vertex, images, which)
        shape = (rows.stop - rows.start, n, columns.stop - columns.start, n)
        ww = self.weight[rows].reshape(-1, 1) * self.weight[columns].reshape(1, -1)
        return PairBlock(
            rows, columns, (strength * ww).reshape(shape), (shift * ww).reshape(-1, *shape), q.reshape(shape)
        )

    def _vertex(self, a, b, vertex, images, which):
        if not self._phases:
            return pair_vertex(a, b, vertex)
        strength, shift = None, None
        for index, g in enumerate(images):
            # u(k' + G) = exp(-i G tau) u(k'): Umklapp between orbitals on different sites
            phase = np.exp(-1j * (self._sites @ g))
            moved = replace(b, vectors=b.vectors * phase, covariant=b.covariant * phase)
            s, r = pair_vertex(a, moved, vertex)
            here = which == index
            strength = np.where(here, s, 0.0 if strength is None else strength)
            shift = np.where(here, r, 0.0 if shift is None else shift)
        return strength, shift


def _take(states: States, index) -> States:
    return States(**{name: value[index] for name, value in vars(states).items()})


def _chunked_states(model, k, band, degeneracy, chunk: int = 2048) -> States:
    parts = [
        solve_states(model, k[i : i + chunk], band[i : i + chunk], degeneracy=degeneracy)
        for i in range(0, len(k), chunk)
    ]
    members = max(p.vectors.shape[1] for p in parts)
    columns = {}
    for name in vars(parts[0]):
        arrays = [getattr(p, name) for p in parts]
        if name in ("vectors", "covariant"):
            arrays = [np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, members - x.shape[-2]), (0, 0)]) for x in arrays]
        columns[name] = np.concatenate(arrays)
    return States(**columns)
