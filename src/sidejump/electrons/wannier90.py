"""Read Wannier90's `_tb.dat` (H and r) or `_hr.dat` (H only), with `_wsvec.dat`, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from ..errors import InputError
from ..units import BOHR
from .base import PAULI
from .lattice import LatticeModel

_SAME_SITE = 0.8  # angstrom: chains of Wannier centres closer than this belong to one atom
_ORIGIN = 0.05  # angstrom: a site this close to the origin is put there


def read_wannier90(file, *, wsvec=None, cell=None, spin_ordering: str | None = None) -> LatticeModel:
    """A lattice model from a Wannier90 file.

    Parameters
    ----------
    file : path
        ``seedname_tb.dat`` or ``seedname_hr.dat``, plain or ``.gz``.
    wsvec : path or False, optional
        ``seedname_wsvec.dat``; looked for next to `file` when not given, ignored when False.
    cell : array, shape (3, 3), optional
        Lattice vectors as rows, angstrom. `_hr.dat` does not hold them; ``seedname.win`` beside it is read then.
    spin_ordering : {"interleaved", "block"}, optional
        How up and down Wannier functions are ordered; without it the model has no spin matrices.

    Returns
    -------
    LatticeModel
        ``energies(k)`` gives its bands, eV, for k in crystal coordinates.

    Raises
    ------
    InputError
        If a file is missing, truncated or not of this format, or a number in it is not finite.
    """
    path = Path(file)
    name = path.name.removesuffix(".gz")
    if name.endswith("_tb.dat"):
        cell, vectors, degeneracy, hoppings, positions = _read(path, _parse_tb)
        stem = name.removesuffix("_tb.dat")
    elif name.endswith("_hr.dat"):
        stem = name.removesuffix("_hr.dat")
        vectors, degeneracy, hoppings, positions = _read(path, _parse_hr)
        if cell is None:
            if not path.with_name(f"{stem}.win").exists():
                raise InputError(
                    f"{path}: holds no lattice vectors; give cell (angstrom), put {stem}.win beside it, "
                    "or use the _tb.dat"
                )
            cell = _read(path.with_name(f"{stem}.win"), _parse_win_cell)
    else:
        raise InputError(f"{path}: expected a file named SEEDNAME_tb.dat or SEEDNAME_hr.dat (or .gz)")
    hoppings = hoppings / degeneracy[:, None, None]
    if positions is not None:
        positions = positions / degeneracy[:, None, None, None]
    if wsvec is None:
        candidates = [path.with_name(f"{stem}_wsvec.dat{end}") for end in ("", ".gz")]
        wsvec = next((c for c in candidates if c.exists()), False)
    if wsvec:
        shifts = _read(Path(wsvec), lambda text: _parse_wsvec(text, hoppings.shape[1]))
        vectors, hoppings, positions = _apply_wsvec(Path(wsvec), shifts, vectors, hoppings, positions)
    sites = None if positions is None else _sites(vectors, positions)
    return LatticeModel(cell, vectors, hoppings, positions, sites, spin_matrices(spin_ordering, hoppings.shape[1]))


class _NotFinite(ValueError):
    """A number of a file is nan or infinite."""


def _read(path: Path, parse):
    try:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt") as stream:
            text = stream.read()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); the file is truncated or not what its name says") from None
    if not text.endswith("\n"):  # a number that was cut is still a number
        raise InputError(f"{path}: truncated in its last line, which has no end; copy or write it again")
    try:
        return parse(text)
    except _NotFinite:
        raise InputError(f"{path}: holds numbers that are not finite; the file is damaged, write it again") from None
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: truncated or not a Wannier90 file ({error}); write it again") from None


def _numbers(tokens, count, dtype=float):
    if len(tokens) < count:
        raise ValueError(f"{count} numbers expected, {len(tokens)} found")
    numbers = np.array(tokens[:count], dtype=dtype)
    if not np.all(np.isfinite(numbers)):
        raise _NotFinite
    return numbers


def _degeneracies(tokens, count):
    numbers = _numbers(tokens, count, int)
    if np.any(numbers < 1):
        raise ValueError(f"a degeneracy of {numbers.min()}; each is at least 1")
    return numbers


def _parse_tb(text: str):
    header, _, rest = text.partition("\n")
    tokens = rest.split()
    if not header.strip():
        raise ValueError("no header line")
    cell = _numbers(tokens, 9).reshape(3, 3)
    n, n_r = (int(t) for t in tokens[9:11])
    degeneracy = _degeneracies(tokens[11:], n_r)
    start = 11 + n_r
    size = 3 + n * n * 4
    body = _numbers(tokens[start:], size * n_r).reshape(n_r, size)
    vectors = body[:, :3].astype(int)
    entries = body[:, 3:].reshape(n_r, n, n, 4)  # column index slow, row index fast
    hoppings = (entries[..., 2] + 1j * entries[..., 3]).transpose(0, 2, 1)
    start += size * n_r
    size = 3 + n * n * 8
    body = _numbers(tokens[start:], size * n_r).reshape(n_r, size)
    if not np.array_equal(body[:, :3].astype(int), vectors):
        raise ValueError("the R vectors of H and r differ")
    entries = body[:, 3:].reshape(n_r, n, n, 8)
    positions = (entries[..., 2::2] + 1j * entries[..., 3::2]).transpose(0, 3, 2, 1)
    return cell, vectors, degeneracy, hoppings, positions


def _parse_hr(text: str):
    _, _, rest = text.partition("\n")
    tokens = rest.split()
    n, n_r = int(tokens[0]), int(tokens[1])
    degeneracy = _degeneracies(tokens[2:], n_r)
    body = _numbers(tokens[2 + n_r :], 7 * n * n * n_r).reshape(n_r, n, n, 7)
    hoppings = (body[..., 5] + 1j * body[..., 6]).transpose(0, 2, 1)
    return body[:, 0, 0, :3].astype(int), degeneracy, hoppings, None


def _parse_win_cell(text: str):
    """Lattice vectors, angstrom, from the `unit_cell_cart` block of a `.win` file."""
    lines = [line.split("!")[0].split("#")[0].split() for line in text.lower().splitlines()]
    block = lines[lines.index(["begin", "unit_cell_cart"]) + 1 : lines.index(["end", "unit_cell_cart"])]
    tokens = [token for line in block for token in line]
    bohr = tokens[0] == "bohr"
    numbers = tokens[1:] if tokens[0] in ("bohr", "ang", "angstrom") else tokens
    return _numbers(numbers, 9).reshape(3, 3) * (BOHR if bohr else 1.0)


def _parse_wsvec(text: str, n: int):
    """Flat arrays (R, m, n, T, number of T) of every translation listed."""
    _, _, rest = text.partition("\n")
    values = np.array(rest.split(), dtype=int)
    rows, position = [], 0
    while position < len(values):
        key, count = values[position : position + 5], values[position + 5]
        translations = values[position + 6 : position + 6 + 3 * count].reshape(count, 3)
        rows.append(np.concatenate([np.tile(np.append(key, count), (count, 1)), translations], axis=1))
        position += 6 + 3 * count
    table = np.concatenate(rows)
    if table[:, 3:5].max() != n:
        raise ValueError(f"{table[:, 3:5].max()} Wannier functions, the Hamiltonian has {n}")
    return table


def _apply_wsvec(path, table, vectors, hoppings, positions):
    index = {tuple(r): i for i, r in enumerate(vectors.tolist())}
    try:
        source = np.array([index[tuple(r)] for r in table[:, :3].tolist()])
    except KeyError as error:
        raise InputError(f"{path}: R = {error} is not in the Hamiltonian file; use files of one run") from None
    if len(np.unique(table[:, :5], axis=0)) != len(vectors) * hoppings.shape[1] ** 2:
        raise InputError(f"{path}: does not list every matrix element; the file is truncated or of another run")
    m, n, share = table[:, 3] - 1, table[:, 4] - 1, 1.0 / table[:, 5]
    targets, inverse = np.unique(table[:, :3] + table[:, 6:9], axis=0, return_inverse=True)
    new_h = np.zeros((len(targets), *hoppings.shape[1:]), dtype=complex)
    np.add.at(new_h, (inverse, m, n), hoppings[source, m, n] * share)
    new_r = None
    if positions is not None:
        new_r = np.zeros((len(targets), *positions.shape[1:]), dtype=complex)
        for axis in range(positions.shape[1]):
            np.add.at(new_r[:, axis], (inverse, m, n), positions[source, axis, m, n] * share)
    return targets, new_h, new_r


def _sites(vectors, positions) -> np.ndarray:
    """Sites of the orbitals: centres chained together (the hybrids of one atom) share their mean."""
    home = int(np.flatnonzero(~vectors.any(axis=1))[0])
    centres = np.einsum("dnn->nd", positions[home]).real
    sites = np.zeros_like(centres)
    label = fcluster(linkage(centres, "single"), _SAME_SITE, "distance") if len(centres) > 1 else np.ones(1)
    for atom in np.unique(label):
        mean = centres[label == atom].mean(axis=0)
        sites[label == atom] = 0.0 if np.linalg.norm(mean) < _ORIGIN else mean
    return sites


def spin_matrices(ordering: str | None, n: int) -> np.ndarray | None:
    """Pauli matrices (3, n, n) of `n` Wannier functions, up and down alternating or one after the other.

    Parameters
    ----------
    ordering : {"interleaved", "block"} or None
        None: no spin matrices.
    n : int
        Number of Wannier functions.

    Raises
    ------
    InputError
        If the ordering is not known or `n` is odd.
    """
    if ordering is None:
        return None
    if n % 2:
        raise InputError(f"spin_ordering needs an even number of Wannier functions, the file has {n}")
    if ordering == "interleaved":
        return np.stack([np.kron(np.eye(n // 2), s) for s in PAULI])
    if ordering == "block":
        return np.stack([np.kron(s, np.eye(n // 2)) for s in PAULI])
    raise InputError(f'spin_ordering = "{ordering}": use "interleaved" or "block"')
