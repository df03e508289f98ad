"""The directory of finished replicas: what is taken up, refused and deleted in it."""

import json

import numpy as np
import pytest

from sidejump.accuracy.replica import Replica, Task
from sidejump.accuracy.store import ReplicaStore
from sidejump.errors import InputError


@pytest.mark.parametrize("left", [[], [".study.json.1234.partial"]])
def test_killed_before_the_first_replica_was_whole(tmp_path, left):
    """A directory without anything of use is no obstacle."""
    place = tmp_path / "x.partial"
    place.mkdir()
    for name in left:
        (place / name).write_text("{")
    assert ReplicaStore(place, "a study").found == []
    assert not place.exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_directory_of_the_user_is_refused_and_stays(tmp_path, fresh):
    place = tmp_path / "x.partial"
    place.mkdir()
    (place / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="is not ours"):
        ReplicaStore(place, "a study", fresh=fresh)
    assert (place / "notes.txt").read_text() == "mine"


def test_files_of_the_user_are_never_deleted(tmp_path):
    place = tmp_path / "x.partial"
    place.mkdir()
    (place / "study.json").write_text(json.dumps({"identity": "another study"}))
    for name in ("replica-0-surface-0-1-0-2.json", ".replica-0-surface-0-2-0-2.json.77.partial", "notes.txt"):
        (place / name).write_text("mine")
    with pytest.raises(InputError, match=r"another study .*--fresh"):
        ReplicaStore(place, "a study")
    assert len(list(place.iterdir())) == 4
    ReplicaStore(place, "a study", fresh=True)
    assert [path.name for path in place.iterdir()] == ["notes.txt"]


def test_replicas_of_other_temperatures_do_not_overwrite_each_other(tmp_path):
    """One number, one first temperature, as many of them: an earlier run of another tolerance had other ones."""
    store = ReplicaStore(tmp_path / "x.partial", "a study")
    known = {(0, 1), (0, 2)}
    for where in known:
        store.save(0, Replica(Task("Fermi surface", 0, 0, where), np.ones((2, 3, 2, 2)), 1.0))
    assert {replica.task.where for _, replica in ReplicaStore(tmp_path / "x.partial", "a study").found} == known
