"""One run: model and scatterers in, dataset out; from an input file or from Python."""

from __future__ import annotations

import inspect
import os
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

import numpy as np
import xarray as xr

from ..accuracy.controller import ALL_REPLICAS
from ..accuracy.cost import first_cost
from ..accuracy.replica import SCHEME, Replica
from ..accuracy.report import transport_result
from ..accuracy.store import to_text
from ..accuracy.study import TOLERANCE, Case, Study, estimate, first_replicas, plan
from ..bands.base import ElectronModel
from ..bands.extent import require_reachable
from ..bands.user_function import require_model
from ..errors import InputError, SidejumpWarning, TooLarge
from ..freed import return_freed
from ..groups.hall import allowed_projector, kinetic_symmetry, scattering_projector
from ..groups.symmetry import symmetry_report
from ..interactions.magnons import magnon_sentences
from ..interactions.point_impurity import require_cutoffs
from ..intrinsic import IntrinsicResult, intrinsic_conductivity
from ..intrinsic.heat import IntrinsicHeat, intrinsic_heat
from ..intrinsic.operator import IntrinsicResponse, intrinsic_response
from ..pairs.executor import make_executor, require_packages
from ..pairs.fingerprint import fingerprint
from ..result import warnings_of
from ..rules import nearest
from ..surfaces.warm import require_not_too_hot, warm_sentences
from ..threads import THREADS
from ..transport import TransportResult, TransportSettings, frozen
from ..transport.coherence import coherence_sentences
from ..transport.folding import folding_sentences
from ..transport.skew import skew_sentences
from ..units import KB
from . import build, config
from .arguments import check_limits, check_replicas, check_settings, checked_levels, checked_temperatures
from .attributes import peak_memory, present_memory
from .earlier import NOT_REACHED, known_intrinsic, require_study
from .heat import add_heat, in_si
from .judge import judge
from .live import Live
from .observed import add_intrinsic
from .results import assemble, replicas_of, warn
from .scan import Scan, scanned
from .withhold import withhold

_TABLES = 2e7  # bytes: tables of the energy and buffers of the matrix library, measured on the smallest of runs
_HERE = ("auto", "threads", "serial")  # what computes replicas in this process, one at a time
LONG = 60.0  # seconds beyond which processes are worth the few that they take to start
_CALLER = 6.5e7  # bytes: what reads input, writes results and speaks to the user, which worker processes do not load


