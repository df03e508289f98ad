"""Replicas on disk and in results: they go on, join and refuse as one study; digits do not depend on the way."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from helpers_inputs import ACOUSTIC_SECTION
from sidejump.accuracy.replica import QUALITY, Replica, Task, require_finite
from sidejump.accuracy.store import ReplicaStore, from_text, joined, to_text
from sidejump.app.cli import main
from sidejump.app.results import replicas_of
from sidejump.app.terminal import with_error
from sidejump.errors import InputError
from sidejump.groups.multiplets import Multiplets

INPUT = f"""
[electrons]
model = "massive_dirac"
mass = 0.1
velocity = 3.0
chemical_potential = 0.2
{ACOUSTIC_SECTION}
[temperature]
values = [20, 50]

[solver]
tolerance = 0.5
energy_nodes = 1
expert = {{accuracy = 0.3, geometry = "shared"}}
"""
PARTS = ("boltzmann", "side_jump_velocity", "side_jump_distribution", "side_jump")


def replica(number=0, level=1, seed=0):
    scale = np.array([1e-300, 1e3])[:, None, None, None]
    values = scale * np.random.default_rng([seed, number]).normal(size=(2, 3, 2, 2))
    facts = {"geometry_used": ["shared", "own"], "node_change": [1 / 3, float("nan")]}
    quality = [dict.fromkeys(QUALITY, 0.0) | {"residual": 0.1 + 0.2, "method": "direct"}] * 2
    return Replica(Task("shared", level, number, (0, 3)), values, 0.1, facts, quality, (7, 49, 1e5), ("a word",), 2e-3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("in.toml").write_text(INPUT)
    return tmp_path


def run(*arguments):
    assert main(["run", "in.toml", "-q", *arguments]) == 0


def stopped(name):
    """A run that gets a signal after its first finished replica; its exit status."""
    save = ReplicaStore.save

    def once(self, case, replica):
        save(self, case, replica)
        os.kill(os.getpid(), getattr(signal, name))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReplicaStore, "save", once)
        return main(["run", "in.toml", "-q", "-o", "out.nc"])


def result(path):
    with xr.open_dataset(path) as dataset:
        return dataset.load()


def same_numbers(a, b):
    for part in PARTS:
        for name in (f"sigma_{part}", f"sigma_{part}_error"):
            np.testing.assert_array_equal(a[name].values, b[name].values, err_msg=name)


def tasks(dataset):
    return {r.task for _, r in replicas_of(dataset, str(dataset.attrs["identity"]))}


def test_text_keeps_every_digit():
    known = replica()
    case, found = from_text(to_text(known, 3))
    assert case == 3
    np.testing.assert_array_equal(found.values, known.values)
    assert found.task == known.task and found.quality == known.quality and found.sizes == known.sizes
    assert found.warnings == known.warnings and found.tolerance == known.tolerance and found.seconds == known.seconds
    np.testing.assert_array_equal(found.facts["node_change"], known.facts["node_change"])


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"case": 0}', to_text(replica())[:-40]])
def test_what_is_no_replica_is_refused(text):
    with pytest.raises(ValueError):
        from_text(text)


def test_values_must_fit_their_temperatures():
    content = json.loads(to_text(replica()))
    content["values"] = content["values"][:1]
    with pytest.raises(ValueError, match="2 temperatures"):
        from_text(json.dumps(content))


def test_joined_replicas_count_once():
    a, b, c = replica(0), replica(1), replica(0, seed=9)
    found = joined([(0, a), (0, b)], [(0, c), (1, c)])
    assert [(case, r.task.number) for case, r in found] == [(0, 0), (0, 1), (1, 0)]
    assert found[0][1] is a


def test_store(tmp_path):
    place = tmp_path / "out.nc.partial"
    store = ReplicaStore(place, "one")
    for number in range(3):
        store.save(0, replica(number))
    damaged = sorted(place.glob("replica-*"))[1]
    damaged.write_text(damaged.read_text()[:-30])
    assert [r.task.number for _, r in ReplicaStore(place, "one").found] == [0, 2]
    with pytest.raises(InputError, match=r"another study.*--fresh"):
        ReplicaStore(place, "other")
    assert not ReplicaStore(place, "other", fresh=True).found
    assert not place.exists()


def test_a_foreign_directory_is_left_alone(tmp_path):
    place = tmp_path / "out.nc.partial"
    place.mkdir()
    (place / "thesis.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(InputError, match="not ours"):
            ReplicaStore(place, "one", fresh=fresh)
    assert (place / "thesis.txt").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
def test_a_killed_run_goes_on(folder, killed):
    assert killed(lambda: stopped("SIGKILL")) == signal.SIGKILL
    left = list(Path("out.nc.partial").glob("replica-*.json"))
    assert len(left) == 1 and not Path("out.nc").exists()
    left[0].write_text(left[0].read_text()[:-30])  # not whole: computed again
    run("-o", "out.nc")
    run("-o", "whole.nc")
    same_numbers(result("out.nc"), result("whole.nc"))
    assert not Path("out.nc.partial").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")
def test_finished_replicas_are_not_computed_again(folder, capfd, killed):
    killed(lambda: stopped("SIGKILL"))
    [left] = Path("out.nc.partial").glob("replica-*.json")
    _, kept = from_text(left.read_text())
    assert main(["run", "in.toml", "-o", "out.nc"]) == 0
    assert "resuming: 1 finished replica" in capfd.readouterr().err
    dataset = result("out.nc")
    seconds = {r.task: r.seconds for _, r in replicas_of(dataset, dataset.attrs["identity"])}
    assert seconds[kept.task] == kept.seconds


def test_a_replica_that_is_not_finite_is_refused(folder, capfd, monkeypatch):
    """NaN leaves no error bar, which would be taken for one within the tolerance."""
    asked = Multiplets.asked

    def broken(self, values, dimension):
        found = np.array(asked(self, values, dimension))
        found[1, 1, 0, 1] = np.nan
        return found

    monkeypatch.setattr(Multiplets, "asked", broken)
    assert main(["run", "in.toml", "-q", "-o", "out.nc"]) == 2
    said = " ".join(capfd.readouterr().err.split())
    assert "error: in.toml" not in said and "Traceback" not in said
    assert "the side jump of replica 0 (level 0) of the term Fermi surface at 50 K is not finite" in said
    assert not Path("out.nc").exists()


@pytest.mark.parametrize(
    ("part", "name"),
    [(0, "the conductivity"), (1, "the side jump"), (2, "the side jump"), (3, "the skew"), (4, "the skew")],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_named(part, name, value):
    values = np.zeros((2, 5, 3, 2))
    task = Task("thermal window", 1, 7, (0, 2))
    require_finite(values, task, np.array([1.0, 2.0, 3.0]))
    values[1, part, 2, 0] = value
    with pytest.raises(InputError, match=rf"^{name}.* replica 7 \(level 1\) of the term thermal window at 3 K"):
        require_finite(values, task, np.array([1.0, 2.0, 3.0]))


@pytest.mark.parametrize(("name", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_an_interrupted_run_says_where_its_replicas_are(folder, capfd, name, status):
    assert stopped(name) == status
    assert not list(Path().glob(".*.lock"))
    said = " ".join(capfd.readouterr().err.split())
    assert "out.nc.partial holds the finished replicas" in said and "Traceback" not in said
    kept = list(Path("out.nc.partial").glob("replica-*.json"))
    assert kept
    Path("in.toml").write_text(INPUT.replace("mass = 0.1", "mass = 0.11"))
    assert main(["run", "in.toml", "-q", "-o", "out.nc"]) == 2
    said = capfd.readouterr().err
    assert "another study" in said and "--fresh" in said and "Traceback" not in said
    assert list(Path("out.nc.partial").glob("replica-*.json")) == kept
    run("-o", "out.nc", "--fresh")


def test_a_smaller_tolerance_goes_on_from_a_result(folder, capfd):
    run("-o", "out.nc")
    before = result("out.nc")
    run("-o", "out.nc", "--tolerance", "0.005")
    after = result("out.nc")
    assert tasks(before) < tasks(after)
    assert after.sigma_side_jump_error.values.max() < before.sigma_side_jump_error.values.max()
    kept = {r.task: r.seconds for _, r in replicas_of(after, after.attrs["identity"])}
    for _, known in replicas_of(before, before.attrs["identity"]):
        assert kept[known.task] == known.seconds  # not computed again
    capfd.readouterr()
    Path("in.toml").write_text(INPUT.replace("mass = 0.1", "mass = 0.11"))
    assert main(["run", "in.toml", "-q", "-o", "out.nc", "--tolerance", "0.004"]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") <= 3 and "Traceback" not in said and "stud" in said
    same_numbers(result("out.nc"), after)


def test_results_merge(folder, capfd):
    for name, numbers in (("a", "0:2"), ("b", "2:4")):
        run("-o", f"{name}.nc", "--tolerance", "0.9", "--replicas", numbers)
    assert main(["merge", "a.nc", "b.nc", "-o", "c.nc"]) == 0
    a, b, joint = (result(f"{name}.nc") for name in ("a", "b", "c"))
    assert tasks(a) and tasks(b) and not tasks(a) & tasks(b)
    assert tasks(joint) == tasks(a) | tasks(b)
    # what replicas have in common does not depend on who computed them
    assert main(["merge", "b.nc", "a.nc", "-o", "e.nc"]) == 0
    same_numbers(result("e.nc"), joint)
    both = 0.5 * (a.sigma_boltzmann.values + b.sigma_boltzmann.values)  # as many replicas of the same level each
    np.testing.assert_allclose(joint.sigma_boltzmann.values, both, atol=1e-9 * np.abs(both).max())
    capfd.readouterr()
    Path("in.toml").write_text(INPUT.replace("mass = 0.1", "mass = 0.11"))
    run("-o", "other.nc")
    assert main(["merge", "a.nc", "other.nc", "-o", "d.nc"]) == 2
    assert "other.nc: is a result of another study" in " ".join(capfd.readouterr().err.split())
    assert not Path("d.nc").exists()


def test_what_a_result_says_of_its_errors(folder):
    run("-o", "out.nc")
    found = result("out.nc")
    for part in PARTS:
        assert found[f"sigma_{part}_error"].dims == found[f"sigma_{part}"].dims
        assert np.all(found[f"sigma_{part}_error"].values >= 0)
    assert found.sigma_boltzmann_error.values.max() > 0
    for name in ("value", "error", "replicas", "level", "seconds"):
        assert "term" in found[f"term_{name}"].dims
        assert ("temperature" in found[f"term_{name}"].dims) == (name != "seconds")
    assert found.term_value.dims == found.term_error.dims


@pytest.mark.parametrize(
    "value, error, shown",
    [
        (105.6, 1.2, "105.6(12)"),
        (-105.6, 1.2, "-105.6(12)"),
        (0.0, 0.012, "0.000(12)"),
        (0.0, 0.0, "0.000"),
        (1.0, 0.0996, "1.00(10)"),
        (1.0, 0.0994, "1.000(99)"),
        (12345.0, 120.0, "12345(120)"),
        (1.0, 25.0, "1(25)"),
        (1.5e-9, 2.1e-11, "1.500(21)e-9"),
        (1.5e12, 2.1e10, "1.500(21)e12"),
        (2.0e-12, 3.0e-9, "0.0(30)e-9"),
        (99999.7, 2000.0, "100000(2000)"),
        (9.999e9, 1e8, "10.00(10)e9"),
        (1.0, float("inf"), "1.000(?)"),
        (1.0, float("nan"), "1.000(?)"),
        (float("nan"), 1.0, "nan"),
    ],
)
def test_values_with_errors(value, error, shown):
    assert with_error(value, error) == shown


def test_brackets_hold_the_error():
    """What is read back is the value to a part of the error, and the error to its two digits."""
    rng = np.random.default_rng(0)
    for _ in range(2000):
        value = rng.choice([-1, 1]) * 10.0 ** rng.uniform(-15, 15)
        error = abs(value) * 10.0 ** rng.uniform(-5.5, 4)
        text = with_error(value, error)
        digits, _, rest = text.partition("(")
        bracket, _, exponent = rest.partition(")")
        power = 10.0 ** int(exponent[1:] or 0) if exponent else 1.0
        unit = 10.0 ** -len(digits.partition(".")[2]) * power
        assert float(bracket) * unit == pytest.approx(error, rel=0.06), (value, error, text)
        assert abs(float(digits) * power - value) <= 0.06 * error + 1e-12 * abs(value), (value, error, text)


def without_residual(content):
    del content["quality"][0]["residual"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content["values"][0][0][0].__setitem__(0, float("nan")),
        lambda content: content["task"].update(where=[0, -2]),
        lambda content: content["task"].update(level=-1),
        lambda content: content["facts"]["node_change"].pop(),
        without_residual,
        lambda content: content.clear(),
    ],
)
def test_a_damaged_replica_is_none(tmp_path, damage):
    """In the directory of a run it is computed again; a result that holds one is refused, by its name."""
    content = json.loads(to_text(replica()))
    damage(content)
    with pytest.raises(ValueError, match=r"no replica|values that|facts that"):
        from_text(json.dumps(content))
    path = tmp_path / "damaged.nc"
    texts = np.array([to_text(replica()), json.dumps(content)], dtype=object)
    dataset = xr.Dataset({"replicas": ("replica", texts)}, attrs={"identity": "one"})
    dataset.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match=r"damaged\.nc: truncated or not a result with its replicas .*; run it again"):
        replicas_of(xr.load_dataset(path, engine="h5netcdf"), "one")
