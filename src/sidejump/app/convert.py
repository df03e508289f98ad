"""`sidejump info` and `sidejump convert`: what a file of first-principles data holds, and another form of it."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import InputError, SidejumpWarning
from ..files import plain_name, require_regular
from ..files import reading as sound
from ..outputs import FIGURES, check_target
from .attributes import plain
from .claim import claim
from .terminal import printable

_DIGITS = 6


def reading_keys(two_dimensional: bool | None, long_range: str | None, epw_version: str | None, trust_file: bool):
    """Keys of the readers that the command line gives, by name."""
    keys = {"two_dimensional": two_dimensional, "long_range": long_range, "epw_version": epw_version}
    return {name: value for name, value in keys.items() if value is not None} | (
        {"trust_file": True} if trust_file else {}
    )


def lattice_vectors(text: str) -> np.ndarray:
    """Three rows of three numbers, angstrom, ``"2.87 0 0; 0 2.87 0; 0 0 2.87"``.

    Raises
    ------
    InputError
        If they are not.
    """
    try:
        return np.array([[float(word) for word in row.split()] for row in text.split(";")]).reshape(3, 3)
    except ValueError:
        raise InputError(
            f'--cell "{text}": give three lattice vectors in angstrom, as "2.87 0 0; 0 2.87 0; 0 0 2.87"'
        ) from None


def describe(
    path: Path, *, figure: Path | None = None, force: bool = False, reading: dict | None = None, cell: str | None = None
) -> dict:
    """Plain description of a file or directory; the decay of H, force constants and coupling as a figure.

    `cell`: lattice vectors of a Hamiltonian of Wannier90 that has none, as :func:`lattice_vectors` takes them.

    Raises
    ------
    InputError
        If the path holds nothing that can be read, or the figure cannot be written.
    """
    from . import companions, contents

    if contents.is_ours(path):
        for option, given in (
            ("--figure", figure),
            ("--cell", cell),
            *((f"--{name.replace('_', '-')}", 1) for name in reading or ()),
        ):
            if given is not None:
                raise InputError(f"{option}: has no meaning for what this program has computed; leave it out")
        return plain(contents.describe(path))
    if path.suffix == ".toml" and path.is_file():
        raise InputError(
            f"{path}: is an input file; `sidejump run` computes it, `sidejump check` tries it, `sidejump info` "
            "takes the data that it names"
        )
    from ..formats import info
    from ..formats.recognise import read_electron_phonon

    if (whole := companions.whole_of(path)) is not None:
        rest = describe(whole[0], figure=figure, force=force, reading=reading, cell=cell)
        return {"file": f"{path}: {whole[1]}"} | rest
    if (table := companions.describe(path)) is not None:
        return plain(table)
    if path.is_dir():
        companions.require_epw(path)
    electrons_only = plain_name(path).endswith(("_tb.dat", "_hr.dat"))
    if figure is not None:
        check_target(figure, force=force, endings=FIGURES, inputs=(path,))
        if electrons_only:
            raise InputError(f"{path}: holds no phonons whose decay could be drawn; leave --figure out")
    if cell is not None and not electrons_only:
        raise InputError(f"--cell: {path} has lattice vectors of its own; leave it out")
    source = path if electrons_only else read_electron_phonon(path, **(reading or {}))
    with sound(path, "a set of sound numbers"):
        report = info.describe(source, cell=None if cell is None else lattice_vectors(cell))
    report.pop("decay", None)
    if figure is not None:
        from ..plot.decay import decay_figure

        with _beside(figure) as partial:
            decay_figure(source, partial)  # type: ignore[arg-type]
    return plain(report)


def convert(source: Path, target: Path, *, to: str | None = None, force: bool = False, **options) -> list[str]:
    """Write `source` in another format; `target` appears whole or not at all. Returns what was lost, in sentences.

    Raises
    ------
    InputError
        If source or target cannot be used.
    """
    from ..formats.recognise import convert as write
    from ..formats.recognise import format_of
    from .contents import require_data

    if not source.is_dir():
        require_regular(source, "no such file or directory")
    require_data(source)
    if target.exists() and target.resolve() == source.resolve():
        raise InputError(f"{target}: source and target are the same; give another target")
    given = {name: value for name, value in options.items() if value is not None}
    folder = format_of(target, to) == "epw"
    return written(
        target, lambda partial: write(source, partial, to=to, **given), folder=folder, force=force, inputs=(source,)
    )


def written(
    target: Path, write: Callable[[Path], object], *, folder: bool, force: bool, inputs: tuple[Path, ...]
) -> list[str]:
    """What `write` makes, a file or a `folder` of them, at `target`, whole or not at all; its warnings.

    Raises
    ------
    InputError
        As :func:`check_place` does.
    """
    check_place(target, folder=folder, force=force, inputs=inputs)
    target = Path(os.path.abspath(target))  # "." has no name to put a lock beside
    with claim(target), _beside(target) as partial, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SidejumpWarning)
        write(partial)
    return [str(w.message) for w in caught if issubclass(w.category, SidejumpWarning)]


def check_place(target: Path, *, folder: bool, force: bool, inputs: tuple[Path, ...]) -> None:
    """Refuse a target, a file or a `folder` of files, before any work.

    Raises
    ------
    InputError
        If it cannot be used: it is one of the `inputs`, or there and not to be replaced, or there and of another kind.
    """
    if folder and target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file, and files of EPW go to a directory; give another name")
    if folder and not os.path.basename(os.path.abspath(target)):
        raise InputError(f"{target}: is the root of all directories; name one in it")
    if folder and target.is_dir():
        if any(target.iterdir()) and not force:
            raise InputError(f"{target} is not empty: give --force to replace files in it, or another name")
        if not os.access(target, os.W_OK):
            raise InputError(f"{target}: cannot be written (permission denied); give another name")
    else:
        check_target(target, force=force, inputs=tuple(path for path in inputs if path.is_file()))


class _beside:
    """A place of the same name in a folder of its own next to `target`, moved there when all has gone well."""

    def __init__(self, target: Path):
        self.target = target

    def __enter__(self) -> Path:
        self.folder = tempfile.TemporaryDirectory(prefix=".sidejump-", dir=self.target.parent)
        return Path(self.folder.name) / self.target.name

    def __exit__(self, kind, error, trace) -> None:
        partial = Path(self.folder.name) / self.target.name
        try:
            if kind is None and partial.is_dir():
                self.target.mkdir(exist_ok=True)
                for file in partial.iterdir():
                    os.replace(file, self.target / file.name)
            elif kind is None:
                os.replace(partial, self.target)
        finally:
            self.folder.cleanup()


def text(report: dict) -> str:
    """A description for people: one key a line, units at the end of its name."""
    lines = []
    for key, value in report.items():
        if key == "warnings":
            continue
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [f"  {name}: {_shown(item)}" for name, item in value.items()]
        elif isinstance(value, list) and value and (isinstance(value[0], (dict, list)) or _has_sentences(value)):
            lines.append(f"{key}:")
            lines += [f"  {_shown(item)}" for item in value]
        else:
            lines.append(f"{key}: {_shown(value)}")
    return "\n".join(lines) + "\n"


def _has_sentences(values: list) -> bool:
    return any(isinstance(value, str) and " " in value for value in values)


def _shown(value) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.{_DIGITS}g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(item)}" for name, item in value.items())
    if isinstance(value, list):
        return "  ".join(_shown(item) for item in value)
    return printable(str(value))


def as_json(report: dict) -> str:
    """A description for programs."""
    return json.dumps(report, indent=2) + "\n"
