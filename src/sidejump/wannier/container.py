"""Electrons, phonons and electron-phonon coupling of one crystal, whatever code wrote them.

All in the Wannier basis with lattice vectors explicit and weights folded in.  The normalised vertex is

    g_mn,nu(k, q) = sum_a sqrt(hbar^2/(2 M_a hbar omega_nu)) e_a,nu(q) [U^+(k + q) g_a(k, q) U(k)]_mn    (eV),

for one cell: sums over q are averages over the Brillouin zone.  Where omega vanishes, and for imaginary modes, there is
no amplitude and g is zero; slightly imaginary modes (`SOFT`, as in EPW), which interpolation leaves around q = 0, are
given with the modulus of omega.  A negative phonon energy tells both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..bands.base import with_spin_degeneracy
from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..notebook import card
from ..rules import one_of, quote
from ..units import HBAR2_OVER_2M
from .coupling import Coupling, PairCoupling
from .domains import require_sound
from .images import hermitian_images, mesh_cells, on_atoms
from .long_range import DipolePart
from .phonons import Phonons
from .planar import planar_electrons
from .position import centres_of
from .rydberg import RYDBERG

IMAGES = ("hermitian", "file")

SOFT = 1e-4 * RYDBERG
"""Imaginary modes with a smaller modulus than this (eV) keep an amplitude."""


@dataclass(frozen=True)
class Atoms:
    """Symbols (None where the file names no element), positions (nat, 3) angstrom, masses (nat,) electron masses."""

    symbols: tuple[str, ...] | None
    positions: np.ndarray
    masses: np.ndarray


@dataclass(frozen=True)
class ElectronPhonon:
    """Ab initio electron-phonon data; made by `read_epw`, `read_perturbo` or `read_compact`.

    Attributes
    ----------
    electrons : LatticeModel
        Bands, with the position matrix where the files hold one.
    phonons : Phonons
    file_coupling : Coupling
        With the images that the writing code chose.
    atoms : Atoms
    wannier_centres : ndarray, shape (N, 3)
        Angstrom.
    k_mesh, q_mesh : tuple of 3 int
        Coarse meshes.
    spinor : bool
        Whether the Wannier functions hold both spins.
    fermi_energy : float or None
        eV.
    two_dimensional : bool
        A layer in vacuum; see :attr:`model`.
    source : str
        Where the data came from, for reports.
    checks : dict
        Numbers found by the consistency tests.
    warnings : list of str
    family : str
        "epw" or "perturbo": whose image choice the file has.
    coupling_alpha : float or None
        Ewald parameter of the coupling's long-range part, 1/angstrom^2; that of the phonons when None.
    alat : float
        Unit of length of the writing code, angstrom; 0 where unknown.
    extra : dict
        What only the writing code needs, to write its files again.
    coupling_polar : bool
        Whether a long-range part was taken out of the coupling, if there is one of the phonons.
    spin_degeneracy : {1, 2} or None
        That of `electrons` (:attr:`.ElectronModel.spin_degeneracy`). None: 2, as the writing codes count, where the
        Wannier functions have no spin, else 1. The single channel of a magnet has 1.

    Raises
    ------
    InputError
        If sizes disagree, or a number is out of its domain (`domains.require_sound`).
    """

    electrons: LatticeModel
    phonons: Phonons
    file_coupling: Coupling
    atoms: Atoms
    wannier_centres: np.ndarray
    k_mesh: tuple[int, int, int]
    q_mesh: tuple[int, int, int]
    spinor: bool = False
    fermi_energy: float | None = None
    two_dimensional: bool = False
    source: str = ""
    checks: dict = field(default_factory=dict)
    warnings: list = field(default_factory=list)
    family: str = ""
    coupling_alpha: float | None = None
    alat: float = 0.0
    extra: dict = field(default_factory=dict)
    coupling_polar: bool = True
    spin_degeneracy: int | None = None
    _cache: dict = field(default_factory=dict, repr=False, compare=False)

    def _repr_html_(self) -> str:
        values = {
            "source": self.source,
            "atoms": ", ".join(self.atoms.symbols or ["of unnamed elements"]),
            "Wannier functions": f"{self.electrons.n_orbitals}, {'both spins' if self.spinor else 'without spin'}",
            "coarse meshes": f"k {_by(self.k_mesh)}, q {_by(self.q_mesh)}",
            "Fermi energy (eV)": "not known" if self.fermi_energy is None else f"{self.fermi_energy:.6g}",
            "polar": "yes" if self.phonons.polar else "no",
        }
        title = "Electrons, phonons and coupling" + (" of a layer" if self.two_dimensional else "")
        return card(title, values | {"warning": " ".join(self.warnings)} if self.warnings else values)

    def __post_init__(self):
        n, modes = self.electrons.n_orbitals, self.phonons.n_modes
        if (self.file_coupling.n_orbitals, self.file_coupling.n_displacements) != (n, modes):
            raise InputError(
                f"{self.source}: the coupling has {self.file_coupling.n_orbitals} Wannier functions and "
                f"{self.file_coupling.n_displacements} displacements, electrons and phonons have {n} and {modes}; "
                "use files of one run"
            )
        if np.shape(self.wannier_centres) != (n, 3):
            raise InputError(
                f"{self.source}: wannier_centres has shape {np.shape(self.wannier_centres)}, expected {(n, 3)}"
            )
        require_sound(self)
        count = self.spin_degeneracy
        if count is None:
            count = 1 if self.spinor or self.electrons.spin is not None else 2
        elif count == 2 and self.spinor:
            raise InputError(
                f"{self.source}: spin_degeneracy = 2, but its Wannier functions hold both spins; leave it out"
            )
        object.__setattr__(self, "electrons", with_spin_degeneracy(self.electrons, count))

    @property
    def model(self) -> LatticeModel:
        """The electrons in as many dimensions as they move in: `electrons`, or their two-dimensional form (`planar`).

        Raises
        ------
        InputError
            If the cell of a layer is not one that can be taken for two-dimensional.
        """
        return planar_electrons(self) if self.two_dimensional else self.electrons

    @property
    def long_range(self) -> DipolePart | None:
        """Long-range part of the coupling (`.vertex(q)`), None where the crystal is not polar."""
        part = self.phonons.dipole_part
        if part is None or not self.coupling_polar:
            return None
        return part if self.coupling_alpha is None else replace(part, alpha=self.coupling_alpha)

    @property
    def cell(self) -> np.ndarray:
        return self.phonons.cell

    @property
    def reciprocal_cell(self) -> np.ndarray:
        """Reciprocal lattice vectors as rows, 1/angstrom."""
        return 2 * np.pi * np.linalg.inv(self.cell).T

    def coupling_matrix(self, images: str = "hermitian") -> Coupling | PairCoupling:
        """Coupling in the Wannier basis with the chosen images (see `images`), without the long-range part."""
        if images not in IMAGES:
            raise InputError(f"images = {quote(images)}: {one_of(images, IMAGES)}")
        if images == "file":
            return self.file_coupling
        source, result = self._cache.get("hermitian", (None, None))
        if source is not self.file_coupling:  # `replace` hands the cache on
            result = hermitian_images(
                self.file_coupling,
                cell=self.cell,
                positions=self.atoms.positions,
                centres=on_atoms(self.wannier_centres, self.atoms.positions, self.cell),
                k_mesh=self.k_mesh,
                q_mesh=self.q_mesh,
            )
            self._cache["hermitian"] = (self.file_coupling, result)
        return result

    def eigenstates(self, k) -> tuple[np.ndarray, np.ndarray]:
        """Energies (nk, N), eV, and eigenvectors (nk, N, N) in the lattice gauge; k (nk, 3) in crystal coordinates."""
        wave = _points(k) @ self.reciprocal_cell
        energies, vectors = np.linalg.eigh(self.electrons.hamiltonian(wave))
        return energies, np.exp(1j * wave @ self.electrons.site_positions.T)[:, :, None] * vectors

    def energies(self, k) -> np.ndarray:
        """Band energies, eV, ascending: shape (nk, N), for k (nk, 3) in crystal coordinates."""
        return np.linalg.eigvalsh(self.electrons.hamiltonian(_points(k) @ self.reciprocal_cell))

    def phonon_energies(self, q) -> np.ndarray:
        """Phonon energies, eV, negative for imaginary modes: (nq, 3 nat), for q (nq, 3) in crystal coordinates."""
        return self.phonons.solve(_points(q) @ self.reciprocal_cell)[0]

    def wannier_vertex(self, k, q, images: str = "hermitian") -> np.ndarray:
        """Coupling in the Wannier basis with the long-range part: (npair, 3 nat, N, N), eV/angstrom."""
        k, q = _points(k), _points(q)
        vertex = self.coupling_matrix(images).at(k, q)
        if self.long_range is not None:
            diagonal = np.arange(vertex.shape[-1])
            vertex[:, :, diagonal, diagonal] += self.long_range.vertex(q @ self.reciprocal_cell)[:, :, None]
        return vertex

    def coupling(self, k, q, images: str = "hermitian", *, cutoff: float = 1e-7) -> np.ndarray:
        """Normalised vertex g for paired rows of k and q.

        Parameters
        ----------
        k, q : array, shape (npair, 3)
            Crystal coordinates.
        images : {"hermitian", "file"}
            "file" is the writing code's own choice, to reproduce its tables.
        cutoff : float
            Modes closer to zero energy than this (eV), and imaginary ones beyond `SOFT`, get zero.

        Returns
        -------
        ndarray of complex, shape (npair, N bands at k + q, N bands at k, 3 nat modes)
            eV.
        """
        k, q = _points(k), _points(q)
        vertex = self.wannier_vertex(k, q, images)
        omega, modes = self.phonons.solve(q @ self.reciprocal_cell)
        live = (np.abs(omega) > cutoff) & (omega > -SOFT)
        omega = np.abs(omega)
        mass = np.repeat(self.phonons.masses, 3)
        amplitude = np.sqrt(HBAR2_OVER_2M / (mass[:, None] * np.where(live, omega, 1.0)[:, None])) * live[:, None]
        vertex = np.einsum("pcmn,pcv->pvmn", vertex, modes * amplitude, optimize=True)
        left, right = self.eigenstates(k + q)[1], self.eigenstates(k)[1]
        bands = left.conj().swapaxes(1, 2)[:, None] @ vertex @ right[:, None]
        return bands.transpose(0, 2, 3, 1)

    def hermiticity_violation(self, k, q, images: str = "hermitian") -> float:
        """Largest ``|g(k, q)^+ - g(k + q, -q)|`` of the Wannier-basis vertex over its largest element."""
        k, q = _points(k), _points(q)
        forward = self.wannier_vertex(k, q, images)
        backward = self.wannier_vertex(k + q, -q, images)
        return float(np.abs(forward - backward.conj().swapaxes(2, 3)).max() / np.abs(forward).max())

    def with_electrons(self, model: LatticeModel, *, tolerance: float = 1e-2) -> ElectronPhonon:
        """The same with the bands and position matrix of `model`.

        That is, of a Wannier90 ``_tb.dat`` of the same Wannier functions, on a finer mesh or with a position matrix.

        Parameters
        ----------
        model : LatticeModel
            Its Hamiltonian must equal the present one, matrix element by matrix element, on the coarse k mesh.
        tolerance : float
            Largest difference allowed, eV.

        Raises
        ------
        InputError
            If cell, number, centres or gauge of the Wannier functions differ.
        """
        what = "electrons: the Wannier functions of the model are not those of the coupling"
        if model.n_orbitals != self.electrons.n_orbitals:
            raise InputError(f"{what}: {model.n_orbitals} instead of {self.electrons.n_orbitals}")
        if model.cell is None or model.cell.shape != (3, 3) or np.abs(model.cell - self.cell).max() > 1e-3:
            raise InputError(f"{what}: another cell; both must be of one calculation")
        checks = dict(self.checks)
        centres = centres_of(model)
        if centres is not None:
            checks["electrons_centres_angstrom"] = apart = float(np.abs(centres - self.wannier_centres).max())
            if apart > 0.05:
                raise InputError(
                    f"{what}: centres differ by up to {apart:.2g} angstrom; use files of one Wannierisation"
                )
        wave = mesh_points(self.k_mesh) @ self.reciprocal_cell
        apart = float(np.abs(_lattice_gauge(model, wave) - _lattice_gauge(self.electrons, wave)).max())
        checks["electrons_on_mesh_eV"] = apart
        if apart > tolerance:
            bands = np.abs(np.linalg.eigvalsh(model.hamiltonian(wave)) - self.energies(mesh_points(self.k_mesh))).max()
            raise InputError(
                f"{what}: on the coarse mesh matrix elements differ by up to {apart:.2g} eV, bands by {bands:.2g} eV; "
                "use the _tb.dat of the same Wannierisation"
            )
        warnings = list(self.warnings)
        if centres is not None:
            # What was wrong with the position matrix that goes is of no concern any more; the centres it was measured
            # by are those of the new one, see above.
            warnings = [w for w in warnings if "position matrix" not in w]
            for name in ("position_hermiticity_angstrom", "position_centres_angstrom"):
                checks.pop(name, None)
        return replace(self, electrons=model, checks=checks, warnings=[*warnings, *getattr(model, "warnings", ())])

    def with_phonons(self, phonons: Phonons) -> ElectronPhonon:
        """The same with other phonons, of the same atoms in the same order: on a finer mesh, or of another program.

        Raises
        ------
        InputError
            If cell, atoms or masses differ, or the crystal is polar: what was taken out of the coupling belongs to the
            phonons of its file.
        """
        if phonons.polar or self.phonons.polar:
            raise InputError(
                f"{self.source}: phonons of a polar crystal belong to its coupling; leave them as they are"
            )
        own = self.phonons
        for name, mine, theirs, allowed in (
            ("lattice vectors", own.cell, phonons.cell, 1e-2),
            ("positions of the atoms", own.positions, phonons.positions, 5e-2),
            ("masses (electron masses)", own.masses, phonons.masses, 1e-2 * float(np.min(own.masses))),
        ):
            apart = np.inf if np.shape(mine) != np.shape(theirs) else float(np.abs(mine - theirs).max())
            if apart > allowed:
                raise InputError(
                    f"{self.source}: {name} of the phonons differ by {apart:.2g} from those of the coupling; use the "
                    "same cell and the same order of the atoms"
                )
        return replace(self, phonons=phonons, checks=dict(self.checks))

    def with_acoustic_sum_rule(self) -> ElectronPhonon:
        """The same with force constants that cost no energy for a rigid shift."""
        return replace(self, phonons=self.phonons.with_acoustic_sum_rule(), checks=dict(self.checks))


def _by(mesh) -> str:
    return " x ".join(str(n) for n in mesh)


def mesh_points(mesh) -> np.ndarray:
    """Crystal coordinates of a mesh that holds the origin, (N, 3)."""
    return mesh_cells(mesh) / np.asarray(mesh)


def _lattice_gauge(model, wave) -> np.ndarray:
    """H(k) without the phases of the sites: (nk, N, N), eV, for Cartesian k."""
    phase = np.exp(1j * wave @ model.site_positions.T)
    return phase[:, :, None] * model.hamiltonian(wave) * phase.conj()[:, None, :]


def _points(k) -> np.ndarray:
    points = np.atleast_2d(np.asarray(k, dtype=float))
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"wave vectors have shape {np.shape(k)}; expected (n, 3), crystal coordinates")
    return points
