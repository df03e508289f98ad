"""Which shells, energies and geometry each temperature needs, and the loop over temperatures."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy.interpolate import PchipInterpolator
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..kinetics.response import KineticResponse
from ..units import KB
from .geometry_choice import WINDOW, choose_geometries
from .hot_spots import HotSpots
from .own import OwnShells
from .problem import TOO_COARSE, Problem
from .reduced import ReducedShell
from .settings import Size, TransportResult, TransportSettings
from .shared import SharedShell
from .tensors import PARTS, along, largest, relative_change, weighted_sum, with_side_jump
from .thermal import thermal_nodes

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)

_HOT_SPOT_STEPS = 20  # steps of the progress that hot spots count for
_HOT_SPOT_STEP = 1.3  # ratio of temperatures between which the effect of hot spots is interpolated
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
        That of :func:`.cost.estimate_cost`, whose shells need not be searched again.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, a temperature is not positive, or memory does not suffice.
    """
    settings = settings or TransportSettings()
    temperatures = np.asarray(temperatures, dtype=float)
    if temperatures.ndim != 1 or not len(temperatures) or not np.all(temperatures > 0):
        raise InputError(f"temperatures = {temperatures.tolist()} must be a list of positive numbers (K)")
    if not scatterers:
        raise InputError("no scatterer given: the conductivity would be infinite; add a [[scattering]] section")
    started = time.perf_counter()
    problem = problem or Problem(model, list(scatterers), float(chemical_potential), settings)
    run = _Run(problem, temperatures, progress or (lambda *_: None))
    report = run.all_temperatures()
    report["seconds"] = time.perf_counter() - started
    responses: list[KineticResponse] = run.responses
    return TransportResult(
        np.stack([r.boltzmann for r in responses]),
        np.stack([r.side_jump_velocity for r in responses]),
        np.stack([r.side_jump_distribution for r in responses]),
        report,
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
        self._hot_spots: HotSpots | None = None
        self.done, self.steps = 0.0, 1.0
        self.stages: dict[str, float] = {}
        self._clock = time.perf_counter()

    def all_temperatures(self) -> dict:
        """Solve, and report."""
        geometry, self.differences = choose_geometries(self.problem, self.temperatures)
        self.geometry = geometry
        averaged = [i for i, g in enumerate(geometry) if g == "averaged"]
        groups = self._groups()
        spots = _HOT_SPOT_STEPS * self.problem.refines
        self.steps = sum(2 + len(members) + spots * (kind != "own") for kind, _, members in groups)
        self.steps += WINDOW * bool(averaged)
        self._step(0)
        self._lap("geometry")
        for kind, spacing, members in groups:
            self._group(kind, spacing, members)
        if averaged:
            self._average(averaged)
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
            "carrier_density": self.densities,
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
            "warnings": self.problem.warnings,
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
            simple = self._with_hot_spots(solver, simple)
            self._lap("hot spots")
        del solver
        self._add_inelasticity(simple, spacing)
        self._lap("inelasticity")
        self._step()

    def _add_inelasticity(self, simple, spacing) -> None:
        """What more energy nodes change, relative to the quasi-elastic theory, found on a shell without refinement.

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
            changes.append([_carried(getattr(simple[i], n), getattr(one, n), getattr(exact, n), n) for n in PARTS])
        known = np.array(changes)
        at = np.log(self.temperatures[sampled])
        for i, change in zip(members, self._interpolated(sampled, known, members), strict=True):
            nearest = sampled[int(np.argmin(np.abs(at - np.log(self.temperatures[i]))))]
            self.nodes[i], self.changes[i] = self.nodes[nearest], self.changes[nearest]
            parts = {n: getattr(simple[i], n) for n in PARTS}
            scaled = {
                n: x + c * (largest(x) if n == "boltzmann" else 1.0)
                for (n, x), c in zip(parts.items(), change, strict=True)
            }
            self.responses[i] = replace(simple[i], **scaled)

    def _with_hot_spots(self, solver, simple) -> dict[int, KineticResponse]:
        """Quasi-elastic responses with the side jump summed over the fine shell.

        What that changes is smooth in temperature: of a dense list some are computed, the others interpolated in log T.
        The change itself, not its ratio to a side jump that may pass through zero.
        """
        if self._hot_spots is None:  # that of the chemical potential serves every spacing
            self._hot_spots = HotSpots(self.problem, self.problem.fine_shell(self.problem.mu))
        members = list(simple)
        sampled = _spread(self.temperatures, members, _HOT_SPOT_STEP)
        velocities = self._hot_spots.side_jump_velocity(
            solver,
            [KB * self.temperatures[i] for i in sampled],
            [simple[i].distribution[:, 0] for i in sampled],
            advance=lambda fraction: self._step(fraction * _HOT_SPOT_STEPS),
        )
        known = np.array([v - simple[i].side_jump_velocity for i, v in zip(sampled, velocities, strict=True)])
        refined = {}
        for i, change in zip(members, self._interpolated(sampled, known, members), strict=True):
            self.hot_spot_changes[i] = float(np.abs(change).max()) / simple[i].scale
            refined[i] = with_side_jump(simple[i], change)
        return refined

    def _interpolated(self, sampled, known, members) -> np.ndarray:
        """Values `known` at the temperatures of `sampled` (from hot to cold) at those of `members`."""
        if len(sampled) == 1:
            return np.repeat(known, len(members), axis=0)
        at = np.log(self.temperatures[sampled])
        return PchipInterpolator(at[::-1], known[::-1])(np.log(self.temperatures[members]))

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
        for n in NODE_SEQUENCE[1 if near_edge else 0 :]:
            response, size = solver.solve(kt, n)
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

    def _average(self, members) -> None:
        """What averaging over the thermal window changes: measured when hottest, quadratic in T below (Sommerfeld)."""
        problem = self.problem
        x, weights = thermal_nodes(WINDOW)
        hottest = max(members, key=lambda i: self.temperatures[i])
        kt = KB * self.temperatures[hottest]
        parts = []
        for energy in problem.mu + kt * x:
            # a ratio of sums: shells with fewer points than those of the result will do, but not without hot spots
            several = problem.operations is not None and not problem.expensive
            levels = min(problem.settings.levels, 1)
            shell = problem.shell(energy, problem.base_spacing, levels=levels, several=several)
            solver = shell_solver(problem, shell, kt)
            response = solver.solve(kt, 1)[0]
            if problem.refines:
                spots = HotSpots(problem, problem.fine_shell(energy, fewer=1))
                distribution = np.asarray(response.distribution)[:, 0]
                change = spots.side_jump_velocity(solver, [kt], [distribution])[0]
                response = with_side_jump(response, change - response.side_jump_velocity)
            parts.append(response)
            problem.forget_shells()
            self._step()
        mean, centre = weighted_sum(parts, weights), parts[WINDOW // 2]
        ratio = {n: along(getattr(mean, n), getattr(centre, n)) - 1 for n in PARTS}
        for i, t in enumerate(self.temperatures):
            if self.geometry[i] == "own":  # its shells are those of the window
                continue
            share = (t / self.temperatures[hottest]) ** 2
            self.differences[i] = share * max(abs(r) for r in ratio.values())
            if i in members:
                old = self.responses[i]
                self.responses[i] = replace(old, **{n: getattr(old, n) * (1 + share * ratio[n]) for n in PARTS})
            elif self.differences[i] > problem.settings.tolerance:
                problem.warn(
                    f"T = {t:.4g} K: the thermal window may change the result by {self.differences[i]:.1e}; "
                    "compute this temperature in a run of its own"
                )

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
                    'window for these energy nodes; choose others (energy_nodes), or compare geometry = "averaged"'
                )
            if r.onsager_error > max(tolerance, 1e-3):
                self.problem.warn(f"T = {t:.4g} K: Onsager's relation is violated by {r.onsager_error:.1e}")


def shell_solver(problem: Problem, shell, hottest: float) -> SharedShell | ReducedShell:
    """What solves on a shell that all energies share: with or without symmetry, as the shell is."""
    return (SharedShell if shell.operations is None else ReducedShell)(problem, shell, hottest)


def _carried(plain, one, exact, part: str) -> np.ndarray:
    """The change from `one` to `exact` node on a coarse shell, in proportion to the tensor `plain` of the refined one.

    Relative for the Boltzmann part, which falls by decades with T; for the side jump, which may pass through zero on
    either shell, as it is, and enlarged by no more than 2.
    """
    change = (exact - one) / largest(one)
    return change if part == "boltzmann" else change * min(largest(plain), 2 * largest(one))


def _spread(temperatures, members, step: float) -> list[int]:
    """Some of `members`, ordered from hot to cold, with both ends and no step in T larger than it must be."""
    chosen = [members[0]]
    for last, i in pairwise(members):
        if temperatures[chosen[-1]] > step * temperatures[i] and last != chosen[-1]:
            chosen.append(last)
    return chosen if members[-1] == chosen[-1] else [*chosen, members[-1]]
