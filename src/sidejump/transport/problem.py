"""The kinetic problem of one chemical potential: model, sources of scattering, and the shells they ask for."""

from __future__ import annotations

from collections import deque
from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..energy.basis import BOTH, Y_MAX
from ..energy.kernel import Kernel, energy_cutoff, reach
from ..errors import InputError, NoStates, TooLarge
from ..groups.members import MemberTurns, definite, represented
from ..groups.multiplets import Multiplets
from ..groups.operations import Operations
from ..interactions.point_impurity import PointKind, PointPairs, require_cutoffs
from ..interactions.sources import PairSource, pair_sources
from ..kinetics.fold import Fold
from ..pairs.sample import Sample, sampled
from ..surfaces.critical import CriticalPoints, critical_points
from ..surfaces.edges import REACH, Carriers, Edges, carriers, nearest_edges, other_sides
from ..surfaces.fermi import fermi_shell
from ..surfaces.flow import ShellFlow
from ..surfaces.placement import FIRST, Placement, placement
from ..surfaces.shell import Shell
from ..units import KB
from .reduction import Reduction, reduction
from .settings import TransportSettings
from .spacings import Spacings, default_spacing

_SINGULAR = 4
"""2D: times the fewest points on a contour, where the coupling diverges at q = 0."""

_SOLVED_LEVELS = 2
"""3D: splits of a cell for the shell on which the distribution is solved; the rest only sample the shift."""

_FOLLOWING = 1.5
"""3D: further splits for the distribution at accuracy 1, rounded up; one more where points are twice as close."""

_FEW = 1e-2
"""Tolerances of thermal weight: fewer carriers across a gap are left out."""

_CARRIED = 6
"""Shells that points are kept for that are carried along from them: those of near temperatures, on either side of a
gap."""


_ROOM = 300.0 * KB
"""eV: where the chemical potential lies in a gap, shells that no temperature is given for are those of this one."""


def _flows() -> deque[ShellFlow]:
    return deque(maxlen=_CARRIED)


def audible(scatterers) -> list:
    """Those that scatter, all if none does: the others have no say in where points lie, nor in what is elastic."""
    return [s for s in scatterers if not getattr(s, "silent", False)] or list(scatterers)


