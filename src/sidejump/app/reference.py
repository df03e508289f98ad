"""The input reference and a template, generated from the schema."""

from __future__ import annotations

from typing import get_args

from pydantic_core import PydanticUndefined

from . import schema

_CHOICES = {
    "electrons": get_args(get_args(schema.ElectronsInput)[0]),
    "scattering": get_args(get_args(schema.ScatteringInput)[0]),
}


def markdown() -> str:
    """The reference page."""
    lines = [
        "# Input reference",
        "",
        "One TOML file, generated from the schema that checks it. Unknown keys are errors.",
    ]
    for name, field in schema.RunInput.model_fields.items():
        title = f"[[{name}]]" if name == "scattering" else f"[{name}]"
        lines += ["", f"## `{title}`"]
        for cls in _CHOICES.get(name, (field.annotation,)):
            lines += _table(name, cls)
    lines += ["", "## `[solver.intrinsic]`", *_table("intrinsic", schema.IntrinsicInput)]
    return "\n".join(lines) + "\n"


def _table(section, cls) -> list[str]:
    lines = [""]
    if section in _CHOICES:
        key = "model" if section == "electrons" else "kind"
        lines += [f'### `{key} = "{get_args(cls.model_fields[key].annotation)[0]}"`', ""]
    lines += [cls.__doc__.strip(), "", "| key | default | meaning |", "| --- | --- | --- |"]
    for name, field in cls.model_fields.items():
        if name in ("model", "kind", "intrinsic"):
            continue
        default = "required" if field.is_required() else _default(field)
        lines.append(f"| `{name}` | {default} | {field.description} |".replace("|y|z", r"\|y\|z"))
    return lines


def _default(field) -> str:
    if field.default is PydanticUndefined or field.default is None:
        return "none"
    return f"`{field.default}`"
