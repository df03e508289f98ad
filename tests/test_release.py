"""What a release says of itself agrees: version, licence, title, Python versions, checks."""

import json
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import sidejump as sj

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
yaml = pytest.importorskip("yaml")
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def test_one_version():
    assert sj.__version__ == version("sidejump") == PROJECT["version"] == CITATION["version"]


def test_citation_and_archive_agree():
    archive = json.loads((ROOT / ".zenodo.json").read_text())
    assert archive["title"] == CITATION["title"] and archive["keywords"] == CITATION["keywords"]
    assert archive["license"] == CITATION["license"] == PROJECT["license"]
    assert [one["name"] for one in archive["creators"]] == [one["name"] for one in CITATION["authors"]]
    [paper] = CITATION["references"]
    assert archive["related_identifiers"][0]["identifier"] == paper["identifiers"][0]["value"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(CITATION["date-released"]))


def test_the_public_checks_call_the_same_targets():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    called = {line.split()[1] for line in lines}
    assert called <= targets and all(line.startswith("make ") for line in lines)
    [parts] = re.findall(r"^for part in (.*); do", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    # the long tests as well
    assert called >= set(parts.split()) - {"venv", "test"} | {"test-all"}


def test_every_python_that_is_claimed_is_tried():
    claimed = [line.split()[-1] for line in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", line)]
    assert WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"] == claimed
    assert PROJECT["requires-python"] == f">={claimed[0]}"


def test_forms_of_the_project_are_whole():
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        form = yaml.safe_load(path.read_text())
        assert path.name == "config.yml" or {"name", "description", "body"} <= set(form), path
