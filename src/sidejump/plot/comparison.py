"""Conductivity of a result against what other programs found."""

from __future__ import annotations

from itertools import cycle

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..errors import InputError
from ..result import require_one_case, warnings_of
from .note import LINE, UNIT, finish, note_of
from .style import BLUE, GREEN, ORANGE, PURPLE, RED, SKY, STYLE, save
from .temperature import temperature_axis

_SAME = 1e-3  # of a temperature: one that other programs print rounded
_COLORS = (ORANGE, GREEN, PURPLE, RED, SKY)


def ratios(dataset, table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean diagonal conductivity of the result over that of a table, at the temperatures that both have.

    Parameters
    ----------
    dataset : xarray.Dataset
    table : ConductivityTable

    Returns
    -------
    temperatures, ratio, error : ndarray, shape (n,)
        K; error: of the result alone, one standard error.
    """
    t = dataset.temperature.values
    values, errors = _mean(dataset)
    pairs = [(i, j) for i, x in enumerate(t) for j, y in enumerate(table.temperatures) if abs(x - y) < _SAME * x]
    ours, theirs = (np.array([pair[k] for pair in pairs], dtype=int) for k in (0, 1))
    d = len(dataset.a)
    other = np.nanmean(np.diagonal(table.conductivity[theirs], axis1=1, axis2=2)[:, :d], axis=1)
    return t[ours], values[ours] / other, errors[ours] / np.abs(other)


def comparison_figure(dataset, tables, path) -> None:
    """Diagonal of the conductivity against temperature, and the ratio of its mean to that of each table.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of one chemical potential or doping.
    tables : sequence of ConductivityTable
    path : path
        PNG, PDF or SVG.

    Raises
    ------
    InputError
        If the result is a scan, or a table is of another dimension.
    """
    require_one_case(dataset, "comparison")
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    for table in tables:
        if table.dimension != len(dataset.a):
            raise InputError(
                f"{table.source}: {table.label}: a conductivity in {table.dimension} dimensions, the result has "
                f"{len(dataset.a)}"
            )
    note, t = note_of(warnings_of(dataset)), dataset.temperature.values
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 3.6 + LINE * len(note)), layout="constrained")
        panels = figure.subplots(1, 2)
        for marker, name in zip("o^s", dataset.a.values, strict=False):
            values, errors = (x.sel(a=name, b=name).values for x in (dataset.sigma_boltzmann, _errors(dataset)))
            label = rf"this result, $\sigma_{{{name}{name}}}$"
            panels[0].errorbar(t, values, errors, fmt=f"{marker}-", color=BLUE, mfc="none", capsize=2, label=label)
        shared = False
        for color, table in zip(cycle(_COLORS), tables):
            for marker, axis in zip("o^s", range(table.dimension), strict=False):
                style = {"color": color, "ms": 4, "lw": 0.9, "ls": "--", "marker": marker}
                words = table.label if axis == 0 else None
                panels[0].plot(table.temperatures, table.conductivity[:, axis, axis], label=words, **style)
            kelvin, ratio, error = ratios(dataset, table)
            if len(kelvin):
                shared = True
                panels[1].errorbar(kelvin, ratio, error, fmt="o-", color=color, capsize=2, label=table.label)
        panels[1].axhline(1, color="0.5", lw=0.8)
        if not shared:
            panels[1].text(0.5, 0.6, "no temperature in common", transform=panels[1].transAxes, ha="center")
        panels[0].set_ylabel(f"conductivity ({UNIT[dataset.attrs['units']]})")
        panels[1].set_ylabel("ratio of mean conductivities (this result / other)")
        if np.nanmin(dataset.sigma_boltzmann.values.diagonal(axis1=1, axis2=2)) > 0:
            panels[0].set_yscale("log")
        for axes in panels:
            temperature_axis(axes, np.unique(np.concatenate([t, *[table.temperatures for table in tables]])))
            axes.set_xlabel("temperature (K)")
        for axes in panels if shared else panels[:1]:
            axes.legend()
        finish(figure, panels, note)
        save(figure, path)


def _errors(dataset):
    """Standard errors; unknown is no bar."""
    return dataset.sigma_boltzmann_error.where(np.isfinite(dataset.sigma_boltzmann_error))


def _mean(dataset) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the diagonal and its error, taken to be as large as if those of the elements were one."""
    names = list(dataset.a.values)
    values, errors = (
        np.mean([x.sel(a=i, b=i).values for i in names], axis=0) for x in (dataset.sigma_boltzmann, _errors(dataset))
    )
    return values, errors
