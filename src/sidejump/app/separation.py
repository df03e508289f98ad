"""`sidejump separate`: its files, tables in the terminal, and how a separation is read again."""

from __future__ import annotations

import textwrap
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from ..errors import InputError, SidejumpWarning
from ..experiment.laws import Law, law_of
from ..experiment.read import read_films
from ..experiment.separate import KIND, REMAINDER, separate
from ..outputs import DATASETS, FIGURES, TABLES, check_target, comma_separated, named_after, write_whole
from . import results
from .attributes import attribute, provenance
from .terminal import with_error
from .terminal import write as to_terminal

_NEEDED = (
    "term_value",
    "term_error",
    "film_of_point",
    "point_temperature",
    "remainder",
    "remainder_error",
    "residual",
    "skew",
    "in_fit",
    "static_share",
    "rho_0",
    "film",
)
_WIDEST = 4  # columns of values in the table of the terminal, as many as fit into 80 letters
_ROWS = 40  # of that table; files hold all


def targets(source: Path, output: Path | None, law: str, *, inputs: tuple, force: bool) -> list[Path]:
    """Dataset, figure, and tables of points, terms and, where R(T) is free, of R(T); checked before the work.

    Raises
    ------
    InputError
        If one exists and `force` is not set, or cannot be written.
    """
    present = tuple(path for path in (source, *inputs) if path.exists())
    dataset = output or Path(named_after(source, ".separation.nc").name)
    check_target(dataset, force=force, endings=DATASETS, inputs=present)  # the others are named after it
    files = [dataset, dataset.with_suffix(".png"), *_tables(dataset.with_suffix(".csv"), law_of(law))]
    endings = (DATASETS, FIGURES, *[TABLES] * (len(files) - 2))
    for path, allowed in zip(files, endings, strict=True):
        check_target(path, force=force, endings=allowed, inputs=present)
    return files


def _tables(points: Path, law: Law) -> list[Path]:
    names = ["terms", *(["remainder"] if law.has_free_remainder else [])]
    return [points, *(points.with_suffix(f".{name}.csv") for name in names)]


def columns_of(words: list[str]) -> dict[str, str]:
    """``NAME=COLUMN (UNIT)`` of the command line.

    Raises
    ------
    InputError
        If one has another form.
    """
    found: dict[str, str] = {}
    for word in words:
        name, sign, column = (part.strip() for part in word.partition("="))
        if not (name and sign and column):
            raise InputError(f'--column {word}: give NAME=COLUMN (UNIT), as "rho_xx=R long (ohm)"')
        if name in found:
            raise InputError(f"--column {name} is given twice")
        found[name] = column
    return found


def separated(source: Path, computed: Path | None, reading: dict, keys: dict) -> xr.Dataset:
    """Read, separate, compare; sentences stay in the attribute `warnings`."""
    films = read_films(source, **reading)
    result = None if computed is None else results.read(computed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SidejumpWarning)
        dataset = separate(films, computed=result, **keys)
    dataset.attrs |= {name: attribute(value) for name, value in provenance().items()}
    if computed is not None:
        dataset.attrs["computed_result"] = str(computed)
    return dataset


def write(dataset: xr.Dataset, files: list[Path]) -> None:
    """Dataset, tables and figure; targets were checked before."""
    write_whole(files[0], dataset.to_netcdf(engine="h5netcdf"))
    write_tables(dataset, files[2], force=True)
    from ..plot.separation import separation_figure

    separation_figure(dataset, files[1])


def is_one(dataset: xr.Dataset) -> bool:
    """Whether a dataset is that of a separation."""
    return dataset.attrs.get("kind") == KIND


def read_any(path) -> xr.Dataset:
    """The dataset of a file that `sidejump run` or `sidejump separate` has written.

    Raises
    ------
    InputError
        If there is no such file, or it is neither.
    """
    with results.opened(path, results.WHAT, results.REMEDY) as dataset:
        if is_one(dataset):
            _require_separation(dataset)
        else:
            results.require_result(dataset)
    return dataset


def _require_separation(dataset: xr.Dataset) -> None:
    missing = [name for name in _NEEDED if name not in dataset]
    missing += [name for name in ("units", "law", "warnings") if name not in dataset.attrs]
    if missing:
        raise InputError(f"is no separation, it lacks {missing[0]}; name the netCDF file that it has written")


# tables


def write_tables(dataset: xr.Dataset, points, *, force: bool = False) -> list[Path]:
    """Comma-separated text: points, terms and R(T), each in a file of its own beside `points`.

    Raises
    ------
    InputError
        If one exists and `force` is not set, or cannot be written.
    """
    files = _tables(Path(points), law_of(dataset.attrs["law"]))
    for path in files:
        check_target(path, force=force, endings=TABLES)
    for path, dim in zip(files, ("point", "term", "temperature"), strict=False):
        write_whole(path, _text(dataset, dim).encode())
    return files


