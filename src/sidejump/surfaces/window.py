"""The surfaces of all energies of a range, from one mesh of cells: coarse, to decide things on.

Band energies at the nodes of the cells are found once; a surface is then what linear tetrahedra cut of them.
"""

from __future__ import annotations

import numpy as np

from ..groups.operations import Operations
from ..threads import one_matrix_thread
from .cells import CellMesh, children, hidden_range
from .irreducible import divisor, irreducible_cells, symmetric_axes
from .tetrahedra import cut_in_turn

_CROSSED = 500  # cells of the zone that the surface in the middle of the range passes through, at least
_LEVELS = 4  # how often cells are halved for that


class EnergyWindow:
    """Cells of the zone of a three-dimensional crystal that surfaces between two energies may pass through.

    Parameters
    ----------
    model : ElectronModel
    low, high : float
        eV.
    spacing : float
        Edge of a cell, 1/angstrom; halved until the surface half way passes through enough of them.
    operations : Operations, optional
        Symmetry of the model.
    """

    def __init__(self, model, low: float, high: float, *, spacing: float, operations: Operations | None = None):
        reciprocal = np.asarray(model.reciprocal_cell)
        axes, multiple = reciprocal, 1
        if operations is not None:
            axes, operations = symmetric_axes(reciprocal, operations)
            multiple = divisor(axes, reciprocal)
        wanted = np.maximum(4, np.ceil(np.linalg.norm(axes, axis=1) / spacing - 1e-9)).astype(int)
        counts = -(-wanted // multiple) * multiple
        mesh = CellMesh(model, np.zeros(3), axes, counts)
        if operations is None:
            cells, share = mesh.all_cells(), np.ones(counts)
        else:
            cells, share = irreducible_cells(axes, counts, reciprocal, operations)
        middle = 0.5 * (low + high)
        with one_matrix_thread():
            for level in range(_LEVELS + 1):
                energies = mesh.node_energies(cells, level).transpose(0, 2, 1)  # (cells, bands, 27)
                beyond = hidden_range(energies.reshape(-1, 27)).reshape(energies.shape[:2])
                reached = (energies.min(axis=2) - beyond < high) & (energies.max(axis=2) + beyond > low)
                of_cell = share[tuple((cells >> level).T)]
                crossed = (energies.min(axis=2) < middle) & (energies.max(axis=2) >= middle)
                if level == _LEVELS or of_cell @ crossed.sum(axis=1) >= _CROSSED:
                    break
                cells = children(cells[reached.any(axis=1)])
        self._steps = mesh.steps(level)
        self._energies, self._share = energies[reached], np.repeat(of_cell, reached.sum(axis=1))
        self._lowest, self._highest = self._energies.min(axis=1), self._energies.max(axis=1)

    def mean_square_speed(self, energy: float) -> float:
        """``sum w v^2 / sum w`` over the surface at an energy (eV), eV^2 angstrom^2; zero where there is none."""
        here = (self._lowest < energy) & (self._highest >= energy)
        cut = cut_in_turn(self._energies[here] - energy, self._steps)
        weight = self._share[here] * cut.weight
        speed = cut.area / np.where(cut.weight > 0, cut.weight, 1.0)
        return float(weight @ speed**2 / weight.sum()) if weight.any() else 0.0
