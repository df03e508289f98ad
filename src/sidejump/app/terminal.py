"""What a run prints: estimate, progress with the time left, table, warnings.

The table goes to standard output, everything else to standard error.  What draws is imported where it is used:
`sidejump --help` starts without it.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_HALL_PARTS = {
    "intrinsic": "intrinsic",
    "side_jump": "side\njump",
    "side_jump_velocity": "sj\nvelocity",
    "side_jump_distribution": "sj distri-\nbution",
}
_SKEW_PARTS = {"skew": "skew", "gaussian_skew": "Gaussian\nskew"}


def printable(text: str, keep: str = "") -> str:
    """`text` with control characters, marks of direction and halves of characters as escapes (``\\x1b``), save `keep`.

    What files and their names hold must not steer the terminal, nor pass for a line of this program.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


@cache
def _console() -> Console:
    """Standard error: one object, so that lines and progress bars do not overwrite each other."""
    from rich.console import Console

    return Console(stderr=True, emoji=False)


def say(text: str) -> None:
    """One line to standard error; in a terminal as many as it takes, broken between words."""
    console = _console()
    console.print(printable(text), highlight=False, soft_wrap=not console.is_terminal, markup=False)


def write(text: str) -> None:
    """Lines to standard output."""
    sys.stdout.write(printable(text, keep="\n"))


def announce(cost: dict, tolerance: float) -> None:
    """The estimate, before the work."""
    count, last = cost["temperatures"], "no finer one"
    each = f" in each of {cost['workers']} workers" if cost["workers"] > 1 else ""
    say(
        f"estimate: {count} temperature{'s' * (count != 1)}; a replica of the first level: about "
        f"{_short(cost['states'])} states, {_short(cost['pairs'])} pairs, {size(cost['peak_memory_bytes'])}{each}; "
        f"all error bars after about {duration(cost['seconds'])} and {_short(cost['flops'])} operations"
    )
    if cost["levels"]:
        last = f"up to level {cost['levels']} with {size(cost['last_peak_memory_bytes'])}"
    say(
        f"on to {100 * tolerance:g} %: how many levels and replicas that takes the first error bars tell; of the "
        f"levels `memory` in [solver] holds {last}"
    )
    import psutil

    free = psutil.virtual_memory().available
    if cost["workers"] * cost["last_memory_bytes"] > free:
        say(f"note: only {size(free)} of memory are free on this machine; lower `memory` in [solver]")


@contextmanager
def waiting(words: str, quiet: bool) -> Iterator[None]:
    """Something that moves in a terminal as long as this lasts."""
    if quiet or not _console().is_terminal:
        yield
        return
    with _console().status(words):
        yield


@contextmanager
def progress(quiet: bool) -> Iterator:
    """``advance(stage, done, total)``, with a bar and the time left for each stage; lines where there is no terminal.

    ``advance.status(temperatures, estimate, model, replicas, left, allowed)`` shows values so far, and
    ``advance.working(words, fraction, seconds)`` what is being computed, for how long, and how much of it is done.
    """
    if quiet:
        yield lambda *_: None
    elif _console().is_terminal:
        with _bars() as bars:
            yield bars
    else:
        with _Lines(_EVERY) as lines:
            yield lines


class _Bars:
    """A bar for each stage, one for the replica that is computed, and a line of values."""

    def __init__(self, bar):
        self._bar, self._tasks = bar, {}

    def _task(self, name: str, words: str, total: float | None):
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(words, total=total)
        return self._tasks[name]

    def __call__(self, stage: str, done: float, total: float) -> None:
        self._bar.update(self._task(stage, stage, total), completed=done, total=total)

    def status(self, *arguments, label: str = "") -> None:
        words = _status(*arguments)
        self._bar.words = f"{label}: {words}" if label else words

    def working(self, words: str, fraction: float | None, seconds: float) -> None:
        task = self._task("working", words, None if fraction is None else 1.0)
        if fraction is None or seconds == 0 or fraction == 0:
            self._bar.reset(task, description=words, total=None if fraction is None else 1.0)
        else:
            self._bar.update(task, description=words, completed=fraction)


