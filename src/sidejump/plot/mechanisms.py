"""What each scattering mechanism would do alone, beside what all of them do together."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..result import component_label, hall_of, main_component, warnings_of
from .note import LINE, UNIT, finish, note_of
from .style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, STYLE, save
from .temperature import temperature_axis

LOOKS = tuple(zip("os^Dvp", (BLUE, ORANGE, GREEN, PURPLE, RED, SKY), strict=True))


def mechanisms_figure(whole, alone: Mapping, path) -> None:
    """Resistivity (left) with the sum of the mechanisms, Matthiessen's rule, and side jump (right) of each mechanism.

    Parameters
    ----------
    whole : xarray.Dataset
        Result of all of them.
    alone : dict of xarray.Dataset
        Results of each alone, at the same temperatures, by its name.
    path : path
        PNG, PDF or SVG.
    """
    whole, *rest = (d.isel(temperature=np.argsort(d.temperature.values)) for d in (whole, *alone.values()))
    note, c, t = note_of(warnings_of(whole)), main_component(whole), whole.temperature.values
    a = component_label(c)[1]
    bars = {"capsize": 2, "elinewidth": 0.8, "lw": 1.2}
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 3.9 + LINE * len(note)), layout="constrained")
        panels = figure.subplots(1, 2)
        for number, (words, one) in enumerate(zip((*alone, "all together"), (*rest, whole), strict=True)):
            last = number == len(alone)
            marker, color = ("*", "black") if last else LOOKS[number % len(LOOKS)]
            style = bars | {"fmt": f"{marker}-", "color": color, "label": words}
            diagonal = one.sel(a=a, b=a)
            panels[0].errorbar(t, diagonal.resistivity.values, _known(diagonal.resistivity_error.values), **style)
            panels[1].errorbar(t, *hall_of(one, "sigma_side_jump", c), **style)
        total = sum(one.resistivity.sel(a=a, b=a).values for one in rest)
        panels[0].plot(t, total, ":", color="0.4", label="sum of those alone (Matthiessen)")
        panels[0].set_yscale("log")
        panels[0].set_ylabel(rf"$\rho_{{{a}{a}}}$ ({UNIT[whole.resistivity.attrs['units']]})")
        panels[1].axhline(0, color="0.5", lw=0.8)
        panels[1].set_ylabel(rf"side jump $\sigma_{{{component_label(c)}}}$ ({UNIT[whole.attrs['units']]})")
        for axes in panels:
            temperature_axis(axes, t)
            axes.set_xlabel("temperature (K)")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
        finish(figure, panels, note)
        save(figure, path)


def _known(errors):
    return np.where(np.isfinite(errors), errors, np.nan)  # unknown is no bar
