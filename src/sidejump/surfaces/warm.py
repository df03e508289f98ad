"""Temperatures at which the thermal energy leaves what a model describes.

A crystal has bands of some width, and the question is well-defined at any temperature, if an odd one where kT is above
that width.  A k.p model is an expansion: beyond its box, where it has one, or far beyond the bands of any crystal it
says nothing.
"""

from __future__ import annotations

import numpy as np

from ..bands.extent import FARTHEST, faces
from ..bands.states import band_energies
from ..errors import InputError
from ..units import KB
from .edges import sample

_WINDOW = 4.0  # kT on either side of the chemical potential, with 96 % of all that the field accelerates
_MOST = 100.0  # times the width of all bands: the energies of the kernel, spread over kT, still meet them
_POINTS = 500  # of the zone, for the width of its bands


def require_not_too_hot(model, temperatures) -> None:
    """Refuse temperatures (K) whose thermal energy is beyond what the bands of a model can be resolved on.

    Raises
    ------
    InputError
        If kT is above what any k.p model is made for, or far above the width of the bands of a crystal.
    """
    hottest = float(np.max(temperatures))
    kt = KB * hottest
    if model.cell is None and kt > FARTHEST:
        raise InputError(
            f"T = {hottest:.4g} K: kT = {kt:.3g} eV is more than {FARTHEST:g} eV, farther than any k.p model goes: "
            "give temperatures in K"
        )
    if model.cell is None:
        return
    width = _width(model)
    if 0 < _MOST * width < kt:
        raise InputError(
            f"T = {hottest:.4g} K: kT = {kt:.3g} eV is more than {_MOST:g} times the {width:.3g} eV from the lowest "
            f"to the highest state of all bands of the model: use temperatures up to {_MOST * width / KB:.2g} K: "
            "hotter, the conductivity falls as 1/T"
        )


def _width(model) -> float:
    """From the lowest to the highest state of all bands of a crystal, eV."""
    return float(np.ptp(band_energies(model, sample(model, 0.0)[:_POINTS])))


def warm_sentences(model, mu: float, temperatures) -> list[str]:
    """What a reader should know of temperatures (K) that are too high for the bands of a model, or for its box."""
    kt = KB * np.asarray(temperatures, dtype=float)
    end, words = _end(model, mu)
    hot = kt[kt > end]
    if not len(hot):
        return []
    coldest, hottest = hot.min() / KB, float(hot.max())
    window = _WINDOW if model.cell is None else 1.0
    return [f"T >= {coldest:.4g} K: {f'{window:g} ' if window > 1 else ''}kT, up to {window * hottest:.3g} eV, {words}"]


def _end(model, mu: float) -> tuple[float, str]:
    """The kT (eV) from which on something has to be said, and what."""
    if model.cell is not None:
        width = _width(model)
        return width, (
            f"is more than the {width:.3g} eV from the lowest to the highest state of all bands of the model: "
            "these are filled almost alike, and bands that a crystal has beyond them take no part"
        )
    if not model.search_half_width:
        return FARTHEST / _WINDOW, (
            f"on either side of the chemical potential is more than {FARTHEST:g} eV, wider than the bands of the "
            "valence electrons of any crystal: a k.p model does not hold there"
        )
    half = float(model.search_half_width)
    distance = float(np.abs(band_energies(model, faces(model.dimension, half)) - mu).min())
    return distance / _WINDOW, (
        f"on either side of the chemical potential reaches states outside of |k_a| < {half:g} 1/angstrom "
        f"(search_half_width), which begin {distance:.3g} eV from it: raise search_half_width if the model holds there"
    )
