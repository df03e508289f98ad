"""Numbers that change results: found in the code, changed to half, and what that does to a result."""

from __future__ import annotations

import ast
import importlib
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import sidejump as sj
from sidejump.bands.quadratic import QuadraticModel
from test_electron_phonon_pairs import cubic
from test_electron_phonon_pairs import ferromagnet as first_principles_ferromagnet
from test_invariance import ferromagnet
from test_thermal_window import lattice

ROOT = Path(sj.__file__).parent
ROUNDING = 1e-9
PARTS = ("sigma_boltzmann", "sigma_side_jump", "sigma_intrinsic")

# --- the numbers ----------------------------------------------------------------------------------------------------


def numeric(value) -> bool:
    """Whether a value is a number, or made of numbers alone."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "ifc"
    if isinstance(value, Mapping):
        return bool(value) and all(map(numeric, value.values()))
    if isinstance(value, tuple | list):
        return bool(value) and all(map(numeric, value))
    return isinstance(value, int | float | complex | range | np.number) and not isinstance(value, bool)


def module_of(path: str) -> types.ModuleType:
    """The module of a path below the package, ``energy/basis.py``."""
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return importlib.import_module(f"sidejump.{name}")


def numbers() -> dict[tuple[str, str], object]:
    """All names that modules assign numbers to: values by path below the package and name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        if "gallery_cases" in path.parts:  # a user's file, which is copied
            continue
        names = []
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else getattr(node, "target", None)
            targets = targets if isinstance(targets, list) else [targets] if targets is not None else []
            for target in targets:
                names += [x.id for x in getattr(target, "elts", [target]) if isinstance(x, ast.Name)]
        if not names or path.name == "__main__.py":
            continue
        where = path.relative_to(ROOT).as_posix()
        module = module_of(where)
        found |= {(where, name): getattr(module, name) for name in names if numeric(getattr(module, name, None))}
    return found


def half(value):
    """Half of a number, of whole ones at least 1; of several, of each."""
    if isinstance(value, Mapping):
        return {key: half(x) for key, x in value.items()}
    if isinstance(value, tuple | list):
        return tuple(map(half, value))
    return max(value // 2, 1) if isinstance(value, int) else value / 2


OTHERS = {
    ("accuracy/controller.py", "FIRST_REPLICAS"): 4,
    ("accuracy/controller.py", "_ABOVE_FLOOR"): 1.125,
    ("accuracy/replica.py", "FINER"): 2**0.25,
    ("surfaces/placement.py", "_STRETCHES"): (0, 1),
    ("surfaces/rays.py", "_ALONG"): (0.3, 0.6, 0.9),
    ("surfaces/surfaces.py", "_CROSSING_LEVELS"): 2,
    ("surfaces/surfaces.py", "_NECK_LEVELS"): 2,
    ("transport/fermi_surface.py", "MOST_ON_ALL"): 5,
    ("transport/geometry_choice.py", "WINDOW"): 5,
    ("transport/spacings.py", "TOO_COARSE"): 1.125,
    ("transport/spacings.py", "_FINEST"): 2,
    ("transport/side.py", "_TORN"): 1.05,
    ("transport/nodes.py", "NODE_SEQUENCE"): (1, 5, 9, 13),
    ("transport/nodes.py", "_ALL_FURTHER"): 7 / 6,
    ("transport/nodes.py", "FURTHER"): 4,
    ("transport/fermi_surface.py", "HOT_SPOT_STEP"): 1.175,
    ("transport/fermi_surface.py", "NODES_STEP"): 1.375,
}
"""What numbers are changed to that cannot be halved: ratios by half of what is beyond 1, whole ones to twice."""


def other(path: str, name: str):
    """What a number is changed to."""
    found = OTHERS.get((path, name))
    return half(getattr(module_of(path), name)) if found is None else found


@contextmanager
def changed(path: str, name: str, other) -> Iterator[None]:
    """The number `name` of a module is another one, wherever it was imported or is a default; nothing is cached."""
    old = getattr(module_of(path), name)
    undo = []
    for module in [m for n, m in sys.modules.items() if n.startswith("sidejump") and getattr(m, name, None) is old]:
        undo.append((module, name, old))
        setattr(module, name, other)
    home = vars(module_of(path)).values()
    functions = [f for c in home for f in (vars(c).values() if isinstance(c, type) else [c])]
    for f in functions:
        defaults = getattr(f, "__defaults__", None)
        if isinstance(f, types.FunctionType) and defaults and any(x is old for x in defaults):
            undo.append((f, "__defaults__", defaults))
            f.__defaults__ = tuple(other if x is old else x for x in defaults)
    forget()
    try:
        yield
    finally:
        for owner, attribute, value in undo:
            setattr(owner, attribute, value)
        forget()


def forget() -> None:
    """Empty the caches of all modules."""
    for module in [m for n, m in sys.modules.items() if n.startswith("sidejump")]:
        for value in list(vars(module).values()):
            if callable(getattr(value, "cache_clear", None)):
                value.cache_clear()


# --- what is solved -------------------------------------------------------------------------------------------------


def acoustic(sound: float, dimension: int):
    density = {2: 7.6e-7, 3: 7000.0}[dimension]
    return sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=sound, mass_density=density, dimension=dimension
    )


