"""Figures: the parts of the anomalous Hall conductivity against temperature, and the paper's Fig. 1."""

from __future__ import annotations

import os
from typing import Any

import matplotlib
from matplotlib.figure import Figure

_STYLE: Any = {"font.size": 10, "axes.grid": True, "grid.alpha": 0.25, "legend.frameon": False, "figure.dpi": 150}
_UNIT = {"S/cm": "S/cm", "e^2/h": "$e^2/h$", "microohm cm": r"$\mu\Omega\,$cm", "h/e^2": "$h/e^2$"}


def result_figure(dataset, path, component=("y", "x")) -> None:
    """Antisymmetric Hall parts (left) and resistivity (right) against temperature."""
    a, b = component
    temperature = dataset.temperature.values

    def hall(name):
        value = dataset[f"sigma_{name}"]
        return 0.5 * (value.sel(a=a, b=b) - value.sel(a=b, b=a)).values

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(9.5, 4.0), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.plot(temperature, hall("intrinsic"), "s-", ms=3.5, label="intrinsic")
        left.plot(temperature, hall("side_jump"), "o-", ms=3.5, label="side jump")
        left.plot(temperature, hall("side_jump_velocity"), "--", lw=1, color="C1", alpha=0.8, label="sj: velocity")
        left.plot(temperature, hall("side_jump_distribution"), ":", lw=1.4, color="C1", label="sj: distribution")
        left.plot(temperature, hall("intrinsic") + hall("side_jump"), "k-", lw=1.8, label="sum")
        left.set_xlabel("temperature (K)")
        left.set_ylabel(rf"$\sigma_{{{a}{b}}}$ antisymmetric ({_UNIT[dataset.attrs['units']]})")
        left.legend(fontsize=8)
        low, high = left.get_ylim()
        left.set_ylim(min(low, 0.0), max(high, 0.0))
        resistivity = dataset.resistivity
        for label in dataset.a.values:
            right.plot(temperature, resistivity.sel(a=label, b=label), "o-", ms=3, label=rf"$\rho_{{{label}{label}}}$")
        right.set_xlabel("temperature (K)")
        right.set_ylabel(f"resistivity ({_UNIT[resistivity.attrs['units']]})")
        right.set_yscale("log")
        right.legend(fontsize=8)
        _save(figure, path)


def figure1(curves, path) -> None:
    """The paper's Fig. 1: side jump against T/T_BG, closed form and exact inelastic, inset the resistivity shape.

    Parameters
    ----------
    curves : dict of arrays
        ``t``, ``closed_form``, ``exact``, ``resistivity`` (in units of the high-temperature slope).
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6.2, 4.4), layout="constrained")
        axes = figure.subplots()
        axes.semilogx(curves["t"], curves["closed_form"], "-", lw=1.8, label="quasi-elastic, closed form")
        axes.semilogx(curves["t"], curves["exact"], "o", ms=3.5, label="inelastic, exact")
        axes.axhline(3 / 16, color="0.6", lw=0.8, ls="--")
        axes.axhline(3 / 7, color="0.6", lw=0.8, ls="--")
        axes.set_xlabel(r"$T/T_{\mathrm{BG}}$")
        axes.set_ylabel(r"side jump $\sigma^{\mathrm{sj}}_{yx}$ ($e^2/h$)")
        axes.set_ylim(0.15, 0.46)
        axes.legend(loc="upper left", fontsize=8)
        inset = axes.inset_axes((0.60, 0.14, 0.37, 0.40))
        inset.loglog(curves["t"], curves["resistivity_closed"], "-", lw=1.2)
        inset.loglog(curves["t"], curves["resistivity"], "o", ms=2)
        inset.set_xlabel(r"$T/T_{\mathrm{BG}}$", fontsize=8)
        inset.set_ylabel(r"$\rho_{xx}/\rho_{xx}(T_{\mathrm{BG}})$", fontsize=8)
        inset.tick_params(labelsize=7)
        _save(figure, path)


def _save(figure, path) -> None:
    partial = f"{path}.partial"
    try:
        figure.savefig(partial, format="png")
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
