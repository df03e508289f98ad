"""Every number that the program can be held against: computes them and writes docs/validation.md.

    python benchmarks/validation.py [--only WORD] [--output FILE]

Exit status 1 if one is off by more than three of its own error bars and what its source leaves open.  A new comparison
is a function here that yields `Comparison`, or `Skipped` where what it needs is not there.  The independent solvers are
those of `sidejump.reference` and of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import sidejump as sj
from helpers_other_codes import compare_with_epw, compare_with_perturbo, table_of_lead
from sidejump.reference import bloch_gruneisen, dirac
from sidejump.reference.dirac_exact import solve_exact
from sidejump.units import HBAR2_OVER_2M, KB, mass_density_from_si, velocity_from_si

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SIDEJUMP_DATA", ROOT.parent / "shared" / "data"))
LOG = ROOT / "benchmarks" / "log.jsonl"
BARS = 3.0
"""Error bars of the program that a difference may have."""


@dataclass(frozen=True)
class Comparison:
    """A number of the program, with its standard error, beside one of a source, with what that leaves open.

    `judged` is false where the two are not expected to be equal: then `note` says why.
    """

    quantity: str
    value: float
    error: float
    reference: float
    open: float
    unit: str
    source: str
    judged: bool = True
    note: str = ""

    @property
    def allowed(self) -> float:
        """The largest difference that is no contradiction."""
        return BARS * self.error + self.open

    @property
    def passed(self) -> bool:
        """Whether it agrees; nothing that is no number does."""
        return not self.judged or bool(abs(self.value - self.reference) <= self.allowed)


@dataclass(frozen=True)
class Skipped:
    """A comparison that could not be made, and why."""

    quantity: str
    reason: str


Found = Iterator[Comparison | Skipped]

MASS, VELOCITY, LEVEL = 0.1, 3.0, 0.2  # eV, eV angstrom, eV: Delta / e_F = 1/2
DIRAC = sj.MassiveDirac(mass=MASS, velocity=VELOCITY)
T_BG = 2 * np.sqrt(LEVEL**2 - MASS**2) / VELOCITY / KB  # times hbar c
PAPER = "Xiao et al., arXiv:1906.04977, "


def debye(ratio: float):
    """Acoustic phonons of c/v = `ratio` with lambda^2 = 1 eV angstrom^2, and their T_BG in K."""
    sound = ratio * VELOCITY
    branch = sj.Branch(coupling=lambda q: 0.5 * sound * q, phonon_energy=lambda q: sound * q)
    return sj.Scatterer("phonons", 2, (branch,), vertex="identity", sound_velocity=sound), T_BG * sound


def hall(ds, part: str, i: int = 0) -> tuple[float, float]:
    """The yx element of a part and its error at a temperature."""
    one = ds.isel(temperature=i).sel(a="y", b="x")
    return float(one[f"sigma_{part}"]), float(one[f"sigma_{part}_error"])


def closed_form() -> Found:
    """Fig. 1, the line: quasi-elastic."""
    phonons, scale = debye(1e-3)
    t = np.array([0.05, 0.2, 1.0])
    ds = sj.anomalous_hall(
        DIRAC, phonons, chemical_potential=LEVEL, temperatures=t * scale, energy_nodes=1, tolerance=1e-3
    )
    for i, x in enumerate(t):
        name = f"side jump, massive Dirac, phonons, quasi-elastic, {x:g} T_BG"
        yield Comparison(
            name, *hall(ds, "side_jump", i), dirac.phonon_side_jump(x, 0.5), 1e-6, "e^2/h", PAPER + "eqs 18 to 20"
        )


def inelastic() -> Found:
    """Fig. 1, the circles: the integral equation in the energy, which shares no code with the shells."""
    for ratio, t in ((0.005, 0.2), (0.02, 0.1), (0.02, 1.0)):
        phonons, scale = debye(ratio)
        ds = sj.anomalous_hall(
            DIRAC, phonons, chemical_potential=LEVEL, temperatures=[t * scale], energy_nodes=9, tolerance=1e-3
        )
        exact = solve_exact(ratio, t, mass=MASS, chemical_potential=LEVEL).side_jump
        name = f"side jump, massive Dirac, inelastic phonons, c/v = {ratio:g}, {t:g} T_BG"
        source = "integral equation in the energy (`reference/dirac_exact.py`)"
        yield Comparison(name, *hall(ds, "side_jump"), exact, 1e-6, "e^2/h", source)


def impurities() -> Found:
    """Zero-range impurities of the massive Dirac model: all parts."""
    strength, density = 20.0, 1e-5  # eV angstrom^2, angstrom^-2
    scatterer = sj.impurity(correlation="zero_range", density=density * 1e16, strength=strength / 100, dimension=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)
        ds = sj.anomalous_hall(
            DIRAC,
            scatterer,
            chemical_potential=LEVEL,
            temperatures=[0.5],
            energy_nodes=1,
            tolerance=1e-3,
            skew_scattering="static",
        )
    d, k2 = MASS / LEVEL, LEVEL**2 - MASS**2
    crossed = (4 * MASS**2 + k2) ** 2
    sinitsyn = "Sinitsyn et al., Phys. Rev. B 75, 045315 (2007)"
    exact = {
        "intrinsic": dirac.intrinsic_conductivity(d),
        "side_jump": dirac.zero_range_side_jump(d),
        "gaussian_skew": d / 2 * 3 * k2**2 / crossed,
        "skew": k2**2 * MASS / crossed / (density * strength),
    }
    for part, value in exact.items():
        name = f"{part.replace('_', ' ')}, massive Dirac, zero-range impurities"
        # kT = 4e-5 eV: corrections of the order (kT/e_F)^2
        yield Comparison(name, *hall(ds, part), value, 1e-6 * abs(value), "e^2/h", sinitsyn)
    xx = ds.isel(temperature=0).sel(a="x", b="x")
    value = (
        2
        * np.pi
        * dirac.zero_range_conductivity(d, fermi_energy=LEVEL, velocity=VELOCITY, strength=density * strength**2)
    )
    yield Comparison(
        "conductivity, massive Dirac, zero-range impurities",
        float(xx.sigma_boltzmann),
        float(xx.sigma_boltzmann_error),
        value,
        1e-6 * value,
        "e^2/h",
        "closed form of the Born approximation",
    )


def rashba() -> Found:
    """Scalar scatterers keep the spin: the spin Hall current vanishes without exchange."""
    asked = {"chemical_potential": 0.2, "temperatures": [20], "observables": [sj.spin_current("yz")]}
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.0)
    ds = sj.anomalous_hall(model, phonons, **asked).isel(temperature=0, observable=0).sel(b="x")
    names = {"intrinsic": -1 / (8 * np.pi), "side_jump": 1 / (8 * np.pi)}
    for part, value in names.items():
        name = f"spin Hall, {part.replace('_', ' ')}, Rashba, inelastic phonons"
        numbers = float(ds[f"response_{part}"]), float(ds[f"response_{part}_error"])
        yield Comparison(name, *numbers, value, 1e-6, "e", "conservation of spin: ±e/8π, their sum is zero")
    model = sj.RashbaFerromagnet(effective_mass=0.6, rashba=0.8, exchange=0.05)
    scatterer = sj.impurity(correlation="zero_range", density=1e11, strength=0.1, dimension=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)
        options = {"energy_nodes": 1, "tolerance": 2e-3, "skew_scattering": "static", "intrinsic_tolerance": 1e-3}
        ds = sj.anomalous_hall(model, scatterer, chemical_potential=0.2, temperatures=[1], **options)
    parts = np.array([hall(ds, part) for part in ("intrinsic", "side_jump", "gaussian_skew")])
    value, error = parts[:, 0].sum(), float(np.linalg.norm(parts[:, 1]))
    source = "Nunner et al., Phys. Rev. B 76, 235312 (2007): zero with both subbands occupied"
    name = "intrinsic + side jump + Gaussian skew, Rashba ferromagnet, impurities"
    yield Comparison(name, value, error, 0.0, 1e-4, "e^2/h", source)


def metal() -> Found:
    """The resistivity of a sphere: Bloch and Grueneisen."""
    mass, k_fermi, sound, density = 0.5, 0.4, 4000.0, 5000.0
    half = HBAR2_OVER_2M / mass
    model = sj.FunctionModel(
        lambda k: half * np.sum(k**2, axis=1)[:, None, None].astype(complex), dimension=3, search_half_width=1.0
    )
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=sound, mass_density=density, dimension=3
    )
    sphere = {
        "mass": 1 / (2 * half),
        "k_fermi": k_fermi,
        "deformation_potential": 5.0,
        "sound_velocity": velocity_from_si(sound),
        "mass_density": mass_density_from_si(density, 3),
    }
    scale = bloch_gruneisen.bloch_gruneisen_temperature(k_fermi=k_fermi, sound_velocity=velocity_from_si(sound)) / KB
    options = {"energy_nodes": 1, "tolerance": 1e-2, "geometry": "shared"}
    t = np.array([0.1, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)  # one band: there is no Hall effect to be judged
        ds = sj.anomalous_hall(model, phonons, chemical_potential=half * k_fermi**2, temperatures=t * scale, **options)
    factor = sj.units.conductivity_unit(3)[0]
    for i, x in enumerate(t):
        one = ds.isel(temperature=i).sel(a="x", b="x")
        exact = factor / bloch_gruneisen.resistivity(KB * x * scale, **sphere)
        name = f"conductivity, parabolic band in 3D, phonons, {x:g} T_BG"
        numbers = float(one.sigma_boltzmann), float(one.sigma_boltzmann_error)
        yield Comparison(name, *numbers, exact, 1e-6 * exact, "S/cm", "Bloch-Grüneisen formula, quasi-elastic")


def heat() -> Found:
    """Wiedemann and Franz's law of cold static impurities."""
    scatterer = sj.impurity(correlation="zero_range", density=1e11, strength=1.0, dimension=2)
    ds = sj.anomalous_hall(DIRAC, scatterer, chemical_potential=LEVEL, temperatures=[5], heat=True, tolerance=5e-3)
    one = ds.isel(temperature=0).sel(a="x", b="x")
    error = float(
        np.hypot(one.thermal_boltzmann_error / one.thermal_boltzmann, one.sigma_boltzmann_error / one.sigma_boltzmann)
    )
    yield Comparison(
        "Lorenz ratio, massive Dirac, cold impurities",
        float(one.lorenz_ratio),
        error,
        1.0,
        2e-4,
        "1",
        "Wiedemann-Franz law; corrections (kT/e_F)^2",
    )


