"""The input file as one schema: defaults, validation, reference page, templates and error messages come from it."""

from .base import Section, example
from .electrons import ELECTRONS, ElectronsInput, SpinOrbit
from .run import ExpertInput, IntrinsicInput, OutputInput, RunInput, SolverInput, TemperatureInput
from .scattering import SCATTERING, ScatteringInput

__all__ = [
    "ELECTRONS",
    "SCATTERING",
    "ElectronsInput",
    "ExpertInput",
    "IntrinsicInput",
    "OutputInput",
    "RunInput",
    "ScatteringInput",
    "Section",
    "SolverInput",
    "SpinOrbit",
    "TemperatureInput",
    "example",
]
