"""What a distribution with one number for a group of degenerate bands cannot say of an observable.

Within Kramers pairs a spin or a current of spin differs from state to state, and scattering fills them unlike: the
distribution of a group is a matrix.  Of its trace the charge current is made; for observables that differ within groups
all of it is solved for (:mod:`sidejump.kinetics.matrices`), where no symmetry reduces the points and scatterers give V
as a matrix.  Of the trace alone the side jump of the distribution is missing, a half of all where spin is conserved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..bands.hermitian_basis import components, hermitian_basis
from ..bands.states import States, shell_states
from ..kinetics.matrices import matrix_response, matrix_sums
from ..kinetics.response import KineticResponse
from ..kinetics.sums import Kernels
from ..pairs.stream import PairStream
from ..units import KB
from .problem import Problem
from .tensors import replaced

_SAMPLE = 64  # states
_ALIKE = 1e-6  # of the size of an operator: differences within groups that are rounding


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
    if members == 1 or not problem.observables or _hindrance(problem):
        return response
    states = sample.states[: sample.weight.size]
    whole = problem.multiplets.matrices(problem.model, states.k)
    inside = _inside(states, whole)
    if not _unlike(inside, whole, states).any():
        return response
    velocity = sample.velocity.reshape(len(states), d, 1, 1) * _units(states)
    spin = problem.model.spin_operator(states.k)
    known = [_units(states), inside] if spin is None else [_units(states), inside, _inside(states, spin)]
    basis = hermitian_basis(members)
    currents, kept = (
        components(basis, np.concatenate(x, axis=1)).reshape(*sample.weight.shape, -1, len(basis))
        for x in ([velocity, inside], known)
    )
    size = np.shape(thermal_weight)[-1]
    pairs = sample.near.count(problem.sources, problem.cuts(kt, stream.q_max))[1]
    needed = (4.0 if stream.levels and d == 3 else 8.0) * pairs * (size * members**2) ** 2
    problem.check_memory(needed, kt / KB, "distributions of degenerate bands")
    sums = matrix_sums(stream, kernels, size, currents.shape[2])
    found, residual = matrix_response(sums, sample, currents, kept, thermal_weight, functions=functions)
    tensors = response.tensors
    tensors[:3, d:] = found[:, d:]
    return replace(replaced(response, tensors), residual=max(response.residual, residual))


def _units(states: States) -> np.ndarray:
    """The unit matrices of groups, (S, 1, m, m)."""
    members = states.vectors.shape[1]
    filled = np.arange(members) < states.multiplicity[:, None]
    return np.eye(members) * filled[:, None, :, None]


def _inside(states: States, matrices) -> np.ndarray:
    """Elements of operators (S, q, N, N) within groups, (S, q, m, m)."""
    u = states.vectors[:, None]
    return u.conj() @ matrices @ u.swapaxes(2, 3)


def _unlike(inside, matrices, states: States) -> np.ndarray:
    """Whether operators differ within groups, (q,)."""
    mean = np.trace(inside, axis1=2, axis2=3) / states.multiplicity[:, None]
    rest = inside - mean[..., None, None] * _units(states)
    return np.linalg.norm(rest, axis=(2, 3)).max(axis=0) > _ALIKE * np.linalg.norm(matrices, axis=(2, 3)).max(axis=0)


def _hindrance(problem: Problem) -> str:
    """Why distributions are not solved for as matrices, and what to do; nothing where they are."""
    if problem.operations is not None:
        return 'symmetry reduces the points; set symmetry = "off"'
    if not all(source.matrices for source in problem.sources):
        return "the coupling from first principles does not give its matrices within groups"
    if problem.settings.heat:
        return "the heat current is asked for; leave heat out"
    if problem.settings.approximation != "exact":
        return 'it is solved for with approximation = "exact" alone'
    return ""


def coherence_sentences(problem: Problem) -> list[str]:
    """For observables that differ within degenerate bands at the Fermi surface, where that is not solved for."""
    if not problem.observables or not problem.edges.inside:
        return []
    shell = problem.coarse_shell(problem.mu)
    chosen = np.linspace(0, len(shell) - 1, min(_SAMPLE, len(shell))).astype(int)
    states = shell_states(problem.model, shell.k[chosen], shell.band[chosen], problem.settings.degeneracy)
    why, skew = _hindrance(problem), problem.settings.skew_scattering != "off"
    if states.vectors.shape[1] == 1 or not (why or skew):
        return []
    whole = np.stack([o.matrices(problem.model, states.k) for o in problem.observables], axis=1)
    unlike = _unlike(_inside(states, whole), whole, states)
    names = [o.name for o, differs in zip(problem.observables, unlike, strict=True) if differs]
    if not names:
        return []
    differ = f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'} within degenerate bands: "
    sentences = []
    if why:
        sentences.append(
            f"{differ}that scattering fills them unlike is left out, and the side jump of the distribution is not "
            f"complete: {why}"
        )
    if skew:
        sentences.append(f"{differ}skew scattering has one distribution for each group and is not complete")
    return sentences