class Problem:
    """Everything that does not depend on temperature.

    Attributes
    ----------
    scatterers : list
        Those that scatter.
    observables : tuple of Observable
        Those whose response is asked for beside the charge current.
    flows : deque of ShellFlow
        The shells that were carried last.
    warnings : list of str
        Sentences for the report; each once.
    """

    def __init__(self, model, scatterers, chemical_potential: float, settings: TransportSettings, observables=()):
        self.model, self.mu, self.settings = model, chemical_potential, settings
        self.scatterers = audible(scatterers)
        self.observables = tuple(observables)
        self.momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
        self.sources: list[PairSource] = pair_sources(self.scatterers, model, self.momentum)
        require_cutoffs(self.scatterers, model, chemical_potential, together=settings.skew_scattering != "off")
        if self.observables and not all(s.observes for s in self.sources):
            raise InputError(
                "observables: limits of the side jump give the response of the charge current alone; use the "
                "scatterers themselves, or leave observables out"
            )
        self.elastic_only = all(b.phonon_energy is None for s in self.sources for b in s.branches)
        # where absorption and emission are alike, distributions are even in the energy on a surface that all share
        self.even = all(s.process == BOTH for s in self.sources)
        # two dimensions are cheap enough for all that the tables hold
        self.y_cut = energy_cutoff(min(1e-3, 0.1 * settings.tolerance) if model.dimension == 3 else 0.0)
        self.coarsest = False
        self.share = float("inf")  # bytes of the memory, where others have the rest
        self.warnings: list[str] = []
        self.flows: deque[ShellFlow] = _flows()
        self._shells: dict = {}
        self._ahead: dict[tuple[float, int | None], tuple[dict, deque, list[str]]] = {}
        self._critical: list[tuple[float, CriticalPoints]] = []  # the last, for replicas as well
        self._set_fewest()

    def _set_fewest(self, least: float = 1.0) -> None:
        self._fewest = self.settings.minimum * max(self.settings.accuracy, least)

    def _least_points(self, spacing: float) -> int:
        """Of a contour whose points are `spacing` apart: more where a coupling diverges within that."""
        more = self.model.dimension == 2 and self.spacings.diverges(spacing)
        return int(self._fewest * (_SINGULAR if more else 1))

    def laid(self, accuracy: float, replica: int | None, *, coarsest: bool = False, ahead: bool = False) -> Problem:
        """The same problem with the points of another level and replica; what does not depend on them is shared.

        Parameters
        ----------
        accuracy : float
            Times that of the settings.
        replica : int
        coarsest : bool
            Whether it is the first level, on which it is found what a given number of energy nodes leaves.
        ahead : bool
            Whether its shells, and what there is to say of them, are those of the replica as well, when its turn comes.
        """
        other = copy(self)
        other.coarsest = coarsest
        other.settings = replace(self.settings, accuracy=accuracy * self.settings.accuracy, replica=replica)
        for laid in ("spacings", "whole_spacings"):
            other.__dict__.pop(laid, None)
        for found_once in ("_reduction", "multiplets", "orbital_turns", "edges"):
            other.__dict__[found_once] = getattr(self, found_once)
        points = other.settings.accuracy, replica
        known = self._ahead.setdefault if ahead else self._ahead.get
        other._shells, other.flows, other.warnings = known(points, ({}, _flows(), []))
        other._set_fewest(least=0.5)
        return other

    def differs_in_strength(self, other: Problem, temperatures) -> bool:
        """Whether another problem differs in nothing but how strongly scatterers couple: its points at temperatures (K)
        and its pairs of states are those of this one."""
        if self.model is not other.model or (self.mu, self.settings) != (other.mu, other.settings):
            return False
        if self.observables != other.observables or self.elastic_only != other.elastic_only:
            return False
        return self.same_pairs(other) and all(self.spacings.at(t) == other.spacings.at(t) for t in temperatures)

    def same_pairs(self, other: Problem) -> bool:
        """Whether the scatterers of another problem need the same of each pair of states, whatever their couplings."""
        mine, others = self.sources, other.sources
        return len(mine) == len(others) and all(a.pairs_as(b) for a, b in zip(mine, others, strict=True))

    def warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    # --- symmetry -----------------------------------------------------------------------------------------------

    @property
    def operations(self) -> Operations | None:
        """Symmetry by which a three-dimensional crystal is reduced to irreducible points; None where there is none."""
        return self._reduction.operations

    @property
    def members(self) -> MemberTurns | None:
        """What these operations do with the members of degenerate groups, where observables tell members apart."""
        return self._reduction.members

    @property
    def symmetry_error(self) -> float:
        """Largest relative difference of rates and shifts between states and their images under `operations`."""
        return self._reduction.error

    @cached_property
    def _reduction(self) -> Reduction:
        spacing = self.default_spacing
        found, shell = reduction(
            self, lambda operations: self._search(self.mu, spacing, levels=0, operations=operations)
        )
        if shell is not None:
            self._shells[self.mu, spacing, 0, False, False] = shell
        return found

    @cached_property
    def orbital_turns(self) -> MemberTurns | None:
        """What these operations do with the orbitals; None where that is not a matrix for each."""
        if self.operations is None or self.members is not None:
            return self.members
        found = represented(self.model, definite(self.operations))
        return found if found is not None and len(found.matrices) == len(self.operations) else None

    @property
    def of_matrices(self) -> bool:
        """Whether distributions may be matrices within degenerate groups."""
        return all(source.matrices for source in self.sources)

    @cached_property
    def multiplets(self) -> Multiplets:
        """The rows that are computed for the observables."""
        return Multiplets.of(self.observables, self.operations)

    def fold(self, operations: Operations | None) -> Fold:
        """How points stand for their images under the operations of a shell."""
        observed = self.refines and bool(len(self.multiplets))  # see hot_spots
        return Fold(operations, self.multiplets, both=observed or bool(self.odd_kinds))

    def fold_of_members(self, operations: Operations | None) -> Fold:
        """The same where distributions are matrices within groups: with one sign for each operation."""
        return Fold(None if operations is None else definite(operations), self.multiplets)

    @cached_property
    def odd_kinds(self) -> list[PointKind]:
        """Impurities with odd rates, if skew scattering is asked for and there are some: those with a T-matrix."""
        return [] if self.settings.skew_scattering == "off" else self.point_kinds

    @cached_property
    def point_kinds(self) -> list[PointKind]:
        """Impurities with a T-matrix."""
        kinds = [s.kind for s in self.sources if isinstance(s, PointPairs) and not s.absorptive]
        return [k for k in kinds if not all(b.silent for b in k.branches)]

    # --- shells -------------------------------------------------------------------------------------------------

    @cached_property
    def edges(self) -> Edges:
        """Band edges around the chemical potential."""
        return nearest_edges(self.model, self.mu)

    def carriers(self, kt: float) -> Carriers:
        """The band edge next to the chemical potential as kT (eV) sees it, and where to make the first shell.

        Raises
        ------
        InputError
            If no band comes within reach.
        """
        found = carriers(self.edges, self.mu, kt)
        if self.settings.energy_nodes == 1 and self.edges.inside:  # the quasi-elastic theory has the one shell
            return Carriers(self.mu, found.edge)
        return found

    def across(self, kt: float, least: float = _FEW) -> list[Carriers]:
        """The same on the other side of a gap, where at kT (eV) it has more than `least` tolerances of thermal weight;
        in ascending order of the energy."""
        if self.settings.energy_nodes == 1 and self.edges.inside:
            return []
        return other_sides(self.edges, self.mu, kt, least * self.settings.tolerance)

    def near_edge(self, kt: float) -> bool:
        """Whether the chemical potential at kT (eV) lies in a gap, or so near the edge of all its bands, or to others
        across a gap, that shells cannot be shared. A pocket that ends there beside large Fermi surfaces does not count.
        """
        if self.settings.energy_nodes == 1 and self.edges.inside:
            return False
        if self.across(kt, 1.0):
            return True
        return carriers(self.edges.outermost, self.mu, kt).energy != self.mu

    def critical(self, kt: float) -> CriticalPoints:
        """Critical points within reach of kT (eV) around the chemical potential."""
        reach = kt * np.log(10 / self.settings.tolerance)
        if not self._critical or self._critical[0][0] < reach:
            self._critical[:] = [(reach, self.critical_within(reach))]
        return self._critical[0][1]

    def critical_within(self, reach: float) -> CriticalPoints:
        """Critical points up to `reach` (eV) from the chemical potential; not kept."""
        return critical_points(self.model, self.mu - reach, self.mu + reach)

    def window_density(self, kt: float) -> float:
        """Density of states at a distance kT (eV) from the chemical potential, which may itself be critical.

        1/(eV angstrom^d); 0 where there are no states.
        """
        found = []
        for energy in (self.mu - kt, self.mu + kt):
            try:
                found.append(float(self.coarse_shell(energy).weight.sum()))
            except NoStates:
                found.append(0.0)
        return 0.5 * sum(found)

    @cached_property
    def default_spacing(self) -> float:
        """Spacing that resolves the bands alone, at accuracy 1, 1/angstrom."""
        return default_spacing(self.model, self.mu)

    @cached_property
    def spacings(self) -> Spacings:
        """How far apart points are."""
        return self._spacings(whole=False)

    @cached_property
    def whole_spacings(self) -> Spacings:
        """The same of whole shells."""
        return self._spacings(whole=True)

    def _spacings(self, *, whole: bool) -> Spacings:
        return Spacings(
            self.model.dimension,
            self.scatterers,
            self.settings,
            self.default_spacing,
            reduced=self.operations is not None,
            whole=whole,
            area=self._usual_area,
            warn=self.warn,
        )

    def _usual_area(self) -> float:
        """Area of a shell with carriers: at the chemical potential, or near the edge of the nearest band."""
        if self.edges.inside:
            energy = self.mu
        else:
            distance = self.edges.distance(self.mu)
            energy = self.carriers(max(_ROOM, 1.01 * distance / REACH) if np.isfinite(distance) else _ROOM).energy
        return float(self.shell(energy, self.default_spacing, levels=0).area.sum())

    def levels(self, spacing: float, *, whole: bool = False) -> int:
        """Splits of a cell at hot spots on the shell of the distribution; what points are closer by counts as one."""
        spacings = self.whole_spacings if whole else self.spacings
        fewer = spacings.halvings(spacing) + (spacings.closer > 1)
        return min(self.settings.levels, max(1, _SOLVED_LEVELS - fewer))

    @property
    def expensive(self) -> bool:
        """Whether pairs take so long that shells have to be small."""
        return any(source.expensive for source in self.sources)

    @property
    def placed(self) -> Placement:
        """Where exactly the points of shells lie."""
        replica = self.settings.replica
        return FIRST if replica is None else placement(replica)

    @property
    def several(self) -> bool:
        """Whether patches have three points: where symmetry makes that cheap.

        Of the distribution as well as of the shift: the sum over final states needs it as much as that over initial
        ones, with one point for each cell most of the variance of a cold side jump is that of the final states.
        """
        return self.operations is not None

    def solved_shell(self, energy: float, spacing: float) -> Shell:
        """The shell on which the distribution is solved.

        Beside a finer shell it has further splits on further levels, up to those of that one: what the distribution is
        off by is of the second order there, and without them would soon be all that levels do not take away.
        """
        levels = self.levels(spacing)
        if self.refines:
            levels = min(self._fine_levels(spacing), levels + self._further_splits(2**-0.5))
        return self.shell(energy, spacing, levels=levels, several=self.several)

    def _further_splits(self, later: float = 1.0) -> int:
        """Splits for the distribution that the accuracy adds; `later` times of it counts."""
        return max(0, int(np.ceil(_FOLLOWING + np.log2(later * self.settings.accuracy))))

    def shell(
        self, energy: float, spacing: float, *, levels: int | None = None, whole: bool = False, several: bool = False
    ) -> Shell:
        """The shell at `energy`, kept for the next call; irreducible points, unless the `whole` shell is asked for."""
        if levels is None:
            levels = self.levels(spacing, whole=whole)
        operations = None if whole else self.operations
        key = (energy, spacing, levels, operations is None, several)
        if key not in self._shells:
            self._shells[key] = self._search(energy, spacing, levels=levels, operations=operations, several=several)
        return self._shells[key]

    def _search(self, energy, spacing, *, levels, operations, several=False) -> Shell:
        s = self.settings
        shell = fermi_shell(
            self.model,
            energy,
            spacing=spacing,
            turn=None if s.turn is None else s.turn / s.accuracy,
            levels=levels,
            minimum=self._least_points(spacing),
            degeneracy=s.degeneracy,
            operations=operations,
            several=several and self.model.dimension == 3,
            placed=self.placed,
        )
        if shell.unconverged:
            self.warn(f"{shell.unconverged} of {len(shell)} shell points could not be moved onto the exact energy")
        if shell.unresolved:
            self.warn(f"{shell.unresolved} cells may hold a pocket of the shell at {energy:.6g} eV: lower spacing")
        return shell

    @property
    def responses(self) -> int:
        """Directions of the current and rows of the observables."""
        return self.model.dimension + len(self.multiplets)

    def shift_directions(self, operations: Operations | None) -> np.ndarray | None:
        """Directions (D, d) along which shifts of pairs are wanted: see :attr:`.Fold.shift_directions`.

        None as well where a source gives shifts of its own, whatever the states are derived along.
        """
        everything = self.settings.heat or self.settings.skew_scattering != "off"
        if everything or not all(source.observes for source in self.sources):
            return None
        return self.fold(operations).shift_directions

    def shifts(self, operations: Operations | None) -> int:
        """How many numbers the shift of a pair has."""
        directions = self.shift_directions(operations)
        return self.responses if directions is None else len(directions)

    def sampled(self, shell: Shell, *places, **choices) -> Sample:
        """Points of a shell as :func:`sidejump.pairs.sample.sampled` takes them."""
        members = None if self.members is None or shell.operations is None else self.members.of(shell.operations)
        if self.orbital_turns is not None and members is None and shell.operations is not None:
            choices["turns"] = self.orbital_turns.of(shell.operations)
        if choices.get("heat") is None:  # shifts of the heat current are whole
            choices["directions"] = self.shift_directions(shell.operations)
        choices |= {"degeneracy": self.settings.degeneracy, "observables": self.multiplets, "members": members}
        return sampled(self.model, self.momentum, shell, *places, **choices)

    def inelastic_shell(self, spacing: float) -> Shell:
        """The Fermi surface on which it is found what further energy nodes change: with symmetry one point for each
        cell of the solved shell, without with little or no refinement."""
        if self.operations is not None:
            return self.shell(self.mu, spacing)
        if spacing < self.spacings.base:
            return self.shell(self.mu, spacing, levels=0)
        return self.coarse_shell(self.mu)

    def shell_of_many_nodes(self, spacing: float) -> Shell:
        """The Fermi surface for many energy nodes at once: in three dimensions memory asks for fewer points."""
        return self.solved_shell(self.mu, spacing) if self.model.dimension == 2 else self.inelastic_shell(spacing)

    def window_shell(self, energy: float) -> Shell:
        """One of many shells of the thermal window, which ask for fewer points than one alone."""
        return self.shell(energy, self.spacings.base, levels=min(self.settings.levels, 1), several=self.several)

    def shells_of_change(self, energy: float) -> tuple[Shell, Shell]:
        """One of the few shells that tell what the thermal window changes, and the finer one of its shift.

        The noise of the change is that of what is summed over the finer one, so that where symmetry leaves few points
        it has all splits; for the distribution one point for each cell does, with splits that follow: what they leave
        is of the second order, and without them it would soon be all that finer levels do not take away.
        """
        splits = min(self.settings.levels, 1 + self._further_splits())
        solved = self.shell(energy, self.spacings.base, levels=splits)
        if not self.refines:
            return solved, solved
        return solved, self.fine_shell(energy, self.spacings.base, fewer=int(self.operations is None))

    @property
    def refines(self) -> bool:
        """Whether the shift is sampled on a finer shell than the distribution."""
        s = self.settings
        return self.model.dimension == 3 and s.approximation == "exact" and s.turn is not None and s.levels > 0

    def fine_shell(self, energy: float, spacing: float, *, fewer: int = 0) -> Shell:
        """The shell with all splits of the hot spots, or a few less, of the spacing of the one it serves.

        In no cell coarser than the solved shell; where the spacing is finer for cold phonons, splits are fewer.  As
        many points for each cell as there: between shells of unlike cells the near pairs of cold phonons do not cancel
        (without symmetry 697 instead of 674 S/cm at 10 K, whatever the turn).
        """
        return self.shell(energy, spacing, levels=self._fine_levels(spacing, fewer), several=self.several)

    def _fine_levels(self, spacing: float, fewer: int = 0) -> int:
        """Splits of its cells."""
        least = min(self.settings.levels, 1) if fewer else self.levels(spacing)
        each = 2 if self.spacings.closer > 1 else 1
        return max(self.settings.levels - each * (fewer + self.spacings.halvings(spacing)), least)

    def forget_shells(self) -> None:
        """Free the shells kept so far, and those of the estimate."""
        self.flows.clear()
        self._shells.clear()
        self._ahead.clear()

    def coarse_shell(self, energy: float) -> Shell:
        """A cheap shell, to decide things on and to estimate cost."""
        if self.model.dimension == 2:
            return self.shell(energy, self.spacings.base)
        return self.shell(energy, self.spacings.coarsest, levels=0)

    # --- limits -------------------------------------------------------------------------------------------------

    def q_max(self, k) -> float:
        """Longest momentum transfer between points at k (..., d)."""
        flat = self.momentum.first_zone(k.reshape(-1, k.shape[-1]))
        return 2.05 * float(np.linalg.norm(flat, axis=1).max()) + float(np.linalg.norm(np.ptp(flat, axis=0))) * 0.01

    def kernel(self, index: int, basis, kt: float, q_max: float, z_floor: float) -> Kernel:
        """Kernel of one source at kT (eV) for pairs up to a momentum transfer."""
        source = self.sources[index]
        return Kernel(
            source.branches,
            basis,
            kt,
            source.z_max(q_max),
            z_floor=z_floor,
            y_cut=self.y_cut,
            process=source.process,
        )

    def cuts(self, kt: float, q_max: float) -> list[float]:
        """For each source the longest momentum transfer up to `q_max` at which it scatters at kT (eV)."""
        return [
            min(q_max, s.q_cut(max(reach(b, kt, s.z_max(q_max), self.y_cut) for b in s.branches))) for s in self.sources
        ]

    def z_floor(self, shell: Shell, source: PairSource) -> float:
        """The smallest z of a kernel: a patch of a shell scatters into itself over its own size."""
        size = float(np.mean(shell.patch) ** (1 / (self.model.dimension - 1)))
        return source.z_min(0.25 * size if source.singular else 1e-7 * size)

    @property
    def allowed(self) -> float:
        """Bytes that may be taken: the memory, or less where others share it.

        What is computed, energy nodes and points, follows from the memory alone; what does not fit is refused.
        """
        return min(self.settings.memory, self.share)

    def keeps(self, pairs: float, operator: float) -> bool:
        """Whether pairs that take so many bytes are kept for further temperatures, beside the operator of one."""
        return pairs + operator <= self.allowed

    def require_scattering(self, temperatures) -> None:
        """Refuse temperatures (K) at which all there is to scatter from is frozen out.

        Raises
        ------
        InputError
        """
        softest, coldest = min(source.softest() for source in self.sources), float(np.min(temperatures))
        if softest > Y_MAX * KB * coldest:
            needed = softest / (Y_MAX * KB)
            raise InputError(
                f"T = {coldest:.4g} K: nothing scatters: the softest phonon or magnon, {softest:.3g} eV, has "
                f"{softest / (KB * coldest):.3g} kT; use temperatures above {needed:.3g} K or add impurities"
            )

    def check_memory(self, needed: float, temperature: float, what: str = "pairs") -> None:
        """Refuse `what` does not fit at a temperature (K), in need of so many bytes.

        Raises
        ------
        TooLarge
        """
        if needed > self.allowed:
            less = " or set energy_nodes = 1" if what == "energy nodes" else ""
            raise TooLarge(
                f"memory = {self.allowed / 1e9:.3g} GB is too little: the {what} of {temperature:.4g} K need "
                f"{needed / 1e9:.3g} GB; raise memory, the lowest temperature or spacing{less}"
            )
