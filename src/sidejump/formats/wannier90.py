"""Read Wannier90's `_tb.dat` (H and r) or `_hr.dat` (H), with `_r.dat`, `_centres.xyz`, `_wsvec.dat`, plain or packed.

Files of one run tell some things twice, and then both must agree: R of H and of r, the adjoint of every matrix, the
number of functions and the cell of ``SEEDNAME.win``, the order of spins and the symmetry of H.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from ..bands.lattice import LatticeModel
from ..bands.spin_order import require_spin_order, spin_matrices
from ..errors import InputError, SidejumpWarning
from ..files import find_packed, plain_name, present, text_size
from ..wannier.planar import planar
from .hermiticity import judged_hamiltonian, judged_position
from .wannier90_beside import beside_hamiltonian, read_elements
from .wannier90_elements import Elements, announced, parse_hr, parse_tb
from .wannier90_images import parse_wsvec, with_images
from .win import Win, read_win

_SAME_SITE = 0.8  # angstrom: chains of Wannier centres closer than this belong to one atom
_ORIGIN = 0.05  # angstrom: a site this close to the origin is put there
_SAME_CELL = 1e-3  # relative: five printed digits, and any value of the Bohr radius
_NUMBERS_OF_IMAGES = 54  # of an element: indices and 16 translations; Wannier90 keeps 8
_ENDINGS = ("_tb.dat", "_hr.dat")


def read_wannier90(
    file,
    *,
    wsvec=None,
    cell=None,
    spin_ordering: str | None = None,
    two_dimensional: bool = False,
    trust_file: bool = False,
) -> LatticeModel:
    """A lattice model from a Wannier90 file.

    Parameters
    ----------
    file : path
        ``seedname_tb.dat`` or ``seedname_hr.dat``, plain, ``.gz`` or ``.bz2``. Beside a file without a position matrix
        ``seedname_r.dat`` is looked for, then ``seedname_centres.xyz``, which has no more than its diagonal.
    wsvec : path or False, optional
        ``seedname_wsvec.dat``; looked for next to `file` when not given, ignored when False.
    cell : array, shape (3, 3), optional
        Lattice vectors as rows, angstrom. `_hr.dat` does not hold them; ``seedname.win`` beside it is read then.
    spin_ordering : {"interleaved", "block", "quantum_espresso", "vasp", "vasp_before_6.4.3"}, optional
        How up and down Wannier functions are ordered, or the program that made the spinors; without it the model has
        no spin matrices.
    two_dimensional : bool
        The crystal is a layer in the xy plane with vacuum along the third lattice vector: the model is of the plane.
    trust_file : bool
        Read what contradicts itself: matrices that are not Hermitian (their Hermitian part is used), a
        `spin_ordering` that the Hamiltonian speaks against, a ``seedname.win`` of another run.

    Returns
    -------
    LatticeModel
        ``energies(k)`` gives its bands, eV, for k in crystal coordinates; ``warnings`` says what is doubtful, which
        is raised as Python warnings as well.

    Raises
    ------
    InputError
        If a file is missing, truncated, not of this format or contradicts itself.
    """
    model = load_wannier90(file, wsvec=wsvec, cell=cell, spin_ordering=spin_ordering, trust_file=trust_file)
    if two_dimensional:
        model = planar(model, str(file))
    for sentence in model.warnings:
        warnings.warn(sentence, SidejumpWarning, stacklevel=2)
    return model


def load_wannier90(
    file, *, wsvec=None, cell=None, spin_ordering: str | None = None, trust_file: bool = False
) -> LatticeModel:
    """`read_wannier90` without Python warnings, for a caller that hands on ``warnings`` of the model."""
    path = Path(file)
    name = plain_name(path)
    if not name.endswith(_ENDINGS):
        raise InputError(f"{path}: expected a file named SEEDNAME_tb.dat or SEEDNAME_hr.dat (or .gz)")
    stem = name.removesuffix("_tb.dat").removesuffix("_hr.dat")
    win = read_win(beside) if present(beside := path.with_name(f"{stem}.win")) else None
    notes: list[str] = []
    elements, complete = _elements(path, name, notes)
    cell = _cell(path, stem, elements, cell, win, trust_file)
    vectors, hoppings, positions = elements.vectors, elements.hoppings, elements.positions
    hoppings, found = judged_hamiltonian(vectors, hoppings, str(path), trust_file)
    notes += found
    if positions is not None:
        positions, found = judged_position(vectors, positions, cell, str(path), trust_file)
        notes += found
    else:
        positions, found = beside_hamiltonian(path, stem, replace(elements, cell=cell), win, trust_file, complete)
        notes += found
    if wsvec is None:
        wsvec = find_packed(path.parent, f"{stem}_wsvec.dat") or False
        if not wsvec and elements.degeneracy is not None and elements.degeneracy.max() > 1:
            notes += _without_images(path, stem, win)
    if wsvec:
        n, size = hoppings.shape[1], text_size(_NUMBERS_OF_IMAGES * hoppings.size)
        table = read_elements(
            Path(wsvec), "a _wsvec.dat of Wannier90", size, lambda text, _: parse_wsvec(text, n), notes
        )
        vectors, hoppings, positions = with_images(wsvec, table, vectors, hoppings, positions)
        hoppings, found = judged_hamiltonian(vectors, hoppings, str(wsvec), trust_file)
        notes += found
    spin = spin_matrices(spin_ordering, hoppings.shape[1])
    if spin_ordering is not None and not trust_file:
        require_spin_order(spin_ordering, vectors, hoppings, str(path))
    sites = None if positions is None else sites_of(vectors, positions)
    model = LatticeModel(cell, vectors, hoppings, positions, sites, spin)
    model.warnings = tuple(notes)
    model.order = elements.order
    return model


def _elements(path: Path, name: str, notes: list[str]) -> tuple[Elements, bool]:
    """Matrices divided by the degeneracies, and whether the file should hold the position matrix."""
    complete = name.endswith("_tb.dat")
    found = read_elements(
        path,
        "a Wannier90 file",
        lambda head: text_size(announced(head, complete)),
        parse_tb if complete else parse_hr,
        notes,
    )
    if found.degeneracy is None:
        notes.append(f"{path}: holds no degeneracies of its lattice vectors; each is taken to be 1")
        return found, complete
    share = 1 / found.degeneracy[:, None, None]
    positions = None if found.positions is None else found.positions * share[:, None]
    return replace(found, hoppings=found.hoppings * share, positions=positions), complete


def _cell(path: Path, stem: str, elements: Elements, given, win: Win | None, trust: bool) -> np.ndarray:
    """Lattice vectors, and whether the ``.win`` agrees."""
    n = elements.hoppings.shape[1]
    if win is not None and not trust and win.n_functions not in (None, n):
        raise InputError(
            f"{path}: {n} Wannier functions, num_wann = {win.n_functions} in {win.path.name}; use files of one run (or "
            "trust_file = true)"
        )
    if elements.cell is not None:
        if win is not None and not trust and win.has_cell:
            apart = np.abs(win.cell - elements.cell).max()
            if apart > _SAME_CELL * np.abs(elements.cell).max():
                raise InputError(
                    f"{path}: its lattice vectors differ from those of {win.path.name} by {apart:.2g} angstrom; use "
                    "files of one run (or trust_file = true)"
                )
        return elements.cell
    if given is not None:
        return _given_cell(path, given, win, trust)
    if win is None:
        raise InputError(
            f"{path}: holds no lattice vectors; give cell (angstrom; of `sidejump info` --cell), put {stem}.win beside "
            "it, or use the _tb.dat"
        )
    return win.cell


def _given_cell(path: Path, given, win: Win | None, trust: bool) -> np.ndarray:
    """Lattice vectors (3, 3) of the caller, judged as those of a file are."""
    try:
        cell = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        cell = np.zeros(0)
    if cell.shape != (3, 3) or not np.isfinite(cell).all():
        raise InputError(f"{path}: cell = {given!r}: give three lattice vectors of three finite numbers, angstrom")
    if abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{path}: cell: the lattice vectors span no volume")
    if win is not None and win.has_cell and not trust:
        apart = np.abs(win.cell - cell).max()
        if apart > _SAME_CELL * np.abs(cell).max():
            raise InputError(
                f"{path}: cell differs from the lattice vectors of {win.path.name} by {apart:.2g} angstrom; leave it "
                "out (or trust_file = true)"
            )
    return cell


def _without_images(path: Path, stem: str, win: Win | None) -> list[str]:
    """What to say where degeneracies above 1 come without ``_wsvec.dat``: nothing if the run wrote none."""
    if win is not None and win.use_ws_distance is False:
        return []
    return [
        f"{path}: degeneracies above 1 and no {stem}_wsvec.dat: Wannier90 writes one with use_ws_distance = true, its "
        "default, and bands between the points of its mesh are worse without it; copy it from the run, or give "
        "wsvec = false if there is none"
    ]


def sites_of(vectors, positions) -> np.ndarray:
    """Sites of the orbitals: centres chained together (the hybrids of one atom) share their mean."""
    home = int(np.flatnonzero(~vectors.any(axis=1))[0])
    centres = np.einsum("dnn->nd", positions[home]).real
    sites = np.zeros_like(centres)
    label = fcluster(linkage(centres, "single"), _SAME_SITE, "distance") if len(centres) > 1 else np.ones(1)
    for atom in np.unique(label):
        mean = centres[label == atom].mean(axis=0)
        sites[label == atom] = 0.0 if np.linalg.norm(mean) < _ORIGIN else mean
    return sites
