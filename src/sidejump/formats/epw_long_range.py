"""Which long-range part EPW took out of phonons and coupling: what its files tell of it, and what its user has to say.

The files hold Born charges and dielectric tensor of the dyn files, and not

* ``lpolar``: with .false., its default, nothing is taken out, and the charges are written all the same;
* ``system_2d``: with 'gaussian' it is the part of a layer.  The second logical of crystal.fmt (from 5.8 on) is
  do_cutoff_2D_epw, set by 'dipole_sh' alone;
* the version.  With u = 2 pi/alat, the Gaussian of a bulk crystal is ``exp(-K.eps.K/4 u^2)``; in the coupling versions
  5.3 to 5.5 (Quantum ESPRESSO 6.6 to 7.1) have ``exp(-K.eps.K/4 u)``, with u a number in 1/bohr.  (They end the sum
  where K.eps.K/4 u^2 is 14, here it ends where the exponent is; what lies between is below exp(-14 u) of the sum.)
  Version 5.7 writes the same files; from 5.8 on the second logical, from 5.9 on wigner.fmt tell.

From 5.9 on the Ewald parameter of an XML file of q2r.x is also that of the coupling.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..rules import one_of, quote
from ..units import BOHR
from ..wannier.container import ElectronPhonon, mesh_points
from ..wannier.dimension import GAUSSIAN
from ..wannier.long_range import summed_axes
from .epw_text import Crystal

KINDS = ("bulk", "layer", "none")

_SAME_GAUSSIAN = (5, 6)  # the first version whose coupling has the Gaussian of the phonons
_SHARED = (5, 9)  # the first version whose coupling has the Ewald parameter of an XML file of q2r.x
_OLD = "5.5"


@dataclass(frozen=True)
class LongRange:
    """What a run took out of its coupling.

    Attributes
    ----------
    kind : {"bulk", "layer", "none"}
    two_dimensional : bool
        Whether the crystal is a layer.
    alpha : float or None
        Ewald parameter of the coupling, 1/angstrom^2, where that of the phonons is another.
    assumed : bool
        Whether the version behind `alpha` is a guess.
    warnings : list of str
    """

    kind: str
    two_dimensional: bool
    alpha: float | None
    assumed: bool
    warnings: list[str]


def long_range_of(
    folder: Path,
    crystal: Crystal,
    charges,
    n_orbitals: int,
    *,
    recent: bool,
    two_dimensional: bool | None,
    kind: str | None,
    version: str | float | None,
    trust_kind: bool = False,
    shared: float | None = None,
) -> LongRange:
    """What files and keys of a run say of its long-range part.

    Parameters
    ----------
    folder : path
        Of the files, for messages.
    crystal : Crystal
    charges : array, shape (nat, 3, 3)
        Born charges of epwdata.fmt.
    n_orbitals : int
    recent : bool
        Whether the files are those of EPW 5.9 or later.
    two_dimensional, kind, version
        Keys of `epw.read_epw`.
    trust_kind : bool
        Whether `kind` is known to be right whatever the files tell.
    shared : float, optional
        Ewald parameter that EPW 5.9 and later take from the file of q2r.x for the coupling, 1/angstrom^2; None without
        such a file.

    Raises
    ------
    InputError
        If the keys contradict each other, or the files tell of a part that is not covered.
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"long_range = {quote(kind)}: {one_of(kind, KINDS)}")
    number = _number(version)
    if not trust_kind:
        _refuse_quadrupoles(folder)
    layer = two_dimensional
    if layer is None:
        layer = kind == "layer" or crystal.two_dimensional
    if kind == "layer" and not layer:
        raise InputError('long_range = "layer" contradicts two_dimensional = false; leave one of them out')
    if np.abs(charges).max() <= 1e-6:
        return LongRange("none", layer, None, False, [])
    warnings = []
    if not trust_kind:
        _refuse_uncovered(folder, crystal, n_orbitals)
    if kind is None:
        warnings.append(
            f"{folder}: EPW writes Born charges whether or not it took a long-range part out (lpolar); one is put "
            'back: if the run had lpolar = .false., its default, set long_range = "none"'
        )
    chosen = kind or ("layer" if layer else "bulk")
    if chosen == "layer":
        warnings.append(GAUSSIAN)
    if chosen == "bulk" and layer:
        warnings.append(f"{folder}: a layer with the long-range part of a bulk crystal, that of its periodic images")
    assumed = number is None and not (recent or crystal.layer)
    if chosen == "bulk" and (assumed or (number is not None and number < _SAME_GAUSSIAN)):
        return LongRange(chosen, layer, _old_gaussian(crystal.alat), assumed, warnings)
    if shared is not None and number is not None and number < _SHARED:
        shared = (2 * np.pi / crystal.alat) ** 2
    return LongRange(chosen, layer, None if chosen == "none" else shared, False, warnings)


