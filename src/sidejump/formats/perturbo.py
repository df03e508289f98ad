"""Read Perturbo's `prefix_epr.h5` (older: `prefix_epwan.h5`).

Rydberg units, real and imaginary parts apart, and no lattice vectors: for every pair of centres the file holds the
values at the images nearest to each other, in the order in which `nearest_images` generates them; the degeneracy is
inside the numbers.  There is no position matrix: Berry connections need the `_tb.dat` of the same Wannierisation
(`ElectronPhonon.with_electrons`).

Not covered: the long-range part of polar two-dimensional crystals; the phonon-phonon and spin files.
"""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..units import BOHR
from ..wannier import rydberg
from ..wannier.checks import examine
from ..wannier.container import Atoms, ElectronPhonon
from ..wannier.coupling import Coupling, require_memory
from ..wannier.images import mesh_class
from ..wannier.long_range import summed_axes
from ..wannier.phonons import Phonons
from .hdf5 import Store, opened
from .hermiticity import judged_hamiltonian
from .wigner import WignerSeitz

_GROUPS = ("basic_data", "electron_wannier", "eph_matrix_wannier", "force_constant")
_CENTRES = 1e-3  # angstrom
_TIE = 1e-6  # of alat, Perturbo's tolerance for equal lengths


def read_perturbo(
    file, *, acoustic_sum_rule: bool = False, trust_file: bool = False, memory: float | None = None
) -> ElectronPhonon:
    """Electron-phonon data from a Perturbo file.

    Parameters
    ----------
    file : path
        ``prefix_epr.h5`` or ``prefix_epwan.h5``.
    acoustic_sum_rule : bool
        Impose it on the force constants.
    trust_file : bool
        Make what contradicts itself in the file a warning instead of an error.
    memory : float, optional
        Bytes that reading may take: three times the size of the coupling at the most.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another program, or of a kind that is not covered.
    """
    path = Path(file)
    with opened(path, "a Perturbo prefix_epr.h5") as stream:
        missing = [g for g in _GROUPS if g not in stream]
        if missing:
            raise InputError(f"{path}: has no group {missing[0]}; not a Perturbo prefix_epr.h5")
        return examine(_read(path, stream, acoustic_sum_rule, memory, trust_file), trust_file=trust_file)


def _read(path, stream: Store, acoustic_sum_rule, memory, trust: bool) -> ElectronPhonon:
    basic = stream.group("basic_data")
    n, nat = basic.integer("num_wann"), basic.integer("nat")
    if min(n, nat) < 1:
        raise ValueError(f"{n} Wannier functions and {nat} atoms")
    alat = basic.number("alat") * BOHR
    cell, positions = basic.array("at", (3, 3)) * alat, basic.array("tau", (nat, 3)) * alat
    _require_reciprocal(basic)
    masses, centres = basic.array("mass", (nat,)) * rydberg.MASS, basic.array("wannier_center", (n, 3)) * alat
    k_mesh, q_mesh = _mesh(basic, "kc_dim"), _mesh(basic, "qc_dim")
    _require_numbers(stream, n, nat, k_mesh, q_mesh)
    flat = _flag(basic, "system_2d", False)
    charges, dielectric = basic.array("zstar", (nat, 3, 3)), basic.array("epsil", (3, 3)).T
    polar = _flag(basic, "lpolar", np.abs(charges).sum() > 0.1)
    if polar and flat:
        raise InputError(f"{path}: the long-range part of polar two-dimensional crystals in Perturbo is not covered")
    unit = (2 * np.pi / alat) ** 2

    sets_k = nearest_images(cell, k_mesh, centres[None] - centres[:, None], alat)
    sets_q = nearest_images(cell, q_mesh, positions[None] - positions[:, None], alat)
    sets_p = nearest_images(cell, q_mesh, positions[None] - centres[:, None], alat)
    vectors, hoppings = _hoppings(stream.group("electron_wannier"), sets_k, n)
    hoppings, warnings = judged_hamiltonian(vectors, hoppings, str(path), trust)
    phonon_vectors, constants = _force_constants(stream.group("force_constant"), sets_q, nat)
    phonons = Phonons(
        cell,
        positions,
        masses,
        phonon_vectors,
        constants,
        charges if polar else None,
        dielectric if polar else None,
        flat,
        basic.number("loto_alpha", 1.0) * unit,
        summed_axes(q_mesh),
    )
    return ElectronPhonon(
        LatticeModel(cell, vectors, hoppings, None, centres),
        phonons.with_acoustic_sum_rule() if acoustic_sum_rule else phonons,
        _coupling(stream.group("eph_matrix_wannier"), sets_k, sets_p, n, nat, memory),
        Atoms(None, positions, masses),
        centres,
        k_mesh,
        q_mesh,
        _flag(basic, "spinor", False),
        None,
        flat,
        f"Perturbo file {path}",
        warnings=warnings,
        family="perturbo",
        coupling_alpha=basic.number("polar_alpha", 1.0) * unit,
        alat=alat,
        extra=_extra(basic),
    )


