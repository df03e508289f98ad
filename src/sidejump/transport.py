"""The kinetic part of a run: shells, pairs, collision operator and response for a list of temperatures."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from .electrons.states import band_energies
from .errors import InputError
from .kinetics.collision import CollisionOperator
from .kinetics.energy_basis import EnergyBasis, energy_basis
from .kinetics.geometry import PairGeometry, SharedBlock, shell_points
from .kinetics.kernel import ScatteringKernel, SharedKernel, momentum_level
from .kinetics.momentum import MomentumTransfer
from .kinetics.response import KineticResponse, kinetic_response
from .scattering.base import vertex_matrix
from .shells.flow import ShellFlow
from .shells.shell import Shell, fermi_shell
from .units import KB

NODE_SEQUENCE = (1, 3, 5, 7, 9, 11, 13, 15)
_THERMAL_POINTS = 1.2  # points per kT/c along the shell: the spacing of theory section 4


@dataclass(frozen=True)
class TransportSettings:
    """How accurately, and by which approximation, the kinetic equation is solved.

    Attributes
    ----------
    energy_nodes : int or "auto"
        1 is the quasi-elastic theory; "auto" raises the number until the side jump and the longitudinal conductivity
        change by less than `tolerance`.
    geometry : {"auto", "own", "shared"}
        Whether each energy node has its own shell. "auto" is own in 2D, and in 3D a measurement on a coarse shell at
        the highest temperature decides.
    tolerance : float
        Relative.
    spacing : float or None
        Largest point spacing, 1/angstrom; None: from the model.
    turn : float or None
        Refine where the state turns by more than this angle between points.
    levels : int
        3D: refinements of a cell.
    memory : float
        Bytes the run may use.
    approximation : {"exact", "serta", "mrta"}
    degeneracy : float
        Bands closer than this (eV) form one group.
    """

    energy_nodes: int | str = "auto"
    geometry: str = "auto"
    tolerance: float = 1e-3
    spacing: float | None = None
    turn: float | None = 0.7
    levels: int = 2
    memory: float = 6e9
    approximation: str = "exact"
    degeneracy: float = 1e-6
    minimum: int = 48


@dataclass
class TransportResult:
    """Conductivity parts (nT, d, d) in ``e^2/hbar angstrom^(2-d)`` and the report of the run."""

    boltzmann: np.ndarray
    side_jump_velocity: np.ndarray
    side_jump_distribution: np.ndarray
    report: dict = field(default_factory=dict)


@dataclass(frozen=True)
class _Vertex:
    matrix: np.ndarray
    branches: tuple
    singular: bool


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
    job = _Job(
        model, list(scatterers), float(chemical_potential), temperatures, settings, progress or (lambda *_: None)
    )
    responses, report = job.run()
    report["seconds"] = time.perf_counter() - started
    return TransportResult(
        np.stack([r.boltzmann for r in responses]),
        np.stack([r.side_jump_velocity for r in responses]),
        np.stack([r.side_jump_distribution for r in responses]),
        report,
    )


class _Job:
    def __init__(self, model, scatterers, mu, temperatures, settings, progress):
        self.model, self.mu, self.temperatures = model, mu, temperatures
        self.settings, self.progress = settings, progress
        self.momentum = MomentumTransfer(model.reciprocal_cell, model.dimension)
        self.vertices = _by_vertex(scatterers, model)
        self.sound = max((s.sound_velocity or 0.0) for s in scatterers)
        self.elastic_only = all(b.phonon_energy is None for s in scatterers for b in s.branches)
        self.warnings: list[str] = []
        self.report: dict = {"warnings": self.warnings}

    def run(self):
        geometry = self._geometry()
        self.report["geometry"] = geometry
        if geometry == "shared":
            responses, nodes, changes = self._run_shared()
        else:
            responses, nodes, changes = self._run_own()
        for t, r in zip(self.temperatures, responses, strict=True):
            if r.residual > 1e-2 * self.settings.tolerance + 1e-5:
                self.warnings.append(
                    f"T = {t:.4g} K: the solution is not converged (residual {r.residual:.1e}); the shell points are "
                    "too far apart for the thermal phonons: reduce spacing"
                )
        self.report |= {
            "energy_nodes": nodes,
            "node_change": changes,
            "onsager_error": max(r.onsager_error for r in responses),
            "conservation_error": max(r.conservation_error for r in responses),
            "residual": max(r.residual for r in responses),
            "iterations": [r.iterations for r in responses],
            "method": responses[-1].method,
        }
        return responses, self.report

    # --- shells -------------------------------------------------------------------------------------------------

    def _spacing(self, temperature: float) -> float:
        base = self.settings.spacing or _default_spacing(self.model)
        if self.model.dimension == 2 and self.sound > 0:
            thermal = KB * temperature / self.sound / _THERMAL_POINTS
            # a geometric ladder, so that neighbouring temperatures share a shell
            if thermal < base:
                base *= 2.0 ** (-0.5 * np.ceil(2 * np.log2(base / thermal)))
        return float(base)

    def _shell(self, spacing: float) -> Shell:
        s = self.settings
        shell = fermi_shell(
            self.model,
            self.mu,
            spacing=spacing,
            turn=s.turn,
            levels=s.levels,
            minimum=s.minimum,
            degeneracy=s.degeneracy,
        )
        if shell.unconverged:
            self.warnings.append(
                f"{shell.unconverged} of {len(shell)} shell points could not be moved onto the exact energy"
            )
        return shell

    def _geometry(self) -> str:
        choice = self.settings.geometry
        if choice != "auto":
            return choice
        return "own" if self.model.dimension == 2 else self._measured_geometry()

    def _measured_geometry(self) -> str:
        """Shared geometry; how much own shells change is measured by :func:`geometry_difference`."""
        return "shared"

    # --- own geometry -------------------------------------------------------------------------------------------

    def _run_own(self):
        spacings = [self._spacing(t) for t in self.temperatures]
        responses: list = [None] * len(spacings)
        nodes, changes = [0] * len(spacings), [0.0] * len(spacings)
        states = pairs = memory = 0
        done = 0
        for spacing in sorted(set(spacings), reverse=True):
            shell = self._shell(spacing)
            members = [i for i, s in enumerate(spacings) if s == spacing]
            flow = None
            for i in sorted(members, key=lambda j: -self.temperatures[j]):
                kt = KB * self.temperatures[i]
                interval = self._interval(shell, kt)
                if flow is None and not (self.settings.energy_nodes == 1):
                    edge = energy_basis(15).nodes
                    flow = ShellFlow(
                        self.model,
                        shell,
                        self.mu + kt * max(interval[0], edge[0] * 1.2),
                        self.mu + kt * min(interval[1], edge[-1] * 1.2),
                    )
                responses[i], nodes[i], changes[i], size = self._converge_own(shell, flow, kt, interval)
                states, pairs, memory = max(states, size[0]), max(pairs, size[1]), max(memory, size[2])
                done += 1
                self.progress(done, len(spacings))
        self.report |= {"states": states, "pairs": pairs, "memory_bytes": memory}
        return responses, nodes, changes

    def _converge_own(self, shell, flow, kt, interval):
        wanted = self.settings.energy_nodes
        if wanted != "auto":
            response, size = self._solve_own(shell, flow, kt, energy_basis(int(wanted), interval))
            return response, int(wanted), np.nan, size
        last, change = None, np.inf
        sequence = (1,) if self.elastic_only and kt == 0 else NODE_SEQUENCE
        for n in sequence:
            response, size = self._solve_own(shell, flow, kt, energy_basis(n, interval))
            if last is not None:
                change = _change(response, last)
                if change < self.settings.tolerance:
                    break
            last = response
        else:
            self.warnings.append(
                f"T = {kt / KB:.4g} K: {n} energy nodes leave a change of {change:.1e}, above the tolerance"
            )
        return response, n, change, size

    def _solve_own(self, shell, flow, kt, basis: EnergyBasis):
        if basis.n == 1:
            k, weight = shell.k[:, None], shell.weight[:, None]
        else:
            k, weight = flow.at(self.mu + kt * basis.nodes)
        points = shell_points(self.model, self.momentum, k, shell.band, weight, degeneracy=self.settings.degeneracy)
        geometry = PairGeometry(self.model, points, self.momentum, block=256)
        operator = CollisionOperator(len(shell), basis.size, self.model.dimension)
        reach = self._q_max(k)
        for vertex in self.vertices:
            kernel = ScatteringKernel(vertex.branches, basis, kt, reach, q_floor=self._q_floor(shell, vertex))
            for block in geometry.blocks(vertex.matrix, kernel.cutoff):
                operator.add(block, kernel)
            self._check_memory(operator.nbytes)
        operator.finish()
        response = kinetic_response(
            operator,
            geometry.weight,
            geometry.velocity,
            basis.thermal_weight,
            approximation=self.settings.approximation,
        )
        return response, (operator.unknowns, operator.pairs, operator.nbytes)

    # --- shared geometry ----------------------------------------------------------------------------------------

    def _run_shared(self):
        shell = self._shell(self._spacing(self.temperatures.min()))
        points = shell_points(
            self.model,
            self.momentum,
            shell.k[:, None],
            shell.band,
            shell.weight[:, None],
            degeneracy=self.settings.degeneracy,
        )
        geometry = PairGeometry(self.model, points, self.momentum, block=512)
        wanted = self.settings.energy_nodes
        nodes = int(wanted) if wanted != "auto" else 3
        basis = energy_basis(nodes, even=True)
        reach = self._q_max(shell.k)
        memory = len(shell) ** 2 / 2 * (6 + 4 * self.model.dimension + 4 * basis.size**2)
        self._check_memory(memory * len(self.vertices))
        kernels = [
            [SharedKernel(v.branches, basis, KB * t, reach, q_floor=self._q_floor(shell, v)) for t in self.temperatures]
            for v in self.vertices
        ]
        stored = [
            self._stored_blocks(geometry, v.matrix, max(kernel.cutoff for kernel in row), reach)
            for v, row in zip(self.vertices, kernels, strict=True)
        ]
        responses = []
        for i, _ in enumerate(self.temperatures):
            operator = CollisionOperator(len(shell), basis.size, self.model.dimension, dtype=np.float32)
            for blocks, row in zip(stored, kernels, strict=True):
                _add_threaded(operator, blocks, row[i])
            operator.finish()
            responses.append(
                kinetic_response(
                    operator,
                    geometry.weight,
                    geometry.velocity,
                    basis.thermal_weight,
                    approximation=self.settings.approximation,
                    tolerance=1e-5,
                )
            )
            self.progress(i + 1, len(self.temperatures))
        self.report |= {"states": len(shell), "pairs": len(shell) ** 2, "memory_bytes": memory}
        return responses, [nodes] * len(responses), [np.nan] * len(responses)

    def _stored_blocks(self, geometry, matrix, cutoff, q_max):
        """Blocks of a shared shell, and the smallest |q| of each, so that cold temperatures skip far blocks."""

        def compute(pair):
            block = geometry.block(*pair, matrix, cutoff)
            if block is None:
                return None
            compact = SharedBlock(
                block.rows,
                block.columns,
                block.strength[:, 0, :, 0].astype(np.float32),
                block.shift[:, :, 0, :, 0].astype(np.float32),
                momentum_level(block.q[:, 0, :, 0], q_max),
            )
            return float(block.q.min()), compact

        with threadpool_limits(1), ThreadPoolExecutor(2) as pool:
            return [b for b in pool.map(compute, geometry.pairs_of_slices()) if b is not None]

    # --- limits -------------------------------------------------------------------------------------------------

    def _interval(self, shell, kt):
        """Range of x in which the bands of the shell exist."""
        low, high = _band_edges(self.model, shell)
        margin = 1e-3 * kt
        interval = ((low + margin - self.mu) / kt, (high - margin - self.mu) / kt)
        lost = max(_tail(-interval[0]), _tail(interval[1]))
        if lost > self.settings.tolerance:
            self.warnings.append(
                f"T = {kt / KB:.4g} K: a band edge {min(-interval[0], interval[1]):.1f} kT from the chemical potential "
                f"cuts off a thermal weight of {lost:.1e}; other bands are not followed there"
            )
        # past 20 kT an edge has no weight and no node reaches it: one table serves all such temperatures
        return tuple(float(np.sign(x) * 40.0) if abs(x) > 20 else round(float(x), 6) for x in interval)

    def _q_max(self, k) -> float:
        flat = self.momentum.first_zone(k.reshape(-1, k.shape[-1]))
        return 2.05 * float(np.linalg.norm(flat, axis=1).max()) + float(np.linalg.norm(np.ptp(flat, axis=0))) * 0.01

    def _q_floor(self, shell, vertex) -> float:
        """The shortest |q| of the kernel: a patch of a shell scatters into itself over its own size."""
        size = float(np.mean(shell.area) ** (1 / (self.model.dimension - 1)))
        return 0.25 * size if vertex.singular else 1e-7 * size

    def _check_memory(self, needed: float) -> None:
        if needed > self.settings.memory:
            raise InputError(
                f"memory = {self.settings.memory:.2g} bytes is too little: the pairs of the lowest temperature, "
                f"{self.temperatures.min():.4g} K, need {needed:.2g}; raise memory, the lowest temperature or spacing"
            )


def _add_threaded(operator, blocks, kernel):
    """Accumulate blocks with two threads, each into an operator of its own."""
    parts = [
        CollisionOperator(operator.count, operator.size, operator.side_jump_drive.shape[-1], operator.dtype)
        for _ in range(2)
    ]

    def work(index):
        for nearest, block in blocks[index::2]:
            if nearest <= kernel.cutoff:
                parts[index].add_shared(block, kernel)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    for part in parts:
        operator.merge(part)


def _by_vertex(scatterers, model) -> list[_Vertex]:
    """Scatterers with the same vertex matrix share their pairs."""
    groups: list[_Vertex] = []
    for scatterer in scatterers:
        matrix = vertex_matrix(scatterer.vertex, model)
        for i, group in enumerate(groups):
            if np.array_equal(group.matrix, matrix):
                groups[i] = _Vertex(matrix, group.branches + scatterer.branches, group.singular or scatterer.singular)
                break
        else:
            groups.append(_Vertex(matrix, scatterer.branches, scatterer.singular))
    return groups


def _default_spacing(model) -> float:
    if model.cell is not None:
        return float(np.linalg.norm(model.reciprocal_cell, axis=1).min()) / (12 if model.dimension == 3 else 24)
    return model.k_scale / 2


def _band_edges(model, shell) -> tuple[float, float]:
    """Lowest and highest energy that every band of the shell reaches, from a sample of k space."""
    generator = np.random.default_rng(0)
    if model.cell is not None:
        k = generator.random((4000, model.dimension)) @ model.reciprocal_cell
    else:
        k = np.concatenate([scale * shell.k[:: max(1, len(shell) // 400)] for scale in np.linspace(0, 3, 61)])
    energies = band_energies(model, k)
    bands = np.unique(shell.band)
    return float(energies[:, bands].min(axis=0).max()), float(energies[:, bands].max(axis=0).min())


def _tail(x: float) -> float:
    """Thermal weight beyond x, ``int_x^inf f (1 - f)``."""
    return float(1 / (1 + np.exp(min(x, 700.0))))


def _change(new: KineticResponse, old: KineticResponse) -> float:
    """Largest relative change of the longitudinal and of the side-jump tensor."""

    def relative(a, b):
        scale = np.abs(a).max()
        return float(np.abs(a - b).max() / scale) if scale > 0 else 0.0

    return max(relative(new.boltzmann, old.boltzmann), relative(new.side_jump_velocity, old.side_jump_velocity))


def estimate_cost(model, scatterers, *, chemical_potential, temperatures, settings: TransportSettings) -> dict:
    """States, pairs, bytes and seconds of the kinetic part, from a coarse shell; printed before a run.

    Raises
    ------
    InputError
        If there is no state at the chemical potential.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    job = _Job(model, list(scatterers), float(chemical_potential), temperatures, settings, lambda *_: None)
    shared = job._geometry() == "shared"
    spacing = job._spacing(temperatures.min())
    coarse = max(spacing, _default_spacing(model))
    shell = fermi_shell(
        model,
        float(chemical_potential),
        spacing=coarse,
        turn=settings.turn if model.dimension == 2 else None,
        levels=0,
        minimum=settings.minimum,
        degeneracy=settings.degeneracy,
    )
    states = len(shell) * (coarse / spacing) ** (model.dimension - 1)
    if model.dimension == 3:
        # what refinement at hot spots typically adds: measured on iron, 1.6e3 -> 5.2e3 -> 1.06e4 points
        states *= (1.0, 3.2, 6.5, 9.0, 11.0, 13.0)[settings.levels]
    nodes = settings.energy_nodes if settings.energy_nodes != "auto" else (3 if shared else 9)
    functions = (int(nodes) + 1) // 2 if shared else int(nodes)
    unknowns = states * functions
    pairs = unknowns**2
    memory = states**2 / 2 * 4 * (5 + functions**2) if shared else pairs * 8 / 2 + 3e7
    per_pair = 2.5e-8 if shared else 1e-7
    return {
        "temperatures": len(temperatures),
        "states": int(unknowns),
        "pairs": float(pairs),
        "memory_bytes": float(memory),
        "seconds": float(pairs * per_pair * len(temperatures) + 0.5),
    }