def _old_gaussian(alat: float) -> float:
    """Ewald parameter of the coupling in EPW 5.3 to 5.5, 1/angstrom^2, with alat in angstrom."""
    return 2 * np.pi / alat / BOHR


def keys_of(data: ElectronPhonon, alat: float) -> dict:
    """Keys without which `read_epw` takes EPW's files of `data`, with this alat (angstrom), for something else.

    Raises
    ------
    InputError
        If no version of EPW has that long-range part.
    """
    keys: dict = {"two_dimensional": True} if data.two_dimensional else {}
    if not data.phonons.polar:
        return keys
    if not data.coupling_polar:
        raise InputError(
            f"{data.source}: a long-range part was taken out of the force constants and not of the coupling; EPW's "
            "files without those of q2r.x hold both or none: use the compact format"
        )
    unit, phonons = (2 * np.pi / alat) ** 2, data.phonons
    part = data.long_range
    assert part is not None
    dimensions = slice(0, 2 if phonons.two_dimensional else 3)
    if phonons.axes[dimensions] != summed_axes(data.q_mesh)[dimensions]:
        raise InputError(
            f"{data.source}: the long-range part has reciprocal lattice vectors along other axes than EPW's, which has "
            "none along an axis with one q point; the short-range numbers would not fit: use the compact format"
        )
    if data.two_dimensional:
        keys["long_range"] = "layer" if phonons.two_dimensional else "bulk"
    own = (phonons.alpha, part.alpha)
    if np.allclose(own, unit, rtol=1e-6, atol=0):
        return keys
    if not phonons.two_dimensional and np.allclose(own, (unit, _old_gaussian(alat)), rtol=1e-6, atol=0):
        return keys | {"epw_version": _OLD}
    strange = next((a for a in (phonons.alpha, part.alpha) if abs(a / unit - 1) > 1e-6), part.alpha)
    raise InputError(
        f"{data.source}: the long-range part was taken out with an Ewald parameter of {strange / unit:.4g}, EPW "
        "has 1 (2 pi/alat)^2; the short-range numbers would not fit: use the compact format"
    )


def _number(version) -> tuple[int, int] | None:
    """The first two numbers of a version."""
    if version is None:
        return None
    parts = str(version).split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts):
        raise InputError(f'epw_version = "{version}": write the version of EPW, such as "5.5" or "5.9"')
    return int(parts[0]), int(parts[1])


def _refuse_quadrupoles(folder: Path) -> None:
    """EPW reads the file wherever it is, in crystals without Born charges as well."""
    for ending in ("", ".gz"):
        path = folder / f"quadrupole.fmt{ending}"
        if path.exists():
            raise InputError(
                f"{path}: long-range parts with quadrupoles are not covered; run EPW without the file, or name the "
                "part without them as long_range"
            )


def _refuse_uncovered(folder: Path, crystal: Crystal, n: int) -> None:
    """Stop where crystal.fmt tells of a layer whose long-range part is not the Gaussian one."""
    separation = crystal.tail[3 * n] if len(crystal.tail) > 3 * n else 0.0
    if (crystal.two_dimensional and crystal.layer != "gaussian") or separation > 1e-3:
        raise InputError(
            f"{folder / 'crystal.fmt'}: this long-range part of a layer is not covered (system_2d = 'dipole_sh', "
            "'dipole_sp' or 'quadrupole'); run EPW with system_2d = 'gaussian', or name the part that comes next to it "
            "as long_range"
        )


def version_warning(data: ElectronPhonon, folder: Path) -> str:
    """That the Gaussian of 5.3 to 5.5 was assumed, and what another version would change."""
    part = data.long_range
    assert part is not None
    q = mesh_points(data.q_mesh) @ data.reciprocal_cell
    change = np.abs(part.vertex(q) - replace(part, alpha=data.phonons.alpha).vertex(q)).max()
    return (
        f"{folder}: EPW 5.3 to 5.5 and 5.7 write the same files with other long-range parts of the coupling (by up to "
        f"{change:.2g} eV/angstrom on the q mesh); that of 5.3 to 5.5 is taken: set epw_version to that of the run"
    )
