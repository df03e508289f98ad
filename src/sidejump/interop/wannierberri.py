"""Systems of WannierBerri: H(R), position matrix and spin of Wannier functions, eV and angstrom.

Its position matrix ``AA`` is that without the Wannier centres.  WannierBerri is published under the GPL; nothing of it
is imported here.
"""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..formats.wannier90 import sites_of
from .assemble import Crystal, lattice_model
from .foreign import checked_numbers, require

_SOURCE = "WannierBerri system"
_CONSTANT = 1e-10  # of 1: where spin matrices are those of up and down functions


def from_wannierberri(system) -> LatticeModel:
    """A lattice model from a system of WannierBerri.

    Parameters
    ----------
    system : wannierberri.system.System_R
        Of any kind: of Wannier90's files, of tight-binding models.

    Returns
    -------
    LatticeModel
        With the position matrix if the system has ``AA``, and the spin if it has ``SS``. With a position matrix the
        functions of one atom share its site, as those of :func:`.read_wannier90`; without, each is at its centre. In
        two dimensions if the system is periodic along two vectors.

    Raises
    ------
    InputError
        If it is no such system.
    """
    require(system, ("get_R_mat", "has_R_mat", "rvec", "real_lattice", "wannier_centers_cart", "periodic"), "System_R")
    cell = checked_numbers(system.real_lattice, (3, 3), "lattice vectors", _SOURCE)
    vectors = np.asarray(system.rvec.iRvec, dtype=int)
    centres = np.asarray(system.wannier_centers_cart, dtype=float)
    n, n_r = len(centres), len(vectors)
    centres = checked_numbers(centres, (n, 3), "Wannier centres", _SOURCE)
    hoppings = checked_numbers(system.get_R_mat("Ham"), (n_r, n, n), "elements of H", _SOURCE, complex)
    positions, sites = None, centres
    if system.has_R_mat("AA"):
        elements = checked_numbers(system.get_R_mat("AA"), (n_r, n, n, 3), "elements of AA", _SOURCE, complex)
        positions = elements.transpose(0, 3, 1, 2).copy()
        home = int(np.flatnonzero(~vectors.any(axis=1))[0])
        positions[home][:, np.arange(n), np.arange(n)] += centres.T
        sites = sites_of(vectors, positions)
    crystal = Crystal(cell, sites, [i for i in range(3) if system.periodic[i]], _SOURCE)
    return lattice_model(crystal, vectors, hoppings, positions=positions, **_spin(system, vectors, sites))


def _spin(system, vectors, sites) -> dict:
    """The spin as Pauli matrices where it is one within each site, which no phase changes, else as a series."""
    n = len(sites)
    if not system.has_R_mat("SS"):
        return {}
    values = checked_numbers(system.get_R_mat("SS"), (len(vectors), n, n, 3), "elements of SS", _SOURCE, complex)
    series = values.transpose(0, 3, 1, 2)
    home = ~vectors.any(axis=1)
    constant = series[home][0]
    algebra = np.abs(constant[0] @ constant[1] - 1j * constant[2]).max() if n % 2 == 0 else 1.0
    apart = np.linalg.norm(sites[:, None] - sites, axis=-1) * np.abs(constant).max(axis=0)
    if max(np.abs(series[~home]).max(initial=0.0), algebra, apart.max()) < _CONSTANT:
        return {"spin": constant}
    return {"spin_matrices": series}
