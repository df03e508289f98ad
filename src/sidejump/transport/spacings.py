"""How far apart the points of shells are: what the bands, the range of couplings and thermal phonons ask for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from ..bands.extent import enclosing_half_width, outermost
from ..interactions.base import thermal_wave_vector
from ..units import KB
from .settings import TransportSettings

_THERMAL_POINTS = 1.2
"""2D: points per kT/c along a contour (theory, section 4)."""

_THERMAL_CELLS, _THERMAL_CELLS_REDUCED = 0.45, 0.8
"""3D: cells per kT/c; with symmetry more can be afforded, and the side jump of cold phonons spreads five times less."""

TOO_COARSE = 1.25
"""3D: spacing over that of the thermal phonons, up to which a shell serves."""

_POINTS = 1.5
"""Points within the range of q in which a coupling falls."""

_BUDGET = {2: 6000, 3: 20000}
"""Points of a shell that such a coupling may ask for, at accuracy 1."""

_CLOSER = 2.0
"""3D: where symmetry leaves few points, times closer they are than bands alone ask for: the shift of states that turn
slowly makes as much noise as that of the hot spots."""

_FINEST, _FINEST_REDUCED = 1, 2
"""3D: how often the spacing is halved for cold phonons; with symmetry more can be afforded."""

_SHELL_PARTS = {2: 4, 3: 2}
"""k.p models: a box around a shell holds so many times the points of a zone along an axis."""

_POCKET_PARTS = 7
"""3D k.p models: points within the radius of a shell, which has then some 600, and 150 on the coarsest level."""


def default_spacing(model, energy: float) -> float:
    """Point spacing that resolves the shell of a model at `energy` (eV), 1/angstrom.

    Parts of the zone of a crystal; half of a k.p model's own scale, or the same parts of its shell where that is much
    larger: what turns within a small part of a large shell is refined there, not everywhere.  In three dimensions, a
    part of how far the shell reaches where that is less: small pockets have their points as well.
    """
    parts = 12 if model.dimension == 3 else 24
    if model.cell is not None:
        return float(np.linalg.norm(model.zone_axes, axis=1).min()) / parts
    half = enclosing_half_width(model, energy)
    spacing = max(model.k_scale / 2, 2 * half / (_SHELL_PARTS[model.dimension] * parts))
    reach = outermost(model, energy) if model.dimension == 3 else 0.0
    return min(spacing, reach / _POCKET_PARTS) if reach > 0 else spacing


class Spacings:
    """Spacings (1/angstrom) of the points of one level of a problem.

    Parameters
    ----------
    default : float
        Of the bands alone, at accuracy 1.
    reduced : bool
        Whether symmetry leaves few points.
    whole : bool
        Whether there are those of whole shells, with all of their images.
    area : callable
        Area of a surface with carriers, ``1/angstrom^(d-1)``, which the budget of points is held against.
    warn : callable
        Takes a sentence.

    Attributes
    ----------
    closer : float
        Times closer points are for the sake of symmetry, that leaves few of them.
    """

    def __init__(
        self,
        dimension: int,
        scatterers: list,
        settings: TransportSettings,
        default: float,
        *,
        reduced: bool,
        whole: bool,
        area: Callable[[], float],
        warn: Callable[[str], None],
    ):
        self._d, self._scatterers, self._accuracy, self._default = dimension, scatterers, settings.accuracy, default
        fewer = dimension == 3 and reduced and not whole and not settings.spacing
        self.closer = _CLOSER if fewer else 1.0
        self._plain = float((settings.spacing or default / self.closer) / settings.accuracy)
        self._reduced, self._area, self._warn = reduced, area, warn

    @cached_property
    def base(self) -> float:
        """What resolves the Fermi surface and the couplings."""
        return min(self._plain, self._coupling)

    @cached_property
    def _coupling(self) -> float:
        """What resolves how the couplings fall with q, as far as the budget of points allows."""
        resolution = min(s.resolution for s in self._scatterers)
        wanted = resolution / (_POINTS * self._accuracy)
        if wanted >= min(self._plain, self._default):
            return wanted
        # a surface of area A passes through about 1.5 A / h^2 cubes
        size = self._area() if self._d == 2 else np.sqrt(1.5 * self._area())
        finest = float(size / (_BUDGET[self._d] ** (1 / (self._d - 1)) * self._accuracy))
        if wanted < 0.99 * finest:
            self._warn(
                f"a coupling falls within q = {resolution:.3g} 1/angstrom, which asks for points {wanted:.2g} apart; "
                f"the points are {finest:.2g} apart and the result is not resolved: raise accuracy to "
                f"{self._accuracy * finest / wanted:.1f} times its value or more"
            )
        return max(wanted, finest)

    @property
    def coarsest(self) -> float:
        """Of a cheap shell, to decide things on: that of the bands, or of a coupling that asks for finer points."""
        return max(self.base, min(self._default, self._coupling))

    def at(self, temperature: float) -> float:
        """What also resolves the thermal phonons, on a ladder so that near temperatures (K) share a shell."""
        wanted = self._thermal(temperature) * (TOO_COARSE if self._reduced else 1.0)
        if wanted >= self.base:
            return self.base
        # halves in 3D: what refinement at hot spots adds differs little, and fewer shells are searched and solved
        steps = 1 if self._d == 3 else 2
        halvings = np.ceil(steps * np.log2(self.base / wanted) - 1e-9) / steps
        if self._d == 3:
            finest = _FINEST_REDUCED + np.log2(_CLOSER / self.closer) if self._reduced else _FINEST
            halvings = min(halvings, finest)
        return float(self.base * 2.0**-halvings)

    def coarseness(self, temperature: float) -> float:
        """Spacing of the shell over what the thermal phonons ask for: above 1 where the ladder ends too early."""
        return self.at(temperature) / self._thermal(temperature)

    def resolves(self, spacing: float, temperature: float) -> bool:
        """Whether points that far apart see the thermal phonons at a temperature (K)."""
        return bool(spacing <= TOO_COARSE * self._thermal(temperature))

    def of_scattering(self, temperature: float) -> float:
        """What thermal phonons and the range of the couplings ask for, whatever the bands do."""
        return min(self._coupling, self._thermal(temperature))

    def _thermal(self, temperature: float) -> float:
        cells = _THERMAL_CELLS_REDUCED if self._reduced else _THERMAL_CELLS
        points = _THERMAL_POINTS if self._d == 2 else cells
        thermal = min(thermal_wave_vector(s, KB * temperature) for s in self._scatterers)
        return float(thermal / (points * self._accuracy))

    def halvings(self, spacing: float) -> int:
        """Splits of a cell that a spacing finer than the base one stands for."""
        return int(np.log2(self.base / spacing) + 0.25)

    def diverges(self, spacing: float) -> bool:
        """Whether a coupling diverges at q = 0, and does so within points that far apart."""
        return any(s.singular and getattr(s, "level", 0.0) < _POINTS * spacing for s in self._scatterers)
