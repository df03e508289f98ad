"""The dataset of a run: content, units, what it says about its own quality, and its way through a file."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import sidejump as sj
from sidejump.app import results
from sidejump.app.attributes import attribute
from sidejump.app.judge import judge
from sidejump.app.withhold import withhold
from sidejump.bands.tight_binding import TightBinding
from sidejump.bands.weyl import Weyl
from sidejump.groups.hall import (
    allowed_projector,
    broken_fraction,
    forbidden_fraction,
    kinetic_symmetry,
    scattering_projector,
)
from sidejump.groups.symmetry import symmetry_report
from sidejump.kinetics.response import KineticResponse
from sidejump.reference import dirac
from sidejump.result import hall_vector, main_component
from sidejump.transport.tensors import relative_change
from test_components import kagome as stacked_kagome

PHONONS = sj.acoustic_deformation_potential(
    deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
)


@pytest.fixture(scope="module")
def dataset():
    """Massive Dirac model, quasi-elastic; temperatures out of order on purpose."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    return sj.anomalous_hall(model, PHONONS, chemical_potential=0.2, temperatures=[40, 5, 15], energy_nodes=1)


def test_dimensions_units_and_order(dataset):
    assert {name: dataset.sizes[name] for name in ("temperature", "a", "b")} == {"temperature": 3, "a": 2, "b": 2}
    assert dataset.temperature.values.tolist() == [40, 5, 15] and dataset.temperature.attrs["units"] == "K"
    assert dataset.a.values.tolist() == dataset.b.values.tolist() == ["x", "y"]
    assert dataset.attrs["units"] == "e^2/h"
    parts = ("boltzmann", "intrinsic", "side_jump_velocity", "side_jump_distribution", "side_jump")
    for name in (*parts, "intrinsic_plus_side_jump"):
        variable = dataset[f"sigma_{name}"]
        assert variable.dims == ("temperature", "a", "b") and variable.attrs["units"] == "e^2/h"
        assert variable.attrs["long_name"]
        error = dataset[f"sigma_{name}_error"]
        assert error.dims == variable.dims and error.attrs["units"] == "e^2/h" and np.all(error >= 0)
    assert dataset.term_value.dims == ("term", "temperature", "part", "a", "b")
    assert dataset.resistivity.attrs["units"] == "h/e^2"


def test_values_against_closed_forms(dataset):
    t_bg = 2 * sj.units.velocity_from_si(2000.0) * np.sqrt(0.2**2 - 0.1**2) / 3 / sj.units.KB
    for t in dataset.temperature.values:
        here = dataset.sel(temperature=t, a="y", b="x")
        assert float(here.sigma_side_jump) == pytest.approx(dirac.phonon_side_jump(t / t_bg, 0.5), rel=1e-6)
        assert float(here.sigma_intrinsic) == pytest.approx(0.25, rel=5e-3)  # Delta / (2 e_F) at T = 0


def test_sums_and_inverse(dataset):
    hall = dataset.sigma_intrinsic + dataset.sigma_side_jump
    np.testing.assert_array_equal(dataset.sigma_intrinsic_plus_side_jump, hall)
    product = np.einsum("tab,tbc->tac", dataset.resistivity, dataset.sigma_boltzmann + hall)
    np.testing.assert_allclose(product, np.broadcast_to(np.eye(2), product.shape), atol=1e-12)
    # Onsager: the two halves of the side jump are minus each other's transposes
    velocity, distribution = dataset.sigma_side_jump_velocity.values, dataset.sigma_side_jump_distribution.values
    np.testing.assert_allclose(distribution, -velocity.swapaxes(1, 2), atol=1e-10)