def anomalous_hall(
    model,
    scatterers,
    *,
    chemical_potential,
    temperatures,
    carrier_density=None,
    tolerance: float = TOLERANCE,
    time: float | None = None,
    intrinsic_tolerance: float = 5e-3,
    intrinsic_mesh=None,
    progress=None,
    start=None,
    executor: str = "threads",
    workers: int | None = None,
    observables=(),
    replicas: range = ALL_REPLICAS,
    **settings,
) -> xr.Dataset:
    """All parts of the conductivity against temperature, each with its error.

    Parameters
    ----------
    model : ElectronModel
    scatterers : Scatterer or list of Scatterer
    chemical_potential : float or sequence of float
        eV; of several, the result has a dimension `chemical_potential`.
    temperatures : sequence of float
        K, in any order, each once.
    carrier_density : float or sequence of float, optional
        Electrons (negative: holes) added to the bands that are full up to `chemical_potential` at zero temperature,
        cm^-3 or cm^-2: at every temperature the chemical potential is the one that has them. Of several, the result
        has a dimension `doping`.
    tolerance : float
        Relative standard error wanted for conductivity and side jump at every temperature: relative to the largest
        element of the tensor, or to 3 % of what cancels in the side jump if that is more.
    time : float, optional
        Seconds after which no further replica is begun.
    intrinsic_tolerance : float
        Relative error of the intrinsic part.
    intrinsic_mesh : int, optional
        Fixed uniform mesh for the intrinsic part instead.
    progress : callable, optional
        ``progress(stage, done, total)``.
    start : xarray.Dataset, optional
        An earlier result of the same arguments: its replicas count, and the work goes on from them.
    executor : {"threads", "processes", "mpi", "dask", "serial"}
        What computes replicas, see :func:`sidejump.pairs.executor.make_executor`; the digits are the same.
    workers : int, optional
        How many.
    observables : sequence of Observable, optional
        What else the field drives (:class:`sidejump.Observable`): the variables `response_...` of the result.
    replicas : range, optional
        Numbers of the replicas that may be computed, each another way to lay the points: those of other machines, or of
        a run that this one is to be compared with, lie outside.
    **settings
        For experts: fields of :class:`sidejump.transport.TransportSettings`.

    Returns
    -------
    xarray.Dataset
        Dims temperature, a, b, after that of a scan; see the documentation of the results.

    Raises
    ------
    InputError
        For anything that cannot be computed as asked.

    Warns
    -----
    SidejumpWarning
        For each sentence of the attribute `warnings` of the result.
    """
    known = TransportSettings.__dataclass_fields__
    for name in settings:
        if name not in known:
            arguments = [*inspect.signature(anomalous_hall).parameters, *known]
            raise InputError(f"{name} is no setting{nearest(name, arguments)}; settings are {', '.join(known)}")
    chosen = TransportSettings(**settings)
    make = partial(
        Job,
        model,
        list(scatterers) if isinstance(scatterers, (list, tuple)) else [scatterers],
        settings=chosen,
        tolerance=tolerance,
        time=time,
        intrinsic_tolerance=intrinsic_tolerance,
        intrinsic_mesh=intrinsic_mesh,
        executor=executor,
        workers=workers,
        observables=tuple(observables),
        replicas=replicas,
    )
    job = scanned(make, model, chemical_potential, carrier_density, temperatures)
    finished = [] if start is None else replicas_of(start, job.identity)
    return _raised(job.run(progress, known=finished, earlier=start))


def run(source, *, progress=None, announce=None) -> xr.Dataset:
    """Run an input file (path) or the same content as a dictionary.

    Parameters
    ----------
    source : path or dict
    progress : callable, optional
        ``progress(stage, done, total)``.
    announce : callable, optional
        Receives the estimate of cost (dict) before the work starts.

    Returns
    -------
    xarray.Dataset
        Dims temperature, a, b; see the documentation of the results.

    Raises
    ------
    InputError
        For anything that cannot be computed as asked.

    Warns
    -----
    SidejumpWarning
        For each sentence of the attribute `warnings` of the result.
    """
    job = prepare(source)
    if announce:
        announce(job.estimate())
    return _raised(job.run(progress))


def _raised(dataset: xr.Dataset) -> xr.Dataset:
    """The same; its warnings as those of Python, at the line that called the function that calls this one."""
    for sentence in warnings_of(dataset):
        warnings.warn(sentence, SidejumpWarning, stacklevel=3)
    return dataset


def prepare(source, folder=None) -> Job | Scan:
    """The run that an input file (path) or a dictionary describes, files read and parameters checked.

    `folder`: where files are that a dictionary names; the present one when not given.
    """
    if isinstance(source, dict):
        text, name, folder, data = repr(source), "input", Path(folder or ""), source
    else:
        text, name, folder = config.read_text(source), str(source), Path(source).parent
        data = config.parse(text, source)
    settings = config.validate(data, name)
    try:
        return _job(settings, folder, text)
    except InputError as error:
        if os.path.exists(str(error).partition(": ")[0]):  # the sentence begins with the file that is meant
            raise
        raise InputError(f"{name}: {error}") from None


