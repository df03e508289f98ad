"""H(R) against H(-R)^+ and r(R) against r(-R)^+: what is printing, what is a finite difference, what is damage.

The Hamiltonian is Hermitian to its printed digits.  The position matrix of a coarse mesh is not: from overlaps
``M_b(k) = <u(k)|u(k+b)>`` it is

    r(R) = i sum_b w_b b M_b(R),      r(-R)^+ = i sum_b w_b b exp(i b.R) M_b(R)

which differ at R other than zero (iron on 4 x 4 x 4 points: by 0.115 angstrom, as much as the largest elements), and do
not at R = 0.  Since ``|M_b| <= 1`` and ``sum_b w_b b_x^2 = 1``, no element beyond the home cell exceeds ``sqrt(3)/b``,
with b the shortest step of the mesh, which is at least ``pi`` over the radius of its supercell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

_HAMILTONIAN = (1e-4, 1e-3)  # eV: four and three decimals, fewer than any program writes
_HOME = (1e-4, 1e-2)  # angstrom, at R = 0
_OVERRIDE = "write the file again, or take the Hermitian part with trust_file = true"


@dataclass(frozen=True)
class Violation:
    """The largest difference between X(R) and X(-R)^+."""

    size: float
    row: int  # of the vectors
    pair: tuple[int, int]

    def place(self, vectors) -> str:
        """R and the pair of functions, in words."""
        return f"R = {vectors[self.row].tolist()}, element ({self.pair[0] + 1}, {self.pair[1] + 1})"


def partners(vectors) -> np.ndarray:
    """Row of -R for every R; -1 where it is not listed."""
    index = {tuple(r): i for i, r in enumerate(np.asarray(vectors).tolist())}
    return np.array([index.get(tuple(-x for x in r), -1) for r in np.asarray(vectors).tolist()])


def mirrored(matrices, partner) -> np.ndarray:
    """X(-R)^+ of matrices (nR, ..., N, N); zero where -R is not listed."""
    there = (partner >= 0).reshape(-1, *[1] * (matrices.ndim - 1))
    return np.where(there, matrices[partner], 0).conj().swapaxes(-1, -2)


def judged_hamiltonian(vectors, hoppings, source: str, trust: bool = False) -> tuple[np.ndarray, list[str]]:
    """H(R) as the model uses it, and what to say of it.

    Parameters
    ----------
    vectors : array of int, shape (nR, d)
    hoppings : array, shape (nR, N, N)
        eV.
    source : str
        File, for messages.
    trust : bool
        Take the Hermitian part whatever its violation.

    Raises
    ------
    InputError
        If H(R) differs from H(-R)^+ by more than rounding, or a vector comes without its opposite.
    """
    partner = partners(vectors)
    difference = np.abs(hoppings - mirrored(hoppings, partner))
    found = _largest(difference)
    if found.size <= _HAMILTONIAN[0]:
        return hoppings, []
    if partner[found.row] < 0:
        raise InputError(f"{source}: lists R = {vectors[found.row].tolist()} and not the opposite; H needs both")
    sentence = f"{source}: H(R) differs from H(-R)^+ by {found.size:.2g} eV ({found.place(vectors)})"
    if found.size > _HAMILTONIAN[1] and not trust:
        raise InputError(f"{sentence}; {_OVERRIDE}")
    return _hermitian_part(hoppings, partner), [f"{sentence}; the Hermitian part is used"]


def judged_position(vectors, positions, cell, source: str, trust: bool = False) -> tuple[np.ndarray, list[str]]:
    """r(R) as the model uses it, and what to say of it.

    Parameters
    ----------
    vectors : array of int, shape (nR, d)
    positions : array, shape (nR, d, N, N)
        angstrom.
    cell : array, shape (d, d)
        angstrom.
    source : str
        File, for messages.
    trust : bool
        Take the Hermitian part whatever its violation.

    Raises
    ------
    InputError
        If r(0) is not Hermitian, or r(R) differs from r(-R)^+ by more than the mesh of the vectors allows.
    """
    partner = partners(vectors)
    difference = np.abs(positions - mirrored(positions, partner)).max(axis=1)
    home = np.asarray(~np.asarray(vectors).any(axis=1))
    warnings = []
    at_home = _largest(np.where(home[:, None, None], difference, 0.0))
    if at_home.size > _HOME[0]:
        sentence = (
            f"{source}: the position matrix r(0) differs from its adjoint by {at_home.size:.2g} angstrom "
            f"({at_home.place(vectors)})"
        )
        if at_home.size > _HOME[1] and not trust:
            raise InputError(f"{sentence}, which no mesh explains; {_OVERRIDE}")
        warnings.append(f"{sentence}; the Hermitian part is used")
    beyond = _largest(np.where(home[:, None, None], 0.0, difference))
    place, others = beyond.place(vectors), _largest_other(positions, home, beyond, partner)
    sentence = f"{source}: the position matrix r(R) differs from r(-R)^+ by {beyond.size:.2g} angstrom ({place})"
    bound = _bound(vectors, cell)
    if beyond.size > bound:
        sentence += f", where the mesh of its vectors allows {bound:.2g} at most"
        if not trust:
            raise InputError(f"{sentence}; {_OVERRIDE}")
        warnings.append(f"{sentence}; the Hermitian part is used")
    elif beyond.size > max(2 * others, _HOME[0]):
        warnings.append(
            f"{sentence}, and no other element exceeds {others:.2g}: one of the two is hardly right; the Hermitian "
            "part is used"
        )
    return positions, warnings


def _largest(difference) -> Violation:
    place = np.unravel_index(int(np.argmax(difference)), difference.shape)
    return Violation(float(difference[place]), int(place[0]), (int(place[1]), int(place[2])))


def _largest_other(positions, home, found: Violation, partner) -> float:
    """The largest element besides the Wannier centres and the pair of elements `found`."""
    size = np.abs(positions).max(axis=1)
    n = size.shape[-1]
    size[np.ix_(home, range(n), range(n))] *= 1 - np.eye(n)
    row, column = found.pair
    size[found.row, row, column] = 0.0
    size[partner[found.row], column, row] = 0.0
    return float(size.max())


def _bound(vectors, cell) -> float:
    """The largest element that overlaps of the mesh can give, angstrom.

    ``sum_b w_b |b_x| <= sqrt(sum_b w_b) <= sqrt(3)/b`` and ``b >= pi/radius``; twice of it for the difference of two
    elements.  The radius of the supercell exceeds the longest R by no more than the extent of one cell.
    """
    extent = np.abs(np.asarray(cell)).sum(axis=0)
    radius = float(np.linalg.norm(np.asarray(vectors) @ cell, axis=1).max() + 0.5 * np.linalg.norm(extent))
    return 2 * np.sqrt(3) / np.pi * radius


def _hermitian_part(matrices, partner) -> np.ndarray:
    return 0.5 * (matrices + mirrored(matrices, partner))
