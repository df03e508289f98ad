"""`symmetrize = true` of an `[electrons]` section: projections and atoms from the input or from SEEDNAME.win."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import plain_name, present
from ..formats.win import Win, read_win
from ..symmetrize.symmetrized import symmetrized, symmetry_warnings
from ..wannier.container import ElectronPhonon


def apply(source, section, folder: Path, energy: float | None, spin_ordering: str | None):
    """`source` symmetrised as `section` asks, what to add to the checks of the data, and warnings.

    Raises
    ------
    InputError
        If there are no projections, or they do not fit.
    """
    win = _win(section, folder)
    projections = projections_of(section, folder)
    if projections is None:
        raise InputError(
            '[electrons] symmetrize needs projections = "...", those of the Wannier90 run (or a SEEDNAME.win with '
            "them beside the file)"
        )
    mesh = None if isinstance(source, ElectronPhonon) else section.k_mesh or (win.mesh if win else None)
    result, report = symmetrized(
        source,
        projections=projections,
        magnetisation=section.magnetisation,
        spin_ordering=spin_ordering,
        atoms=listed_atoms(source.cell, section, folder),
        k_mesh=mesh,
        energy=energy,
    )
    # data carries its warnings itself
    warnings = [] if isinstance(source, ElectronPhonon) else symmetry_warnings(report)
    return result, {f"symmetrize_{key}": value for key, value in report.items()}, warnings


def projections_of(section, folder: Path) -> str | None:
    """Projections of the input, or of the ``.win``."""
    win = _win(section, folder)
    return section.projections or (win.projections if win else None)


def listed_atoms(cell, section, folder: Path) -> list | None:
    """Symbol and position (angstrom) of every atom of the ``.win``, None where there is none."""
    win = _win(section, folder)
    if win is None or win.atoms is None:
        return None
    return [(symbol, np.array(row) @ cell if kind == "f" else np.array(row)) for symbol, kind, row in win.atoms]


def _win(section, folder: Path) -> Win | None:
    """The ``.win`` of the run, where there is one."""
    named = getattr(section, "wannier90", None) or (section.file if section.model == "wannier90" else None)
    if named is not None:
        path = folder / named
        stem = plain_name(path).removesuffix("_tb.dat").removesuffix("_hr.dat")
        found = [path.with_name(f"{stem}.win")]
    elif section.model == "epw":
        found = sorted((folder / section.directory).glob("*.win"))
    else:
        found = sorted((folder / section.file).parent.glob("*.win"))
    found = [path for path in found if present(path)]
    return read_win(found[0]) if len(found) == 1 else None
