"""Force constants from the file of Quantum ESPRESSO's `q2r.x`, plain or XML (`ifc.q2r`, `ifc.q2r.xml`).

EPW run with `lifc = .true.` leaves its own force constants zero and takes these.  The file holds, in Ry/bohr^2, the
constants modulo the supercell of the q mesh, dipole part taken out, between atom a in cell R and atom b at home; here
they become C_ab(-R), at the images with ``|R + tau_b - tau_a|`` least, as in `matdyn.x`.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from ..files import plain_name, read_bytes, reader, text_size
from ..text_numbers import counts, floats, integers
from . import rydberg
from .files import read_whole_text
from .images import mesh_class, minimal_images


@reader("a force-constant file of q2r.x")
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
    path, nat = Path(file), len(positions)
    mesh = tuple(int(n) for n in q_mesh)
    folded = (_parse_xml if plain_name(path).endswith(".xml") else _parse_plain)(path, nat, mesh)
    index: dict[tuple, int] = {}
    entries = []
    for a, b in itertools.product(range(nat), repeat=2):
        vectors, ties = minimal_images(cell, mesh, positions[b] - positions[a])
        rows = [index.setdefault(tuple(r), len(index)) for r in vectors.tolist()]
        entries.append((a, b, rows, folded[mesh_class(-vectors, mesh), a, b] / ties[:, None, None]))
    constants = np.zeros((len(index), nat, 3, nat, 3))
    for a, b, rows, values in entries:
        constants[rows, a, :, b, :] = values
    return np.array(list(index)), constants.reshape(len(index), 3 * nat, 3 * nat) * rydberg.FORCE_CONSTANT


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
    """Bytes: for each pair of directions and atoms four numbers a cell; XML has as many words for its elements."""
    return text_size(100 * nat + 10 * 9 * nat**2 * (math.prod(mesh) + 1))


def _parse_plain(path, nat, q_mesh):
    """Constants (N, nat, nat, 3, 3) by cell of the mesh, atom a, atom b, and direction."""
    tokens = read_whole_text(path, _longest_text(nat, q_mesh)).split()
    n_types, n_atoms = counts(tokens, ("the number of types", "the number of atoms"))
    lattice = int(integers(tokens[2:3])[0])
    _require_crystal(path, n_atoms, nat)
    start = 9 + (9 if lattice == 0 else 0)
    for _ in range(min(n_types, nat)):  # number, name between quotes (padded with blanks), mass
        start += 2
        while not tokens[start - 1].endswith("'"):
            start += 1
        start += 1
    start += 5 * nat
    polar = tokens[start].strip(".").upper().startswith("T")
    start += 1 + (9 + 10 * nat if polar else 0)
    _require_mesh(path, tokens[start : start + 3], q_mesh)
    start += 3
    n = math.prod(q_mesh)
    size = 4 + 4 * n
    body = floats(tokens[start : start + 9 * nat * nat * size])
    if len(body) != 9 * nat * nat * size:
        raise ValueError(f"{9 * nat * nat * size} numbers expected, {len(body)} found")
    body = body.reshape(3, 3, nat, nat, size)[..., 4:].reshape(3, 3, nat, nat, n, 4)
    cells = body[0, 0, 0, 0, :, :3].astype(int) - 1
    folded = np.empty((n, nat, nat, 3, 3))
    folded[mesh_class(cells, q_mesh)] = body[..., 3].transpose(4, 2, 3, 0, 1)
    return folded


def _parse_xml(path, nat, q_mesh):
    content = read_bytes(path, _longest_text(nat, q_mesh))
    if b"<!" in content.replace(b"<!--", b""):
        raise ValueError("declarations of its own, which q2r.x does not write")
    root = ElementTree.fromstring(content)

    def words(place, name) -> list[str]:
        text = None if place is None else place.findtext(name)
        if text is None:
            raise ValueError(f"no element {name}")
        return text.split()

    _require_crystal(path, counts(words(root, "GEOMETRY_INFO/NUMBER_OF_ATOMS"), ["the number of atoms"])[0], nat)
    section = root.find("INTERATOMIC_FORCE_CONSTANTS")
    _require_mesh(path, words(section, "MESH_NQ1_NQ2_NQ3"), q_mesh)
    blocks = {element.tag: element for element in section or ()}
    folded = np.empty((math.prod(q_mesh), nat, nat, 3, 3))
    for a, b in itertools.product(range(nat), repeat=2):
        for cell in itertools.product(*[range(m) for m in q_mesh]):
            name = ".".join(str(x + 1) for x in (a, b, *cell))
            values = floats(words(blocks.get(f"s_s1_m1_m2_m3.{name}"), "IFC"))
            # first index fastest
            folded[mesh_class(np.array([cell]), q_mesh)[0], a, b] = values.reshape(3, 3).T
    return folded
