"""Hamiltonians of sisl: orbitals on atoms, eV and angstrom, with or without spin.

H(k) is asked for on the mesh of as many points as there are cells in its supercell: all that it holds, whatever way it
stores spins.  Orthogonal orbitals only: with overlaps the position operator is one of overlaps too.
"""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..bands.spin_order import spin_matrices
from ..errors import InputError
from ..wannier.images import mesh_cells
from .assemble import Crystal, lattice_model
from .foreign import checked_numbers, read_with, require

_SOURCE = "sisl Hamiltonian"
_SMALL = 1e-13  # of the largest element: rounding of the transform


def from_sisl(hamiltonian) -> LatticeModel:
    """A lattice model from a Hamiltonian of sisl.

    Parameters
    ----------
    hamiltonian : sisl.Hamiltonian
        Orthogonal; unpolarized, polarized, noncollinear or with spin-orbit coupling.

    Returns
    -------
    LatticeModel
        Orbitals on their atoms, up next to down, with the spin, where there is one. In as many
        dimensions as it has hops along.

    Raises
    ------
    InputError
        If it is no such Hamiltonian, has overlaps, or is of Nambu spinors.

    Notes
    -----
    ``hamiltonian.Hk(k, gauge="atom")`` is the Hamiltonian of the result at ``k @ reciprocal_cell``; ``"lattice"``, the
    default there, leaves the positions out of the phases. Unpolarized bands are counted once: use
    :func:`.with_spin_degeneracy` if they stand for both spins.
    """
    require(hamiltonian, ("Hk", "geometry", "spin", "orthogonal", "nsc"), "Hamiltonian of sisl")
    if not hamiltonian.orthogonal:
        raise InputError(f"{_SOURCE}: its orbitals overlap; a model needs orthogonal ones, such as Wannier functions")
    if getattr(hamiltonian.spin, "is_nambu", False):
        raise InputError(f"{_SOURCE}: of Nambu spinors; a model is of normal electrons")
    geometry = hamiltonian.geometry
    cell = checked_numbers(geometry.cell, (3, 3), "lattice vectors", _SOURCE)
    n = int(geometry.no)
    sites = checked_numbers(geometry.axyz(geometry.o2a(np.arange(n))), (n, 3), "positions", _SOURCE)
    mesh = tuple(int(x) for x in hamiltonian.nsc)
    cells = mesh_cells(mesh)
    on_mesh = np.stack([_matrix(hamiltonian, k) for k in cells / np.asarray(mesh)])
    vectors = np.where(cells > np.asarray(mesh) // 2, cells - np.asarray(mesh), cells)
    phase = np.exp(-2j * np.pi * (vectors @ (cells / np.asarray(mesh)).T))
    hoppings = np.tensordot(phase, on_mesh, axes=1) / len(cells)
    hoppings[np.abs(hoppings) < _SMALL * np.abs(hoppings).max()] = 0
    spinful = hoppings.shape[1] == 2 * n
    along = [i for i in range(3) if np.any(hoppings[vectors[:, i] != 0])]
    crystal = Crystal(cell, np.repeat(sites, 2 if spinful else 1, axis=0), along, _SOURCE)
    return lattice_model(crystal, vectors, hoppings, spin=spin_matrices("interleaved", 2 * n) if spinful else None)


def _matrix(hamiltonian, k) -> np.ndarray:
    """H(k) without the positions in the phases; the channels of a collinear magnet up next to down."""
    if not hamiltonian.spin.is_polarized:
        return hamiltonian.Hk(k, gauge="lattice", format="array")
    channels = [hamiltonian.Hk(k, gauge="lattice", format="array", spin=i) for i in range(2)]
    whole = np.zeros((2 * len(channels[0]),) * 2, dtype=complex)
    for i, channel in enumerate(channels):
        whole[i::2, i::2] = channel
    return whole


def read_sisl(file) -> LatticeModel:
    """A lattice model from a file that sisl reads a Hamiltonian from: of Siesta, of Wannier90, its own.

    Raises
    ------
    InputError
        If sisl is not installed, or reads no Hamiltonian there.
    """
    return read_with(
        "sisl",
        "what sisl reads",
        file,
        lambda sisl, name: sisl.get_sile(name).read_hamiltonian(),
        from_sisl,
        "sisl reads no Hamiltonian there",
    )
