"""Force constants of phonopy as phonons of a crystal.

Phonopy keeps constants between the atoms of a primitive cell and those of a supercell, and at every pair the shortest
vectors among the images; a constant goes to all of them in equal parts, as there.

Polar crystals: phonopy's constants are whole, those here are without the dipole part, which is added at any q.  What
it is at the q of the supercell is taken out of them first, so that frequencies there stay what they are; between them
the two programs interpolate with Ewald parameters of their own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..wannier import rydberg
from ..wannier.phonons import Phonons
from .foreign import checked_numbers, read_with, require

_SOURCE = "phonopy"
_WHOLE = 1e-3  # of a lattice vector: what a difference of positions may be from a whole number


def from_phonopy(phonon) -> Phonons:
    """Phonons from the force constants of phonopy, in its units of VASP: eV/angstrom^2, angstrom, atomic mass units.

    Parameters
    ----------
    phonon : phonopy.Phonopy
        With force constants (`produce_force_constants`, or of `phonopy.load`), and `nac_params` if it is polar.

    Returns
    -------
    Phonons
        ``solve(q)`` gives energies (eV) and modes, for q in 1/angstrom.

    Raises
    ------
    InputError
        If it is no such object, has no force constants, or has other units.
    """
    require(phonon, ("primitive", "supercell", "force_constants", "nac_params"), "Phonopy object")
    if getattr(phonon, "calculator", None) not in (None, "vasp"):
        raise InputError(
            f"{_SOURCE}: calculator = {phonon.calculator!r}: its units are not eV and angstrom; convert the force "
            "constants, or load them with calculator=None"
        )
    if phonon.force_constants is None:
        raise InputError(f"{_SOURCE}: has no force constants; call produce_force_constants() first")
    primitive = phonon.primitive
    cell = checked_numbers(primitive.cell, (3, 3), "lattice vectors", _SOURCE)
    nat, n_super = len(primitive.masses), len(phonon.supercell.masses)
    reduced = checked_numbers(primitive.scaled_positions, (nat, 3), "positions", _SOURCE)
    constants = np.asarray(phonon.force_constants, dtype=float)
    if constants.shape[0] != nat:
        constants = constants[np.asarray(primitive.p2s_map)]
    constants = checked_numbers(constants, (nat, n_super, 3, 3), "force constants", _SOURCE)
    place = {int(s): i for i, s in enumerate(primitive.p2s_map)}
    kind = np.array([place[int(s)] for s in primitive.s2p_map])
    shortest, count = primitive.get_smallest_vectors()
    images = _Images(reduced, kind, np.asarray(shortest), np.asarray(count))
    found = Phonons(
        cell,
        reduced @ cell,
        np.asarray(primitive.masses, dtype=float) * rydberg.ATOMIC_MASS,
        *images.spread(constants),
    )
    nac = phonon.nac_params
    if nac is None:
        return found
    used = phonon.dynamical_matrix  # with the symmetry of the crystal, and neutral
    charges, dielectric = getattr(used, "born", nac["born"]), getattr(used, "dielectric_constant", nac["dielectric"])
    polar = replace(
        found,
        born_charges=checked_numbers(charges, (nat, 3, 3), "Born charges", _SOURCE).swapaxes(1, 2),
        dielectric=checked_numbers(dielectric, (3, 3), "dielectric tensor", _SOURCE),
        alpha=float((2 * np.pi) ** 2 / abs(np.linalg.det(cell)) ** (2 / 3)),
    )
    supercell = np.rint(np.asarray(phonon.supercell.cell) @ np.linalg.inv(cell)).astype(int)
    vectors, values = images.spread(constants - _dipoles(polar, supercell, images))
    return replace(polar, vectors=vectors, force_constants=values)


def read_phonopy(file, **options) -> Phonons:
    """Phonons from a file that `phonopy.load` reads, such as ``phonopy_params.yaml``; `options` are handed to it.

    Raises
    ------
    InputError
        If phonopy is not installed, or reads no force constants there.
    """
    return read_with(
        "phonopy",
        "force constants of phonopy",
        file,
        lambda phonopy, name: phonopy.load(name, **({"log_level": 0} | options)),
        from_phonopy,
        "phonopy cannot read it",
    )


class _Images:
    """Lattice vectors R of the images of every pair, ``R + tau_b - tau_a`` shortest.

    Parameters
    ----------
    reduced : ndarray, shape (nat, 3)
        Atoms of the primitive cell in units of its vectors.
    kind : ndarray of int, shape (n_super,)
        Which of them each atom of the supercell is.
    shortest : ndarray, shape (n, 3)
    count : ndarray of int, shape (n_super, nat, 2)
        Number of shortest vectors of a pair, and the first of them.
    """

    def __init__(self, reduced, kind, shortest, count):
        n_super, nat = count.shape[:2]
        self.kind, self.nat = kind, nat
        number = count[..., 0].ravel()
        pair = np.repeat(np.arange(n_super * nat), number)
        entry = np.repeat(count[..., 1].ravel() - (np.cumsum(number) - number), number) + np.arange(number.sum())
        self.s, self.a = np.divmod(pair, nat)
        apart = shortest[entry] - (reduced[kind[self.s]] - reduced[self.a])
        self.vectors = np.rint(apart).astype(int)
        if np.abs(apart - self.vectors).max() > _WHOLE:
            raise InputError(f"{_SOURCE}: atoms of the supercell are none of the primitive cell moved")
        self.share = 1 / number[pair]

    def spread(self, constants) -> tuple[np.ndarray, np.ndarray]:
        """R (nR, 3) and C(R) (nR, 3 nat, 3 nat) of constants (nat, n_super, 3, 3)."""
        unique, inverse = np.unique(np.vstack([self.vectors, np.zeros((1, 3), dtype=int)]), axis=0, return_inverse=True)
        values = np.zeros((len(unique), self.nat, self.nat, 3, 3))
        parts = constants[self.a, self.s] * self.share[:, None, None]
        np.add.at(values, (inverse.ravel()[:-1], self.a, self.kind[self.s]), parts)
        n = 3 * self.nat
        return unique, values.transpose(0, 1, 3, 2, 4).reshape(len(unique), n, n)


def _dipoles(phonons: Phonons, supercell, images: _Images) -> np.ndarray:
    """The dipole part as constants of the supercell: shape (nat, n_super, 3, 3), eV/angstrom^2."""
    q = commensurate(supercell)
    part = phonons.dipole_part
    assert part is not None
    nat = images.nat
    at_q = part.force_constants(q @ (2 * np.pi * np.linalg.inv(phonons.cell).T)).reshape(len(q), nat, 3, nat, 3)
    found = np.zeros((nat, len(images.kind), 3, 3))
    first = np.unique(images.s * nat + images.a, return_index=True)[1]
    for s, a, r in zip(images.s[first], images.a[first], images.vectors[first], strict=True):
        phase = np.exp(-2j * np.pi * (q @ r)) / len(q)
        found[a, s] = np.tensordot(phase, at_q[:, a, :, images.kind[s], :], axes=1).real
    return found


def commensurate(supercell) -> np.ndarray:
    """Wave vectors (N, 3), crystal coordinates in [0, 1), of which a supercell holds whole waves.

    Parameters
    ----------
    supercell : array of int, shape (3, 3)
        Vectors of the supercell as rows, in units of those of the primitive cell.

    >>> commensurate([[2, 0, 0], [0, 1, 0], [0, 0, 1]]).tolist()
    [[0.0, 0.0, 0.0], [0.5, 0.0, 0.0]]
    """
    matrix = np.asarray(supercell, dtype=int)
    n = round(abs(np.linalg.det(matrix)))
    steps = np.rint(n * np.linalg.inv(matrix)).astype(int).T % n  # columns of the inverse, in units of 1/n
    found: set[tuple[int, ...]] = {(0, 0, 0)}
    for step in steps:
        found = {tuple(int(x) for x in (np.array(k) + i * step) % n) for k in found for i in range(n)}
    return np.array(sorted(found)) / n
