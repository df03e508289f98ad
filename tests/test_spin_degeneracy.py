"""Bands that stand for both spins: a factor of conductivities and densities, none of rates and mobilities."""

from dataclasses import replace

import numpy as np
import pytest

from helpers_abinitio import Layer, Toy, examined
from sidejump import (
    ElectronPhononScatterer,
    FunctionModel,
    InputError,
    LatticeModel,
    MassiveDirac,
    anomalous_hall,
    impurity,
    intrinsic_conductivity,
    two_channels,
    with_exchange,
    with_spin_degeneracy,
)
from sidejump.app import build, config
from sidejump.formats.compact import read_compact, write_compact
from sidejump.formats.epw import read_epw
from sidejump.formats.epw_write import write_epw
from sidejump.symmetrize.symmetrized import symmetrized
from sidejump.transport import TransportSettings, run_transport
from sidejump.units import HBAR2_OVER_2M, conductivity_unit, density_from_cm, strength_from_nm

PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution")


def layer(**options):
    return Layer().data(**options)


def transport(data, **settings):
    chosen = {"energy_nodes": 1, "geometry": "shared", "turn": None} | settings
    return run_transport(
        data.model,
        [ElectronPhononScatterer(data, tolerance=0.0)],
        chemical_potential=-3.1,
        temperatures=[300.0],
        settings=TransportSettings(**chosen),
    )


def test_data_without_spin_stand_for_both():
    assert layer().model.spin_degeneracy == layer().electrons.spin_degeneracy == 2
    assert layer(spin_degeneracy=1).model.spin_degeneracy == 1
    assert replace(layer(), spinor=True).model.spin_degeneracy == 1
    both = two_channels(layer(), layer())
    assert both.model.spin_degeneracy == with_exchange(both, (0, 0, 0.2)).model.spin_degeneracy == 1
    assert with_spin_degeneracy(layer().electrons, 2).with_onsite(np.eye(3)).spin_degeneracy == 2


def test_both_spins_among_the_bands_give_the_same():
    """The spinor model of two equal channels counts the same states one by one."""
    counted, spinor, one = layer(), two_channels(layer(), layer()), layer(spin_degeneracy=1)
    counted, spinor, one = (transport(x) for x in (counted, spinor, one))
    for part in PARTS:
        expected = getattr(spinor, part)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(getattr(counted, part), expected, atol=1e-6 * scale)
        np.testing.assert_allclose(2 * getattr(one, part), expected, atol=1e-6 * scale)
    sigma = [
        np.asarray(intrinsic_conductivity(x.model, [-3.1], [300.0], mesh=24))[0, 0, 1, 0]
        for x in (layer(), two_channels(layer(), layer()))
    ]
    assert sigma[0] == pytest.approx(sigma[1], rel=1e-9) and abs(sigma[0]) > 1e-3


def parabolic(k):
    return HBAR2_OVER_2M / 0.1 * (k**2).sum(axis=1)[:, None, None] + 0j


def test_drude_and_mobility():
    """sigma = n e^2 tau / m with n of both spins; the mobility does not know how many there are."""
    static = impurity(dimension=3, correlation="zero_range", density=1e19, strength=0.5)
    model = FunctionModel(parabolic, dimension=3, search_half_width=0.3)
    mu, found = 0.5, {}
    for spins in (1, 2):
        found[spins] = anomalous_hall(
            with_spin_degeneracy(model, spins), static, chemical_potential=mu, temperatures=[1.0], spacing=0.04,
            tolerance=3e-3, intrinsic_tolerance=0.1, energy_nodes=1, geometry="shared",
        )  # fmt: skip
    k_fermi = np.sqrt(mu / (HBAR2_OVER_2M / 0.1))
    speed = 2 * mu / k_fermi
    states = k_fermi**2 / (2 * np.pi**2 * speed)  # of one spin
    rate = 2 * np.pi * states * density_from_cm(1e19, 3) * strength_from_nm(0.5, 3) ** 2
    factor = found[2].sigma_boltzmann.values[0, 0, 0] / found[1].sigma_boltzmann.values[0, 0, 0]
    assert factor == pytest.approx(2, rel=1e-12)
    assert found[2].resistivity.values[0, 0, 0] == pytest.approx(0.5 * found[1].resistivity.values[0, 0, 0], rel=1e-9)
    expected = 2 * conductivity_unit(3)[0] * states * speed**2 / 3 / rate
    assert found[2].sigma_boltzmann.values[0, 0, 0] == pytest.approx(expected, rel=1e-3)
    assert found[2].attrs["spin_degeneracy"] == 2


