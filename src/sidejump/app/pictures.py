"""Pictures of a result by the word that names them: which fits, and what draws it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from ..errors import InputError
from ..result import scan_dimension
from ..rules import nearest
from . import separation
from .convergence import PARTS, Course, courses


class Asked(NamedTuple):
    """A picture that is asked for."""

    source: Path
    dataset: xr.Dataset
    path: Path
    names: list[str] | None
    thickness: float | None


def draw(source, path, kind: str | None = None, *, names=None, thickness: float | None = None) -> None:
    """Draw a picture of a result and write it.

    Parameters
    ----------
    source : path
        Result of a run or of a separation.
    path : path
        PNG, PDF or SVG.
    kind : str, optional
        One of `KINDS`; what fits the result when not given.
    names : list of str, optional
        Of observables.
    thickness : float, optional
        Of a layer, nm: what leads from the unit of two dimensions to that of three, and back.

    Raises
    ------
    InputError
        If the result cannot be read, or has nothing that this kind shows.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"--kind {kind}: no such picture{nearest(kind, KINDS)}; there are {', '.join(KINDS)}")
    if thickness is not None and not 0 < thickness < float("inf"):
        raise InputError(f"--thickness {thickness:g}: give a length in nm above zero")
    dataset = separation.read_any(source)
    separated = separation.is_one(dataset)
    if kind is None:
        kind = "separation" if separated else "temperature" if scan_dimension(dataset) is None else "doping"
    if separated != (kind == "separation"):
        made = "`sidejump separate`" if separated else "`sidejump run`"
        raise InputError(f"{source}: is a result of {made}, of which there is no picture {kind!r}; leave out --kind")
    if thickness is not None and kind not in _IN_BOTH_UNITS:
        raise InputError(f"--thickness: only {' and '.join(_IN_BOTH_UNITS)} have an axis in a second unit")
    KINDS[kind](Asked(Path(source), dataset, Path(path), names, thickness))


def convergence(found: list[Course], path) -> None:
    """The figure of the course of the error; of a scan that of the case with the largest error."""
    from ..plot.convergence import convergence_figure

    convergence_figure(max(found, key=lambda course: course.whole[-1].max()), path, PARTS)


def _convergence(asked: Asked) -> None:
    convergence(courses(asked.source), asked.path)


def _temperature(asked: Asked) -> None:
    from ..plot.temperature import result_figure

    result_figure(asked.dataset, asked.path, asked.thickness)


def _resistivity(asked: Asked) -> None:
    from ..plot.resistivity import resistivity_figure

    resistivity_figure(asked.dataset, asked.path)


def _scaling(asked: Asked) -> None:
    from ..plot.scaling import scaling_figure

    scaling_figure(asked.dataset, asked.path)


def _doping(asked: Asked) -> None:
    from ..plot.scan import scan_figure

    scan_figure(asked.dataset, asked.path, asked.thickness)


def _observables(asked: Asked) -> None:
    from ..plot.observable import observables_figure

    observables_figure(asked.dataset, asked.path, asked.names)


def _separation(asked: Asked) -> None:
    from ..plot.separation import separation_figure

    separation_figure(asked.dataset, asked.path)


_IN_BOTH_UNITS = ("temperature", "doping")

KINDS: dict[str, Callable[[Asked], None]] = {
    "temperature": _temperature,
    "resistivity": _resistivity,
    "scaling": _scaling,
    "doping": _doping,
    "observables": _observables,
    "convergence": _convergence,
    "separation": _separation,
}
"""What draws each kind; matplotlib is imported when there is something to draw."""
