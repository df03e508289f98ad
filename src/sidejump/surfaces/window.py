"""The surfaces of many energies from one mesh of cells: coarse, to decide things on.

Band energies at the nodes of the cells are found once; a surface is then what linear tetrahedra cut of them.  Cells are
halved where a surface passes through too few of them, and nowhere else: pockets may be tiny, and the range wide.
"""

from __future__ import annotations

import numpy as np

from ..groups.operations import Operations
from ..threads import one_matrix_thread
from .cells import CellMesh, children, hidden_range
from .irreducible import divisor, irreducible_cells, symmetric_axes
from .tetrahedra import cut_in_turn

_CROSSED = 500  # cells of the zone that the surface of an energy passes through, at least
_LEVELS = 4  # how often cells are halved for that
_MOST = 1_000_000  # bands of all cells that are held at a time, 0.2 GB: cells stay larger where more would be needed
_NODES = 7  # what finding the nodes of a cell takes, in bands


class EnergyWindow:
    """Cells of the zone of a three-dimensional crystal that surfaces of some energies may pass through.

    Parameters
    ----------
    model : ElectronModel
    energies : array
        eV, those whose surfaces are asked for.
    spacing : float
        Edge of a cell, 1/angstrom; halved until every surface passes through enough of them.
    operations : Operations, optional
        Symmetry of the model.
    """

    def __init__(self, model, energies, *, spacing: float, operations: Operations | None = None):
        self.energies = np.unique(energies)
        reciprocal = np.asarray(model.zone_axes)
        axes, multiple = reciprocal, 1
        if operations is not None:
            axes, operations = symmetric_axes(reciprocal, operations)
            multiple = divisor(axes, reciprocal)
        room = _MOST / (model.n_orbitals + _NODES)
        counts = _counts(np.linalg.norm(axes, axis=1), spacing, room, multiple)
        mesh = CellMesh(model, np.zeros(3), axes, counts)
        if operations is None:
            cells, share = mesh.all_cells(), np.ones(counts)
        else:
            cells, share = irreducible_cells(axes, counts, reciprocal, operations)
        self._parts: list[_Cells] = []
        passed = np.zeros(len(self.energies))
        with one_matrix_thread():
            for level in range(_LEVELS + 1):
                found = mesh.node_energies(cells, level).transpose(0, 2, 1)  # (cells, bands, 27)
                lowest, highest = found.min(axis=2), found.max(axis=2)
                beyond = np.stack([hidden_range(band) for band in found.swapaxes(0, 1)], axis=1)
                of_cell = share[tuple((cells >> level).T)]
                here = passed + _passed(self.energies, lowest, highest, of_cell)
                poor = self.energies[here < _CROSSED]
                split = np.asarray(_between(poor, lowest - beyond, highest + beyond).any(axis=1))
                if level == _LEVELS or 8 * split.sum() > room:
                    split[:] = False
                kept = _between(self.energies, lowest, highest) & ~split[:, None]
                self._parts.append(_Cells(found[kept], np.repeat(of_cell, kept.sum(axis=1)), mesh.steps(level)))
                if not split.any():
                    break
                passed += _passed(self.energies, lowest[~split], highest[~split], of_cell[~split])
                cells = children(cells[split])

    def mean_square_speed(self, energy: float) -> float:
        """``sum w v^2 / sum w`` over the surface at one of the energies (eV), eV^2 angstrom^2; zero where there is
        none."""
        weight, square = np.sum([part.sums(energy) for part in self._parts], axis=0)
        return float(square / weight) if weight > 0 else 0.0


class _Cells:
    """Bands in cells of one size: energies (X, 27) at the nodes, and how many cells each stands for."""

    def __init__(self, energies, share, steps):
        self._energies, self._share, self._steps = energies, share, steps
        self._lowest, self._highest = energies.min(axis=1), energies.max(axis=1)

    def sums(self, energy: float) -> tuple[float, float]:
        """``sum w`` and ``sum w v^2`` over the surface at an energy (eV)."""
        here = (self._lowest < energy) & (self._highest >= energy)
        cut = cut_in_turn(self._energies[here] - energy, self._steps)
        weight = self._share[here] * cut.weight
        speed = cut.area / np.where(cut.weight > 0, cut.weight, 1.0)
        return float(weight.sum()), float(weight @ speed**2)


def _counts(lengths, spacing: float, most: float, multiple: int) -> np.ndarray:
    """Cells along axes of some lengths (1/angstrom), multiples of one number; larger ones where they are too many."""
    spacing = max(spacing, float((lengths.prod() / most) ** (1 / 3)))
    wanted = np.maximum(4, np.ceil(lengths / spacing - 1e-9)).astype(int)
    return -(-wanted // multiple) * multiple


def _between(energies, low, high) -> np.ndarray:
    """Whether some of the sorted energies are above `low` and not above `high`."""
    return np.searchsorted(energies, low, side="right") < np.searchsorted(energies, high, side="right")


def _passed(energies, lowest, highest, share) -> np.ndarray:
    """How many cells and bands of the zone the surface at each energy passes through: their ends (cells, bands)."""
    total = np.zeros(len(energies) + 1)
    weights = np.repeat(share, lowest.shape[1])
    for ends, sign in ((lowest, 1.0), (highest, -1.0)):
        first = np.searchsorted(energies, ends.ravel(), side="right")
        total += sign * np.bincount(first, weights, minlength=len(total))
    return np.cumsum(total)[:-1]
