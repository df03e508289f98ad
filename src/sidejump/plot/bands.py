"""Bands along lines in k space, with the Fermi level and the thermal window."""

from __future__ import annotations

import re

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..surfaces.domain import search_domain
from ..units import KB
from .style import BLUE, ORANGE, STYLE, save

_POINTS = 200  # of a line
_WINDOW = 4.0  # kT on either side: beyond it less than 7 % of the carriers' weight -df/de


def path_of(model, mu: float) -> list[tuple[np.ndarray, np.ndarray, str, str]]:
    """Lines (start, end, label, label), Cartesian, 1/angstrom.

    Of a crystal from Gamma over the middles of the cell's faces and edges to its corner and back; of a k.p model along
    the axes, as far as surfaces at `mu` (eV) are searched.
    """
    d = model.dimension
    if model.cell is None:
        _, edges = search_domain(model, mu)
        steps = 0.5 * np.diag(edges)
        return [
            (-steps[i] * np.eye(d)[i], steps[i] * np.eye(d)[i], f"$-k_{x}$", f"$k_{x}$")
            for i, x in enumerate("xyz"[:d])
        ]
    corners = [np.zeros(d)] + [0.5 * (np.arange(d) <= i) for i in range(d)] + [np.zeros(d)]
    labels = ["Γ" if not c.any() else "(" + ",".join("½" if x else "0" for x in c) + ")" for c in corners]
    cartesian = [c @ model.reciprocal_cell for c in corners]
    return list(zip(cartesian[:-1], cartesian[1:], labels[:-1], labels[1:], strict=True))


def band_lines(model, mu: float) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[float, str]]]:
    """Along each line of :func:`path_of` distances (P,), 1/angstrom, and energies (P, N), eV; places of the ends and
    their labels."""
    at, lines, ticks = 0.0, [], []
    for start, end, *labels in path_of(model, mu):
        part = np.linspace(0, 1, _POINTS)[:, None]
        energy = np.linalg.eigvalsh(np.asarray(model.hamiltonian(start + part * (end - start))))
        length = float(np.linalg.norm(end - start))
        lines.append((at + part[:, 0] * length, energy))
        ticks += [(at, labels[0]), (at + length, labels[1])]
        at += length
    places = sorted({x for x, _ in ticks})
    return lines, [(x, "|".join(dict.fromkeys(w for y, w in ticks if y == x))) for x in places]


def bands_chart(model, mu: float, temperatures) -> dict:
    """The same as :func:`bands_figure` draws, for plotly.js."""
    lines, ticks = band_lines(model, mu)
    data = [
        {"type": "scatter", "mode": "lines", "x": _short(x), "y": _short(band), "line": {"color": BLUE, "width": 1.5}}
        for x, energy in lines
        for band in energy.T
    ]
    windows = [
        {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": mu - half, "y1": mu + half}
        | {"fillcolor": ORANGE, "opacity": 0.2, "line": {"width": 0}}
        for half in _windows(temperatures)
    ]
    level = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": mu, "y1": mu, "line": {"color": ORANGE}}
    plain = [re.sub(r"_(\w)", r"<sub>\1</sub>", words.replace("$", "")) for _, words in ticks]
    across = {"tickvals": [x for x, _ in ticks], "ticktext": plain, "range": [0, ticks[-1][0]], "showline": True}
    axes = {"xaxis": across, "yaxis": {"title": {"text": "energy (eV)"}, "showline": True}}
    layout = axes | {"shapes": [*windows, level], "showlegend": False, "height": 460}
    return {"data": data, "layout": layout}


def _short(values) -> list[float]:
    return [float(f"{x:.6g}") for x in values]


def _windows(temperatures) -> list[float]:
    """Half widths (eV) of the thermal window at the hottest and the coldest temperature."""
    return [_WINDOW * KB * kelvin for kelvin in sorted({float(np.max(temperatures)), float(np.min(temperatures))})]


def bands_figure(model, mu: float, temperatures, path, title: str = "") -> None:
    """Bands; the Fermi level, and 4 kT on either side of it at the hottest and the coldest temperature.

    Parameters
    ----------
    model : ElectronModel
    mu : float
        Chemical potential, eV.
    temperatures : ndarray
        K.
    path : path
        PNG, PDF or SVG.
    title : str
    """
    lines, ticks = band_lines(model, mu)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes = figure.subplots()
        for x, energy in lines:
            axes.plot(x, energy, "-", color=BLUE, lw=1.2)
        for half in _windows(temperatures):
            axes.axhspan(mu - half, mu + half, color=ORANGE, alpha=0.2, lw=0)
        axes.axhline(mu, color=ORANGE, lw=1.2, label=f"chemical potential {mu:g} eV, ±4 kT")
        for place, _ in ticks:
            axes.axvline(place, color="0.6", lw=0.8)
        axes.set_xticks(*zip(*ticks, strict=True))
        axes.set_xlim(0, ticks[-1][0])
        axes.set_ylabel("energy (eV)")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axes.set_title(title, fontsize=9, loc="left")
        save(figure, path)
