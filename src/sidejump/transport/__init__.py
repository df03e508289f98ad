"""The kinetic part of a run: shells, pairs, collision operator and response for a list of temperatures."""

from .cost import estimate_cost
from .driver import run_transport
from .problem import Problem
from .settings import TransportResult, TransportSettings

__all__ = ["Problem", "TransportResult", "TransportSettings", "estimate_cost", "run_transport"]
