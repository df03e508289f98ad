"""An electron model that a Python file of the user's makes.

The file is run when it is read. Its module is named after its path, below the name of this one, and found by that name
in every process: what the file defines can be pickled, and workers that see the same files can unpickle it.
"""

from __future__ import annotations

import sys
import traceback
from hashlib import blake2b
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.util import spec_from_file_location
from pathlib import Path

from ..errors import InputError
from ..files import require_regular
from ..rules import suggestion
from .base import ElectronModel

__path__: list[str] = []  # modules may be imported from below this one


class _ByPath(MetaPathFinder):
    """Finds modules whose name is that of this one and a path in hexadecimal."""

    def find_spec(self, fullname, path=None, target=None):
        parent, _, name = fullname.rpartition(".")
        return spec_from_file_location(fullname, bytes.fromhex(name).decode()) if parent == __name__ else None


sys.meta_path.append(_ByPath())


def load_own(path, name: str = "model") -> ElectronModel:
    """The model that the Python file `path` calls `name`.

    Raises
    ------
    InputError
        If there is no such file, it fails, or the name is that of no electron model.
    """
    path = Path(path)
    require_regular(path, "no such file; `sidejump init own` writes one to start from")
    if path.suffix != ".py":
        raise InputError(f"{path}: is no Python file; its name must end in .py")
    module = f"{__name__}.{str(path.resolve()).encode().hex()}"
    sys.modules.pop(module, None)  # it may have been edited since
    try:
        found = vars(import_module(module))
    except Exception as error:
        raise InputError(f"{path}{_line(error, path)}: {type(error).__name__}: {error}") from error
    if name not in found:
        made = [key for key, value in found.items() if isinstance(value, ElectronModel)]
        raise InputError(f'{path}: defines no "{name}"{suggestion(name, made)}')
    model = found[name]
    if not isinstance(model, ElectronModel):
        raise InputError(f"{path}: {name} = {model!r}: give an electron model, such as sidejump.FunctionModel(...)")
    # what functions take from their module is no part of them: the whole file tells one model from another
    model.made_by = blake2b(path.read_bytes(), digest_size=16).hexdigest()  # type: ignore[attr-defined]
    return model


def _line(error: Exception, path: Path) -> str:
    """Where in the file it went wrong."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path.resolve())
    ]
    return f", line {lines[-1]}" if lines else ""
