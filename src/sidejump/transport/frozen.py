"""Temperatures at which a gap around the chemical potential leaves no carriers, and the intrinsic part is all there is.

Density, Boltzmann conductivity and side jump of thermally excited carriers fall as ``exp(-x)``, x the distance of the
nearer band edge in kT.  Beyond ``edges.REACH`` they are zero to every digit that the intrinsic part can have.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..surfaces.edges import REACH, Edges
from ..units import KB
from .settings import TransportResult

_DENSITIES = dict.fromkeys(("carrier_density", "electron_density", "hole_density"), 0.0)
_EACH = {"geometry_used": "none", "energy_nodes": 0, "iterations": 0, "node_change": np.nan} | _DENSITIES
"""What is reported of a temperature without carriers; NaN for what is not named here."""

_OF_TERM = {"value": np.nan, "error": np.nan, "level": -1, "replicas": 0}
"""What a term says of a temperature without carriers: nothing."""

_SIZES = ("states", "pairs", "memory_bytes", "onsager_error", "conservation_error", "residual", "symmetry_error")
_COST = ("states", "pairs", "memory_bytes", "least_bytes", "last_memory_bytes", "flops", "seconds")

NO_COST: dict[str, Any] = dict.fromkeys(_COST, 0.0) | {"states": 0, "levels": 0, "level_memory_bytes": [0.0]}
"""Estimate of a run without carriers."""


def without_carriers(edges: Edges, mu: float, temperatures) -> np.ndarray:
    """Which of the temperatures (nT,), K, find no carriers in either band beside a gap at `mu` (eV)."""
    temperatures = np.asarray(temperatures, dtype=float)
    if edges.inside or not np.isfinite([edges.lower, edges.upper]).all():
        return np.zeros(len(temperatures), dtype=bool)
    return edges.distance(mu) >= REACH * KB * temperatures


def sentence(edges: Edges, mu: float, temperatures) -> str:
    """What a reader should know of these temperatures (K)."""
    warmest = float(np.max(temperatures))
    return (
        f"T <= {warmest:.4g} K: the chemical potential {mu:g} eV lies in a gap from {edges.lower:.5g} to "
        f"{edges.upper:.5g} eV and there are no carriers: Boltzmann conductivity and side jump are zero, to within "
        f"exp(-{edges.distance(mu) / (KB * warmest):.3g}) of those of a band; the intrinsic part is all there is"
    )


def with_frozen(result: TransportResult, frozen: np.ndarray) -> TransportResult:
    """The result of all temperatures from that of those with carriers; zeros where `frozen` (nT,) is true."""
    active = np.flatnonzero(~frozen)

    def everywhere(values, axis: int = 0, blank: float = 0.0) -> np.ndarray:
        values = np.moveaxis(np.asarray(values), axis, 0)
        found = np.full((len(frozen), *values.shape[1:]), blank, dtype=values.dtype)
        found[active] = values
        return np.moveaxis(found, 0, axis)

    report = dict(result.report)
    for key, values in report.items():
        if isinstance(values, list) and len(values) == len(active) and key != "warnings":
            report[key] = [_EACH.get(key, np.nan)] * len(frozen)
            for i, value in zip(active, values, strict=True):
                report[key][i] = value
    terms = [
        term | {name: everywhere(term[name], blank=blank) for name, blank in _OF_TERM.items()} for term in result.terms
    ]
    return TransportResult(
        everywhere(result.boltzmann),
        everywhere(result.side_jump_velocity),
        everywhere(result.side_jump_distribution),
        report,
        everywhere(result.error),
        terms,
        everywhere(result.observed, axis=1),
        None if result.skew is None else everywhere(result.skew, axis=1),
    )


def of_no_temperature(dimension: int, observables: int, *, skew: bool) -> TransportResult:
    """The result where no temperature has carriers: so many rows beyond the current, and `skew` scattering or not."""
    none, parts = np.zeros((0, dimension, dimension)), 6 if skew else 4
    return TransportResult(
        none,
        none,
        none,
        _nothing_done(),
        np.zeros((0, parts, dimension, dimension)),
        observed=np.zeros((2, 0, parts, observables, dimension)),
        skew=np.zeros((2, 0, dimension, dimension)) if skew else None,
    )


def _nothing_done() -> dict:
    words = {"geometry": "none", "method": "none", "stages": {}, "warnings": []}
    return dict.fromkeys(_SIZES, 0) | {name: [] for name in _EACH} | words | {"symmetry_operations": 1}
