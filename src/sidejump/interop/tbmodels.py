"""Models of TBmodels: matrices of half of the lattice vectors, positions in units of these, no units, no spin."""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..bands.spin_order import require_spin_order, spin_matrices
from ..errors import InputError
from .assemble import Crystal, lattice_model, with_adjoints
from .foreign import checked_numbers, checked_unit, read_with, require

_SOURCE = "TBmodels model"


def from_tbmodels(
    model, *, spin_ordering: str | None = None, energy_unit: float = 1.0, length_unit: float = 1.0
) -> LatticeModel:
    """A lattice model from one of TBmodels.

    Parameters
    ----------
    model : tbmodels.Model
        With a unit cell, in two or three dimensions.
    spin_ordering : {"interleaved", "block"}, optional
        How up and down orbitals are ordered, which TBmodels does not know; without it the model has no spin.
    energy_unit, length_unit : float
        What one unit of the model's energies is in eV, and of its lengths in angstrom.

    Returns
    -------
    LatticeModel
        Orbitals on their positions; TBmodels keeps no position matrix between them, not even of Wannier90's files.

    Raises
    ------
    InputError
        If it is no such model, or the order of spins contradicts it.

    Notes
    -----
    ``model.hamilton(k, convention=1)`` is the Hamiltonian of the result at ``k @ reciprocal_cell``; convention 2, which
    is the default there, leaves the positions out of the phases.
    """
    energy, length = checked_unit("energy_unit", energy_unit), checked_unit("length_unit", length_unit)
    require(model, ("hop", "pos", "uc", "size", "dim"), "model of TBmodels")
    if model.uc is None:
        raise InputError(f"{_SOURCE}: has no unit cell (uc); give it one")
    n, d = int(model.size), int(model.dim)
    cell = length * checked_numbers(model.uc, (d, d), "lattice vectors (uc)", _SOURCE)
    sites = checked_numbers(model.pos, (n, d), "positions (pos)", _SOURCE) @ cell
    half = {tuple(int(x) for x in r): energy * _dense(matrix) for r, matrix in model.hop.items()}
    vectors = np.array(sorted({(0,) * d, *half, *[tuple(-x for x in r) for r in half]}))
    matrices = np.stack([half.get(tuple(r), np.zeros((n, n), dtype=complex)) for r in vectors.tolist()])
    matrices = checked_numbers(matrices, (len(vectors), n, n), "hops", _SOURCE, complex)
    hoppings = with_adjoints(vectors, matrices)
    if spin_ordering is not None:
        require_spin_order(spin_ordering, vectors, hoppings, _SOURCE)
    spin = spin_matrices(spin_ordering, n)
    return lattice_model(Crystal(cell, sites, range(d), _SOURCE), vectors, hoppings, spin=spin)


def read_tbmodels(file, *, spin_ordering: str | None = None) -> LatticeModel:
    """A lattice model from the HDF5 file of a model of TBmodels (``model.to_hdf5_file``), eV and angstrom.

    Raises
    ------
    InputError
        If TBmodels is not installed, or the file holds no model of it.
    """
    return read_with(
        "tbmodels.io",
        "a model of TBmodels",
        file,
        lambda tbmodels, name: tbmodels.load(name),
        lambda model: from_tbmodels(model, spin_ordering=spin_ordering),
        "holds no model of TBmodels",
    )


def _dense(matrix) -> np.ndarray:
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=complex)
