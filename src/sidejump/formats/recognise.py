"""Reading and converting whatever holds electron-phonon data."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ..errors import InputError, SidejumpWarning
from ..files import require_regular
from ..rules import one_of, quote
from ..wannier.container import ElectronPhonon
from ..wannier.dimension import of_dimension
from .compact import is_compact, read_compact, write_compact
from .epw import read_epw
from .epw_write import epw_sets, write_epw
from .hdf5 import is_hdf5
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
        Handed to the reader: `trust_file`, `two_dimensional`, and `long_range`, `epw_version`, `use_ws`, `k_mesh`,
        `q_mesh` (EPW), `acoustic_sum_rule` (EPW, Perturbo).

    Raises
    ------
    InputError
        If the path holds none of these, or something else than what an option is for.
    """
    path = Path(path)
    if path.is_dir():
        return read_epw(path, **options)
    require_regular(path, "no such file or directory")
    if not is_hdf5(path):
        raise InputError(
            f"{path}: is no HDF5 file, as those of Perturbo and the compact form are; name one of these, a directory "
            "of EPW, or SEEDNAME_tb.dat of Wannier90"
        )
    read = read_compact if is_compact(path) else read_perturbo
    layer = options.pop("two_dimensional", None)
    foreign = set(options) - {"trust_file"} - ({"acoustic_sum_rule"} if read is read_perturbo else set())
    if foreign:
        raise InputError(f"{path}: {', '.join(sorted(foreign))} has no meaning for a file of this kind; leave it out")
    return of_dimension(read(path, **options), layer)


def lost_in(data: ElectronPhonon, to: str) -> list[str]:
    """What the format `to` cannot hold of `data`, with its size, in words."""
    if to == "epw":
        return losses(data, epw_sets(data), to)
    if to == "perturbo":
        alat = data.alat or float(np.linalg.norm(data.cell[0]))
        centres, positions = data.wannier_centres, data.atoms.positions
        return losses(data, perturbo_sets(data.cell, data.k_mesh, data.q_mesh, positions, centres, alat), to)
    return []


def convert(
    source, target, *, to: str | None = None, lossy: bool = False, reading: dict | None = None, **options
) -> Path:
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
    reading : dict, optional
        Handed to the reader of `source` (`read_electron_phonon`).
    **options
        Handed to the writer: `prefix`, `n_electrons`, `fermi_energy` (EPW).

    Raises
    ------
    InputError
        If the target's format cannot hold the data exactly, and that is not accepted.
    """
    to = format_of(Path(target), to)  # before what may take long
    data = read_electron_phonon(source, **(reading or {}))
    if Path(target).resolve() == Path(source).resolve():
        raise InputError(f"{target}: source and target are the same; give another target")
    return write_electron_phonon(data, target, to=to, lossy=lossy, name=str(source), **options)


def write_electron_phonon(data, target, *, to: str | None = None, lossy: bool = False, name="data", **options) -> Path:
    """Write electron-phonon data that are there, with the arguments of :func:`convert`; `name` is that of the data in
    sentences."""
    target = Path(target)
    to = format_of(target, to)
    if options and to != "epw":
        raise InputError(f"{', '.join(options)}: only the EPW format takes these")
    lost = lost_in(data, to)
    if lost:
        sentence = f"{name}: the {NAMES[to]} form cannot hold {', '.join(lost)}"
        if not lossy:
            raise InputError(f"{sentence}; accept that with lossy (--lossy), or use the compact form")
        warnings.warn(sentence, SidejumpWarning, stacklevel=2)
    if to == "epw":
        return write_epw(data, target, **options)
    return write_compact(data, target) if to == "compact" else write_perturbo(data, target)


def format_of(target: Path, to: str | None) -> str:
    """That asked for, or that of the target's name."""
    if to is None:
        to = "perturbo" if target.name.endswith(("_epr.h5", "_epwan.h5")) else "compact"
        if target.suffix not in (".h5", ".hdf5"):
            to = "epw"
    if to not in FORMATS:
        raise InputError(f"format {quote(to)}: {one_of(to, FORMATS)}")
    return to