def test_what_a_reader_needs_to_trust_it(dataset):
    attrs = dataset.attrs
    for name in ("states", "pairs", "onsager_error", "conservation_error", "residual", "intrinsic_points"):
        assert isinstance(attrs[name], (int, float)), name
    for name in ("symmetry", "kinetic", "intrinsic", "estimate"):
        assert 1e-4 < attrs[f"seconds_{name}"] <= attrs["seconds"]  # the estimate is part of the run
    assert 3e7 < attrs["peak_memory_bytes"] < 1e12  # more than numpy alone, less than any machine
    assert set(json.loads(attrs["versions"])) >= {"sidejump", "numpy", "scipy", "xarray"}
    assert json.loads(attrs["model"])["model"] == "MassiveDirac"
    assert json.loads(attrs["settings"])["energy_nodes"] == 1
    symmetry = json.loads(attrs["symmetry"])
    assert symmetry["lattice_point_group"] == attrs["lattice_point_group"] == "4mm"
    assert attrs["point_group_violation_rms_eV"] < 1e-12 and attrs["time_reversal_violation"] > 0.5
    assert attrs["warnings"] == []
    for name in ("energy_nodes", "node_change", "window_change", "geometry_used", "forbidden_side_jump"):
        assert dataset[name].dims == ("temperature",)


def test_every_conductivity_has_its_error(dataset):
    for name in [*(str(n) for n in dataset if n.startswith("sigma_") and not n.endswith("_error")), "resistivity"]:
        error = dataset[f"{name}_error"]
        assert error.dims == dataset[name].dims and error.attrs["units"] == dataset[name].attrs["units"]
        assert np.isfinite(error).all() and (error >= 0).all()
    t_bg = 2 * sj.units.velocity_from_si(2000.0) * np.sqrt(0.2**2 - 0.1**2) / 3 / sj.units.KB
    truth = [dirac.phonon_side_jump(t / t_bg, 0.5) for t in dataset.temperature.values]
    missed = np.abs(dataset.sigma_side_jump.sel(a="y", b="x") - truth)
    assert (missed <= 4 * dataset.sigma_side_jump_error.sel(a="y", b="x") + 1e-9).all()
    # the terms add up
    parts = dataset.term_value.sum("term", skipna=True).sel(part="sigma_side_jump")
    np.testing.assert_allclose(parts, dataset.sigma_side_jump, atol=1e-12)


def test_a_file_gives_back_the_dataset(dataset, tmp_path):
    results.write(dataset, tmp_path / "out.nc")
    with xr.open_dataset(tmp_path / "out.nc") as read:
        xr.testing.assert_identical(read.load(), dataset)
    with pytest.raises(sj.InputError, match="--force"):
        results.write(dataset, tmp_path / "out.nc")
    results.write(dataset.isel(temperature=[0]), tmp_path / "out.nc", force=True)
    assert xr.open_dataset(tmp_path / "out.nc").sizes["temperature"] == 1
    assert [p.name for p in tmp_path.iterdir()] == ["out.nc"]


def test_a_dictionary_runs_like_a_file(tmp_path):
    text = """
    electrons = {model = "massive_dirac", mass = 0.1, velocity = 3.0, chemical_potential = 0.2}
    scattering = [{kind = "impurity", correlation = "zero_range", density = 1e11, strength = 1.0}]
    temperature = {values = [10]}
    solver = {energy_nodes = 1}
    """
    (tmp_path / "in.toml").write_text(text)
    from_file = sj.run(tmp_path / "in.toml")
    from_dict = sj.run(
        {
            "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
            "scattering": [{"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 1.0}],
            "temperature": {"values": [10]},
            "solver": {"energy_nodes": 1},
        }
    )
    clocks = ["replicas", "term_seconds"]  # they hold wall times
    xr.testing.assert_equal(from_file.drop_vars(clocks), from_dict.drop_vars(clocks))
    assert from_file.attrs["input"] == text
    # zero-range impurities (Sinitsyn et al. 2007), independent of density and strength: with v k = sqrt(3) Delta
    assert float(from_file.sigma_side_jump[0, 1, 0]) == pytest.approx(0.5 * 0.5 * 4 * 3 / (4 + 3), rel=1e-6)


# --- mistakes in Python -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperatures": [10, -1]}, "-1.0"),
        ({"temperatures": []}, "list of positive"),
        ({"temperatures": [10, 10]}, "twice"),
        ({"temperatures": [np.nan]}, "nan"),
        ({"temperatures": "hot"}, "'hot'"),
        ({"chemical_potential": np.inf}, "finite"),
        ({"chemical_potential": "0.2 eV"}, "0.2 eV"),
        ({"energy_node": 3}, "energy_node"),
        ({"energy_nodes": 0}, "energy_nodes"),
        ({"approximation": "rta"}, "serta"),
        ({"intrinsic_mesh": 10}, "Brillouin"),
        ({"memory": 6}, "memory = 6 .*bytes; 6 GB is 6e9"),
        ({"memory": np.nan}, "memory = nan .*bytes"),
        ({"memory": "6 GB"}, "memory = '6 GB'.*bytes"),
        ({"degeneracy": 0.0}, "degeneracy = 0.0.*above 0"),
        ({"degeneracy": None}, "degeneracy = None"),
        ({"minimum": 0}, "minimum = 0 .*at least 4"),
        ({"minimum": 48.0}, "minimum = 48.0: give a whole number"),
        ({"scatterers": []}, "scatterer"),
        ({"scatterers": [3]}, "scatterer"),
        ({"model": "massive_dirac"}, "model"),
    ],
)
def test_mistakes_in_python_are_input_errors(options, words):
    given = {
        "model": sj.MassiveDirac(mass=0.1, velocity=3.0),
        "scatterers": [PHONONS],
        "chemical_potential": 0.2,
        "temperatures": [10],
    } | options
    with pytest.raises(sj.InputError, match=words):
        sj.anomalous_hall(given.pop("model"), given.pop("scatterers"), **given)


