"""The input reference and the list of models, generated from the schema."""

from __future__ import annotations

from pydantic_core import PydanticUndefined

from . import schema
from .sentences import tag

CHOICES = {
    "electrons": ("model", schema.ELECTRONS),
    "scattering": ("kind", schema.SCATTERING),
    "observable": ("kind", schema.OBSERVABLES),
}
_INTRODUCTION = """# Input reference

One TOML file for each run. This page, the checks, the defaults and the files of `sidejump init` come from one schema.
Unknown keys are errors, numbers are plain numbers in the unit named here, and paths are relative to the input file
unless said otherwise. `[[scattering]]` and `[[observable]]` may be repeated; `[[observable]]`, `[solver]` and
`[output]` may be left out."""


def markdown() -> str:
    """The reference page."""
    lines = [_INTRODUCTION]
    for name, field in schema.RunInput.model_fields.items():
        lines += ["", f"## `{title(name)}`"]
        if name not in CHOICES:
            lines += _table(field.annotation)
            for below, cls in schema.subsections(field.annotation).items():
                lines += ["", f"## `[{name}.{below}]`", *_table(cls)]
            continue
        key, classes = CHOICES[name]
        for cls in classes:
            lines += ["", f'### `{key} = "{tag(cls, key)}"`', *_table(cls)]
    at = lines.index("## `[[scattering]]`") - 1
    lines[at:at] = ["", "### `[[electrons.spin_orbit]]`", *_table(schema.SpinOrbit)]
    return "\n".join(lines) + "\n"


def overview() -> str:
    """Models and mechanisms, one line each."""
    lines = []
    for name, (key, classes) in CHOICES.items():
        lines.append(title(name))
        lines += [f'  {key} = "{tag(cls, key)}"\n      {summary(cls)}' for cls in classes]
    return "\n".join(lines) + "\n"


def title(section: str) -> str:
    """A section's name as it is written in the file."""
    return f"[[{section}]]" if section in ("scattering", "observable") else f"[{section}]"


def summary(cls) -> str:
    """The docstring of a section on one line."""
    return " ".join(cls.__doc__.split())


def own_keys(cls) -> dict:
    """Fields of a section, inherited ones last, without the key that selects it and without subsections."""
    fields = {n: f for n, f in cls.model_fields.items() if n not in ("model", "kind", *schema.subsections(cls))}
    return dict(sorted(fields.items(), key=lambda item: item[0] not in cls.__annotations__))


def _table(cls) -> list[str]:
    lines = ["", summary(cls), "", "| key | default | meaning |", "| --- | --- | --- |"]
    for name, field in own_keys(cls).items():
        default = "required" if field.is_required() else _default(field)
        lines.append(f"| `{name}` | {default} | {schema.explained(field)} |")
    return lines


def _default(field) -> str:
    if field.default is PydanticUndefined or field.default is None:
        return "none"
    return f"`{toml(field.default)}`"


def toml(value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {toml(v)}' for key, v in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml(v) for v in value)}]"
    if isinstance(value, float):
        return _float(value)
    return repr(value)


def _float(value: float) -> str:
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return repr(value)
    mantissa, exponent = f"{value:.12e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
