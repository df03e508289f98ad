"""Read the Wannier representation that EPW writes with `epwwrite = .true.` (EPW 5.3 to 6.x).

Rydberg units; text files are lists of tokens, wrapped as the compiler likes.  The lattice vectors come from
`wigner.fmt` or, where the version writes none, from a rebuilt Wigner-Seitz set that must have the stored number of
vectors.  Up to version 6.0 matrix elements are not divided by their degeneracy.

Not covered: dipole matrices (`dmedata.fmt`), quadrupoles, the envelope of 2D long-range parts other than the Gaussian.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..electrons.lattice import LatticeModel
from ..electrons.wannier90 import _sites
from ..errors import InputError
from ..files import find_packed, reader, reading, require_directory
from . import rydberg
from .checks import examine
from .container import Atoms, ElectronPhonon
from .coupling import Coupling, require_memory
from .epw_text import Crystal, RawData, read_centres, read_crystal, read_epwdata, read_positions
from .files import find, prefix_file, read_complex
from .phonons import Phonons
from .position import hermitian_position
from .q2r import read_q2r
from .rebuild import rebuild
from .wigner import WignerSeitz, from_file, given_mesh

_MISSED = 0.3  # angstrom, by which the position matrix may miss any Wannier centre


@reader("a directory of EPW's files")
def read_epw(
    directory,
    k_mesh=None,
    q_mesh=None,
    *,
    use_ws: bool | None = None,
    acoustic_sum_rule: bool = False,
    memory: float | None = None,
) -> ElectronPhonon:
    """Electron-phonon data from a directory with EPW's files.

    Parameters
    ----------
    directory : path
        Holds ``crystal.fmt``, ``epwdata.fmt``, ``PREFIX.epmatwp`` (or ``.epmatwp1``), and ``vmedata.fmt`` and
        ``wigner.fmt`` where the run wrote them, and ``ifc.q2r`` (or ``.xml``) of a run with ``lifc``; plain or ``.gz``.
    k_mesh, q_mesh : sequence of 3 int, optional
        Coarse meshes (nk1, nk2, nk3), (nq1, nq2, nq3); inferred from the number of lattice vectors when not given.
    use_ws : bool, optional
        Whether the run had ``use_ws = .true.``; told by ``wigner.fmt`` or the number of vectors where they can.
    acoustic_sum_rule : bool
        Impose it on the force constants.
    memory : float, optional
        Bytes that reading may take: three times the size of the coupling file at the most.

    Raises
    ------
    InputError
        If a file is missing, truncated or of another run, or the meshes cannot be told.
    """
    folder = require_directory(directory)
    k_mesh, q_mesh = given_mesh("k_mesh", k_mesh), given_mesh("q_mesh", q_mesh)
    crystal = read_crystal(find(folder, "crystal.fmt"))
    data = read_epwdata(find(folder, "epwdata.fmt"), crystal)
    counts = (data.n_k, data.n_q, data.n_g)
    centres = read_centres(crystal, data.n_orbitals, find(folder, "crystal.fmt"))
    wigner_file = find_packed(folder, "wigner.fmt")
    notes: dict = {}
    warnings: list[str] = []
    if wigner_file is not None:
        sets = from_file(wigner_file, counts, crystal.cell, k_mesh, q_mesh)
    else:
        sets, warnings = rebuild(
            folder,
            data.hoppings,
            data.force_constants,
            data.n_g,
            cell=crystal.cell,
            positions=crystal.positions,
            centres=centres,
            alat=crystal.alat,
            k_mesh=k_mesh,
            q_mesh=q_mesh,
            use_ws=use_ws,
        )
    hoppings = data.hoppings * sets.electron_weights(data.n_orbitals)
    positions = read_positions(find_packed(folder, "vmedata.fmt"), data)
    if positions is None:
        sites = centres
        warnings.append("no position matrix (vmedata.fmt): Berry connections need a Wannier90 _tb.dat of the same run")
    else:
        positions = positions * sets.electron_weights(data.n_orbitals)[:, None]
        positions, notes["position_hermiticity_angstrom"] = hermitian_position(sets.re_vectors, positions)
        positions, apart = _with_centres(sets.re_vectors, positions, centres)
        notes["position_centres_angstrom"] = float(apart.max())
        _refuse_foreign_centres(folder, apart, centres)
        if notes["position_centres_angstrom"] > 0.01:
            warnings.append(
                f"vmedata.fmt misses Wannier centres by up to {notes['position_centres_angstrom']:.2g} angstrom, which "
                "shows the error of its position matrix on this mesh; a Wannier90 _tb.dat of the same run is better"
            )
        sites = _sites(sets.re_vectors, positions)
    electrons = LatticeModel(crystal.cell, sets.re_vectors, hoppings, positions, sites)
    polar = bool(np.abs(data.born_charges).max() > 1e-6)
    if polar:
        warnings += _examine_long_range(folder, crystal, data.n_orbitals)
    phonon_vectors, constants, shared = _force_constants(folder, data, crystal, sets)
    phonons = Phonons(
        crystal.cell,
        crystal.positions,
        crystal.masses,
        phonon_vectors,
        constants,
        data.born_charges if polar else None,
        data.dielectric if polar else None,
        crystal.two_dimensional,
        (2 * np.pi / crystal.alat) ** 2,
    )
    if shared:
        notes["q2r_acoustic_sum_rule_eV_per_angstrom2"] = phonons.acoustic_sum_rule_violation
    values = _read_coupling(prefix_file(folder, "epmatwp"), data, memory)
    sets.weigh_coupling(values, out=values)
    result = ElectronPhonon(
        electrons,
        phonons.with_acoustic_sum_rule() if acoustic_sum_rule or shared else phonons,
        Coupling(sets.re_vectors, sets.rp_vectors, values),
        Atoms(None, crystal.positions, crystal.masses),
        centres,
        sets.k_mesh,
        sets.q_mesh,
        crystal.spinor,
        data.fermi_energy,
        crystal.two_dimensional,
        f"EPW files in {folder}",
        notes,
        warnings,
        family="epw",
        alat=crystal.alat,
        extra={"n_electrons": crystal.n_electrons},
    )
    return examine(result)


def _examine_long_range(folder: Path, crystal: Crystal, n: int) -> list[str]:
    """Refuse long-range parts that are not covered; a warning for the one of layers."""
    if find_packed(folder, "quadrupole.fmt") is not None:
        raise InputError(
            f"{folder / 'quadrupole.fmt'}: long-range parts with quadrupoles are not covered; run EPW without the file"
        )
    if not crystal.two_dimensional:
        return []
    separation = crystal.tail[3 * n] if len(crystal.tail) > 3 * n else 0.0
    if crystal.layer in ("dipole_sp", "dipole_sh", "quadrupole") or separation > 1e-3:
        raise InputError(
            f"{folder / 'crystal.fmt'}: this long-range part of a layer is not covered; "
            "run EPW with system_2d = 'gaussian'"
        )
    return ["the long-range part of the layer is taken to be the Gaussian one (system_2d = 'gaussian')"]


def _force_constants(folder: Path, data: RawData, crystal: Crystal, sets: WignerSeitz):
    """Lattice vectors, C(R), and whether they are q2r's, on which EPW imposes the acoustic sum rule."""
    if data.force_constants.any():
        return sets.phonon_vectors, data.force_constants * sets.phonon_weights(len(crystal.masses)), False
    for name in ("ifc.q2r", "ifc.q2r.xml"):
        path = find_packed(folder, name)
        if path is not None:
            return *read_q2r(path, crystal.cell, crystal.positions, sets.q_mesh), True
    raise InputError(
        f"{folder / 'epwdata.fmt'}: all force constants are zero (EPW ran with lifc = .true.); put the file ifc.q2r of "
        "that run beside it"
    )


