"""Isoenergy shells: contours in 2D, surfaces in 3D, as points with quadrature weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..electrons.operations import Operations
from ..errors import NoStates
from .components import Components
from .placement import FIRST, Placement


@dataclass(frozen=True)
class Shell:
    """Points on one isoenergy shell.

    Attributes
    ----------
    energy : float        eV
    k : (S, d)            1/angstrom, on the exact energy
    band : (S,)           lowest band of the group at each point
    weight : (S,)         ``dS / (|grad e| (2 pi)^d)``, 1/(eV angstrom^d), times the bands of a degenerate group that
                          have no point of their own; the sum is the density of states
    area : (S,)           ``dS``, angstrom^(1-d)
    sheet : (S,)          which contour (2D) or band (3D) a point belongs to
    unconverged : int     points that could not be moved onto the exact energy
    unresolved : int      3D: cells for which it was left open whether the surface passes through them
    operations : Operations or None
        3D: points stand for all their images under these, and `weight` and `area` for those of all images together
    components : Components or None
        Which connected piece of the shell a point belongs to; None where that is not known.
    """

    energy: float
    k: np.ndarray
    band: np.ndarray
    weight: np.ndarray
    area: np.ndarray
    sheet: np.ndarray
    unconverged: int = 0
    unresolved: int = 0
    operations: Operations | None = None
    components: Components | None = None

    def __len__(self) -> int:
        return len(self.k)

    @property
    def patch(self) -> np.ndarray:
        """Area (S,) around each point, not counting its images, angstrom^(1-d)."""
        return self.area if self.operations is None else self.area / len(self.operations)


def fermi_shell(
    model,
    energy: float,
    *,
    spacing: float,
    turn: float | None = 0.7,
    levels: int = 2,
    minimum: int = 32,
    degeneracy: float = 1e-6,
    operations: Operations | None = None,
    several: bool = False,
    placed: Placement = FIRST,
) -> Shell:
    """The shell of all bands at `energy`.

    Parameters
    ----------
    spacing : float
        Largest distance between neighbouring points, 1/angstrom.
    turn : float or None
        Refine where the state turns by more than this angle (radians) from one point to the next; None: never.
    levels : int
        3D: how often a cell may be split for that reason.
    minimum : int
        2D: fewest points on a contour.
    degeneracy : float
        Bands closer than this (eV) are one group and give one point.
    operations : Operations, optional
        3D crystals: symmetry of the model; the shell then holds irreducible points only. Those operations that do not
        fit a mesh of cells are left out (`Shell.operations` are the rest).
    several : bool
        3D: three points for each cell and band instead of one, which sum quadratic functions exactly.
    placed : Placement
        Where exactly the points lie.

    Raises
    ------
    NoStates
        If no band has this energy.
    """
    from .contours import contour_shell
    from .surfaces import surface_shell

    if model.dimension == 2:
        shell = contour_shell(
            model, energy, spacing=spacing, turn=turn, minimum=minimum, degeneracy=degeneracy, phase=placed.shift[0]
        )
    else:
        shell = surface_shell(
            model,
            energy,
            spacing=spacing,
            turn=turn,
            levels=levels,
            degeneracy=degeneracy,
            operations=operations,
            several=several,
            placed=placed,
        )
    if shell is None:
        raise NoStates(
            f"no electronic state at the chemical potential {energy} eV (it lies in a gap or outside the bands): "
            "move chemical_potential (fermi_energy) into a band"
        )
    return shell
