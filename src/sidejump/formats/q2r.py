"""Force constants from the file of Quantum ESPRESSO's `q2r.x`, plain or XML (`ifc.q2r`, `ifc.q2r.xml`).

EPW run with `lifc = .true.` leaves its own force constants zero and takes these.  The file holds, in Ry/bohr^2, the
constants modulo the supercell of the q mesh, dipole part taken out, between atom a in cell R and atom b at home; here
they become C_ab(-R), at the images with ``|R + tau_b - tau_a|`` least, as in `matdyn.x`.

Whether there was a dipole part to take out, and with which Ewald parameter, is in the file: Quantum ESPRESSO 7.4 and
newer write the parameter, in (2 pi/alat)^2, behind the flag of a plain file and as `alpha_ewald` into XML; it was 1.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from ..files import plain_name, read_bytes, reader, text_size
from ..text_numbers import counts, floats, integers
from ..units import BOHR
from ..wannier import rydberg
from ..wannier.images import mesh_class, minimal_images
from .files import read_whole_text

_SMALLEST = 1e-8  # Ewald parameter; less means that the file holds none, as in matdyn.x
_LENGTH, _MASS, _CHARGE = 1e-3, 1e-3, 1e-2  # angstrom, relative, e: more than the digits of the files can explain


@dataclass(frozen=True)
class ForceConstants:
    """What a file of q2r.x holds; None for what a short one leaves out.

    Attributes
    ----------
    mesh : tuple of 3 int
    folded : ndarray, shape (N, nat, nat, 3, 3)
        Ry/bohr^2, by cell of the mesh, atom a, atom b, and direction.
    polar : bool or None
        Whether a dipole part was taken out.
    ewald : float or None
        Its Ewald parameter, (2 pi/alat)^2, where the file holds one.
    xml : bool
    born_charges, dielectric : ndarray or None
        As in `phonons.Phonons`.
    alat : float or None
        Bohr.
    cell, positions : ndarray or None
        In alat.
    masses : ndarray or None
        Electron masses, of each atom.
    """

    mesh: tuple[int, int, int]
    folded: np.ndarray
    polar: bool | None
    ewald: float | None
    xml: bool
    born_charges: np.ndarray | None = None
    dielectric: np.ndarray | None = None
    alat: float | None = None
    cell: np.ndarray | None = None
    positions: np.ndarray | None = None
    masses: np.ndarray | None = None

    @property
    def alpha(self) -> float:
        """Ewald parameter, (2 pi/alat)^2."""
        return 1.0 if self.ewald is None else self.ewald

    def at_images(self, cell, positions) -> tuple[np.ndarray, np.ndarray]:
        """Lattice vectors (nR, 3) and C(R) (nR, 3 nat, 3 nat), eV/angstrom^2, for a crystal in angstrom."""
        nat = len(positions)
        index: dict[tuple, int] = {}
        entries = []
        for a, b in itertools.product(range(nat), repeat=2):
            vectors, ties = minimal_images(cell, self.mesh, positions[b] - positions[a])
            rows = [index.setdefault(tuple(r), len(index)) for r in vectors.tolist()]
            entries.append((a, b, rows, self.folded[mesh_class(-vectors, self.mesh), a, b] / ties[:, None, None]))
        constants = np.zeros((len(index), nat, 3, nat, 3))
        for a, b, rows, values in entries:
            constants[rows, a, :, b, :] = values
        return np.array(list(index)), constants.reshape(len(index), 3 * nat, 3 * nat) * rydberg.FORCE_CONSTANT

    def contradictions(self, cell, positions, masses, alat, born_charges, dielectric) -> list[str]:
        """What the file says otherwise of the crystal, with its size, in words (angstrom, electron masses)."""
        found = []
        if self.alat is not None:
            own = self.alat * BOHR
            if abs(own / alat - 1) > _LENGTH / alat:
                found.append(f"alat is {own:.6g} instead of {alat:.6g} angstrom")
            pairs = (("lattice vectors", self.cell, cell), ("positions of the atoms", self.positions, positions))
            for name, mine, theirs in pairs:
                apart = 0.0 if mine is None else float(np.abs(mine * own - theirs).max())
                if apart > _LENGTH:
                    found.append(f"{name} differ by {apart:.2g} angstrom")
        if self.masses is not None:
            apart = float(np.abs(self.masses / masses - 1).max())
            if apart > _MASS:
                found.append(f"masses differ by {100 * apart:.2g} %")
        if self.polar and self.born_charges is not None and np.abs(born_charges).max() > 0:
            for name, mine, theirs in (
                ("Born charges", self.born_charges, born_charges),
                ("dielectric tensors", self.dielectric, dielectric),
            ):
                apart = float(np.abs(mine - theirs).max())
                if apart > _CHARGE * max(1.0, float(np.abs(theirs).max())):
                    found.append(f"{name} differ by {apart:.2g}")
        return found


def read_q2r(file, cell, positions, q_mesh) -> tuple[np.ndarray, np.ndarray]:
    """Lattice vectors (nR, 3) and C(R) (nR, 3 nat, 3 nat), eV/angstrom^2.

    Parameters
    ----------
    file : path
        ``.xml``, or plain, either with ``.gz``.
    cell, positions : array
        Of the crystal that the constants must belong to, angstrom.
    q_mesh : sequence of 3 int
        Mesh that the file must have.

    Raises
    ------
    InputError
        If the file is damaged or of another crystal or mesh.
    """
    return read_force_constants(file, len(positions), q_mesh).at_images(cell, positions)


@reader("a force-constant file of q2r.x")
def read_force_constants(file, nat: int, q_mesh) -> ForceConstants:
    """Read a file of q2r.x for `nat` atoms and this mesh; see `read_q2r`."""
    path = Path(file)
    mesh = tuple(int(n) for n in q_mesh)
    return (_parse_xml if plain_name(path).endswith(".xml") else _parse_plain)(path, nat, mesh)


def _require_crystal(path, n_atoms: int, nat: int) -> None:
    if n_atoms != nat:
        raise InputError(f"{path}: has {n_atoms} atoms, crystal.fmt {nat}; use files of one run")


def _require_mesh(path, words, q_mesh) -> None:
    """Compare the mesh, before room is made for its points."""
    mesh = tuple(counts(words, ("the first number of the mesh", "the second", "the third")))
    if mesh != q_mesh:
        raise InputError(
            f"{path}: has a mesh of {list(mesh)}, the coupling one of {list(q_mesh)}; use files of one run"
        )


def _longest_text(nat: int, mesh) -> float:
    """Bytes: for each pair of directions and atoms five numbers a cell; XML has as many words for its elements."""
    return text_size(100 * nat + 12 * 9 * nat**2 * (math.prod(mesh) + 1))


def _ewald(words) -> float | None:
    """The Ewald parameter that words hold; None where they hold none."""
    alpha = float(floats(words[:1])[0]) if len(words) else 0.0
    return alpha if alpha >= _SMALLEST else None


def _parse_plain(path, nat, q_mesh) -> ForceConstants:
    lines = read_whole_text(path, _longest_text(nat, q_mesh)).splitlines()
    tokens = [word for line in lines for word in line.split()]
    n_types, n_atoms = counts(tokens, ("the number of types", "the number of atoms"))
    lattice = int(integers(tokens[2:3])[0])
    _require_crystal(path, n_atoms, nat)
    alat = float(floats(tokens[3:4])[0])
    start, cell = 9, None
    if lattice == 0:
        cell, start = floats(tokens[9:18]).reshape(3, 3), 18
    kinds = []
    for _ in range(min(n_types, nat)):  # number, name between quotes (padded with blanks), mass
        start += 2
        while not tokens[start - 1].endswith("'"):
            start += 1
        kinds.append(tokens[start])
        start += 1
    atoms = floats(tokens[start : start + 5 * nat]).reshape(nat, 5)
    start += 5 * nat
    polar = tokens[start].strip(".").upper().startswith("T")
    ewald = _behind(lines, start)
    start += 1 + len(ewald)
    charges = dielectric = None
    if polar:
        dielectric = floats(tokens[start : start + 9]).reshape(3, 3)
        # the number of the atom, then its tensor, direction of the field first
        charges = floats(tokens[start + 9 : start + 9 + 10 * nat]).reshape(nat, 10)[:, 1:]
        charges = charges.reshape(nat, 3, 3).swapaxes(1, 2)
        start += 9 + 10 * nat
    _require_mesh(path, tokens[start : start + 3], q_mesh)
    return ForceConstants(
        q_mesh,
        _folded(tokens[start + 3 :], nat, q_mesh),
        polar,
        _ewald(ewald) if polar else None,
        False,
        charges,
        dielectric,
        alat,
        cell,
        atoms[:, 2:],
        floats(kinds)[atoms[:, 1].astype(int) - 1] * rydberg.MASS,
    )


def _behind(lines, position: int) -> list[str]:
    """Words that follow the word number `position` on its line."""
    for line in lines:
        words = line.split()
        if position < len(words):
            return words[position + 1 :]
        position -= len(words)
    return []


def _folded(tokens, nat: int, mesh) -> np.ndarray:
    """Constants (N, nat, nat, 3, 3): for each pair of directions and atoms their numbers, then a line for each cell.

    A line holds the cell and the constant; with `write_lr` also the dipole part that was taken out.
    """
    n, pairs = math.prod(mesh), 9 * nat * nat
    width = 5 if len(tokens) == pairs * (4 + 5 * n) else 4
    size = 4 + width * n
    if len(tokens) != pairs * size:
        raise ValueError(f"{pairs * size} numbers expected, {len(tokens)} found")
    body = floats(tokens).reshape(3, 3, nat, nat, size)
    labels = np.moveaxis(np.indices((3, 3, nat, nat)), 0, -1) + 1
    if not np.array_equal(body[..., :4], labels):
        raise ValueError("the numbers of directions and atoms are out of order")
    body = body[..., 4:].reshape(3, 3, nat, nat, n, width)
    cells = body[0, 0, 0, 0, :, :3]
    if not np.all(body[..., :3] == cells):
        raise ValueError("the cells of one pair of atoms are others than those of another")
    rows = mesh_class(cells.astype(int) - 1, mesh)
    if len(np.unique(rows)) != n:
        raise ValueError("a cell of the mesh is missing")
    folded = np.empty((n, nat, nat, 3, 3))
    folded[rows] = body[..., 3].transpose(4, 2, 3, 0, 1)
    return folded


def _parse_xml(path, nat, q_mesh) -> ForceConstants:
    content = read_bytes(path, _longest_text(nat, q_mesh))
    if b"<!" in content.replace(b"<!--", b""):
        raise ValueError("declarations of its own, which q2r.x does not write")
    root = ElementTree.fromstring(content)

    def words(place, name) -> list[str]:
        text = None if place is None else place.findtext(name)
        if text is None:
            raise ValueError(f"no element {name}")
        return text.split()

    def tensors(place, names) -> np.ndarray | None:
        """3 x 3 matrices, last index first; None where there are none."""
        found = [None if place is None else place.findtext(name) for name in names]
        if any(text is None for text in found):
            return None
        return floats(" ".join(str(text) for text in found).split()).reshape(-1, 3, 3)

    geometry, section = root.find("GEOMETRY_INFO"), root.find("INTERATOMIC_FORCE_CONSTANTS")
    medium = root.find("DIELECTRIC_PROPERTIES")
    if geometry is None or section is None:
        raise ValueError("no element GEOMETRY_INFO or INTERATOMIC_FORCE_CONSTANTS")
    _require_crystal(path, counts(words(geometry, "NUMBER_OF_ATOMS"), ["the number of atoms"])[0], nat)
    _require_mesh(path, words(section, "MESH_NQ1_NQ2_NQ3"), q_mesh)
    blocks = {element.tag: element for element in section or ()}
    folded = np.empty((math.prod(q_mesh), nat, nat, 3, 3))
    for a, b in itertools.product(range(nat), repeat=2):
        for cell in itertools.product(*[range(m) for m in q_mesh]):
            name = ".".join(str(x + 1) for x in (a, b, *cell))
            values = floats(words(blocks.pop(f"s_s1_m1_m2_m3.{name}", None), "IFC"))
            # first index fastest
            folded[mesh_class(np.array([cell]), q_mesh)[0], a, b] = values.reshape(3, 3).T
    surplus = [tag for tag in blocks if tag.startswith("s_s1_m1_m2_m3.")]
    if surplus:
        raise ValueError(f"{len(surplus)} force constants more than {nat} atoms and the mesh have, first {surplus[0]}")
    dielectric = tensors(medium, ["EPSILON"])
    charges = tensors(medium, [f"ZSTAR/Z_AT_.{a + 1}" for a in range(nat)])
    dimensions = (geometry.findtext("CELL_DIMENSIONS") or "").split()
    lattice = tensors(geometry, ["AT"])
    atoms = [geometry.find(f"ATOM.{a + 1}") for a in range(nat)]
    return ForceConstants(
        q_mesh,
        folded,
        None if medium is None else charges is not None and dielectric is not None,
        _ewald((section.findtext("alpha_ewald") or "").split()),
        True,
        charges,
        None if dielectric is None else dielectric[0].T,
        float(floats(dimensions[:1])[0]) if dimensions else None,
        None if lattice is None else lattice[0],
        _places(atoms),
        _masses(geometry, atoms),
    )


def _places(atoms) -> np.ndarray | None:
    """Positions, (nat, 3), in alat."""
    if any(atom is None or "TAU" not in atom.attrib for atom in atoms):
        return None
    return floats(" ".join(atom.attrib["TAU"] for atom in atoms).split()).reshape(-1, 3)


def _masses(geometry, atoms) -> np.ndarray | None:
    """Masses, (nat,), in electron masses."""
    if any(atom is None or "INDEX" not in atom.attrib for atom in atoms):
        return None
    texts = [geometry.findtext(f"MASS.{atom.attrib['INDEX'].strip()}") for atom in atoms]
    if any(text is None for text in texts):
        return None
    return floats(" ".join(texts).split()) * rydberg.ATOMIC_MASS
