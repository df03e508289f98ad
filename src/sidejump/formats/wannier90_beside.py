"""Where the orbitals are, for a Hamiltonian without a position matrix: ``SEEDNAME_r.dat``, ``SEEDNAME_centres.xyz``.

``_r.dat`` (``write_rmn``) holds, after a title and the numbers of functions and (from Wannier90 3 on) of lattice
vectors, lines ``R1 R2 R3 m n`` and three complex numbers, ``<m 0|r|n R>`` in angstrom, not divided by the degeneracies,
which are those of ``_hr.dat``.

``_centres.xyz`` (``write_xyz``) holds, after a number and a title, lines ``X x y z`` for the Wannier centres, then the
atoms: the diagonal of r(0) and nothing else of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import find_packed, read_text, reading, text_size
from ..text_numbers import floats
from .hermiticity import judged_position
from .last_number import last_is_whole
from .wannier90_elements import Elements, parse_r
from .win import Win

_NO_PART = "and with it its part of Berry curvature and coordinate shift"


def beside_hamiltonian(
    path: Path, stem: str, elements: Elements, win: Win | None, trust: bool, complete: bool
) -> tuple[np.ndarray | None, list[str]]:
    """``<m 0|r|n R>`` (nR, 3, N, N), angstrom, from a file beside `path`, and what to say of it; None if there is none.

    `elements`: of the Hamiltonian, with the lattice vectors; `complete`: whether its file should have held the position
    matrix.

    Raises
    ------
    InputError
        If such a file is damaged or of another run.
    """
    n, notes = elements.hoppings.shape[1], []
    if complete:
        remedy = "; Wannier90 writes it with write_tb = true"
        notes.append(f"{path}: ends after the Hamiltonian: the position matrix is missing, {_NO_PART}{remedy}")
    matrix = find_packed(path.parent, f"{stem}_r.dat")
    if matrix is not None:
        return _of_matrix(matrix, elements, trust)
    centres = find_packed(path.parent, f"{stem}_centres.xyz")
    if centres is None:
        return None, notes
    if win is not None and win.translated_centres:
        notes.append(
            f"{centres}: not used: {win.path.name} has translate_home_cell = true, which moves centres by lattice "
            "vectors that the Hamiltonian knows nothing of"
        )
        return None, notes
    found = read_centres(centres, n)
    positions = np.zeros((len(elements.vectors), 3, n, n), dtype=complex)
    home = np.flatnonzero(~elements.vectors.any(axis=1))
    positions[home[0]][:, np.arange(n), np.arange(n)] = found.T
    notes = [
        f"{path}: of the position matrix the Wannier centres alone are known, from {centres.name}; Berry curvature and "
        "coordinate shift miss the part of its elements between functions, which a _tb.dat holds (write_tb = true)"
    ]
    return positions, notes


def _of_matrix(file: Path, elements: Elements, trust: bool) -> tuple[np.ndarray, list[str]]:
    notes: list[str] = []
    n = elements.hoppings.shape[1]
    size = text_size(11 * n * n * len(elements.vectors))
    vectors, values = read_elements(
        file, "a position matrix of Wannier90 (_r.dat)", size, lambda text, name: parse_r(text, name, n), notes
    )
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    missing = next((r for r in elements.vectors.tolist() if tuple(r) not in index), None)
    if missing is not None or len(vectors) != len(elements.vectors):
        reason = f"lacks R = {missing}" if missing is not None else f"has {len(vectors)} lattice vectors"
        raise InputError(f"{file}: {reason}, unlike the Hamiltonian; use files of one run")
    values = values[[index[tuple(r)] for r in elements.vectors.tolist()]]
    if elements.degeneracy is not None:
        values = values / elements.degeneracy[:, None, None, None]
    assert elements.cell is not None
    positions, found = judged_position(elements.vectors, values, elements.cell, str(file), trust)
    return positions, notes + found


def read_centres(file, n: int) -> np.ndarray:
    """Wannier centres (n, 3), angstrom, of a ``_centres.xyz``.

    Raises
    ------
    InputError
        If it does not hold as many.
    """
    with reading(file, "a _centres.xyz of Wannier90", "write it again"):
        lines = read_text(file, text_size(4 * (100 * n + 10_000))).splitlines()
        announced = int(lines[0].split()[0])
        rows = [line.split() for line in lines[2:] if line.strip()]
        if len(rows) != announced:
            raise ValueError(f"{len(rows)} lines, its first line announces {announced}")
        centres = [row[1:4] for row in rows if row[0] == "X"]
        if len(centres) != n:
            raise InputError(f"{file}: {len(centres)} Wannier centres, the Hamiltonian has {n} functions")
        return floats([word for row in centres for word in row]).reshape(n, 3)


def read_elements(path: Path, what: str, limit, parse, notes: list[str]):
    """What `parse` makes of the text of a file and its path; doubts about its end are added to `notes`.

    `limit` as in `read_text`.
    """
    with reading(path, what, "write it again"):
        text = read_text(path, limit)
    whole = last_is_whole(text)
    if whole is False:
        raise InputError(
            f"{path}: truncated in its last line, which has no end and is shorter than the others; copy or write it "
            "again"
        )
    with reading(path, what, "write it again"):
        result = parse(text, path)
    if whole is None:
        notes.append(
            f"{path}: its last line has no end, so that its last number may be cut; compare it with the source"
        )
    return result
