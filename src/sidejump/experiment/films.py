"""Films: resistivities against temperature, with what has to be known of them.

Inside, resistivities are in the inverse of the unit of conductivities (ohm cm, or h/e^2 of a layer), and the Hall
resistivity is ``rho_yx = E_y / j_x`` for a magnetisation along +z, whatever sign the data came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..notebook import card
from ..rules import one_of, quote
from ..units import RESISTIVITY_UNITS
from .conventions import sign_of

_LARGEST = 1e30  # of a resistivity in any unit, and the inverse of the smallest: no mistake of units reaches it

STATIC = "0"
"""Name of the static part of the resistivity where it is one: rho_0."""


@dataclass(frozen=True)
class Films:
    """N points of F films, whose residual resistivities have S parts; made by :func:`measured_films`.

    Attributes
    ----------
    names : tuple of str
        Of the films.
    film : ndarray, shape (N,)
        Number of the film of each point.
    temperature : ndarray, shape (N,)
        K.
    rho_xx, rho_yx : ndarray, shape (N,)
        ohm cm (h/e^2 of layers).
    rho_xx_error, rho_yx_error : ndarray, shape (N,), or None
        Standard errors, independent from point to point; None: not declared.
    residual : ndarray, shape (F, S), or None
        Residual resistivity of each film, in the parts of `parts`; None: that of its coldest point.
    residual_error : ndarray, shape (F, S), or None
    parts : tuple of str
        Names of the S static parts.
    thickness : ndarray, shape (F,)
        nm; NaN where it is not known.
    scale_error : ndarray, shape (F,)
        Relative error that all resistivities of a film share, that of its thickness.
    dimension : int
        3, or 2 where resistivities are those of a sheet.
    source : str
        Where the data are from.
    """

    names: tuple[str, ...]
    film: np.ndarray
    temperature: np.ndarray
    rho_xx: np.ndarray
    rho_yx: np.ndarray
    rho_xx_error: np.ndarray | None
    rho_yx_error: np.ndarray | None
    residual: np.ndarray | None
    residual_error: np.ndarray | None
    parts: tuple[str, ...]
    thickness: np.ndarray
    scale_error: np.ndarray
    dimension: int
    source: str

    def _repr_html_(self) -> str:
        known = np.isfinite(self.thickness)
        values = {
            "source": self.source,
            "films": ", ".join(self.names),
            "thickness (nm)": ", ".join(f"{x:g}" if k else "?" for x, k in zip(self.thickness, known, strict=True)),
            "temperatures (K)": f"{self.temperature.min():g} to {self.temperature.max():g}, {len(self.film)} points",
            "errors declared": "no" if self.rho_yx_error is None else "yes",
        }
        return card("Measured films", values)

    @property
    def rho(self) -> np.ndarray:
        """``rho = 1/sigma_xx = rho_xx + rho_yx^2 / rho_xx``, shape (N,)."""
        return self.rho_xx + self.rho_yx**2 / self.rho_xx

    @property
    def coldest(self) -> np.ndarray:
        """Number of the coldest point of each film, shape (F,)."""
        order = np.lexsort((self.temperature, self.film))
        return order[np.searchsorted(self.film[order], np.arange(len(self.names)))]

    @property
    def declared(self) -> bool:
        """Whether uncertainties are declared."""
        return self.rho_yx_error is not None


def measured_films(
    film,
    temperature,
    rho_xx,
    rho_yx,
    *,
    hall: str,
    magnetisation: str,
    unit: str = "microohm cm",
    rho_0: Mapping | None = None,
    rho_xx_error=None,
    rho_yx_error=None,
    rho_0_error: Mapping | None = None,
    thickness: Mapping | None = None,
    thickness_error: Mapping | None = None,
    source: str = "the films",
) -> Films:
    """Films from arrays, checked; one entry for each measured point.

    Parameters
    ----------
    film : sequence of str
        Which film a point is of.
    temperature : array_like, shape (N,)
        K.
    rho_xx, rho_yx : array_like, shape (N,)
        Longitudinal and Hall resistivity, in `unit`.
    hall : str
        What the Hall resistivity is: ``"E_y/j_x"`` or ``"E_x/j_y"``.
    magnetisation : str
        ``"+z"`` or ``"-z"``, x, y and z a right-handed system.
    unit : str
        Of all resistivities and their errors: a key of `sidejump.units.RESISTIVITY_UNITS`.
    rho_0 : mapping, optional
        Residual resistivity of each film by its name: one number, or a mapping of numbers by the names of its static
        parts (interface, impurities), the same for every film.  rho_xx of its coldest point when not given.
    rho_xx_error, rho_yx_error : array_like, shape (N,), optional
        Standard errors, independent from point to point.
    rho_0_error : mapping, optional
        Standard errors of `rho_0`.
    thickness, thickness_error : mapping, optional
        By film, nm.  A relative error of the thickness is one of all resistivities of the film.
    source : str
        How sentences name the data.

    Raises
    ------
    InputError
        If a number is not finite or not of the sign it must have, or what is given does not fit together.
    """
    if unit not in RESISTIVITY_UNITS:
        raise InputError(f"{source}: unit {quote(unit)} of the resistivities: {one_of(unit, RESISTIVITY_UNITS)}")
    factor, dimension = RESISTIVITY_UNITS[unit]
    labels = [str(name) for name in np.asarray(film).ravel()]
    names = tuple(dict.fromkeys(labels))
    if not labels:
        raise InputError(f"{source}: no points; give temperature, rho_xx and rho_yx of several films")
    index = np.array([names.index(label) for label in labels])
    count = len(labels)
    columns = {
        "temperature": _column(source, "temperature", temperature, count, labels, above=0.0),
        "rho_xx": _column(source, "rho_xx", rho_xx, count, labels, above=0.0),
        "rho_yx": _column(source, "rho_yx", rho_yx, count, labels),
        "rho_xx_error": _column(source, "rho_xx_error", rho_xx_error, count, labels, least=0.0),
        "rho_yx_error": _column(source, "rho_yx_error", rho_yx_error, count, labels, above=0.0),
    }
    _require_once(source, labels, index, *(columns[name] for name in ("temperature", "rho_xx", "rho_yx")))
    parts, residual = _by_film(source, "rho_0", rho_0, names, factor)
    error_parts, residual_error = _by_film(source, "rho_0_error", rho_0_error, names, factor)
    if residual_error is not None and (residual is None or error_parts != parts):
        raise InputError(f"{source}: rho_0_error is given for {', '.join(error_parts)}, rho_0 is not; give both")
    if residual is not None and np.any(residual.sum(axis=1) <= 0):
        raise InputError(
            f"{source}: rho_0 of film {names[int(np.argmin(residual.sum(axis=1)))]} is not positive; a residual "
            "resistivity is"
        )
    found_thickness = _one_number(source, "thickness", thickness, names)
    scale = _one_number(source, "thickness_error", thickness_error, names)
    if thickness_error is not None and np.any(~(found_thickness > 0) | ~(scale >= 0)):
        raise InputError(f"{source}: thickness_error needs the thickness of every film, above 0 (nm)")
    others = ("rho_xx_error", *(() if thickness_error is None else ("thickness_error",)))
    given = [name for name in others if name == "thickness_error" or columns[name] is not None]
    given += [] if residual_error is None else ["rho_0_error"]
    if columns["rho_yx_error"] is None and given:
        raise InputError(f"{source}: {given[0]} is given, rho_yx_error is not; declare both, or none")
    sign = sign_of(hall, magnetisation, source)

    def scaled(name: str, by: float = factor):
        return None if columns[name] is None else by * columns[name]

    return Films(
        names=names,
        film=index,
        temperature=columns["temperature"],
        rho_xx=scaled("rho_xx"),
        rho_yx=scaled("rho_yx", sign * factor),
        rho_xx_error=scaled("rho_xx_error"),
        rho_yx_error=scaled("rho_yx_error"),
        residual=residual,
        residual_error=residual_error,
        parts=parts,
        thickness=found_thickness,
        scale_error=np.zeros(len(names)) if thickness_error is None else scale / found_thickness,
        dimension=dimension,
        source=source,
    )


def _column(source, name, values, count, labels, *, above=-np.inf, least=-np.inf):
    """Finite numbers, one for each point; None where there are none."""
    if values is None:
        return None
    largest = _LARGEST if name.startswith("rho") else np.inf
    try:
        array = np.array(values, dtype=float).ravel()
    except (TypeError, ValueError):
        raise InputError(f"{source}: {name} holds what is no number") from None
    if len(array) != count:
        raise InputError(f"{source}: {name} has {len(array)} values for {count} points; give one for each")
    wrong = ~np.isfinite(array) | (array <= above) | (array < least) | (np.abs(array) > largest)
    wrong |= (array < 1 / largest) & (name == "rho_xx")
    if wrong.any():
        first = int(np.argmax(wrong))
        rule = "finite" if above == least == -np.inf else "above 0" if above == 0 else "0 or more"
        rule += "" if largest == np.inf else f", and not beyond {largest:g}"
        raise InputError(
            f"{source}: {name} of point {first + 1} (film {labels[first]}) is {array[first]:g}; it must be {rule}"
        )
    return array


def _require_once(source, labels, *columns) -> None:
    """Refuse a point that is there twice: it would count as two measurements that agree, and errors be too small."""
    _, first, number = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
    same = first[number.ravel()]
    again = np.flatnonzero(same != np.arange(len(labels)))
    if len(again):
        place = int(again[0])
        raise InputError(
            f"{source}: point {place + 1} (film {labels[place]}) is point {same[place] + 1} once more, every digit of "
            "it; leave it out, one measurement counts once"
        )


def _by_film(source, name, given, names, factor):
    """Parts and numbers (F, S) of a quantity of the films, with its unit."""
    if given is None:
        return (STATIC,), None
    _require_mapping(source, name, given, names)
    first = given[names[0]]
    parts = tuple(str(part) for part in first) if isinstance(first, Mapping) else (STATIC,)
    rows = []
    for film in names:
        row = given[film]
        row = {str(k): v for k, v in row.items()} if isinstance(row, Mapping) else {STATIC: row}
        if tuple(sorted(row)) != tuple(sorted(parts)):
            raise InputError(f"{source}: {name} of film {film} has parts {', '.join(row)}, not {', '.join(parts)}")
        rows.append([_number(source, f"{name} of film {film}", row[part]) for part in parts])
    values = np.array(rows)
    if np.any(values < 0):
        film = names[int(np.argmax((values < 0).any(axis=1)))]
        raise InputError(f"{source}: {name} of film {film} is {values.min():g}; it must be 0 or more")
    return parts, factor * values


def _one_number(source, name, given, names) -> np.ndarray:
    if given is None:
        return np.full(len(names), np.nan)
    _require_mapping(source, name, given, names)
    return np.array([_number(source, f"{name} of film {film}", given[film]) for film in names])


def _require_mapping(source, name, given, names) -> None:
    if not isinstance(given, Mapping):
        raise InputError(
            f"{source}: {name} must be a mapping with one number for each film, by its name, not one for each point"
        )
    missing = [film for film in names if film not in given]
    if missing:
        raise InputError(f"{source}: {name} lacks film {missing[0]}")


def _number(source, what, value) -> float:
    if isinstance(value, (bool, str)) or np.ndim(value) or not isinstance(value, (int, float, np.number)):
        raise InputError(f"{source}: {what} must be one number, not {value!r}")
    if not np.isfinite(value):
        raise InputError(f"{source}: {what} is {value}; it must be finite")
    return float(value)
