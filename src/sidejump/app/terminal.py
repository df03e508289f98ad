"""What a run prints: estimate, progress with the time left, table, warnings.

The table goes to standard output, everything else to standard error.  What draws is imported where it is used:
`sidejump --help` starts without it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
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

    return Console(stderr=True)


def say(text: str) -> None:
    """One line to standard error."""
    _console().print(printable(text), highlight=False, soft_wrap=True, markup=False)


def write(text: str) -> None:
    """Lines to standard output."""
    sys.stdout.write(printable(text, keep="\n"))


def announce(cost: dict, room: float | None = None) -> None:
    """The estimate, before the work; `room`: bytes that there are for a checkpoint."""
    say(
        f"estimate: {cost['temperatures']} temperature{'s' * (cost['temperatures'] != 1)}, "
        f"about {_short(cost['states'])} states, "
        f"{_short(cost['pairs'])} pairs, {size(cost['peak_memory_bytes'])}, {_short(cost['flops'])} operations, "
        f"{_duration(cost['seconds'])}"
    )
    import psutil

    free = psutil.virtual_memory().available
    if cost["memory_bytes"] > free:
        say(f"note: only {size(free)} of memory are free on this machine; lower `memory` in [solver]")
    if room is not None and cost["checkpoint_bytes"] > room:
        say(
            f"note: the pairs take up to {size(cost['checkpoint_bytes'])} in the checkpoint, which has room for "
            f"{size(room)}: an interruption would lose the others"
        )


@contextmanager
def progress(quiet: bool) -> Iterator:
    """``advance(stage, done, total)``, with a bar and the time left for each stage."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=28),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console(), disable=quiet) as bar:
        tasks: dict = {}

        def advance(stage, done, total):
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield advance


def print_table(dataset) -> None:
    """The parts against temperature, four digits each, within 80 columns."""
    from rich.console import Console

    out = Console()
    out.width = max(out.width, 80)  # digits before beauty, in narrow windows too
    out.print(_table(dataset))


def _table(dataset) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from ..result import NOT_INCLUDED, component_label, hall_part, main_component

    component = main_component(dataset)
    title = (
        f"conductivity in {dataset.attrs['units']}; Hall parts: antisymmetric {component_label(component)} element, "
        f"{NOT_INCLUDED}"
    )
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    unit = dataset.resistivity.attrs["units"]
    for name in ("T\n(K)", f"rho_xx\n({unit.replace('microohm', 'uohm')})", "\nsigma_xx", *_HALL_PARTS.values()):
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    xx = dataset.sel(a="x", b="x")
    columns = [
        dataset.temperature.values,
        xx.resistivity.values,
        xx.sigma_boltzmann.values,
        *(hall_part(dataset, name, component) for name in _HALL_PARTS),
    ]
    for t, *row in zip(*columns, strict=True):
        table.add_row(f"{t:.4g}", *(number(v) for v in row))
    return table


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


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
