"""`sidejump gallery`: cards are whole, pictures come out, mistakes are sentences."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sidejump.app import config, gallery
from sidejump.app.cli import main
from sidejump.app.pictures import KINDS
from sidejump.errors import InputError
from sidejump.reference import dirac

pytestmark = pytest.mark.usefixtures("pages")

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "gallery.md").read_text()
CARDS = gallery.cards()


def test_every_card_can_be_made_and_is_on_the_page():
    for name, card in CARDS.items():
        assert card.draw in gallery.DRAWN or card.draw in KINDS, name
        assert f"`sidejump gallery {name}`" in PAGE and f"](img/{name}.png)" in PAGE
        assert bool(card.needs) == bool(card.here) and card.minutes > 0
        for own in gallery._inputs(card):
            text = (gallery.CASES / own).read_text()
            if own.endswith(".toml"):
                config.validate(config.parse(text, own))
        if card.here:  # an example of the same name
            [example] = (ROOT / "examples").rglob(Path(card.here).name)
            if card.draw == "script":
                compile(example.read_text(), example, "exec")
                continue
            for curve in card.curves or [{}]:
                data = config.parse(example.read_text(), example)
                config.validate(gallery._changed(data, curve.get("set", {})))
    stored = {file.name for file in gallery.CASES.iterdir() if file.is_file()} - {"pictures.toml"}
    assert stored == {own for card in CARDS.values() for own in gallery._inputs(card)}


@pytest.mark.parametrize("name", [name for name, card in CARDS.items() if card.draw in KINDS and not card.here])
def test_a_result_is_drawn_as_its_card_says(empty_folder, monkeypatch, name):
    """With the input where the picture builds the model again, and without it where that would be refused."""
    asked = []
    job = type("Job", (), {"run": lambda self, advance: xr.Dataset({"nothing": 0.0})})
    monkeypatch.setattr(gallery, "prepare", lambda source: job())
    monkeypatch.setattr("sidejump.app.separation.read_any", lambda source: xr.Dataset({"nothing": 0.0}))
    monkeypatch.setitem(KINDS, CARDS[name].draw, asked.append)
    gallery.make({name: CARDS[name]}, empty_folder / "here", lambda *_: None, force=False)
    [one] = asked
    assert one.path == empty_folder / "here" / f"{name}.png" and one.times == tuple(CARDS[name].times)
    built_again = (
        CARDS[name].draw in ("bands", "fermi-surface", "competition") or CARDS[name].times or CARDS[name].limits
    )
    assert one.limits == CARDS[name].limits
    assert (one.given == empty_folder / "here" / CARDS[name].input) if built_again else one.given is None


def test_points_lie_on_the_lines_within_their_errors(empty_folder, monkeypatch):
    drawn = []
    monkeypatch.setattr("sidejump.plot.family.family_figure", lambda curves, *_, **__: drawn.extend(curves))
    card = gallery.Card(**{**vars(CARDS["gap"]), "masses": [0.05, 0.12]})
    gallery.make({"gap": card}, empty_folder / "here", lambda *_: None, force=False)
    assert len(drawn) == 3
    for t, curve in zip((0.05, 0.2, 2), drawn, strict=True):
        assert curve.x == pytest.approx([0.25, 0.6])
        expected = [dirac.phonon_side_jump(t, d) for d in curve.x]
        assert np.abs(curve.value - expected).max() < 3 * curve.error.max() + 1e-5
        assert (curve.error > 0).all() and (curve.error < 2.1e-3 * np.abs(curve.value)).all()


def test_a_picture_with_its_input_from_any_folder(empty_folder, capsys):
    assert main(["gallery", "separation", "-q"]) == 0
    made = {path.name for path in (empty_folder / "sidejump-gallery").iterdir()}
    assert made == {"films.csv", "separation.png"}
    assert main(["gallery", "separation", "-q"]) == 2 and "--force" in capsys.readouterr().err
    assert main(["gallery"]) == 0
    out = capsys.readouterr().out
    assert all(line.split()[0] in CARDS for line in out.splitlines()[:-1]) and len(out.splitlines()) == len(CARDS) + 1


def test_all_is_what_is_there(empty_folder, monkeypatch, capsys):
    """In the repository those of iron too; `quick` leaves out what takes long; costs are said first."""
    monkeypatch.chdir(ROOT)
    whole, quick = (set(gallery.chosen([word])) for word in ("all", "quick"))
    assert whole == {name for name, card in CARDS.items() if "EPW" not in card.needs}
    assert quick == {name for name in whole if CARDS[name].minutes <= gallery.QUICK} and "iron" in whole - quick
    monkeypatch.chdir(empty_folder)
    assert set(gallery.chosen(["all"])) == {name for name, card in CARDS.items() if not card.here}
    made = []
    monkeypatch.setitem(gallery.DRAWN, "figure1", lambda *_: made.append(1))
    monkeypatch.setitem(gallery.DRAWN, "films", lambda *_: made.append(capsys.readouterr().err))
    gallery.make(gallery.chosen(["separation", "figure1"]), empty_folder / "here", lambda *_: None, force=False)
    assert len(made) == 2 and "2 pictures" in made[0]
    assert "iron (needs the repository" in gallery.absent() and "iron_epw" in gallery.absent()


def test_a_script_makes_its_picture(empty_folder, capsys):
    script = empty_folder / "script.py"
    script.write_text("import sys\nfrom pathlib import Path\nPath(sys.argv[1]).write_text('picture')\n")
    card = gallery.Card("title", "shows", "script", 1.0, here=str(script), needs="it")
    gallery.make({"own": card}, empty_folder / "here", lambda *_: None, force=False)
    assert (empty_folder / "here" / "own.png").read_text() == "picture"
    script.write_text("raise SystemExit(3)")
    with pytest.raises(InputError, match="ended with status 3"):
        gallery.make({"own": card}, empty_folder / "here", lambda *_: None, force=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["gallery", "gab"], 'no picture "gab"'),
        (["gallery", "iron"], "examples/iron.toml: no such file"),
        (["gallery", "gap", "-o", "taken"], "taken: cannot be made"),
    ],
)
def test_mistakes_are_sentences(empty_folder, capsys, arguments, words):
    (empty_folder / "taken").write_text("a file")
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert words in err and err.count("\n") == 1 and "Traceback" not in err
    assert [path.name for path in empty_folder.iterdir()] == ["taken"]


def test_changes_reach_the_keys_they_name():
    data = {"electrons": {"mass": 1.0}, "scattering": [{"a": 1}, {"a": 2}]}
    changed = gallery._changed(data, {"scattering.1.a": 3, "electrons.tilt": [0, 1]})
    assert changed == {"electrons": {"mass": 1.0, "tilt": [0, 1]}, "scattering": [{"a": 1}, {"a": 3}]}
    assert data["scattering"][1]["a"] == 2
