"""What tells studies apart is the same up to rounding, on whatever processor, and another one for all that is more."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy.store import ReplicaStore
from sidejump.app.merge import merged
from sidejump.app.results import replicas_of, write
from sidejump.app.run import Job
from sidejump.pairs.digest import Digest, joined, same
from sidejump.pairs.fingerprint import fingerprint
from sidejump.transport import TransportSettings

RNG = np.random.default_rng(3)
HOPPINGS = RNG.normal(size=(40, 6, 6)) + 1j * RNG.normal(size=(40, 6, 6))
HOPPINGS[::2] *= 1e-3  # far ones
LARGE = RNG.normal(size=1_100_000)  # more than is weighted at once


def of(values):
    digest = Digest()
    digest.numbers(values)
    return digest.text()


@pytest.mark.parametrize("values", [HOPPINGS, LARGE, HOPPINGS.real.astype(np.float32), 0.1, -3e-18, 5e22j])
def test_rounding_makes_no_difference(values):
    values = np.asarray(values)
    size = np.sqrt(np.mean(np.abs(values) ** 2))
    precision = 2e-14 if values.dtype.itemsize >= 8 else 0.0
    noise = precision * size * RNG.normal(size=values.shape)
    assert same(of(values), of(values + noise)) and same(of(values), of(values.copy()))
    if precision:
        assert of(values) != of(values + noise)


@pytest.mark.parametrize("change", [1e-7, -1e-7, 1e-3, -2.0])
@pytest.mark.parametrize("values", [HOPPINGS, LARGE, 0.1, -3e-18, 5e22j])
def test_what_is_more_than_rounding_does(values, change):
    """Of a number alone, of one number of many, and of all of them together."""
    values = np.array(values)
    size = np.sqrt(np.mean(np.abs(values) ** 2))
    assert not same(of(values), of(values * (1 + change)))
    for _ in range(4 if values.size > 1e6 else 20):
        other = values.copy()
        other[tuple(RNG.integers(values.shape))] += change * size
        assert not same(of(values), of(other))


def test_places_signs_and_what_is_no_number_count():
    x = HOPPINGS.real
    swapped = x.copy()
    swapped[0, 0, [0, 1]] = x[0, 0, [1, 0]]
    hole, other_hole, infinite = (np.array(x) for _ in range(3))
    hole[3, 2, 1] = other_hole[3, 2, 2] = np.nan
    infinite[3, 2, 1] = np.inf
    texts = [of(a) for a in (x, swapped, -x, x[::-1], hole, other_hole, infinite, 0 * x, 0 * hole)]
    for i, one in enumerate(texts):
        assert [same(one, other) for other in texts] == [i == j for j in range(len(texts))]


def test_texts_of_something_else_are_like_themselves_alone():
    text = of(0.1)
    assert same("study", "study") and not same("study", "other") and not same(None, None) and not same(None, "None")
    assert not any(same(text, other) for other in ("", "study", "{}", '{"content": "a", "numbers": [1.0]}', "[]", 3))


def test_digests_join_in_their_order():
    one, other = fingerprint(0.1, "a"), fingerprint(0.2, "a")
    near = fingerprint(0.1 * (1 + 4e-16), "a")
    assert near != one and same(joined([one, other]), joined([near, other]))
    assert not same(joined([one, other]), joined([other, one]))
    assert not same(joined([one, other]), joined([one, fingerprint(0.2 * (1 + 1e-7), "a")]))
    assert not same(joined([one, other]), joined([one, fingerprint(0.2, "b")]))
    assert not same(joined([one]), joined([one, one]))


def test_parameters_side_by_side_in_an_array_of_a_user_count_to_the_last_bit():
    def model(coupling):
        parameters = np.array([1e18, coupling])
        return lambda k: parameters[1] * k

    assert same(fingerprint(model(0.1)), fingerprint(model(0.1)))
    assert not same(fingerprint(model(0.1)), fingerprint(model(np.nextafter(0.1, 1.0))))


def phonons(coupling=5.0):
    return sj.acoustic_deformation_potential(
        deformation_potential=coupling, sound_velocity=2000.0, mass_density=1e-6, dimension=2
    )


def identity(mass=0.1, mu=0.2, temperatures=(10.0, 20.0), coupling=5.0):
    job = Job(
        sj.MassiveDirac(mass=mass, velocity=6.0), [phonons(coupling)], mu, list(temperatures), TransportSettings()
    )
    return job.identity


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mu": 0.2}, {"mu": 0.2 + 3e-16}),
        ({"mu": 0.0}, {"mu": 1e-17}),  # of a neutral crystal
        ({"temperatures": (10.0, 30.0)}, {"temperatures": (10.0, 30.0 * (1 + 1e-13))}),
    ],
)
def test_studies_are_the_same_up_to_rounding(one, other):
    assert identity(**one) != identity(**other) and same(identity(**one), identity(**other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"mass": 0.1}, {"mass": 0.1000001}),
        ({"mass": 0.1}, {"mass": -0.1}),
        ({"mu": 0.2}, {"mu": 0.2 + 1e-9}),
        ({"coupling": 5.0}, {"coupling": 5.0000005}),
        ({"mu": 15.0, "temperatures": (0.1,)}, {"mu": 15.0, "temperatures": (0.1 + 1e-8,)}),
        ({"temperatures": (10.0, 20.0)}, {"temperatures": (10.0, 20.0, 30.0)}),
        ({"temperatures": (0.1, 300.0)}, {"temperatures": (0.101, 300.0)}),
    ],
)
def test_another_study_is_another(one, other):
    assert not same(identity(**one), identity(**other))


def test_replicas_of_another_processor_go_on_join_and_are_taken_up(tmp_path):
    """The chemical potential is off by its last digits, as where it is solved for."""
    given = {"temperatures": [20.0], "tolerance": 0.3, "energy_nodes": 1, "intrinsic_tolerance": 0.05}
    given |= {"geometry": "shared", "accuracy": 0.3}
    model = sj.MassiveDirac(mass=0.1, velocity=6.0)

    def run(mu, **more):
        return sj.anomalous_hall(model, phonons(), chemical_potential=mu, **given, **more)

    here, there = 0.2, 0.2 * (1 + 1e-13)
    first, second = run(here, replicas=range(2)), run(there, replicas=range(2, 4))
    assert first.attrs["identity"] != second.attrs["identity"]
    for name, dataset in (("first", first), ("second", second)):
        write(dataset, tmp_path / f"{name}.nc")
    joint = merged([tmp_path / "first.nc", tmp_path / "second.nc"])
    assert joint.sizes["replica"] == first.sizes["replica"] + second.sizes["replica"]
    np.testing.assert_array_equal(run(there, start=first).sigma_side_jump, first.sigma_side_jump)
    store = ReplicaStore(tmp_path / "out.nc.partial", first.attrs["identity"])
    store.save(*replicas_of(first, second.attrs["identity"])[0])
    assert len(ReplicaStore(store.directory, second.attrs["identity"]).found) == 1
    with pytest.raises(sj.InputError, match="another study"):
        ReplicaStore(store.directory, identity(mass=0.1000001))


IDENTITIES = """
import sys, warnings
warnings.simplefilter("ignore")
from sidejump.app.run import prepare
print(*(prepare(name).identity for name in sys.argv[1:]), sep="\\n")
"""


def test_kernels_of_the_matrix_library_make_no_difference(tmp_path):
    """Iron with exact symmetry, and chemical potentials that are solved for."""
    root = Path(__file__).parent.parent
    found = []
    for kernel in ("Haswell", "Nehalem"):  # of OpenBLAS; others do not know them
        done = subprocess.run(
            [sys.executable, "-c", IDENTITIES, root / "examples" / "iron.toml", root / "examples" / "doping.toml"],
            env=os.environ | {"OPENBLAS_CORETYPE": kernel},
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        found.append(done.stdout.splitlines())
    assert len(found[0]) == 2
    for one, other in zip(*found, strict=True):
        assert same(one, other)
