"""What the form of another code cannot hold of a set.

EPW's and Perturbo's files hold values modulo the supercells of the coarse meshes, at lattice vectors that a rule gives:
numbers on the meshes stay, those between them change where the images of the set are others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..bands.lattice import LatticeModel
from ..wannier.container import ElectronPhonon
from ..wannier.coupling import Coupling
from ..wannier.images import fold, fold_vectors, mesh_class
from ..wannier.phonons import Phonons
from ..wannier.position import position_elements
from .wigner import WignerSeitz

_EXACT = 1e-6  # eV, angstrom, or of the largest element: what is less is rounding


def undivided(data: ElectronPhonon, sets: WignerSeitz) -> np.ndarray:
    """Coupling at the vectors of `sets`, weights not folded in: (nRp, 3 nat, nRe, N, N), eV/angstrom."""
    folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
    p, e = mesh_class(sets.rp_vectors, data.q_mesh), mesh_class(sets.re_vectors, data.k_mesh)
    return folded[p][:, :, e]


def at_vectors(vectors, own, values, mesh) -> np.ndarray:
    """`values` (nR, ...) at `own` vectors, modulo the supercell, at `vectors`."""
    return fold_vectors(own, values, mesh)[mesh_class(vectors, mesh)]


def held(data: ElectronPhonon, sets: WignerSeitz) -> tuple[LatticeModel, Phonons, Coupling]:
    """Electrons, phonons and coupling that a file with these vectors and weights holds."""
    own, n = data.electrons, data.electrons.n_orbitals
    weights = sets.electron_weights(n)
    positions = position_elements(own)
    if positions is not None:
        positions = at_vectors(sets.re_vectors, own.vectors, positions, data.k_mesh) * weights[:, None]
    hoppings = at_vectors(sets.re_vectors, own.vectors, own.hoppings, data.k_mesh) * weights
    constants = at_vectors(sets.phonon_vectors, data.phonons.vectors, data.phonons.force_constants, data.q_mesh)
    return (
        LatticeModel(data.cell, sets.re_vectors, hoppings, positions, own.site_positions),
        replace(
            data.phonons,
            vectors=sets.phonon_vectors,
            force_constants=constants * sets.phonon_weights(len(data.atoms.masses)),
        ),
        Coupling(sets.re_vectors, sets.rp_vectors, sets.weigh_coupling(undivided(data, sets))),
    )


def losses(data: ElectronPhonon, sets: WignerSeitz, form: str) -> list[str]:
    """What is lost in `form` ("epw" or "perturbo"), with its size, in words; empty where nothing is."""
    model, phonons, coupling = held(data, sets)
    rng = np.random.default_rng(0)
    k, q = rng.random((64, 3)), rng.random((64, 3))
    if data.two_dimensional:
        k[:, 2] = q[:, 2] = 0
    wave = k @ data.reciprocal_cell
    found = []
    change = np.abs(np.linalg.eigvalsh(model.hamiltonian(wave)) - data.energies(k)).max()
    if change > _EXACT:
        found.append(f"the bands between the points of the k mesh (by up to {change:.2g} eV)")
    change = np.abs(phonons.solve(q @ data.reciprocal_cell)[0] - data.phonon_energies(q)).max()
    if change > _EXACT:
        found.append(f"the phonons between the points of the q mesh (by up to {1e3 * change:.2g} meV)")
    own = data.file_coupling.at(k[:12], q[:12])
    change = np.abs(coupling.at(k[:12], q[:12]) - own).max() / max(np.abs(own).max(), 1e-9)
    if change > _EXACT:
        found.append(
            f"the supercell images of the coupling (between the points of the meshes by up to {change:.2g} of its "
            "largest element; Hermitian images stay)"
        )
    found += _positions(data, model, wave, form)
    if data.electrons.spin is not None:
        found.append("the spin matrices")
    if form == "perturbo":
        if data.fermi_energy is not None:
            found.append(f"the Fermi energy ({data.fermi_energy:.6g} eV)")
        if "n_electrons" in data.extra:
            found.append(f"the number of electrons ({data.extra['n_electrons']:g})")
    return found


def _positions(data, model, wave, form) -> list[str]:
    own = data.electrons.position_matrix(wave)
    if own is None:
        return []
    if form == "perturbo":
        return [f"the position matrix (up to {np.abs(own).max():.2g} angstrom beside the centres; keep the _tb.dat)"]
    change = np.abs(model.position_matrix(wave) - own).max()
    if change <= _EXACT:
        return []
    return [f"the position matrix between the points of the k mesh (by up to {change:.2g} angstrom)"]
