"""What is taken from an earlier result beside its replicas."""

from functools import cache

import numpy as np
import pytest

import sidejump as sj
from sidejump.app.cli import main
from sidejump.app.results import read

GIVEN = {
    "temperatures": [10.0, 20.0], "tolerance": 0.1, "energy_nodes": 1, "intrinsic_tolerance": 1e-2,
    "geometry": "shared", "accuracy": 0.3,
}  # fmt: skip


def run(chemical_potential=0.2, mass=0.1, **given):
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=1e-6, dimension=2
    )
    model = sj.MassiveDirac(mass=mass, velocity=6.0)
    return sj.anomalous_hall(model, phonons, chemical_potential=chemical_potential, **(GIVEN | given))


@cache
def run_of_a_model(scan):
    """What is given to the runs behind: of one chemical potential, or of two."""
    return run([0.2, 0.25] if scan else 0.2)


@pytest.mark.parametrize("levels", [0.2, [0.2, 0.25]], ids=["one", "scan"])
def test_the_intrinsic_part_is_taken_where_it_is_good_enough(levels):
    first = run_of_a_model(levels != 0.2)
    marked = first.assign(sigma_intrinsic=first.sigma_intrinsic + 1.0)  # tells where it comes from
    marked.attrs = dict(first.attrs)
    again = run(levels, start=marked)
    np.testing.assert_array_equal(again.sigma_intrinsic, marked.sigma_intrinsic)
    np.testing.assert_array_equal(again.sigma_intrinsic_error, first.sigma_intrinsic_error)
    np.testing.assert_array_equal(again.sigma_side_jump, first.sigma_side_jump)
    assert again.attrs["intrinsic_points"] == first.attrs["intrinsic_points"]
    closer = run(levels, start=marked, intrinsic_tolerance=1e-3)
    np.testing.assert_allclose(closer.sigma_intrinsic, first.sigma_intrinsic, atol=0.02)


@pytest.mark.parametrize("mesh", [np.int64(20), 20, np.array([20, 21]), (20, 21), [20, 21]], ids=repr)
def test_a_fixed_mesh_of_any_type_is_the_same_one(mesh):
    lattice = sj.FunctionModel(
        lambda k: np.tensordot(np.sin(k), sj.PAULI[:2], 1) + (1.3 - np.cos(k).sum(1))[:, None, None] * sj.PAULI[2],
        dimension=2,
        cell=np.eye(2),
        sites=np.zeros((2, 2)),
    )
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=1e-6, dimension=2
    )

    def of(mesh, **given):  # in the gap: the intrinsic part is all there is
        return sj.anomalous_hall(
            lattice, phonons, chemical_potential=0.0, temperatures=[5.0], intrinsic_mesh=mesh, **given
        )

    first = of(mesh)
    marked = first.assign(sigma_intrinsic=first.sigma_intrinsic + 1.0).assign_attrs(first.attrs)
    again = of(np.asarray(mesh), start=marked)
    np.testing.assert_array_equal(again.sigma_intrinsic, marked.sigma_intrinsic)
    other = of(22, start=marked)
    assert np.abs(other.sigma_intrinsic - marked.sigma_intrinsic).max() > 0.5


def test_one_that_missed_its_tolerance_is_computed_again():
    first = run()
    first.attrs["warnings"] = ["the intrinsic part did not reach its tolerance 0.01: 7 points"]
    marked = first.assign(sigma_intrinsic=first.sigma_intrinsic + 1.0)
    marked.attrs = first.attrs
    np.testing.assert_allclose(run(start=marked).sigma_intrinsic, first.sigma_intrinsic, atol=1e-12)


def without_replicas(dataset):
    return dataset.drop_vars("replicas")


def without_identity(dataset):
    other = dataset.copy()
    del other.attrs["identity"]
    return other


def as_it_is(dataset):
    return dataset


@pytest.mark.parametrize("changed", [as_it_is, without_replicas, without_identity])
@pytest.mark.parametrize("levels", [0.2, [0.2, 0.25]], ids=["one", "scan"])
def test_another_study_gives_nothing(levels, changed):
    first = changed(run_of_a_model(levels != 0.2))
    with pytest.raises(sj.InputError, match="another study"):
        run(levels, start=first, mass=0.11)
    if changed is without_identity:  # it does not say whose it is
        with pytest.raises(sj.InputError, match="another study"):
            run(levels, start=first)
    else:
        assert "sigma_intrinsic" in run(levels, start=first)


FROZEN = {"chemical_potential": 0.0, "temperatures": [5.0, 10.0]}


@pytest.mark.parametrize("other", [{"mass": -0.3}, {"mass": 0.05, "chemical_potential": 0.1}, {"temperatures": [5.0]}])
def test_a_result_without_carriers_is_one_of_its_own_study_alone(other):
    """It has no replicas that could tell: the intrinsic part in a gap is that of the sign of the mass."""
    first = run(**FROZEN, mass=0.3)
    assert "replicas" not in first
    np.testing.assert_array_equal(run(**FROZEN, mass=0.3, start=first).sigma_intrinsic, first.sigma_intrinsic)
    with pytest.raises(sj.InputError, match="another study"):
        run(**(FROZEN | {"mass": 0.3} | other), start=first)


GAPPED = """
[electrons]
model = "massive_dirac"
mass = {mass}
velocity = 3.0
chemical_potential = {mu}
[[scattering]]
kind = "acoustic_deformation_potential"
deformation_potential = 5.0
sound_velocity = 2000.0
mass_density = 7.6e-7
[temperature]
values = [5, 10]
[solver.expert]
geometry = "shared"
accuracy = 0.3
"""


@pytest.mark.parametrize(("mass", "mu"), [(-0.3, 0.0), (-0.05, 0.2)])
def test_a_refined_result_without_carriers_stays_when_the_input_is_another(tmp_path, monkeypatch, capfd, mass, mu):
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "gap.toml"
    command = ["run", "gap.toml", "-o", "gap.nc", "--tolerance", "0.1", "--quiet"]
    source.write_text(GAPPED.format(mass=0.3, mu=0.0))
    assert main(command) == 0 and main(command) == 0
    before = (tmp_path / "gap.nc").read_bytes()
    source.write_text(GAPPED.format(mass=mass, mu=mu))
    capfd.readouterr()
    assert main(command) == 2
    assert "another study" in capfd.readouterr().err
    assert (tmp_path / "gap.nc").read_bytes() == before
    assert not (tmp_path / "gap.nc.partial").exists()
    assert main([*command, "--force"]) == 0  # anew
    expected = -0.5 * mass / max(abs(mass), mu)  # the closed form, in the gap and in a band
    np.testing.assert_allclose(read("gap.nc").sigma_intrinsic.values[:, 0, 1], expected, rtol=0.02)
