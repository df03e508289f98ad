"""What first-principles data of any source must be, whatever else they are: finite numbers within their domains."""

from __future__ import annotations

import numpy as np

from ..errors import InputError


def require_sound(data) -> None:
    """Finite numbers of the right type, a cell, meshes that fit together, and a medium that there can be.

    Parameters
    ----------
    data : ElectronPhonon

    Raises
    ------
    InputError
        If one of them is impossible.
    """
    _require_finite(data)
    _require_complex(data)
    if abs(np.linalg.det(data.cell)) < 1e-6:
        raise InputError(f"{data.source}: the lattice vectors span no volume; the file is damaged")
    if min(*data.k_mesh, *data.q_mesh) < 1:
        raise InputError(
            f"{data.source}: meshes of {list(data.k_mesh)} k and {list(data.q_mesh)} q points; use 1 or more"
        )
    if np.any(np.mod(data.k_mesh, data.q_mesh)):
        raise InputError(
            f"{data.source}: k mesh {list(data.k_mesh)} is no multiple of q mesh {list(data.q_mesh)}: k + q would "
            "leave it; use files of one run"
        )
    if not np.all(np.asarray(data.atoms.masses) > 0):
        raise InputError(f"{data.source}: a mass is not positive; the file is damaged")
    _require_medium(data)


def _require_finite(data) -> None:
    numbers = {
        "cell": data.cell,
        "positions of the atoms": data.atoms.positions,
        "masses": data.atoms.masses,
        "hoppings": data.electrons.hoppings,
        "sites": data.electrons.site_positions,
        "wannier_centres": data.wannier_centres,
        "position matrix": data.electrons.residual_positions,
        "force_constants": data.phonons.force_constants,
        "born_charges": data.phonons.born_charges,
        "dielectric": data.phonons.dielectric,
        "fermi_energy": data.fermi_energy,
        "Ewald parameter": data.phonons.alpha,
        "Ewald parameter of the coupling": data.coupling_alpha,
        "alat": data.alat,
    }
    if data._cache.get("finite") is not data.file_coupling.values:  # large; `replace` hands the cache on
        numbers["coupling"] = data.file_coupling.values
    for name, array in numbers.items():
        if array is not None and not np.all(np.isfinite(array)):
            raise InputError(f"{data.source}: {name} holds numbers that are not finite; the file is damaged")
    data._cache["finite"] = data.file_coupling.values


def _require_complex(data) -> None:
    """Complex where numbers are, so that no imaginary part was lost on the way; the crystal is real."""
    if not np.iscomplexobj(data.file_coupling.values):
        raise InputError(
            f"{data.source}: the coupling holds {np.asarray(data.file_coupling.values).dtype}, expected complex "
            "numbers; their imaginary parts are lost"
        )
    real = {
        "cell": data.cell,
        "positions of the atoms": data.atoms.positions,
        "masses": data.atoms.masses,
        "wannier_centres": data.wannier_centres,
        "born_charges": data.phonons.born_charges,
        "dielectric": data.phonons.dielectric,
    }
    for name, array in real.items():
        if array is not None and np.asarray(array).dtype.kind not in "fiu":
            raise InputError(f"{data.source}: {name} holds {np.asarray(array).dtype}, expected real numbers")


def _require_medium(data) -> None:
    """A dielectric tensor that screens, where there are charges to screen; positive Ewald parameters."""
    phonons = data.phonons
    if not phonons.polar:
        return
    dielectric = np.asarray(phonons.dielectric)
    if phonons.two_dimensional:
        dielectric = dielectric[:2, :2]  # nothing else of it counts
    lowest = np.linalg.eigvalsh(0.5 * (dielectric + dielectric.T))[0]
    if not lowest > 0:
        raise InputError(
            f"{data.source}: Born charges with a dielectric tensor that is not positive (eigenvalue {lowest:.3g}), "
            "which no medium has: the file is damaged, or the dielectric tensor was not computed"
        )
    for name, alpha in (("phonons", phonons.alpha), ("coupling", data.coupling_alpha)):
        if alpha is not None and not alpha > 0:
            raise InputError(f"{data.source}: Ewald parameter of the {name} is {alpha:.3g}; it is positive")
