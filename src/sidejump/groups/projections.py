"""Wannier90's projections: which atomic orbitals the Wannier functions stand for, and in which order.

An entry ``site:orbitals[:z=..][:x=..][:r=..][:zona=..]``; the site is a species, ``f=x,y,z`` (crystal) or ``c=x,y,z``
(angstrom; bohr after a line ``bohr``), the orbitals are separated by ``;`` or ``,``: ``s p d f sp sp2 sp3 sp3d
sp3d2``, single ones such as ``dxy``, or ``l=2,mr=1,4``.  Order of the functions: entries in turn, the sites of an
entry, hybrids before s, p, d, f (l = -5 to 3), mr ascending, up and down last.

Not covered: ``random``, spin directions other than up and down along z.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..text_numbers import floats
from ..units import BOHR
from .orbitals import HARMONICS, HYBRID_FAMILIES, HYBRIDS

_NAMES = [name for shell in HARMONICS for name in shell]


@dataclass(frozen=True)
class Entry:
    """One entry of the projections.

    Attributes
    ----------
    site : str or tuple
        Species, ``("f", x, y, z)`` or ``("c", x, y, z)``.
    rows : ndarray, shape (n, 16)
        The functions in terms of the real harmonics of l = 0 to 3 along the axes of `frame`.
    frame : ndarray, shape (3, 3)
        Columns: the local x, y, z axes.
    radial : str
        Radial function, as written.
    """

    site: str | tuple
    rows: np.ndarray
    frame: np.ndarray
    radial: str


def parse_projections(text: str) -> list[Entry]:
    """Entries of Wannier90's projections, separated by ``|`` or newlines.

    Raises
    ------
    InputError
        If an entry is not understood.

    >>> [len(entry.rows) for entry in parse_projections("Fe:sp3d2;dxy;dxz;dyz")]
    [9]
    """
    entries, unit = [], 1.0
    for line in re.split(r"[|\n]", text):
        line = re.sub(r"\s+", "", re.split(r"[!#]", line)[0])
        if line.lower() in ("ang", "bohr"):
            unit = BOHR if line.lower() == "bohr" else 1.0
        elif line:
            entries.append(_entry(line, unit))
    if not entries:
        raise InputError('projections: no entry; give them as in Wannier90\'s input, such as "Fe:sp3;d"')
    return entries


def _entry(line: str, unit: float) -> Entry:
    fields = line.split(":")
    if len(fields) < 2:
        raise InputError(f'projections: "{line}" is not understood; write SITE:ORBITALS, such as "Fe:sp3;d"')
    z, x, radial = np.array([0.0, 0.0, 1.0]), None, "1"
    for option in fields[2:]:
        key, _, value = option.partition("=")
        if key.lower() == "z":
            z = _direction(value, line)
        elif key.lower() == "x":
            x = _direction(value, line)
        elif key.lower() in ("r", "zona"):
            radial = f"{radial};{option.lower()}"
        else:
            raise InputError(f'projections: "{option}" in "{line}" is not covered; use z=, x=, r= or zona=')
    if x is None:
        x = np.array([1.0, 0, 0]) if abs(z[2]) > 1e-6 and abs(z[0]) < 1e-6 else np.cross([0, 0, 1.0], z)
        x = x - (x @ z) * z
        x /= np.linalg.norm(x)
    if abs(x @ z) > 1e-5:
        raise InputError(f'projections: the z and x axes of "{line}" are not at right angles')
    frame = np.stack([x, np.cross(z, x), z], axis=1)
    return Entry(_site(fields[0], line, unit), _rows(fields[1], line), frame, radial)


def _direction(text: str, line: str) -> np.ndarray:
    vector = np.array(_numbers(text, line))
    if np.linalg.norm(vector) < 1e-9:
        raise InputError(f'projections: a zero axis in "{line}"')
    return vector / np.linalg.norm(vector)


def _numbers(text: str, line: str) -> list[float]:
    try:
        numbers = floats(text.split(",")).tolist()
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise InputError(f'projections: three numbers expected in "{line}", found "{text}"')
    return numbers


def _site(text: str, line: str, unit: float):
    key, equals, value = text.partition("=")
    if not equals:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", text) or text.lower() == "random":
            raise InputError(f'projections: the site "{text}" of "{line}" is not covered; name a species or f=, c=')
        return text
    if key.lower() not in ("f", "c"):
        raise InputError(f'projections: the site "{text}" of "{line}" is not understood; use f= or c=')
    scale = unit if key.lower() == "c" else 1.0
    return (key.lower(), *(scale * x for x in _numbers(value, line)))


def _rows(text: str, line: str) -> np.ndarray:
    wanted: set[tuple[int, int]] = set()
    for part in text.lower().split(";"):
        for word in [part] if part.startswith("l=") else part.split(","):
            wanted |= _angular(word, line)
    rows = np.zeros((len(wanted), 16))
    for row, (l, m) in zip(rows, sorted(wanted), strict=True):
        parts = HYBRIDS[l][m] if l < 0 else {HARMONICS[l][m]: 1.0}
        for name, weight in parts.items():
            row[_NAMES.index(name)] = weight
    return rows


def _angular(word: str, line: str) -> set[tuple[int, int]]:
    """Pairs (l, mr - 1)."""
    explicit = re.fullmatch(r"l=(-?\d)(?:,mr=([\d,]+))?", word)
    if explicit:
        l = int(explicit.group(1))
        size = len(HYBRIDS[l]) if l in HYBRIDS else len(HARMONICS[l]) if 0 <= l <= 3 else 0
        chosen = range(size) if explicit.group(2) is None else [int(m) - 1 for m in explicit.group(2).split(",") if m]
        if size and all(0 <= m < size for m in chosen):
            return {(l, m) for m in chosen}
    if word in HYBRID_FAMILIES:
        l = HYBRID_FAMILIES[word]
        return {(l, m) for m in range(len(HYBRIDS[l]))}
    hybrid, _, number = word.rpartition("-")
    if hybrid in HYBRID_FAMILIES and number.isdigit() and 1 <= int(number) <= len(HYBRIDS[HYBRID_FAMILIES[hybrid]]):
        return {(HYBRID_FAMILIES[hybrid], int(number) - 1)}
    for l, names in enumerate(HARMONICS):
        if word == "spdf"[l]:
            return {(l, m) for m in range(len(names))}
        if word in names:
            return {(l, names.index(word))}
    raise InputError(f'projections: no orbital is called "{word}" (in "{line}")')
