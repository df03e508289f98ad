"""What a user may choose about the solution of the kinetic equation, and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class TransportSettings:
    """How accurately, and by which approximation, the kinetic equation is solved.

    Attributes
    ----------
    energy_nodes : int or "auto"
        1 is the quasi-elastic theory; "auto" raises the number until the side jump and the longitudinal conductivity
        change by less than `tolerance`.
    geometry : {"auto", "own", "shared", "averaged", "independent"}
        "own": every energy node has its own shell. "shared": all nodes use the Fermi surface. "averaged": shared,
        averaged over the Fermi surfaces of the thermal window. "independent": quasi-elastic on shells made afresh
        between the energies of the window at which shells change topology (saddle points and edges of bands), plus
        what inelasticity changes; "auto" and "averaged" take it where there are such energies that other shells cannot
        follow. Else "auto" in k.p models and two dimensions takes shared
        where it is measured to make no difference, else own; in three-dimensional crystals own where the density of
        states changes within the thermal window (independent where rays do not cover the surfaces), else averaged, or
        shared when cold.
    tolerance : float
        Relative.
    accuracy : float
        Divides every spacing below: 2 halves them all.
    spacing : float or None
        Largest point spacing, 1/angstrom; None: from the model.
    turn : float or None
        Refine where the state turns by more than this angle between points.
    levels : int
        3D: refinements of a cell where the state turns; the first are for the distribution, all are for the shift.
    memory : float
        Bytes the run may use.
    approximation : {"exact", "serta", "mrta"}
    degeneracy : float
        Bands closer than this (eV) form one group.
    minimum : int
        2D: fewest points on a contour.
    symmetry : {"auto", "off"}
        Three-dimensional crystals: solve for irreducible points where bands and scatterers are exactly symmetric.
    heat : bool
        Whether the heat current is asked for as well, and what a gradient of temperature drives.
    replica : int or None
        Which of the ways to lay the points of a level (:mod:`sidejump.surfaces.placement`); None: the plain one.
    skew_scattering : {"off", "static", "quasistatic"}
        Skew scattering of static scatterers, to first order in rates beyond the golden rule: conventional and Gaussian;
        "quasistatic": with phonons that count as static in the Gaussian part, an estimate.
    """

    energy_nodes: int | str = "auto"
    geometry: str = "auto"
    tolerance: float = 1e-3
    accuracy: float = 1.0
    spacing: float | None = None
    turn: float | None = 0.35
    levels: int = 4
    memory: float = 6e9
    approximation: str = "exact"
    degeneracy: float = 1e-6
    minimum: int = 48
    symmetry: str = "auto"
    heat: bool = False
    replica: int | None = None
    skew_scattering: str = "off"


@dataclass
class TransportResult:
    """Conductivity parts (nT, d, d) in ``e^2/hbar angstrom^(2-d)`` and the report of the run.

    P parts are kept together: Boltzmann, both halves of the side jump, the whole side jump, and where skew scattering
    is asked for its conventional and its Gaussian part.

    Attributes
    ----------
    error : ndarray, shape (nT, P, d, d), or None
        One standard error of each part, where replicas tell.
    terms : list of dict
        What the values are the sum of: name, value, error, level, replicas, seconds.
    observed : ndarray, shape (2, nT, P, c, d), or None
        Response of c observables to the force on the electrons, in the same parts, and its error: in the unit of
        the observable times ``angstrom^(1-d)/eV``.
    skew : ndarray, shape (2, nT, d, d), or None
        Conventional and Gaussian skew scattering.
    heat : ndarray, shape (2, nT, 4, 3, d, d), or None
        The same of the heat current that the force drives, and of the velocity and the heat current that a gradient of
        temperature does (:class:`sidejump.kinetics.response.KineticResponse`).
    """

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    report: dict = field(default_factory=dict)
    error: np.ndarray | None = None
    terms: list[dict] = field(default_factory=list)
    observed: np.ndarray | None = None
    skew: np.ndarray | None = None
    heat: np.ndarray | None = None

    def with_heat_apart(self) -> TransportResult:
        """The rows of the heat current, the last of what is observed, in a place of their own."""
        if self.observed is None:
            return self
        d = self.observed.shape[-1]
        rows = self.observed[..., -3 * d :, :]
        heat = rows.reshape(*rows.shape[:3], 3, d, d)
        return replace(self, observed=self.observed[..., : -3 * d, :], heat=heat)


@dataclass(frozen=True)
class Size:
    """What a solution took."""

    states: int = 0
    pairs: int = 0
    memory: float = 0.0

    @classmethod
    def largest(cls, sizes: Iterable[Size]) -> Size:
        """The most that any of them took."""
        known = [cls(), *sizes]
        return cls(max(s.states for s in known), max(s.pairs for s in known), max(s.memory for s in known))
