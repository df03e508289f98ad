"""Which shells, energies and geometry each temperature needs, and the loop over temperatures."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

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
        self.differences = [np.nan] * count
        self.hottest = KB * float(temperatures.max())
        self.geometry: list[str] = []
        self.hot_spot_changes = [np.nan] * count
        self.quasi: list = [None] * count  # quasi-elastic responses with the side jump of the hot spots
        self._fermi_hot_spots: HotSpots | None = None
        self._coarse_shells: dict[float, SharedShell] = {}
        self.done, self.steps = 0, 1

    def all_temperatures(self) -> dict:
        """Solve, and report."""
        geometry = self.geometry = self._geometries()
        averaged = [i for i, g in enumerate(geometry) if g == "averaged"]
        groups = self._groups()
        self.steps = sum(2 + len(members) for _, _, members in groups) + (_WINDOW if averaged else 0)
        self._step(0)
        for kind, spacing, members in groups:
            self._group(kind, spacing, members)
        if averaged:
            self._average(averaged)
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

    def _step(self, count: int = 1) -> None:
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
        shell = problem.shell(problem.mu, spacing)
        if kind == "own":
            own = OwnShells(problem, shell, hottest)
            self._step(2)
            for i in members:
                self._converge(i, own, KB * self.temperatures[i])
                self._step()
            return
        solver = SharedShell(problem, shell, hottest)
        if len(members) > 1 or problem.settings.energy_nodes != 1:
            solver.keep()
        self._step()
        simple = {}
        for i in members:
            kt = KB * self.temperatures[i]
            if problem.model.dimension == 2:
                self._converge(i, solver, kt)
            else:
                self.nodes[i], self.changes[i] = self._nodes_from_coarse(kt)
                simple[i] = self._solve_crystal(i, solver, kt, cold=spacing < problem.base_spacing)
            self._step()
        if simple and problem.refines:
            self._add_hot_spots(solver, simple)
        self._step()

    def _solve_crystal(self, i, solver, kt, *, cold) -> KineticResponse:
        """Quasi-elastic on the fine shell, and what inelasticity changes on a coarse one; cold, all on the fine.

        The quasi-elastic response is returned.
        """
        n = self.nodes[i]
        simple, self.sizes[i] = solver.solve(kt, 1)
        if n == 1:
            self.responses[i] = simple
        elif cold:
            self.responses[i], self.sizes[i] = solver.solve(kt, n)
        else:
            coarse = self._coarse(self.problem.mu)
            self.responses[i] = _weighted([simple, coarse.solve(kt, n)[0], coarse.solve(kt, 1)[0]], (1.0, 1.0, -1.0))
        return simple

    def _add_hot_spots(self, solver, simple) -> None:
        """What the fine shell changes in the quasi-elastic theory."""
        members = list(simple)
        refined = self._refined(
            self._hot_spots(self.problem.mu), solver, [KB * self.temperatures[i] for i in members], simple.values()
        )
        for i, response in zip(members, refined, strict=True):
            self.quasi[i] = response
            before = simple[i].side_jump_velocity
            change = response.side_jump_velocity - before
            self.hot_spot_changes[i] = float(np.abs(change).max() / np.abs(before).max())
            self.responses[i] = _with_side_jump(self.responses[i], change)

    @staticmethod
    def _refined(hot_spots: HotSpots, solver, kts, responses) -> list[KineticResponse]:
        """Quasi-elastic responses with the side jump of the fine shell."""
        responses = list(responses)
        velocities = hot_spots.side_jump_velocity(solver, kts, [r.distribution[:, 0] for r in responses])
        changes = [v - r.side_jump_velocity for v, r in zip(velocities, responses, strict=True)]
        return [_with_side_jump(r, change) for r, change in zip(responses, changes, strict=True)]

    def _hot_spots(self, energy: float) -> HotSpots:
        """The fine shell at `energy`; that of the chemical potential serves every spacing."""
        if energy != self.problem.mu:
            return HotSpots(self.problem, self.problem.fine_shell(energy))
        if self._fermi_hot_spots is None:
            self._fermi_hot_spots = HotSpots(self.problem, self.problem.fine_shell(energy))
        return self._fermi_hot_spots

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
        if energy not in self._coarse_shells:
            solver = SharedShell(self.problem, self.problem.coarse_shell(energy), self.hottest)
            solver.keep()
            self._coarse_shells[energy] = solver
        return self._coarse_shells[energy]

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
        for place, energy in enumerate(problem.mu + self.hottest * x):
            if place == _WINDOW // 2 and self.quasi[hottest] is not None:
                parts.append(self.quasi[hottest])
            else:
                solver = SharedShell(problem, problem.shell(energy, problem.base_spacing), self.hottest)
                response = solver.solve(self.hottest, 1)[0]
                if problem.refines:
                    response = self._refined(self._hot_spots(energy), solver, [self.hottest], [response])[0]
                parts.append(response)
                problem.forget_shells()
            self._step()
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


def _with_side_jump(response: KineticResponse, change) -> KineticResponse:
    """`change` (d, d) added to sj(1); Onsager's relation carries it to sj(2)."""
    return replace(
        response,
        side_jump_velocity=response.side_jump_velocity + change,
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
