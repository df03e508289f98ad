"""What is taken from an earlier result beside its replicas."""

import numpy as np
import pytest

import sidejump as sj

GIVEN = {"temperatures": [10.0, 20.0], "tolerance": 0.1, "energy_nodes": 1, "intrinsic_tolerance": 1e-2}


def run(chemical_potential=0.2, mass=0.1, **given):
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=1e-6, dimension=2
    )
    model = sj.MassiveDirac(mass=mass, velocity=6.0)
    return sj.anomalous_hall(model, phonons, chemical_potential=chemical_potential, **(GIVEN | given))


@pytest.mark.parametrize("levels", [0.2, [0.2, 0.25]], ids=["one", "scan"])
def test_the_intrinsic_part_is_taken_where_it_is_good_enough(levels):
    first = run(levels)
    marked = first.assign(sigma_intrinsic=first.sigma_intrinsic + 1.0)  # tells where it comes from
    marked.attrs = dict(first.attrs)
    again = run(levels, start=marked)
    np.testing.assert_array_equal(again.sigma_intrinsic, marked.sigma_intrinsic)
    np.testing.assert_array_equal(again.sigma_intrinsic_error, first.sigma_intrinsic_error)
    np.testing.assert_array_equal(again.sigma_side_jump, first.sigma_side_jump)
    assert again.attrs["intrinsic_points"] == first.attrs["intrinsic_points"]
    closer = run(levels, start=marked, intrinsic_tolerance=1e-3)
    np.testing.assert_allclose(closer.sigma_intrinsic, first.sigma_intrinsic, atol=0.02)


def test_one_that_missed_its_tolerance_is_computed_again():
    first = run()
    first.attrs["warnings"] = ["the intrinsic part did not reach its tolerance 0.01: 7 points"]
    marked = first.assign(sigma_intrinsic=first.sigma_intrinsic + 1.0)
    marked.attrs = first.attrs
    np.testing.assert_allclose(run(start=marked).sigma_intrinsic, first.sigma_intrinsic, atol=1e-12)


def test_another_study_gives_nothing():
    with pytest.raises(sj.InputError, match="another study"):
        run(start=run(), mass=0.11)
