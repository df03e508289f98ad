"""Skew scattering in a solution of the kinetic equation: which scatterers take part, and at what temperature."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeGuard

import numpy as np

from ..energy.basis import BOTH
from ..interactions.base import Branch
from ..interactions.point_impurity import PointPairs
from ..interactions.single_impurity import UNSETTLED
from ..interactions.sources import PairSource, PolarPairs, ScalarPairs
from ..kinetics.odd import OddRates
from ..kinetics.odd_order import odd_order_zero
from ..kinetics.response import KineticResponse, charge
from ..kinetics.skew import SkewSource, Third, bytes_of_potential, skew_response
from ..pairs.sample import Sample
from .problem import Problem

WEAK = 0.3
"""Size of the series of the T-matrix from which on a warning says so: a tenth is then left out."""


@dataclass(frozen=True)
class Correlation:
    """``sum C(q)`` of static scatterers, and of phonons that are taken to be static.

    Attributes
    ----------
    branches : tuple of Branch
    kt : float
        eV.
    least : float
        q below which nothing is resolved, 1/angstrom.

    Notes
    -----
    A phonon of energy ``y kT`` scatters with ``2 y N (N + 1) |V0|^2``, as in the quasi-elastic theory: at high
    temperature ``2 kT / omega |V0|^2``, the square of the displacement at rest.
    """

    branches: tuple[Branch, ...]
    kt: float
    least: float

    def __call__(self, q) -> np.ndarray:
        total, z = np.zeros(np.shape(q)), np.maximum(q, self.least)
        for branch in self.branches:
            coupling = np.asarray(branch.coupling(z))
            if branch.phonon_energy is not None:
                y = np.asarray(branch.phonon_energy(z)) / self.kt
                coupling = coupling * 0.5 * y / np.sinh(np.clip(0.5 * y, 1e-12, 300.0)) ** 2
            total += coupling
        return total


def skew_sources(problem: Problem, shell, kt: float) -> list[SkewSource]:
    """Those of a problem at kT (eV) that take part."""
    found = []
    phonons = problem.settings.skew_scattering == "quasistatic"
    for source in problem.sources:
        if not _takes_part(source):
            continue
        branches = tuple(b for b in source.branches if not b.silent and (phonons or b.phonon_energy is None))
        thirds = tuple(Third(b.potential, b.third_moment) for b in branches if b.potential and b.third_moment)
        if branches:
            correlation = Correlation(branches, kt, problem.z_floor(shell, source))
            found.append(SkewSource(source, correlation, thirds))
    return found


def odd_rates(problem: Problem, sample: Sample, thermal_weight, functions=None) -> OddRates | None:
    """Those of :attr:`.Problem.odd_kinds`; arguments as those of :func:`.kinetics.response.kinetic_response`."""
    return OddRates(sample, problem.odd_kinds, thermal_weight, functions) if problem.odd_kinds else None


def with_skew(
    problem: Problem, shell, sample: Sample, response: KineticResponse, thermal_weight, kt: float, functions=None
) -> KineticResponse:
    """The response with its skew parts, if they are asked for.

    Parameters
    ----------
    shell : Shell
    thermal_weight, functions : ndarray
        As :func:`.kinetics.response.kinetic_response` takes them.
    kt : float
        eV.
    """
    if problem.settings.skew_scattering == "off":
        return response
    assert response.distribution is not None
    normal = response.distribution
    if functions is not None:
        normal = np.einsum("sfn,sfr->snr", functions[sample.side], normal)
    thermal = np.broadcast_to(thermal_weight, normal.shape[:2])
    sources, settings = skew_sources(problem, shell, kt), problem.settings
    found = skew_response(
        problem.model, sample, sources, normal, thermal, memory=problem.allowed, tolerance=settings.tolerance
    )
    if found.strength > WEAK:
        problem.warn(
            "conventional skew scattering is the first order of a series in pi times the potential times the density "
            f"of states, {found.strength:.2g}: higher orders change it by about the square of that; take weaker "
            'impurities, or for those of zero range treatment = "t_matrix"'
        )
    average = problem.fold(sample.operations).average
    skew = np.stack([average(part, odd=True) for part in found.tensors])
    if response.odd is not None:
        assert response.odd_distribution is not None
        beside = response.odd_distribution
        if functions is not None:
            beside = np.einsum("sfn,sfr->snr", functions[sample.side], beside)
        rows = problem.multiplets
        zero = odd_order_zero(problem.model, sample, problem.odd_kinds, normal, beside, thermal, rows)
        step, more = average(zero.mesh_step, odd=True), average(zero.response, odd=True)
        change = float(np.abs(charge(step)).max()) / response.scale
        if change > UNSETTLED:
            problem.warn(
                "skew scattering of impurities: what states off the energy shell add to its Gaussian part still "
                f"changed by {100 * change:.2g} % of the side jump with the last mesh; an edge or a saddle of a band "
                "may be near"
            )
        _say_left_out(problem, float(np.abs(charge(more)).max()) / response.scale, zero.share)
        skew += np.stack([response.odd, more])
        response = replace(response, mesh_step=step)
    return replace(response, skew=skew)


def _say_left_out(problem: Problem, size: float, share: float) -> None:
    """A sentence for what scatterers beside the impurities with a T-matrix would do in (S9) to (S11) of the theory.

    Odd rates are of the impurities alone, of which a `share` of the resistance is.  In each term there are one or two
    even events beside, of any scatterers: if these mix bands as impurities do, all of it is from 1/share to 1/share^2
    of that of the impurities alone, `size` over the side jump.  The estimate of what is left out is within a factor of
    1.5 where the others are of zero range too.
    """
    if all(isinstance(source, PointPairs) for source in problem.sources):
        return
    left = 2 * size * (1 / share - 1)
    if left > problem.settings.tolerance:
        problem.warn(
            "skew scattering: what odd rates of impurities with a T-matrix add to its Gaussian part is that of these "
            f"impurities alone; what other scatterers do in it is left out, about {100 * left:.2g} % of the side jump "
            f"if they mix bands as impurities do, which make {100 * share:.2g} % of the resistance; zero-range ones "
            'are counted with treatment = "t_matrix"'
        )


def skew_bytes(problem: Problem, shell, states: float, kt: float) -> float:
    """Of what skew scattering at kT (eV) stores between so many states of a surface, images counted."""
    if problem.settings.skew_scattering == "off" or not any(s.thirds for s in skew_sources(problem, shell, kt)):
        return 0.0
    itemsize = 8 if problem.model.dimension == 3 else 16  # complex, in the precision of the pairs
    return bytes_of_potential(states, itemsize, problem.allowed)


def skew_sentences(problem: Problem) -> list[str]:
    """What a reader should know of what takes no part."""
    choice = problem.settings.skew_scattering
    if choice == "off":
        return []
    able = [s for s in problem.sources if _takes_part(s)]
    static = any(b.phonon_energy is None and not b.silent for s in able for b in s.branches)
    phonons = any(b.phonon_energy is not None and not b.silent for s in able for b in s.branches)
    sentences = []
    if choice == "quasistatic" and phonons:
        sentences.append(
            "skew scattering: its Gaussian part takes phonons to be static, an estimate that is meant above the "
            "Bloch-Grueneisen temperature"
        )
    if len(able) < len(problem.sources) and (choice == "quasistatic" or not static):
        sentences.append(
            "skew scattering: only static scatterers, and phonons of models with a constant vertex, take part; polar "
            "ones, magnons, limits and those from first principles do not"
        )
    if not static and not phonons:
        sentences.append("skew scattering: nothing that takes part is there: both parts are zero")
    elif choice == "static" and not static:
        sentences.append(
            "skew scattering: there is no static scatterer, and harmonic phonons have no third moment: both parts are "
            'zero; skew_scattering = "quasistatic" estimates the Gaussian part of phonons'
        )
    elif choice == "static" and phonons:
        sentences.append(
            "skew scattering: the Gaussian part is that of static scatterers alone in the distribution that all make; "
            'skew_scattering = "quasistatic" estimates what phonons add'
        )
    return sentences


def _takes_part(source: PairSource) -> TypeGuard[ScalarPairs]:
    return isinstance(source, ScalarPairs) and not isinstance(source, PolarPairs) and source.process == BOTH
