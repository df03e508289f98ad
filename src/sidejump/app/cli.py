"""Command line: `sidejump run`, `figure1`, `input-reference`."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from ..errors import InputError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
console = Console(stderr=True)


@app.command()
def run(
    source: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Result, netCDF.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No table, no progress.")] = False,
) -> None:
    """Compute the conductivity tensor of an input file."""
    from . import config, plots, results
    from .run import run as compute

    settings = config.read_input(source)
    target = output or Path(settings.output.file or source.with_suffix(".nc").name)
    figure = Path(settings.output.figure) if settings.output.figure else target.with_suffix(".png")
    for path in (target, figure):
        results.check_target(path, force=force)
    with _progress(quiet) as advance:
        dataset = compute(source, progress=advance, announce=None if quiet else _announce)
    results.write(dataset, target, force=force)
    plots.result_figure(dataset, figure)
    if not quiet:
        Console().print(_table(dataset))
    for sentence in json.loads(dataset.attrs["warnings"]):
        console.print(f"warning: {sentence}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"wrote {target} and {figure}", highlight=False, soft_wrap=True)


@app.command()
def figure1(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG file.")] = Path("figure1.png"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Draw Fig. 1 of the paper: closed form and exact inelastic solution."""
    from . import plots, results
    from .figure1 import figure1_curves

    results.check_target(output, force=force)
    with _progress(False) as advance:
        curves = figure1_curves(progress=lambda done, total: advance("exact inelastic solution", done, total))
    plots.figure1(curves, output)
    report = curves["report"]
    console.print(
        f"{len(curves['t'])} temperatures, up to {report['states']} unknowns, {report['seconds']:.1f} s; "
        f"wrote {output}",
        highlight=False,
    )


@app.command("input-reference")
def input_reference() -> None:
    """Print the documentation of the input file."""
    from .reference import markdown

    sys.stdout.write(markdown())


@app.command()
def version() -> None:
    """Print the version."""
    sys.stdout.write(package_version("sidejump") + "\n")


def _announce(cost: dict) -> None:
    console.print(
        f"{cost['temperatures']} temperatures, about {cost['states']:,} states and {cost['pairs']:,.0f} pairs, "
        f"{cost['memory_bytes'] / 1e9:.2g} GB, {cost['seconds']:.0f} s for the kinetic part",
        highlight=False,
    )


@contextmanager
def _progress(quiet: bool):
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as bar:
        tasks: dict = {}

        def advance(stage, done, total):
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield advance


def _table(dataset) -> Table:
    unit = dataset.attrs["units"]
    table = Table(title=f"conductivity, {unit}; Hall parts: antisymmetric yx component")
    resistivity = f"rho_xx ({dataset.resistivity.attrs['units']})"
    for name in ("T (K)", resistivity, "sigma_xx", "intrinsic", "side jump", "sj velocity", "sj distribution"):
        table.add_column(name, justify="right")

    def hall(name, t):
        value = dataset[f"sigma_{name}"].sel(temperature=t)
        return float(0.5 * (value.sel(a="y", b="x") - value.sel(a="x", b="y")))

    for t in dataset.temperature.values:
        row = dataset.sel(temperature=t, a="x", b="x")
        parts = [hall(n, t) for n in ("intrinsic", "side_jump", "side_jump_velocity", "side_jump_distribution")]
        values = [t, float(row.resistivity), float(row.sigma_boltzmann), *parts]
        table.add_row(*(f"{v:.5g}" for v in values))
    return table


def main() -> None:
    """Entry point: a user's mistake is one sentence and exit status 2."""
    try:
        app()
    except InputError as error:
        console.print(f"error: {error}", highlight=False, soft_wrap=True, markup=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
