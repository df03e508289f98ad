"""Command line: `sidejump run`, `merge`, `csv`, `plot`, `separate`, `figure1`, `init`, `models`, `info`, ..."""

from __future__ import annotations

import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from typer.core import TyperGroup

from ..errors import InputError, SidejumpWarning
from .examples import epilog
from .guard import guarded
from .terminal import announce, print_table, progress, say, waiting, write

_FORMER = {"template": "`sidejump init` writes a commented input file"}


class _Commands(TyperGroup):
    """Commands; a word that was one says which it is now."""

    def resolve_command(self, ctx, args):
        if args and args[0] in _FORMER:
            raise InputError(f'there is no command "{args[0]}" any more: {_FORMER[args[0]]}')
        return super().resolve_command(ctx, args)


app = typer.Typer(cls=_Commands, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None)


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


def _kinds() -> list[str]:
    """Words that a shell completes; what knows them is imported then."""
    from .init import KINDS

    return list(KINDS)


def _pictures() -> list[str]:
    from .pictures import KINDS

    return list(KINDS)


def _gallery() -> list[str]:
    from .gallery import cards

    return [*cards(), "all", "quick"]


def _mechanisms() -> list[str]:
    from . import schema
    from .sentences import tag

    return [tag(cls, "kind") for cls in schema.SCATTERING]


def _laws() -> list[str]:
    from ..experiment.laws import LAWS

    return list(LAWS)


def _formats() -> list[str]:
    from ..formats.recognise import FORMATS

    return list(FORMATS)


def _long_ranges() -> list[str]:
    from ..formats.epw_long_range import KINDS

    return list(KINDS)


_Csv = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE.csv", help="Values and errors as comma-separated text as well.")
]


@app.command("run", epilog=epilog("run"))
def run(
    source: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Result, netCDF.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing results.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start anew, whatever an interrupted run has left.")] = False,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Relative standard error wanted; with it a finished result is refined."),
    ] = None,
    limit: Annotated[
        float | None, typer.Option("--time", help="Seconds after which no further replica is begun.")
    ] = None,
    replicas: Annotated[
        str | None, typer.Option(metavar="FIRST:STOP", help="Compute these replicas alone, for `sidejump merge`.")
    ] = None,
    table: _Csv = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No estimate, progress or table.")] = False,
) -> None:
    """Compute the conductivity tensor of an input file."""
    from .. import outputs
    from . import config
    from .claim import claim

    settings = config.read_input(source)
    target = output or Path(settings.output.file or outputs.named_after(source, ".nc").name)
    inputs = tuple(config.files_read(source, settings))
    refines = tolerance is not None and target.exists() and not force
    outputs.check_target(target, force=force or refines, endings=outputs.DATASETS, inputs=inputs)
    figure = Path(settings.output.figure) if settings.output.figure else target.with_suffix(".png")
    outputs.check_target(figure, force=force or refines, endings=outputs.FIGURES, inputs=inputs)
    if table is not None:
        outputs.check_target(table, force=force or refines, endings=outputs.TABLES, inputs=inputs)
    with claim(target) as place:
        if not refines:
            outputs.require_absent(target, force=force)  # another run may have just ended
        job = _prepared(source, tolerance, limit, replicas)
        files = _Files(target, figure, table)
        _run(job, files, place, refines=refines, fresh=fresh, quiet=quiet, keep=settings.output.checkpoint)


def _prepared(source: Path, tolerance: float | None, limit: float | None, replicas: str | None):
    """The job of an input file with what the command line changes."""
    from .run import prepare

    job = prepare(source)
    one = getattr(job, "jobs", [job])[0]
    return job.changed(
        tolerance=one.tolerance if tolerance is None else tolerance,
        time=one.time if limit is None else limit,
        replicas=one.replicas if replicas is None else _numbers(replicas),
    )


def _numbers(text: str) -> range:
    """The range of ``FIRST:STOP``."""
    first, _, stop = text.partition(":")
    if not (first.isdigit() and stop.isdigit() and int(first) < int(stop)):
        raise InputError(f"--replicas {text}: give two whole numbers, as 8:16 for the replicas from 8 to 15")
    return range(int(first), int(stop))


class _Files(NamedTuple):
    """What a run writes."""

    target: Path
    figure: Path
    table: Path | None


