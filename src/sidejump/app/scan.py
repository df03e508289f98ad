"""Several chemical potentials, or carrier densities, of one model: a run for each, one dataset of them all.

Model and scatterers are the same objects in every run, with what they have prepared.
"""

from __future__ import annotations

import json
import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
import xarray as xr

from ..accuracy.replica import Replica
from ..bands.base import ElectronModel
from ..errors import InputError
from ..intrinsic import MOST_POINTS, IntrinsicResult
from ..intrinsic.density import solve_chemical_potential
from ..intrinsic.filling import Fillings
from ..pairs.digest import joined
from ..surfaces.warm import require_not_too_hot
from .arguments import checked_levels, checked_temperatures
from .cases import Layout, apart, together
from .earlier import require_study

_LEAST_SECONDS = 1e-3
_SUMMED = ("flops", "seconds", "temperatures")
_DENSITY = 1e-3  # relative error of a carrier density that is worth no word


def scanned(make: Callable[..., Any], model, chemical_potential, carrier_density, temperatures) -> Any:
    """The run of one chemical potential (what `make` gives), or a :class:`Scan` of several.

    Parameters
    ----------
    make : callable
        ``make(chemical_potential=..., temperatures=..., case=..., time=...)`` gives one run.
    model : ElectronModel
    chemical_potential : float or sequence of float
        eV.
    carrier_density : float, sequence of float or None
        cm^-d, relative to the bands that are full up to the chemical potential at zero temperature.
    temperatures : sequence of float
        K.

    Raises
    ------
    InputError
        If there are several chemical potentials as well as densities, or a density cannot be had.
    """
    several = np.ndim(chemical_potential) > 0
    if carrier_density is None and not several:
        return make(chemical_potential=chemical_potential, temperatures=temperatures)
    levels = checked_levels("chemical_potential", chemical_potential, "eV")
    temperatures = checked_temperatures(temperatures)
    if carrier_density is None:
        jobs = [make(chemical_potential=mu, temperatures=temperatures, case=i) for i, mu in enumerate(levels)]
        return Scan(jobs, Layout("chemical_potential", levels), [f"chemical potential {mu:g} eV" for mu in levels])
    if several:
        raise InputError(
            "carrier_density needs one chemical_potential, up to which the bands of the neutral crystal are full; give "
            "either a list of chemical potentials or densities"
        )
    if not isinstance(model, ElectronModel):
        raise InputError(f"model = {model!r}: give an electron model, such as sidejump.MassiveDirac(...)")
    unit = f"cm^-{model.dimension}"
    densities = checked_levels("carrier_density", carrier_density, unit)
    jobs, labels, found = [], [], []
    require_not_too_hot(model, temperatures)
    fillings = None if model.cell is None else Fillings(model, levels[0])
    for density in densities:
        for t in temperatures:
            mu, error = solve_chemical_potential(model, density, float(t), neutral=levels[0], fillings=fillings)
            if error > _DENSITY:
                words = f"the chemical potential of {density:g} {unit} at {t:.4g} K"
                found.append(f"{words} has this density to {100 * error:.2g} %")
            jobs.append(make(chemical_potential=mu, temperatures=[t], case=len(jobs)))
            labels.append(f"carrier density {density:g} {unit}, {t:.4g} K")
    name = "doping" if np.ndim(carrier_density) else None
    return Scan(jobs, Layout(name, densities, temperatures, model.dimension), labels, found)


def _of_all(costs: list[dict]) -> dict[str, Any]:
    """Cost of runs one after the other: sums of what adds up, else that of the largest; of a list at each place."""
    total: dict[str, Any] = {}
    for name in costs[0]:
        values = [cost[name] for cost in costs]
        if name in _SUMMED:
            total[name] = sum(values)
        elif isinstance(values[0], list):
            total[name] = [max(here) for here in zip_longest(*values, fillvalue=0.0)]
        else:
            total[name] = max(values)
    return total


