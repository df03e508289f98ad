"""The figure of the observables of a result: what each answers to the field, against temperature."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from ..errors import InputError
from ..result import (
    answering_fields,
    has_skew,
    not_included,
    observables_of,
    observed_parts,
    scan_dimension,
    shown_response,
    warnings_of,
)
from .note import LINE, finish, note_of
from .style import BLUE, GREEN, ORANGE, RED, SKY, STYLE, save
from .temperature import temperature_axis

_COLUMNS, _MOST = 3, 12  # panels side by side, and in all
_ROUNDING = 1e-9


def observables_figure(dataset, path, names=None) -> None:
    """One panel for each observable and direction of the field to which it answers.

    Parts that scattering time does not enlarge (intrinsic, side jump, their sum) where they are all there is; else the
    Boltzmann part as well, on an axis of its own on the right.

    Parameters
    ----------
    dataset : xarray.Dataset
    path : path
    names : sequence of str, optional
        Observables to draw; all when not given.

    Raises
    ------
    InputError
        If the result has none, not one of these names, is a scan, or has more panels than a page.
    """
    panels = _panels(dataset, names)
    dataset = dataset.isel(temperature=np.argsort(dataset.temperature.values))
    note = note_of(warnings_of(dataset))
    across = min(_COLUMNS, len(panels))
    down = -(-len(panels) // across)
    with matplotlib.rc_context(STYLE):
        width, height = max(4.6, 3.8 * across), 2.8 * down + 0.6 + LINE * len(note)
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = [figure.add_subplot(down, across, i + 1) for i in range(len(panels))]
        handles: dict = {}
        for each, (name, b) in zip(axes, panels, strict=True):
            handles |= _panel(each, dataset, name, b)
        for each in axes[-across:]:
            each.set_xlabel("temperature (K)")
        columns = len(handles) if across > 2 else 2  # words as wide as the panels below them
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=columns)
        finish(figure, tuple(axes), note)
        save(figure, path)


def _panels(dataset, names) -> list[tuple[str, int]]:
    known = observables_of(dataset)
    if not known:
        raise InputError("the result has no observables; ask for some with [[observable]] sections in the input file")
    if scan_dimension(dataset) is not None:
        raise InputError("figures of observables are those of one chemical potential; this result is a scan")
    for name in names or ():
        if name not in known:
            raise InputError(f'observable "{name}" is not in the result; it has {", ".join(known)}')
    panels = [(name, b) for name in names or known for b in answering_fields(dataset, name)]
    if not panels:
        raise InputError("none of the observables answers to the field: there is nothing to draw")
    if len(panels) > _MOST:
        raise InputError(
            f"{len(panels)} panels, one for each observable and field, are too many for a figure (the most is "
            f"{_MOST}); name some observables with --observable"
        )
    return panels


def _panel(axes, dataset, name: str, b: int) -> dict:
    """Draw one, and give what the legend names."""
    t = dataset.temperature.values
    parts = {part: [x[:, b] for x in shown_response(dataset, part, name)] for part in observed_parts(dataset)}
    ordinary, rest = parts.pop("boltzmann"), list(parts.values())
    unit = str(dataset.observable_shown_unit.sel(observable=name).item())
    axes.set_title(f"{name.replace('_', ' ')}, field along {dataset.b.values[b]}", fontsize=9, loc="right")
    axes.set_ylabel(_mathematical(unit), fontsize=8)
    axes.axhline(0, color="0.5", lw=0.8)
    temperature_axis(axes, t)
    found: dict = {}
    bars = {"capsize": 2, "elinewidth": 0.8, "lw": 1.2}
    scale = max(float(np.abs(np.nan_to_num(x)).max()) for x, _ in (ordinary, *rest))
    there = any(_beyond_error(x, scale) for x in rest)
    if there:
        total = sum(x for x, _ in rest)
        error = np.sqrt(sum(dx**2 for _, dx in rest))
        axes.fill_between(t, total - error, total + error, color="black", alpha=0.15, lw=0)
        [line] = axes.plot(t, total, "-", color="black", lw=1.8)
        words = "sum of all but the Boltzmann part" if has_skew(dataset) else "intrinsic + side jump"
        found[f"{words}, {not_included(dataset)}"] = line
        looks = ("intrinsic", BLUE, "s"), ("side jump", ORANGE, "o"), ("skew", RED, "v"), ("Gaussian skew", SKY, "^")
        for (words, color, marker), x in zip(looks, rest, strict=False):  # those of skew scattering where there are any
            found[words] = axes.errorbar(t, *x, fmt=f"{marker}-", color=color, **bars)
    if _beyond_error(ordinary, scale):
        place = axes.twinx() if there else axes
        if there:
            place.grid(False)
            place.tick_params(axis="y", colors=GREEN)
        found["Boltzmann (on the right where there are others)"] = place.errorbar(
            t, *ordinary, fmt="^--", color=GREEN, **bars
        )
    return found


def _beyond_error(part, scale: float) -> bool:
    """Whether a part, values and errors, is more than its errors and rounding at some temperature."""
    values, errors = part
    known = np.nan_to_num(errors)
    return bool(np.any(np.abs(np.nan_to_num(values)) > 3 * known + _ROUNDING * scale))


def _mathematical(unit: str) -> str:
    """A unit with its powers raised."""
    words = []
    for word in unit.replace("hbar", "ħ").replace("angstrom", "Å").split():
        base, _, power = word.partition("^")
        inside, slash, rest = power.partition("/")
        words.append(f"{base}$^{{{inside}}}${slash}{rest}" if power else word)
    return " ".join(words)