def test_a_scatterer_of_another_dimension_is_refused():
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=5000.0, dimension=3
    )
    with pytest.raises(sj.InputError, match="dimension=2"):
        sj.anomalous_hall(sj.MassiveDirac(mass=0.1, velocity=3.0), phonons, chemical_potential=0.2, temperatures=[9])


# --- symmetry of the Hall vector --------------------------------------------------------------------------------------


def tensor(h):
    """The antisymmetric tensor of a Hall vector, from j = h x E."""
    return np.array([np.cross(h, e) for e in np.eye(3)]).T


def test_the_hall_vector_is_that_of_the_cross_product():
    h = np.array([0.3, -1.2, 2.0])
    np.testing.assert_allclose(hall_vector(tensor(h)), h)
    symmetric = np.arange(9.0).reshape(3, 3)
    np.testing.assert_allclose(hall_vector(tensor(h) + symmetric + symmetric.T), h)
    np.testing.assert_allclose(hall_vector(np.array([[0, -2.0], [2.0, 0]])), [0, 0, 2.0])


def cubic(field):
    """Cubic tight binding with s and p orbitals, spin-orbit coupling and an exchange field."""
    builder = TightBinding(3.0 * np.eye(3), [((0, 0, 0), 4)], spinful=True)
    levi_civita = np.cross(np.eye(3)[:, None], np.eye(3)[None])
    angular = np.zeros((3, 4, 4), dtype=complex)
    angular[:, 1:, 1:] = -1j * levi_civita
    spin_orbit = sum(np.kron(angular[i], sj.PAULI[i]) for i in range(3))
    exchange = np.kron(np.eye(4), np.tensordot(np.asarray(field, dtype=float), sj.PAULI, 1))
    builder.onsite(0, np.kron(np.diag([-2.0, 0.5, 0.5, 0.5]), np.eye(2)) + 0.2 * spin_orbit + exchange)
    for axis in range(3):
        hop = np.diag([-0.6, -0.2, -0.2, -0.2])
        hop[1 + axis, 1 + axis] = 0.7
        hop[0, 1 + axis], hop[1 + axis, 0] = 0.5, -0.5
        builder.hop(0, 0, np.eye(3, dtype=int)[axis], hop)
    return builder.build()


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ((0, 0, 0.3), [(0, 0, 1)]),
        ((0.3, 0, 0), [(1, 0, 0)]),
        ((0.2, 0.2, 0), [(1, 1, 0)]),
        ((0.2, 0.2, 0.2), [(1, 1, 1)]),
        ((0.3, 0.14, 0), [(1, 0, 0), (0, 1, 0)]),  # one mirror left: the plane of the field
        ((0, 0, 0), []),
    ],
)
def test_what_symmetry_allows_in_a_cubic_magnet(field, allowed):
    model = cubic(field)
    report = symmetry_report(model, energy=0.0)
    assert report["lattice_point_group"] == "m-3m"
    expected = np.zeros((3, 3))
    for vector in allowed:
        unit = np.array(vector) / np.linalg.norm(vector)
        expected += np.outer(unit, unit)
    np.testing.assert_allclose(allowed_projector(model, report), expected, atol=1e-6)