def _run(job, files: _Files, place, *, refines: bool, fresh: bool, quiet: bool, keep: bool) -> None:
    """The run itself, with its output claimed; `keep`: whether finished replicas are kept beside the result."""
    from . import results

    target, figure, table = files
    place.reserve(results.largest_size(len(job.temperatures)))
    earlier = results.read(target) if refines else None
    known = [] if earlier is None else results.replicas_of(earlier, job.identity)
    store = _store(job, target, fresh) if keep else None
    known += [] if store is None else store.found
    with waiting("choosing how energies are treated, and what that costs", quiet):
        cost = job.estimate(processes=True)  # refuses what does not fit into the memory
    if not quiet:
        announce(cost, job.tolerance)
    with warnings.catch_warnings(record=True) as caught, progress(quiet) as advance:
        for category in (RuntimeWarning, SidejumpWarning):
            warnings.simplefilter("always", category)
        try:
            dataset = job.run(advance, known, (lambda *_: None) if store is None else store.save, earlier=earlier)
        except KeyboardInterrupt:
            if store is not None and store.directory.exists():
                say(f"{store.directory} holds the finished replicas: the same command goes on from there")
            raise
    results.warn(dataset, (f"numerical: {w.message}" for w in caught if issubclass(w.category, RuntimeWarning)))
    results.warn(dataset, (str(w.message) for w in caught if issubclass(w.category, SidejumpWarning)))
    place.release()
    try:
        results.write(dataset, target, force=True)  # what was there was asked for, or is part of this one
    finally:
        if not quiet:
            print_table(dataset)
        for sentence in results.warnings_of(dataset):
            say(f"warning: {sentence}")
    _write_csv(dataset, table)
    if store is not None:
        store.remove()
        if store.full:
            say(f"note: finished replicas could not be kept ({store.full}); an interruption would have lost them")
    from ..plot import temperature  # what draws is imported when there is something to draw

    try:
        temperature.result_figure(dataset, figure)
    except (InputError, OSError) as error:
        raise InputError(f"{error}; the result is whole in {target}, `sidejump plot {target}` draws it") from None
    say("wrote " + " and ".join(str(path) for path in files if path is not None))


def _write_csv(dataset, table: Path | None) -> None:
    """Written after the result, which is whole whatever happens here."""
    from .table import write_csv

    if table is not None:
        write_csv(dataset, table, force=True)


def _store(job, target: Path, fresh: bool):
    """Beside the result, with a word on what an earlier run has left there."""
    from ..accuracy.store import ENDING, ReplicaStore

    store = ReplicaStore(target.with_name(f"{target.name}{ENDING}"), job.identity, fresh=fresh)
    if store.found:
        say(f"resuming: {len(store.found)} finished replicas of an interrupted run are in {store.directory}")
    return store


@app.command("merge", epilog=epilog("merge"))
def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="RESULT.nc...", help="Results of one study.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Result, netCDF.")],
    table: _Csv = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing result.")] = False,
) -> None:
    """Join the replicas of one study that were computed by several runs."""
    from .. import outputs
    from . import results
    from .merge import merged

    outputs.check_target(output, force=force, endings=outputs.DATASETS, inputs=tuple(sources))
    if table is not None:
        outputs.check_target(table, force=force, endings=outputs.TABLES, inputs=tuple(sources))
    dataset = merged(sources)
    results.write(dataset, output, force=force)
    _write_csv(dataset, table)
    print_table(dataset)
    for sentence in results.warnings_of(dataset):
        say(f"warning: {sentence}")
    say(f"wrote {output}" + (f" and {table}" if table is not None else ""))


