"""Which shells, energies and geometry each temperature needs, and the loop over temperatures."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator
from threadpoolctl import threadpool_limits

from ..energy.thermal import thermal_nodes
from ..errors import InputError
from ..kinetics.response import KineticResponse
from ..units import KB
from .geometry_choice import WINDOW, choose_geometries
from .hot_spots import HotSpots
from .own import OwnShells
from .problem import TOO_COARSE, Problem
from .reduced import ReducedShell, shell_solver
from .settings import Size, TransportResult, TransportSettings
from .shared import SharedShell
from .tensors import (
    Change,
    difference,
    largest,
    relative_change,
    size_of_change,
    weighted_sum,
    with_change,
)
from .windowed import IndependentShells

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)

_HOT_SPOT_STEPS = 20  # steps of the progress that hot spots count for
_HOT_SPOT_STEP = 1.3  # ratio of temperatures between which the effect of hot spots is interpolated
_INELASTIC = 10.0  # tolerances: more inelasticity than this, found on single shells, is said to be an estimate
_UNSETTLED = 4.0  # tolerances: what the last level of shells changed, several times what it leaves to change
_STEP = 1.6  # ratio of temperatures between which the effect of inelasticity is interpolated


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
        _check_same(problem, model, list(scatterers), float(chemical_potential), settings)
    run = _Run(problem, temperatures, progress or (lambda *_: None))
    report = run.all_temperatures()
    report["seconds"] = time.perf_counter() - started
    responses: list[KineticResponse] = run.responses
    spins = problem.model.spin_degeneracy
    return TransportResult(
        spins * np.stack([r.boltzmann for r in responses]),
        spins * np.stack([r.side_jump_velocity for r in responses]),
        spins * np.stack([r.side_jump_distribution for r in responses]),
        report,
    )


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


class _Run:
    def __init__(self, problem: Problem, temperatures, progress):
        self.problem, self.temperatures, self.progress = problem, temperatures, progress
        count = len(temperatures)
        self.responses: list = [None] * count
        self.nodes, self.changes = [0] * count, [np.nan] * count
        self.sizes: list = [Size(0, 0, 0.0)] * count
        self.differences: list[float] = []
        self.hottest = KB * float(temperatures.max())
        self.geometry: list[str] = []
        self.densities = [np.nan] * count
        self.hot_spot_changes = [np.nan] * count
        self.plain: dict[int, np.ndarray] = {}  # Boltzmann part without any correction
        self.done, self.steps = 0.0, 1.0
        self.stages: dict[str, float] = {}
        self._clock = time.perf_counter()

    def all_temperatures(self) -> dict:
        """Solve, and report."""
        geometry, self.differences = choose_geometries(self.problem, self.temperatures)
        self.geometry = geometry
        groups = self._groups()
        spots = _HOT_SPOT_STEPS * self.problem.refines
        self.steps = sum(2 + len(members) + spots * (kind != "own") for kind, _, members in groups)
        self.steps += WINDOW * len(self._windows()) + 2 * geometry.count("independent")
        self._step(0)
        self._lap("geometry")
        for kind, spacing, members in groups:
            self._group(kind, spacing, members)
        for i in np.flatnonzero(np.array(geometry) == "independent"):
            self._independent(int(i))
            self._lap("independent shells")
        if "averaged" in geometry:
            self._average()
            self._lap("thermal window")
        for source in self.problem.sources:
            for sentence in source.warnings():
                self.problem.warn(sentence)
        self._judge()
        return {
            "geometry": ", ".join(dict.fromkeys(geometry)),
            "geometry_used": geometry,
            "geometry_difference": self.differences,
            "hot_spot_change": self.hot_spot_changes,
            "energy_nodes": self.nodes,
            "carrier_density": [self.problem.model.spin_degeneracy * n for n in self.densities],
            "node_change": self.changes,
            "states": max(s.states for s in self.sizes),
            "pairs": max(s.pairs for s in self.sizes),
            "memory_bytes": max(s.memory for s in self.sizes),
            "equation_residual": [r.residual for r in self.responses],
            "onsager_violation": [r.onsager_error for r in self.responses],
            "growing_share": [r.growing for r in self.responses],
            "side_jump_contributions": [r.contributions for r in self.responses],
            "onsager_error": max(r.onsager_error for r in self.responses),
            "conservation_error": max(r.conservation_error for r in self.responses),
            "residual": max(r.residual for r in self.responses),
            "iterations": [r.iterations for r in self.responses],
            "method": ", ".join(dict.fromkeys(r.method for r in self.responses)),
            "symmetry_operations": self._operations_used(),
            "symmetry_error": self.problem.symmetry_error,
            "stages": self.stages,
            "warnings": list(self.problem.warnings),
        }

    def _operations_used(self) -> int:
        operations = self.problem.operations
        return 1 if operations is None or all(g == "own" for g in self.geometry) else len(operations)

    def _lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.stages[stage] = self.stages.get(stage, 0.0) + now - self._clock
        self._clock = now

    def _step(self, count: float = 1) -> None:
        self.done += count
        self.progress(self.done, self.steps)

    # --- one spacing --------------------------------------------------------------------------------------------

    def _groups(self) -> list[tuple[str, float, list[int]]]:
        """Temperatures that use one shell, from hot to cold: (geometry, spacing, temperatures).

        The coldest last: it takes the finest shell and the most memory.
        """
        groups = []
        for kinds in (("own",), ("shared", "averaged")):
            members = [i for i, g in enumerate(self.geometry) if g in kinds]
            members.sort(key=lambda i: -self.temperatures[i])
            for spacing in sorted({self.problem.spacing(self.temperatures[i]) for i in members}, reverse=True):
                here = [i for i in members if self.problem.spacing(self.temperatures[i]) == spacing]
                groups.append((kinds[0], spacing, here))
        return groups

    def _group(self, kind, spacing, members) -> None:
        problem = self.problem
        hottest = KB * self.temperatures[members[0]]
        own_shells = kind == "own"
        if own_shells:
            shell = problem.shell(problem.carriers(hottest).energy, spacing, whole=True)
        else:
            shell = problem.solved_shell(problem.mu, spacing)
        self._lap("shells")
        if own_shells:
            own = OwnShells(problem, shell, hottest)
            self._step(2)
            for i in members:
                self._converge(i, own, KB * self.temperatures[i])
                self.densities[i] = own.density
                self._step()
            self._lap("solutions")
            return
        solver = shell_solver(problem, shell, hottest)
        if len(members) > 1 or (problem.model.dimension == 2 and problem.settings.energy_nodes == "auto"):
            solver.keep()
        self._lap("pairs")
        self._step()
        if problem.model.dimension == 2:
            for i in members:
                self._converge(i, solver, KB * self.temperatures[i])
                self._step()
            self._lap("solutions")
            self._step()
            return
        simple = {}
        solutions = solver.solve_each([KB * self.temperatures[i] for i in members], 1)
        for i, (response, size) in zip(members, solutions, strict=True):
            simple[i], self.sizes[i] = response, size
            self._step()
        self._lap("solutions")
        if problem.refines:
            solver.forget()  # its pairs take the memory that comes next
            simple = self._with_hot_spots(solver, simple, spacing)
            self._lap("hot spots")
        del solver
        self.plain |= {i: response.boltzmann for i, response in simple.items()}
        self._add_inelasticity(simple, spacing)
        self._lap("inelasticity")
        self._step()

    def _independent(self, i: int) -> None:
        """Shells made afresh over the thermal window."""
        problem, kt = self.problem, KB * float(self.temperatures[i])
        tolerance = problem.settings.tolerance
        shells = IndependentShells(problem, kt, problem.critical(kt), problem.window_density(kt))
        response = shells.solve()
        self.sizes[i], self.differences[i], self.nodes[i] = shells.size, shells.change, 1
        if shells.change > _UNSETTLED * tolerance:
            problem.warn(
                f"T = {self.temperatures[i]:.4g} K: the integral over the thermal window, in which shells change "
                f"topology, still changed by {shells.change:.1e} with the last shells: raise accuracy"
            )
        self._step()
        if problem.settings.energy_nodes != 1 and not problem.elastic_only:
            self.nodes[i], self.changes[i], change = shells.inelasticity(self._raise_nodes)
            response = with_change(response, change, response.boltzmann)
            size = max(size_of_change(change, response), shells.unfollowed())
            if size > _INELASTIC * tolerance:
                problem.warn(
                    f"T = {self.temperatures[i]:.4g} K: shells change topology within the thermal window, and both "
                    f"ends of a phonon event are taken to lie on one shell: of the order of {size:.1e} of the result "
                    "is uncertain for that reason"
                )
        else:
            self.changes[i] = 0.0
        self.responses[i] = response
        self._step()

    def _add_inelasticity(self, simple, spacing) -> None:
        """What more energy nodes change in the quasi-elastic theory, found on a shell without refinement.

        Inelasticity is smooth in temperature and knows no detail of the shell: it is computed at some temperatures
        and interpolated in log T.
        """
        members = list(simple)
        if self.problem.settings.energy_nodes == 1:
            for i in members:
                self.nodes[i], self.responses[i] = 1, simple[i]
            return
        sampled = _spread(self.temperatures, members, _STEP)
        coarse = self._coarse(spacing)
        changes = []
        for i in sampled:
            kt = KB * self.temperatures[i]
            wanted = self.problem.settings.energy_nodes
            if wanted == "auto":
                self.nodes[i], self.changes[i], exact, _ = self._raise_nodes(coarse, kt)
            else:
                self.nodes[i], exact = int(wanted), coarse.solve(kt, int(wanted))[0]
            one = coarse.solve(kt, 1)[0] if self.nodes[i] > 1 else exact
            changes.append(difference(exact, one))
        known = self._interpolated(sampled, changes, members)
        at = np.log(self.temperatures[sampled])
        for i, change in zip(members, known, strict=True):
            nearest = sampled[int(np.argmin(np.abs(at - np.log(self.temperatures[i]))))]
            self.nodes[i], self.changes[i] = self.nodes[nearest], self.changes[nearest]
            self.responses[i] = with_change(simple[i], change, self.plain[i])

    def _with_hot_spots(self, solver, simple, spacing) -> dict[int, KineticResponse]:
        """Quasi-elastic responses with the side jump summed over the fine shell.

        What that changes is smooth in temperature: of a dense list some are computed, the others interpolated in log T.
        The change itself, not its ratio to a side jump that may pass through zero.
        """
        hot_spots = HotSpots(self.problem, self.problem.fine_shell(self.problem.mu, spacing))
        members = list(simple)
        sampled = _spread(self.temperatures, members, _HOT_SPOT_STEP)
        velocities = hot_spots.side_jump_velocity(
            solver,
            [KB * self.temperatures[i] for i in sampled],
            [simple[i].distribution[:, 0] for i in sampled],
            advance=lambda fraction: self._step(fraction * _HOT_SPOT_STEPS),
        )
        changes = [
            Change.of_side_jump(v - simple[i].side_jump_velocity) for i, v in zip(sampled, velocities, strict=True)
        ]
        refined = {}
        for i, change in zip(members, self._interpolated(sampled, changes, members), strict=True):
            self.hot_spot_changes[i] = largest(change.side_jump_velocity) / simple[i].scale
            refined[i] = with_change(simple[i], change, simple[i].boltzmann)
        return refined

    def _interpolated(self, sampled, known: list[Change], members) -> list[Change]:
        """Changes `known` at the temperatures of `sampled` (from hot to cold) at those of `members`, in log T."""
        if len(sampled) == 1:
            return known * len(members)
        at = np.log(self.temperatures[sampled])
        smooth = PchipInterpolator(at[::-1], np.array([change.tensors for change in known])[::-1])
        return [Change(*tensors) for tensors in smooth(np.log(self.temperatures[members]))]

    def _converge(self, i, solver, kt):
        wanted = self.problem.settings.energy_nodes
        if wanted != "auto":
            self.nodes[i] = int(wanted)
            self.responses[i], self.sizes[i] = solver.solve(kt, int(wanted))
            return
        self.nodes[i], self.changes[i], self.responses[i], self.sizes[i] = self._raise_nodes(solver, kt)

    def _raise_nodes(self, solver, kt):
        """More nodes until the response stands still: (nodes, change, response, size)."""
        last, change = None, np.inf
        tolerance = self.problem.settings.tolerance
        shared = not isinstance(solver, OwnShells)
        near_edge = not shared and solver.side(kt) != 0
        done, response, size = 0, None, None
        for n in NODE_SEQUENCE[1 if near_edge else 0 :]:
            if response is not None and solver.needs(kt, n) > self.problem.settings.memory:
                self.problem.warn(
                    f"T = {kt / KB:.4g} K: memory = {self.problem.settings.memory / 1e9:.3g} GB holds no more than "
                    f"{done} energy nodes, which leave a change of {change:.1e}: raise memory"
                )
                return done, change, response, size
            response, size = solver.solve(kt, n)
            done = n
            if response.growing > tolerance and n != NODE_SEQUENCE[-1]:  # nothing to compare with
                continue
            if last is not None:
                change = relative_change(response, last)
                if change < tolerance:
                    break
            last = response
            if shared and self.problem.elastic_only:  # shells decouple: one node is exact
                return n, 0.0, response, size
        else:
            self.problem.warn(
                f"T = {kt / KB:.4g} K: {n} energy nodes leave a change of {change:.1e}, above the tolerance"
            )
        return n, change, response, size

    def _coarse(self, spacing: float) -> SharedShell | ReducedShell:
        """Solver for the effect of inelasticity at temperatures of this spacing."""
        problem = self.problem
        shell = problem.inelastic_shell(spacing)
        hottest = max(t for t in self.temperatures if problem.spacing(t) == spacing)
        solver = shell_solver(problem, shell, KB * hottest)
        solver.keep()
        return solver

    # --- thermal window ---------------------------------------------------------------------------------------

    def _windows(self) -> list[list[int]]:
        """Averaged temperatures, from hot to cold, that the shells of one thermal window serve.

        In two dimensions shells cost little and every temperature has its own. In three those of the hottest serve
        all: of a dense list some are computed, the others interpolated.
        """
        members = [i for i, g in enumerate(self.geometry) if g == "averaged"]
        members.sort(key=lambda i: -self.temperatures[i])
        if not members or self.problem.model.dimension == 2:
            return [[i] for i in members]
        return [_spread(self.temperatures, members, _HOT_SPOT_STEP)]

    def _average(self) -> None:
        """Add what averaging over the thermal window changes."""
        sampled, changes = [], []
        for window in self._windows():
            sampled += window
            changes += self._window_changes(window)
        members = [i for i, g in enumerate(self.geometry) if g == "averaged"]
        members.sort(key=lambda i: -self.temperatures[i])
        for i, change in zip(members, self._interpolated(sampled, changes, members), strict=True):
            old = self.responses[i]
            self.responses[i] = with_change(old, change, self.plain[i])
            self.differences[i] = size_of_change(change, old)
        coldest = members[-1]
        for i, t in enumerate(self.temperatures):
            if self.geometry[i] != "shared":  # own shells are those of the window
                continue
            self.differences[i] = (t / self.temperatures[coldest]) ** 2 * self.differences[coldest]
            if self.differences[i] > self.problem.settings.tolerance:
                self.problem.warn(
                    f"T = {t:.4g} K: the thermal window may change the result by {self.differences[i]:.1e}; "
                    "compute this temperature in a run of its own"
                )

    def _window_changes(self, window) -> list[Change]:
        """What the average over ``mu + x kT`` changes in the quasi-elastic theory, at each temperature of `window`.

        With the shells of the hottest, and the scattering of each: the second derivative in energy that these shells
        know makes a change in proportion to T^2 (Sommerfeld). Changes ask for fewer points than the result, but not
        for none at hot spots.
        """
        problem = self.problem
        x, weights = thermal_nodes(WINDOW)
        kts = [KB * float(self.temperatures[i]) for i in window]
        parts = []
        for energy in problem.mu + kts[0] * x:
            several = problem.operations is not None and not problem.expensive
            levels = min(problem.settings.levels, 1)
            shell = problem.shell(energy, problem.base_spacing, levels=levels, several=several)
            solver = shell_solver(problem, shell, kts[0])
            if len(kts) > 1:
                solver.keep()
            responses = [response for response, _ in solver.solve_each(kts, 1)]
            if problem.refines:
                solver.forget()
                spots = HotSpots(problem, problem.fine_shell(energy, problem.base_spacing, fewer=1))
                distributions = [np.asarray(r.distribution)[:, 0] for r in responses]
                velocities = spots.side_jump_velocity(solver, kts, distributions)
                responses = [
                    with_change(r, Change.of_side_jump(v - r.side_jump_velocity), r.boltzmann)
                    for r, v in zip(responses, velocities, strict=True)
                ]
            parts.append(responses)
            problem.forget_shells()
            self._step()
        changes = []
        for i, kt, nodes in zip(window, kts, zip(*parts, strict=True), strict=True):
            centre = nodes[WINDOW // 2]
            self.plain.setdefault(i, centre.boltzmann)
            changes.append(difference(weighted_sum(list(nodes), weights), centre).times((kt / kts[0]) ** 2))
        return changes

    # --- judgement ----------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        tolerance = self.problem.settings.tolerance
        cold = [t for t in self.temperatures if self.problem.coarseness(t) > TOO_COARSE]
        if cold:
            self.problem.warn(
                f"T <= {max(cold):.4g} K: the shell points are up to {self.problem.coarseness(min(cold)):.1f} times "
                "farther apart than the thermal phonons ask for; the side jump is less certain there: raise accuracy"
            )
        for t, r in zip(self.temperatures, self.responses, strict=True):
            if r.residual > 1e-2 * tolerance + 1e-5:
                self.problem.warn(
                    f"T = {t:.4g} K: the kinetic equation is not solved to the tolerance (residual {r.residual:.1e}); "
                    "raise accuracy or the lowest temperature"
                )
            if r.growing > tolerance:
                self.problem.warn(
                    f"T = {t:.4g} K: the collision operator is not positive semidefinite, and modes that grow instead "
                    f"of decaying carry {r.growing:.1e} of the result: the shells change too much within the thermal "
                    'window for these energy nodes; choose others (energy_nodes), or compare geometry = "independent"'
                )
            if r.onsager_error > max(tolerance, 1e-3):
                self.problem.warn(f"T = {t:.4g} K: Onsager's relation is violated by {r.onsager_error:.1e}")


def _spread(temperatures, members, step: float) -> list[int]:
    """Some of `members`, ordered from hot to cold, with both ends and no step in T larger than it must be."""
    chosen = [members[0]]
    for last, i in pairwise(members):
        if temperatures[chosen[-1]] > step * temperatures[i] and last != chosen[-1]:
            chosen.append(last)
    return chosen if members[-1] == chosen[-1] else [*chosen, members[-1]]
