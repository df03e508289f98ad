"""One replica of all terms at the fineness of its settings, and what it says of itself."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..kinetics.response import KineticResponse, charge, parts_of
from .geometry_choice import choose_geometries
from .problem import Problem, audible
from .settings import Size, TransportResult, TransportSettings
from .spacings import TOO_COARSE
from .tensors import size_of_change, with_change
from .term import UNREPORTED
from .terms import AVERAGE, planned


@threadpool_limits.wrap(limits=1)
def run_transport(
    model,
    scatterers,
    *,
    chemical_potential: float,
    temperatures,
    settings: TransportSettings | None = None,
    progress=None,
    problem: Problem | None = None,
) -> TransportResult:
    """Boltzmann and side-jump conductivity at every temperature.

    Parameters
    ----------
    model : ElectronModel
    scatterers : list of Scatterer
    chemical_potential : float
        eV.
    temperatures : sequence of float
        K, positive.
    settings : TransportSettings, optional
    progress : callable, optional
        Called as ``progress(done, total)`` while the work goes on.
    problem : Problem, optional
        That of :func:`.cost.estimate_cost`, whose shells need not be searched again; of the same model, scatterers,
        chemical potential and settings (its own where `settings` is left out).

    Raises
    ------
    InputError
        If there is no state at the chemical potential, a temperature is not positive, memory does not suffice, or
        `problem` is that of other arguments.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    if temperatures.ndim != 1 or not len(temperatures) or not np.all(temperatures > 0):
        raise InputError(f"temperatures = {temperatures.tolist()} must be a list of positive numbers (K)")
    if not scatterers:
        raise InputError("no scatterer given: the conductivity would be infinite; add a [[scattering]] section")
    started = time.perf_counter()
    if problem is None:
        problem = Problem(model, list(scatterers), float(chemical_potential), settings or TransportSettings())
    else:
        _check_same(problem, model, audible(scatterers), float(chemical_potential), settings)
    responses, report = _all_terms(problem, temperatures, progress or (lambda *_: None))
    report["seconds"] = time.perf_counter() - started
    tensors = problem.model.spin_degeneracy * np.stack([charge(r.tensors) for r in responses], axis=1)
    return TransportResult(**parts_of(tensors), report=report)


def _check_same(problem: Problem, model, scatterers: list, chemical_potential: float, settings) -> None:
    """Refuse arguments that a given problem was not made of."""
    wrong = []
    if problem.model is not model:
        wrong.append("model")
    if len(problem.scatterers) != len(scatterers) or any(
        a is not b for a, b in zip(problem.scatterers, scatterers, strict=False)
    ):
        wrong.append("scatterers")
    if problem.mu != chemical_potential:
        wrong.append(f"chemical_potential ({chemical_potential:g} eV, that of the problem {problem.mu:g} eV)")
    if settings is not None and settings != problem.settings:
        names = [n for n in settings.__dataclass_fields__ if getattr(settings, n) != getattr(problem.settings, n)]
        wrong.append(f"settings ({', '.join(names)})")
    if wrong:
        raise InputError(
            f"problem was made for another {' and another '.join(wrong)}: make it from the same objects, "
            "or leave problem out"
        )


def _all_terms(problem: Problem, temperatures: np.ndarray, progress) -> tuple[list[KineticResponse], dict]:
    """Responses and report."""
    count, clock = len(temperatures), time.perf_counter()
    geometry, differences = choose_geometries(problem, temperatures)
    terms = planned(problem, geometry)
    stages = {"geometry": time.perf_counter() - clock}
    weights = [len(members) for _, members in terms]
    done, whole = 0.0, float(sum(weights))
    progress(done, whole)
    plain: list = [None] * count
    responses: list = [None] * count
    facts: dict[str, list] = {"geometry_difference": list(differences)}
    sizes: list[Size] = []
    for (term, members), weight in zip(terms, weights, strict=True):
        clock = time.perf_counter()
        worked = [0.0]

        def advance(fraction, worked=worked, done=done, weight=weight):
            worked[0] = min(1.0, worked[0] + fraction)
            progress(done + weight * worked[0], whole)

        found = term.evaluate(problem, temperatures[members], advance)
        collected(facts, found.facts, members, count)
        sizes += found.sizes
        for j, i in enumerate(members):
            if term.first:
                plain[i] = responses[i] = found.responses[j]
                continue
            old = responses[i]
            responses[i] = with_change(old, found.changes[j], plain[i].boltzmann)
            if term is AVERAGE:
                facts["geometry_difference"][i] = size_of_change(found.changes[j], old)
        stages[term.name] = time.perf_counter() - clock
        done += weight
        progress(done, whole)
    for source in problem.sources:
        for sentence in source.warnings():
            problem.warn(sentence)
    judge_responses(problem, temperatures, responses)
    return responses, {
        **described(geometry, facts, sizes, responses, (operations_used(problem, geometry), problem.symmetry_error)),
        "stages": stages,
        "warnings": list(problem.warnings),
    }


