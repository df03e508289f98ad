"""Write electron-phonon data as a Perturbo `prefix_epr.h5`.

Perturbo's file holds, for each pair of centres, values at the nearest images; they are taken from the coarse meshes,
where the result is exact.  Data that came from Perturbo keep every number.  A position matrix has no place in it:
keep the `_tb.dat`.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import h5py
import numpy as np

from ..errors import InputError
from ..units import BOHR
from ..wannier import rydberg
from ..wannier.container import ElectronPhonon
from ..wannier.images import fold, fold_vectors, mesh_class
from ..wannier.long_range import summed_axes
from .perturbo import nearest_images


def write_perturbo(data: ElectronPhonon, file) -> Path:
    """Write a file that Perturbo, and `read_perturbo`, read; returns its path.

    Symmetry operations are those of the original where it was a Perturbo file, else the identity alone.

    Raises
    ------
    InputError
        If the long-range part is none of Perturbo's.
    """
    path = Path(file)
    if data.phonons.polar and data.two_dimensional:
        raise InputError(f"{path}: the long-range part of polar two-dimensional crystals in Perturbo is not covered")
    _refuse_long_range(data)
    try:
        with h5py.File(path, "w") as stream:
            _basic(data, stream.create_group("basic_data"))
            _electrons(data, stream.create_group("electron_wannier"))
            _phonons(data, stream.create_group("force_constant"))
            _coupling(data, stream.create_group("eph_matrix_wannier"))
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error})") from None
    return path


def _refuse_long_range(data) -> None:
    """Perturbo's rules: a long-range part of both or none, with no vectors along an axis with one q point."""
    if not data.phonons.polar:
        return
    if not data.coupling_polar:
        raise InputError(
            f"{data.source}: a long-range part was taken out of the force constants and not of the coupling; Perturbo "
            "knows both or none: use the compact format"
        )
    if data.phonons.axes != summed_axes(data.q_mesh):
        raise InputError(
            f"{data.source}: the long-range part has reciprocal lattice vectors along other axes than Perturbo's, "
            "which has none along an axis with one q point; the short-range numbers would not fit: use the compact "
            "format"
        )


def _alat(data) -> float:
    return data.alat or float(np.linalg.norm(data.cell[0]))


def _basic(data, group) -> None:
    alat = _alat(data)
    at, unit = data.cell / alat, (2 * np.pi / alat) ** 2
    nat, polar = len(data.atoms.masses), data.phonons.polar
    alpha = data.phonons.alpha / unit
    items = {
        "alat": alat / BOHR,
        "at": at,
        "bg": np.linalg.inv(at).T,
        "volume": abs(np.linalg.det(data.cell)) / BOHR**3,
        "nat": np.int32(nat),
        "tau": data.atoms.positions / alat,
        "mass": data.atoms.masses / rydberg.MASS,
        "kc_dim": np.array(data.k_mesh, dtype=np.int32),
        "qc_dim": np.array(data.q_mesh, dtype=np.int32),
        "num_wann": np.int32(data.electrons.n_orbitals),
        "wannier_center": data.wannier_centres / alat,
        "wannier_center_cryst": data.wannier_centres @ np.linalg.inv(data.cell),
        "zstar": data.phonons.born_charges if polar else np.zeros((nat, 3, 3)),
        "epsil": data.phonons.dielectric.T if polar else np.zeros((3, 3)),
        "lpolar": np.int32(polar),
        "loto_alpha": alpha if polar else 1.0,
        "polar_alpha": (data.coupling_alpha or data.phonons.alpha) / unit if polar else 1.0,
        "spinor": np.int32(data.spinor),
        "system_2d": np.int32(data.two_dimensional),
        "nsym": np.int32(1),
        "symop": np.eye(3, dtype=np.int32)[None],
    }
    items |= {name: data.extra[name] for name in ("nsym", "symop", "thickness_2d") if name in data.extra}
    for name, value in items.items():
        group[name] = value


def _parts(group, kind, name, values) -> None:
    group[f"{kind}r{name}"], group[f"{kind}i{name}"] = values.real.copy(), values.imag.copy()


def _share(vectors, mesh) -> tuple[np.ndarray, np.ndarray]:
    """Class of every vector modulo the supercell, and one over the number of vectors of that class."""
    classes = mesh_class(vectors, mesh)
    return classes, 1 / np.bincount(classes)[classes]


def _electrons(data, group) -> None:
    centres, n = data.wannier_centres, data.electrons.n_orbitals
    sets = nearest_images(data.cell, data.k_mesh, centres[None] - centres[:, None], _alat(data))
    folded = fold_vectors(data.electrons.vectors, data.electrons.hoppings, data.k_mesh) / rydberg.RYDBERG
    for j in range(n):
        for i in range(j + 1):
            classes, share = _share(sets[i][j], data.k_mesh)
            _parts(group, "hopping_", j * (j + 1) // 2 + i + 1, folded[classes, i, j] * share)


def _phonons(data, group) -> None:
    positions, nat = data.atoms.positions, len(data.atoms.masses)
    sets = nearest_images(data.cell, data.q_mesh, positions[None] - positions[:, None], _alat(data))
    folded = fold_vectors(data.phonons.vectors, data.phonons.force_constants, data.q_mesh).real
    folded = folded.reshape(-1, nat, 3, nat, 3) / rydberg.FORCE_CONSTANT
    for b in range(nat):
        for a in range(b + 1):
            classes, share = _share(sets[a][b], data.q_mesh)
            values = folded[classes, a, :, b, :] * share[:, None, None]
            group[f"ifc{b * (b + 1) // 2 + a + 1}"] = values.swapaxes(1, 2)


def _coupling(data, group) -> None:
    centres, positions, n = data.wannier_centres, data.atoms.positions, data.electrons.n_orbitals
    sets_k = nearest_images(data.cell, data.k_mesh, centres[None] - centres[:, None], _alat(data))
    sets_p = nearest_images(data.cell, data.q_mesh, positions[None] - centres[:, None], _alat(data))
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh) / rydberg.FORCE
    for a, j, i in itertools.product(range(len(positions)), range(n), range(n)):
        e, share_e = _share(sets_k[i][j], data.k_mesh)
        p, share_p = _share(sets_p[i][a], data.q_mesh)
        block = folded[p[:, None], 3 * a : 3 * a + 3, e, i, j] * (share_p[:, None] * share_e)[:, :, None]
        _parts(group, "ep_hop_", f"_{a + 1}_{j + 1}_{i + 1}", block)