def _text(dataset: xr.Dataset, dim: str) -> str:
    """All that has one value along a dimension; its coordinate first."""
    variables = [dataset[dim]] if dim in dataset.coords else []
    variables += [variable for variable in dataset.data_vars.values() if variable.dims == (dim,)]
    names = [f"{v.name} ({v.attrs['units']})" if "units" in v.attrs else str(v.name) for v in variables]
    return comma_separated(names, zip(*(v.values for v in variables), strict=True))


def print_tables(dataset: xr.Dataset) -> None:
    """Terms with their errors, then the remainder against temperature, within 80 columns."""
    from rich.console import Console

    out = Console(emoji=False, markup=False)
    out.width = max(out.width, 80)
    attrs, unit = dataset.attrs, dataset.attrs["units"]
    errors = "of declared uncertainties" if attrs["uncertainties"] == "declared" else "from the scatter of the points"
    misfit = f"; chi squared {attrs['misfit']:.3g}" if attrs["uncertainties"] == "declared" else ""
    known = int(dataset.term_determined.sum())
    head = (
        f"{attrs['equation']}; the data determine {known} of {dataset.sizes['term']} terms (rank {attrs['rank']}, "
        f"condition {attrs['condition']:.2g}); errors {errors}{misfit}, "
        f"{attrs['degrees_of_freedom']} degrees of freedom"
    )
    terms = _empty()
    to_terminal(_wrapped(head, out.width))
    for name in ("term", "value", "95.4 %", "bootstrap\nerror", "unit"):
        terms.add_column(name, justify="left" if name in ("term", "unit") else "right", no_wrap=True, vertical="bottom")
    for i, name in enumerate(dataset.term.values):
        if not dataset.term_determined.values[i]:
            terms.add_row(str(name), "not determined", "", "", "")
            continue
        value, one, two = (float(dataset[k].values[i]) for k in ("term_value", "term_error", "term_error_two"))
        spread = float(dataset.term_error_bootstrap.values[i]) if "term_error_bootstrap" in dataset else np.nan
        shown = f"{spread:.2g}" if np.isfinite(spread) else ""
        wide = f"± {two:.2g}" if np.isfinite(two) else "unknown"
        terms.add_row(str(name), with_error(value, one), wide, shown, str(dataset.term_unit.values[i]))
    out.print(terms)
    count = dataset.sizes["temperature"]
    few = f"; one of {-(-count // _ROWS)} of {count} temperatures" * (count > _ROWS)
    to_terminal(
        _wrapped(f"{REMAINDER} ({unit}) of films, with the share rho_0/rho of static scatterers{few}", out.width)
    )
    out.print(_remainders(dataset, _empty()))
    to_terminal(_wrapped(attrs["meaning"], out.width))


def _remainders(dataset, table):
    """A row for each temperature: R(T), a few films, what was computed and the difference."""
    common, compared = "common_remainder" in dataset, "computed" in dataset
    order = np.argsort(dataset.rho_0.values)
    shown = _WIDEST - common - 2 * compared
    films = order[np.unique(np.linspace(0, len(order) - 1, shown).astype(int))]
    names = [str(dataset.film.values[i]) for i in films]
    heads = ["T\n(K)", *(["R(T)"] if common else []), *(_short(name) for name in names)]
    if compared:
        heads += ["computed", "R(T)\nless comp." if common else f"{_short(names[0])}\nless comp."]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True, vertical="bottom")
    points = {name: np.flatnonzero(dataset.film_of_point.values.astype(str) == name) for name in names}
    same = dataset.attrs["match"] + 1e-9  # equal ones, but for rounding of their mean
    step = -(-dataset.sizes["temperature"] // _ROWS)
    for t in dataset.temperature.values[::step]:
        row = [f"{t:.4g}"]
        if common:
            here = dataset.sel(temperature=t)
            row.append(with_error(float(here.common_remainder), float(here.common_remainder_error)))
        found = []
        for name in names:
            near = [i for i in points[name] if abs(dataset.point_temperature.values[i] / t - 1) <= same]
            found.append(min(near, key=lambda i: abs(dataset.point_temperature.values[i] - t), default=None))
        for i in found:
            if i is None:
                row.append("")
                continue
            value, error = float(dataset.remainder.values[i]), float(dataset.remainder_error.values[i])
            row.append(f"{with_error(value, error)} {100 * float(dataset.static_share.values[i]):.0f}%")
        if compared and common:
            row += _compared(here, "common_")
        elif compared:
            row += ["", ""] if found[0] is None else _compared(dataset.isel(point=found[0]), "")
        table.add_row(*row)
    return table


def _compared(here, prefix: str) -> list[str]:
    """What was computed and the difference; nothing outside of the temperatures of the result."""
    pairs = [[float(here[f"{prefix}{name}{kind}"]) for kind in ("", "_error")] for name in ("computed", "difference")]
    return [with_error(*pair) if np.isfinite(pair[0]) else "" for pair in pairs]


def _empty():
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)


def _wrapped(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width)) + "\n"


def _short(name: str) -> str:
    return name if len(name) <= 12 else f"{name[:11]}…"