def _job(settings, folder: Path, text: str) -> Job | Scan:
    electrons = build.build_electrons(settings.electrons, folder, 1e9 * settings.solver.memory)
    scatterers = build.build_scatterers(settings.scattering, electrons)
    scale = None
    if settings.temperature.unit == "T_BG":
        if isinstance(electrons.chemical_potential, tuple) or electrons.carrier_density is not None:
            raise InputError('[temperature] unit = "T_BG" needs one chemical_potential; use unit = "K" in a scan')
        scale = build.bloch_gruneisen_temperature(electrons.model, scatterers, electrons.chemical_potential)
    solver = settings.solver.model_dump(exclude={"intrinsic", "expert", *_LIMITS})
    solver |= settings.solver.expert.model_dump()
    solver["memory"] *= 1e9
    make = partial(
        Job,
        electrons.model,
        scatterers,
        settings=TransportSettings(**solver, heat=build.asks_for_heat(settings.observable)),
        tolerance=settings.solver.tolerance,
        time=settings.solver.time,
        intrinsic_tolerance=settings.solver.intrinsic.tolerance,
        intrinsic_mesh=settings.solver.intrinsic.mesh,
        text=text,
        warnings=list(electrons.warnings),
        checks=electrons.checks,
        executor=settings.solver.executor,
        workers=settings.solver.workers,
        observables=build.build_observables(settings.observable, electrons.model),
    )
    temperatures = build.build_temperatures(settings.temperature, scale)
    return scanned(make, electrons.model, electrons.chemical_potential, electrons.carrier_density, temperatures)


_LIMITS = ("tolerance", "time", "executor", "workers")