@dataclass
class Scan:
    """Runs of one model at several chemical potentials; the same methods as those of one.

    Attributes
    ----------
    jobs : list of Job
    layout : Layout
        How their results go together.
    labels : list of str
        What each is, for the reader.
    warnings : list of str
    """

    jobs: list[Any]
    layout: Layout
    labels: list[str]
    warnings: list[str] = field(default_factory=list)

    @property
    def tolerance(self) -> float:
        """Relative standard error wanted."""
        return self.jobs[0].tolerance

    @property
    def temperatures(self) -> np.ndarray:
        """K, those of every run one after the other."""
        return np.concatenate([job.temperatures for job in self.jobs])

    @cached_property
    def identity(self) -> str:
        """What tells the replicas of this scan from those of others."""
        return joined(job.identity for job in self.jobs)

    def changed(self, **changes) -> Scan:
        """The same with other fields of every run."""
        return Scan([job.changed(**changes) for job in self.jobs], self.layout, self.labels, self.warnings)

    def estimate(self, *, processes: bool = False) -> dict:
        """States, pairs and bytes of the largest run; operations and seconds of all. See :meth:`Job.estimate`.

        Raises
        ------
        InputError
            If a run cannot be computed as asked.
        """
        costs = []
        for job, label in zip(self.jobs, self.labels, strict=True):
            try:
                costs.append(job.estimate(processes=processes))
            except InputError as error:
                raise InputError(f"{label}: {error}") from None
            job.forget_shells()
        return _of_all(costs)

    def run(
        self,
        progress: Callable | None = None,
        known: list[tuple[int, Replica]] | None = None,
        keep: Callable[[int, Replica], None] = lambda *_: None,
        *,
        earlier: xr.Dataset | None = None,
    ) -> xr.Dataset:
        """The dataset of all; the arguments of :meth:`Job.run`.

        Of the wall time every run has an equal share of what those before it have left.
        """
        if earlier is not None:
            require_study(earlier, self.identity)  # before the work
        self.estimate()
        report = progress or (lambda *_: None)
        intrinsic = self._known(earlier) or self._intrinsic(report)
        limit, count, started = self.jobs[0].time, len(self.jobs), clock.perf_counter()
        parts = []
        for i, job in enumerate(self.jobs):
            seconds = None
            if limit is not None:
                seconds = max((limit - clock.perf_counter() + started) / (count - i), _LEAST_SECONDS)
            shown = None if progress is None else _Part(progress, i, count, self.labels[i])
            parts.append(job.run(shown, known, keep, seconds=seconds, intrinsic=intrinsic[i]))
            job.forget_shells(everything=True)
        dataset = together(parts, self.layout, self.labels)
        dataset.attrs["identity"] = self.identity
        dataset.attrs["warnings"] = [*self.warnings, *dataset.attrs["warnings"]]
        dataset.attrs["cost_estimate"] = json.dumps(_of_all([json.loads(p.attrs["cost_estimate"]) for p in parts]))
        return dataset

    def _known(self, earlier: xr.Dataset | None) -> list[IntrinsicResult] | None:
        """The intrinsic part of every run from an earlier result of the scan; None where one has to be computed."""
        if earlier is None or "cases" not in earlier:
            return None
        known = [job.known_intrinsic(part) for job, part in zip(self.jobs, apart(earlier)[0], strict=True)]
        found = [intrinsic for intrinsic in known if intrinsic is not None]
        return found if len(found) == len(known) else None

    def _intrinsic(self, report: Callable) -> list[IntrinsicResult | None]:
        """The intrinsic part of every run: of a crystal on one mesh for as many as memory holds.

        Bands and Berry curvature at a point serve all chemical potentials and temperatures; rays of k.p models are cut
        at each chemical potential, and every run has its own.
        """
        first = self.jobs[0]
        if first.model.cell is None:
            return [None] * len(self.jobs)
        values = max(job.temperatures.size for job in self.jobs) * first.model.dimension
        count = max(1, int(_HELD * first.settings.memory / (_BYTES * values * MOST_POINTS)))
        found: list[IntrinsicResult | None] = []
        for start in range(0, len(self.jobs), count):
            some = self.jobs[start : start + count]
            levels, temperatures = (
                [job.chemical_potential for job in some],
                np.stack([job.temperatures for job in some]),
            )
            result = first.intrinsic(levels, temperatures, report)
            found += [result.of(i) for i in range(len(some))]
        return found


_HELD, _BYTES = 0.5, 10.0
"""Share of the memory that the intrinsic part of several runs may take, and bytes of each of its numbers at a point."""


class _Part:
    """Progress of one run of several as a part of the whole."""

    def __init__(self, progress: Callable, number: int, count: int, label: str):
        self._progress, self._number, self._count = progress, number, count
        self._label = f"{label} ({number + 1} of {count})"

    def __call__(self, stage: str, done: float, total: float) -> None:
        self._progress(stage, self._number + (done / total if total else 1.0), self._count)

    def status(self, *arguments) -> None:
        """What is known so far, with what it is of."""
        getattr(self._progress, "status", lambda *_, **__: None)(*arguments, label=self._label)

    def working(self, *arguments) -> None:
        """What is being computed."""
        getattr(self._progress, "working", lambda *_: None)(*arguments)
