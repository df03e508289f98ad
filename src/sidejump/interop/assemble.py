"""From hops between orbitals to a lattice model, in as many dimensions as are periodic.

Neighbouring programs differ in what they call a hop; all are brought to ``<m 0|H|n R>``, the amplitude from orbital n
in cell R to orbital m at home, each listed with its Hermitian conjugate.  Their phase conventions do not matter: both
are sums over the same hops, with or without the positions of the orbitals in the phase; here these are always in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError

_FLAT = 1e-9  # of the longest lattice vector


class Crystal(NamedTuple):
    """What the hops refer to.

    Attributes
    ----------
    cell : ndarray, shape (n, d)
        Lattice vectors as rows, angstrom; some may only span the space.
    sites : ndarray, shape (N, d)
        Of the orbitals, Cartesian, angstrom.
    periodic : sequence of int
        Which lattice vectors the crystal repeats along.
    source : str
        For messages.
    """

    cell: np.ndarray
    sites: np.ndarray
    periodic: Sequence[int]
    source: str


def summed(n: int, vectors, rows, columns, values) -> tuple[np.ndarray, np.ndarray]:
    """Matrices of single elements; those given several times are added.

    Parameters
    ----------
    n : int
        Number of orbitals.
    vectors : array of int, shape (nh, d)
    rows, columns : array of int, shape (nh,)
    values : array, shape (nh,)

    Returns
    -------
    vectors : ndarray of int, shape (nR, d)
        All different; R = 0 and, with R, -R among them.
    matrices : ndarray, shape (nR, n, n)
    """
    given = np.asarray(vectors, dtype=int)
    home = np.zeros((1, given.shape[1]), dtype=int)
    unique = np.unique(np.concatenate([home, given, -given]), axis=0)
    index = {tuple(r): i for i, r in enumerate(unique.tolist())}
    place = np.array([index[tuple(r)] for r in given.tolist()], dtype=int)
    matrices = np.zeros((len(unique), n, n), dtype=complex)
    np.add.at(matrices, (place, rows, columns), values)
    return unique, matrices


def with_adjoints(vectors, matrices) -> np.ndarray:
    """H(R) + H(-R)^+ of matrices that hold one hop of each pair of conjugates; `vectors` as `summed` gives them."""
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    partner = [index[tuple(r)] for r in (-vectors).tolist()]
    return matrices + matrices[partner].conj().swapaxes(1, 2)


def lattice_model(crystal: Crystal, vectors, hoppings, *, positions=None, spin=None, spin_matrices=None):
    """The model of a crystal that repeats along two or three lattice vectors.

    Parameters
    ----------
    crystal : Crystal
    vectors : array of int, shape (nR, n)
        In units of all lattice vectors of the crystal.
    hoppings : array, shape (nR, N, N)
        eV.
    positions : array, shape (nR, d, N, N), optional
        ``<m 0|r|n R>``, angstrom.
    spin : array, shape (3, N, N), optional
    spin_matrices : array, shape (nR, 3, N, N), optional
        Pauli matrices where they are not constant.

    Returns
    -------
    LatticeModel

    Raises
    ------
    InputError
        If the crystal repeats along another number of directions, these do not span the xy plane of a layer, or hops
        lead out of it.
    """
    cell, vectors = np.asarray(crystal.cell, dtype=float), np.asarray(vectors, dtype=int)
    along = [int(i) for i in crystal.periodic]
    d = len(along)
    if d not in (2, 3):
        raise InputError(f"{crystal.source}: repeats along {d} directions; a run needs a crystal of 2 or 3")
    sites = np.asarray(crystal.sites, dtype=float)
    if d < cell.shape[1]:
        _require_flat(cell, along, crystal.source)
    across = np.any(np.delete(vectors, along, axis=1) != 0, axis=1)
    if np.any(np.abs(hoppings[across]) > 0):
        raise InputError(f"{crystal.source}: hops along a direction in which it does not repeat")
    inside = ~across
    vectors = vectors[inside][:, along]

    def made(matrices, **more):
        return LatticeModel(cell[along][:, :d], vectors, matrices[inside], sites=sites[:, :d], **more)

    try:
        model = made(hoppings, positions=None if positions is None else positions[inside][:, :d], spin=spin)
    except InputError as error:
        raise InputError(f"{crystal.source}: {error}") from None
    if spin_matrices is not None:
        model.spin_models = tuple(made(spin_matrices[:, i]) for i in range(3))
    return model


def _require_flat(cell, along, source: str) -> None:
    height = np.abs(cell[along][:, 2:]).max()
    if height > _FLAT * np.linalg.norm(cell, axis=1).max():
        raise InputError(
            f"{source}: repeats along two directions that rise out of the xy plane by {height:.2g} angstrom; turn the "
            "cell so that the layer lies in that plane"
        )
