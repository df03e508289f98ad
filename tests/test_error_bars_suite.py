"""The suite on which error bars are judged: its models, its independent reference, and the judgement itself."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sidejump.bands.states import band_energies
from sidejump.groups.symmetry import symmetry_report

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import error_bars  # noqa: E402
from suite import references  # noqa: E402
from suite.exact import dirac_2d  # noqa: E402
from suite.models import CASES  # noqa: E402
from suite.replicas import replica  # noqa: E402


@pytest.mark.parametrize("name", CASES)
def test_models_are_metals_without_time_reversal(name):
    case, model = CASES[name], CASES[name].model()
    k = np.random.default_rng(0).normal(size=(4000, model.dimension))
    k = k @ model.reciprocal_cell if model.cell is not None else 0.2 * k
    energies = band_energies(model, k)
    assert ((energies.min(0) < case.chemical_potential) & (energies.max(0) > case.chemical_potential)).any()
    report = symmetry_report(model, energy=case.chemical_potential)
    assert report["time_reversal_violation"] > 0
    assert not report.get("time_reversal", False)


def test_replica_reaches_the_independent_solution():
    """Conductivity and side jump of the exact inelastic equation, at 10 and 300 K."""
    ends = (10.0, 300.0)
    found = replica("dirac_2d", 0.5, 0, temperatures=ends)
    for part, (value, error) in dirac_2d(temperatures=ends).items():
        assert np.all(error < 1e-6 * np.abs(value))
        np.testing.assert_allclose(found[part], value, rtol=3e-4)


def test_reference_covers_the_truth():
    """Mean and error of replicas whose bias falls with the level: within two errors of the truth."""
    rng, truth, distances = np.random.default_rng(1), 5.0, []
    for _ in range(400):
        levels = {a: truth + 0.2 / a**2 + 0.1 / a * rng.normal(size=(n, 1)) for a, n in ((0.7, 6), (1.0, 6), (2.0, 6))}
        value, error, used = references.reference(levels)
        assert used == 2.0
        distances.append(abs(value - truth)[0] / error[0])
    assert np.mean(np.array(distances) < 2) > 0.9
    assert np.median(distances) > 0.2  # nor is the error without end


def dataset_of(reference, error, pull):
    """What a run would return whose values are `pull` errors away from the reference."""
    n = len(reference["temperatures"])
    tensors = {name: np.zeros((n, 3, 3)) for name in ("sigma_boltzmann", "sigma_side_jump")}
    for part, (a, b) in error_bars.PARTS.items():
        value = np.array(reference[part]["value"]) + pull * error
        if part.startswith("side jump"):
            tensors["sigma_side_jump"][:, a, b], tensors["sigma_side_jump"][:, b, a] = value, -value
        else:
            tensors["sigma_boltzmann"][:, a, b] = value
    tensors |= {f"{name}_error": np.full((n, 3, 3), error) for name in tensors}
    dims = ("temperature", "a", "b")
    coordinates = {"temperature": reference["temperatures"], "a": list("xyz"), "b": list("xyz")}
    return xr.Dataset({name: (dims, value) for name, value in tensors.items()}, coordinates)


@pytest.mark.parametrize(("pull", "within"), [(0.5, (1, 1, 1)), (-1.5, (0, 1, 1)), (3.0, (0, 0, 1)), (5.0, (0, 0, 0))])
def test_judgement_counts_distances_in_errors(monkeypatch, pull, within):
    part = {"value": [3.0, -2.0], "error": [0.0, 0.0]}
    reference = {"temperatures": [10.0, 20.0], "cancels": [1.0, 1.0]} | dict.fromkeys(error_bars.PARTS, part)
    monkeypatch.setattr(error_bars.sj, "anomalous_hall", lambda *_, **__: dataset_of(reference, 0.02, pull))
    summary = error_bars.summary({"layers": error_bars.compare("layers", reference)})
    assert tuple(summary[f"within {n:g}"] for n in error_bars.WANTED) == within
    assert summary["worst"] == pytest.approx(abs(pull), rel=1e-2)
    assert summary["values"] == 6
    assert summary["blunt references"] == 0
    blunt = reference | dict.fromkeys(error_bars.PARTS, part | {"error": [0.02, 0.02]})
    summary = error_bars.summary({"layers": error_bars.compare("layers", blunt)})
    assert summary["worst"] == pytest.approx(abs(pull) / 2**0.5, rel=1e-2)
    assert summary["blunt references"] == 6


def test_placements_of_one_model_count_together(monkeypatch):
    """One of them far off: a half is within, and the worst is where it was found."""
    part = {"value": [3.0, -2.0], "error": [0.0, 0.0]}
    reference = {"temperatures": [10.0, 20.0], "cancels": [1.0, 1.0]} | dict.fromkeys(error_bars.PARTS, part)
    found = []
    for pull in (0.5, 3.0):
        monkeypatch.setattr(error_bars.sj, "anomalous_hall", lambda *_, p=pull, **__: dataset_of(reference, 0.02, p))
        found.append(error_bars.compare("layers", reference))
    summary = error_bars.summary({"layers": error_bars.joined(found)})
    assert summary["values"] == 12 and summary["within 1"] == 0.5 and summary["worst"] == pytest.approx(3.0, rel=1e-2)
    assert summary["worst at"].startswith("layers, ")


def test_table_replaces_the_one_in_the_page(tmp_path):
    page = tmp_path / "page.md"
    other = "# Title\n\n| other | table |\n| --- | --- |\n\ntext\n"
    page.write_text(other)
    error_bars.write_table(page, "| model | a |\n| --- | --- |\n| m | 1 |")
    error_bars.write_table(page, "| model | a |\n| --- | --- |\n| m | 2 |")
    assert page.read_text() == other + "\n| model | a |\n| --- | --- |\n| m | 2 |\n"


def test_results_are_kept_by_the_model(tmp_path):
    one, two = ({"parts": {"p": {"distance": np.array([x, 0.5])}}, "cpu": x} for x in (1.0, 2.0))
    error_bars.judged(tmp_path / "kept.json", {"a": one})
    kept = error_bars.judged(tmp_path / "kept.json", {"b": two})
    assert list(kept) == ["a", "b"] and kept["a"]["cpu"] == 1.0
    np.testing.assert_array_equal(kept["b"]["parts"]["p"]["distance"], [2.0, 0.5])
    kept = error_bars.judged(tmp_path / "kept.json", {"a": two})
    assert kept["a"]["cpu"] == 2.0 and len(kept) == 2


def test_references_are_of_the_suite():
    """Made of the replicas as they are, for models and temperatures that exist."""
    stored, made = json.loads(references.REFERENCES.read_text()), references.collected()
    assert stored.keys() == made.keys() <= CASES.keys()
    for name, known in stored.items():
        assert tuple(known["temperatures"]) == CASES[name].temperatures
        assert known["how"] == made[name]["how"]
        for part in error_bars.PARTS.keys() & known.keys():
            np.testing.assert_allclose(known[part]["value"], made[name][part]["value"], rtol=1e-5)
            np.testing.assert_allclose(known[part]["error"], made[name][part]["error"], rtol=0.05)
