"""Lorenz ratio of the electrons, and the two resistivities that it is the ratio of."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from .mechanisms import LOOKS
from .note import UNIT, finish
from .style import STYLE, save
from .temperature import temperature_axis

_SHOWN = ("lorenz_ratio", "resistivity", "heat_resistivity")
_BARS = {"capsize": 2, "elinewidth": 0.8, "lw": 1.2}


def lorenz_figure(found, path) -> None:
    """Lorenz ratio (a), resistivities of charge and of heat (b), of all mechanisms together and of each alone.

    Parameters
    ----------
    found : xarray.Dataset
        Of :func:`sidejump.app.lorenz.lorenz`.
    path : path
        PNG, PDF or SVG.
    """
    t = found.temperature.values
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.9), layout="constrained")
        ratio, both = panels = figure.subplots(1, 2)
        for number, words in enumerate(found.mechanism.values):
            one = found.sel(mechanism=words)
            marker, color = LOOKS[(number - 1) % len(LOOKS)] if number else ("*", "black")
            style = _BARS | {"color": color}
            shown = {name: (one[name].values, one[f"{name}_error"].values) for name in _SHOWN}
            ratio.errorbar(t, *shown["lorenz_ratio"], fmt=f"{marker}-", label=words, **style)
            both.errorbar(t, *shown["resistivity"], fmt=f"{marker}-", **style)
            both.errorbar(t, *shown["heat_resistivity"], fmt=f"{marker}:", mfc="none", **style)
        ratio.axhline(1, color="0.5", lw=0.8)
        ratio.set_ylim(bottom=0)
        ratio.set_ylabel("Lorenz ratio $L/L_0$")
        both.plot([], [], "-", color="0.3", label=r"$\rho$")
        both.plot([], [], ":", color="0.3", label=r"$L_0T/\kappa$")
        both.set_yscale("log")
        both.set_ylabel(f"resistivity ({UNIT[found.resistivity.attrs['units']]})")
        both.legend(fontsize=8)
        for axes in panels:
            temperature_axis(axes, t)
            axes.set_xlabel("temperature (K)")
        figure.legend(*ratio.get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
        finish(figure, panels, [])
        save(figure, path)
