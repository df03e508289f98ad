"""What is wrong or unconverged in a result, as sentences for its reader."""

from __future__ import annotations

import json

import numpy as np

_FORBIDDEN = 0.1
_HALL = 1e-4  # of sigma_xx, where symmetry allows no Hall effect
_BROKEN = {"boltzmann": 0.01, "side_jump": 0.1}
_CONSERVATION = 1e-5
_ALLOWED = {"side_jump": "symmetry_allowed_hall_side_jump", "intrinsic": "symmetry_allowed_hall"}
_WORDS = {"side_jump": "the side jump", "intrinsic": "the intrinsic part"}


def judge(dataset) -> list[str]:
    """Sentences about values that cannot be, or that should not be trusted."""
    return [
        *_unphysical(dataset),
        *_forbidden(dataset),
        *_broken(dataset),
        *_not_conserved(dataset),
        *_approximate(dataset),
    ]


def _unphysical(dataset) -> list[str]:
    found = []
    for name, words in {"boltzmann": "the conductivity", **_WORDS}.items():
        bad = dataset.temperature.values[~np.isfinite(dataset[f"sigma_{name}"].values).all(axis=(1, 2))]
        if len(bad):
            found.append(f"{words} is not finite at {kelvin(bad)}")
    return found


def _forbidden(dataset) -> list[str]:
    symmetry = json.loads(dataset.attrs["symmetry"])
    found = []
    for part, words in _WORDS.items():
        nothing_allowed = not np.any(json.loads(dataset.attrs[_ALLOWED[part]]))
        limit = _HALL if nothing_allowed else _FORBIDDEN
        values = dataset[f"forbidden_{part}"]
        bad = dataset.temperature.values[values.values > limit]
        if not len(bad):
            continue
        worst = float(values.max())
        if nothing_allowed:
            found.append(
                f"symmetry forbids any Hall effect, but {words} reaches {worst:.1e} of the longitudinal conductivity"
            )
            continue
        found.append(
            f"Hall components that symmetry forbids reach {100 * worst:.2g} % of the allowed one in {words} "
            f"({kelvin(bad)}); lower tolerance, or mind that the model breaks its own point group "
            f"{symmetry['lattice_point_group']} by {symmetry['point_group_violation_rms_eV']:.2g} eV"
        )
    return found


def _broken(dataset) -> list[str]:
    """What is not yet withheld (:mod:`.withhold`), but more than the digits of a table."""
    found = []
    for part, words in (("boltzmann", "the longitudinal conductivity"), ("side_jump", "the side jump")):
        values = dataset.get(f"broken_symmetry_{part}")
        bad = None if values is None else values.values > _BROKEN[part]
        if bad is not None and bad.any():
            found.append(
                f"{words} breaks the symmetry of bands and scatterers by up to {100 * values.values[bad].max():.2g} % "
                f"({kelvin(dataset.temperature.values[bad])}), and is no better than that: lower tolerance"
            )
    return found


def _not_conserved(dataset) -> list[str]:
    error = float(dataset.attrs.get("conservation_error", 0.0))
    if error > _CONSERVATION:
        return [f"particle number is conserved only to {error:.1e} by the collision operator"]
    return []


def _approximate(dataset) -> list[str]:
    approximation = json.loads(dataset.attrs["settings"]).get("approximation", "exact")
    if approximation == "exact":
        return []
    return [f'approximation = "{approximation}" replaces the solution by relaxation times: for comparison only']


def kelvin(temperatures) -> str:
    """Temperatures (K) in words, the first few of many."""
    shown = ", ".join(f"{t:.4g}" for t in temperatures[:4])
    more = f" and {len(temperatures) - 4} more" if len(temperatures) > 4 else ""
    return f"T = {shown} K{more}"
