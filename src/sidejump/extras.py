"""Packages that only some runs need: imported there, and named with their extra where they are missing."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .errors import InputError

EXTRAS = {
    "mpi": ("mpi4py",),
    "dask": ("dask", "distributed", "cloudpickle"),
    "report": ("plotly",),
    "interop": ("tbmodels", "sisl", "phonopy", "ase", "yaml"),
}
"""Packages by the extra that installs them: ``pip install "sidejump[mpi]"``."""


def needed(package: str, what: str) -> ModuleType:
    """The module of a package of `EXTRAS`.

    Parameters
    ----------
    package : str
        Or one of its modules.
    what : str
        What needs it: the sentence starts with it.

    Raises
    ------
    InputError
        If it is not installed.
    """
    name = package.partition(".")[0]
    extra = next(key for key, packages in EXTRAS.items() if name in packages)
    try:
        return import_module(package)
    except ImportError as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({str(error).splitlines()[0]})"
        raise InputError(f'{what} needs {name}{reason}: pip install "sidejump[{extra}]"') from error
