"""From the sections of an input file to a model, scatterers and temperatures."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..electrons.base import ElectronModel
from ..electrons.lattice import LatticeModel
from ..electrons.registry import MODELS
from ..electrons.spin_order import require_spin_order, spin_matrices
from ..electrons.wannier90 import load_wannier90
from ..electrons.zeeman import WithZeeman
from ..errors import InputError
from ..scattering import build_scatterer, vertex_matrix
from ..shells.shell import fermi_shell
from ..units import KB
from . import spin, symmetrize

_NO_T_BG = '[temperature] unit = "T_BG" needs acoustic phonons and a model with one Fermi radius; use unit = "K"'


@dataclass(frozen=True)
class Electrons:
    """Model, chemical potential (eV), first-principles coupling or None, warnings and checks for the reader."""

    model: ElectronModel
    chemical_potential: float
    coupling: Any = None
    warnings: list[str] = field(default_factory=list)
    checks: dict = field(default_factory=dict)


def build_electrons(section, folder: Path, memory: float | None = None) -> Electrons:
    """What an `[electrons]` section describes; paths are relative to `folder`, `memory`: bytes that reading may take.

    Raises
    ------
    InputError
        If a file cannot be used or the parameters do not make a model.
    """
    if section.model == "wannier90":
        return _wannier90(section, folder)
    if section.model in ("epw", "perturbo", "compact"):
        return _first_principles(section, folder, memory)
    parameters = section.model_dump(exclude={"model", "chemical_potential"})
    try:
        return Electrons(MODELS[section.model](**parameters), section.chemical_potential)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"[electrons] {error}") from None


def _wannier90(section, folder: Path) -> Electrons:
    model = load_wannier90(
        folder / section.file,
        wsvec=folder / section.wsvec if section.wsvec else section.wsvec,
        cell=section.cell,
        spin_ordering=section.spin_ordering,
        trust_file=section.trust_file,
    )
    _require_sound(model, section.file)
    warnings = list(model.warnings)
    if model.residual_positions is None and not any("position matrix" in w for w in warnings):
        warnings.append(
            f"{section.file} holds no position matrix: Berry curvature and coordinate shift miss its part; "
            "use SEEDNAME_tb.dat"
        )
    checks: dict = {}
    if section.symmetrize:
        model, checks, found = symmetrize.apply(model, section, folder, section.fermi_energy, section.spin_ordering)
        warnings += found
    return Electrons(_with_field(model, section.zeeman), section.fermi_energy, warnings=warnings, checks=checks)


def _require_sound(model: LatticeModel, name: str) -> None:
    cell = np.asarray(model.cell)
    positions = 0.0 if model.residual_positions is None else model.residual_positions
    if not all(np.all(np.isfinite(x)) for x in (cell, model.hoppings, model.site_positions, positions)):
        raise InputError(f"{name}: holds numbers that are not finite; the file is damaged")
    if abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{name}: the lattice vectors span no volume; the file is damaged")


def _first_principles(section, folder: Path, memory: float | None) -> Electrons:
    data, level = _read_coupling(section, folder, memory), section.fermi_energy
    if level is None:
        level = getattr(section, "chemical_potential", None)
    if level is None:
        level = data.fermi_energy
    if level is None:
        raise InputError(f"[electrons] fermi_energy is missing (eV), and {data.source} does not know it")
    if section.wannier90 is not None:
        data = data.with_electrons(load_wannier90(folder / section.wannier90, trust_file=section.trust_file))
    if section.spin_ordering is not None:
        data = replace(data, electrons=_with_spin(data, section.spin_ordering, section.trust_file))
    data = spin.apply(data, section, folder, lambda path: _read_path(section, path, memory))
    data = _of_dimension(data, section.two_dimensional)
    checks: dict = {}
    if section.symmetrize:
        ordering = "block" if spin.wanted(section) else section.spin_ordering
        data, checks, _ = symmetrize.apply(data, section, folder, float(level), ordering)
    model = data.model
    warnings = _of_layer(data)
    if model.residual_positions is None and not any("position matrix" in w for w in data.warnings):
        warnings.append(
            f"{data.source}: no position matrix, so Berry curvature and coordinate shift miss its part; name the "
            "SEEDNAME_tb.dat of the same Wannier functions as wannier90"
        )
    return Electrons(_with_field(model, section.zeeman), float(level), data, warnings, checks)


def _of_dimension(data, layer: bool | None):
    """`data` taken for a layer or a bulk crystal, whatever its files say."""
    if layer is None or layer == data.two_dimensional:
        return data
    if data.long_range is not None:
        kind = "layer" if data.two_dimensional else "bulk crystal"
        raise InputError(
            f"[electrons] two_dimensional = {str(layer).lower()}: the long-range part of the coupling in {data.source} "
            f"is that of a {kind}; leave the key out, or let the writing code take out the other one"
        )
    return replace(data, two_dimensional=layer)


def _of_layer(data) -> list[str]:
    """What a reader should know of data of a layer, or of data that may be those of one."""
    if data.two_dimensional and data.long_range is not None:
        return [
            f"{data.source}: a polar layer, whose macroscopic field has neither quadrupoles, nor dipoles along the "
            "normal, nor the screening by its carriers"
        ]
    if not data.two_dimensional and data.k_mesh[2] == 1 < min(data.k_mesh[:2]):
        return [
            f"{data.source}: one k point along the third lattice vector, and taken for a bulk crystal: if it is a "
            "layer, set two_dimensional = true in [electrons]"
        ]
    return []


def _read_coupling(section, folder: Path, memory: float | None):
    return _read_path(section, folder / (section.directory if section.model == "epw" else section.file), memory)


def _read_path(section, path: Path, memory: float | None):
    from ..abinitio.compact import read_compact
    from ..abinitio.epw import read_epw
    from ..abinitio.perturbo import read_perturbo

    if section.model == "epw":
        return read_epw(path, k_mesh=section.k_mesh, q_mesh=section.q_mesh, use_ws=section.use_ws, memory=memory)
    return (read_perturbo if section.model == "perturbo" else read_compact)(path, memory=memory)


def _with_spin(data, ordering: str, trust: bool) -> LatticeModel:
    model = data.electrons
    spinful = copy.copy(model)
    spinful.spin = spin_matrices(ordering, model.n_orbitals)
    if not trust:
        require_spin_order(ordering, model.vectors, model.hoppings, data.source)
    return spinful


def _with_field(model: ElectronModel, zeeman) -> ElectronModel:
    return model if zeeman is None else WithZeeman(model, zeeman)


def build_scatterers(sections, electrons: Electrons) -> list:
    """Scatterers of the `[[scattering]]` sections.

    Raises
    ------
    InputError
        If parameters are missing or do not fit the model.
    """
    return [_scatterer(section, number, electrons) for number, section in enumerate(sections, start=1)]


def _scatterer(section, number: int, electrons: Electrons):
    place = f"[[scattering]] number {number}: {section.kind}"
    if section.kind == "electron_phonon":
        return _electron_phonon(section, place, electrons)
    model = electrons.model
    parameters = section.model_dump(exclude={"kind"})
    try:
        if not isinstance(parameters["vertex"], str):
            parameters["vertex"] = _matrix(parameters["vertex"])
        vertex_matrix(parameters["vertex"], model)
        if model.dimension == 3 and parameters.get("thickness") is not None:
            raise InputError("thickness is for two dimensions, the model has three; leave it out")
        return build_scatterer(section.kind, parameters, model)
    except ValueError as error:
        raise InputError(f"{place}: {error}") from None


def _matrix(rows) -> np.ndarray:
    matrix = np.asarray(rows, dtype=float)
    return matrix if matrix.ndim == 2 else matrix[..., 0] + 1j * matrix[..., 1]


def _electron_phonon(section, place: str, electrons: Electrons):
    from ..scattering.electron_phonon import ElectronPhononScatterer

    data = electrons.coupling
    if data is None:
        raise InputError(
            f'{place}: needs [electrons] model = "epw", "perturbo" or "compact", whose files hold the coupling'
        )
    if section.acoustic_sum_rule:
        data = data.with_acoustic_sum_rule()
    try:
        return ElectronPhononScatterer(
            data,
            images=section.images,
            lowest_phonon_energy=section.lowest_phonon_energy,
            coupling_sum_rule=section.coupling_sum_rule,
        )
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def build_temperatures(section, bloch_gruneisen: float | None = None) -> np.ndarray:
    """Temperatures in K, in the order of the input; `bloch_gruneisen` is T_BG in K, needed for that unit."""
    if section.values is not None:
        values = np.array(section.values, dtype=float)
    elif section.spacing == "log":
        values = np.geomspace(section.minimum, section.maximum, section.number)
    else:
        values = np.linspace(section.minimum, section.maximum, section.number)
    if section.unit == "T_BG":
        if bloch_gruneisen is None:
            raise InputError(_NO_T_BG)
        values = values * bloch_gruneisen
    return values


def bloch_gruneisen_temperature(model, scatterers, chemical_potential: float) -> float:
    """``T_BG = 2 hbar c k_F / k_B`` in K, for a model with one nearly circular Fermi line or sphere.

    Raises
    ------
    InputError
        If no scatterer is acoustic or the Fermi surface has no single radius.
    """
    sound = [s.sound_velocity for s in scatterers if s.sound_velocity]
    if not sound or model.cell is not None:
        raise InputError(_NO_T_BG)
    shell = fermi_shell(model, chemical_potential, spacing=model.k_scale / 2, turn=None, levels=0)
    radius = np.linalg.norm(shell.k, axis=1)
    if np.ptp(radius) > 1e-3 * radius.mean():
        raise InputError(_NO_T_BG)
    return 2 * sound[0] * float(radius.mean()) / KB
