"""The two conventions of a lattice Hamiltonian, and which of them a function H(k) follows.

With orbitals at tau_n and every reciprocal lattice vector G

    periodic gauge    H(k + G) = H(k)                                Bloch sums  sum_R exp(ik.R) |n R>
    atomic gauge      H_mn(k + G) = exp(-iG.(tau_m - tau_n)) H_mn(k)              sum_R exp(ik.(R + tau_n)) |n R>

The bands are the same; Berry curvature, coordinate shift and everything made of wave functions are not, and only in the
atomic gauge is a slowly varying scalar potential a number times the identity.  From one to the other

    H_atomic,mn(k) = exp(-ik.(tau_m - tau_n)) H_periodic,mn(k).
"""

from __future__ import annotations

import itertools

import numpy as np
from array_api_compat import array_namespace

from ..errors import InputError

GAUGES = ("periodic", "atomic")
_TOLERANCE = 1e-8  # of the largest element


def site_phases(k, sites):
    """``exp(-ik.(tau_m - tau_n))``, shape (nk, N, N), for k (nk, d) in 1/angstrom and sites (N, d) in angstrom."""
    xp = array_namespace(k)
    phase = xp.exp(1j * xp.astype(xp.matmul(k, xp.asarray(sites.T)), xp.complex128))
    return xp.conj(phase)[:, :, None] * phase[:, None, :]


def gauge_of(function, k, reciprocal_cell, sites, claimed: str | None) -> str:
    """The convention that `function` follows, tried on k (nk, d) and reciprocal lattice vectors G.

    Parameters
    ----------
    function : callable
        H (nk, N, N), eV, of k (nk, d), 1/angstrom.
    reciprocal_cell : ndarray, shape (d, d)
        Rows, 1/angstrom.
    sites : ndarray, shape (N, d)
        tau, angstrom.
    claimed : {"periodic", "atomic"} or None
        What the user says.

    Raises
    ------
    InputError
        If it follows neither, not the one claimed, or both though they differ.
    """
    sample = function(k)
    size = np.abs(sample).max() or 1.0
    worst: dict[str, tuple] = {}
    for numbers in itertools.product((-1, 0, 1), repeat=len(reciprocal_cell)):
        if not any(numbers):
            continue
        g = np.array(numbers) @ reciprocal_cell
        shifted = function(k + g)
        for gauge in GAUGES:
            expected = sample if gauge == "periodic" else sample * site_phases(g[None], sites)
            difference = np.abs(shifted - expected)
            if gauge not in worst or difference.max() > worst[gauge][0]:
                _, i, j = np.unravel_index(np.argmax(difference), difference.shape)
                worst[gauge] = (float(difference.max()), int(i), int(j), numbers)
    holds = [gauge for gauge in GAUGES if worst[gauge][0] <= _TOLERANCE * size]
    if claimed is not None:
        if claimed not in holds:
            also = f'; it is that of gauge = "{holds[0]}"' if holds else ""
            raise InputError(f'h(k) is not of gauge = "{claimed}": {_said(worst, claimed)}{also}')
        return claimed
    if not holds:
        raise InputError(
            f"h(k) fits cell and sites in neither convention: {_said(worst, 'periodic')} (periodic gauge), "
            f"{_said(worst, 'atomic')} (atomic gauge, sites in angstrom)"
            f"{_other_unit(function, k, reciprocal_cell, sites, sample)}; correct cell or sites"
        )
    if len(holds) == 2 and np.abs(sample * site_phases(k, sites) - sample).max() > _TOLERANCE * size:
        raise InputError(
            "h(k) fits both conventions, as sites differ by whole lattice vectors: say which one is meant, "
            'gauge = "periodic" or gauge = "atomic"'
        )
    return holds[-1]  # atomic where nothing tells them apart: nothing to convert


def _said(worst: dict, gauge: str) -> str:
    difference, i, j, numbers = worst[gauge]
    other = {"periodic": "H(k)", "atomic": "exp(-iG.tau) H(k) exp(iG.tau)"}[gauge]
    return f"element [{i}, {j}] of H(k+G) for G = {list(numbers)} differs from that of {other} by {difference:.2g} eV"


def _other_unit(function, k, reciprocal_cell, sites, sample) -> str:
    """A hint where sites were given in units of the lattice vectors."""
    cell = 2 * np.pi * np.linalg.inv(reciprocal_cell).T
    size = np.abs(sample).max() or 1.0
    for g in reciprocal_cell:
        if np.abs(function(k + g) - sample * site_phases(g[None], sites @ cell)).max() > _TOLERANCE * size:
            return ""
    return "; sites seem to be in units of the lattice vectors: give sites @ cell, in angstrom"
