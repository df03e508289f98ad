"""Eigenstates at given (k, band) with what the kinetics needs: velocity and covariant derivative vectors.

A state is a group of (near-)degenerate bands; `vectors` holds its members as columns, padded with zeros up to
the largest group, so that every pair quantity is a trace over the members (invariant under their rotation).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ..threads import by_threads
from .eigen import eigensystem, eigenvalues


@dataclass(frozen=True)
class States:
    """S states in d dimensions, N orbitals, at most m bands in a group.

    Attributes
    ----------
    k : (S, d)          wave vectors, 1/angstrom
    energy : (S,)       mean energy of the group, eV
    velocity : (S, d)   mean ``hbar v`` of the group, eV angstrom
    vectors : (S, m, N) eigenvectors u (rows), zero rows as padding
    covariant : (S, d, m, N)   covariant derivatives D_a u, angstrom (theory, section 2)
    interband : (S,)    norm over a of the interband part of D_a u, angstrom: how fast the state turns with k
    multiplicity : (S,) number of bands in the group
    expectation : (S, c)   ``<u|O|u>``, mean of the group, of c observables (:mod:`.observables`)

    carried : (S, c, d, m, N) or None   ``X_a u`` of the observables that are flows (:meth:`.Observable.carried`)
    drift : (S, c, m, N) or None        ``sum_a A_a X_a u`` with the position matrix A of the orbitals

    directions : (D, d) or None         orthonormal; `covariant` is (S, D, m, N), along these alone

    Where there are observables `covariant` has c rows more, ``sum_j u_j <u_j|O|u> / (e - e_j)`` over the other bands:
    what D_a u is for the velocity.
    """

    k: Any
    energy: Any
    velocity: Any
    vectors: Any
    covariant: Any
    interband: Any
    multiplicity: Any
    expectation: Any
    carried: Any = None
    drift: Any = None
    directions: Any = None

    def __len__(self) -> int:
        return self.k.shape[0]

    def __getitem__(self, index) -> States:
        """The states at `index` (a slice or an array of integers)."""
        columns = {name: None if x is None else x[index] for name, x in vars(self).items() if name != "directions"}
        return type(self)(**columns, directions=self.directions)

    @staticmethod
    def joined(*parts: States) -> States:
        """Several sets one after the other, groups padded to the largest."""
        members = max(p.vectors.shape[1] for p in parts)

        def column(name):
            arrays = [getattr(p, name) for p in parts]
            if arrays[0] is None or name == "directions":
                return arrays[0]
            if name in ("vectors", "covariant", "carried", "drift"):
                arrays = [np.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, members - x.shape[-2]), (0, 0)]) for x in arrays]
            return np.concatenate(arrays)

        return States(**{name: column(name) for name in vars(parts[0])})

    def along(self, directions) -> States:
        """The same with derivatives along some directions (D, d), orthonormal rows, in place of the coordinates;
        without observables.  None: as they are."""
        if directions is None:
            return self
        derived = np.tensordot(self.covariant, directions, axes=(1, 1))
        return replace(self, covariant=np.ascontiguousarray(np.moveaxis(derived, -1, 1)), directions=directions)

    def derivatives(self, slopes):
        """Derivatives by the d coordinates, (S, d, ...), as those along :attr:`directions`, (S, D, ...)."""
        if self.directions is None:
            return slopes
        return np.moveaxis(np.tensordot(slopes, self.directions, axes=(1, 1)), -1, 1)


def solve_states(model, k, band, *, degeneracy: float = 1e-6, observables=None) -> States:
    """Diagonalise `model` at `k` and keep the group that contains `band` at each point.

    Parameters
    ----------
    k : array, shape (S, d)
        Wave vectors, 1/angstrom.
    band : array of int, shape (S,)
        Band index in ascending energy.
    degeneracy : float
        Bands chained by gaps below this (eV) form one group.
    observables : optional
        ``observables.matrices(model, k)`` gives operators, shape (S, c, N, N), and ``observables.carried(model, k)``
        what moves with them, (S, c, d, N, N) or None.
    """
    xp = array_namespace(k)
    energies, u = xp.linalg.eigh(model.hamiltonian(k))
    group = _group_mask(xp, energies, band, degeneracy)  # (S, N) bool
    weight = xp.astype(group, energies.dtype)
    multiplicity = xp.sum(weight, axis=1)
    m = int(xp.max(multiplicity))
    # members first: sort by membership, stable in band order
    order = xp.argsort(xp.astype(~group, xp.int64), axis=1, stable=True)[:, :m]
    chosen = xp.take_along_axis(group, order, axis=1)  # (S, m)
    columns = xp.take_along_axis(u, order[:, None, :], axis=2)  # (S, N, m)
    columns = columns * xp.astype(chosen, columns.dtype)[:, None, :]
    energy = xp.sum(energies * weight, axis=1) / multiplicity

    gradient = model.hamiltonian_gradient(k)  # (S, d, N, N)
    left = xp.conj(xp.matrix_transpose(u))[:, None]  # (S, 1, N, N): rows are bras
    elements = xp.matmul(left, xp.matmul(gradient, columns[:, None]))  # (S, d, N, m) = <m|dH|n>
    velocity = xp.real(xp.sum(xp.conj(columns)[:, None] * xp.matmul(gradient, columns[:, None]), axis=(2, 3)))
    velocity = velocity / multiplicity[:, None]

    gap = energy[:, None] - energies
    inverse = xp.where(group, xp.zeros_like(gap), 1.0 / xp.where(group, xp.ones_like(gap), gap))
    coefficients = elements * xp.astype(inverse, elements.dtype)[:, None, :, None]
    covariant = xp.matmul(u[:, None], coefficients)  # (S, d, N, m)
    interband = xp.sqrt(xp.sum(xp.abs(covariant) ** 2, axis=(1, 2, 3)) / multiplicity)
    position = model.position_matrix(k)
    if position is not None:
        bras = xp.conj(xp.matrix_transpose(columns))[:, None]
        diagonal = xp.matmul(bras, xp.matmul(position, columns[:, None]))  # (S, d, m, m)
        covariant = covariant + 1j * xp.matmul(columns[:, None], diagonal)
    expectation = xp.zeros((k.shape[0], 0), dtype=energies.dtype)
    carried = drift = None
    if observables is not None and len(observables):
        turned = xp.matmul(observables.matrices(model, k), columns[:, None])
        expectation = xp.real(xp.sum(xp.conj(columns)[:, None] * turned, axis=(2, 3))) / multiplicity[:, None]
        others = xp.matmul(left, turned) * xp.astype(inverse, elements.dtype)[:, None, :, None]
        covariant = xp.concat([covariant, xp.matmul(u[:, None], others)], axis=1)
        moved = observables.carried(model, k)
        if moved is not None:
            carried = xp.matmul(moved, columns[:, None, None])  # (S, c, d, N, m)
            drift = xp.zeros_like(carried[:, :, 0])
            if position is not None:
                drift = xp.sum(xp.matmul(position[:, None], carried), axis=2)
            carried, drift = xp.matrix_transpose(carried), xp.matrix_transpose(drift)
    return States(
        k=k,
        energy=energy,
        velocity=velocity,
        vectors=xp.matrix_transpose(columns),
        covariant=xp.matrix_transpose(covariant),
        interband=interband,
        multiplicity=xp.astype(multiplicity, xp.int64),
        expectation=expectation,
        carried=carried,
        drift=drift,
    )


def aligned(states: States, reference) -> States:
    """The same with members of groups that are as like those of other states, `reference` (S,), as can be.

    Matrices within groups then vary smoothly where the states do: numbers at several energies are a function of the
    energy, and those of neighbours may be averaged.  Groups of other sizes are left as they are.
    """
    return turned_towards(states, states.vectors[reference], states.multiplicity == states.multiplicity[reference])


def turned_towards(states: States, vectors, which=None) -> States:
    """The same with members of groups that are as like `vectors` (S, m, N) as can be; of `which` (S,) alone, if
    given."""
    count, members, _ = states.vectors.shape
    if members == 1:
        return states
    left, _, right = np.linalg.svd(vectors.conj() @ states.vectors.swapaxes(1, 2))
    turn = (left @ right).conj()
    if which is not None:
        turn[~which] = np.eye(members)

    def turned(rows):
        return None if rows is None else turn.reshape(count, *(1,) * (rows.ndim - 3), members, members) @ rows

    names = ("vectors", "covariant", "carried", "drift")
    return replace(states, **{name: turned(getattr(states, name)) for name in names})


def _group_mask(xp, energies, band, degeneracy):
    """True for the bands connected to `band` by gaps below `degeneracy`, shape (S, N)."""
    close = xp.astype(energies[:, 1:] - energies[:, :-1] > degeneracy, xp.int64)
    label = (
        xp.concat([xp.zeros_like(close[:, :1]), xp.cumulative_sum(close, axis=1)], axis=1)
        if close.shape[1]
        else xp.zeros(energies.shape, dtype=xp.int64)
    )
    own = xp.take_along_axis(label, xp.asarray(band)[:, None], axis=1)
    return label == own


def band_energies(model, k, *, chunk: int = 4096) -> np.ndarray:
    """Energies of all bands, shape (nk, N), eV, in chunks of k."""
    return np.concatenate([eigenvalues(model.hamiltonian(k[i : i + chunk])) for i in range(0, len(k), chunk)])


def energies_and_velocities(model, k, band):
    """Energy (eV) and ``hbar v`` (eV angstrom) of single bands: shapes (S,), (S, d)."""
    xp = array_namespace(k)
    energies, u = eigensystem(model.hamiltonian(k))
    index = xp.asarray(band)
    energy = xp.take_along_axis(energies, index[:, None], axis=1)[:, 0]
    column = xp.take_along_axis(u, index[:, None, None], axis=2)  # (S, N, 1)
    product = xp.matmul(model.hamiltonian_gradient(k), column[:, None])  # (S, d, N, 1)
    velocity = xp.real(xp.sum(xp.conj(column)[:, None] * product, axis=(2, 3)))
    return energy, velocity


def group_range(energies, band, degeneracy: float):
    """First and last band of the group of `band` (S,) in `energies` (S, N): two (S,) arrays."""
    group = _group_mask(np, np.asarray(energies), np.asarray(band), degeneracy)
    return group.argmax(axis=1), group.shape[1] - 1 - group[:, ::-1].argmax(axis=1)


def mean_energies_and_velocities(model, k, first, last):
    """Energy (eV) and ``hbar v`` (eV angstrom), mean over the bands `first` to `last` (S,): shapes (S,), (S, d)."""
    if np.array_equal(first, last):
        return energies_and_velocities(model, k, first)
    energies, u = np.linalg.eigh(model.hamiltonian(k))
    bands = np.arange(energies.shape[1])
    share = ((bands >= first[:, None]) & (bands <= last[:, None])) / (last - first + 1)[:, None]
    product = np.matmul(model.hamiltonian_gradient(k), u[:, None])  # (S, d, N, N)
    velocity = np.real(np.sum(np.conj(u)[:, None] * product, axis=2))
    return (energies * share).sum(axis=1), (velocity * share[:, None]).sum(axis=2)


def shell_states(model, k, band, degeneracy, observables=None, chunk: int = 512) -> States:
    """States at k (S, d) of the groups that contain `band` (S,), solved in pieces by all threads."""

    def piece(start):
        part = slice(start, start + chunk)
        return solve_states(model, k[part], band[part], degeneracy=degeneracy, observables=observables)

    return States.joined(*by_threads(piece, range(0, len(k), chunk)))
