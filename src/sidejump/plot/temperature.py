"""The figure of a result: Hall parts, conductivity and resistivity against temperature."""

from __future__ import annotations

import textwrap

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ..result import NOT_INCLUDED, component_label, hall_part, main_component, warnings_of
from .style import BLUE, GREEN, ORANGE, PURPLE, STYLE, save

_UNIT = {"S/cm": "S/cm", "e^2/h": "$e^2/h$", "microohm cm": r"$\mu\Omega\,$cm", "h/e^2": "$h/e^2$"}
_WIDTH, _MOST_LINES = 130, 16  # of the warnings in a figure: letters, lines
_LINE = 0.14  # inches


def result_figure(dataset, path) -> None:
    """Hall conductivity (left), longitudinal conductivity and resistivity (right) against temperature.

    The Hall parts are those of the component in which the Hall vector is largest, antisymmetric in a and b.
    """
    order = np.argsort(dataset.temperature.values)
    dataset = dataset.isel(temperature=order)
    note = _note(warnings_of(dataset))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 4.2 + _LINE * len(note)), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        hall, conductivity = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1])
        resistivity = figure.add_subplot(grid[1, 1], sharex=conductivity)
        _hall_parts(hall, dataset)
        _diagonal(conductivity, dataset.sigma_boltzmann, r"\sigma", "Boltzmann conductivity")
        _diagonal(resistivity, dataset.resistivity, r"\rho", "resistivity")
        conductivity.tick_params(labelbottom=False)
        for axes in (hall, conductivity, resistivity):
            _temperature_axis(axes, dataset.temperature.values)
        for axes in (hall, resistivity):
            axes.set_xlabel("temperature (K)")
        for letter, axes in zip("abc", (hall, conductivity, resistivity), strict=True):
            axes.set_title(f"({letter})", loc="left", fontsize=9)
        if note:
            figure.supxlabel("\n".join(note), fontsize=7, color=ORANGE, x=0.01, ha="left", parse_math=False)
        save(figure, path)


def _hall_parts(axes, dataset) -> None:
    t, c = dataset.temperature.values, main_component(dataset)
    velocity, distribution = (hall_part(dataset, f"side_jump_{n}", c) for n in ("velocity", "distribution"))
    intrinsic, side_jump = hall_part(dataset, "intrinsic", c), hall_part(dataset, "side_jump", c)
    axes.axhline(0, color="0.5", lw=0.8)
    axes.plot(t, intrinsic + side_jump, "-", color="black", lw=1.8, label=f"intrinsic + side jump,\n{NOT_INCLUDED}")
    axes.plot(t, intrinsic, "s-", color=BLUE, lw=1.2, label="intrinsic")
    axes.plot(t, side_jump, "o-", color=ORANGE, lw=1.2, label="side jump")
    # the two halves are equal by Onsager's relation: rings around dots, so that both can be seen
    axes.plot(t, velocity, "o", color=PURPLE, ms=7, mfc="none", mew=1.0, label="side-jump velocity")
    axes.plot(t, distribution, "x-", color=GREEN, ms=4, lw=0.8, label="side-jump distribution")
    axes.set_ylabel(rf"Hall conductivity $\sigma_{{{component_label(c)}}}$ ({_UNIT[dataset.attrs['units']]})")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.30 * (high - low))  # room for the legend
    axes.legend(loc="upper right", ncols=2, columnspacing=1.0, handlelength=1.8)


def _diagonal(axes, tensor, symbol: str, words: str) -> None:
    t = tensor.temperature.values
    values = np.stack([tensor.sel(a=x, b=x).values for x in tensor.a.values])
    for marker, color, label, y in zip("o^s", (BLUE, ORANGE, GREEN), tensor.a.values, values, strict=False):
        axes.plot(t, y, f"{marker}-", ms=3, lw=1, mfc="none", color=color, label=rf"${symbol}_{{{label}{label}}}$")
    finite = values[np.isfinite(values)]
    if len(finite) and finite.min() > 0 and finite.max() > 20 * finite.min():
        axes.set_yscale("log")
    axes.set_ylabel(f"{words} ({_UNIT[tensor.attrs['units']]})", fontsize=8)
    axes.legend(handlelength=1.5)


def _temperature_axis(axes, t) -> None:
    """Logarithmic where the temperatures are spaced so."""
    if not log_spaced(t):
        return
    axes.set_xscale("log")
    decades = np.log10(t.max() / t.min())
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 3.0, 5.0) if decades < 2.5 else (1.0,)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def log_spaced(t) -> bool:
    """True if the steps of log t are more even than those of t, over at least a factor of four."""
    if len(t) < 3 or t.max() < 4 * t.min():
        return False

    def unevenness(steps):
        return np.std(steps) / np.mean(steps)

    return bool(unevenness(np.diff(np.log(t))) < unevenness(np.diff(t)))


def _note(warnings: list[str]) -> list[str]:
    """Lines below the panels: whole sentences, as many as there is room for, and how many there are beyond."""
    lines: list[str] = []
    for shown, sentence in enumerate(warnings):
        wrapped = textwrap.wrap(f"Warning: {sentence}", _WIDTH, subsequent_indent="    ")
        if lines and len(lines) + len(wrapped) > _MOST_LINES:
            return [*lines, f"and {len(warnings) - shown} more of {len(warnings)} warnings: attribute `warnings`"]
        lines += wrapped
    return lines
