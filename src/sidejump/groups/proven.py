"""Operations whose operator is found, with the signs that it has.

Energies and occupied curvatures tell a sign where the curvature is large; where it vanishes at an energy, as it may in
a gap or outside of the bands, both signs seem to hold. The operator on the orbitals (:mod:`.intertwiner`) is there or
not, whatever is occupied.
"""

from __future__ import annotations

import numpy as np

from .intertwiner import operation_matrix
from .operations import Operations, identity, is_group
from .symmetry import TRIED, sample_points


def proven(model, operations: Operations) -> Operations:
    """Those of some operations for which the model has an operator, without time reversal or with it; the identity
    alone where they are no group."""
    points = sample_points(model, TRIED, np.random.default_rng(0))
    matrices, signs = [], []
    for m in operations.matrices:
        holds = [s for s in (1, -1) if operation_matrix(model, points, s * m, reversal=s < 0) is not None]
        if holds:
            matrices.append(m)
            signs.append(sum(holds))
    found = Operations(np.array(matrices), np.array(signs))
    return found if len(found) and is_group(found) else identity(model.dimension)