def chern() -> Found:
    """A quantised number."""
    honeycomb = sj.TightBinding([[2.46, 0.0], [1.23, 2.1304]], [((1 / 3, 1 / 3), 1), ((2 / 3, 2 / 3), 1)])
    for vector in [(0, 0), (-1, 0), (0, -1)]:
        honeycomb.hop(0, 1, vector, -1.0)
    for vector in [(1, 0), (0, -1), (-1, 1)]:
        honeycomb.hop(0, 0, vector, 0.05j).hop(1, 1, vector, -0.05j)
    found = sj.intrinsic_conductivity(honeycomb.build(), 0.0, 10.0, tolerance=1e-3)
    value, error = found.conductivity[0, 0, 1, 0], float(np.ravel(found.error)[0])
    source = "Chern number of Haldane's model, ±1"
    yield Comparison("intrinsic, Haldane's honeycomb in the gap", abs(value), error, 1.0, 1e-4, "e^2/h", source)


def postw90() -> Found:
    """Iron, the same mesh in both programs, and what is known of iron."""
    stored = ROOT / "data" / "iron" / "Fe_tb.dat.gz"
    model = sj.read_wannier90(stored)
    mesh = "20"
    lines = [json.loads(line) for line in LOG.read_text().splitlines()]
    pairs = [
        x["figures"]["fixed"][mesh]
        for x in lines
        if x["benchmark"] == "intrinsic_postw90" and mesh in x["figures"]["fixed"]
    ]
    found = sj.intrinsic_conductivity(model, 17.2745, 0.0, mesh=int(mesh)).conductivity[0, 0, 0, 1]
    source = "postw90.x 3.1 on the same files (`benchmarks/intrinsic_postw90.py`)"
    yield Comparison(
        f"intrinsic xy, iron, {mesh}^3 mesh", found, 0.0, pairs[-1]["postw90"]["vector"][2], 0.08, "S/cm", source
    )
    converged = sj.intrinsic_conductivity(model, 17.2745, 0.0, tolerance=2e-2)
    value, error = converged.conductivity[0, 0, 0, 1], float(np.ravel(converged.error)[0])
    sums = [x["figures"] for x in lines if x["benchmark"] == "intrinsic_reference" and "standard_error" in x["figures"]]
    yield Comparison(
        "intrinsic xy, iron, refined",
        value,
        error,
        sums[-1]["vector"][2],
        3 * sums[-1]["standard_error"][2],
        "S/cm",
        "Monte Carlo over 3 million points, sharp step, plain Kubo curvature (`benchmarks/intrinsic_reference.py`)",
    )
    note = "another functional, potential and no exact symmetry; magnitudes"
    yield Comparison(
        "intrinsic, iron",
        abs(value),
        error,
        751.0,
        0.0,
        "S/cm",
        "Yao et al., Phys. Rev. Lett. 92, 037204 (2004)",
        False,
        note,
    )
    note = "the measured one holds side jump and skew scattering"
    source = "measured at room temperature (Dheer 1967, as quoted by Yao et al.)"
    yield Comparison(
        "anomalous Hall, iron, intrinsic part alone", abs(value), error, 1032.0, 0.0, "S/cm", source, False, note
    )


