"""Force constants from the file of Quantum ESPRESSO's `q2r.x`, plain or XML (`ifc.q2r`, `ifc.q2r.xml`).

EPW run with `lifc = .true.` leaves its own force constants zero and takes these.  The file holds, in Ry/bohr^2, the
constants modulo the supercell of the q mesh, dipole part taken out, between atom a in cell R and atom b at home; here
they become C_ab(-R), at the images with ``|R + tau_b - tau_a|`` least, as in `matdyn.x`.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from ..errors import InputError
from . import rydberg
from .files import read_bytes, read_tokens
from .images import mesh_class, minimal_images


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
    try:
        parse = _parse_xml if path.name.removesuffix(".gz").endswith(".xml") else _parse_plain
        mesh, folded = parse(path, nat)
    except (ValueError, IndexError, ElementTree.ParseError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: truncated or not a force-constant file of q2r.x ({error}); write it again") from None
    if mesh != tuple(q_mesh):
        raise InputError(
            f"{path}: has a mesh of {list(mesh)}, the coupling one of {list(q_mesh)}; use files of one run"
        )
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


def _parse_plain(path, nat):
    """Mesh and the constants (N, nat, nat, 3, 3) by cell of the mesh, atom a, atom b, and direction."""
    tokens = read_tokens(path)
    n_types, n_atoms, lattice = int(tokens[0]), int(tokens[1]), int(tokens[2])
    if n_atoms != nat:
        raise InputError(f"{path}: has {n_atoms} atoms, crystal.fmt {nat}; use files of one run")
    start = 9 + (9 if lattice == 0 else 0)
    for _ in range(n_types):  # number, name between quotes (padded with blanks), mass
        start += 2
        while not tokens[start - 1].endswith("'"):
            start += 1
        start += 1
    start += 5 * nat
    polar = tokens[start].strip(".").upper().startswith("T")
    start += 1 + (9 + 10 * nat if polar else 0)
    mesh = tuple(int(x) for x in tokens[start : start + 3])
    start += 3
    n = int(np.prod(mesh))
    size = 4 + 4 * n
    body = np.array(tokens[start : start + 9 * nat * nat * size], dtype=float)
    if len(body) != 9 * nat * nat * size:
        raise ValueError(f"{9 * nat * nat * size} numbers expected, {len(body)} found")
    body = body.reshape(3, 3, nat, nat, size)[..., 4:].reshape(3, 3, nat, nat, n, 4)
    cells = body[0, 0, 0, 0, :, :3].astype(int) - 1
    folded = np.empty((n, nat, nat, 3, 3))
    folded[mesh_class(cells, mesh)] = body[..., 3].transpose(4, 2, 3, 0, 1)
    return mesh, folded


def _parse_xml(path, nat):
    root = ElementTree.fromstring(read_bytes(path))

    def words(name) -> list[str]:
        text = root.findtext(name)
        if text is None:
            raise ValueError(f"no element {name}")
        return text.split()

    n_atoms = int(words("GEOMETRY_INFO/NUMBER_OF_ATOMS")[0])
    if n_atoms != nat:
        raise InputError(f"{path}: has {n_atoms} atoms, crystal.fmt {nat}; use files of one run")
    section = "INTERATOMIC_FORCE_CONSTANTS"
    mesh = tuple(int(x) for x in words(f"{section}/MESH_NQ1_NQ2_NQ3"))
    folded = np.empty((int(np.prod(mesh)), nat, nat, 3, 3))
    for a, b in itertools.product(range(nat), repeat=2):
        for cell in itertools.product(*[range(m) for m in mesh]):
            name = ".".join(str(x + 1) for x in (a, b, *cell))
            values = np.array(words(f"{section}/s_s1_m1_m2_m3.{name}/IFC"), dtype=float)
            # first index fastest
            folded[mesh_class(np.array([cell]), mesh)[0], a, b] = values.reshape(3, 3).T
    return mesh, folded
