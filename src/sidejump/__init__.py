"""Anomalous Hall conductivity of crystals limited by electron-phonon scattering.

Every public name is imported when it is first asked for, so that `import sidejump` costs nothing.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING
from typing import Any as _Any

if TYPE_CHECKING:
    __version__: str
    from . import units as units
    from .accuracy import Case, Estimate, Study, estimate, plan
    from .app.load import load, to_pandas, write_json
    from .app.run import anomalous_hall, run
    from .app.table import write_csv
    from .bands.base import PAULI, ElectronModel, with_spin_degeneracy
    from .bands.dirac import MassiveDirac
    from .bands.function import FunctionModel
    from .bands.lattice import LatticeModel
    from .bands.luttinger import Luttinger
    from .bands.observables import Observable, Rule
    from .bands.rashba import RashbaFerromagnet
    from .bands.ready_made import orbital_moment, spin, spin_current, torque, velocity
    from .bands.tight_binding import TightBinding
    from .bands.weyl import Weyl
    from .bands.zeeman import WithZeeman
    from .errors import InputError, SidejumpWarning
    from .experiment.films import Films, measured_films
    from .experiment.read import read_films
    from .experiment.separate import separate
    from .experiment.synthetic import synthetic_films
    from .experiment.write import write_films
    from .formats.compact import write_compact
    from .formats.recognise import convert
    from .formats.spoken import read_compact, read_electron_phonon, read_epw, read_perturbo
    from .formats.wannier90 import read_wannier90
    from .formats.wannier90_write import write_wannier90
    from .groups.symmetry import symmetry_report
    from .interactions import (
        acoustic_deformation_potential,
        impurity,
        magnons,
        optical_deformation_potential,
        polar_optical,
        t_matrix,
    )
    from .interactions.base import Branch, Scatterer
    from .interactions.first_principles.electron_phonon import ElectronPhononScatterer
    from .interactions.limits import CurvatureShift, HighTemperatureLimit, SmallAngleShift
    from .interop.kwant import from_kwant
    from .interop.phonopy import from_phonopy, read_phonopy
    from .interop.pythtb import from_pythtb
    from .interop.sisl import from_sisl, read_sisl
    from .interop.structures import Structure, from_ase, from_pymatgen, read_structure
    from .interop.tbmodels import from_tbmodels, read_tbmodels
    from .interop.wannierberri import from_wannierberri
    from .intrinsic import intrinsic_conductivity
    from .symmetrize.symmetrized import symmetrized
    from .wannier.spin import two_channels, with_exchange, with_projected_spin_orbit, with_spin_orbit

__all__ = [
    "PAULI",
    "Branch",
    "Case",
    "CurvatureShift",
    "ElectronModel",
    "ElectronPhononScatterer",
    "Estimate",
    "Films",
    "FunctionModel",
    "HighTemperatureLimit",
    "InputError",
    "LatticeModel",
    "Luttinger",
    "MassiveDirac",
    "Observable",
    "RashbaFerromagnet",
    "Rule",
    "Scatterer",
    "SidejumpWarning",
    "SmallAngleShift",
    "Structure",
    "Study",
    "TightBinding",
    "Weyl",
    "WithZeeman",
    "acoustic_deformation_potential",
    "anomalous_hall",
    "convert",
    "estimate",
    "from_ase",
    "from_kwant",
    "from_phonopy",
    "from_pymatgen",
    "from_pythtb",
    "from_sisl",
    "from_tbmodels",
    "from_wannierberri",
    "impurity",
    "intrinsic_conductivity",
    "load",
    "magnons",
    "measured_films",
    "optical_deformation_potential",
    "orbital_moment",
    "plan",
    "polar_optical",
    "read_compact",
    "read_electron_phonon",
    "read_epw",
    "read_films",
    "read_perturbo",
    "read_phonopy",
    "read_sisl",
    "read_structure",
    "read_tbmodels",
    "read_wannier90",
    "run",
    "separate",
    "spin",
    "spin_current",
    "symmetrized",
    "symmetry_report",
    "synthetic_films",
    "t_matrix",
    "to_pandas",
    "torque",
    "two_channels",
    "velocity",
    "with_exchange",
    "with_projected_spin_orbit",
    "with_spin_degeneracy",
    "with_spin_orbit",
    "write_compact",
    "write_csv",
    "write_films",
    "write_json",
    "write_wannier90",
]

_PLACES = {
    "accuracy": ("Case", "Estimate", "Study", "estimate", "plan"),
    "app.load": ("load", "to_pandas", "write_json"),
    "app.run": ("anomalous_hall", "run"),
    "app.table": ("write_csv",),
    "bands.base": ("PAULI", "ElectronModel", "with_spin_degeneracy"),
    "bands.dirac": ("MassiveDirac",),
    "bands.function": ("FunctionModel",),
    "bands.lattice": ("LatticeModel",),
    "bands.luttinger": ("Luttinger",),
    "bands.observables": ("Observable", "Rule"),
    "bands.ready_made": ("orbital_moment", "spin", "spin_current", "torque", "velocity"),
    "bands.rashba": ("RashbaFerromagnet",),
    "bands.tight_binding": ("TightBinding",),
    "bands.weyl": ("Weyl",),
    "bands.zeeman": ("WithZeeman",),
    "errors": ("InputError", "SidejumpWarning"),
    "experiment.films": ("Films", "measured_films"),
    "experiment.read": ("read_films",),
    "experiment.separate": ("separate",),
    "experiment.synthetic": ("synthetic_films",),
    "experiment.write": ("write_films",),
    "formats.compact": ("write_compact",),
    "formats.wannier90_write": ("write_wannier90",),
    "formats.recognise": ("convert",),
    "formats.spoken": ("read_compact", "read_electron_phonon", "read_epw", "read_perturbo"),
    "formats.wannier90": ("read_wannier90",),
    "groups.symmetry": ("symmetry_report",),
    "interactions": (
        "acoustic_deformation_potential",
        "impurity",
        "magnons",
        "optical_deformation_potential",
        "polar_optical",
        "t_matrix",
    ),
    "interactions.base": ("Branch", "Scatterer"),
    "interactions.first_principles.electron_phonon": ("ElectronPhononScatterer",),
    "interactions.limits": ("CurvatureShift", "HighTemperatureLimit", "SmallAngleShift"),
    "interop.kwant": ("from_kwant",),
    "interop.phonopy": ("from_phonopy", "read_phonopy"),
    "interop.pythtb": ("from_pythtb",),
    "interop.sisl": ("from_sisl", "read_sisl"),
    "interop.structures": ("Structure", "from_ase", "from_pymatgen", "read_structure"),
    "interop.tbmodels": ("from_tbmodels", "read_tbmodels"),
    "interop.wannierberri": ("from_wannierberri",),
    "intrinsic": ("intrinsic_conductivity",),
    "symmetrize.symmetrized": ("symmetrized",),
    "wannier.spin": ("two_channels", "with_exchange", "with_projected_spin_orbit", "with_spin_orbit"),
}
"""Modules and the public names they hold."""

_PLACE = {name: module for module, names in _PLACES.items() for name in names}
_MODULES = tuple(
    "bands energy experiment formats groups interactions interop intrinsic kinetics pairs plot reference surfaces "
    "symmetrize transport units wannier".split()
)
"""What `import sidejump` lets one reach without an import of its own."""


def __getattr__(name: str) -> _Any:
    value: _Any
    if name == "__version__":
        from importlib.metadata import version

        value = version("sidejump")
    elif name in _PLACE:
        value = getattr(_import_module(f".{_PLACE[name]}", __name__), name)
    elif name in _MODULES:
        value = _import_module(f".{name}", __name__)
    else:
        from difflib import get_close_matches

        close = get_close_matches(name, (*__all__, *_MODULES), n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{meant}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES, "__version__"})
