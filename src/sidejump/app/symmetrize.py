"""`symmetrize = true` of an `[electrons]` section: projections and atoms from the input or from SEEDNAME.win; and
`sidejump symmetrize`, which writes what that makes of the data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..files import plain_name, present
from ..formats.win import Win, read_win
from ..symmetrize.symmetrized import symmetrized, symmetry_warnings
from ..wannier.container import ElectronPhonon
from .attributes import plain
from .convert import written


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


def write_files(source: Path, target: Path, *, to: str | None, force: bool, lossy: bool) -> tuple[dict, list[str]]:
    """The data of an input file with exact symmetry, written at `target`; the report of what changed, and warnings.

    Raises
    ------
    InputError
        If the input has no first-principles data, these cannot be symmetrised, or the target cannot be used.
    """
    from ..formats.recognise import write_electron_phonon
    from ..formats.wannier90_write import write_wannier90
    from . import config
    from .build import build_electrons

    settings = config.read_input(source)
    section = settings.electrons
    if not hasattr(section, "symmetrize"):
        raise InputError(
            f'{source}: [electrons] model = "{section.model}" is no first-principles data; symmetrize takes wannier90, '
            "epw, perturbo and compact"
        )
    # fields and exchange are of a run, not of the data
    changes: dict = {name: None for name in ("zeeman", "exchange", "spn") if getattr(section, name, None) is not None}
    if getattr(section, "two_dimensional", None):
        changes["two_dimensional"] = False
    if section.model == "wannier90":
        if to is not None:
            raise InputError("--to: the data of a wannier90 input are written as SEEDNAME_tb.dat; leave it out")
        if not plain_name(target).endswith("_tb.dat"):
            raise InputError(f"{target}: give a name that ends in _tb.dat (or _tb.dat.gz), which is what is written")
    electrons = build_electrons(
        section.model_copy(update={"symmetrize": True, **changes}), source.parent, 1e9 * settings.solver.memory
    )
    data, named = electrons.coupling, config.files_read(source, settings)
    if data is None:
        assert isinstance(electrons.model, LatticeModel)
        model, name = electrons.model, plain_name(Path(getattr(section, "file")))  # noqa: B009

        def write(partial: Path) -> None:
            write_wannier90(model, partial, title=f"symmetrised by sidejump from {name}")
    else:

        def write(partial: Path) -> None:
            write_electron_phonon(data, partial, to=to, lossy=lossy, name=str(source))

    found = written(target, write, force=force, inputs=(source, *named))
    report = {
        name.removeprefix("symmetrize_"): value
        for name, value in electrons.checks.items()
        if name.startswith("symmetrize_")
    }
    return plain(report), [*electrons.warnings, *(data.warnings if data is not None else ()), *found]


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
