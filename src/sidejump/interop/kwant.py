"""Infinite systems of Kwant: a builder with translational symmetry, functions of its parameters evaluated.

``builder[a, b] = t`` is ``<a|H|b>``; the conjugates are not listed.  The positions of the sites are those of their
lattices.  Kwant has no units.
"""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter, signature

import numpy as np
from scipy.linalg import block_diag

from ..bands.lattice import LatticeModel
from ..bands.spin_order import spin_matrices
from ..errors import InputError
from ..files import reason
from .assemble import Crystal, lattice_model, summed, with_adjoints
from .foreign import checked_numbers, checked_unit, require

_SOURCE = "Kwant builder"
_HERMITIAN = 1e-10  # of the largest element


def from_kwant(
    builder,
    parameters: Mapping | None = None,
    *,
    spin_ordering: str | None = None,
    energy_unit: float = 1.0,
    length_unit: float = 1.0,
) -> LatticeModel:
    """A lattice model from an infinite system of Kwant.

    Parameters
    ----------
    builder : kwant.Builder
        With a `TranslationalSymmetry` of two or three periods, not finalized.
    parameters : mapping, optional
        Of the functions among its values, by name.
    spin_ordering : {"interleaved", "block"}, optional
        How up and down are ordered among the orbitals of each site, which Kwant does not know: next to each other, or
        all up ones first; without it the model has no spin.
    energy_unit, length_unit : float
        What one unit of the model's energies is in eV, and of its lengths in angstrom.

    Returns
    -------
    LatticeModel
        Sites in the order of Kwant (by family, then tag), the orbitals of each on its position.

    Raises
    ------
    InputError
        If it is no such system, a parameter is missing, or values do not fit the sites.

    Notes
    -----
    The Hamiltonian of ``kwant.wraparound.wraparound(builder)`` leaves the positions out of the phases; its eigenvalues
    at momenta 2 pi kappa are those of the result at kappa in crystal coordinates.
    """
    energy, length = checked_unit("energy_unit", energy_unit), checked_unit("length_unit", length_unit)
    require(builder, ("symmetry", "sites", "site_value_pairs", "hopping_value_pairs"), "builder of Kwant")
    symmetry = builder.symmetry
    periods = symmetry.periods
    if len(periods) == 0:
        raise InputError(f"{_SOURCE}: repeats along no direction; give it a TranslationalSymmetry")
    cell = length * np.asarray(periods, dtype=float)
    values = _Values(parameters or {})
    if not list(builder.sites()):
        raise InputError(f"{_SOURCE}: has no site")
    onsite = dict(sorted(builder.site_value_pairs(), key=lambda pair: pair[0]))
    matrices = {site: values.of(value, site) for site, value in onsite.items()}
    ends = np.cumsum([len(matrix) for matrix in matrices.values()])
    first = {site: int(end) - len(matrix) for end, (site, matrix) in zip(ends, matrices.items(), strict=True)}
    rows, columns, vectors, elements = [], [], [], []

    def add(a, b, r, matrix):
        i, j = np.indices(matrix.shape)
        rows.append(first[a] + i.ravel())
        columns.append(first[b] + j.ravel())
        vectors.append(np.tile(r, (matrix.size, 1)))
        elements.append(matrix.ravel())

    for site, matrix in matrices.items():
        if np.abs(matrix - matrix.conj().T).max() > _HERMITIAN * (np.abs(matrix).max() + 1e-300):
            raise InputError(f"{_SOURCE}: the value of {site} is not Hermitian")
        add(site, site, np.zeros(len(cell), dtype=int), 0.5 * matrix)
    for (a, b), value in builder.hopping_value_pairs():
        home, away = symmetry.to_fd(a), symmetry.to_fd(b)
        between = np.asarray(symmetry.which(b)) - np.asarray(symmetry.which(a))
        matrix = values.of(value, a, b, shape=(len(matrices[home]), len(matrices[away])))
        add(home, away, between, matrix)
    n = int(ends[-1])
    amplitudes = np.concatenate(elements)
    amplitudes = energy * checked_numbers(amplitudes, amplitudes.shape, "hops", _SOURCE, complex)
    found, half = summed(n, np.concatenate(vectors), np.concatenate(rows), np.concatenate(columns), amplitudes)
    sizes = [len(matrix) for matrix in matrices.values()]
    sites = length * np.repeat([np.asarray(site.pos, dtype=float) for site in matrices], sizes, axis=0)
    crystal = Crystal(cell, sites, range(len(cell)), _SOURCE)
    return lattice_model(crystal, found, with_adjoints(found, half), spin=_spin(spin_ordering, sizes))


class _Values:
    """Numbers of the values of a builder: matrices, numbers, or functions of the sites and of parameters."""

    def __init__(self, parameters: Mapping):
        self.parameters = parameters

    def of(self, value, *sites, shape: tuple[int, int] | None = None) -> np.ndarray:
        """The matrix of a value between `sites`; `shape`: what a hop must have."""
        if callable(value):
            value = self._called(value, sites)
        matrix = np.asarray(value.toarray() if hasattr(value, "toarray") else value, dtype=complex)
        if matrix.ndim == 0:
            matrix = matrix.reshape(1, 1)
        norbs = [getattr(site.family, "norbs", None) for site in sites]
        if shape is None and norbs[0] is not None:
            shape = (norbs[0], norbs[0])
        expected = matrix.shape[::-1] if shape is None else shape
        if matrix.ndim != 2 or matrix.shape != expected:
            raise InputError(f"{_SOURCE}: {sites}: a value of shape {matrix.shape}; expected {expected}")
        return matrix

    def _called(self, function, sites):
        arguments = list(signature(function).parameters.values())[len(sites) :]
        if any(one.kind is Parameter.VAR_KEYWORD for one in arguments):
            names = list(self.parameters)
        else:
            names = [one.name for one in arguments if one.name in self.parameters or one.default is Parameter.empty]
        missing = [name for name in names if name not in self.parameters]
        if missing:
            raise InputError(f"{_SOURCE}: a value needs {', '.join(missing)}; give parameters={{...}}")
        try:
            return function(*sites, **{name: self.parameters[name] for name in names})
        except Exception as error:
            raise InputError(f"{_SOURCE}: the value at {sites} fails: {reason(error)}") from error


def _spin(ordering: str | None, sizes) -> np.ndarray | None:
    """Pauli matrices, ordered so on each site."""
    if ordering is None:
        return None
    each = [spin_matrices(ordering, size) for size in sizes]
    return np.stack([block_diag(*[one[axis] for one in each if one is not None]) for axis in range(3)])
