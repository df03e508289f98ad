"""Results of several runs joined: what one run with all of their replicas gives, digit for digit."""

import json

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy.composition import Composition
from sidejump.accuracy.store import joined
from sidejump.app import merge, results, run
from sidejump.app.cli import main
from sidejump.transport import TransportSettings

TIMES = ("seconds", "stages", "peak_memory_bytes", "cost_estimate", "created", "settings")
PHONONS = {"kind": "acoustic_deformation_potential", "deformation_potential": 5.0, "sound_velocity": 2000.0,
           "mass_density": 7.6e-7}  # fmt: skip


def question(**changes):
    """Warm enough that shells of their own change what those of the Fermi surface give, and were not taken."""
    return {
        "electrons": {"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.2},
        "scattering": [PHONONS],
        "temperature": {"values": [30, 60]},
        "solver": {"tolerance": 0.02, "expert": {"accuracy": 0.3}},
    } | changes


CASES = {
    "shared": question(),
    "tilted": question(
        electrons={"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "tilt": [0.8, 0.3],
                   "chemical_potential": [0.2, 0.0]}, temperature={"values": [10, 20]},
        solver={"tolerance": 0.02, "expert": {"accuracy": 0.3, "geometry": "own"}},
    ),
    "no Hall effect": question(
        electrons={"model": "rashba_ferromagnet", "effective_mass": 0.5, "rashba": 0.5, "exchange": 0.0,
                   "chemical_potential": 0.1},
    ),
    "skew scattering": question(
        electrons={"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": [0.2, 0.0]},
        scattering=[PHONONS, {"kind": "impurity", "correlation": "zero_range", "density": 1e11, "strength": 0.1}],
        solver={"tolerance": 0.1, "energy_nodes": 1, "skew_scattering": "quasistatic", "expert": {"accuracy": 0.3}},
        temperature={"values": [4, 8]},
    ),
    "observables where some temperatures have no carriers": question(
        electrons={"model": "massive_dirac", "mass": 0.1, "velocity": 3.0, "chemical_potential": 0.02},
        observable=[{"kind": "spin", "components": ["x", "z"]}],
        temperature={"values": [2, 300]}, solver={"tolerance": 0.3, "expert": {"accuracy": 0.3}},
    ),
}  # fmt: skip


def crystal():
    """Two terms: the Fermi surface, and the thermal window at the hot temperature alone."""
    sx, sy, sz = sj.PAULI
    builder = sj.TightBinding(3.0 * np.eye(3), [((0.0, 0.0, 0.0), 1)], spinful=True)
    builder.onsite(0, 0.3 * sz)
    for vector, spin in zip(np.eye(3, dtype=int), (sx, sy, sz), strict=True):
        builder.hop(0, 0, tuple(int(i) for i in vector), -0.4 * np.eye(2) + 0.05j * spin)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=3.0, sound_velocity=4000.0, mass_density=7800.0, dimension=3
    )
    settings = TransportSettings(accuracy=0.2, levels=0, energy_nodes=3)
    return run.Job(builder.build(), [phonons], -0.8, [60.0, 300.0], settings, tolerance=0.5, intrinsic_mesh=6)


def job_of(name):
    return crystal() if name == "crystal" else run.prepare(CASES[name])


@pytest.fixture(scope="module", params=[*CASES, "crystal"], ids=lambda name: name.replace(" ", "-"))
def halves(request, tmp_path_factory):
    """Two results with replicas of their own, what merging makes of them, and one run with all replicas."""
    folder = tmp_path_factory.mktemp("merged")
    found = []
    for name, numbers in (("a", range(0, 2)), ("b", range(2, 4))):
        job = job_of(request.param).changed(replicas=numbers)
        found.append(job.run())
        results.write(found[-1], folder / f"{name}.nc")
    job = job_of(request.param).changed(replicas=range(0))  # computes none
    known = joined(*(results.replicas_of(part, job.identity) for part in found))
    return found, merge.merged([folder / "a.nc", folder / "b.nc"]), job.run(known=known)


def test_merged_results_are_those_of_one_run(halves):
    (a, b), joint, one = halves
    assert len(joint.replicas) == len(a.replicas) + len(b.replicas)
    assert set(joint.variables) == set(one.variables)
    if "composition" in one.attrs:
        hall = Composition.of(json.loads(one.attrs["composition"])).hall
        assert hall == np.any(json.loads(one.attrs["symmetry_allowed_hall_side_jump"]))
    for name in one.variables:
        if name in ("term_seconds", "replicas", "cases"):
            continue
        assert joint[name].dims == one[name].dims and joint[name].attrs == one[name].attrs, name
        np.testing.assert_array_equal(joint[name].values, one[name].values, err_msg=str(name))
    np.testing.assert_allclose(joint.term_seconds, one.term_seconds, rtol=1e-9)
    assert set(joint.replicas.values) == set(one.replicas.values)
    ours = {k: v for k, v in joint.attrs.items() if not k.startswith(TIMES)}
    assert ours == {k: v for k, v in one.attrs.items() if not k.startswith(TIMES)}


@pytest.fixture(scope="module")
def a_half():
    return run.prepare(CASES["shared"]).changed(replicas=range(2)).run()


@pytest.fixture
def half(a_half):
    """A result of two replicas, to be spoiled."""
    return a_half.copy(deep=True)