def _mesh(basic: Store, name: str) -> tuple[int, int, int]:
    a, b, c = (int(x) for x in basic.array(name, (3,), "i"))
    if min(a, b, c) < 1:
        raise ValueError(f"basic_data/{name} = {[a, b, c]}; each is at least 1")
    return a, b, c


def _require_reciprocal(basic: Store) -> None:
    """Compare the lattice vectors with what the file says of them once more."""
    at, alat = basic.array("at", (3, 3)), basic.number("alat")
    bg, volume = basic.optional("bg", (3, 3)), basic.number("volume", math.nan)
    if bg is not None and np.abs(at @ bg.T - np.eye(3)).max() > 1e-5:
        raise ValueError("basic_data/at and bg are no lattice and its reciprocal one")
    if abs(abs(np.linalg.det(at)) * alat**3 / volume - 1) > 1e-4:
        raise ValueError("the volume of basic_data/at and alat is another than basic_data/volume")
    centres, fractional = basic.array("wannier_center"), basic.optional("wannier_center_cryst")
    if fractional is not None and fractional.shape == centres.shape:
        apart = np.abs(fractional @ at - centres).max() * alat * BOHR
        if apart > _CENTRES:
            raise ValueError(f"wannier_center and wannier_center_cryst differ by {apart:.2g} angstrom")


def _require_numbers(stream: Store, n: int, nat: int, k_mesh, q_mesh) -> None:
    """Compare the declared shapes with the meshes, before lists of lattice vectors are made from these.

    A Wigner-Seitz set holds every point of its mesh, some of them at several images.
    """
    electrons, phonons = stream.group("electron_wannier"), stream.group("force_constant")
    for place, name, least in (
        (electrons, f"hopping_r{n * (n + 1) // 2}", math.prod(k_mesh)),
        (phonons, f"ifc{nat * (nat + 1) // 2}", math.prod(q_mesh)),
    ):
        shape = place.shape(name)
        if not shape or shape[0] < least:
            raise ValueError(f"{name} has shape {shape}, a mesh of {least} points needs at least as many vectors")


def _flag(group: Store, name: str, default) -> bool:
    return bool(group.integer(name, int(default)))


def _extra(basic: Store) -> dict:
    """Symmetry operations and thickness, which only Perturbo needs."""
    count = basic.integer("nsym", 1)
    found = {
        "nsym": basic.optional("nsym", kind="i"),
        "symop": basic.optional("symop", (count, 3, 3), "i"),
        "thickness_2d": basic.optional("thickness_2d"),
    }
    return {name: value for name, value in found.items() if value is not None}


