"""`sidejump symmetrize`: the data of an input file with exact symmetry, as files."""

from __future__ import annotations

from pathlib import Path

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..files import plain_name
from ..formats.recognise import format_of, write_electron_phonon
from ..formats.wannier90_write import write_wannier90
from . import config
from .attributes import plain
from .build import build_electrons
from .convert import check_place, written


def write_files(source: Path, target: Path, *, to: str | None, force: bool, lossy: bool) -> tuple[dict, list[str]]:
    """The data of an input file with exact symmetry, written at `target`; the report of what changed, and warnings.

    Raises
    ------
    InputError
        If the input has no first-principles data, these cannot be symmetrised, or the target cannot be used.
    """
    settings = config.read_input(source)
    section = settings.electrons
    if not hasattr(section, "symmetrize"):
        raise InputError(
            f'{source}: [electrons] model = "{section.model}" is no first-principles data; symmetrize takes wannier90, '
            "epw, perturbo and compact"
        )
    # fields and exchange are of a run, not of the data; spin matrices are those of other Wannier functions
    changes: dict = {name: None for name in _LEFT_OUT if getattr(section, name, None) is not None}
    left_out = [f"{name} of {source} is left out of {target}: {_LEFT_OUT[name]}" for name in changes]
    if getattr(section, "two_dimensional", None):
        changes["two_dimensional"] = False
    if section.model == "wannier90":
        if to is not None:
            raise InputError("--to: the data of a wannier90 input are written as SEEDNAME_tb.dat; leave it out")
        if not plain_name(target).endswith("_tb.dat"):
            raise InputError(f"{target}: give a name that ends in _tb.dat (or _tb.dat.gz), which is what is written")
    folder = section.model != "wannier90" and format_of(target, to) == "epw"
    named = config.files_read(source, settings)
    check_place(target, folder=folder, force=force, inputs=(source, *named))
    electrons = build_electrons(
        section.model_copy(update={"symmetrize": True, **changes}), source.parent, 1e9 * settings.solver.memory
    )
    data = electrons.coupling
    if data is None:
        assert isinstance(electrons.model, LatticeModel)
        model, name = electrons.model, plain_name(Path(getattr(section, "file")))  # noqa: B009

        def write(partial: Path) -> None:
            write_wannier90(model, partial, title=f"symmetrised by sidejump from {name}")
    else:

        def write(partial: Path) -> None:
            write_electron_phonon(data, partial, to=to, lossy=lossy, name=str(source))

    found = written(target, write, folder=folder, force=force, inputs=(source, *named))
    report = {
        name.removeprefix("symmetrize_"): value
        for name, value in electrons.checks.items()
        if name.startswith("symmetrize_")
    }
    return plain(report), [*left_out, *electrons.warnings, *(data.warnings if data is not None else ()), *found]


_OF_A_RUN = "it is of a run, not of the data; give it again in the input that reads them"
_LEFT_OUT = {
    "zeeman": _OF_A_RUN,
    "exchange": _OF_A_RUN,
    "spn": "its matrices are of the Wannier functions before these are changed; say the spin of the orbitals with "
    "spin_ordering in the input that reads the file",
}
"""Keys of an input that do not go into symmetrised data, and why."""
