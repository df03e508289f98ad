"""The figure of a result: Hall parts, conductivity and resistivity against temperature."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..result import component_label, hall_of, main_component, parts_of, scan_dimension, warnings_of, whole_of
from .note import LINE, UNIT, finish, note_of, second_unit
from .scan import scan_figure
from .style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, STYLE, logarithmic, save

_MARKS = (("s", BLUE), ("o", ORANGE), ("v", RED), ("^", SKY), ("D", "#8c6d1f"), ("P", "0.4"))


def result_figure(dataset, path, thickness: float | None = None, limits: Mapping | None = None) -> None:
    """Hall conductivity (left), longitudinal conductivity and resistivity (right) against temperature.

    The Hall parts are those of the component in which the Hall vector is largest, antisymmetric in a and b.  Of a scan
    the figure is that of :func:`sidejump.plot.scan.scan_figure`.  `thickness` (nm) of a layer adds an axis in the unit
    of the other dimension.  `limits`: results at the same temperatures, by what they are called; the Hall panel then
    has the side jump alone, and theirs as lines with error bars.
    """
    if scan_dimension(dataset) is not None:
        scan_figure(dataset, path, thickness)
        return
    order = np.argsort(dataset.temperature.values)
    dataset = dataset.isel(temperature=order)
    note = note_of(warnings_of(dataset))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 4.2 + LINE * len(note)), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        hall, conductivity = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
        resistivity = figure.add_subplot(grid[1, 1], sharex=conductivity)
        if limits:
            _side_jump(hall, dataset, limits)
        else:
            _hall_parts(hall, dataset)
        second_unit(hall, dataset.attrs["units"], thickness)
        sigma, rho = dataset.sigma_boltzmann, dataset.resistivity
        diagonal(conductivity, sigma, dataset.sigma_boltzmann_error, r"\sigma", "Boltzmann conductivity")
        diagonal(resistivity, rho, dataset.resistivity_error, r"\rho", "resistivity")
        conductivity.tick_params(labelbottom=False)
        for axes in (hall, conductivity, resistivity):
            temperature_axis(axes, dataset.temperature.values)
        for axes in (hall, resistivity):
            axes.set_xlabel("temperature (K)")
        finish(figure, (hall, conductivity, resistivity), note)
        save(figure, path)


def _hall_parts(axes, dataset) -> None:
    t, c = dataset.temperature.values, main_component(dataset)
    axes.axhline(0, color="0.5", lw=0.8)
    whole, words = whole_of(dataset)
    total, error = hall_of(dataset, f"sigma_{whole}", c)
    _band(axes, t, total, error, "black")
    axes.plot(t, total, "-", color="black", lw=1.8, label=",\n".join(words))
    for (marker, color), (name, each) in zip(cycle(_MARKS), parts_of(dataset).items()):
        style = {"fmt": f"{marker}-", "color": color, "lw": 1.2, "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(t, *hall_of(dataset, f"sigma_{name}", c), label=each, **style)
    # the two halves are equal by Onsager's relation: rings around dots, so that both can be seen
    velocity, distribution = (hall_of(dataset, f"sigma_side_jump_{n}", c)[0] for n in ("velocity", "distribution"))
    axes.plot(t, velocity, "o", color=PURPLE, ms=7, mfc="none", mew=1.0, label="side-jump velocity")
    axes.plot(t, distribution, "x-", color=GREEN, ms=4, lw=0.8, label="side-jump distribution")
    axes.set_ylabel(rf"Hall conductivity $\sigma_{{{component_label(c)}}}$ ({UNIT[dataset.attrs['units']]})")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.30 * (high - low))  # room for the legend
    axes.legend(loc="upper right", ncols=2, columnspacing=1.0, handlelength=1.8)


def _side_jump(axes, dataset, limits: Mapping) -> None:
    """Between its limits, on the scale of these: far from where it holds a limit may leave the panel."""
    t, c = dataset.temperature.values, main_component(dataset)
    style = {"lw": 1.2, "capsize": 2, "elinewidth": 0.8}
    value, error = hall_of(dataset, "sigma_side_jump", c)
    axes.errorbar(t, value, error, fmt="o-", color=ORANGE, label="side jump", **style)
    shown = [value - error, value + error]
    for (dashes, color), (words, one) in zip(cycle((("--", BLUE), (":", RED))), limits.items()):
        y, dy = hall_of(one.sel(temperature=t), "sigma_side_jump", c)
        axes.errorbar(t, y, dy, fmt=dashes, color=color, label=words, **style)
        shown.append(y[[np.nanargmin(np.abs(y - value))]])
    known = np.concatenate(shown)
    low, high = np.nanmin(known), np.nanmax(known)
    room = 0.15 * (high - low) or 1.0
    axes.set_ylim(low - room, high + room)
    axes.set_ylabel(rf"side jump $\sigma^{{\mathrm{{sj}}}}_{{{component_label(c)}}}$ ({UNIT[dataset.attrs['units']]})")
    axes.legend(loc="best")


def _band(axes, t, values, errors, color) -> None:
    """One standard error on either side."""
    axes.fill_between(t, values - errors, values + errors, color=color, alpha=0.15, lw=0)


def diagonal(axes, tensor, error, symbol: str, words: str) -> None:
    """Diagonal elements of a tensor against temperature, logarithmic where they span decades."""
    t = tensor.temperature.values
    values, errors = (np.stack([x.sel(a=i, b=i).values for i in x.a.values]) for x in (tensor, error))
    errors = np.where(np.isfinite(errors), errors, np.nan)  # unknown is no bar
    for marker, color, label, y, dy in zip("o^s", (BLUE, ORANGE, GREEN), tensor.a.values, values, errors, strict=False):
        style = {"ms": 3, "lw": 1, "mfc": "none", "capsize": 2, "elinewidth": 0.8, "color": color}
        axes.errorbar(t, y, dy, fmt=f"{marker}-", label=rf"${symbol}_{{{label}{label}}}$", **style)
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > 20 * finite.min():
        axes.set_yscale("log")
    axes.set_ylabel(f"{words} ({UNIT[tensor.attrs['units']]})", fontsize=8)
    axes.legend(handlelength=1.5)


def temperature_axis(axes, t) -> None:
    """Logarithmic where the temperatures are spaced so."""
    if log_spaced(t):
        logarithmic(axes, t)


def log_spaced(t) -> bool:
    """True if the steps of log t are more even than those of t, over at least a factor of four."""
    if len(t) < 3 or t.max() < 4 * t.min():
        return False

    def unevenness(steps):
        return np.std(steps) / np.mean(steps)

    return bool(unevenness(np.diff(np.log(t))) < unevenness(np.diff(t)))