def optical(energy: float, dimension: int):
    return sj.optical_deformation_potential(
        deformation_potential=2.0,
        phonon_energy=energy,
        mass_density={2: 7.6e-7, 3: 7000.0}[dimension],
        dimension=dimension,
    )


def impurities(dimension: int, density: float, **more):
    more = more or {"correlation": "zero_range", "strength": 1.0}
    return sj.impurity(density=density, dimension=dimension, **more)


def polar(dimension: int):
    thickness = {"thickness": 5.0} if dimension == 2 else {}
    return sj.polar_optical(
        phonon_energy=0.036, dielectric_static=12.9, dielectric_infinity=10.9, dimension=dimension,
        **thickness,
    )  # fmt: skip


def quantum_hall():
    """Square lattice whose bands have Chern numbers."""
    builder = sj.TightBinding(3.5 * np.eye(2), [((0, 0), 1)], spinful=True).onsite(0, 0.7 * sj.PAULI[2])
    for axis in range(2):
        hop = -0.25 * sj.PAULI[2] - 0.3j * sj.PAULI[axis] - 0.08 * np.eye(2)
        builder.hop(0, 0, np.eye(2, dtype=int)[axis], hop)
    return builder.build()


class Parabola(QuadraticModel):
    """``e = 60 k^2`` of two spins."""

    k_scale = 0.05

    def __init__(self):
        super().__init__(np.zeros((2, 2)), np.zeros((3, 2, 2)), 120.0 * np.einsum("ab,mn->abmn", np.eye(3), np.eye(2)))


def dirac(mass=0.1, tilt=(0.4, -0.2)):
    return sj.MassiveDirac(mass=mass, velocity=3.0, tilt=tilt)


def rashba():
    return sj.RashbaFerromagnet(effective_mass=0.4, rashba=0.6, exchange=0.05)


def smooth_impurities(dimension: int):
    density, length = {2: (1e11, 80.0), 3: (1e17, 5.0)}[dimension]
    return impurities(dimension, density, correlation="gaussian", strength=1.0, correlation_length=length)


def weyl(separation: float, tilt: float = 0.03):
    """Two Weyl points, each with a pocket of its own."""
    builder = sj.TightBinding(4.0 * np.eye(3), [((0, 0, 0), 1)], spinful=True)
    builder.onsite(0, (2.0 + np.cos(separation)) * 0.8 * sj.PAULI[2])
    for axis in range(2):
        builder.hop(0, 0, np.eye(3, dtype=int)[axis], -0.4 * sj.PAULI[2] - 0.3j * sj.PAULI[axis])
    return builder.hop(0, 0, (0, 0, 1), -0.4 * sj.PAULI[2] - 1j * tilt * np.eye(2)).build()


