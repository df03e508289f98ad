"""Commented input files to start from, generated from the schema: what must be given, and all that may be."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from ..outputs import check_target, write_all
from ..rules import suggestion
from . import schema
from .reference import CHOICES, own_keys, summary, title, toml
from .sentences import tag

_WIDTH = 34  # column at which comments start
_SHORT = {"massive_dirac": "dirac"}
KINDS = {_SHORT.get(name, name): name for name in (tag(cls, "model") for cls in schema.ELECTRONS)}
"""Models by the words of `sidejump init`."""

_SCATTERING = {"epw": "electron_phonon", "perturbo": "electron_phonon", "compact": "electron_phonon"}
# optional in general, needed in a file to start from
_FILLED = {"temperature": ("values",), "scattering": ("strength",), "perturbo": ("chemical_potential",)}

_OWN_MODEL = '''\
"""Electron model of {name}: surface states with a warped Fermi line and an exchange gap, to be changed into yours."""

import sidejump as sj

VELOCITY = 3.0  # eV angstrom
GAP = 0.08  # half of it, eV
WARPING = 40.0  # eV angstrom^3


def hamiltonian(k):
    """H(k) for k of shape (nk, 2), 1/angstrom; returns (nk, 2, 2), eV, Hermitian, in double precision."""
    kx, ky = k[:, 0, None, None], k[:, 1, None, None]
    sx, sy, sz = sj.PAULI
    return VELOCITY * (kx * sy - ky * sx) + (GAP + WARPING * (kx**3 - 3 * kx * ky**2)) * sz


# a lattice has cell= (rows, angstrom) and sites= (angstrom) in place of search_half_width= (1/angstrom)
model = sj.FunctionModel(hamiltonian, dimension=2, spin=sj.PAULI, search_half_width=0.3)
'''


def write_files(kind: str, path: Path | None, scattering=(), *, force: bool = False) -> list[Path]:
    """Write the files of `kind`: the input, and for `own` the Python file of the model; their paths.

    Parameters
    ----------
    kind : str
        One of `KINDS`, or the name of a model.
    path : Path, optional
        The input file, or a folder to hold it; ``KIND.toml`` when not given.
    scattering : sequence of str
        Kinds of scatterers.
    force : bool
        Whether existing files may be replaced.

    Raises
    ------
    InputError
        If a name is not known or a file cannot be written; nothing has been written then.
    """
    target = Path(f"{kind}.toml") if path is None else path
    if target.is_dir():
        target = target / f"{kind}.toml"
    script = target.with_name(f"{target.stem}_model.py")
    contents = {target: input_text(kind, scattering, model_file=script.name)}
    if _model_name(kind) == "own":
        contents[script] = _OWN_MODEL.format(name=target.name)
    check_target(target, force=force, endings=(".toml",))
    return write_all({file: text.encode() for file, text in contents.items()}, force=force)


def _model_name(kind: str) -> str:
    if kind in KINDS.values():
        return kind
    if kind not in KINDS:
        raise InputError(f'"{kind}" is no kind of input{suggestion(kind, KINDS)}')
    return KINDS[kind]


def input_text(kind: str, scattering=(), *, model_file: str | None = None) -> str:
    """An input file for a kind with these kinds of scattering, ready to run but for the files it names.

    Parameters
    ----------
    kind : str
    scattering : sequence of str
        One that fits the model when empty.
    model_file : str, optional
        Name of the Python file, for `own`.

    Raises
    ------
    InputError
        If a name is not known.
    """
    model = _model_name(kind)
    electrons = _choose("electrons", model)
    kinds = list(scattering) or [_SCATTERING.get(model, "acoustic_deformation_potential")]
    d = electrons.dimension
    lines = [
        f"# {summary(electrons)}",
        "# Keys behind a # are optional; they show their default, or an example where there is none.",
    ]
    shown = {"file": model_file} if model == "own" and model_file else {}
    for section, field in schema.RunInput.model_fields.items():
        if section == "electrons":
            lines += ["", title(section), f'model = "{model}"', *_keys(model, electrons, d, shown)]
        elif section == "scattering":
            for chosen in kinds:
                cls = _choose(section, chosen)
                lines += ["", f"{title(section)}  # {summary(cls)}", f'kind = "{chosen}"', *_keys(section, cls, d)]
            lines += _other_mechanisms(electrons, kinds)
        elif section == "observable":
            for cls in schema.OBSERVABLES:
                lines += ["", f"# {title(section)}  # {summary(cls)}", f'# kind = "{tag(cls, "kind")}"']
                lines += _keys(section, cls, d)
        else:
            lines += ["", title(section), *_keys(section, field.annotation, d)]
            for name, cls in schema.subsections(field.annotation).items():
                lines += ["", f"[{section}.{name}]", *_keys(name, cls, d)]
    return "\n".join(lines) + "\n"


def _choose(section: str, wanted: str):
    key, classes = CHOICES[section]
    known = {tag(cls, key): cls for cls in classes}
    if wanted not in known:
        raise InputError(f'{key} "{wanted}" is not known{suggestion(wanted, known)}')
    return known[wanted]


def _other_mechanisms(electrons, kinds: list[str]) -> list[str]:
    """A line on what else may scatter."""
    known = [tag(cls, "kind") for cls in schema.SCATTERING]
    if not issubclass(electrons, schema.FirstPrinciples):
        known.remove("electron_phonon")
    others = [name for name in known if name not in kinds]
    return (
        [f"# [[scattering]] may be repeated; other kinds: {', '.join(toml(name) for name in others)}"] if others else []
    )


def _keys(section: str, cls, dimension: int, shown=None) -> list[str]:
    lines = []
    for name, field in own_keys(cls).items():
        needed = field.is_required() or name in _FILLED.get(section, ())
        value = (shown or {}).get(name, schema.example(field, dimension))
        if not needed and field.default is not None:
            value = field.default
        text = f"{name} = {'...' if value is None else toml(value)}"
        lines.append(f"{'' if needed else '# '}{text}".ljust(_WIDTH) + f"  # {schema.explained(field)}")
    return lines
