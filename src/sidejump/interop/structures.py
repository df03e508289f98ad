"""Crystals as ASE and pymatgen hold them: lattice vectors, symbols, positions, in angstrom.

Neither program is imported for its objects; ASE reads files.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, SidejumpWarning
from ..notebook import card
from .foreign import checked_numbers, read_with, require

_UNTURNED = {"cif": "CIF", "res": "SHELX", "proteindatabank": "PDB", "eon": "EON"}
"""Formats, by their names in ASE, that hold lengths and angles of the lattice vectors and not how these lie."""


@dataclass(frozen=True)
class Structure:
    """A crystal.

    Attributes
    ----------
    cell : ndarray, shape (3, 3)
        Lattice vectors as rows, angstrom: what `read_wannier90` takes as ``cell`` for a ``_hr.dat``.
    symbols : tuple of str
    positions : ndarray, shape (nat, 3)
        Cartesian, angstrom.
    """

    cell: np.ndarray
    symbols: tuple[str, ...]
    positions: np.ndarray

    @property
    def atoms(self) -> list[tuple[str, np.ndarray]]:
        """Symbol and position of every atom: what `symmetrized` takes as ``atoms``."""
        return list(zip(self.symbols, self.positions, strict=True))

    def _repr_html_(self) -> str:
        return card("Structure", {"cell (angstrom)": self.cell.round(6).tolist(), "atoms": ", ".join(self.symbols)})


def from_ase(atoms) -> Structure:
    """The crystal of an `ase.Atoms`.

    Raises
    ------
    InputError
        If it is none, or its cell spans no volume.
    """
    require(atoms, ("get_cell", "get_positions", "get_chemical_symbols"), "Atoms of ASE")
    return _structure(atoms.get_cell(), atoms.get_chemical_symbols(), atoms.get_positions(), "ASE Atoms")


def from_pymatgen(structure) -> Structure:
    """The crystal of a `pymatgen.core.Structure`.

    Raises
    ------
    InputError
        If it is none, or a site holds several species.
    """
    require(structure, ("lattice", "cart_coords", "sites", "is_ordered"), "Structure of pymatgen")
    if not structure.is_ordered:
        raise InputError("pymatgen Structure: a site holds several species or is partly empty; give an ordered one")
    symbols = [getattr(site.specie, "symbol", str(site.specie)) for site in structure.sites]
    return _structure(structure.lattice.matrix, symbols, structure.cart_coords, "pymatgen Structure")


def read_structure(file) -> Structure:
    """The crystal in a file that ASE reads: POSCAR, CIF, XSF, inputs and outputs of first-principles programs.

    Warns
    -----
    SidejumpWarning
        If the file tells lengths and angles alone, of lattice vectors that are not at right angles: they are laid with
        a along x and b in the xy plane, which need not be how they lie in files of Wannier functions.

    Raises
    ------
    InputError
        If ASE is not installed, or reads no crystal there.
    """

    def load(ase, name):
        atoms = ase.read(name)
        kind = _UNTURNED.get(ase.formats.filetype(name))
        if kind is not None and not atoms.get_cell().orthorhombic:
            warnings.warn(
                f"{name}: a {kind} file tells lengths and angles of the lattice vectors and not how they lie; taken "
                "with a along x and b in the xy plane; tensors and spins of Wannier functions need the axes of their "
                "own run (SEEDNAME.win, POSCAR)",
                SidejumpWarning,
                stacklevel=5,
            )
        return atoms

    return read_with("ase.io", "a structure", file, load, from_ase, "ASE reads no structure there")


def _structure(cell, symbols, positions, source: str) -> Structure:
    cell = checked_numbers(cell, (3, 3), "lattice vectors", source)
    if abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{source}: the lattice vectors span no volume; a crystal repeats along three")
    return Structure(cell, tuple(symbols), checked_numbers(positions, (len(symbols), 3), "positions", source))
