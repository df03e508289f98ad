"""`[[scattering]]`: one class for each kind; a new kind is a class here and a line in the registry of scatterers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...interactions.parameters import (
    AcousticParameters,
    ElectronPhononParameters,
    ImpurityParameters,
    MagnonParameters,
    OpticalParameters,
    PolarParameters,
)
from .base import Flag, Section


class AcousticInput(AcousticParameters):
    """Acoustic phonons, deformation potential, `omega = c q`."""

    kind: Literal["acoustic_deformation_potential"]


class OpticalInput(OpticalParameters):
    """Optical phonons of one energy, deformation potential."""

    kind: Literal["optical_deformation_potential"]


class PolarInput(PolarParameters):
    """Polar optical phonons (Froehlich)."""

    kind: Literal["polar_optical"]


class ImpurityInput(ImpurityParameters):
    """Static impurities."""

    kind: Literal["impurity"]


class MagnonInput(MagnonParameters):
    """Magnons of a ferromagnet, exchange with its electrons: the electron's spin flips."""

    kind: Literal["magnons"]


class ElectronPhononInput(ElectronPhononParameters):
    """First-principles electron-phonon coupling of the files in `[electrons]`."""

    kind: Literal["electron_phonon"]
    acoustic_sum_rule: Flag = Field(True, description="Impose it on the force constants.")


SCATTERING: tuple[type[Section], ...] = (
    AcousticInput,
    OpticalInput,
    PolarInput,
    ImpurityInput,
    MagnonInput,
    ElectronPhononInput,
)

ScatteringInput = Annotated[
    AcousticInput | OpticalInput | PolarInput | ImpurityInput | MagnonInput | ElectronPhononInput,
    Field(discriminator="kind"),
]
