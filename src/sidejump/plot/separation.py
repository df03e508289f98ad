"""The figure of a separation: the remainder against temperature, skew scattering, and what the law leaves."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..result import warnings_of
from .note import LINE, UNIT, finish, note_of
from .style import BLUE, STYLE, save

_MARKERS = "os^Dv<>phX"
_LEGEND = 12  # films; more than that are told apart by their colours


def separation_figure(dataset, path) -> None:
    """Remainder of each film and R(T), with what was computed (a); skew scattering (b); residuals (c).

    Parameters
    ----------
    dataset : xarray.Dataset
        Of :func:`sidejump.experiment.separate.separate`.
    path : path
        PNG, PDF or SVG.
    """
    note = note_of(warnings_of(dataset))
    unit = UNIT[dataset.attrs["units"]]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 4.2 + LINE * len(note)), layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=(1.25, 1))
        left, upper, lower = (figure.add_subplot(grid[place]) for place in ((slice(None), 0), (0, 1), (1, 1)))
        _remainder(left, dataset)
        left.set_ylabel(f"scattering-independent remainder of $\\sigma_{{yx}}$ ({unit})")
        _skew(upper, dataset)
        upper.set_xlabel(f"skew scattering of the law ({unit})", fontsize=8)
        upper.set_ylabel(f"with residual ({unit})", fontsize=8)
        _residuals(lower, dataset)
        lower.set_ylabel(f"$\\sigma_{{yx}}$ less law ({unit})", fontsize=8)
        for axes in (left, lower):
            axes.set_xlabel("temperature (K)")
        finish(figure, (left, upper, lower), note)
        save(figure, path)


def _films(dataset):
    """Name, points, colour and marker of each film, clean ones dark."""
    order = np.argsort(dataset.rho_0.values)
    labels = dataset.film_of_point.values.astype(str)
    for place, i in enumerate(order):
        name = str(dataset.film.values[i])
        color = matplotlib.colormaps["viridis"](0.9 * place / max(len(order) - 1, 1))
        yield name, np.flatnonzero(labels == name), color, _MARKERS[place % len(_MARKERS)]


def _bars(values) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)  # unknown is no bar


def _remainder(axes, dataset) -> None:
    t = dataset.point_temperature.values
    many = dataset.sizes["film"] > _LEGEND
    for name, rows, color, marker in _films(dataset):
        error = _bars(dataset.remainder_error.values[rows])
        style = {"fmt": marker, "color": color, "ms": 3.5, "lw": 0.8, "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(t[rows], dataset.remainder.values[rows], error, label="_" if many else name, **style)
    if "common_remainder" in dataset:
        bars = _bars(dataset.common_remainder_error.values)
        style = {"fmt": "s-", "color": "black", "ms": 4, "lw": 1.2, "mfc": "none", "capsize": 3}
        axes.errorbar(
            dataset.temperature.values, dataset.common_remainder.values, bars, label="R(T), all films", **style
        )
    if "computed" in dataset:
        order = np.argsort(t)
        x, y, error = t[order], dataset.computed.values[order], _bars(dataset.computed_error.values[order])
        axes.plot(
            x, y, "D--", ms=2.5, color=BLUE, lw=1.6, label=r"computed $\sigma^{\mathrm{int}}+\sigma^{\mathrm{sj}}$"
        )
        axes.fill_between(x, y - error, y + error, color=BLUE, alpha=0.2, lw=0)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.30 * (high - low))  # room for the legend
    axes.legend(loc="upper right", ncols=2, columnspacing=1.0, handlelength=1.8)


def _skew(axes, dataset) -> None:
    skew, residual = dataset.skew.values, dataset.residual.values
    ends = np.array([min(skew.min(), 0.0), max(skew.max(), 0.0)])
    axes.plot(ends, ends, "-", color="0.5", lw=0.8)
    for _, rows, color, marker in _films(dataset):
        used = dataset.in_fit.values[rows] == 1
        for chosen, face in ((rows[used], color), (rows[~used], "none")):
            axes.plot(skew[chosen], (skew + residual)[chosen], marker, color=color, mfc=face, ms=3.5)


def _residuals(axes, dataset) -> None:
    t = dataset.point_temperature.values
    axes.axhline(0, color="0.5", lw=0.8)
    for _, rows, color, marker in _films(dataset):
        error = _bars(dataset.sigma_yx_error.values[rows]) if "sigma_yx_error" in dataset else None
        style = {"fmt": marker, "color": color, "ms": 3, "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(t[rows], dataset.residual.values[rows], error, **style)
