"""What the accuracy of the Green function of strong impurities leaves open of a response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..kinetics.response import KineticResponse, charge
from ..pairs.sample import Sample
from .problem import Problem

_NOTHING = 1e-9
"""Of the largest rate of impurities: states with less are not scattered by them."""


def with_doubt(problem: Problem, sample: Sample, response: KineticResponse, thermal_weight) -> KineticResponse:
    """The response with its `doubt`: that of the rates of impurities with their T-matrix, for their share in 1/tau.

    Zero-range impurities scatter about alike in all directions, so that the share is about what the conductivity is of
    that with their out-scattering alone.

    Parameters
    ----------
    thermal_weight : ndarray
        As :func:`.kinetics.response.kinetic_response` takes it.
    """
    kinds = problem.point_kinds
    if not kinds:
        return response
    thermal = np.broadcast_to(thermal_weight, (sample.count, np.shape(thermal_weight)[-1]))
    alone = doubtful = 0.0
    for surface in sample.surfaces():
        known = [kind.out_scattering(surface.own, surface.energy) for kind in kinds]
        out = np.sum([rate for rate, _ in known], axis=0)
        uncertain = np.sum([rate * doubt for rate, doubt in known], axis=0)
        weight, velocity = surface.of(sample.weight)[:, 0], surface.of(sample.velocity)[:, 0]
        drift = weight * surface.of(thermal).sum(axis=1) * (velocity**2).sum(axis=1)
        met = out > _NOTHING * np.max(out)  # a vertex of some orbitals may leave states alone
        alone += float(np.sum(drift[met] / out[met]))
        doubtful += float(np.sum((drift * uncertain)[met] / out[met] ** 2))
    if not alone:
        return response
    share = min(1.0, float(np.trace(charge(response.boltzmann))) / alone)
    return replace(response, doubt=share * doubtful / alone)
