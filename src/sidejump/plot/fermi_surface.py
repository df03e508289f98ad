"""The Fermi surface, coloured by what its states carry."""

from __future__ import annotations

import re

import matplotlib
import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from mpl_toolkits.mplot3d.art3d import Poly3DCollection
from scipy.spatial import KDTree

from ..surfaces.triangles import Triangles, surface_triangles
from ..units import HBAR, conductivity_unit
from .style import ORANGE, STYLE, save

_SAME = 1e-3  # relative difference of values that is none
_THIN = 3.0  # length over width of what keeps its proportions
_CELLS = 400  # that a surface is cut out of: some 6000 triangles, a page of a megabyte beside plotly
_APART = 1.6  # of the lengths of two states: neighbours on a contour are not further from each other
_ALONG = 0.5  # cosine between a contour and the way to a neighbour
_CANDIDATES = 8  # nearest states that neighbours are looked for among
_NEIGHBOURS = 4  # states that a corner of a triangle takes its colour from
_DIGITS = 5  # of numbers on a page
_HOT = "hot spots: states with half of what the side jump is made of"


def quantities(states, a: int, b: int) -> dict[str, np.ndarray]:
    """What the surface is coloured by, with units: for a current along `a` and a field along `b`.

    Parameters
    ----------
    states : sidejump.transport.resolved.StateResolved
    a, b : int
        Axes of the Hall component.

    Returns
    -------
    dict of ndarray, shape (S,)
        Speed (km/s), the component of the Berry curvature normal to both axes (Å^2), g of the field (Å), the side-jump
        velocity along the current (m/s), and the contribution to the side jump over the part of the density of states,
        in the unit of conductivities: its mean over the surface, weighted with that density, is ``sigma_sj`` (velocity
        half).
    """
    dimension = states.k.shape[1]
    names = "xyz"
    normal = 0 if dimension == 2 else 3 - a - b
    factor, unit = conductivity_unit(dimension)
    share = states.weight / states.weight.sum()
    si = 1e-10 / HBAR  # m/s for each eV angstrom
    return {
        "speed |v| (km/s)": 1e-3 * si * np.linalg.norm(states.velocity, axis=1),
        f"Berry curvature Ω_{'z' if dimension == 2 else names[normal]} (Å²)": states.curvature[:, normal],
        f"g, field along {names[b]} (Å)": states.distribution[:, b],
        f"side-jump velocity along {names[a]} (m/s)": si * states.side_jump_velocity[:, a],
        f"contribution to σ_sj, {names[a]}{names[b]} ({unit})": factor * states.contribution[:, a, b] / share,
    }


