"""Values that cannot be right are not shown: NaN in their place, a flag, and the number kept under another name.

What counts is the error that a value itself is known to have: the symmetry of bands and scatterers that it breaks, the
equation that it does not solve, the sign that it must have.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from .heat import ACROSS, CONDUCTION
from .judge import kelvin
from .observed import RESPONSES

ANISOTROPY = 0.1
"""Of the longitudinal conductivity: how far it may be from its images under the operations that it must obey."""

HALF = 0.5
"""Relative error from which on a value says nothing."""

_ROUNDING = 1e-9  # of the largest element of a tensor

_KINETIC = ("sigma_boltzmann", "sigma_side_jump_velocity", "sigma_side_jump_distribution", "sigma_side_jump")
_SIDE_JUMP = (*_KINETIC[1:], "sigma_skew", "sigma_gaussian_skew")
_DERIVED = {
    "boltzmann": ("resistivity", "hall_resistivity", "mobility", *RESPONSES[:1], *CONDUCTION),
    "side_jump": (
        "sigma_intrinsic_plus_side_jump",
        "sigma_anomalous",
        "resistivity",
        "hall_resistivity",
        *RESPONSES[1:4],
        *RESPONSES[5:],
        *ACROSS,
    ),
}


def withhold(dataset: xr.Dataset) -> list[str]:
    """Replace values that cannot be trusted by NaN, in place; sentences that say which and why.

    ``withheld_boltzmann`` and ``withheld_side_jump`` (temperature) flag them, and ``raw_...`` keeps what was there.
    """
    sentences = []
    flags = {part: np.zeros(dataset.sizes["temperature"], dtype=bool) for part in _DERIVED}
    for found, parts, words in _faults(dataset):
        if found.any():
            for part in parts:
                flags[part] |= found
            what = "the results of the kinetic equation are" if len(parts) > 1 else f"the {_WORDS[parts[0]]} is"
            sentences.append(f"{kelvin(dataset.temperature.values[found])}: {words}: {what} withheld (NaN)")
    for part, names in (("boltzmann", _KINETIC[:1]), ("side_jump", _SIDE_JUMP)):
        flag = flags[part]
        text = {"long_name": f"1 where the {_WORDS[part]} cannot be trusted and is NaN; raw_... holds what was found"}
        dataset[f"withheld_{part}"] = ("temperature", flag.astype(np.int8), text)
        if flag.any():
            for name in (n for n in names if n in dataset):
                kept = dataset[name].copy(deep=True)
                kept.attrs["long_name"] = f"{kept.attrs.get('long_name', name)}; not to be trusted where withheld"
                dataset[f"raw_{name}"] = kept
        for name in (*names, *_DERIVED[part]):
            if name in dataset:
                dataset[name].values[flag] = np.nan
    return sentences


_WORDS = {"boltzmann": "longitudinal conductivity", "side_jump": "side jump"}


def _faults(dataset):
    """Temperatures (nT,) at which something is wrong, the parts it concerns, and what it is."""
    both = ("boltzmann", "side_jump")
    sigma = dataset.sigma_boltzmann.values
    finite = np.isfinite(sigma).all(axis=(1, 2))
    lowest = np.linalg.eigvalsh(np.where(finite[:, None, None], 0.5 * (sigma + sigma.swapaxes(1, 2)), 1.0))[:, 0]
    # bands may be flat in a direction, and carriers may be missing: nothing is no fault
    least = -_ROUNDING * np.abs(np.where(finite[:, None, None], sigma, 0.0)).max(axis=(1, 2))
    yield finite & (lowest < least), both, "the longitudinal conductivity is negative in some direction"

    def share(name):
        values = np.asarray(dataset[name].values, dtype=float) if name in dataset else np.full(len(sigma), np.nan)
        return np.nan_to_num(values, posinf=np.inf)

    broken = share("broken_symmetry_boltzmann")
    yield (
        broken > ANISOTROPY,
        both,
        f"the longitudinal conductivity breaks the symmetry of bands and scatterers by {100 * broken.max():.2g} %",
    )
    broken = share("broken_symmetry_side_jump")
    yield (
        broken > HALF,
        ("side_jump",),
        f"the side jump breaks the symmetry of bands and scatterers by {100 * broken.max():.2g} % of it",
    )
    for name, words in (
        ("growing_share", "modes of the collision operator that grow instead of decaying carry {:.2g} of the result"),
        ("equation_residual", "the kinetic equation is not solved (residual {:.1e})"),
    ):
        values = share(name)
        yield values > HALF, both, words.format(values.max())
    values = share("onsager_violation")
    yield values > HALF, ("side_jump",), f"Onsager's relation is violated by {values.max():.2g}"
