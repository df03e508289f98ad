"""Which shells, energies and geometry each temperature needs, and the loop over temperatures."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..errors import InputError
from ..kinetics.response import KineticResponse
from ..units import KB
from .hot_spots import HotSpots
from .own import OwnShells
from .problem import Problem
from .settings import Size, TransportResult, TransportSettings
from .shared import SharedShell
from .thermal import thermal_nodes

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)

_WINDOW = 3  # shells of the thermal window
_HOT_SPOT_SAMPLES = 4  # temperatures at which the hot spots are sampled, on one shell
_COLD = 0.25  # of the highest temperature: below, the window changes a sixteenth of what it changes there
_THIN = 0.1  # of velocity times spacing: a window below this is not resolved by the shells themselves


def run_transport(
    model,
    scatterers,
    *,
    chemical_potential: float,
    temperatures,
    settings: TransportSettings | None = None,
    progress=None,
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
        Called as ``progress(done, total)`` while temperatures are finished.

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
    problem = Problem(model, list(scatterers), float(chemical_potential), settings)
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
        self.differences = [np.nan] * count
        self.hottest = KB * float(temperatures.max())
        self.geometry: list[str] = []
        self.hot_spot_changes = [np.nan] * count

    def all_temperatures(self) -> dict:
        """Solve, and report."""
        geometry = self.geometry = self._geometries()
        done = 0
        for kinds in (("own",), ("shared", "averaged")):
            members = [i for i, g in enumerate(geometry) if g in kinds]
            # the coldest last: it takes the finest shell and the most memory
            for spacing in sorted({self.problem.spacing(self.temperatures[i]) for i in members}, reverse=True):
                group = [i for i in members if self.problem.spacing(self.temperatures[i]) == spacing]
                for _ in self._group(kinds[0], spacing, sorted(group, key=lambda i: -self.temperatures[i])):
                    done += 1
                    self.progress(done, len(self.temperatures))
        if "averaged" in geometry:
            self._average([i for i, g in enumerate(geometry) if g == "averaged"])
        self._judge()
        return {
            "geometry": ", ".join(dict.fromkeys(geometry)),
            "geometry_used": geometry,
            "geometry_difference": self.differences,
            "hot_spot_change": self.hot_spot_changes,
            "energy_nodes": self.nodes,
            "node_change": self.changes,
            "states": max(s.states for s in self.sizes),
            "pairs": max(s.pairs for s in self.sizes),
            "memory_bytes": max(s.memory for s in self.sizes),
            "onsager_error": max(r.onsager_error for r in self.responses),
            "conservation_error": max(r.conservation_error for r in self.responses),
            "residual": max(r.residual for r in self.responses),
            "iterations": [r.iterations for r in self.responses],
            "method": ", ".join(dict.fromkeys(r.method for r in self.responses)),
            "warnings": self.problem.warnings,
        }

    # --- one spacing --------------------------------------------------------------------------------------------

    def _group(self, kind, spacing, members):
        """Temperatures that use one shell, from hot to cold; yields after each."""
        problem = self.problem
        hottest = KB * self.temperatures[members[0]]
        hot_spots = None
        solver: OwnShells | SharedShell
        if kind == "own":
            solver = OwnShells(problem, problem.shell(problem.mu, spacing), hottest)
        else:
            solver, hot_spots = self._shared(problem.mu, spacing, hottest, several=len(members) > 1)
        if hot_spots is not None:
            sampled = members if len(members) <= _HOT_SPOT_SAMPLES else members[:: len(members) // _HOT_SPOT_SAMPLES]
            sampled = list(dict.fromkeys([*sampled, members[-1]]))
            changes = {i: self._hot_spot_change(solver, hot_spots, KB * self.temperatures[i]) for i in sampled}
        for i in members:
            kt = KB * self.temperatures[i]
            if kind == "own" or problem.model.dimension == 2:
                self._converge(i, solver, kt)
            else:
                self.nodes[i], self.changes[i] = self._nodes_from_coarse(kt)
                self._solve_crystal(i, solver, kt, cold=spacing < problem.base_spacing)
            if hot_spots is not None:
                self._add_hot_spots(i, changes)
            yield i

    def _solve_crystal(self, i, solver, kt, *, cold):
        """Quasi-elastic on the fine shell and what inelasticity changes on a coarse one; cold, all on the fine."""
        n = self.nodes[i]
        if cold or n == 1:
            self.responses[i], self.sizes[i] = solver.solve(kt, n)
            return
        simple, self.sizes[i] = solver.solve(kt, 1)
        coarse = self._coarse(self.problem.mu)
        self.responses[i] = _weighted([simple, coarse.solve(kt, n)[0], coarse.solve(kt, 1)[0]], (1.0, 1.0, -1.0))

    @staticmethod
    def _hot_spot_change(solver, hot_spots, kt) -> np.ndarray:
        """What the fine shell adds to sj(1) in the quasi-elastic theory, relative to its size."""
        response = solver.solve(kt, 1)[0]
        velocity = hot_spots.side_jump_velocity(kt, response.distribution[:, 0])
        return (velocity - response.side_jump_velocity) / np.abs(response.side_jump_velocity).max()

    def _add_hot_spots(self, i, changes):
        """Add the change, interpolated in log T; Onsager's relation carries it to sj(2)."""
        where = sorted(changes, key=lambda j: self.temperatures[j])
        values = np.array([changes[j] for j in where])
        if len(where) > 1:
            at = np.log(self.temperatures[where])
            values = PchipInterpolator(at, values)(np.log(self.temperatures[i]))[None]
        old = self.responses[i]
        change = values[0] * np.abs(old.side_jump_velocity).max()
        self.hot_spot_changes[i] = float(np.abs(values[0]).max())
        self.responses[i] = replace(
            old,
            side_jump_velocity=old.side_jump_velocity + change,
            side_jump_distribution=old.side_jump_distribution - change.T,
        )

    def _shared(self, energy, spacing, hottest, *, several) -> tuple[SharedShell, HotSpots | None]:
        """The solver on one shell and, in three dimensions, the fine shell of its hot spots."""
        problem = self.problem
        solver = SharedShell(problem, problem.shell(energy, spacing), hottest)
        if several or problem.settings.energy_nodes == "auto":
            solver.keep()
        if not problem.refines or spacing < problem.base_spacing:
            return solver, None
        hot_spots = HotSpots(problem, solver, problem.fine_shell(energy))
        if several:
            hot_spots.keep(hottest)
        return solver, hot_spots

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
        shared = isinstance(solver, SharedShell)
        for n in NODE_SEQUENCE:
            response, size = solver.solve(kt, n)
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

    def _nodes_from_coarse(self, kt):
        """Nodes and the change with the last increase, found on a coarse shell: inelasticity knows no detail."""
        wanted = self.problem.settings.energy_nodes
        if wanted != "auto":
            return int(wanted), np.nan
        n, change, _, _ = self._raise_nodes(self._coarse(self.problem.mu), kt)
        return n, change

    def _coarse(self, energy: float) -> SharedShell:
        cache = self.__dict__.setdefault("_coarse_shells", {})
        if energy not in cache:
            cache[energy] = SharedShell(self.problem, self.problem.coarse_shell(energy), self.hottest)
            cache[energy].keep()
        return cache[energy]

    # --- geometry -----------------------------------------------------------------------------------------------

    def _geometries(self) -> list[str]:
        """own, shared or averaged, for each temperature."""
        problem = self.problem
        choice = problem.settings.geometry
        if choice != "auto":
            return [choice] * len(self.temperatures)
        order = np.argsort(self.temperatures)
        if problem.model.cell is not None and problem.model.dimension == 3:
            return self._crystal_geometries()
        if problem.settings.energy_nodes == 1:
            return ["own"] * len(order)  # one node: the Fermi surface either way

        def negligible(place):
            kt = KB * self.temperatures[order[place]]
            self.differences[order[place]] = value = self._own_difference(kt)
            return value < 0.2 * problem.settings.tolerance

        # the difference grows with temperature: bisect for the coldest at which it matters
        low, high = 0, len(order)
        if not negligible(high - 1):
            high -= 1
            while low < high:
                middle = (low + high) // 2
                if negligible(middle):
                    low = middle + 1
                else:
                    high = middle
        result = [""] * len(order)
        for place, i in enumerate(order):
            result[i] = "shared" if place < high else "own"
        return result

    def _crystal_geometries(self) -> list[str]:
        """Averaged where the thermal window is wide enough for the shells to resolve it."""
        problem = self.problem
        shell = problem.coarse_shell(problem.mu)
        speed = shell.area.sum() / (shell.weight.sum() * (2 * np.pi) ** 3)
        window = self.hottest * thermal_nodes(_WINDOW)[0][-1]
        wide = window > _THIN * speed * problem.base_spacing
        return ["averaged" if wide and t > _COLD * self.temperatures.max() else "shared" for t in self.temperatures]

    def _own_difference(self, kt: float) -> float:
        """What three shells of their own change against three on the Fermi surface."""
        problem = self.problem
        shell = problem.shell(problem.mu, problem.spacing(kt / KB))
        own, _ = OwnShells(problem, shell, kt).solve(kt, 3)
        shared, _ = SharedShell(problem, shell, kt).solve(kt, 3)
        return relative_change(own, shared)

    def _average(self, members) -> None:
        """What averaging over the thermal window changes: measured when hottest, quadratic in T below (Sommerfeld)."""
        problem = self.problem
        x, weights = thermal_nodes(_WINDOW)
        hottest = max(members, key=lambda i: self.temperatures[i])
        parts = []
        for energy in self.hottest * x:
            window, hot_spots = self._shared(problem.mu + energy, problem.base_spacing, self.hottest, several=False)
            parts.append(_refined(window.solve(self.hottest, 1)[0], hot_spots, self.hottest))
            problem.forget_shells()
        mean, centre = _weighted(parts, weights), parts[_WINDOW // 2]
        names = ("boltzmann", "side_jump_velocity", "side_jump_distribution")
        ratio = {n: _ratio(getattr(mean, n), getattr(centre, n)) - 1 for n in names}
        for i, t in enumerate(self.temperatures):
            share = (t / self.temperatures[hottest]) ** 2
            self.differences[i] = share * max(abs(r) for r in ratio.values())
            if i in members:
                old = self.responses[i]
                self.responses[i] = replace(old, **{n: getattr(old, n) * (1 + share * ratio[n]) for n in names})
            elif self.differences[i] > problem.settings.tolerance:
                problem.warn(
                    f"T = {t:.4g} K: the thermal window may change the result by {self.differences[i]:.1e}; "
                    "compute this temperature in a run of its own"
                )

    # --- judgement ----------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        tolerance = self.problem.settings.tolerance
        for t, r in zip(self.temperatures, self.responses, strict=True):
            if r.residual > 1e-2 * tolerance + 1e-5:
                self.problem.warn(
                    f"T = {t:.4g} K: the kinetic equation is not solved to the tolerance (residual {r.residual:.1e}); "
                    "raise accuracy or the lowest temperature"
                )
            if r.onsager_error > max(tolerance, 1e-3):
                self.problem.warn(f"T = {t:.4g} K: Onsager's relation is violated by {r.onsager_error:.1e}")


def _refined(response: KineticResponse, hot_spots: HotSpots | None, kt: float) -> KineticResponse:
    """A quasi-elastic response with the side jump of the fine shell; Onsager's relation carries it to sj(2)."""
    if hot_spots is None:
        return response
    assert response.distribution is not None
    velocity = hot_spots.side_jump_velocity(kt, response.distribution[:, 0])
    change = velocity - response.side_jump_velocity
    return replace(
        response,
        side_jump_velocity=velocity,
        side_jump_distribution=response.side_jump_distribution - change.T,
    )


def _ratio(new: np.ndarray, old: np.ndarray) -> float:
    """Size of one tensor along another."""
    square = float((old * old).sum())
    return float((new * old).sum()) / square if square > 0 else 1.0


def _weighted(parts: list[KineticResponse], weights) -> KineticResponse:
    names = ("boltzmann", "side_jump_velocity", "side_jump_distribution")
    sums = {n: sum(w * getattr(p, n) for w, p in zip(weights, parts, strict=True)) for n in names}
    return replace(parts[0], **sums)


def relative_change(new: KineticResponse, old: KineticResponse) -> float:
    """Largest relative change of the longitudinal and of the side-jump tensor."""

    def relative(a, b):
        scale = np.abs(a).max()
        return float(np.abs(a - b).max() / scale) if scale > 0 else 0.0

    return max(relative(new.boltzmann, old.boltzmann), relative(new.side_jump_velocity, old.side_jump_velocity))
