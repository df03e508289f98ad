"""First-principles coupling as a source of pairs: one channel for each phonon mode, its kernel a function of energy.

``|V|^2`` and the shift come from :mod:`.vertex`; the coupling is normalised to one cell, and a sum over final
states is an average over the zone, so that both carry the volume of the cell, the area for layers.

Low phonon energies: strength and kernel together grow as |V|^2 kT/omega^2, which stays finite where V ~ q.  Couplings
from files do not vanish exactly for a rigid shift, and of two points that happen to lie much closer than their
neighbours do, the rate would be 1/q^2 of that error.  Such pairs stand for a patch of the shell: below the energy of
sound at a quarter of the spacing of the points the rate is held at what it is there; of layers each mode has its own,
for flexural waves are slow.  The same holds what is left of modes that interpolation takes through zero.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from ...bands.momentum import MomentumTransfer
from ...bands.states import States
from ...wannier.container import SOFT, ElectronPhonon
from ...wannier.planar import in_space
from ..base import Branch, PowerLaw
from ..polar import Patches, averaged_over_patch, mean_speed, transfer_square
from ..sources import Channel, Load, PairSource, mean_over_members
from .cluster import group_vectors
from .factors import Factors, factors_serve
from .sum_rule import RigidShift
from .vertex import MEMORY, TOLERANCE, PairVertices

_MESH = 24  # q points along each axis on which the range of phonon energies is known
_PATCH = 0.25  # of the distance between neighbouring points: shorter q are inside one patch
_ONE_SHELL = 1e-3  # of the phonon energy: states closer in energy are on one shell
_SAME = 1e-12  # 1/angstrom^2
_ACOUSTIC = 1e-4  # of the reciprocal cell: momentum transfers below see acoustic phonons at the end of their branch


class ElectronPhononPairs(PairSource):
    """Pairs of states scattered by the phonons of `data`.

    Parameters
    ----------
    data : ElectronPhonon
    images : {"hermitian", "file"}
    tolerance : float
        Relative rms error of the low-rank form of the vertex; 0: none.
    lowest_phonon_energy : float
        Modes below (eV) have no strength.
    sum_rule : bool
        Impose the acoustic sum rule on the coupling (`sum_rule`).
    """

    expensive = True
    observes = True
    matrices = True

    def __init__(
        self,
        data: ElectronPhonon,
        images: str,
        tolerance: float = TOLERANCE,
        lowest_phonon_energy: float = 0.0,
        sum_rule: bool = False,
    ):
        self.data, self.images, self.tolerance = data, images, tolerance
        self.lowest = lowest_phonon_energy
        self._rigid_shift = RigidShift(data, images) if sum_rule else None
        self.model = data.model
        self.dimension = self.model.dimension
        self._reciprocal = np.asarray(self.model.reciprocal_cell)
        self._momentum = MomentumTransfer(self._reciprocal, self.dimension)
        self.branches = (Branch(coupling=np.ones_like, phonon_energy=PowerLaw(1.0, 1)),)
        self.channels = data.phonons.n_modes
        self.seconds_per_pair = 1.2e-7 * self.channels  # measured on iron, three modes
        self.volume = float(abs(np.linalg.det(np.asarray(self.model.cell))))
        self._factors: list[Factors] = []  # shared by all that are made of this one

    def prepare(self, states, *, single=False):
        """As in the base class. Amplitudes are single precision in any case, far below the error of the low rank."""
        self._vertices = self._vertices_of(states)
        self._set_patch(states)

    def load(self, states):
        """As in the base class, patterns that blocks have in common left out."""
        vertices = self._vertices_of(states, memory=0)
        cost = vertices.cost(pairs=0)
        return Load(cost.bytes / max(len(states), 1), cost.flops_per_pair, MEMORY, vertices.work_bytes)

    def exact(self) -> ElectronPhononPairs:
        """Without the low-rank form of the vertex."""
        return ElectronPhononPairs(self.data, self.images, 0.0, self.lowest, self._rigid_shift is not None)

    def crossed(self, initial, final, *, single=False, known=None) -> CrossedElectronPhononPairs:
        """Pairs between two sets of states."""
        end = known or self.prepared(final)
        factors = end._vertices.factors
        if not factors_serve(factors, group_vectors(initial, self.model.site_positions)):
            factors = self._vertices_of(States.joined(initial, final), memory=0).factors  # of each, not of both
            end = self._with(final, factors)
        return CrossedElectronPhononPairs(self._with(initial, factors), end)

    def _with(self, states, factors: Factors) -> ElectronPhononPairs:
        """A copy for these states with a given low-rank form."""
        other = copy(self)
        other._vertices = self._made(states, factors)
        other._set_patch(states)
        return other

    def _set_patch(self, states) -> None:
        """Size of a patch of the shell (1/angstrom), energy of sound there (eV), and whether there is but one shell."""
        self._shortest = _PATCH * _spacing(states.k)
        self._softest = np.full(self.channels, self._sound[0] * self._shortest)  # of each mode
        if self.dimension == 2 and self._shortest > 0:  # flexural waves are much slower than sound
            self._softest[:3] = np.median(self._acoustic(self._shortest), axis=0)
        optical = np.abs(self._sampled[1][:, 3:])
        self._one_shell = bool(optical.size and np.ptp(states.energy) < _ONE_SHELL * optical.min())

    def _vertices_of(self, states, memory: float = MEMORY) -> PairVertices:
        vectors = group_vectors(states, self.model.site_positions)
        known = next((f for f in self._factors if factors_serve(f, vectors)), None)
        vertices = self._made(states, known, memory)
        if known is None:
            self._factors.append(vertices.factors)
        return vertices

    def _made(self, states, factors: Factors | None, memory: float = MEMORY) -> PairVertices:
        return PairVertices(
            self.data,
            states,
            images=self.images,
            memory=memory,
            factors=factors,
            tolerance=self.tolerance,
            rigid_shift=self._rigid_shift,
        )

    def evaluate(self, rows, columns, z_cut):
        patches = None if self.patches is None else (self.patches[rows], self.patches[columns])
        found = self._channels(self._vertices, rows, columns, z_cut, self._softest, patches=patches)
        if self.images == "hermitian" or rows != columns:
            return found
        # the images of a file give |g| from k to k' and back that differ; blocks off the diagonal take one of the two
        return [
            replace(c, strength=0.5 * (c.strength + c.strength.T), shift=0.5 * (c.shift - c.shift.swapaxes(1, 2)))
            for c in found
        ]

    def group_matrices(self, rows, columns, z_cut):
        patches = None if self.patches is None else (self.patches[rows], self.patches[columns])
        found = self._channels(self._vertices, rows, columns, z_cut, self._softest, patches=patches, matrices=True)
        if self.images == "hermitian" or rows != columns:
            return found
        # as in `evaluate`; of the way back the second half of the shift
        alike = []
        for c in found:
            back = c.shift[::-1].swapaxes(-1, -2)
            strength = 0.5 * (c.strength + c.strength.transpose(1, 0, 3, 2))
            alike.append(replace(c, strength=strength, shift=0.5 * (c.shift + back)))
        return alike

    def _channels(
        self, vertices, rows, columns, z_cut, softest, *, patches=None, ends=None, matrices=False
    ) -> list[Channel]:
        strength, shift, omega = vertices.block(rows, columns, other=ends, matrices=matrices)
        initial, final = vertices.states[rows], (ends or vertices).states[columns]
        if self.dimension == 3 and self.data.long_range is not None and vertices.phonons.phonons.n_modes > 3:
            self._smooth(strength, shift, omega, initial, final, patches)
        if self.lowest > 0:
            for s, r, energy in zip(strength, shift, omega, strict=True):
                s[..., energy < self.lowest] = 0
                r[..., energy < self.lowest] = 0
        mean = None if matrices else mean_over_members(initial, final)
        factor = np.float32(self.volume) if mean is None else self.volume * mean.astype(np.float32)
        found = []
        for s, r, z, soft in zip(strength, shift, np.abs(omega), softest, strict=True):
            nearest = z.min()
            if nearest > z_cut:
                continue
            f = factor
            if nearest < soft:  # strength / energy as it is at `soft`, if V does not vanish
                f = f * np.minimum(z * np.float32(1 / soft), 1) ** 2
            found.append(Channel(s * f, r * f, z))
        return found

    def _smooth(self, strength, shift, omega, initial, final, patches) -> None:
        """1/q^2 of optical modes at the momentum transfer that energy conservation asks for (`kinetics.polar`).

        On one shell, in the quasi-elastic theory, that is |q|, as for model scatterers: only held within a patch.
        """
        images = self._momentum.nearby_images(initial.k, final.k, np.inf)
        square = self._momentum.lengths(initial.k, final.k, images).astype(float) ** 2
        if self._one_shell:
            held = np.minimum(square / max(self._shortest, 1e-12) ** 2, 1.0)
            strength[3:] *= held
            shift[3:] *= held
            return
        speed, final_speed = (np.linalg.norm(s.velocity, axis=1) for s in (initial, final))
        first, second = (None, None) if patches is None else patches
        speed = mean_speed(initial.energy, final.energy, speed, final_speed, first, second)
        i, j, beside = _one_place(square, second)
        for mode in range(3, len(omega)):
            s, w = strength[mode], omega[mode]
            w[i, j] = w[i, beside]
            phonon = np.abs(w).astype(float)
            wanted = transfer_square(square, initial.energy, final.energy, speed, phonon)
            wanted = averaged_over_patch(wanted, first, second, 3)
            times_square = s * square
            times_square[..., i, j] = times_square[..., i, beside]
            factor = square / wanted
            s[...] = times_square / wanted
            shift[mode] *= factor

    def warnings(self) -> list[str]:
        """Imaginary modes, which have no strength, in a sentence."""
        energy = self._sampled[1]
        lost = energy < -SOFT
        if not lost.any():
            return []
        return [
            f"{self.data.source}: {100 * lost.mean():.2g} % of the phonon modes are imaginary (beyond {1e3 * SOFT:.2g} "
            f"meV, down to {1e3 * energy.min():.3g} meV) and were given no strength"
        ]

    @cached_property
    def _sampled(self) -> tuple[np.ndarray, np.ndarray]:
        """|q| in the first zone and all phonon energies (negative: imaginary) on a mesh: (Q,), (Q, modes)."""
        axes = (np.arange(_MESH) + 0.5) / _MESH - 0.5
        crystal = np.stack(np.meshgrid(*[axes] * self.dimension, indexing="ij"), axis=-1).reshape(-1, self.dimension)
        q = crystal @ self._reciprocal
        folded = self._momentum.first_zone(q)
        return np.linalg.norm(folded, axis=1), self.data.phonons.solve(in_space(q))[0]

    def z_max(self, q_max):
        """Largest phonon energy; for q next to zero, where this limits the kernel from below, the acoustic one."""
        if q_max < _ACOUSTIC * np.linalg.norm(self._reciprocal, axis=1).min():
            return self._sound[1] * q_max
        return 1.05 * float(np.abs(self._sampled[1]).max())

    def threshold(self):
        if self.data.phonons.n_modes <= 3:
            return None
        q = _ACOUSTIC * np.linalg.norm(self._reciprocal, axis=1).min() * np.eye(self.dimension)
        return 1.001 * max(float(self._sampled[1].max()), float(self.data.phonons.solve(in_space(q))[0].max()))

    def q_cut(self, z_cut):
        length, energy = self._sampled
        open_ = np.abs(energy).min(axis=1) <= z_cut
        step = np.linalg.norm(self._reciprocal, axis=1).max() / _MESH
        return float(length[open_].max() + step) if open_.any() else step

    def sound_velocity(self) -> float:
        """Fastest acoustic ``hbar c`` near q = 0, eV angstrom."""
        return self._sound[1]

    @cached_property
    def _sound(self) -> tuple[float, float]:
        q = 0.02 * np.linalg.norm(self._reciprocal, axis=1).min()
        low = self._acoustic(q) / q
        return float(np.median(low)), float(low.max())

    def _acoustic(self, q: float) -> np.ndarray:
        """Energies of the acoustic modes at wave vectors of length q in some directions: (directions, 3), eV."""
        d, axes = self.dimension, np.eye(self.dimension)
        directions = np.concatenate([axes, np.ones((1, d)) / d**0.5, 0.6 * np.roll(axes, -1, axis=0) + 0.8 * axes])
        return np.sort(np.abs(self.data.phonons.solve(in_space(q * directions))[0]), axis=1)[:, :3]


def _one_place(square, patches: Patches | None):
    """Pairs (i, j) of one k, and for each a column of the same point on another shell; none without patches."""
    if patches is None or len(patches.point) < 2:
        return (np.empty(0, dtype=int),) * 3
    i, j = np.nonzero(square < _SAME)
    last = len(patches.point) - 1
    above, below = np.minimum(j + 1, last), np.maximum(j - 1, 0)
    beside = np.where((patches.point[above] == patches.point[j]) & (above != j), above, below)
    known = (patches.point[beside] == patches.point[j]) & (beside != j)
    return i[known], j[known], beside[known]


class CrossedElectronPhononPairs:
    """Pairs between two sets of states; see :meth:`ElectronPhononPairs.crossed`."""

    def __init__(self, initial: ElectronPhononPairs, final: ElectronPhononPairs):
        self._initial, self._final = initial, final

    def evaluate(self, rows: slice, columns: slice, z_cut: float) -> list[Channel]:
        """Channels of the pairs of `rows` of the initial and `columns` of the final states."""
        start, end = self._initial, self._final
        return start._channels(start._vertices, rows, columns, z_cut, end._softest, ends=end._vertices)


def _spacing(k) -> float:
    """Typical distance to the nearest other point, 1/angstrom; points in one place are one."""
    distance = cKDTree(k).query(k, k=min(len(k), 3))[0].reshape(len(k), -1)[:, 1:]
    apart = distance[distance > 1e-9]
    return float(np.median(apart)) if len(apart) else 0.0
