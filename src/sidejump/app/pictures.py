"""Pictures of a result by the word that names them: which fits, and what draws it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import xarray as xr

from ..errors import InputError
from ..extras import needed
from ..interactions.base import Scatterer
from ..interactions.impurity import is_static
from ..interactions.limits import CurvatureShift, HighTemperatureLimit, SmallAngleShift
from ..interactions.magnons import boson_words
from ..outputs import PAGES, write_whole
from ..result import component_label, main_component, require_one_case, scan_dimension, warnings_of
from ..rules import nearest
from ..transport.problem import audible
from ..units import KB
from . import separation
from .competition import competition, distinct_names, of_mechanisms, with_intrinsic
from .competition import table as competition_table
from .convergence import PARTS, Course, courses
from .lorenz import lorenz
from .lorenz import table as lorenz_table
from .restore import first_of, input_of, job_of, run_of
from .run import LONG
from .terminal import say


class Asked(NamedTuple):
    """A picture that is asked for."""

    source: Path
    dataset: xr.Dataset
    path: Path
    names: list[str] | None
    thickness: float | None
    given: Path | None
    times: tuple[float, ...]
    limits: bool
    table: Path | None
    against: tuple[Path, ...]

    @property
    def component(self) -> tuple[int, int]:
        """Axes of the current and of the field of the Hall component that is largest."""
        a, b = ("xyz".index(x) for x in component_label(main_component(self.dataset)))
        return a, b


def draw(
    source,
    path,
    kind: str | None = None,
    *,
    names=None,
    thickness: float | None = None,
    given=None,
    times=(),
    limits: bool = False,
    table=None,
    against=(),
) -> None:
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
    given : path, optional
        Input file, for a result that does not hold it: pictures of states and of mechanisms build the model again.
    times : sequence of float
        Multiples of the density of the impurities, for `competition` and `scaling`; `TIMES` for the first when not
        given.
    limits : bool
        Whether `temperature` shows the side jump of the limits of cold and of hot phonons.
    table : path, optional
        CSV file for the numbers of a picture of several densities, or of `lorenz`.
    against : sequence of path
        Tables of Perturbo, outputs of EPW, for `comparison`.

    Raises
    ------
    InputError
        If the result cannot be read, or has nothing that this kind shows.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"--kind {kind}: no such picture{nearest(kind, KINDS)}; there are {', '.join(KINDS)}")
    if against and kind is None:
        kind = "comparison"
    if bool(against) != (kind == "comparison"):
        words = "give --against FILE" if kind == "comparison" else "only the picture comparison shows other results"
        raise InputError(f"--{'kind comparison' if kind == 'comparison' else 'against'}: {words}")
    if thickness is not None and not 0 < thickness < float("inf"):
        raise InputError(f"--thickness {thickness:g}: give a length in nm above zero")
    if limits and kind not in (None, "temperature"):
        raise InputError("--limits: only the picture temperature shows the limits of cold and hot phonons")
    if times and kind not in ("competition", "scaling"):
        raise InputError("--times: only the pictures competition and scaling change the density of the impurities")
    if table is not None and not (kind in ("competition", "lorenz") or (kind == "scaling" and times)):
        raise InputError("--csv: is of competition, of lorenz, or of scaling with --times; see `sidejump csv`")
    if not all(0 < x < float("inf") for x in times):
        raise InputError(f"--times {' '.join(f'{x:g}' for x in times)}: give multiples of the density above zero")
    dataset = separation.read_any(source)
    separated = separation.is_one(dataset)
    if kind is None:
        kind = "separation" if separated else "temperature" if scan_dimension(dataset) is None else "doping"
    if separated != (kind == "separation"):
        made = "`sidejump separate`" if separated else "`sidejump run`"
        raise InputError(f"{source}: is a result of {made}, of which there is no picture {kind!r}; leave out --kind")
    if thickness is not None and kind not in _IN_BOTH_UNITS:
        raise InputError(f"--thickness: only {' and '.join(_IN_BOTH_UNITS)} have an axis in a second unit")
    if given is not None and not (kind in FROM_THE_INPUT or limits or times):
        raise InputError(f"--input {given}: the picture {kind} is of the numbers of the result alone; leave it out")
    KINDS[kind](
        Asked(
            Path(source),
            dataset,
            Path(path),
            names,
            thickness,
            given,
            tuple(sorted(set(times))),
            limits,
            None if table is None else Path(table),
            tuple(Path(file) for file in against),
        )
    )


def convergence(found: list[Course], path) -> None:
    """The figure of the course of the error; of a scan that of the case with the largest error."""
    from ..plot.convergence import convergence_figure

    convergence_figure(max(found, key=lambda course: course.whole[-1].max()), path, PARTS)


def _convergence(asked: Asked) -> None:
    convergence(courses(asked.source), asked.path)


def _temperature(asked: Asked) -> None:
    from ..plot.temperature import result_figure

    result_figure(asked.dataset, asked.path, asked.thickness, _limits(asked) if asked.limits else {})


def _limits(asked: Asked) -> dict[str, xr.Dataset]:
    """Results of the phonons and magnons alone in the limits of cold (eqs 13, 14) and of hot ones (eq. 15)."""
    require_one_case(asked.dataset, "temperature with --limits")
    whole = run_of(asked.dataset, asked.source, asked.given)
    first = first_of(whole)
    moving = [s for s in audible(first.scatterers) if not is_static(s)]
    if not moving:
        raise InputError(
            f"{asked.source}: --limits: has no phonons or magnons, and the side jump of impurities has no limits"
        )
    kinds, sentence = limits_of(moving)
    if sentence:
        say(sentence)
    # the cold limit of a metal with narrow crossings has huge errors where it does not hold, and would go on for long
    time = max(float(asked.dataset.attrs.get("seconds", 0.0)), LONG)
    found = {}
    for words, limits in kinds.items():
        say(f"{boson_words(moving)} in the limit of {words}")
        one = of_mechanisms(whole, limits)
        found[words] = one.changed(settings=replace(first.settings, skew_scattering="off"), time=time).run()
    return found


def limits_of(moving) -> tuple[dict[str, list], str]:
    """Scatterers of each limit that phonons and magnons have, and what is to be said of the one they have not."""
    hot: dict[str, list] = {"eq. 15": [HighTemperatureLimit(s) for s in moving]}
    if any(getattr(s, "directed", False) for s in moving):
        return (
            hot,
            "no limit of small angles: the shift of bosons that absorb and emit through different operators is a "
            "length",
        )
    if all(isinstance(s, Scatterer) for s in moving):
        plain = all(isinstance(s.vertex, str) and s.vertex == "identity" for s in moving)
        return {"eqs 13, 14" if plain else "small angles": [SmallAngleShift(s) for s in moving]} | hot, ""
    return (
        {"curvature alone": [CurvatureShift(s) for s in moving]} | hot,
        "the limit of small angles has the curvature alone, without the phase of the coupling",
    )


def _resistivity(asked: Asked) -> None:
    from ..plot.resistivity import resistivity_figure

    resistivity_figure(asked.dataset, asked.path)


def _scaling(asked: Asked) -> None:
    from ..plot.scaling import densities_figure, scaling_figure

    if not asked.times:
        scaling_figure(asked.dataset, asked.path)
        return
    found = _of_densities(asked, "scaling --times", asked.times)
    densities_figure(found, asked.dataset, asked.path)


def _doping(asked: Asked) -> None:
    from ..plot.scan import scan_figure

    scan_figure(asked.dataset, asked.path, asked.thickness)


def _observables(asked: Asked) -> None:
    from ..plot.observable import observables_figure

    observables_figure(asked.dataset, asked.path, asked.names)


def _heat(asked: Asked) -> None:
    from ..plot.heat import heat_figure

    heat_figure(asked.dataset, asked.path)


def _lorenz(asked: Asked) -> None:
    require_one_case(asked.dataset, "lorenz")
    try:
        lorenz_picture(run_of(asked.dataset, asked.source, asked.given), asked.path, asked.table)
    except InputError as error:
        raise InputError(f"{asked.source}: lorenz: {error}") from None


def lorenz_picture(whole, path: Path, table: Path | None = None) -> None:
    """Draw the Lorenz ratio of a run, say it, and write its table where it is asked for."""
    from ..plot.lorenz import lorenz_figure

    found = lorenz(whole, say)
    lorenz_figure(found, path)
    for words in found.mechanism.values:
        one = found.sel(mechanism=words)
        rows = zip(one.temperature.values, one.lorenz_ratio.values, one.lorenz_ratio_error.values, strict=True)
        say(f"L/L0, {words}: " + ", ".join(f"{x:.3g} +- {dx:.1g} at {t:.4g} K" for t, x, dx in rows))
    if table is not None:
        write_whole(table, lorenz_table(found).encode())
        say(f"wrote {table}")


def _bands(asked: Asked) -> None:
    from ..plot.bands import bands_figure

    job = job_of(asked.dataset, asked.source, asked.given)
    bands_figure(job.model, job.chemical_potential, job.temperatures, asked.path, type(job.model).__name__)


def _fermi_surface(asked: Asked) -> None:
    from ..plot.fermi_surface import fermi_surface_charts, fermi_surface_figure, triangles_of
    from .page import chart_page

    page = asked.path.suffix.lower() in PAGES
    if page:  # said before the states are computed
        needed("plotly", "a page with charts")
    job, (a, b) = job_of(asked.dataset, asked.source, asked.given), asked.component
    states, title = states_of(job, a, b)
    surface = triangles_of(job.model, job.chemical_potential, states), job.model.reciprocal_cell
    if page:
        write_whole(asked.path, chart_page(title, fermi_surface_charts(states, a, b, *surface)).encode())
    else:
        fermi_surface_figure(states, asked.path, a, b, title, *surface)


def states_of(job, a: int, b: int):
    """States of the Fermi surface of a run at its hottest temperature, and a title."""
    from ..transport.problem import Problem
    from ..transport.resolved import state_resolved

    t = float(job.temperatures.max())
    states = state_resolved(Problem(job.model, job.scatterers, job.chemical_potential, job.settings), KB * t)
    title = f"Fermi surface at {job.chemical_potential:g} eV, {t:g} K, current along {'xyz'[a]}, field along {'xyz'[b]}"
    return states, title


def _mechanisms(asked: Asked) -> None:
    from ..plot.mechanisms import mechanisms_figure

    require_one_case(asked.dataset, "mechanisms")
    whole = run_of(asked.dataset, asked.source, asked.given)
    scatterers = audible(first_of(whole).scatterers)
    if len(scatterers) < 2:
        raise InputError(f"{asked.source}: has one mechanism, {scatterers[0].name}; there is nothing to compare")
    alone = {}
    for number, (name, scatterer) in enumerate(zip(distinct_names(scatterers), scatterers, strict=True), 1):
        say(f"{scatterer.name} alone: mechanism {number} of {len(scatterers)}")
        alone[name] = of_mechanisms(whole, [scatterer]).run()
    mechanisms_figure(asked.dataset, alone, asked.path)


def _competition(asked: Asked) -> None:
    from ..plot.competition import competition_figure

    found = _of_densities(asked, "competition", asked.times or TIMES)
    competition_figure(found, asked.path, main_component(asked.dataset), warnings_of(asked.dataset))


def _of_densities(asked: Asked, picture: str, times) -> xr.Dataset:
    """Runs at several densities of the impurities; their table is written where it is asked for."""
    require_one_case(asked.dataset, picture)
    whole = run_of(asked.dataset, asked.source, asked.given)
    data = input_of(asked.dataset, asked.source, asked.given) or {}
    densities = [one["density"] for one in data.get("scattering", ()) if one.get("kind") == "impurity"]
    try:
        found = competition(whole, times, densities[0] if len(densities) == 1 else None, say)
    except InputError as error:
        raise InputError(f"{asked.source}: {picture}: {error}") from None
    unit = "" if len(densities) == 1 else "times "
    known = found.isel(density=[] if found.share.isnull().all() else slice(None))  # of no shares nothing is said twice
    crossings = (known[name].values for name in ("density", "crossing", "crossing_error"))
    for density, crossing, spread in zip(*crossings, strict=True):
        bar = f"+- {spread:.2g} " if spread >= 0 else ""
        words = f"at {crossing:.4g} {bar}K" if crossing > 0 else "at none of the temperatures"
        say(f"impurities {unit}{density:.4g} {found.density.units if not unit else ''}: a half of 1/tau {words}")
    found = with_intrinsic(found, asked.dataset)
    if asked.table is not None:
        write_whole(asked.table, competition_table(found).encode())
        say(f"wrote {asked.table}")
    return found


def _comparison(asked: Asked) -> None:
    from ..formats.transport_tables import read_conductivities
    from ..plot.comparison import comparison_figure, ratios

    tables = [table for file in asked.against for table in read_conductivities(file)]
    comparison_figure(asked.dataset, tables, asked.path)
    for table in tables:
        kelvin, ratio, error = ratios(asked.dataset, table)
        for t, x, dx in zip(kelvin, ratio, error, strict=True):
            say(f"{t:g} K: {x:.4g} +- {dx:.2g} times {table.label}")


def _separation(asked: Asked) -> None:
    from ..plot.separation import separation_figure

    separation_figure(asked.dataset, asked.path)


TIMES = (0.1, 1.0, 10.0)
"""Multiples of the density of the impurities that `competition` shows."""

FROM_THE_INPUT = ("bands", "fermi-surface", "mechanisms", "competition", "lorenz")
_IN_BOTH_UNITS = ("temperature", "doping")

KINDS: dict[str, Callable[[Asked], None]] = {
    "temperature": _temperature,
    "resistivity": _resistivity,
    "scaling": _scaling,
    "doping": _doping,
    "observables": _observables,
    "heat": _heat,
    "lorenz": _lorenz,
    "mechanisms": _mechanisms,
    "competition": _competition,
    "comparison": _comparison,
    "bands": _bands,
    "fermi-surface": _fermi_surface,
    "convergence": _convergence,
    "separation": _separation,
}
"""What draws each kind; matplotlib is imported when there is something to draw."""
