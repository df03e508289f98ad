"""The kinetic problem of one chemical potential: model, sources of scattering, and the shells they ask for."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..kinetics.kernel import energy_cutoff
from ..kinetics.momentum import MomentumTransfer
from ..kinetics.sources import PairSource, ScalarPairs, pair_sources
from ..shells.shell import Shell, fermi_shell
from ..units import KB
from .edges import Carriers, Edges, carriers, nearest_edges
from .settings import TransportSettings

_THERMAL_POINTS = 1.2
"""2D: points per kT/c along a contour (theory, section 4)."""

_THERMAL_CELLS = 0.45
"""3D: cells per kT/c, each with one point for every band in it."""

_FINEST = 1
"""3D: how often the spacing is halved for cold phonons."""

_SOLVED_LEVELS = 2
"""3D: splits of a cell for the shell on which the distribution is solved; the rest only sample the shift."""


class Problem:
    """Everything that does not depend on temperature.

    Attributes
    ----------
    warnings : list of str
        Sentences for the report; each once.
    """

    def __init__(self, model, scatterers, chemical_potential: float, settings: TransportSettings):
        self.model, self.scatterers, self.mu, self.settings = model, scatterers, chemical_potential, settings
        self.momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
        self.sources: list[PairSource] = pair_sources(scatterers, model, self.momentum)
        self.sound = max((s.sound_velocity or 0.0) for s in scatterers)
        self.elastic_only = all(b.phonon_energy is None for s in self.sources for b in s.branches)
        # two dimensions are cheap enough for all that the tables hold
        self.y_cut = energy_cutoff(min(1e-3, 0.1 * settings.tolerance) if model.dimension == 3 else 0.0)
        self.warnings: list[str] = []
        self._shells: dict = {}
        self._edges: Edges | None = None

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    # --- shells -------------------------------------------------------------------------------------------------

    def carriers(self, kt: float) -> Carriers:
        """The band edge next to the chemical potential as kT (eV) sees it, and where to make the first shell.

        Raises
        ------
        InputError
            If no band comes within reach.
        """
        if self._edges is None:
            self._edges = nearest_edges(self.model, self.mu)
        found = carriers(self._edges, self.mu, kt)
        if self.settings.energy_nodes == 1 and self._edges.inside:  # the quasi-elastic theory has the one shell
            return Carriers(self.mu, found.edge)
        return found

    def near_edge(self, kt: float) -> bool:
        """Whether the chemical potential at kT (eV) lies in a gap, or so near an edge that shells cannot be shared."""
        return abs(self.carriers(kt).energy - self.mu) > 0

    @property
    def base_spacing(self) -> float:
        """Spacing that resolves the Fermi surface, 1/angstrom."""
        s = self.settings
        return float((s.spacing or default_spacing(self.model)) / s.accuracy)

    def spacing(self, temperature: float) -> float:
        """Spacing that also resolves the thermal phonons, on a ladder so that near temperatures share a shell."""
        base, wanted = self.base_spacing, self._thermal_spacing(temperature)
        if wanted >= base:
            return base
        steps = 2 if self.model.dimension == 2 else 1
        halvings = np.ceil(steps * np.log2(base / wanted) - 1e-9) / steps
        if self.model.dimension == 3:
            halvings = min(halvings, _FINEST)
        return float(base * 2.0**-halvings)

    def coarseness(self, temperature: float) -> float:
        """Spacing of the shell over what the thermal phonons ask for: above 1 where the ladder ends too early."""
        return self.spacing(temperature) / self._thermal_spacing(temperature)

    def _thermal_spacing(self, temperature: float) -> float:
        if self.sound == 0:
            return np.inf
        points = _THERMAL_POINTS if self.model.dimension == 2 else _THERMAL_CELLS
        return KB * temperature / self.sound / (points * self.settings.accuracy)

    def levels(self, spacing: float) -> int:
        """Splits of a cell at hot spots on the shell of the distribution; a finer spacing has split once already."""
        return min(self.settings.levels, max(1, _SOLVED_LEVELS - round(np.log2(self.base_spacing / spacing))))

    def shell(self, energy: float, spacing: float, *, levels: int | None = None) -> Shell:
        """The shell at `energy`, kept for the next call."""
        s = self.settings
        if levels is None:
            levels = self.levels(spacing)
        key = (energy, spacing, levels)
        if key not in self._shells:
            shell = fermi_shell(
                self.model,
                energy,
                spacing=spacing,
                turn=None if s.turn is None else s.turn / s.accuracy,
                levels=levels,
                minimum=int(s.minimum * max(s.accuracy, 1.0)),
                degeneracy=s.degeneracy,
            )
            if shell.unconverged:
                self.warn(f"{shell.unconverged} of {len(shell)} shell points could not be moved onto the exact energy")
            if shell.unresolved:
                self.warn(f"{shell.unresolved} cells may hold a pocket of the shell at {energy:.6g} eV: raise accuracy")
            self._shells[key] = shell
        return self._shells[key]

    @property
    def refines(self) -> bool:
        """Whether the shift is sampled on a finer shell than the distribution."""
        s = self.settings
        plain = all(isinstance(x, ScalarPairs) for x in self.sources) and s.approximation == "exact"
        return self.model.dimension == 3 and plain and s.turn is not None and s.levels > _SOLVED_LEVELS

    def fine_shell(self, energy: float) -> Shell:
        """The shell with all splits of the hot spots."""
        return self.shell(energy, self.base_spacing, levels=self.settings.levels)

    def forget_shells(self) -> None:
        """Free the shells kept so far."""
        self._shells.clear()

    def coarse_shell(self, energy: float) -> Shell:
        """A cheap shell, to decide things on and to estimate cost."""
        if self.model.dimension == 2:
            return self.shell(energy, self.base_spacing)
        return self.shell(energy, max(self.base_spacing, default_spacing(self.model)), levels=0)

    # --- limits -------------------------------------------------------------------------------------------------

    def q_max(self, k) -> float:
        """Longest momentum transfer between points at k (..., d)."""
        flat = self.momentum.first_zone(k.reshape(-1, k.shape[-1]))
        return 2.05 * float(np.linalg.norm(flat, axis=1).max()) + float(np.linalg.norm(np.ptp(flat, axis=0))) * 0.01

    def z_floor(self, shell: Shell, source: PairSource) -> float:
        """The smallest z of a kernel: a patch of a shell scatters into itself over its own size."""
        size = float(np.mean(shell.area) ** (1 / (self.model.dimension - 1)))
        return source.z_min(0.25 * size if source.singular else 1e-7 * size)

    def check_memory(self, needed: float, temperature: float) -> None:
        """Refuse what does not fit.

        Raises
        ------
        InputError
        """
        if needed > self.settings.memory:
            raise InputError(
                f"memory = {self.settings.memory / 1e9:.3g} GB is too little: the pairs of {temperature:.4g} K need "
                f"{needed / 1e9:.2g} GB; raise memory, the lowest temperature or spacing"
            )


def default_spacing(model) -> float:
    if model.cell is not None:
        return float(np.linalg.norm(model.reciprocal_cell, axis=1).min()) / (12 if model.dimension == 3 else 24)
    return model.k_scale / 2
