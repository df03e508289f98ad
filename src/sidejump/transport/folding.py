"""Whether momentum transfers are folded into a smaller zone than that of the crystal."""

from __future__ import annotations

import numpy as np

from ..groups.translations import inner_translation
from ..interactions.point_impurity import PointPairs
from .problem import Problem


def folding_sentences(problem: Problem) -> list[str]:
    """What a reader should know of a cell that is not primitive.

    The potential of a model scatterer has the momentum transfers of the first zone.  In a cell twice as large that is
    half as many, and states that are farther apart do not scatter into one another.  First-principles vertices, and
    impurities that are a matrix on one site, have all of them in any cell.
    """
    if all(source.expensive or isinstance(source, PointPairs) for source in problem.sources):
        return []
    vertices = [v for v in (getattr(s, "vertex", None) for s in problem.scatterers) if isinstance(v, np.ndarray)]
    shift = inner_translation(problem.model, vertices)
    if shift is None:
        return []
    numbers = ", ".join(f"{x:.4g}" for x in np.where(np.abs(shift) < 1e-9, 0.0, shift))
    return [
        f"the cell is not primitive: a shift by ({numbers}) angstrom leaves the crystal as it is and is no lattice "
        "vector; momentum transfers are folded into the first zone of the cell, and scattering farther than that, into "
        "the zone of the primitive cell, is left out: give the primitive cell"
    ]
