"""Any Python function H(k) as a model, with its gradient by differentiation in the complex plane.

H(k) is analytic in k where it is made of polynomials, exponentials, sines and square roots, and

    dH/dk_a = (1 / M s) sum_j H(k + s w^j e_a) w^-j,    w = exp(2 pi i / M)

is then exact but for terms of order s^M (Cauchy's formula on a circle of radius s).  The usual single imaginary step
would lose the imaginary part of H's complex elements.  M = 8, and half of the circle follows from ``H(k*) = H(k)^+``.
A function that uses abs, conj or comparisons is not analytic: this is noticed at construction, and central
differences of fourth order are used.
"""

from __future__ import annotations

import warnings

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError
from ..rules import array_of, one_of, quote
from .base import ElectronModel
from .gauge import GAUGES, gauge_of, site_phases
from .user_function import (
    STEP,
    allowed_difference,
    call,
    differences,
    judged_gradient,
    judged_sample,
    looks_periodic,
    require_finite,
    require_smooth,
    sample_points,
)


class FunctionModel(ElectronModel):
    """A Hamiltonian given as a function.

    Parameters
    ----------
    h : callable
        ``h(k)`` for k of shape (nk, d), 1/angstrom, returns (nk, N, N), eV; Hermitian for real k, in double precision.
    dimension : {2, 3}
    n_orbitals : int, optional
        N; found by calling `h` when not given.
    gradient : callable, optional
        ``gradient(k)`` of shape (nk, d, N, N), eV angstrom: the derivative of `h` as it is.
    spin : array, shape (3, N, N), optional
        Pauli matrices of the spin in the orbital basis.
    cell : array, shape (d, d), optional
        Lattice vectors as rows, angstrom, for the Hamiltonian of a lattice; a k.p Hamiltonian has none.
    sites : array, shape (N, d), optional
        With `cell`: where the orbitals are (tau), Cartesian, angstrom.  Needed for more than one orbital: bands do not
        depend on it, Berry curvature and side jump do.  Zeros put all orbitals on one site.
    gauge : {"periodic", "atomic"}, optional
        With `cell`: ``H(k+G) = H(k)``, or ``H(k+G) = exp(-iG.tau) H(k) exp(iG.tau)``; found by trying when not given.
        The model itself is always in the atomic gauge.
    search_half_width : float, optional
        Without a cell: isoenergy shells are searched for ``|k_a|`` below this, 1/angstrom.

    Notes
    -----
    What has been found of a model is kept, and found again where band energies at 64 points have changed.  A function
    that reads numbers which change later may change between these points alone: make a new model of it after each
    change.

    Attributes
    ----------
    gradient_method : {"given", "complex", "differences"}
    gauge : {"periodic", "atomic"} or None
        That of `h`; None without a cell.

    Raises
    ------
    InputError
        If `h` cannot be called with an array of k, returns anything but finite Hermitian matrices in double precision,
        follows neither convention, repeats itself though there is no cell, or `gradient` is not its derivative; if
        `sites` are missing where the side jump depends on them.

    Examples
    --------
    >>> from sidejump.bands.base import PAULI
    >>> def warped(k):
    ...     kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    ...     return 3 * (kx * PAULI[1] - ky * PAULI[0]) + (0.1 + 40 * (kx**3 - 3 * kx * ky**2)) * PAULI[2]
    >>> FunctionModel(warped, dimension=2, search_half_width=0.3).gradient_method
    'complex'
    """

    def __init__(
        self,
        h,
        *,
        dimension: int,
        n_orbitals=None,
        gradient=None,
        spin=None,
        cell=None,
        sites=None,
        gauge=None,
        search_half_width=None,
    ):
        self.h, self._gradient, self.dimension = h, gradient, dimension
        if isinstance(dimension, bool) or dimension not in (2, 3):
            raise InputError(f"dimension = {dimension!r}: give 2 or 3")
        self.cell = None if cell is None else array_of("cell", cell, (dimension, dimension))
        if self.cell is not None and abs(np.linalg.det(self.cell)) < 1e-12 * np.abs(self.cell).max() ** dimension:
            raise InputError("cell: the lattice vectors span no volume; give independent rows")
        if search_half_width is not None and not (
            isinstance(search_half_width, (int, float, np.number)) and 0 < search_half_width < np.inf
        ):
            raise InputError(f"search_half_width = {search_half_width!r} must be a positive number (1/angstrom)")
        self.search_half_width = None if search_half_width is None else float(search_half_width)
        k = sample_points(dimension, self.k_scale)
        sample = judged_sample(h, k, n_orbitals)
        self.n_orbitals = n = sample.shape[1]
        require_smooth(h, k, self.k_scale)
        self.spin = None if spin is None else array_of("spin", spin, (3, n, n), kind=complex)
        if self.spin is not None and np.abs(self.spin - self.spin.conj().swapaxes(1, 2)).max() > 1e-10:
            raise InputError("spin: the matrices are not Hermitian")
        self.gauge, self._sites = self._convention(k, sites, gauge)
        self.gradient_method = self._choose_method(k)

    def _convention(self, k, sites, gauge) -> tuple[str | None, np.ndarray]:
        """Convention of `h` and sites (N, d), angstrom."""
        n, d = self.n_orbitals, self.dimension
        if gauge is not None and gauge not in GAUGES:
            raise InputError(f"gauge = {quote(gauge)}: {one_of(gauge, GAUGES)}")
        reciprocal = self.reciprocal_cell
        if reciprocal is None:
            if sites is not None or gauge is not None:
                raise InputError("sites and gauge are for lattices: give cell= as well, or leave them out")
            if looks_periodic(self.h, d, self.k_scale):
                raise InputError(
                    "h(k) neither grows nor settles at large k, as the Hamiltonian of a lattice does: give cell= "
                    "(lattice vectors as rows, angstrom) and sites="
                )
            return None, np.zeros((n, d))
        if sites is None and n > 1:
            raise InputError(
                f"sites= is missing: with {n} orbitals in a cell, Berry curvature and side jump depend on where they "
                f"are; give sites, shape {(n, d)}, angstrom (np.zeros({(n, d)}) for all on one site)"
            )
        where = np.zeros((n, d)) if sites is None else array_of("sites", sites, (n, d))
        return gauge_of(lambda x: call(self.h, x, "h"), k, reciprocal, where, gauge), where

    @property
    def site_positions(self) -> np.ndarray:
        return self._sites

    def _choose_method(self, k) -> str:
        """Compare with central differences; tells a wrong gradient from a function that is not analytic."""
        k = k[:-1]  # k = 0 may be a corner
        if self._gradient is not None:
            judged_gradient(self._gradient, self._given, k, self.k_scale, "gradient")
            return "given"
        reference = differences(self._given, k, self.k_scale)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                complex_step = self._on_circle(k)
        except Exception:  # a function of real k alone may fail in any way
            return "differences"
        allowed = allowed_difference(self._given, reference, k, self.k_scale)
        return "complex" if np.abs(complex_step - reference).max() <= allowed else "differences"

    def _given(self, k):
        """H as `h` returns it."""
        xp = array_namespace(k)
        value = self.h(k)
        if value.shape != (k.shape[0], self.n_orbitals, self.n_orbitals):
            raise InputError(
                f"h(k) has shape {value.shape} for {k.shape[0]} wave vectors; expected "
                f"{(k.shape[0], self.n_orbitals, self.n_orbitals)}"
            )
        require_finite(value, k)
        return xp.astype(value, xp.complex128)

    def hamiltonian(self, k):
        value = self._given(k)
        return value * site_phases(k, self._sites) if self.gauge == "periodic" else value

    def hamiltonian_gradient(self, k):
        xp = array_namespace(k)
        if self.gradient_method == "given":
            gradient = xp.astype(self._gradient(k), xp.complex128)
        else:
            complex_plane = self.gradient_method == "complex"
            gradient = self._on_circle(k) if complex_plane else differences(self._given, k, self.k_scale)
        if self.gauge != "periodic":
            return gradient
        between = self._sites.T[:, None, :] - self._sites.T[:, :, None]  # tau_n - tau_m, shape (d, N, N)
        gradient = gradient + 1j * xp.asarray(between) * self._given(k)[:, None]
        return gradient * site_phases(k, self._sites)[:, None]

    def _on_circle(self, k):
        xp = array_namespace(k)
        radius = STEP * self.k_scale
        kk = xp.astype(k, xp.complex128)
        columns = []
        for direction in np.eye(self.dimension):
            total = self.h(kk + xp.asarray(radius * direction + 0j)) - self.h(kk - xp.asarray(radius * direction + 0j))
            for j in (1, 2, 3):
                w = np.exp(2j * np.pi * j / 8)
                term = complex(w.conjugate()) * self.h(kk + xp.asarray(radius * w * direction))
                total = total + term + xp.conj(xp.matrix_transpose(term))
            columns.append(total / (8 * radius))
        return xp.stack(columns, axis=1)

    def describe(self) -> dict:
        name = getattr(self.h, "__name__", type(self.h).__name__)
        convention = {} if self.gauge is None else {"gauge": self.gauge, "sites": self._sites.tolist()}
        return super().describe() | {"function": name, "gradient_method": self.gradient_method} | convention
