"""Films from comma-separated text, which says itself what its columns, units and signs are.

Lines that begin with ``#`` declare; the first other line names the columns, ``name (unit)``; every further line is a
point.  ``# hall: E_y/j_x`` and ``# magnetisation: +z`` are the sign convention, ``# rho_xx: R long (ohm)`` says that
the column `R long` is rho_xx, in ohm.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np

from ..errors import InputError
from ..files import read_text, reading
from ..rules import nearest, one_of, quote
from ..text_numbers import floats
from ..units import LENGTH_UNITS, RESISTIVITY_UNITS
from .conventions import HALL, MAGNETISATION
from .films import STATIC, Films, measured_films

_SIGNS = ("hall", "magnetisation")
_NAMED = re.compile(r"(?P<name>[^()]*?)\s*(?:\((?P<unit>[^()]*)\))?")
_STATIC_PART = re.compile(r"rho_0(?:_(?!error$)(?P<part>\w+?))?(?P<error>_error)?")
_PLAIN = ("film", "thickness", "thickness_error", "temperature", "rho_xx", "rho_yx", "rho_xx_error", "rho_yx_error")
_NEEDED = {
    "temperature": "temperature (K)",
    "rho_xx": "rho_xx (microohm cm)",
    "rho_yx": "rho_yx (microohm cm)",
}
_ALIASES = {"rho_xy": "rho_yx", "rho_xy_error": "rho_yx_error", "T": "temperature"}
_SPELT = {"magnetization": "magnetisation"}
_NOT_RHO = "rho_0 is the residual resistivity of each film, not rho"
_CLOSE = 0.8  # of difflib: `hal` and `magnetisaton` are meant to declare, `date` is not


def read_films(
    path, *, columns: Mapping[str, str] | None = None, hall: str | None = None, magnetisation: str | None = None
) -> Films:
    """Films of a file of comma-, semicolon- or tab-separated text.

    Parameters
    ----------
    path : path
    columns : mapping, optional
        Columns of the file by the names of this program, ``{"rho_xx": "R long (ohm)"}``, before what the file declares.
    hall, magnetisation : str, optional
        Sign convention, as in :func:`measured_films`, before what the file declares.

    Returns
    -------
    Films

    Raises
    ------
    InputError
        If a column, a unit or the sign convention is missing or unknown, or a value is none.
    """
    text = read_text(path)
    with reading(path, "a table of films", "export it again as comma-separated text"):
        declared, header, rows = _split(str(path), text)
        given = {**declared, **(columns or {})}
        given |= {k: v for k, v in {"hall": hall, "magnetisation": magnetisation}.items() if v is not None}
        return _films(str(path), given, header, rows)


def _split(path: str, text: str) -> tuple[dict[str, str], list[str], list[tuple[int, list[str]]]]:
    """What is declared, the names of the columns, and the other lines with their numbers."""
    declared: dict[str, str] = {}
    body: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip().startswith("#"):
            _declare(path, number, line.lstrip().lstrip("#").strip(), declared)
        elif line.strip(" ,;\t"):
            body.append((number, line))
    if not body:
        raise InputError(f"{path}: holds no table; its first line names the columns, such as {_example()}")
    delimiter = next((sign for sign in "\t;" if sign in body[0][1]), ",")
    rows = [(number, [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]) for number, line in body]
    header = rows[0][1]
    while header and not header[-1]:
        header.pop()
    twice = [name for i, name in enumerate(header) if name in header[:i]]
    if twice:
        raise InputError(f"{path}: two columns are called {twice[0]!r}; give each a name of its own")
    if len(rows) == 1:
        raise InputError(f"{path}: holds no points, the names of its columns alone")
    return declared, header, rows[1:]


def _example() -> str:
    return ", ".join(["film", *_NEEDED.values()])


def _declare(path: str, number: int, line: str, declared: dict[str, str]) -> None:
    key, sign, value = line.partition(":")
    if not sign:
        key, sign, value = line.partition("=")
    key, value = key.strip(), value.strip()
    key = _SPELT.get(key.lower(), key)
    if not sign or " " in key or not key:
        return  # a remark
    if key in _SIGNS or key in _PLAIN or key in _ALIASES or _STATIC_PART.fullmatch(key):
        if key in declared and declared[key] != value:
            raise InputError(f"{path}: line {number} declares {key} a second time, as {value}")
        declared[key] = value
        return
    meant = get_close_matches(key, [*_SIGNS, *_PLAIN], n=1, cutoff=_CLOSE)
    if meant:
        raise InputError(f"{path}: line {number} declares {key!r}, which is not known; write {meant[0]}")


def _films(path: str, given: dict[str, str], header: list[str], rows) -> Films:
    places = _places(path, given, header)
    for key, example in _NEEDED.items():
        if key not in places:
            raise InputError(
                f"{path}: no column is {key}; name one {example!r}, or say which it is: `# {key}: NAME (UNIT)`. "
                f"There are {', '.join(header)}"
            )
    for key, known in (("hall", HALL), ("magnetisation", MAGNETISATION)):
        if key not in given:
            words = "what the Hall column is" if key == "hall" else "along which direction the films were magnetised"
            options = " or ".join(f"`# {key}: {value}`" for value in known)
            raise InputError(f"{path}: does not say {words}; add the line {options}, or give --{key}")
    if "film" not in places and "thickness" not in places:
        raise InputError(f"{path}: no column says of which film a point is; name one 'film' or 'thickness (nm)'")
    table = _Table(path, places, rows)
    labels = table.labels()
    temperature, rho_xx, rho_yx = (table.numbers(key) for key in _NEEDED)
    sheet = {RESISTIVITY_UNITS[unit][1] for _, unit in places.values() if unit in RESISTIVITY_UNITS}
    if len(sheet) > 1:
        raise InputError(f"{path}: mixes resistivities (ohm cm) and sheet resistances (ohm); give all of one kind")
    static = {key: _STATIC_PART.fullmatch(key) for key in places}
    parts = {m["part"] or STATIC: key for key, m in static.items() if m and not m["error"]}
    errors = {m["part"] or STATIC: key for key, m in static.items() if m and m["error"]}
    if STATIC in parts and len(parts) > 1:
        raise InputError(f"{path}: has rho_0 and parts of it, {', '.join(parts)}; give the parts alone")
    residual = table.of_films({part: key for part, key in parts.items()}, labels) if parts else None
    base = next(unit for unit in ("ohm cm", "h/e^2") if RESISTIVITY_UNITS[unit][1] == next(iter(sheet)))
    return measured_films(
        labels,
        temperature,
        rho_xx,
        rho_yx,
        hall=given["hall"],
        magnetisation=given["magnetisation"],
        unit=base,
        rho_0=residual,
        rho_xx_error=table.numbers("rho_xx_error", of="rho_xx"),
        rho_yx_error=table.numbers("rho_yx_error", of="rho_yx"),
        rho_0_error=table.of_films(errors, labels, of=parts) if errors else None,
        thickness=table.of_film("thickness", labels),
        thickness_error=table.of_film("thickness_error", labels),
        source=path,
    )


def _places(path: str, given: dict[str, str], header: list[str]) -> dict[str, tuple[int, str]]:
    """Number and unit of the column of each quantity."""
    found: dict[str, tuple[int, str]] = {}
    taken: dict[int, str] = {}
    names = [_named(cell) for cell in header]
    wanted = {_ALIASES.get(k, k): _named(v) for k, v in given.items() if k not in _SIGNS}
    unknown = [k for k in wanted if k not in _PLAIN and not _STATIC_PART.fullmatch(k)]
    if unknown:
        raise InputError(
            f"{path}: {quote(unknown[0])} is no quantity of films: {one_of(unknown[0], (*_PLAIN, 'rho_0'))}"
        )
    for key, (name, unit) in wanted.items():
        at = [i for i, (other, _) in enumerate(names) if name in (other, header[i])]
        if not at:
            raise InputError(
                f"{path}: no column is called {name!r}, which {key} is declared to be: {', '.join(header)}"
            )
        if at[0] in taken:
            raise InputError(f"{path}: {key} is declared to be column {name!r}, which {taken[at[0]]} is already")
        if key.startswith("rho_0") and names[at[0]][0] == "rho_xx":
            raise InputError(f"{path}: {key} is declared to be {name!r}; {_NOT_RHO}")
        found[key], taken[at[0]] = (at[0], unit or names[at[0]][1]), key
    for i, (name, unit) in enumerate(names):
        key = _ALIASES.get(name, name)
        if i in taken or not (key in _PLAIN or _STATIC_PART.fullmatch(key)):
            continue
        if key in found:
            if key not in wanted:
                raise InputError(f"{path}: columns {header[found[key][0]]!r} and {header[i]!r} are both {key}")
            continue
        found[key], taken[i] = (i, unit), key
    for key, (_, unit) in found.items():
        _require_unit(path, key, unit)
    return found


def _named(cell: str) -> tuple[str, str]:
    match = _NAMED.fullmatch(cell.strip().strip('"'))
    return (match["name"], (match["unit"] or "").strip()) if match else (cell, "")


def _require_unit(path: str, key: str, unit: str) -> None:
    if key == "film":
        return
    known: tuple[str, ...] = ("K",) if key == "temperature" else tuple(RESISTIVITY_UNITS)
    if key.startswith("thickness"):
        known = tuple(LENGTH_UNITS)
    if key.endswith("_error"):
        known = (*known, "%")
    if unit not in known:
        said = f"unit {unit!r} of {key} is not known" if unit else f"{key} has no unit"
        raise InputError(
            f"{path}: {said}; name its column '{key} (UNIT)', with one of {', '.join(known)}{nearest(unit, known)}"
        )


class _Table:
    """Columns of the lines, in units of this program."""

    def __init__(self, path: str, places: dict[str, tuple[int, str]], rows: list[tuple[int, list[str]]]):
        self.path, self.places, self.rows = path, places, rows

    def cells(self, key: str) -> list[str]:
        at = self.places[key][0]
        found = []
        for number, cells in self.rows:
            if at >= len(cells) or not cells[at]:
                raise InputError(f"{self.path}: line {number} has no {key}; a point needs all of its columns")
            found.append(cells[at])
        return found

    def numbers(self, key: str, of: str | None = None) -> np.ndarray | None:
        """Numbers (N,), in K, nm, ohm cm or h/e^2; `of`: what per cent are of.  None where there is no column."""
        if key not in self.places:
            return None
        cells, unit = self.cells(key), self.places[key][1]
        try:
            values = floats(cells)
        except ValueError:
            for (number, _), cell in zip(self.rows, cells, strict=True):
                self._require_number(number, key, cell)
            raise
        sign = -1 if key == "rho_yx" else 0  # every sign; resistivities and temperatures are positive
        least = -np.inf if sign else 0.0
        wrong = values < least if key.endswith("_error") or _STATIC_PART.fullmatch(key) else values <= least
        if wrong.any() and key != "rho_yx":
            at = int(np.argmax(wrong))
            raise InputError(f"{self.path}: line {self.rows[at][0]}: {key} = {cells[at]} must be above 0")
        if unit == "%":
            base = self.numbers(of or key.removesuffix("_error"))
            if base is None:
                raise InputError(f"{self.path}: {key} is in per cent of {of}, of which there is no column")
            return 0.01 * values * np.abs(base)
        factor = RESISTIVITY_UNITS[unit][0] if unit in RESISTIVITY_UNITS else LENGTH_UNITS.get(unit, 1.0)
        return factor * values

    def _require_number(self, number: int, key: str, cell: str) -> None:
        try:
            floats([cell])
        except ValueError as error:
            raise InputError(f"{self.path}: line {number}: {key} = {error}") from None

    def labels(self) -> list[str]:
        if "film" in self.places:
            return self.cells("film")
        thickness = self.numbers("thickness")
        assert thickness is not None
        return [f"{value:.6g} nm" for value in thickness]

    def of_film(self, key: str, labels: list[str], of: str | None = None) -> dict[str, float] | None:
        """One number for each film, which every line of it repeats."""
        values = self.numbers(key, of)
        if values is None:
            return None
        found: dict[str, tuple[float, int]] = {}
        for label, value, (number, _) in zip(labels, values, self.rows, strict=True):
            first, line = found.setdefault(label, (float(value), number))
            if value != first:
                why = f": {_NOT_RHO}" if key.startswith("rho_0") else ""
                raise InputError(
                    f"{self.path}: {key} of film {label} is one number in line {line} and another in line {number}; "
                    f"it is one for each film{why}"
                )
        return {label: value for label, (value, _) in found.items()}

    def of_films(self, keys: dict[str, str], labels: list[str], of: dict[str, str] | None = None) -> dict:
        """Parts of the residual resistivity of each film."""
        columns = {part: self.of_film(key, labels, (of or {}).get(part)) or {} for part, key in keys.items()}
        if set(columns) == {STATIC}:
            return columns[STATIC]
        return {label: {part: column[label] for part, column in columns.items()} for label in dict.fromkeys(labels)}
