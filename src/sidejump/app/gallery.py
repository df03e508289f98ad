"""`sidejump gallery`: pictures whose inputs travel with the program, each a card of `gallery_cases/pictures.toml`."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..outputs import check_target, make_folder, write_all
from ..reference import dirac
from ..reference.dirac_exact import solve_exact
from ..reference.dirac_heat import phonon_ratios, zero_range_ratios
from ..result import component_label, hall_of, main_component, warnings_of
from ..rules import suggestion
from ..units import KB
from . import config, gauge, pictures, results, separation
from .build import bloch_gruneisen_temperature
from .mott import in_metal, mott
from .mott import table as mott_table
from .restore import first_of
from .run import Job, prepare
from .terminal import say

CASES = files("sidejump.app") / "gallery_cases"


@dataclass(frozen=True)
class Card:
    """A picture: what it is, and what it is made from.

    Attributes
    ----------
    title, shows : str
        Its name, and what is to be seen.
    draw : str
        A key of `DRAWN`, or of the pictures of `sidejump plot`.
    minutes : float
        Of one core of a present machine, on the whole.
    input : str
        File of the gallery; `here` names one of the present folder instead, an input or a script, which `needs` more
        than the program.
    curves : list of dict
        Of several runs: ``label``, and ``set`` (keys that change, ``scattering.0.sound_velocity``) or ``input``.
    reference : str
        ``"exact Dirac"``: the side jump is shown relative to the closed form, with the exact solution as a line.
    masses : list of float
        eV, of the picture against the gap.
    times : list of float
        Multiples of the density of impurities.
    limits : bool
        Whether a picture against temperature has the limits of cold and of hot phonons.
    step, tolerance : float
        Of the picture of Mott's relation: relative change of the chemical potential to either side, and the error of
        the runs there.
    ways, nodes : int
        Of the same picture of a metal: how often its points are laid, and energies that have points of their own.
    gauges : int
        How many, of the picture of gauges.
    """

    title: str
    shows: str
    draw: str
    minutes: float
    input: str = ""
    here: str = ""
    needs: str = ""
    reference: str = ""
    curves: list[dict] = field(default_factory=list)
    masses: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    limits: bool = False
    step: float = 0.0
    tolerance: float = 0.0
    ways: int = 0
    nodes: int = 0
    gauges: int = 0

    @property
    def there(self) -> bool:
        """Whether what it is made from is."""
        return not self.here or Path(self.here).is_file()


def cards() -> dict[str, Card]:
    """All pictures by name."""
    return {name: Card(**entry) for name, entry in tomllib.loads((CASES / "pictures.toml").read_text()).items()}


def chosen(names) -> dict[str, Card]:
    """Pictures by name; ``all`` is those whose inputs are there, ``quick`` is those of them that take few minutes.

    Raises
    ------
    InputError
        If there is no such picture.
    """
    known = cards()
    there = [name for name, card in known.items() if card.there]
    several = {"all": there, "quick": [name for name in there if known[name].minutes <= QUICK]}
    wanted: list[str] = []
    for name in names:
        if name not in several and name not in known:
            raise InputError(f'the gallery has no picture "{name}"{suggestion(name, [*known, *several])}')
        wanted += several.get(name, [name])
    return {name: known[name] for name in dict.fromkeys(wanted)}


QUICK = 3
"""Minutes of a picture that `quick` takes along."""


def listing() -> str:
    """The pictures there are, a line each."""
    known = cards()
    width = max(map(len, known)) + 2
    lines = []
    for name, card in known.items():
        needs = f", needs {card.needs}" if card.needs else ""
        lines.append(f"{name:{width}}{card.title} ({_duration(card.minutes)}{needs})")
    last = (
        "`sidejump gallery NAME` makes one, `sidejump gallery all` those whose inputs are in the present folder or "
        f"come with the program, `sidejump gallery quick` those of them that take up to {QUICK} minutes"
    )
    return "\n".join([*lines, last]) + "\n"


def _duration(minutes: float) -> str:
    """Of one core, in words."""
    return f"{60 * minutes:.0f} s" if minutes < 1 else f"{minutes:.0f} min"


def _say_costs(wanted: Mapping[str, Card]) -> None:
    """What is to come, the longest first."""
    ordered = sorted(wanted.items(), key=lambda item: -item[1].minutes)
    shown = ", ".join(f"{name} {_duration(card.minutes)}" for name, card in ordered)
    total = _duration(sum(card.minutes for card in wanted.values()))
    say(f"{len(wanted)} pictures, {total} of one core: {shown}")


def absent() -> str:
    """What is left out of all pictures because its input is elsewhere, in a sentence; none where all are there."""
    found = [f"{name} (needs {card.needs})" for name, card in cards().items() if not card.there]
    return f"not among them: {', '.join(found)}" if found else ""


def make(wanted: Mapping[str, Card], folder: Path, advance: Callable, *, force: bool) -> None:
    """Make pictures in a folder, which is made if it is missing; inputs and results stay beside them.

    Parameters
    ----------
    wanted : mapping of str to Card
        From :func:`chosen`.
    folder : path
    advance : callable
        ``advance(stage, done, total)``.
    force : bool
        Whether existing files may be replaced.

    Raises
    ------
    InputError
        If a file is there already or a picture needs what is not there; nothing has been computed then.
    """
    for name, card in wanted.items():
        if card.here and not Path(card.here).is_file():
            raise InputError(f"{card.here}: no such file, which the picture {name} is made from; it needs {card.needs}")
    make_folder(folder)
    for name, card in wanted.items():
        results_too = [f"{name}.nc"] if card.draw not in DRAWN else [f"{name}.csv"] if card.draw in TABLED else []
        for file in (f"{name}.png", *results_too, *_inputs(card)):
            check_target(folder / file, force=force)
    if len(wanted) > 1:
        _say_costs(wanted)
    for name, card in wanted.items():
        write_all({folder / own: (CASES / own).read_bytes() for own in _inputs(card)}, force=True)  # checked above
        source = Path(card.here) if card.here else folder / card.input
        say(f"{name}: {card.shows}")
        DRAWN.get(card.draw, _plot)(card, source, folder / f"{name}.png", advance)
        say(f"wrote {folder / f'{name}.png'}")


def _inputs(card: Card) -> list[str]:
    """Files of the gallery that a picture is made from, and those that they name."""
    found = [x for x in dict.fromkeys([card.input, *(curve.get("input", "") for curve in card.curves)]) if x]
    for own in [x for x in found if x.endswith(".toml")]:
        named = tomllib.loads((CASES / own).read_text())["electrons"].get("file")
        found += [named] if named else []
    return found


def _plot(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """A run, and a kind of `sidejump plot`."""
    target = picture.with_suffix(".nc")
    results.write(prepare(source).run(advance), target, force=True)
    # what the result does not hold is read from the input: its paths are those of the folder that it lies in
    given = source if card.draw in pictures.FROM_THE_INPUT or card.times or card.limits else None
    pictures.draw(target, picture, card.draw, given=given, times=tuple(card.times), limits=card.limits)


def _script(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """A Python file that takes the path of its picture."""
    done = subprocess.run([sys.executable, str(source), str(picture)], check=False)
    if done.returncode or not picture.is_file():
        raise InputError(f"{source}: ended with status {done.returncode} and without {picture}; run it to see why")


def _figure1(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    from ..plot.figure1 import figure1
    from ..reference.figure1 import figure1_curves

    job = prepare(source)
    assert isinstance(job, Job)  # of one chemical potential
    [phonons] = job.scatterers
    bloch_gruneisen = bloch_gruneisen_temperature(job.model, job.scatterers, job.chemical_potential)
    curves = figure1_curves(
        np.asarray(job.temperatures) / bloch_gruneisen,
        mass=job.model.mass,
        fermi_energy=job.chemical_potential,
        velocity=job.model.velocity,
        sound=phonons.sound_velocity,
        progress=lambda done, total: advance("inelastic", done, total),
    )
    figure1(curves, picture)


def _lorenz(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    pictures.lorenz_picture(prepare(source), picture, picture.with_suffix(".csv"))


def _gauges(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    gauge.draw(*gauge.pieces(prepare(source), card.gauges), picture)


def _mott(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """Both laws of several runs of massive Dirac electrons, and what they are without shells and pairs."""
    from ..plot.mott import mott_figure

    data, found, lines = config.parse(config.read_text(source), source), {}, {}
    for curve in card.curves:
        whole = _changed(data, curve.get("set", {}))
        level, mass = (whole["electrons"][key] for key in ("chemical_potential", "mass"))
        beside = {**whole, "observable": [], "solver": {"tolerance": card.tolerance}}
        sides = [_changed(beside, {"electrons.chemical_potential": level * (1 + s * card.step)}) for s in (-1, 1)]
        jobs: list[Any] = [prepare(one, source.parent) for one in (whole, *sides)]
        here, low, high = (job.run(advance) for job in jobs)
        one = found[curve["label"]] = mott(here, low, high, 2 * card.step * level)
        fine = np.geomspace(one.temperature.values[0], one.temperature.values[-1], 40)
        sound, velocity = jobs[0].scatterers[0].sound_velocity, jobs[0].model.velocity
        exact = [
            phonon_ratios(sound / velocity, KB * t, level, mass) if sound else zero_range_ratios(KB * t, level, mass)
            for t in fine
        ]
        lines[curve["label"]] = fine, {name: [x[name] for x in exact] for name in exact[0]}
    mott_figure(found, picture, lines)
    write_all({picture.with_suffix(".csv"): mott_table(found).encode()}, force=True)


def _metal(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """Both laws of a metal, on the points of its Fermi surface."""
    from ..plot.mott import mott_figure

    data = config.parse(config.read_text(source), source)
    found = {}
    for curve in card.curves:
        job = prepare(_changed(data, curve.get("set", {})), source.parent)
        found[curve["label"]] = in_metal(first_of(job), card.ways, card.nodes, say)
    mott_figure(found, picture)
    write_all({picture.with_suffix(".csv"): mott_table(found).encode()}, force=True)


def _films(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    from ..plot.separation import separation_figure

    separation_figure(separation.separated(source, None, {}, {}), picture)


def _against_temperature(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """The side jump of several runs."""
    from ..plot.family import Curve, family_figure

    curves, label = [], ""
    for curve in card.curves:
        path = source.with_name(curve.get("input", source.name))
        data = _changed(config.parse(config.read_text(path), path), curve.get("set", {}))
        t, (value, error), dataset, job = _side_jump(data, path.parent, advance)
        line = None
        if card.reference:
            ratio = job.model.mass / job.chemical_potential
            closed = np.array([dirac.phonon_side_jump(x, ratio) for x in t])
            sound = float(job.scatterers[0].branches[0].phonon_energy(np.ones(1))[0]) / job.model.velocity
            options = {"mass": job.model.mass, "chemical_potential": job.chemical_potential}
            fine = np.geomspace(t.min(), t.max(), 25)
            exact = np.array([solve_exact(sound, x, **options).side_jump for x in fine])
            line = fine, 100 * (exact / np.array([dirac.phonon_side_jump(x, ratio) for x in fine]) - 1)
            value, error = 100 * (value / closed - 1), 100 * error / closed
        curves.append(Curve(curve["label"], t, value, error, line))
        label = _label(dataset)
    ylabel = "side jump, exact over closed form less one (%)" if card.reference else label
    family_figure(curves, picture, xlabel=_temperature_label(data), ylabel=ylabel, log=True)


def _against_mass(card: Card, source: Path, picture: Path, advance: Callable) -> None:
    """The side jump against Delta/e_F, a curve for each temperature, with the closed form as a line."""
    from ..plot.family import Curve, family_figure

    data = config.parse(config.read_text(source), source)
    found = [_side_jump(_changed(data, {"electrons.mass": mass}), source.parent, advance) for mass in card.masses]
    level = data["electrons"]["chemical_potential"]
    x, fine = np.array(card.masses) / level, np.linspace(0.001, 0.999, 100)
    curves = []
    for i, t in enumerate(found[0][0]):
        value, error = (np.array([one[1][k][i] for one in found]) for k in (0, 1))
        line = fine, np.array([dirac.phonon_side_jump(t, d) for d in fine])
        curves.append(Curve(rf"$T={t:.3g}\,T_{{\mathrm{{BG}}}}$", x, value, error, line))
    family_figure(curves, picture, xlabel=r"$\Delta/\epsilon_F$", ylabel=_label(found[0][2]))


def _changed(data: dict, changes: Mapping) -> dict:
    """An input with keys changed, ``section.key`` or ``section.number.key``."""
    data = deepcopy(data)
    for path, value in changes.items():
        *where, key = path.split(".")
        place = data
        for step in where:
            place = place[int(step) if step.isdigit() else step]
        place[key] = value
    return data


def _side_jump(data: dict, folder: Path, advance: Callable):
    """Temperatures (in T_BG if the input has that unit), side jump and error, dataset and job of a run."""
    job: Any = prepare(data, folder)
    dataset = job.run(advance).sortby("temperature")
    for sentence in warnings_of(dataset):
        say(f"warning: {sentence}")
    t = dataset.temperature.values
    if data["temperature"].get("unit") == "T_BG":
        t = t / bloch_gruneisen_temperature(job.model, job.scatterers, job.chemical_potential)
    return t, hall_of(dataset, "sigma_side_jump", main_component(dataset)), dataset, job


def _temperature_label(data: dict) -> str:
    return r"$T/T_{\mathrm{BG}}$" if data["temperature"].get("unit") == "T_BG" else "temperature (K)"


def _label(dataset) -> str:
    from ..plot.note import UNIT

    component = component_label(main_component(dataset))
    return rf"side jump $\sigma^{{\mathrm{{sj}}}}_{{{component}}}$ ({UNIT[dataset.attrs['units']]})"


DRAWN: dict[str, Callable] = {
    "script": _script,
    "figure1": _figure1,
    "gauges": _gauges,
    "films": _films,
    "lorenz": _lorenz,
    "mott": _mott,
    "metal": _metal,
    "against temperature": _against_temperature,
    "against mass": _against_mass,
}
"""What draws pictures that are no kind of `sidejump plot`."""

TABLED = ("lorenz", "mott", "metal")
"""Of these, those that leave their numbers beside the picture, as comma-separated values."""
