"""Wannier90's atomic orbitals: real harmonics and the hybrids made of them, in its order."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

HARMONICS = (
    ("s",),
    ("pz", "px", "py"),
    ("dz2", "dxz", "dyz", "dx2-y2", "dxy"),
    ("fz3", "fxz2", "fyz2", "fz(x2-y2)", "fxyz", "fx(x2-3y2)", "fy(3x2-y2)"),
)
"""Real harmonics by l, in Wannier90's order."""

_A, _B, _C, _D = 1 / np.sqrt(2), 1 / np.sqrt(3), 1 / np.sqrt(6), 1 / np.sqrt(12)
_SP2 = (
    {"s": _B, "px": -_C, "py": _A},
    {"s": _B, "px": -_C, "py": -_A},
    {"s": _B, "px": 2 * _C},
)
HYBRIDS: dict[int, tuple[Mapping[str, float], ...]] = {
    -1: ({"s": _A, "px": _A}, {"s": _A, "px": -_A}),
    -2: _SP2,
    -3: tuple(
        {"s": 0.5, "px": 0.5 * x, "py": 0.5 * y, "pz": 0.5 * x * y} for x, y in ((1, 1), (1, -1), (-1, 1), (-1, -1))
    ),
    -4: (*_SP2, {"pz": _A, "dz2": _A}, {"pz": -_A, "dz2": _A}),
    -5: (
        *({"s": _C, "px": x * _A, "dz2": -_D, "dx2-y2": 0.5} for x in (-1, 1)),
        *({"s": _C, "py": y * _A, "dz2": -_D, "dx2-y2": -0.5} for y in (-1, 1)),
        *({"s": _C, "pz": z * _A, "dz2": 2 * _D} for z in (-1, 1)),
    ),
}
"""By Wannier90's l < 0: each hybrid in real harmonics."""

HYBRID_FAMILIES = {"sp": -1, "sp2": -2, "sp3": -3, "sp3d": -4, "sp3d2": -5}
"""Names of these."""


def orbital_components(name: str) -> Mapping[str, float]:
    """A real harmonic (``"dxy"``) or a hybrid (``"sp3d2-1"``) in real harmonics; empty for a name that is neither.

    >>> orbital_components("sp-2")["px"] == -orbital_components("sp-2")["s"]
    True
    """
    family, _, number = name.rpartition("-")
    members = HYBRIDS.get(HYBRID_FAMILIES.get(family, 0), ())
    if number.isdigit() and 1 <= int(number) <= len(members):
        return members[int(number) - 1]
    return {name: 1.0} if any(name in shell for shell in HARMONICS) else {}
