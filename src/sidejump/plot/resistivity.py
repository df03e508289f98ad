"""Longitudinal and Hall resistivity against temperature."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..result import component_label, hall_of, main_component, not_included, require_one_case, warnings_of
from .note import LINE, UNIT, finish, note_of
from .style import ORANGE, STYLE, save
from .temperature import diagonal, temperature_axis


def resistivity_figure(dataset, path) -> None:
    """Diagonal elements (left) and antisymmetric part (right) of the inverse of the whole conductivity.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of one chemical potential or doping.
    path : path
        PNG, PDF or SVG.

    Raises
    ------
    InputError
        If the result is a scan.
    """
    require_one_case(dataset, "resistivity")
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    note, c = note_of(warnings_of(dataset)), main_component(dataset)
    unit, t = UNIT[dataset.resistivity.attrs["units"]], dataset.temperature.values
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.6 + LINE * len(note)), layout="constrained")
        panels = figure.subplots(1, 2)
        diagonal(panels[0], dataset.resistivity, dataset.resistivity_error, r"\rho", "resistivity")
        values, errors = hall_of(dataset, "hall_resistivity", c)
        panels[1].axhline(0, color="0.5", lw=0.8)
        panels[1].errorbar(t, values, errors, fmt="o-", color=ORANGE, lw=1.2, capsize=2, elinewidth=0.8)
        panels[1].set_ylabel(
            rf"Hall resistivity $\rho_{{{component_label(c)}}}$ ({unit}), {not_included(dataset)}", fontsize=8
        )
        for axes in panels:
            temperature_axis(axes, t)
            axes.set_xlabel("temperature (K)")
        finish(figure, panels, note)
        save(figure, path)
