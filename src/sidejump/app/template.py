"""A commented input file to start from, generated from the schema: what must be given, and all that may be."""

from __future__ import annotations

import difflib

from ..errors import InputError
from . import schema
from .reference import CHOICES, own_keys, summary, title, toml
from .sentences import tag

_WIDTH = 34  # column at which comments start
_SCATTERING = {"epw": "electron_phonon", "perturbo": "electron_phonon", "compact": "electron_phonon"}
# optional in general, needed in a template
_FILLED = {"temperature": ("values",), "scattering": ("strength",), "perturbo": ("chemical_potential",)}


def template(model: str, scattering=()) -> str:
    """An input file for `model` with these kinds of scattering, ready to run but for the files it names.

    Raises
    ------
    InputError
        If a name is not known.
    """
    electrons = _choose("electrons", model)
    kinds = [
        _choose("scattering", k) for k in scattering or (_SCATTERING.get(model, "acoustic_deformation_potential"),)
    ]
    d = electrons.dimension
    lines = [
        f"# {summary(electrons)}",
        "# Keys behind a # are optional; they show their default, or an example where there is none.",
        "",
        "[electrons]",
        *_head("model", model),
        *_keys(model, electrons, d),
    ]
    for cls in kinds:
        kind = tag(cls, "kind")
        lines += ["", f"[[scattering]]  # {summary(cls)}", *_head("kind", kind), *_keys("scattering", cls, d)]
    for name in ("temperature", "solver", "output"):
        cls = schema.RunInput.model_fields[name].annotation
        lines += ["", title(name), *_keys(name, cls, d)]
        if name == "solver":
            for sub, section in (("intrinsic", schema.IntrinsicInput), ("expert", schema.ExpertInput)):
                lines += ["", f"[solver.{sub}]", *_keys(sub, section, d)]
    return "\n".join(lines) + "\n"


def _choose(section: str, wanted: str):
    key, classes = CHOICES[section]
    known = {tag(cls, key): cls for cls in classes}
    if wanted not in known:
        close = difflib.get_close_matches(wanted, known, n=1)
        hint = f'did you mean "{close[0]}"?' if close else f"known: {', '.join(known)}"
        raise InputError(f'{key} "{wanted}" is not known; {hint}')
    return known[wanted]


def _head(key: str, value: str) -> list[str]:
    return [f'{key} = "{value}"']


def _keys(section: str, cls, dimension: int) -> list[str]:
    lines = []
    for name, field in own_keys(cls).items():
        needed = field.is_required() or name in _FILLED.get(section, ())
        value = schema.example(field, dimension)
        if not needed and field.default is not None:
            value = field.default
        shown = f"{name} = {'...' if value is None else toml(value)}"
        lines.append(f"{'' if needed else '# '}{shown}".ljust(_WIDTH) + f"  # {field.description}")
    return lines
