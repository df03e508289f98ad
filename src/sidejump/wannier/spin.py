"""Spin for sets that have none: two channels become one spinor model, with exchange field and spin-orbit coupling.

    H(R) -> diag(H_up, H_down),   H(0) += b.sigma + sum_shells lambda_l L.S,    S = sigma/2,

in the order (all functions up, all functions down).  The coupling is diagonal in spin; exchange field and spin-orbit
term do not depend on the displacements.  L acts between the functions of one site, each named by the orbital or hybrid
it was projected on; what a function has outside the named shells, or hybridisation of the real Wannier function, is not
known to it.  lambda is one number for each l: for d shells of iron 0.05 to 0.06 eV.

Not covered: nonlocal spin-orbit terms, displacement-dependent exchange, phonons of the two channels that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..bands.base import PAULI
from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..groups.magnetic_group import magnetic_operations
from ..groups.orbitals import HARMONICS, orbital_components
from ..groups.projections import parse_projections
from ..groups.representation import Orbitals, atomic_orbitals, harmonic_rotation
from ..rules import array_of, one_of, quote
from .container import ElectronPhonon, mesh_points
from .coupling import Coupling
from .images import on_atoms
from .position import position_elements

_NEAR, _FAR = 0.1, 0.5  # angstrom: centres of functions from their atoms
_LOST = 0.02  # of the spin-orbit term: loss of symmetry that is worth a warning


def angular_momentum(shell: str) -> np.ndarray:
    """L/hbar in the real orbitals of a shell ("p" or "d"), order of `HARMONICS`: shape (3, n, n).

    >>> angular_momentum("p")[2].imag  # L_z px = i py
    array([[ 0.,  0.,  0.],
           [ 0.,  0., -1.],
           [ 0.,  1.,  0.]])
    """
    if shell not in ("p", "d"):
        raise InputError(f'shell "{shell}": spin-orbit coupling knows "p" and "d"')
    l = "spdf".index(shell)
    m = np.arange(-l, l + 1)
    raising = np.diag(np.sqrt(l * (l + 1) - m[:-1] * (m[:-1] + 1)), -1)
    spherical = np.stack([(raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)])
    states = {name: np.zeros(2 * l + 1, dtype=complex) for name in HARMONICS[l]}
    states["pz" if l == 1 else "dz2"][l] = 1
    # (x, y) like combinations of m = +-1, (x2 - y2, xy) of m = +-2; Condon-Shortley phases
    x, y = ("px", "py") if l == 1 else ("dxz", "dyz")
    states[x][[l - 1, l + 1]] = np.array([1, -1]) / np.sqrt(2)
    states[y][[l - 1, l + 1]] = np.array([1j, 1j]) / np.sqrt(2)
    if l == 2:
        states["dx2-y2"][[0, 4]] = 1 / np.sqrt(2)
        states["dxy"][[0, 4]] = np.array([1j, -1j]) / np.sqrt(2)
    basis = np.stack([states[name] for name in HARMONICS[l]], axis=1)
    return basis.conj().T @ spherical @ basis


def two_channels(up: ElectronPhonon, down: ElectronPhonon, *, tolerance: float = 1e-3) -> ElectronPhonon:
    """One spinor model of two collinear channels (the same twice for a nonmagnetic crystal).

    Parameters
    ----------
    up, down : ElectronPhonon
        Without spin, of one calculation.
    tolerance : float
        Largest relative difference of the two files' force constants.

    Raises
    ------
    InputError
        If crystal, meshes or phonons of the two differ, or one is a spinor model.
    """
    for data in (up, down):
        if data.spinor:
            raise InputError(f"{data.source}: is a spinor model already; give the file of one collinear spin channel")
    pairs = (
        ("unit cells", up.cell, down.cell),
        ("atoms", up.atoms.positions, down.atoms.positions),
        ("masses", up.atoms.masses, down.atoms.masses),
        ("k meshes", up.k_mesh, down.k_mesh),
        ("q meshes", up.q_mesh, down.q_mesh),
    )
    for name, a, b in pairs:
        if np.shape(a) != np.shape(b) or not np.allclose(a, b, rtol=1e-5, atol=1e-5):
            raise InputError(f"{up.source} and {down.source}: different {name}; use two channels of one calculation")
    q = np.random.default_rng(0).random((8, 3)) @ up.reciprocal_cell
    d_up, d_down = up.phonons.dynamical_matrix(q), down.phonons.dynamical_matrix(q)
    if np.abs(d_up - d_down).max() > tolerance * np.abs(d_up).max():
        raise InputError(f"{up.source} and {down.source}: different phonons; use two channels of one calculation")
    n = up.electrons.n_orbitals + down.electrons.n_orbitals
    return replace(
        up,
        electrons=_both_electrons(up.electrons, down.electrons),
        file_coupling=_both_couplings(up.file_coupling, down.file_coupling, n),
        wannier_centres=np.concatenate([up.wannier_centres, down.wannier_centres]),
        spinor=True,
        spin_degeneracy=None,
        source=up.source if up is down else f"{up.source} (up), {down.source} (down)",
        checks=_both_checks(up, down),
        warnings=[*up.warnings, *(w for w in down.warnings if w not in up.warnings)],
        _cache={},
    )


def with_exchange(data: ElectronPhonon, field) -> ElectronPhonon:
    """The same with ``b.sigma`` added to the Hamiltonian.

    Parameters
    ----------
    data : ElectronPhonon
        With spin matrices (`two_channels`).
    field : array, shape (3,) or (n, 3)
        b, eV: one for all functions, or one for each of the n functions of a channel. Splits bands by 2 |b|; the moment
        points along -b.
    """
    n = _channel_size(data)
    b = array_of("exchange (eV)", field)
    if b.shape not in ((3,), (n, 3)):
        raise InputError(f"exchange field: shape {b.shape}; expected (3,) or ({n}, 3), eV")
    b = np.broadcast_to(b, (n, 3))
    matrix = sum(np.kron(PAULI[axis], np.diag(b[:, axis])) for axis in range(3))
    return replace(data, electrons=data.electrons.with_onsite(matrix))


def with_spin_orbit(
    data: ElectronPhonon, orbitals: Sequence[str | None], strength: Mapping[str, float]
) -> ElectronPhonon:
    """The same with ``lambda L.S`` added on the named shells.

    Parameters
    ----------
    data : ElectronPhonon
        With spin matrices (`two_channels`).
    orbitals : sequence of str or None
        For each Wannier function of a channel the orbital ("dxy", "pz", ...) or hybrid ("sp3d2-1", ...) it was
        projected on, see `electrons.orbitals`; "s" or None takes no part.
    strength : mapping of str to float
        lambda, eV, for "p" and "d".

    Raises
    ------
    InputError
        If a name is unknown or the number of names wrong.
    """
    n = _channel_size(data)
    if len(orbitals) != n:
        raise InputError(f"orbitals: {len(orbitals)} names for {n} Wannier functions of a channel")
    sites = on_atoms(data.wannier_centres[:n], data.atoms.positions, data.cell)
    same = np.linalg.norm(sites[:, None] - sites[None], axis=-1) < 0.1
    matrix = np.zeros((2 * n, 2 * n), dtype=complex)
    for shell, value in strength.items():
        size, momentum = array_of(f'strength of "{shell}" (eV)', value, ()), angular_momentum(shell)
        parts = np.array([_components(name, shell) for name in orbitals])  # (n, 2l + 1)
        if not parts.any():
            raise InputError(f'orbitals: none belongs to the "{shell}" shell that strength names')
        for axis in range(3):
            l_matrix = parts @ momentum[axis] @ parts.T * same
            matrix += 0.5 * size * np.kron(PAULI[axis], l_matrix)
    return replace(data, electrons=data.electrons.with_onsite(matrix))


def with_projected_spin_orbit(
    data: ElectronPhonon, projections: str, terms: Sequence[tuple[str, str, float]], *, atoms=None
) -> ElectronPhonon:
    """The same with ``lambda L.S`` on shells that Wannier90's projections name.

    Parameters
    ----------
    data : ElectronPhonon
        With spin matrices (`two_channels`).
    projections : str
        Of one channel, in the order of its Wannier functions, such as ``"Fe:sp3d2;dxy;dxz;dyz"``; entries separated by
        newlines or ``|``.
    terms : sequence of (atom, shell, lambda)
        Species, "p" or "d", and eV.
    atoms : sequence of (symbol, position), optional
        Positions in angstrom; needed only where species share the orbitals.

    Raises
    ------
    InputError
        If the projections do not fit number and centres of the functions, or hold nothing of a shell.
    """
    n = _channel_size(data)
    positions, symbols = data.atoms.positions, data.atoms.symbols
    if atoms is not None:
        positions, symbols = np.array([p for _, p in atoms], dtype=float).reshape(-1, 3), tuple(s for s, _ in atoms)
    orbitals = atomic_orbitals(
        parse_projections(projections),
        n,
        cell=data.cell,
        centres=data.wannier_centres[:n],
        atoms=positions,
        symbols=symbols,
    )
    if orbitals.spin is not None:
        raise InputError(f"projections: they make {n // 2} functions, a spin channel of the file has {n}")
    rows = np.zeros((n, 16))  # harmonics along the crystal's axes
    for shell in orbitals.shells:
        rows[shell.functions] = shell.rows @ harmonic_rotation(shell.frame).T
    _require_centres(orbitals, rows, data.atoms.positions)
    same = orbitals.site_of[:, None] == orbitals.site_of
    species = np.array([str(s).lower() for s in _species(orbitals, positions, symbols)])
    matrix = np.zeros((2 * n, 2 * n), dtype=complex)
    for atom, name, value in terms:
        momentum, l = angular_momentum(name), "spd".index(name)
        parts = rows[:, l * l : (l + 1) ** 2] * (species == atom.lower())[:, None]
        if not np.abs(parts).max() > 1e-6:
            raise InputError(f'spin_orbit: the projections hold no function of the {name} shell of "{atom}"')
        for axis in range(3):
            matrix += 0.5 * value * np.kron(PAULI[axis], parts @ momentum[axis] @ parts.T * same)
    found = symmetry_lost(data, matrix)
    warnings = list(data.warnings)
    if found > _LOST * np.abs(matrix).max():
        warnings.append(
            f"spin_orbit: lambda L.S breaks the symmetry of the crystal by {1e3 * found:.2g} meV (rms, on the coarse "
            "mesh): the Wannier functions are not the orbitals that projections names, or are in another order or of "
            "another sign"
        )
    checks = data.checks | {"spin_orbit_symmetry_violation_rms_eV": found}
    return replace(data, electrons=data.electrons.with_onsite(matrix), checks=checks, warnings=warnings)


def symmetry_lost(data: ElectronPhonon, matrix) -> float:
    """By how much an on-site spin-orbit term makes energies differ that the crystal makes equal, rms, eV.

    On the coarse mesh, where nothing is interpolated, for the first channel twice and so without an exchange field.
    `matrix` (2n, 2n), in the order (up, down).
    """
    n = len(matrix) // 2
    mesh = mesh_points(data.k_mesh)
    up = data.electrons.hamiltonian(mesh @ data.reciprocal_cell)[:, :n, :n]
    plain = np.linalg.eigvalsh(up).repeat(2, axis=-1)
    turned = np.linalg.eigvalsh(np.einsum("st,kmn->ksmtn", np.eye(2), up).reshape(len(mesh), 2 * n, 2 * n) + matrix)
    species = np.unique(np.round(data.atoms.masses, 3), return_inverse=True)[1]
    whole = np.asarray(data.k_mesh)
    number = np.ravel_multi_index(tuple(np.rint(mesh * whole).astype(int).T), tuple(whole))
    square = []
    for operation in magnetic_operations(data.cell, data.atoms.positions, species):
        image = operation.wave_vectors(mesh) * whole
        if np.abs(image - np.rint(image)).max() > 1e-6:
            continue  # the mesh has not this symmetry
        place = np.ravel_multi_index(tuple(np.rint(image).astype(int).T % whole[:, None]), tuple(whole))
        to = np.argsort(number)[place]
        # what the channel itself lacks is not the term's fault
        square.append(np.mean((turned[to] - turned) ** 2) - np.mean((plain[to] - plain) ** 2))
    return float(np.sqrt(max(np.mean(square), 0.0)))


def _species(orbitals: Orbitals, positions, symbols) -> list[str | None]:
    """Species of every function; that of the nearest atom where the projections give a place."""
    found = list(orbitals.species)
    if symbols is not None:
        apart = orbitals.positions[:, None] - positions[None]
        apart -= np.round(apart @ np.linalg.inv(orbitals.cell)) @ orbitals.cell
        nearest = np.linalg.norm(apart, axis=-1).argmin(axis=1)
        found = [name or symbols[i] for name, i in zip(found, nearest, strict=True)]
    return found


def _require_centres(orbitals: Orbitals, rows, positions) -> None:
    """Functions sit near their atoms, and hybrids on the side they point to.

    Raises
    ------
    InputError
        Which the order of the projections most likely explains.
    """
    # s and p of one sign give a dipole along p: harmonics in the order s, pz, px, py
    pointing = rows[:, :1] * rows[:, [2, 3, 1]]
    for number, (centre, site, dipole) in enumerate(zip(orbitals.local, orbitals.positions, pointing, strict=True), 1):
        away = centre - site
        others = positions - centre
        others -= np.round(others @ np.linalg.inv(orbitals.cell)) @ orbitals.cell
        length, size = np.linalg.norm(away), np.linalg.norm(dipole)
        if length > np.linalg.norm(others, axis=1).min() + _NEAR:
            what = f"sits {length:.2g} angstrom from the atom it is assigned to, and nearer to another"
        elif size > 0.1 and length > _NEAR and away @ dipole < 0.5 * length * size:
            what = f"sits along ({_direction(away)}) of its atom, the orbital there points along ({_direction(dipole)})"
        elif size < 1e-3 and np.abs(rows[number - 1, :1]) < 1e-3 and length > _FAR:
            what = f"sits {length:.2g} angstrom from its atom, and the orbital there is centred"
        else:
            continue
        raise InputError(
            f"projections: Wannier function {number} {what}; give them in the order of the functions of the file"
        )


def _direction(vector) -> str:
    return ", ".join(f"{x:.2g}" for x in np.round(vector / np.linalg.norm(vector), 2) + 0.0)


def _components(name, shell) -> list[float]:
    """Expansion of a function in the orbitals of a shell."""
    expansion = {} if name is None else orbital_components(name)
    if name is not None and not expansion:
        known = sorted(orbital for orbitals in HARMONICS for orbital in orbitals)
        hybrid = 'a hybrid such as "sp3d2-1"'
        raise InputError(f"orbital {quote(name)}: {one_of(name, known, hybrid)}")
    return [expansion.get(orbital, 0.0) for orbital in HARMONICS["spdf".index(shell)]]


def _channel_size(data) -> int:
    """Functions of one channel of a model in the order (up, down)."""
    n, odd = divmod(data.electrons.n_orbitals, 2)
    if data.electrons.spin is None or odd or not np.allclose(data.electrons.spin[2], np.kron(PAULI[2], np.eye(n))):
        raise InputError(
            f"{data.source}: has no spin matrices in the order (up, down); make a spinor model of two channels first"
        )
    return n


def _both_checks(up: ElectronPhonon, down: ElectronPhonon) -> dict:
    """What the tests of both files found."""
    if up is down:
        return dict(up.checks)
    return {f"{name}_{key}": value for name, data in (("up", up), ("down", down)) for key, value in data.checks.items()}


def _both_electrons(up: LatticeModel, down: LatticeModel) -> LatticeModel:
    if up.n_orbitals != down.n_orbitals:
        raise InputError(
            f"spin channels: {up.n_orbitals} and {down.n_orbitals} Wannier functions; both channels need the same"
        )
    n = up.n_orbitals
    vectors, (rows_up, rows_down) = _union(up.vectors, down.vectors)
    hoppings = np.zeros((len(vectors), 2 * n, 2 * n), dtype=complex)
    hoppings[rows_up, :n, :n], hoppings[rows_down, n:, n:] = up.hoppings, down.hoppings
    r_up, r_down = position_elements(up), position_elements(down)
    positions = None
    if r_up is not None and r_down is not None:
        positions = np.zeros((len(vectors), 3, 2 * n, 2 * n), dtype=complex)
        positions[rows_up, :, :n, :n], positions[rows_down, :, n:, n:] = r_up, r_down
    sites = np.concatenate([up.site_positions, down.site_positions])
    spin = np.stack([np.kron(s, np.eye(n)) for s in PAULI])
    return LatticeModel(up.cell, vectors, hoppings, positions, sites, spin)


def _both_couplings(up: Coupling, down: Coupling, n: int) -> Coupling:
    re_vectors, (e_up, e_down) = _union(up.re_vectors, down.re_vectors)
    rp_vectors, (p_up, p_down) = _union(up.rp_vectors, down.rp_vectors)
    values = np.zeros((len(rp_vectors), up.n_displacements, len(re_vectors), n, n), dtype=complex)
    half = up.n_orbitals
    for coupling, e, p, block in (
        (up, e_up, p_up, slice(None, half)),
        (down, e_down, p_down, slice(half, None)),
    ):
        values[p[:, None], :, e, block, block] = coupling.values.transpose(0, 2, 1, 3, 4)
    return Coupling(re_vectors, rp_vectors, values)


def _union(a, b):
    """All vectors of two lists, sorted, and the rows that each list takes."""
    vectors = np.unique(np.concatenate([a, b]), axis=0)
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    return vectors, [np.array([index[tuple(r)] for r in part.tolist()]) for part in (a, b)]
