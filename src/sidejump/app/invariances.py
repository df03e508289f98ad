"""`sidejump check`: what must hold of any input, tried on the user's own at low accuracy.

Four runs at one temperature: as it is, with other phases of the orbitals, with all couplings twice as strong, and with
time reversed, which turns the magnetisation around.  The same replicas are computed in each, so that most differences
are rounding; what is allowed is what the error bars leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ..bands.lattice import LatticeModel
from ..bands.transformed import Transformed, transformed_coupling, transformed_lattice, turned
from ..bands.vertex import SpinLowering
from ..interactions.base import Scatterer
from ..interactions.first_principles.electron_phonon import ElectronPhononScatterer
from ..intrinsic import intrinsic_conductivity
from ..units import conductivity_unit
from ..wannier.position import position_elements

TOLERANCE = 0.05
"""Relative error of each run."""

_POINTS = 32  # wave vectors at which matrices are looked at
_ROUNDING = 1e-9  # of the largest element of a matrix
_STEP = 1e-4  # of the model's wave vector: finite differences
_DERIVATIVE = 1e-5  # what they leave, of the largest element
_SECOND = 1e-3  # what second differences leave, of the largest
_PRECISION = 1e-5  # of sums over pairs, which are kept in single precision, relative
_SIGMAS = 4.0  # standard errors that independent samples may differ by
_STRONGER = 2.0  # times |V|^2
_MESH = 12  # points along each axis for the sum over full bands
_ABOVE = 1.0  # eV above all bands
_FULL = 1e-6  # e^2/h (and of the reciprocal lattice): what a full zone may carry
_CONSERVED = 1e-5  # relative
_FORCES = 1e-6  # eV/angstrom^2
_PARTS = ("boltzmann", "intrinsic", "side_jump")


@dataclass(frozen=True)
class Finding:
    """One invariance: what was compared, how large the difference is and what it may be; None: not tried, and why."""

    name: str
    words: str
    found: float | None
    allowed: float | None

    @property
    def passed(self) -> bool:
        return self.found is None or (self.allowed is not None and self.found <= self.allowed)


def check(job, progress: Callable) -> Iterator[Finding]:
    """The findings for a job, or for the first one of a scan.

    Parameters
    ----------
    job : Job or Scan
    progress : callable
        ``progress(stage, done, total)``.
    """
    job = getattr(job, "jobs", [job])[0]
    temperature = np.sort(job.temperatures)[len(job.temperatures) // 2]
    nodes = 1 if job.settings.energy_nodes == "auto" else job.settings.energy_nodes
    settings = replace(job.settings, energy_nodes=nodes)
    job = job.changed(
        temperatures=[temperature],
        tolerance=TOLERANCE,
        intrinsic_tolerance=TOLERANCE,
        settings=settings,
        cost=None,
        observables=(),
    )
    yield from _matrices(job.model)
    yield from _data(job.scatterers)
    yield _curved(job.model)
    if job.model.cell is not None:
        yield _full_zone(job.model, float(temperature))
    own = job.run(progress)
    yield from _inside(own)
    phases = np.exp(2j * np.pi * np.random.default_rng(0).random(job.model.n_orbitals))
    trials = (
        ("gauge", "other phases of the orbitals change nothing", _seen(job, phases, False), 1.0, 1.0),
        ("coupling", "twice |V|^2: half of sigma_xx, the same side jump", _stronger(job), 1.0, 1.0),
        ("sign of M", "time reversed: sigma_xx the same, Hall currents opposite", _seen(job, 1.0, True), -1.0, _SIGMAS),
    )
    for name, words, changed, sign, sigmas in trials:
        if changed is None:
            yield Finding(name, f"{words} (not tried: the field of polar modes has a strength of its own)", None, None)
            continue
        other = changed.run(progress)
        yield _compared(name, words, own, other, sign, sigmas, _STRONGER if name == "coupling" else 1.0)


def _matrices(model) -> Iterator[Finding]:
    """H(k) against its adjoint, and its derivative against differences."""
    k = _random_points(model)
    h = np.asarray(model.hamiltonian(k))
    size = np.abs(h).max()
    found = float(np.abs(h - h.conj().swapaxes(1, 2)).max() / size)
    yield Finding("Hermiticity", "H(k) equals its adjoint, relative", found, _ROUNDING)
    gradient = np.asarray(model.hamiltonian_gradient(k))
    numeric = []
    for axis in range(model.dimension):
        e = _STEP * model.k_scale * np.eye(model.dimension)[axis]
        ahead, behind = (np.asarray(model.hamiltonian(k + s * e)) for s in (1, -1))
        numeric.append((ahead - behind) / (2 * _STEP * model.k_scale))
    found = float(
        np.abs(gradient - np.stack(numeric, axis=1)).max() / max(np.abs(gradient).max(), np.finfo(float).tiny)
    )
    yield Finding("velocity", "the derivative of H(k) is that of its values, relative", found, _DERIVATIVE)


def _data(scatterers) -> Iterator[Finding]:
    for scatterer in scatterers:
        if not isinstance(scatterer, ElectronPhononScatterer):
            continue
        checks = scatterer.data.checks
        key = "hermitian" if scatterer.images == "hermitian" else "file"
        found = checks.get(f"coupling_hermiticity_{key}_images")
        yield Finding("Hermiticity", "the coupling g(k, q) and its adjoint at (k + q, -q), relative", found, _PRECISION)
        matrix = scatterer.data.phonons.force_constants.sum(axis=0)
        n = len(matrix) // 3
        rigid = float(np.abs(matrix.reshape(3 * n, n, 3).sum(axis=1)).max())
        yield Finding("sum rule", "a rigid shift costs no energy, eV/angstrom^2", rigid, _FORCES)


def _full_zone(model, temperature: float) -> Finding:
    words = f"full bands carry no Hall current, {conductivity_unit(model.dimension)[1]}"
    axes = [np.linspace(0, 1, _MESH, endpoint=False)] * model.dimension
    k = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, model.dimension) @ model.reciprocal_cell
    top = float(np.linalg.eigvalsh(np.asarray(model.hamiltonian(k))).max()) + _ABOVE
    full, half = (
        np.abs(np.asarray(intrinsic_conductivity(model, mu, temperature, mesh=_MESH))).max()
        for mu in (top, top - _ABOVE)
    )
    return Finding("sum rule", words, float(full), max(_FULL, _PRECISION * float(half)))


def _curved(model) -> Finding:
    """The f-sum rule of the lower bands together, those below the widest gap at each point."""
    words = "second derivatives of energies: those of H and virtual transitions (f-sum rule), relative"
    h = _STEP * model.k_scale
    k = _random_points(model)
    energies, states = np.linalg.eigh(np.asarray(model.hamiltonian(k)))
    lower = np.diff(energies, axis=1).argmax(axis=1) + 1 if energies.shape[1] > 1 else np.ones(len(k), dtype=int)
    below = np.arange(energies.shape[1]) < lower[:, None]  # (nk, N)
    velocity = _of_states(states, np.asarray(model.hamiltonian_gradient(k)))
    apart = energies[:, :, None] - energies[:, None, :]
    pairs = below[:, :, None] & ~below[:, None, :]
    virtual = 2 * np.where(pairs, 1 / np.where(pairs, apart, 1.0), 0.0)
    found, size = 0.0, float(np.finfo(float).tiny)
    for axis in range(model.dimension):
        step = h * np.eye(model.dimension)[axis]
        (ahead, left), (behind, right) = (
            (
                np.linalg.eigvalsh(np.asarray(model.hamiltonian(k + s * step))),
                np.asarray(model.hamiltonian_gradient(k + s * step)),
            )
            for s in (1, -1)
        )
        second = ((ahead - 2 * energies + behind) * below).sum(axis=1) / h**2
        direct = np.einsum("knn,kn->k", _of_states(states, (left - right)[:, axis : axis + 1] / (2 * h))[:, 0], below)
        transitions = (virtual * np.abs(velocity[:, axis]) ** 2).sum(axis=(1, 2))
        found = max(found, float(np.abs(second - direct.real - transitions).max()))
        size = max(size, float(np.abs(direct.real).max()), float(np.abs(transitions).max()))
    return Finding("sum rule", words, found / size, _SECOND)


def _of_states(states, matrices):
    """Matrices (nk, d, N, N) between states (nk, N, N)."""
    return states.conj().swapaxes(1, 2)[:, None] @ matrices @ states[:, None]


def _random_points(model) -> np.ndarray:
    width = model.search_half_width or model.k_scale
    return width * (2 * np.random.default_rng(0).random((_POINTS, model.dimension)) - 1)


def _inside(dataset: xr.Dataset) -> Iterator[Finding]:
    """What one run says of itself."""
    conserved = float(dataset.attrs.get("conservation_error", 0.0))
    yield Finding("conservation", "scattering keeps the number of electrons, relative", conserved, _CONSERVED)
    side_jump = np.abs(dataset.sigma_side_jump).max()
    error = float(dataset.sigma_side_jump_error.max() / max(float(side_jump), np.finfo(float).tiny))
    allowed = _PRECISION + _SIGMAS * error
    violation = float(dataset.onsager_violation.max())
    yield Finding("Onsager", "the two halves of the side jump are equal, relative", violation, allowed)
    words = "Hall components that symmetry forbids, relative"
    forbidden = dataset.forbidden_side_jump.values
    if np.isfinite(forbidden).all():
        yield Finding("symmetry", words, float(forbidden.max()), allowed)
    else:
        yield Finding("symmetry", f"{words} (not tried: there is no side jump to hold it against)", None, None)


def _compared(name: str, words: str, own, other, sign: float, sigmas: float, stronger: float) -> Finding:
    """The part whose difference is largest beside what it may be, in units of that part."""
    worst = (-1.0, 0.0, 1.0)
    for part in _PARTS:
        a, b = own[f"sigma_{part}"].values, other[f"sigma_{part}"].values * (stronger if part == "boltzmann" else 1.0)
        error = own[f"sigma_{part}_error"].values, other[f"sigma_{part}_error"].values
        difference = np.abs(a - (b if part == "boltzmann" else sign * b)).max()
        size = max(np.abs(a).max(), _PRECISION * np.abs(own.sigma_boltzmann.values).max())
        allowed = sigmas * float(np.hypot(error[0].max(), error[1].max())) + _PRECISION * size
        worst = max(worst, (difference / allowed, float(difference / size), float(allowed / size)))
    return Finding(name, f"{words}, relative", worst[1], worst[2])


def _seen(job, phases, reverse: bool):
    """The job with its orbitals times phases, or with time reversed."""
    phases = phases * np.ones(job.model.n_orbitals)
    model = job.model
    if type(model) is LatticeModel:
        model = transformed_lattice(model, position_elements(model), phases, reverse)
    else:
        model = Transformed(model, phases, reverse=reverse)
    scatterers = [_scatterer_seen(s, phases, reverse) for s in job.scatterers]
    return job.changed(model=model, scatterers=scatterers, cost=None)


def _scatterer_seen(scatterer, phases, reverse: bool):
    if isinstance(scatterer, ElectronPhononScatterer):
        data = scatterer.data
        electrons = transformed_lattice(data.electrons, position_elements(data.electrons), phases, reverse)
        coupling = transformed_coupling(data.file_coupling, phases, reverse)
        return replace(scatterer, data=replace(data, electrons=electrons, file_coupling=coupling, _cache={}))
    if isinstance(scatterer.vertex, str):
        return scatterer
    if isinstance(scatterer.vertex, SpinLowering):  # the spins of the magnet are reversed as well
        return replace(scatterer, vertex=scatterer.vertex.reversed()) if reverse else scatterer
    return replace(scatterer, vertex=turned(np.asarray(scatterer.vertex, dtype=complex), phases, reverse))


@dataclass(frozen=True)
class _Times:
    factor: float
    function: Callable

    def __call__(self, q):
        return self.factor * self.function(q)


def _stronger(job):
    """The job with all couplings stronger; None where one has no number for it."""
    scatterers: list = []
    for scatterer in job.scatterers:
        if isinstance(scatterer, ElectronPhononScatterer):
            data = scatterer.data
            if data.long_range is not None:
                return None
            coupling = replace(data.file_coupling, values=_STRONGER**0.5 * data.file_coupling.values)
            scatterers.append(replace(scatterer, data=replace(data, file_coupling=coupling, _cache={})))
            continue
        if not isinstance(scatterer, Scatterer):
            return None
        branches = tuple(replace(b, coupling=_Times(_STRONGER, b.coupling)) for b in scatterer.branches)
        scatterers.append(replace(scatterer, branches=branches))
    return job.changed(scatterers=scatterers, cost=None)