def test_a_tilt_is_no_broken_symmetry():
    # tilting the cones along x leaves the mirror y -> -y with time reversal: h may turn within the xz plane
    model = Weyl(velocity=2.0, node=0.1, tilt=(1.0, 0.0, 0.0))
    projector = allowed_projector(model, symmetry_report(model, energy=0.05))
    np.testing.assert_allclose(projector @ [0, 0, 1], [0, 0, 1], atol=1e-6)
    upright = Weyl(velocity=2.0, node=0.1)
    np.testing.assert_allclose(
        allowed_projector(upright, symmetry_report(upright, energy=0.05)), np.diag([0, 0, 1]), atol=1e-6
    )


def test_fractions_of_the_forbidden_part():
    along_z = np.diag([0.0, 0.0, 1.0])
    sigma = np.stack([tensor([3.0, 4.0, 10.0]), tensor([0, 0, 1.0]), tensor([0, 0, 0])])
    longitudinal = np.broadcast_to(1e3 * np.eye(3), (3, 3, 3))
    fraction = forbidden_fraction(sigma, longitudinal, along_z)
    np.testing.assert_allclose(fraction[:2], [0.5, 0.0])
    assert np.isnan(fraction[2])
    # nothing allowed: relative to the longitudinal conductivity
    np.testing.assert_allclose(forbidden_fraction(sigma[1:2], longitudinal[:1], np.zeros((3, 3))), [1e-3])


# --- warnings ---------------------------------------------------------------------------------------------------------


def spoiled(dataset, **changes):
    copy = dataset.copy(deep=True)
    for name, values in changes.items():
        if name in copy:
            copy[name].values[...] = values
        else:
            copy.attrs[name] = values
    return judge(copy)


def test_wrong_values_become_warnings(dataset):
    assert judge(dataset) == []
    assert "not finite" in spoiled(dataset, sigma_boltzmann=np.nan)[0]
    assert "side jump is not finite" in spoiled(dataset, sigma_side_jump=np.nan)[0]
    assert "25 % of the allowed one in the side jump" in spoiled(dataset, forbidden_side_jump=[0.02, 0.25, 0.0])[0]
    assert spoiled(dataset, forbidden_intrinsic=0.09) == []
    assert "conserved" in spoiled(dataset, conservation_error=1e-2)[0]
    assert "by up to 9 %" in spoiled(dataset, broken_symmetry_boltzmann=[0.0, 0.09, 0.0])[0]
    assert "by up to 45 %" in spoiled(dataset, broken_symmetry_side_jump=[0.0, 0.45, 0.0])[0]
    assert spoiled(dataset, broken_symmetry_boltzmann=0.005, broken_symmetry_side_jump=0.05) == []
    nothing = spoiled(dataset, forbidden_intrinsic=1e-3, symmetry_allowed_hall="[[0, 0, 0]]")
    assert "forbids any Hall effect" in nothing[0]


