"""Spin for data that have none: second channel, exchange field and spin-orbit coupling of an `[electrons]` section."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..wannier.container import ElectronPhonon
from ..wannier.spin import two_channels, with_exchange, with_projected_spin_orbit
from .symmetrize import listed_atoms, projections_of


def wanted(section) -> bool:
    """Whether the section makes a spinor model."""
    return bool(_second(section) is not None or section.exchange is not None or section.spin_orbit)


def apply(data: ElectronPhonon, section, folder: Path, read) -> ElectronPhonon:
    """`data` as `section` asks; `read` reads the second channel from a path.

    Raises
    ------
    InputError
        If the channels do not belong together, or the projections are missing or do not fit.
    """
    if not wanted(section):
        return data
    second, own = _second(section), getattr(section, "directory", None) or getattr(section, "file", None)
    down = data if second in (None, own) else read(folder / second)
    result = two_channels(data, down)
    if section.exchange is not None:
        result = with_exchange(result, exchange_vector(section.exchange))
    if not section.spin_orbit:
        return result
    projections = projections_of(section, folder)
    if projections is None:
        raise InputError(
            '[electrons] spin_orbit needs projections = "...", in the order of the Wannier functions of the file (or a '
            "SEEDNAME.win with them beside it)"
        )
    terms = [(term.atom, term.shell, term.strength) for term in section.spin_orbit]
    return with_projected_spin_orbit(result, projections, terms, atoms=listed_atoms(data.cell, section, folder))


def exchange_vector(exchange) -> np.ndarray:
    """The field b, eV, of the key `exchange`: a number is along z."""
    return np.array((0.0, 0.0, exchange) if isinstance(exchange, (int, float)) else exchange, dtype=float)


def _second(section) -> str | None:
    return getattr(section, "file_down", None) or getattr(section, "directory_down", None)