@contextmanager
def _bars() -> Iterator[_Bars]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    left = _console().width - 28  # by figures and the blanks between columns
    columns = (
        TextColumn("{task.description:<16}", markup=False, table_column=Column()),  # gives way where there is no room
        BarColumn(bar_width=max(left // 3, 1), table_column=Column(no_wrap=True)),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("left"),
        TimeRemainingColumn(table_column=Column(no_wrap=True)),
    )

    class Shown(Progress):
        """Bars, and below them in all the width the values so far."""

        words = ""

        def get_renderables(self):
            yield from super().get_renderables()
            if self.words:
                yield Text(self.words)

    with Shown(*columns, console=_console()) as bar:
        yield _Bars(bar)


_EVERY = 60.0  # seconds between lines where there is no terminal


class _Lines:
    """One line every so many seconds of what goes on, as in the file of a batch job, and one for each stage."""

    def __init__(self, every: float):
        self._every, self._end = every, threading.Event()
        self._values, self._work, self._begun = "", "", time.monotonic()
        self._fraction: float | None = None
        self._stages: dict[str, float] = {}
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> _Lines:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._end.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._end.wait(self._every):
            line = "; ".join(part for part in (self._values, self._working()) if part)
            if line:
                say(line)

    def _working(self) -> str:
        if not self._work:
            return ""
        spent = time.monotonic() - self._begun
        words = f"{self._work}, for {spent:.0f} s"
        if self._fraction:
            left = spent * (1 - self._fraction) / self._fraction
            words += f", {100 * self._fraction:.0f} %, {duration(left)} left"
        return words

    def __call__(self, stage: str, done: float, total: float) -> None:
        began = self._stages.setdefault(stage, time.monotonic())
        if done >= total and began > -math.inf:
            say(f"{stage}: {duration(time.monotonic() - began)}")
            self._stages[stage], self._work, self._fraction = -math.inf, "", None
        elif not self._work:
            self._work, self._begun = stage, time.monotonic()

    def status(self, *arguments, label: str = "") -> None:
        words = _status(*arguments)
        self._values = f"{label}: {words}" if label else words

    def working(self, words: str, fraction: float | None, seconds: float) -> None:
        if words != self._work:
            self._begun = time.monotonic() - seconds
        self._work, self._fraction = words, fraction


_SHOWN = 3  # temperatures


def _status(temperatures, estimate, model, replicas: int, left: float, allowed: float) -> str:
    """The side jump so far at a few temperatures, and the time to the tolerance, or to the limit of time (seconds)."""
    import numpy as np

    from ..accuracy.estimates import SIDE_JUMP
    from ..result import antisymmetric_error, hall_vector
    from ..units import conductivity_unit

    factor, unit = conductivity_unit(model.dimension)
    values = hall_vector(estimate.value[:, SIDE_JUMP])
    component = int(np.abs(values).max(axis=0).argmax())
    errors = antisymmetric_error(estimate.error[:, SIDE_JUMP], component)
    order = np.argsort(temperatures)
    chosen = order[np.unique(np.linspace(0, len(order) - 1, _SHOWN).astype(int))]
    scale = factor * model.spin_degeneracy
    shown = ", ".join(
        f"{temperatures[i]:.4g} K {with_error(scale * values[i, component], scale * errors[i])}" for i in chosen
    )
    rest = f", {duration(left)} to the tolerance" if np.isfinite(left) else ""
    if left > allowed:
        rest += f", of which `time` allows {duration(allowed)}" if allowed > 0 else ", and the time is up"
    return f"side jump {shown} {unit}; {replicas} replica{'s' * (replicas != 1)}{rest}"


def with_error(value: float, error: float) -> str:
    """A value with its standard error in brackets, in units of its last digits: ``105.6(12)``."""
    if not (math.isfinite(value) and math.isfinite(error)):
        return f"{number(value)}(?)" if math.isfinite(value) else "nan"
    if error <= 0 or error < 1e-6 * abs(value):
        return number(value)
    exponent = math.floor(math.log10(error))
    digits = 1 - exponent  # two digits of the error
    if round(error * 10.0**digits) >= 100:
        digits -= 1
    top = math.floor(math.log10(max(abs(value), error)))
    if -3 <= top < 5 and digits <= 8:
        places = max(digits, 0)
        shown = round(error * 10.0**places) if places else round(error)
        return f"{value:.{places}f}({shown})"
    places = max(digits + top, 0)
    mantissa = value / 10.0**top
    return f"{mantissa:.{places}f}({round(error / 10.0**top * 10.0**places)})e{top}"


def finding(name: str, words: str, found: float | None, allowed: float | None, passed: bool) -> str:
    """A line of a table of tests: mark, name, figure, what is allowed, and what it is."""
    mark = "   -" if found is None else "pass" if passed else "FAIL"
    figures = f"{'':21}" if found is None else f"{found:8.1e}  (<{allowed:8.1e})"
    return f"{mark}  {name:<13}{figures}  {words}\n"


_WIDEST = 400  # columns of a terminal


def print_table(dataset) -> None:
    """The parts against temperature with their errors; of a scan one table after the other."""
    from rich.console import Console
    from rich.measure import Measurement

    from ..result import SCANS, has_heat, main_component, observables_of, scan_dimension

    out = Console(emoji=False, markup=False)

    def show(table):  # digits before beauty, in narrow windows too: nothing is cut
        out.width = max(out.width, Measurement.get(out, out.options.update(max_width=_WIDEST), table).maximum)
        out.print(table)

    name, component = scan_dimension(dataset), main_component(dataset)
    if name is None:
        show(_table(dataset, component))
        if observables_of(dataset):
            show(_observables(dataset))
        if has_heat(dataset):
            show(_heat(dataset, component))
        return
    unit = dataset[name].attrs["units"]
    for i, value in enumerate(dataset[name].values):
        head = f"{SCANS[name]} {value:g} {unit}"
        show(_table(dataset.isel({name: i}), component, head))
        if observables_of(dataset):
            show(_observables(dataset.isel({name: i}), head))
        if has_heat(dataset):
            show(_heat(dataset.isel({name: i}), component, head))


def _table(dataset, component: int, head: str = "") -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..result import component_label, hall_error, hall_part, has_skew, not_included

    parts = _HALL_PARTS | (_SKEW_PARTS if has_skew(dataset) else {})
    title = (
        f"conductivity in {dataset.attrs['units']}; Hall parts: antisymmetric {component_label(component)} element, "
        f"{not_included(dataset)}"
    )
    title = f"{head}: {title}" if head else title
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    unit = dataset.resistivity.attrs["units"]
    for name in ("T\n(K)", f"rho_xx\n({unit.replace('microohm', 'uohm')})", "\nsigma_xx", *parts.values()):
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    xx = dataset.sel(a="x", b="x")
    columns = [
        (xx.resistivity.values, xx.resistivity_error.values),
        (xx.sigma_boltzmann.values, xx.sigma_boltzmann_error.values),
        *((hall_part(dataset, name, component), hall_error(dataset, name, component)) for name in parts),
    ]
    for i, t in enumerate(dataset.temperature.values):
        table.add_row(f"{t:.4g}", *(with_error(values[i], errors[i]) for values, errors in columns))
    table.caption, table.caption_justify = _quasi_elastic(dataset), "left"
    return table


def _heat(dataset, component: int, head: str = "") -> Table:
    """Thermopower, Nernst signal and thermal conductivity against temperature."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..result import NOT_INCLUDED, component_label, hall_of, mean_of

    label = component_label(component)
    title = f"heat, {NOT_INCLUDED}: means of the diagonals, antisymmetric {label} elements"
    title = f"{head}: {title}" if head else title
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    columns = []
    for words, name, read in (
        ("Seebeck", "seebeck", mean_of),
        ("Nernst", "seebeck", partial(hall_of, component=component)),
        (f"thermoelectric {label}\nintrinsic", "thermoelectric_intrinsic", partial(hall_of, component=component)),
        (f"thermoelectric {label}\nside jump", "thermoelectric_side_jump", partial(hall_of, component=component)),
        ("thermal\nconductivity", "thermal_conductivity", mean_of),
        (f"thermal {label}\n(Righi-Leduc)", "thermal_conductivity", partial(hall_of, component=component)),
    ):
        columns.append((f"{words}\n({dataset[name].attrs['units']})", read(dataset, name)))
    table.add_column("T\n(K)", justify="right", no_wrap=True, vertical="bottom")
    for words, _ in columns:
        table.add_column(words, justify="right", no_wrap=True, vertical="bottom")
    table.add_column("L/L0", justify="right", no_wrap=True, vertical="bottom")
    lorenz, lorenz_error = dataset.lorenz_ratio.values, dataset.lorenz_ratio_error.values
    for i, t in enumerate(dataset.temperature.values):
        cells = [with_error(values[i], errors[i]) for _, (values, errors) in columns]
        table.add_row(f"{t:.4g}", *cells, with_error(lorenz[i], lorenz_error[i]))
    return table


def _observables(dataset, head: str = "") -> Table:
    """Observables, fields to which they answer, temperatures: one row for each."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..result import answering_fields, not_included, observables_of, observed_parts, shown_response

    shown = observed_parts(dataset)
    words = "densities for each eV/angstrom of force -eE; what flows as a conductivity"
    title = f"observables, {not_included(dataset)}: {words}"
    title = f"{head}: {title}" if head else title
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("observable", "unit", "field"):
        table.add_column(name, no_wrap=True, vertical="bottom")
    for name in ("T\n(K)", *shown.values()):
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    for name in observables_of(dataset):
        unit = str(dataset.observable_shown_unit.sel(observable=name).item())
        parts = [shown_response(dataset, part, name) for part in shown]
        for b in answering_fields(dataset, name):
            for i, t in enumerate(dataset.temperature.values):
                cells = [with_error(values[i, b], errors[i, b]) for values, errors in parts]
                table.add_row(name, unit, str(dataset.b.values[b]), f"{t:.4g}", *cells)
    return table


def _quasi_elastic(dataset) -> str | None:
    """What the errors of a result with one energy node leave out."""
    if "inelastic_change" not in dataset:
        return None
    change = dataset.inelastic_change.dropna("temperature")
    worst, at = max(zip(change.values, change.temperature.values, strict=True))
    return (
        "quasi-elastic theory (energy_nodes = 1), and errors within it: three nodes change the result by up to "
        f"{100 * worst:.2g} % ({at:.4g} K)"
    )


def number(value: float) -> str:
    """Four significant digits in at most nine characters."""
    if value and not 1e-3 <= abs(value) < 9999.5:
        mantissa, _, exponent = f"{value:.3e}".partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return f"{value:#.4g}".rstrip(".")


def _short(count: float) -> str:
    return f"{count:,.0f}" if count < 1e5 else f"{count:.1e}"


def size(count: float) -> str:
    """Bytes for readers, two digits."""
    if count < 1e6:
        return "less than 1 MB"
    value, unit = float(f"{count:.2g}") / 1e6, "MB"  # rounded first: 999.9 MB are 1 GB
    if value >= 1e3:
        value, unit = value / 1e3, "GB"
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for readers."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