@app.command("csv", epilog=epilog("csv"))
def as_csv(
    source: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="Result of a run.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="CSV or JSON file.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write values and errors of a result as comma-separated text, or as JSON with all attributes."""
    from .. import outputs
    from . import separation
    from .load import write_json
    from .table import write_csv

    table = output or outputs.named_after(source, ".csv")
    endings = (*outputs.TABLES, *outputs.DOCUMENTS)
    outputs.check_target(table, force=force, endings=endings, inputs=(source,) if source.exists() else ())
    dataset = separation.read_any(source)
    if table.suffix.lower() in outputs.DOCUMENTS:
        if separation.is_one(dataset):
            raise InputError(f"{table}: the tables of a separation are several; name a .csv file")
        tables = [write_json(dataset, table, force=force)]
    elif separation.is_one(dataset):
        tables = separation.write_tables(dataset, table, force=force)
    else:
        tables = [write_csv(dataset, table, force=force)]
    say("wrote " + " and ".join(str(path) for path in tables))


@app.command("plot", epilog=epilog("plot"))
def plot(
    source: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="Result of a run.")],
    kind: Annotated[
        str | None,
        typer.Option("--kind", "-k", autocompletion=_pictures, help="Which picture, see below. [what fits the result]"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG, PDF or SVG file. [RESULT.png, RESULT.KIND.png]")
    ] = None,
    observables: Annotated[bool, typer.Option("--observables", help="The same as --kind observables.")] = False,
    observable: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Of this observable; as often as wanted.")
    ] = None,
    thickness: Annotated[
        float | None,
        typer.Option(metavar="NM", help="Of a layer: a second axis has S/cm (of a crystal: e^2/h for each layer)."),
    ] = None,
    given: Annotated[
        Path | None, typer.Option("--input", metavar="INPUT.toml", help="If the result does not hold it.")
    ] = None,
    times: Annotated[
        list[float] | None,
        typer.Option(
            metavar="X",
            help="Density of impurities times X, of competition [0.1, 1, 10] and scaling; as often as wanted.",
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE.csv", help="What lorenz, or a picture of several densities, shows."),
    ] = None,
    limits: Annotated[
        bool, typer.Option("--limits", help="Of temperature: the limits of cold and hot phonons too; a run for each.")
    ] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Of comparison: table of Perturbo, output of EPW; as often as wanted."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing figure.")] = False,
) -> None:
    """Draw a picture of a result.

    \b
      temperature   Hall parts, conductivity, resistivity, with error bars
      resistivity   rho_xx and the Hall resistivity against temperature
      scaling       Hall conductivity against sigma_xx, Hall resistivity against rho_xx^2;
                    with --times X at several densities of the impurities: a run for each
      doping        of a scan: against chemical potential or carrier density
      observables   what else the field drives
      heat          thermopower, Nernst effect, Lorenz ratio
      lorenz        how phonons break Wiedemann and Franz's law on the Fermi surface,
                    all mechanisms together and each alone
      mechanisms    resistivity and side jump of each mechanism alone: a run for each
      competition   impurities against phonons at several densities of the impurities:
                    side jump, shares in 1/tau, where they are equal; a run for each
      comparison    conductivity against that of other programs, --against FILE
      bands         bands, Fermi level and thermal window
      fermi-surface speed, Berry curvature, g, side-jump velocity and contribution
                    of every state; -o NAME.html can be turned (needs plotly)
      convergence   how the error of each term fell
      separation    of a result of `sidejump separate`
    """
    from .. import outputs
    from .pictures import draw

    if observables or observable:
        if kind not in (None, "observables"):
            raise InputError(f"--kind {kind} shows no observables: leave out --kind, or --observable")
        kind = "observables"
    if against and kind is None:
        kind = "comparison"
    named = kind is not None and not (observables or observable)
    figure = output or outputs.named_after(source, f".{kind}.png" if named else ".png")
    endings = (*outputs.FIGURES, *(outputs.PAGES if kind == "fermi-surface" else ()))
    others = tuple(against or ())
    known = (source, *others) if source.exists() else ()
    outputs.check_target(figure, force=force, endings=endings, inputs=known)
    if table is not None:
        outputs.check_target(table, force=force, endings=outputs.TABLES, inputs=known)
    draw(
        source,
        figure,
        kind,
        names=observable,
        thickness=thickness,
        given=given,
        times=times or (),
        limits=limits,
        table=table,
        against=others,
    )
    say(f"wrote {figure}")


@app.command("report", epilog=epilog("report"))
def report(
    source: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="Result of a run.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="HTML file. [RESULT.html]")] = None,
    states: Annotated[
        bool, typer.Option("--states/--no-states", help="Bands and Fermi surface: builds the model, solves once.")
    ] = True,
    given: Annotated[
        Path | None, typer.Option("--input", "-i", help="Input file, if the result does not hold it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page.")] = False,
) -> None:
    """Write one page about a result: tables, interactive plots, error budget, bands and Fermi surface, warnings, input.

    It holds all that it shows and needs no network. Needs plotly: pip install "sidejump[report]"
    """
    from ..outputs import named_after
    from .report import write_report

    target = output or named_after(source, ".html")
    say(f"wrote {write_report(source, target, force=force, states=states, given=given)}")


@app.command("check", epilog=epilog("check"))
def check(
    source: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file.")],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Try the invariances of the theory on an input: gauge, Onsager, conservation, symmetry and others.

    At low accuracy, at one temperature of the input and the first value of a scan. A test that fails is exit status 2.
    """
    from .invariances import check as findings
    from .run import prepare
    from .terminal import finding

    failed = []
    with progress(quiet) as advance:
        for found in findings(prepare(source), advance):
            write(finding(found.name, found.words, found.found, found.allowed, found.passed))
            if not found.passed:
                failed.append(found.name)
    if failed:
        raise InputError(f"{source}: {len(failed)} of the tests failed: {', '.join(failed)}")


@app.command("gauge", epilog=epilog("gauge"))
def gauge(
    source: Annotated[Path, typer.Argument(metavar="INPUT.toml", help="Input file of a model in two dimensions.")],
    gauges: Annotated[int, typer.Option("--gauges", "-n", help="How many.")] = 5,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="PICTURE", help="Draw them as well.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing picture.")] = False,
) -> None:
    """Print the side jump as Lyo and Holstein split it, in random gauges: its pieces move, their sum does not.

    Quasi-elastic, at the highest temperature and the first value of a scan.
    """
    from .. import outputs
    from .gauge import draw, pieces, table
    from .run import prepare

    if plot is not None:
        outputs.check_target(plot, force=force, endings=outputs.FIGURES, inputs=(source,))
    found = pieces(prepare(source), gauges)
    write(table(*found))
    if plot is not None:
        draw(*found, plot)
        say(f"wrote {plot}")