def test_carrier_density_counts_both_and_mobility_stays():
    static = impurity(dimension=3, correlation="zero_range", density=1e19, strength=0.5)
    vectors = np.concatenate([np.zeros((1, 3), int), np.eye(3, dtype=int), -np.eye(3, dtype=int)])
    hoppings = np.array([6.0] + 6 * [-1.0])[:, None, None]
    model = LatticeModel(3.0 * np.eye(3), vectors, hoppings)
    one, two = (
        anomalous_hall(
            with_spin_degeneracy(model, spins),
            static,
            chemical_potential=-0.1,
            temperatures=[300.0],
            intrinsic_mesh=4,
            tolerance=0.1,
        )
        for spins in (1, 2)
    )
    np.testing.assert_allclose(two.carrier_density, 2 * one.carrier_density, rtol=1e-9)
    np.testing.assert_allclose(two.mobility, one.mobility, rtol=1e-9)
    np.testing.assert_allclose(two.sigma_boltzmann, 2 * one.sigma_boltzmann, rtol=1e-9)


def test_files_without_spin_and_what_the_user_says(tmp_path):
    data = examined(Toy().from_meshes((2, 2, 2), (2, 2, 2)))
    write_epw(data, tmp_path / "epw", n_electrons=2)
    assert read_epw(tmp_path / "epw").model.spin_degeneracy == 2
    write_compact(replace(data, spin_degeneracy=1), tmp_path / "one.h5")
    write_compact(data, tmp_path / "two.h5")
    assert [read_compact(tmp_path / f"{n}.h5").model.spin_degeneracy for n in ("one", "two")] == [1, 2]
    tail = '\n[[scattering]]\nkind = "electron_phonon"\n[temperature]\nvalues = [300]\n'
    for text, expected in (
        ("", 2),
        ("spin_degeneracy = 1", 1),
        ("exchange = 0.2", 1),
        ('file_down = "two.h5"', 1),
        ("exchange = 0.2\nspin_degeneracy = 1", 1),
    ):
        text = f'[electrons]\nmodel = "compact"\nfile = "two.h5"\n{text}{tail}'
        section = config.validate(config.parse(text, "x")).electrons
        assert build.build_electrons(section, tmp_path).model.spin_degeneracy == expected
    with pytest.raises(InputError, match="both spins"):
        config.validate(config.parse(text.replace("spin_degeneracy = 1", "spin_degeneracy = 2"), "x"))


def test_symmetrised_data_keep_it():
    toy = Toy(cell=3.0 * np.eye(3), positions=np.zeros((1, 3)), masses=np.array([30000.0]), owner=[0], seed=1)
    data = examined(toy.from_meshes((2, 2, 2), (2, 2, 2)))
    result, *_ = symmetrized(data, projections="A:s", magnetisation=(0, 0, 0))
    assert result.model.spin_degeneracy == 2


def test_what_is_refused():
    with pytest.raises(InputError, match="spin matrices"):
        with_spin_degeneracy(MassiveDirac(mass=0.1, velocity=3.0), 2)
    for wrong in (3, 0, True, "2", 1.5):
        with pytest.raises(InputError, match="1 or 2"):
            with_spin_degeneracy(layer().electrons, wrong)
    with pytest.raises(InputError, match="both spins"):
        replace(layer(), spinor=True, spin_degeneracy=2)


def test_real_hamiltonian_of_wannier90_asks(tmp_path):
    text = "made for a test\n 1\n 3\n 1 1 1\n"
    for r, h in ((-1, -1.0), (0, 0.5), (1, -1.0)):
        text += f" {r} 0 0 1 1 {h} 0.0\n"
    (tmp_path / "x_hr.dat").write_text(text)
    head = {
        "electrons": {
            "model": "wannier90", "file": str(tmp_path / "x_hr.dat"), "fermi_energy": 0.0,
            "cell": [[3.0, 0, 0], [0, 3.0, 0], [0, 0, 3.0]],
        }
    }  # fmt: skip
    rest = {
        "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e19, "strength": 0.5}],
        "temperature": {"values": [100.0]},
    }

    def sentences(**more):
        section = config.validate({"electrons": head["electrons"] | more} | rest, "x").electrons
        found = build.build_electrons(section, tmp_path)
        return found.model.spin_degeneracy, [w for w in found.warnings if "spin_degeneracy" in w]

    assert sentences()[0] == 1 and len(sentences()[1]) == 1
    assert sentences(spin_degeneracy=2) == (2, [])
