"""Read and check an input file; every mistake becomes one sentence."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from .. import files
from ..errors import InputError
from . import schema
from .sentences import first_sentence

_LARGEST = 1e8  # bytes of an input file: no more is ever read of one


def read_input(path) -> schema.RunInput:
    """Parse and validate a TOML file.

    Raises
    ------
    InputError
        If the file is missing, not TOML, or does not follow the schema.
    """
    return validate(parse(read_text(path), path), str(path))


def read_text(path) -> str:
    """Content of an input file, as it was written.

    In UTF-8, as TOML is; Latin-1 and UTF-16 with a byte-order mark, as some editors save it, are read as well.

    Raises
    ------
    InputError
        If there is no such file or it is not text.
    """
    return files.read_text(path, limit=_LARGEST, missing="no such file; `sidejump init` writes one to start from")


def files_read(path, settings: schema.RunInput) -> list[Path]:
    """The input file `path` and every file its `[electrons]` section names or finds beside those; existing ones."""
    folder, section = Path(path).parent, settings.electrons
    found = [Path(path)]
    for key in ("file", "file_down", "wsvec", "wannier90", "phonons", "spn", "directory", "directory_down"):
        name = getattr(section, key, None)
        if not name:
            continue
        named = folder / name
        if key.startswith("directory"):
            found += named.rglob("*")
            continue
        stem = files.plain_name(named).removesuffix("_tb.dat").removesuffix("_hr.dat")
        beside = ("_wsvec.dat", "_r.dat", "_centres.xyz")
        ends = (*(f"{name}{packing}" for name in beside for packing in ("", *files.PACKED)), ".win")
        found += [named, *(named.with_name(stem + end) for end in ends)]
    return [file for file in found if file.is_file()]


def parse(text: str, path) -> dict:
    """TOML as a dictionary.

    Raises
    ------
    InputError
        If the file is empty or not TOML.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason = str(error)
        raise InputError(f"{path}: not valid TOML: {reason[0].lower()}{reason[1:]}") from None
    if not data:
        raise InputError(f"{path}: holds no input; `sidejump init` writes one to start from")
    return data


def validate(data: dict, name: str = "input") -> schema.RunInput:
    """A dictionary in the shape of an input file, checked against the schema.

    Raises
    ------
    InputError
        For the first mistake found.
    """
    if not isinstance(data, dict):
        raise InputError(f"{name}: expected a dictionary in the shape of an input file, got {type(data).__name__}")
    try:
        return schema.RunInput.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{name}: {first_sentence([dict(e) for e in error.errors(include_url=False)])}") from None
