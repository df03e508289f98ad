"""The input file as one schema: defaults, validation, reference page, templates and error messages come from it."""

from .base import Section, example
from .electrons import ELECTRONS, ElectronsInput, SpinOrbit
from .observable import OBSERVABLES, ObservableInput
from .run import ExpertInput, IntrinsicInput, OutputInput, RunInput, SolverInput, TemperatureInput
from .scattering import SCATTERING, ScatteringInput

__all__ = [
    "ELECTRONS",
    "OBSERVABLES",
    "SCATTERING",
    "ElectronsInput",
    "ExpertInput",
    "IntrinsicInput",
    "ObservableInput",
    "OutputInput",
    "RunInput",
    "ScatteringInput",
    "Section",
    "SolverInput",
    "SpinOrbit",
    "TemperatureInput",
    "example",
]
