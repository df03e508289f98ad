"""Conductivities that Perturbo and EPW print, for comparison.

Perturbo's ``PREFIX.cond`` (``PREFIX.trans_coef`` in newer versions) has a section for each quantity: a line of names, a
row for each temperature; lines of the iteration begin with ``#``.  Its ``PREFIX_trans-rta.yml`` (``-ita``, ``-pp``)
has a section ``trans`` with the units, and below ``configuration index`` the temperature and the tensors of each line
of the temper file; where the equation was iterated the first iteration is that with relaxation times.

EPW's output has, for SERTA and for the iterated equation (BTE), a table: temperature, Fermi energy, density of
carriers (of states in a metal), population, then the first row of the tensor of mobilities (of conductivities in a
metal); below it the other rows, since EPW 5.7 behind a population of their own.  A mobility mu of n carriers is the
conductivity e n mu.
With a magnetic field there is also a block for each temperature with the conductivity without and with the field, by
columns before EPW 5.7.  Older versions, and newer ones without iteration, write the conductivity of electrons or holes
into ``PREFIX_elcond_e`` or ``_h``.

Not covered: metals in two dimensions, whose conductivity EPW prints as that of a layer one bohr thick, which its output
does not tell from that of a crystal; mobilities by axis, which EPW sorts by size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..extras import needed
from ..files import read_text, reading, text_size
from ..outputs import DATASETS
from ..text_numbers import floats, leading
from ..units import VON_KLITZING

_ELEMENTARY = 1.602176634e-19  # C
_PERTURBO_UNITS = {"1/Ohm/m": 3, "1/Ohm": 2}  # dimensions of what is measured in them
_SIZE = text_size(2_000_000)
_WITHOUT_FIELD = 6  # components that Perturbo prints of a symmetric tensor; all nine in a magnetic field
_YAML = (".yml", ".yaml")
_UNITS = re.compile(r"\[K\]\s+\[eV\]\s+(?:\[cm\^-(?P<place>[23])\]|\[states/Ry\].*\[Ohm\.cm\]\^-1)")
_NUMBER = r"[+-]?\d*\.?\d+(?:[EeDd][+-]?\d+)?"


@dataclass(frozen=True)
class ConductivityTable:
    """What another program found.

    Attributes
    ----------
    source : str
        File.
    label : str
        Program and method.
    dimension : int
    temperatures : ndarray, shape (n,)
        K, ascending.
    conductivity : ndarray, shape (n, 3, 3)
        S/cm, in two dimensions e^2/h; elements that are not given are NaN.
    """

    source: str
    label: str
    dimension: int
    temperatures: np.ndarray
    conductivity: np.ndarray


def read_conductivities(file) -> list[ConductivityTable]:
    """Tables of conductivity in a file of Perturbo or an output of EPW, one for each method.

    Raises
    ------
    InputError
        If it holds none, or is damaged.
    """
    path = Path(file)
    if path.suffix.lower() in DATASETS:
        raise InputError(
            f"{path}: a comparison is with a table of Perturbo or an output of EPW; results of sidejump are loaded and "
            "drawn together in Python (sidejump.load), those of one scan with --kind doping"
        )
    with reading(path, "a table of Perturbo (PREFIX.cond, PREFIX.trans_coef, YAML) or an output of EPW"):
        text = read_text(path, _SIZE)
        if path.suffix.lower() in _YAML:
            return _perturbo_yaml(path, text)
        lines = text.splitlines()
        found = _perturbo(path, lines) or _epw(path, lines)
        if not found and "x-axis" in text and "mobility [cm^2/Vs]" in text:
            raise InputError(
                f"{path}: holds mobilities by axis alone, which EPW sorts by size; give PREFIX_elcond_e or _h of the "
                "same run, which has the tensor"
            )
        if not found:
            raise InputError(
                f"{path}: holds no conductivity that is known: give PREFIX.cond, PREFIX.trans_coef or the YAML file of "
                "Perturbo, or the output of an EPW run that printed mobilities"
            )
    return found


def _table(path, label: str, dimension: int, temperatures, tensors) -> ConductivityTable:
    """From tensors in S/m, or S in two dimensions."""
    order = np.argsort(temperatures)
    unit = 1e-2 if dimension == 3 else VON_KLITZING
    kelvin, values = np.array(temperatures)[order], unit * np.array(tensors)[order]
    if kelvin[0] <= 0:
        raise InputError(f"{path}: {label}: lists a temperature of {kelvin[0]:g} K; temperatures are above zero")
    if len(np.unique(kelvin)) != len(kelvin):
        raise InputError(f"{path}: {label}: lists a temperature twice; a comparison needs one density for each")
    return ConductivityTable(str(path), label, dimension, kelvin, values)


def _perturbo(path, lines) -> list[ConductivityTable]:
    # of a layer 1/Ohm, "Conductance" in older versions
    titles = [re.match(r"\s*#\s*Conduct(?:ivity|ance)\s+\(1/Ohm(/m)?\)", line) for line in lines]
    start = next((i for i, title in enumerate(titles) if title), None)
    if start is None:
        return []
    title = titles[start]
    dimension = 3 if title is not None and title.group(1) else 2
    names: list[str] = []
    temperatures, tensors = [], []
    for line in lines[start + 1 :]:
        if re.match(r"\s*#\s*[A-Z]\w* .*\(", line) and "T (K)" not in line:
            break  # the next quantity
        if "T (K)" in line:
            names = re.findall(r"sigma_([xyz]{2})", line)
            if len(set(names)) != len(names):
                raise ValueError("a component has two columns")
            if len(names) > _WITHOUT_FIELD:
                raise InputError(
                    f"{path}: is of a run in a magnetic field; a comparison is with one without, trans-rta or -ita"
                )
        elif line.strip() and not line.lstrip().startswith("#"):
            words = leading(line)
            if not names or len(words) != 3 + len(names):
                raise ValueError(f"{3 + len(names)} numbers expected in a row, {len(words)} found")
            numbers = floats(words)
            temperatures.append(numbers[0])
            tensors.append(_tensor(dict(zip(names, numbers[3:], strict=True))))
    return [_table(path, "Perturbo", dimension, temperatures, tensors)] if temperatures else []


def _perturbo_yaml(path, text: str) -> list[ConductivityTable]:
    """Of the last iteration; of the first as well, which is the relaxation time approximation, where there are more."""
    yaml = needed("yaml", f"{path}: YAML")
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    trans = data.get("trans") if isinstance(data, dict) else None
    if not isinstance(trans, dict):
        raise InputError(
            f'{path}: has no section "trans": give the YAML file of a transport run of Perturbo, PREFIX_trans-rta.yml, '
            "-ita or -pp"
        )
    if "magnetic field units" in trans:
        raise InputError(
            f"{path}: is of a run in a magnetic field; a comparison is with one without, trans-rta or -ita"
        )
    word = "conductance" if "conductance units" in trans else "conductivity"
    unit = trans[f"{word} units"]
    if unit not in _PERTURBO_UNITS or trans["temperature units"] != "K":
        raise InputError(
            f'{path}: {word} in "{unit}" at temperatures in "{trans["temperature units"]}"; those that are known are '
            f"{' and '.join(_PERTURBO_UNITS)}, and K"
        )
    rows = list(trans["configuration index"].values())
    temperatures = [float(row["temperature"]) for row in rows]
    dimension = _PERTURBO_UNITS[unit]
    found = [_table(path, "Perturbo", dimension, temperatures, [_yaml_tensor(row) for row in rows])]
    if all(row.get("number of iterations", 1) > 1 for row in rows):
        first = [_yaml_tensor(row["iteration"][1]) for row in rows]
        found.insert(0, _table(path, "Perturbo, relaxation times", dimension, temperatures, first))
        found[1] = replace(found[1], label="Perturbo, iterated")
    return found


def _yaml_tensor(section: dict) -> np.ndarray:
    """The tensor of a configuration or an iteration."""
    # of a layer too: its unit alone is called that of a conductance, where Perturbo writes it (output_trans_coef_yaml)
    # and perturbopy reads it; numbers whose exponent has three digits are words to YAML
    rows = section["conductivity"]["tensor"]
    return _three([floats([str(x) for x in row]) for row in rows])


def _tensor(elements: dict[str, float]) -> np.ndarray:
    """A tensor of named elements; where one of a pair is named the other is its equal."""
    tensor = np.full((3, 3), np.nan)
    for name, value in elements.items():
        a, b = ("xyz".index(x) for x in name)
        tensor[a, b] = value
        if f"{name[1]}{name[0]}" not in elements:
            tensor[b, a] = value
    return tensor


def _epw(path, lines) -> list[ConductivityTable]:
    if lines and re.match(r"#\s*Electrical conductivity in 1/\(Ohm \* m\)", lines[0].strip()):
        return _elcond(path, lines[1:])
    method, temperature, metal, place = "", None, False, None
    found: dict[tuple[str, int], dict[float, np.ndarray]] = {}
    for i, line in enumerate(lines):
        text = line.strip()
        if text.startswith("BTE in the self-energy relaxation time"):
            method, place = "EPW, SERTA", None
        elif text == "BTE" or text.startswith(("Iteration number", "Start solving iterative Boltzmann")):
            method, place = "EPW, BTE", None
        elif at := re.match(rf"Temperature:\s+({_NUMBER})\s*K", text):
            temperature = float(at.group(1))
        elif text.startswith("Conductivity tensor without magnetic field") and temperature is not None:
            tensor = _three([floats(leading(row.partition("|")[0])) for row in lines[i + 1 : i + 4]])
            by_rows = "Hall mobility" in lines[i + 4]
            d = 3 if "/m]" in text else 2
            found.setdefault((method, d), {})[temperature] = tensor if by_rows else tensor.T
        elif units := _UNITS.match(text):
            metal, place = units["place"] is None, int(units["place"] or 3)
        elif place is not None and method and len(words := line.split()) == 7 and leading(line) == words:
            numbers = floats(words)
            # the rows below are three numbers, or their population and three
            rows = [numbers[4:], *[floats(leading(row)[-3:]) for row in lines[i + 1 : i + 3]]]
            si = 100.0 if metal else 1e-4 * _ELEMENTARY * abs(numbers[2]) * 100.0**place
            # a later iteration takes the place of an earlier one
            found.setdefault((method, place), {})[float(numbers[0])] = si * _three(rows)
    return [_table(path, label or "EPW", d, list(rows), [rows[t] for t in rows]) for (label, d), rows in found.items()]


def _three(rows: list[np.ndarray]) -> np.ndarray:
    """A tensor from its rows."""
    if [len(row) for row in rows] != [3, 3, 3]:
        raise ValueError("three rows of three numbers expected for a tensor")
    return np.stack(rows)


def _elcond(path, lines) -> list[ConductivityTable]:
    """EPW's ``PREFIX_elcond_e`` and ``_h``: Fermi energy, temperature and nine elements on each line, S/m."""
    rows = [floats(leading(line)) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if any(len(row) != 11 for row in rows) or not rows:
        raise ValueError("11 numbers expected on each line")
    return [_table(path, "EPW", 3, [row[1] for row in rows], [row[2:].reshape(3, 3) for row in rows])]
