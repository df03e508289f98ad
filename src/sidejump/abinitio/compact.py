"""The project's own file: one HDF5 file with explicit lattice vectors and units as attributes.

Everything a set holds in the units of the container (eV, angstrom, electron masses), the coupling with the image
choice of the writing code, so that nothing is lost and the original can be written again.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from ..electrons.lattice import LatticeModel
from ..errors import InputError
from .checks import examine, require_sound
from .container import Atoms, ElectronPhonon
from .coupling import Coupling
from .images import fold_vectors, mesh_class
from .phonons import Phonons
from .position import position_elements
from .wigner import given_mesh

FORMAT = "sidejump electron-phonon data"
VERSION = 1

_UNITS = {
    "cell": "angstrom",
    "atoms/positions": "angstrom",
    "atoms/masses": "electron masses",
    "electrons/hoppings": "eV",
    "electrons/positions": "angstrom",
    "electrons/sites": "angstrom",
    "electrons/wannier_centres": "angstrom",
    "phonons/force_constants": "eV/angstrom^2",
    "phonons/born_charges": "e",
    "phonons/dielectric": "1",
    "coupling/values": "eV/angstrom",
}


def write_compact(data: ElectronPhonon, file) -> Path:
    """Write `data` to one HDF5 file; returns its path.

    Data sets: ``cell``; ``atoms/{positions,masses}``; ``electrons/{vectors,hoppings,positions,sites,spin,
    wannier_centres}``; ``phonons/{vectors,force_constants,born_charges,dielectric}``;
    ``coupling/{re_vectors,rp_vectors,values}``, the values with axes (Rp, displacement, Re, bra, ket).
    """
    path = Path(file)
    electrons, phonons, coupling = data.electrons, data.phonons, data.file_coupling
    arrays = {
        "cell": data.cell,
        "k_mesh": np.array(data.k_mesh),
        "q_mesh": np.array(data.q_mesh),
        "atoms/positions": data.atoms.positions,
        "atoms/masses": data.atoms.masses,
        "electrons/vectors": electrons.vectors,
        "electrons/hoppings": electrons.hoppings,
        "electrons/positions": position_elements(electrons),
        "electrons/sites": electrons.site_positions,
        "electrons/spin": electrons.spin,
        "electrons/wannier_centres": data.wannier_centres,
        "phonons/vectors": phonons.vectors,
        "phonons/force_constants": phonons.force_constants,
        "phonons/born_charges": phonons.born_charges,
        "phonons/dielectric": phonons.dielectric,
        "coupling/re_vectors": coupling.re_vectors,
        "coupling/rp_vectors": coupling.rp_vectors,
        "coupling/values": coupling.values,
    }
    attributes = {
        "format": FORMAT,
        "version": VERSION,
        "spinor": data.spinor,
        "two_dimensional": data.two_dimensional,
        "phonon_alpha": phonons.alpha,
        "alat": data.alat,
        "family": data.family,
        "source": data.source,
        "checks": json.dumps(data.checks),
        "warnings": json.dumps(data.warnings),
    }
    if data.fermi_energy is not None:
        attributes["fermi_energy"] = data.fermi_energy
    if data.coupling_alpha is not None:
        attributes["coupling_alpha"] = data.coupling_alpha
    if data.atoms.symbols is not None:
        attributes["symbols"] = " ".join(data.atoms.symbols)
    try:
        with h5py.File(path, "w") as stream:
            stream.attrs.update(attributes)
            for name, value in arrays.items():
                if value is not None:
                    large = np.size(value) > 4096
                    options = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if large else {}
                    stream.create_dataset(name, data=value, **options)
            for name, value in data.extra.items():
                stream[f"extra/{name}"] = value
            for name, unit in _UNITS.items():
                if name in stream:
                    stream[name].attrs["units"] = unit
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from None
    return path


def is_compact(file) -> bool:
    """Whether `file` is one that `write_compact` wrote."""
    try:
        with h5py.File(file, "r") as stream:
            return stream.attrs.get("format") == FORMAT
    except OSError:
        return False


def read_compact(file) -> ElectronPhonon:
    """Read what `write_compact` wrote, with the consistency tests of the other readers.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another program or of a later version, or what it holds is inconsistent.
    """
    path = Path(file)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as stream:
            if stream.attrs.get("format") != FORMAT:
                raise InputError(f'{path}: is not a file of "sidejump convert"; it has another format')
            if int(stream.attrs["version"]) > VERSION:
                raise InputError(
                    f"{path}: version {stream.attrs['version']}, this program reads up to {VERSION}; update it"
                )
            data = _read(stream)
        _require_sound(path, data)
        return examine(data)
    except InputError as error:
        raise error if str(path) in str(error) else InputError(f"{path}: {error}") from None
    except (OSError, KeyError, ValueError, RuntimeError, IndexError, TypeError) as error:
        text = str(error).splitlines()[0].strip("\"'")
        raise InputError(f"{path}: truncated or damaged ({text}); convert the original again") from None


def _require_sound(path, data: ElectronPhonon) -> None:
    """Shapes, and meshes that the vectors belong to."""
    n = data.electrons.n_orbitals
    if data.wannier_centres.shape != (n, 3):
        raise InputError(f"{path}: wannier_centres has shape {data.wannier_centres.shape}, expected {(n, 3)}")
    require_sound(data)
    for name, mesh in (("k_mesh", data.k_mesh), ("q_mesh", data.q_mesh)):
        given_mesh(f"{path}: {name}", mesh)
    for name, vectors, axis, mesh in (
        ("k_mesh", data.file_coupling.re_vectors, 2, data.k_mesh),
        ("q_mesh", data.file_coupling.rp_vectors, 0, data.q_mesh),
    ):
        if not _fits(np.moveaxis(data.file_coupling.values, axis, 0), vectors, mesh):
            raise InputError(
                f"{path}: {name} = {list(mesh)} is not the mesh that the vectors of the coupling belong to"
            )


def _fits(values, vectors, mesh) -> bool:
    """Whether values at vectors that the supercell makes equivalent are equal (or zero).

    A calculation on coarse meshes knows one number for each class of vectors, which tied images share.
    """
    classes = mesh_class(vectors, mesh)
    live = np.abs(values) > 1e-9 * np.abs(values).max()
    count = fold_vectors(vectors, live.astype(np.int32), mesh)
    mean = fold_vectors(vectors, values, mesh) / np.maximum(count, 1)
    return bool(np.abs(np.where(live, values - mean[classes], 0)).max() <= 1e-6 * np.abs(values).max())


def _read(stream) -> ElectronPhonon:
    attributes = stream.attrs

    def get(name):
        return stream[name][()] if name in stream else None

    electrons = LatticeModel(
        stream["cell"][()],
        stream["electrons/vectors"][()],
        stream["electrons/hoppings"][()],
        get("electrons/positions"),
        stream["electrons/sites"][()],
        get("electrons/spin"),
    )
    phonons = Phonons(
        stream["cell"][()],
        stream["atoms/positions"][()],
        stream["atoms/masses"][()],
        stream["phonons/vectors"][()],
        stream["phonons/force_constants"][()],
        get("phonons/born_charges"),
        get("phonons/dielectric"),
        bool(attributes["two_dimensional"]),
        float(attributes["phonon_alpha"]),
    )
    symbols = tuple(attributes["symbols"].split()) if "symbols" in attributes else None
    k_mesh, q_mesh = (tuple(int(x) for x in stream[name][()]) for name in ("k_mesh", "q_mesh"))
    return ElectronPhonon(
        electrons,
        phonons,
        Coupling(*(stream[f"coupling/{name}"][()] for name in ("re_vectors", "rp_vectors", "values"))),
        Atoms(symbols, phonons.positions, phonons.masses),
        stream["electrons/wannier_centres"][()],
        (k_mesh[0], k_mesh[1], k_mesh[2]),
        (q_mesh[0], q_mesh[1], q_mesh[2]),
        bool(attributes["spinor"]),
        float(attributes["fermi_energy"]) if "fermi_energy" in attributes else None,
        bool(attributes["two_dimensional"]),
        str(attributes["source"]),
        json.loads(attributes["checks"]),
        json.loads(attributes["warnings"]),
        str(attributes["family"]),
        float(attributes["coupling_alpha"]) if "coupling_alpha" in attributes else None,
        float(attributes["alat"]),
        {name: value[()] for name, value in stream["extra"].items()} if "extra" in stream else {},
    )
