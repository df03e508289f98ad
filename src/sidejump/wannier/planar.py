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
    _require_upright(data)
    _require_separate(data)
    model = data.electrons
    inside = model.vectors[:, 2] == 0
    full = position_elements(model)
    planar = LatticeModel(
        model.cell[:2, :2],
        model.vectors[inside, :2],
        model.hoppings[inside],
        None if full is None else full[inside, :2],
        model.site_positions[:, :2],
        model.spin,
    )
    return with_spin_degeneracy(planar, model.spin_degeneracy)


def _require_upright(data) -> None:
    for cell in (data.cell, data.electrons.cell):
        tilt = max(np.abs(cell[2, :2]).max(), np.abs(cell[:2, 2]).max())
        if tilt > _UPRIGHT * np.linalg.norm(cell, axis=1).max():
            raise InputError(
                f"{data.source}: a layer must lie in the xy plane with the third lattice vector along z; here they "
                f"are off by {tilt:.2g} angstrom: turn the cell, or take the vector of the vacuum as the third"
            )


def _require_separate(data) -> None:
    """No element of the Hamiltonian, the position matrix, the force constants or the coupling has R3 != 0."""
    electrons, phonons, coupling = data.electrons, data.phonons, data.coupling_matrix().pairs()
    full = position_elements(electrons)
    parts = [
        ("hopping", electrons.vectors, electrons.hoppings),
        ("element of the position matrix", electrons.vectors, None if full is None else full[:, :2]),
        ("force constant", phonons.vectors, phonons.force_constants),
        ("coupling", coupling.rp_vectors[coupling.rp], coupling.values),
        ("coupling", coupling.re_vectors[coupling.re], coupling.values),
    ]
    for name, vectors, values in parts:
        if values is None:
            continue
        across = np.abs(values[np.asarray(vectors)[:, 2] != 0]).max(initial=0.0)
        if across > 0 and across > _CROSSING * np.abs(values).max():
            raise InputError(
                f"{data.source}: a {name} crosses the boundary of the cell along the third lattice vector, so these "
                "are no data of a single layer: put all atoms of the layer on one side of that boundary, with vacuum "
                "around and one k and q point along the normal"
            )
