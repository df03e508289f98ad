"""Command line: `sidejump run`, `plot`, `figure1`, `template`, `models`, `info`, `convert`, `input-reference`."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, SidejumpWarning
from .guard import guarded
from .terminal import announce, print_table, progress, say, size, write

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"sidejump {version('sidejump')}\n")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Anomalous Hall conductivity of crystals limited by electron-phonon scattering."""
    if context.invoked_subcommand is None:
        write(context.get_help() + "\n")


@app.command()
def run(
    source: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Result, netCDF.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew, whatever an interrupted run has left.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No estimate, progress or table.")] = False,
) -> None:
    """Compute the conductivity tensor of an input file."""
    from .. import outputs
    from . import config
    from .claim import claim

    settings = config.read_input(source)
    target = output or Path(settings.output.file or source.with_suffix(".nc").name)
    inputs = tuple(config.files_read(source, settings))
    outputs.check_target(target, force=force, endings=outputs.DATASETS, inputs=inputs)
    figure = Path(settings.output.figure) if settings.output.figure else target.with_suffix(".png")
    outputs.check_target(figure, force=force, endings=outputs.FIGURES, inputs=inputs)
    with claim(target) as place:
        outputs.require_absent(target, force=force)  # another run may have just ended
        _run(source, target, figure, place, force=force, fresh=fresh, quiet=quiet, keep=settings.output.checkpoint)


def _run(source: Path, target: Path, figure: Path, place, *, force: bool, fresh: bool, quiet: bool, keep: bool) -> None:
    """The run itself, with its output claimed; `keep`: whether pairs go into a checkpoint."""
    from ..plot import temperature
    from . import results
    from .run import prepare

    job = prepare(source)
    place.reserve(results.largest_size(len(job.temperatures)))
    checkpoint = _checkpoint(job, target, fresh) if keep else None
    cost = job.estimate()  # refuses what does not fit into the memory
    if not quiet:
        announce(cost, room=None if checkpoint is None else checkpoint.room)
    with warnings.catch_warnings(record=True) as caught, progress(quiet) as advance:
        for category in (RuntimeWarning, SidejumpWarning):
            warnings.simplefilter("always", category)
        try:
            dataset = job.run(advance)
        except KeyboardInterrupt:
            if checkpoint is not None and checkpoint.directory.exists():
                say(f"{checkpoint.directory} holds the pairs so far: the same command goes on from there")
            raise
    results.warn(dataset, (f"numerical: {w.message}" for w in caught if issubclass(w.category, RuntimeWarning)))
    results.warn(dataset, (str(w.message) for w in caught if issubclass(w.category, SidejumpWarning)))
    place.release()
    try:
        results.write(dataset, target, force=force)
    finally:
        if not quiet:
            print_table(dataset)
        for sentence in results.warnings_of(dataset):
            say(f"warning: {sentence}")
    if checkpoint is not None:
        checkpoint.remove()
        if checkpoint.full:
            say("note: disk or budget did not hold all pairs; an interruption would have lost the others")
    try:
        temperature.result_figure(dataset, figure)
    except (InputError, OSError) as error:
        raise InputError(f"{error}; the result is whole in {target}, `sidejump plot {target}` draws it") from None
    say(f"wrote {target} and {figure}")


@app.command()
def plot(
    source: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="Result of a run.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="PNG, PDF or SVG file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing figure.")] = False,
) -> None:
    """Draw the figure of a result."""
    from .. import outputs
    from ..plot import temperature
    from . import results

    figure = output or source.with_suffix(".png")
    outputs.check_target(figure, force=force, endings=outputs.FIGURES, inputs=(source,) if source.exists() else ())
    temperature.result_figure(results.read(source), figure)
    say(f"wrote {figure}")


def _checkpoint(job, target: Path, fresh: bool):
    """Beside the result, with a word on what an earlier run has left there; None where none is needed."""
    checkpoint = job.open_checkpoint(target.with_name(f"{target.name}.partial"), fresh=fresh)
    if checkpoint is not None and checkpoint.found:
        say(
            f"resuming: {checkpoint.found} blocks of pairs ({size(checkpoint.found_bytes)}) of an interrupted run "
            f"are in {checkpoint.directory}"
        )
    return checkpoint