@pytest.mark.parametrize(
    ("changes", "parts", "words"),
    [
        ({"sigma_boltzmann": -np.eye(2)}, {"boltzmann", "side_jump"}, "is negative"),
        ({"broken_symmetry_boltzmann": [0.0, 0.3, 0.0]}, {"boltzmann", "side_jump"}, "by 30 %"),
        ({"broken_symmetry_side_jump": [0.0, 0.7, 0.0]}, {"side_jump"}, "by 70 %"),
        ({"growing_share": [0.0, 1.6, 0.0]}, {"boltzmann", "side_jump"}, "carry 1.6 of the result"),
        ({"equation_residual": [0.0, 0.6, 0.0]}, {"boltzmann", "side_jump"}, "not solved (residual 6.0e-01)"),
        ({"onsager_violation": [0.0, 0.9, 0.0]}, {"side_jump"}, "violated by 0.9"),
    ],
)
def test_values_that_cannot_be_trusted_are_withheld(dataset, changes, parts, words):
    copy = dataset.copy(deep=True)
    assert withhold(copy) == [] and not copy.withheld_boltzmann.any() and not copy.withheld_side_jump.any()
    assert not any(name.startswith("raw_") for name in copy)
    copy = dataset.copy(deep=True)
    for name, values in changes.items():
        copy[name].values[1] = values[1]
    before = copy.copy(deep=True)
    (sentence,) = withhold(copy)
    assert words in sentence and f"{dataset.temperature.values[1]:.4g} K" in sentence and "withheld" in sentence
    for part, names in (("boltzmann", ["sigma_boltzmann"]), ("side_jump", ["sigma_side_jump"])):
        gone = part in parts
        np.testing.assert_array_equal(copy[f"withheld_{part}"], [0, gone, 0])
        for name in names:
            assert np.isnan(copy[name][1]).all() == gone
            np.testing.assert_array_equal(copy[name][[0, 2]], before[name][[0, 2]])
            if gone:
                np.testing.assert_array_equal(copy[f"raw_{name}"], before[name])
    assert np.isnan(copy.resistivity[1]).all() and np.isnan(copy.sigma_intrinsic_plus_side_jump[1]).all()
    assert np.isfinite(copy.sigma_intrinsic).all()


def test_the_component_shown_is_found_where_the_side_jump_is_withheld():
    intrinsic = tensor([0.1, 0.0, 2.0])[None]
    names = ("temperature", "a", "b")
    shown = xr.Dataset({"sigma_intrinsic": (names, intrinsic), "sigma_side_jump": (names, np.full((1, 3, 3), np.nan))})
    assert main_component(shown) == 2


def test_a_longitudinal_conductivity_is_judged_by_threefold_symmetry():
    model = stacked_kagome(along=0)
    operations = kinetic_symmetry(
        model, [sj.impurity(density=1e11, strength=1.0, dimension=2, correlation="zero_range")], -0.75
    )
    assert len(operations) == 11  # of 6mm with time reversal, beside the identity
    sigma = np.array([np.diag([72.0, 19527.0]), 3.52 * np.eye(2)])
    broken = broken_fraction(sigma, operations, np.abs(sigma).max(axis=(1, 2)), odd=False)
    assert broken[0] > 0.7 and broken[1] < 1e-12


def test_a_vertex_lowers_the_symmetry():
    """Exchange along (1, 0, 1) lets h lie along it; with sigma_z as well only the plane is left."""
    model = sj.Luttinger(gamma1=6.98, gamma2=2.06, gamma3=2.93, exchange=[0.02, 0.0, 0.02])

    def allowed(vertex):
        scatterer = sj.impurity(density=1e17, strength=0.1, dimension=3, correlation="zero_range", vertex=vertex)
        return scattering_projector(model, kinetic_symmetry(model, [scatterer], 0.1))

    along = np.array([1.0, 0.0, 1.0]) / np.sqrt(2)
    np.testing.assert_allclose(allowed("identity"), np.outer(along, along), atol=1e-6)
    np.testing.assert_allclose(allowed("sigma_z"), np.diag([1.0, 0.0, 1.0]), atol=1e-6)


def test_a_side_jump_that_cancels_is_judged_by_what_cancels():
    sigma = tensor([1e-4, 0, 1e-5])[None]
    along_z = np.diag([0.0, 0.0, 1.0])
    assert forbidden_fraction(sigma, np.eye(3)[None], along_z)[0] == pytest.approx(10)
    assert forbidden_fraction(sigma, np.eye(3)[None], along_z, [1e-2])[0] == pytest.approx(0.01)
    response = KineticResponse(np.eye(2), np.full((2, 2), 1e-9), np.zeros((2, 2)), 0, 0, 0, 0, "", contributions=1.0)
    assert response.scale == pytest.approx(0.1)
    other = replace(response, side_jump_velocity=np.full((2, 2), -1e-9))
    assert relative_change(response, other) < 1e-7


def test_relaxation_times_are_called_what_they_are():
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    with pytest.warns(sj.SidejumpWarning, match="for comparison only"):
        ds = sj.anomalous_hall(
            model, PHONONS, chemical_potential=0.2, temperatures=[20], energy_nodes=1, approximation="serta"
        )
    assert any("for comparison only" in w for w in results.warnings_of(ds))


