"""A short share of the mutations of ``benchmarks/mutations.py``: damage of every kind to files of every kind."""

import sys

import pytest

import helpers_mutations as mutations


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads within limits that the system of Linux sets")
def test_damaged_files_are_refused_by_name_or_read(tmp_path):
    (tmp_path / "seeds").mkdir()
    seeds = mutations.make_seeds(tmp_path / "seeds")
    for seed in seeds:  # as they are, all of them are read
        assert mutations.outcome(seed, seed.folder)["kind"] == "accepted", seed.name
    counts, wrong = mutations.campaign(seeds, tmp_path, range(2 * len(seeds)), seed_number=2026)
    assert not wrong
    assert counts["refused"] > len(seeds)
    assert counts["accepted"] > 0