@dataclass
class Job:
    """Everything that determines a result.

    Attributes
    ----------
    model : ElectronModel
    scatterers : list
    chemical_potential : float
        eV.
    temperatures : ndarray
        K.
    settings : TransportSettings
        Choices of experts.
    tolerance : float
        Relative standard error wanted.
    time : float or None
        Seconds after which no further replica is begun.
    intrinsic_tolerance : float
    intrinsic_mesh : int, optional
    text : str
        The input as it was written, for the record.
    warnings : list of str
    cost : dict, optional
        What `estimate` found.
    seconds_estimate : float
        Wall time that took.
    checks : dict
        What was found in and done to the files, for the record.
    replicas : range
        Numbers of the replicas that may be computed.
    executor : str
        What computes them.
    workers : int or None
    observables : tuple of Observable
    case : int
        Which one of a scan it is.
    share : float or None
        Bytes that each worker may take, where they share the memory of one: what does not fit is computed here.
    """

    model: Any
    scatterers: list
    chemical_potential: float
    temperatures: Any
    settings: TransportSettings
    tolerance: float = TOLERANCE
    time: float | None = None
    intrinsic_tolerance: float = 5e-3
    intrinsic_mesh: Any = None
    text: str = ""
    warnings: list[str] = field(default_factory=list)
    cost: dict | None = None
    checks: dict = field(default_factory=dict)
    replicas: range = ALL_REPLICAS
    executor: str = "threads"
    workers: int | None = None
    observables: tuple = ()
    case: int = 0
    share: float | None = field(default=None, init=False)
    seconds_estimate: float = field(default=0.0, init=False)
    _finished: list[Replica] = field(default_factory=list, init=False)

    def __post_init__(self):
        if not isinstance(self.model, ElectronModel):
            raise InputError(f"model = {self.model!r}: give an electron model, such as sidejump.MassiveDirac(...)")
        for s in self.scatterers:
            if not any(hasattr(s, name) for name in ("branches", "source", "sources")):
                raise InputError(f"scatterer {s!r}: give what sidejump.impurity(...) and its like return")
        check_settings(self.settings)
        check_limits(self.tolerance, self.time)
        check_replicas(self.replicas)
        self.temperatures = checked_temperatures(self.temperatures)
        try:
            self.chemical_potential = float(self.chemical_potential)
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"chemical_potential = {shortened(self.chemical_potential)}: give a number (eV)") from None
        if not np.isfinite(self.chemical_potential):
            raise InputError(f"chemical_potential = {self.chemical_potential} must be finite (eV)")
        checked_levels("chemical_potential", self.chemical_potential, "eV")
        require_model(self.model)
        require_reachable(self.model, self.chemical_potential)
        require_not_too_hot(self.model, self.temperatures)
        if self.intrinsic_mesh is not None and self.model.cell is None:
            raise InputError("mesh: a k.p model has no Brillouin zone to lay a mesh on; leave it out")
        if not self.scatterers:
            raise InputError("no scatterer given: the conductivity would be infinite; add one")
        for s in self.scatterers:
            dimension = getattr(s, "dimension", self.model.dimension)
            if dimension != self.model.dimension:
                raise InputError(
                    f"{s.name} was made for {dimension} dimensions, the model has {self.model.dimension}; "
                    f"give dimension={self.model.dimension}"
                )

        together = self.settings.skew_scattering != "off"
        require_cutoffs(
            self.scatterers, self.model, self.chemical_potential, together=together, of_file=bool(self.text)
        )
        if all(getattr(s, "silent", False) for s in self.scatterers):
            raise InputError("the scatterers do not scatter: a strength, charge or deformation potential is zero")

    def estimate(self, *, processes: bool = False) -> dict:
        """States, pairs, bytes, operations and seconds, before the work.

        ``memory_bytes`` is that of the kinetic part, ``peak_memory_bytes`` that of the whole process, or of each worker
        process, both of the first level; ``last_memory_bytes`` and ``last_peak_memory_bytes`` those of the last of the
        ``levels`` that the memory holds, ``level_memory_bytes`` and ``level_peak_memory_bytes`` those of each.

        Parameters
        ----------
        processes : bool
            Whether ``executor = "auto"`` may be processes, which read the main script again: the caller knows that it
            is fit for that. Otherwise it is threads.

        Raises
        ------
        InputError
            If there is no state at the chemical potential, the memory is too small for the coldest temperature, or a
            package that the executor needs is missing.
        """
        if self.cost is None:
            require_packages(self.executor)
            started, present = time.perf_counter(), present_memory()
            active = self.temperatures[~self._frozen]
            cost = self._kinetic(lambda: first_cost(self._case)) if len(active) else frozen.NO_COST
            if processes and self.executor == "auto":
                cost = self._decide(cost)
            beside = present + _TABLES - (_CALLER if self.executor == "processes" else 0.0)
            self.cost = cost | {
                "temperatures": len(self.temperatures),
                "workers": 1 if self.executor in _HERE else self.workers or THREADS,
                "peak_memory_bytes": cost["memory_bytes"] + beside,
                "last_peak_memory_bytes": cost["last_memory_bytes"] + beside,
                "level_peak_memory_bytes": [x + beside for x in cost["level_memory_bytes"]],
            }
            return_freed()  # what the shells of the estimate took is there for the run
            self.seconds_estimate = time.perf_counter() - started
        return self.cost

    def _decide(self, cost: dict) -> dict:
        """Processes in place of "auto" where that pays and their replicas fit side by side into the memory of one: the
        cost of each, or that which was given."""
        self.executor = "threads"
        if cost["seconds"] <= LONG:
            return cost
        # no more than there are replicas to begin with: what is computed does not depend on the machine
        workers = min(self.workers or THREADS, len(self._case.controller().next_tasks()))
        if workers > 1:
            share = self.settings.memory / workers
            with suppress(TooLarge):
                each = self._kinetic(lambda: first_cost(self._case.with_share(share)))
                self.executor, self.workers, self.share = "processes", workers, share
                return each | {"seconds": cost["seconds"]}  # the shells are known by now
        return cost

    @cached_property
    def study(self) -> Study:
        """What is asked of the kinetic equation."""
        return Study(
            self.model,
            tuple(self.scatterers),
            (self.chemical_potential,),
            self.temperatures,
            self.tolerance,
            np.inf if self.time is None else self.time,
            self.replicas,
            self.settings,
            self.observables,
        )

    @cached_property
    def identity(self) -> str:
        """What tells the replicas of this study from those of others, to be compared by :func:`.digest.same`; tolerance
        and limits may change."""
        settings = {k: v for k, v in asdict(self.settings).items() if k not in ("memory", "tolerance")}
        energies = np.array([self.chemical_potential, KB * self.temperatures.max()])  # one may be zero up to rounding
        asked = (energies, self.temperatures, settings, *self.observables)
        return fingerprint(version("sidejump"), SCHEME, self.model, self.scatterers, *asked)

    @cached_property
    def _whole(self) -> Case:
        [case] = plan(self.study)
        return case

    @cached_property
    def _frozen(self) -> np.ndarray:
        """Temperatures without carriers, shape (nT,)."""
        edges = self._kinetic(lambda: self._whole.problem.edges)
        return frozen.without_carriers(edges, self.chemical_potential, self.temperatures)

    @cached_property
    def _case(self) -> Case:
        """The temperatures with carriers."""
        return replace(self._whole, temperatures=self.temperatures[~self._frozen])

    def _transport(self, report: Callable, known, keep: Callable, seconds, hall: bool) -> TransportResult:
        if self._frozen.all():
            skew = self.settings.skew_scattering != "off"
            nothing = frozen.of_no_temperature(self.model.dimension, self._rows, skew=skew)
            return self._apart(frozen.with_frozen(nothing, self._frozen))
        case = self._case.allowing(hall)
        live = Live(report, case.temperatures, self.model)

        def watch(controller, replica):
            keep(self.case, replica)
            live.finished(controller, replica.task)

        known = [replica for of, replica in known or [] if of == self.case]
        chosen = partial(estimate, case, seconds=seconds, known=known, watch=watch, begin=live.begun, advance=live.step)
        if self.executor in ("auto", "threads"):  # each replica by all of them
            found, controller = chosen()
        else:
            shared = case if self.share is None else case.with_share(self.share)
            with make_executor(self.executor, self.workers, shared=shared) as executor:
                found, controller = chosen(executor=executor, sharing=self.share is not None)
        self._finished = [r for some in controller.replicas.values() for r in some]
        result = transport_result(case, found, controller)
        return self._apart(frozen.with_frozen(result, self._frozen) if self._frozen.any() else result)

    def _apart(self, result: TransportResult) -> TransportResult:
        return result.with_heat_apart() if self.settings.heat else result

    @property
    def _rows(self) -> int:
        """Rows of responses beyond the current."""
        return len(self.observables) + (3 * self.model.dimension if self.settings.heat else 0)

    def _kinetic(self, what: Callable):
        try:
            return what()
        except np.linalg.LinAlgError as error:
            raise InputError(
                f"the kinetic equation of this input could not be solved ({error}); look for extreme values"
            ) from error
        except (MemoryError, ValueError) as error:
            too_large = isinstance(error, MemoryError) or "allowed size" in str(error)
            if isinstance(error, InputError) or not too_large:
                raise
            raise InputError(
                f"the shells of {self.temperatures.min():g} K take more memory than there is; raise the lowest "
                "temperature"
            ) from None

    def changed(self, **changes) -> Job:
        """The same with other fields."""
        return replace(self, **changes)

    @staticmethod
    def first_replicas(jobs: list[Job]) -> list[list[tuple[int, Replica]]]:
        """`known` of :meth:`run`, of runs that differ in how strongly their scatterers couple: replicas of the first
        level, computed from the same pairs of states. None of other runs, and none without carriers."""
        found: list[list[tuple[int, Replica]]] = [[] for _ in jobs]
        active = [i for i, job in enumerate(jobs) if not job._frozen.all()]
        if active:
            replicas = jobs[active[0]]._kinetic(lambda: first_replicas([jobs[i]._case for i in active]))
            for i, some in zip(active, replicas, strict=True):
                found[i] = [(jobs[i].case, replica) for replica in some]
        return found

    def forget_shells(self, *, everything: bool = False) -> None:
        """Free the shells of the estimate, or `everything` that a finished run holds."""
        if "_whole" in self.__dict__:
            self._whole.problem.forget_shells()
        if everything:
            for name in ("_whole", "_case"):
                self.__dict__.pop(name, None)

    def run(
        self,
        progress: Callable | None = None,
        known: list[tuple[int, Replica]] | None = None,
        keep: Callable[[int, Replica], None] = lambda *_: None,
        *,
        seconds: float | None = None,
        intrinsic: IntrinsicResult | None = None,
        earlier: xr.Dataset | None = None,
    ) -> xr.Dataset:
        """The dataset.

        Parameters
        ----------
        progress : callable, optional
            ``progress(stage, done, total)``.
        known : list of (int, Replica), optional
            Of an earlier run, with their cases: the work goes on from them.
        keep : callable, optional
            ``keep(case, replica)`` receives every finished replica.
        seconds : float, optional
            Wall time after which no further replica is begun; `time` when not given.
        intrinsic : IntrinsicResult, optional
            The intrinsic part, where it has been computed.
        earlier : xarray.Dataset, optional
            A result of the same study: its intrinsic part is taken where it is good enough.

        Raises
        ------
        InputError
            If `earlier` is a result of another study, or the run cannot be computed as asked.
        """
        if earlier is not None:
            require_study(earlier, self.identity)  # before the work
        report = progress or (lambda *_: None)
        cost = self.estimate()
        clock = _Clock({"seconds_estimate": self.seconds_estimate})
        found = [*self.warnings, *_warnings_of_data(self.scatterers)]
        if self._frozen.any():
            cold = self.temperatures[self._frozen]
            found.append(frozen.sentence(self._whole.problem.edges, self.chemical_potential, cold))
        report("symmetry", 0, 1)
        symmetry, projector = self._symmetry(found)
        operations, scattering = self._kinetic_symmetry(projector)
        report("symmetry", 1, 1)
        clock.lap("symmetry")
        found += warm_sentences(self.model, self.chemical_potential, self.temperatures)
        found += self._kinetic(lambda: coherence_sentences(self._whole.problem))
        found += folding_sentences(self._whole.problem)
        found += skew_sentences(self._whole.problem)
        found += magnon_sentences(self.scatterers, self.temperatures)
        hall = bool(np.any(scattering))
        transport = self._kinetic(lambda: self._transport(report, known, keep, seconds, hall))
        report("kinetic equation", 1, 1)
        clock.lap("kinetic")
        if intrinsic is None and earlier is not None:
            intrinsic = self.known_intrinsic(earlier)
        if intrinsic is None:
            intrinsic = self.intrinsic([self.chemical_potential], self.temperatures[None], report)
        observed = self._intrinsic_of_observables(found)
        heat = self._intrinsic_of_heat(found)
        clock.lap("intrinsic")
        clock.laps["seconds_intrinsic"] = max(clock.laps["seconds_intrinsic"], intrinsic.seconds)
        if not intrinsic.converged:
            found.append(
                f"{NOT_REACHED} {self.intrinsic_tolerance:g}: {intrinsic.points} points, see sigma_intrinsic_error"
            )
        extra = {
            "chemical_potential_eV": self.chemical_potential,
            "scatterers": [s.name for s in self.scatterers],
            "settings": asdict(self.settings)
            | {
                "tolerance": self.tolerance,
                "time": self.time,
                "intrinsic_tolerance": self.intrinsic_tolerance,
                "intrinsic_mesh": self.intrinsic_mesh,
            },
            "identity": self.identity,
            **({"input": self.text} if self.text else {}),
            "data_checks": self.checks
            | {k: v for s in self.scatterers for k, v in getattr(_data(s), "checks", {}).items()},
            "intrinsic_points": intrinsic.points,
            "cost_estimate": cost,
            **clock.report(),
            "peak_memory_bytes": peak_memory(),
        }
        dataset = assemble(
            self.model,
            self.temperatures,
            transport,
            intrinsic.conductivity[0],
            intrinsic.error[0],
            symmetry=symmetry,
            projector=projector,
            scattering_projector=scattering,
            operations=operations,
            extra=extra,
            warnings=found,
            replicas=[to_text(r, self.case) for r in self._finished],
        )
        if observed is not None:
            add_intrinsic(dataset, self.observables, observed)
        if heat is not None:
            add_heat(dataset, transport.heat, *in_si(heat, self.temperatures))
        found = judge(dataset)  # what is withheld is said to be that
        warn(dataset, [*withhold(dataset), *found])
        return dataset

    def _intrinsic_of_observables(self, found: list[str]) -> IntrinsicResponse | None:
        if not self.observables:
            return None
        mu, t, tolerance = self.chemical_potential, self.temperatures, self.intrinsic_tolerance
        result = intrinsic_response(self.model, self.observables, mu, t, tolerance=tolerance)
        if not result.converged:
            found.append(
                f"the intrinsic part of an observable did not reach {tolerance:g}, see response_intrinsic_error"
            )
        return result

    def _intrinsic_of_heat(self, found: list[str]) -> IntrinsicHeat | None:
        if not self.settings.heat:
            return None
        result = intrinsic_heat(
            self.model, self.chemical_potential, self.temperatures, tolerance=self.intrinsic_tolerance
        )
        if not result.converged:
            found.append(
                f"the intrinsic part of the heat current did not reach {self.intrinsic_tolerance:g}, see "
                "thermoelectric_intrinsic_error"
            )
        return result

    def _symmetry(self, found: list[str]) -> tuple[dict, np.ndarray]:
        try:
            symmetry = symmetry_report(self.model, energy=self.chemical_potential)
        except InputError as error:
            found.append(f"the symmetry of the model was not judged ({error})")
            return {}, np.eye(3)
        return symmetry, allowed_projector(self.model, symmetry)

    def _kinetic_symmetry(self, projector) -> tuple[list, np.ndarray]:
        """What results of the kinetic equation must obey, and the Hall vectors that it allows."""
        operations = kinetic_symmetry(self.model, self.scatterers, self.chemical_potential)
        vertices = [s.vertex for s in self.scatterers if hasattr(s, "branches")]
        plain = all(isinstance(v, str) and v == "identity" for v in vertices)
        return operations, projector if plain else scattering_projector(self.model, operations)

    def known_intrinsic(self, dataset: xr.Dataset) -> IntrinsicResult | None:
        """The intrinsic part of an earlier result of this run; None where it has to be computed."""
        return known_intrinsic(dataset, self.intrinsic_tolerance, self.intrinsic_mesh)

    def intrinsic(self, chemical_potentials, temperatures, report: Callable) -> IntrinsicResult:
        """The intrinsic part at chemical potentials (n,), eV, each with its own temperatures (n, nT), K."""
        report("intrinsic part", 0, 1)
        first: list[float] = []

        def advance(points, error):
            # the error falls as a power of the number of points: progress on a logarithmic scale
            if error > 0 and np.isfinite(error):
                first.append(float(error))
                whole = np.log(max(first[0] / self.intrinsic_tolerance, 1.01))
                report("intrinsic part", min(np.log(first[0] / error) / whole, 0.99), 1)

        result = intrinsic_conductivity(
            self.model,
            chemical_potentials,
            temperatures,
            tolerance=self.intrinsic_tolerance,
            mesh=self.intrinsic_mesh,
            progress=advance,
        )
        report("intrinsic part", 1, 1)
        return result


class _Clock:
    """Wall seconds of each part, after those of the parts before."""

    def __init__(self, before: dict[str, float]):
        self.last = time.perf_counter()
        self.laps = dict(before)

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[f"seconds_{name}"], self.last = now - self.last, now

    def report(self) -> dict[str, float]:
        return self.laps | {"seconds": sum(self.laps.values())}


def _data(scatterer):
    """First-principles data that a scatterer rests on, or None."""
    return getattr(scatterer, "data", None)


def _warnings_of_data(scatterers) -> list[str]:
    return [w for s in scatterers for w in getattr(s, "data_warnings", [])]
