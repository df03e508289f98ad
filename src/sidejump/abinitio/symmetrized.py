"""Wannier models and electron-phonon data with the exact symmetry of the crystal and its magnetisation.

Wannier functions from a minimisation need not transform like atomic orbitals, and bands between the mesh points are
then not symmetric.  The functions are first changed to a gauge in which they do (`symmetric_gauge`), which leaves
energies, position matrix and coupling on the coarse mesh as they were; then Hamiltonian, position matrix, force
constants and coupling are averaged over the group, which takes out what noise is left, and written as Fourier series
with images that keep the symmetry.  The report tells how much the average changed.

Not covered: two dimensions, projections on sites that are not known, spin spirals and other magnetic order that is not
one direction, symmetric subspaces above the frozen window (states there are averaged as they are).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..electrons.lattice import LatticeModel
from ..electrons.magnetic_group import words
from ..electrons.projections import parse_projections
from ..electrons.representation import atomic_orbitals
from ..electrons.symmetry import symmetry_report
from ..errors import InputError
from .container import Atoms, ElectronPhonon
from .coupling import Coupling
from .images import fold, hermitian_images, mesh_cells, mesh_class, minimal_images
from .mesh_transform import TIE, on_mesh, to_vectors
from .position import centres_of, position_elements
from .symmetric_average import CouplingMesh, averaged_phonons
from .symmetric_crystal import SymmetricCrystal, require_three_dimensions, symmetric_crystal
from .symmetric_gauge import (
    MeshAction,
    averaged,
    band_groups,
    composed,
    mesh_actions,
    sewing,
    sound_bands,
    symmetric_gauge,
)

NEAR = 1.0
"""eV: states this close to the Fermi energy are those whose change is reported."""

_OFF_SITE = 1.0  # angstrom
_FIT = 0.8  # mean overlap with the orbitals' representation below which projections are wrong
_NOTICE = (0.02, 0.05)  # eV rms near the Fermi energy, relative change of the coupling


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
    crystal = _crystal(model, data, projections, before["magnetisation"], spin_ordering, atoms)
    mesh = data.k_mesh if data is not None else tuple(k_mesh or infer_mesh(model))
    work = _Symmetrizer(model, data, crystal, mesh, energy)
    report = {
        "symmetry_operations": [o.name for o in crystal.operations],
        "magnetisation": before["magnetisation"],
        "magnetisation_source": before["magnetisation_source"],
        "k_mesh": list(mesh),
        "violation_before_rms_eV": before["point_group_violation_rms_eV"],
        "violation_before_near_energy_rms_eV": before["point_group_violation_near_energy_rms_eV"],
    }
    electrons = work.electrons()
    result = electrons if data is None else work.data(electrons)
    report |= work.report
    if data is not None:
        names = {key: value for key, value in report.items() if isinstance(value, float)}
        checks = data.checks | {f"symmetrize_{key}": value for key, value in names.items()}
        result = replace(result, checks=checks, warnings=[*data.warnings, *symmetry_warnings(report)])
    return result, report


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
    centres, positions, symbols, labels = model.site_positions, None, None, None
    if data is not None:
        centres, positions, symbols = data.wannier_centres, data.atoms.positions, data.atoms.symbols
        labels = [float(m) for m in np.round(data.atoms.masses, 3)]
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
            f"symmetrize: the {len(listed)} atoms given are not the {len(positions)} of the electron-phonon data; use the "
            "SEEDNAME.win of the same run"
        )
    return positions[order]


class _Symmetrizer:
    """Everything on the coarse mesh, in the gauge of the file and in the symmetric one."""

    def __init__(self, model: LatticeModel, data: ElectronPhonon | None, crystal: SymmetricCrystal, mesh, energy):
        self.model, self.source, self.crystal, self.mesh = model, data, crystal, mesh
        self.report: dict = {}
        self.actions: list[MeshAction] = mesh_actions(crystal.orbitals, crystal.operations, mesh)
        self.hamiltonian = _hermitian(on_mesh(model.vectors, model.hoppings, mesh))
        self.energies, self.states = np.linalg.eigh(self.hamiltonian)
        self.near = np.ones(self.energies.shape, dtype=bool)
        if energy is not None and np.any(np.abs(self.energies - energy) < NEAR):
            self.near = np.abs(self.energies - energy) < NEAR
        self.coupling_mesh = None
        if data is not None:
            self.coupling_mesh = CouplingMesh(crystal.cell, crystal.atoms, data.k_mesh, data.q_mesh)
            self.coupling = self._file_coupling(data)
        self.gauge = self._find_gauge()
        self.centres = self._image_centres()

    def _file_coupling(self, data) -> np.ndarray:
        """All of g on the coarse meshes, the long-range part included."""
        folded = fold(data.file_coupling, data.k_mesh, data.q_mesh)
        values = self.coupling_mesh.from_cells(folded)
        if data.long_range is not None:
            diagonal = np.arange(values.shape[-1])
            wave = self.coupling_mesh.q @ data.reciprocal_cell
            values[..., diagonal, diagonal] += data.long_range.vertex(wave)[:, None, :, None]
        return values

    def _find_gauge(self) -> np.ndarray:
        mesh, states = self.coupling_mesh, self.states
        groups = band_groups(self.energies, self.actions)
        sound = sound_bands(self.energies, self.actions)
        bands = None if mesh is None else mesh.gauged(self.coupling, states)
        fits = {}
        made = {}
        for n, pair in words([a.operation for a in self.actions]):
            if pair is None:
                action = self.actions[n]
                probes = [] if mesh is None else mesh.probes(action, bands)
                matrix, strength = sewing(action, states, groups, probes, sound)
                made[n], fits[n] = (matrix, action.matrices), float(np.mean(strength**2))
        worst = min(fits, key=lambda n: fits[n])
        fit = fits[worst]
        mean = averaged(self.actions, self.hamiltonian)
        self.report["orbital_asymmetry_rms_eV"] = _rms(np.linalg.norm(mean - self.hamiltonian, axis=(1, 2))) / np.sqrt(
            len(self.model.hoppings[0])
        )
        if fit < _FIT:
            raise InputError(
                f"projections: under {self.actions[worst].operation.name} the Wannier functions do not "
                f"transform like these orbitals (overlap {fit:.2f}); give the projections of the Wannier90 run, in its "
                "order, and the spin_ordering"
            )
        gauge, overlap = symmetric_gauge(self.actions, composed(self.actions, made))
        self.report["orbital_overlap"], self.report["gauge_overlap"] = fit, overlap
        return gauge

    def _image_centres(self) -> np.ndarray:
        """Points (N, 3) between which images are nearest: Wannier centres or their sites, as the source has it."""
        sites = self.crystal.orbitals.positions
        centres = centres_of(self.model)
        if centres is None and self.source is not None:
            centres = self.source.wannier_centres
        mean = None if centres is None else symmetric_centres(centres, self.crystal.orbitals, self.crystal.operations)
        self.report["images_nearest"] = "sites"
        if mean is None:
            return sites
        k = np.random.default_rng(0).random((40, 3))
        wanted = _at(k, self.model.vectors, self.model.hoppings)
        apart = [
            _rms(_at(k, *to_vectors(self.hamiltonian, self.mesh, self.crystal.cell, points)) - wanted)
            for points in (sites, mean)
        ]
        if apart[0] <= apart[1]:
            return sites
        self.report["images_nearest"] = "centres"
        return mean

    def electrons(self) -> LatticeModel:
        w, positions = self.gauge, self.crystal.orbitals.positions
        left = w.conj().swapaxes(1, 2)
        plain = left @ self.hamiltonian @ w
        hamiltonian = _hermitian(averaged(self.actions, plain))
        change = (np.linalg.eigvalsh(hamiltonian) - self.energies)[self.near]
        self.report["energy_change_rms_eV"] = _rms(change)
        self.report["energy_change_largest_eV"] = float(np.abs(change).max())
        self.report["hamiltonian_change_rms_eV"] = _rms(np.linalg.norm(hamiltonian - plain, axis=(1, 2))) / np.sqrt(
            w.shape[-1]
        )
        vectors, hoppings = to_vectors(hamiltonian, self.mesh, self.crystal.cell, self.centres)
        residual = self._positions()
        if residual is not None:
            _, residual = to_vectors(residual, self.mesh, self.crystal.cell, self.centres)
            home = np.flatnonzero(~vectors.any(axis=1))[0]
            diagonal = np.arange(len(positions))
            residual[home][:, diagonal, diagonal] += positions.T
        spin = self.model.spin
        return LatticeModel(self.crystal.cell, vectors, hoppings, residual, positions, spin)

    def _positions(self) -> np.ndarray | None:
        """Position matrix in the symmetric gauge less tau, averaged: (N_k, 3, N, N)."""
        elements = position_elements(self.model)
        if elements is None:
            return None
        w, positions = self.gauge, self.crystal.orbitals.positions
        left = w.conj().swapaxes(1, 2)[:, None]
        old = on_mesh(self.model.vectors, elements, self.mesh)
        diagonal = np.arange(len(positions))
        old[:, :, diagonal, diagonal] -= positions.T
        # W^+ (r + i d/dk) W less tau, the derivative of the Fourier series of W
        vectors, series = to_vectors(w, self.mesh, self.crystal.cell, self.centres)
        distance = (vectors @ self.crystal.cell)[:, :, None, None] + (positions[None] - positions[:, None]).transpose(
            2, 0, 1
        )
        new = _hermitian(left @ (old @ w[:, None] - on_mesh(vectors, distance * series[:, None], self.mesh)))
        mean = np.zeros_like(new)
        for action in self.actions:
            mean += np.einsum("ba,kamn->kbmn", action.operation.cartesian, action.apply(new)) / len(self.actions)
        self.report["position_change_rms_angstrom"] = _rms(np.linalg.norm(mean - new, axis=(2, 3))) / np.sqrt(
            w.shape[-1]
        )
        return _hermitian(mean)

    def data(self, electrons: LatticeModel) -> ElectronPhonon:
        data, mesh, crystal = self.source, self.coupling_mesh, self.crystal
        phonons = averaged_phonons(data.phonons, crystal.cell, crystal.atoms, crystal.operations)
        wave = mesh.q @ data.reciprocal_cell
        old, new = data.phonons.solve(wave)[0], phonons.solve(mesh.q @ (2 * np.pi * np.linalg.inv(crystal.cell).T))[0]
        self.report["phonon_energy_change_rms_eV"] = _rms(new - old)
        plain = mesh.gauged(self.coupling, self.gauge)
        values = mesh.averaged(self.actions, plain)
        self.report["coupling_change"] = self._coupling_change(values - plain, plain)
        del plain
        result = replace(
            data,
            electrons=electrons,
            phonons=phonons,
            atoms=Atoms(data.atoms.symbols, crystal.atoms, data.atoms.masses),
            wannier_centres=crystal.orbitals.positions,
            _cache={},
        )
        if result.long_range is not None:
            diagonal = np.arange(values.shape[-1])
            wave = mesh.q @ result.reciprocal_cell
            values[..., diagonal, diagonal] -= result.long_range.vertex(wave)[:, None, :, None]
        cells = Coupling(mesh_cells(data.k_mesh), mesh_cells(data.q_mesh), mesh.to_cells(values))
        coupling = hermitian_images(
            cells,
            cell=crystal.cell,
            positions=crystal.atoms,
            centres=crystal.orbitals.positions,
            k_mesh=data.k_mesh,
            q_mesh=data.q_mesh,
            project=True,
        )
        return replace(result, file_coupling=coupling, _cache={"hermitian": coupling})

    def _coupling_change(self, change, values) -> float:
        """Root mean square of `change` over that of `values`, between states near the Fermi energy."""
        states = self.gauge.conj().swapaxes(1, 2) @ self.states
        near = self.near.astype(float)
        square = [0.0, 0.0]
        for i, part in enumerate((change, values)):
            bands = self.coupling_mesh.gauged(part, states)
            for s, g in zip(self.coupling_mesh.sum, bands, strict=True):
                square[i] += float(np.einsum("km,kcmn,kn->", near[s], np.abs(g) ** 2, near, optimize=True))
        return float(np.sqrt(square[0] / square[1])) if square[1] else 0.0


def infer_mesh(model: LatticeModel) -> tuple[int, int, int]:
    """The coarse mesh of a model, from the lattice vectors of its diagonal elements.

    They fill a Wigner-Seitz cell of the supercell, and are equal at vectors that the supercell makes equivalent: that
    tells meshes with the same cell apart (4 and 5 points along the edges of a cube).

    Raises
    ------
    InputError
        If no mesh fits.
    """
    known = {tuple(r): i for i, r in enumerate(model.vectors.tolist())}
    diagonal = np.einsum("rnn->rn", model.hoppings)
    size = np.abs(diagonal).max(axis=1)
    noise = 1e-7 * size.max() + 2e-6  # _hr.dat has six digits after the point
    needed = {r for r, i in known.items() if size[i] > noise}
    reach = np.abs([r for r in needed]).max(axis=0)
    fits = []
    for index in np.ndindex(*(2 * reach + 2)):
        mesh = (index[0] + 1, index[1] + 1, index[2] + 1)
        if np.prod(mesh) > len(known):
            continue
        vectors = minimal_images(model.cell, mesh, np.zeros(3), tolerance=TIE)[0]
        cells = {tuple(r) for r in vectors.tolist()}
        if needed <= cells <= set(known):
            values = diagonal[[known[tuple(r)] for r in vectors.tolist()]]
            classes = mesh_class(vectors, mesh)
            first = np.unique(classes, return_index=True)[1]
            same = values[first][np.searchsorted(classes[first], classes)]
            if np.abs(values - same).max() < noise:
                fits.append((int(np.prod(mesh)), mesh))
    if not fits:
        raise InputError("symmetrize: no coarse mesh has the lattice vectors of this model; give k_mesh")
    return min(fits)[1]


def symmetric_centres(centres, orbitals, operations) -> np.ndarray | None:
    """Wannier centres averaged over the group (N, 3), where every operation maps them onto each other; else None.

    It does for hybrids, which are permuted; functions that mix (p, d) have one centre, or belong on their site.
    """
    offset = np.asarray(centres, dtype=float) - orbitals.positions
    if np.linalg.norm(offset, axis=1).max() > _OFF_SITE:
        return None
    shares = [np.abs(orbitals.matrix(o)) ** 2 for o in operations]
    mean = sum(d @ offset @ o.cartesian.T for d, o in zip(shares, operations, strict=True)) / len(operations)
    for d, o in zip(shares, operations, strict=True):
        apart = np.linalg.norm(mean[:, None] - mean @ o.cartesian.T, axis=-1)
        if apart[d > 1e-9].max() > 1e-6:
            return None
    return mean + orbitals.positions


def _at(k, vectors, values):
    return np.tensordot(np.exp(2j * np.pi * k @ vectors.T), values, axes=1)


def _hermitian(x):
    return 0.5 * (x + np.conj(np.swapaxes(x, -1, -2)))


def _rms(x) -> float:
    return float(np.sqrt(np.mean(np.square(np.abs(x)))))
