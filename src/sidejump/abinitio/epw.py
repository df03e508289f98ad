"""Read the Wannier representation that EPW writes with `epwwrite = .true.` (EPW 5.3 to 6.x).

Rydberg units; text files are lists of tokens, wrapped as the compiler likes.  The lattice vectors come from
`wigner.fmt` or, where the version writes none, from a rebuilt Wigner-Seitz set that must have the stored number of
vectors.  Up to version 6.0 matrix elements are not divided by their degeneracy.

Not covered: dipole matrices (`dmedata.fmt`), quadrupoles, the envelope of 2D long-range parts other than the Gaussian.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..electrons.lattice import LatticeModel
from ..electrons.wannier90 import _sites
from ..errors import InputError
from ..units import BOHR
from . import rydberg
from .checks import examine
from .container import Atoms, ElectronPhonon
from .coupling import Coupling
from .files import find, find_optional, prefix_file, read_complex, read_tokens
from .phonons import Phonons
from .position import hermitian_position
from .wigner import from_file, rebuild


def read_epw(directory, k_mesh=None, q_mesh=None, *, acoustic_sum_rule: bool = False) -> ElectronPhonon:
    """Electron-phonon data from a directory with EPW's files.

    Parameters
    ----------
    directory : path
        Holds ``crystal.fmt``, ``epwdata.fmt``, ``PREFIX.epmatwp`` (or ``.epmatwp1``), and ``vmedata.fmt`` and
        ``wigner.fmt`` where the run wrote them; plain or ``.gz``.
    k_mesh, q_mesh : sequence of 3 int, optional
        Coarse meshes (nk1, nk2, nk3), (nq1, nq2, nq3); inferred from the number of lattice vectors when not given.
    acoustic_sum_rule : bool
        Impose it on the force constants.

    Raises
    ------
    InputError
        If a file is missing, truncated or of another run, or the meshes cannot be told.
    """
    folder = Path(directory)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such directory")
    crystal = _read_crystal(find(folder, "crystal.fmt"))
    data = _read_epwdata(find(folder, "epwdata.fmt"), crystal)
    counts = (data.n_k, data.n_q, data.n_g)
    centres = _centres(crystal, data.n_orbitals, find(folder, "crystal.fmt"))
    wigner_file = find_optional(folder, "wigner.fmt")
    if wigner_file is not None:
        sets = from_file(wigner_file, counts, crystal.cell, k_mesh, q_mesh)
    else:
        sets = rebuild(folder, counts, crystal.cell, crystal.positions, centres, crystal.alat, k_mesh, q_mesh)
    hoppings = data.hoppings * sets.electron_weights(data.n_orbitals)
    positions = _read_positions(find_optional(folder, "vmedata.fmt"), data)
    notes, warnings = {}, []
    if positions is None:
        sites = centres
        warnings.append("no position matrix (vmedata.fmt): Berry connections need a Wannier90 _tb.dat of the same run")
    else:
        positions = positions * sets.electron_weights(data.n_orbitals)[:, None]
        positions, notes["position_hermiticity_angstrom"] = hermitian_position(sets.re_vectors, positions)
        positions, notes["position_centres_angstrom"] = _with_centres(sets.re_vectors, positions, centres)
        sites = _sites(sets.re_vectors, positions)
    electrons = LatticeModel(crystal.cell, sets.re_vectors, hoppings, positions, sites)
    polar = np.abs(data.born_charges).max() > 1e-6
    phonons = Phonons(
        crystal.cell,
        crystal.positions,
        crystal.masses,
        sets.phonon_vectors,
        data.force_constants * sets.phonon_weights(len(crystal.masses)),
        data.born_charges if polar else None,
        data.dielectric if polar else None,
        crystal.two_dimensional,
        (2 * np.pi / crystal.alat) ** 2,
    )
    values = sets.weigh_coupling(_read_coupling(prefix_file(folder, "epmatwp"), data))
    result = ElectronPhonon(
        electrons,
        phonons.with_acoustic_sum_rule() if acoustic_sum_rule else phonons,
        Coupling(sets.re_vectors, sets.rp_vectors, values),
        Atoms(None, crystal.positions, crystal.masses),
        centres,
        sets.k_mesh,
        sets.q_mesh,
        crystal.spinor,
        data.fermi_energy,
        crystal.two_dimensional,
        f"EPW files in {folder}",
        notes,
        warnings,
        family="epw",
        alat=crystal.alat,
        extra={"n_electrons": crystal.n_electrons},
    )
    return examine(result)


@dataclass(frozen=True)
class _Crystal:
    cell: np.ndarray
    positions: np.ndarray
    masses: np.ndarray
    alat: float  # angstrom
    n_electrons: float
    spinor: bool
    two_dimensional: bool
    tail: np.ndarray  # Wannier centres (alat, Cartesian) and what newer versions add
    truncated_coulomb: bool


def _read_crystal(path: Path) -> _Crystal:
    tokens = read_tokens(path)
    try:
        nat, modes = int(tokens[0]), int(tokens[1])
        # newer versions put the number of skipped bands (an integer) after the number of electrons
        start = 4 if _is_integer(tokens[3]) else 3
        numbers = np.array(tokens[start : start + 20], dtype=float)
        at, bg, volume, alat = numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3), numbers[18], numbers[19]
        start += 20
        tau = np.array(tokens[start : start + 3 * nat], dtype=float).reshape(nat, 3)
        mass = np.array(tokens[start + 3 * nat : start + 3 * nat + 10], dtype=float)
        start += 3 * nat + 10
        kind = np.array(tokens[start : start + nat], dtype=int)
        start += nat
        flags = []
        while start < len(tokens) and _is_logical(tokens[start]):
            flags.append(tokens[start].strip(".").upper().startswith("T"))
            start += 1
        tail = np.array(tokens[start:], dtype=float)
        masses = mass[kind - 1]
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: truncated or not EPW's crystal.fmt ({error}); write it again") from None
    if modes != 3 * nat or not flags:
        raise InputError(f"{path}: {modes} modes for {nat} atoms and {len(flags)} flags; not EPW's crystal.fmt")
    if np.abs(at @ bg.T - np.eye(3)).max() > 1e-5 or abs(abs(np.linalg.det(at)) * alat**3 / volume - 1) > 1e-4:
        raise InputError(f"{path}: lattice vectors, reciprocal vectors and volume disagree; the file is damaged")
    return _Crystal(
        at * alat * BOHR,
        tau * alat * BOHR,
        masses * rydberg.MASS,
        alat * BOHR,
        float(tokens[2]),
        flags[0],
        len(flags) > 1 and flags[1],
        tail,
        len(flags) > 1,
    )


def _is_integer(token: str) -> bool:
    return token.lstrip("+-").isdigit()


def _is_logical(token: str) -> bool:
    return token.strip(".").upper() in ("T", "F", "TRUE", "FALSE")


def _centres(crystal: _Crystal, n: int, path: Path) -> np.ndarray:
    extra = 3 if crystal.truncated_coulomb else 0  # L, degauss, ngauss
    if len(crystal.tail) not in {3 * n, 3 * n + extra, 3 * n + 1, 3 * n + 2}:
        raise InputError(
            f"{path}: holds {len(crystal.tail)} numbers after the flags, {n} Wannier functions (epwdata.fmt) need "
            f"{3 * n}; the file is truncated or of another run"
        )
    return crystal.tail[: 3 * n].reshape(n, 3) * crystal.alat


@dataclass(frozen=True)
class _Data:
    fermi_energy: float
    n_orbitals: int
    n_k: int
    n_modes: int
    n_q: int
    n_g: int
    born_charges: np.ndarray
    dielectric: np.ndarray
    hoppings: np.ndarray  # eV, weights not folded in
    force_constants: np.ndarray  # eV/angstrom^2


def _read_epwdata(path: Path, crystal: _Crystal) -> _Data:
    tokens = read_tokens(path)
    try:
        fermi = float(tokens[0])
        n, n_k, modes, n_q, n_g = (int(t) for t in tokens[1:6])
        nat = len(crystal.masses)
        if modes != 3 * nat:
            raise InputError(f"{path}: {modes} modes, crystal.fmt has {nat} atoms; use files of one run")
        numbers = np.array(tokens[6 : 15 + 9 * nat], dtype=float)
        # zstar(i, j, na), contracted with K in its first index: field last
        born = numbers[:-9].reshape(nat, 3, 3)
        dielectric = numbers[-9:].reshape(3, 3).T
        rest = tokens[15 + 9 * nat :]
        expected = n * n * n_k + modes * modes * n_q
        body = complex_tokens(rest)
        if len(body) != expected:
            raise ValueError(f"{expected} matrix elements expected, {len(body)} found")
    except (ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: truncated or not EPW's epwdata.fmt ({error}); write it again") from None
    hoppings = body[: n * n * n_k].reshape(n, n, n_k).transpose(2, 0, 1) * rydberg.RYDBERG
    constants = body[n * n * n_k :].reshape(modes, modes, n_q).transpose(2, 0, 1) * rydberg.FORCE_CONSTANT
    if not constants.any():
        raise InputError(
            f"{path}: all force constants are zero (EPW ran with lifc = .true.); run EPW with lifc = .false."
        )
    return _Data(fermi * rydberg.RYDBERG, n, n_k, modes, n_q, n_g, born, dielectric, hoppings, constants)


def complex_tokens(tokens) -> np.ndarray:
    """List-directed complex numbers ``(re,im)``, whatever blanks the compiler put into them."""
    text = " ".join(tokens).replace("(", " ").replace(")", " ").replace(",", " ")
    return np.array(text.split(), dtype=float).view(complex) if text else np.empty(0, dtype=complex)


def _read_positions(path: Path | None, data: _Data):
    """Position matrix (nR, 3, N, N), angstrom, weights not folded in; None where the file is missing."""
    if path is None:
        return None
    try:
        body = complex_tokens(read_tokens(path))
    except ValueError as error:
        raise InputError(f"{path}: truncated or not EPW's vmedata.fmt ({error}); write it again") from None
    n, n_k = data.n_orbitals, data.n_k
    expected = n * n * n_k * 3
    if len(body) == 2 * expected:  # newer versions: each element followed by another form of it
        body = body[::2]
    elif len(body) != expected:
        raise InputError(
            f"{path}: {expected} matrix elements expected for {n} Wannier functions and {n_k} vectors, "
            f"{len(body)} found; the file is truncated or of another run"
        )
    return body.reshape(n, n, n_k, 3).transpose(2, 3, 0, 1) * BOHR


def _with_centres(vectors, positions, centres) -> tuple[np.ndarray, float]:
    """r(R) with the Wannier centres on the diagonal of R = 0, and by how much that changes it, angstrom.

    EPW takes r from finite differences of the overlaps M, ``i sum_b w_b b (M_nn - 1)``, which falls short of the centre
    on a coarse mesh (by a fifth on 3 x 3 x 3 k points of lead); Wannier90's centres, from ``Im ln M_nn``, do not.
    """
    home = np.flatnonzero(~vectors.any(axis=1))[0]
    changed = positions.copy()
    diagonal = np.arange(len(centres))
    changed[home][:, diagonal, diagonal] = centres.T
    return changed, float(np.abs(changed[home] - positions[home]).max())


def _read_coupling(path: Path, data: _Data) -> np.ndarray:
    """(nRp, 3 nat, nRe, N, N), eV/angstrom, weights not folded in."""
    n = data.n_orbitals
    shape = (data.n_g, data.n_modes, data.n_k, n, n)
    what = f"{n} Wannier functions, {data.n_k} electron vectors, {data.n_modes} modes and {data.n_g} coupling vectors"
    raw = read_complex(path, int(np.prod(shape)), what).reshape(shape)
    return raw.swapaxes(3, 4) * rydberg.FORCE