def described(
    geometry: list[str], facts: dict[str, list], sizes: list[Size], responses, operations: tuple[int, float]
) -> dict:
    """The report of responses, but for the time that they took and the warnings.

    `operations`: by how many points were reduced, and how well rates and shifts obey them.
    """
    most = Size.largest(sizes)
    return {
        "geometry": ", ".join(dict.fromkeys(geometry)),
        "geometry_used": geometry,
        **facts,
        "states": most.states,
        "pairs": most.pairs,
        "memory_bytes": most.memory,
        **of_responses(responses),
        "symmetry_operations": operations[0],
        "symmetry_error": operations[1],
    }


def of_responses(responses: list[KineticResponse]) -> dict:
    """What responses say of themselves, for the report."""
    return {
        "equation_residual": [r.residual for r in responses],
        "onsager_violation": [r.onsager_error for r in responses],
        "growing_share": [r.growing for r in responses],
        "side_jump_contributions": [r.contributions for r in responses],
        "onsager_error": max(r.onsager_error for r in responses),
        "conservation_error": max(r.conservation_error for r in responses),
        "residual": max(r.residual for r in responses),
        "iterations": [r.iterations for r in responses],
        "method": ", ".join(dict.fromkeys(r.method for r in responses)),
    }


def operations_used(problem: Problem, geometry: list[str]) -> int:
    """Operations by which points were reduced."""
    operations = problem.operations
    return 1 if operations is None or all(g == "own" for g in geometry) else len(operations)


def collected(facts: dict[str, list], found: dict[str, list], members: list[int], count: int) -> None:
    """Add the facts of a term, where it has any, at the places of its temperatures."""
    for name, values in found.items():
        if name in UNREPORTED:
            continue
        everywhere = facts.setdefault(name, [0 if name == "energy_nodes" else np.nan] * count)
        for i, value in zip(members, values, strict=True):
            if name == "energy_nodes":  # of all terms the most: others are sums over one node
                everywhere[i] = max(everywhere[i], value)
            elif value == value:  # NaN: nothing to say
                everywhere[i] = value


def judge_responses(problem: Problem, temperatures, responses: list[KineticResponse]) -> None:
    """Warn of what is not converged."""
    tolerance = problem.settings.tolerance
    cold = [t for t in temperatures if problem.spacings.coarseness(t) > TOO_COARSE]
    if cold:
        problem.warn(
            f"T <= {max(cold):.4g} K: the shell points are up to {problem.spacings.coarseness(min(cold)):.1f} times "
            "farther apart than the thermal phonons ask for; the side jump is less certain there: raise accuracy"
        )
    for t, r in zip(temperatures, responses, strict=True):
        if r.residual > 1e-2 * tolerance + 1e-5:
            problem.warn(
                f"T = {t:.4g} K: the kinetic equation is not solved to the tolerance (residual {r.residual:.1e}); "
                "raise accuracy or the lowest temperature"
            )
        if r.growing > tolerance:
            problem.warn(
                f"T = {t:.4g} K: the collision operator is not positive semidefinite, and modes that grow instead "
                f"of decaying carry {r.growing:.1e} of the result: the shells change too much within the thermal "
                'window for these energy nodes; choose others (energy_nodes), or compare geometry = "independent"'
            )
        if r.onsager_error > max(tolerance, 1e-3):
            problem.warn(f"T = {t:.4g} K: Onsager's relation is violated by {r.onsager_error:.1e}")
