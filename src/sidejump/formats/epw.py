"""Read the Wannier representation that EPW writes with `epwwrite = .true.` (EPW 5.3 to 6.x).

Rydberg units; text files are lists of tokens, wrapped as the compiler likes.  The lattice vectors come from
`wigner.fmt` or, where the version writes none, from a rebuilt Wigner-Seitz set that must have the stored number of
vectors.  Up to version 6.0 matrix elements are not divided by their degeneracy.

What the files do not tell of the long-range part of polar crystals is in `epw_long_range`.

Not covered: dipole matrices (`dmedata.fmt`), quadrupoles, the envelope of 2D long-range parts other than the Gaussian;
EPW 5.3 sums the long-range part of the coupling over as many reciprocal vectors as the q mesh has points, not all.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bands.lattice import LatticeModel
from ..errors import InputError
from ..files import find_packed, reader, reading, require_directory
from ..wannier import rydberg
from ..wannier.checks import examine, judge
from ..wannier.container import Atoms, ElectronPhonon
from ..wannier.coupling import Coupling, require_memory
from ..wannier.long_range import summed_axes
from ..wannier.phonons import Phonons
from ..wannier.position import hermitian_position
from .epw_keys import NAME, stored_keys
from .epw_long_range import LongRange, long_range_of, version_warning
from .epw_text import Crystal, RawData, read_centres, read_crystal, read_epwdata, read_positions
from .files import find, prefix_file, read_complex
from .hermiticity import judged_hamiltonian, judged_position
from .q2r import read_force_constants
from .rebuild import rebuild
from .wannier90 import sites_of
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
    two_dimensional: bool | None = None,
    long_range: str | None = None,
    epw_version: str | float | None = None,
    trust_file: bool = False,
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
    two_dimensional : bool, optional
        Whether the crystal is a layer, its normal along the third lattice vector; a bulk crystal where neither this
        nor the files say so.
    long_range : {"bulk", "layer", "none"}, optional
        What the run took out of phonons and coupling: ``system_2d = 'no'``, ``'gaussian'``, or nothing at all with
        ``lpolar = .false.``.  Without it that of a layer or a bulk crystal, if the files hold Born charges.
    epw_version : str, optional
        Such as "5.5": up to that version the coupling has another Gaussian (`epw_long_range`).  Told by the files
        from 5.8 on; 5.3 to 5.5 where it is neither told nor given.
    trust_file : bool
        Make what contradicts itself in the files a warning instead of an error.
    memory : float, optional
        Bytes that reading may take: three times the size of the coupling file at the most.

    Raises
    ------
    InputError
        If a file is missing, truncated or of another run, or the meshes cannot be told.
    """
    folder = require_directory(directory)
    k_mesh, q_mesh = given_mesh("k_mesh", k_mesh), given_mesh("q_mesh", q_mesh)
    given = {
        name: value
        for name, value in (
            ("two_dimensional", two_dimensional),
            ("long_range", long_range),
            ("epw_version", epw_version),
        )
        if value is not None
    }
    stored = {name: value for name, value in stored_keys(folder).items() if name not in given}
    keys = stored | given
    crystal = read_crystal(find(folder, "crystal.fmt"))
    data = read_epwdata(find(folder, "epwdata.fmt"), crystal)
    counts = (data.n_k, data.n_q, data.n_g)
    centres = read_centres(crystal, data.n_orbitals, find(folder, "crystal.fmt"))
    wigner_file = find_packed(folder, "wigner.fmt")
    notes: dict = {}
    warnings: list[str] = []
    if stored:
        said = ", ".join(f"{name} = {json.dumps(value)}" for name, value in stored.items())
        warnings.append(f"{folder / NAME}: {said}")
    if wigner_file is not None:
        sets = from_file(wigner_file, counts, crystal.cell, k_mesh, q_mesh)
    else:
        sets, found = rebuild(
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
        warnings += found
    hoppings = data.hoppings * sets.electron_weights(data.n_orbitals)
    hoppings, found = judged_hamiltonian(sets.re_vectors, hoppings, str(find(folder, "epwdata.fmt")), trust_file)
    warnings += found
    positions = _positions(folder, data, sets, centres, crystal, notes, warnings, trust_file)
    sites = centres if positions is None else sites_of(sets.re_vectors, positions)
    constants = _force_constants(folder, data, crystal, sets)
    part = long_range_of(
        folder,
        crystal,
        data.born_charges,
        data.n_orbitals,
        recent=wigner_file is not None or constants.recent,
        two_dimensional=keys.get("two_dimensional"),
        kind=keys.get("long_range"),
        version=keys.get("epw_version"),
        trust_kind=long_range is not None,
        shared=constants.shared_alpha,
    )
    phonons = _phonons(data, crystal, sets, constants, part)
    if constants.shared:
        notes["q2r_acoustic_sum_rule_eV_per_angstrom2"] = phonons.acoustic_sum_rule_violation
    values = _read_coupling(prefix_file(folder, "epmatwp"), data, memory)
    sets.weigh_coupling(values, out=values)
    result = ElectronPhonon(
        LatticeModel(crystal.cell, sets.re_vectors, hoppings, positions, sites),
        phonons.with_acoustic_sum_rule() if acoustic_sum_rule or constants.shared else phonons,
        Coupling(sets.re_vectors, sets.rp_vectors, values),
        Atoms(None, crystal.positions, crystal.masses),
        centres,
        sets.k_mesh,
        sets.q_mesh,
        crystal.spinor,
        data.fermi_energy,
        part.two_dimensional,
        f"EPW files in {folder}",
        notes,
        [*warnings, *constants.warnings, *part.warnings],
        family="epw",
        coupling_alpha=part.alpha,
        coupling_polar=part.kind != "none",
        alat=crystal.alat,
        extra={"n_electrons": crystal.n_electrons},
    )
    if part.assumed:
        result.warnings.append(version_warning(result, folder))
    return examine(result, trust_file=trust_file)


def _positions(folder, data: RawData, sets: WignerSeitz, centres, crystal: Crystal, notes, warnings, trust: bool):
    """r(R), (nRe, 3, N, N), angstrom, with what is wrong with it added to `notes` and `warnings`; None without."""
    path = find_packed(folder, "vmedata.fmt")
    positions = read_positions(path, data)
    if positions is None:
        warnings.append("no position matrix (vmedata.fmt): Berry connections need a Wannier90 _tb.dat of the same run")
        return None
    positions = positions * sets.electron_weights(data.n_orbitals)[:, None]
    warnings += judged_position(sets.re_vectors, positions, crystal.cell, str(path), trust)[1]
    positions, notes["position_hermiticity_angstrom"] = hermitian_position(sets.re_vectors, positions)
    positions, apart = _with_centres(sets.re_vectors, positions, centres)
    notes["position_centres_angstrom"] = float(apart.max())
    _judge_centres(folder, apart, centres, warnings, trust)
    if notes["position_centres_angstrom"] > 0.01:
        warnings.append(
            f"vmedata.fmt misses Wannier centres by up to {notes['position_centres_angstrom']:.2g} angstrom, which "
            "shows the error of its position matrix on this mesh; a Wannier90 _tb.dat of the same run is better"
        )
    return positions


def _phonons(data: RawData, crystal: Crystal, sets: WignerSeitz, constants: _Constants, part: LongRange) -> Phonons:
    """Phonons with what EPW, or q2r.x, took out of their force constants."""
    polar = part.kind != "none" if constants.polar is None else constants.polar
    return Phonons(
        crystal.cell,
        crystal.positions,
        crystal.masses,
        constants.vectors,
        constants.values,
        constants.born_charges if polar else None,
        constants.dielectric if polar else None,
        part.kind == "layer" or (part.kind == "none" and part.two_dimensional),
        constants.alpha,
        summed_axes(sets.q_mesh),
    )


@dataclass(frozen=True)
class _Constants:
    """C(R) and the long-range part that was taken out of them.

    `shared`: they are q2r's, on which EPW imposes the acoustic sum rule; `polar`: None where the files do not tell;
    `alpha` in 1/angstrom^2, `shared_alpha` what EPW 5.9 and later then take for the coupling; `recent`: the file is of
    Quantum ESPRESSO 7.4 or later.
    """

    vectors: np.ndarray
    values: np.ndarray
    born_charges: np.ndarray
    dielectric: np.ndarray
    alpha: float
    shared: bool = False
    polar: bool | None = None
    shared_alpha: float | None = None
    recent: bool = False
    warnings: tuple[str, ...] = ()


def _force_constants(folder: Path, data: RawData, crystal: Crystal, sets: WignerSeitz) -> _Constants:
    unit = (2 * np.pi / crystal.alat) ** 2
    if data.force_constants.any():
        values = data.force_constants * sets.phonon_weights(len(crystal.masses))
        return _Constants(sets.phonon_vectors, values, data.born_charges, data.dielectric, unit)
    for name in ("ifc.q2r", "ifc.q2r.xml"):
        path = find_packed(folder, name)
        if path is not None:
            return _of_q2r(path, data, crystal, sets, unit)
    raise InputError(
        f"{folder / 'epwdata.fmt'}: all force constants are zero (EPW ran with lifc = .true.); put the file ifc.q2r of "
        "that run beside it"
    )


def _of_q2r(path: Path, data: RawData, crystal: Crystal, sets: WignerSeitz, unit: float) -> _Constants:
    found = read_force_constants(path, len(crystal.masses), sets.q_mesh)
    charges: np.ndarray = data.born_charges
    dielectric: np.ndarray = data.dielectric
    contradictions = found.contradictions(
        crystal.cell, crystal.positions, crystal.masses, crystal.alat, charges, dielectric
    )
    warnings = []
    if contradictions:
        warnings.append(
            f"{path}: {', '.join(contradictions)} in epwdata.fmt and crystal.fmt; is it a file of this run?"
        )
    charged = bool(np.abs(charges).max() > 1e-6)
    if found.polar is False and charged:
        warnings.append(f"{path}: was made without Born charges: no long-range part is put back into the phonons")
    if found.polar and found.born_charges is not None and found.dielectric is not None and not charged:
        charges, dielectric = found.born_charges, found.dielectric
    vectors, values = found.at_images(crystal.cell, crystal.positions)
    alpha = found.alpha * unit
    return _Constants(
        vectors,
        values,
        charges,
        dielectric,
        alpha,
        True,
        found.polar,
        alpha if found.xml else unit,
        found.ewald is not None,
        tuple(warnings),
    )


def _judge_centres(folder, apart, centres, warnings, trust: bool) -> None:
    """Stop where the position matrix and crystal.fmt cannot be of one run.

    The finite differences give ``|M| sin(b.w)/b`` for a centre w: below half of it the mesh is too coarse for any use.
    """
    foreign = np.flatnonzero(apart > np.maximum(_MISSED, 0.5 * np.linalg.norm(centres, axis=1)))
    if len(foreign):
        judge(
            warnings,
            f"{folder / 'vmedata.fmt'}: puts Wannier function {foreign[0] + 1} {apart[foreign[0]]:.2g} angstrom away "
            "from its centre in crystal.fmt; one of the two is damaged or of another run",
            trust,
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
