"""Models of PythTB 1.8 and 2: orbitals as positions in units of the lattice vectors, hops without their conjugates.

``set_hop(t, i, j, R)`` is ``<i 0|H|j R>``; with ``nspin = 2`` (`spinful`) every amplitude is a matrix of up and down,
and the two follow each other.  PythTB has no units: its numbers are taken for eV and angstrom unless others are named.

PythTB is published under the GPL; nothing of it is imported here.
"""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..bands.spin_order import spin_matrices
from ..errors import InputError
from .assemble import Crystal, lattice_model, summed, with_adjoints
from .foreign import checked_numbers, checked_unit, require

_SOURCE = "PythTB model"
_DROPPED = (
    "PythTB model: made from Wannier90's files without the part of the position matrix between its functions, which "
    "Berry curvature and coordinate shift miss; read SEEDNAME_tb.dat instead"
)


def from_pythtb(model, *, energy_unit: float = 1.0, length_unit: float = 1.0) -> LatticeModel:
    """A lattice model from one of PythTB.

    Parameters
    ----------
    model : pythtb.tb_model or pythtb.TBModel
        Of version 1.8 or 2, with two or three periodic directions; parameters of version 2 must have values.
    energy_unit, length_unit : float
        What one unit of the model's energies is in eV, and of its lengths in angstrom.

    Returns
    -------
    LatticeModel
        Orbitals in the order of PythTB, on their positions; up next to down, with the spin, where the model has both.
        The position operator is diagonal, as PythTB takes it.

    Raises
    ------
    InputError
        If it is no such model, repeats along one direction, or has parameters without a value.

    Notes
    -----
    ``model._gen_ham(k)`` of 1.8 and ``model.hamiltonian(k)`` of 2 are the Hamiltonian of the result at
    ``k @ reciprocal_cell``; what PythTB calls convention II leaves the positions out of the phases.
    """
    energy, length = checked_unit("energy_unit", energy_unit), checked_unit("length_unit", length_unit)
    read = _second if hasattr(model, "lat_vecs") else _first
    lattice, orbitals, periodic, spinful, onsite, hops = read(model)
    d, n = len(lattice), len(orbitals)
    cell = length * checked_numbers(lattice, (d, d), "lattice vectors", _SOURCE)
    sites = checked_numbers(orbitals, (n, d), "orbitals", _SOURCE) @ cell
    size = 2 if spinful else 1
    amplitudes = [*[0.5 * np.asarray(e, dtype=complex) for e in onsite], *[t for t, *_ in hops]]
    blocks = checked_numbers(
        [np.reshape(t, (size, size)) for t in amplitudes], (len(amplitudes), size, size), "hops", _SOURCE, complex
    )
    rows = np.array([*range(n), *[i for _, i, _, _ in hops]])
    columns = np.array([*range(n), *[j for _, _, j, _ in hops]])
    vectors = np.array([*np.zeros((n, d), dtype=int), *[r for *_, r in hops]], dtype=int).reshape(-1, d)
    up_down = np.arange(size)
    vectors, matrices = summed(
        n * size,
        np.repeat(vectors, size * size, axis=0),
        (size * rows[:, None, None] + up_down[:, None] + 0 * up_down).ravel(),
        (size * columns[:, None, None] + 0 * up_down[:, None] + up_down).ravel(),
        energy * blocks.ravel(),
    )
    crystal = Crystal(cell, np.repeat(sites, size, axis=0), periodic, _SOURCE)
    spin = spin_matrices("interleaved", 2 * n) if spinful else None
    result = lattice_model(crystal, vectors, with_adjoints(vectors, matrices), spin=spin)
    if not getattr(model, "_assume_position_operator_diagonal", True):
        result.warnings = (_DROPPED,)
    return result


def _first(model):
    """Lattice, orbitals, periodic directions, spin, on-site terms and hops (t, i, j, R) of version 1.8."""
    require(model, ("get_lat", "get_orb", "_per", "_nspin", "_site_energies", "_hoppings"), "model of PythTB")
    lattice = np.asarray(model.get_lat())
    nowhere = np.zeros(len(lattice), dtype=int)
    hops = [(hop[0], hop[1], hop[2], hop[3] if len(hop) > 3 else nowhere) for hop in model._hoppings]
    return lattice, model.get_orb(), model._per, model._nspin == 2, model._site_energies, hops


def _second(model):
    """The same of version 2."""
    require(model, ("orb_vecs", "periodic_dirs", "spinful", "onsite", "hoppings"), "model of PythTB")
    wanting = sorted({name for term in getattr(model, "parameters", ()) for name in term["names"]})
    if wanting:
        raise InputError(
            f"{_SOURCE}: its parameters {', '.join(wanting)} have no value; hand over model.with_parameters(...)"
        )
    nowhere = np.zeros(len(model.lat_vecs), dtype=int)
    hops = [
        (hop["amplitude"], hop["from_orbital"], hop["to_orbital"], hop.get("lattice_vector", nowhere))
        for hop in model.hoppings
    ]
    return model.lat_vecs, model.orb_vecs, model.periodic_dirs, model.spinful, model.onsite, hops
