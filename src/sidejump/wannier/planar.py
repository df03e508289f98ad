"""Layers: first-principles data of a cell with vacuum, as the two-dimensional crystal that it describes.

Electrons move in the plane of the first two lattice vectors, which is the xy plane; the third lies along the normal and
is that of the vacuum.  Nothing depends on the component of a wave vector along the normal, which is zero:
k = (kx, ky, 0), q = (qx, qy, 0).  Atoms move in all three directions, so that phonons and coupling stay as they are;
the electrons are the elements H(R) and r(R) of the plane, with the two in-plane components of positions.

Not covered: cells in which matrix elements cross the vacuum, be it that images of the layer meet or that the layer lies
across the boundary of the cell.
"""

from __future__ import annotations

import numpy as np

from ..bands.base import with_spin_degeneracy
from ..bands.lattice import LatticeModel
from ..errors import InputError
from .position import position_elements

_UPRIGHT = 1e-6  # of the longest lattice vector
_CROSSING = 1e-6  # of the largest element


def in_space(vectors) -> np.ndarray:
    """In-plane vectors (..., d) as vectors of space (..., 3), those along the normal zero; d = 3: as they are."""
    vectors = np.asarray(vectors)
    missing = 3 - vectors.shape[-1]
    return vectors if missing == 0 else np.concatenate([vectors, np.zeros((*vectors.shape[:-1], missing))], axis=-1)


def planar_electrons(data) -> LatticeModel:
    """The two-dimensional model of the electrons of `data` (an `ElectronPhonon` of a layer).

    Raises
    ------
    InputError
        If the third lattice vector is not the normal of the layer, or matrix elements cross the vacuum.
    """
    _require_upright(data.cell, data.source)
    phonons, coupling = data.phonons, data.coupling_matrix().pairs()
    _require_separate(
        [
            ("force constant", phonons.vectors, phonons.force_constants),
            ("coupling", coupling.rp_vectors[coupling.rp], coupling.values),
            ("coupling", coupling.re_vectors[coupling.re], coupling.values),
        ],
        data.source,
    )
    return planar(data.electrons, data.source)


def planar(model: LatticeModel, source: str) -> LatticeModel:
    """The two-dimensional form of a model of a layer; `source` for messages.

    Raises
    ------
    InputError
        If the third lattice vector is not the normal of the layer, or matrix elements cross the vacuum.
    """
    cell = np.asarray(model.cell)
    _require_upright(cell, source)
    full = position_elements(model)
    _require_separate(
        [
            ("hopping", model.vectors, model.hoppings),
            ("element of the position matrix", model.vectors, None if full is None else full[:, :2]),
        ],
        source,
    )
    inside = model.vectors[:, 2] == 0
    result = LatticeModel(
        cell[:2, :2],
        model.vectors[inside, :2],
        model.hoppings[inside],
        None if full is None else full[inside, :2],
        model.site_positions[:, :2],
        model.spin,
    )
    result.warnings = model.warnings
    if model.spin_models is not None:
        result.spin_models = tuple(planar(each, source) for each in model.spin_models)
    return with_spin_degeneracy(result, model.spin_degeneracy)


def _require_upright(cell, source: str) -> None:
    tilt = max(np.abs(cell[2, :2]).max(), np.abs(cell[:2, 2]).max())
    if tilt > _UPRIGHT * np.linalg.norm(cell, axis=1).max():
        raise InputError(
            f"{source}: a layer must lie in the xy plane with the third lattice vector along z; here they are off by "
            f"{tilt:.2g} angstrom: turn the cell, or take the vector of the vacuum as the third"
        )


def _require_separate(parts, source: str) -> None:
    """No element of `parts` (name, R, values) has R3 != 0."""
    for name, vectors, values in parts:
        if values is None:
            continue
        across = np.abs(values[np.asarray(vectors)[:, 2] != 0]).max(initial=0.0)
        if across > 0 and across > _CROSSING * np.abs(values).max():
            raise InputError(
                f"{source}: a {name} crosses the boundary of the cell along the third lattice vector, so these "
                "are no data of a single layer: put all atoms of the layer on one side of that boundary, with vacuum "
                "around and one k and q point along the normal"
            )