@app.command()
def figure1(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG, PDF or SVG file.")] = Path("figure1.png"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Draw the first figure of the paper: closed form and exact inelastic solution."""
    from .. import outputs
    from ..plot.figure1 import figure1 as draw
    from ..reference.figure1 import figure1_curves

    outputs.check_target(output, force=force, endings=outputs.FIGURES)
    with progress(quiet) as advance:
        curves = figure1_curves(progress=lambda done, total: advance("inelastic", done, total))
    draw(curves, output)
    report = curves["report"]
    gap = abs(curves["exact"] / curves["closed_form"] - 1)
    say(
        f"{len(curves['t'])} temperatures, up to {report['states']} unknowns, {report['seconds']:.1f} s; "
        f"the closed form is up to {100 * gap.max():.1f} % off, at {curves['t'][gap.argmax()]:.2g} T_BG"
    )
    say(f"wrote {output}")


@app.command()
def template(
    model: Annotated[str, typer.Argument(metavar="[MODEL]", help="See `sidejump models`.")] = "massive_dirac",
    scattering: Annotated[
        list[str] | None, typer.Option("--scattering", "-s", metavar="KIND", help="As often as wanted.")
    ] = None,
) -> None:
    """Print a commented input file to start from."""
    from .template import template as filled

    write(filled(model, scattering or ()))


@app.command()
def models() -> None:
    """List electron models and scattering mechanisms."""
    from .reference import overview

    write(overview())


_Layer = Annotated[bool | None, typer.Option("--two-dimensional/--bulk", help="EPW: whether it is a layer.")]
_LongRange = Annotated[str | None, typer.Option(help="EPW: long-range part taken out, bulk, layer or none.")]
_Version = Annotated[str | None, typer.Option(help="EPW: version of the run, such as 5.5.")]
_Trust = Annotated[bool, typer.Option("--trust-file", help="Take what contradicts itself as it is, with a warning.")]


@app.command()
def info(
    source: Annotated[Path, typer.Argument(metavar="PATH", help="EPW directory, Perturbo, compact or Wannier90 file.")],
    figure: Annotated[Path | None, typer.Option(help="Draw the decay of H, force constants and coupling.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing figure.")] = False,
    two_dimensional: _Layer = None,
    long_range: _LongRange = None,
    epw_version: _Version = None,
    trust_file: _Trust = False,
) -> None:
    """Say what a file holds, and how good it is."""
    from . import convert as conversion

    keys = conversion.reading_keys(two_dimensional, long_range, epw_version, trust_file)
    report = conversion.describe(source, figure=figure, force=force, reading=keys)
    write(conversion.as_json(report) if json else conversion.text(report))
    for sentence in report.get("warnings", []):
        say(f"warning: {sentence}")
    if figure is not None:
        say(f"wrote {figure}")


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="EPW directory, Perturbo or compact file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="NAME_epr.h5, NAME.h5 (compact) or a directory.")],
    to: Annotated[
        str | None, typer.Option(help="compact, epw or perturbo; from the target's name if not given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    prefix: Annotated[str | None, typer.Option(help="EPW: PREFIX of the coupling file.")] = None,
    n_electrons: Annotated[float | None, typer.Option(help="EPW: electrons in a cell, if unknown.")] = None,
    fermi_energy: Annotated[float | None, typer.Option(help="EPW: Fermi energy (eV), if unknown.")] = None,
    lossy: Annotated[bool, typer.Option("--lossy", help="Accept what the format cannot hold, and say it.")] = False,
    two_dimensional: _Layer = None,
    long_range: _LongRange = None,
    epw_version: _Version = None,
    trust_file: _Trust = False,
) -> None:
    """Write electrons, phonons and coupling in another format."""
    from . import convert as conversion

    options = {"prefix": prefix, "n_electrons": n_electrons, "fermi_energy": fermi_energy, "lossy": lossy}
    keys = conversion.reading_keys(two_dimensional, long_range, epw_version, trust_file)
    for sentence in conversion.convert(source, target, to=to, force=force, reading=keys, **options):
        say(f"warning: {sentence}")
    say(f"wrote {target}")


@app.command("input-reference")
def input_reference() -> None:
    """Print the documentation of the input file (Markdown)."""
    from .reference import markdown

    write(markdown())


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    return guarded(lambda: app(arguments, prog_name="sidejump", standalone_mode=False))


if __name__ == "__main__":
    sys.exit(main())
