"""What a file of electrons, or of electrons and phonons, holds and how good it is.

The acoustic limit: an acoustic phonon of long wavelength is a shift of the crystal, whose coupling within a band must
vanish, so that |g|^2 grows as q.  A rigid shift that couples (`rigid_shift_coupling`) gives |g|^2 ~ 1/q instead below
some wave vector; the exponent says where the data stand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..electrons.lattice import LatticeModel
from ..electrons.symmetry import REVERSAL_NOISE, symmetry_report
from ..electrons.wannier90 import read_wannier90
from .container import ElectronPhonon
from .decay import decay_arrays
from .formats import read_electron_phonon
from .images import on_atoms
from .position import position_elements
from .rydberg import ATOMIC_MASS

ACOUSTIC_Q = (0.05, 0.1, 0.2)
"""Wave vectors at which the acoustic limit is examined, 1/angstrom."""


def describe(source, *, images: str = "hermitian", n_samples: int = 4) -> dict:
    """Contents and quality of a file, in the order in which to read them.

    Parameters
    ----------
    source : path or ElectronPhonon
        EPW directory, Perturbo or compact file, Wannier90 ``_tb.dat`` or ``_hr.dat``.
    images : {"hermitian", "file"}
        For the decay of the coupling.
    n_samples : int
        Random k points for the symmetry report.

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
        name = Path(source).name.removesuffix(".gz")
        if name.endswith(("_tb.dat", "_hr.dat")):
            return _electrons(read_wannier90(source), str(source), None, n_samples)
        source = read_electron_phonon(source)
    data = source
    # hybrids on their atom, so that the sites have the symmetry of the crystal
    sites = on_atoms(data.wannier_centres, data.atoms.positions, data.cell)
    own = data.electrons
    model = LatticeModel(own.cell, own.vectors, own.hoppings, position_elements(own), sites, own.spin)
    report = _electrons(model, data.source, data.fermi_energy, n_samples)
    symmetry = report.pop("symmetry")
    coupling = data.coupling_matrix(images)
    off = {f"coupling_hermiticity_{name}_images": off_mesh_hermiticity(data, name) for name in ("file", "hermitian")}
    return report | {
        "atoms": _atoms(data),
        "spinor": data.spinor,
        "two_dimensional": data.two_dimensional,
        "fermi_energy_eV": data.fermi_energy,
        "k_mesh": list(data.k_mesh),
        "q_mesh": list(data.q_mesh),
        "coupling_vectors": {"electrons": len(coupling.re_vectors), "phonons": len(coupling.rp_vectors)},
        "coupling_memory_MB": coupling.values.nbytes / 1e6,
        "polar": data.long_range is not None,
        **data.checks,
        **off,
        "acoustic_exponent": acoustic_exponent(data),
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


def off_mesh_hermiticity(data: ElectronPhonon, images: str, *, n: int = 12, seed: int = 0) -> float:
    """Largest ``|g(k, q)^+ - g(k + q, -q)|`` at random k and q, of the largest element."""
    rng = np.random.default_rng(seed)
    k, q = rng.random((n, 3)), rng.random((n, 3)) - 0.5
    if data.two_dimensional:
        k[:, 2] = q[:, 2] = 0
    return data.hermiticity_violation(k, q, images)


def acoustic_exponent(data: ElectronPhonon, *, window: float = 2.0, seed: int = 0) -> list[float]:
    """Exponents p of ``|g|^2 ~ q^p`` between the wave vectors `ACOUSTIC_Q`, ideally 1.

    |g|^2 of the three acoustic modes within a band (or group of degenerate bands), averaged over random k and the
    states within `window` (eV) of the Fermi energy (all states where there is none).
    """
    rng = np.random.default_rng(seed)
    k = rng.random((32, 3))
    direction = rng.normal(size=3)
    if data.two_dimensional:
        k[:, 2] = direction[2] = 0
    direction /= np.linalg.norm(direction)
    energies = data.energies(k)
    group = np.abs(energies[:, :, None] - energies[:, None, :]) < 1e-3
    if data.fermi_energy is not None:
        near = np.abs(energies - data.fermi_energy) < window
        if near.any():
            group &= near[:, :, None]
    strength = []
    for length in ACOUSTIC_Q:
        q = np.tile(length * direction @ data.cell.T / (2 * np.pi), (len(k), 1))
        g = np.abs(data.coupling(k, q)[..., :3]) ** 2
        strength.append(float(np.sum(g * group[..., None])))
    return (np.diff(np.log(strength)) / np.diff(np.log(ACOUSTIC_Q))).tolist()
