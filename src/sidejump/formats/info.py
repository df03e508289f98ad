"""What a file of electrons, or of electrons and phonons, holds and how good it is."""

from __future__ import annotations

import numpy as np

from ..bands.lattice import LatticeModel
from ..files import plain_name
from ..groups.symmetry import REVERSAL_NOISE, symmetry_report
from ..wannier.checks import interpolation
from ..wannier.container import ElectronPhonon
from ..wannier.decay import decay_arrays
from ..wannier.images import on_atoms
from ..wannier.position import position_elements
from ..wannier.rydberg import ATOMIC_MASS
from .recognise import read_electron_phonon
from .wannier90 import load_wannier90


def describe(source, *, images: str = "hermitian", n_samples: int = 4, cell=None) -> dict:
    """Contents and quality of a file, in the order in which to read them.

    Parameters
    ----------
    source : path or ElectronPhonon
        EPW directory, Perturbo or compact file, Wannier90 ``_tb.dat`` or ``_hr.dat``.
    images : {"hermitian", "file"}
        For the decay of the coupling.
    n_samples : int
        Random k points for the symmetry report.
    cell : array, shape (3, 3), optional
        Lattice vectors (angstrom) of a ``_hr.dat`` that has none beside it.

    Returns
    -------
    dict
        Plain numbers and strings, units in the names; ``decay`` maps names to arrays (see `decay_arrays`).

    Raises
    ------
    InputError
        If the source cannot be read.
    """
    if not isinstance(source, ElectronPhonon):
        name = plain_name(source)
        if name.endswith(("_tb.dat", "_hr.dat")):
            model = load_wannier90(source, cell=cell)
            report = _electrons(model, str(source), None, n_samples) | {"order_of_rows": model.order}
            return report | {"warnings": list(model.warnings)}
        source = read_electron_phonon(source)
    data = source
    # hybrids on their atom, so that the sites have the symmetry of the crystal
    sites = on_atoms(data.wannier_centres, data.atoms.positions, data.cell)
    own = data.electrons
    model = LatticeModel(own.cell, own.vectors, own.hoppings, position_elements(own), sites, own.spin)
    report = _electrons(model, data.source, data.fermi_energy, n_samples)
    symmetry = report.pop("symmetry")
    coupling = data.coupling_matrix(images)
    checks = data.checks if "acoustic_exponent" in data.checks else data.checks | interpolation(data)
    return report | {
        "atoms": _atoms(data),
        "spinor": data.spinor,
        "spin_degeneracy": data.electrons.spin_degeneracy,
        "two_dimensional": data.two_dimensional,
        "fermi_energy_eV": data.fermi_energy,
        "k_mesh": list(data.k_mesh),
        "q_mesh": list(data.q_mesh),
        "coupling_vectors": {"electrons": len(coupling.re_vectors), "phonons": len(coupling.rp_vectors)},
        "coupling_memory_MB": coupling.values.nbytes / 1e6,
        "polar": data.long_range is not None,
        **checks,
        "symmetry": symmetry,
        "warnings": list(data.warnings),
        "decay": decay_arrays(data, images),
    }


def _electrons(model, source, fermi, n_samples) -> dict:
    cell = np.asarray(model.cell)
    symmetry = symmetry_report(model, energy=fermi, n_samples=n_samples)
    if symmetry["time_reversal_violation"] < REVERSAL_NOISE:
        symmetry = symmetry_report(model, (0, 0, 0), energy=fermi, n_samples=n_samples)
        symmetry["magnetisation_source"] = "none"
    symmetry["lattice_operations_broken"] = len(symmetry["lattice_operations_broken"])
    return {
        "source": source,
        "cell_angstrom": cell.tolist(),
        "cell_volume_angstrom3": float(abs(np.linalg.det(cell))),
        "wannier_functions": model.n_orbitals,
        "electron_vectors": len(model.vectors),
        "position_matrix": model.residual_positions is not None,
        "hamiltonian_hermiticity_eV": model.hermiticity_violation,
        "symmetry": symmetry,
    }


def _atoms(data) -> list[dict]:
    fractional = data.atoms.positions @ np.linalg.inv(data.cell)
    symbols = data.atoms.symbols or [None] * len(fractional)
    return [
        {"symbol": symbol, "mass_amu": float(mass / ATOMIC_MASS), "position_crystal": position.tolist()}
        for symbol, mass, position in zip(symbols, data.atoms.masses, fractional, strict=True)
    ]
