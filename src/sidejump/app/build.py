"""From the sections of an input file to a model, scatterers and temperatures."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..bands.base import ElectronModel, with_spin_degeneracy
from ..bands.lattice import LatticeModel
from ..bands.observables import Observable, checked_observables
from ..bands.own_file import load_own
from ..bands.ready_made import KINDS, components
from ..bands.registry import MODELS
from ..bands.spin_order import require_spin_order, spin_matrices
from ..bands.vertex import vertex_operator
from ..bands.zeeman import WithZeeman
from ..errors import InputError
from ..formats.wannier90 import load_wannier90
from ..formats.wannier90_spin import with_spin_matrices
from ..interactions import build_scatterer
from ..interactions.point_impurity import PointImpurity
from ..rules import vertex_elements
from ..surfaces.fermi import fermi_shell
from ..units import KB
from ..wannier.planar import planar
from . import spin, symmetrize

_REAL = 1e-6  # of the largest hop: imaginary parts below are rounding of printed digits
_NO_T_BG = '[temperature] unit = "T_BG" needs acoustic phonons and a model with one Fermi radius; use unit = "K"'


@dataclass(frozen=True)
class Electrons:
    """Model, chemical potential or several (eV), first-principles coupling or None, warnings and checks for the reader,
    carrier density or several (cm^-d) or None."""

    model: ElectronModel
    chemical_potential: float | tuple[float, ...]
    coupling: Any = None
    warnings: list[str] = field(default_factory=list)
    checks: dict = field(default_factory=dict)
    carrier_density: float | tuple[float, ...] | None = None


def build_electrons(section, folder: Path, memory: float | None = None) -> Electrons:
    """What an `[electrons]` section describes; paths are relative to `folder`, `memory`: bytes that reading may take.

    Raises
    ------
    InputError
        If a file cannot be used or the parameters do not make a model.
    """
    return replace(_electrons(section, folder, memory), carrier_density=section.carrier_density)


def _electrons(section, folder: Path, memory: float | None) -> Electrons:
    if section.model == "own":
        path = folder / section.file
        model = load_own(path, section.name)
        return Electrons(model, section.chemical_potential, checks={"model_file": path.read_text()})
    if section.model == "wannier90":
        return _wannier90(section, folder)
    if section.model in ("tbmodels", "sisl"):
        return _neighbour(section, folder)
    if section.model in ("epw", "perturbo", "compact"):
        return _first_principles(section, folder, memory)
    parameters = section.model_dump(exclude={"model", "chemical_potential", "carrier_density"})
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
    warnings = [*model.warnings, *_of_one_spin(model, section)]
    model = with_spin_degeneracy(model, section.spin_degeneracy or 1)
    if model.residual_positions is None and not any("position matrix" in w for w in warnings):
        warnings.append(
            f"{section.file} holds no position matrix: Berry curvature and coordinate shift miss its part; "
            "use SEEDNAME_tb.dat"
        )
    checks: dict = {}
    if section.spn is not None:
        if section.symmetrize:
            raise InputError(
                "[electrons] spn and symmetrize exclude each other: that changes the Wannier functions; use "
                "spin_ordering"
            )
        model = with_spin_matrices(model, folder / section.spn, section.file)
    if section.symmetrize:
        model, checks, found = symmetrize.apply(
            model, section, folder, _first(section.fermi_energy), section.spin_ordering
        )
        warnings += found
    if section.two_dimensional:
        model = planar(model, section.file)
    elif not model.vectors[:, 2].any():
        warnings.append(
            f"{section.file}: no hop along the third lattice vector, and taken for a bulk crystal: if it is a layer, "
            "set two_dimensional = true in [electrons]"
        )
    return Electrons(_with_field(model, section.zeeman), section.fermi_energy, warnings=warnings, checks=checks)


def _neighbour(section, folder: Path) -> Electrons:
    from ..interop.sisl import read_sisl
    from ..interop.tbmodels import read_tbmodels

    path = folder / section.file
    if section.model == "tbmodels":
        model = read_tbmodels(path, spin_ordering=section.spin_ordering)
    else:
        model = read_sisl(path)
    model = with_spin_degeneracy(model, section.spin_degeneracy or 1)
    return Electrons(model, section.chemical_potential, warnings=[*model.warnings, *_of_one_spin(model, section)])


def _first(level: float | tuple[float, ...]) -> float:
    """Of several chemical potentials the one at which symmetry is judged."""
    return float(level[0] if isinstance(level, tuple) else level)


def _of_one_spin(model, section) -> list[str]:
    """A file without spin does not say whether its bands stand for both; real matrices have no spin-orbit coupling."""
    imaginary = np.abs(model.hoppings.imag).max() / np.abs(model.hoppings).max()
    if model.spin is not None or section.spin_degeneracy is not None or imaginary > _REAL:
        return []
    return [
        f"{section.file}: its Hamiltonian is real, as without spin-orbit coupling, and its bands are counted once: set "
        "spin_degeneracy = 2 in [electrons] if they stand for both spins, 1 if they are those of one"
    ]


def _require_sound(model: LatticeModel, name: str) -> None:
    cell = np.asarray(model.cell)
    positions = 0.0 if model.residual_positions is None else model.residual_positions
    if not all(np.all(np.isfinite(x)) for x in (cell, model.hoppings, model.site_positions, positions)):
        raise InputError(f"{name}: holds numbers that are not finite; the file is damaged")
    if abs(np.linalg.det(cell)) < 1e-6:
        raise InputError(f"{name}: the lattice vectors span no volume; the file is damaged")


def _first_principles(section, folder: Path, memory: float | None) -> Electrons:
    from ..wannier.checks import judge_rigid_shift

    data = _read_coupling(section, folder, memory)
    if section.spin_degeneracy is not None:
        data = replace(data, spin_degeneracy=section.spin_degeneracy)
    level = section.fermi_energy
    if level is None:
        level = getattr(section, "chemical_potential", None)
    if level is None:
        level = data.fermi_energy
    if level is None:
        raise InputError(f"[electrons] fermi_energy is missing (eV), and {data.source} does not know it")
    for energy in level if isinstance(level, tuple) else (level,):
        if energy != data.fermi_energy:
            judge_rigid_shift(data, float(energy))
    if section.wannier90 is not None:
        data = data.with_electrons(load_wannier90(folder / section.wannier90, trust_file=section.trust_file))
    if section.spin_ordering is not None:
        data = replace(data, electrons=_with_spin(data, section.spin_ordering, section.trust_file))
    data = spin.apply(data, section, folder, lambda path: _read_path(section, path, folder, memory))
    checks: dict = {}
    if section.symmetrize:
        ordering = "block" if spin.wanted(section) else section.spin_ordering
        data, checks, _ = symmetrize.apply(data, section, folder, _first(level), ordering)
    model = _with_exchange(data.model, section.exchange)
    warnings = _of_layer(data)
    if model.residual_positions is None and not any("position matrix" in w for w in data.warnings):
        warnings.append(
            f"{data.source}: no position matrix, so Berry curvature and coordinate shift miss its part; name the "
            "SEEDNAME_tb.dat of the same Wannier functions as wannier90"
        )
    return Electrons(_with_field(model, section.zeeman), level, data, warnings, checks)


def _of_dimension(data, layer: bool | None):
    """`data` taken for a layer or a bulk crystal, whatever its files say."""
    from ..wannier.dimension import of_dimension

    try:
        return of_dimension(data, layer)
    except InputError as error:
        raise InputError(f"[electrons] {error}") from None


def _of_layer(data) -> list[str]:
    """What a reader should know of data of a layer, or of data that may be those of one."""
    if data.two_dimensional and data.long_range is not None:
        return [
            f"{data.source}: a polar layer, whose macroscopic field has neither quadrupoles, nor dipoles along the "
            "normal, nor the screening by its carriers"
        ]
    if not data.two_dimensional and not data.phonons.polar and data.k_mesh[2] == 1 < min(data.k_mesh[:2]):
        return [
            f"{data.source}: one k point along the third lattice vector, and taken for a bulk crystal: if it is a "
            "layer, set two_dimensional = true in [electrons]"
        ]
    return []


def _read_coupling(section, folder: Path, memory: float | None):
    named = section.directory if section.model == "epw" else section.file
    return _read_path(section, folder / named, folder, memory)


def _read_path(section, path: Path, folder: Path, memory: float | None):
    """Coupling at `path`, of the dimension and with the phonons that the section names."""
    from ..formats.compact import read_compact
    from ..formats.epw import read_epw
    from ..formats.perturbo import read_perturbo
    from ..interop.phonopy import read_phonopy

    if section.model == "epw":
        keys = ("k_mesh", "q_mesh", "use_ws", "two_dimensional", "long_range", "epw_version", "trust_file")
        data = read_epw(path, memory=memory, **{key: getattr(section, key) for key in keys})
    else:
        read = read_perturbo if section.model == "perturbo" else read_compact
        data = read(path, trust_file=section.trust_file, memory=memory)
    data = _of_dimension(data, section.two_dimensional)
    if section.phonons is None:
        return data
    try:
        return data.with_phonons(read_phonopy(folder / section.phonons))
    except InputError as error:
        raise InputError(f"[electrons] phonons: {error}") from None


def _with_spin(data, ordering: str, trust: bool) -> LatticeModel:
    model = data.electrons
    spinful = copy.copy(model)
    spinful.spin = spin_matrices(ordering, model.n_orbitals)
    if not trust:
        require_spin_order(ordering, model.vectors, model.hoppings, data.source)
    return spinful


def _with_exchange(model: LatticeModel, exchange) -> LatticeModel:
    """The same model, which knows the exchange field that it has been given."""
    if exchange is None:
        return model
    known = copy.copy(model)
    known.exchange_field = spin.exchange_vector(exchange)
    return known


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
    parameters = section.model_dump(exclude={"kind"}, exclude_unset=True)
    try:
        if not isinstance(parameters.get("vertex", ""), str):
            parameters["vertex"] = vertex_elements(parameters["vertex"])
        scatterer = build_scatterer(section.kind, parameters, model)
        vertex_operator(scatterer.vertex, model, hermitian=not scatterer.directed)
        if isinstance(scatterer, PointImpurity):  # whether there is a T-matrix: its cut-off and its site
            scatterer.sources(model)
        return scatterer
    except ValueError as error:
        words = str(error).removeprefix(f"{section.kind}: ").removeprefix(f"zero_range {section.kind}: ")
        raise InputError(f"{place}: {words}") from None


def _electron_phonon(section, place: str, electrons: Electrons):
    from ..interactions.first_principles.electron_phonon import ElectronPhononScatterer

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


HEAT = "heat_current"


def asks_for_heat(sections) -> bool:
    """Whether one of the `[[observable]]` sections is the heat current.

    Raises
    ------
    InputError
        If several are.
    """
    found = [number for number, section in enumerate(sections, start=1) if section.kind == HEAT]
    if len(found) > 1:
        raise InputError(f"[[observable]] number {found[1]}: {HEAT} is asked for twice; name it once")
    return bool(found)


def build_observables(sections, model) -> tuple[Observable, ...]:
    """Observables of the `[[observable]]` sections, all components of a kind where none is named.

    Raises
    ------
    InputError
        If the model has not what a kind needs, or one is asked for twice.
    """
    found: list[Observable] = []
    for number, section in enumerate(sections, start=1):
        if section.kind == HEAT:  # of its own: what a gradient of temperature drives comes with it
            continue
        make, _ = KINDS[section.kind]
        some = [make(c) for c in section.components or components(section.kind, model.dimension)]
        try:
            checked_observables(some, model)
        except InputError as error:
            raise InputError(f"[[observable]] number {number}: {error}") from None
        for o in some:
            if o.name in [known.name for known in found]:
                raise InputError(f"[[observable]] number {number}: {o.name} is asked for twice; name it once")
        found += some
    return tuple(found)


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
