"""What `sidejump info` says of files that are read beside others: parts of an EPW run, what Wannier90 writes beside its
Hamiltonian, measured films, conductivities of other programs, force constants of phonopy."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..experiment.read import read_films
from ..files import plain_name, read_text, require_regular, text_size
from ..formats.transport_tables import read_conductivities

_OF_EPW = (
    "crystal.fmt",
    "epwdata.fmt",
    "vmedata.fmt",
    "dmedata.fmt",
    "wigner.fmt",
    "selecq.fmt",
    ".epmatwp",
    ".epmatwe",
)
_BESIDE = {
    "_wsvec.dat": "shifts by Wigner-Seitz cells",
    "_centres.xyz": "centres of the Wannier functions",
    "_r.dat": "position matrix",
    ".win": "input of Wannier90: lattice vectors, atoms, projections",
    ".spn": "spin at the coarse mesh",
    ".eig": "energies at the coarse mesh",
    ".chk": "rotations of the coarse mesh",
}
_TABLES = (".cond", ".trans_coef", ".out", "_elcond_e", "_elcond_h")
_PHONOPY = "phonopy:"  # a line of its YAML
_KNOWN = ("_tb.dat", "_hr.dat", ".h5", ".hdf5", ".nc")  # files to be named by themselves
_SHOWN = 6  # of them in a sentence


def whole_of(path: Path) -> tuple[Path, str] | None:
    """What the file belongs to, and in words what it is there; none if it is no such part.

    Raises
    ------
    InputError
        If the Hamiltonian that a file of Wannier90 is read with is not beside it.
    """
    name = plain_name(path)
    if not path.is_file():
        return None
    if name.endswith(_OF_EPW):
        return path.parent, "part of an EPW run, whose files are read together"
    for ending, words in _BESIDE.items():
        if not name.endswith(ending):
            continue
        seed = name.removesuffix(ending)
        beside = [p for p in sorted(path.parent.iterdir()) if plain_name(p) in (f"{seed}_tb.dat", f"{seed}_hr.dat")]
        if not beside:
            raise InputError(
                f"{path}: is read beside a Hamiltonian of Wannier90 ({words}); put {seed}_tb.dat or {seed}_hr.dat into "
                f"{path.parent}"
            )
        return beside[-1], words
    return None


def require_epw(folder: Path) -> None:
    """Refuse a folder without any file of an EPW run, and name what it holds instead.

    Raises
    ------
    InputError
    """
    names = [plain_name(p) for p in sorted(folder.iterdir())]
    if any(name.endswith(_OF_EPW) for name in names):
        return
    known = [name for name in names if name.endswith(_KNOWN)][:_SHOWN]
    instead = f"name a file in it: {', '.join(known)}" if known else "no file in it is known by its name"
    raise InputError(f"{folder}: holds no file of an EPW run, such as crystal.fmt; {instead}")


def describe(path: Path) -> dict | None:
    """A table of films or conductivities, or force constants, as plain numbers and strings; none if it is none of them.

    Raises
    ------
    InputError
        If its name is that of one, and it is damaged.
    """
    if not path.is_file():
        return None
    name = plain_name(path)
    if name.endswith((".csv", ".tsv")):
        return _films(path)
    if name.endswith((".yaml", ".yml")):
        require_regular(path)
        phonopy = any(line.startswith(_PHONOPY) for line in read_text(path, text_size(2_000_000)).splitlines()[:20])
        return _force_constants(path) if phonopy else _tables(path)
    return _tables(path) if name.endswith(_TABLES) else None


def _films(path: Path) -> dict:
    films = read_films(path)
    return {
        "source": str(path),
        "kind": "measured films",
        "films": [str(name) for name in films.names],
        "temperatures_K": np.unique(films.temperature).tolist(),
        "points": len(films.temperature),
        "good_for": [f"sidejump separate {path}  (skew scattering and the remainder)"],
    }


def _tables(path: Path) -> dict:
    tables = read_conductivities(path)
    return {
        "source": str(path),
        "kind": "conductivities of another program",
        "tables": [
            f"{table.label}: {'S/cm' if table.dimension == 3 else 'e^2/h'}, mean of the diagonal "
            + ", ".join(
                f"{np.nanmean(np.diagonal(tensor)[: table.dimension]):.4g} at {t:g} K"
                for t, tensor in zip(table.temperatures, table.conductivity, strict=True)
            )
            for table in tables
        ],
        "good_for": [f"sidejump plot RESULT.nc --against {path}  (beside a result of this program)"],
    }


def _force_constants(path: Path) -> dict:
    from ..interop.phonopy import read_phonopy

    phonons = read_phonopy(path)
    return {
        "source": str(path),
        "kind": "force constants of phonopy",
        "cell_angstrom": np.asarray(phonons.cell).tolist(),
        "atoms": len(phonons.masses),
        "vectors": len(phonons.vectors),
        "born_charges": phonons.born_charges is not None,
        "good_for": [f'phonons = "{path}" in [electrons] of first-principles data  (in place of those of its run)'],
    }
