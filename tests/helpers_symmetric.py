"""Crystals with a known symmetry, and the same in a gauge that hides it.

Everything is random and averaged over the group on a coarse mesh; the hidden form is seen through Wannier functions
changed by a smooth unitary matrix ``exp(i x(k))``, x of short range.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import expm

from sidejump.bands.lattice import LatticeModel
from sidejump.groups.projections import parse_projections
from sidejump.groups.representation import atomic_orbitals
from sidejump.symmetrize.average import CouplingMesh, averaged_phonons
from sidejump.symmetrize.crystal import symmetric_crystal
from sidejump.symmetrize.gauge import averaged, mesh_actions
from sidejump.wannier.container import Atoms, ElectronPhonon
from sidejump.wannier.coupling import Coupling
from sidejump.wannier.images import mesh_cells
from sidejump.wannier.mesh_transform import on_mesh, to_vectors
from sidejump.wannier.phonons import Phonons

CUBE = 3.0 * np.eye(3)
FACE = 2.5 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]])


@dataclass
class Case:
    """`cell`, atoms, their symbols, projections, magnetisation, and the number of Wannier functions."""

    cell: np.ndarray
    atoms: np.ndarray
    symbols: tuple
    projections: str
    magnetisation: tuple
    n: int

    def crystal(self):
        owner = self.owner
        orbitals = atomic_orbitals(
            parse_projections(self.projections),
            self.n,
            cell=self.cell,
            centres=self.atoms[owner],
            atoms=self.atoms,
            symbols=self.symbols,
        )
        return symmetric_crystal(orbitals, self.atoms, self.symbols, np.array(self.magnetisation))

    @property
    def owner(self):
        return np.repeat(np.arange(len(self.atoms)), self.n // len(self.atoms))

    def listed(self):
        return list(zip(self.symbols, self.atoms, strict=True))


# magnetised along z, one atom with spin; two atoms that a glide exchanges; time reversal with spin
MAGNET = Case(CUBE, np.zeros((1, 3)), ("X",), "X:s;p", (0, 0, 1.0), 8)
DIAMOND = Case(FACE, np.array([[0, 0, 0], [1.25, 1.25, 1.25]]), ("C", "C"), "C:sp3", (0, 0, 0), 8)
REVERSAL = Case(CUBE, np.zeros((1, 3)), ("X",), "X:s;px;py;pz", (0, 0, 0), 8)
CASES = {"magnet": MAGNET, "diamond": DIAMOND, "reversal": REVERSAL}


def hermitian(x):
    return 0.5 * (x + x.conj().swapaxes(-1, -2))


def noise(rng, *shape):
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


class Hidden:
    """A crystal of `case`: `exact` electrons, and `model` (or `data`) in the other gauge."""

    def __init__(self, case, mesh=(4, 4, 4), size=0.25, disorder=0.0, seed=0):
        rng = np.random.default_rng(seed)
        self.case, self.mesh, self.crystal = case, mesh, case.crystal()
        self.actions = mesh_actions(self.crystal.orbitals, self.crystal.operations, mesh)
        self.sites = self.crystal.orbitals.positions
        k = mesh_cells(mesh)
        reach = np.array([r for r in np.ndindex(3, 3, 3)]) - 1
        decay = np.exp(-1.5 * np.linalg.norm(reach, axis=1))
        h = hermitian(on_mesh(reach, decay[:, None, None] * noise(rng, 27, case.n, case.n), mesh))
        self.hamiltonian = averaged(self.actions, h) + disorder * hermitian(noise(rng, len(k), case.n, case.n))
        r = hermitian(on_mesh(reach, 0.1 * decay[:, None, None, None] * noise(rng, 27, 3, case.n, case.n), mesh))
        self.position = sum(np.einsum("ba,kamn->kbmn", a.operation.cartesian, a.apply(r)) for a in self.actions) / len(
            self.actions
        )
        x = on_mesh(reach, decay[:, None, None] * noise(rng, 27, case.n, case.n), mesh)
        self.change = np.array([expm(1j * size * y / np.abs(x).max()) for y in hermitian(x)])
        self.model = self._seen()

    def _seen(self):
        v, left = self.change, self.change.conj().swapaxes(1, 2)
        vectors, hoppings = to_vectors(left @ self.hamiltonian @ v, self.mesh, self.case.cell, self.sites)
        # r in the new gauge: v^+ (r + i d/dk) v, in the basis of the sites
        _, series = to_vectors(v, self.mesh, self.case.cell, self.sites)
        distance = (vectors @ self.case.cell)[:, :, None, None] + (self.sites[None] - self.sites[:, None]).transpose(
            2, 0, 1
        )
        turned = self.position @ v[:, None] - on_mesh(vectors, distance * series[:, None], self.mesh)
        _, positions = to_vectors(hermitian(left[:, None] @ turned), self.mesh, self.case.cell, self.sites)
        home = np.flatnonzero(~vectors.any(axis=1))[0]
        positions[home] += np.stack([np.diag(c) for c in self.sites.T])
        return LatticeModel(self.case.cell, vectors, hoppings, positions, self.sites)

    def data(self, q_mesh=(2, 2, 2), seed=1):
        """Electron-phonon data with random force constants and coupling."""
        rng = np.random.default_rng(seed)
        case, nat = self.case, len(self.case.atoms)
        mesh = CouplingMesh(case.cell, self.crystal.atoms, self.mesh, q_mesh)
        g = noise(rng, len(mesh.q), len(self.hamiltonian), 3 * nat, case.n, case.n)
        g = mesh.averaged(self.actions, g)
        cells = Coupling(mesh_cells(self.mesh), mesh_cells(q_mesh), mesh.to_cells(mesh.gauged(g, self.change)))
        reach = np.array([r for r in np.ndindex(3, 3, 3)]) - 1
        constants = rng.normal(size=(27, 3 * nat, 3 * nat)) * np.exp(-2 * np.linalg.norm(reach, axis=1))[:, None, None]
        constants[13] += 40 * np.eye(3 * nat)
        masses = np.full(nat, 20000.0)
        phonons = Phonons(case.cell, case.atoms, masses, reach, constants.astype(complex))
        phonons = averaged_phonons(phonons, case.cell, self.crystal.atoms, self.crystal.operations)
        data = ElectronPhonon(
            self.model,
            phonons,
            cells,
            Atoms(case.symbols, case.atoms, masses),
            self.sites,
            self.mesh,
            tuple(q_mesh),
            fermi_energy=0.0,
        )
        # Hermitian on the coarse mesh, as the potential is
        return replace(data, file_coupling=_projected(data))


def _projected(data):
    from sidejump.wannier.images import hermitian_images

    return hermitian_images(
        data.file_coupling,
        cell=data.cell,
        positions=data.atoms.positions,
        centres=data.wannier_centres,
        k_mesh=data.k_mesh,
        q_mesh=data.q_mesh,
        project=True,
    )
