"""Momentum transfers of polar optical phonons between states whose energies do not differ by the phonon's.

The coupling of a polar phonon is S/q^2.  Between the shells of two energy nodes it is needed where the events are,
``e' - e = +-w``; there q^2 has at least the part ``(w/v)^2`` along the velocity.  At the nodes it would be sharp, on
one shell not even integrable, and no polynomial in the energies could follow it.  So between nodes

    Q^2 = q^2 + (w^2 - (e' - e)^2) / u^2

takes its place: it equals q^2 where energy is conserved and is smooth elsewhere.  u is the mean speed between the two
shells, their difference in energy over their distance in k along the carried points: with it Q^2 is
``2 k k' (1 - cos) + (w/u)^2`` in any isotropic band, and never negative.  In a parabolic band u = (|v| + |v'|)/2, which
stands in where the points are not carried.  Between the two sides of a gap the states of one momentum are orthogonal
and nothing diverges: Q is q there.

A point and its image on another node stand for a patch of radius r; in place of 1/Q^2 its mean over the patch is used,
``ln(1 + r^2/Q^2) / r^2`` in three dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 0.25  # of (w/u)^2: where anisotropic bands would make Q^2 smaller, or negative


@dataclass(frozen=True)
class Patches:
    """What the points of a shell stand for.

    Attributes
    ----------
    point : (S,) int       label of the point of each state: the same on every node
    radius : (S,)          of the patch, 1/angstrom
    node : (S,) int        of each state, where points are carried from one node to the others
    along : (points, nodes) way of each point from the first node, 1/angstrom
    side : (S,) int        on which side of a gap each state is
    """

    point: np.ndarray
    radius: np.ndarray
    node: np.ndarray | None = None
    along: np.ndarray | None = None
    side: np.ndarray | None = None

    def __getitem__(self, index) -> Patches:
        node = None if self.node is None else self.node[index]
        side = None if self.side is None else self.side[index]
        return Patches(self.point[index], self.radius[index], node, self.along, side)

    def across(self, other: Patches) -> bool:
        """Whether these states and `other` ones lie on different sides of a gap, where each set lies on one."""
        return self.side is not None and other.side is not None and bool(self.side[0] != other.side[0])


def mean_speed(energy, final_energy, speed, final_speed, initial: Patches | None, final: Patches | None):
    """u of all pairs (P, Q), eV angstrom."""
    mean = 0.5 * (speed[:, None] + final_speed)
    if initial is None or final is None or initial.along is None or initial.node is None:
        return mean
    mine, other = initial.along[initial.point], initial.along[final.point]
    way = np.abs(mine[np.arange(len(mine)), initial.node][:, None] - mine[:, final.node])
    way += np.abs(other[np.arange(len(other)), final.node] - other[:, initial.node].T)
    rise = np.abs(final_energy - energy[:, None])
    apart = (way > 0) & (initial.node[:, None] != final.node)
    return np.where(apart, 2 * rise / np.where(apart, way, 1.0), mean)


def transfer_square(q_square, energy, final_energy, speed, phonon):
    """Q^2 for all pairs (P, Q), 1/angstrom^2; `speed`: :func:`mean_speed`; `phonon`: eV, scalar or (P, Q)."""
    inverse = 1 / np.maximum(speed, 1e-12) ** 2
    excess = (phonon**2 - (final_energy - energy[:, None]) ** 2) * inverse
    return np.maximum(q_square + excess, _LEAST * phonon**2 * inverse)


def averaged_over_patch(square, initial: Patches | None, final: Patches | None, dimension: int):
    """Q^2 with that of a point and its images replaced by the one whose inverse is the mean over the patch."""
    if initial is None or final is None or dimension != 3:
        return square
    i, j = np.nonzero(initial.point[:, None] == final.point)
    if len(i):
        patch = initial.radius[i] * final.radius[j]
        square[i, j] = patch / np.log1p(patch / square[i, j])
    return square
