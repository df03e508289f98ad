"""`sidejump demo`: a small case that travels with the program, copied to where the user is."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..outputs import make_folder, write_all

NAMES = ("demo.toml", "ferromagnetic_layer.h5")
"""The input file and the data it names."""


def write_files(folder: Path, *, force: bool) -> Path:
    """Copy input and data into a folder, made if it is missing; the path of the input.

    Raises
    ------
    InputError
        If a file is there already, or cannot be written; nothing has been written then.
    """
    case = files("sidejump.app") / "demo_case"
    make_folder(folder)
    return write_all({folder / name: (case / name).read_bytes() for name in NAMES}, force=force)[0]
