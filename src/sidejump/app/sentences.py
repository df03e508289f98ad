"""What is wrong with an input file, as one sentence that names section, key, value and the fix."""

from __future__ import annotations

from pydantic import BaseModel

from ..rules import meaning, nearest, quote, requirement, suggestion
from . import schema

_CHOICES = {
    "electrons": ("model", schema.ELECTRONS),
    "scattering": ("kind", schema.SCATTERING),
    "observable": ("kind", schema.OBSERVABLES),
}
_EACH = {"scattering": "scatterer", "observable": "observable"}
"""Sections that may be repeated, and what each is."""


def first_sentence(errors: list[dict]) -> str:
    """The most telling of pydantic's errors: an unknown key explains the missing one it stands for."""
    order = ("extra_forbidden", "union_tag_invalid", "union_tag_not_found")
    errors = sorted(errors, key=lambda e: order.index(e["type"]) if e["type"] in order else len(order))
    return _sentence(errors[0])


def _sentence(error: dict) -> str:
    place, key, cls = _locate(error["loc"])
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "extra_forbidden":
        return _unknown(place, key, cls)
    if kind == "missing":
        if not key:
            return f"the section {place} is missing"
        return f"{place} {key} is missing{meaning(cls, key)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        name, classes = _CHOICES[str(error["loc"][0])]
        known = [tag(c, name) for c in classes]
        if kind == "union_tag_not_found":
            return f"{place} {name} is missing; known: {', '.join(known)}"
        return f"{place} {name} = {quote(context['tag'])} is not known{suggestion(context['tag'], known)}"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"{place} must be a section of keys, not {quote(value)}"
    if kind in ("list_type", "tuple_type") and not key and cls is schema.SpinOrbit:
        return f"{place} must be written with two brackets on each side, one such section for each shell"
    if kind == "list_type" and not key:
        each = _EACH.get(str(error["loc"][0]), "one")
        return f"{place} must be written with two brackets on each side, one such section for each {each}"
    if kind == "too_short" and not key:
        return f"no {place} section: add at least one scatterer"
    asked = requirement(error, cls, key)
    if not key:
        return f"{place} {asked}"
    return f"{place} {key} = {quote(value)}: {asked}"


def _locate(location) -> tuple[str, str, type[BaseModel] | None]:
    """Section as written in the file, key within it, and the class that checks it."""
    if not location:
        return "", "", schema.RunInput
    section, rest = str(location[0]), list(location[1:])
    if section not in schema.RunInput.model_fields:
        return "", section, schema.RunInput
    cls = schema.RunInput.model_fields[section].annotation
    place = f"[{section}]"
    if section in _EACH:
        place = f"[[{section}]]"
        if rest and isinstance(rest[0], int):
            place = f"[[{section}]] number {rest.pop(0) + 1}:"
    if section in _CHOICES:
        name, classes = _CHOICES[section]
        chosen = next((c for c in classes if rest and rest[0] == tag(c, name)), None)
        if chosen is not None:
            rest.pop(0)
        cls = chosen
    below = schema.subsections(cls)
    if rest and rest[0] in below:
        place, cls = f"[{section}.{rest[0]}]", below[rest[0]]
        rest.pop(0)
    if rest and rest[0] == "spin_orbit":
        cls, place = schema.SpinOrbit, "[[electrons.spin_orbit]]"
        rest.pop(0)
        if rest and isinstance(rest[0], int):
            place = f"[[electrons.spin_orbit]] number {rest.pop(0) + 1}:"
    # what follows the key are positions in a list, from 1 for people
    key = str(rest[0]) if rest else ""
    numbers = [str(x + 1) for x in rest[1:] if isinstance(x, int)]
    if numbers:
        key += f", number {' '.join(numbers)}"
    return place, key, cls if isinstance(cls, type) and issubclass(cls, BaseModel) else None


def _unknown(place: str, key: str, cls) -> str:
    """A key or a section that is not there: the nearest one, or the section that has the key."""
    if cls is schema.RunInput:
        return f"unknown section [{key}]{suggestion(key, cls.model_fields)}"
    known = [] if cls is None else list(cls.model_fields)
    others = [title for title, section in _sections() if key in section.model_fields]
    if others and not nearest(key, known):
        return f'{place} unknown key "{key}"; it belongs into {" or ".join(others)}'
    return f'{place} unknown key "{key}"{suggestion(key, known)}'


def _sections():
    """Every section as it is written and its class, those without a choice of classes."""
    for name, field in schema.RunInput.model_fields.items():
        if name not in _CHOICES:
            yield f"[{name}]", field.annotation
            yield from ((f"[{name}.{below}]", cls) for below, cls in schema.subsections(field.annotation).items())


def tag(cls: type[BaseModel], name: str) -> str:
    """The value of `model` or `kind` that selects a class."""
    return cls.model_fields[name].annotation.__args__[0]  # type: ignore[union-attr]
