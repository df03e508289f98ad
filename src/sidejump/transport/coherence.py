"""Distributions that are matrices within groups of degenerate bands, where observables differ within them.

Within Kramers pairs a spin or a current of spin differs from state to state, and scattering fills them unlike: the
distribution of a group is a matrix.  Of its trace the charge current is made; for observables that differ within groups
all of it is solved for (:mod:`sidejump.kinetics.matrices`).  Of the trace alone the side jump of the distribution is
missing, a half of all where spin is conserved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..bands.hermitian_basis import components, hermitian_basis
from ..bands.observables import SPIN
from ..bands.within import inside, units, unlike
from ..groups.operations import Operations
from ..kinetics.matrices import matrix_response, matrix_sums
from ..kinetics.response import KineticResponse
from ..kinetics.sums import Kernels
from ..pairs.stream import PairStream
from ..units import KB
from .problem import Problem
from .reduction import apart
from .tensors import replaced


def with_matrices(
    problem: Problem,
    stream: PairStream,
    kernels: Sequence[Kernels],
    response: KineticResponse,
    thermal_weight,
    kt: float,
    functions=None,
) -> KineticResponse:
    """The response with that of observables from distributions that are matrices, where these differ within groups.

    Parameters
    ----------
    kernels : sequence
        Of each source of the stream, at kT (eV).
    thermal_weight, functions : ndarray
        As :func:`.kinetics.response.kinetic_response` takes them.
    """
    sample, d = stream.sample, problem.model.dimension
    members = sample.states.vectors.shape[1]
    if members == 1 or not problem.observables or not problem.of_matrices:
        return response
    states = sample.states[: sample.weight.size]
    whole = problem.multiplets.matrices(problem.model, states.k)
    within = inside(states, whole)
    if not unlike(states, whole, within).any():
        return response
    one, spin = units(states), problem.model.spin_operator(states.k)
    velocity = sample.velocity.reshape(len(states), d, 1, 1) * one
    known = [one, within] if spin is None else [one, within, inside(states, spin)]
    basis = hermitian_basis(members)
    currents, kept = (
        components(basis, np.concatenate(x, axis=1)).reshape(*sample.weight.shape, -1, len(basis))
        for x in ([velocity, within], known)
    )
    size = np.shape(thermal_weight)[-1]
    problem.check_memory(_bytes_of_matrices(problem, stream, kt, size), kt / KB, "distributions of degenerate bands")
    fold = problem.fold_of_members(sample.operations)
    sums = matrix_sums(stream, kernels, size, currents.shape[2], fold)
    turns = _turns_of_kept(problem, fold.operations, kept.shape[2])
    found, residual = matrix_response(
        sums,
        sample,
        currents,
        kept,
        turns,
        thermal_weight,
        functions=functions,
        approximation=problem.settings.approximation,
    )
    tensors, rows = response.tensors, slice(d, currents.shape[2])  # those of heat follow
    coherence, traces = np.zeros_like(tensors[:3]), tensors[:3]
    if response.without_odd is not None:  # matrices are solved for without odd rates
        traces = response.without_odd
    coherence[:, rows] = found[:, rows] - traces[:, rows]
    tensors[:3] += coherence
    return replace(replaced(response, tensors), residual=max(response.residual, residual), coherence=coherence)


def _bytes_of_matrices(problem: Problem, stream: PairStream, kt: float, size: int) -> float:
    """Of the operators at kT (eV), with `size` functions of the energy."""
    sample, d = stream.sample, problem.model.dimension
    fold = problem.fold_of_members(sample.operations)
    pairs = sample.near.count(problem.sources, problem.cuts(kt, stream.q_max))[1]
    each = (4.0 if stream.levels and d == 3 else 8.0) * (1 + fold.reversed)
    return each * pairs * (size * sample.states.vectors.shape[1] ** 2 * fold.width) ** 2


def _turns_of_kept(problem: Problem, operations: Operations | None, count: int) -> np.ndarray:
    """What operations do with the unit matrix, the observables and, after them, the spin: (n, count, count)."""
    if operations is None:
        return np.eye(count)[None]
    found = np.zeros((len(operations), count, count))
    found[:, 0, 0] = 1.0
    observed = slice(1, 1 + len(problem.multiplets))
    found[:, observed, observed] = problem.multiplets.currents(operations)[:, 3:, 3:]
    if count > observed.stop:
        spin = slice(observed.stop, count)
        found[:, spin, spin] = operations.signs[:, None, None] ** SPIN.odd * SPIN.turns(operations.matrices)
    return found


def coherence_sentences(problem: Problem) -> list[str]:
    """For observables that differ within degenerate bands at the Fermi surface, where that is not solved for."""
    if not problem.observables or not problem.edges.inside:
        return []
    skew = problem.settings.skew_scattering != "off"
    if problem.of_matrices and not skew:
        return []
    differing = apart(problem, problem.coarse_shell(problem.mu))
    names = [o.name for o, differs in zip(problem.observables, differing, strict=True) if differs]
    if not names:
        return []
    differ = f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'} within degenerate bands: "
    sentences = []
    if not problem.of_matrices:
        sentences.append(
            f"{differ}that scattering fills them unlike is left out, and the side jump of the distribution is not "
            "complete: a scatterer does not give its matrices within groups"
        )
    if skew:
        sentences.append(f"{differ}skew scattering has one distribution for each group and is not complete")
    return sentences