def triangles_of(model, mu: float, states) -> Triangles | None:
    """The surface at `mu` (eV) that the states lie on, in three dimensions."""
    if model.dimension == 2:
        return None
    return surface_triangles(model, mu, states.k, cells=min(_CELLS, max(_CELLS // 2, len(states.k) // 2)))


def at_corners(states, surface: Triangles, reciprocal_cell, values) -> np.ndarray:
    """Values (S, ...) of states at the corners (V, ...): means over the nearest states of the band, those nearer count
    more; without overshooting beside hot spots."""
    found = np.empty((len(surface.k), *values.shape[1:]))
    for band in np.unique(surface.band):
        corners = surface.band == band
        mine = states.band == band
        if not mine.any():  # of bands that are one
            mine[:] = True
        k, number = _with_images(states.k[mine], surface.k[corners], reciprocal_cell), np.flatnonzero(mine)
        count = min(_NEIGHBOURS, len(k))
        distance, near = KDTree(k).query(surface.k[corners], list(range(1, count + 1)))
        weight = 1 / np.maximum(distance, 1e-9 * distance.max() + np.finfo(float).tiny) ** 2
        weight /= weight.sum(axis=1, keepdims=True)
        found[corners] = np.einsum("vn,vn...->v...", weight, values[number[near % len(number)]])
    return found


def _with_images(k, corners, reciprocal_cell) -> np.ndarray:
    """Points and, behind them in the same order, their images under the reciprocal lattice next to the zone."""
    if reciprocal_cell is None:
        return k
    shifts = np.stack(np.meshgrid(*[(0, -1, 1)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) @ reciprocal_cell
    return (k + shifts[:, None]).reshape(-1, 3)


def neighbours_on_contours(states) -> np.ndarray:
    """Pairs (P, 2) of states next to each other on the contours of a band, in two dimensions.

    A state stands for a piece of its contour as long as its part of the density of states says; the contour runs
    across its velocity.
    """
    speed = np.linalg.norm(states.velocity, axis=1)
    tangent = states.velocity @ np.array([[0.0, 1.0], [-1.0, 0.0]]) / np.maximum(speed, np.finfo(float).tiny)[:, None]
    length = (2 * np.pi) ** 2 * states.weight * speed
    pairs = [np.empty((0, 2), dtype=int)]
    for band in np.unique(states.band):
        mine = np.flatnonzero(states.band == band)
        count = min(_CANDIDATES, len(mine) - 1)
        if not count:
            continue
        distance, near = KDTree(states.k[mine]).query(states.k[mine], list(range(2, count + 2)))
        near = mine[near]
        along = np.einsum("snd,sd->sn", states.k[near] - states.k[mine, None], tangent[mine])
        along /= np.maximum(distance, np.finfo(float).tiny)
        reached = distance < 0.5 * _APART * (length[mine, None] + length[near])
        for side in (1, -1):
            fits = reached & (side * along > _ALONG)
            first = np.where(fits, distance, np.inf).argmin(axis=1)
            found = fits[np.arange(len(mine)), first]
            pairs.append(np.stack([mine[found], near[np.arange(len(mine)), first][found]], axis=1))
    return np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)


def fermi_surface_figure(states, path, a: int, b: int, title: str, surface=None, reciprocal_cell=None) -> None:
    """One panel for each of :func:`quantities`, hot spots ringed.

    Parameters
    ----------
    states : sidejump.transport.resolved.StateResolved
    path : path
        PNG, PDF or SVG.
    a, b : int
        Axes of the Hall component.
    title : str
    surface : Triangles, optional
        Of :func:`triangles_of`, in three dimensions.
    reciprocal_cell : ndarray, shape (3, 3), optional
        Of a crystal.
    """
    shown = quantities(states, a, b)
    hot = states.hot(states.contribution[:, a, b])
    solid, even = states.k.shape[1] == 3, _even(states.k)
    contour = None if solid else neighbours_on_contours(states)
    size = float(np.clip(4000 / len(states.k), 1.5, 9.0))
    with matplotlib.rc_context(STYLE):
        # labels of axes in space are no part of what the layout measures
        room = (0.1, 0.12) if solid else (None, None)
        layout = ConstrainedLayoutEngine(compress=True, hspace=room[0], h_pad=room[1])
        figure = Figure(figsize=(11.0, 7.2 if solid else 6.4), layout=layout)
        for place, (words, values) in enumerate(shown.items()):
            axes = figure.add_subplot(2, 3, place + 1, projection="3d" if solid else None)
            style = _colours(values)
            if surface is None:
                drawn = _scatter(axes, states.k, c=values, s=size, linewidths=0, **style)
                if contour is not None:
                    _contours(axes, states.k[contour], values[contour].mean(axis=1), drawn)
            else:
                drawn = _draw(axes, surface, at_corners(states, surface, reciprocal_cell, values), style)
            if hot.any():
                _scatter(axes, states.k[hot], s=22, facecolors="none", edgecolors=ORANGE, linewidths=0.6)
            figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.16 if solid else 0.02)
            axes.set_title(_mathematical(words), fontsize=9)
            axes.set_aspect("equal" if even else "auto")
            axes.locator_params(nbins=4 if solid else 5)
            for axis in "xyz"[: states.k.shape[1]]:
                getattr(axes, f"set_{axis}label")(f"$k_{axis}$ (1/Å)", fontsize=8)
        figure.suptitle(title, fontsize=10)
        figure.supxlabel(surface_note(states, a, b), fontsize=8, x=0.01, ha="left")
        save(figure, path)


def fermi_surface_charts(states, a: int, b: int, surface=None, reciprocal_cell=None) -> dict[str, dict]:
    """The same as charts that can be turned, dictionaries for plotly.js by their titles.

    Each band is a trace of its own, which a click on its name hides: one sheet may be inside another.
    """
    hot = states.hot(states.contribution[:, a, b])
    solid = states.k.shape[1] == 3
    kind = "scatter3d" if solid else "scatter"
    axes = "xyz"[: states.k.shape[1]]

    def places(chosen):
        return {axis: _rounded(states.k[chosen, i]) for i, axis in enumerate(axes)}

    rings = {"color": ORANGE, "size": 3 if solid else 9, "symbol": "circle-open"}
    ringed = {"type": kind, "mode": "markers", "name": _HOT, "marker": rings, "showlegend": True} | places(hot)
    titles: dict[str, dict] = {f"{axis}axis": {"title": {"text": f"k<sub>{axis}</sub> (1/Å)"}} for axis in axes}
    layout: dict = titles
    if solid:
        layout = {"scene": titles | {"aspectmode": "data" if _even(states.k) else "cube"}}
    else:
        titles["yaxis"]["scaleanchor"] = "x"
    lines = [] if solid else [_segments(states.k[neighbours_on_contours(states)])]
    charts = {}
    for words, values in quantities(states, a, b).items():
        scene: dict = {}
        limit = float(np.abs(values).max())
        sides: dict = (
            {"cmin": -limit, "cmax": limit, "colorscale": "RdBu"} if values.min() < 0 else {"colorscale": "Viridis"}
        )
        drawn: list[dict]
        if surface is None:
            size = float(np.clip(8000 / len(states.k), 2, 6))
            marker = {"color": _rounded(values), "size": size, "colorbar": {"x": 1.0}} | sides
            drawn = [*lines, {"type": kind, "mode": "markers", "name": words, "marker": marker, "showlegend": False}]
            drawn[-1] |= places(slice(None))
        else:
            corners = at_corners(states, surface, reciprocal_cell, values)
            drawn = _sheets(surface, corners)
            scene["coloraxis"] = {"colorbar": {"x": 1.0}} | sides
        data = [*drawn, *([ringed] if hot.any() else [])]
        charts[words] = {"data": data, "layout": {"height": 560, "legend": {"orientation": "h"}, **layout, **scene}}
    return charts


def _sheets(surface: Triangles, values) -> list[dict]:
    """Triangles of each band, with values at their corners, in the colours that all share."""
    found = []
    for band in np.unique(surface.band):
        mine = np.flatnonzero(surface.band == band)
        place = np.full(len(surface.k), -1)
        place[mine] = np.arange(len(mine))
        corners = place[surface.corners[surface.band[surface.corners[:, 0]] == band]]
        sheet = {"type": "mesh3d", "name": f"band {band}", "showlegend": True, "coloraxis": "coloraxis"}
        sheet["intensity"] = _rounded(values[mine])
        sheet |= {axis: _rounded(surface.k[mine, i]) for i, axis in enumerate("xyz")}
        found.append(sheet | {name: corners[:, i].tolist() for i, name in enumerate("ijk")})
    return found


def _segments(ends) -> dict:
    """Lines between pairs of states (P, 2, 2), under their colours."""
    chart: dict = {"type": "scatter", "mode": "lines", "showlegend": False, "hoverinfo": "skip"}
    chart["line"] = {"color": "#bbbbbb", "width": 1}
    for i, axis in enumerate("xy"):
        chart[axis] = [x for pair in ends[..., i] for x in (*_rounded(pair), None)]
    return chart


def _rounded(values) -> list[float]:
    return [float(f"{x:.{_DIGITS}g}") for x in values]


def _mathematical(words: str) -> str:
    words = words.replace("σ_sj", r"$\sigma_{\mathrm{sj}}$").replace("e^2/h", "$e^2/h$")
    return re.sub(r"Ω_(\w)", r"$\\Omega_\1$", words)


def _even(k) -> bool:
    """Whether one scale shows all axes: in a long thin cloud the narrow side would be unseen."""
    sides = np.ptp(k, axis=0)
    return bool(sides.max() < _THIN * sides.min())


def surface_note(states, a: int, b: int) -> str:
    """What rings are, or that there are none."""
    if states.hot(states.contribution[:, a, b]).any():
        return f"rings: {_HOT}"
    return "no hot spots: half of the side jump is made by no small part"


def _draw(axes, surface: Triangles, values, style) -> ScalarMappable:
    """Triangles in the mean colour of their corners, a little darker where they are seen from the side."""
    colours = ScalarMappable(Normalize(style.get("vmin", values.min()), style.get("vmax", values.max())))
    colours.set_cmap(colormaps[style["cmap"]])
    axes.add_collection3d(
        Poly3DCollection(
            surface.k[surface.corners],
            facecolors=colours.to_rgba(values[surface.corners].mean(axis=1)),
            shade=True,
            linewidths=0,
            antialiased=False,
        )
    )
    for i, axis in enumerate("xyz"):
        getattr(axes, f"set_{axis}lim")(surface.k[:, i].min(), surface.k[:, i].max())
    return colours


def _contours(axes, lines, values, drawn) -> None:
    """Lines (P, 2, 2) in the colours of what is drawn."""
    axes.add_collection(LineCollection(lines, array=values, cmap=drawn.cmap, norm=drawn.norm, linewidths=1.6))


def _scatter(axes, k, **style):
    return axes.scatter(*k.T, **style)


def _colours(values) -> dict:
    """One colour on either side of zero where there are negative ones; what is one number has no colours."""
    low, high = float(values.min()), float(values.max())
    if high - low < _SAME * max(abs(low), abs(high)):
        return {"cmap": "viridis", "vmin": 0.5 * (low + high) - 0.05 * abs(high), "vmax": high + 0.05 * abs(high)}
    if values.min() < 0 < values.max() or values.max() <= 0:
        limit = float(np.abs(values).max()) or 1.0
        return {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    return {"cmap": "viridis"}
