"""What is asked, how it is going to be computed, and the computation: three steps, each made from the one before.

study = Study(model, interactions, chemical_potentials, temperatures, tolerance)
estimates = estimate(plan(study))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..bands.observables import Observable, checked_observables
from ..errors import InputError, TooLarge
from ..groups.rules import require_rules
from ..notebook import card
from ..pairs.executor import Executor
from ..pairs.worker import tell
from ..threads import one_matrix_thread
from ..transport.geometry_choice import choose_geometries
from ..transport.problem import Problem
from ..transport.settings import TransportSettings
from ..transport.term import Term
from ..transport.terms import planned
from .composition import Composition
from .controller import ALL_REPLICAS, FIRST_REPLICAS, Controller, Limits
from .counted import Demands
from .estimates import Estimate
from .replica import Replica, Task, accuracy_of, compute, compute_each

TOLERANCE = 0.01
"""Relative standard error that a result has if nothing else is asked for."""

PARTIAL = 0.2
"""Of the tolerance of a result: what energy nodes, geometries and windows may each leave."""


@dataclass(frozen=True, eq=False)
class Study:
    """What is asked.

    Attributes
    ----------
    model : ElectronModel
    interactions : tuple
        What scatters.
    chemical_potentials : tuple of float
        eV.
    temperatures : ndarray, shape (nT,)
        K.
    tolerance : float
        Relative standard error wanted for conductivity and side jump at every temperature: relative to the largest
        element of the tensor, or to 3 % of what cancels in the side jump if that is more.
    seconds : float
        Wall time after which no further replica is begun.
    replicas : range
        Numbers of the replicas of each level that may be computed; those of other machines lie outside.
    settings : TransportSettings
        Choices of experts; what they leave open the plan chooses.
    observables : tuple of Observable
        What else the field drives; the tolerance is that of the charge current.
    """

    model: Any
    interactions: tuple
    chemical_potentials: tuple[float, ...]
    temperatures: np.ndarray
    tolerance: float = TOLERANCE
    seconds: float = np.inf
    replicas: range = ALL_REPLICAS
    settings: TransportSettings = field(default_factory=TransportSettings)
    observables: tuple[Observable, ...] = ()

    def _repr_html_(self) -> str:
        values = {
            "model": self.model,
            "scatterers": ", ".join(s.name for s in self.interactions),
            "chemical potentials (eV)": ", ".join(f"{x:g}" for x in self.chemical_potentials),
            "temperatures (K)": ", ".join(f"{x:g}" for x in self.temperatures),
            "tolerance": self.tolerance,
        }
        if self.observables:
            values["observables"] = ", ".join(x.name for x in self.observables)
        return card("Study", values)

    def __post_init__(self):
        object.__setattr__(self, "interactions", tuple(self.interactions))
        object.__setattr__(self, "temperatures", np.asarray(self.temperatures, dtype=float))
        object.__setattr__(self, "chemical_potentials", tuple(float(mu) for mu in self.chemical_potentials))
        object.__setattr__(self, "observables", checked_observables(self.observables, self.model))
        if not self.tolerance > 0:
            raise InputError(f"tolerance = {self.tolerance}: must be above 0 (relative standard error wanted)")
        if not self.seconds > 0:
            raise InputError(f"time = {self.seconds}: must be above 0 (seconds)")
        if not self.interactions:
            raise InputError("no scatterer given: the conductivity would be infinite; add one")
        if not self.chemical_potentials:
            raise InputError("chemical_potential: give at least one (eV)")
        require_rules(self.model, self.observables, self.chemical_potentials[0])
        if self.temperatures.ndim != 1 or not len(self.temperatures) or not np.all(self.temperatures > 0):
            raise InputError(f"temperatures = {self.temperatures.tolist()} must be a list of positive numbers (K)")


@dataclass(frozen=True, eq=False)
class Case:
    """One chemical potential of a study and the terms that its temperatures are the sum of.

    Attributes
    ----------
    study : Study
    problem : Problem
        Of the plain points; those of replicas are made from it.
    temperatures : ndarray
        K, those with carriers.
    hall : bool
        Whether symmetry allows a Hall effect: where it does not, the error of the side jump is no aim.
    """

    study: Study
    problem: Problem
    temperatures: np.ndarray
    hall: bool = True

    @cached_property
    def _geometries(self) -> tuple[list[str], list[float]]:
        with one_matrix_thread():
            return choose_geometries(self.problem, self.temperatures)

    def allowing(self, hall: bool) -> Case:
        """The same with another `hall`; the geometries stay chosen."""
        return self._changed(hall=hall)

    def with_share(self, share: float) -> Case:
        """The same replicas with so many bytes of the memory for each, refused where they take more.

        The geometries stay chosen.
        """
        problem = copy(self.problem)
        problem.share = share
        return self._changed(problem=problem)

    def _changed(self, **changes) -> Case:
        other = replace(self, **changes)
        other.__dict__["_geometries"] = self._geometries
        return other

    @property
    def geometry(self) -> list[str]:
        """How the energies of each temperature are treated."""
        return self._geometries[0]

    @property
    def geometry_difference(self) -> list[float]:
        """What another geometry changes at each temperature, where that was measured."""
        return self._geometries[1]

    @cached_property
    def terms(self) -> dict[str, tuple[Term, list[int]]]:
        """Terms by name, with the places of the temperatures that each is computed for."""
        return {term.name: (term, places) for term, places in planned(self.problem, self.geometry)}

    def controller(self, seconds: float = np.inf) -> Controller:
        """What chooses the replicas; `seconds`: wall time that is left."""
        limits = Limits(self.study.tolerance, seconds)
        settings = self.problem.settings
        demands = Demands.of(settings.tolerance, settings.energy_nodes, settings.memory)
        return Controller(self.composition, limits, numbers=self.study.replicas, demands=demands, groups=self.groups)

    def groups(self, name: str, level: int) -> list[list[int]]:
        """Temperatures of a term that are computed together at a level, by their places, from hot to cold."""
        if (name, level) not in self._grouped:
            term, places = self.terms[name]
            laid = self.problem.laid(accuracy_of(level, self.problem.model.dimension, term), 0)
            groups = term.groups(laid, self.temperatures[places])
            self._grouped[name, level] = [[places[i] for i in group] for group in groups]
        return self._grouped[name, level]

    @cached_property
    def _grouped(self) -> dict[tuple[str, int], list[list[int]]]:
        return {}

    @property
    def composition(self) -> Composition:
        """What the result is the sum of."""
        return Composition(
            self.temperatures,
            {name: term.first for name, (term, _) in self.terms.items()},
            {name: places for name, (_, places) in self.terms.items()},
            np.asarray(self.geometry_difference, dtype=float),
            self.hall,
        )

    def compute(self, task: Task, advance: Callable[[float], None] = lambda _: None) -> Replica:
        """The replica of a task."""
        return compute(self.problem, self.terms[task.term][0], task, self.temperatures, advance)


def plan(study: Study) -> list[Case]:
    """How a study is going to be computed: one case for each chemical potential.

    Data of the interactions and the symmetry of the bands are prepared once for all of them.
    """
    settings = replace(study.settings, tolerance=PARTIAL * study.tolerance)
    cases: list[Case] = []
    for mu in study.chemical_potentials:
        problem = Problem(study.model, list(study.interactions), mu, settings, study.observables)
        cases.append(Case(study, problem, study.temperatures))
    return cases


def first_replicas(cases: Sequence[Case]) -> list[list[Replica]]:
    """Replicas of the first level, where those of several cases can be computed from the same pairs of states: `known`
    of :func:`estimate`.

    Parameters
    ----------
    cases : sequence of Case

    Returns
    -------
    list of list of Replica
        Of each case; none of those that differ from all others in more than how strongly their scatterers couple.
    """
    found: list[list[Replica]] = [[] for _ in cases]
    todo = list(range(len(cases)))
    while todo:
        first = cases[todo[0]]
        alike = [i for i in todo if first.problem.differs_in_strength(cases[i].problem, first.temperatures)]
        todo = [i for i in todo if i not in alike]
        for name, (term, places) in first.terms.items():
            some = [i for i in alike if cases[i].terms.get(name, (term, None))[1] == places] if term.together else []
            if len(some) < 2:
                continue
            problems = [cases[i].problem for i in some]
            for number in first.study.replicas[:FIRST_REPLICAS]:
                task = Task(name, 0, number, tuple(places))
                for i, replica in zip(some, compute_each(problems, term, task, first.temperatures), strict=True):
                    found[i].append(replica)
    return found


Watch = Callable[[Controller, Replica], None]
"""Called after every replica."""


def estimate(
    case: Case,
    *,
    seconds: float | None = None,
    known: list[Replica] | None = None,
    executor: Executor | None = None,
    sharing: bool = False,
    watch: Watch = lambda *_: None,
    begin: Callable[[list[Task]], None] = lambda _: None,
    advance: Callable[[Task, float], None] = lambda *_: None,
) -> tuple[Estimate, Controller]:
    """Replicas until the tolerance is reached, or a limit.

    Parameters
    ----------
    case : Case
    seconds : float, optional
        Wall time after which no further replica is begun; that of the study when not given.
    known : list of Replica, optional
        Of an earlier run of the same study, perhaps with another tolerance: the work goes on from those that count.
    executor : Executor, optional
        Made with the case as the shared object; without one replicas are computed here, one after the other, each by
        all threads.
    sharing : bool
        Whether the workers stand in for the threads of this process, each with a share of its memory
        (:meth:`Case.with_share`): the replicas are those that would be computed without them, and what does not fit
        there is computed here.
    watch : callable, optional
        Called after every replica.
    begin : callable, optional
        Called with the tasks that an executor is given.
    advance : callable, optional
        Called with a task and the fraction of it that a step has done, 0 when it begins; of workers where they tell.

    Raises
    ------
    InputError
        If the study cannot be computed as asked, or memory does not suffice for the coarsest level.
    """
    controller = case.controller(case.study.seconds if seconds is None else seconds)
    for replica in known or []:
        controller.add(replica)
    controller.before = sum(r.seconds for some in controller.replicas.values() for r in some)

    def here(task: Task) -> Replica:
        advance(task, 0.0)
        return case.compute(task, partial(advance, task))

    def by_workers(executor: Executor, tasks: list[Task]) -> Iterator[Replica]:
        begin(tasks)
        left = []
        for index, replica in executor.as_completed(_if_it_fits if sharing else _replica, tasks):
            if replica is None:
                left.append(tasks[index])
            else:
                yield replica
        if left:
            begin(left)
        yield from map(here, left)

    def run(tasks: list[Task]) -> Iterator[Replica]:
        for replica in map(here, tasks) if executor is None else by_workers(executor, tasks):
            yield replica
            watch(controller, replica)

    if executor is not None:
        if not sharing:
            controller.batch = max(FIRST_REPLICAS, executor.workers)
        executor.told = lambda message: advance(*message)
    return controller.run(run), controller


def _replica(case: Case, task: Task) -> Replica:
    """What a worker computes."""
    step = partial(_tell_step, task)
    step(0.0)
    return case.compute(task, step)


def _if_it_fits(case: Case, task: Task) -> Replica | None:
    """The same; None where its memory does not suffice."""
    try:
        return _replica(case, task)
    except TooLarge:
        return None


def _tell_step(task: Task, fraction: float) -> None:
    tell((task, fraction))
