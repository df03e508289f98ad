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


def with_frozen(
    result: TransportResult | None, frozen: np.ndarray, dimension: int, observables: int = 0, *, skew: bool = False
) -> TransportResult:
    """The result of all temperatures from that of those with carriers; zeros where `frozen` (nT,) is true.

    `skew`: whether skew scattering is asked for.
    """
    count, active = len(frozen), np.flatnonzero(~frozen)
    report = _nothing_done() if result is None else dict(result.report)
    for key, values in report.items():
        if isinstance(values, list) and len(values) == len(active) and key != "warnings":
            everywhere = [_EACH.get(key, np.nan)] * count
            for i, value in zip(active, values, strict=True):
                everywhere[i] = value
            report[key] = everywhere
    parts = np.zeros((3, count, dimension, dimension))
    if result is not None:
        parts[:, active] = result.boltzmann, result.side_jump_velocity, result.side_jump_distribution
    boltzmann, velocity, distribution = parts
    number = 6 if skew else 4
    error = np.zeros((count, number, dimension, dimension))
    terms = [] if result is None else [_everywhere(term, active, count) for term in result.terms]
    if result is not None and result.error is not None:
        error[active] = result.error
    observed = np.zeros((2, count, number, observables, dimension))
    if result is not None and result.observed is not None:
        observed[:, active] = result.observed
    scattered = np.zeros((2, count, dimension, dimension)) if skew else None
    if scattered is not None and result is not None and result.skew is not None:
        scattered[:, active] = result.skew
    return TransportResult(boltzmann, velocity, distribution, report, error, terms, observed, scattered)


def _everywhere(term: dict, active, count: int) -> dict:
    """A term at all temperatures; it says nothing of those without carriers."""
    blank = {"value": np.nan, "error": np.nan, "level": -1, "replicas": 0}
    found = dict(term)
    for name, filler in blank.items():
        known = np.asarray(term[name])
        found[name] = np.full((count, *known.shape[1:]), filler, dtype=known.dtype)
        found[name][active] = known
    return found


def _nothing_done() -> dict:
    words = {"geometry": "none", "method": "none", "stages": {}, "warnings": []}
    return dict.fromkeys(_SIZES, 0) | {name: [] for name in _EACH} | words | {"symmetry_operations": 1}