def _refuse_foreign_centres(folder, apart, centres) -> None:
    """Stop where the position matrix and crystal.fmt cannot be of one run.

    The finite differences give ``|M| sin(b.w)/b`` for a centre w: below half of it the mesh is too coarse for any use.
    """
    foreign = np.flatnonzero(apart > np.maximum(_MISSED, 0.5 * np.linalg.norm(centres, axis=1)))
    if len(foreign):
        raise InputError(
            f"{folder / 'vmedata.fmt'}: puts Wannier function {foreign[0] + 1} {apart[foreign[0]]:.2g} angstrom away "
            "from its centre in crystal.fmt; one of the two is damaged or of another run"
        )


def _with_centres(vectors, positions, centres) -> tuple[np.ndarray, np.ndarray]:
    """r(R) with the Wannier centres on the diagonal of R = 0, and by how much that moves each, (N,), angstrom.

    EPW takes r from finite differences of the overlaps M, ``i sum_b w_b b (M_nn - 1)``, which falls short of the centre
    on a coarse mesh (by a fifth on 3 x 3 x 3 k points of lead); Wannier90's centres, from ``Im ln M_nn``, do not.
    """
    home = np.flatnonzero(~vectors.any(axis=1))[0]
    changed = positions.copy()
    diagonal = np.arange(len(centres))
    changed[home][:, diagonal, diagonal] = centres.T
    return changed, np.linalg.norm(np.einsum("dnn->nd", changed[home] - positions[home]), axis=1)


def _read_coupling(path: Path, data: RawData, memory: float | None) -> np.ndarray:
    """(nRp, 3 nat, nRe, N, N), eV/angstrom, weights not folded in."""
    n = data.n_orbitals
    shape = (data.n_g, data.n_modes, data.n_k, n, n)
    what = f"{n} Wannier functions, {data.n_k} electron vectors, {data.n_modes} modes and {data.n_g} coupling vectors"
    with reading(path):
        require_memory(shape, memory)
    values = read_complex(path, math.prod(shape), what).reshape(shape)
    for part in values:  # in place: sets of this kind are the largest there are
        part[...] = part.swapaxes(2, 3) * rydberg.FORCE
    return values
