"""Charts for a browser, as the dictionaries that plotly.js takes."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from ..result import (
    SCANS,
    component_label,
    hall_of,
    main_component,
    parts_of,
    scan_dimension,
    whole_of,
)
from .style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY
from .temperature import log_spaced

_COLOURS = (BLUE, ORANGE, RED, SKY, GREEN, PURPLE)


def charts(dataset) -> dict[str, dict]:
    """Charts of a result by their titles: Hall parts, conductivity, resistivity, and the law against sigma_xx.

    Of a scan one line for each chemical potential or doping, of the sum of the Hall parts in place of every one.

    Parameters
    ----------
    dataset : xarray.Dataset

    Returns
    -------
    dict of {"data": list, "layout": dict}
    """
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    c, t = main_component(dataset), dataset.temperature.values
    label, unit, ohm = component_label(c), dataset.attrs["units"], dataset.resistivity.attrs["units"]
    kelvin = {"title": {"text": "temperature (K)"}, "type": "log" if log_spaced(t) else "linear"}
    diagonal = [f"{x}{x}" for x in dataset.a.values]
    whole, (named, left_out) = whole_of(dataset)
    if scan_dimension(dataset) is None:
        shown = {"whole": f"{named}, {left_out}"} | parts_of(dataset, halves=True)
        hall = [
            _line(t, *hall_of(dataset, f"sigma_{whole if name == 'whole' else name}", c), words, color)
            for color, (name, words) in zip(_cycled("black"), shown.items(), strict=False)
        ]
        sigma = [
            _element(dataset, "sigma_boltzmann", ab, ab, color) for color, ab in zip(_COLOURS, diagonal, strict=False)
        ]
        rho = [_element(dataset, "resistivity", ab, ab, color) for color, ab in zip(_COLOURS, diagonal, strict=False)]
    else:
        cases = list(_cases(dataset))
        hall = [
            _line(t, *hall_of(d, f"sigma_{whole}", c), words, k)
            for k, (words, d) in zip(_cycled(), cases, strict=False)
        ]
        sigma, rho = (
            [_element(d, name, diagonal[0], words, k) for k, (words, d) in zip(_cycled(), cases, strict=False)]
            for name in ("sigma_boltzmann", "resistivity")
        )
    law = [
        _line(d.sel(a=label[1], b=label[1]).sigma_boltzmann.values, *hall_of(d, f"sigma_{whole}", c), words, k)
        | {"text": [f"{x:g} K" for x in t]}
        for k, (words, d) in zip(_cycled(), _cases(dataset), strict=False)
    ]
    across = {"title": {"text": f"σ<sub>{2 * label[1]}</sub> ({unit})"}}
    return {
        f"Hall conductivity σ<sub>{label}</sub>": _chart(hall, kelvin, f"σ<sub>{label}</sub> ({unit})"),
        "Longitudinal conductivity": _chart(sigma, kelvin, f"σ<sub>aa</sub>, Boltzmann ({unit})"),
        "Resistivity": _chart(rho, kelvin, f"ρ<sub>aa</sub> ({ohm})"),
        "Scaling": _chart(law, across, f"σ<sub>{label}</sub>, {named} ({unit})"),
    }


def course_chart(course, part: int, words: str) -> dict:
    """How the error of a part fell, and that of each term.

    Parameters
    ----------
    course : sidejump.app.convergence.Course
    part : int
        Place among its parts.
    words : str
        What the part is called.
    """
    data = [_line(course.seconds, 100 * course.whole[:, part], None, "whole error", "black")]
    for color, (name, errors) in zip(_cycled(), course.terms.items(), strict=False):
        data.append(_line(course.seconds, 100 * errors[:, part], None, name, color))
    ends = course.seconds[[0, -1]]
    data.append(_line(ends, np.full(2, 100 * course.tolerance), None, "tolerance", "#777777"))
    chart = _chart(data, {"title": {"text": "work of the replicas (s)"}}, f"relative error of the {words} (%)")
    chart["layout"]["yaxis"]["type"] = "log"
    return chart


def _cases(dataset):
    """Words and dataset of each case of a scan; of no scan the only one."""
    name = scan_dimension(dataset)
    if name is None:
        yield "", dataset
        return
    for i, value in enumerate(dataset[name].values):
        yield f"{SCANS[name]} {value:g} {dataset[name].attrs['units']}", dataset.isel({name: i})


def _cycled(*first: str):
    yield from first
    yield from cycle(_COLOURS)


def _element(dataset, name: str, ab: str, words: str, color: str) -> dict:
    values, errors = (dataset[x].sel(a=ab[0], b=ab[1]).values for x in (name, f"{name}_error"))
    return _line(dataset.temperature.values, values, errors, words, color)


def _line(x, values, errors, words: str, color: str) -> dict:
    found = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": words,
        "showlegend": bool(words),
        "x": _numbers(x),
        "y": _numbers(values),
        "line": {"color": color},
    }
    if errors is not None:
        found["error_y"] = {"type": "data", "array": _numbers(errors), "thickness": 1, "width": 3}
    return found


def _numbers(values) -> list[float | None]:
    """As JSON knows them: null where there is none."""
    return [float(x) if np.isfinite(x) else None for x in np.asarray(values, dtype=float)]


def _chart(data: list[dict], across: dict, up: str) -> dict:
    axis = {"showline": True, "mirror": True, "ticks": "outside", "zeroline": True, "exponentformat": "power"}
    return {
        "data": data,
        "layout": {
            "template": "none",
            "xaxis": axis | {"zeroline": False} | across,
            "yaxis": axis | {"title": {"text": up}},
            "legend": {"orientation": "h", "y": -0.25},
            "margin": {"l": 80, "r": 20, "t": 20, "b": 60},
            "height": 430,
        },
    }
