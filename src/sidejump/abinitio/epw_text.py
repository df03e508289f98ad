"""The text files of EPW: lists of tokens in Rydberg units, wrapped as the compiler likes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..units import BOHR
from . import rydberg
from .files import read_tokens


@dataclass(frozen=True)
class Crystal:
    """What crystal.fmt holds, in angstrom and electron masses."""

    cell: np.ndarray
    positions: np.ndarray
    masses: np.ndarray
    alat: float  # angstrom
    n_electrons: float
    spinor: bool
    two_dimensional: bool
    layer: str  # word of the two-dimensional flag, empty for versions without
    tail: np.ndarray  # Wannier centres (alat, Cartesian) and what newer versions add: L, degauss, ngauss


def read_crystal(path: Path) -> Crystal:
    """Read crystal.fmt of any version."""
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
        while start < len(tokens) and not _is_number(tokens[start]):
            flags.append(tokens[start].strip(".'").lower())
            start += 1
        tail = np.array(tokens[start:], dtype=float)
        masses = mass[kind - 1]
        if not all(np.all(np.isfinite(x)) for x in (numbers, tau, mass, tail)):
            raise ValueError("a number that is not finite")
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: truncated or not EPW's crystal.fmt ({error}); write it again") from None
    if modes != 3 * nat or not flags:
        raise InputError(f"{path}: {modes} modes for {nat} atoms and {len(flags)} flags; not EPW's crystal.fmt")
    if np.abs(at @ bg.T - np.eye(3)).max() > 1e-5 or abs(abs(np.linalg.det(at)) * alat**3 / volume - 1) > 1e-4:
        raise InputError(f"{path}: lattice vectors, reciprocal vectors and volume disagree; the file is damaged")
    return Crystal(
        at * alat * BOHR,
        tau * alat * BOHR,
        masses * rydberg.MASS,
        alat * BOHR,
        float(tokens[2]),
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
        if not np.all(np.isfinite(numbers)):
            raise ValueError("a number that is not finite")
    except (ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: truncated or not EPW's epwdata.fmt ({error}); write it again") from None
    hoppings = body[: n * n * n_k].reshape(n, n, n_k).transpose(2, 0, 1) * rydberg.RYDBERG
    constants = body[n * n * n_k :].reshape(modes, modes, n_q).transpose(2, 0, 1) * rydberg.FORCE_CONSTANT
    return RawData(fermi * rydberg.RYDBERG, n, n_k, modes, n_q, n_g, born, dielectric, hoppings, constants)


def complex_tokens(tokens) -> np.ndarray:
    """List-directed complex numbers ``(re,im)``, whatever blanks the compiler put into them."""
    text = " ".join(tokens).replace("(", " ").replace(")", " ").replace(",", " ")
    numbers = np.array(text.split(), dtype=float)
    if not np.all(np.isfinite(numbers)):
        raise ValueError("a number that is not finite")
    return numbers.view(complex)


def read_positions(path: Path | None, data: RawData):
    """Position matrix (nR, 3, N, N), angstrom, weights not folded in; None where the file is missing."""
    if path is None:
        return None
    tokens = read_tokens(path)
    try:
        body = complex_tokens(tokens)
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
