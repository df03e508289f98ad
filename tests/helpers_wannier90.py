"""Wannier90 files written by the tests."""

from __future__ import annotations

import numpy as np


def rows_of(n, order="first"):
    """Pairs (m, n) from 0 with the first index fastest, as Wannier90 writes, the second, or shuffled."""
    pairs = [(row, column) for column in range(n) for row in range(n)]
    if order == "second":
        return [(b, a) for a, b in pairs]
    return pairs if order == "first" else [pairs[i] for i in np.random.default_rng(7).permutation(len(pairs))]


def full_positions(model):
    """``<m 0|r|n R>``, (nR, 3, N, N)."""
    full = model.residual_positions.copy()
    full[np.flatnonzero(~model.vectors.any(axis=1))[0]] += np.stack([np.diag(c) for c in model.site_positions.T])
    return full


def write_tb(path, model, degeneracy, *, order="first", positions=True, swap_r=False, number="{:.16e}"):
    """A `_tb.dat` in Wannier90's format; numbers are multiplied by the degeneracy that the reader divides by.

    `positions`: True, False for H alone, or an array in place of those of the model; `swap_r`: r in another order of R.
    """
    n = model.n_orbitals
    full = positions if isinstance(positions, np.ndarray) else full_positions(model) if positions else None
    lines = [" written by a test", *(" ".join(f"{x:.14f}" for x in row) for row in model.cell)]
    lines += [str(n), str(len(model.vectors)), " ".join(map(str, degeneracy))]

    def block(r, values):
        lines.extend(["", " ".join(map(str, r))])
        for row, column in rows_of(n, order):
            parts = [number.format(x) for v in values for x in (v[row, column].real, v[row, column].imag)]
            lines.append(" ".join([str(row + 1), str(column + 1), *parts]))

    for i, r in enumerate(model.vectors):
        block(r, [model.hoppings[i] * degeneracy[i]])
    if full is not None:
        rows = range(len(model.vectors))
        for i in reversed(rows) if swap_r else rows:
            block(model.vectors[i], full[i] * degeneracy[i])
    path.write_text("\n".join(lines) + "\n")


def write_hr(path, model, *, order="first", number="{:.16e}", degeneracy=None):
    """A `_hr.dat` in Wannier90's format; `order` as in `rows_of`, or "mixed": all lines of the file shuffled."""
    n = model.n_orbitals
    degeneracy = [1] * len(model.vectors) if degeneracy is None else degeneracy
    head = [" written by a test", str(n), str(len(model.vectors)), " ".join(map(str, degeneracy))]
    lines = []
    for r, h, d in zip(model.vectors, model.hoppings, degeneracy, strict=True):
        for row, column in rows_of(n, "first" if order == "mixed" else order):
            z = d * h[row, column]
            parts = (number.format(x) for x in (z.real, z.imag))
            lines.append(f"{r[0]:5d}{r[1]:5d}{r[2]:5d}{row + 1:5d}{column + 1:5d} " + " ".join(parts))
    if order == "mixed":
        lines = [lines[i] for i in np.random.default_rng(3).permutation(len(lines))]
    path.write_text("\n".join(head + lines) + "\n")


def write_win(path, cell, *more):
    """A `.win` with the cell in angstrom and `more` lines before it."""
    rows = [" ".join(f"{x:.14f}" for x in row) for row in cell]
    path.write_text("\n".join([*more, "begin unit_cell_cart", *rows, "end unit_cell_cart", ""]))


def write_wsvec(path, model, shifts=lambda r, m, n: [(0, 0, 0)]):
    """A `_wsvec.dat`; ``shifts(r, m, n)`` are the translations of an element (m, n from 1)."""
    lines = [" written by a test"]
    for r in model.vectors:
        for m in range(1, model.n_orbitals + 1):
            for n in range(1, model.n_orbitals + 1):
                found = shifts(r, m, n)
                lines += [" ".join(map(str, [*r, m, n])), str(len(found)), *(" ".join(map(str, t)) for t in found)]
    path.write_text("\n".join(lines) + "\n")
