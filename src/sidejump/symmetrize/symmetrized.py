"""Wannier models and electron-phonon data with the exact symmetry of the crystal and its magnetisation.

Wannier functions from a minimisation need not transform like atomic orbitals, and bands between the mesh points are
then not symmetric.  The functions are first changed to a gauge in which they do (`gauge`), which leaves
energies, position matrix and coupling on the coarse mesh as they were; then Hamiltonian, position matrix, force
constants and coupling are averaged over the group, which takes out what noise is left, and written as Fourier series
with images that keep the symmetry.  The report tells how much the average changed.

Not covered: two-dimensional models (data of layers are those of a cell with vacuum), projections on sites that are not
known, spin spirals and other magnetic order that is not one direction, symmetric subspaces above the frozen window
(states there are averaged as they are).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..groups.projections import parse_projections
from ..groups.representation import atomic_orbitals
from ..groups.symmetry import REVERSAL_NOISE, symmetry_report
from ..wannier.container import ElectronPhonon
from .coupling import SymmetricCoupling
from .crystal import SymmetricCrystal, require_three_dimensions, symmetric_crystal
from .electrons import SymmetricElectrons, infer_mesh

_NOTICE = (0.02, 0.05)  # eV rms near the Fermi energy, relative change of the coupling


@threadpool_limits.wrap(limits=1)
def symmetrized(
    source,
    *,
    projections: str,
    magnetisation=None,
    spin_ordering: str | None = None,
    atoms=None,
    k_mesh=None,
    energy: float | None = None,
):
    """`source` with exact symmetry, and a report of what that changed.

    Parameters
    ----------
    source : LatticeModel or ElectronPhonon
        From `read_wannier90`, or from `read_epw`, `read_perturbo`, `read_compact`.
    projections : str
        Those of the Wannier90 run, such as ``"Fe:sp3d2;dxy;dxz;dyz"``; entries separated by newlines or ``|``.
    magnetisation : sequence of 3 floats, optional
        Its direction, Cartesian; zero for a crystal with time reversal. Estimated as `symmetry_report` does when not
        given.
    spin_ordering : {"interleaved", "block"}, optional
        Of spinors; Wannier90's own, interleaved, when not given.
    atoms : sequence of (symbol, position), optional
        Positions in angstrom. Needed only where species share the orbitals or a LatticeModel has off-centre functions.
    k_mesh : sequence of 3 int, optional
        Coarse mesh of a LatticeModel; inferred from its lattice vectors when not given.
    energy : float, optional
        Fermi energy, eV, near which the changes are reported; that of the file, or all energies, when not given.

    Returns
    -------
    result : LatticeModel or ElectronPhonon
    report : dict
        See `docs/symmetry.md`.

    Raises
    ------
    InputError
        If the projections do not fit the Wannier functions, or the mesh has not the symmetry of the crystal.
    """
    data = source if isinstance(source, ElectronPhonon) else None
    model = source.electrons if data is not None else source
    if not isinstance(model, LatticeModel):
        raise InputError(f"symmetrize: {type(model).__name__} is no model of Wannier functions")
    require_three_dimensions(model)
    if data is not None and energy is None:
        energy = data.fermi_energy
    before = symmetry_report(model, magnetisation, energy=energy)
    if magnetisation is None and before["time_reversal_violation"] < REVERSAL_NOISE:
        before |= {"magnetisation": [0.0, 0.0, 0.0], "magnetisation_source": "none"}
    crystal = _crystal(model, data, projections, before["magnetisation"], spin_ordering, atoms)
    mesh = data.k_mesh if data is not None else tuple(k_mesh or infer_mesh(model))
    report = {
        "symmetry_operations": [o.name for o in crystal.operations],
        "magnetisation": before["magnetisation"],
        "magnetisation_source": before["magnetisation_source"],
        "k_mesh": list(mesh),
        "violation_before_rms_eV": before["point_group_violation_rms_eV"],
        "violation_before_near_energy_rms_eV": before["point_group_violation_near_energy_rms_eV"],
    }
    if data is None:
        work = SymmetricElectrons(model, crystal, mesh, energy)
        return work.averaged(), report | work.report
    coupling = SymmetricCoupling(data, crystal)
    work = SymmetricElectrons(model, crystal, mesh, energy, coupling.probes, data.wannier_centres)
    result, found = coupling.averaged(work)
    report |= work.report | found
    checks = data.checks | {f"symmetrize_{key}": value for key, value in report.items()}
    return replace(result, checks=checks, warnings=[*data.warnings, *symmetry_warnings(report)]), report


def symmetry_warnings(report: dict) -> list[str]:
    """What a reader of a result should be told of a report."""
    found = []
    if report["energy_change_rms_eV"] > _NOTICE[0]:
        found.append(
            f"symmetrize: averaging over the group changed energies by {1e3 * report['energy_change_rms_eV']:.3g} meV "
            "(rms): the calculation itself is less symmetric than its crystal, or the projections are others"
        )
    if report.get("coupling_change", 0.0) > _NOTICE[1]:
        found.append(
            f"symmetrize: averaging over the group changed the coupling by {100 * report['coupling_change']:.2g} %: "
            "the calculation itself is less symmetric than its crystal"
        )
    return found


def _crystal(model, data, projections, magnetisation, spin_ordering, atoms) -> SymmetricCrystal:
    centres, positions, symbols = model.site_positions, None, None
    labels: tuple | None = None
    if data is not None:
        centres, positions, symbols = data.wannier_centres, data.atoms.positions, data.atoms.symbols
        labels = tuple(np.round(data.atoms.masses, 3).tolist())
    listed = positions  # in the order of the projections
    if atoms is not None:
        listed = np.array([position for _, position in atoms], dtype=float).reshape(-1, 3)
        symbols = tuple(str(symbol) for symbol, _ in atoms)
        if data is None:
            positions, labels = listed, symbols
        else:
            listed = _matched(listed, positions, model.cell)
    orbitals = atomic_orbitals(
        parse_projections(projections),
        model.n_orbitals,
        cell=model.cell,
        centres=centres,
        atoms=listed,
        symbols=symbols,
        spin_ordering=spin_ordering,
    )
    return symmetric_crystal(orbitals, positions, labels, magnetisation)


def _matched(listed, positions, cell) -> np.ndarray:
    """The positions of the data in the order of those `listed`."""
    apart = listed[:, None] - positions[None]
    apart -= np.round(apart @ np.linalg.inv(cell)) @ cell
    distance = np.linalg.norm(apart, axis=-1)
    order = distance.argmin(axis=1)
    if sorted(order.tolist()) != list(range(len(positions))) or distance.min(axis=1).max() > 0.05:
        raise InputError(
            f"symmetrize: the {len(listed)} atoms given are not the {len(positions)} of the electron-phonon data; use "
            "the SEEDNAME.win of the same run"
        )
    return positions[order]
