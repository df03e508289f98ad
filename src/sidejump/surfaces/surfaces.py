"""Isoenergy surfaces in three dimensions: one point, or three, for each small cell of k space and band.

A coarse mesh is split where a surface passes or may pass (the nodes of a cell need not straddle the energy: what a
band may do between them is bounded by its second differences), until cells have the wanted size.  Cells are split
further where the state turns fast along the surface, where the surface itself turns or hides (small pockets, necks),
and while it is undecided whether the surface passes.  Weights come from linear tetrahedra with the leading error
removed; points are found inside the cut (`points`) and moved onto the exact energy.

Not covered: a pocket that no node of the coarse mesh and no second difference there hints at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..bands.states import band_energies
from ..errors import InputError
from ..groups.operations import Operations
from ..threads import one_matrix_thread
from .cells import (
    CellMesh,
    children,
    children_values,
    hidden_range,
    second_differences,
    stationary_point,
    threaded,
)
from .components import crossed_faces, surface_components
from .crossings import crossings
from .domain import search_domain
from .extrema import nearby_extremum
from .irreducible import divisor, equal_axes, irreducible_cells, symmetric_axes, wedge_images
from .limits import USUAL_LIMITS, SearchLimits
from .placement import FIRST, Placement
from .points import shell_points
from .shell import Shell
from .tetrahedra import NODES, cut_in_turn
from .turning import turning_angle

_NOTHING = 1e-9  # of the mean weight: points below are left out
_COARSE = 16  # at most this many cells of level 0 along an axis
_COARSE_PLACED = 32  # of meshes with symmetry, whose replicas differ by a few of these
_BATCH = 16384  # cells worked on together: bounds the memory
_HIDDEN = 4.0  # safety of the bound on what passes between nodes; covers kinks where bands cross
_SMOOTH, _SMOOTH_LAST = 2e-3, 4e-3  # error of the polynomial over the range of a cell below which it replaces
# eigenvalues: of all smaller cells, or of the last halves only
_CLOSED = 0.6  # coherence below which a surface closes inside one cell
_POCKET, _NECK = 1.75, 0.5  # edges from an extremum or saddle of the band within which a cell is too large
_BENT, _FEW = 0.5, 9  # slope change over an edge, and nodes on one side, of a cell that may hold a corner of a pocket
_POCKET_LEVELS, _NECK_LEVELS = 14, 1
_UNDECIDED = 20000  # undecided cells of one level followed beyond the wanted size
_CROSSING_LEVELS = 1  # how often cells beyond the wanted size are split at a crossing


@dataclass
class _Batch:
    """Pairs (cell, band) of one level.

    `predicted` are values of the parent's polynomial at the 27 nodes, trusted where `smooth`; elsewhere they are
    thought to be right to `doubt` (eV).
    """

    level: int
    cells: np.ndarray
    bands: np.ndarray | None
    predicted: np.ndarray | None
    smooth: np.ndarray | None
    doubt: np.ndarray | None


def surface_shell(
    model,
    energy,
    *,
    spacing,
    turn,
    levels,
    degeneracy,
    operations: Operations | None = None,
    several: bool = False,
    placed: Placement = FIRST,
    limits: SearchLimits = USUAL_LIMITS,
) -> Shell | None:
    """The surfaces of all bands at `energy`, or the part of them that stands for all; None if there are none."""
    search = _Search(model, energy, spacing, turn, levels, degeneracy, operations, several, placed, limits)
    with one_matrix_thread():  # many small matrices
        pieces = search.run()
    if not pieces:
        return None
    columns = [np.concatenate(x) for x in zip(*pieces, strict=True)]
    components = surface_components(
        search.mesh,
        model.zone_axes,
        columns[5][:, 0],
        columns[5][:, 1:],
        columns[4],
        columns[6],
        search.operations,
        shared=search.dropped,
    )
    # a cell whose corner the surface only touches holds no states, and a state without weight cannot be solved for
    kept = columns[1] > _NOTHING * columns[1].mean()
    k, weight, area, error, band, place, _ = (x[kept] for x in columns)
    if search.dropped:
        weight = weight * _members(model, k, band, place, degeneracy)
    components = components.take(np.flatnonzero(kept))
    if search.operations is not None:
        k, turn = wedge_images(k, model.zone_axes, search.operations)
        components = components.moved(turn, search.operations)
    order = np.argsort(band, kind="stable")
    return Shell(
        energy=energy,
        k=k[order],
        band=band[order],
        weight=weight[order],
        area=area[order],
        sheet=np.unique(band[order], return_inverse=True)[1],
        unconverged=int((error > 1e-6).sum()),
        unresolved=search.unresolved,
        operations=search.operations,
        components=components.take(order),
    )


def _members(model, k, band, place, degeneracy) -> np.ndarray:
    """Bands that each point stands for: its own, and those degenerate with it that have no point in its cell."""
    energies = band_energies(model, k)
    taken = {tuple(row) for row in np.column_stack([place, band]).tolist()}
    count = np.ones(len(k), dtype=int)
    linked = np.ones(len(k), dtype=bool)
    for above in range(1, energies.shape[1]):
        upper = np.minimum(band + above, energies.shape[1] - 1)
        gap = np.take_along_axis(energies, upper[:, None], 1) - np.take_along_axis(energies, upper[:, None] - 1, 1)
        linked &= (band + above < energies.shape[1]) & (gap[:, 0] < degeneracy)
        for i in np.flatnonzero(linked):
            count[i] += (*place[i].tolist(), int(upper[i])) not in taken
        if not linked.any():
            break
    return count


class _Search:
    def __init__(self, model, energy, spacing, turn, levels, degeneracy, operations, several, placed, limits):
        self.limits = limits
        self.model, self.energy, self.turn, self.degeneracy = model, energy, turn, degeneracy
        origin, axes = search_domain(model, energy)
        self.operations, zone = None, axes
        self.several, self.angle = several, placed.angle
        if operations is not None and len(operations) > 1:
            axes, self.operations = symmetric_axes(zone, operations)
        length = np.linalg.norm(axes, axis=1)
        wanted = np.maximum(4, np.ceil(length / spacing - 1e-9))
        coarse = _COARSE if self.operations is None else _COARSE_PLACED
        self.uniform = max(0, int(np.ceil(np.log2(wanted.max() / coarse))))
        counts = np.maximum(np.ceil(wanted / 2**self.uniform).astype(int), 4)
        if self.operations is not None:
            multiple = divisor(axes, zone)
            stretch = np.array(placed.stretch)[equal_axes(axes, self.operations)]
            counts = np.maximum(-(-counts // multiple) + stretch, 4 // multiple) * multiple
        elif any(placed.shift):
            if model.cell is None:  # the box still holds the shells
                axes, counts = axes * ((counts + 1) / counts)[:, None], counts + 1
            fine = axes / (counts * 2**self.uniform)[:, None]
            origin = origin - np.asarray(placed.shift) @ fine
        self.mesh = CellMesh(model, origin, axes, counts)
        self.turning_levels = self.uniform + levels
        self.points: list = []
        self.unresolved = 0
        self.dropped = False
        self.undecided: dict[int, int] = {}
        self.followed = 0
        self.evaluated = 0
        self.crossings = False

    def run(self) -> list:
        """Pieces (k, weight, area, error, band, level and cell, faces that are passed through) of the shell.

        Cells are split around everything that may be a small pocket.  Lines on which two bands cross look the same in
        a single band and have no end; where they are many, the search begins anew and tells the two apart.
        """
        if self.operations is None:
            cells = self.mesh.all_cells()
        else:
            cells, self.share = irreducible_cells(
                self.mesh.axes, self.mesh.counts, self.model.zone_axes, self.operations
            )
        stack = [_Batch(0, cells[i : i + 1024], None, None, None, None) for i in range(0, len(cells), 1024)]
        starts = list(stack)
        images = 1 if self.operations is None else len(self.operations)
        while stack:
            stack += self._advance(stack.pop())
            if not self.crossings and self.followed * images > self.limits.crossings:
                self.crossings, self.points, self.unresolved = True, [], 0
                self.undecided, stack = {}, list(starts)
        return self.points

    def _advance(self, batch: _Batch) -> list[_Batch]:
        """Keep what the surface may cross; finish some cells, split the others."""
        cells, bands, values, smooth, predicted = self._evaluate(batch)
        self.evaluated += len(cells)
        if self.evaluated > self.limits.cells:
            raise InputError(
                f"the search for the shell at {self.energy:.6g} eV has taken {self.limits.cells} cells and not "
                "ended: raise spacing or the lowest temperature, or lower levels; a lattice needs cell="
            )
        if not len(cells):
            return []
        crossed = (values.min(axis=1) < 0) & (values.max(axis=1) >= 0)
        nearest = np.abs(values).min(axis=1)
        hidden = hidden_range(values)
        if predicted is None:
            error = doubt = _HIDDEN * hidden
        else:
            error = np.abs(predicted - values).max(axis=1)
            doubt = error + hidden
        kept = crossed | (nearest < doubt) | self._too_large(cells, batch.level)
        error, doubt = error[kept], doubt[kept]
        cells, bands, values, smooth, crossed = (x[kept] for x in (cells, bands, values, smooth, crossed))
        if predicted is not None:
            predicted = predicted[kept]
        if not len(cells):
            return []
        level = batch.level
        steps = self.mesh.steps(level)
        too_large = self._too_large(cells, level)
        split = np.full(len(cells), level < self.uniform) | too_large
        cut, fine = cut_in_turn(values, steps), None
        if level >= self.uniform:
            small, kink, passes, fine = self._unresolved_shape(cells, bands, values, cut, level, crossed)
            hidden = ~crossed & ~too_large
            if self.crossings and level >= self.uniform + _CROSSING_LEVELS:
                small &= ~kink
                hidden &= ~kink | passes
            split |= (crossed & small) | (hidden & self._may_follow(level, int(hidden.sum())))
        # where the polynomial of the parent was right, that of the cell itself is eight times better; cells smaller
        # than wanted were split for a reason and get eigenvalues again
        span = np.ptp(values, axis=1)
        if level < self.uniform:
            allowed = _SMOOTH_LAST if level == self.uniform - 1 else _SMOOTH
            candidate = ~smooth & crossed & (error / 8 < allowed * span) & (level > 0)
        else:
            candidate = np.zeros(len(cells), dtype=bool)
        if self.turn is not None and level < self.turning_levels:
            ask = (candidate & split) | (crossed & ~split & ~smooth)
            fast = np.zeros(len(cells), dtype=bool)
            fast[ask] = (
                self._turning(self.mesh.cartesian(2 * cells[ask] + cut.centre[ask], level), bands[ask], level)
                > self.turn
            )
            candidate &= ~fast
            split |= fast & (level >= self.uniform)
        smooth = smooth | candidate
        done = crossed & ~split
        if done.any():
            pairs = (cells[done], bands[done], values[done], smooth[done])
            k, weight, area, left, owner = shell_points(
                self.mesh,
                level,
                *pairs,
                cut.take(done),
                self.energy,
                self.several,
                None if fine is None else fine[done],
                self.angle,
            )
            if self.turn is not None and level < self.turning_levels:
                # a hot spot that the centre does not see, on one of the points: it would stand for the whole cell
                hot = self._turning(k, bands[done][owner], level) > self.turn
                again = np.isin(owner, owner[hot])
                split[np.flatnonzero(done)[owner[hot]]] = True
                k, weight, area, left, owner = (x[~again] for x in (k, weight, area, left, owner))
            if self.operations is not None:
                share = self.share[tuple((cells[done][owner] >> level).T)]
                weight, area = weight * share, area * share
            place = np.column_stack([np.full(len(owner), level), cells[done][owner]])
            self.points.append((k, weight, area, left, bands[done][owner], place, crossed_faces(values[done])[owner]))
        if level >= self.uniform:
            error = np.where(smooth, _SMOOTH_LAST * span, error)
            smooth = np.zeros(len(cells), dtype=bool)
        return self._children(level, cells[split], bands[split], values[split], smooth[split], error[split])

    def _evaluate(self, batch: _Batch):
        """Node energies relative to that of the surface, for every pair of the batch."""
        if batch.bands is None:
            energies = self.mesh.node_energies(batch.cells, batch.level) - self.energy
            n = energies.shape[-1]
            fresh = ~self._repeated(energies).ravel()
            cells = np.repeat(batch.cells, n, axis=0)[fresh]
            bands = np.tile(np.arange(n), len(batch.cells))[fresh]
            values = energies.transpose(0, 2, 1).reshape(-1, 27)[fresh]
            return cells, bands, values, np.zeros(len(cells), dtype=bool), None
        assert batch.predicted is not None and batch.smooth is not None
        values = batch.predicted.copy()
        rough = np.flatnonzero(~batch.smooth)
        fresh = np.ones(len(values), dtype=bool)
        if len(rough):
            cells, which = np.unique(batch.cells[rough], axis=0, return_inverse=True)
            energies = self.mesh.node_energies(cells, batch.level) - self.energy
            which = which.reshape(-1)
            values[rough] = energies[which, :, batch.bands[rough]]
            fresh[rough] = ~self._repeated(energies)[which, batch.bands[rough]]
        return tuple(x[fresh] for x in (batch.cells, batch.bands, values, batch.smooth, batch.predicted))

    def _repeated(self, energies):
        """Upper members (c, N) of a group that is degenerate throughout the cell: their weight goes to the lowest."""
        first = np.zeros((len(energies), 1), dtype=bool)
        repeated = np.concatenate([first, np.diff(energies, axis=-1).max(axis=1) < self.degeneracy], axis=1)
        self.dropped |= bool(repeated.any())
        return repeated

    def _too_large(self, cells, level) -> np.ndarray:
        """k.p models: cells coarser than the model's own scale, or than their distance from k = 0."""
        edge = self.mesh.edge(level)
        scale = self.model.k_scale
        if self.mesh.periodic or edge <= 0.5 * scale:
            return np.zeros(len(cells), dtype=bool)
        centre = self.mesh.cartesian(2 * cells + 1, level)
        return edge > 0.5 * np.maximum(scale, np.linalg.norm(centre, axis=1) - edge)

    def _unresolved_shape(self, cells, bands, values, cut, level, crossed) -> tuple:
        """Cells too large for a small pocket (around an extremum of the band) or a neck (at a saddle), and those
        whose surface bends or hides only because two bands cross.
        """
        extra = level - self.uniform
        none = np.zeros(len(values), dtype=bool)
        if level >= self.mesh.deepest or extra >= _POCKET_LEVELS:
            return none, none, none, None
        distance, extremum = stationary_point(values)
        small = (cut.coherence < _CLOSED) | (extremum & (distance < _POCKET))
        # a pocket that only a corner of the cell reaches into: the slope changes over less than an edge, and there is
        # an extremum beyond the corner
        below = (values < 0).sum(axis=1)
        steps = np.linalg.norm(self.mesh.steps(level), axis=1)
        curvature = (second_differences(values) / steps**2).max(axis=1)
        bent = curvature * self.mesh.edge(level) * cut.weight > _BENT * cut.area
        bent &= ~small & (np.minimum(below, 27 - below) <= _FEW)
        kink, passes, fine = none, none, None
        if self.crossings:
            kink, passes, fine = self._crossing(cells, bands, small | bent | ~crossed, level)
            if extra < _CROSSING_LEVELS:
                small |= kink
        elif level > self.turning_levels:
            kink, _, _ = self._crossing(cells, bands, small & crossed, level)
            self.followed += int(kink.sum())
        ask = np.flatnonzero(bent & ~kink)
        if len(ask):
            minimum = below[ask] <= _FEW
            corner = np.where(minimum, values[ask].argmin(axis=1), values[ask].argmax(axis=1))
            k = self.mesh.cartesian(2 * cells[ask] + NODES[corner], level)
            small[ask], _ = nearby_extremum(self.model, k, bands[ask], minimum, self.mesh.edge(level))
        return small | (distance < _NECK) if extra < _NECK_LEVELS else small, kink, passes, fine

    def _crossing(self, cells, bands, which, level):
        """What :func:`crossings` says of the cells `which`."""
        kink, passes = np.zeros((2, len(cells)), dtype=bool)
        fine = np.full((len(cells), 9**3), np.nan)
        if which.any():
            unique, place = np.unique(cells[which], axis=0, return_inverse=True)
            energies = self.mesh.node_energies(unique, level) - self.energy
            kink[which], passes[which], fine[which] = crossings(energies[place.reshape(-1)], bands[which])
        return kink, passes, fine

    def _may_follow(self, level, count) -> bool:
        """Whether undecided cells are split beyond the wanted size."""
        self.undecided[level] = self.undecided.get(level, 0) + count
        if self.undecided[level] > _UNDECIDED:
            self.unresolved += count
            return False
        # after so many halvings nothing that matters is left (a cell that a surface touches never decides)
        return level < min(self.mesh.deepest, self.uniform + _POCKET_LEVELS)

    def _turning(self, k, bands, level):
        """By what angle states turn within a cell of this level around k (n, 3)."""
        if not len(k):
            return np.zeros(0)
        edges = 2 * self.mesh.steps(level)
        return threaded(
            lambda p, b: turning_angle(self.model, p, b, edges, degeneracy=self.degeneracy), k, bands, chunk=512
        )

    def _children(self, level, cells, bands, values, smooth, error) -> list[_Batch]:
        """The halves of split cells, without those the surface cannot reach."""
        result = []
        for i in range(0, len(cells), _BATCH // 8):
            s = slice(i, i + _BATCH // 8)
            predicted = children_values(values[s])
            doubt, trusted = np.repeat(error[s], 8), np.repeat(smooth[s], 8)
            halves = children(cells[s])
            reach = np.where(trusted, 0.0, doubt) + hidden_range(predicted)
            near = (predicted.min(axis=1) < reach) & (predicted.max(axis=1) > -reach)
            near |= self._too_large(halves, level + 1)
            if not near.any():
                continue
            result.append(
                _Batch(
                    level + 1, halves[near], np.repeat(bands[s], 8)[near], predicted[near], trusted[near], doubt[near]
                )
            )
        return result[::-1]
