"""One page about a result that needs nothing but a browser: what was asked, what came out, how good it is."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

from ..errors import InputError
from ..extras import needed
from ..outputs import PAGES, check_target, write_whole
from ..plot.bands import bands_chart
from ..plot.fermi_surface import fermi_surface_charts, surface_note, triangles_of
from ..plot.interactive import charts, course_chart
from ..result import SCANS, component_label, hall_of, main_component, parts_of, scan_dimension, warnings_of, whole_of
from . import results
from .contents import words
from .convergence import PARTS, Course, courses
from .convergence import text as course_text
from .page import chart, tabbed_page, table
from .pictures import states_of
from .restore import another, first_of, run_of
from .terminal import duration, with_error

PAPER = """@article{Xiao2019,
  author  = {Xiao, C. and Liu, Y. and Xie, M. and Yang, S. A. and Niu, Q.},
  title   = {Theory of phonon side jump contribution in anomalous Hall transport},
  journal = {Physical Review B},
  volume  = {100},
  year    = {2019},
  eprint  = {1906.04977},
  archivePrefix = {arXiv}
}"""
"""The theory that is implemented."""


def write_report(source, path, *, force: bool = False, states: bool = True, given=None) -> Path:
    """Write the page about a result.

    Parameters
    ----------
    source : path
        Result of a run.
    path : path
        Ends in .html.
    force : bool
        Replace a page that exists.
    states, given
        As :func:`page` takes them.

    Raises
    ------
    InputError
        If the result cannot be read, the page cannot be written, or plotly is missing.
    """
    inputs = (source,) if Path(source).exists() else ()
    path = check_target(path, force=force, endings=PAGES, inputs=inputs)
    write_whole(path, page(source, states=states, given=given).encode())
    return path


def page(source, *, states: bool = True, given=None) -> str:
    """The page about a result, HTML.

    Parameters
    ----------
    source : path
    states : bool
        Whether bands and Fermi surface are drawn, for which the model is built again and the equation solved once.
    given : path, optional
        The input file, for a result that does not hold it.
    """
    if given is not None and not states:
        raise InputError(
            f"--input {given}: is of bands and Fermi surface, which --no-states leaves out; give one of them"
        )
    needed("plotly", "`sidejump report`")
    dataset = results.read(source)
    found, reason = _courses(source, dataset)
    drawn: dict[str, dict] = {}
    sections = {
        "results": ("Results", _results(dataset, drawn)),
        "errors": ("Error budget", _errors(dataset, found, reason, drawn)),
        **({"states": ("Bands and Fermi surface", _states(source, dataset, given, drawn))} if states else {}),
        "warnings": (f"Warnings ({len(warnings_of(dataset))})", _warnings(dataset)),
        "input": ("Input", _input(dataset)),
        "origin": ("Versions and citation", _origin(dataset)),
    }
    return tabbed_page(Path(source).stem, words(dataset), sections, drawn)


def _courses(source, dataset) -> tuple[list[Course], str]:
    """The course of the errors, or why there is none."""
    if "replicas" not in dataset:
        return [], "the result holds no replicas"
    try:
        return courses(source), ""
    except InputError as error:  # one without error bars is a result all the same, and its page says why
        return [], str(error)


def _results(dataset, drawn: dict) -> str:
    drawn |= charts(dataset)
    return "".join(chart(name, name) for name in drawn) + _tables(dataset)


def _tables(dataset) -> str:
    name = scan_dimension(dataset)
    if name is None:
        return "<h2>Numbers</h2>" + _table_of(dataset)
    unit = dataset[name].attrs["units"]
    return "".join(
        f"<h2>{SCANS[name]} {value:g} {escape(unit)}</h2>" + _table_of(dataset.isel({name: i}))
        for i, value in enumerate(dataset[name].values)
    )


def _table_of(dataset) -> str:
    """Value(error in the last digits) of each part at each temperature."""
    c, unit = main_component(dataset), escape(dataset.attrs["units"])
    whole, (named, _) = whole_of(dataset)
    names = parts_of(dataset, halves=True) | {whole: named}
    xx = dataset.sel(a="x", b="x")
    columns = [
        (xx.resistivity.values, xx.resistivity_error.values),
        (xx.sigma_boltzmann.values, xx.sigma_boltzmann_error.values),
        *(hall_of(dataset, f"sigma_{part}", c) for part in names),
    ]
    heads = ["T (K)", f"ρ_xx ({escape(dataset.resistivity.attrs['units'])})", f"σ_xx ({unit})"]
    heads += [f"{escape(each)}, {component_label(c)} ({unit})" for each in names.values()]
    rows = [
        [f"{t:g}", *(with_error(values[i], errors[i]) for values, errors in columns)]
        for i, t in enumerate(dataset.temperature.values)
    ]
    return table(heads, rows)


def _errors(dataset, found: list[Course], reason: str, drawn: dict) -> str:
    if not found:
        return f"<p>No course of the error: {escape(reason)}.</p>"
    body = "".join(f"<pre>{escape(course_text(course))}</pre>" for course in found)
    worst = max(found, key=lambda course: course.whole[-1].max())
    for part in range(worst.whole.shape[1]):
        name = f"course of the {PARTS[part]}"
        drawn[name] = course_chart(worst, part, PARTS[part])
        body += chart(name, f"How the error of the {PARTS[part]} fell" + (f", {worst.label}" if worst.label else ""))
    return body + _terms(dataset)


def _terms(dataset) -> str:
    """What each term adds to the error at each temperature, and with how many replicas."""
    if "term_error" not in dataset or scan_dimension(dataset) is not None:
        return ""
    heads = [
        "term",
        "T (K)",
        "level",
        "replicas",
        *(str(x).replace("sigma_", "").replace("_", " ") for x in dataset.part.values),
    ]
    rows = []
    for term in dataset.term.values:
        one = dataset.sel(term=term)
        for i, t in enumerate(dataset.temperature.values):
            if int(one.term_level[i]) < 0:
                continue
            size = one.term_error[i].max(("a", "b")).values
            rows.append(
                [term, f"{t:g}", int(one.term_level[i]), int(one.term_replicas[i]), *(f"{x:.2g}" for x in size)]
            )
    unit = escape(dataset.attrs["units"])
    return f"<h2>Terms</h2><p>Largest standard error of the elements, {unit}.</p>" + table(map(escape, heads), rows)


def _states(source, dataset, given, drawn: dict) -> str:
    """Bands, and the Fermi surface coloured by what its states carry; why not where the model cannot be built again."""
    a, b = ("xyz".index(x) for x in component_label(main_component(dataset)))
    try:
        whole = run_of(dataset, source, given)
        job = first_of(whole)
        found, title = states_of(job, a, b)
    except InputError as error:
        if given is not None:  # what is asked for by name
            raise
        return f"<p>No bands and no Fermi surface: {escape(str(error))}</p>"
    model, mu = job.model, job.chemical_potential
    bands = f"Bands; chemical potential {mu:g} eV, and 4 kT on either side at the hottest and the coldest temperature"
    new = {bands: bands_chart(model, mu, job.temperatures)}
    new |= fermi_surface_charts(found, a, b, triangles_of(model, mu, found), model.reciprocal_cell)
    drawn |= new
    first, *rest = new
    heading = f"<h2>{escape(title)}</h2><p>{escape(surface_note(found, a, b))}</p>"
    sentence = another(dataset, source, whole, given)
    differs = f"<p class='warning'>{escape(sentence)}</p>" if sentence else ""
    return differs + chart(first, escape(first)) + heading + "".join(chart(name, escape(name)) for name in rest)


def _warnings(dataset) -> str:
    found = "".join(f"<p class='warning'>{escape(sentence)}</p>" for sentence in warnings_of(dataset))
    return (
        found or "<p>None.</p>"
    ) + f"<h2>Not included</h2><p>{escape(str(dataset.attrs.get('not_included', '')))}</p>"


def _input(dataset) -> str:
    attrs = dataset.attrs
    body = f"<h2>Input file</h2><pre>{escape(str(attrs['input']))}</pre>" if attrs.get("input") else ""
    for name in ("model", "scatterers", "settings"):
        if name in attrs:
            body += f"<h2>{name.capitalize()}</h2><pre>{escape(json.dumps(json.loads(attrs[name]), indent=1))}</pre>"
    return body


def _origin(dataset) -> str:
    attrs = dataset.attrs
    versions = json.loads(attrs["versions"]) if "versions" in attrs else {}
    rows = [("created", attrs.get("created", "")), ("machine", attrs.get("machine", ""))]
    rows += [(f"version of {name}", value) for name, value in versions.items()]
    if "seconds" in attrs:
        rows.append(("time of the run", duration(float(attrs["seconds"]))))
    return table(("", ""), rows) + f"<h2>Citation</h2><pre>{escape(bibtex(versions.get('sidejump', '')))}</pre>"


def bibtex(version: str) -> str:
    """The program and the paper whose theory it implements."""
    program = (
        "@software{sidejump,\n  author  = {{The sidejump developers}},\n"
        f"  title   = {{sidejump: phonon side jump in the anomalous Hall effect}},\n  version = {{{version}}}\n}}"
    )
    return f"{program}\n\n{PAPER}"
