"""Bands and position matrix of a Wannier model in the symmetric gauge, averaged over the group.

In the gauge W the position matrix is ``W^+ (r + i d/dk) W``, the derivative that of the Fourier series of W.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..bands.base import with_spin_degeneracy
from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..groups.magnetic_group import Operation, words
from ..groups.mean_square import root_mean_square
from ..groups.representation import Orbitals
from ..wannier.images import mesh_class, minimal_images
from ..wannier.mesh_transform import TIE, on_mesh, to_vectors
from ..wannier.position import centres_of, position_elements
from .crystal import SymmetricCrystal
from .gauge import MeshAction, averaged, band_groups, composed, mesh_actions, sewing, sound_bands, symmetric_gauge

NEAR = 1.0
"""eV: states this close to the Fermi energy are those whose change is reported."""

_OFF_SITE = 1.0  # angstrom: centres farther from their site than this say nothing
_FIT = 0.8  # mean square overlap with the orbitals' representation below which projections are wrong


class SymmetricElectrons:
    """A model on its coarse mesh, in its own gauge and in the symmetric one.

    Parameters
    ----------
    model : LatticeModel
    crystal : SymmetricCrystal
    mesh : sequence of 3 int
        Coarse k mesh.
    energy : float or None
        Fermi energy, eV; changes are reported for the states near it.
    probes : callable, optional
        ``probes(action, states)`` as `gauge.sewing` takes them: what else the operations must map.
    centres : array, shape (N, 3), optional
        Wannier centres for a model without position matrix, angstrom.

    Attributes
    ----------
    actions : list of MeshAction
    energies, states : ndarray, shape (N_k, N), (N_k, N, N)
        On the mesh, in the gauge of the model.
    near : ndarray of bool, shape (N_k, N)
        Bands within 1 eV of `energy`; all where there are none.
    gauge : ndarray, shape (N_k, N, N)
        W, by which the Bloch sums change.
    report : dict

    Raises
    ------
    InputError
        If the Wannier functions do not transform like the orbitals.
    """

    def __init__(
        self,
        model: LatticeModel,
        crystal: SymmetricCrystal,
        mesh,
        energy: float | None,
        probes: Callable | None = None,
        centres=None,
    ):
        self.model, self.crystal, self.mesh = model, crystal, mesh
        self.report: dict = {}
        self.actions: list[MeshAction] = mesh_actions(crystal.orbitals, crystal.operations, mesh)
        self.hamiltonian = _hermitian(on_mesh(model.vectors, model.hoppings, mesh))
        self.energies, self.states = np.linalg.eigh(self.hamiltonian)
        self.near = np.ones(self.energies.shape, dtype=bool)
        if energy is not None and np.any(np.abs(self.energies - energy) < NEAR):
            self.near = np.abs(self.energies - energy) < NEAR
        self.gauge = self._find_gauge(probes)
        known = centres_of(model)
        self.centres = self._image_centres(centres if known is None else known)

    def _find_gauge(self, probes) -> np.ndarray:
        mean = averaged(self.actions, self.hamiltonian)
        self.report["orbital_asymmetry_rms_eV"] = self._per_function(mean - self.hamiltonian)
        groups = band_groups(self.energies, self.actions)
        sound = sound_bands(self.energies, self.actions)
        fits, made = {}, {}
        for n, pair in words([a.operation for a in self.actions]):
            if pair is None:
                action = self.actions[n]
                compared = [] if probes is None else probes(action, self.states)
                matrix, strength = sewing(action, self.states, groups, compared, sound)
                made[n], fits[n] = (matrix, action.matrices), float(np.mean(strength**2))
        worst = min(fits, key=lambda n: fits[n])
        if fits[worst] < _FIT:
            raise InputError(
                f"projections: under {self.actions[worst].operation.name} the Wannier functions do not transform like "
                f"these orbitals (overlap {fits[worst]:.2f}); give the projections of the Wannier90 run, in its order, "
                "and the spin_ordering; functions that carry phases of their own cannot be used"
            )
        gauge, overlap = symmetric_gauge(self.actions, composed(self.actions, made))
        self.report |= {"orbital_overlap": fits[worst], "gauge_overlap": overlap}
        return gauge

    def _image_centres(self, centres) -> np.ndarray:
        """Points (N, 3) between which images are nearest: Wannier centres or their sites, as the model has it."""
        sites = self.crystal.orbitals.positions
        self.report["images_nearest"] = "sites"
        mean = None if centres is None else symmetric_centres(centres, self.crystal.orbitals, self.crystal.operations)
        if mean is None:
            return sites
        k = np.random.default_rng(0).random((40, 3))
        wanted = _at(k, self.model.vectors, self.model.hoppings)
        apart = [
            root_mean_square(_at(k, *to_vectors(self.hamiltonian, self.mesh, self.crystal.cell, points)) - wanted)
            for points in (sites, mean)
        ]
        if apart[0] <= apart[1]:
            return sites
        self.report["images_nearest"] = "centres"
        return mean

    def averaged(self) -> LatticeModel:
        """The model with exact symmetry."""
        left, positions = _dagger(self.gauge), self.crystal.orbitals.positions
        plain = left @ self.hamiltonian @ self.gauge
        hamiltonian = _hermitian(averaged(self.actions, plain))
        change = (np.linalg.eigvalsh(hamiltonian) - self.energies)[self.near]
        self.report["energy_change_rms_eV"] = root_mean_square(change)
        self.report["energy_change_largest_eV"] = float(np.abs(change).max())
        self.report["hamiltonian_change_rms_eV"] = self._per_function(hamiltonian - plain)
        vectors, hoppings = self._series(hamiltonian)
        elements = self._positions()
        if elements is not None:
            _, elements = self._series(elements)
            home = np.flatnonzero(~vectors.any(axis=1))[0]
            diagonal = np.arange(len(positions))
            elements[home][:, diagonal, diagonal] += positions.T
        model = LatticeModel(self.crystal.cell, vectors, hoppings, elements, positions, self.model.spin)
        return with_spin_degeneracy(model, self.model.spin_degeneracy)

    def _positions(self) -> np.ndarray | None:
        """Position matrix in the symmetric gauge less tau, averaged: (N_k, 3, N, N)."""
        elements = position_elements(self.model)
        if elements is None:
            return None
        positions, w = self.crystal.orbitals.positions, self.gauge[:, None]
        old = on_mesh(self.model.vectors, elements, self.mesh)
        diagonal = np.arange(len(positions))
        old[:, :, diagonal, diagonal] -= positions.T
        # i dW/dk together with tau W - W tau
        vectors, series = self._series(self.gauge)
        between = (positions[None] - positions[:, None]).transpose(2, 0, 1)
        distance = (vectors @ self.crystal.cell)[:, :, None, None] + between
        derivative = on_mesh(vectors, distance * series[:, None], self.mesh)
        new = _hermitian(_dagger(w) @ (old @ w - derivative))
        mean = np.zeros_like(new)
        for action in self.actions:
            mean += np.einsum("ba,kamn->kbmn", action.operation.cartesian, action.apply(new)) / len(self.actions)
        self.report["position_change_rms_angstrom"] = self._per_function(mean - new)
        return _hermitian(mean)

    def _series(self, values):
        return to_vectors(values, self.mesh, self.crystal.cell, self.centres)

    @staticmethod
    def _per_function(matrices) -> float:
        """Root mean square over k of the Frobenius norm over the root of the number of functions."""
        return root_mean_square(np.linalg.norm(matrices, axis=(-2, -1))) / float(np.sqrt(matrices.shape[-1]))


def infer_mesh(model: LatticeModel) -> tuple[int, int, int]:
    """The coarse mesh of a model, from the lattice vectors of its diagonal elements.

    They fill a Wigner-Seitz cell of the supercell, and are equal at vectors that the supercell makes equivalent: that
    tells meshes with the same cell apart (4 and 5 points along the edges of a cube).

    Raises
    ------
    InputError
        If no mesh fits.
    """
    cell = np.asarray(model.cell)
    known = {tuple(r): i for i, r in enumerate(model.vectors.tolist())}
    diagonal = np.einsum("rnn->rn", model.hoppings)
    size = np.abs(diagonal).max(axis=1)
    noise = 1e-7 * size.max() + 2e-6  # _hr.dat has six digits after the point
    needed = {r for r, i in known.items() if size[i] > noise}
    reach = np.abs(model.vectors[size > noise]).max(axis=0)
    fits = []
    for index in np.ndindex(*(2 * reach + 2)):
        mesh = (index[0] + 1, index[1] + 1, index[2] + 1)
        if np.prod(mesh) > len(known):
            continue
        vectors = minimal_images(cell, mesh, np.zeros(3), tolerance=TIE)[0]
        cells = {tuple(r) for r in vectors.tolist()}
        if needed <= cells <= set(known):
            values = diagonal[[known[tuple(r)] for r in vectors.tolist()]]
            classes = mesh_class(vectors, mesh)
            first = np.unique(classes, return_index=True)[1]
            same = values[first][np.searchsorted(classes[first], classes)]
            if np.abs(values - same).max() < noise:
                fits.append((int(np.prod(mesh)), mesh))
    if not fits:
        raise InputError("symmetrize: no coarse mesh has the lattice vectors of this model; give k_mesh")
    return min(fits)[1]


def symmetric_centres(centres, orbitals: Orbitals, operations: list[Operation]) -> np.ndarray | None:
    """Wannier centres averaged over the group (N, 3), where every operation maps them onto each other; else None.

    It does for hybrids, which are permuted; functions that mix (p, d) have one centre, or belong on their site.
    """
    offset = np.asarray(centres, dtype=float) - orbitals.positions
    if np.linalg.norm(offset, axis=1).max() > _OFF_SITE:
        return None
    shares = [np.abs(orbitals.matrix(o)) ** 2 for o in operations]
    mean = np.sum([d @ offset @ o.cartesian.T for d, o in zip(shares, operations, strict=True)], axis=0)
    mean = mean / len(operations)
    for d, o in zip(shares, operations, strict=True):
        apart = np.linalg.norm(mean[:, None] - mean @ o.cartesian.T, axis=-1)
        if apart[d > 1e-9].max() > 1e-6:
            return None
    return mean + orbitals.positions


def _at(k, vectors, values):
    return np.tensordot(np.exp(2j * np.pi * k @ vectors.T), values, axes=1)


def _dagger(x):
    return np.conj(np.swapaxes(x, -1, -2))


def _hermitian(x):
    return 0.5 * (x + _dagger(x))