@app.command("converge", epilog=epilog("converge"))
def converge(
    source: Annotated[Path, typer.Argument(metavar="RESULT.nc", help="Result of a run.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG, PDF or SVG file. [RESULT.convergence.png]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing figure.")] = False,
) -> None:
    """Draw how the error of each term fell, and say what a smaller tolerance costs.

    Of a scan the figure is that of the case with the largest error.
    """
    from .. import outputs
    from .convergence import courses, text
    from .pictures import convergence

    figure = output or outputs.named_after(source, ".convergence.png")
    outputs.check_target(figure, force=force, endings=outputs.FIGURES, inputs=(source,) if source.exists() else ())
    found = courses(source)
    write("\n".join(text(course) for course in found))
    convergence(found, figure)
    say(f"wrote {figure}")


@app.command("separate", epilog=epilog("separate"))
def separate(
    source: Annotated[Path, typer.Argument(metavar="DATA.csv", help="Resistivities of films; see below.")],
    law: Annotated[str, typer.Option(autocompletion=_laws, help="skew, shitade-nagaosa or hou.")] = "skew",
    computed: Annotated[
        Path | None, typer.Option(metavar="RESULT.nc", help="Result of a run: the remainder is compared with it.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="RESULT.nc is magnetised the other way.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="netCDF; figure and tables are beside it. [DATA.separation.nc]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    hall: Annotated[str | None, typer.Option(help="What the Hall column is: E_y/j_x or E_x/j_y.")] = None,
    magnetisation: Annotated[str | None, typer.Option(help="Direction it was measured for: +z or -z.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=COLUMN (UNIT)", help='As often as wanted: "rho_xx=R long (ohm)".'),
    ] = None,
    low: Annotated[
        float | None, typer.Option(metavar="K", help="Law skew: alpha_0 from points up to it. [coldest shared]")
    ] = None,
    match: Annotated[
        float | None, typer.Option(help="Relative difference of temperatures that count as one. [0.01]")
    ] = None,
    bootstrap: Annotated[int | None, typer.Option(help="Data sets of the bootstrap, 0 for none. [200]")] = None,
    seed: Annotated[int, typer.Option(help="Of the bootstrap.")] = 0,
    partial: Annotated[
        bool, typer.Option("--partial", help="Give the terms that the data determine, if not all.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No table.")] = False,
) -> None:
    """Separate skew scattering from the scattering-independent remainder in measured films.

    DATA.csv has a line for each point and says itself what it holds:

    \b
      # hall: E_y/j_x
      # magnetisation: +z
      film,temperature (K),rho_xx (microohm cm),rho_yx (microohm cm),rho_0 (microohm cm)
      A,5,1.32,0.0021,1.30

    Further columns: thickness (nm), rho_xx_error, rho_yx_error, rho_0_error (or %), thickness_error. Without rho_0 the
    coldest point of each film counts as residual.

    Laws, with rho = 1/sigma_xx:

    \b
      skew             sigma_AH = alpha_0 rho_0/rho^2 + R(T)
      shitade-nagaosa  sigma_AH = (alpha/sigma_xx0 + beta/sigma_xx0^2) sigma_xx^2 + b
      hou              rho^2 sigma_AH = alpha_0 rho_0 + beta_0 rho_0^2 + gamma_0_T rho_0 rho_T + beta_T rho_T^2
    """
    from . import separation

    files = separation.targets(source, output, law, inputs=(computed,) if computed else (), force=force)
    options = {"hall": hall, "magnetisation": magnetisation, "columns": separation.columns_of(column or [])}
    keys = {"law": law, "low_temperature": low, "reverse": reverse, "partial": partial, "seed": seed}
    keys |= {k: v for k, v in {"match": match, "samples": bootstrap}.items() if v is not None}
    dataset = separation.separated(source, computed, options, keys)
    separation.write(dataset, files)
    if not quiet:
        separation.print_tables(dataset)
    for sentence in dataset.attrs["warnings"]:
        say(f"warning: {sentence}")
    say("wrote " + " and ".join(str(path) for path in files))


@app.command("figure1", epilog=epilog("figure1"))
def figure1(
    output: Annotated[Path, typer.Option("--output", "-o", help="PNG, PDF or SVG file.")] = Path("figure1.png"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Draw the first figure of the paper: closed form and exact inelastic solution."""
    from .. import outputs
    from ..reference.figure1 import figure1_curves

    outputs.check_target(output, force=force, endings=outputs.FIGURES)
    with progress(quiet) as advance:
        curves = figure1_curves(progress=lambda done, total: advance("inelastic", done, total))
    from ..plot.figure1 import figure1 as draw

    draw(curves, output)
    report = curves["report"]
    gap = abs(curves["exact"] / curves["closed_form"] - 1)
    say(
        f"{len(curves['t'])} temperatures, up to {report['states']} unknowns, {report['seconds']:.1f} s; "
        f"the closed form is up to {100 * gap.max():.1f} % off, at {curves['t'][gap.argmax()]:.2g} T_BG"
    )
    say(f"wrote {output}")


@app.command("init", epilog=epilog("init"))
def init(
    kind: Annotated[
        str,
        typer.Argument(
            autocompletion=_kinds, help="dirac, wannier90, epw, perturbo, own or a model of `sidejump models`."
        ),
    ],
    path: Annotated[
        Path | None, typer.Argument(metavar="[PATH]", help="Input file or its folder; - prints it. [KIND.toml]")
    ] = None,
    scattering: Annotated[
        list[str] | None,
        typer.Option(
            "--scattering",
            "-s",
            metavar="MECHANISM",
            autocompletion=_mechanisms,
            help="As often as wanted; see `sidejump models`.",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="PATH", help="The same as PATH, as other commands have it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Write a commented input file to start from: every key, its unit and default.

    `own` writes the Python file of the model as well.
    """
    from . import init

    if path is not None and output is not None:
        raise InputError(f"{path} and --output {output} both name the input file; give one of them")
    path = path or output
    if path == Path("-"):
        write(init.input_text(kind, scattering or ()))
        return
    written = init.write_files(kind, path, scattering or (), force=force)
    say("wrote " + " and ".join(str(file) for file in written))
    say(f"next: sidejump run {written[0]}")


@app.command("demo", epilog=epilog("demo"))
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where the files go.")] = Path("sidejump-demo"),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No estimate, progress or table.")] = False,
) -> None:
    """Run a small case that comes with the program: half a minute, a result and a picture."""
    from .demo import write_files

    source = write_files(folder, force=force)
    run(source, source.with_suffix(".nc"), force=force, quiet=quiet)


@app.command("gallery", epilog=epilog("gallery"))
def gallery(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", autocompletion=_gallery, help="Pictures, all, or quick.")
    ] = None,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder of pictures, inputs and results.")] = Path(
        "sidejump-gallery"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """List the pictures of the gallery, or make them: inputs come with the program, iron with the repository."""
    from . import gallery

    if not names:
        write(gallery.listing())
        return
    wanted, sentence = gallery.chosen(names), gallery.absent()
    if sentence and {"all", "quick"} & set(names):
        say(sentence)
    with progress(quiet) as advance:
        gallery.make(wanted, folder, advance, force=force)


@app.command("models", epilog=epilog("models"))
def models() -> None:
    """List electron models and scattering mechanisms."""
    from .reference import overview

    write(overview())


_Layer = Annotated[bool | None, typer.Option("--two-dimensional/--bulk", help="EPW: whether it is a layer.")]
_LongRange = Annotated[
    str | None, typer.Option(autocompletion=_long_ranges, help="EPW: long-range part taken out, bulk, layer or none.")
]
_Version = Annotated[str | None, typer.Option(help="EPW: version of the run, such as 5.5.")]
_Trust = Annotated[bool, typer.Option("--trust-file", help="Take what contradicts itself as it is, with a warning.")]


@app.command("info", epilog=epilog("info"))
def info(
    source: Annotated[
        Path, typer.Argument(metavar="PATH", help="EPW directory; any file that the program reads or writes.")
    ],
    figure: Annotated[Path | None, typer.Option(help="Draw the decay of H, force constants and coupling.")] = None,
    json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing figure.")] = False,
    two_dimensional: _Layer = None,
    long_range: _LongRange = None,
    epw_version: _Version = None,
    trust_file: _Trust = False,
    cell: Annotated[
        str | None,
        typer.Option(metavar='"X Y Z; X Y Z; X Y Z"', help="Of a _hr.dat without: lattice vectors, angstrom."),
    ] = None,
) -> None:
    """Say what a file of data or a result holds, how good it is, and of a result what it is good for."""
    from . import convert as conversion

    keys = conversion.reading_keys(two_dimensional, long_range, epw_version, trust_file)
    report = conversion.describe(source, figure=figure, force=force, reading=keys, cell=cell)
    write(conversion.as_json(report) if json else conversion.text(report))
    for sentence in report.get("warnings", []):
        say(f"warning: {sentence}")
    if figure is not None:
        say(f"wrote {figure}")


@app.command("convert", epilog=epilog("convert"))
def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="EPW directory, Perturbo or compact file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="NAME_epr.h5, NAME.h5 (compact) or a directory.")],
    to: Annotated[
        str | None,
        typer.Option(autocompletion=_formats, help="compact, epw or perturbo; from the target's name if not given."),
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


@app.command("symmetrize", epilog=epilog("symmetrize"))
def symmetrize(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Input file that names the data and projections.")],
    target: Annotated[Path, typer.Option("-o", "--output", help="NAME_tb.dat; of a coupling as for convert.")],
    to: Annotated[
        str | None,
        typer.Option(autocompletion=_formats, help="Of a coupling: compact, epw or perturbo; from the name."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    lossy: Annotated[bool, typer.Option("--lossy", help="Accept what the format cannot hold, and say it.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The report for programs.")] = False,
) -> None:
    """Write first-principles data with the exact symmetry of the crystal, and say what that changed."""
    from . import convert as conversion
    from .symmetrize_command import write_files

    report, sentences = write_files(source, target, to=to, force=force, lossy=lossy)
    write(conversion.as_json(report) if json else conversion.text(report))
    for sentence in sentences:
        say(f"warning: {sentence}")
    say(f"wrote {target}")


@app.command("input-reference", epilog=epilog("input-reference"))
def input_reference() -> None:
    """Print the documentation of the input file (Markdown)."""
    from .reference import markdown

    write(markdown())


@cache
def _command():
    """All commands with their options: Typer reads them from the signatures again at every call."""
    return typer.main.get_command(app)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    return guarded(lambda: _command()(arguments, prog_name="sidejump", standalone_mode=False))


if __name__ == "__main__":
    sys.exit(main())
