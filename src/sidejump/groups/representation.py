"""How Wannier functions that stand for atomic orbitals transform under an operation of the crystal.

The operation takes x to S x + t, followed by time reversal if it is antiunitary.  Function m, on tau_m, becomes

    w_m(R) -> sum_m' D_m'm w_m'(S R + T_m),   T_m = S tau_m + t - tau_m'   (a lattice vector),

D the rotation of the real harmonics (hybrids by their definition) times that of spin 1/2, ``exp(-i angle n.sigma/2)``,
and ``i sigma_y`` with complex conjugation for time reversal.  Bloch sums in the lattice gauge then transform by
``D_m'm exp(-i k'.T_m)``, k' = S k or, for antiunitary operations, -S k.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from ..bands.base import PAULI
from ..bands.nearest import near_origin
from ..bands.spin_order import ordering_of
from ..errors import InputError
from .magnetic_group import Operation
from .projections import Entry

_SAME = 0.05  # angstrom: images of sites this close to a site are that site
_POINTS = np.random.default_rng(0).normal(size=(40, 3))


@dataclass(frozen=True)
class Shell:
    """Orbitals of one site that transform among themselves; `functions` numbers them without spin."""

    site: int
    functions: np.ndarray
    rows: np.ndarray
    frame: np.ndarray
    kind: tuple = field(default=())


@dataclass(frozen=True)
class Orbitals:
    """Wannier functions as atomic orbitals.

    Attributes
    ----------
    cell : ndarray, shape (3, 3)
        Lattice vectors as rows, angstrom.
    sites : ndarray, shape (ns, 3)
        Angstrom, as far from the home cell as the functions are.
    shells : tuple of Shell
    spin : {None, "interleaved", "block"}
        Order of up and down; None without spin.
    species : tuple of (str or None)
        Of every function without spin, as the projections name it; None where they give a place.
    local : ndarray, shape (n, 3)
        Centres of the functions without spin, angstrom, as far from the home cell as `sites`.
    """

    cell: np.ndarray
    sites: np.ndarray
    shells: tuple[Shell, ...]
    spin: str | None
    species: tuple[str | None, ...] = ()
    local: np.ndarray = field(default_factory=lambda: np.zeros((0, 3)))

    @property
    def n_spatial(self) -> int:
        return sum(len(shell.functions) for shell in self.shells)

    @property
    def n_functions(self) -> int:
        return self.n_spatial * (1 if self.spin is None else 2)

    @property
    def site_of(self) -> np.ndarray:
        """Site of every Wannier function, spin included: shape (N,)."""
        owner = np.zeros(self.n_spatial, dtype=int)
        for shell in self.shells:
            owner[shell.functions] = shell.site
        if self.spin is None:
            return owner
        return np.repeat(owner, 2) if self.spin == "interleaved" else np.tile(owner, 2)

    @property
    def positions(self) -> np.ndarray:
        """Of every Wannier function: shape (N, 3), angstrom."""
        return self.sites[self.site_of]

    def site_images(self, operation: Operation) -> tuple[np.ndarray, np.ndarray]:
        """Site that each site goes to (ns,) and the lattice vector T (ns, 3), in units of the cell."""
        return site_images(self.cell, self.sites, operation)

    def matrix(self, operation: Operation) -> np.ndarray:
        """D, shape (N, N).

        Raises
        ------
        InputError
            If the orbitals of a site do not transform among themselves.
        """
        target, _ = self.site_images(operation)
        spatial = np.zeros((self.n_spatial, self.n_spatial))
        for shell in self.shells:
            image = next((s for s in self.shells if s.site == target[shell.site] and _alike(s, shell)), None)
            if image is None:
                raise InputError(
                    f"projections: site {shell.site + 1} goes to site {target[shell.site] + 1} under an operation of "
                    "the lattice, which has other orbitals; equivalent atoms need the same projections"
                )
            turn = harmonic_rotation(image.frame.T @ operation.cartesian @ shell.frame)
            block = image.rows @ turn @ shell.rows.T
            if np.abs(block @ block.T - np.eye(len(block))).max() > 1e-6:
                raise InputError(
                    f"projections: the orbitals of site {shell.site + 1} do not transform among themselves under the "
                    "symmetry of the lattice; list whole sets (all of p, t2g or eg of d) or leave symmetrize out"
                )
            spatial[np.ix_(image.functions, shell.functions)] = block
        if self.spin is None:
            return spatial.astype(complex)
        turn = spin_rotation(operation.cartesian)
        if operation.antiunitary:
            turn = turn @ (1j * PAULI[1])
        return np.kron(spatial, turn) if self.spin == "interleaved" else np.kron(turn, spatial)


def _alike(one: Shell, other: Shell) -> bool:
    return one.kind == other.kind and one.rows.shape == other.rows.shape and np.allclose(one.rows, other.rows)


def site_images(cell, sites, operation: Operation) -> tuple[np.ndarray, np.ndarray]:
    """Site that each of `sites` (ns, 3) goes to (ns,), and the lattice vector T (ns, 3), in units of the cell."""
    crystal = sites @ np.linalg.inv(cell)
    moved = crystal @ operation.rotation.T + operation.translation
    apart = moved[:, None] - crystal[None]
    whole = np.round(apart)
    distance = np.linalg.norm((apart - whole) @ cell, axis=-1)
    target = distance.argmin(axis=1)
    rows = np.arange(len(sites))
    if distance[rows, target].max() > _SAME or len(np.unique(target)) != len(sites):
        raise InputError("projections: an operation of the lattice takes a site to where there is none")
    return target, whole[rows, target].astype(int)


def harmonics(points) -> np.ndarray:
    """Real harmonics of l = 0 to 3 in Wannier90's order, mean square 1 on the sphere: (n, 16)."""
    x, y, z = (np.asarray(points) / np.linalg.norm(points, axis=-1, keepdims=True)).T
    one = np.ones_like(x)
    d = np.sqrt(5) * np.array(
        [(3 * z**2 - 1) / 2, 3**0.5 * x * z, 3**0.5 * y * z, 3**0.5 / 2 * (x**2 - y**2), 3**0.5 * x * y]
    )
    f = np.sqrt(7) * np.array(
        [
            (5 * z**3 - 3 * z) / 2,
            6**0.5 / 4 * x * (5 * z**2 - 1),
            6**0.5 / 4 * y * (5 * z**2 - 1),
            15**0.5 / 2 * z * (x**2 - y**2),
            15**0.5 * x * y * z,
            10**0.5 / 4 * x * (x**2 - 3 * y**2),
            10**0.5 / 4 * y * (3 * x**2 - y**2),
        ]
    )
    return np.concatenate([[one], 3**0.5 * np.array([z, x, y]), d, f]).T


