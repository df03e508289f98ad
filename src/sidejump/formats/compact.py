"""The project's own file: one HDF5 file with explicit lattice vectors and units as attributes.

Everything a set holds in the units of the container (eV, angstrom, electron masses), the coupling with the image
choice of the writing code, so that nothing is lost and the original can be written again.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import h5py
import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..files import LARGEST_VARIABLE, largest
from ..wannier.checks import examine
from ..wannier.container import Atoms, ElectronPhonon
from ..wannier.coupling import Coupling, require_memory
from ..wannier.images import fold_vectors, mesh_class
from ..wannier.long_range import summed_axes
from ..wannier.phonons import Phonons
from ..wannier.position import position_elements
from .hdf5 import Store, is_hdf5, opened
from .hermiticity import judged_hamiltonian, judged_position
from .wigner import given_mesh

FORMAT = "sidejump electron-phonon data"
VERSION = 2
"""Files of version 1 do not say along which axes the long-range part was summed: as EPW and Perturbo do."""

_LISTED = 0.25  # of what a file may unpack to: more elements between the points of the meshes than it stores

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
    wannier_centres}``; ``phonons/{vectors,force_constants,born_charges,dielectric,axes}``;
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
        "phonons/axes": np.array(phonons.axes, dtype=np.int8),
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
        "layer_long_range": phonons.two_dimensional,
        "coupling_polar": data.coupling_polar,
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
    if data.spin_degeneracy is not None:
        attributes["spin_degeneracy"] = data.spin_degeneracy
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
    """Whether `file` is one that `write_compact` wrote.

    Raises
    ------
    InputError
        If it is an HDF5 file that is damaged.
    """
    if not is_hdf5(file):
        return False
    with opened(file, "an HDF5 file") as stream:
        return stream.has("format") and stream.text("format") == FORMAT


def read_compact(file, *, trust_file: bool = False, memory: float | None = None) -> ElectronPhonon:
    """Read what `write_compact` wrote, with the consistency tests of the other readers.

    Parameters
    ----------
    file : path
    trust_file : bool
        Make what contradicts itself in the file a warning instead of an error.
    memory : float, optional
        Bytes that reading may take: three times the size of the coupling at the most.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another program or of a later version, or what it holds is inconsistent.
    """
    path = Path(file)
    with opened(path, f'a file of "{FORMAT}"', "convert the original again") as stream:
        if not stream.has("format") or stream.text("format") != FORMAT:
            raise InputError(f'{path}: is not a file of "sidejump convert"; it has another format')
        version = stream.value("version")
        if version > VERSION:
            raise InputError(f"{path}: version {version:g}, this program reads up to {VERSION}; update it")
        data = _read(path, stream, version, memory, trust_file)
        _require_meshes(path, data)
        return examine(data, trust_file=trust_file)


def _require_meshes(path, data: ElectronPhonon) -> None:
    """Meshes that the vectors belong to."""
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


def _read(path, stream: Store, version: float, memory: float | None, trust: bool) -> ElectronPhonon:
    family, q_mesh = stream.text("family"), stream.array("q_mesh", (3,), "i")
    # what files of version 1 do not tell
    axes = summed_axes(q_mesh) if version < 2 and family in ("epw", "perturbo") else (True, True, True)
    warnings = _sentences(stream)
    electrons, phonons = _electrons(path, stream, warnings, trust), _phonons(stream, axes)
    n, displacements = electrons.n_orbitals, phonons.n_modes
    rp_vectors = stream.array("coupling/rp_vectors", (None, 3), "i")
    re_vectors = stream.array("coupling/re_vectors", (None, 3), "i")
    shape = (len(rp_vectors), displacements, len(re_vectors), n, n)
    require_memory(shape, memory)
    meshes = _mesh(stream, "k_mesh"), _mesh(stream, "q_mesh")
    _require_listed(*meshes, shape)
    symbols = tuple(stream.text("symbols").split()) if stream.has("symbols") else None
    if symbols is not None and len(symbols) != displacements // 3:
        raise ValueError(f"{len(symbols)} symbols for {displacements // 3} atoms")
    return ElectronPhonon(
        electrons,
        phonons,
        Coupling(re_vectors, rp_vectors, stream.array("coupling/values", shape, "z")),
        Atoms(symbols, phonons.positions, phonons.masses),
        stream.array("electrons/wannier_centres", (n, 3)),
        *meshes,
        bool(stream.value("spinor")),
        stream.value("fermi_energy") if stream.has("fermi_energy") else None,
        bool(stream.value("two_dimensional")),
        stream.text("source"),
        stream.json("checks", dict),
        warnings,
        family,
        stream.value("coupling_alpha") if stream.has("coupling_alpha") else None,
        stream.value("alat"),
        _extra(stream),
        bool(stream.value("coupling_polar", 1.0)),
        int(stream.value("spin_degeneracy")) if stream.has("spin_degeneracy") else None,
    )


def _electrons(path, stream: Store, warnings: list[str], trust: bool) -> LatticeModel:
    """The electrons, with what is wrong with their matrices added to `warnings`."""
    group = stream.group("electrons")
    vectors, sites = group.array("vectors", (None, 3), "i"), group.array("sites", (None, 3))
    n, cell = len(sites), stream.array("cell", (3, 3))
    hoppings = group.array("hoppings", (len(vectors), n, n), "z")
    hoppings, found = judged_hamiltonian(vectors, hoppings, str(path), trust)
    positions = group.optional("positions", (len(vectors), 3, n, n), "z")
    if positions is not None:
        found += judged_position(vectors, positions, cell, str(path), trust)[1]
    warnings.extend(sentence for sentence in found if sentence not in warnings)
    return LatticeModel(cell, vectors, hoppings, positions, sites, group.optional("spin", (3, n, n), "c"))


def _phonons(stream: Store, axes) -> Phonons:
    group = stream.group("phonons")
    masses, vectors = stream.array("atoms/masses", (None,)), group.array("vectors", (None, 3), "i")
    nat, stored = len(masses), group.optional("axes", (3,), "i")
    return Phonons(
        stream.array("cell", (3, 3)),
        stream.array("atoms/positions", (nat, 3)),
        masses,
        vectors,
        group.array("force_constants", (len(vectors), 3 * nat, 3 * nat), "c"),
        group.optional("born_charges", (nat, 3, 3)),
        group.optional("dielectric", (3, 3)),
        bool(stream.value("layer_long_range", stream.value("two_dimensional"))),
        stream.value("phonon_alpha"),
        axes if stored is None else (bool(stored[0]), bool(stored[1]), bool(stored[2])),
    )


def _mesh(stream: Store, name: str) -> tuple[int, int, int]:
    mesh = given_mesh(name, stream.array(name, (3,), "i"))
    assert mesh is not None  # as it was given
    return mesh


def _require_listed(k_mesh, q_mesh, shape) -> None:
    """Compare the coupling modulo the supercells of its meshes with itself, before room is made for it.

    The meshes may have more points than there are vectors: those without elements need not be stored.
    """
    n_rp, displacements, n_re, n, _ = shape
    each = 16.0 * displacements * n**2
    listed, stored = each * math.prod(k_mesh) * math.prod(q_mesh), each * n_rp * n_re
    if listed > max(stored, _LISTED * largest()):
        raise ValueError(
            f"k_mesh = {list(k_mesh)} and q_mesh = {list(q_mesh)} take {listed:.2g} bytes for a coupling of "
            f"{stored:.2g}; if they are right, set {LARGEST_VARIABLE} to more (bytes)"
        )


def _sentences(stream: Store) -> list[str]:
    sentences = stream.json("warnings", list)
    if not all(isinstance(sentence, str) for sentence in sentences):
        raise ValueError("attribute warnings holds something else than sentences")
    return sentences


def _extra(stream: Store) -> dict:
    if "extra" not in stream:
        return {}
    group = stream.group("extra")
    return {name: group.array(name)[()] for name in group.names()}
