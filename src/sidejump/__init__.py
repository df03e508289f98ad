"""Anomalous Hall conductivity of crystals limited by electron-phonon scattering."""

from importlib.metadata import version as _version

from .app.run import anomalous_hall, run
from .electrons.base import PAULI, ElectronModel
from .electrons.dirac import MassiveDirac
from .electrons.function import FunctionModel
from .electrons.lattice import LatticeModel
from .electrons.luttinger import Luttinger
from .electrons.rashba import RashbaFerromagnet
from .electrons.wannier90 import read_wannier90
from .electrons.zeeman import WithZeeman
from .errors import InputError
from .scattering import (
    acoustic_deformation_potential,
    impurity,
    optical_deformation_potential,
    polar_optical,
)

__version__ = _version("sidejump")

__all__ = [
    "PAULI",
    "ElectronModel",
    "FunctionModel",
    "InputError",
    "LatticeModel",
    "Luttinger",
    "MassiveDirac",
    "RashbaFerromagnet",
    "WithZeeman",
    "acoustic_deformation_potential",
    "anomalous_hall",
    "impurity",
    "optical_deformation_potential",
    "polar_optical",
    "read_wannier90",
    "run",
]
