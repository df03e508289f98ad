"""Where exactly the points of a shell lie: what a result must not depend on, and what its spread tells of its error.

The points of one level of refinement can be laid in many ways.  A *replica* is one of them; the mean over replicas is
the value and their spread its statistical error.  A shift of the mesh by a random part of a cell makes every sum over
points that are free of each other unbiased.  A mesh that shares the symmetry of the crystal can only be shifted by half
a cell; there cells of slightly different size and the angle of the three points of a patch are the free choices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STRETCHES = (0, 1, -1, 2)
"""Cells more along an axis (times what symmetry asks for), with either shift, before meshes repeat."""


@dataclass(frozen=True)
class Placement:
    """One way to lay the points of a level.

    Attributes
    ----------
    shift : tuple of float
        Shift of the mesh, in cells along each axis (3D), or of the points along a contour, in steps (2D, the first).
    half : bool
        Meshes with symmetry: shifted by half a cell.
    stretch : int
        Meshes with symmetry: cells more along each axis.
    angle : float
        Of the three points of a patch about its centre, radians.
    turn : tuple of float
        Quaternion that turns the directions of rays.
    """

    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)
    half: bool = False
    stretch: int = 0
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
        half=bool(replica % 2),
        stretch=_STRETCHES[replica // 2 % len(_STRETCHES)],
        angle=float(angle),
        turn=tuple((turn / np.linalg.norm(turn)).tolist()),
    )
