"""The symmetry report must find what holds, and only that."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import spglib

from helpers_models import haldane, points, random_wannier, rashba_lattice
from sidejump.bands.base import PAULI
from sidejump.bands.dirac import MassiveDirac
from sidejump.bands.lattice import LatticeModel
from sidejump.bands.luttinger import Luttinger
from sidejump.bands.rashba import RashbaFerromagnet
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.bands.zeeman import WithZeeman
from sidejump.errors import InputError
from sidejump.formats.wannier90 import read_wannier90
from sidejump.groups.hall import allowed_projector
from sidejump.groups.intertwiner import operation_matrix
from sidejump.groups.magnetic_group import magnetic_operations
from sidejump.groups.symmetry import operation_name, symmetry_report

EXACT = 1e-10


@pytest.mark.parametrize(
    "mass, t2, group, time_reversal, inversion",
    [
        (0.0, 0.0, "6mm", True, True),  # graphene
        (0.3, 0.0, "3m", True, False),  # boron nitride
        (0.0, 0.1, "6mm", False, True),  # Haldane
        (0.3, 0.1, "3m", False, False),
    ],
)
def test_honeycomb_lattices(mass, t2, group, time_reversal, inversion):
    report = symmetry_report(haldane(mass, t2))
    assert report["lattice_point_group"] == group
    assert report["point_group_violation_eV"] < EXACT
    assert (report["time_reversal_violation"] < EXACT) == time_reversal
    assert (report["inversion_violation"] < EXACT) == inversion
    assert report["magnetisation_source"] == ("none" if time_reversal else "curvature")
    json.dumps(report)


def test_exchange_field_selects_the_operations_of_a_square_lattice():
    bare = symmetry_report(rashba_lattice())
    assert bare["lattice_point_group"] == "4mm" and bare["operations_kept"] == 8
    assert bare["time_reversal_violation"] < EXACT < bare["inversion_violation"]
    upright = symmetry_report(WithZeeman(rashba_lattice(), (0, 0, 0.2)))
    assert upright["magnetisation_source"] == "spin" and upright["operations_kept"] == 8
    assert upright["point_group_violation_eV"] < EXACT < upright["time_reversal_violation"]
    lying = symmetry_report(WithZeeman(rashba_lattice(), (0.2, 0, 0)))
    assert lying["operations_kept"] == 4
    assert lying["point_group_violation_eV"] < EXACT
    assert set(lying["lattice_operations_broken"]) >= {"4 [0 0 1]", "m [1 1 0]"}


def test_wrong_magnetisation_is_noticed():
    model = Luttinger(gamma1=6.0, gamma2=2.0, gamma3=2.5, exchange=(0, 0, 0.02))
    assert symmetry_report(model)["point_group_violation_eV"] < EXACT
    wrong = symmetry_report(model, magnetisation=(1, 1, 1))
    assert wrong["magnetisation_source"] == "given"
    assert wrong["point_group_violation_eV"] > 1e-3
    assert wrong["worst_operation"].startswith(("3", "-3", "2", "m"))
    nothing = symmetry_report(model, magnetisation=(0, 0, 0))
    assert nothing["operations_kept"] == 48 and nothing["point_group_violation_eV"] > 1e-3


@pytest.mark.parametrize(
    "field, kept, direction",
    [((0, 0, 0), 48, (0, 0, 0)), ((0, 0, 0.02), 16, (0, 0, -1)), ((0.01, 0.01, 0.01), 12, (-1, -1, -1))],
)
def test_cubic_magnet(field, kept, direction):
    report = symmetry_report(Luttinger(gamma1=6.0, gamma2=2.0, gamma3=2.5, exchange=field))
    assert report["lattice_point_group"] == "m-3m"
    assert report["operations_kept"] == kept
    assert report["point_group_violation_eV"] < EXACT and report["inversion_violation"] < EXACT
    norm = np.linalg.norm(direction) or 1.0
    np.testing.assert_allclose(report["magnetisation"], np.array(direction) / norm, atol=1e-9)


def test_continuum_models():
    dirac = symmetry_report(MassiveDirac(mass=0.1, velocity=3.0))
    assert dirac["point_group_violation_eV"] < EXACT and dirac["time_reversal_violation"] > 0.5
    tilted = symmetry_report(MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.5, 0)))
    assert tilted["point_group_violation_eV"] > 1e-3 and tilted["reversal_energy_violation_eV"] > 1e-3
    rashba = symmetry_report(RashbaFerromagnet(effective_mass=0.5, rashba=1.0, exchange=0.0))
    assert rashba["time_reversal_violation"] < EXACT and rashba["inversion_violation"] > 0.5
    weyl = symmetry_report(Weyl(velocity=2.0, node=0.1))
    assert weyl["point_group_violation_eV"] < EXACT and weyl["operations_kept"] == 16


def test_operation_names():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert operation_name(np.eye(3)) == "1"
    assert operation_name(-np.eye(3)) == "-1"
    assert operation_name(quarter) == "4 [0 0 1]"
    assert operation_name(quarter.T) == "4^3 [0 0 1]"
    assert operation_name(-quarter) == "-4 [0 0 1]"
    assert operation_name(np.diag([1.0, 1, -1])) == "m [0 0 1]"


def test_iron_breaks_its_group_a_little():
    """The Wannier functions do not respect the symmetry exactly; the magnetisation lies along z."""
    file = Path(__file__).parents[1] / "data" / "iron" / "Fe_tb.dat.gz"
    if not file.exists():
        pytest.skip(f"{file} is missing")
    report = symmetry_report(read_wannier90(file), energy=17.2745, n_samples=4)
    assert report["lattice_point_group"] == "m-3m" and report["operations_kept"] == 16
    assert abs(report["magnetisation"][2]) > 0.99
    assert 1e-4 < report["point_group_violation_near_energy_rms_eV"] < 0.2
    sideways = symmetry_report(read_wannier90(file), (1, 0, 0), energy=17.2745, n_samples=4)
    assert sideways["point_group_violation_rms_eV"] > 1.3 * report["point_group_violation_rms_eV"]


# --- operators that hold to rounding ----------------------------------------------------------------------------------


def plain_square(spin=0.0, tilt=0.0):
    """Two sites with opposite spins on a square lattice: an antiferromagnet; `tilt` makes the sites differ."""
    builder = TightBinding(3.0 * np.eye(2), [((0.0, 0.0), 1), ((0.5, 0.5), 1)], spinful=True)
    for vector in ((0, 0), (-1, 0), (0, -1), (-1, -1)):
        builder.hop(0, 1, vector, -1.0)
    builder.onsite(0, spin * PAULI[2]).onsite(1, -spin * PAULI[2])
    if tilt:
        builder.hop(0, 0, (1, 0), -1j * tilt * PAULI[1]).hop(0, 0, (0, 1), 1j * tilt * PAULI[0])
    return builder.build()


TIME_REVERSAL = {
    "massless": (MassiveDirac(mass=0.0, velocity=1.0), 1.0, True),
    "rashba": (RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=0.0), 0.1, True),
    "luttinger": (Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93), 0.1, True),
    "graphene": (haldane(0.0, 0.0), 0.5, True),
    "boron nitride": (haldane(0.3, 0.0), 0.5, True),
    "rashba lattice": (rashba_lattice(), -0.5, True),
    "antiferromagnet": (plain_square(0.3), -1.0, True),  # with a translation
    "antiferromagnet whose sites differ": (plain_square(0.3, 0.2), -1.0, False),
    "weyl": (Weyl(velocity=2.0, node=0.1), 0.05, False),
    "position matrix": (random_wannier(3, 3), 0.0, False),
}


@pytest.mark.parametrize("model, energy, holds", TIME_REVERSAL.values(), ids=TIME_REVERSAL)
def test_time_reversal(model, energy, holds):
    report = symmetry_report(model, energy=energy, n_samples=4)
    assert report["time_reversal"] == holds
    assert holds != allowed_projector(model, report).any()


def test_position_matrix_can_break_what_the_bands_obey():
    """Real hops and a real position matrix are time-reversal invariant; one imaginary element of r(R) is too much."""
    model = random_wannier(2, 3)
    k = points(model, 9)
    even = model.residual_positions.real.astype(complex)
    real = LatticeModel(model.cell, model.vectors, model.hoppings.real, even, np.zeros((3, 2)))
    assert operation_matrix(real, k, reversal=True) is not None
    even[len(even) // 2, 0] += 1e-6 * np.array([[0, 1j, 0], [-1j, 0, 0], [0, 0, 0]])
    odd = LatticeModel(model.cell, model.vectors, model.hoppings.real, even, np.zeros((3, 2)))
    assert operation_matrix(odd, k, reversal=True) is None


@pytest.mark.parametrize("mass", [1e-9, 1e-6, 5e-3, 2.5e-2, 0.1])
@pytest.mark.parametrize("tilt", [(0.0, 0.0), (0.3, 0.1), (0.5, 0.0), (0.99, 0.0)])
@pytest.mark.parametrize("energy", [0.02, 1.0])
def test_a_hall_effect_is_never_forbidden_by_mistake(mass, tilt, energy):
    """However small the mass beside the chemical potential."""
    model = MassiveDirac(mass=mass, velocity=1.0, tilt=tilt)
    report = symmetry_report(model, energy=energy)
    assert not report["time_reversal"]
    np.testing.assert_array_equal(allowed_projector(model, report), np.diag([0.0, 0.0, 1.0]))


@pytest.mark.parametrize("small", [1e-7, 1e-3])
def test_small_exchange_fields_are_seen(small):
    for model, energy in (
        (RashbaFerromagnet(effective_mass=0.6, rashba=1.0, exchange=small), 0.1),
        (WithZeeman(rashba_lattice(), (0, 0, small)), -0.5),
        (haldane(0.3, small), 0.5),
    ):
        report = symmetry_report(model, energy=energy)
        assert not report["time_reversal"]
        np.testing.assert_allclose(allowed_projector(model, report), np.diag([0.0, 0.0, 1.0]), atol=1e-12)


def test_exact_operations_of_models():
    """A field between two axes leaves the two-fold turn with time reversal and the mirror that hold it."""
    model = Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93, exchange=(0.02, 0.0, 0.02))
    found = allowed_projector(model, symmetry_report(model, energy=0.1, n_samples=4))
    np.testing.assert_allclose(found, [[0.5, 0, 0.5], [0, 0, 0], [0.5, 0, 0.5]], atol=1e-12)
    k = points(model, 9)
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    free = Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93)
    u = operation_matrix(free, k, quarter)
    np.testing.assert_allclose(u @ free.hamiltonian(k) @ u.conj().T, free.hamiltonian(k @ quarter.T), atol=1e-12)
    assert operation_matrix(model, k, quarter) is None


def test_bands_that_do_not_disperse():
    """Flat in one direction, and in both."""
    wires = TightBinding(np.eye(2), [((0.0, 0.0), 1)], spinful=True)
    levels = TightBinding(np.eye(2), [((0.0, 0.0), 1)], spinful=True).onsite(0, np.eye(2))
    for builder in (wires.hop(0, 0, (1, 0), -np.eye(2)), levels):
        report = symmetry_report(builder.build(), energy=0.5)
        assert report["time_reversal"] and report["time_reversal_violation"] == 0.0
        json.dumps(report)


def test_no_lattice_is_a_sentence_and_no_warning():
    """Two sites at one place: spglib's own warning about its errors is not for our readers, and its choice stays."""
    before = getattr(spglib.error, "OLD_ERROR_HANDLING", None) if hasattr(spglib, "error") else None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match="spglib finds no lattice; two sites coincide"):
            magnetic_operations(np.eye(3), np.zeros((2, 3)), [0, 0])
    after = getattr(spglib.error, "OLD_ERROR_HANDLING", None) if hasattr(spglib, "error") else None
    assert after is before
