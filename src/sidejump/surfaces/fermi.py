"""The shell of all bands at one energy, in two and in three dimensions."""

from __future__ import annotations

from ..errors import NoStates
from ..groups.operations import Operations
from .contours import contour_shell
from .limits import USUAL_LIMITS, SearchLimits
from .placement import FIRST, Placement
from .shell import Shell
from .surfaces import surface_shell


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
    limits: SearchLimits = USUAL_LIMITS,
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
    limits : SearchLimits
        How long the search may go on.

    Raises
    ------
    NoStates
        If no band has this energy.
    InputError
        If the search goes on for longer than `limits`.
    """
    if model.dimension == 2:
        shell = contour_shell(
            model,
            energy,
            spacing=spacing,
            turn=turn,
            minimum=minimum,
            degeneracy=degeneracy,
            phase=placed.shift[0],
            limits=limits,
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
            limits=limits,
        )
    if shell is None:
        raise NoStates(
            f"no electronic state at the chemical potential {energy} eV (it lies in a gap or outside the bands): "
            "move chemical_potential (fermi_energy) into a band"
        )
    return shell
