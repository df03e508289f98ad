"""The laws that experiments are held against: Hall conductivity over sigma_xx, Hall resistivity over rho_xx squared."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ..result import component_label, hall_of, main_component, not_included, scan_dimension, warnings_of, whole_of
from .note import LINE, UNIT, finish, note_of
from .style import STYLE, save
from .temperature import log_spaced


def scaling_figure(dataset, path) -> None:
    """Hall parts together against the conductivity (left), the Hall resistivity against its square (right).

    ``rho`` is the inverse of the whole tensor.  Colours are temperatures; of a scan one line for each case.

    Parameters
    ----------
    dataset : xarray.Dataset
    path : path
        PNG, PDF or SVG.
    """
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    name, c, note = scan_dimension(dataset), main_component(dataset), note_of(warnings_of(dataset))
    whole, words = whole_of(dataset)
    t, label = dataset.temperature.values, component_label(c)
    a = label[1]  # the field of this element
    norm = (LogNorm if log_spaced(t) else Normalize)(t.min(), t.max() if len(t) > 1 else t.min() * 1.001)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.7 + LINE * len(note)), layout="constrained")
        panels = figure.subplots(1, 2)
        cases = [dataset] if name is None else [dataset.isel({name: i}) for i in range(dataset.sizes[name])]
        for one in cases:
            along = one.sel(a=a, b=a)
            hall = hall_of(one, f"sigma_{whole}", c)
            _points(panels[0], t, norm, (along.sigma_boltzmann.values, along.sigma_boltzmann_error.values), hall)
            rho, error = along.resistivity.values, along.resistivity_error.values
            _points(panels[1], t, norm, (rho**2, 2 * np.abs(rho) * error), hall_of(one, "hall_resistivity", c))
        sigma, ohm = UNIT[dataset.attrs["units"]], UNIT[dataset.resistivity.attrs["units"]]
        panels[0].set_xlabel(rf"$\sigma_{{{a}{a}}}$ ({sigma})")
        panels[0].set_ylabel(rf"$\sigma_{{{label}}}$, {words[0]} ({sigma})")
        panels[1].set_xlabel(rf"$\rho_{{{a}{a}}}^2$, ({ohm})$^2$")
        panels[1].set_ylabel(rf"$\rho_{{{label}}}$ ({ohm}), {not_included(dataset)}")
        bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=list(panels), pad=0.01)
        bar.set_label("temperature (K)")
        bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        bar.ax.yaxis.set_minor_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        finish(figure, panels, note)
        save(figure, path)


def densities_figure(found, result, path) -> None:
    """Hall parts together against the square of the conductivity (left), the Hall resistivity against that of rho.

    Parameters
    ----------
    found : xarray.Dataset
        At several densities of the impurities, of :func:`sidejump.app.competition.with_intrinsic`: one line for each
        temperature.
    result : xarray.Dataset
        The result that it is made from.
    path : path
        PNG, PDF or SVG.
    """
    c, note = main_component(result), note_of(warnings_of(result))
    whole, words = whole_of(result)
    label, t = component_label(c), found.temperature.values
    a = label[1]
    norm = (LogNorm if log_spaced(t) else Normalize)(t.min(), t.max() if len(t) > 1 else t.min() * 1.001)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.7 + LINE * len(note)), layout="constrained")
        panels = figure.subplots(1, 2)
        hall = hall_of(found, "hall_resistivity", c)[0]
        signs = 1, -1 if np.nanmax(hall) < 0 else 1  # logarithms of what has one sign
        pairs = ("sigma_boltzmann", f"sigma_{whole}"), ("resistivity", "hall_resistivity")
        for panel, (diagonal, tensor) in enumerate(pairs):
            along = found.sel(a=a, b=a)
            x, dx = along[diagonal].values, along[f"{diagonal}_error"].values
            y, dy = hall_of(found, tensor, c)
            y = signs[panel] * y
            for i, kelvin in enumerate(t):
                style = {"color": matplotlib.colormaps["viridis"](norm(kelvin)), "capsize": 2, "elinewidth": 0.8}
                bars = _known(dy[:, i]), _known(2 * np.abs(x[:, i]) * dx[:, i])
                panels[panel].errorbar(x[:, i] ** 2, y[:, i], *bars, fmt="o-", ms=3.5, lw=1.0, **style)
            panels[panel].set_xscale("log")
        sigma, ohm = UNIT[found.attrs["units"]], UNIT[found.resistivity.attrs["units"]]
        panels[0].set_xlabel(rf"$\sigma_{{{a}{a}}}^2$, ({sigma})$^2$")
        panels[0].set_ylabel(rf"$\sigma_{{{label}}}$, {words[0]} ({sigma})")
        panels[1].set_xlabel(rf"$\rho_{{{a}{a}}}^2$, ({ohm})$^2$")
        panels[1].set_ylabel(rf"${'-' if signs[1] < 0 else ''}\rho_{{{label}}}$ ({ohm}), {not_included(result)}")
        if np.nanmin(signs[1] * hall) > 0:
            panels[1].set_yscale("log")
        bar = figure.colorbar(ScalarMappable(norm, "viridis"), ax=list(panels), pad=0.01)
        bar.set_label("temperature (K); points: densities of impurities")
        bar.set_ticks(t[:: -(-len(t) // 8)], labels=[f"{x:.3g}" for x in t[:: -(-len(t) // 8)]])
        bar.ax.minorticks_off()
        finish(figure, panels, note)
        save(figure, path)


def _known(error):
    return np.where(np.isfinite(error), error, np.nan)  # unknown is no bar


def _points(axes, t, norm, across, up) -> None:
    """One line, its points in the colours of their temperatures; each of `across` and `up` a value and an error."""
    axes.plot(across[0], up[0], "-", color="0.7", lw=0.8, zorder=1)
    for i, kelvin in enumerate(t):
        style = {"fmt": "o", "color": matplotlib.colormaps["viridis"](norm(kelvin)), "capsize": 2, "elinewidth": 0.8}
        axes.errorbar(across[0][i], up[0][i], _bar(up[1][i]), _bar(across[1][i]), ms=4, **style)


def _bar(error):
    return error if np.isfinite(error) else np.nan  # unknown is no bar
