"""The run that a result came from, again: what pictures of its states need."""

from __future__ import annotations

import ast
from pathlib import Path

from ..errors import InputError
from .config import parse
from .run import Job, prepare
from .terminal import say


def job_of(dataset, source, given=None) -> Job:
    """The run of a result, of a scan its first case, from the input that the result holds.

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
    text = str(dataset.attrs.get("input", ""))
    if given is not None:
        job = prepare(Path(given))
    elif not text:
        raise InputError(
            f"{source}: was made in Python and does not hold its input, without which there are no states to draw; "
            "give it with --input INPUT.toml"
        )
    else:
        data = ast.literal_eval(text) if text.startswith("{") else parse(text, f"input of {source}")
        job = prepare(data, Path(source).parent)
    one = getattr(job, "jobs", [job])[0]
    if one is job and "identity" in dataset.attrs and dataset.attrs["identity"] != job.identity:
        say(f"warning: the input is another one than that of {source}, or its files or the version have changed since")
    return one
