"""Read and check an input file; every mistake becomes one sentence."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
from pydantic import BaseModel, ValidationError

from ..electrons.base import ElectronModel
from ..electrons.registry import MODELS
from ..electrons.wannier90 import read_wannier90
from ..electrons.zeeman import WithZeeman
from ..errors import InputError
from ..scattering import build_scatterer
from . import schema


def read_input(path) -> schema.RunInput:
    """Parse and validate a TOML file.

    Raises
    ------
    InputError
        If the file is missing, not TOML, or does not follow the schema.
    """
    path = Path(path)
    try:
        data = tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not valid TOML: {error}") from None
    return validate(data, str(path))


def validate(data: dict, name: str = "input") -> schema.RunInput:
    """A dictionary in the shape of an input file, checked against the schema."""
    try:
        return schema.RunInput.model_validate(data)
    except ValidationError as error:
        raise InputError(f"{name}: {_sentence(error.errors()[0])}") from None


def _sentence(error) -> str:
    location = [str(x) for x in error["loc"] if not str(x).startswith("function")]
    place = f"[{location[0]}]" if location else ""
    rest = [x for x in location[1:] if x not in _TAGS]
    key = ".".join(rest)
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _keys(location[:-1])
        close = difflib.get_close_matches(location[-1], known, n=1)
        hint = f'; did you mean "{close[0]}"?' if close else f"; known keys: {', '.join(known)}"
        return f'{place} unknown key "{key or location[-1]}"{hint}'
    if kind == "missing":
        return f"{place} {key} is missing".replace("  ", " ") if key else f"the section {place} is missing"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    shown = "" if isinstance(error["input"], dict) else f" = {error['input']!r}"
    return f"{place} {key}{shown}: {message}".replace("  ", " ")


_CLASSES = [
    *get_args(get_args(schema.ElectronsInput)[0]),
    *get_args(get_args(schema.ScatteringInput)[0]),
    schema.TemperatureInput,
    schema.SolverInput,
    schema.IntrinsicInput,
    schema.OutputInput,
]


def _tag(cls: type[BaseModel]) -> str | None:
    for name in ("model", "kind"):
        if name in cls.model_fields:
            return get_args(cls.model_fields[name].annotation)[0]
    return None


_TAGS = {_tag(c) for c in _CLASSES} - {None} | {"int", "literal['auto']", "constrained-int"}


def _keys(location) -> list[str]:
    for cls in _CLASSES:
        if _tag(cls) in location:
            return list(cls.model_fields)
    current: type[BaseModel] = schema.RunInput
    for part in location:
        annotation = current.model_fields[part].annotation if part in current.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            current = annotation
    return list(current.model_fields)


def build_model(electrons, folder: Path):
    """The electron model of an `[electrons]` section and its chemical potential (eV)."""
    if electrons.model == "wannier90":
        wsvec = None if electrons.wsvec is None else folder / electrons.wsvec
        model: ElectronModel = read_wannier90(
            folder / electrons.file, wsvec=wsvec, cell=electrons.cell, spin_ordering=electrons.spin_ordering
        )
        if electrons.zeeman is not None:
            model = WithZeeman(model, electrons.zeeman)
        return model, electrons.fermi_energy
    parameters = electrons.model_dump(exclude={"model", "chemical_potential"})
    try:
        return MODELS[electrons.model](**parameters), electrons.chemical_potential
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"[electrons] {error}") from None


def build_scatterers(sections, model) -> list:
    """Scatterers of the `[[scattering]]` sections."""
    built = []
    for section in sections:
        parameters = section.model_dump(exclude={"kind"})
        vertex = parameters["vertex"]
        if not isinstance(vertex, str):
            matrix = np.asarray(vertex, dtype=float)
            parameters["vertex"] = matrix if matrix.ndim == 2 else matrix[..., 0] + 1j * matrix[..., 1]
        try:
            built.append(build_scatterer(section.kind, parameters, model))
        except ValueError as error:
            raise InputError(f"[[scattering]] {section.kind}: {error}") from None
    return built


def temperatures(section, bloch_gruneisen: float | None = None) -> np.ndarray:
    """Temperatures in K; `bloch_gruneisen` is T_BG in K, needed for that unit."""
    if section.values is not None:
        values = np.array(section.values, dtype=float)
    elif section.spacing == "log":
        values = np.geomspace(section.minimum, section.maximum, section.number)
    else:
        values = np.linspace(section.minimum, section.maximum, section.number)
    if section.unit == "T_BG":
        if bloch_gruneisen is None:
            raise InputError(
                '[temperature] unit = "T_BG" needs acoustic phonons and a model with one Fermi radius; use "K"'
            )
        values = values * bloch_gruneisen
    return values
