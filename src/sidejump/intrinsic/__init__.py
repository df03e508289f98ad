"""The intrinsic part: Berry curvature of all occupied states, on lattices and in unbounded k space."""

from .berry import band_curvature, curvature_of_matrices
from .integrate import MOST_POINTS, IntrinsicResult, intrinsic_conductivity

__all__ = ["MOST_POINTS", "IntrinsicResult", "band_curvature", "curvature_of_matrices", "intrinsic_conductivity"]
