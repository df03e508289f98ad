"""Side jump, shares in 1/tau and their crossing, where impurities and phonons or magnons scatter together."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..result import component_label, hall_of
from .note import LINE, UNIT, finish, note_of
from .style import BLUE, ORANGE, STYLE, save
from .temperature import temperature_axis

_MARGIN = 1.3  # of logarithmic axes
_ROOM = 1.5  # and of the temperatures of equal shares
_DECADE = 10.0  # up to which every digit has a line
_DASHES = (":", "-.", (0, (3, 1, 1, 1, 1, 1)))


def competition_figure(dataset, path, component: int, warnings: list[str]) -> None:
    """Side jump at several densities between its two limits (a), shares in 1/tau (b), crossing temperature (c).

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables `sigma_side_jump` (density, temperature, a, b) and `limit_side_jump` (limit, ...) with errors, `share`
        (density, temperature, mechanism), `static` (mechanism) and `crossing` (density).
    path : path
        PNG, PDF or SVG.
    component : int
        0, 1, 2 for x, y, z of the Hall vector.
    warnings : list of str
    """
    note, t, n = note_of(warnings), dataset.temperature.values, dataset.density.values
    unit = dataset.density.attrs["units"]
    colors = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.85, len(n)))
    bars = {"capsize": 2, "elinewidth": 0.8, "lw": 1.2}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(10.2, 3.9 + LINE * len(note)), layout="constrained")
        jump, shares, where = panels = figure.subplots(1, 3)
        values, errors = hall_of(dataset, "limit_side_jump", component)
        for color, words, y, dy in zip((ORANGE, BLUE), dataset.limit.values, values, errors, strict=True):
            jump.errorbar(t, y, dy, fmt="--", color=color, label=f"{words} alone", **bars)
        values, errors = hall_of(dataset, "sigma_side_jump", component)
        static = dataset.share.values[..., dataset.static.values]
        moving = dataset.share.values[..., ~dataset.static.values]
        for i, color in enumerate(colors):
            jump.errorbar(t, values[i], errors[i], fmt="o-", color=color, label=_words(n[i], unit), **bars)
            bar = _of_sum(dataset.share_error.values[i][:, dataset.static.values])
            shares.errorbar(t, static[i].sum(axis=-1), bar, fmt="o-", color=color, **bars)
            shares.plot(t, moving[i].sum(axis=-1), "s:", color=color, lw=1.0, ms=3, mfc="none")
        shares.plot([], [], "o-", color="0.3", label="share of impurities")
        shares.plot([], [], "s:", color="0.3", mfc="none", label=f"share of {dataset.limit.values[1]}")
        if len(dataset.static) > 2:
            _each(shares, dataset, t, len(n) // 2, unit)
        if min(jump.get_ylim()) < 0 < max(jump.get_ylim()):
            jump.axhline(0, color="0.5", lw=0.8)
        jump.set_ylabel(rf"side jump $\sigma_{{{component_label(component)}}}$ ({UNIT[dataset.attrs['units']]})")
        shares.axhline(0.5, color="0.5", lw=0.8)
        shares.set_ylim(-0.03, 1.03)
        shares.set_ylabel(r"share in $1/\tau$ (1)")
        for axes in (jump, shares):
            temperature_axis(axes, t)
            axes.set_xlabel("temperature (K)")
        _crossing(where, dataset, n, unit, t, colors)
        legends = zip(*(axes.get_legend_handles_labels() for axes in (jump, shares)), strict=True)
        shown = [[*both[0], *both[1]] for both in legends]
        figure.legend(*shown, loc="outside upper center", ncols=min(len(shown[0]), 7), fontsize=8, columnspacing=1.2)
        finish(figure, panels, note)
        save(figure, path)


def _of_sum(errors) -> np.ndarray:
    """Of the sum of shares, which err together."""
    return np.where(np.isfinite(errors), errors, np.nan).sum(axis=-1)


def _each(axes, dataset, t, middle: int, unit: str) -> None:
    """Every mechanism at one of the densities, where there are more than two."""
    for k, name in enumerate(dataset.mechanism.values):
        words = f"{name}, {_words(dataset.density.values[middle], unit)}"
        axes.plot(
            t, dataset.share.values[middle, :, k], color="black", lw=0.8, ls=_DASHES[k % len(_DASHES)], label=words
        )


def _crossing(axes, dataset, n, unit: str, t, colors) -> None:
    found = np.isfinite(dataset.crossing.values)
    kelvin = dataset.crossing.values[found]
    shown = kelvin if len(kelvin) else t
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(n.min() / _MARGIN, n.max() * _MARGIN)
    axes.set_ylim(shown.min() / _ROOM, shown.max() * _ROOM)
    axes.plot(n[found], kelvin, "-", color="0.6", lw=1.0)
    _exponents(axes, n[found], kelvin)
    axes.scatter(n[found], kelvin, c=colors[found], s=24, zorder=3)
    errors = dataset.crossing_error.values[found]
    bars = np.where(np.isfinite(errors), errors, np.nan)  # unknown is no bar
    axes.errorbar(n[found], kelvin, bars, fmt="none", ecolor="0.3", capsize=2, elinewidth=0.8)
    few = shown.max() < _DECADE * shown.min()
    axes.yaxis.set_major_locator(LogLocator(subs=range(1, 10) if few else (1, 2, 5)))
    axes.yaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("density of impurities " + (f"({_plain(unit)})" if unit != "1" else "over that of the input"))
    axes.set_ylabel("temperature of equal shares (K)")
    missing = int((~found).sum())
    if np.isnan(dataset.share.values).all():
        axes.set_title("no Fermi surface: no shares in $1/\\tau$", fontsize=8, loc="right")
    elif missing:
        axes.set_title(f"{missing} of {len(n)} outside of these temperatures", fontsize=8, loc="right")


def _exponents(axes, n, kelvin) -> None:
    """The power of the density with which the temperature rises, beside each piece of the line."""
    powers = np.diff(np.log(kelvin)) / np.diff(np.log(n))
    places = [np.sqrt(x[1:] * x[:-1]) for x in (n, kelvin)]
    for x, y, power in zip(*places, powers, strict=True):
        words = rf"$\propto n^{{{power:.2f}}}$"
        axes.annotate(words, (x, y), (6, -6), textcoords="offset points", ha="left", va="top", fontsize=8, color="0.3")


def _words(density: float, unit: str) -> str:
    return f"impurities times {density:g}" if unit == "1" else f"$n$ = {density:.3g} {_plain(unit)}"


def _plain(unit: str) -> str:
    base, _, power = unit.partition("^")
    return f"{base}$^{{{power}}}$"
