"""`sidejump.json`: what EPW's own files cannot say of themselves, beside the files that `epw_write` writes.

EPW takes it from its input (`lpolar`, `system_2d`) and from its version; it does not read this file.  `read_epw` takes
keys from it that are not given.
"""

from __future__ import annotations

import json
from pathlib import Path

from ..files import present, read_text, reading
from ..rules import quote, suggestion

NAME = "sidejump.json"
_KINDS = {"two_dimensional": bool, "long_range": str, "epw_version": str}
_WORDS = {bool: "true or false", str: "text in quotes"}


def write_keys(folder: Path, keys: dict) -> None:
    """Write `keys` (of `read_epw`) into `folder`, in the place of those of other files that were there."""
    (folder / NAME).write_text(json.dumps(keys, indent=2) + "\n")


def stored_keys(folder: Path) -> dict:
    """Keys of `read_epw` that the file in `folder` holds; none where there is no file.

    Raises
    ------
    InputError
        If the file is not one of `write_keys`.
    """
    path = folder / NAME
    if not present(path):
        return {}
    with reading(path, "a file of keys for read_epw", "take it away and give the keys"):
        keys = json.loads(read_text(path))
        if not isinstance(keys, dict):
            raise ValueError("no object of keys")
        for name, value in keys.items():
            if name not in _KINDS:
                raise ValueError(f"unknown key {quote(name)}{suggestion(name, _KINDS)}")
            if not isinstance(value, _KINDS[name]):
                raise ValueError(f"{name} = {quote(value)}: give {_WORDS[_KINDS[name]]}")
        return keys
