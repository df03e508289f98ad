"""The order of up and down Wannier functions, and what H(R) itself says of it.

Programs differ: Quantum ESPRESSO, and VASP from 6.4.3 on, write up and down of each orbital next to each other, VASP
before that all up functions first.  (With projections of one's own, or pw2wannier90's `old_spinor_proj`, neither need
hold: the name of a program is a claim that is compared with the data, like the order itself.)

Without magnetism time reversal holds, ``s_y H(R)* s_y = H(R)``, and in a collinear calculation without spin-orbit
coupling nothing couples up with down.  Each holds in one order of the functions and is broken at the size of the
hopping in the other, so that the two can be compared.  A magnet with spin-orbit coupling keeps neither and may not
tell: iron breaks time reversal by 0.1 of the norm of H in the right order, by 0.7 in the wrong one.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..rules import one_of, quote
from .base import PAULI

ORDERINGS = ("interleaved", "block")
PROGRAMS = {"quantum_espresso": "interleaved", "vasp": "interleaved", "vasp_before_6.4.3": "block"}
"""Orders by the program that made the spinors."""
_TOLD = 10.0  # times that one order must break time reversal more than the other
_UNCOUPLED = 1e-6  # of the norm of H: what printed digits leave between blocks without coupling


def ordering_of(word: str) -> str:
    """One of `ORDERINGS`, itself or by the name of a program.

    Raises
    ------
    InputError
        If it is neither.

    >>> ordering_of("vasp_before_6.4.3")
    'block'
    """
    if word not in (*ORDERINGS, *PROGRAMS):
        raise InputError(f"spin_ordering = {quote(word)}: {one_of(word, (*ORDERINGS, *PROGRAMS))}")
    return PROGRAMS.get(word, word)


def spin_matrices(ordering: str | None, n: int) -> np.ndarray | None:
    """Pauli matrices (3, n, n) of `n` Wannier functions, up and down alternating or one after the other.

    Parameters
    ----------
    ordering : str or None
        As in `ordering_of`; None: no spin matrices.
    n : int
        Number of Wannier functions.

    Raises
    ------
    InputError
        If the ordering is not known or `n` is odd.
    """
    if ordering is None:
        return None
    name = ordering_of(ordering)
    if n % 2:
        raise InputError(f"spin_ordering needs an even number of Wannier functions, the file has {n}")
    if name == "interleaved":
        return np.stack([np.kron(np.eye(n // 2), s) for s in PAULI])
    return np.stack([np.kron(s, np.eye(n // 2)) for s in PAULI])


def reversal_violation(spin, vectors, hoppings) -> float:
    """``|H - s_y H* s_y| / 2|H|``: 0 where time reversal holds, at most 1.

    Norms are those of all H(R), without the mean energy, which no order can break.

    Parameters
    ----------
    spin : array, shape (3, N, N)
    vectors : array of int, shape (nR, d)
    hoppings : array, shape (nR, N, N)
    """
    h = _without_mean(vectors, hoppings)
    return float(np.linalg.norm(h - spin[1] @ h.conj() @ spin[1]) / _norm(2 * h))


def spin_coupling(spin, vectors, hoppings) -> float:
    """Norm of the part of H(R) that couples up with down, over that of all of it; arguments of `reversal_violation`."""
    h = _without_mean(vectors, hoppings)
    return float(np.linalg.norm(h - spin[2] @ h @ spin[2]) / _norm(2 * h))


def require_spin_order(ordering: str, vectors, hoppings, source: str) -> None:
    """Compare an order of the Wannier functions with what the Hamiltonian says.

    Parameters
    ----------
    ordering : str
        As in `ordering_of`.
    vectors : array of int, shape (nR, d)
    hoppings : array, shape (nR, N, N)
    source : str
        File, for the message.

    Raises
    ------
    InputError
        If the other order is that of the data: up and down couple in this one and not in the other, or time reversal
        is broken ten times as much.
    """
    n = hoppings.shape[-1]
    other = next(name for name in ORDERINGS if name != ordering_of(ordering))
    own, foreign = spin_matrices(ordering, n), spin_matrices(other, n)
    coupling = [spin_coupling(spin, vectors, hoppings) for spin in (own, foreign)]
    if coupling[0] <= _UNCOUPLED:
        return
    reversal = [reversal_violation(spin, vectors, hoppings) for spin in (own, foreign)]
    if coupling[1] <= _UNCOUPLED:
        reason = f"with it up and down couple ({coupling[0]:.2g} of the norm of H), and not in the other order"
    elif reversal[0] > _TOLD * reversal[1]:
        reason = (
            f"with it time reversal is broken by {reversal[0]:.2g} of the norm of H, in the other by {reversal[1]:.2g}"
        )
    else:
        return
    raise InputError(
        f'{source}: spin_ordering = "{ordering}" contradicts the Hamiltonian: {reason}; use "{other}" (or, if the file '
        "is as it should be, trust_file = true)"
    )


def _without_mean(vectors, hoppings) -> np.ndarray:
    h = np.array(hoppings, dtype=complex)
    home = ~np.asarray(vectors).any(axis=1)
    h[home] -= np.trace(h[home], axis1=1, axis2=2)[:, None, None] * np.eye(h.shape[-1]) / h.shape[-1]
    return h


def _norm(h) -> float:
    return max(float(np.linalg.norm(h)), np.finfo(float).tiny)
