"""The run that a result came from, again: what pictures of its states need."""

from __future__ import annotations

import ast
import json
from importlib.metadata import version
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..pairs.digest import same
from .attributes import plain
from .config import parse, read_text, validate
from .reference import toml
from .run import Job, prepare
from .scan import Scan
from .terminal import say

_NAMED = 4  # differences in a sentence
_LONGEST = 40  # letters of a value in it


def job_of(dataset, source, given=None) -> Job:
    """The run of a result, of several their first: see :func:`run_of`."""
    return first_of(run_of(dataset, source, given))


def first_of(whole: Job | Scan) -> Job:
    """A run, of several their first."""
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
    """The run of a result, or the runs of a scan, from the input that the result holds; says so if it is another run.

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
    sentence = another(dataset, source, whole, given)
    if sentence:
        say(f"warning: {sentence}")
    return whole


def another(dataset, source, whole: Job | Scan, given=None) -> str:
    """What makes a run another one than that of a result, in a sentence; none where it is the same.

    Parameters
    ----------
    dataset, source, given
        Those of :func:`run_of`.
    whole : Job or Scan
        The run.
    """
    if same(dataset.attrs.get("identity"), whole.identity):
        return ""
    name = f"the input of {source}" if given is None else str(given)
    found = [] if given is None else _differences(dataset, source, whole, given)
    then = json.loads(dataset.attrs.get("versions", "{}")).get("sidejump")
    if not found and then is not None and then != version("sidejump"):
        found = [f"this is version {version('sidejump')} instead of {then}"]
    if not found and "identity" not in dataset.attrs:
        found = ["the result does not say of which study it is"]
    if not found:
        found = ["files that it names, or code, have changed since"]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{name} is not that of {source}, to which its states do not belong: {', '.join(found[:_NAMED])}{more}"


def _differences(dataset, source, whole: Job | Scan, given) -> list[str]:
    """What differs, in words: keys of the inputs, or what a result made in Python says of itself."""
    text = input_of(dataset, source)
    if text is None:
        return _of_attributes(dataset, first_of(whole))
    try:
        then, now = _keys(text), _keys(input_of(dataset, source, given) or {})
    except InputError:  # of a version with other keys
        return []
    return [
        f"{key} is {_shown(now.get(key))} instead of {_shown(then.get(key))}"
        for key in dict.fromkeys([*now, *then])
        if now.get(key) != then.get(key) and not _follows(key, now, then)
    ]


def _of_attributes(dataset, job: Job) -> list[str]:
    attrs = dataset.attrs
    now = plain(
        {**job.model.describe(), "scatterers": [s.name for s in job.scatterers], "temperatures": job.temperatures}
    )
    then = {
        **json.loads(attrs["model"]),
        "scatterers": json.loads(attrs.get("scatterers", "null")),
        "temperatures": plain(np.sort(dataset.temperature.values)),
    }
    now["temperatures"] = sorted(now["temperatures"])
    if "chemical_potential_eV" in attrs and np.ndim(attrs["chemical_potential_eV"]) == 0:
        then["chemical_potential"] = float(attrs["chemical_potential_eV"])
        now["chemical_potential"] = job.chemical_potential
    return [
        f"{key} is {_shown(now[key])} instead of {_shown(then.get(key))}" for key in now if now[key] != then.get(key)
    ]


def _keys(data: dict) -> dict[str, object]:
    """Every key of an input with its value, that by default where it is not written, by what names it in the file."""
    found: dict[str, object] = {}
    for section, content in validate(data).model_dump(exclude={"output"}).items():
        if isinstance(content, list):
            for number, one in enumerate(content, 1):
                found |= {f"[[{section}]] {number} {key}": value for key, value in one.items()}
            continue
        for key, value in content.items():
            inner = value if isinstance(value, dict) else {}
            found |= {f"[{section}.{key}] {name}": x for name, x in inner.items()} or {f"[{section}] {key}": value}
    return found


def _follows(key: str, now: dict, then: dict) -> bool:
    """Whether a key differs because a section is of another kind, or there in one of the inputs alone."""
    kinds = (f"{key.rpartition(' ')[0]} {name}" for name in ("model", "kind"))
    return any(now.get(kind) != then.get(kind) for kind in kinds if kind != key)


def _shown(value) -> str:
    if value is None:
        return "absent"
    text = toml(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
