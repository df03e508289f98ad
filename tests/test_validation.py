"""The validation page: it can fail, and it is what the command computes."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import validation
from validation import Comparison, Skipped

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "validation.md").read_text()
SOUND = Comparison("a number", 1.02, 0.01, 1.0, 0.0, "1", "a formula")


def test_a_difference_beyond_its_error_bar_fails(tmp_path, monkeypatch, capsys):
    assert SOUND.passed and replace(SOUND, error=0.005, open=0.01).passed
    for wrong in (replace(SOUND, error=0.005), replace(SOUND, value=float("nan")), replace(SOUND, reference=0.9)):
        assert not wrong.passed and replace(wrong, judged=False).passed
        monkeypatch.setattr(validation, "SECTIONS", {"One": (lambda wrong=wrong: iter([SOUND, wrong]),)})
        assert validation.main(["--output", str(tmp_path / "page.md")]) == 1
        assert "a number" in capsys.readouterr().out and "**✗**" in (tmp_path / "page.md").read_text()
    monkeypatch.setattr(validation, "SECTIONS", {"One": (lambda: iter([SOUND, Skipped("another", "no files")]),)})
    assert validation.main(["--output", str(tmp_path / "page.md")]) == 0
    assert "1 of 1 agree" in (tmp_path / "page.md").read_text() and "no files" in (tmp_path / "page.md").read_text()


@pytest.mark.parametrize("make", [validation.closed_form, validation.chern, validation.impurities])
def test_what_is_cheap_agrees_and_is_on_the_page(make):
    found = list(make())
    assert found and all(one.passed for one in found)
    for line in validation.table(found)[2:]:
        cells = [cell.strip() for cell in line.split("|")]
        assert any(
            row.startswith(f"| {cells[1]} |") and cells[3] in row and cells[-2] in row for row in PAGE.splitlines()
        )


def test_the_page_holds_all_sections_and_no_failure():
    assert all(f"## {title}" in PAGE for title in validation.SECTIONS) and "✗" not in PAGE
