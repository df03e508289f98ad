"""Drawing of Fig. 1 of the paper, from the curves of :mod:`sidejump.reference.figure1`."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .style import BLUE, ORANGE, STYLE, save


def figure1(curves, path) -> None:
    """The paper's Fig. 1: side jump against T/T_BG, closed form and exact inelastic; inset: the resistivity.

    Parameters
    ----------
    curves : dict of arrays
        From :func:`figure1_curves`.
    path : path
        PNG, PDF or SVG.
    """
    t = curves["t"]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.4, 4.0), layout="constrained")
        axes = figure.subplots()
        for value, text, at, side, up in ((3 / 16, "3/16", t.max(), "right", -9), (3 / 7, "3/7", t.min(), "left", 3)):
            axes.axhline(value, color="0.6", lw=0.8, ls="--")
            axes.annotate(text, (at, value), (0, up), textcoords="offset points", ha=side, fontsize=8, color="0.4")
        closed = "quasi-elastic, closed form (eqs 18, B5)"
        axes.semilogx(t, curves["closed_form"], "-", color=BLUE, lw=1.6, label=closed)
        axes.semilogx(t, curves["exact"], "o", color=ORANGE, ms=3.5, mfc="none", label="inelastic, exact solution")
        axes.set_xlabel(r"$T/T_{\mathrm{BG}}$")
        axes.set_ylabel(r"side jump $\sigma^{\mathrm{sj}}_{yx}$ ($e^2/h$)")
        axes.set_ylim(0.15, 0.48)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.legend(loc="upper left")
        inset = axes.inset_axes((0.63, 0.27, 0.35, 0.36))
        inset.loglog(t, curves["resistivity_closed"], "-", color=BLUE, lw=1.2)
        inset.loglog(t, curves["resistivity"], "o", color=ORANGE, ms=2, mfc="none", mew=0.7)
        inset.set_xlabel(r"$T/T_{\mathrm{BG}}$", fontsize=8, labelpad=1)
        inset.set_ylabel(r"$\rho_{xx}/\rho_{xx}(T_{\mathrm{BG}})$", fontsize=8, labelpad=1)
        inset.tick_params(labelsize=7)
        save(figure, path)