def harmonic_rotation(s) -> np.ndarray:
    """O of ``f_m(S^-1 r) = sum_m' f_m'(r) O_m'm``: shape (16, 16), block diagonal in l."""
    result = np.zeros((16, 16))
    here, there = harmonics(_POINTS), harmonics(_POINTS @ s)  # S^-1 r = S^T r
    start = 0
    for size in (1, 3, 5, 7):
        block = slice(start, start + size)
        result[block, block] = np.linalg.lstsq(here[:, block], there[:, block], rcond=None)[0]
        start += size
    return result


def spin_rotation(s) -> np.ndarray:
    """Rotation of spin 1/2 by the proper part of `s` (3, 3): shape (2, 2), of either sign."""
    vector = Rotation.from_matrix(s * np.linalg.det(s)).as_rotvec()
    angle = np.linalg.norm(vector)
    axis = vector / angle if angle > 1e-12 else np.zeros(3)
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * np.einsum("i,ijk->jk", axis, PAULI)


def atomic_orbitals(
    entries: list[Entry], n_functions: int, *, cell, centres, atoms=None, symbols=None, spin_ordering=None
) -> Orbitals:
    """The Wannier functions of a model as the orbitals that its projections name.

    Parameters
    ----------
    entries : list of Entry
        From `parse_projections`.
    n_functions : int
        Number of Wannier functions; twice that of the orbitals for spinors.
    cell : array, shape (3, 3)
        Lattice vectors as rows, angstrom.
    centres : array, shape (N, 3)
        Where the functions are, roughly, angstrom.
    atoms : array, shape (nat, 3), optional
        Angstrom. The functions sit on the mean of the centres of a shell when not given.
    symbols : sequence of str, optional
        Species of `atoms`; not needed where the numbers of functions leave no choice.
    spin_ordering : str, optional
        As in :func:`.ordering_of`. Of spinors; Wannier90's, interleaved, when not given.

    Raises
    ------
    InputError
        If the projections do not make that many functions, or a species is missing.
    """
    centres = np.asarray(centres, dtype=float)
    n_sites = len(_distinct(centres, cell)) if atoms is None else len(atoms)
    counts = _multiplicities(entries, n_functions, n_sites, symbols)
    spatial = sum(len(entry.rows) * count for entry, count in zip(entries, counts, strict=True))
    spin = None if spatial == n_functions else ordering_of(spin_ordering or "interleaved")
    if spin is not None:
        centres = centres[0::2] if spin == "interleaved" else centres[: n_functions // 2]
    sites: list[np.ndarray] = []
    raw: list[tuple[int, np.ndarray, Entry, int]] = []
    start = 0
    names: list[str | None] = []
    for number, (entry, count) in enumerate(zip(entries, counts, strict=True)):
        members = None
        if symbols is not None and isinstance(entry.site, str):
            members = [a for a, symbol in enumerate(symbols) if symbol.lower() == entry.site.lower()]
        for copy in range(count):
            functions = np.arange(start, start + len(entry.rows))
            start += len(entry.rows)
            names += [entry.site if isinstance(entry.site, str) else None] * len(entry.rows)
            where = centres[functions].mean(axis=0)
            if not isinstance(entry.site, str):
                given = np.array(entry.site[1:]) if entry.site[0] == "c" else np.array(entry.site[1:]) @ cell
                where = _nearest(given[None], where, cell)
            elif atoms is not None:
                chosen = np.asarray(atoms) if members is None else np.asarray(atoms)[members[copy]][None]
                where = _nearest(chosen, where, cell)
            raw.append((_index(sites, where), functions, entry, number))
    return Orbitals(
        np.asarray(cell, dtype=float), np.array(sites), tuple(_merged(raw)), spin, tuple(names), centres[:start]
    )


def _multiplicities(entries, n_functions, n_sites, symbols) -> list[int]:
    """Number of sites of each entry."""
    species = list(dict.fromkeys(e.site.lower() for e in entries if isinstance(e.site, str)))
    size = {s: sum(len(e.rows) for e in entries if isinstance(e.site, str) and e.site.lower() == s) for s in species}
    fixed = sum(len(e.rows) for e in entries if not isinstance(e.site, str))
    totals = [n_functions] + ([n_functions // 2] if n_functions % 2 == 0 else [])
    if symbols is not None:
        known = [s.lower() for s in symbols]
        for s in species:
            if s not in known:
                raise InputError(
                    f'projections: no atom is called "{s}"; the crystal has {", ".join(sorted(set(symbols)))}'
                )
        choices = [{s: known.count(s) for s in species}]
    else:
        choices = _choices(species, size, [t - fixed for t in totals], n_sites)
    fits = [c for c in choices if fixed + sum(c[s] * size[s] for s in species) in totals]
    if not fits:
        found = (
            fixed + sum(choices[0][s] * size[s] for s in species) if symbols is not None else fixed + sum(size.values())
        )
        raise InputError(
            f"projections: they make {found} functions{'' if symbols is not None else ' for one atom of each species'} "
            f"(twice that with spin), the file has {n_functions}; give those of the Wannier90 run"
        )
    if len(fits) > 1:
        raise InputError(
            "projections: the numbers of functions leave open which atoms belong to which species; give the atoms "
            "(a SEEDNAME.win beside the file)"
        )
    return [1 if not isinstance(e.site, str) else fits[0][e.site.lower()] for e in entries]


def _choices(species, size, totals, most):
    """Numbers of atoms for each species, at most `most` in all, that make one of `totals` functions."""
    if not species:
        return [{}]
    found = []

    def extend(chosen, left, total):
        if len(chosen) == len(species):
            if total == 0:
                found.append(dict(zip(species, chosen, strict=True)))
            return
        step = size[species[len(chosen)]]
        for count in range(1, min(left, total // step) + 1):
            extend([*chosen, count], left - count, total - count * step)

    for total in totals:
        extend([], most, total)
    return found


def _distinct(centres, cell) -> list[np.ndarray]:
    """Centres (N, 3) that differ by more than lattice vectors."""
    found: list[np.ndarray] = []
    for centre in centres:
        apart = np.array([centre - other for other in found]).reshape(-1, 3)
        apart -= np.round(apart @ np.linalg.inv(cell)) @ cell
        if not np.any(np.linalg.norm(apart, axis=1) < _SAME):
            found.append(centre)
    return found


def _nearest(atoms, where, cell) -> np.ndarray:
    """The image of one of `atoms` (n, 3) nearest to `where`."""
    images = (atoms[:, None] + near_origin(atoms - where, cell) @ cell).reshape(-1, 3)
    return images[np.linalg.norm(images - where, axis=1).argmin()]


def _index(sites: list, where) -> int:
    for i, site in enumerate(sites):
        if np.linalg.norm(site - where) < _SAME:
            return i
    sites.append(np.asarray(where, dtype=float))
    return len(sites) - 1


def _merged(raw):
    """Shells, entries of one site put together where their functions are orthonormal."""
    groups: dict[tuple, list] = {}
    for site, functions, entry, number in raw:
        groups.setdefault((site, entry.radial, entry.frame.round(6).tobytes()), []).append((functions, entry, number))
    for (site, radial, _), members in groups.items():
        rows = np.concatenate([entry.rows for _, entry, _ in members])
        if np.abs(rows @ rows.T - np.eye(len(rows))).max() < 1e-6:
            yield Shell(site, np.concatenate([f for f, _, _ in members]), rows, members[0][1].frame, (radial,))
        else:
            for functions, entry, number in members:
                yield Shell(site, functions, entry.rows, entry.frame, (radial, number))
