"""The recorded terminal of the first page: what is to be seen at each moment is what was recorded."""

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from collections import namedtuple
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
SVG = "{http://www.w3.org/2000/svg}"
Character = namedtuple("Character", "data fg bold")


@pytest.fixture(scope="module")
def moving():
    spec = importlib.util.spec_from_file_location("moving", DOCS / "drawings" / "moving.py")
    module = sys.modules["moving"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seen_at(picture, seconds=None):
    """Lines to be seen after so many seconds, top first, by the rules of the picture's own style sheet; without
    animation if left out."""
    root = ET.fromstring(picture)
    style = root.find(SVG + "style").text
    total = {float(x) for x in re.findall(r"animation:\w+ ([\d.]+)s", style)}
    keys = {}
    for name, steps in re.findall(r"@keyframes (\w+)\{((?:[\d.]+%\{visibility:\w+\})+)\}", style):
        keys[name] = [(float(at), what) for at, what in re.findall(r"([\d.]+)%\{visibility:(\w+)\}", steps)]
    found = {}
    for group in root.iter(SVG + "g"):
        classes = group.get("class", "").split()
        visible = "gone" not in classes
        for name in classes:
            if seconds is not None and name in keys:
                visible = [what for at, what in keys[name] if at <= 100 * seconds / max(total)][-1] == "visible"
        if visible:
            texts = group.findall(SVG + "text")
            assert len({t.get("y") for t in texts}) == 1 and texts[0].get("y") not in found, "two texts on one line"
            found[texts[0].get("y")] = "".join(t.text for t in texts)
    return [found[y] for y in sorted(found, key=float)]


def frames_of(moving, *screens):
    return [
        moving.Frame(shown, true, tuple(((0, "default", line),) for line in lines)) for shown, true, lines in screens
    ]


def test_each_moment_has_its_screen_and_the_end_stays(moving):
    frames = frames_of(
        moving, (0, 0, ["$"]), (1, 1, ["$ run"]), (2, 2, ["$ run", "50 % & more"]), (3, 40, ["$ run", "done", "$"])
    )
    picture = moving.moving_picture(frames, "a <session>", 40)
    for frame in frames:
        for later in (0.01, 0.9):
            assert seen_at(picture, frame.shown + later) == [line[0][2] for line in frame.lines]
    assert seen_at(picture, 3 + moving.HOLD - 0.01) == ["$ run", "done", "$"] == seen_at(picture)
    assert ">real time 0:40<" in picture and "script" not in picture and "http" not in picture.replace(SVG[1:-1], "")


def test_runs_of_one_style_and_columns(moving):
    line = [Character("a", "default", False), Character(" ", "default", False), Character("b", "green", True)]
    line += [Character(" ", "default", False)] * 3
    assert moving.line_of(line) == ((0, "default", "a "), (2, "green*", "b"))
    assert moving.line_of(line[-3:]) == ()


def test_colours_of_black_ground_can_be_read_on_white(moving):
    """Light greys, for what matters, become dark ones and dark greys light; colours keep their hue."""
    assert moving.on_white("3a3a3a") == "#c5c5c5"
    green = moving.on_white("00ff00")
    rgb = [int(green[i : i + 2], 16) for i in (1, 3, 5)]
    assert rgb[0] == rgb[2] == 0 and 4.5 <= moving.contrast_with_white(rgb) < 5.1
    assert moving.contrast_with_white([0, 0, 0]) == pytest.approx(21) and moving.contrast_with_white([255] * 3) == 1
    for colour in moving.COLOURS.values():
        assert moving.contrast_with_white([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) >= moving.READABLE


def test_the_picture_of_the_first_page_ends_with_the_whole_session():
    picture = (DOCS / "img" / "first_minute.svg").read_text()
    last = "\n".join(seen_at(picture))
    assert '$ pip install -q "sidejump-' in last and "waits shortened" in picture
    for words in ("$ sidejump init dirac", "$ sidejump run dirac.toml", "estimate: 5 temperatures", "wrote dirac.html"):
        assert words in last
    assert "…" not in last and len(picture) < 300_000
    assert seen_at(picture, 0.0) == ["$"]
