"""Which points are at one temperature, and which temperatures are low."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .films import Films

MATCH = 0.01
"""Relative difference up to which two temperatures count as one."""


@dataclass(frozen=True)
class Temperatures:
    """Groups of points at one temperature.

    Attributes
    ----------
    group : ndarray, shape (N,)
        Number of the group of each point, cold ones first.
    value : ndarray, shape (G,)
        Mean temperature of each, K.
    films : ndarray, shape (G,)
        How many films it holds points of.
    """

    group: np.ndarray
    value: np.ndarray
    films: np.ndarray


def grouped(films: Films, match: float = MATCH) -> Temperatures:
    """Points whose temperatures differ by less than `match`, relative to the coldest of them.

    Raises
    ------
    InputError
        If `match` is no number from 0 to 1.
    """
    if not 0 <= match < 1:
        raise InputError(f"match = {match}: give a number from 0 to 1, the relative difference of equal temperatures")
    order = np.argsort(films.temperature, kind="stable")
    group, start, number = np.empty(len(order), dtype=int), -np.inf, -1
    for i in order:
        if films.temperature[i] > start * (1 + match) or number < 0:
            start, number = films.temperature[i], number + 1
        group[i] = number
    count = number + 1
    value = np.bincount(group, films.temperature) / np.bincount(group)
    pairs = np.unique(np.stack([group, films.film]), axis=1)
    return Temperatures(group, value, np.bincount(pairs[0], minlength=count))


def low(films: Films, temperatures: Temperatures, upto: float | None) -> tuple[np.ndarray, list[str]]:
    """Points that skew scattering is determined from: up to a temperature, or up to the coldest that most films share.

    Parameters
    ----------
    films : Films
    temperatures : Temperatures
    upto : float, optional
        K.

    Returns
    -------
    chosen : ndarray of bool, shape (N,)
    notes : list of str

    Raises
    ------
    InputError
        If no two films share a temperature there.
    """
    if upto is not None:
        if not upto > 0:
            raise InputError(f"low = {upto} K must be above 0")
        chosen = films.temperature <= upto
        if not chosen.any():
            raise InputError(
                f"{films.source}: no point is at or below {upto:g} K; the coldest is at {films.temperature.min():g} K"
            )
        notes = []
    else:
        most = temperatures.films.max()
        chosen = temperatures.group <= int(np.argmax(temperatures.films == most))
        absent = [name for i, name in enumerate(films.names) if i not in films.film[chosen]]
        notes = [
            f"skew scattering is determined up to {films.temperature[chosen].max():.4g} K, without film "
            f"{', '.join(absent)}"
        ] * bool(absent)
    shared = chosen & (temperatures.films[temperatures.group] > 1)
    if not shared.any():
        shown = "; ".join(
            f"{name}: {', '.join(f'{t:g}' for t in np.sort(films.temperature[films.film == i])[:4])} K ..."
            for i, name in list(enumerate(films.names))[:3]
        )
        where = "" if upto is None else f" up to {upto:g} K"
        raise InputError(
            f"{films.source}: no two films share a temperature{where} ({shown}); the law 'skew' compares films at one "
            "temperature: give a larger --match, or another --law"
        )
    return shared, notes
