"""Bands along lines in k space, with the Fermi level and the thermal window."""

from __future__ import annotations

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
    lines = path_of(model, mu)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 4.2), layout="constrained")
        axes, at, ticks = figure.subplots(), 0.0, []
        for start, end, *labels in lines:
            part = np.linspace(0, 1, _POINTS)[:, None]
            energy = np.linalg.eigvalsh(np.asarray(model.hamiltonian(start + part * (end - start))))
            length = float(np.linalg.norm(end - start))
            axes.plot(at + part[:, 0] * length, energy, "-", color=BLUE, lw=1.2)
            ticks += [(at, labels[0]), (at + length, labels[1])]
            at += length
        for kelvin in {float(np.max(temperatures)), float(np.min(temperatures))}:
            half = _WINDOW * KB * kelvin
            axes.axhspan(mu - half, mu + half, color=ORANGE, alpha=0.2, lw=0)
        axes.axhline(mu, color=ORANGE, lw=1.2, label=f"chemical potential {mu:g} eV, ±4 kT")
        for x, _ in ticks:
            axes.axvline(x, color="0.6", lw=0.8)
        places = sorted({x for x, _ in ticks})
        axes.set_xticks(places, ["|".join(dict.fromkeys(w for y, w in ticks if y == x)) for x in places])
        axes.set_xlim(0, at)
        axes.set_ylabel("energy (eV)")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
        axes.set_title(title, fontsize=9, loc="left")
        save(figure, path)