LOOSE = {"tolerance": 0.1, "intrinsic_tolerance": 0.02}
CASES = {
    "plane": lambda: (dirac(), [acoustic(3000.0, 2)], 0.2, [20.0, 300.0], {}),
    "two sheets": lambda: (rashba(), [acoustic(3000.0, 2)], 0.2, [10.0, 150.0], {}),
    "square lattice": lambda: (quantum_hall(), [acoustic(2500.0, 2), optical(0.025, 2)], -1.0, [40.0, 300.0], {}),
    "next to an edge": lambda: (dirac(), [acoustic(3000.0, 2), optical(0.03, 2)], 0.13, [150.0], {}),
    "in a gap": lambda: (dirac(), [optical(0.03, 2)], 0.05, [150.0], {}),
    "across a gap": lambda: (
        dirac(0.02, (0.0, 0.0)), [optical(0.06, 2), acoustic(3000.0, 2)], 0.01, [300.0], {"energy_nodes": 9}
    ),
    "both sides": lambda: (dirac(0.02), [impurities(2, 1e11)], 0.02, [300.0], {"energy_nodes": 9}),
    "saddle": lambda: (lattice(2), [impurities(2, 1e12)], 0.01, [300.0], {}),
    "long range": lambda: (dirac(), [smooth_impurities(2)], 0.2, [20.0], {}),
    "polar": lambda: (dirac(), [polar(2), acoustic(3000.0, 2)], 0.2, [300.0], {}),
    "crystal": lambda: (
        ferromagnet((0.0, 0.0, 0.3), 0.1), [acoustic(3000.0, 3)], -1.0, [20.0, 60.0],
        LOOSE | {"energy_nodes": 3, "geometry": "shared", "accuracy": 0.6},
    ),
    "cold plane": lambda: (dirac(), [acoustic(3000.0, 2)], 0.2, [2.0], {}),
    "cold crystal": lambda: (ferromagnet((0.0, 0.0, 0.3), 0.1), [acoustic(5000.0, 3)], -1.0, [8.0], LOOSE),
    "hot spots": lambda: (
        ferromagnet((0.0, 0.0, 0.1), 0.03), [acoustic(3000.0, 3)], -0.9, [100.0, 150.0, 200.0, 300.0],
        LOOSE | {"geometry": "averaged", "accuracy": 0.7},
    ),
    "continuum": lambda: (
        sj.Weyl(velocity=2.0, node=0.1, tilt=(0.0, 0.1, 0.2)), [acoustic(2500.0, 3)], 0.3, [80.0], {"tolerance": 0.1}
    ),
    "long range, continuum": lambda: (
        sj.Weyl(velocity=2.0, node=0.1, tilt=(0.0, 0.1, 0.2)), [smooth_impurities(3)], 0.3, [80.0], {"tolerance": 0.1}
    ),
    "small pockets": lambda: (weyl(1.2), [acoustic(2500.0, 3)], 0.2, [40.0], LOOSE),
    "semiconductor": lambda: (Parabola(), [polar(3)], 0.0856, [300.0], {"tolerance": 0.02, "energy_nodes": 5}),
    "first principles": lambda: (
        first_principles_ferromagnet(), None, 0.3, [150.0],
        LOOSE | {"energy_nodes": 3, "geometry": "own", "spacing": 1.2, "levels": 0},
    ),
    "first principles, one shell": lambda: (
        first_principles_ferromagnet(), None, 0.3, [150.0],
        LOOSE | {"energy_nodes": 1, "geometry": "shared", "spacing": 1.2, "levels": 0},
    ),
}  # fmt: skip
"""Model, scatterers, chemical potential (eV), temperatures (K), settings."""


def solved(case: str, **others):
    """The result of a case, without its warnings; `others` in place of its settings or temperatures."""
    model, scatterers, mu, temperatures, settings = CASES[case]()
    settings = {"temperatures": temperatures, **settings, **others}
    if scatterers is None:
        data = cubic(acoustic=False, electrons=model.electrons)
        model, scatterers = data.electrons, [sj.ElectronPhononScatterer(data, images="file")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sj.SidejumpWarning)
        return sj.anomalous_hall(model, scatterers, chemical_potential=mu, **settings)


def changes(found, expected) -> dict[str, dict[str, float]]:
    """By part, the largest change over all temperatures.

    In units of the error (`alone`) and of the errors of both results (`both`), as the other one may have a larger error
    and say so, relative to the largest element (`relative`), and by how much the error grew (`error`).
    """
    result = {}
    for part in PARTS:
        change = np.abs(found[part].values - expected[part].values).max(axis=(1, 2))
        size = np.abs(expected[part].values).max(axis=(1, 2))
        before, after = (errors(x, part) for x in (expected, found))
        # a part that symmetry forbids, an error of zero (a mesh that was asked for) or one below rounding says nothing
        seen = (size > ROUNDING * np.abs(expected.sigma_boltzmann.values).max(axis=(1, 2))) & (before > 0)
        before, after = (np.maximum(x, ROUNDING * size) for x in (before, after))
        if seen.any():
            columns = {
                "alone": change / before,
                "both": change / np.hypot(before, after),
                "relative": change / size,
                "error": after / before,
            }
            result[part] = {name: float(column[seen].max()) for name, column in columns.items()}
    return result


def errors(dataset, part: str) -> np.ndarray:
    """Of the largest element of a part at every temperature."""
    found = dataset[f"{part}_error"].values
    return found.max(axis=(1, 2)) if found.ndim == 3 else found
