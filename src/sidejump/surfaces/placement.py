"""Where exactly the points of a shell lie: what a result must not depend on, and what its spread tells of its error.

The points of one level of refinement can be laid in many ways.  A *replica* is one of them; the mean over replicas is
the value and their spread its statistical error.  A shift of the mesh by a random part of a cell makes every sum over
points that are free of each other unbiased.  A mesh that shares the symmetry of the crystal can only be shifted by half
a cell, and then cells that its planes cut stand for fewer images: two to three times the irreducible points for the
same spacing.  There the number of cells along each axis that symmetry leaves free, and the angle of the three points of
a patch, are the free choices.  Planes of symmetry stay faces of cells in all of these meshes: what that biases falls
with the level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STRETCHES = (0, 1, 2, 3)
"""Cells more along an axis (times what symmetry asks for) before meshes repeat; never fewer than what is asked for."""


@dataclass(frozen=True)
class Placement:
    """One way to lay the points of a level.

    Attributes
    ----------
    shift : tuple of float
        Shift of the mesh, in cells along each axis (3D), or of the points along a contour, in steps (2D, the first).
    stretch : tuple of int
        Meshes with symmetry: cells more along each axis; axes that symmetry exchanges take that of the first of them.
    angle : float
        Of the three points of a patch about its centre, radians.
    turn : tuple of float
        Quaternion that turns the directions of rays.
    """

    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    stretch: tuple[int, int, int] = (0, 0, 0)
    angle: float = 0.0
    turn: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)


FIRST = Placement()
"""The mesh through the origin of the zone."""


def placement(replica: int, seed: int = 0) -> Placement:
    """The placement of a replica; the same on every machine.

    Parameters
    ----------
    replica : int
        From 0.
    seed : int
        Of the study.
    """
    rng = np.random.default_rng([seed, replica])
    shift = rng.random(3)
    angle = 2 * np.pi / 3 * rng.random()
    turn = rng.standard_normal(4)
    return Placement(
        shift=(float(shift[0]), float(shift[1]), float(shift[2])),
        stretch=_stretch(replica),
        angle=float(angle),
        turn=tuple((turn / np.linalg.norm(turn)).tolist()),
    )


def _stretch(replica: int) -> tuple[int, int, int]:
    """All pairs of the first and the last axis in turn, no two of four consecutive replicas alike in the first."""
    n = len(_STRETCHES)
    first = replica % n
    last = (replica + replica // n) % n
    return _STRETCHES[first], _STRETCHES[(first + replica // n**2) % n], _STRETCHES[last]
