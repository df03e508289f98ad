"""Scatterers: coupling, phonon energy and vertex of each mechanism. A new one is a new file and a line here."""

from collections.abc import Callable

from .acoustic import acoustic_deformation_potential
from .base import Branch, Scatterer
from .impurity import impurity
from .magnons import magnons
from .optical import optical_deformation_potential, polar_optical
from .single_impurity import TMatrix, t_matrix

SCATTERERS: dict[str, Callable[..., Scatterer]] = {
    "acoustic_deformation_potential": acoustic_deformation_potential,
    "optical_deformation_potential": optical_deformation_potential,
    "polar_optical": polar_optical,
    "impurity": impurity,
    "magnons": magnons,
}

__all__ = [
    "SCATTERERS",
    "Branch",
    "Scatterer",
    "TMatrix",
    "acoustic_deformation_potential",
    "build_scatterer",
    "impurity",
    "magnons",
    "optical_deformation_potential",
    "polar_optical",
    "t_matrix",
]


def build_scatterer(kind: str, parameters: dict, model) -> Scatterer:
    """A scatterer from its name in the input file, its parameters, and the model it acts on."""
    return SCATTERERS[kind](**parameters, dimension=model.dimension)