def epw() -> Found:
    """|g| of two crystals as EPW printed them."""
    for name, file, count in (("iron", "gkk_table.dat.gz", "19440"), ("lead", "epw_g.out", "3072")):
        folder = DATA / f"{name}_epw"
        if not folder.is_dir():
            yield Skipped(f"bands, phonons and |g| of {name} beside EPW", f"no folder {folder.name} in SIDEJUMP_DATA")
            continue
        table = np.loadtxt(folder / file) if name == "iron" else table_of_lead(folder / file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", sj.SidejumpWarning)  # coarse meshes: the tables are of the same ones
            energy, phonon, coupling, _ = compare_with_epw(sj.read_epw(folder), table)
        source = f"EPW's own table, {count} values, digits printed"
        yield Comparison(f"bands of {name}, largest deviation", energy, 0.0, 0.0, 5.1e-5, "eV", source)
        yield Comparison(f"phonons of {name}, largest deviation", phonon, 0.0, 0.0, 1e-9, "meV", source)
        yield Comparison(f"coupling of {name}, largest deviation", coupling, 0.0, 0.0, 1e-6, "meV", source)


def perturbo() -> Found:
    """|g| of three crystals as Perturbo printed it."""
    for name, number, bands in (("fe", 6, slice(None)), ("gaas", 1, slice(3, 8)), ("graphene", 3, slice(None))):
        file = DATA / "perturbo" / f"{name}_epr.h5"
        if not file.exists():
            yield Skipped(
                f"bands, phonons and |g| of {file.name} beside Perturbo", "no folder perturbo in SIDEJUMP_DATA"
            )
            continue
        import yaml

        def output(kind, number=number, yaml=yaml):
            text = (DATA / "perturbo" / "reference" / f"epr{number}-{kind}" / "pert_output.yml").read_text()
            return yaml.safe_load(text)["bands" if kind == "phdisp" else kind]

        energy, phonon, coupling, _ = compare_with_perturbo(sj.read_perturbo(file), output, bands)
        source = "Perturbo's own output, digits printed"
        yield Comparison(f"bands of {file.name}, largest deviation", energy, 0.0, 0.0, 1e-4, "eV", source)
        yield Comparison(f"phonons of {file.name}, largest deviation", phonon, 0.0, 0.0, 1e-2, "meV", source)
        yield Comparison(f"coupling of {file.name}, largest relative deviation", coupling, 0.0, 0.0, 1e-5, "1", source)


SECTIONS: dict[str, tuple[Callable[[], Found], ...]] = {
    "Closed forms": (closed_form, impurities, rashba, metal, heat, chern),
    "Independent solvers": (inelastic,),
    "Other programs and experiment": (postw90, epw, perturbo),
}


def table(found: list[Comparison | Skipped]) -> list[str]:
    """Rows of a table in Markdown."""
    lines = ["| quantity | sidejump | source says | difference | allowed | | source |", "|---|---|---|---|---|---|---|"]
    for one in found:
        if isinstance(one, Skipped):
            lines.append(f"| {one.quantity} | | | | | skipped | {one.reason} |")
            continue
        bar = f" ± {one.error:.2g}" if one.error else ""
        mark = ("✓" if one.passed else "**✗**") if one.judged else "not judged"
        allowed = f"{one.allowed:.2g}" if one.judged else ""
        source = one.source + (f"; {one.note}" if one.note else "")
        value = f"{one.value:.6g}{bar} {one.unit.replace('1', '')}"
        difference = f"{one.value - one.reference:.2g}"
        cells = (one.quantity, value, f"{one.reference:.6g}", difference, allowed, mark, source)
        lines.append(f"| {' | '.join(cells)} |")
    return [line.replace("e^2/h", "e²/h").replace("T_BG", "T<sub>BG</sub>") for line in lines]


HEAD = """# Validation

Every number here is computed by one command, `make validation`, which writes this page and fails if one is off by more
than it may be: three of the program's own error bars and what the source leaves open (digits printed, terms it
neglects). The tests hold many more; these are the ones that others can look up. How often truths in number lie within
error bars is on the page about [them](error_bars.md).
"""


def page(found: dict[str, list[Comparison | Skipped]]) -> str:
    """The page."""
    rows = [one for section in found.values() for one in section if isinstance(one, Comparison) and one.judged]
    lines = [HEAD, f"{sum(one.passed for one in rows)} of {len(rows)} agree.", ""]
    for title, section in found.items():
        lines += [f"## {title}", "", *table(section), ""]
    return "\n".join(lines)


def failures(found: dict[str, list[Comparison | Skipped]]) -> list[Comparison]:
    """Comparisons that do not agree."""
    return [one for section in found.values() for one in section if isinstance(one, Comparison) and not one.passed]


def collect(only: str = "") -> dict[str, list[Comparison | Skipped]]:
    """All comparisons of functions whose names hold `only`."""
    return {
        title: [one for make in makers if only in make.__name__ for one in make()] for title, makers in SECTIONS.items()
    }


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", default="", help="functions whose names hold this; nothing is written without --output"
    )
    parser.add_argument("--output", type=Path, help="Markdown [docs/validation.md]")
    options = parser.parse_args(arguments)
    found = collect(options.only)
    text = page(found)
    target = options.output or (None if options.only else ROOT / "docs" / "validation.md")
    if target is None:
        print(text)
    else:
        target.write_text(text)
        print(f"wrote {target}")
    for one in failures(found):
        print(f"{one.quantity}: {one.value:.6g}, not {one.reference:.6g} ({one.source}); allowed {one.allowed:.2g}")
    return 1 if failures(found) else 0


if __name__ == "__main__":
    sys.exit(main())
