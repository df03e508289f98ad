"""The figure of what gradients of temperature drive: thermopower, Nernst effect and thermal conductivity."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..errors import InputError
from ..result import (
    NOT_INCLUDED,
    component_label,
    hall_of,
    has_heat,
    main_component,
    mean_of,
    scan_dimension,
    warnings_of,
)
from .note import LINE, finish, note_of
from .style import BLUE, GREEN, ORANGE, STYLE, save
from .temperature import temperature_axis

_BARS = {"capsize": 2, "elinewidth": 0.8, "lw": 1.2}


def heat_figure(dataset, path) -> None:
    """Four panels: Seebeck coefficient, anomalous thermoelectric conductivity and its parts, Nernst signal, Lorenz
    ratio.

    Raises
    ------
    InputError
        If the heat current was not asked for, or the result is a scan.
    """
    if not has_heat(dataset):
        raise InputError('the result has no heat current; ask for it with [[observable]] kind = "heat_current"')
    if scan_dimension(dataset) is not None:
        raise InputError("figures of the heat current are those of one chemical potential; this result is a scan")
    component = main_component(dataset)
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    note, t = note_of(warnings_of(dataset)), dataset.temperature.values
    label = component_label(component)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 6.0 + LINE * len(note)), layout="constrained")
        axes = figure.subplots(2, 2)
        first, across, nernst, lorenz = axes.ravel()
        _line(first, t, mean_of(dataset, "seebeck"), GREEN, "^", 1e6)
        first.set_ylabel("Seebeck coefficient (µV/K)")
        unit = dataset.thermoelectric.attrs["units"]
        factor, prefix = _scaled(dataset, component)
        for part, color, marker in (("intrinsic", BLUE, "s"), ("side_jump", ORANGE, "o")):
            found = hall_of(dataset, f"thermoelectric_{part}", component)
            _line(across, t, found, color, marker, factor, part.replace("_", " "))
        _line(across, t, hall_of(dataset, "thermoelectric", component), "black", ".", factor, "sum")
        across.set_ylabel(rf"$\alpha_{{{label}}}$ ({prefix}{unit}), {NOT_INCLUDED}", fontsize=8)
        across.legend(fontsize=8)
        _line(nernst, t, hall_of(dataset, "seebeck", component), ORANGE, "o", 1e6)
        nernst.set_ylabel(rf"Nernst signal $S_{{{label}}}$ (µV/K)")
        _line(lorenz, t, (dataset.lorenz_ratio.values, dataset.lorenz_ratio_error.values), GREEN, "^")
        lorenz.axhline(1, color="0.5", lw=0.8)
        lorenz.set_ylabel("Lorenz ratio $L/L_0$")
        for each in (first, across, nernst):
            each.axhline(0, color="0.5", lw=0.8)
        for each in axes.ravel():
            temperature_axis(each, t)
            each.set_xlabel("temperature (K)")
        finish(figure, tuple(axes.ravel()), note)
        save(figure, path)


def _line(axes, t, found, color, marker, factor=1.0, label=None) -> None:
    values, errors = found
    axes.errorbar(t, factor * values, factor * errors, fmt=f"{marker}-", color=color, label=label, **_BARS)


_PREFIXES = {1.0: "", 1e3: "m", 1e6: "µ", 1e9: "n", 1e12: "p"}


def _scaled(dataset, component: int) -> tuple[float, str]:
    """Factor and prefix of the unit by which the largest anomalous part is about one."""
    parts = ("intrinsic", "side_jump")
    largest = max(np.nan_to_num(np.abs(hall_of(dataset, f"thermoelectric_{p}", component)[0])).max() for p in parts)
    factor = next((f for f in _PREFIXES if largest * f >= 0.1), max(_PREFIXES))
    return factor, _PREFIXES[factor]
