"""Anomalous Hall conductivity of crystals limited by electron-phonon scattering."""

from importlib.metadata import version as _version

from .abinitio.compact import write_compact
from .abinitio.formats import convert
from .abinitio.spin import two_channels, with_exchange, with_projected_spin_orbit, with_spin_orbit
from .abinitio.spoken import read_compact, read_electron_phonon, read_epw, read_perturbo
from .abinitio.symmetrized import symmetrized
from .app.run import anomalous_hall, run
from .electrons.base import PAULI, ElectronModel, with_spin_degeneracy
from .electrons.dirac import MassiveDirac
from .electrons.function import FunctionModel
from .electrons.lattice import LatticeModel
from .electrons.luttinger import Luttinger
from .electrons.rashba import RashbaFerromagnet
from .electrons.symmetry import symmetry_report
from .electrons.tight_binding import TightBinding
from .electrons.wannier90 import read_wannier90
from .electrons.weyl import Weyl
from .electrons.zeeman import WithZeeman
from .errors import InputError, SidejumpWarning
from .intrinsic import intrinsic_conductivity
from .kinetics.limits import CurvatureShift, HighTemperatureLimit
from .scattering import (
    acoustic_deformation_potential,
    impurity,
    optical_deformation_potential,
    polar_optical,
)
from .scattering.electron_phonon import ElectronPhononScatterer

__version__ = _version("sidejump")

__all__ = [
    "PAULI",
    "CurvatureShift",
    "ElectronModel",
    "ElectronPhononScatterer",
    "FunctionModel",
    "HighTemperatureLimit",
    "InputError",
    "LatticeModel",
    "Luttinger",
    "MassiveDirac",
    "RashbaFerromagnet",
    "SidejumpWarning",
    "TightBinding",
    "Weyl",
    "WithZeeman",
    "acoustic_deformation_potential",
    "anomalous_hall",
    "convert",
    "impurity",
    "intrinsic_conductivity",
    "optical_deformation_potential",
    "polar_optical",
    "read_compact",
    "read_electron_phonon",
    "read_epw",
    "read_perturbo",
    "read_wannier90",
    "run",
    "symmetrized",
    "symmetry_report",
    "two_channels",
    "with_exchange",
    "with_projected_spin_orbit",
    "with_spin_degeneracy",
    "with_spin_orbit",
    "write_compact",
]
