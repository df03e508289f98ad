"""The input file as one schema: defaults, validation, reference page, files to start from and sentences for errors."""

from .base import Section, example, explained, subsections
from .electrons import ELECTRONS, ElectronsInput, FirstPrinciples, SpinOrbit
from .observable import OBSERVABLES, ObservableInput
from .run import ExpertInput, IntrinsicInput, OutputInput, RunInput, SolverInput, TemperatureInput
from .scattering import SCATTERING, ScatteringInput

__all__ = [
    "ELECTRONS",
    "OBSERVABLES",
    "SCATTERING",
    "ElectronsInput",
    "ExpertInput",
    "FirstPrinciples",
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
    "explained",
    "subsections",
]
