"""Mott's relation and Wiedemann and Franz's law against temperature, each as a ratio that is one where it holds."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
from matplotlib.figure import Figure

from .style import BLUE, GREEN, ORANGE, STYLE, save
from .temperature import temperature_axis

_MOTT = (
    ("mott_boltzmann", GREEN, r"$\alpha_{xx}$"),
    ("mott_side_jump", ORANGE, r"side jump of $\alpha_{yx}$"),
    ("mott_intrinsic", BLUE, r"intrinsic part of $\alpha_{yx}$"),
)
_LORENZ = (
    ("lorenz_ratio", GREEN, r"$\kappa/\sigma T$"),
    ("lorenz_side_jump", ORANGE, r"side jump, $\kappa_{yx}/\sigma_{yx}T$"),
)


def mott_figure(curves: Mapping, path, lines: Mapping | None = None) -> None:
    """Both laws, a panel each; a curve for each part, full marks for the first of `curves`, hollow ones for the next.

    Parameters
    ----------
    curves : mapping of str to xarray.Dataset
        Of :func:`sidejump.app.mott.mott` or :func:`sidejump.app.mott.in_metal`, by label.
    path : path
        PNG, PDF or SVG.
    lines : mapping of str to tuple, optional
        What some of them should lie on: temperatures (n,), and values (n,) by the names of the datasets.
    """
    measured = next(iter(curves.values())).temperature.values
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 4.1), layout="constrained")
        words = (r"$\alpha$ over that of Mott's relation", "Lorenz ratio $L/L_0$")
        for axes, shown, word in zip(figure.subplots(1, 2), (_MOTT, _LORENZ), words, strict=True):
            for name, color, label in shown:
                # the intrinsic part knows no scattering
                some = [(scattering, found) for scattering, found in curves.items() if name in found]
                for number, (scattering, found) in enumerate(some[: 1 if name == "mott_intrinsic" else None]):
                    t, line = (lines or {}).get(scattering, ((), {}))
                    axes.errorbar(
                        found.temperature.values,
                        found[name].values,
                        found[f"{name}_error"].values,
                        fmt="osD"[number] + ("" if number or name in line else "-"),
                        mfc="none" if number else color,
                        ms=4 + 2 * number,
                        zorder=3 + number,
                        color=color,
                        label=label if name == "mott_intrinsic" else f"{label}, {scattering}",
                        capsize=2,
                        elinewidth=0.8,
                        lw=1.2,
                    )
                    if name in line:
                        axes.plot(t, line[name], "--" if number else "-", color=color, lw=0.8)
            axes.axhline(1, color="0.5", lw=0.8)
            axes.set_ylim(bottom=0)
            axes.set_ylabel(word)
            temperature_axis(axes, measured)
            axes.set_xlabel("temperature (K)")
            axes.legend(fontsize=7)
        save(figure, path)
