"""Lattice models from H(R) and the position matrix r(R): Wannier functions and tight binding.

    H_mn(k) = sum_R exp(i k.(R + tau_n - tau_m)) H_mn(R)

the atomic gauge, where a slowly varying scalar potential is a number times the identity.  What the sites tau leave
of the position matrix, ``r_mn(R) - tau_m delta_mn delta_R0``, is A(k).
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from ..rules import array_of
from .base import ElectronModel, with_spin_degeneracy


class LatticeModel(ElectronModel):
    """A crystal given by its real-space matrices, weights folded in.

    Parameters
    ----------
    cell : array, shape (d, d)
        Lattice vectors as rows, angstrom.
    vectors : array of int, shape (nR, d)
        R in units of the cell, all different.
    hoppings : array, shape (nR, N, N)
        ``H_mn(R) = <m 0|H|n R>``, eV.
    positions : array, shape (nR, d, N, N), optional
        ``<m 0|r|n R>``, angstrom.
    sites : array, shape (N, d), optional
        tau, angstrom; zero when not given.
    spin : array, shape (3, N, N), optional
        Pauli matrices in the orbital basis.

    Raises
    ------
    InputError
        If shapes disagree or H(R) is not Hermitian.
    """

    warnings: tuple[str, ...] = ()
    """What the file that the model was read from leaves in doubt, a sentence each."""

    order: str = ""
    """How the rows of that file are ordered, in words."""

    spin_models: tuple[LatticeModel, ...] | None = None
    """Series of the Pauli matrices of the spin, where it is not constant between the orbitals."""

    def __init__(self, cell, vectors, hoppings, positions=None, sites=None, spin=None):
        self.cell = array_of("lattice model: cell", cell)
        self.dimension = d = self.cell.shape[0]
        self.vectors = np.asarray(vectors, dtype=int)
        self.hoppings = array_of("lattice model: hoppings", hoppings, kind=complex)
        n_r, n = self.hoppings.shape[:2]
        if self.cell.shape != (d, d) or self.vectors.shape != (n_r, d) or self.hoppings.shape != (n_r, n, n):
            raise InputError(
                f"lattice model: cell {self.cell.shape}, vectors {self.vectors.shape} and hoppings "
                f"{self.hoppings.shape} do not fit together; expected (d, d), (nR, d), (nR, N, N)"
            )
        self.n_orbitals = n
        self._sites = np.zeros((n, d)) if sites is None else array_of("lattice model: sites", sites)
        self.spin = None if spin is None else array_of("lattice model: spin", spin, kind=complex)
        for name, array, shape in (("sites", self._sites, (n, d)), ("spin", self.spin, (3, n, n))):
            if array is not None and array.shape != shape:
                raise InputError(f"lattice model: {name} has shape {array.shape}; expected {shape}")
        self.hermiticity_violation = self._hermiticity_violation()
        if self.hermiticity_violation > 1e-3:
            raise InputError(
                f"hoppings: H(R) differs from H(-R)^+ by {self.hermiticity_violation:.2g} eV; give both R and -R"
            )
        self._translation = self.vectors @ self.cell
        # R + tau_n - tau_m, shape (nR, d, N, N)
        between = self._sites.T[:, None, :] - self._sites.T[:, :, None]
        self._distance = self._translation[:, :, None, None] + between[None]
        self._uniform = not np.any(between)
        self._positions = None if positions is None else array_of("lattice model: positions", positions, kind=complex)
        self.residual_positions = None
        if self._positions is not None:
            if self._positions.shape != (n_r, d, n, n):
                raise InputError(
                    f"lattice model: positions has shape {self._positions.shape}; expected {(n_r, d, n, n)}"
                )
            self.residual_positions = self._positions.copy()
            for axis in range(d):
                self.residual_positions[self._home, axis] -= np.diag(self._sites[:, axis])

    @property
    def site_positions(self) -> np.ndarray:
        return self._sites

    @property
    def _home(self) -> int:
        found = np.flatnonzero(~self.vectors.any(axis=1))
        if len(found) != 1:
            raise InputError(f"lattice model: R = 0 is listed {len(found)} times; list it once")
        return int(found[0])

    def with_onsite(self, matrix) -> LatticeModel:
        """The same model with `matrix` (N, N), eV, added to H: to H(R = 0), between sites to hops to nearest images."""
        added = self.lattice_operator(matrix)
        index = {tuple(r): i for i, r in enumerate(self.vectors)}
        new = [r for r in added.cells if tuple(r) not in index]
        vectors = np.concatenate([self.vectors, np.array(new, dtype=int).reshape(-1, self.dimension)])
        index |= {tuple(r): i for i, r in enumerate(vectors)}
        none = [(0, len(new))]
        hoppings = np.pad(self.hoppings, none + [(0, 0)] * 2)
        hoppings[[index[tuple(r)] for r in added.cells]] += added.home
        positions = None if self._positions is None else np.pad(self._positions, none + [(0, 0)] * 3)
        other = LatticeModel(self.cell, vectors, hoppings, positions, self._sites, self.spin)
        other.spin_models, other.exchange_field = self.spin_models, self.exchange_field
        return with_spin_degeneracy(other, self.spin_degeneracy)

    def _hermiticity_violation(self) -> float:
        index = {tuple(r): i for i, r in enumerate(self.vectors)}
        partner = np.array([index.get(tuple(-r), -1) for r in self.vectors])
        mirrored = np.where((partner >= 0)[:, None, None], self.hoppings[partner], 0).conj().transpose(0, 2, 1)
        return float(np.abs(self.hoppings - mirrored).max())

    @cached_property
    def _halves(self):
        """One R of each pair R, -R (n,), and the partner of each (n,), its own where -R is not listed."""
        index = {tuple(r): i for i, r in enumerate(self.vectors)}
        partner = np.array([index.get(tuple(-r), i) for i, r in enumerate(self.vectors)])
        first = np.flatnonzero(np.arange(len(partner)) <= partner)
        return first, partner[first]

    def _half_sum(self, stack):
        """``X(R)``, shape (n, C * N * N), such that the Hermitian part of ``sum_R exp(ik.R) stack(R)`` is
        ``sum_n exp(ik.R) X(R)`` and its adjoint."""
        first, partner = self._halves
        half = 0.5 * stack[first]
        other = partner != first
        half[other] += 0.5 * np.conj(np.swapaxes(stack[partner[other]], -1, -2))
        return half.reshape(len(first), -1)

    # what is summed over R for each quantity, built when first needed

    @cached_property
    def _hamiltonian_sum(self):
        return self._half_sum(self.hoppings[:, None])

    @cached_property
    def _gradient_sum(self):
        return self._half_sum(1j * self._distance * self.hoppings[:, None])

    @cached_property
    def _hessian_sum(self):
        r = self._distance
        return self._half_sum(np.stack([-r[:, a] * r[:, b] * self.hoppings for a, b in self._axes], axis=1))

    @cached_property
    def _derivatives_sum(self):
        return np.concatenate([self._hamiltonian_sum, self._gradient_sum, self._hessian_sum], axis=1)

    @cached_property
    def _position_sum(self):
        return self._half_sum(np.asarray(self.residual_positions))

    @cached_property
    def _position_gradient_sum(self):
        r, a = self._distance, np.asarray(self.residual_positions)
        products = 1j * r[:, :, None] * a[:, None]
        return self._half_sum(products.reshape(len(r), self.dimension**2, *a.shape[2:]))

    @cached_property
    def _curl_sum(self):
        pairs = [(1, 2), (2, 0), (0, 1)] if self.dimension == 3 else [(0, 1)]
        r, a = self._distance, np.asarray(self.residual_positions)
        return self._half_sum(np.stack([1j * (r[:, i] * a[:, j] - r[:, j] * a[:, i]) for i, j in pairs], axis=1))

    @property
    def _axes(self):
        """The independent second derivatives."""
        return [(a, b) for a in range(self.dimension) for b in range(a, self.dimension)]

    def _transform(self, k, half):
        """Hermitian part of a sum over R times the site phases: shape (nk, C, N, N); `half` from `_half_sum`."""
        xp = array_namespace(k)
        n = self.n_orbitals
        angle = xp.matmul(k, xp.asarray(self._translation[self._halves[0]].T))
        flat = xp.matmul(xp.exp(1j * xp.astype(angle, xp.complex128)), xp.asarray(half))
        result = xp.reshape(flat, (k.shape[0], half.shape[1] // n**2, n, n))
        result = result + xp.conj(xp.matrix_transpose(result))
        if not self._uniform:
            site = xp.exp(1j * xp.astype(xp.matmul(k, xp.asarray(self._sites.T)), xp.complex128))
            result = result * (xp.conj(site)[:, None, :, None] * site[:, None, None, :])
        return result

    def energies(self, k) -> np.ndarray:
        """Band energies, eV, ascending: shape (nk, N), for k (nk, d) in crystal coordinates."""
        points = np.atleast_2d(np.asarray(k, dtype=float))
        if points.ndim != 2 or points.shape[1] != self.dimension:
            raise InputError(
                f"wave vectors have shape {np.shape(k)}; expected (n, {self.dimension}), crystal coordinates"
            )
        return np.linalg.eigvalsh(self.hamiltonian(points @ (2 * np.pi * np.linalg.inv(np.asarray(self.cell)).T)))

    def hamiltonian(self, k):
        return self._transform(k, self._hamiltonian_sum)[:, 0, ...]

    def hamiltonian_gradient(self, k):
        return self._transform(k, self._gradient_sum)

    def hamiltonian_hessian(self, k):
        return self._square(self._transform(k, self._hessian_sum))

    def derivatives(self, k):
        d = self.dimension
        found = self._transform(k, self._derivatives_sum)
        return found[:, 0, ...], found[:, 1 : d + 1, ...], self._square(found[:, d + 1 :, ...])

    def _square(self, unique):
        """Second derivatives (nk, d, d, N, N) from the independent ones."""
        xp, d = array_namespace(unique), self.dimension
        place = [self._axes.index((min(a, b), max(a, b))) for a in range(d) for b in range(d)]
        second = xp.take(unique, xp.asarray(place), axis=1)
        return xp.reshape(second, (unique.shape[0], d, d, self.n_orbitals, self.n_orbitals))

    @property
    def has_spin(self) -> bool:
        return self.spin is not None or self.spin_models is not None

    def spin_operator(self, k):
        if self.spin_models is None:
            return super().spin_operator(k)
        return array_namespace(k).stack([model.hamiltonian(k) for model in self.spin_models], axis=1)

    def spin_gradient(self, k):
        if self.spin_models is None:
            return super().spin_gradient(k)
        return array_namespace(k).stack([model.hamiltonian_gradient(k) for model in self.spin_models], axis=2)

    def position_matrix(self, k):
        return None if self.residual_positions is None else self._transform(k, self._position_sum)

    def position_gradient(self, k):
        if self.residual_positions is None:
            return None
        flat, d = self._transform(k, self._position_gradient_sum), self.dimension
        return array_namespace(k).reshape(flat, (k.shape[0], d, d, *flat.shape[2:]))

    def position_curl(self, k):
        return None if self.residual_positions is None else self._transform(k, self._curl_sum)