def test_an_integral_that_does_not_converge_is_a_warning(monkeypatch):
    import sidejump.app.run as run

    whole = run.intrinsic_conductivity
    monkeypatch.setattr(run, "intrinsic_conductivity", lambda *a, **o: whole(*a, **o, max_points=200))
    model = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(1.0, 0.0))
    with pytest.warns(sj.SidejumpWarning, match="did not reach its tolerance"):
        ds = sj.anomalous_hall(
            model, PHONONS, chemical_potential=0.2, temperatures=[20], energy_nodes=1, intrinsic_tolerance=1e-12
        )
    assert any("did not reach its tolerance" in w for w in results.warnings_of(ds))


def test_each_warning_is_kept_once(dataset):
    copy = dataset.copy()
    results.warn(copy, ["first", "second", "first"])
    results.warn(copy, ["second"])
    assert results.warnings_of(copy) == ["first", "second"]


# --- attributes -------------------------------------------------------------------------------------------------------


def test_attributes_are_what_netcdf_can_hold(tmp_path):
    values = {
        "whole": np.int64(3),
        "real": np.float64(0.5),
        "flag": np.bool_(True),
        "text": "x",
        "list": [1, 2.5, np.nan],
        "array": np.eye(2),
        "nested": {"a": None, "b": (1, "c"), "d": np.array([1j])},
        "nothing": None,
    }
    attrs = {k: attribute(v) for k, v in values.items()}
    xr.Dataset(attrs=attrs).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    read = xr.open_dataset(tmp_path / "a.nc").attrs
    assert (read["whole"], read["real"], read["flag"], read["text"]) == (3, 0.5, 1, "x")
    assert json.loads(read["list"]) == [1, 2.5, None]
    assert json.loads(read["array"]) == [[1, 0], [0, 1]]
    assert json.loads(read["nested"]) == {"a": None, "b": [1, "c"], "d": [[0, 1]]}
    assert json.loads(read["nothing"]) is None


def test_whatever_the_transport_reports_is_carried(monkeypatch):
    import sidejump.app.run as run

    whole = run.transport_result

    def talkative(*arguments):
        result = whole(*arguments)
        result.report |= {
            "new_number": np.float32(2.0),
            "new_flag": True,
            "new_list": [1, "a"],
            "warnings": ["careful"],
        }
        return result

    monkeypatch.setattr(run, "transport_result", talkative)
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    with pytest.warns(sj.SidejumpWarning, match="careful"):
        ds = sj.anomalous_hall(model, PHONONS, chemical_potential=0.2, temperatures=[20], energy_nodes=1)
    assert ds.attrs["new_number"] == 2.0 and ds.attrs["new_flag"] == 1
    assert json.loads(ds.attrs["new_list"]) == [1, "a"]
    assert results.warnings_of(ds) == ["careful"]


def test_the_error_of_the_hall_resistivity_is_that_of_its_antisymmetric_part():
    """Against the spread of inverses: what the ordinary conductivity errs by between two axes is symmetric."""
    rng, sigma = np.random.default_rng(8), np.array([[1e3, -1.5], [1.5, 1.2e3]])
    boltzmann, across = 0.01 * np.full((2, 2), 1e3), 0.2 * np.array([[0.0, 1.0], [1.0, 0.0]])
    draws = sigma + np.zeros((40000, 2, 2))
    draws[:, [0, 1], [0, 1]] += 10.0 * rng.normal(size=(40000, 2))
    between, hall = 10.0 * rng.normal(size=40000), 0.2 * rng.normal(size=40000)
    draws[:, 0, 1] += between - hall
    draws[:, 1, 0] += between + hall
    inverses = np.linalg.inv(draws)
    value, error = results.hall_resistivity(np.linalg.inv(sigma)[None], boltzmann[None], across[None])
    odd = 0.5 * (inverses[:, 1, 0] - inverses[:, 0, 1])
    assert value[0, 1, 0] == pytest.approx(np.mean(odd), rel=0.01)
    assert error[0, 1, 0] == pytest.approx(np.std(odd), rel=0.05)
    assert np.std(inverses[:, 1, 0]) > 20 * error[0, 1, 0]  # of the element itself
    assert not error[0].diagonal().any()
