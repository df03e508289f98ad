"""The run that a result came from, again: what pictures of its states need."""

from __future__ import annotations

import ast
from pathlib import Path

from ..errors import InputError
from .config import parse, read_text
from .run import Job, prepare
from .scan import Scan
from .terminal import say


def job_of(dataset, source, given=None) -> Job:
    """The run of a result, of several their first: see :func:`run_of`."""
    whole = run_of(dataset, source, given)
    return getattr(whole, "jobs", [whole])[0]


def input_of(dataset, source, given=None) -> dict | None:
    """The input of a result as a dictionary, None if it was made in Python; arguments of :func:`run_of`."""
    if given is not None:
        return parse(read_text(given), given)
    text = str(dataset.attrs.get("input", ""))
    if not text:
        return None
    return ast.literal_eval(text) if text.startswith("{") else parse(text, f"input of {source}")


def run_of(dataset, source, given=None) -> Job | Scan:
    """The run of a result, or the runs of a scan, from the input that the result holds.

    Parameters
    ----------
    dataset : xarray.Dataset
    source : path
        Of the result: files that the input names are looked for beside it.
    given : path, optional
        The input file, in place of what the result holds.

    Raises
    ------
    InputError
        If the result holds no input, or its files are not there.
    """
    data = input_of(dataset, source, given)
    if data is None:
        raise InputError(
            f"{source}: was made in Python and does not hold its input, without which there are no states to draw; "
            "give it with --input INPUT.toml"
        )
    whole = prepare(Path(given)) if given is not None else prepare(data, Path(source).parent)
    if "identity" in dataset.attrs and dataset.attrs["identity"] != whole.identity:
        say(f"warning: the input is another one than that of {source}, or its files or the version have changed since")
    return whole
