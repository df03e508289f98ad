"""Write electron-phonon data in the form of EPW 5.3, with a `wigner.fmt` as later versions add it.

EPW's files hold values modulo the supercells of the coarse meshes, at the vectors of EPW's own Wigner-Seitz sets.
Data that came from EPW or Perturbo keep their set (of R alone, or of each pair) and thus every number; others are
exact on the coarse meshes, and between them interpolated as EPW with `use_ws = .true.` does (`loss` tells by how much
that differs).  Bands replaced by those of a finer mesh are written as they are on the coarse mesh.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..units import BOHR
from ..wannier import rydberg
from ..wannier.container import ElectronPhonon
from ..wannier.position import position_elements
from .epw_keys import write_keys
from .epw_long_range import keys_of
from .loss import at_vectors, undivided
from .perturbo import perturbo_sets
from .wigner import WignerSeitz, pair_sets, plain_sets


def write_epw(
    data: ElectronPhonon,
    directory,
    *,
    prefix: str = "sidejump",
    n_electrons: float | None = None,
    fermi_energy: float | None = None,
) -> Path:
    """Write ``crystal.fmt``, ``epwdata.fmt``, ``vmedata.fmt``, ``wigner.fmt`` and ``PREFIX.epmatwp``.

    What these cannot say of a polar crystal or a layer goes into ``sidejump.json``, for `read_epw`.

    Parameters
    ----------
    data : ElectronPhonon
    directory : path
        Made if needed; existing files are replaced.
    prefix : str
        Of the coupling's name; a plain name.
    n_electrons, fermi_energy : float, optional
        Per cell; eV. Needed where the data do not know them.

    Raises
    ------
    InputError
        If EPW's format cannot hold the data, or the prefix is no plain name.
    """
    if not prefix or not prefix.isprintable() or prefix[0] == "." or any(sign in prefix for sign in "/\\:"):
        raise InputError(f"prefix = {prefix!r}: give a plain name, without a folder; the target is the place")
    n_electrons = data.extra.get("n_electrons") if n_electrons is None else n_electrons
    fermi_energy = data.fermi_energy if fermi_energy is None else fermi_energy
    if n_electrons is None or fermi_energy is None:
        name = "n_electrons" if n_electrons is None else "fermi_energy"
        raise InputError(f"{data.source}: EPW's files need {name}, which the data do not hold; give {name}")
    alat = data.alat or float(np.linalg.norm(data.cell[0]))
    keys = keys_of(data, alat)
    masses, kinds = np.unique(data.atoms.masses, return_inverse=True)
    if len(masses) > 10:
        raise InputError(f"{data.source}: {len(masses)} kinds of atoms; EPW's crystal.fmt holds at most 10")
    sets = epw_sets(data, alat)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)

    volume = abs(np.linalg.det(data.cell)) / BOHR**3
    at = data.cell / alat
    lines = [
        [len(data.atoms.masses)],
        [3 * len(data.atoms.masses)],
        [float(n_electrons)],
        at.ravel(),
        np.linalg.inv(at).T.ravel(),
        [volume],
        [alat / BOHR],
        (data.atoms.positions / alat).ravel(),
        np.append(masses / rydberg.MASS, np.zeros(10 - len(masses))),
        kinds.ravel() + 1,
    ]
    text = [_line(x) for x in lines]
    text += [f" {'T' if data.spinor else 'F'}", _line((data.wannier_centres / alat).ravel())]
    (folder / "crystal.fmt").write_text("\n".join(text) + "\n")

    nat, n = len(data.atoms.masses), data.electrons.n_orbitals
    hoppings = (
        at_vectors(sets.re_vectors, data.electrons.vectors, data.electrons.hoppings, data.k_mesh) / rydberg.RYDBERG
    )
    constants = at_vectors(sets.phonon_vectors, data.phonons.vectors, data.phonons.force_constants, data.q_mesh)
    charges = np.zeros((nat, 3, 3)) if data.phonons.born_charges is None else data.phonons.born_charges
    dielectric = np.zeros((3, 3)) if data.phonons.dielectric is None else data.phonons.dielectric
    counts = [n, len(sets.re_vectors), 3 * nat, len(sets.phonon_vectors), len(sets.rp_vectors)]
    head = [_line([fermi_energy / rydberg.RYDBERG]), _line(counts), _line([*charges.ravel(), *dielectric.T.ravel()])]
    body = np.concatenate(
        [hoppings.transpose(1, 2, 0).ravel(), constants.transpose(1, 2, 0).ravel() / rydberg.FORCE_CONSTANT]
    )
    (folder / "epwdata.fmt").write_text("\n".join(head) + "\n" + _complex(body))
    positions = position_elements(data.electrons)
    if positions is not None:
        elements = at_vectors(sets.re_vectors, data.electrons.vectors, positions, data.k_mesh) / BOHR
        (folder / "vmedata.fmt").write_text(_complex(elements.transpose(2, 3, 0, 1).ravel()))
    else:
        (folder / "vmedata.fmt").unlink(missing_ok=True)
    (folder / "wigner.fmt").write_text(_wigner(sets, data.cell / alat))
    write_keys(folder, keys)
    values = undivided(data, sets) / rydberg.FORCE
    values.swapaxes(3, 4).astype("<c16").tofile(folder / f"{prefix}.epmatwp")
    return folder


def epw_sets(data, alat=None) -> WignerSeitz:
    """The Wigner-Seitz sets that give the data's own images, else those of each pair.

    `wigner.fmt` names the vectors of each pair, and can hold Perturbo's choice of ties as well.
    """
    alat = alat or data.alat or float(np.linalg.norm(data.cell[0]))
    centres, positions = data.wannier_centres, data.atoms.positions
    pairs = pair_sets(data.cell, data.k_mesh, data.q_mesh, positions, centres, alat)
    candidates = [plain_sets(data.cell, data.k_mesh, data.q_mesh, alat), pairs]
    candidates.append(perturbo_sets(data.cell, data.k_mesh, data.q_mesh, positions, centres, alat))
    own = data.file_coupling
    for sets in candidates:
        if len(sets.re_vectors) == len(own.re_vectors) and len(sets.rp_vectors) == len(own.rp_vectors):
            e, p = _order(sets.re_vectors, own.re_vectors), _order(sets.rp_vectors, own.rp_vectors)
            if e is not None and p is not None:
                values = sets.weigh_coupling(undivided(data, sets))
                if np.allclose(values, own.values[p][:, :, e], rtol=0, atol=1e-9 * np.abs(own.values).max()):
                    return sets
    if data.family == "epw":
        raise InputError(
            f"{data.source}: its images are those of no Wigner-Seitz set this program writes (use_ws with the middle "
            "of bra and ket); keep the original EPW files, or convert to the compact format"
        )
    return pairs


def _order(wanted, given):
    """Rows of `given` in the order of `wanted`; None if they are not the same vectors."""
    index = {tuple(r): i for i, r in enumerate(given.tolist())}
    rows = [index.get(tuple(r)) for r in wanted.tolist()]
    return None if None in rows else np.array(rows)


def _line(numbers) -> str:
    return " " + " ".join(str(x) if isinstance(x, int | np.integer) else f"{x:.16E}" for x in numbers)


def _complex(values) -> str:
    return "".join(f" ({z.real:.17E},{z.imag:.17E})\n" for z in values.tolist())


def _wigner(sets: WignerSeitz, at) -> str:
    re, rq, rp = sets.re_degeneracy, sets.phonon_degeneracy, sets.rp_degeneracy[:, :, 0]
    lines = [_line([len(re), len(rq), len(rp), re.shape[1], rq.shape[1]])]
    for vectors, degeneracy in ((sets.re_vectors, re), (sets.phonon_vectors, rq), (sets.rp_vectors, rp)):
        for r, length, rows in zip(vectors, np.linalg.norm(vectors @ at, axis=1), degeneracy, strict=True):
            lines.append(_line(r) + f" {length:.15f}")
            lines.extend(_line(row) for row in rows)
    return "\n".join(lines) + "\n"