def nearest_images(cell, mesh, shifts, alat) -> list[list[np.ndarray]]:
    """For every shift of the array `shifts` (A, B, 3) the vectors R with ``|R + shift|`` least, in Perturbo's order.

    Cells of the coarse mesh in turn (first index fastest), each moved by supercells -3..3 (first index fastest) and
    kept where it is shorter than the longest corner of a parallelepiped of mesh/2 + 1 cells each way.
    """
    mesh = np.asarray(mesh, dtype=int)
    fast_first = [r[::-1] for r in itertools.product(*[range(int(n)) for n in mesh[::-1]])]
    moves = np.array([m[::-1] for m in itertools.product(range(-3, 4), repeat=3)]) * mesh
    corners = np.array(list(itertools.product((-1, 1), repeat=3))) * (mesh // 2 + 1)
    longest = np.linalg.norm(corners @ cell, axis=1).max()
    # ties are looked for among these: a few dozen for each cell of the mesh
    candidates = []
    for base in np.array(fast_first):
        images = base + moves
        candidates.append(images[np.linalg.norm(images @ cell, axis=1) < longest])
    shape = shifts.shape[:2]
    table: dict[tuple, np.ndarray] = {}
    result: list[list[np.ndarray]] = []
    for row in range(shape[0]):
        result.append([])
        for column in range(shape[1]):
            shift = shifts[row, column]
            key = tuple(shift)
            if key not in table:
                kept = []
                for images in candidates:
                    length = np.linalg.norm(images @ cell + shift, axis=1)
                    kept.append(images[length < length.min() + _TIE * alat])
                table[key] = np.concatenate(kept)
            result[-1].append(table[key])
    return result


def perturbo_sets(cell, k_mesh, q_mesh, positions, centres, alat) -> WignerSeitz:
    """The same vectors with their degeneracies, for each pair (those of the coupling: of the bra and the atom)."""

    def degenerate(shifts, mesh):
        sets = nearest_images(cell, mesh, shifts, alat)
        vectors, rows = union(sets)
        degeneracy = np.zeros((len(vectors), *shifts.shape[:2]), dtype=int)
        for i, j in np.ndindex(shifts.shape[:2]):
            classes = mesh_class(sets[i][j], mesh)
            degeneracy[rows[i][j], i, j] = np.bincount(classes)[classes]
        return vectors, degeneracy

    re, re_ties = degenerate(centres[None] - centres[:, None], k_mesh)
    rq, rq_ties = degenerate(positions[None] - positions[:, None], q_mesh)
    rp, rp_ties = degenerate(positions[None] - centres[:, None], q_mesh)
    return WignerSeitz(re, re_ties, rq, rq_ties, rp, rp_ties[:, :, None, :], k_mesh, q_mesh)


def union(sets) -> tuple[np.ndarray, list[list[np.ndarray]]]:
    """All vectors of a table of sets, (nR, 3), sorted, and the rows that each set takes."""
    vectors = np.unique(np.concatenate([r for row in sets for r in row]), axis=0)
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    return vectors, [[np.array([index[tuple(x)] for x in r.tolist()]) for r in row] for row in sets]


def _hoppings(group, sets, n):
    """R (nR, 3) and ``<m 0|H|n R>`` (nR, N, N), eV. The file holds the upper triangle."""
    both = [[sets[i][j] if i <= j else -sets[j][i] for j in range(n)] for i in range(n)]
    vectors, rows = union(both)
    hoppings = np.zeros((len(vectors), n, n), dtype=complex)
    for j in range(n):
        for i in range(j + 1):
            number = j * (j + 1) // 2 + i + 1
            shape = (len(sets[i][j]),)
            values = group.array(f"hopping_r{number}", shape) + 1j * group.array(f"hopping_i{number}", shape)
            hoppings[rows[i][j], i, j] = values
            if i < j:
                hoppings[rows[j][i], j, i] = values.conj()
    if f"hopping_r{n * (n + 1) // 2 + 1}" in group:
        raise ValueError(f"electron_wannier holds more hoppings than {n} Wannier functions have")
    return vectors, hoppings * rydberg.RYDBERG


def _force_constants(group, sets, nat):
    """R (nR, 3) and C(R) (nR, 3 nat, 3 nat), eV/angstrom^2. The file holds the upper triangle of atom pairs."""
    both = [[sets[a][b] if a <= b else -sets[b][a] for b in range(nat)] for a in range(nat)]
    vectors, rows = union(both)
    constants = np.zeros((len(vectors), nat, 3, nat, 3))
    for b in range(nat):
        for a in range(b + 1):
            # the stored array has the axes of the other program's language reversed
            values = group.array(f"ifc{b * (b + 1) // 2 + a + 1}", (len(sets[a][b]), 3, 3)).swapaxes(1, 2)
            constants[rows[a][b], a, :, b, :] = values
            if a < b:
                constants[rows[b][a], b, :, a, :] = values.swapaxes(1, 2)
    return vectors, constants.reshape(len(vectors), 3 * nat, 3 * nat) * rydberg.FORCE_CONSTANT


def _coupling(group, sets_k, sets_p, n, nat, memory) -> Coupling:
    re_vectors, re_rows = union(sets_k)
    rp_vectors, rp_rows = union(sets_p)
    whole = (len(rp_vectors), 3 * nat, len(re_vectors), n, n)
    require_memory(whole, memory)
    values = np.zeros(whole, dtype=complex)
    for a, j, i in itertools.product(range(nat), range(n), range(n)):
        name = f"{a + 1}_{j + 1}_{i + 1}"
        shape = (len(sets_p[i][a]), len(sets_k[i][j]), 3)
        block = group.array(f"ep_hop_r_{name}", shape) + 1j * group.array(f"ep_hop_i_{name}", shape)
        directions = np.arange(3 * a, 3 * a + 3)
        values[rp_rows[i][a][:, None, None], directions, re_rows[i][j][:, None], i, j] = block
    values *= rydberg.FORCE
    return Coupling(re_vectors, rp_vectors, values)
