"""The figure of a scan: Hall parts and conductivity against chemical potential or carrier density."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..errors import InputError
from ..result import SCANS, component_label, hall_of, main_component, scan_dimension, whole_of
from ..result import warnings_of as sentences_of
from .note import LINE, UNIT, finish, note_of, second_unit
from .style import BLUE, GREEN, ORANGE, PURPLE, STYLE, save

_SHOWN = 4  # temperatures
_DECADES = 20.0  # ratio of densities of one sign from which on their axis is logarithmic


def scan_figure(dataset, path, thickness: float | None = None) -> None:
    """Intrinsic part, side jump and their sum (left), longitudinal conductivity (right) at a few temperatures.

    The Hall parts are those of the component in which the Hall vector is largest, antisymmetric in a and b.
    `thickness` (nm) of a layer adds axes in the unit of the other dimension.

    Raises
    ------
    InputError
        If the result is no scan.
    """
    name = scan_dimension(dataset)
    if name is None:
        raise InputError("the picture 'doping' is of a scan over chemical potential or carrier density; this is none")
    dataset = dataset.isel({name: np.argsort(dataset[name].values)})
    order = np.argsort(dataset.temperature.values)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _SHOWN).astype(int))]
    note = note_of(sentences_of(dataset))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 5.0 + LINE * len(note)), layout="constrained")
        grid = figure.add_gridspec(2, 2)
        panels = [figure.add_subplot(grid[i, j]) for i in (0, 1) for j in (0, 1)]
        component, unit = main_component(dataset), UNIT[dataset.attrs["units"]]
        label = component_label(component)
        parts = {"intrinsic": "intrinsic", "side_jump": "side jump"}
        whole, named = whole_of(dataset)
        parts[whole] = ",\n".join(named)
        for axes, (part, words) in zip(panels, parts.items(), strict=False):
            _curves(axes, dataset, chosen, *hall_of(dataset, f"sigma_{part}", component))
            axes.axhline(0, color="0.5", lw=0.8)
            axes.set_ylabel(rf"$\sigma_{{{label}}}$, {words} ({unit})", fontsize=8)
            second_unit(axes, dataset.attrs["units"], thickness)
        xx = dataset.sel(a="x", b="x")
        _curves(panels[3], dataset, chosen, xx.sigma_boltzmann.values, xx.sigma_boltzmann_error.values)
        known = xx.sigma_boltzmann.values[:, chosen]
        if known.min() > 0 and known.max() > _DECADES * known.min():
            panels[3].set_yscale("log")
        panels[3].set_ylabel(rf"$\sigma_{{xx}}$, Boltzmann conductivity ({unit})", fontsize=8)
        panels[0].legend(handlelength=1.5)
        for axes in panels:
            _scan_axis(axes, dataset[name].values)
        for axes in panels[2:]:
            axes.set_xlabel(f"{SCANS[name]} ({_plain(dataset[name].attrs['units'])})")
        finish(figure, panels, note)
        save(figure, path)


def _curves(axes, dataset, chosen, values, errors) -> None:
    """One curve for each of the chosen temperatures; `values` and `errors` of shape (scan, nT)."""
    x = dataset[str(scan_dimension(dataset))].values
    for color, marker, i in zip((BLUE, GREEN, ORANGE, PURPLE), "os^D", chosen, strict=False):
        style = {"fmt": f"{marker}-", "color": color, "ms": 3, "lw": 1.0, "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(x, values[:, i], errors[:, i], label=f"{dataset.temperature.values[i]:.4g} K", **style)


def _scan_axis(axes, values) -> None:
    """Logarithmic for densities of one sign over more than a decade."""
    if values.min() > 0 and values.max() > _DECADES * values.min():
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=6)  # numbers such as -0.025 are wide


def _plain(unit: str) -> str:
    base, _, power = unit.partition("^")
    return f"{base}$^{{{power}}}$" if power else unit
