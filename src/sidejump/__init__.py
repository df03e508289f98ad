"""Anomalous Hall conductivity of crystals limited by electron-phonon scattering."""

from importlib.metadata import version as _version

from .app.run import anomalous_hall, run
from .electrons.dirac import MassiveDirac
from .electrons.lattice import LatticeModel
from .electrons.wannier90 import read_wannier90
from .errors import InputError
from .scattering import (
    acoustic_deformation_potential,
    impurity,
    optical_deformation_potential,
    polar_optical,
)

__version__ = _version("sidejump")

__all__ = [
    "InputError",
    "LatticeModel",
    "MassiveDirac",
    "acoustic_deformation_potential",
    "anomalous_hall",
    "impurity",
    "optical_deformation_potential",
    "polar_optical",
    "read_wannier90",
    "run",
]
