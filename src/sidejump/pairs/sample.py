"""The points of isoenergy surfaces between which there is scattering, and their pairs.

One type for all: where every energy has a surface of its own a point has n energies; where all share the points of one
surface it has one; and where a group reduces the points, those that are left stand for their images, which are final
states only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..bands.momentum import MomentumTransfer
from ..bands.states import States, aligned, shell_states
from ..groups.images import Images
from ..groups.members import MemberTurns
from ..groups.multiplets import NOTHING, Multiplets
from ..groups.operations import Operations
from ..interactions.polar import Patches
from ..interactions.sources import PairSource
from ..surfaces.closure import closed_velocities
from ..surfaces.components import Components
from ..surfaces.shell import Shell
from .block import Block, pair_channels, with_heat
from .near import BLOCK, NearPairs, Task
from .ordering import order_points


@dataclass(frozen=True, eq=False)
class Sample:
    """S points with n energies each, ordered so that sets of neighbours are compact in k space.

    Attributes
    ----------
    states : States       S * n states, the energy running fastest; then those of the images, operation by operation
    weight : (S, n)       dS / (|grad e| (2 pi)^d), 1/(eV angstrom^d), of all images together
    velocity : (S, n, d)  group velocity, eV angstrom; its sum over every connected piece of a surface is exact
    currents : (S, n, R)  the velocity, then the expectation values of the observables
    near : NearPairs      sets of points, and which of them scatter into which
    clusters : (C + 1,)   bounds of small sets, for the coarse correction of the solver
    components : Components or None     the connected pieces
    side : (S,)           on which side of a gap each point is; the points of one set are on one side
    operations : Operations or None     the group
    turns : (operations, R, R) or None  what it does with the currents
    heat : (S, n) or None   e - mu, eV, where the heat current is asked for: its d rows are the last of the currents
    turned : Images or None     what the states of the images are made by, where they are not solved for
    """

    states: States
    weight: np.ndarray
    velocity: np.ndarray
    near: NearPairs
    clusters: np.ndarray
    components: Components | None
    side: np.ndarray
    operations: Operations | None
    turns: np.ndarray | None
    heat: np.ndarray | None
    turned: Images | None

    @property
    def count(self) -> int:
        return self.weight.shape[0]

    @property
    def energies(self) -> int:
        return self.weight.shape[1]

    @property
    def images(self) -> int:
        """States that each point stands for."""
        return 1 if self.operations is None else len(self.operations)

    @cached_property
    def currents(self) -> np.ndarray:
        observed = self.states.expectation[: self.weight.size].reshape(*self.weight.shape, -1)
        rows = [self.velocity, observed]
        if self.heat is not None:
            rows.append(self.heat[..., None] * self.velocity)
        return np.concatenate(rows, axis=2)

    @property
    def weight_of_members(self) -> np.ndarray:
        """Of each member of a group of degenerate states, shape (S, n)."""
        return self.weight / self.states.multiplicity[: self.weight.size].reshape(self.weight.shape)

    @property
    def all_weights(self) -> np.ndarray:
        """Weight of every point and image of the first energy, shape (images S,)."""
        return np.tile(self.weight[:, 0], self.images) / self.images

    def surfaces(self) -> Iterator[Surface]:
        """Surfaces of one energy."""
        if self.energies == 1:
            weights = self.all_weights / self.states.multiplicity
            yield Surface(self, slice(None), slice(None), self.count, self.states, weights)
            return
        for side in np.unique(self.side):
            points = np.flatnonzero(self.side == side)
            for node in range(self.energies):
                states, weights = self.states[points * self.energies + node], self.weight_of_members[points, node]
                yield Surface(self, points, slice(node, node + 1), len(points), states, weights)

    def everywhere(self, vectors, *, reverse: bool = False) -> np.ndarray:
        """Currents (S, R) at all points and images, shape (images S, R); `reverse`: with the sign of time reversal
        beside, as what odd rates make of them."""
        if self.turns is None or self.operations is None:
            return vectors
        count = vectors.shape[1]
        turns = self.turns[:, :count, :count] * (self.operations.signs[:, None, None] if reverse else 1)
        return np.einsum("gab,sb->gsa", turns, vectors).reshape(-1, count)

    @cached_property
    def patches(self) -> Patches:
        """The part of its surface that each state stands for."""
        s, n, d = self.velocity.shape
        members = self.states.multiplicity[: s * n].reshape(s, n)
        area = self.weight / members * np.linalg.norm(self.velocity, axis=-1) * (2 * np.pi) ** d / self.images
        radius = np.sqrt(area / np.pi) if d == 3 else 0.5 * area
        if self.operations is not None:
            radius = np.tile(radius.ravel(), self.images)
            return Patches(np.arange(len(radius)), radius)
        steps = np.linalg.norm(np.diff(self.states.k.reshape(s, n, d), axis=1), axis=2)
        along = np.concatenate([np.zeros((s, 1)), np.cumsum(steps, axis=1)], axis=1)
        point, node = np.divmod(np.arange(s * n), n)
        return Patches(point, radius.ravel(), node, along, np.repeat(self.side, n))

    def prepared(self, sources: Sequence[PairSource], *, single: bool = False) -> list[PairSource]:
        """The sources for the states of all points and images."""
        return [
            source.prepared(self.states, single=single, patches=self.patches, turned=self.turned) for source in sources
        ]

    def blocks(
        self, task: Task, sources: Sequence[PairSource], cuts, z_max, connected=None, *, matrices: bool = False
    ) -> list[Block]:
        """The pairs of a task by all prepared sources.

        Parameters
        ----------
        cuts : sequence of float
            For each source z beyond which nothing is wanted.
        z_max : sequence of float or None
            See :func:`.block.pair_channels`.
        connected : sequence of container of (int, int), optional
            For each source the pairs of sides between which it scatters.
        matrices : bool
            Whether distributions are matrices in groups of degenerate states (`PairSource.group_matrices`).
        """
        n, found = self.energies, []
        rows = self.near.states(task.rows)
        sides = int(self.side[task.rows.start]), int(self.side[task.columns.start])
        each = self.weight_of_members if matrices else self.weight
        weight = each[task.rows].reshape(-1, 1) * each[task.columns].reshape(1, -1)
        weight = weight / self.images  # an image of a point weighs a fraction of the point
        for index, source in enumerate(sources):
            if connected is not None and sides not in connected[index]:
                continue
            for image in task.images:
                evaluate = source.group_matrices if matrices else source.evaluate
                channels = evaluate(rows, self.near.states(task.columns, image), cuts[index])
                if channels:
                    pairs = pair_channels(channels, weight, n, z_max[index])
                    if self.heat is not None and not matrices:
                        pairs = with_heat(pairs, self.heat[task.rows], self.heat[task.columns], self.velocity.shape[2])
                    mirrored = self.near.mirrored(task, image)
                    found.append(Block(task.rows, task.columns, index, pairs, image, mirrored, sides))
        return found


@dataclass(frozen=True, eq=False)
class Surface:
    """Points of a sample with one energy: all of them, or where a point has n energies those of one side and node.

    Attributes
    ----------
    sample : Sample
    points : slice or ndarray of int    which points
    nodes : slice           their functions of the energy: all, or that of the node
    count : int             L points
    everywhere : States     K states, those of the points and then of their images
    all_weights : (K,)      of each member of a state, 1/(eV angstrom^d)
    """

    sample: Sample
    points: slice | np.ndarray
    nodes: slice
    count: int
    everywhere: States
    all_weights: np.ndarray

    @cached_property
    def own(self) -> States:
        """Those of the points, L states."""
        return self.everywhere[: self.count]

    @property
    def energy(self) -> float:
        """eV."""
        return float(np.mean(self.own.energy))

    @cached_property
    def weight(self) -> np.ndarray:
        """Of each member of these, images counted: shape (L,)."""
        return self.of(self.sample.weight_of_members)[:, 0]

    def of(self, values: np.ndarray) -> np.ndarray:
        """Values (S, m, ...) of the sample on this surface, shape (L, F, ...) for F functions of the energy."""
        return values[self.points, self.nodes]


def sampled(
    model,
    momentum: MomentumTransfer,
    shell: Shell,
    k=None,
    weight=None,
    *,
    degeneracy: float,
    side=None,
    block: int = BLOCK,
    cluster: int = 48,
    images: bool = True,
    observables: Multiplets | None = None,
    members: MemberTurns | None = None,
    turns: MemberTurns | None = None,
    directions=None,
    heat=None,
) -> Sample:
    """The points of a shell, or these carried to n energies: k (S, n, d), weight (S, n).

    Parameters
    ----------
    side : ndarray of int, shape (S,), optional
        See :class:`Sample`.
    block, cluster : int
        Most states of a set of points, and of a small one.
    images : bool
        Whether the states of the images are wanted, where there is a group.
    observables : Multiplets, optional
    members : MemberTurns, optional
        What the operations of the shell do with the members of groups, which those of the images are then.
    turns : MemberTurns, optional
        What they do with the orbitals: where there are no observables images are then made of the points.
    directions : ndarray, shape (D, d), optional
        Along which shifts are wanted, where these are fewer than the coordinates (:attr:`.Fold.shift_directions`).
    heat : ndarray, shape (S, n), optional
        See :class:`Sample`.
    """
    if k is None:
        k, weight = shell.k[:, None], shell.weight[:, None]
    s, n, d = k.shape
    k = momentum.first_zone(k.reshape(-1, d)).reshape(s, n, d)
    ordering = order_points(k[:, n // 2], shell.sheet, block=max(4, block // n), cluster=max(1, cluster // n))
    order, group = ordering.order, shell.operations if images else None
    near = NearPairs(momentum, k[order].reshape(-1, d), ordering.blocks, n, group)
    band = np.repeat(shell.band[order], n)
    states = shell_states(model, near.k[: s * n], band, degeneracy, observables).along(directions)
    if observables is not None and len(observables):  # of which distributions are matrices within groups
        first = np.repeat(ordering.clusters[:-1], np.diff(ordering.clusters)) * n  # of neighbours, and of the energies
        for reference in (np.repeat(first, n) + n // 2, np.repeat(np.arange(s), n) * n + n // 2):
            states = aligned(states, reference)
    velocity, weight = states.velocity.reshape(s, n, d), weight[order]
    components = None if shell.components is None else shell.components.take(order)
    if components is not None:
        velocity = closed_velocities(weight, velocity, components, shell.operations, model.cell)
    turned = None
    if group is not None and turns is not None and len(group) > 1 and not states.expectation.shape[1]:
        turned = Images(turns, near.k)
        states = turned.states(states)
    elif group is not None and len(group) > 1:
        others = shell_states(model, near.k[s * n :], np.tile(band, len(group) - 1), degeneracy, observables)
        others = others.along(directions)
        others = others if members is None else members.aligned(states, others)
        states = States.joined(states, others)
    side = np.zeros(s, dtype=int) if side is None else side[order]
    currents = None if group is None else (observables or NOTHING).currents(group)
    heat = None if heat is None else heat[order]
    return Sample(states, weight, velocity, near, ordering.clusters, components, side, group, currents, heat, turned)
