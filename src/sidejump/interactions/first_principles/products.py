"""Amplitudes of all pairs of two blocks of states as matrix products, shortened by what neighbours have in common.

States of one block are neighbours on one sheet, and their factors b (n, r) are well described by rho < r patterns,

    b = U Q,   U (n, rho) orthonormal,   Q (rho, r),

the truncated singular value decomposition with column j weighted by the rms w_j of what it is multiplied with: the
rms error of the vertex is that of ``(b - U Q) w``.  Inserted on both sides, with b, k the final and initial states,

    V     = U_b* [ (Q_k Q_b^+) U_k ]
    D_a V = U_b* [ Q_b^+ (D_a k) ] + [ Q_k^+ (D_a b) ]* U_k      (products over the patterns only)

so that no derivative is approximated beyond what it is multiplied with, and exchange of the two sides gives the
complex conjugate exactly.  Each line is one real matrix product with real and imaginary parts side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_WORTH = 0.5  # part of the full length below which patterns save work
_EXTRA = 12  # columns of the random projection beyond that


@dataclass(frozen=True)
class Patterns:
    """``values = coefficients @ patterns``; patterns None: the values themselves, nothing is saved.

    Attributes
    ----------
    coefficients : ndarray, shape (n, rho)
    patterns : ndarray, shape (rho, r), or None
    """

    coefficients: np.ndarray
    patterns: np.ndarray | None

    def scaled(self, signs) -> Patterns:
        """Of the values with columns times `signs` (r,)."""
        if self.patterns is None:
            return Patterns(self.coefficients * signs, None)
        return Patterns(self.coefficients, self.patterns * signs)

    def project(self, values) -> np.ndarray:
        """``values @ patterns^+``: (..., r) to (..., rho)."""
        return values if self.patterns is None else values @ self.patterns.conj().T

    def projected_by(self, other: Patterns) -> np.ndarray:
        """`other.project` of these values, shape (n, rho of `other`)."""
        if self.patterns is None:
            return other.project(self.coefficients)
        return self.coefficients @ other.project(self.patterns)


def find_patterns(values, weights, tolerance: float) -> Patterns:
    """Patterns of `values` (n, r) that leave an rms error per row, with columns weighted, below `tolerance`."""
    n, r = values.shape
    most = min(n, r)
    if tolerance <= 0 or most < 4 * _EXTRA:
        return Patterns(values, None)
    weighted = values * weights.astype(values.real.dtype)
    most = int(_WORTH * most)
    draw = np.random.default_rng(2).normal(size=(r, most + _EXTRA)).astype(values.real.dtype)
    basis = np.linalg.qr(weighted @ draw)[0]
    basis = np.linalg.qr(weighted @ (weighted.conj().T @ basis))[0]
    inside = basis.conj().T @ weighted
    outside = float(np.linalg.norm(weighted - basis @ inside)) ** 2
    inside = inside.astype(np.complex128)
    size, rotation = np.linalg.eigh(inside @ inside.conj().T)  # ascending
    # what is lost without the smallest 0, 1, ... patterns
    rest = outside + np.concatenate([[0.0], np.cumsum(np.maximum(size, 0))])
    kept = len(size) + 1 - int(np.sum(rest <= n * tolerance**2))
    if kept > most:
        return Patterns(values, None)
    coefficients = basis @ rotation[:, ::-1][:, :kept].astype(values.dtype)
    return Patterns(coefficients, coefficients.conj().T @ values)


def _reals(values):
    """Complex (..., r) as real (..., 2 r): real and imaginary parts in turn."""
    values = np.ascontiguousarray(values)
    return values.view(values.real.dtype)


def initial_side(value, derivatives, coefficients):
    """(2, A, 2 rho) from what multiplies U_b in V, and for each direction (2, A, 2 rho + 2 rho') with those of D_a V.

    The first axis holds x and -ix: with the final side as real and imaginary parts in turn, products with them are
    the real and the imaginary part of ``sum b* x``.
    """
    found = []
    for parts in [(value,), *((x, coefficients) for x in derivatives)]:
        side = np.empty((2, len(value), sum(x.shape[-1] for x in parts)), dtype=value.dtype)
        np.concatenate(parts, axis=-1, out=side[0])
        side[1].real, side[1].imag = side[0].imag, -side[0].real
        found.append(_reals(side))
    return found


def final_side(coefficients, derivatives):
    """(B, 2 rho), and for each direction (B, 2 rho + 2 rho')."""
    return [_reals(coefficients)] + [_reals(np.concatenate([coefficients, x], axis=-1)) for x in derivatives]


def amplitudes(starting, part: slice, ending):
    """Real and imaginary parts of V_c and D_a V_c for a slice of the initial vectors: (1 + d, C, 2, A, B)."""
    a, b = part.stop - part.start, len(ending[0][0])
    planes = np.empty((len(ending[0]), len(ending), 2, a, b), dtype=ending[0][0].dtype)
    for c, (left, right) in enumerate(zip(starting, ending, strict=True)):
        for x, (ket, bra) in enumerate(zip(left, right, strict=True)):
            np.matmul(ket[:, part].reshape(2 * a, -1), bra.T, out=planes[x, c].reshape(2 * a, b))
    return planes
