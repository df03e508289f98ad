"""Momentum transfers of polar optical phonons between states whose energies do not differ by the phonon's.

The coupling of a polar phonon is S/q^2.  Between the shells of two energy nodes it is needed where the events are,
``e' - e = +-w``; there q^2 has at least the part ``(w/v)^2`` along the velocity.  At the nodes it would be sharp, on
one shell not even integrable, and no polynomial in the energies could follow it.  So between nodes

    Q^2 = q^2 + (w^2 - (e' - e)^2) / u^2,       u = (|v| + |v'|)/2,

takes its place: it equals q^2 where energy is conserved and is smooth elsewhere.  For a parabolic band it is
``2 k k' (1 - cos) + (w/u)^2`` exactly.

A point and its image on another node stand for a patch of radius r; in place of 1/Q^2 its mean over the patch is used,
``ln(1 + r^2/Q^2) / r^2`` in three dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST = 0.25  # of (w/u)^2: where bands that are not parabolic would make Q^2 smaller, or negative


@dataclass(frozen=True)
class Patches:
    """What the points of a shell stand for.

    Attributes
    ----------
    point : (S,) int       label of the point of each state: the same on every node
    radius : (S,)          of the patch, 1/angstrom
    """

    point: np.ndarray
    radius: np.ndarray

    def __getitem__(self, index) -> Patches:
        return Patches(self.point[index], self.radius[index])


def transfer_square(q_square, energy, final_energy, speed, final_speed, phonon):
    """Q^2 for all pairs (P, Q), 1/angstrom^2; `phonon`: energy in eV, scalar or (P, Q)."""
    mean = 0.5 * (speed[:, None] + final_speed)
    inverse = 1 / np.maximum(mean, 1e-12) ** 2
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