def test_what_a_geometry_that_was_not_taken_changes_is_in_the_merged_error(tmp_path):
    """Without it the floor of the error would be missing."""
    data = question(temperature={"values": [4, 60]}, solver={"tolerance": 0.02, "expert": {"accuracy": 0.3}})
    found = run.prepare(data).changed(replicas=range(2)).run()
    composition = Composition.of(json.loads(found.attrs["composition"]))
    assert np.nanmax(composition.measured) > 0 and "Fermi surface" in composition.places
    path = tmp_path / "a.nc"
    found.attrs["composition"] = json.dumps(composition.plain() | {"measured": [0.5, 0.5]})
    results.write(found, path)
    again = merge.merged([path])
    shared = found.geometry_used.values == "shared"
    ratio = (again.sigma_boltzmann_error / found.sigma_boltzmann).sel(a="x", b="x").values
    assert shared.any() and (ratio[shared] > 0.4).all() and (ratio[~shared] < 0.4).all()


def test_withheld_values_stay_withheld(tmp_path, half):
    """What cannot be right in the joined result is flagged there as in a run."""
    texts = [json.loads(text) for text in half.replicas.values]
    for text in texts:
        text["quality"] = [q | {"residual": 0.9} for q in text["quality"]]
    half["replicas"] = half.replicas.copy(data=np.array([json.dumps(t) for t in texts], dtype=object))
    results.write(half, tmp_path / "a.nc")
    again = merge.merged([tmp_path / "a.nc"])
    assert np.isnan(again.sigma_side_jump).all() and again.withheld_side_jump.values.all()
    assert np.isfinite(again.raw_sigma_side_jump).all()
    assert any("is not solved" in w for w in results.warnings_of(again))
    results.write(again, tmp_path / "b.nc")
    same = merge.merged([tmp_path / "b.nc"])
    np.testing.assert_array_equal(same.raw_sigma_side_jump, again.raw_sigma_side_jump)
    assert results.warnings_of(same) == results.warnings_of(again)


def test_a_result_that_does_not_say_its_terms_is_refused(tmp_path, monkeypatch, capsys, half):
    monkeypatch.chdir(tmp_path)
    for number, broken in enumerate((None, "{}", '{"temperatures": [1]}', "nonsense")):
        if broken is None:
            del half.attrs["composition"]
        else:
            half.attrs["composition"] = broken
        results.write(half, tmp_path / f"{number}.nc")
        assert main(["merge", f"{number}.nc", "-o", "out.nc"]) == 2
        said = capsys.readouterr().err
        assert f"{number}.nc" in said and said.count("\n") == 1


def test_the_composition_comes_back():
    given = Composition(np.array([1.5, 300.0]), {"a": True, "b": False}, {"a": [0, 1], "b": [1]}, [np.nan, 0.1], False)
    again = Composition.of(json.loads(json.dumps(given.plain())))
    assert again.plain() == given.plain() and not again.hall
    np.testing.assert_array_equal(again.measured, given.measured)
    for spoiled in ({"places": {"a": [0, 2], "b": [1]}}, {"measured": [0.1]}, {"first": {"a": True}}):
        with pytest.raises(sj.InputError, match="composition"):
            Composition.of(given.plain() | spoiled)


def test_replicas_of_another_scheme_are_of_another_study(monkeypatch):
    """What a replica of a number is may change between versions: old ones are not taken for new ones."""
    before = job_of("crystal").identity
    monkeypatch.setattr(run, "SCHEME", run.SCHEME - 1)
    assert job_of("crystal").identity != before


def test_results_of_other_tolerances_merge_to_the_plan_of_the_smallest(tmp_path):
    """In either order: replicas of the other plan are left out, and said to be."""
    for name, tolerance, numbers in (("fine", 0.03, range(0, 2)), ("coarse", 0.3, range(4, 6))):
        data = question(temperature={"values": [100, 20]}, solver={"tolerance": tolerance, "expert": {"accuracy": 0.3}})
        results.write(
            run.prepare(data).changed(replicas=numbers, intrinsic_tolerance=0.1).run(), tmp_path / f"{name}.nc"
        )
    fine, coarse = (results.read(tmp_path / f"{name}.nc") for name in ("fine", "coarse"))
    assert fine.geometry_used.values.tolist() == ["own", "shared"] and set(coarse.geometry_used.values) == {"shared"}
    joint = [
        merge.merged([tmp_path / f"{name}.nc" for name in names]) for names in (("fine", "coarse"), ("coarse", "fine"))
    ]
    for one in joint:
        np.testing.assert_array_equal(one.geometry_used, fine.geometry_used)
        np.testing.assert_array_equal(one.sigma_boltzmann[0], fine.sigma_boltzmann[0])  # own shells: of the one alone
        assert one.sizes["replica"] == fine.sizes["replica"] + coarse.sizes["replica"]  # cold ones count
        assert sum("2 replicas of other runs did not count" in w for w in results.warnings_of(one)) == 1
    results.write(joint[0], tmp_path / "joint.nc")
    again = merge.merged([tmp_path / "joint.nc"])
    assert not any("did not count" in w for w in results.warnings_of(again))
    np.testing.assert_array_equal(again.sigma_side_jump_error, joint[1].sigma_side_jump_error)
