"""Reading and converting whatever holds electron-phonon data."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError, SidejumpWarning
from .compact import is_compact, read_compact, write_compact
from .container import ElectronPhonon
from .epw import read_epw
from .epw_write import epw_sets, write_epw
from .loss import losses
from .perturbo import perturbo_sets, read_perturbo
from .perturbo_write import write_perturbo

FORMATS = ("compact", "epw", "perturbo")
NAMES = {"epw": "EPW", "perturbo": "Perturbo"}


def read_electron_phonon(path, **options) -> ElectronPhonon:
    """Read a directory of EPW files, a Perturbo file or a compact file, told by what is there.

    Parameters
    ----------
    path : path
    **options
        Handed to the reader: `k_mesh`, `q_mesh` (EPW), `acoustic_sum_rule` (EPW, Perturbo).

    Raises
    ------
    InputError
        If the path holds none of these.
    """
    path = Path(path)
    if path.is_dir():
        return read_epw(path, **options)
    if path.is_file() and is_compact(path):
        return read_compact(path)
    return read_perturbo(path, **options)


def lost_in(data: ElectronPhonon, to: str) -> list[str]:
    """What the format `to` cannot hold of `data`, with its size, in words."""
    if to == "epw":
        return losses(data, epw_sets(data), to)
    if to == "perturbo":
        alat = data.alat or float(np.linalg.norm(data.cell[0]))
        centres, positions = data.wannier_centres, data.atoms.positions
        return losses(data, perturbo_sets(data.cell, data.k_mesh, data.q_mesh, positions, centres, alat), to)
    return []


def convert(source, target, *, to: str | None = None, lossy: bool = False, **options) -> Path:
    """Convert electron-phonon data; returns the path written.

    Parameters
    ----------
    source : path
        As for `read_electron_phonon`.
    target : path
        A directory for EPW, a file otherwise.
    to : {"compact", "epw", "perturbo"}, optional
        Format of the target; without it a name that ends in ``_epr.h5`` means Perturbo, ``.h5`` or ``.hdf5`` the
        compact format, and anything else EPW.
    lossy : bool
        Accept that the format of the target cannot hold everything; a warning says what is lost, and how much.
    **options
        Handed to the writer: `prefix`, `n_electrons`, `fermi_energy` (EPW).

    Raises
    ------
    InputError
        If the target's format cannot hold the data exactly, and that is not accepted.
    """
    target = Path(target)
    if to is None:
        name = target.name
        to = "perturbo" if name.endswith(("_epr.h5", "_epwan.h5")) else "compact"
        if target.suffix not in (".h5", ".hdf5"):
            to = "epw"
    if to not in FORMATS:
        raise InputError(f'format "{to}": use one of {", ".join(FORMATS)}')
    data = read_electron_phonon(source)
    if target.resolve() == Path(source).resolve():
        raise InputError(f"{target}: source and target are the same; give another target")
    if options and to != "epw":
        raise InputError(f"{', '.join(options)}: only the EPW format takes these")
    lost = lost_in(data, to)
    if lost:
        sentence = f"{source}: the {NAMES[to]} form cannot hold {', '.join(lost)}"
        if not lossy:
            raise InputError(f"{sentence}; accept that with lossy (--lossy), or use the compact form")
        warnings.warn(sentence, SidejumpWarning, stacklevel=2)
    if to == "epw":
        return write_epw(data, target, **options)
    return write_compact(data, target) if to == "compact" else write_perturbo(data, target)
