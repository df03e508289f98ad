"""The text files of EPW: lists of tokens in Rydberg units, wrapped as the compiler likes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import reading, text_size
from ..text_numbers import counts, floats, floats_of, integers
from ..units import BOHR
from ..wannier import rydberg
from .files import read_whole_text


@dataclass(frozen=True)
class Crystal:
    """What crystal.fmt holds, in angstrom and electron masses."""

    cell: np.ndarray
    positions: np.ndarray
    masses: np.ndarray
    alat: float  # angstrom
    n_electrons: float
    spinor: bool
    two_dimensional: bool  # the second flag is set; where it is not, the crystal can be a layer all the same
    layer: str  # word of the second flag, do_cutoff_2D_epw; empty for versions without
    tail: np.ndarray  # Wannier centres (alat, Cartesian) and what newer versions add: L, degauss, ngauss


def read_crystal(path: Path) -> Crystal:
    """Read crystal.fmt of any version."""
    with reading(path, "EPW's crystal.fmt"):
        tokens = read_whole_text(path).split()
        nat, modes = counts(tokens, ("the number of atoms", "the number of modes"))
        # newer versions put the number of skipped bands (an integer) after the number of electrons
        start = 4 if _is_integer(tokens[3]) else 3
        electrons = float(floats(tokens[2:3])[0])
        numbers = floats(tokens[start : start + 20])
        at, bg, volume, alat = numbers[:9].reshape(3, 3), numbers[9:18].reshape(3, 3), numbers[18], numbers[19]
        start += 20
        tau = floats(tokens[start : start + 3 * nat]).reshape(nat, 3)
        mass = floats(tokens[start + 3 * nat : start + 3 * nat + 10])
        start += 3 * nat + 10
        kind = integers(tokens[start : start + nat])
        if len(kind) != nat or kind.min() < 1 or kind.max() > len(mass):
            raise ValueError(f"kinds of {nat} atoms between 1 and {len(mass)} expected, {kind.tolist()} found")
        start += nat
        flags = []
        while start < len(tokens) and not _is_number(tokens[start]):
            flags.append(tokens[start].strip(".'").lower())
            start += 1
        tail = floats(tokens[start:])
        masses = mass[kind - 1]
    if modes != 3 * nat or not flags:
        raise InputError(f"{path}: {modes} modes for {nat} atoms and {len(flags)} flags; not EPW's crystal.fmt")
    if np.abs(at @ bg.T - np.eye(3)).max() > 1e-5 or abs(abs(np.linalg.det(at)) * alat**3 / volume - 1) > 1e-4:
        raise InputError(f"{path}: lattice vectors, reciprocal vectors and volume disagree; the file is damaged")
    return Crystal(
        at * alat * BOHR,
        tau * alat * BOHR,
        masses * rydberg.MASS,
        alat * BOHR,
        electrons,
        flags[0].startswith("t"),
        len(flags) > 1 and flags[1] not in ("f", "false", "no"),
        flags[1] if len(flags) > 1 else "",
        tail,
    )


def _is_integer(token: str) -> bool:
    return token.lstrip("+-").isdigit()


def _is_number(token: str) -> bool:
    return token[0] in "+-.0123456789" and token.strip(".").lower() not in ("t", "f", "true", "false")


def read_centres(crystal: Crystal, n: int, path: Path) -> np.ndarray:
    """Wannier centres (n, 3), angstrom."""
    if len(crystal.tail) not in range(3 * n, 3 * n + (4 if crystal.layer else 1)):
        raise InputError(
            f"{path}: holds {len(crystal.tail)} numbers after the flags, {n} Wannier functions (epwdata.fmt) need "
            f"{3 * n}; the file is truncated or of another run"
        )
    return crystal.tail[: 3 * n].reshape(n, 3) * crystal.alat


@dataclass(frozen=True)
class RawData:
    """What epwdata.fmt holds, in eV and angstrom."""

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


def read_epwdata(path: Path, crystal: Crystal) -> RawData:
    """Read epwdata.fmt."""
    with reading(path, "EPW's epwdata.fmt"):
        text = read_whole_text(path, lambda head: text_size(_numbers_announced(head)))
        fermi_energy, *_, rest = text.split(None, 6)
        fermi = float(floats([fermi_energy])[0])
        n, n_k, modes, n_q, n_g = _counts_announced(text)
        nat = len(crystal.masses)
        if modes != 3 * nat:
            raise InputError(f"{path}: {modes} modes, crystal.fmt has {nat} atoms; use files of one run")
        numbers = floats_of(rest)
        expected = 9 + 9 * nat + 2 * (n * n * n_k + modes * modes * n_q)
        if len(numbers) != expected:
            raise ValueError(f"{expected} numbers expected, {len(numbers)} found")
        # zstar(i, j, na), contracted with K in its first index: field last
        born = numbers[: 9 * nat].reshape(nat, 3, 3)
        dielectric = numbers[9 * nat : 9 * nat + 9].reshape(3, 3).T
        body = numbers[9 * nat + 9 :].view(complex)
    hoppings = body[: n * n * n_k].reshape(n, n, n_k).transpose(2, 0, 1) * rydberg.RYDBERG
    constants = body[n * n * n_k :].reshape(modes, modes, n_q).transpose(2, 0, 1) * rydberg.FORCE_CONSTANT
    return RawData(fermi * rydberg.RYDBERG, n, n_k, modes, n_q, n_g, born, dielectric, hoppings, constants)


def _counts_announced(text: str) -> list[int]:
    """N, nRe, 3 nat, nRq and nRp at the beginning of epwdata.fmt."""
    names = (
        "the number of Wannier functions",
        "of electron vectors",
        "of modes",
        "of phonon vectors",
        "of coupling vectors",
    )
    return counts(text.split(None, 6)[1:6], names)


def _numbers_announced(head: str) -> int:
    n, n_k, modes, n_q, _ = _counts_announced(head)
    return 18 + 9 * modes + 2 * (n * n * n_k + modes * modes * n_q)


def read_positions(path: Path | None, data: RawData):
    """Position matrix (nR, 3, N, N), angstrom, weights not folded in; None where the file is missing."""
    if path is None:
        return None
    n, n_k = data.n_orbitals, data.n_k
    expected = n * n * n_k * 3
    with reading(path, "EPW's vmedata.fmt"):
        body = floats_of(read_whole_text(path, text_size(4 * expected))).view(complex)
    if len(body) == 2 * expected:  # newer versions: each element followed by another form of it
        body = body[::2]
    elif len(body) != expected:
        raise InputError(
            f"{path}: {expected} matrix elements expected for {n} Wannier functions and {n_k} vectors, "
            f"{len(body)} found; the file is truncated or of another run"
        )
    return body.reshape(n, n, n_k, 3).transpose(2, 3, 0, 1) * BOHR
