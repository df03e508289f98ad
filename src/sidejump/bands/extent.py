"""How far out in k the isoenergy shells of a k.p model reach.

A k.p model has no Brillouin zone: a box that encloses its shells is found by walking outwards along rays and then
letting the box grow until no band passes the energy on its faces, so that shells are whole whatever their shape and
however small the model's own scale `k_scale` is beside them.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .remembered import remembered
from .states import band_energies

FARTHEST = 30.0  # eV: wider than the bands of the valence electrons of any crystal
_DECADE = 20  # radii walked along
_FIRST, _LAST, _BEYOND = 1e-3, 1e4, 1e4  # these: in units of k_scale; where they find nothing, up to this, 1/angstrom
_LARGEST = 1e6  # half width, 1/angstrom or units of k_scale, at which shells count as open
_MARGIN = 1.25
_FACE = {2: 512, 3: 40}  # points along each edge of a face


@remembered
def enclosing_half_width(model, energy: float) -> float:
    """Half width (1/angstrom) of a box around k = 0 that encloses every shell of a k.p model at `energy` (eV).

    Never below two of the model's own scales, so that pockets too small for any ray (around a band edge or a node) lie
    inside.  A model's `search_half_width` is taken as it is.

    Raises
    ------
    InputError
        If the shells do not close.
    """
    scale = model.k_scale
    if model.search_half_width:
        half = float(model.search_half_width)
        if _passes_faces(model, energy, half):
            raise InputError(
                f"the isoenergy line or surface at {energy:.6g} eV leaves the box |k_a| < {half:g} 1/angstrom in which "
                "it is searched: raise search_half_width until it holds whole contours"
            )
        return half
    half = max(_MARGIN * outermost(model, energy), 2 * scale)
    while _passes_faces(model, energy, half):
        half *= 2
        if half > _LARGEST * max(scale, 1.0):
            raise InputError(
                f"the isoenergy line or surface at {energy:.6g} eV does not close: it reaches beyond |k| = {half:.2g} "
                "1/angstrom; a k.p model must not be overtilted and needs terms that close its contours, a lattice "
                "needs cell="
            )
    return half


def require_reachable(model, energy: float) -> None:
    """Raise InputError where `energy` (eV) is no energy that a k.p model can be meant for.

    Bands of a k.p model go on for ever, those of electrons in a crystal do not.
    """
    if model.cell is not None:
        return
    farthest = model.search_half_width or outermost(model, energy)
    if farthest > _LARGEST:
        raise InputError(
            f"the isoenergy line or surface at {energy:g} eV reaches |k| = {farthest:.2g} 1/angstrom, farther than any "
            "Brillouin zone by many powers of ten: look at the units of the parameters of the model"
        )
    if model.search_half_width:
        return
    bands = band_energies(model, np.zeros((1, model.dimension)))[0]
    distance = float(np.abs(bands - energy).min())
    if distance > FARTHEST:
        raise InputError(
            f"chemical_potential = {energy:g} eV lies {distance:.4g} eV from the bands at k = 0, farther than any k.p "
            "model goes: give it in eV, not meV (if it is meant, set search_half_width of the model, in 1/angstrom)"
        )


@remembered
def outermost(model, energy: float) -> float:
    """Largest |k| at which a band passes `energy` along the rays, from above; 0 where none does."""
    rays = _directions(model.dimension)
    first, last, beyond = _FIRST * model.k_scale, _LAST * model.k_scale, _BEYOND
    while True:
        radii = np.geomspace(first, last, 1 + int(np.ceil(_DECADE * np.log10(last / first))))
        points = (radii[:, None, None] * rays).reshape(-1, model.dimension)
        above = (band_energies(model, points) > energy).reshape(len(radii), -1)
        change = np.flatnonzero((above[1:] != above[:-1]).any(axis=1))
        if len(change):
            return float(radii[change[-1] + 1])
        if last >= beyond:
            return 0.0
        first, last = last, beyond


def states_beyond(model, energy: float, radius: float) -> float:
    """About the largest |k| (1/angstrom) of states of a k.p model at `energy` (eV) along the rays, if that is above
    `radius`; 0 where there are none outside.  A model's `search_half_width` bounds where states are."""
    half = model.search_half_width or np.inf
    far = half * model.dimension**0.5 if model.search_half_width else outermost(model, energy)
    if far <= radius:
        return 0.0
    steps = np.geomspace(radius, far, 1 + int(np.ceil(_DECADE * np.log10(far / radius))))
    k = steps[:, None, None] * _directions(model.dimension)
    above = band_energies(model, k.reshape(-1, model.dimension)).reshape(*k.shape[:2], -1) > energy
    passed = ((above[1:] != above[:-1]).any(axis=2) & (np.abs(k[1:]) <= half).all(axis=2)).any(axis=1)
    return float(steps[1:][passed].max(initial=0.0))


def _passes_faces(model, energy: float, half: float) -> bool:
    """Whether a band has states below and above `energy` on the faces of a box."""
    energies = band_energies(model, faces(model.dimension, half))
    return bool(np.any((energies.min(axis=0) < energy) & (energies.max(axis=0) > energy)))


def faces(d: int, half: float) -> np.ndarray:
    """Points on the faces of a box of that half width, (n, d), 1/angstrom."""
    t = half * np.linspace(-1, 1, _FACE[d])
    face = np.stack(np.meshgrid(*[t] * (d - 1), indexing="ij"), axis=-1).reshape(-1, d - 1)
    return np.concatenate([np.insert(face, axis, side * half, axis=1) for axis in range(d) for side in (-1, 1)])


def _directions(dimension: int) -> np.ndarray:
    """Unit vectors spread evenly: 48 in the plane, 200 in space (golden-angle spiral)."""
    if dimension == 2:
        angle = 2 * np.pi * np.arange(48) / 48
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    index = np.arange(200) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / 200), np.pi * (1 + 5**0.5) * index
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)
